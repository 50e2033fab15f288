"""Sealing, reading back, recovering: one valid copy at each moment, and the same session from it."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from devices.decoding import decode
from pipeline.errors import InputError, UsageError
from pipeline.model import Pacer, PhaseKind, Recording, Stream
from pipeline.sealing import read_table, records_of, seal
from pipeline.store import Home, is_session, read_session, recording_lock, recover, save_import
from pipeline.verification import problems_of
from tests.pipeline.sessions import records, write_journal


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def folder(home: Home) -> Path:
    folder = home.new_session("c1", 1.8e9)
    write_journal(folder, records())
    return folder


def test_a_sealed_session_holds_all_that_was_recorded(folder: Path) -> None:
    seal(folder, decode)
    session = read_session(folder)
    assert session.client == "c1"
    assert [(phase.name, phase.kind, phase.pacer) for phase in session.phases] == [
        ("Baseline", PhaseKind.BASELINE, None),
        ("Paced", PhaseKind.PACED, Pacer(6.0, 0.4)),
    ]
    assert [phase.end_s for phase in session.phases] == [60.5, 120.5]
    assert [(marker.kind, marker.text) for marker in session.markers] == [("note", "door – <b>bang</b>")]
    assert session.ratings[0].value == 4
    assert session.devices[0].serial_hash == "ab"
    assert session.duration_s == 120.5
    assert len(session.streams["rr"]) == 150
    assert not session.recovered
    assert session.simulated
    assert not (folder / "journal.bin").exists()


def test_raw_keeps_every_record_and_streams_can_be_rebuilt_from_it(folder: Path) -> None:
    sealed = seal(folder, decode)
    kept = records_of(read_table(folder / "raw.parquet"))
    assert kept == records()
    rebuilt, _ = decode(kept)
    np.testing.assert_array_equal(rebuilt["rr"].time_s, sealed.streams["rr"].time_s)


@pytest.mark.parametrize("lost", [0, 1, 7, 200], ids="{}-bytes-lost".format)
def test_recover_yields_the_session_as_far_as_it_was_written(home: Home, folder: Path, lost: int) -> None:
    journal = folder / "journal.bin"
    journal.write_bytes(journal.read_bytes()[: -lost or None])
    assert [recovery.trouble for recovery in recover(home, decode)] == [None]
    session = read_session(folder)
    assert session.recovered
    assert session.client == "c1"
    assert [phase.name for phase in session.phases] == ["Baseline", "Paced"]
    assert len(session.markers) == 1
    assert recover(home, decode) == []


def test_recover_after_a_crash_between_manifest_and_journal(home: Home, folder: Path) -> None:
    journal = (folder / "journal.bin").read_bytes()
    seal(folder, decode)
    manifest = (folder / "session.json").read_bytes()
    (folder / "journal.bin").write_bytes(journal)
    recover(home, decode)
    assert (folder / "session.json").read_bytes() == manifest
    assert not (folder / "journal.bin").exists()


def test_recover_leaves_a_running_session_alone(home: Home, folder: Path) -> None:
    with recording_lock(folder):
        assert recover(home, decode) == []
        with pytest.raises(UsageError, match="being recorded by another process"), recording_lock(folder):
            pass
    assert not is_session(folder)


def test_a_journal_without_a_header_is_left_and_named(home: Home, folder: Path) -> None:
    (folder / "journal.bin").write_bytes(b"VAGALJ1\nrubbish")
    [recovery] = recover(home, decode)
    assert recovery.trouble is not None
    assert "no readable header" in recovery.trouble
    assert (folder / "journal.bin").exists()


@pytest.mark.parametrize("file", ["raw.parquet", "streams/rr.parquet"])
def test_a_flipped_bit_is_found_and_named(folder: Path, file: str) -> None:
    seal(folder, decode)
    assert problems_of(folder) == []
    content = bytearray((folder / file).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / file).write_bytes(content)
    assert problems_of(folder) == [f"{folder / file}: has changed since it was sealed"]


def test_a_session_from_a_later_version_is_refused_with_advice(folder: Path) -> None:
    seal(folder, decode)
    path = folder / "session.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema_version": 99}))
    with pytest.raises(InputError, match=r"later version of vagal .* update vagal"):
        read_session(folder)


def test_an_import_is_stored_whole_or_not_at_all(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    rr = Stream("rr", np.array([0.8, 1.6]), {"rr_ms": np.array([800.0, 800.0])})
    recording = Recording("x", "rr-text", "", 1.6, {"rr": rr}, client="c2")
    folder = save_import(home, recording, {"rr.txt": b"800\n800\n"}, 1.8e9)
    [kept] = records_of(read_table(folder / "raw.parquet"))
    assert (kept.stream, kept.payload) == ("rr.txt", b"800\n800\n")
    assert read_session(folder).recording_id == folder.name

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        save_import(home, recording, {"rr.txt": b"800\n"}, 1.8e9)
    assert list((home.sessions_path / "c2").iterdir()) == [folder]


def test_sessions_are_found_by_the_beginning_of_their_name(home: Home, folder: Path) -> None:
    seal(folder, decode)
    assert home.find("last") == home.find(folder.name[:12]) == home.find(str(folder)) == folder
    with pytest.raises(InputError, match="no such file, folder or session"):
        home.find("1999")


def test_a_serial_number_is_kept_only_as_a_hash_of_this_home(home: Home, tmp_path: Path) -> None:
    here, elsewhere = home.hash_serial("A1B2"), Home(tmp_path / "other").hash_serial("A1B2")
    assert here == home.hash_serial("A1B2")
    assert here != elsewhere
    assert "A1B2" not in here
