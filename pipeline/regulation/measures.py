"""The measures of regulation over many stretches of time at once, without floors: for blocks and for bins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.floors import RATE_MAX_CORRECTED_PCT
from pipeline.heart.beats import Beats
from pipeline.heart.series import Series, counted, rows_within
from pipeline.heart.spectrum import LF
from pipeline.heart.windows import time_columns
from pipeline.model import Bools, Floats, Phase
from pipeline.regulation.blocks import SHORTEST_S, Measure, shortest_s
from pipeline.signals import Signals, filled
from pipeline.skin.responses import MIN_RATE_HZ

_USABLE = 0.5  # of a stretch, or it has no value
_PAIRS_PER_S = 12 / 30  # valid differences for ln RMSSD
_JUDGED_S = 10.0  # in a shorter bin one early beat takes two intervals of five
_RESAMPLED_HZ = 4.0
# The heart's rate, and how deep its rhythm with breath is, drift over minutes; its slow waves come and go,
# and the skin's level returns to its course.
_DRIFT_SHARE = {
    "mean_hr_bpm": 1.0,
    "ln_rmssd": 0.9,
    "hf_ms2": 1.0,
    "lf_ms2": 0.5,
    "ln_scl": 0.6,
    "scl_us": 0.6,
    "scr_per_min": 0.0,
}

Rows = NDArray[np.intp]
Over = Callable[[Floats, Floats], Floats]


@dataclass(frozen=True, slots=True)
class Breathed:
    """How fast somebody breathed in a phase, per minute; None where that is not known."""

    phase: Phase
    breaths_per_min: float | None


def measures_of(signals: Signals, breathed: Sequence[Breathed]) -> dict[str, Measure]:
    """Every measure of regulation by name, with blocks that hold three of a phase's breaths.

    `mean_hr_bpm`, `ln_rmssd`, `ln_scl`, `scl_us`, `scr_per_min`, and the band powers `lf_ms2` and `hf_ms2`,
    which are told over stretches that follow each other. One of a signal that there is none of has no value
    anywhere.
    """

    def block_s(phase: Phase) -> float:
        middle_s = (phase.start_s + phase.end_s) / 2
        return next(
            (
                shortest_s(each.breaths_per_min)
                for each in breathed
                if each.phase.start_s <= middle_s < each.phase.end_s
            ),
            SHORTEST_S,
        )

    heart, skin = _Heart.of(signals), _Skin.of(signals)
    low, high = signals.parameters.hf_band
    over: dict[str, Over] = {
        "mean_hr_bpm": heart.rate_bpm,
        "ln_rmssd": heart.ln_rmssd,
        "ln_scl": skin.ln_level,
        "scl_us": skin.level_us,
        "scr_per_min": skin.responses_per_min,
        "lf_ms2": lambda start_s, end_s: heart.power_ms2(start_s, end_s, LF),
        "hf_ms2": lambda start_s, end_s: heart.power_ms2(start_s, end_s, (low, high)),
    }
    return {
        name: Measure(name, _remembered(each), block_s, _DRIFT_SHARE[name]) for name, each in over.items()
    }


def _remembered(over: Over) -> Over:
    """The same; blocks of a baseline are asked for again by every challenge."""
    found: dict[tuple[bytes, bytes], Floats] = {}

    def again(start_s: Floats, end_s: Floats) -> Floats:
        key = start_s.tobytes(), end_s.tobytes()
        if key not in found:
            found[key] = over(start_s, end_s)
        return found[key]

    return again


@dataclass(frozen=True, slots=True, eq=False)
class _Heart:
    """The NN intervals as measured, those that variability is computed from, and how much time they fill."""

    beats: Beats
    series: Series
    varying: Series
    corners_s: Floats
    filled_s: Floats

    @classmethod
    def of(cls, signals: Signals) -> _Heart:
        nothing = Beats(np.empty(0), np.empty(0), np.empty(0, dtype=np.int8))
        beats = nothing if signals.beats is None else signals.beats
        series = Series.of(beats)
        varying = series if signals.series is signals.beats else Series.of(signals.series or nothing)
        corners_s, filled_s = filled(series.time_s, series.interval_ms / 1000)
        return cls(beats, series, varying, corners_s, filled_s)

    def rate_bpm(self, start_s: Floats, end_s: Floats) -> Floats:
        """Mean heart rate, where NN intervals fill half of a stretch, and few in it are excluded."""
        found = self._time_domain(start_s, end_s)["mean_hr_bpm"]
        usable = self._covered(start_s, end_s) & self._few_excluded(start_s, end_s)
        return np.where(usable, found, np.nan)

    def ln_rmssd(self, start_s: Floats, end_s: Floats) -> Floats:
        """Ln RMSSD, with 12 valid differences in half a minute."""
        found = self._time_domain(start_s, end_s)
        enough = (found["nn_pairs"] >= _PAIRS_PER_S * (end_s - start_s)) & (found["rmssd_ms"] > 0)
        return np.where(enough, found["ln_rmssd"], np.nan)

    def power_ms2(self, start_s: Floats, end_s: Floats, band_hz: tuple[float, float]) -> Floats:
        """The mean square of the tachogram in a band over stretches that follow each other.

        Straight lines between NN intervals at 4 Hz; what lies outside the band is taken out of the whole.
        """
        if not len(start_s):
            return np.empty(0)
        first, last = np.searchsorted(self.varying.time_s, (start_s[0], end_s[-1]))
        if last - first < 2:
            return np.full(len(start_s), np.nan)
        at_s = np.arange(start_s[0], end_s[-1], 1 / _RESAMPLED_HZ)
        tachogram_ms = np.interp(at_s, self.varying.time_s[first:last], self.varying.interval_ms[first:last])
        steps = np.arange(len(at_s)) - (len(at_s) - 1) / 2
        level_ms = tachogram_ms - tachogram_ms.mean()
        level_ms -= steps * (steps @ level_ms) / (steps @ steps)
        waves = np.fft.rfft(level_ms)
        frequency_hz = np.fft.rfftfreq(len(at_s), 1 / _RESAMPLED_HZ)
        waves[(frequency_hz < band_hz[0]) | (frequency_hz > band_hz[1])] = 0.0
        square_ms2 = np.fft.irfft(waves, len(at_s)) ** 2
        rows = np.searchsorted(at_s, start_s)
        means = np.add.reduceat(square_ms2, rows) / np.diff(rows, append=len(at_s))
        return np.where(self._covered(start_s, end_s), means, np.nan)

    def _time_domain(self, start_s: Floats, end_s: Floats) -> dict[str, Floats]:
        rows = rows_within(self.beats.time_s, start_s, end_s)
        return time_columns(self.series, self.series.before[rows[0]], self.series.before[rows[1]])

    def _few_excluded(self, start_s: Floats, end_s: Floats) -> Bools:
        """Where heart rate has its floor of intervals; what a person took out is as good as missing."""
        first, last = rows_within(self.beats.time_s, start_s, end_s)
        before = counted(~self.beats.excluded)
        every, nn = before[last] - before[first], self.series.before[last] - self.series.before[first]
        few = 100 * (every - nn) <= RATE_MAX_CORRECTED_PCT * every
        return np.asarray(few | (end_s - start_s < _JUDGED_S))

    def _covered(self, start_s: Floats, end_s: Floats) -> Bools:
        inside_s = np.diff(np.interp(np.stack([start_s, end_s]), self.corners_s, self.filled_s), axis=0)[0]
        return np.asarray(inside_s >= _USABLE * (end_s - start_s))


@dataclass(frozen=True, slots=True, eq=False)
class _Skin:
    """Sample times (n,), running totals of valid samples and of their level (n + 1,), onsets of responses.

    `onset_s` is None where the rate is too low for responses to be seen.
    """

    time_s: Floats
    rate_hz: float
    valid: Floats
    level: Floats
    onset_s: Floats | None

    @classmethod
    def of(cls, signals: Signals) -> _Skin:
        eda, scrs = signals.eda, signals.scrs
        if eda is None:
            return cls(np.empty(0), 1.0, np.zeros(1), np.zeros(1), None)
        valid = np.concatenate([[0.0], np.cumsum(eda.valid)])
        level = np.concatenate([[0.0], np.cumsum(np.where(eda.valid, eda.tonic_us, 0.0))])
        seen = scrs is not None and eda.rate_hz >= MIN_RATE_HZ
        return cls(eda.time_s, eda.rate_hz, valid, level, scrs.onset_s if scrs is not None and seen else None)

    def level_us(self, start_s: Floats, end_s: Floats) -> Floats:
        """The mean tonic level, where half of a stretch is valid."""
        rows, count = self._valid(start_s, end_s)
        return np.asarray((self.level[rows[1]] - self.level[rows[0]]) / count)

    def ln_level(self, start_s: Floats, end_s: Floats) -> Floats:
        level_us = self.level_us(start_s, end_s)
        return np.log(level_us, out=np.full(len(level_us), np.nan), where=level_us > 0)

    def responses_per_min(self, start_s: Floats, end_s: Floats) -> Floats:
        """Responses that begin in a stretch, per valid minute, where half of it is valid."""
        if self.onset_s is None:
            return np.full(len(start_s), np.nan)
        _, count = self._valid(start_s, end_s)
        begun = np.searchsorted(self.onset_s, end_s) - np.searchsorted(self.onset_s, start_s)
        return np.asarray(60.0 * begun / (count / self.rate_hz))

    def _valid(self, start_s: Floats, end_s: Floats) -> tuple[tuple[Rows, Rows], Floats]:
        """The rows of each stretch, and how many valid samples it has; NaN where they fill less than half."""
        rows = np.searchsorted(self.time_s, start_s), np.searchsorted(self.time_s, end_s)
        count = self.valid[rows[1]] - self.valid[rows[0]]
        enough = count >= _USABLE * (end_s - start_s) * self.rate_hz
        return rows, np.where(enough & (count > 0), count, np.nan)
