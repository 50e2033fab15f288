"""Processes with limits: what takes too much or dies is a failed row, and the others go on."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from flows.batch.plan import Job, Unit, died_path, missing, part_path, plan_batch
from flows.batch.pool import Pool, resident_bytes
from pipeline.errors import InputError
from pipeline.exclusions import Status
from tests.flows.batch.folders import folder_of, intervals

LINUX = pytest.mark.skipif(not Path("/proc/self/statm").is_file(), reason="the system does not tell")


@pytest.fixture
def job(tmp_path: Path) -> Job:
    job = Job(folder_of(tmp_path / "in", 4), tmp_path / "out")
    job.parts.mkdir(parents=True)
    return job


def run(job: Job, workers: int = 2) -> dict[str, Status]:
    told: dict[str, Status] = {}
    with Pool(job, workers) as pool:
        pool.analyse(units(job), lambda unit, status: told.update({unit.unit_id: status}))
    return told


def units(job: Job) -> tuple[Unit, ...]:
    return plan_batch(job, job.analysing()).units


def reasons(job: Job) -> set[str]:
    return {json.loads(died_path(job, unit).read_bytes())["reason"] for unit in missing(job, units(job))}


def test_every_unit_becomes_a_part(job: Job) -> None:
    told = run(job)
    assert told == {
        "noise.dat": Status.REFUSED,
        **{f"sub-00/rest_00{number}.txt": Status.ANALYSED for number in range(4)},
    }
    assert missing(job, units(job)) == []
    assert not list(job.parts.glob("*.part"))


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        pytest.param({"seconds": 1e-4}, "took longer than 0.0001 s", id="time"),
        pytest.param({"megabytes": 1}, "needed more than 1 MB of memory", id="memory", marks=LINUX),
    ],
)
def test_what_takes_too_much_fails_and_the_pool_goes_on(
    job: Job, limits: dict[str, int], reason: str
) -> None:
    for path in job.folder.rglob("*.txt"):
        path.write_text(intervals(1, 100_000))  # a day, long enough to be looked at
    for path in sorted(job.folder.rglob("*.txt"))[2:]:
        path.unlink()
    (job.folder / "noise.dat").unlink()
    assert set(run(replace(job, **limits)).values()) == {Status.FAILED}
    assert reasons(job) == {reason}


@contextlib.contextmanager
def killing(pool: Pool, times: int) -> Iterator[None]:
    """Kill the pool's process, so many times, whenever one has its imports behind it and works."""
    ended = threading.Event()

    def kill() -> None:
        seen: set[int] = set()
        while len(seen) < times and not ended.wait(0.002):
            for worker in list(pool._workers):
                if worker._deadline_s is not None and worker._process.pid not in seen:
                    seen.add(worker._process.pid)
                    os.kill(worker._process.pid, signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@pytest.mark.parametrize(("times", "status"), [(1, Status.ANALYSED), (2, Status.FAILED)])
def test_a_crash_is_tried_once_more(job: Job, times: int, status: Status) -> None:
    unit = units(job)[1]
    (job.folder / unit.path).write_text(intervals(1, 100_000))
    [_, unit, *_] = units(job)
    told = []
    with Pool(job, 1) as pool, killing(pool, times):
        pool.analyse([unit], lambda _, status: told.append(status))
        pool.analyse([units(job)[2]], lambda _, status: told.append(status))
    assert told == [status, Status.ANALYSED]
    assert part_path(job, unit).is_file() == (status is Status.ANALYSED)


def test_an_output_folder_that_is_gone_stops_it_in_one_line(job: Job) -> None:
    waiting = units(job)
    job.parts.rmdir()
    with pytest.raises(InputError, match="cannot be written"), Pool(job, 1) as pool:
        pool.analyse(waiting, lambda _, __: None)


@LINUX
def test_processes_end_with_the_pool(job: Job) -> None:
    with Pool(job, 1) as pool:
        pool.analyse(units(job)[:2], lambda _, __: None)
        [worker] = pool._workers
        assert resident_bytes(worker._process.pid) > 10_000_000
    assert worker._process.returncode == -signal.SIGKILL


@LINUX
def test_a_process_ends_with_the_one_that_asks(job: Job) -> None:
    with Pool(job, 1) as pool:
        pool.analyse(units(job)[:2], lambda _, __: None)
        [worker] = pool._workers
        assert worker._process.stdin is not None
        worker._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            worker._process.wait(20)
        assert worker._process.returncode == 0
