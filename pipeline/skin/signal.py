"""Skin conductance ready for use: which samples are valid, smoothed and split into level and rest.

Nothing is computed across a gap or an artefact: each contiguous valid stretch stands alone. numpy only at
import, and `SlowLevel` needs nothing else, so the recorder can use it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from pipeline.model import Bools, Floats

PLAUSIBLE_US = (0.05, 60.0)
STEEPEST_US_S = 10.0
NEARBY_S = 5.0
WORN_C = (30.0, 40.0)
TONIC_HZ = 0.05

_SMOOTH_HZ = 1.0
_HIGHEST_SHARE = 0.4  # of the sampling rate: nearer to Nyquist a filter is mostly ringing
_GAP_PERIODS = 1.5
_CLIP_US = 1000.0  # far outside what is plausible; keeps a filter finite


class EdaRule(StrEnum):
    """Why a sample is not used; the first that applies."""

    MISSING = "missing"  # NaN
    RANGE = "range"  # outside 0.05..60 µS
    SLOPE = "slope"  # steeper than 10 µS/s after the low-pass
    NEARBY = "nearby"  # within 5 s of either


@dataclass(frozen=True, slots=True, eq=False)
class Eda:
    """A prepared signal: arrays of one length.

    `eda_us` is low-passed, also where it is not valid (NaN where it is missing). `tonic_us` and `phasic_us`
    are NaN where it is not valid. `removed` is the share of samples each rule took. `cold` says where skin
    temperature makes "cold or not worn" likely: a remark, not a mask.
    """

    time_s: Floats
    rate_hz: float
    eda_us: Floats
    valid: Bools
    tonic_us: Floats
    phasic_us: Floats
    cold: Bools
    removed: Mapping[EdaRule, float]

    @property
    def after_gap(self) -> Bools:
        """Where time is missing before a sample: a step beyond 1.5 sample periods."""
        return after_gaps(self.time_s, self.rate_hz)

    def rows(self, start_s: float, end_s: float) -> slice:
        """The samples with `start_s <= time_s < end_s`."""
        start, end = np.searchsorted(self.time_s, (start_s, end_s))
        return slice(int(start), int(end))


def prepare(time_s: Floats, eda_us: Floats, rate_hz: float, skin_temp_c: Floats | None = None) -> Eda:
    """Low-pass, mask and split skin conductance.

    `time_s` (n,) rising, in s; `eda_us` (n,) in µS, NaN where missing; `rate_hz` nominal, above 0;
    `skin_temp_c` (n,) in °C at the same times, NaN where unknown.

    - Low-pass: Butterworth, zero phase, 1 Hz (0.4 of the rate where that is lower; none up to 2 Hz).
    - Mask: Kleckner 2018 (IEEE Trans Biomed Eng 65:1460) rules 1, 2 and 4, the slope after the low-pass.
      Rule 3, skin temperature, would delete cold wrists with sound EDA (a sensor off the skin falls under
      rule 1 by itself): it is kept as a remark, `cold`.
    - Split: tonic below 0.05 Hz (Butterworth, zero phase), phasic the rest, over each valid stretch.
    """
    time_s, eda_us = np.asarray(time_s, dtype=np.float64), np.asarray(eda_us, dtype=np.float64)
    assert time_s.shape == eda_us.shape
    present = np.isfinite(eda_us)
    after_gap = after_gaps(time_s, rate_hz)
    bounded = np.clip(np.where(present, eda_us, 0.0), -_CLIP_US, _CLIP_US)
    stretches = list(stretches_of(present, after_gap))
    smooth_us = _by_stretch(bounded, stretches, rate_hz, _SMOOTH_HZ)

    masks = {EdaRule.MISSING: ~present}
    masks[EdaRule.RANGE] = present & ((eda_us < PLAUSIBLE_US[0]) | (eda_us > PLAUSIBLE_US[1]))
    masks[EdaRule.SLOPE] = _steep(smooth_us, stretches, rate_hz)
    masks[EdaRule.NEARBY] = _near(time_s, masks[EdaRule.RANGE] | masks[EdaRule.SLOPE])
    valid, removed = np.ones(len(time_s), dtype=bool), {}
    for rule, mask in masks.items():
        removed[rule] = float(np.mean(mask & valid)) if len(valid) else 0.0
        valid &= ~mask

    tonic_us = _by_stretch(smooth_us, list(stretches_of(valid, after_gap)), rate_hz, TONIC_HZ)
    phasic_us, cold = smooth_us - tonic_us, _cold(skin_temp_c, len(time_s))
    return Eda(time_s, float(rate_hz), smooth_us, valid, tonic_us, phasic_us, cold, removed)


def after_gaps(time_s: Floats, rate_hz: float) -> Bools:
    """Where time is missing before a sample: a step beyond 1.5 sample periods; True at 0."""
    return np.diff(time_s, prepend=-np.inf) > _GAP_PERIODS / rate_hz


def stretches_of(mask: Bools, after_gap: Bools) -> Iterator[slice]:
    """The contiguous runs of True, cut at gaps."""
    before = np.concatenate([[False], mask[:-1]]) & ~after_gap
    after = np.concatenate([mask[1:] & ~after_gap[1:], [False]])[: len(mask)]
    starts, ends = np.flatnonzero(mask & ~before[: len(mask)]), np.flatnonzero(mask & ~after) + 1
    return (slice(int(start), int(end)) for start, end in zip(starts, ends, strict=True))


def _by_stretch(values: Floats, stretches: list[slice], rate_hz: float, cutoff_hz: float) -> Floats:
    """`values` low-passed within each stretch, NaN between."""
    filtered = np.full(len(values), np.nan)
    for stretch in stretches:
        filtered[stretch] = _low_pass(values[stretch], rate_hz, cutoff_hz)
    return filtered


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


def _slope(values: Floats, rate_hz: float) -> Floats:
    """Change per second at each sample."""
    return np.gradient(values) * rate_hz if len(values) > 1 else np.zeros(len(values))


def _steep(smooth_us: Floats, stretches: list[slice], rate_hz: float) -> Bools:
    steep = np.zeros(len(smooth_us), dtype=bool)
    for stretch in stretches:
        steep[stretch] = np.abs(_slope(smooth_us[stretch], rate_hz)) > STEEPEST_US_S
    return steep


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
