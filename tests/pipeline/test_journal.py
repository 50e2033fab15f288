"""The journal: what is written comes back, and what is damaged never does."""

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.clock import SystemClock
from pipeline.errors import InputError
from pipeline.journal import Journal, Kind, Record, parse_journal, read_journal

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
        records = parse_journal(content[:cut]).records
        assert records == whole[: sum(end <= cut for end in ends)], f"cut at {cut}"


def test_a_flipped_bit_anywhere_costs_its_record_and_no_other(content: bytes) -> None:
    whole = parse_journal(content).records
    dice = random.Random(1)
    for at in range(len(content)):
        damaged = bytearray(content)
        damaged[at] ^= 1 << dice.randrange(8)
        records = parse_journal(bytes(damaged)).records
        assert set(records) <= set(whole), f"a false record at byte {at}"
        assert len(records) >= len(whole) - 1, f"more than one record lost at byte {at}"


@given(st.binary(max_size=400))
def test_no_bytes_make_the_reader_raise(content: bytes) -> None:
    reading = parse_journal(b"VAGALJ1\n" + content)
    assert reading.damaged_bytes == len(content) - sum(len(bytes(record)) for record in reading.records)


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "journal.bin"
    with Journal(path, SystemClock(), {}), pytest.raises(FileExistsError):
        Journal(path, SystemClock(), {})


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
