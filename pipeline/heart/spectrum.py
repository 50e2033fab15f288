"""The spectrum of labelled beats: Welch and Lomb (Task Force 1996), in ms².

Only NN intervals count. A value that cannot exist is None; whether one that exists can also carry a claim
is for `pipeline.features` to say.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from pipeline.heart.beats import Beats
from pipeline.model import Floats

VLF = (0.0033, 0.04)
LF = (0.04, 0.15)
HF = (0.15, 0.40)
TOTAL = (0.0033, 0.40)

SPECTRAL_MIN_COVERED_S = 60.0
SPECTRAL_MAX_CORRECTED_PCT = 5.0
_RESAMPLED_HZ = 4.0
_SEGMENT_S = 300.0
_MIN_SPAN_S = 10.0
_FEWEST_FOR_SPECTRUM = 4  # a cubic needs four points
_MOST_BRIDGED = 2  # excluded intervals in a row that interpolation may span
_SMOOTHNESS = 500.0  # lambda at 4 Hz: a cut-off near 0.035 Hz
_LOMB_OVERSAMPLING = 4
_LOMB_MAX_HZ = 0.5
_LOMB_CELLS = 2**18  # frequencies x intervals held in memory at once


class PsdMethod(StrEnum):
    """How a spectrum is estimated; one per recording, so that a change of method never looks like change."""

    WELCH = "welch"
    LOMB = "lomb"


class Detrend(StrEnum):
    """What is taken out before a spectrum; the mean always is."""

    NONE = "none"
    LINEAR = "linear"
    SMOOTHNESS_PRIORS = "smoothness_priors"


@dataclass(frozen=True, slots=True, eq=False)
class Spectrum:
    """A one-sided power spectral density: `frequency_hz` rising, `psd_ms2_hz` in ms²/Hz."""

    frequency_hz: Floats
    psd_ms2_hz: Floats
    method: PsdMethod
    detrend: Detrend

    def band_power(self, low_hz: float, high_hz: float) -> float:
        """Power between two frequencies in ms²: trapezoids, with the density interpolated at both edges.

        What a band holds below the first or above the last frequency counts as nothing.
        """
        low_hz, high_hz = np.clip((low_hz, high_hz), self.frequency_hz[0], self.frequency_hz[-1])
        inner = (self.frequency_hz > low_hz) & (self.frequency_hz < high_hz)
        frequency_hz = np.concatenate([[low_hz], self.frequency_hz[inner], [high_hz]])
        density = np.interp(frequency_hz, self.frequency_hz, self.psd_ms2_hz)
        return float(np.trapezoid(density, frequency_hz))

    def peak_hz(self, low_hz: float, high_hz: float) -> float | None:
        """The frequency of the highest density in a band; None where the band holds no power."""
        inside = np.flatnonzero((self.frequency_hz >= low_hz) & (self.frequency_hz <= high_hz))
        if not len(inside):
            return None
        peak = inside[np.argmax(self.psd_ms2_hz[inside])]
        return float(self.frequency_hz[peak]) if self.psd_ms2_hz[peak] > 0 else None


def spectrum(
    beats: Beats,
    start_s: float,
    end_s: float,
    method: PsdMethod = PsdMethod.WELCH,
    detrend: Detrend = Detrend.NONE,
) -> Spectrum | None:
    """The power spectral density of the NN intervals that end in `start_s <= time_s < end_s`.

    Both methods average segments of 300 s (or all there is, if less) that overlap by half.

    - Welch (1967): Hann, on the tachogram resampled at 4 Hz by a cubic spline, whose own attenuation at the
      mean beat rate is undone. None across a gap (see `has_gap`).
    - Lomb (1976), Scargle (1982): the intervals at their own times, density 2 P T / N, where T is the time
      observed (gaps left out); up to 0.5 Hz, four frequencies per resolution step.

    Smoothness priors after Tarvainen 2002 (IEEE Trans Biomed Eng 49:172), lambda 500 at 4 Hz. None below four
    intervals or 10 s, all of them or in each segment.
    """
    window = beats.between(start_s, end_s)
    time_s, nn_ms = window.time_s[window.nn], window.interval_ms[window.nn]
    if len(time_s) < _FEWEST_FOR_SPECTRUM or time_s[-1] - time_s[0] < _MIN_SPAN_S:
        return None
    if method is PsdMethod.LOMB:
        found = _lomb_psd(window, detrend)
    else:
        found = None if has_gap(window, start_s, end_s) else _welch_psd(time_s, nn_ms, detrend)
    return Spectrum(*found, method, detrend) if found else None


def has_gap(beats: Beats, start_s: float, end_s: float) -> bool:
    """Whether NN intervals inside a window lie further apart than interpolation may reach.

    That is a gap in time, or more than two excluded intervals in a row.
    """
    return len(_breaks_s(beats.between(start_s, end_s))) > 0


def choose_psd_method(beats: Beats, windows: Iterable[tuple[float, float]]) -> PsdMethod:
    """Lomb if any usable window (start_s, end_s) has a gap, else Welch.

    A window is usable with at least 60 s of NN intervals and at most 5 % of intervals excluded: no other
    shows a spectrum.
    """
    gaps = (has_gap(beats, start_s, end_s) for start_s, end_s in windows if _usable(beats, start_s, end_s))
    return PsdMethod.LOMB if any(gaps) else PsdMethod.WELCH


def _usable(beats: Beats, start_s: float, end_s: float) -> bool:
    covered = beats.covered_s(start_s, end_s) >= SPECTRAL_MIN_COVERED_S
    return covered and beats.between(start_s, end_s).corrected_pct <= SPECTRAL_MAX_CORRECTED_PCT


def _breaks_s(window: Beats) -> Floats:
    """Seconds without beats between NN intervals that no interpolation may bridge; one value per break."""
    rows = np.flatnonzero(window.nn)
    runs = np.cumsum(~window.adjacent)
    apart = (np.diff(rows) > _MOST_BRIDGED + 1) | (np.diff(runs[rows]) > 0)
    steps_s = np.diff(window.time_s[rows]) - window.interval_ms[rows[1:]] / 1000.0
    return np.maximum(steps_s[apart], 0.0)


def _detrended(time_s: Floats, values: Floats, detrend: Detrend) -> Floats:
    """`values` without their mean and trend."""
    centred: Floats = values - np.mean(values)
    if detrend is Detrend.LINEAR:
        return centred - np.polyval(np.polyfit(time_s - time_s[0], centred, 1), time_s - time_s[0])
    if detrend is Detrend.SMOOTHNESS_PRIORS:
        grid_s = _grid(time_s)
        smooth = _smooth_trend(np.interp(grid_s, time_s, centred))
        return centred - np.interp(time_s, grid_s, smooth)
    return centred


def _grid(time_s: Floats) -> Floats:
    """Times 1/4 s apart, from the first to at most the last."""
    steps = math.floor((time_s[-1] - time_s[0]) * _RESAMPLED_HZ)
    return np.asarray(time_s[0] + np.arange(steps + 1) / _RESAMPLED_HZ)


def _smooth_trend(values: Floats) -> Floats:
    """The trend (I + λ² D'D)⁻¹ z, D the second difference (Tarvainen 2002)."""
    from scipy.linalg import solveh_banded

    n = len(values)
    bands = np.zeros((3, n))  # diagonals of the upper half, as LAPACK stores them
    bands[0, 2:] = 1.0
    bands[1, 1:-1] -= 2.0
    bands[1, 2:] -= 2.0
    bands[2, :-2] += 1.0
    bands[2, 1:-1] += 4.0
    bands[2, 2:] += 1.0
    bands *= _SMOOTHNESS**2
    bands[2] += 1.0
    return np.asarray(solveh_banded(bands, values))


def _welch_psd(time_s: Floats, nn_ms: Floats, detrend: Detrend) -> tuple[Floats, Floats]:
    from scipy.interpolate import CubicSpline
    from scipy.signal import welch

    grid_s = _grid(time_s)
    values = _detrended(grid_s, CubicSpline(time_s, nn_ms)(grid_s), detrend)
    segment = min(len(values), int(_SEGMENT_S * _RESAMPLED_HZ))
    frequency_hz, density = welch(
        values, _RESAMPLED_HZ, "hann", nperseg=segment, noverlap=segment // 2, nfft=2 * segment
    )
    mean_s = float(np.mean(np.diff(time_s)))
    return frequency_hz, density / _spline_gain(frequency_hz * mean_s) ** 2


def _spline_gain(cycles_per_beat: Floats) -> Floats:
    """What cubic interpolation leaves of an oscillation (Unser 1999, IEEE Signal Process Mag 16:22).

    Without it a breath every four beats would lose 3 % of its power, one every 2.5 beats a third. Beyond
    0.45 cycles per beat an oscillation cannot be told from its mirror image, and the gain is held.
    """
    x = np.minimum(cycles_per_beat, 0.45)
    images = sum(np.sinc(x - shift) ** 4 for shift in range(-4, 5))
    return np.asarray(np.sinc(x) ** 4 / images)


def _lomb_psd(window: Beats, detrend: Detrend) -> tuple[Floats, Floats] | None:
    nn = window.nn
    nn_ms = window.interval_ms.copy()
    nn_ms[nn] = _detrended(window.time_s[nn], nn_ms[nn], detrend)
    length_s = float(min(_SEGMENT_S, np.ptp(window.time_s[nn])))
    steps_per_hz = _LOMB_OVERSAMPLING * length_s
    frequency_hz = np.arange(1, math.floor(_LOMB_MAX_HZ * steps_per_hz) + 1) / steps_per_hz
    densities = [
        _lomb_density(segment, nn_ms[rows], frequency_hz)
        for rows, segment in _segments(window, length_s)
        if np.count_nonzero(segment.nn) >= _FEWEST_FOR_SPECTRUM
    ]
    return (frequency_hz, np.mean(densities, axis=0)) if densities else None


def _segments(window: Beats, length_s: float) -> Iterator[tuple[slice, Beats]]:
    """Stretches of `length_s` that overlap by half, with the rows they take; a remainder is left out."""
    first_s, last_s = window.time_s[window.nn][[0, -1]]
    for k in range(1 + math.floor((last_s - first_s - length_s) / (length_s / 2))):
        start_s = first_s + k * length_s / 2
        end = int(np.searchsorted(window.time_s, start_s + length_s, side="right"))
        rows = slice(int(np.searchsorted(window.time_s, start_s)), end)
        yield rows, Beats(window.time_s[rows], window.interval_ms[rows], window.kind[rows])


def _lomb_density(segment: Beats, detrended_ms: Floats, frequency_hz: Floats) -> Floats:
    """2 P T / N in ms²/Hz; T leaves out the time that no beat was seen in, or gaps would add power."""
    nn = segment.nn
    time_s, values = segment.time_s[nn], detrended_ms[nn]
    first_s = segment.interval_ms[nn][0] / 1000.0
    observed_s = first_s + time_s[-1] - time_s[0] - float(np.sum(_breaks_s(segment)))
    power = lomb_power(time_s - time_s[0], values - np.mean(values), frequency_hz)
    return np.asarray(2.0 * power * observed_s / len(values))


def lomb_power(time_s: Floats, values: Floats, frequency_hz: Floats) -> Floats:
    """Lomb's periodogram P (Scargle 1982, Astrophys J 263:835, eq. 10), not normalised.

    `time_s`, `values` (n,) with zero mean; `frequency_hz` (k,) above 0. Returns (k,): a sine of amplitude A
    peaks at A² N / 4. Memory stays within some MB.
    """
    power = np.empty(len(frequency_hz))
    rows = max(1, _LOMB_CELLS // len(time_s))
    for start in range(0, len(frequency_hz), rows):
        block = slice(start, start + rows)
        angle = 2.0 * np.pi * frequency_hz[block, None] * time_s
        double = 2.0 * angle
        tau = np.arctan2(np.sum(np.sin(double), axis=1), np.sum(np.cos(double), axis=1)) / 2.0
        angle -= tau[:, None]
        cosine, sine = np.cos(angle), np.sin(angle)
        power[block] = 0.5 * (
            _ratio(cosine @ values, np.sum(cosine**2, axis=1))
            + _ratio(sine @ values, np.sum(sine**2, axis=1))
        )
    return power


def _ratio(projection: Floats, norm: Floats) -> Floats:
    """Projection squared over its norm; nothing where the term vanishes at every sample."""
    return projection**2 / np.where(norm > 1e-9, norm, np.inf)
