"""The journal: what is written comes back, and what is damaged never does."""

import errno
import os
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.clock import SystemClock
from pipeline.errors import InputError
from pipeline.journal import Journal, JournalTail, Kind, Record, parse_journal, read_journal

RECORDS = [
    (Kind.DEVICE, "heart_rate", b'{"name": "strap"}'),
    (Kind.DATA, "heart_rate/measurement", bytes.fromhex("103c0004")),
    (Kind.DATA, "healthypi_move/conductance", b"\xa5\x5a" * 8),  # looks like a frame's beginning
    (Kind.PHASE, "", '{"name": "Ruhe – Übung"}'.encode()),
    (Kind.DATA, "heart_rate/measurement", b""),
    (Kind.END, "", b"{}"),
]


@pytest.fixture
def content(tmp_path: Path) -> bytes:
    with Journal(tmp_path / "journal.bin", SystemClock(), {"client": "c1"}) as journal:
        for kind, stream, payload in RECORDS:
            journal.append(kind, stream, payload, generation=1)
    return (tmp_path / "journal.bin").read_bytes()


def test_what_is_written_comes_back(content: bytes) -> None:
    reading = parse_journal(content)
    assert reading.damaged_bytes == 0
    header, *rest = reading.records
    assert header.kind is Kind.HEADER
    assert header.facts["client"] == "c1"
    assert [(record.kind, record.stream, record.payload) for record in rest] == RECORDS
    assert [record.sequence for record in reading.records] == list(range(len(RECORDS) + 1))


def test_truncated_at_every_offset_the_whole_records_before_it_remain(content: bytes) -> None:
    whole = parse_journal(content).records
    ends = _ends(content)
    for cut in range(len(content)):
        reading = parse_journal(content[:cut])
        assert reading.records == whole[: sum(end <= cut for end in ends)], f"cut at {cut}"
        assert reading.whole, f"a torn tail is no damage, cut at {cut}"


def test_a_flipped_bit_anywhere_costs_its_record_and_no_other(content: bytes) -> None:
    whole = parse_journal(content).records
    dice = random.Random(1)
    for at in range(len(content)):
        damaged = bytearray(content)
        damaged[at] ^= 1 << dice.randrange(8)
        reading = parse_journal(bytes(damaged))
        assert set(reading.records) <= set(whole), f"a false record at byte {at}"
        assert len(reading.records) >= len(whole) - 1, f"more than one record lost at byte {at}"
        in_last = at >= _ends(content)[-2]
        assert reading.whole == in_last, f"byte {at}"
        assert reading.missing == (0 if in_last else len(whole) - len(reading.records)), f"byte {at}"


@pytest.mark.parametrize(
    ("left_out", "whole", "missing"),
    [
        pytest.param([], True, 0, id="none"),
        pytest.param([2], False, 1, id="one inside"),
        pytest.param([1, 2, 4], False, 3, id="several"),
        pytest.param([6], True, 0, id="the last, which nothing tells of"),
    ],
)
def test_a_jump_in_the_sequence_tells_of_missing_records(
    content: bytes, left_out: list[int], whole: bool, missing: int
) -> None:
    records = parse_journal(content).records
    left = b"".join(bytes(record) for record in records if record.sequence not in left_out)
    reading = parse_journal(content[:8] + left)
    assert (reading.damaged_bytes, reading.whole, reading.missing) == (0, whole, missing)


def test_a_record_of_a_later_kind_is_no_torn_tail(content: bytes) -> None:
    later = Record(99, "a/b", len(RECORDS) + 1, 1, 0.5, 1e9, None, b"x")  # type: ignore[arg-type]
    reading = parse_journal(content + bytes(later))
    assert reading.records == parse_journal(content).records
    assert (reading.damaged_bytes, reading.torn_bytes, reading.missing) == (len(bytes(later)), 0, 1)
    assert not reading.whole


def test_a_tail_longer_than_a_cut_can_tear_is_damage(content: bytes) -> None:
    size, records = len(content) - 8, len(RECORDS) + 1
    reading = parse_journal(content + bytes(1000 * size))
    assert parse_journal(content + bytes(1000)).whole
    assert (reading.whole, reading.missing) == (False, 1000 * records)


@given(st.binary(max_size=400))
def test_no_bytes_make_the_reader_raise(content: bytes) -> None:
    reading = parse_journal(b"VAGALJ1\n" + content)
    assert reading.damaged_bytes == len(content) - sum(len(bytes(record)) for record in reading.records)


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "journal.bin"
    with Journal(path, SystemClock(), {}), pytest.raises(FileExistsError):
        Journal(path, SystemClock(), {})


def _no_room(_: int) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_closing_does_not_hide_what_went_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path / "journal.bin", SystemClock(), {})
    monkeypatch.setattr(os, "fsync", _no_room)
    with pytest.raises(InputError, match="the sensor is gone"), journal:
        raise InputError("the sensor is gone")
    assert journal._file.closed


def test_closing_tells_that_the_rest_is_not_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path / "journal.bin", SystemClock(), {})
    monkeypatch.setattr(os, "fsync", _no_room)
    with pytest.raises(OSError, match="No space left"), journal:
        pass
    assert journal._file.closed


def test_a_missing_journal_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"journal\.bin: No such file"):
        read_journal(tmp_path / "journal.bin")


def test_session_time_starts_with_the_header(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.bin", SystemClock(), {}) as journal:
        record = journal.append(Kind.DATA, "a/b", b"1")
    assert 0 <= record.arrival_s < 60


def _ends(content: bytes) -> list[int]:
    """Where each record of a journal ends."""
    at, ends = len(b"VAGALJ1\n"), []
    for record in parse_journal(content).records:
        at += len(bytes(record))
        ends.append(at)
    return ends


def test_records_compare_by_value() -> None:
    record = Record(Kind.DATA, "a/b", 1, 1, 0.5, 1e9, None, b"x")
    assert parse_journal(b"VAGALJ1\n" + bytes(record)).records == (record,)


class TestTail:
    @pytest.mark.parametrize("step", [1, 7, 64, 10_000])
    def test_read_while_it_grows_each_record_comes_once(
        self, content: bytes, tmp_path: Path, step: int
    ) -> None:
        path, found = tmp_path / "growing.bin", list[Record]()
        path.touch()
        tail, ends = JournalTail(path), _ends(content)
        for start in range(0, len(content), step):
            with path.open("ab") as file:
                file.write(content[start : start + step])
            found += tail.read()
            assert len(found) == sum(end <= start + step for end in ends)
        assert tuple(found) == parse_journal(content).records
        assert tail.read() == []
        tail.close()

    def test_what_is_damaged_is_passed_over(self, content: bytes, tmp_path: Path) -> None:
        path, ends = tmp_path / "damaged.bin", _ends(content)
        path.write_bytes(content[: ends[1] + 20] + b"\0" + content[ends[1] + 21 :])
        tail = JournalTail(path)
        assert tuple(tail.read()) == parse_journal(path.read_bytes()).records
        tail.close()

    def test_a_record_inside_one_that_is_still_written_is_none(self, content: bytes, tmp_path: Path) -> None:
        inner = bytes(parse_journal(content).records[1])
        outer = bytes(Record(Kind.DATA, "a/b", 9, 0, 1.0, 1.0, None, inner + b"more"))
        path = tmp_path / "growing.bin"
        path.write_bytes(outer[:-1])
        tail = JournalTail(path)
        assert tail.read() == []
        with path.open("ab") as file:
            file.write(outer[-1:])
        assert [record.payload for record in tail.read()] == [inner + b"more"]
        tail.close()

    def test_one_that_is_not_there_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="No such file"):
            JournalTail(tmp_path / "journal.bin")
