"""Motion of an accelerometer, wherever it is worn: acceleration less gravity.

For each axis the mean of the two seconds around a sample is taken out, which is gravity and slow tilt;
what is left, over all axes, is motion. A sensor's orientation makes no difference. numpy only.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.model import Bools, Floats, Stream

_AROUND_S = 2.0
_SHORTEST_S = 1.0  # of a stretch: in less, the mean around a sample is hardly more than the sample
_GAP_PERIODS = 1.5
_SECOND_SHARE = 0.5
_LARGEST_MG = 1e5  # beyond any sensor; running sums stay exact enough


def motion_columns(acc: Stream | None, start_s: Floats, end_s: Floats) -> dict[str, Floats]:
    """`motion_rms_mg` (k,): the root mean square of motion over windows `start_s <= time < end_s`, in mg.

    `acc` has a column in mg for each axis, at 10-200 Hz. Samples with a NaN are left out, and no mean reaches
    across a gap (1.5 sample periods). NaN where a window holds no usable sample. A sample that is 0 on every
    axis is no measurement, as gravity is always felt: it counts as missing.
    """
    time_s, squared_mg2 = _squared(acc)
    total = np.concatenate([[0.0], np.cumsum(squared_mg2)])
    first, last = np.searchsorted(time_s, start_s), np.searchsorted(time_s, end_s)
    count = np.maximum(last - first, 0)
    mean = np.where(count > 0, total[last] - total[first], np.nan) / np.maximum(count, 1)
    return {"motion_rms_mg": np.sqrt(np.maximum(mean, 0.0))}


def motion_per_second(acc: Stream | None) -> tuple[Floats, Floats]:
    """Motion second by second: (the whole second at which each begins, root mean square in mg), (n,) each.

    Only seconds that hold samples; NaN where less than half of a second's samples are usable.
    """
    time_s, squared_mg2 = _squared(acc)
    if acc is None or not len(time_s):
        return np.empty(0), np.empty(0)
    second = np.floor(time_s)
    first = np.flatnonzero(np.diff(second, prepend=-np.inf))
    count = np.diff(first, append=len(second))
    mean = np.add.reduceat(squared_mg2, first) / count
    mean[count < _SECOND_SHARE * _rate_hz(acc.time_s, acc.rate_hz)] = np.nan
    return second[first], np.sqrt(mean)


def axes_mg(acc: Stream) -> Floats:
    """The stream's axes as (n, axes), in mg: the columns whose names end so."""
    axes = [column for name, column in acc.columns.items() if name.endswith("_mg")]
    return np.column_stack(axes) if axes else np.empty((len(acc), 0))


def _squared(acc: Stream | None) -> tuple[Floats, Floats]:
    """The times of usable samples and their squared motion, in mg²."""
    values = axes_mg(acc) if acc is not None else np.empty((0, 0))
    if acc is None or len(values) < 2 or not values.shape[1]:
        return np.empty(0), np.empty(0)
    usable = _usable(values)
    time_s, values = acc.time_s[usable], values[usable]
    if not len(time_s):
        return np.empty(0), np.empty(0)
    rate_hz = _rate_hz(acc.time_s, acc.rate_hz)
    first, last = _stretch_of(np.diff(time_s) > _GAP_PERIODS / rate_hz)
    row, half = np.arange(len(time_s)), max(round(_AROUND_S * rate_hz / 2), 1)
    low, high = np.maximum(row - half, first), np.minimum(row + half + 1, last)
    squared_mg2 = np.zeros(len(time_s))
    for axis in values.T:
        total = np.concatenate([[0.0], np.cumsum(axis)])
        squared_mg2 += (axis - (total[high] - total[low]) / (high - low)) ** 2
    long = (last - first) >= _SHORTEST_S * rate_hz
    return time_s[long], squared_mg2[long]


def _usable(values: Floats) -> Bools:
    """Samples that a sensor can have measured."""
    possible, felt = np.ones(len(values), dtype=bool), np.zeros(len(values), dtype=bool)
    for axis in values.T:  # a reduction along so short an axis would take five times as long
        possible &= np.abs(axis) < _LARGEST_MG
        felt |= axis != 0.0
    return possible & felt


def _stretch_of(breaks: Bools) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """For each sample the first of its stretch and the one after its last; `breaks` between samples."""
    edges = np.flatnonzero(np.concatenate([[True], breaks, [True]]))
    length = np.diff(edges)
    return np.repeat(edges[:-1], length), np.repeat(edges[1:], length)


def _rate_hz(time_s: Floats, rate_hz: float | None) -> float:
    return rate_hz or 1.0 / float(np.median(np.diff(time_s)))
