"""Labels for beats as they come: the rule of `pipeline.heart.artefacts` on the latest beats only.

A label is final once `DELAY_BEATS` beats have followed, never changes after, and depends on the latest
`LOOK_BACK_BEATS` beats alone: how a feed is split, or when one looks, makes no difference. numpy only.
"""

from __future__ import annotations

import numpy as np

from pipeline.heart.artefacts import MEDIAN_BEATS, THRESHOLD_BEATS, Spread, kinds
from pipeline.heart.beats import Beats
from pipeline.model import Floats

DELAY_BEATS = MEDIAN_BEATS // 2  # the later half of a running median; differences need only two
LOOK_BACK_BEATS = THRESHOLD_BEATS
_RECENT_BEATS = 31
_KEPT_BEATS = 512  # a minute at any heart rate, and the look-back


class CausalBeats:
    """Beats one by one, each labelled with what was known `DELAY_BEATS` beats later.

    The newest `DELAY_BEATS` labels are provisional: good enough for a screen, they may change with the next
    beat. Differs from `classify` in that thresholds come from the latest 91 beats (or 31, see `_widest`),
    not from 45 on each side, and are one for all of them.
    """

    def __init__(self) -> None:
        self._time_s, self._interval_ms = (np.empty(2 * _KEPT_BEATS) for _ in range(2))
        self._kind = np.zeros(2 * _KEPT_BEATS, dtype=np.int8)
        self._count = 0

    def feed(self, time_s: float, interval_ms: float) -> None:
        """Take a beat: the end of its interval and the interval. NaN is a beat that could not be read."""
        if self._count == len(self._kind):
            self._forget()
        self._time_s[self._count], self._interval_ms[self._count] = time_s, interval_ms
        self._count += 1
        known = slice(max(self._count - LOOK_BACK_BEATS, 0), self._count)
        labels = kinds(self._time_s[known], self._interval_ms[known], _widest)
        fresh = min(DELAY_BEATS + 1, self._count)
        self._kind[self._count - fresh : self._count] = labels[-fresh:]

    @property
    def beats(self) -> Beats:
        """The latest beats, some hundreds; the last `DELAY_BEATS` of their labels are provisional."""
        return self._latest(self._count)

    @property
    def final(self) -> Beats:
        """The same without the beats of which the label is provisional."""
        return self._latest(max(self._count - DELAY_BEATS, 0))

    @property
    def newest_kinds(self) -> list[int]:
        """The labels that the newest beat may have changed, the oldest first; the last is its own."""
        newest: list[int] = self._kind[max(self._count - DELAY_BEATS - 1, 0) : self._count].tolist()
        return newest

    def _latest(self, end: int) -> Beats:
        rows = slice(max(self._count - _KEPT_BEATS, 0), end)
        return Beats(self._time_s[rows].copy(), self._interval_ms[rows].copy(), self._kind[rows].copy())

    def _forget(self) -> None:
        """Move the latest beats to the front; the rest is no longer needed."""
        for values in (self._time_s, self._interval_ms, self._kind):
            values[:_KEPT_BEATS] = values[-_KEPT_BEATS:]
        self._count = _KEPT_BEATS


def _widest(x_ms: Floats) -> Spread:
    """Quartiles over all values, or over the latest 31 where those lie further apart.

    When a heart becomes livelier, as after exercise, half of 91 beats must have passed before a quartile
    over all of them knows it.
    """
    whole, recent = _of_all(x_ms), _of_all(x_ms[-_RECENT_BEATS:])
    return recent if recent.upper - recent.lower > whole.upper - whole.lower else whole


def _of_all(x_ms: Floats) -> Spread:
    """Quartiles over all values but NaN; NaN where there are none."""
    known = np.sort(x_ms)  # NaN last
    count = len(known) - int(np.count_nonzero(np.isnan(known)))
    return Spread(_quantile(known, count, 0.25), _quantile(known, count, 0.75), count)


def _quantile(known: Floats, count: int, share: float) -> np.float64:
    if count == 0:
        return np.float64(np.nan)
    low, part = divmod(share * (count - 1), 1)
    lower, upper = known[int(low)], known[min(int(low) + 1, count - 1)]
    quantile: np.float64 = lower + (upper - lower) * part
    return quantile
