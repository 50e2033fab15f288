"""Loops over the beats of many windows at once: counts, coverage and the time domain.

Windows overlap, so sums come from running totals. Those are kept in two parts, what a double holds and what
it lost (Knuth 1998, 4.2.2, two-sum), and subtracted in two parts, too: what lies outside a window does not
reach the last bit of its values.
"""

from __future__ import annotations

import math

import numpy as np

from pipeline.compiled import compiled, exact
from pipeline.heart.series import Indices
from pipeline.model import Bools, Floats

CENTRE_MS = 800.0  # taken off intervals before they are squared: less is lost in the difference

# The running totals: six sums, each beside what it lost, and three counts.
SUMS = 6
PAIRS, LARGE, CHANGES = 12, 13, 14
TOTALS = CHANGES + 1

# Rows of the columns that `moments` fills.
NN_PAIRS, MEAN_HR, MEAN_NN, SDNN, RMSSD, LN_RMSSD, PNN50, SD1, SD2, CVNN, RMSSD_SHARE = range(11)
MEASURES = RMSSD_SHARE + 1


@exact
def running(nn_ms: Floats, follows: Bools, large_ms: float, totals: Floats) -> None:
    """Totals over the intervals before each position, and over their differences; (n + 1, TOTALS).

    The sums are of intervals less `CENTRE_MS`, of differences, and of two intervals that follow each other
    less twice that, each and then its square. `CHANGES` counts intervals unlike the one before, `LARGE`
    differences beyond `large_ms`.
    """
    totals[0] = 0.0
    value = np.zeros(SUMS)
    for i in range(len(nn_ms)):
        pair = i > 0 and follows[i]
        value[0] = nn_ms[i] - CENTRE_MS
        value[2] = nn_ms[i] - nn_ms[i - 1] if pair else 0.0
        value[4] = value[0] + (nn_ms[i - 1] - CENTRE_MS) if pair else 0.0
        for k in range(0, SUMS, 2):
            value[k + 1] = value[k] * value[k]
        for k in range(SUMS):
            before = totals[i, 2 * k]
            total = before + value[k]
            part = total - before
            totals[i + 1, 2 * k] = total
            lost = (before - (total - part)) + (value[k] - part)
            totals[i + 1, 2 * k + 1] = totals[i, 2 * k + 1] + lost
        totals[i + 1, PAIRS] = totals[i, PAIRS] + pair
        totals[i + 1, LARGE] = totals[i, LARGE] + (abs(value[2]) > large_ms)
        totals[i + 1, CHANGES] = totals[i, CHANGES] + (i > 0 and nn_ms[i] != nn_ms[i - 1])


@exact
def _sum(totals: Floats, a: int, b: int, k: int) -> float:
    """The k-th sum between two positions."""
    upper, lower = totals[b, 2 * k], -totals[a, 2 * k]
    difference = upper + lower
    part = difference - upper
    lost = (upper - (difference - part)) + (lower - part)
    whole: float = difference + (lost + (totals[b, 2 * k + 1] - totals[a, 2 * k + 1]))
    return whole


@exact
def _spread(total: float, squares: float, n: float) -> float:
    """The standard deviation of n values from their sum and that of their squares, ddof 1."""
    return math.sqrt(max(squares - total * (total / n), 0.0) / (n - 1)) if n > 1 else np.nan


@exact
def moments(totals: Floats, first: Indices, last: Indices, out: Floats) -> None:
    """Means and spreads of each window's intervals, differences and sums, into `out` (MEASURES, k)."""
    sums, half = np.empty(SUMS), math.sqrt(0.5)
    for w in range(len(first)):
        a, b, n = first[w], last[w], last[w] - first[w]
        out[NN_PAIRS, w] = 0.0
        for row in range(NN_PAIRS + 1, MEASURES):
            out[row, w] = np.nan
        if n <= 0:
            continue
        inner = a + 1  # a window's first interval has no neighbour in it
        for k in range(SUMS):
            sums[k] = _sum(totals, a if k < 2 else inner, b, k)
        mean = CENTRE_MS + sums[0] / n
        if mean <= 0.0:  # an interval of next to nothing, lost beside the centre
            mean = np.nan
        per_mean = 1.0 / mean
        out[MEAN_NN, w], out[MEAN_HR, w] = mean, 60_000.0 * per_mean
        if n > 1:
            varies = totals[b, CHANGES] > totals[inner, CHANGES]
            spread = _spread(sums[0], sums[1], n) if varies else 0.0  # whatever rounding makes of steadiness
            out[SDNN, w], out[CVNN, w] = spread, 100.0 * spread * per_mean
        pairs = totals[b, PAIRS] - totals[inner, PAIRS]
        out[NN_PAIRS, w] = pairs
        if pairs > 0:
            rmssd = math.sqrt(sums[3] / pairs)
            out[RMSSD, w], out[RMSSD_SHARE, w] = rmssd, 100.0 * rmssd * per_mean
            out[LN_RMSSD, w] = math.log(rmssd) if rmssd > 0 else np.nan
            out[PNN50, w] = 100.0 * (totals[b, LARGE] - totals[inner, LARGE]) / pairs
            out[SD1, w] = _spread(sums[2], sums[3], pairs) * half
            out[SD2, w] = _spread(sums[4], sums[5], pairs) * half


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
def places(rising: Floats, edges: Floats, out: Indices) -> None:
    """Where the first of some rising numbers is that is not below each edge; edges mostly rise, too."""
    at = 0
    for k in range(len(edges)):
        if at > 0 and not rising[at - 1] < edges[k]:
            at = _place(rising, edges[k])
        while at < len(rising) and rising[at] < edges[k]:
            at += 1
        out[k] = at


@compiled
def stress_index(
    nn_ms: Floats, code: Indices, bins: Floats, bin_ms: float, first: Indices, last: Indices, out: Floats
) -> None:
    """Baevsky's index of each window, into `out` (k,); `bins[code[i]]` is the bin of interval i.

    What is carried from one window to the next where they overlap are whole numbers: the counts of the bins,
    and which intervals can still become the shortest or longest. A window that moves back begins anew.
    """
    count = np.zeros(len(bins), dtype=np.int64)
    queue = np.empty((2, len(nn_ms)), dtype=np.int64)
    head = np.zeros(2, dtype=np.int64)
    tail = np.zeros(2, dtype=np.int64)
    a = b = 0
    for w in range(len(first)):
        if first[w] < a or first[w] >= b or last[w] < b:
            for i in range(a, b):
                count[code[i]] = 0
            a = b = first[w]
            head[:] = 0
            tail[:] = 0
        for i in range(a, first[w]):
            count[code[i]] -= 1
        for i in range(b, last[w]):
            count[code[i]] += 1
            for side in range(2):
                sign = 1.0 - 2.0 * side
                while tail[side] > head[side] and sign * (nn_ms[queue[side, tail[side] - 1]] - nn_ms[i]) >= 0:
                    tail[side] -= 1
                queue[side, tail[side]] = i
                tail[side] += 1
        a, b = first[w], max(last[w], first[w])
        out[w] = np.nan
        if b <= a:
            continue
        for side in range(2):
            while queue[side, head[side]] < a:
                head[side] += 1
        low_ms, high_ms = nn_ms[queue[0, head[0]]], nn_ms[queue[1, head[1]]]
        if high_ms > low_ms:
            best = k = _place(bins, math.floor(low_ms / bin_ms))
            while k < len(bins) and bins[k] <= high_ms / bin_ms:
                if count[k] > count[best]:
                    best = k
                k += 1
            mode_s = (bins[best] + 0.5) * bin_ms / 1000.0
            range_s = (high_ms - low_ms) / 1000.0
            out[w] = 100.0 * count[best] / (b - a) / (2.0 * mode_s * range_s)


@compiled
def held(
    end_s: Floats,
    begin_s: Floats,
    follows: Bools,
    first: Indices,
    last: Indices,
    edges_s: Floats,
    out: Floats,
) -> None:
    """What NN intervals fill of each window in s, and the most of them in a row; into `out` (2, k).

    `first..last` are the intervals that end inside; the next may have begun inside. `edges_s` (2, k).
    """
    for w in range(len(first)):
        total, longest, run = 0.0, 0, 0
        for i in range(first[w], min(last[w] + 1, len(end_s))):
            inside = min(end_s[i], edges_s[1, w]) - max(begin_s[i], edges_s[0, w])
            total += max(inside, 0.0)
            if i < last[w]:
                run = run + 1 if follows[i] and i > first[w] else 1
                longest = max(longest, run)
        out[0, w], out[1, w] = total, longest


@compiled
def longest_gaps(
    time_s: Floats, begin_s: Floats, first: Indices, last: Indices, edges_s: Floats, out: Floats
) -> None:
    """The longest time without an interval of any kind in each window, its edges included."""
    for w in range(len(first)):
        a, b = first[w], last[w]
        if b <= a:
            out[w] = edges_s[1, w] - edges_s[0, w]
        else:
            longest = max(begin_s[a] - edges_s[0, w], edges_s[1, w] - time_s[b - 1])
            for i in range(a + 1, b):
                longest = max(longest, begin_s[i] - time_s[i - 1])
            out[w] = max(longest, 0.0)
