"""kill -9 at random moments of a batch: the next run does what is missing, and the values are the same."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.conftest import REPO
from tests.flows.batch.folders import BATCH, folder_of, hash_of, rows, run

RECORDINGS = 40


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a study; the tables of a run with one worker lie beside it."""
    place = tmp_path_factory.mktemp("batch")
    ended = run(folder_of(place / "in", RECORDINGS), place / "out", "--workers", "1")
    assert ended.returncode == 0, ended.stderr
    return place


def _run_and_kill(folder: Path, out: Path, dice: random.Random) -> None:
    """Start a batch, wait for some parts or for none, and kill it alone or with its processes."""
    command = [*BATCH, str(folder), "--out", str(out), "--workers", str(dice.choice((1, 2, 3)))]
    environment = {**os.environ, "VAGAL_HOME": str(out.parent / "home")}
    with subprocess.Popen(
        command, cwd=REPO, env=environment, stdout=subprocess.DEVNULL, start_new_session=True
    ) as batch:
        until = dice.randrange(RECORDINGS)
        while batch.poll() is None and len(_parts(out)) < until:
            time.sleep(0.005)
        time.sleep(dice.uniform(0, 0.3))
        if dice.random() < 0.5 and batch.poll() is None:
            os.killpg(batch.pid, signal.SIGKILL)
        else:
            batch.kill()


def _parts(out: Path) -> dict[Path, int]:
    """The parts that are whole, and when they were written."""
    parts = out.glob(".parts/*.json")
    return {path: path.stat().st_mtime_ns for path in parts if not path.name.endswith(".died.json")}


@pytest.mark.attempts(60)
def test_a_killed_batch_is_taken_up_where_it_was(attempt: int, undisturbed: Path, tmp_path: Path) -> None:
    dice, out = random.Random(attempt), tmp_path / "out"
    for _ in range(dice.choice((1, 2))):
        _run_and_kill(undisturbed / "in", out, dice)
    time.sleep(0.5)  # processes that have lost theirs end
    before = _parts(out)
    ended = run(undisturbed / "in", out, "--workers", "2")
    assert ended.returncode == 0, ended.stderr
    assert before.items() <= _parts(out).items()  # what was there was not made again
    assert len(rows(out)) == RECORDINGS + 1
    assert hash_of(out) == hash_of(undisturbed / "out")
    assert not list(out.rglob("*.part"))
