"""Recordings per minute of a batch, beside a plain neurokit2 loop over the same windows.

200 copies with jitter of the E4 recordings at hand; ours with one process and with one to a core, the
loop on some of them and multiplied. flirt, which needs an environment of its own, is compared if FLIRT_PYTHON
names that environment's interpreter.

python -m tests.benchmarks.batch [COUNT]
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

from devices.exports.formats import read_recording
from flows.batch.pool import usual_workers
from pipeline.model import Floats

REPO = Path(__file__).resolve().parents[2]
E4 = REPO.parent / "shared" / "recordings" / "stress_predict_e4"
COUNT = 200
WINDOW_S, STEP_S = 300.0, 30.0  # as `vagal batch` has them by default
LOOPED = 2  # recordings the loop is timed on
FLIRT = """
import sys, time, flirt.with_, flirt
began_s = time.perf_counter()
for folder in sys.argv[1:]:
    flirt.with_.empatica(folder, window_length=300, window_step_size=30, num_cores=1)
print((time.perf_counter() - began_s) / len(sys.argv[1:]))
"""


def copies(place: Path, count: int) -> list[Path]:
    """E4 folders like those at hand, each value of EDA and BVP a little off, so that no two are the same."""
    sources = [path for path in sorted(E4.iterdir()) if (path / "EDA.csv").is_file()]
    made = []
    for number in range(count):
        source, target = sources[number % len(sources)], place / f"copy-{number:03d}"
        target.mkdir(parents=True)
        rng = np.random.default_rng(number)
        for path in sorted(source.glob("*.csv")):
            lines = path.read_text().splitlines()
            if path.name in ("EDA.csv", "BVP.csv"):
                values = np.array(lines[2:], dtype=float)
                spread = 0.001 if path.name == "EDA.csv" else 0.05
                lines[2:] = [f"{value:.4f}" for value in np.abs(values + rng.normal(0, spread, len(values)))]
                if path.name == "BVP.csv":
                    lines[2:] = [f"{value:.2f}" for value in values + rng.normal(0, spread, len(values))]
            (target / path.name).write_text("\n".join(lines) + "\n")
        made.append(target)
    return made


def ours_s(folder: Path, out: Path, workers: int) -> float:
    """Seconds from the command to its end, start included."""
    command = [sys.executable, "-m", "flows.cli", "batch", str(folder), "--out", str(out), "--no-prefect"]
    began_s = time.perf_counter()
    subprocess.run([*command, "--workers", str(workers)], cwd=REPO, check=True, capture_output=True)
    return time.perf_counter() - began_s


def neurokit_s(folder: Path) -> float:
    """Seconds of one recording in a plain loop: read, clean, find beats and responses, features by window."""
    import neurokit2

    began_s = time.perf_counter()
    _, recording = read_recording(folder)
    ppg, eda = recording.streams["ppg"], recording.streams["eda"]
    peaks = neurokit2.ppg_findpeaks(neurokit2.ppg_clean(ppg.value, sampling_rate=64), sampling_rate=64)
    beats_s = ppg.time_s[peaks["PPG_Peaks"]]
    signals, _ = neurokit2.eda_process(eda.value, sampling_rate=4)
    tonic, responses = signals["EDA_Tonic"].to_numpy(), signals["SCR_Peaks"].to_numpy()
    for start_s in np.arange(0, recording.duration_s - WINDOW_S, STEP_S):
        window(beats_s[(beats_s >= start_s) & (beats_s < start_s + WINDOW_S)])
        inside = (eda.time_s >= start_s) & (eda.time_s < start_s + WINDOW_S)
        np.mean(tonic[inside]), np.sum(responses[inside])
        neurokit2.eda_sympathetic(eda.value[inside], sampling_rate=4)
    return time.perf_counter() - began_s


def window(beats_s: Floats) -> None:
    """What neurokit2 has of our heart features over one window."""
    import neurokit2

    if len(beats_s) < 50:
        return
    at = np.rint((beats_s - beats_s[0]) * 1000).astype(int)
    neurokit2.hrv_time(at, sampling_rate=1000)
    neurokit2.hrv_frequency(at, sampling_rate=1000)
    intervals_ms = np.diff(at)
    neurokit2.entropy_sample(intervals_ms, delay=1, dimension=2)
    neurokit2.fractal_dfa(intervals_ms, scale=list(range(4, 12)), overlap=False)


def flirt_s(folders: list[Path]) -> float | None:
    """Seconds of one recording in flirt; None where it is not at hand or fails."""
    python = os.environ.get("FLIRT_PYTHON")
    if python is None:
        return None
    ended = subprocess.run(
        [python, "-c", FLIRT, *map(str, folders)], capture_output=True, text=True, check=False
    )
    return float(ended.stdout.split()[-1]) if ended.returncode == 0 else None


def main(count: int) -> None:
    """Print the table."""
    if not E4.is_dir():
        print("batch: skipped, needs the real recordings, which are not part of the repository")
        return
    warnings.simplefilter("ignore")  # the peers' own
    with tempfile.TemporaryDirectory() as place:
        folders = copies(Path(place) / "in", count)
        single_s = ours_s(Path(place) / "in", Path(place) / "out-1", 1)
        all_s = ours_s(Path(place) / "in", Path(place) / "out", usual_workers())
        loop_s = count * float(np.mean([neurokit_s(folder) for folder in folders[:LOOPED]]))
        other_s = flirt_s(folders[:LOOPED])
    print(f"{count} recordings of an Empatica E4, from command to tables:")
    print(f"  vagal batch, 1 process    {60 * count / single_s:7.1f} a minute")
    print(f"  vagal batch, {usual_workers()} processes  {60 * count / all_s:7.1f} a minute")
    print(f"  neurokit2 in a loop       {60 * count / loop_s:7.1f} a minute, from {LOOPED} recordings")
    print(
        f"  against neurokit2: {loop_s / single_s:.1f} x with one, {loop_s / all_s:.1f} x with all (aim: 10)"
    )
    if other_s is None:
        print("  flirt: not compared (FLIRT_PYTHON names no interpreter that has it)")
    else:
        print(f"  against flirt: {count * other_s / single_s:.1f} x with one process (aim: 20)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else COUNT)
