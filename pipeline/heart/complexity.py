"""Sample entropy and the short-term scaling exponent of many windows at once."""

from __future__ import annotations

import numpy as np

from pipeline.heart.series import Indices, Series
from pipeline.model import Bools, Floats

_TOLERANCE_SD = 0.2
_NO_SPREAD_MS = 1e-9  # what rounding leaves of equal intervals
_CHUNK_WINDOWS = 256
_LONG = 2**12  # intervals in a window from which its own templates are spread over the cores


def sample_entropy(series: Series, first: Indices, last: Indices, sdnn_ms: Floats) -> Floats:
    """Sample entropy of the NN intervals `first..last` of each window (Richman & Moorman 2000); (k,).

    -ln(A / B), m = 2, r = 0.2 SDNN (ddof 1); B counts pairs of templates of two intervals that lie within r
    of each other at each place, A those that still do with the interval after. A template never spans an
    excluded beat or a gap, but templates from both sides of one are compared: all data count, and nothing
    that did not happen. For unbroken intervals this is the textbook's definition. NaN where SDNN is 0, or
    either count is. The work grows with the square of the intervals: a day in one window takes seconds.
    """
    from pipeline.compiled import parts, spread
    from pipeline.heart import complexity_loops as loops

    nn_ms, whole = series.interval_ms, np.zeros(len(series), dtype=bool)
    whole[:-2] = series.follows[1:-1] & series.follows[2:]
    r_ms = np.where(sdnn_ms > _NO_SPREAD_MS, _TOLERANCE_SD * sdnn_ms, 0.0)
    found = np.zeros((2, len(first)), dtype=np.int64)
    long = last - first >= _LONG
    few = np.flatnonzero(~long)

    def count(part: tuple[int, int]) -> None:
        rows = few[slice(*part)]
        matched = np.zeros((2, len(rows)), dtype=np.int64)
        loops.all_matches(nn_ms, whole, first[rows], last[rows], r_ms[rows], matched)
        found[:, rows] = matched

    spread(count, parts(len(few), _CHUNK_WINDOWS))
    for w in np.flatnonzero(long & (r_ms > 0)):
        found[:, w] = _matches(nn_ms, whole, int(first[w]), int(last[w]), float(r_ms[w]))
    with np.errstate(divide="ignore", invalid="ignore"):
        entropy = -np.log(found[1] / found[0])
    return np.where(np.isfinite(entropy), entropy, np.nan)


def _matches(nn_ms: Floats, whole: Bools, first: int, last: int, r_ms: float) -> tuple[int, int]:
    """Matches in one long window, spread over the cores; whole numbers, so in any order."""
    from pipeline.compiled import parts, spread
    from pipeline.heart import complexity_loops as loops

    order, spare = np.empty((2, last - first), dtype=np.int64)
    ordered = np.empty((3, last - first + 1))
    count = loops.sorted_templates(nn_ms, whole, first, last, order, spare)
    n = loops.templates(nn_ms, order, count, first, last, ordered)

    def found_in(part: tuple[int, int]) -> tuple[int, int]:
        return loops.matches(ordered, n, r_ms, *part)

    found = spread(found_in, parts(n, _LONG // 2))
    return sum(two for two, _ in found), sum(three for _, three in found)


def dfa_alpha1(series: Series, first: Indices, last: Indices) -> Floats:
    """Short-term scaling exponent of the NN intervals `first..last` of each window (Peng 1995); (k,).

    The slope of ln F(n) over ln n, n = 4..11 intervals. F² is the mean of what a line leaves of the summed
    intervals in boxes that lie end to end, not overlapping. Boxes never span an excluded beat or a gap: each
    unbroken run is boxed from its start and its remainder left out. For unbroken intervals this is the
    textbook's definition. NaN where some size has no box, or no fluctuation.
    """
    from pipeline.heart import complexity_loops as loops

    sizes = np.arange(loops.SMALLEST_BOX, loops.LARGEST_BOX + 1)
    squares = np.full((len(sizes), len(first)), np.nan)
    if not len(first) or not len(series):
        return np.full(len(first), np.nan)
    low, high = int(first.min()), max(int(last.max()), int(first.min()))
    run_end = _run_ends(series.follows[low:high])
    residual = np.empty((len(sizes), high - low))
    loops.box_residuals(series.interval_ms[low:high], run_end, residual)
    loops.fluctuations(residual, run_end, first - low, last - low, squares)
    ln_f = np.log(np.where((squares > 0) & np.isfinite(squares), squares, np.nan)) / 2
    ln_n = np.log(sizes) - np.mean(np.log(sizes))
    slope = np.zeros(len(first))
    for weight, row in zip(ln_n / np.sum(ln_n**2), ln_f, strict=True):
        slope += weight * row  # in this order whatever the number of windows
    return np.where(np.isfinite(slope), slope, np.nan)


def _run_ends(follows: Bools) -> Indices:
    """Where the unbroken run of each interval ends (exclusive)."""
    starts = np.flatnonzero(~follows[1:]) + 1
    bounds = np.append(starts, len(follows)).astype(np.int64)
    return bounds[np.searchsorted(starts, np.arange(len(follows)), side="right")]
