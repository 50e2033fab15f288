"""Sealing that is killed, or finds no room, at any step: one valid session, and nothing of it lost."""

import errno
import itertools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from devices.decoding import decode
from pipeline.journal import Kind, Record, parse_journal
from pipeline.sealing import read_table, records_of, seal
from pipeline.store import Home, Recovery, RecoveryState, read_session, recover
from pipeline.verification import problems_of
from tests.conftest import REPO
from tests.pipeline.sessions import event, numbered, records, write_journal

SESSION = "sessions/c1/2026-01-01T00-00-00-0000"
MOST_STEPS = 60

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="the sealer forks")


def made() -> list[Record]:
    shown = event(Kind.SHOWN, 2.0, {"hr_bpm": 75.0})
    return numbered([*records(), shown])


@pytest.fixture(params=["whole", "torn", "damaged"])
def template(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A home with one unsealed session, whose journal is whole, has a torn tail, or lost a record inside."""
    home = tmp_path / "template"
    journal = write_journal(home / SESSION, made())
    content = bytearray(journal.read_bytes())
    if request.param == "torn":
        del content[-3:]
    if request.param == "damaged":
        content[len(content) // 2] ^= 1
    journal.write_bytes(content)
    return home


def kills(what: str, homes: Sequence[Path]) -> int:
    """Seal in one home after the other, killed at a later step in each, until one comes through."""
    command = [sys.executable, "-m", "tests.faults.sealer", what, *map(str, homes)]
    done = subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def assert_sealed(folder: Path, journal: bytes) -> None:
    """The session holds all that the journal did, and nothing but a session is left in its folder."""
    reading = parse_journal(journal)
    assert problems_of(folder) == []
    assert records_of(read_table(folder / "raw.parquet")) == list(reading.records)
    assert not (folder / "journal.bin").exists()
    assert not list(folder.rglob("*.part"))
    kept, notices = folder / "journal.damaged", read_session(folder).notices
    assert (kept.exists(), len(notices)) == ((False, 0) if reading.whole else (True, 1))
    assert reading.whole or kept.read_bytes() == journal


@forks
def test_killed_at_any_step_the_session_is_recovered(template: Path, tmp_path: Path) -> None:
    journal = (template / SESSION / "journal.bin").read_bytes()
    homes = [shutil.copytree(template, tmp_path / f"home-{step}") for step in range(1, MOST_STEPS)]
    count = kills("seal", homes)
    assert count >= len(("fsync", "replace", "fsync")) * len(("raw", "rr", "shown", "manifest"))
    for home in homes[: count + 1]:
        folder = home / SESSION
        unfinished = (folder / "journal.bin").exists()
        assert recover(Home(home), decode) == ([Recovery(folder)] if unfinished else []), home.name
        assert Home(home).sessions() == [folder]
        assert_sealed(folder, journal)
        sealed = (folder / "session.json").read_bytes()
        assert recover(Home(home), decode) == []
        assert (folder / "session.json").read_bytes() == sealed


@forks
def test_a_recovery_that_is_killed_again_and_again_comes_through(template: Path) -> None:
    journal = (template / SESSION / "journal.bin").read_bytes()
    assert kills("recover", [template] * MOST_STEPS) > 0
    assert_sealed(template / SESSION, journal)


@pytest.fixture
def full_at(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A disk that is full from the n-th fsync on, n being the list's only item; an empty list makes room."""
    steps, fsync, asked = itertools.count(1), os.fsync, list[int]()

    def full(descriptor: int) -> None:
        if asked and next(steps) >= asked[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    return asked


@pytest.mark.parametrize("step", range(1, 9))
def test_a_full_disk_leaves_the_journal_and_no_part_of_a_file(
    tmp_path: Path, full_at: list[int], step: int
) -> None:
    """Eight fsyncs: raw, a stream, what was shown and the manifest, and the folder after each."""
    folder, home = tmp_path / SESSION, Home(tmp_path)
    journal = write_journal(folder, made()).read_bytes()
    full_at.append(step)
    with pytest.raises(OSError, match="No space left on device"):
        seal(folder, decode)
    [recovery] = recover(home, decode)
    assert (recovery.folder, recovery.state) == (folder, RecoveryState.FAILED)
    assert "No space left on device" in str(recovery.trouble)
    assert (folder / "journal.bin").read_bytes() == journal
    assert not list(folder.rglob("*.part"))

    full_at.clear()
    assert recover(home, decode) == [Recovery(folder)]
    assert_sealed(folder, journal)


def test_a_disk_that_fills_in_the_middle_of_a_table_leaves_no_part_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, home = tmp_path / SESSION, Home(tmp_path)
    journal = write_journal(folder, made()).read_bytes()

    def cut_short(path: Path, content: bytes) -> None:
        path.write_bytes(content[: len(content) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("pipeline.sealing._write_synced", cut_short)
        assert [recovery.state for recovery in recover(home, decode)] == [RecoveryState.FAILED]
    assert sorted(path.name for path in folder.iterdir()) == ["journal.bin", "streams"]
    assert recover(home, decode) == [Recovery(folder)]
    assert_sealed(folder, journal)
    assert json.loads((folder / "session.json").read_bytes())["recovered"]
