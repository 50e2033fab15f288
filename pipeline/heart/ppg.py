"""Pulses in an optical signal, and the intervals between those that can be trusted.

A pulse is found by its systolic wave (Elgendi et al. 2013, PLoS ONE 8:e76585: band-pass, square, two
moving averages) and timed first at its onset by intersecting tangents, which follow the ECG best (Hemon &
Phillips 2016, J Clin Monit Comput 30:157), then to where its rise matches the median rise of the pulses
around best: beside a chest strap that brings a phone camera's intervals from 5-12 to 3-9 ms (median) of it in
six people; two more, with poor signals, stay at 13 and 30 ms.

Where pulses are poor, the heart rate that the whole signal speaks of says which intervals can be right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.heart.pulse_rate import CONFIDENCE_FLOOR, pulse_rate
from pipeline.heart.waves import Indices, apart, band_passed, even, folded, running_median, vertex
from pipeline.model import Bools, Floats, Gap, Stream

NO_PULSE = "no usable pulse"

_LEAST_HZ = 20.0
_WORKING_HZ = 100.0  # faster signals are averaged down to at least this
_BAND_HZ = (0.5, 8.0)
_WAVE_S, _BEAT_S = 0.111, 0.667  # the moving averages: a systolic wave, a beat
_OFFSET, _OFFSET_S = 0.02, 10.0  # of the local power, so that one jolt does not hide a whole recording
_INTERVAL_S = (0.3, 2.0)  # 200 to 30 beats a minute
_FOOT_S = 0.5  # how far before its crest a foot may lie
_NEAR_S = 0.06  # how far the band-pass may move a foot
_EDGE_S = 0.8  # a pulse needs its surroundings to be judged

_SHAPE = np.linspace(-0.25, 0.85, 40)  # of the local interval, around the onset
_TEMPLATE_BEATS, _TEMPLATE_STEP = 48, 8
_AT_ONCE = 512  # templates, so that a day takes little more memory than an hour
_SHORT = 128  # samples that are searched side by side
_LOCAL_BEATS = 31
_AMPLITUDE_FOLD = 3.0  # one standard deviation of amplitude against its neighbours'

_MATCH_S, _RISE_S = 0.05, (-0.10, 0.22)  # how far an onset may move; what is matched, around it
_POLARITY_S, _FALLING = (
    10.0,
    -0.2,
)  # skewness of the slope: wrists and finger clips 0.0 to 2.3, cameras below -0.28

QUALITY_FLOOR = 0.7
GUIDED_FLOOR = 0.5  # where the heart rate is known
_BORNE_OUT, _GUIDED_ALIKE = (
    0.2,
    0.1,
)  # how far an interval may lie from it (a logarithm), and from its neighbours
_RHYTHM = (0.6, 1.4)  # of the local median: beyond lies a missed or an extra pulse
_COMPANY, _ALIKE = 3, 0.3  # movement seldom makes three intervals in a row within 30 % of each other


@dataclass(frozen=True, slots=True)
class Pulses:
    """Pulse onsets in seconds from the first sample, and how far each pulse can be trusted, 0 to 1."""

    time_s: Floats
    quality: Floats

    def __len__(self) -> int:
        return len(self.time_s)


_NONE = Pulses(np.empty(0), np.empty(0))


def pulses(ppg: Floats, rate_hz: float) -> Pulses:
    """Every pulse in an evenly sampled signal that rises with the pulse; none missing, any unit, from 25 Hz.

    Quality is the correlation with the median shape of the pulses around (Orphanidou et al. 2015, IEEE
    JBHI 19:832), lowered where the amplitude stands out. Gain and offset change nothing.
    """
    if rate_hz < _LEAST_HZ or len(ppg) < 4 * _EDGE_S * rate_hz or not np.ptp(ppg) > 0:
        return _NONE
    fold = max(1, int(rate_hz / _WORKING_HZ))
    centred, slow_hz = folded(ppg - np.median(ppg), fold), rate_hz / fold
    wave = band_passed(centred, slow_hz, _BAND_HZ)
    onsets = _onsets(wave, _low_passed(centred, slow_hz), _crests(wave, slow_hz), slow_hz)
    if len(onsets) < 3:
        return _NONE
    onsets = _matched(np.gradient(wave), onsets, slow_hz)
    return Pulses((onsets * fold + (fold - 1) / 2) / rate_hz, _quality(wave, onsets, slow_hz))


def pulse_intervals(ppg: Stream, rate: Stream | None = None, inverted: bool | None = None) -> Stream:
    """PP intervals: an event stream `pp` with `pp_ms` and `quality`, the lower of its two pulses'.

    `rate` is what `pulse_rate` says of the same signal, if the caller has it. `inverted` says whether the
    signal falls with the pulse, as a raw light intensity does; None leaves that to the shape of the pulses.

    An interval is left out, and its time becomes a gap, where a pulse is of poor quality, samples are
    missing, or the interval does not fit those around it: shorter than 0.6 or longer than 1.4 of their
    median, or not in a run of three that differ by at most 30 % from one to the next. Where the heart rate
    is known, a lower quality will do for an interval within a fifth of it and 10 % of its neighbours.
    """
    rate = pulse_rate(ppg) if rate is None else rate
    sign = -1.0 if (_falls(ppg) if inverted is None else inverted) else 1.0
    time_s, quality, run = _all_pulses(ppg, sign)
    pp_s, lower = np.diff(time_s), np.minimum(quality[1:], quality[:-1])
    usable = _plausible(time_s, pp_s, lower, rate) & (run[1:] == run[:-1])
    usable &= (pp_s >= _INTERVAL_S[0]) & (pp_s <= _INTERVAL_S[1])
    usable = _in_company(pp_s, lower, _in_rhythm(pp_s, _in_company(pp_s, lower, usable)))
    ends_s, pp_ms = time_s[1:][usable], pp_s[usable] * 1000
    return Stream(
        name="pp",
        time_s=ends_s,
        columns={"pp_ms": pp_ms, "quality": lower[usable]},
        gaps=interval_gaps(ends_s, pp_ms, *_extent(ppg)),
    )


def interval_gaps(ends_s: Floats, pp_ms: Floats, start_s: float, end_s: float) -> tuple[Gap, ...]:
    """The time between `start_s` and `end_s` that no interval covers.

    What is left before the first and after the last interval counts if a slow beat could not fill it.
    """
    begins_s = ends_s - pp_ms / 1000
    froms = np.concatenate(([start_s], ends_s))
    tos = np.concatenate((begins_s, [end_s]))
    least_s = np.full(len(froms), 0.005)  # exports round their times
    least_s[[0, -1]] = _INTERVAL_S[1]
    open_ = tos - froms > least_s
    return tuple(Gap(float(a), float(b), NO_PULSE) for a, b in zip(froms[open_], tos[open_], strict=True))


def _extent(ppg: Stream) -> tuple[float, float]:
    return (float(ppg.time_s[0]), float(ppg.time_s[-1])) if len(ppg) else (0.0, 0.0)


def _all_pulses(ppg: Stream, sign: float) -> tuple[Floats, Floats, Indices]:
    """Times, qualities and the number of the unbroken run that each pulse lies in."""
    assert ppg.rate_hz is not None, "a pulse wave has a sampling rate"
    times, qualities, numbers = [np.empty(0)], [np.empty(0)], [np.empty(0, np.intp)]
    for number, (stamps_s, signal) in enumerate(even(ppg)):
        found = pulses(sign * signal, ppg.rate_hz)
        times.append(np.interp(found.time_s * ppg.rate_hz, np.arange(len(signal)), stamps_s))
        qualities.append(found.quality)
        numbers.append(np.full(len(found), number, np.intp))
    return np.concatenate(times), np.concatenate(qualities), np.concatenate(numbers)


def _falls(ppg: Stream) -> bool:
    """Whether the signal falls with the pulse: it then falls faster than it rises, in most 10 s of it."""
    assert ppg.rate_hz is not None, "a pulse wave has a sampling rate"
    leanings: list[float] = []
    if ppg.rate_hz < _LEAST_HZ:
        return False
    fold = max(1, int(ppg.rate_hz / _WORKING_HZ))
    for _, values in even(ppg):
        signal = folded(values - np.median(values), fold)
        length = round(_POLARITY_S * ppg.rate_hz / fold)
        if len(signal) >= length:
            slope = np.diff(band_passed(signal, ppg.rate_hz / fold, _BAND_HZ))
            whole = slope[: len(slope) // length * length].reshape(-1, length)
            leanings.extend(_skewness(whole))
    return len(leanings) > 0 and float(np.median(leanings)) < _FALLING


def _skewness(slopes: Floats) -> Floats:
    """Of each row, without the weight of a jolt: beyond five median deviations nothing counts more."""
    limit = 5 * 1.4826 * np.median(np.abs(slopes), axis=1, keepdims=True)
    tame = np.clip(slopes, -limit, limit)
    tame = tame - tame.mean(axis=1, keepdims=True)
    spread = np.sqrt(np.mean(tame**2, axis=1))
    skewness = np.zeros(len(slopes))
    np.divide(np.mean(tame**3, axis=1), spread**3, out=skewness, where=spread**3 > 0)
    return skewness


def _plausible(time_s: Floats, pp_s: Floats, quality: Floats, rate: Stream) -> Bools:
    """Intervals of good quality, and poorer ones that the heart rate bears out."""
    known = np.isfinite(rate.value)
    if not known.any():
        return quality >= QUALITY_FLOOR
    middle_s = (time_s[1:] + time_s[:-1]) / 2
    expected_s = 60 / np.interp(middle_s, rate.time_s[known], rate.value[known])
    sure = np.interp(middle_s, rate.time_s, rate.columns["confidence"]) >= CONFIDENCE_FLOOR
    off = np.abs(np.log(np.maximum(pp_s, 1e-3) / expected_s))
    plausible: Bools = (quality >= QUALITY_FLOOR) | ((quality >= GUIDED_FLOOR) & sure & (off <= _BORNE_OUT))
    return plausible


def _low_passed(signal: Floats, rate_hz: float) -> Floats:
    """Second-order Butterworth, zero phase."""
    from scipy.signal import butter, sosfiltfilt

    sections = butter(2, min(_BAND_HZ[1], 0.45 * rate_hz), "lowpass", fs=rate_hz, output="sos")
    passed: Floats = sosfiltfilt(sections, signal)
    return passed


def _crests(wave: Floats, rate_hz: float) -> Indices:
    """The highest sample of each systolic wave (Elgendi 2013)."""
    from scipy.ndimage import uniform_filter1d

    def mean(seconds: float) -> Floats:
        averaged: Floats = uniform_filter1d(power, round(seconds * rate_hz) | 1)
        return averaged

    power = np.clip(wave, 0, None) ** 2
    inside = mean(_WAVE_S) > mean(_BEAT_S) + _OFFSET * mean(_OFFSET_S)
    edges = np.diff(inside.astype(np.int8), prepend=0, append=0)
    begins, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    wide = ends - begins >= _WAVE_S * rate_hz
    return apart(_highest(wave, begins[wide], ends[wide]), wave, _INTERVAL_S[0] * rate_hz)


def _onsets(wave: Floats, smooth: Floats, crests: Indices, rate_hz: float) -> Floats:
    """Where the tangent to each wave's steepest rise meets the level of its foot, in samples."""
    edge, near = round(_EDGE_S * rate_hz), max(1, round(_NEAR_S * rate_hz))
    earliest = np.maximum(crests - round(_FOOT_S * rate_hz), np.concatenate(([0], crests[:-1])))
    inside = (crests >= edge) & (crests < len(wave) - edge)
    earliest, crests = earliest[inside], crests[inside]
    feet = _highest(-wave, earliest, crests)
    feet = _highest(-smooth, feet - near, feet + near + 1)  # the band-pass moves it a little
    rise = np.gradient(smooth)
    steepest = _highest(rise, feet, np.maximum(crests, feet + 1))
    run = np.zeros(len(feet))
    np.divide(smooth[steepest] - smooth[feet], rise[steepest], out=run, where=rise[steepest] > 0)
    return np.unique(np.maximum(steepest - run, feet - near))


def _matched(slope: Floats, onsets: Floats, rate_hz: float) -> Floats:
    """The onsets, moved by at most 50 ms to where the rise is most like that of the pulses around."""
    reach = max(1, round(_MATCH_S * rate_hz))
    rise = np.arange(round(_RISE_S[0] * rate_hz), round(_RISE_S[1] * rate_hz) + 1)
    wide = np.arange(rise[0] - reach, rise[-1] + reach + 1)
    samples = np.arange(len(slope))
    matched = onsets
    for _ in range(2):  # the first pass sharpens the median rise of the second
        shapes = _unit(np.interp(matched[:, None] + rise, samples, slope))
        around = np.interp(matched[:, None] + wide, samples, slope)
        likeness = _moved_likeness(
            shapes, np.lib.stride_tricks.sliding_window_view(around, len(rise), axis=1)
        )
        matched = matched + vertex(likeness) - reach
    return np.unique(matched)


def _moved_likeness(shapes: Floats, moved: Floats) -> Floats:
    """Correlation of each pulse's rise at each place, (pulses, places), with the median rise around."""
    likeness = np.empty(moved.shape[:2])
    step = 2 * _TEMPLATE_STEP
    for number, template in enumerate(_templates(shapes, step)):
        rows = slice(number * step, (number + 1) * step)
        likeness[rows] = moved[rows] @ template
    centred = np.maximum(np.sum(moved**2, axis=2) - np.sum(moved, axis=2) ** 2 / moved.shape[2], 0.0)
    likeness /= np.sqrt(centred) + np.finfo(float).tiny
    return likeness


def _templates(shapes: Floats, step: int) -> Floats:
    """The median shape of the 48 pulses around the middle of every `step`, of length one."""
    middle = np.arange(0, len(shapes), step) + step // 2
    firsts = np.maximum(middle - _TEMPLATE_BEATS // 2, 0)
    lasts = np.minimum(middle + _TEMPLATE_BEATS // 2, len(shapes))
    medians = np.empty((len(middle), shapes.shape[1]))
    full = np.flatnonzero(lasts - firsts == _TEMPLATE_BEATS)
    for some in np.array_split(full, 1 + len(full) // _AT_ONCE):
        around = shapes[firsts[some, None] + np.arange(_TEMPLATE_BEATS)]
        ranked = np.sort(around.transpose(0, 2, 1), axis=2)
        medians[some] = (ranked[..., _TEMPLATE_BEATS // 2 - 1] + ranked[..., _TEMPLATE_BEATS // 2]) / 2
    for few in np.setdiff1d(np.arange(len(middle)), full):
        medians[few] = np.median(shapes[firsts[few] : lasts[few]], axis=0)
    return _unit(medians)


def _highest(signal: Floats, begins: Indices, ends: Indices) -> Indices:
    """The highest sample of each stretch from `begins` up to `ends`, the first of those that are alike."""
    begins = np.maximum(begins, 0)
    found = np.empty(len(begins), np.intp)
    short = ends - begins <= _SHORT
    width = np.arange(np.max(ends[short] - begins[short], initial=1))
    inside = width < (ends - begins)[short, None]
    rows = np.minimum(begins[short, None] + width, len(signal) - 1)
    found[short] = begins[short] + np.argmax(np.where(inside, signal[rows], -np.inf), axis=1)
    for row in np.flatnonzero(~short).tolist():
        found[row] = begins[row] + np.argmax(signal[begins[row] : ends[row]])
    return found


def _quality(wave: Floats, onsets: Floats, rate_hz: float) -> Floats:
    shapes = _shapes(wave, onsets, rate_hz)
    height = np.log(np.ptp(shapes, axis=1) + np.finfo(float).tiny)
    steady = np.exp(-(((height - running_median(height, _LOCAL_BEATS)) / np.log(_AMPLITUDE_FOLD)) ** 2) / 2)
    quality: Floats = np.clip(_likeness(_unit(shapes)), 0, 1) * steady
    return quality


def _shapes(wave: Floats, onsets: Floats, rate_hz: float) -> Floats:
    """Each pulse on the same 40 points, stretched with the local interval so that rate does not matter."""
    interval = np.diff(onsets, append=2 * onsets[-1] - onsets[-2])
    interval = running_median(
        np.clip(interval, _INTERVAL_S[0] * rate_hz, _INTERVAL_S[1] * rate_hz), _LOCAL_BEATS
    )
    return np.interp(onsets[:, None] + _SHAPE * interval[:, None], np.arange(len(wave)), wave)


def _likeness(shapes: Floats) -> Floats:
    """Correlation of each shape with the median of the shapes around it."""
    like = np.empty(len(shapes))
    for number, template in enumerate(_templates(shapes, _TEMPLATE_STEP)):
        rows = slice(number * _TEMPLATE_STEP, (number + 1) * _TEMPLATE_STEP)
        like[rows] = shapes[rows] @ template
    return like


def _unit(shapes: Floats) -> Floats:
    """The shapes about their mean, each of length one, so that a product is a correlation."""
    centred = shapes - shapes.mean(axis=1, keepdims=True)
    unit: Floats = centred / (np.linalg.norm(centred, axis=1, keepdims=True) + np.finfo(float).tiny)
    return unit


def _in_rhythm(pp_s: Floats, usable: Bools) -> Bools:
    share = np.ones(len(pp_s))
    if usable.any():
        share[usable] = pp_s[usable] / running_median(pp_s[usable], _LOCAL_BEATS)
    return usable & (share >= _RHYTHM[0]) & (share <= _RHYTHM[1])


def _in_company(pp_s: Floats, quality: Floats, usable: Bools) -> Bools:
    """Intervals in an unbroken run of at least three, each much like the one before."""
    if not usable.any():
        return usable
    good = np.minimum(quality[1:], quality[:-1]) >= QUALITY_FLOOR
    alike = np.abs(np.diff(pp_s)) <= np.where(good, _ALIKE, _GUIDED_ALIKE) * np.minimum(pp_s[1:], pp_s[:-1])
    follows = usable[1:] & usable[:-1] & alike
    run = np.cumsum(np.concatenate(([0], ~follows)))
    length = np.bincount(run[usable], minlength=run[-1] + 1)
    accompanied: Bools = usable & (length[run] >= _COMPANY)
    return accompanied
