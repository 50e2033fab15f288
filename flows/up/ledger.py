"""What landed in the folder, by content: so nothing is imported twice, whenever it was interrupted.

One SQLite file in the home. An arrival's id says nothing of the client or of the file's name.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from pipeline.errors import InputError
from pipeline.manifest import software

MOST_ATTEMPTS = 3

_BUSY_S = 30.0
_TABLES = """
create table if not exists arrivals (
    id text primary key, client text not null, path text not null, sha256 text not null,
    state text not null, landed_s real not null, changed_s real not null, attempts integer not null default 0,
    session text, reason text, version text not null);
create table if not exists seen (path text primary key, stamp text not null, id text not null);
"""
_COLUMNS = "id, client, path, sha256, state, landed_s, changed_s, attempts, session, reason"


class State(StrEnum):
    """How far an arrival has come."""

    WAITING = "waiting"
    IMPORTED = "imported"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Arrival:
    """One recording that landed; `path` is relative to the watched folder.

    `session` is named before it is written, so that it is there or not after a crash. `reason` says why it
    was refused, or why an imported session has no report.
    """

    id: str
    client: str
    path: str
    sha256: str
    state: State
    landed_s: float
    changed_s: float
    attempts: int
    session: str | None
    reason: str | None


class Ledger:
    """The arrivals of one home. Raises InputError if its file cannot be used."""

    def __init__(self, path: Path, wall: Callable[[], float] = time.time) -> None:
        self._path, self._wall = path, wall
        with self._open() as db:
            db.executescript(_TABLES)

    def land(self, client: str, path: str, stamp: str, sha256: str) -> str:
        """Note that a recording lies at a path; its id. What is known already stays as far as it has come."""
        arrival = arrival_id(client, sha256)
        with self._open() as db:
            db.execute("insert or replace into seen values (?, ?, ?)", (path, stamp, arrival))
            db.execute(
                "insert into arrivals (id, client, path, sha256, state, landed_s, changed_s, version)"
                " values (?, ?, ?, ?, 'waiting', ?, ?, ?)"
                " on conflict (id) do nothing",
                (arrival, client, path, sha256, self._wall(), self._wall(), software()["version"]),
            )
        return arrival

    def seen(self, path: str, stamp: str) -> str | None:
        """The id of what lies at a path, if that was noted and has not changed since."""
        with self._open() as db:
            row = db.execute("select id from seen where path = ? and stamp = ?", (path, stamp)).fetchone()
        return None if row is None else str(row[0])

    def read(self, arrival: str) -> Arrival | None:
        """An arrival; None if there is none of this id."""
        return next(iter(self._select("where id = ?", (arrival,))), None)

    def reasons(self) -> dict[str, tuple[State, str | None]]:
        """How far each arrival has come, and the reason if there is one, by id."""
        with self._open() as db:
            rows = db.execute("select id, state, reason from arrivals").fetchall()
        return {row["id"]: (State(row["state"]), row["reason"]) for row in rows}

    def waiting(self) -> list[Arrival]:
        """What is still to be imported, in the order of its landing."""
        return self._select("where state = 'waiting' order by landed_s, path")

    def latest(self, most: int) -> list[Arrival]:
        """What was imported, the latest first."""
        return self._select("where state = 'imported' order by changed_s desc limit ?", (most,))

    def begin(self, arrival: str) -> None:
        """Count an attempt, before it is made."""
        self._set(arrival, "attempts = attempts + 1")

    def name_session(self, arrival: str, session: str) -> None:
        """Note which session an arrival becomes, before it is written."""
        self._set(arrival, "session = ?", session)

    def imported(self, arrival: str, reason: str | None = None) -> None:
        """The session is stored; `reason` says why it has no report."""
        self._set(arrival, "state = 'imported', reason = ?", reason)

    def delay(self, arrival: str, reason: str) -> None:
        """It could not be stored, and may be the next time."""
        self._set(arrival, "reason = ?", reason)

    def refuse(self, arrival: str, reason: str) -> None:
        """It cannot be imported as it is."""
        self._set(arrival, "state = 'refused', session = null, reason = ?", reason)

    def forget(self, arrival: str) -> None:
        """It is gone, or another by now: what lies there is looked at afresh."""
        with self._open() as db:
            db.execute("delete from seen where id = ?", (arrival,))
            db.execute("delete from arrivals where id = ? and state != 'imported'", (arrival,))

    def try_again(self) -> None:
        """Let what another version refused, or what was interrupted too often, be tried once more."""
        with self._open() as db:
            db.execute(
                "update arrivals set state = 'waiting', attempts = 0, version = ?"
                " where state != 'imported' and (version != ? or attempts >= ?)",
                (software()["version"], software()["version"], MOST_ATTEMPTS),
            )

    def _set(self, arrival: str, what: str, *values: Any) -> None:
        with self._open() as db:
            db.execute(
                f"update arrivals set {what}, changed_s = ? where id = ?",  # noqa: S608 - our own words
                (*values, self._wall(), arrival),
            )

    def _select(self, which: str, values: Sequence[Any] = ()) -> list[Arrival]:
        with self._open() as db:
            rows = db.execute(f"select {_COLUMNS} from arrivals {which}", values).fetchall()  # noqa: S608
        return [Arrival(**{**row, "state": State(row["state"])}) for row in rows]

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A connection for one transaction, which is on disk at the end."""
        try:
            with closing(sqlite3.connect(self._path, timeout=_BUSY_S)) as db, db:
                db.row_factory = sqlite3.Row
                yield db
        except sqlite3.Error as error:
            raise InputError(f"{self._path}: what landed cannot be noted ({error})") from error


def arrival_id(client: str, sha256: str) -> str:
    """What identifies a recording of a client by its content."""
    return hashlib.sha256(f"{client}/{sha256}".encode()).hexdigest()[:20]
