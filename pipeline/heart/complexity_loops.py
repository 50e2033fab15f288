"""Loops of sample entropy and detrended fluctuations over many windows at once."""

from __future__ import annotations

import numpy as np

from pipeline.compiled import compiled
from pipeline.heart.series import Indices
from pipeline.model import Bools, Floats

SMALLEST_BOX, LARGEST_BOX = 4, 11


@compiled
def sorted_templates(nn_ms: Floats, whole: Bools, a: int, b: int, order: Indices, spare: Indices) -> int:
    """Where the templates within `a..b` begin, by their first interval, into `order`; how many there are.

    `whole[i]`: intervals i, i + 1, i + 2 follow each other, so that a template may begin at i.
    """
    n = 0
    for i in range(a, b - 2):
        order[n] = i
        n += whole[i]
    width = 1
    while width < n:  # merge ever longer pieces
        for low in range(0, n, 2 * width):
            middle, high = min(low + width, n), min(low + 2 * width, n)
            left, right = low, middle
            for k in range(low, high):
                if left < middle and (right >= high or nn_ms[order[left]] <= nn_ms[order[right]]):
                    spare[k] = order[left]
                    left += 1
                else:
                    spare[k] = order[right]
                    right += 1
        for k in range(n):
            order[k] = spare[k]
        width *= 2
    return n


@compiled
def templates(nn_ms: Floats, order: Indices, count: int, a: int, b: int, out: Floats) -> int:
    """The three intervals of those of `order[:count]` that lie within `a..b`, into `out` (3, n); n."""
    n = 0
    for k in range(count):
        i = order[k]
        out[0, n], out[1, n], out[2, n] = nn_ms[i], nn_ms[i + 1], nn_ms[i + 2]
        n += (i >= a) & (i < b - 2)
    return n


@compiled
def matches(ordered: Floats, n: int, tolerance_ms: float, first: int, last: int) -> tuple[int, int]:
    """Pairs of `n` templates that match over two and over three intervals, the earlier in `first..last`."""
    two = three = 0
    stop = first
    for i in range(first, last):
        x, y, z = ordered[0, i], ordered[1, i], ordered[2, i]
        while stop < n and ordered[0, stop] - x <= tolerance_ms:
            stop += 1
        for j in range(i + 1, stop):
            both = abs(ordered[1, j] - y) <= tolerance_ms
            two += both
            three += both & (abs(ordered[2, j] - z) <= tolerance_ms)
    return two, three


@compiled
def all_matches(
    nn_ms: Floats, whole: Bools, first: Indices, last: Indices, r_ms: Floats, out: Indices
) -> None:
    """Matches of each window into `out` (2, k)."""
    most = 0
    for w in range(len(first)):
        most = max(most, last[w] - first[w])
    order, spare = np.empty(2 * most + 1, dtype=np.int64), np.empty(2 * most + 1, dtype=np.int64)
    ordered = np.empty((3, 2 * most + 1))
    low = high = count = 0  # windows overlap: one sorting serves those that lie within a block
    for w in range(len(first)):
        if r_ms[w] > 0:
            if first[w] < low or last[w] > high:
                low, high = first[w], min(2 * last[w] - first[w], len(nn_ms))
                count = sorted_templates(nn_ms, whole, low, high, order, spare)
            n = templates(nn_ms, order, count, first[w], last[w], ordered)
            out[0, w], out[1, w] = matches(ordered, n, r_ms[w], 0, n)


@compiled
def box_residuals(nn_ms: Floats, run_end: Indices, out: Floats) -> None:
    """What a line leaves of the summed intervals of each box, into `out` (sizes, n): mean squares in ms².

    The box of size s at i holds intervals i..i+s-1; NaN where its run ends before. The mean that detrended
    fluctuation analysis takes out first only adds a line to each box, which goes with the box's own.
    """
    profile = np.empty(LARGEST_BOX)
    for i in range(len(nn_ms)):
        total = 0.0
        for k in range(min(LARGEST_BOX, run_end[i] - i)):
            total += nn_ms[i + k] - nn_ms[i]
            profile[k] = total
        for size in range(SMALLEST_BOX, LARGEST_BOX + 1):
            row = size - SMALLEST_BOX
            if run_end[i] - i < size:
                out[row, i] = np.nan
                continue
            mean, middle, slope, spread = 0.0, (size - 1) / 2.0, 0.0, size * (size * size - 1) / 12.0
            for k in range(size):
                mean += profile[k]
                slope += (k - middle) * profile[k]
            mean, slope = mean / size, slope / spread
            left = 0.0
            for k in range(size):
                left += (profile[k] - mean - slope * (k - middle)) ** 2
            out[row, i] = left / size


@compiled
def fluctuations(residual: Floats, run_end: Indices, first: Indices, last: Indices, out: Floats) -> None:
    """Mean squared fluctuation of each window for each size, into `out` (sizes, k).

    Boxes lie end to end from the start of each unbroken run in the window; a run's remainder is left out.
    """
    for w in range(len(first)):
        for row in range(LARGEST_BOX - SMALLEST_BOX + 1):
            size, total, boxes = row + SMALLEST_BOX, 0.0, 0
            start = first[w]
            while start < last[w]:
                end = min(run_end[start], last[w])
                for i in range(start, end - size + 1, size):
                    total += residual[row, i]
                    boxes += 1
                start = end
            out[row, w] = total / boxes if boxes else np.nan
