"""Heart-rate variability of a day, ours beside its peers: the same beats, one process, ratios.

Every column is computed with the floors off, and compared with an oracle's value in the same run: NeuroKit2
where it has the same definition, else plain numpy and scipy. Peers are timed on some windows and multiplied.

python tests/benchmarks/hrv.py
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.interpolate import CubicSpline
from scipy.signal import welch

from pipeline.heart.beats import Beats
from pipeline.heart.complexity import dfa_alpha1, sample_entropy
from pipeline.heart.rhythm import rhythm_concentration
from pipeline.heart.series import Indices, Series, rows_within
from pipeline.heart.spectrum import (
    HF,
    LF,
    TOTAL,
    VLF,
    Detrend,
    PsdMethod,
    Spectrum,
    spectral_columns,
)
from pipeline.heart.windows import data_columns, hrv_columns, stress_columns, time_columns
from pipeline.model import Floats

REPO = Path(__file__).resolve().parents[2]
DAY_S = 86_400
GRIDS = ((300, 30, 0.5), (60, 1, 1.0))  # window, step, what we aim at, in s
REPEATS = 5
FIRST_CALL = """
import sys, time
began_s = time.perf_counter()
sys.path.insert(0, {repo!r})
import numpy as np
import numba
numba_s = time.perf_counter() - began_s
from pipeline.heart.beats import Beats
from pipeline.heart.spectrum import PsdMethod
from pipeline.heart.windows import hrv_columns
time_s = np.cumsum(0.8 + 0.05 * np.sin(np.arange(500.0)))
beats = Beats(time_s, 1000 * np.diff(time_s, prepend=0.0), np.zeros(500, dtype=np.int8))
began_s, cpu_s = time.perf_counter(), time.process_time()
for method in PsdMethod:
    hrv_columns(beats, np.array([0.0]), np.array([300.0]), method)
print(f"{{numba_s:.2f}} {{time.perf_counter() - began_s:.2f}} {{time.process_time() - cpu_s:.2f}}")
"""


def a_day() -> Beats:
    """Breathing, baroreflex waves, slow drift and noise, in whole milliseconds; one file of beats."""
    rng = np.random.default_rng(1)
    at_s = 0.8 * np.arange(130_000)
    rr_ms = 800 + 40 * np.sin(0.63 * at_s + np.sin(at_s / 50)) + 30 * np.sin(1.57 * at_s + np.cos(at_s / 90))
    rr_ms = np.rint(rr_ms + 60 * np.sin(at_s / 860) + 15 * rng.standard_normal(len(at_s)))
    time_s = np.cumsum(rr_ms) / 1000
    kept = time_s < DAY_S
    return Beats(time_s[kept], rr_ms[kept], np.zeros(np.count_nonzero(kept), dtype=np.int8))


def best_s(call: Callable[[], object], repeats: int = REPEATS) -> float:
    """The shortest of some runs: what the machine can do when nothing else runs on it."""
    taken_s = []
    for _ in range(repeats):
        began_s = time.perf_counter()
        call()
        taken_s.append(time.perf_counter() - began_s)
    return min(taken_s)


def cpu_s(call: Callable[[], object]) -> float:
    began_s = time.process_time()
    call()
    return time.process_time() - began_s


def first_call() -> None:
    """Import and compilation, in fresh processes: with nothing cached, and again."""
    script = FIRST_CALL.format(repo=str(REPO))
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
        for told in ("once per install", "later processes"):
            run = subprocess.run(
                [sys.executable, "-c", script], check=True, capture_output=True, text=True, env=environment
            )
            numba_s, first_s, spent_s = run.stdout.split()
            print(
                f"first call, {told:17s} {first_s:>6s} s wall, {spent_s} s CPU; importing numba {numba_s} s"
            )


def reading_parquet_s(beats: Beats) -> float:
    table = pa.table({"time_s": beats.time_s, "rr_ms": beats.interval_ms})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rr.parquet"
        pq.write_table(table, path, compression="zstd")
        return best_s(lambda: [column.to_numpy() for column in pq.read_table(path).columns], 15)


def parts_of(beats: Beats, start_s: Floats, end_s: Floats) -> None:
    """Where the time goes, and the time domain against reading the beats."""
    series, rows = Series.of(beats), rows_within(beats.time_s, start_s, end_s)
    first, last = (series.before[row] for row in rows)
    sdnn_ms = time_columns(series, first, last)["sdnn_ms"]
    detrend = Detrend.LINEAR
    pieces: dict[str, Callable[[], object]] = {
        "series of beats": lambda: Series.of(beats),
        "coverage, counts": lambda: data_columns(beats, series, rows, start_s, end_s),
        "time domain": lambda: time_columns(series, first, last),
        "SI": lambda: stress_columns(series, first, last),
        "Welch": lambda: spectral_columns(series, first, last, PsdMethod.WELCH, detrend),
        "Lomb": lambda: spectral_columns(series, first, last, PsdMethod.LOMB, detrend),
        "rhythm": lambda: rhythm_concentration(series, first, last),
        "sample entropy": lambda: sample_entropy(series, first, last, sdnn_ms),
        "DFA": lambda: dfa_alpha1(series, first, last),
    }
    taken_s = {name: best_s(call) for name, call in pieces.items()}
    print("  of which " + ", ".join(f"{name} {1000 * each:.1f} ms" for name, each in taken_s.items()))
    whole_s = best_s(lambda: time_columns(*held(beats, start_s, end_s)), 15)
    read_s = reading_parquet_s(beats)
    print(
        f"  time domain from beats to columns {1000 * whole_s:.1f} ms, reading them from parquet "
        f"{1000 * read_s:.1f} ms: {whole_s / read_s:.1f} x (required: 3)"
    )


def held(beats: Beats, start_s: Floats, end_s: Floats) -> tuple[Series, Indices, Indices]:
    """The series, and which of its intervals each window holds."""
    series, (first, last) = Series.of(beats), rows_within(beats.time_s, start_s, end_s)
    return series, series.before[first], series.before[last]


def peers_s(beats: Beats, start_s: Floats, window_s: int) -> dict[str, float]:
    """Seconds a window takes in each peer: the mean over some, spread over the day."""
    import hrvanalysis
    import neurokit2

    np.trapz = np.trapezoid  # hrv-analysis calls it by the name numpy 2.4 dropped

    def neurokit(call: Callable[..., object], inside: Beats) -> None:
        call(np.concatenate([[0], np.cumsum(inside.interval_ms)]).astype(int), sampling_rate=1000)

    def analysis(inside: Beats, method: str) -> None:
        intervals = list(inside.interval_ms)
        hrvanalysis.get_time_domain_features(intervals)
        hrvanalysis.get_frequency_domain_features(intervals, method=method)

    calls: dict[str, tuple[int, Callable[[Beats], object]]] = {
        "neurokit2.hrv": (4, lambda inside: neurokit(neurokit2.hrv, inside)),
        "neurokit2.hrv_time": (15, lambda inside: neurokit(neurokit2.hrv_time, inside)),
        "neurokit2.hrv_frequency": (15, lambda inside: neurokit(neurokit2.hrv_frequency, inside)),
        "hrv-analysis time + Welch": (30, lambda inside: analysis(inside, "welch")),
        "hrv-analysis time + Lomb": (30, lambda inside: analysis(inside, "lomb")),
        "hrv-analysis SampEn": (15, lambda inside: hrvanalysis.get_sampen(list(inside.interval_ms))),
    }
    taken_s = {}
    for name, (count, call) in calls.items():
        windows = [beats.between(at_s, at_s + window_s) for at_s in start_s[:: len(start_s) // count][:count]]
        call(windows[0])
        began_s = time.perf_counter()
        for inside in windows:
            call(inside)
        taken_s[name] = (time.perf_counter() - began_s) / len(windows)
    return taken_s


def oracle(beats: Beats, start_s: float, end_s: float) -> dict[str, float]:
    """One window's columns by other means, but for Lomb."""
    import neurokit2

    inside = beats.between(start_s, end_s)
    covered_s = beats.covered_s(start_s, end_s)
    outside_s = inside.time_s[0] - inside.interval_ms[0] / 1000 - start_s, end_s - inside.time_s[-1]
    rr_ms = inside.interval_ms
    peaks = np.concatenate([[0], np.cumsum(rr_ms)]).astype(int)
    times = neurokit2.hrv_time(peaks, sampling_rate=1000).iloc[0]
    tolerance = 0.2 * np.std(rr_ms, ddof=1)
    plain, wave = tachogram(inside), rhythm(inside)
    counts = np.bincount((rr_ms // 50).astype(int))
    si = 100 * counts.max() / len(rr_ms) / (2 * (counts.argmax() + 0.5) * 0.05 * np.ptp(rr_ms) / 1000)
    d_ms, sum_ms = np.diff(rr_ms), rr_ms[1:] + rr_ms[:-1]
    vlf, lf, hf, total = (plain.band_power(*band) for band in (VLF, LF, HF, TOTAL))
    nan = float("nan")
    peak = {name: plain.peak_hz(*band) for name, band in (("lf", LF), ("hf", HF), ("all", (LF[0], HF[1])))}
    return {
        "beats": len(rr_ms),
        "nn_pairs": len(d_ms),
        "covered_s": covered_s,
        "nn_coverage": min(1.0, covered_s / (end_s - start_s)),
        "longest_gap_s": max(0.0, *outside_s),
        **dict.fromkeys(("ectopic_n", "missed_n", "extra_n", "longshort_n", "artefact_pct", "has_gap"), 0.0),
        "contiguous_nn": len(rr_ms),
        "mean_hr_bpm": 60_000 / times["HRV_MeanNN"],
        "mean_nn_ms": times["HRV_MeanNN"],
        "sdnn_ms": times["HRV_SDNN"],
        "rmssd_ms": times["HRV_RMSSD"],
        "ln_rmssd": np.log(times["HRV_RMSSD"]),
        "pnn50_pct": times["HRV_pNN50"] * len(rr_ms) / len(d_ms),
        "sd1_ms": np.std(d_ms / np.sqrt(2), ddof=1),
        "sd2_ms": np.std(sum_ms / np.sqrt(2), ddof=1),
        "cvnn_pct": 100 * times["HRV_CVNN"],
        "rmssd_mean_nn_pct": 100 * times["HRV_CVSD"],
        "baevsky_si": si,
        "baevsky_si_sqrt": np.sqrt(si),
        "vlf_ms2": vlf,
        "lf_ms2": lf,
        "hf_ms2": hf,
        "total_ms2": total,
        "ln_lf": np.log(lf),
        "ln_hf": np.log(hf),
        "lf_hf": lf / hf,
        "lf_nu": 100 * lf / (lf + hf),
        "hf_nu": 100 * hf / (lf + hf),
        "lf_peak_hz": peak["lf"] or nan,
        "hf_peak_hz": peak["hf"] or nan,
        "peak_hz": peak["all"] or nan,
        "rhythm_concentration": wave,
        "sampen": neurokit2.entropy_sample(rr_ms, delay=1, dimension=2, tolerance=tolerance)[0],
        "dfa_alpha1": neurokit2.fractal_dfa(rr_ms, scale=list(range(4, 12)), overlap=False)[0],
    }


def resampled(inside: Beats) -> Floats:
    grid_s = np.arange(inside.time_s[0], inside.time_s[-1] + 1e-7, 0.25)
    return np.asarray(CubicSpline(inside.time_s, inside.interval_ms)(grid_s))


def tachogram(inside: Beats) -> Spectrum:
    """Scipy's Welch of scipy's spline, less its line; the spline's attenuation undone up to 0.25 c/beat."""
    values = resampled(inside)
    values -= np.polyval(np.polyfit(np.arange(len(values)), values, 1), np.arange(len(values)))
    padded = -(-min(len(values), 1200) // 300) * 600
    frequency_hz, density = welch(values, 4, "hann", min(len(values), 1200), nfft=padded)
    x = np.minimum(frequency_hz * np.mean(np.diff(inside.time_s)), 0.25)
    gain = np.sinc(x) ** 4 * 3 / (2 + np.cos(2 * np.pi * x))
    return Spectrum(frequency_hz, density / gain**2, PsdMethod.WELCH, Detrend.LINEAR)


def rhythm(inside: Beats) -> float:
    values = resampled(inside)
    _, density = welch(values, 4, "hann", min(256, len(values)), min(256, len(values)) // 2, 256, "linear")
    peak = 3 + int(np.argmax(density[3:17]))
    around, total = density[peak - 1 : peak + 2].sum(), density[1:26].sum()
    return float(around / (total - around))


def lomb_oracle(inside: Beats) -> dict[str, float]:
    """Scargle's periodogram with weights, one frequency at a time."""
    at_s, own_s = inside.time_s - inside.time_s[0], inside.interval_ms / 1000
    steps_s = np.diff(at_s)
    seen_s = (np.append(steps_s, own_s[-1]) + np.insert(steps_s, 0, own_s[0])) / 2
    taper = np.sin(np.pi * at_s / at_s[-1]) ** 2
    weight = seen_s * taper
    line = np.polyfit(at_s[1:-1], inside.interval_ms[1:-1], 1, w=np.sqrt(seen_s[1:-1]))
    values = inside.interval_ms - np.polyval(line, at_s)
    values -= np.average(values, weights=weight)
    padded = -(-(int(at_s[-1] * 4 + 1e-6) + 1) // 300) * 600
    frequency_hz = np.arange(int(0.41 * padded / 4) + 2) * 4 / padded
    density = np.zeros(len(frequency_hz))
    for k, hz in enumerate(frequency_hz[1:], 1):
        angle = 2 * np.pi * hz * at_s
        angle -= np.arctan2(weight @ np.sin(2 * angle), weight @ np.cos(2 * angle)) / 2
        for wave in (np.cos(angle), np.sin(angle)):
            density[k] += (weight @ (values * wave)) ** 2 / (weight @ wave**2)
    density *= weight.sum() / (seen_s @ taper**2)
    found = Spectrum(frequency_hz, density, PsdMethod.LOMB, Detrend.LINEAR)
    return {
        "vlf_ms2": found.band_power(*VLF),
        "lf_ms2": found.band_power(*LF),
        "hf_ms2": found.band_power(*HF),
    }


def compare(
    beats: Beats, start_s: Floats, end_s: Floats, columns: dict[PsdMethod, dict[str, Floats]]
) -> None:
    """The largest relative difference of each column from its oracle, over some windows."""
    largest: dict[str, float] = {}
    for row in np.linspace(0, len(start_s) - 1, 8).astype(int):
        inside = beats.between(start_s[row], end_s[row])
        expected = oracle(beats, start_s[row], end_s[row])
        pairs = {name: (columns[PsdMethod.WELCH][name][row], value) for name, value in expected.items()}
        for name, value in lomb_oracle(inside).items():
            pairs[f"{name} (Lomb)"] = (columns[PsdMethod.LOMB][name][row], value)
        for name, (ours, theirs) in pairs.items():
            if not np.isnan(theirs):
                off = abs(ours - theirs) / max(abs(theirs), 1e-3)
                largest[name] = max(largest.get(name, 0.0), float(off))
    worst = sorted(largest.items(), key=lambda item: -item[1])
    print(f"  {len(largest)} columns against their oracles, largest relative difference {worst[0][1]:.1e}:")
    print("    " + ", ".join(f"{name} {off:.0e}" for name, off in worst[:8]) + ", ...")


def timed(
    beats: Beats, start_s: Floats, end_s: Floats, method: PsdMethod, aim_s: float
) -> tuple[dict[str, Floats], float]:
    """All columns and the seconds they take; the second run must give the same bits."""

    def run() -> dict[str, Floats]:
        return hrv_columns(beats, start_s, end_s, method)

    first, second = run(), run()
    same = all(np.array_equal(first[name], second[name], equal_nan=True) for name in first)
    taken_s, spent_s = best_s(run), cpu_s(run)
    print(
        f"  all {len(first)} columns, {method:5s} {taken_s:6.3f} s wall (aim {aim_s}), {spent_s:.3f} s CPU; "
        f"{1e6 * taken_s / len(start_s):.1f} µs a window; same bits again: {same}"
    )
    return first, taken_s


def spectral_s(beats: Beats, start_s: Floats, end_s: Floats, method: PsdMethod) -> float:
    return best_s(lambda: spectral_columns(*held(beats, start_s, end_s), method, Detrend.LINEAR))


def grid(beats: Beats, window_s: int, step_s: int, aim_s: float) -> None:
    start_s = np.arange(0.0, DAY_S - window_s, step_s)
    end_s = start_s + window_s
    print(f"\n{len(start_s)} windows of {window_s} s every {step_s} s, {len(beats)} beats")
    columns, ours_s = {}, {}
    for method in PsdMethod:
        columns[method], ours_s[method] = timed(beats, start_s, end_s, method, aim_s)
    parts_of(beats, start_s, end_s)
    compare(beats, start_s, end_s, columns)
    domain_s = best_s(lambda: time_columns(*held(beats, start_s, end_s)))
    both_s = {method: domain_s + spectral_s(beats, start_s, end_s, method) for method in PsdMethod}
    ours = {
        "neurokit2.hrv": (max(ours_s.values()), "all our columns", 1000),
        "neurokit2.hrv_time": (domain_s, "time domain", None),
        "neurokit2.hrv_frequency": (both_s[PsdMethod.WELCH] - domain_s, "Welch", None),
        "hrv-analysis time + Welch": (both_s[PsdMethod.WELCH], "time domain + Welch", 30),
        "hrv-analysis time + Lomb": (both_s[PsdMethod.LOMB], "time domain + Lomb", 30),
        "hrv-analysis SampEn": (max(ours_s.values()), "all our columns", None),
    }
    for name, each_s in peers_s(beats, start_s, window_s).items():
        own_s, told, required = ours[name]
        ratio = each_s * len(start_s) / own_s
        wanted = f" (required: {required})" if required else ""
        print(
            f"  {name:26s} {1000 * each_s:8.1f} ms a window, {each_s * len(start_s):8.0f} s for all "
            f"(extrapolated): {ratio:7.0f} x {told}{wanted}"
        )


def one_window(beats: Beats) -> None:
    live = beats.between(40_000, 40_400)
    start_s, end_s = np.array([40_050.0]), np.array([40_350.0])
    for method in PsdMethod:
        taken_s = []
        for _ in range(500):
            began_s = time.perf_counter()
            hrv_columns(live, start_s, end_s, method)
            taken_s.append(time.perf_counter() - began_s)
        print(
            f"one window of 5 min, all columns, {method:5s} {1000 * min(taken_s):.2f} ms at best, "
            f"{1000 * float(np.median(taken_s)):.2f} ms median (required: 1)"
        )


def whole_day(beats: Beats) -> None:
    start_s, end_s = np.zeros(1), np.array([np.inf])
    for method in PsdMethod:
        taken_s = best_s(partial(hrv_columns, beats, start_s, end_s, method), 2)
        print(f"the day as one window, all columns, {method:5s} {taken_s:.2f} s")


def main() -> None:
    warnings.simplefilter("ignore")
    beats = a_day()
    first_call()
    hrv_columns(beats, np.zeros(1), np.array([300.0]), PsdMethod.WELCH)
    one_window(beats)
    whole_day(beats)
    for window_s, step_s, aim_s in GRIDS:
        grid(beats, window_s, step_s, aim_s)


if __name__ == "__main__":
    main()
