"""Electrodermal activity: which samples can be used, level and responses, and what a window says of them.

Nothing is computed across a gap or an artefact: each contiguous valid stretch stands alone. numpy only at
import, and `SlowLevel` needs nothing else, so the recorder can use it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Self

import numpy as np

from pipeline.model import Bools, Floats

PLAUSIBLE_US = (0.05, 60.0)
STEEPEST_US_S = 10.0
NEARBY_S = 5.0
WORN_C = (30.0, 40.0)
TONIC_HZ = 0.05
SYMPATHETIC_HZ = (0.045, 0.25)
SYMPATHETIC_MIN_S = 128.0
MAGNITUDE_SLOT_S = 10.0

_SMOOTH_HZ = 1.0
_HIGHEST_SHARE = 0.4  # of the sampling rate: nearer to Nyquist a filter is mostly ringing
_GAP_PERIODS = 1.5
_CLIP_US = 1000.0  # far outside what is plausible; keeps a filter finite
_DIP_SHARE = 0.2  # of the smallest response: a shallower dip does not end a rise
_CLIMB_SHARE = 0.1  # of the steepest slope: what is flatter belongs to the level, not the response
_PAUSE_S = 0.5  # a shorter pause in a climb does not make two responses of one
_RISE_S = (0.5, 5.0)
_SYMPATHETIC_RATE_HZ = 2.0
_SYMPATHETIC_SEGMENT = 128
_ROUNDING = 1e-6


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
        return _after_gap(self.time_s, self.rate_hz)

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
    after_gap = _after_gap(time_s, rate_hz)
    bounded = np.clip(np.where(present, eda_us, 0.0), -_CLIP_US, _CLIP_US)
    stretches = list(_stretches(present, after_gap))
    smooth_us = _by_stretch(bounded, stretches, rate_hz, _SMOOTH_HZ)

    masks = {EdaRule.MISSING: ~present}
    masks[EdaRule.RANGE] = present & ((eda_us < PLAUSIBLE_US[0]) | (eda_us > PLAUSIBLE_US[1]))
    masks[EdaRule.SLOPE] = _steep(smooth_us, stretches, rate_hz)
    masks[EdaRule.NEARBY] = _near(time_s, masks[EdaRule.RANGE] | masks[EdaRule.SLOPE])
    valid, removed = np.ones(len(time_s), dtype=bool), {}
    for rule, mask in masks.items():
        removed[rule] = float(np.mean(mask & valid)) if len(valid) else 0.0
        valid &= ~mask

    tonic_us = _by_stretch(smooth_us, list(_stretches(valid, after_gap)), rate_hz, TONIC_HZ)
    phasic_us, cold = smooth_us - tonic_us, _cold(skin_temp_c, len(time_s))
    return Eda(time_s, float(rate_hz), smooth_us, valid, tonic_us, phasic_us, cold, removed)


def _after_gap(time_s: Floats, rate_hz: float) -> Bools:
    return np.diff(time_s, prepend=-np.inf) > _GAP_PERIODS / rate_hz


def _stretches(mask: Bools, after_gap: Bools) -> Iterator[slice]:
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


def responses(eda: Eda, min_amplitude_us: float = 0.05) -> Responses:
    """Spontaneous or evoked SCRs, trough to peak on the low-passed signal (Boucsein 2012).

    The amplitude is absolute, in µS, so a count does not depend on the largest response around. An onset is
    where the climb reaches a tenth of its steepest slope, which leaves drift before it out. A dip of less
    than a fifth of `min_amplitude_us`, or a pause in the climb under 0.5 s, does not make two responses of
    one; a deeper or longer one does, and the response on the shoulder is measured from there. A rise outside
    0.5..5 s is no response, nor is one still rising where a stretch ends.
    """
    rows = [
        row
        for stretch in _stretches(eda.valid, eda.after_gap)
        for row in _stretch_responses(eda.time_s[stretch], eda.eda_us[stretch], eda.rate_hz, min_amplitude_us)
    ]
    return Responses(*np.asarray(rows, dtype=np.float64).reshape(-1, len(fields(Responses))).T)


def _stretch_responses(
    time_s: Floats, values: Floats, rate_hz: float, min_amplitude_us: float
) -> Iterator[tuple[float, ...]]:
    climbs = [
        climb
        for low, high in _rises(values, _DIP_SHARE * min_amplitude_us)
        for climb in _climbs(values, low, high, math.ceil(_PAUSE_S * rate_hz))
        if _is_response(time_s, values, climb, min_amplitude_us)
    ]
    for number, (onset, peak) in enumerate(climbs):
        end = climbs[number + 1][0] + 1 if number + 1 < len(climbs) else len(values)
        amplitude = float(values[peak] - values[onset])
        half_s = _first_below(time_s[peak:end], values[peak:end], values[peak] - amplitude / 2)
        rise_s = float(time_s[peak] - time_s[onset])
        yield float(time_s[onset]), float(time_s[peak]), amplitude, rise_s, half_s - float(time_s[peak])


def _is_response(time_s: Floats, values: Floats, climb: tuple[int, int], min_amplitude_us: float) -> bool:
    onset, peak = climb
    rise_s = time_s[peak] - time_s[onset]
    return bool(
        values[peak] - values[onset] >= min_amplitude_us
        and _RISE_S[0] - _ROUNDING <= rise_s <= _RISE_S[1] + _ROUNDING
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


def _climbs(values: Floats, low: int, high: int, pause: int) -> Iterator[tuple[int, int]]:
    """(onset, peak) of the parts of a rise between which it pauses for at least `pause` samples."""
    steps = np.diff(values[low : high + 1])
    steep = low + np.flatnonzero(steps > _CLIMB_SHARE * np.max(steps))
    cuts = np.flatnonzero(np.diff(steep) > pause)
    onsets = steep[np.concatenate([[0], cuts + 1])]
    peaks = np.concatenate([steep[cuts] + 1, [high]])
    return zip(onsets.tolist(), peaks.tolist(), strict=True)


def _first_below(time_s: Floats, values: Floats, level: float) -> float:
    """The moment `values` falls to `level`, between samples; NaN if it never does."""
    below = np.flatnonzero(values <= level)
    if not len(below):
        return math.nan
    at = int(below[0])
    share = (values[at - 1] - level) / (values[at - 1] - values[at])
    return float(time_s[at - 1] + share * (time_s[at] - time_s[at - 1]))


@dataclass(frozen=True, slots=True)
class SkinConductance:
    """What a window holds; None where the window cannot have it."""

    valid_s: float
    eda_coverage: float
    eda_artefact_pct: float | None
    scl_us: float | None
    ln_scl: float | None
    scr_n: int | None
    scr_per_min: float | None
    scr_amplitude_us: float | None
    scr_magnitude_us: float | None
    scr_rise_s: float | None
    scr_half_recovery_s: float | None
    eda_symp_us2: float | None


def levels(eda: Eda, found: Responses, start_s: float, end_s: float) -> SkinConductance:
    """Level and responses of `start_s <= time_s < end_s`; a response belongs where it begins.

    SCL is the mean of the tonic signal over valid samples, so equal windows average to the whole. Coverage
    is valid time over the window's; artefacts are counted in percent of samples present, gaps left out.
    Amplitude is the mean over responses. Magnitude keeps the zeros: the amplitude an average 10 s of valid
    signal holds (Dawson, Schell & Filion 2007 on amplitude and magnitude; the 10 s are ours). The rate is per
    valid minute. Rise and half recovery are medians, since on a falling level one response may take a minute.
    """
    rows = eda.rows(start_s, end_s)
    valid = eda.valid[rows]
    valid_s = float(np.count_nonzero(valid)) / eda.rate_hz
    scl_us = float(np.mean(eda.tonic_us[rows][valid])) if valid_s else None
    inside = found.between(start_s, end_s)
    return SkinConductance(
        valid_s=valid_s,
        eda_coverage=min(valid_s / (end_s - start_s), 1.0) if end_s > start_s else 0.0,
        eda_artefact_pct=100.0 * float(np.mean(~valid)) if len(valid) else None,
        scl_us=scl_us,
        ln_scl=math.log(scl_us) if scl_us and scl_us > 0 else None,
        scr_n=len(inside) if valid_s else None,
        scr_per_min=60.0 * len(inside) / valid_s if valid_s else None,
        scr_amplitude_us=float(np.mean(inside.amplitude_us)) if len(inside) else None,
        scr_magnitude_us=float(np.sum(inside.amplitude_us)) * MAGNITUDE_SLOT_S / valid_s if valid_s else None,
        scr_rise_s=_median(inside.rise_s),
        scr_half_recovery_s=_median(inside.half_recovery_s),
        eda_symp_us2=sympathetic_power(eda, start_s, end_s),
    )


def _median(values: Floats) -> float | None:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else None


def sympathetic_power(eda: Eda, start_s: float, end_s: float) -> float | None:
    """EDASymp: power in 0.045-0.25 Hz, in µS² (Posada-Quintero 2016, Ann Biomed Eng 44:3124).

    Brought to 2 Hz, high-passed at 0.01 Hz (Butterworth, order 8), Welch with Blackman windows of 128 samples
    that overlap by half. None below 128 s, or if any sample of the window is missing or masked.
    """
    from scipy.signal import butter, sosfiltfilt, welch

    rows = eda.rows(start_s, end_s)
    time_s, values = eda.time_s[rows], eda.eda_us[rows]
    whole = bool(np.all(eda.valid[rows])) and not np.any(eda.after_gap[rows][1:])
    if len(values) < SYMPATHETIC_MIN_S * eda.rate_hz - _ROUNDING or not whole:
        return None
    grid_s = np.arange(time_s[0], time_s[-1] + _ROUNDING, 1.0 / _SYMPATHETIC_RATE_HZ)
    at_2_hz = np.interp(grid_s, time_s, values)
    high_pass = butter(8, 0.01, "highpass", fs=_SYMPATHETIC_RATE_HZ, output="sos")
    moving = sosfiltfilt(high_pass, at_2_hz - np.mean(at_2_hz))
    segment = min(_SYMPATHETIC_SEGMENT, len(moving))
    frequency_hz, density = welch(
        moving, _SYMPATHETIC_RATE_HZ, "blackman", nperseg=segment, nfft=2 * segment, detrend=False
    )
    edges_hz = np.array(SYMPATHETIC_HZ)
    inner = (frequency_hz > edges_hz[0]) & (frequency_hz < edges_hz[1])
    band_hz = np.concatenate([edges_hz[:1], frequency_hz[inner], edges_hz[1:]])
    return float(np.trapezoid(np.interp(band_hz, frequency_hz, density), band_hz))


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
