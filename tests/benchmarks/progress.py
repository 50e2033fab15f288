"""Progress over 200 sessions of one client, from the stored values to all that a report says.

python tests/benchmarks/progress.py
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from pipeline.progress.progress import progress
from pipeline.progress.sessions import read_sessions, write_values
from pipeline.store import Home
from tests.pipeline.progress.clients import LEVELS, course
from tests.pipeline.progress.test_sessions import FULL

SESSIONS = 200
REPEATS = 5


def store(home: Home) -> None:
    rng = np.random.default_rng(1)
    values = {name: level * np.exp(0.1 * rng.standard_normal(SESSIONS)) for name, level in LEVELS.items()}
    for made in course(values):
        folder = home.sessions_path / "a-014" / made.session_id
        (folder / "derived").mkdir(parents=True)
        (folder / "session.json").write_text("{}")
        parts = {name: getattr(FULL, name) for name in ("reactions", "recoveries", "practice", "paced_skill")}
        write_values(folder / "derived", replace(made, **parts))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        store(home)
        reading_s: list[float] = []
        all_s: list[float] = []
        for _ in range(REPEATS + 1):
            began_s = time.process_time()
            sessions = read_sessions(home, "a-014")
            read_s = time.process_time()
            progress(sessions)
            reading_s.append(read_s - began_s)
            all_s.append(time.process_time() - began_s)
    print(
        f"progress over {SESSIONS} sessions  {statistics.median(all_s[1:]):6.2f} s CPU "
        f"(reading {statistics.median(reading_s[1:]):.2f} s; the first time {all_s[0]:.2f} s; we aim at 1 s)"
    )


if __name__ == "__main__":
    main()
