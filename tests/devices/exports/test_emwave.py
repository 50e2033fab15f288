"""emWave databases built as documented: byte orders, several sessions, hostile schemas, damage."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from devices.exports.checked import checked
from devices.exports.emwave import EmWave
from devices.exports.reader import Source
from pipeline.errors import InputError
from pipeline.model import Recording
from tests.devices.exports.damaged import bear_damage

START = 1_600_000_000
VIEW = "CREATE VIEW PrimaryData AS SELECT 1 IBIStartTime, 1 IBIEndTime, 1 Endian, 1 LiveIBI"
LAYOUT = "(IBIStartTime INTEGER, IBIEndTime INTEGER, Endian INTEGER, LiveIBI BLOB)"


def database(*sessions: tuple[int, int, list[int]], table: str = "PrimaryData", extra: str = "") -> bytes:
    with closing(sqlite3.connect(":memory:")) as built:
        built.execute(f"CREATE TABLE {table} {LAYOUT}")
        for start, order, intervals in sessions:
            blob = np.array(intervals, "<i4" if order == 1 else ">i4").tobytes()
            row = (start, start + sum(intervals) // 1000, order, blob)
            built.execute(f"INSERT INTO {table} VALUES (?, ?, ?, ?)", row)
        built.executescript(extra)
        built.commit()
        return built.serialize()


def read(content: bytes) -> Recording:
    source = Source(Path("a.emdb"), {"a.emdb": content})
    assert EmWave().recognises(source)
    return checked(source, EmWave().read(source, None))


@pytest.mark.parametrize("table", ["PrimaryData", "Session"])
@pytest.mark.parametrize("order", [0, 1], ids=["big", "little"])
def test_intervals_in_either_order_and_table(order: int, table: str) -> None:
    recording = read(database((START, order, [800, 0, 900]), table=table))
    np.testing.assert_array_equal(recording.streams["pp"].value, [800, np.nan, 900])
    assert recording.streams["pp"].time_s.tolist() == pytest.approx([0.8, 0.801, 1.701])
    assert str(recording.started_at) == "2020-09-13 12:26:40+00:00"
    assert recording.notices == ("1 of 3 intervals is missing in the file",)


def test_the_newest_of_several_sessions() -> None:
    recording = read(database((START, 1, [800]), (START + 86_400, 1, [700, 710])))
    assert recording.streams["pp"].value.tolist() == [700, 710]
    assert "the newest of 2 sessions is read" in recording.notices[0]
    assert "2020-09-13 12:26 UTC" in recording.notices[0]


def test_a_database_written_ahead_is_read() -> None:
    content = bytearray(database((START, 1, [800])))
    content[18:20] = b"\x02\x02"
    assert len(read(bytes(content)).streams["pp"]) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (database(), "holds no session"),
        (database((START, 1, [0, 0])), "no pulse was found"),
        (database((START, 1, [800, -1])), "interval 2 .* is -1 ms"),
        (database((START, 1, [800]), extra="UPDATE PrimaryData SET Endian = 7"), "byte order 7"),
        (database((START, 1, [800]), extra="UPDATE PrimaryData SET LiveIBI = x'0102030405'"), "cut off"),
    ],
    ids=["empty", "no pulse", "negative", "byte order", "odd length"],
)
def test_what_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(content)


@pytest.mark.parametrize(
    "content",
    [
        database(table="Other", extra=VIEW),
        database(table="Other"),
        b"SQLite format 3\0",
    ],
    ids=["a view", "another table", "header only"],
)  # fmt: skip
def test_what_is_not_recognised(content: bytes) -> None:
    assert not EmWave().recognises(Source(Path("a.emdb"), {"a.emdb": content}))


def test_damage() -> None:
    content = database((START, 1, [800] * 300))
    assert bear_damage(EmWave, Path("a.emdb"), {"a.emdb": content}, "a.emdb") > 0
