"""Folders of small recordings for tests of batches, and what tables of a batch hold."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from tests.conftest import REPO

BATCH = (sys.executable, "-m", "flows.cli", "batch")


def intervals(seed: int, count: int = 420) -> str:
    """RR intervals as text, about six minutes of a calm heart."""
    rng = np.random.default_rng(seed)
    at_s = 0.85 * np.arange(count)
    rr_ms = 850 + 30 * np.sin(0.63 * at_s) + 20 * np.sin(1.57 * at_s) + rng.normal(0, 8, count)
    return "\n".join(f"{value:.0f}" for value in rr_ms) + "\n"


def folder_of(place: Path, count: int) -> Path:
    """So many recordings in folders of ten, one that is too short, one of no format, and a README."""
    for number in range(count):
        path = place / f"sub-{number // 10:02d}" / f"rest_{number:03d}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(intervals(number))
    (place / "noise.dat").write_bytes(b"\0\1\2 nothing of ours")
    (place / "README").write_text("A study.")
    return place


def run(folder: Path, out: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`vagal batch`, in a process of its own."""
    return subprocess.run(
        [*BATCH, str(folder), "--out", str(out), *options],
        capture_output=True,
        text=True,
        cwd=REPO,
        env={**os.environ, "VAGAL_HOME": str(out.parent / "home"), **environment},
        check=False,
    )


def rows(out: Path, name: str = "recordings.parquet") -> dict[str, Mapping[str, Any]]:
    """The rows of a table by recording."""
    return {row["recording_id"]: row for row in pq.read_table(out / name).to_pylist()}


def hash_of(out: Path) -> str:
    """What the run says its values are."""
    found: str = json.loads((out / "provenance.json").read_bytes())["hashes"]["values"]
    return found
