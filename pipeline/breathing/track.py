"""A signal that breathing is read from, four times a second, in stretches without a gap."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pipeline.model import Floats

RATE_HZ = 4.0
STEP_S = 1.0 / RATE_HZ

_GAP_PERIODS = 1.5
_BY_MEAN_HZ = 2.0 * RATE_HZ  # from here on a cell of 1/4 s holds two samples and its mean is a low-pass
_LARGEST = 1e100  # in any unit; sums and squares stay finite
_SLOWEST_HZ = 2.0  # breathing up to 0.5 Hz with room to spare

Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """`values` (n, axes) at `time_s` (n,) rising, 1/4 s apart within a stretch and never NaN.

    `stretch` (n,) numbers the stretches: between two of them time or trust is missing.
    """

    time_s: Floats
    values: Floats
    stretch: Indices

    def __len__(self) -> int:
        return len(self.time_s)

    @classmethod
    def empty(cls, axes: int = 1) -> Self:
        return cls(np.empty(0), np.empty((0, axes)), np.empty(0, dtype=np.intp))

    def between(self, start_s: float, end_s: float) -> Self:
        """The samples with `start_s <= time_s < end_s`."""
        rows = slice(*np.searchsorted(self.time_s, (start_s, end_s)))
        return type(self)(self.time_s[rows], self.values[rows], self.stretch[rows])

    def starts(self, length: int, step: int) -> Indices:
        """First samples of pieces of `length` samples, every `step`, each inside one stretch."""
        edges = np.flatnonzero(np.diff(self.stretch, prepend=-1, append=-1))
        pieces = [np.arange(first, last - length + 1, step) for first, last in pairwise(edges)]
        return np.concatenate(pieces).astype(np.intp) if pieces else np.empty(0, dtype=np.intp)


def sampled(time_s: Floats, values: Floats, rate_hz: float | None) -> Track:
    """A track of a regularly sampled signal: `time_s` (n,) rising, `values` (n, axes), NaN where missing.

    Above 8 Hz the mean of each quarter of a second, below by straight lines; `rate_hz` None is estimated. A
    pause of more than 1.5 sample periods, and of more than 1/4 s, is a gap. Empty for a signal below 2 Hz.
    """
    usable = np.ones(len(time_s), dtype=bool)
    for axis in values.T:
        usable &= np.abs(axis) < _LARGEST
    if not usable.all():
        time_s, values = time_s[usable], values[usable]
    axes = values.shape[1]
    if len(time_s) < 2:
        return Track.empty(axes)
    rate_hz = rate_hz or 1.0 / float(np.median(np.diff(time_s)))
    if rate_hz < _SLOWEST_HZ:
        return Track.empty(axes)
    breaks = np.diff(time_s) > max(_GAP_PERIODS / rate_hz, STEP_S)
    if rate_hz < _BY_MEAN_HZ:
        return interpolated(time_s, values, breaks)
    return _averaged(time_s, values, breaks)


def interpolated(time_s: Floats, values: Floats, breaks: NDArray[np.bool_]) -> Track:
    """A track by straight lines between samples; `breaks` (n - 1,) says between which there is none."""
    first = np.flatnonzero(np.concatenate([[True], breaks]))
    last = np.append(first[1:], len(time_s)) - 1
    counts = np.floor((time_s[last] - time_s[first]) * RATE_HZ + 1e-6).astype(np.intp) + 1
    stretch = np.repeat(np.arange(len(first)), counts)
    place = np.arange(len(stretch)) - np.repeat(np.cumsum(counts) - counts, counts)
    grid_s = time_s[first][stretch] + place * STEP_S
    columns = [np.interp(grid_s, time_s, column) for column in values.T]
    return Track(grid_s, np.column_stack(columns), stretch)


def _averaged(time_s: Floats, values: Floats, breaks: NDArray[np.bool_]) -> Track:
    """A track of the means of cells that start with each stretch; a last part of a cell is left out."""
    stretch = np.concatenate([[0], np.cumsum(breaks)])
    first = np.flatnonzero(np.concatenate([[True], breaks]))
    last = np.append(first[1:], len(time_s)) - 1
    counts = np.floor((time_s[last] - time_s[first]) * RATE_HZ + 1e-6).astype(np.intp)
    offset = np.cumsum(counts) - counts
    local = np.floor((time_s - time_s[first][stretch]) * RATE_HZ + 1e-6).astype(np.intp)
    inside = local < counts[stretch]
    cell = (offset[stretch] + local)[inside]
    total = int(counts.sum())
    held = np.bincount(cell, minlength=total)
    sums = np.column_stack([np.bincount(cell, column[inside], total) for column in values.T])
    of = np.repeat(np.arange(len(first)), counts)
    place = np.arange(total) - offset[of]
    grid_s = time_s[first][of] + (place + 0.5) * STEP_S
    kept = held > 0
    return Track(grid_s[kept], sums[kept] / held[kept, None], (of + np.cumsum(~kept))[kept])
