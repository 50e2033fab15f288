"""Pulses in an optical signal, and the intervals between those that can be trusted.

A pulse is found by its systolic wave (Elgendi et al. 2013, PLoS ONE 8:e76585: band-pass, square, two
moving averages) and timed at its onset by intersecting tangents, which follow the ECG best (Hemon &
Phillips 2016, J Clin Monit Comput 30:157). At the wrist the crest is broad and often double: its intervals
lie 10-75 ms (median) from Empatica's own, those of the onset 5-7 ms, of which 5 are Empatica's rounding.

The signal points up with the pulse; a raw light intensity falls with it and is to be negated before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.model import Bools, Floats, Gap, Stream

NO_PULSE = "no usable pulse"

_Indices = NDArray[np.intp]

_BAND_HZ = (0.5, 8.0)
_WAVE_S, _BEAT_S = 0.111, 0.667  # the moving averages: a systolic wave, a beat
_OFFSET, _OFFSET_S = 0.02, 10.0  # of the local power, so that one jolt does not hide a whole recording
_INTERVAL_S = (0.3, 2.0)  # 200 to 30 beats a minute
_FOOT_S = 0.5  # how far before its crest a foot may lie
_NEAR_S = 0.06  # how far the band-pass may move a foot
_EDGE_S = 0.8  # a pulse needs its surroundings to be judged

_SHAPE = np.linspace(-0.25, 0.85, 40)  # of the local interval, around the onset
_TEMPLATE_BEATS, _TEMPLATE_STEP = 48, 8
_LOCAL_BEATS = 31
_AMPLITUDE_FOLD = 3.0  # one standard deviation of amplitude against its neighbours'

QUALITY_FLOOR = 0.7
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
    """Every pulse in an evenly sampled signal without missing samples; any unit, 25 to 130 Hz.

    Quality is the correlation with the median shape of the pulses around (Orphanidou et al. 2015, IEEE
    JBHI 19:832), lowered where the amplitude stands out. Gain and offset change nothing.
    """
    if len(ppg) < 4 * _EDGE_S * rate_hz or not np.ptp(ppg) > 0:
        return _NONE
    centred = ppg - np.median(ppg)
    wave = _filtered(centred, rate_hz, _BAND_HZ[0])
    onsets = _onsets(wave, _filtered(centred, rate_hz, None), _crests(wave, rate_hz), rate_hz)
    if len(onsets) < 3:
        return _NONE
    return Pulses(onsets / rate_hz, _quality(wave, onsets, rate_hz))


def pulse_intervals(ppg: Stream) -> Stream:
    """PP intervals: an event stream `pp` with `pp_ms` and `quality`, the lower of its two pulses'.

    An interval is left out, and its time becomes a gap, where a pulse is of poor quality, samples are
    missing, or the interval does not fit those around it: shorter than 0.6 or longer than 1.4 of their
    median, or not in a run of three that differ by at most 30 % from one to the next.
    """
    time_s, quality, run = _all_pulses(ppg)
    pp_s = np.diff(time_s)
    lower = np.minimum(quality[1:], quality[:-1])
    usable = (lower >= QUALITY_FLOOR) & (run[1:] == run[:-1])
    usable &= (pp_s >= _INTERVAL_S[0]) & (pp_s <= _INTERVAL_S[1])
    usable = _in_company(pp_s, _in_rhythm(pp_s, _in_company(pp_s, usable)))
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


def _all_pulses(ppg: Stream) -> tuple[Floats, Floats, _Indices]:
    """Times, qualities and the number of the unbroken run that each pulse lies in."""
    assert ppg.rate_hz is not None, "a pulse wave has a sampling rate"
    times, qualities, numbers = [np.empty(0)], [np.empty(0)], [np.empty(0, np.intp)]
    for number, rows in enumerate(_runs(ppg, ppg.rate_hz)):
        found = pulses(ppg.value[rows], ppg.rate_hz)
        samples = np.arange(rows.stop - rows.start)
        times.append(np.interp(found.time_s * ppg.rate_hz, samples, ppg.time_s[rows]))
        qualities.append(found.quality)
        numbers.append(np.full(len(found), number, np.intp))
    return np.concatenate(times), np.concatenate(qualities), np.concatenate(numbers)


def _runs(ppg: Stream, rate_hz: float) -> Iterator[slice]:
    """Stretches without a missing sample."""
    present = np.flatnonzero(np.isfinite(ppg.value))
    if not len(present):
        return
    broken = (np.diff(present) > 1) | (np.diff(ppg.time_s[present]) > 1.5 / rate_hz)
    for rows in np.split(present, np.flatnonzero(broken) + 1):
        yield slice(int(rows[0]), int(rows[-1]) + 1)


def _filtered(signal: Floats, rate_hz: float, low_hz: float | None) -> Floats:
    """Second-order Butterworth, zero phase: band-pass from `low_hz`, or low-pass without it."""
    from scipy.signal import butter, sosfiltfilt

    high_hz = min(_BAND_HZ[1], 0.45 * rate_hz)
    if low_hz is None:
        sections = butter(2, high_hz, "lowpass", fs=rate_hz, output="sos")
    else:
        sections = butter(2, (low_hz, high_hz), "bandpass", fs=rate_hz, output="sos")
    filtered: Floats = sosfiltfilt(sections, signal)
    return filtered


def _crests(wave: Floats, rate_hz: float) -> _Indices:
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
    return _apart(_highest(wave, begins[wide], ends[wide]), wave, _INTERVAL_S[0] * rate_hz)


def _apart(crests: _Indices, wave: Floats, least: float) -> _Indices:
    """Of crests closer than a heart can beat, the higher one."""
    kept: list[int] = []
    for crest in crests.tolist():
        if kept and crest - kept[-1] < least:
            if wave[crest] > wave[kept[-1]]:
                kept[-1] = crest
        else:
            kept.append(crest)
    return np.array(kept, np.intp)


def _onsets(wave: Floats, smooth: Floats, crests: _Indices, rate_hz: float) -> Floats:
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


def _highest(signal: Floats, begins: _Indices, ends: _Indices) -> _Indices:
    """The highest sample of each stretch from `begins` up to `ends`."""
    begins = np.maximum(begins, 0)
    return np.array([a + np.argmax(signal[a:b]) for a, b in zip(begins, ends, strict=True)], np.intp)


def _quality(wave: Floats, onsets: Floats, rate_hz: float) -> Floats:
    shapes = _shapes(wave, onsets, rate_hz)
    height = np.log(np.ptp(shapes, axis=1) + np.finfo(float).tiny)
    steady = np.exp(-(((height - _running_median(height)) / np.log(_AMPLITUDE_FOLD)) ** 2) / 2)
    quality: Floats = np.clip(_likeness(_unit(shapes)), 0, 1) * steady
    return quality


def _shapes(wave: Floats, onsets: Floats, rate_hz: float) -> Floats:
    """Each pulse on the same 40 points, stretched with the local interval so that rate does not matter."""
    interval = np.diff(onsets, append=2 * onsets[-1] - onsets[-2])
    interval = _running_median(np.clip(interval, _INTERVAL_S[0] * rate_hz, _INTERVAL_S[1] * rate_hz))
    return np.interp(onsets[:, None] + _SHAPE * interval[:, None], np.arange(len(wave)), wave)


def _likeness(shapes: Floats) -> Floats:
    """Correlation of each shape with the median of the shapes around it."""
    like = np.empty(len(shapes))
    for first in range(0, len(shapes), _TEMPLATE_STEP):
        middle = first + _TEMPLATE_STEP // 2
        around = shapes[max(0, middle - _TEMPLATE_BEATS // 2) : middle + _TEMPLATE_BEATS // 2]
        template = _unit(np.median(around, axis=0, keepdims=True))[0]
        like[first : first + _TEMPLATE_STEP] = shapes[first : first + _TEMPLATE_STEP] @ template
    return like


def _unit(shapes: Floats) -> Floats:
    """The shapes about their mean, each of length one, so that a product is a correlation."""
    centred = shapes - shapes.mean(axis=1, keepdims=True)
    unit: Floats = centred / (np.linalg.norm(centred, axis=1, keepdims=True) + np.finfo(float).tiny)
    return unit


def _running_median(values: Floats) -> Floats:
    half = min(_LOCAL_BEATS, len(values) - 1) // 2
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(values, half, mode="reflect"), 2 * half + 1)
    medians: Floats = np.median(windows, axis=1)
    return medians


def _in_rhythm(pp_s: Floats, usable: Bools) -> Bools:
    share = np.ones(len(pp_s))
    if usable.any():
        share[usable] = pp_s[usable] / _running_median(pp_s[usable])
    return usable & (share >= _RHYTHM[0]) & (share <= _RHYTHM[1])


def _in_company(pp_s: Floats, usable: Bools) -> Bools:
    """Intervals in an unbroken run of at least three, each much like the one before."""
    if not usable.any():
        return usable
    alike = np.abs(np.diff(pp_s)) <= _ALIKE * np.minimum(pp_s[1:], pp_s[:-1])
    follows = usable[1:] & usable[:-1] & alike
    run = np.cumsum(np.concatenate(([0], ~follows)))
    length = np.bincount(run[usable], minlength=run[-1] + 1)
    accompanied: Bools = usable & (length[run] >= _COMPANY)
    return accompanied
