"""Skin-conductance responses: trough to peak, by absolute amplitude."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from pipeline.language import reason
from pipeline.model import Floats
from pipeline.skin.signal import Eda, stretches_of

MIN_AMPLITUDE_US = 0.05
MIN_RATE_HZ = 1.0  # a response rises for one to three seconds: slower sampling steps over it
ENOUGH_S = 300.0
NO_RESPONSE_SEEN = reason("reasons.quality.no_response_seen")

_DIP_SHARE = 0.2  # of the smallest response: a shallower dip does not end a rise
_CLIMB_SHARE = 0.1  # of the steepest slope: what is flatter belongs to the level, not the response
_ONSET_SHARE = 0.5  # a kink that a symmetric low-pass has rounded lies where the slope is half grown
_PAUSE_S = 0.5  # a shorter pause in a climb does not make two responses of one
LONGEST_RISE_S = 5.0
_SHORTEST_RISE_S = 0.5
_DRIFT_S = 5.0
_BEFORE_S = 3.0
_FINE_RATE_HZ = 8.0
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Responses:
    """Skin-conductance responses in order of onset: arrays of one length.

    `half_recovery_s` is the time from the peak until half the amplitude is lost, NaN where the next response
    or the end of the stretch comes first.
    """

    onset_s: Floats
    peak_s: Floats
    amplitude_us: Floats
    rise_s: Floats
    half_recovery_s: Floats

    def __len__(self) -> int:
        return len(self.onset_s)

    def between(self, start_s: float, end_s: float) -> Self:
        """The responses that begin in `start_s <= onset_s < end_s`."""
        rows = slice(*np.searchsorted(self.onset_s, (start_s, end_s)))
        return type(self)(*(getattr(self, column.name)[rows] for column in fields(self)))


def responses(eda: Eda, min_amplitude_us: float = MIN_AMPLITUDE_US) -> Responses:
    """Spontaneous or evoked SCRs, trough to peak on the low-passed signal (Boucsein 2012).

    The amplitude is absolute, in µS, so a count does not depend on the largest response around; it runs from
    where the climb reaches a tenth of its steepest slope to the peak, less what the level itself moves in
    that time. The onset is where the climb reaches half of its steepest
    slope. A dip of less than a fifth of `min_amplitude_us`, or a pause
    in the climb under 0.5 s, does not make two responses of one; a deeper or longer one does, and the
    response on the shoulder is measured from there. A rise outside 0.5..5 s is no response, nor is one still
    rising where a stretch ends, nor one on a level that falls as fast as it rises.

    Below 8 Hz an Akima spline stands between samples, which does not overshoot; below 1 Hz none is found.
    """
    rows = [
        row
        for stretch in stretches_of(eda.valid, eda.after_gap)
        for row in _stretch_responses(_fine(eda, stretch), min_amplitude_us)
        if eda.rate_hz >= MIN_RATE_HZ
    ]
    return Responses(*np.asarray(rows, dtype=np.float64).reshape(-1, len(fields(Responses))).T)


def no_response_seen(eda: Eda, scrs: Responses) -> bool:
    """Whether five valid minutes or more hold no response: then say `NO_RESPONSE_SEEN`.

    Nothing is said about the person: a sensor, its site, dry or cold skin may be the reason. At the one
    response a minute that rest has at least as a rule, such a silence comes about in 1 of 150 sessions.
    """
    enough = np.count_nonzero(eda.valid) >= ENOUGH_S * eda.rate_hz
    return bool(enough and eda.rate_hz >= MIN_RATE_HZ and not len(scrs))


@dataclass(frozen=True, slots=True, eq=False)
class _Stretch:
    """A stretch at 8 Hz or more: times, the low-passed signal, and the level under it."""

    time_s: Floats
    values: Floats
    tonic_us: Floats
    rate_hz: float

    def drift(self, low: int, high: int) -> float:
        """How much the level itself moves per sample around a rise."""
        around = math.ceil(_DRIFT_S * self.rate_hz)
        first, last = max(low - around, 0), min(high + around, len(self.values) - 1)
        return float(self.tonic_us[last] - self.tonic_us[first]) / (last - first)

    def carried(self, foot: int, drift: float) -> float:
        """The drift that goes on through a climb: no more than the signal moved just before it."""
        first = max(foot - math.ceil(_BEFORE_S * self.rate_hz), 0)
        before = float(self.values[foot] - self.values[first]) / max(foot - first, 1)
        return math.copysign(min(abs(before), abs(drift)), drift) if before * drift > 0 else 0.0


def _fine(eda: Eda, stretch: slice) -> _Stretch:
    time_s, values, tonic_us = eda.time_s[stretch], eda.eda_us[stretch], eda.tonic_us[stretch]
    times = math.ceil(_FINE_RATE_HZ / eda.rate_hz)
    if times == 1 or len(values) < 4:
        return _Stretch(time_s, values, tonic_us, eda.rate_hz)
    from scipy.interpolate import Akima1DInterpolator

    fine_s = np.interp(np.arange((len(values) - 1) * times + 1) / times, np.arange(len(values)), time_s)
    fine = Akima1DInterpolator(time_s, values)(fine_s)
    return _Stretch(fine_s, fine, np.interp(fine_s, time_s, tonic_us), times * eda.rate_hz)


@dataclass(frozen=True, slots=True)
class _Climb:
    """Rows of a climb's foot and peak, and where between rows it begins and peaks."""

    foot: int
    peak: int
    onset_s: float
    peak_s: float
    amplitude_us: float

    def is_response(self, min_amplitude_us: float) -> bool:
        rise_s = self.peak_s - self.onset_s
        return self.amplitude_us >= min_amplitude_us and (
            _SHORTEST_RISE_S - _ROUNDING <= rise_s <= LONGEST_RISE_S + _ROUNDING
        )


def _stretch_responses(stretch: _Stretch, min_amplitude_us: float) -> Iterator[tuple[float, ...]]:
    time_s, values = stretch.time_s, stretch.values
    climbs = [
        climb
        for low, high in _rises(values, _DIP_SHARE * min_amplitude_us)
        for climb in _climbs(stretch, low, high)
        if climb.is_response(min_amplitude_us)
    ]
    for number, climb in enumerate(climbs):
        end = climbs[number + 1].foot + 1 if number + 1 < len(climbs) else len(values)
        half_us = values[climb.peak] - climb.amplitude_us / 2
        half_s = _first_below(time_s[climb.peak : end], values[climb.peak : end], half_us)
        yield (
            climb.onset_s,
            climb.peak_s,
            climb.amplitude_us,
            climb.peak_s - climb.onset_s,
            half_s - climb.peak_s,
        )


def _rises(values: Floats, dip: float) -> Iterator[tuple[int, int]]:
    """(trough, peak) of each rise; a fall of up to `dip` is part of it, a rise that does not end left out."""
    moves = np.flatnonzero(np.diff(values)) if len(values) else np.zeros(0, dtype=np.intp)
    turns = moves[np.flatnonzero(np.diff(np.sign(np.diff(values)[moves]))) + 1] if len(moves) else moves
    low, high, rising = 0, 0, False
    for turn in (*turns.tolist(), len(values) - 1):
        if rising and values[high] - values[turn] > dip:
            yield low, high
            low, rising = turn, False
        elif rising or values[turn] - values[low] > dip:
            high = turn if not rising or values[turn] > values[high] else high
            rising = True
        elif values[turn] <= values[low]:
            low = turn
    if rising and high < len(values) - 1:
        yield low, high


def _climbs(stretch: _Stretch, low: int, high: int) -> Iterator[_Climb]:
    """The parts of a rise between which it pauses for 0.5 s or longer."""
    time_s, values, drift = stretch.time_s, stretch.values, stretch.drift(low, high)
    steps = np.diff(values[low : high + 1])
    rising = max(drift, 0.0)
    steep = low + np.flatnonzero(steps > rising + _CLIMB_SHARE * max(np.max(steps) - rising, 0.0))
    if not len(steep):
        return
    pause = math.ceil(_PAUSE_S * stretch.rate_hz)
    cuts = np.flatnonzero(np.diff(steep) > pause)
    feet = steep[np.concatenate([[0], cuts + 1])]
    peaks = np.concatenate([steep[cuts] + 1, [high]])
    for foot, peak in zip(feet.tolist(), peaks.tolist(), strict=True):
        top = foot + 1 + int(np.argmax(values[foot + 1 : peak + 1]))
        peak_s, peak_us = _vertex(time_s, values, top)
        carried = stretch.carried(foot, drift)
        risen_us = (
            peak_us - _trough_us(values, foot, max(low, foot - pause), carried) - carried * (top - foot)
        )
        yield _Climb(foot, top, _onset_s(time_s, values, foot, top, drift), peak_s, risen_us)


def _trough_us(values: Floats, foot: int, first: int, drift: float) -> float:
    """The lowest value just before a climb, as it would have drifted until the foot."""
    return float(np.min(values[first : foot + 1] + drift * np.arange(foot - first, -1, -1)))


def _onset_s(time_s: Floats, values: Floats, foot: int, peak: int, drift: float) -> float:
    """When the slope first reaches half of what it grows to, between samples."""
    begin = max(foot - 1, 0)
    steps = np.diff(values[begin : peak + 1])
    middle_s = (time_s[begin:peak] + time_s[begin + 1 : peak + 1]) / 2
    half = drift + _ONSET_SHARE * (np.max(steps) - drift)
    at = int(np.argmax(steps >= half))
    if at == 0:
        return float(middle_s[0])
    share = (half - steps[at - 1]) / (steps[at] - steps[at - 1])
    return float(middle_s[at - 1] + share * (middle_s[at] - middle_s[at - 1]))


def _vertex(time_s: Floats, values: Floats, top: int) -> tuple[float, float]:
    """The top of the parabola through a peak and its neighbours: time and value."""
    if top + 1 < len(values):
        before, peak, after = values[top - 1 : top + 2]
        bend = before - 2 * peak + after
        if bend < 0 and peak >= max(before, after):
            share = 0.5 * (before - after) / bend
            step_s = time_s[top + 1] - time_s[top]
            return float(time_s[top] + share * step_s), float(peak - 0.25 * (before - after) * share)
    return float(time_s[top]), float(values[top])


def _first_below(time_s: Floats, values: Floats, level: float) -> float:
    """The moment `values` falls to `level`, between samples; NaN if it never does."""
    below = np.flatnonzero(values <= level)
    if not len(below) or below[0] == 0:
        return math.nan
    at = int(below[0])
    share = (values[at - 1] - level) / (values[at - 1] - values[at])
    return float(time_s[at - 1] + share * (time_s[at] - time_s[at - 1]))
