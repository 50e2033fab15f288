"""A batch beside its peers: recordings per minute, seconds of processor for each, and what Prefect costs.

200 copies with jitter of the E4 recordings at hand, from command to tables, with a process to each core. A
plain neurokit2 loop and flirt take some of them over the same windows, in one process: heart in time,
frequency and rhythm, skin. Neither does all of it: neurokit2's loop decomposes no skin conductance by cvxEDA,
flirt takes the beats that the wristband found. On a busy machine seconds of processor tell more than a clock,
so both are said. flirt needs an environment of its own, with numpy 1: FLIRT_PYTHON names its interpreter.

python -m tests.benchmarks.batch [COUNT [SMALL]]

SMALL recordings of six minutes tell what Prefect adds to a run of so many.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from devices.exports.formats import read_recording
from flows.batch.pool import usual_workers
from pipeline.model import Floats
from tests.flows.batch.folders import folder_of

REPO = Path(__file__).resolve().parents[2]
E4 = REPO.parent / "shared" / "recordings" / "stress_predict_e4"
COUNT, SMALL = 200, 150
WINDOW_S, STEP_S = 300.0, 30.0  # as `vagal batch` has them by default
LOOPED = 4  # recordings that peers are timed on
FLIRT = """
import os, sys, time, warnings
warnings.simplefilter("ignore")
import flirt
from flirt.reader import empatica
began_s, before = time.perf_counter(), sum(os.times()[:4])
for folder in sys.argv[1:]:
    beats = empatica.read_ibi_file_into_df(folder + "/IBI.csv").iloc[:, 0]
    flirt.get_hrv_features(beats, 300, 30, ["td", "fd", "nl"], num_cores=1)
    skin = empatica.read_eda_file_into_df(folder + "/EDA.csv").iloc[:, 0]
    flirt.get_eda_features(skin, 300, 30, num_cores=1)
print(time.perf_counter() - began_s, sum(os.times()[:4]) - before)
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """Seconds by the clock, and of processor, for so many recordings."""

    count: int
    clock_s: float
    cpu_s: float

    @property
    def per_minute(self) -> float:
        return 60 * self.count / self.clock_s

    @property
    def cpu_each_s(self) -> float:
        return self.cpu_s / self.count


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


def ours(folder: Path, out: Path, count: int, *options: str) -> Taken:
    """From the command to its end, start included, with the processes it starts."""
    command = [sys.executable, "-m", "flows.cli", "batch", str(folder), "--out", str(out), *options]
    before_s, began_s = children_s(), time.perf_counter()
    subprocess.run(
        command,
        cwd=REPO,
        check=True,
        capture_output=True,
        env={**os.environ, "VAGAL_HOME": str(out.parent / "home")},
    )
    return Taken(count, time.perf_counter() - began_s, children_s() - before_s)


def children_s() -> float:
    """Processor time of the processes that have ended, and of those that they had started."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def neurokit(folders: list[Path]) -> Taken:
    """A plain loop: read, clean, find beats and responses, features by window; without the import."""
    import neurokit2

    assert neurokit2
    began_s, before_s = time.perf_counter(), time.process_time()
    for folder in folders:
        neurokit_one(folder)
    return Taken(len(folders), time.perf_counter() - began_s, time.process_time() - before_s)


def neurokit_one(folder: Path) -> None:
    import neurokit2

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


def flirt(folders: list[Path]) -> Taken | None:
    """In its own environment, without the import; None where that is not at hand or it fails."""
    python = os.environ.get("FLIRT_PYTHON")
    if python is None:
        return None
    ended = subprocess.run(
        [python, "-c", FLIRT, *map(str, folders)], capture_output=True, text=True, check=False
    )
    if ended.returncode != 0:
        return None
    clock_s, cpu_s = map(float, ended.stdout.split()[-2:])
    return Taken(len(folders), clock_s, cpu_s)


def beside_peers(count: int) -> None:
    """Print what ours and theirs take."""
    workers = usual_workers()
    with tempfile.TemporaryDirectory() as place:
        folders = copies(Path(place) / "in", count)
        whole = ours(Path(place) / "in", Path(place) / "out", count, "--no-prefect")
        peers = {
            "neurokit2 in a loop": (neurokit(folders[:LOOPED]), 10),
            "flirt": (flirt(folders[:LOOPED]), 20),
        }
    print(f"{count} recordings of an Empatica E4, from command to tables:")
    told(f"vagal batch, {workers} processes", whole)
    for name, (peer, aim) in peers.items():
        if peer is None:
            print(f"  {name}: not compared (FLIRT_PYTHON names no interpreter that has it)")
            continue
        told(f"{name}, {peer.count} recordings", peer)
        by_clock, by_cpu = whole.per_minute / peer.per_minute, peer.cpu_each_s / whole.cpu_each_s
        print(f"    {by_clock:.1f} x with {workers} processes (aim: {aim}), {by_cpu:.1f} x for each of them")


def told(name: str, taken: Taken) -> None:
    print(f"  {name:34s} {taken.per_minute:7.1f} a minute, {taken.cpu_each_s:5.2f} s of processor each")


def under_prefect(count: int) -> None:
    """Print what Prefect adds to a batch of small recordings."""
    with tempfile.TemporaryDirectory() as place:
        folder = folder_of(Path(place) / "in", count)
        without = ours(folder, Path(place) / "without", count, "--no-prefect")
        under = ours(folder, Path(place) / "under", count, "--prefect")
    added = {"by the clock": (under.clock_s, without.clock_s), "of processor": (under.cpu_s, without.cpu_s)}
    print(f"{count} recordings of six minutes, under Prefect and without:")
    for name, (more_s, less_s) in added.items():
        share_pct = 100 * (more_s / less_s - 1)
        print(f"  {more_s:6.1f} s and {less_s:6.1f} s {name}: {share_pct:+.1f} % (at 1,000: aim below 5 %)")


def main(count: int, small: int) -> None:
    """Print the tables."""
    warnings.simplefilter("ignore")  # the peers' own
    if E4.is_dir():
        beside_peers(count)
    else:
        print("batch: peers skipped, needs the real recordings, which are not part of the repository")
    under_prefect(small)


if __name__ == "__main__":
    given = [int(each) for each in sys.argv[1:]]
    main(*given, *(COUNT, SMALL)[len(given) :])
