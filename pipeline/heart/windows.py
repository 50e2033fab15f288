"""Every heart column of the feature table, for all windows at once."""

from __future__ import annotations

import numpy as np

from pipeline.heart.beats import BeatKind, Beats
from pipeline.heart.complexity import dfa_alpha1, sample_entropy
from pipeline.heart.rhythm import rhythm_concentration
from pipeline.heart.series import Indices, Series, counted, rows_within
from pipeline.heart.spectrum import HF, Detrend, PsdMethod, spectral_columns
from pipeline.heart.time_domain import LARGE_MS, SI_BIN_MS
from pipeline.model import Floats

_CHUNK_WINDOWS = 16_384
_MOST_BINS = 2**16


def hrv_columns(
    beats: Beats,
    start_s: Floats,
    end_s: Floats,
    psd_method: PsdMethod | None,
    detrend: Detrend = Detrend.LINEAR,
    hf_band: tuple[float, float] = HF,
    duration_s: float | None = None,
) -> dict[str, Floats]:
    """The heart's columns over windows `start_s <= time_s < end_s`; (k,) float64 each, floors off.

    NaN where a value cannot exist. A window that ends at `duration_s` or later, or never (`inf`), includes
    the last beat. Where `psd_method` is None there is no spectrum. A window's values depend on the beats
    that end inside it alone (coverage also on the one that ends next), bit for bit.
    """
    start_s, end_s = np.array(start_s, dtype=np.float64), np.array(end_s, dtype=np.float64)
    reach_s = end_s if duration_s is None else np.where(end_s >= duration_s, np.inf, end_s)
    rows = rows_within(beats.time_s, start_s, reach_s)
    last_s = float(beats.time_s[-1]) if len(beats) else 0.0
    stop_s = np.where(np.isinf(end_s), np.maximum(start_s, last_s), end_s)
    beats, rows = _held(beats, rows)
    series = Series.of(beats)
    first, last = series.before[rows[0]], series.before[rows[1]]
    columns = data_columns(beats, series, rows, start_s, stop_s)
    columns |= time_columns(series, first, last)
    columns |= stress_columns(series, first, last)
    columns |= spectral_columns(series, first, last, psd_method, detrend, hf_band)
    return columns | {
        "rhythm_concentration": rhythm_concentration(series, first, last),
        "sampen": sample_entropy(series, first, last, columns["sdnn_ms"]),
        "dfa_alpha1": dfa_alpha1(series, first, last),
    }


def _held(beats: Beats, rows: tuple[Indices, Indices]) -> tuple[Beats, tuple[Indices, Indices]]:
    """The beats that the windows hold and the one after, and the windows' rows among them."""
    first, last = rows
    low, high = int(first.min(initial=len(beats))), int(last.max(initial=0)) + 1
    held = Beats(beats.time_s[low:high], beats.interval_ms[low:high], beats.kind[low:high])
    return held, (first - low, last - low)


def data_columns(
    beats: Beats, series: Series, rows: tuple[Indices, Indices], start_s: Floats, stop_s: Floats
) -> dict[str, Floats]:
    """What each window holds: counts by kind, coverage, gaps, the longest run of adjacent NN intervals."""
    from pipeline.heart import time_loops as loops

    first, last = series.before[rows[0]], series.before[rows[1]]
    filled, gap_s = np.empty((2, len(start_s))), np.empty(len(start_s))
    edges_s = np.stack([start_s, stop_s])
    begin_s = series.time_s - series.interval_ms / 1000
    loops.held(series.time_s, begin_s, series.follows, first, last, edges_s, filled)
    covered_s, run = filled
    kept = np.flatnonzero(~beats.excluded)  # what a person took out is as good as missing
    before = counted(~beats.excluded)
    within = before[rows[0]], before[rows[1]]
    time_s = np.array(beats.time_s[kept], dtype=np.float64)
    plausible = beats.kind[kept] != BeatKind.IMPLAUSIBLE  # what no heart does fills no time
    length_ms = np.where(plausible, np.maximum(np.nan_to_num(beats.interval_ms[kept]), 0.0), 0.0)
    loops.longest_gaps(time_s, time_s - length_ms / 1000, *within, edges_s, gap_s)
    nn, kept_beats = last - first, within[1] - within[0]
    columns = {
        "beats": nn.astype(np.float64),
        "nn_coverage": np.minimum(1.0, covered_s / np.maximum(stop_s - start_s, 1e-9)),
        "covered_s": covered_s,
        "longest_gap_s": gap_s,
        "artefact_pct": 100.0 * (kept_beats - nn) / np.maximum(kept_beats, 1),
        "has_gap": series.gaps(first, last).astype(np.float64),
        "contiguous_nn": run,
    }
    for name, kind in _KINDS.items():
        count = counted(np.equal(beats.kind, kind))
        columns[name] = (count[rows[1]] - count[rows[0]]).astype(np.float64)
    return columns


def time_columns(series: Series, first: Indices, last: Indices) -> dict[str, Floats]:
    """Time-domain and Poincaré measures of the NN intervals `first..last` of each window; (k,) columns.

    Definitions as in `time_domain`.
    """
    from pipeline.compiled import parts, spread
    from pipeline.heart import time_loops as loops

    totals = np.empty((len(series) + 1, loops.TOTALS))
    loops.running(series.interval_ms, series.follows, LARGE_MS, totals)
    found = np.empty((loops.MEASURES, len(first)))

    def fill(part: tuple[int, int]) -> None:
        rows = slice(*part)
        loops.moments(totals, first[rows], last[rows], found[:, rows])

    spread(fill, parts(len(first), _CHUNK_WINDOWS))
    return dict(zip(_TIME_DOMAIN, found, strict=True))


def stress_columns(series: Series, first: Indices, last: Indices) -> dict[str, Floats]:
    """Baevsky's index of each window and its root, as `baevsky_si`; (k,) columns."""
    from pipeline.heart import time_loops as loops

    bins, code = _bins(series.interval_ms)
    index = np.empty(len(first))
    loops.stress_index(series.interval_ms, code, bins, SI_BIN_MS, first, last, index)
    return {"baevsky_si": index, "baevsky_si_sqrt": np.sqrt(index)}


def _bins(nn_ms: Floats) -> tuple[Floats, Indices]:
    """The 50-ms bins that hold an interval, by their number, and which of them each interval lies in."""
    number = np.floor(nn_ms / SI_BIN_MS)
    if number.max(initial=0) >= _MOST_BINS:
        bins, code = np.unique(number, return_inverse=True)
        return bins, code.astype(np.int64)
    code = number.astype(np.int64)
    return np.arange(code.max(initial=0) + 1, dtype=np.float64), code


_TIME_DOMAIN = (
    "nn_pairs",
    "mean_hr_bpm",
    "mean_nn_ms",
    "sdnn_ms",
    "rmssd_ms",
    "ln_rmssd",
    "pnn50_pct",
    "sd1_ms",
    "sd2_ms",
    "cvnn_pct",
    "rmssd_mean_nn_pct",
)
_KINDS = {
    "ectopic_n": BeatKind.ECTOPIC,
    "missed_n": BeatKind.MISSED,
    "extra_n": BeatKind.EXTRA,
    "longshort_n": BeatKind.LONG_SHORT,
}
