"""HeartMath emWave databases (.emdb): pulse intervals of a session, from SQLite.

Sessions stand in a table `PrimaryData`, or `Session`; of their columns `IBIStartTime` and `IBIEndTime` are
seconds since 1970, `LiveIBI` the intervals in ms as 32-bit integers, 0 where the sensor lost the pulse, and
`Endian` their byte order (0 big, 1 little). Who the sessions are of is not read.

The database is only a copy in memory, and no more than a plain table is asked of it: what a view, a trigger
or a virtual table in it would do is never done.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from devices.exports.intervals import LONGEST_MS
from devices.exports.limits import UNIX_S
from devices.exports.reader import Source, unneeded
from pipeline.errors import InputError
from pipeline.model import DeviceInfo, Floats, Recording, Stream

_MAGIC = b"SQLite format 3\0"
_TABLES = ("PrimaryData", "Session")
_NEEDED = frozenset({"ibistarttime", "ibiendtime", "endian", "liveibi"})
_BIG, _LITTLE = 0, 1
_DTYPES = {_BIG: ">i4", _LITTLE: "<i4"}
_MOST_BYTES = 4_000_000  # of one session's intervals: a week
_MOST_SESSIONS = 100_000
_STEPS, _MOST_CALLS = 100_000, 300  # of SQLite's machine: about a second
_UNCOVERED_S, _UNCOVERED = 5.0, 0.02
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class _Session:
    rowid: int
    start_s: float
    end_s: float


class EmWave:
    """Reads the newest session of an emWave database."""

    name = "emwave"
    label = "HeartMath emWave (.emdb)"
    proven = False

    def recognises(self, source: Source) -> bool:
        """Whether this is one SQLite database with a table of emWave sessions."""
        name = source.only
        if name is None or not source.head(name).startswith(_MAGIC):
            return False
        try:
            with closing(_opened(source.files[name])) as database:
                return _table(database) is not None
        except (InputError, sqlite3.Error, UnicodeError, OverflowError, MemoryError):
            return False

    def read(self, source: Source, unit: str | None) -> Recording:
        """The recording: stream `pp`. Raises InputError for a damaged database or one without intervals."""
        name = source.only or ""
        where = source.where(name)
        try:
            with closing(_opened(source.files[name])) as database:
                sessions = _sessions(database, where)
                session = sessions[0]
                written_ms = _intervals(database, session, where)
        except (sqlite3.Error, UnicodeError, OverflowError, MemoryError) as error:
            raise InputError(f"{where}: the database is damaged ({error})") from error
        pp_ms = np.where(written_ms == 0, np.nan, written_ms)
        time_s = np.cumsum(np.where(pp_ms > 1, pp_ms, 1.0)) / 1000  # time has to rise: a bad one takes 1 ms
        return Recording(
            recording_id=source.title,
            source=self.name,
            sha256=source.sha256,
            duration_s=float(time_s[-1]),
            streams={"pp": Stream("pp", time_s, {"pp_ms": pp_ms})},
            started_at=datetime.fromtimestamp(session.start_s, UTC),
            devices=(DeviceInfo(name="HeartMath emWave", driver=self.name),),
            units={"pp": "ms (fixed by the format)"},
            notices=(
                *_other_sessions(sessions),
                *_time_notice(session, float(time_s[-1])),
                *unneeded(unit, "emWave counts in ms"),
            ),
        )


def _opened(content: bytes) -> sqlite3.Connection:
    """The database in memory, able to do nothing but read plain tables."""
    if len(content) < 100:
        raise InputError("the database ends within its header")
    image = bytearray(content)
    image[18:20] = b"\x01\x01"  # written ahead or not: there is no log beside a copy in memory
    database = sqlite3.connect(":memory:")
    try:
        database.deserialize(bytes(image))
        database.text_factory = lambda text: text.decode("utf-8", "replace")
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MOST_BYTES)
        for pragma in ("trusted_schema=OFF", "query_only=ON", "cell_size_check=ON", "mmap_size=0"):
            database.execute(f"PRAGMA {pragma}")
        database.set_authorizer(_allowed)
        calls = iter(range(_MOST_CALLS))
        database.set_progress_handler(lambda: next(calls, None) is None, _STEPS)
    except BaseException:
        database.close()
        raise
    return database


def _allowed(action: int, *_: str | None) -> int:
    return (
        sqlite3.SQLITE_OK if action in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ) else sqlite3.SQLITE_DENY
    )


def _table(database: sqlite3.Connection) -> str | None:
    """The plain table that holds sessions; None if there is none."""
    found = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchmany(1000)
    plain = {name for name, sql in found if isinstance(sql, str) and sql.upper().startswith("CREATE TABLE")}
    for table in _TABLES:
        if table in plain:
            asked = database.execute(f'SELECT * FROM "{table}" WHERE rowid IS NULL')  # noqa: S608
            if {column[0].lower() for column in asked.description} >= _NEEDED:
                return table
    return None


def _sessions(database: sqlite3.Connection, where: str) -> list[_Session]:
    """The sessions that have intervals, the newest first. Raises InputError if there is none."""
    table = _table(database)
    rows = database.execute(f'SELECT rowid, IBIStartTime, IBIEndTime, LiveIBI FROM "{table}"')  # noqa: S608
    found = []
    for count, (rowid, start_s, end_s, intervals) in enumerate(rows):
        if count >= _MOST_SESSIONS:
            raise InputError(f"{where}: holds more than {_MOST_SESSIONS:,} sessions")
        times = (start_s, end_s)
        timed = all(isinstance(each, int | float) and UNIX_S[0] < each < UNIX_S[1] for each in times)
        if timed and isinstance(intervals, bytes) and len(intervals) >= 4:
            found.append(_Session(rowid, float(start_s), float(end_s)))
    if not found:
        raise InputError(f"{where}: holds no session with pulse intervals")
    return sorted(found, key=lambda each: each.start_s, reverse=True)


def _intervals(database: sqlite3.Connection, session: _Session, where: str) -> Floats:
    """The intervals as they stand. Raises InputError for what can't be intervals."""
    table = _table(database)
    query = f'SELECT LiveIBI, Endian FROM "{table}" WHERE rowid = ?'  # noqa: S608
    asked = database.execute(query, (session.rowid,))
    intervals, order = asked.fetchone()
    when = _shown(session)
    if order not in _DTYPES:
        raise InputError(f"{where}: the session of {when} has the byte order {order!r}, not 0 or 1")
    if len(intervals) % 4:
        raise InputError(f"{where}: the intervals of the session of {when} are cut off")
    written_ms = np.frombuffer(intervals, _DTYPES[order]).astype(np.float64)
    if np.any((written_ms < 0) | (written_ms > LONGEST_MS)):
        row = int(np.argmax((written_ms < 0) | (written_ms > LONGEST_MS)))
        raise InputError(
            f"{where}: interval {row + 1} of the session of {when} is {written_ms[row]:.0f} ms, which is none"
        )
    if not written_ms.any():
        raise InputError(f"{where}: in the session of {when} no pulse was found")
    return written_ms


def _shown(session: _Session) -> str:
    return f"{datetime.fromtimestamp(session.start_s, UTC):%Y-%m-%d %H:%M} UTC"


def _other_sessions(sessions: list[_Session]) -> Iterator[str]:
    others = sessions[1:]
    if not others:
        return
    named = ", ".join(map(_shown, others[:_SHOWN]))
    more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
    yield (
        f"the newest of {len(sessions)} sessions is read, of {_shown(sessions[0])}; not those of "
        f"{named}{more}, which may be another person's"
    )


def _time_notice(session: _Session, covered_s: float) -> Iterator[str]:
    """Where the intervals don't fill the time between the session's start and end."""
    open_s = session.end_s - session.start_s - covered_s
    if abs(open_s) > max(_UNCOVERED_S, _UNCOVERED * covered_s):
        yield (
            f"the intervals cover {covered_s:.0f} s of a session of {session.end_s - session.start_s:.0f} s; "
            "where the rest was lost is not known, so later moments are too early"
        )
