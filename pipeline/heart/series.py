"""The NN intervals of a recording in one row, and which of them each window holds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pipeline.heart.beats import LONGEST_MS, Beats
from pipeline.model import Bools, Floats

Indices = NDArray[np.int64]

_MANY = 4096  # windows for which a compiled search pays
MOST_BRIDGED = 2  # excluded intervals in a row that interpolation may span
_LONGEST_BRIDGE = 3.5  # of the intervals around: those two, the next one, and some room


@dataclass(frozen=True, eq=False)
class Series:
    """NN intervals (n,), how each follows the one before, and how many come before each of m beats.

    `follows`: adjacent to the NN interval before it, so that their difference exists. `row` is the beat that
    each interval is, `adjacent` (m,) where beats follow each other. What says how an interval follows the one
    before is a property of two neighbours, so a window sees it as the whole recording does.
    """

    time_s: Floats
    interval_ms: Floats
    follows: Bools
    before: Indices  # (m + 1,)
    row: Indices
    adjacent: Bools

    @classmethod
    def of(cls, beats: Beats) -> Self:
        """The series of labelled beats; an interval that is no positive number is never normal."""
        normal = usable(beats)
        row, adjacent = np.flatnonzero(normal), beats.adjacent
        follows = np.zeros(len(row), dtype=bool)
        follows[1:] = (np.diff(row) == 1) & adjacent[row[1:]]
        before = np.zeros(len(beats) + 1, dtype=np.int64)
        np.cumsum(normal, out=before[1:])
        time_s, interval_ms = (
            np.ascontiguousarray(values[row], dtype=np.float64)
            for values in (beats.time_s, beats.interval_ms)
        )
        return cls(time_s, interval_ms, follows, before, row, adjacent)

    @cached_property
    def step_s(self) -> Floats:
        """Time since the NN interval before; 0 at the first."""
        return np.diff(self.time_s, prepend=self.time_s[:1])

    @cached_property
    def rise(self) -> Floats:
        """Change since the NN interval before, in ms per s; 0 at the first."""
        change_ms = np.diff(self.interval_ms, prepend=self.interval_ms[:1])
        return np.divide(change_ms, self.step_s, out=np.zeros(len(self)), where=self.step_s > 0)

    @cached_property
    def apart(self) -> Bools:
        """Separated from the NN interval before by what nothing may bridge; True at the first.

        That is a gap in time, more than two excluded intervals, or one that is far too long.
        """
        apart = np.ones(len(self), dtype=bool)
        run = np.cumsum(~self.adjacent)[self.row]
        usual_s = (self.interval_ms[1:] + self.interval_ms[:-1]) / 2000
        apart[1:] = (np.diff(self.row) > MOST_BRIDGED + 1) | (np.diff(run) > 0)
        apart[1:] |= self.step_s[1:] > _LONGEST_BRIDGE * usual_s
        return apart

    def __len__(self) -> int:
        return len(self.time_s)

    def gaps(self, first: Indices, last: Indices) -> Bools:
        """Whether NN intervals `first..last` (exclusive) of each window hold a break; (k,) bool."""
        return np.greater(_within(counted(self.apart), first, last), 0)


def usable(beats: Beats) -> Bools:
    """Where an interval is normal, positive, and no longer than one can be."""
    return np.asarray(beats.nn & (beats.interval_ms > 0) & (beats.interval_ms <= LONGEST_MS))


def rows_within(time_s: Floats, start_s: Floats, end_s: Floats) -> tuple[Indices, Indices]:
    """First and last row (exclusive) of each window `start_s <= time_s < end_s`; (k,) each."""
    first = _places(time_s, start_s)
    return first, np.maximum(first, _places(time_s, end_s))


def _places(time_s: Floats, edges_s: Floats) -> Indices:
    """Where the first time is that is not before each edge."""
    if len(edges_s) < _MANY:
        return np.searchsorted(time_s, edges_s).astype(np.int64)
    from pipeline.heart.time_loops import places

    found = np.empty(len(edges_s), dtype=np.int64)
    places(np.array(time_s, dtype=np.float64), np.array(edges_s, dtype=np.float64), found)
    return found


def counted(flags: Bools) -> Indices:
    """How many flags are set before each position; (n + 1,)."""
    count = np.zeros(len(flags) + 1, dtype=np.int64)
    np.cumsum(flags, out=count[1:])
    return count


def _within(count: Indices, first: Indices, last: Indices) -> Indices:
    inner, end = _inner(count, first, last)
    return count[end] - count[inner]


def _inner(count: Indices, first: Indices, last: Indices) -> tuple[Indices, Indices]:
    """A window's first interval has no neighbour in it."""
    inner = np.minimum(first + 1, len(count) - 1)
    return inner, np.maximum(last, inner)
