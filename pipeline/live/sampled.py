"""The latest two minutes of a sampled signal as it comes: motion, breathing, temperature. numpy only."""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping

import numpy as np

from pipeline.model import Floats, Stream
from pipeline.motion import motion_per_second
from pipeline.spans import Stretches

KEPT_S = 120.0
SILENT_S = 5.0  # another device may take the stream over

_AWAY_S = 3.0  # a notification that comes later than its samples say by more: some were lost
_FOLLOW = 0.02  # of how far off a notification is, taken up by its samples: clocks drift by less
_MOST_SHARE = 0.1  # of a period, so that time rises
_LEAST_STEP = 1e-4


class Sampled:
    """One stream of one device at a time; times follow the arrivals, evenly spaced.

    Where samples were lost, or time stood still, there is a gap.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._device, self._heard_s = "", -math.inf
        self._rate_hz: float | None = None
        self._time_s = array("d")
        self._columns: dict[str, array[float]] = {}

    @property
    def newest_s(self) -> float:
        """The time of the latest sample; minus infinity before the first."""
        return self._time_s[-1] if self._time_s else -math.inf

    def feed(
        self, device: str, columns: Mapping[str, Floats], arrival_s: float, rate_hz: float | None
    ) -> None:
        """Take the samples of a notification; those of a second device are left out."""
        if device != self._device and arrival_s - self._heard_s <= SILENT_S:
            return
        if device != self._device or columns.keys() != self._columns.keys():
            self._time_s, self._columns = array("d"), {name: array("d") for name in columns}
        self._device, self._heard_s, self._rate_hz = device, arrival_s, rate_hz
        count = len(next(iter(columns.values())))
        self._time_s.extend(self._times(count, arrival_s))
        for name, values in columns.items():
            self._columns[name].extend(values.tolist())
        self._forget()

    def stream(self, start_s: float, end_s: float, left_out: Stretches | None = None) -> Stream | None:
        """The samples in `start_s <= time < end_s` that are not left out; None without any."""
        time_s = np.array(self._time_s)
        kept = (time_s >= start_s) & (time_s < end_s)
        if left_out is not None and len(left_out):
            kept &= ~left_out.hold(time_s)
        if not kept.any():
            return None
        columns = {name: np.array(values)[kept] for name, values in self._columns.items()}
        return Stream(self.name, time_s[kept], columns, self._rate_hz)

    def _times(self, count: int, arrival_s: float) -> list[float]:
        if not self._rate_hz:
            first_s = max(arrival_s, self.newest_s + _LEAST_STEP)
            return [first_s + _LEAST_STEP * each for each in range(count)]
        period_s = 1 / self._rate_hz
        away_s = arrival_s - (self.newest_s + count * period_s)
        if away_s > _AWAY_S:  # after samples were lost, or before the first
            first_s = max(arrival_s - (count - 1) * period_s, self.newest_s + period_s)
        else:
            period_s *= 1 + max(_FOLLOW * away_s / (count * period_s), -_MOST_SHARE)
            first_s = self.newest_s + period_s
        return [first_s + period_s * each for each in range(count)]

    def _forget(self) -> None:
        old_s = self.newest_s - KEPT_S
        if self._time_s[0] > old_s - KEPT_S:
            return
        row = int(np.searchsorted(np.array(self._time_s), old_s))
        for values in (self._time_s, *self._columns.values()):
            del values[:row]


class MotionLog:
    """Motion in mg, second by second, of the whole session; each known some seconds later."""

    _BLOCK_S, _MARGIN_S = 4.0, 2.0  # the mean that is taken out reaches one second to either side

    def __init__(self, acc: Sampled) -> None:
        self._acc = acc
        self._until_s: float | None = None
        self._second, self._rms_mg = array("d"), array("d")

    def follow(self) -> None:
        """Take what the accelerometer has brought."""
        reached_s = self._BLOCK_S * math.floor((self._acc.newest_s - self._MARGIN_S) / self._BLOCK_S)
        if self._until_s is None:
            self._until_s = reached_s - self._BLOCK_S
        if reached_s <= self._until_s:
            return
        acc = self._acc.stream(self._until_s - self._MARGIN_S, reached_s + self._MARGIN_S)
        for second, rms_mg in zip(*motion_per_second(acc), strict=True):
            if self._until_s <= second < reached_s and math.isfinite(rms_mg):
                self._second.append(float(second))
                self._rms_mg.append(float(rms_mg))
        self._until_s = reached_s

    def columns(self, start_s: Floats, end_s: Floats) -> dict[str, Floats]:
        """`motion_rms_mg` (k,) over windows `start_s <= time < end_s`; NaN where nothing is known."""
        second, square = np.array(self._second), np.array(self._rms_mg) ** 2
        total = np.concatenate([[0.0], np.cumsum(square)])
        first, last = np.searchsorted(second, start_s), np.searchsorted(second, end_s)
        count = np.maximum(last - first, 0)
        mean = np.where(count > 0, total[last] - total[first], np.nan) / np.maximum(count, 1)
        return {"motion_rms_mg": np.sqrt(np.maximum(mean, 0.0))}
