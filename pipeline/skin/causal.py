"""Skin conductance live: level, phasic part and responses, sample by sample, without look-ahead.

What comes out depends on the samples alone, not on how they were packed.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline.skin.responses import LONGEST_RISE_S, MIN_AMPLITUDE_US
from pipeline.skin.signal import NEARBY_S, PLAUSIBLE_US, STEEPEST_US_S, SlowLevel

RATE_HZ = 8.0
DELAY_S = 1.25  # from the end of a climb until it is known, at 4 Hz or more; 3.5 s at 1 Hz

_PERIOD_S = 1.0 / RATE_HZ
_SMOOTH_S = 0.125  # time constant of each of two poles
_GAP_S = 1.6  # samples further apart have nothing to do with each other
_PAUSE_S = 0.5
_CLIMB_SHARE, _ONSET_SHARE = 0.1, 0.5
_LEAST_SLOPE_US_S = MIN_AMPLITUDE_US / LONGEST_RISE_S  # a response cannot be flatter throughout
_SHORTEST_RISE_S = 0.4
_LOOK_BACK_S = 10.0
_KEPT_S = 600.0
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class LiveResponse:
    """A response as the live form sees it: onset and peak in s, trough to peak in µS."""

    onset_s: float
    peak_s: float
    amplitude_us: float


@dataclass(frozen=True, slots=True)
class _Step:
    """From one smoothed value to the next: when, how steep, and the two values."""

    time_s: float
    length_s: float
    slope_us_s: float
    before_us: float
    after_us: float

    @property
    def pause_s(self) -> float:
        """What is flat for this long ends a climb: half a second, and more than one sample."""
        return max(_PAUSE_S, 1.5 * self.length_s) - _ROUNDING


class LiveSkin:
    """The live split of skin conductance, and its responses.

    Samples of any rate from 1 to 1000 Hz are averaged over eighths of a second, low-passed by two poles of
    0.125 s (times are put back by their delay) and split: `level_us` below 0.05 Hz, as `SlowLevel`,
    `phasic_us` the rest. A response is a climb of at least 0.05 µS from trough to peak within 5 s, as in the
    batch form; it is known `DELAY_S` after it stopped rising. What lies outside 0.05..60 µS or is steeper
    than 10 µS/s is not used, nor are the 5 s after it (the 5 s before are past mending).
    """

    __slots__ = (
        "_block",
        "_climbing",
        "_first_us",
        "_held_until_s",
        "_last_s",
        "_last_steep_s",
        "_level",
        "_responses",
        "_second_us",
        "_steepest",
        "_steps",
        "_sum_us",
        "_taken",
        "_usable_s",
        "_valid_s",
    )  # fmt: skip

    def __init__(self) -> None:
        self._level = SlowLevel()
        self._block, self._taken, self._sum_us = -math.inf, 0, 0.0
        self._first_us = self._second_us = math.nan
        self._last_s = self._held_until_s = self._last_steep_s = -math.inf
        self._climbing, self._steepest = False, 0.0
        self._steps: deque[_Step] = deque()
        self._responses: list[LiveResponse] = []
        self._valid_s: list[float] = []
        self._usable_s: list[float] = [0.0]  # before the first of those, and up to each

    @property
    def level_us(self) -> float:
        """The level now; NaN before the first eighth of a second is over."""
        return self._level.feed(self._last_s, math.nan)

    @property
    def used_s(self) -> float:
        """The time of the last value that was used; minus infinity before the first."""
        return self._valid_s[-1] if self._valid_s else -math.inf

    @property
    def taken_s(self) -> float:
        """The time of the last value, used or not; minus infinity before the first."""
        return self._last_s

    @property
    def phasic_us(self) -> float:
        """How far the signal lies from the level now; NaN where nothing is usable."""
        return self._second_us - self.level_us

    def feed(self, time_s: float, eda_us: float) -> None:
        """Take a sample; a missing one, or one from the past, changes nothing."""
        block = math.floor(time_s * RATE_HZ + _ROUNDING)
        if block < self._block or not math.isfinite(eda_us):
            return
        if block > self._block:
            if self._taken:
                self._take((self._block + 0.5) * _PERIOD_S, self._sum_us / self._taken)
            self._block, self._taken, self._sum_us = block, 0, 0.0
        self._taken += 1
        self._sum_us += eda_us

    def responses(self, start_s: float, end_s: float) -> list[LiveResponse]:
        """The known responses of the last ten minutes that began in `start_s <= onset_s < end_s`."""
        return [each for each in self._responses if start_s <= each.onset_s < end_s]

    def valid_s(self, start_s: float, end_s: float) -> float:
        """Usable time in `start_s..end_s`, within the last ten minutes."""
        first, after = bisect_left(self._valid_s, start_s), bisect_left(self._valid_s, end_s)
        return self._usable_s[max(first, after)] - self._usable_s[first]

    def responses_per_min(self, now_s: float, window_s: float = 120.0) -> float | None:
        """NS-SCR rate of the latest window in which all is known; None without usable time.

        That window ends 6.25 s ago: what begins later may still be rising.
        """
        end_s = now_s - DELAY_S - LONGEST_RISE_S
        valid_s = self.valid_s(end_s - window_s, end_s)
        return 60.0 * len(self.responses(end_s - window_s, end_s)) / valid_s if valid_s else None

    def _take(self, time_s: float, eda_us: float) -> None:
        """Take the mean of a block."""
        elapsed_s, self._last_s = time_s - self._last_s, time_s
        if not PLAUSIBLE_US[0] <= eda_us <= PLAUSIBLE_US[1]:
            self._hold(time_s)
            self._first_us = self._second_us = math.nan
            return
        if elapsed_s > _GAP_S or math.isnan(self._second_us):
            self._forget()
            self._first_us = self._second_us = eda_us
            return
        before_us, share = self._second_us, -math.expm1(-elapsed_s / _SMOOTH_S)
        self._first_us += share * (eda_us - self._first_us)
        self._second_us += share * (self._first_us - self._second_us)
        slope = (self._second_us - before_us) / elapsed_s
        if abs(slope) > STEEPEST_US_S:
            self._hold(time_s)
        if time_s <= self._held_until_s:
            return
        self._level.feed(time_s, self._second_us)
        self._keep(time_s)
        lag_s = 2.0 * elapsed_s / math.expm1(elapsed_s / _SMOOTH_S) + elapsed_s / 2.0
        self._follow(_Step(time_s - lag_s, elapsed_s, slope, before_us, self._second_us))

    def _hold(self, time_s: float) -> None:
        self._held_until_s = time_s + NEARBY_S
        self._forget()

    def _forget(self) -> None:
        self._steps.clear()
        self._climbing, self._steepest = False, 0.0

    def _keep(self, time_s: float) -> None:
        since_s = time_s - self.used_s
        self._valid_s.append(time_s)
        self._usable_s.append(self._usable_s[-1] + (since_s if since_s < _GAP_S else _PERIOD_S))
        if len(self._valid_s) > 2 * _KEPT_S * RATE_HZ:
            old = bisect_left(self._valid_s, time_s - _KEPT_S)
            del self._valid_s[:old], self._usable_s[:old]
            self._responses = self.responses(time_s - _KEPT_S, math.inf)

    def _follow(self, step: _Step) -> None:
        """Follow a climb until it has paused for half a second; then see what it held."""
        self._steps.append(step)
        if step.slope_us_s > _steep(self._steepest):
            self._climbing, self._last_steep_s = True, step.time_s
            self._steepest = max(self._steepest, step.slope_us_s)
        elif self._climbing and step.time_s - self._last_steep_s >= step.pause_s:
            self._responses.extend(_climbed(list(self._steps)))
            self._forget()
        while self._steps and self._steps[0].time_s < step.time_s - _LOOK_BACK_S:
            self._steps.popleft()


def _steep(steepest: float) -> float:
    return max(_LEAST_SLOPE_US_S, _CLIMB_SHARE * steepest)


def _climbed(steps: Sequence[_Step]) -> Iterator[LiveResponse]:
    """The responses among steps: each steep run, pauses under half a second included."""
    least = _steep(max(step.slope_us_s for step in steps))
    steep = [at for at, step in enumerate(steps) if step.slope_us_s > least]
    starts = [
        at
        for before, at in zip([None, *steep[:-1]], steep, strict=True)
        if before is None or steps[at].time_s - steps[before].time_s > steps[at].pause_s + 2 * _ROUNDING
    ]
    for start, end in zip(starts, [*starts[1:], len(steps)], strict=True):
        response = _response(steps[:start], steps[start:end])
        rise_s = response.peak_s - response.onset_s
        if response.amplitude_us >= MIN_AMPLITUDE_US and _SHORTEST_RISE_S <= rise_s <= LONGEST_RISE_S:
            yield response


def _response(before: Sequence[_Step], climb: Sequence[_Step]) -> LiveResponse:
    """A climb from the lowest value in the half second before it to its highest."""
    recent = [each.before_us for each in before if each.time_s >= climb[0].time_s - _PAUSE_S]
    top = max(climb, key=lambda step: step.after_us)
    half = _ONSET_SHARE * max(step.slope_us_s for step in climb)
    at = next(number for number, step in enumerate(climb) if step.slope_us_s >= half)
    earlier = climb[at - 1] if at else before[-1] if before else None
    onset_s = climb[at].time_s
    if earlier is not None and earlier.slope_us_s < half:
        share = (half - earlier.slope_us_s) / (climb[at].slope_us_s - earlier.slope_us_s)
        onset_s = earlier.time_s + share * (climb[at].time_s - earlier.time_s)
    return LiveResponse(
        onset_s=onset_s,
        peak_s=top.time_s + top.length_s / 2,
        amplitude_us=top.after_us - min(climb[0].before_us, *recent, math.inf),
    )
