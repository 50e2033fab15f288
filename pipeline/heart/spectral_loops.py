"""Loops of the two spectral estimates and of the rhythm, over many stretches of beats at once.

A stretch is a range of NN intervals that nothing separates further than interpolation may reach.
"""

from __future__ import annotations

import math

import numpy as np

from pipeline.compiled import compiled
from pipeline.heart.series import Indices
from pipeline.model import Bools, Floats

RESAMPLED_HZ = 4.0
_SMOOTHNESS_2 = 500.0**2  # lambda² at 4 Hz: a cut-off near 0.035 Hz
_LEAST_STEP_S = 1e-6


@compiled
def stretches(
    apart: Bools, first: Indices, last: Indices, window: Indices, begin: Indices, end: Indices
) -> int:
    """Cut each window at its breaks into `window`, `begin`, `end`, as far as they reach; how many."""
    found = 0
    for w in range(len(first)):
        start = first[w]
        for i in range(first[w] + 1, last[w] + 1):
            if i == last[w] or apart[i]:
                if found < len(window):
                    window[found], begin[found], end[found] = w, start, i
                found += 1
                start = i
    return found


@compiled
def _slopes(step_s: Floats, rise: Floats, slope: Floats, upper: Floats) -> None:
    """Slopes of the not-a-knot cubic spline at each of four or more knots.

    `step_s`, `rise` (n,): from the knot before to each one, in time and as values per time; the first unused.
    """
    n = len(step_s)
    h, h_next = step_s[1], step_s[2]
    both = h + h_next
    upper[0] = both / h_next
    slope[0] = ((h + 2.0 * both) * h_next * rise[1] + h * h * rise[2]) / (both * h_next)
    for i in range(1, n - 1):
        h, h_next = step_s[i], step_s[i + 1]
        pivot = 1.0 / (2.0 * (h + h_next) - h_next * upper[i - 1])
        upper[i] = h * pivot
        slope[i] = (3.0 * (h_next * rise[i] + h * rise[i + 1]) - h_next * slope[i - 1]) * pivot
    h, h_last = step_s[n - 2], step_s[n - 1]
    both = h + h_last
    right = (h_last * h_last * rise[n - 2] + (2.0 * both + h_last) * h * rise[n - 1]) / both
    slope[n - 1] = (right - both * slope[n - 2]) / (h - both * upper[n - 2])
    for i in range(n - 2, -1, -1):
        slope[i] -= upper[i] * slope[i + 1]


@compiled
def resample(
    time_s: Floats,
    values: Floats,
    step_s: Floats,
    rise: Floats,
    begin: Indices,
    end: Indices,
    count: Indices,
    at: Indices,
    out: Floats,
) -> None:
    """The cubic spline through each stretch at 4 Hz, from its first interval on, less its first value.

    `count` samples of each go to `out[at:]`; NaN where time does not rise.
    """
    most = 0
    for s in range(len(begin)):
        most = max(most, end[s] - begin[s])
    slope, upper = np.empty(most), np.empty(most)
    for s in range(len(begin)):
        a, n, start = begin[s], end[s] - begin[s], at[s]
        rises = True
        for i in range(a + 1, a + n):
            rises &= step_s[i] > _LEAST_STEP_S
        if not rises:
            for k in range(count[s]):
                out[start + k] = np.nan
            continue
        _slopes(step_s[a : a + n], rise[a : a + n], slope, upper)
        k = 0
        for i in range(n - 1):
            here_s, base = time_s[a + i] - time_s[a], values[a + i] - values[a]
            h, g = step_s[a + i + 1], rise[a + i + 1]
            c = (3.0 * g - 2.0 * slope[i] - slope[i + 1]) / h
            d = (slope[i] + slope[i + 1] - 2.0 * g) / (h * h)
            until = count[s]
            if i < n - 2:
                until = min(until, int((time_s[a + i + 1] - time_s[a]) * RESAMPLED_HZ) + 1)
            for sample in range(k, until):
                u = sample / RESAMPLED_HZ - here_s
                out[start + sample] = base + u * (slope[i] + u * (c + u * d))
            k = max(k, until)


@compiled
def _smooth(values: Floats, pivot: Floats, one: Floats, two: Floats) -> None:
    """Replace evenly spaced values by their trend (I + λ² D'D)⁻¹ z, D the second difference; n >= 4.

    A matrix of five diagonals, decomposed as L D L'; `pivot` holds D, `one` and `two` the bands of L.
    """
    n = len(values)
    for i in range(n):
        edge = min(i, n - 1 - i)
        pivot[i] = 1.0 + _SMOOTHNESS_2 * (1.0 if edge == 0 else 5.0 if edge == 1 else 6.0)
        one[i] = _SMOOTHNESS_2 * (-2.0 if edge == 0 or i == n - 2 else -4.0)
        two[i] = _SMOOTHNESS_2
        if i >= 2:
            pivot[i] -= two[i - 2] * two[i - 2] * pivot[i - 2]
            values[i] -= two[i - 2] * values[i - 2]
        if i >= 1:
            pivot[i] -= one[i - 1] * one[i - 1] * pivot[i - 1]
            values[i] -= one[i - 1] * values[i - 1]
            one[i] -= one[i - 1] * two[i - 1] * pivot[i - 1]
        one[i] /= pivot[i]
        two[i] /= pivot[i]
    for i in range(n - 1, -1, -1):
        values[i] /= pivot[i]
        if i < n - 1:
            values[i] -= one[i] * values[i + 1]
        if i < n - 2:
            values[i] -= two[i] * values[i + 2]


@compiled
def take_lines(samples: Floats, at: Indices, count: Indices) -> None:
    """Take the least-squares line out of each stretch's samples."""
    for s in range(len(at)):
        n, start = count[s], at[s]
        middle, mean, slope = (n - 1) / 2.0, 0.0, 0.0
        for i in range(n):
            mean += samples[start + i]
            slope += (i - middle) * samples[start + i]
        mean /= n
        slope /= max(n * (n * n - 1.0) / 12.0, 1.0)
        for i in range(n):
            samples[start + i] -= mean + slope * (i - middle)


@compiled
def take_smooth_trends(samples: Floats, at: Indices, count: Indices) -> None:
    """Take the smooth trend out of each stretch's samples."""
    most = 4
    for s in range(len(at)):
        most = max(most, count[s])
    trend, pivot, one, two = np.empty(most), np.empty(most), np.empty(most), np.empty(most)
    for s in range(len(at)):
        for i in range(count[s]):
            trend[i] = samples[at[s] + i]
        _smooth(trend[: count[s]], pivot, one, two)
        for i in range(count[s]):
            samples[at[s] + i] -= trend[i]


@compiled
def segments(
    samples: Floats,
    at: Indices,
    count: Indices,
    tapers: Floats,
    taper: Indices,
    length: int,
    sloping: bool,
    out: Floats,
) -> None:
    """Each stretch's segments less their means, if `sloping` their lines, tapered, as padded rows of `out`.

    They have `length` samples and overlap by half; a shorter stretch is one. `taper[s]`: row of `tapers`.
    """
    row = 0
    for s in range(len(at)):
        n = min(count[s], length)
        middle, spread = (n - 1) / 2.0, max(n * (n * n - 1.0) / 12.0, 1.0)
        for start in range(at[s], at[s] + count[s] - n + 1, length // 2):
            mean = slope = 0.0
            for i in range(n):
                mean += samples[start + i]
                slope += (i - middle) * samples[start + i]
            mean, slope = mean / n, slope / spread if sloping else 0.0
            for i in range(n):
                out[row, i] = (samples[start + i] - mean - slope * (i - middle)) * tapers[taper[s], i]
            for i in range(n, out.shape[1]):
                out[row, i] = 0.0
            row += 1


@compiled
def add_density(transform: Floats, rows: Indices, scale: Floats, to: Indices, out: Floats) -> None:
    """Add each stretch's squared transforms times its scale to row `to` of `out` (.., bins).

    `transform` (rows, 2 bins) holds real and imaginary parts in turn; `rows` of them belong to each stretch.
    """
    row = 0
    for s in range(len(rows)):
        for _ in range(rows[s]):
            for k in range(out.shape[1]):
                power = transform[row, 2 * k] ** 2 + transform[row, 2 * k + 1] ** 2
                out[to[s], k] += scale[s] * power
            row += 1


@compiled
def undo_gain(density: Floats, cycles_per_beat: Floats, most: float, coefficients: Floats) -> None:
    """Divide each row by what the spline leaves at `cycles_per_beat` times the bin, held at `most`."""
    for s in range(len(density)):
        for k in range(density.shape[1]):
            x = min(k * cycles_per_beat[s], most)
            inverse = 0.0
            for c in coefficients:
                inverse = inverse * (x * x) + c
            density[s, k] *= inverse


@compiled
def bands(density: Floats, weights: Floats, out: Floats) -> None:
    """Power of each row (stretches, bins) in each band (bands, bins), into `out` (bands, stretches)."""
    for s in range(len(density)):
        for band in range(len(weights)):
            total = 0.0
            for k in range(density.shape[1]):
                total += weights[band, k] * density[s, k]
            out[band, s] = total


@compiled
def peaks(density: Floats, low: Indices, high: Indices, out: Indices) -> None:
    """The bin of the highest density in ranges low..high (inclusive), into `out` (ranges, rows)."""
    for s in range(len(density)):
        for band in range(len(low)):
            best = low[band]
            for k in range(low[band], high[band] + 1):
                if density[s, k] > density[s, best]:
                    best = k
            out[band, s] = best


@compiled
def centred(
    time_s: Floats,
    interval_ms: Floats,
    weight_s: Floats,
    first: Indices,
    last: Indices,
    at: Indices,
    sloping: bool,
    out: Floats,
) -> None:
    """Points of each window less their weighted mean, or if `sloping` their line; from `out[at]` on.

    The first and last count for nothing: the time around them is not all in the window.
    """
    for w in range(len(first)):
        a, b, shift = first[w], last[w], at[w] - first[w]
        total = mean = middle = product = square = 0.0
        for i in range(a + 1, b - 1):
            total += weight_s[i]
            mean += weight_s[i] * (interval_ms[i] - interval_ms[a])
            middle += weight_s[i] * (time_s[i] - time_s[a])
        mean, middle = mean / total, middle / total
        if sloping:
            for i in range(a + 1, b - 1):
                off_s = time_s[i] - time_s[a] - middle
                product += weight_s[i] * off_s * (interval_ms[i] - interval_ms[a])
                square += weight_s[i] * off_s * off_s
        slope = product / square if square > 0 else 0.0
        for i in range(a, b):
            trend = mean + slope * (time_s[i] - time_s[a] - middle)
            out[shift + i] = interval_ms[i] - interval_ms[a] - trend


@compiled
def smooth_centred(
    time_s: Floats,
    interval_ms: Floats,
    joined: Bools,
    first: Indices,
    last: Indices,
    at: Indices,
    out: Floats,
) -> None:
    """Points of each window less the trend of each unbroken stretch, found at 4 Hz on straight lines.

    Of a stretch below a second only the mean goes.
    """
    for w in range(len(first)):
        shift, start = at[w] - first[w], first[w]
        for i in range(first[w], last[w]):
            out[shift + i] = interval_ms[i] - interval_ms[first[w]]
        for i in range(first[w] + 1, last[w] + 1):
            if i == last[w] or not joined[i]:
                count = math.floor((time_s[i - 1] - time_s[start]) * RESAMPLED_HZ + 1e-6) + 1
                if count >= 4:
                    _take_stretch(time_s[start:i], out[shift + start : shift + i], count)
                else:
                    mean = 0.0
                    for k in range(start, i):
                        mean += out[shift + k]
                    for k in range(start, i):
                        out[shift + k] -= mean / (i - start)
                start = i


@compiled
def _take_stretch(time_s: Floats, values: Floats, count: int) -> None:
    grid, pivot, one, two = np.empty(count), np.empty(count), np.empty(count), np.empty(count)
    i = 0
    for k in range(count):
        at_s = k / RESAMPLED_HZ
        while i < len(values) - 2 and time_s[i + 1] - time_s[0] < at_s:
            i += 1
        step_s = time_s[i + 1] - time_s[i]
        share = (at_s - (time_s[i] - time_s[0])) / step_s if step_s > 0 else 0.0
        grid[k] = values[i] + min(share, 1.0) * (values[i + 1] - values[i])
    _smooth(grid, pivot, one, two)
    for i in range(len(values)):
        position = (time_s[i] - time_s[0]) * RESAMPLED_HZ
        k = max(min(int(position), count - 2), 0)
        values[i] -= grid[k] + (position - k) * (grid[k + 1] - grid[k])


@compiled
def _taper(share: float) -> float:
    """Hann's window, sin²(π share) for 0..1: a series in powers of the distance from the middle."""
    u = math.pi * (share - 0.5)
    u2 = u * u
    cosine = 1.0 - u2 / 380.0 * (1.0 - u2 / 462.0)
    cosine = 1.0 - u2 / 306.0 * cosine
    cosine = 1.0 - u2 / 240.0 * cosine
    cosine = 1.0 - u2 / 182.0 * cosine
    cosine = 1.0 - u2 / 132.0 * cosine
    cosine = 1.0 - u2 / 90.0 * cosine
    cosine = 1.0 - u2 / 56.0 * cosine
    cosine = 1.0 - u2 / 30.0 * cosine
    cosine = 1.0 - u2 / 12.0 * cosine
    cosine = 1.0 - u2 / 2.0 * cosine
    return cosine * cosine


@compiled
def _add_periodogram(
    tapered: Floats, weight: Floats, turn_cos: Floats, turn_sin: Floats, cos: Floats, sin: Floats, out: Floats
) -> None:
    """Add 2 P W of Lomb's weighted periodogram P at bins 1.. of `out`; W is the sum of weights.

    `turn` is each sample's phase at bin 1; from bin to bin the phases are turned on by it. With the phases
    of twice the frequency it gives the delay that makes sine and cosine orthogonal.
    """
    n, total = len(weight), 0.0
    for i in range(n):
        total += weight[i]
        cos[i], sin[i] = 1.0, 0.0
    for k in range(1, len(out)):
        on_cos = on_sin = double_cos = double_sin = 0.0
        for i in range(n):
            c = cos[i] * turn_cos[i] - sin[i] * turn_sin[i]
            s = sin[i] * turn_cos[i] + cos[i] * turn_sin[i]
            cos[i], sin[i] = c, s
            on_cos += tapered[i] * c
            on_sin += tapered[i] * s
            double_cos += weight[i] * (c * c - s * s)
            double_sin += weight[i] * (c * s)
        double_sin *= 2.0
        length = math.sqrt(double_cos * double_cos + double_sin * double_sin)
        ratio = double_cos / length if length > 0 else 1.0
        half_cos = math.sqrt(max(0.5 * (1.0 + ratio), 0.0))
        half_sin = math.copysign(math.sqrt(max(0.5 * (1.0 - ratio), 0.0)), double_sin)
        along, across = on_cos * half_cos + on_sin * half_sin, on_sin * half_cos - on_cos * half_sin
        power = along * along / (0.5 * (total + length))
        if total - length > 1e-9 * total:
            power += across * across / (0.5 * (total - length))
        out[k] += power * total


@compiled
def lomb(
    time_s: Floats,
    weight_s: Floats,
    turn_cos: Floats,
    turn_sin: Floats,
    values: Floats,
    at: Indices,
    first: Indices,
    last: Indices,
    segment_s: float,
    out: Floats,
) -> None:
    """Weighted, tapered Lomb periodogram of points `first..last` of each window, in ms²/Hz, into `out`.

    `values[at:]` holds the points without their trend. Segments of `segment_s` (or all there is) overlap by
    half; each counts by the tapered time it has seen.
    """
    most = 0
    for w in range(len(first)):
        most = max(most, last[w] - first[w])
    tapered, weight, cos, sin = np.empty(most), np.empty(most), np.empty(most), np.empty(most)
    for w in range(len(first)):
        a, b, shift = first[w], last[w], at[w] - first[w]
        for k in range(out.shape[1]):
            out[w, k] = 0.0
        length_s = min(segment_s, time_s[b - 1] - time_s[a])
        count = 1 + math.floor((time_s[b - 1] - time_s[a] - length_s) / (length_s / 2.0) + 1e-9)
        seen_s, i = 0.0, a
        for segment in range(count):
            start_s = time_s[a] + segment * length_s / 2.0
            while i < b - 1 and time_s[i] < start_s:
                i += 1
            n, used_s, mean, total = 0, 0.0, 0.0, 0.0
            while i + n < b and time_s[i + n] <= start_s + length_s:
                taper = _taper((time_s[i + n] - start_s) / length_s)
                weight[n] = taper * weight_s[i + n]
                used_s += taper * weight[n]
                total += weight[n]
                mean += weight[n] * values[shift + i + n]
                n += 1
            if n < 4 or not total > 0:
                continue
            for k in range(n):
                tapered[k] = weight[k] * (values[shift + i + k] - mean / total)
            _add_periodogram(
                tapered[:n], weight[:n], turn_cos[i : i + n], turn_sin[i : i + n], cos, sin, out[w]
            )
            seen_s += used_s
        for k in range(out.shape[1]):
            out[w, k] /= seen_s


@compiled
def concentrations(density: Floats, low: int, high: int, last: int, least: float, out: Floats) -> None:
    """Power of the highest bin of `low..high` and its neighbours over the rest of 1..`last`, of each row.

    NaN where the sum is below `least`, or nothing is left.
    """
    for w in range(len(density)):
        total, peak = 0.0, low
        for k in range(1, last + 1):
            total += density[w, k]
            if low <= k <= high and density[w, k] > density[w, peak]:
                peak = k
        around = density[w, peak - 1] + density[w, peak] + density[w, peak + 1]
        rest = total - around
        out[w] = around / rest if total >= least and rest > 0 else np.nan
