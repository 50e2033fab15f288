"""A process that answers, a line for a line."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from flows.batch.plan import Job, Unit, part_path, plan_batch
from tests.conftest import REPO
from tests.flows.batch.folders import folder_of


@pytest.fixture
def job(tmp_path: Path) -> Job:
    job = Job(folder_of(tmp_path / "in", 1), tmp_path / "out")
    job.parts.mkdir(parents=True)
    return job


@pytest.fixture
def worker(job: Job) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "flows.batch.worker", json.dumps(job.as_json())]
    with subprocess.Popen(
        command, cwd=REPO, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert answer_of(process) == {"ready": True}
        yield process
        process.kill()


def answer_of(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    answer: dict[str, Any] = json.loads(process.stdout.readline())
    return answer


def ask(process: subprocess.Popen[str], unit: Unit) -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps(asdict(unit)) + "\n")
    process.stdin.flush()


def test_it_answers_what_became_of_each_and_ends_with_its_input(
    job: Job, worker: subprocess.Popen[str]
) -> None:
    units = plan_batch(job, job.analysing()).units
    for unit in units:
        ask(worker, unit)
    assert [answer_of(worker) for _ in units] == [{"status": "refused"}, {"status": "analysed"}]
    assert all(part_path(job, unit).is_file() for unit in units)
    _, said = worker.communicate(timeout=20)
    assert (worker.returncode, said) == (0, "")


def test_where_the_output_takes_no_more_it_says_to_stop(job: Job, worker: subprocess.Popen[str]) -> None:
    [unit, _] = plan_batch(job, job.analysing()).units
    shutil.rmtree(job.out)
    ask(worker, unit)
    assert answer_of(worker) == {"stop": f"{job.out}: cannot be written (No such file or directory)"}
