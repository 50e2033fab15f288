"""Skin conductance ready for use: which samples are valid, smoothed and split into level and rest.

Nothing is computed across a gap or an artefact: each contiguous valid stretch stands alone. numpy only at
import, and `SlowLevel` needs nothing else, so the recorder can use it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pipeline.model import Bools, Floats
from pipeline.spans import Stretches

PLAUSIBLE_US = (0.05, 60.0)
STEEPEST_US_S = 10.0
NEARBY_S = 5.0
STUCK_S = 120.0  # a shorter standstill alone cannot carry a rate of responses
STUCK_DOUBTFUL_S = 10.0
WORN_C = (30.0, 40.0)
TONIC_HZ = 0.05
HIGHEST_RATE_HZ = 16.0

_KEPT_RATE_HZ = 8.0  # what a response of 0.5 s needs, with room; faster is brought down to it
_SMOOTH_HZ = 1.0
_HIGHEST_SHARE = 0.4  # of the sampling rate: nearer to Nyquist a filter is mostly ringing
_GAP_PERIODS = 1.5
_CLIP_US = 1000.0  # far outside what is plausible; keeps a filter finite
_CEILING_STEPS = 5.0


class EdaRule(StrEnum):
    """Why a sample is not used; the first that applies."""

    MISSING = "missing"  # NaN
    MARKED = "marked"  # within a span that a person marked
    RANGE = "range"  # outside 0.05..60 µS
    STUCK = "stuck"  # the same value for long
    SLOPE = "slope"  # steeper than 10 µS/s after the low-pass
    NEARBY = "nearby"  # within 5 s of range or slope


@dataclass(frozen=True, slots=True, eq=False)
class Eda:
    """A prepared signal: arrays of one length, at no more than 16 Hz.

    `eda_us` is low-passed, also where it is not valid (NaN where it is missing). `tonic_us` and `phasic_us`
    are NaN where it is not valid. `removed` is the share of samples each rule took. `marked` is where a
    person's mark took them: no artefact. `cold` says where skin temperature makes "cold or not worn" likely:
    a remark, not a mask.
    """

    time_s: Floats
    rate_hz: float
    eda_us: Floats
    valid: Bools
    tonic_us: Floats
    phasic_us: Floats
    cold: Bools
    marked: Bools
    removed: Mapping[EdaRule, float]

    @property
    def after_gap(self) -> Bools:
        """Where time is missing before a sample: a step beyond 1.5 sample periods."""
        return after_gaps(self.time_s, self.rate_hz)

    def rows(self, start_s: float, end_s: float) -> slice:
        """The samples with `start_s <= time_s < end_s`."""
        start, end = np.searchsorted(self.time_s, (start_s, end_s))
        return slice(int(start), int(end))


def prepare(
    time_s: Floats,
    eda_us: Floats,
    rate_hz: float,
    skin_temp_c: Floats | None = None,
    marked: Stretches | None = None,
    kept: Stretches | None = None,
) -> Eda:
    """Bring down, low-pass, mask and split skin conductance.

    `time_s` (n,) rising, in s; `eda_us` (n,) in µS, NaN where missing; `rate_hz` nominal, above 0;
    `skin_temp_c` (n,) in °C at the same times, NaN where unknown; `marked` is what a person took out, `kept`
    what they want used whatever the rules say, if there is a value.

    - Rate: from 16 Hz on, means of as many neighbours as leave 8 Hz or a little more.
    - Low-pass: Butterworth, zero phase, 1 Hz (0.4 of the rate where that is lower; none up to 2 Hz).
    - Mask: Kleckner 2018 (IEEE Trans Biomed Eng 65:1460) rules 1, 2 and 4, the slope after the low-pass; at
      1 Hz, without one, a jump of 4.5 to 10 µS goes unseen. Rule 3, skin temperature, would delete cold
      wrists with sound EDA (a sensor off the skin falls under rule 1 by itself): it is kept as a remark,
      `cold`.
    - Stuck (ours): the very same value for 120 s; for 10 s where the skin is cold, or at the recording's
      ceiling, which a signal hits in mid-move.
    - Marked: nothing of it is valid, and nothing around it is the worse for it; but a jump within it reaches
      5 s as any other does.
    - Split: tonic is the grey opening over 20 s, one period of 0.05 Hz, with its corners rounded over 5 s:
      responses stand on it and are no part of it (a low-pass at 0.05 Hz takes in a good part of them).
      Phasic is the rest, and never negative. Both over each valid stretch.
    """
    time_s, eda_us = np.asarray(time_s, dtype=np.float64), np.asarray(eda_us, dtype=np.float64)
    assert time_s.shape == eda_us.shape
    eda_us = np.clip(np.where(np.isfinite(eda_us), eda_us, np.nan), -_CLIP_US, _CLIP_US)
    cold = _cold(skin_temp_c, len(time_s))
    stuck = _stuck(time_s, eda_us, rate_hz, cold)
    blocks = _Blocks.of(time_s, rate_hz)
    time_s, rate_hz = blocks.means(time_s), rate_hz / blocks.size
    eda_us, stuck, cold = blocks.present_means(eda_us), blocks.most(stuck), blocks.most(cold)

    present = ~np.isnan(eda_us)
    after_gap = after_gaps(time_s, rate_hz)
    stretches = list(stretches_of(present, after_gap))
    smooth_us = np.full(len(eda_us), np.nan)
    for stretch in stretches:
        smooth_us[stretch] = _low_pass(eda_us[stretch], rate_hz, _SMOOTH_HZ)

    masks = {EdaRule.MISSING: ~present}
    masks[EdaRule.MARKED] = marked.hold(time_s) if marked is not None else np.zeros(len(time_s), dtype=bool)
    masks[EdaRule.RANGE] = present & ((eda_us < PLAUSIBLE_US[0]) | (eda_us > PLAUSIBLE_US[1]))
    masks[EdaRule.STUCK] = stuck
    masks[EdaRule.SLOPE] = _steep(smooth_us, stretches, rate_hz)
    masks[EdaRule.NEARBY] = _near(time_s, masks[EdaRule.RANGE] | masks[EdaRule.SLOPE])
    by_rule = ~kept.hold(time_s) if kept is not None else True
    valid, removed = np.ones(len(time_s), dtype=bool), {}
    for rule, mask in masks.items():
        if rule not in (EdaRule.MISSING, EdaRule.MARKED):
            mask &= by_rule
        removed[rule] = float(np.mean(mask & valid)) if len(valid) else 0.0
        valid &= ~mask

    tonic_us = np.full(len(smooth_us), np.nan)
    for stretch in stretches_of(valid, after_gap):
        tonic_us[stretch] = _below_responses(smooth_us[stretch], rate_hz)
    out = masks[EdaRule.MARKED] & present
    return Eda(time_s, float(rate_hz), smooth_us, valid, tonic_us, smooth_us - tonic_us, cold, out, removed)


def after_gaps(time_s: Floats, rate_hz: float) -> Bools:
    """Where time is missing before a sample: a step beyond 1.5 sample periods, or not forward; True at 0."""
    steps_s = np.diff(time_s, prepend=-np.inf)
    return ~((steps_s > 0) & (steps_s <= _GAP_PERIODS / rate_hz))


def stretches_of(mask: Bools, after_gap: Bools) -> Iterator[slice]:
    """The contiguous runs of True, cut at gaps."""
    before = np.concatenate([[False], mask[:-1]]) & ~after_gap
    after = np.concatenate([mask[1:] & ~after_gap[1:], [False]])[: len(mask)]
    starts, ends = np.flatnonzero(mask & ~before[: len(mask)]), np.flatnonzero(mask & ~after) + 1
    return (slice(int(start), int(end)) for start, end in zip(starts, ends, strict=True))


@dataclass(frozen=True, slots=True)
class _Blocks:
    """Samples taken together: `size` periods of time each; `starts` are their first rows."""

    size: int
    starts: NDArray[np.intp]
    counts: NDArray[np.intp]

    @classmethod
    def of(cls, time_s: Floats, rate_hz: float) -> Self:
        size = math.floor(rate_hz / _KEPT_RATE_HZ) if rate_hz >= HIGHEST_RATE_HZ else 1
        if size == 1 or not len(time_s):
            return cls(1, np.arange(len(time_s)), np.ones(len(time_s), dtype=np.intp))
        number = np.floor(((time_s - time_s[0]) * rate_hz + 0.5) / size)
        starts = np.concatenate([[0], np.flatnonzero(np.diff(number)) + 1])
        return cls(size, starts, np.diff(starts, append=len(time_s)))

    def means(self, values: Floats) -> Floats:
        if self.size == 1:
            return values
        return np.asarray(np.add.reduceat(values, self.starts) / self.counts)

    def most(self, mask: Bools) -> Bools:
        """Where at least half of a block is True."""
        return mask if self.size == 1 else self.means(mask.astype(np.float64)) >= 0.5

    def present_means(self, values: Floats) -> Floats:
        """The means of what is not NaN; NaN where less than half of a block is there."""
        if self.size == 1:
            return values
        there = ~np.isnan(values)
        share = self.means(there.astype(np.float64))
        total = self.means(np.where(there, values, 0.0))
        means: Floats = np.divide(total, share, out=np.full(len(share), np.nan), where=share >= 0.5)
        return means


def _low_pass(values: Floats, rate_hz: float, cutoff_hz: float) -> Floats:
    """Second-order Butterworth, there and back; the ends are continued by three periods, point-mirrored.

    At a rate that holds nothing above the cut-off the values stay as they are: a filter would only ring.
    """
    from scipy.signal import butter, sosfiltfilt

    if cutoff_hz >= rate_hz / 2:
        return values
    cutoff_hz = min(cutoff_hz, _HIGHEST_SHARE * rate_hz)
    sections = butter(2, cutoff_hz, fs=rate_hz, output="sos")
    padding = min(len(values) - 1, math.ceil(3 * rate_hz / cutoff_hz))
    return np.asarray(sosfiltfilt(sections, values, padlen=padding))


def _below_responses(smooth_us: Floats, rate_hz: float) -> Floats:
    """Grey opening (the lowest value around each moment, then the highest of those), its corners rounded."""
    from scipy.ndimage import grey_opening, uniform_filter1d

    width = min(2 * math.floor(0.5 * rate_hz / TONIC_HZ) + 1, 2 * len(smooth_us) - 1)
    opened = grey_opening(smooth_us, (width,))
    return np.minimum(uniform_filter1d(opened, width // 4 + 1, mode="nearest"), smooth_us)


def _steep(smooth_us: Floats, stretches: list[slice], rate_hz: float) -> Bools:
    """Samples on either side of a step steeper than 10 µS/s."""
    steep = np.zeros(len(smooth_us), dtype=bool)
    for stretch in stretches:
        over = np.abs(np.diff(smooth_us[stretch])) * rate_hz > STEEPEST_US_S
        steep[stretch][:-1] |= over
        steep[stretch][1:] |= over
    return steep


def _stuck(time_s: Floats, eda_us: Floats, rate_hz: float, cold: Bools) -> Bools:
    """Samples in a run of one and the same value; see `prepare`."""
    stuck = np.zeros(len(eda_us), dtype=bool)
    if len(eda_us) < 2:
        return stuck
    steps = np.diff(eda_us)
    turns = np.flatnonzero((steps != 0) | after_gaps(time_s, rate_hz)[1:]) + 1
    starts, ends = np.concatenate([[0], turns]), np.append(turns, len(eda_us))
    ceiling_us = _ceiling_us(eda_us, steps)
    long_enough = (ends - starts) >= STUCK_DOUBTFUL_S * rate_hz
    for start, end in zip(starts[long_enough].tolist(), ends[long_enough].tolist(), strict=True):
        doubtful = eda_us[start] == ceiling_us or bool(np.all(cold[start:end]))
        stuck[start:end] = doubtful or end - start >= STUCK_S * rate_hz
    return stuck


def _ceiling_us(eda_us: Floats, steps: Floats) -> float:
    """The highest value, if the signal reaches it with a jump beyond its finest steps; else NaN."""
    sizes = np.abs(steps[~np.isnan(steps) & (steps != 0)])
    if not len(sizes):
        return math.nan
    highest = float(np.nanmax(eda_us))
    into = np.abs(steps[(eda_us[1:] == highest) | (eda_us[:-1] == highest)])
    return highest if np.any(into > _CEILING_STEPS * np.min(sizes)) else math.nan


def _near(time_s: Floats, bad: Bools) -> Bools:
    """Samples within 5 s of a bad one, which include the bad ones."""
    bad_s = np.concatenate([[-np.inf], time_s[bad], [np.inf]])
    following = np.searchsorted(bad_s, time_s)
    distance_s: Floats = np.minimum(bad_s[following] - time_s, time_s - bad_s[following - 1])
    return distance_s <= NEARBY_S


def _cold(skin_temp_c: Floats | None, n: int) -> Bools:
    if skin_temp_c is None:
        return np.zeros(n, dtype=bool)
    return (skin_temp_c < WORN_C[0]) | (skin_temp_c > WORN_C[1])


class SlowLevel:
    """The live tonic level: a one-pole low-pass at 0.05 Hz that takes any spacing of samples."""

    __slots__ = ("_level", "_time_s")

    _TIME_CONSTANT_S = 1.0 / (2.0 * math.pi * TONIC_HZ)

    def __init__(self) -> None:
        self._level, self._time_s = math.nan, -math.inf

    def feed(self, time_s: float, value: float) -> float:
        """The level after a sample; NaN before the first. A missing sample leaves it as it is."""
        if math.isnan(value):
            return self._level
        if math.isnan(self._level):
            self._level = value
        elapsed_s = max(time_s - self._time_s, 0.0)
        self._level += (value - self._level) * -math.expm1(-elapsed_s / self._TIME_CONSTANT_S)
        self._time_s = max(time_s, self._time_s)
        return self._level
