"""What one recording costs: a session of an hour from its raw files to all features, and a live update.

python tests/benchmarks/session.py
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
E4 = REPO.parent / "shared" / "recordings" / "stress_predict_e4" / "S03"
REPEATS = 5


def cpu_s(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """Median CPU time of all threads, after a first run that imports and compiles."""
    work()
    taken = []
    for _ in range(repeats):
        began_s = time.process_time()
        work()
        taken.append(time.process_time() - began_s)
    return statistics.median(taken)


def raw_to_features() -> None:
    if not E4.exists():
        print("E4 raw to features  skipped: needs the real recordings")
        return
    from flows.importing import Reading, read_input
    from pipeline.analysis import analyse

    def read() -> object:
        return read_input(E4, Reading())[1]

    recording = read_input(E4, Reading())[1]
    reading_s, all_s = cpu_s(read), cpu_s(lambda: analyse(recording).windows_table())
    minutes = recording.duration_s / 60
    print(
        f"E4 raw to features  {reading_s + all_s:6.2f} s CPU for {minutes:.0f} min "
        f"(files and pulses {reading_s:.2f} s, features of every window {all_s:.2f} s)"
    )


def live_update() -> None:
    import numpy as np

    from devices.virtual.client import SimulatedClient
    from pipeline.live.indices import LiveIndices

    client, live = SimulatedClient(seed=1), LiveIndices()
    fed: list[float] = []
    shown: list[float] = []
    for second in range(1, 601):
        beats = np.array([rr for _, rr in client.beats(second - 1, second)])
        eda = client.eda_us(second - 1, second, 4.0)
        began_s = time.perf_counter()
        live.feed("strap", "rr", {"rr_ms": beats}, float(second), None)
        live.feed("skin", "eda", {"eda_us": eda}, float(second), 4.0)
        fed.append(time.perf_counter() - began_s)
        began_s = time.perf_counter()
        live.at(float(second))
        shown.append(time.perf_counter() - began_s)
    settled, every = slice(120, None), []
    for _ in range(201):
        began_s = time.perf_counter()
        live.heart_columns()
        every.append(time.perf_counter() - began_s)
    print(
        f"live, each second   {1000 * statistics.median(fed[settled]):6.2f} ms to take its samples, "
        f"{1000 * statistics.median(shown[settled]):.2f} ms for the values shown, "
        f"{1000 * statistics.median(every[1:]):.2f} ms for all heart columns of five minutes (asked: 1)"
    )


def main() -> None:
    raw_to_features()
    live_update()


if __name__ == "__main__":
    main()
