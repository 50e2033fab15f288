"""A batch on a cluster of two workers: the same values, also when one of them is killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import REPO
from tests.flows.batch.folders import BATCH, folder_of, hash_of, run

pytestmark = pytest.mark.prove

RECORDINGS = 60


@pytest.fixture
def cluster() -> Iterator[tuple[str, int]]:
    """What `make cluster` starts: its address, and the process that has the workers."""
    command = [sys.executable, "-m", "flows.batch.cluster", "0"]
    with subprocess.Popen(
        command,
        cwd=REPO,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        address = process.stdout.readline().split(" at ")[1].partition(";")[0]
        try:
            yield address, process.pid
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study and, beside it, the tables of a run on this computer."""
    place = tmp_path_factory.mktemp("cluster")
    assert run(folder_of(place / "in", RECORDINGS), place / "out").returncode == 0
    return place


def _written(out: Path) -> dict[Path, int]:
    """The parts that are whole, and when they were written."""
    return {path: path.stat().st_mtime_ns for path in out.glob(".parts/*.json")}


def _kill_one_worker(address: str, out: Path, killed: list[int]) -> None:
    """Kill a worker once the first parts are there."""
    from distributed import Client

    with Client(address, set_as_default=False) as client:  # type: ignore[no-untyped-call]
        workers = client.run(os.getpid)
        while len(list(out.glob(".parts/*.parquet"))) < 3:
            time.sleep(0.02)
        victim = next(iter(workers.values()))
        os.kill(victim, signal.SIGKILL)
        killed.append(victim)


@pytest.mark.parametrize("engine", ["--no-prefect", "--prefect"])
def test_a_cluster_gives_the_same(cluster: tuple[str, int], study: Path, tmp_path: Path, engine: str) -> None:
    ended = run(study / "in", tmp_path / "out", "--dask", cluster[0], engine)
    assert ended.returncode == 0, ended.stderr
    assert hash_of(tmp_path / "out") == hash_of(study / "out")


def test_a_batch_that_is_killed_is_taken_up_by_the_same_cluster(
    cluster: tuple[str, int], study: Path, tmp_path: Path
) -> None:
    """Its workers may still be busy with it."""
    out = tmp_path / "out"
    command = [*BATCH, str(study / "in"), "--out", str(out), "--dask", cluster[0], "--no-prefect"]
    with subprocess.Popen(command, cwd=REPO, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as batch:
        while batch.poll() is None and len(list(out.glob(".parts/*.parquet"))) < 20:
            time.sleep(0.01)
        batch.kill()
    before = _written(out)
    assert 0 < len(before) < RECORDINGS
    ended = run(study / "in", out, "--dask", cluster[0], "--no-prefect")
    assert ended.returncode == 0, ended.stderr
    assert before.items() <= _written(out).items()
    assert hash_of(out) == hash_of(study / "out")


def test_a_worker_killed_in_mid_run_changes_nothing(
    cluster: tuple[str, int], study: Path, tmp_path: Path
) -> None:
    killed: list[int] = []
    killer = threading.Thread(target=_kill_one_worker, args=(cluster[0], tmp_path / "out", killed))
    killer.start()
    ended = run(study / "in", tmp_path / "out", "--dask", cluster[0], "--no-prefect")
    killer.join()
    assert len(killed) == 1
    assert ended.returncode == 0, ended.stderr
    assert hash_of(tmp_path / "out") == hash_of(study / "out")
