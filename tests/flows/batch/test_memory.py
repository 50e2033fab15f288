"""Memory of a batch: no more in a worker for four hundred recordings than for fifty, and little at home."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import REPO
from tests.flows.batch.folders import BATCH, folder_of, rows

FEW, MANY = 50, 400
KEPT_MB = 15  # by an allocator
MORE_MB = 40  # what the command keeps of recordings until their tables are written: 0.1 MB of each

pytestmark = [pytest.mark.prove, pytest.mark.timeout(600)]


def peaks_mb(folder: Path, out: Path) -> tuple[float, float]:
    """The most memory that the command took, and that any of its processes did."""
    command = [*BATCH, str(folder), "--out", str(out), "--workers", "2", "--no-prefect"]
    environment = {**os.environ, "VAGAL_HOME": str(out.parent / "home")}
    command_mb, worker_mb = 0.0, 0.0
    with subprocess.Popen(
        command, cwd=REPO, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as batch:
        while batch.poll() is None:
            command_mb = max(command_mb, peak_mb(batch.pid))
            worker_mb = max([worker_mb, *map(peak_mb, children(batch.pid))])
            time.sleep(0.02)
    assert batch.returncode == 0
    return command_mb, worker_mb


def peak_mb(pid: int) -> float:
    """The most that a process has taken so far; 0 if it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


def children(pid: int) -> Iterator[int]:
    """The processes that a process has started."""
    for started in Path("/proc").glob(f"{pid}/task/*/children"):
        try:
            yield from map(int, started.read_text().split())
        except (FileNotFoundError, ProcessLookupError):
            continue


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_peak_memory_hardly_grows_with_the_number_of_recordings(tmp_path: Path) -> None:
    peaks = {}
    for count in (FEW, MANY):
        folder = folder_of(tmp_path / f"in-{count}", count)
        peaks[count] = peaks_mb(folder, tmp_path / f"out-{count}")
        assert len(rows(tmp_path / f"out-{count}")) == count + 1
        print("{} recordings: command {:.0f} MB, worker {:.0f} MB".format(count, *peaks[count]))
    (few_mb, worker_few_mb), (many_mb, worker_many_mb) = peaks[FEW], peaks[MANY]
    assert worker_many_mb < worker_few_mb + KEPT_MB
    assert many_mb < few_mb + MORE_MB
