"""kill -9 at random moments of a batch: the next run does what is missing, and the values are the same."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from flows.batch.values import values_hash
from tests.conftest import REPO
from tests.flows.batch.folders import BATCH, folder_of, hash_of, rows, run

RECORDINGS = 40

pytestmark = pytest.mark.prove


@dataclass(frozen=True)
class Undisturbed:
    """The folder of a study, the hash of its values, and how long a run with one process takes."""

    folder: Path
    values: str
    length_s: float


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    place = tmp_path_factory.mktemp("batch")
    folder = folder_of(place / "in", RECORDINGS)
    began_s = time.monotonic()
    ended = run(folder, place / "out", "--workers", "1")
    assert ended.returncode == 0, ended.stderr
    return Undisturbed(folder, hash_of(place / "out"), time.monotonic() - began_s)


def begun(study: Undisturbed, out: Path, *options: str) -> subprocess.Popen[bytes]:
    """A batch that runs, in a group of its own with its processes."""
    return subprocess.Popen(
        [*BATCH, str(study.folder), "--out", str(out), *options],
        cwd=REPO,
        env={**os.environ, "VAGAL_HOME": str(out.parent / "home")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def run_and_kill(study: Undisturbed, out: Path, dice: random.Random, *engine: str) -> None:
    """Start a batch, and kill it at any moment of its length: alone, or with its processes."""
    workers = ("--workers", str(dice.choice((1, 2, 3))))
    with begun(study, out, *workers, *engine) as batch:
        with suppress(subprocess.TimeoutExpired):
            batch.wait(dice.uniform(0, study.length_s))
        if dice.random() < 0.5:
            with suppress(ProcessLookupError):
                os.killpg(batch.pid, signal.SIGKILL)
        batch.kill()


def run_and_kill_at_work(study: Undisturbed, out: Path, parts: int, *engine: str) -> None:
    """Start a batch, and kill it with all its processes once so many parts are there."""
    with begun(study, out, *engine) as batch:
        while batch.poll() is None and len(parts_of(out)) < parts:
            time.sleep(0.01)
        with suppress(ProcessLookupError):
            os.killpg(batch.pid, signal.SIGKILL)


def parts_of(out: Path) -> dict[Path, int]:
    """The parts that are whole, and when they were written."""
    parts = out.glob(".parts/*.json")
    return {path: path.stat().st_mtime_ns for path in parts if not path.name.endswith(".died.json")}


@pytest.mark.attempts(60)
def test_a_killed_batch_is_taken_up_where_it_was(
    attempt: int, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    dice, out = random.Random(attempt), tmp_path / "out"
    for _ in range(dice.choice((1, 2))):
        run_and_kill(undisturbed, out, dice)
    for table in out.glob("*.parquet"):
        pq.read_table(table)  # whole, or not there
    assert_taken_up(undisturbed, out, "--workers", str(dice.choice((1, 2, 3))))


@pytest.mark.attempts(6)
def test_so_is_one_under_prefect(attempt: int, undisturbed: Undisturbed, tmp_path: Path) -> None:
    """Also when the next run has another engine."""
    dice, out = random.Random(attempt), tmp_path / "out"
    run_and_kill_at_work(undisturbed, out, dice.randint(1, RECORDINGS), "--prefect")
    assert_taken_up(undisturbed, out, ("--prefect", "--no-prefect")[attempt % 2])


def assert_taken_up(undisturbed: Undisturbed, out: Path, *engine: str) -> None:
    """Run again: what is missing is made, and the values are those of the run that nobody disturbed."""
    before = parts_of(out)
    ended = run(undisturbed.folder, out, *engine)
    assert ended.returncode == 0, ended.stderr
    after = parts_of(out)
    assert before.items() <= after.items()  # what was there was not made again
    assert len(after) == RECORDINGS + 1
    assert len(rows(out)) == RECORDINGS + 1
    assert hash_of(out) == values_hash(out.glob("*.parquet")) == undisturbed.values
    assert not list(out.rglob("*.part"))
