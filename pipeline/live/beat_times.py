"""Times for beats as they come: cumulative, given once and never changed.

A radio makes beats late, never early. Late ones wait, unseen, until the next deliveries tell a stall, which
comes back to where it was, from a loss, which does not. A lost beat or two are not noticed here, as little
as a stall of a second: the sealed session, which can look ahead, knows them.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

_LATE_S = 1.5  # a strap notifies once a second, and the radio has its moments
_EARLY_S = 3.0
_LONGEST_MS = 10_000.0  # whatever is longer is no interval, and takes no time
_DELIVERIES = 3  # by then a stall would be over
_APART_S = 0.25  # deliveries closer together are one burst
_REMEMBERED = 60
_STEP_S = 1e-3


@dataclass(frozen=True, slots=True)
class _Delivery:
    """What one notification brought, and when."""

    arrival_s: float
    interval_ms: Sequence[float]

    @property
    def length_s(self) -> float:
        return sum(map(_length_s, self.interval_ms))


class LiveBeatTimes:
    """Ends of beat intervals from the arrivals of their notifications."""

    __slots__ = ("_end_s", "_late_s", "_waiting")

    def __init__(self) -> None:
        self._end_s = math.nan
        self._late_s: deque[float] = deque(maxlen=_REMEMBERED)
        self._waiting: list[_Delivery] = []

    def feed(self, arrival_s: float, interval_ms: Sequence[float]) -> Iterator[tuple[float, float]]:
        """Take a notification; yields (end in s, interval in ms) of each beat whose time is now known."""
        self._waiting.append(_Delivery(arrival_s, interval_ms))
        if math.isnan(self._end_s):
            self._end_s = arrival_s - self._waiting[0].length_s
        late_s = self._lateness()
        least_s = min(late_s)
        floor_s = min(self._late_s, default=least_s)
        if least_s > floor_s + _LATE_S:
            if self._deliveries() < _DELIVERIES:
                return
            self._end_s += least_s - floor_s  # beats were lost: what follows does not follow directly
            late_s = [floor_s + each - least_s for each in late_s]
        elif least_s < floor_s - _EARLY_S:
            self._late_s.clear()  # more beats than time: some came twice
        self._late_s.extend(late_s)
        yield from self._timed()

    def _lateness(self) -> list[float]:
        """How late each waiting notification is, if no beat was lost."""
        end_s, late_s = self._end_s, []
        for each in self._waiting:
            end_s += each.length_s
            late_s.append(each.arrival_s - end_s)
        return late_s

    def _deliveries(self) -> int:
        arrivals_s = [each.arrival_s for each in self._waiting]
        return 1 + sum(b - a > _APART_S for a, b in pairwise(arrivals_s))

    def _timed(self) -> Iterator[tuple[float, float]]:
        for each in self._waiting:
            for interval_ms in each.interval_ms:
                self._end_s += max(_length_s(interval_ms), _STEP_S)
                yield self._end_s, interval_ms
        self._waiting.clear()


def _length_s(interval_ms: float) -> float:
    return interval_ms / 1000 if 0 < interval_ms <= _LONGEST_MS else 0.0
