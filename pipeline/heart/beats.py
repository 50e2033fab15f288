"""Beat intervals and what each of them is; which of them follow each other in time.

numpy only: the recorder uses it too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pipeline.model import Bools, Floats
from pipeline.spans import Stretches

Kinds = NDArray[np.int8]

LONGEST_MS = 60_000.0  # whatever is longer is no interval at all, and ends a run
GAP_TOLERANCE_MS = 30.0
GAP_TOLERANCE_SHARE = 0.05


class BeatKind(IntEnum):
    """What an interval is; everything but NORMAL stays out of heart-rate variability."""

    NORMAL = 0
    ECTOPIC = 1  # a beat too early or too late: the interval before it and the one after it
    MISSED = 2  # an undetected beat inside the interval
    EXTRA = 3  # a false detection: both parts of the interval it cut
    LONG_SHORT = 4  # out of line with its neighbours, no better explanation
    # NaN, not positive, or outside 300..2000 ms and not explained by a kind above but the last; or out of
    # order in time
    IMPLAUSIBLE = 5
    # within a span that a person marked: it says nothing of the beat, and stands where time is missing
    EXCLUDED = 6


# numpy takes ten times as long to compare an array with a member
_NORMAL, _EXCLUDED = BeatKind.NORMAL.value, BeatKind.EXCLUDED.value


@dataclass(frozen=True, slots=True, eq=False)
class Beats:
    """Labelled beat intervals: three arrays of one length.

    `time_s` rising, the end of each interval; `interval_ms` as measured; `kind` holds `BeatKind` as int8.
    Rows out of order are allowed if they are IMPLAUSIBLE; windows that hold one may miss some rows.
    """

    time_s: Floats
    interval_ms: Floats
    kind: Kinds

    def __len__(self) -> int:
        return len(self.time_s)

    @property
    def nn(self) -> Bools:
        """Where the interval is normal to normal."""
        return np.equal(self.kind, _NORMAL)

    @property
    def adjacent(self) -> Bools:
        """Where interval i directly follows interval i-1 in time, neither of them EXCLUDED; False at 0."""
        follows = adjacent(self.time_s, self.interval_ms)
        kept = ~self.excluded
        follows[1:] &= kept[1:] & kept[:-1]
        return follows

    @property
    def excluded(self) -> Bools:
        """Where a person's mark takes the interval out."""
        return np.equal(self.kind, _EXCLUDED)

    @property
    def pairs(self) -> Bools:
        """Where i and i-1 are both NN and adjacent: the only differences HRV may use."""
        pairs = self.nn & self.adjacent
        pairs[1:] &= self.nn[:-1]
        return pairs

    @property
    def counts(self) -> Mapping[BeatKind, int]:
        """Intervals of each kind. One ectopic or extra beat spoils two intervals, so it counts two."""
        counts = np.bincount(self.kind, minlength=len(BeatKind))
        return {kind: int(counts[kind]) for kind in BeatKind}

    @property
    def corrected_pct(self) -> float:
        """Percent of intervals that are not NN, of those that no mark takes out; 0 where there are none."""
        kept = ~self.excluded
        return 100.0 * float(np.mean(~self.nn[kept])) if kept.any() else 0.0

    def without(self, marked: Stretches) -> Self:
        """The same, with every interval that shares time with a marked stretch EXCLUDED."""
        if not len(marked):
            return self
        out = marked.touch(self.time_s - self.interval_ms / 1000.0, self.time_s)
        kind = np.where(out & np.isfinite(self.time_s), _EXCLUDED, self.kind).astype(np.int8)
        return type(self)(self.time_s, self.interval_ms, kind)

    def between(self, start_s: float, end_s: float) -> Self:
        """The intervals that end in `start_s <= time_s < end_s`, with the labels they have here."""
        rows = slice(*np.searchsorted(self.time_s, (start_s, end_s)))
        return type(self)(self.time_s[rows], self.interval_ms[rows], self.kind[rows])

    def covered_s(self, start_s: float, end_s: float) -> float:
        """Seconds of `start_s..end_s` that NN intervals fill; one across an edge counts in part."""
        first, last = np.searchsorted(self.time_s, (start_s, end_s))
        rows = slice(first, last + 1)  # the next interval to end may have begun inside
        nn = self.kind[rows] == _NORMAL
        end = self.time_s[rows][nn]
        inside = np.minimum(end, end_s) - np.maximum(end - self.interval_ms[rows][nn] / 1000.0, start_s)
        return float(np.sum(np.maximum(inside, 0.0)))


def adjacent(time_s: Floats, interval_ms: Floats) -> Bools:
    """Where the time since the previous row is the interval, within 30 ms or 5 %, whichever is more.

    (n,) bool, False at 0. A NaN is adjacent to nothing before it.
    """
    follows = np.zeros(len(time_s), dtype=bool)
    step_ms = np.diff(time_s) * 1000.0
    tolerance_ms = np.maximum(GAP_TOLERANCE_MS, GAP_TOLERANCE_SHARE * np.abs(interval_ms[1:]))
    follows[1:] = (np.abs(step_ms - interval_ms[1:]) <= tolerance_ms) & np.isfinite(tolerance_ms)
    return follows
