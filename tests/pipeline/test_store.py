"""Sealing, reading back, recovering: one valid copy at each moment, and the same session from it."""

import json
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devices.decoding import decode
from pipeline.errors import InputError, InUseError, UsageError
from pipeline.journal import Kind, Record
from pipeline.model import DeviceInfo, Marker, Pacer, PhaseKind, Rating, Recording, Stream
from pipeline.sealing import read_table, records_of, seal, write_file
from pipeline.store import (
    Home,
    Recovery,
    RecoveryState,
    is_session,
    make_folder,
    read_session,
    recording_lock,
    recover,
    save_import,
)
from pipeline.verification import problems_of
from tests.pipeline.sessions import event, numbered, records, write_journal

SHOWN = replace(event(Kind.SHOWN, 2.0, {"hr_bpm": 75.0}), sequence=len(records()))


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
    assert session.notices == ()
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
    assert session.notices == ()
    assert [path.name for path in folder.glob("journal.*")] == []
    assert recover(home, decode) == []


def _without(journal: bytes, record: Record) -> bytes:
    return journal.replace(bytes(record), b"")


def _damaged(journal: bytes, record: Record) -> bytes:
    return journal.replace(bytes(record), bytes(len(bytes(record))))


@pytest.mark.parametrize(
    ("spoil", "notice"),
    [
        pytest.param(
            lambda journal, made: _damaged(journal, made[-1]) + bytes(made[-1]),
            f"{len(bytes(records()[-1]))} bytes of the journal could not be read; no record is missing; ",
            id="bytes only",
        ),
        pytest.param(
            lambda journal, made: _damaged(journal, made[9]),
            f"{len(bytes(records()[9]))} bytes of the journal could not be read; about 1 record is missing; ",
            id="a damaged record",
        ),
        pytest.param(
            lambda journal, made: _without(_without(journal, made[9]), made[20]),
            "0 bytes of the journal could not be read; about 2 records are missing; ",
            id="jumps in the sequence",
        ),
    ],
)
def test_a_journal_that_cannot_be_read_in_full_is_kept_and_told_of(
    home: Home, folder: Path, spoil: Callable[[bytes, list[Record]], bytes], notice: str
) -> None:
    path = folder / "journal.bin"
    path.write_bytes(spoil(path.read_bytes(), records()))
    kept = path.read_bytes()
    assert recover(home, decode) == [Recovery(folder)]
    assert read_session(folder).notices == (notice + "the journal was kept as journal.damaged",)
    assert (folder / "journal.damaged").read_bytes() == kept
    assert not path.exists()
    assert recover(home, decode) == []


def test_recover_a_session_killed_before_its_first_phase(home: Home, folder: Path) -> None:
    write_journal(folder, records()[:2])
    recover(home, decode)
    session = read_session(folder)
    assert (session.client, session.phases) == ("c1", ())


def test_recover_after_a_crash_between_manifest_and_journal(home: Home, folder: Path) -> None:
    journal = (folder / "journal.bin").read_bytes()
    seal(folder, decode)
    manifest = (folder / "session.json").read_bytes()
    (folder / "journal.bin").write_bytes(journal)
    recover(home, decode)
    assert (folder / "session.json").read_bytes() == manifest
    assert not (folder / "journal.bin").exists()


@pytest.mark.parametrize("file", ["raw.parquet", "streams/rr.parquet", "shown.parquet", "session.json"])
@pytest.mark.parametrize("fault", ["missing", "changed"])
def test_recover_keeps_the_journal_of_a_session_that_is_not_whole(
    home: Home, folder: Path, file: str, fault: str
) -> None:
    """It seals again: the journal is the only whole copy."""
    journal = write_journal(folder, [*records(), SHOWN]).read_bytes()
    seal(folder, decode)
    (folder / "journal.bin").write_bytes(journal)
    (folder / file).unlink() if fault == "missing" else (folder / file).write_bytes(b"")
    assert recover(home, decode) == [Recovery(folder)]
    assert problems_of(folder) == []
    assert read_session(folder).recovered
    assert not (folder / "journal.bin").exists()


def test_recover_after_a_crash_before_a_damaged_journal_was_put_away(home: Home, folder: Path) -> None:
    path = folder / "journal.bin"
    path.write_bytes(_damaged(path.read_bytes(), records()[9]))
    journal = path.read_bytes()
    seal(folder, decode)
    (folder / "journal.damaged").rename(path)
    manifest = (folder / "session.json").read_bytes()
    recover(home, decode)
    assert (folder / "session.json").read_bytes() == manifest
    assert (folder / "journal.damaged").read_bytes() == journal


def test_recover_leaves_a_running_session_alone_and_says_so(home: Home, folder: Path) -> None:
    trouble = f"session {folder.name} is being recorded by another process"
    with recording_lock(folder):
        assert recover(home, decode) == [Recovery(folder, RecoveryState.IN_USE, trouble)]
        with pytest.raises(InUseError, match=trouble), recording_lock(folder):
            pass
    assert issubclass(InUseError, UsageError)
    assert not is_session(folder)


def test_recover_does_not_report_what_another_process_sealed_meanwhile(
    home: Home, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def late_lock(folder: Path) -> Iterator[None]:
        seal(folder, decode)
        with recording_lock(folder):
            yield

    monkeypatch.setattr("pipeline.store.recording_lock", late_lock)
    assert recover(home, decode) == []


def test_a_lock_does_not_create_the_session(home: Home) -> None:
    folder = home.new_session("c1", 1.8e9)
    with pytest.raises(InputError, match="no such session"), recording_lock(folder):
        pass
    assert not folder.exists()


def test_recover_sweeps_what_killed_imports_left(home: Home, folder: Path) -> None:
    """Older than an hour, named as an import names it, and nothing else."""
    hour_ago = time.time() - 3700
    old, new, other = (
        folder.with_name(name) for name in (f".{folder.name}", "." + _other(folder), ".backup")
    )
    for hidden in (old, new, other):
        write_file(make_folder(hidden) / "raw.parquet", b"half an import")
    os.utime(old, (hour_ago, hour_ago))
    os.utime(other, (hour_ago, hour_ago))
    recover(home, decode)
    assert sorted(folder.parent.iterdir()) == sorted([new, other, folder])


def _other(folder: Path) -> str:
    return folder.name[:-4] + ("0000" if not folder.name.endswith("0000") else "0001")


def test_a_journal_without_a_header_is_left_and_named(home: Home, folder: Path) -> None:
    (folder / "journal.bin").write_bytes(b"VAGALJ1\nrubbish")
    [recovery] = recover(home, decode)
    assert recovery.state is RecoveryState.FAILED
    assert recovery.trouble is not None
    assert "no readable header" in recovery.trouble
    assert (folder / "journal.bin").exists()


@pytest.mark.parametrize("file", ["raw.parquet", "streams/rr.parquet", "shown.parquet"])
def test_a_flipped_bit_is_found_and_named(folder: Path, file: str) -> None:
    write_journal(folder, [*records(), SHOWN])
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


def _with_more(manifest: dict[str, Any]) -> dict[str, Any]:
    """A manifest as a later minor version may write it."""
    for name in ("phases", "markers", "ratings", "devices"):
        manifest[name] = [{**facts, "later": 1} for facts in manifest[name]]
    manifest["phases"][1]["pacer"]["later"] = 1
    for facts in manifest["streams"].values():
        facts.update(later=1, gaps=[{"start_s": 1.0, "end_s": 2.0, "reason": "x", "later": 1}])
    return {**manifest, "later": {}}


def test_a_manifest_may_say_more_than_this_version_knows(folder: Path) -> None:
    seal(folder, decode)
    path, before = folder / "session.json", read_session(folder)
    path.write_text(json.dumps(_with_more(json.loads(path.read_text()))))
    after = read_session(folder)
    assert (after.phases, after.markers, after.ratings, after.devices) == (
        (before.phases, before.markers, before.ratings, before.devices)
    )
    assert after.streams["rr"].gaps[0].end_s == 2.0


def test_a_journal_may_say_more_than_this_version_knows(folder: Path) -> None:
    more = [
        event(Kind.DEVICE, 1.0, {"name": "S", "driver": "heart_rate", "colour": "red"}, "heart_rate"),
        event(Kind.MARKER, 2.0, {"kind": "note", "text": "x", "author": "y", "time_s": 9.0}),
        event(Kind.RATING, 3.0, {"scale": "calm", "value": 2, "of": 10}),
    ]
    write_journal(folder, numbered([records()[0], *more]))
    sealed = seal(folder, decode)
    assert sealed.devices == (DeviceInfo("S", "heart_rate"),)
    assert sealed.markers == (Marker(2.0, "note", "x"),)
    assert sealed.ratings == (Rating(3.0, "calm", 2),)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=repr)
def test_a_file_that_cannot_be_written_leaves_nothing_and_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    path = tmp_path / "report.html"
    write_file(path, b"before")

    def fail(_: int) -> None:
        raise error

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(type(error)):
        write_file(path, b"after")
    assert (list(tmp_path.iterdir()), path.read_bytes()) == ([path], b"before")


def test_two_who_write_the_same_file_at_once_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "report.html"

    def meanwhile(_: Path) -> bool:
        write_file(path, b"the other's")
        return True

    write_file(path, b"mine", check=meanwhile)
    assert (list(tmp_path.iterdir()), path.read_bytes()) == ([path], b"mine")


def test_sealing_sweeps_up_what_one_that_was_killed_left(folder: Path) -> None:
    write_journal(folder, records())
    for left in ("raw.parquet.0a1b2c3d.part", "streams/rr.parquet.0a1b2c3d.part"):
        (folder / left).parent.mkdir(exist_ok=True)
        (folder / left).write_bytes(b"half")
    seal(folder, decode)
    assert not list(folder.rglob("*.part"))


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_what_is_created_is_for_its_owner_only_and_what_was_there_keeps_its_mode(tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.mkdir(mode=0o755)
    home = Home(here / "deep" / "home")
    folder = make_folder(home.new_session("c1", 1.8e9))
    made = [folder, folder.parent, home.sessions_path, home.path, home.path.parent]
    assert [stat.S_IMODE(path.stat().st_mode) for path in made] == [0o700] * 5
    assert stat.S_IMODE(here.stat().st_mode) == 0o755
    with pytest.raises(InputError, match="sessions cannot be stored there"):
        make_folder(folder)


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


def test_a_session_that_is_not_finished_is_told_as_such(home: Home, folder: Path) -> None:
    for name in (folder.name, folder.name[:12], str(folder)):
        with pytest.raises(InputError, match="is not finished: end it, or `vagal recover`"):
            home.find(name)
    for name in ("last", ""):
        with pytest.raises(InputError, match="no such file, folder or session"):
            home.find(name)


def test_a_serial_number_is_kept_only_as_a_hash_of_this_home(home: Home, tmp_path: Path) -> None:
    here, elsewhere = home.hash_serial("A1B2"), Home(tmp_path / "other").hash_serial("A1B2")
    assert here == home.hash_serial("A1B2")
    assert here != elsewhere
    assert "A1B2" not in here
    assert [path.name for path in home.path.iterdir()] == ["serial.key"]
    if os.name == "posix":
        modes = [stat.S_IMODE(path.stat().st_mode) for path in (home.path, home.path / "serial.key")]
        assert modes == [0o700, 0o600]


@pytest.mark.parametrize("links", [True, False], ids=["links", "no-links"])
def test_whoever_makes_the_key_second_takes_the_first(
    home: Home, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    first, link = b"1" * 32, os.link

    def late(source: Path, to: Path) -> None:
        (home.path / "serial.key").write_bytes(first)
        if not links:
            raise OSError(95, "Operation not supported")
        link(source, to)

    monkeypatch.setattr(os, "link", late)
    hashed = home.hash_serial("A1B2")
    assert (home.path / "serial.key").read_bytes() == first
    assert hashed == home.hash_serial("A1B2")
    assert [path.name for path in home.path.iterdir()] == ["serial.key"]


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_key_of_another_length_is_refused_and_left(home: Home, size: int) -> None:
    home.path.mkdir()
    path = home.path / "serial.key"
    path.write_bytes(bytes(size))
    with pytest.raises(InputError, match=rf"serial\.key: holds {size} bytes"):
        home.hash_serial("A1B2")
    assert path.read_bytes() == bytes(size)


def test_a_key_is_there_whole_or_not_at_all(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            home.hash_serial("A1B2")
    assert list(home.path.iterdir()) == []
    assert home.hash_serial("A1B2") == home.hash_serial("A1B2")
