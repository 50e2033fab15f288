"""Loops over the beats of many windows at once: counts, coverage and the time domain.

Each window is summed by itself, never as a difference of running totals: what lies outside it cannot change
a bit of its values.
"""

from __future__ import annotations

import math

import numpy as np

from pipeline.heart.compiled import compiled
from pipeline.heart.series import Indices
from pipeline.model import Bools, Floats

# Rows of the columns that `moments` fills.
(MEAN_HR, MEAN_NN, SDNN, RMSSD, LN_RMSSD, PNN50, SD1, SD2, CVNN, RMSSD_SHARE, SI, SI_SQRT, LOW, HIGH) = range(
    14
)
MEASURES = HIGH + 1


@compiled
def moments(
    nn_ms: Floats,
    d_ms: Floats,
    sum_ms: Floats,
    first: Indices,
    last: Indices,
    pair_first: Indices,
    pair_last: Indices,
    out: Floats,
) -> None:
    """Means, spreads and extremes of each window's intervals, differences and sums, into `out` (MEASURES, k).

    Two passes each: the mean first, then squares about it, ddof 1.
    """
    for w in range(len(first)):
        a, b, n = first[w], last[w], last[w] - first[w]
        for row in range(len(out)):
            out[row, w] = np.nan
        if n > 0:
            total, low, high = 0.0, nn_ms[a], nn_ms[a]
            for i in range(a, b):
                total += nn_ms[i]
                low = min(low, nn_ms[i])
                high = max(high, nn_ms[i])
            mean, squares = total / n, 0.0
            for i in range(a, b):
                squares += (nn_ms[i] - mean) * (nn_ms[i] - mean)
            out[MEAN_NN, w], out[MEAN_HR, w] = mean, 60_000.0 / mean
            out[LOW, w], out[HIGH, w] = low, high
            if n > 1:
                out[SDNN, w] = math.sqrt(squares / (n - 1)) if low < high else 0.0
                out[CVNN, w] = 100.0 * out[SDNN, w] / mean
        _pair_moments(d_ms, sum_ms, pair_first[w], pair_last[w], w, out)


@compiled
def _pair_moments(d_ms: Floats, sum_ms: Floats, a: int, b: int, w: int, out: Floats) -> None:
    n = b - a
    if n > 0:
        total_d, total_sum, squares, large = 0.0, 0.0, 0.0, 0
        for i in range(a, b):
            total_d += d_ms[i]
            total_sum += sum_ms[i]
            squares += d_ms[i] * d_ms[i]
            large += abs(d_ms[i]) > 50.0
        mean_d, mean_sum, about_d, about_sum = total_d / n, total_sum / n, 0.0, 0.0
        for i in range(a, b):
            about_d += (d_ms[i] - mean_d) * (d_ms[i] - mean_d)
            about_sum += (sum_ms[i] - mean_sum) * (sum_ms[i] - mean_sum)
        rmssd = math.sqrt(squares / n)
        out[RMSSD, w], out[PNN50, w] = rmssd, 100.0 * large / n
        out[RMSSD_SHARE, w] = 100.0 * rmssd / out[MEAN_NN, w]
        if rmssd > 0:
            out[LN_RMSSD, w] = math.log(rmssd)
        if n > 1:
            out[SD1, w] = math.sqrt(about_d / (n - 1) / 2.0)
            out[SD2, w] = math.sqrt(about_sum / (n - 1) / 2.0)


@compiled
def _place(rising: Floats, value: float) -> int:
    """Where the first of some rising numbers is that is not below a value."""
    low, high = 0, len(rising)
    while low < high:
        middle = (low + high) // 2
        if rising[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def stress_index(
    code: Indices, bins: Floats, bin_ms: float, first: Indices, last: Indices, out: Floats
) -> None:
    """Baevsky's index of each window and its root; `bins[code[i]]` is the bin of interval i.

    Counts are carried from one window to the next where they overlap: whole numbers, so nothing is lost.
    """
    count = np.zeros(len(bins), dtype=np.int64)
    a = b = 0
    for w in range(len(first)):
        if first[w] < a or first[w] >= b or last[w] < b:
            for i in range(a, b):
                count[code[i]] = 0
            a = b = first[w]
        for i in range(a, first[w]):
            count[code[i]] -= 1
        for i in range(b, last[w]):
            count[code[i]] += 1
        a, b = first[w], last[w]
        range_s = (out[HIGH, w] - out[LOW, w]) / 1000.0
        if range_s > 0:
            best = k = _place(bins, math.floor(out[LOW, w] / bin_ms))
            while k < len(bins) and bins[k] <= out[HIGH, w] / bin_ms:
                if count[k] > count[best]:
                    best = k
                k += 1
            mode_s = (bins[best] + 0.5) * bin_ms / 1000.0
            out[SI, w] = 100.0 * count[best] / (b - a) / (2.0 * mode_s * range_s)
            out[SI_SQRT, w] = math.sqrt(out[SI, w])


@compiled
def longest_runs(follows: Bools, first: Indices, last: Indices, out: Floats) -> None:
    """The most intervals in a row, each adjacent to the one before, in each window."""
    for w in range(len(first)):
        longest = run = 0
        for i in range(first[w], last[w]):
            run = run + 1 if follows[i] and i > first[w] else 1
            longest = max(longest, run)
        out[w] = longest


@compiled
def covered(
    end_s: Floats,
    begin_s: Floats,
    first: Indices,
    last: Indices,
    start_s: Floats,
    stop_s: Floats,
    out: Floats,
) -> None:
    """Seconds of each window that intervals fill; one across an edge counts in part."""
    for w in range(len(first)):
        total = 0.0
        for i in range(first[w], last[w]):
            inside = min(end_s[i], stop_s[w]) - max(begin_s[i], start_s[w])
            total += max(inside, 0.0)
        out[w] = total


@compiled
def longest_gaps(
    time_s: Floats,
    begin_s: Floats,
    first: Indices,
    last: Indices,
    start_s: Floats,
    stop_s: Floats,
    out: Floats,
) -> None:
    """The longest time without an interval of any kind in each window, its edges included."""
    for w in range(len(first)):
        a, b = first[w], last[w]
        if b <= a:
            out[w] = stop_s[w] - start_s[w]
        else:
            longest = max(begin_s[a] - start_s[w], stop_s[w] - time_s[b - 1])
            for i in range(a + 1, b):
                longest = max(longest, begin_s[i] - time_s[i - 1])
            out[w] = max(longest, 0.0)
