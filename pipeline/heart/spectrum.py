"""The spectrum of labelled beats: Welch and Lomb (Task Force 1996), in ms², of many windows at once.

Only NN intervals count. A value that cannot exist is NaN (None in a `Spectrum`'s own figures); whether one
that exists can also carry a claim is for `pipeline.features` to say.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import numpy as np

from pipeline.floors import SHORTEST_SPECTRUM_S, SPECTRAL_MAX_CORRECTED_PCT
from pipeline.heart.beats import Beats
from pipeline.heart.series import MOST_BRIDGED, Indices, Series, counted, rows_within
from pipeline.model import Bools, Floats

VLF = (0.0033, 0.04)
LF = (0.04, 0.15)
HF = (0.15, 0.40)
TOTAL = (0.0033, 0.40)

_RESAMPLED_HZ = 4.0
_SEGMENT_S = 300.0
_MIN_SPAN_S = 10.0
_FEWEST_FOR_SPECTRUM = 4  # a cubic needs four points
_SIZE_STEP = 300  # samples: transforms of like length go together, padded to twice a multiple of this
_NO_POWER_MS2 = 1e-9  # what rounding leaves of a constant rhythm
_UNDONE_CYCLES_PER_BEAT = 0.25
_SHOWN_HZ = 0.5
_MOST_SAMPLES = 2**26  # half a year
_CHUNK_SAMPLES = 2**16  # of the resampled tachogram, held in memory at once


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
        return float(band_weights(self.frequency_hz, low_hz, high_hz) @ self.psd_ms2_hz)

    def peak_hz(self, low_hz: float, high_hz: float) -> float | None:
        """The frequency of the highest density in a band; None where the band holds no power."""
        inside = np.flatnonzero((self.frequency_hz >= low_hz) & (self.frequency_hz <= high_hz))
        if not len(inside):
            return None
        peak = inside[np.argmax(self.psd_ms2_hz[inside])]
        return float(self.frequency_hz[peak]) if self.psd_ms2_hz[peak] > _NO_POWER_MS2 else None


def band_weights(frequency_hz: Floats, low_hz: float, high_hz: float) -> Floats:
    """What each density counts in the trapezoid sum over a band, in Hz; (n,)."""
    low_hz, high_hz = np.clip((low_hz, high_hz), frequency_hz[0], frequency_hz[-1])
    inner = np.flatnonzero((frequency_hz > low_hz) & (frequency_hz < high_hz))
    corner_hz = np.concatenate([[low_hz], frequency_hz[inner], [high_hz]])
    step_hz = np.diff(corner_hz)
    share = np.append(step_hz, 0.0) / 2 + np.insert(step_hz, 0, 0.0) / 2
    weights = np.zeros(len(frequency_hz))
    weights[inner] = share[1:-1]
    for at_hz, part in ((low_hz, share[0]), (high_hz, share[-1])):
        right = int(np.clip(np.searchsorted(frequency_hz, at_hz), 1, len(frequency_hz) - 1))
        along = (at_hz - frequency_hz[right - 1]) / (frequency_hz[right] - frequency_hz[right - 1])
        weights[right - 1] += part * (1 - along)
        weights[right] += part * along
    return weights


def spectrum(
    beats: Beats,
    start_s: float,
    end_s: float,
    method: PsdMethod = PsdMethod.WELCH,
    detrend: Detrend = Detrend.NONE,
) -> Spectrum | None:
    """The power spectral density of the NN intervals that end in `start_s <= time_s < end_s`.

    Both methods average Hann-tapered segments of 300 s (or all there is, if less) that overlap by half.

    - Welch (1967): of the tachogram resampled at 4 Hz by a cubic spline (not-a-knot), the mean of each
      segment taken out. What the spline takes from an oscillation is given back: at a quarter of a cycle
      per beat 3 %, at half as much 0.1 % (Unser 1999), and beyond a quarter never more. None across a gap.
    - Lomb (1976), Scargle (1982), with weights as in Zechmeister & Kürster (2009): the intervals at their own
      times, each weighing the time around it, density 2 P T / N with weights for counts. An interval that is
      missing between two (see `MOST_BRIDGED`) is put in on a straight line; gaps stay empty.

    Smoothness priors after Tarvainen 2002 (IEEE Trans Biomed Eng 49:172), lambda 500 at 4 Hz, in each
    unbroken stretch. None below four intervals or 10 s, or where time does not rise.
    """
    series = Series.of(beats)
    rows = rows_within(beats.time_s, np.array([start_s]), np.array([end_s]))
    first, last = series.before[rows[0]], series.before[rows[1]]
    for batch in _batches(series, first, last, method, detrend, _SHOWN_HZ):
        density = batch.density()
        if np.all(np.isfinite(density)):
            frequency_hz = np.asarray(np.arange(batch.bins) * batch.step_hz, dtype=np.float64)
            return Spectrum(frequency_hz, density[0], method, detrend)
    return None


def spectral_columns(
    series: Series,
    first: Indices,
    last: Indices,
    method: PsdMethod | None,
    detrend: Detrend,
    hf_band: tuple[float, float] = HF,
) -> dict[str, Floats]:
    """Band powers and peaks of NN intervals `first..last` of each window; (k,) columns, see `spectrum`."""
    from pipeline.compiled import spread

    powers, found = np.full((4, len(first)), np.nan), np.full((3, len(first)), np.nan)
    wanted = (VLF, LF, hf_band, (TOTAL[0], max(TOTAL[1], hf_band[1])))
    searched = (LF, hf_band, (LF[0], hf_band[1]))
    bins_hz = max(TOTAL[1], hf_band[1])

    def fill(batch: _Batch) -> None:
        density = batch.density()
        powers[:, batch.window] = _powers(density, batch.step_hz, wanted)
        found[:, batch.window] = _peaks(density, batch.step_hz, searched)

    if method is not None:
        spread(fill, _batches(series, first, last, method, detrend, bins_hz))
    powers[:, ~(powers[3] > _NO_POWER_MS2)] = np.nan  # rounding makes no rhythm
    vlf, lf, hf, total = powers
    columns = {"vlf_ms2": vlf, "lf_ms2": lf, "hf_ms2": hf, "total_ms2": total}
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        some_lf, some_hf = (np.where(power > _NO_POWER_MS2, power, np.nan) for power in (lf, hf))
        columns |= {"ln_lf": np.log(some_lf), "ln_hf": np.log(some_hf), "lf_hf": lf / some_hf}
        both = np.where(lf + hf > _NO_POWER_MS2, lf + hf, np.nan)
        columns |= {"lf_nu": 100 * lf / both, "hf_nu": 100 * hf / both}
    return columns | dict(zip(("lf_peak_hz", "hf_peak_hz", "peak_hz"), found, strict=True))


def has_gap(beats: Beats, start_s: float, end_s: float) -> bool:
    """Whether NN intervals inside a window lie further apart than interpolation may reach.

    That is a gap in time, or more than two excluded intervals in a row.
    """
    series = Series.of(beats)
    rows = rows_within(beats.time_s, np.array([start_s]), np.array([end_s]))
    return bool(series.gaps(series.before[rows[0]], series.before[rows[1]])[0])


def choose_psd_method(beats: Beats, windows: Iterable[tuple[float, float]]) -> PsdMethod:
    """Lomb if any usable window (start_s, end_s) has a gap, else Welch.

    A window is usable with 48 s of NN intervals, four fifths of the shortest that shows a spectrum, and at
    most 5 % of intervals excluded, those that a person marked not counted.
    """
    start_s, end_s = np.array(list(windows), dtype=np.float64).reshape(-1, 2).T
    series = Series.of(beats)
    rows = rows_within(beats.time_s, start_s, end_s)
    first, last = (series.before[row] for row in rows)
    holed = np.flatnonzero(series.gaps(first, last))
    unmarked = counted(~beats.excluded)
    held = (unmarked[rows[1]] - unmarked[rows[0]])[holed]
    few = 100.0 * (held - (last - first)[holed]) <= SPECTRAL_MAX_CORRECTED_PCT * held
    kept = holed[few]
    covered = any(
        beats.covered_s(a, b) >= SHORTEST_SPECTRUM_S for a, b in zip(start_s[kept], end_s[kept], strict=True)
    )
    return PsdMethod.LOMB if covered else PsdMethod.WELCH


@dataclass(frozen=True, slots=True, eq=False)
class _Batch:
    """Some windows whose densities (windows, bins) lie on one frequency grid, `step_hz` apart from 0 on."""

    window: Indices
    step_hz: float
    bins: int
    estimate: Callable[[Indices, float, int], Floats]

    def density(self) -> Floats:
        return self.estimate(self.window, self.step_hz, self.bins)


def _batches(
    series: Series, first: Indices, last: Indices, method: PsdMethod, detrend: Detrend, bins_hz: float
) -> list[_Batch]:
    """All windows that can have a density, those of like length together, few enough for fast memory."""
    whole = ~series.gaps(first, last) if method is PsdMethod.WELCH else np.ones(len(first), dtype=bool)
    count = samples(series, first, last)
    able = np.flatnonzero(whole & sufficient(first, last, count))
    segment = np.minimum(count, int(_SEGMENT_S * _RESAMPLED_HZ))
    padded = -(-segment // _SIZE_STEP) * _SIZE_STEP * 2

    def estimate(window: Indices, step_hz: float, bins: int) -> Floats:
        if method is PsdMethod.WELCH:
            return _welch(series, first[window], last[window], count[window], detrend, step_hz, bins)
        return _lomb(series, first[window], last[window], detrend, step_hz, bins)

    batches = []
    for size in np.flatnonzero(np.bincount(padded[able])):
        window = able[padded[able] == size]
        step_hz = _RESAMPLED_HZ / float(size)
        bins = int(np.ceil(bins_hz / step_hz)) + 2
        batches += [_Batch(window[part], step_hz, bins, estimate) for part in chunks(count[window])]
    return batches


def samples(series: Series, first: Indices, last: Indices) -> Indices:
    """How many samples at 4 Hz fit between NN intervals `first..last` of each window; 0 without any."""
    some = last > first
    if not len(series):
        return np.zeros(len(first), dtype=np.int64)
    span_s = series.time_s[np.maximum(last, 1) - 1] - series.time_s[np.minimum(first, len(series) - 1)]
    return np.where(some, np.floor(span_s * _RESAMPLED_HZ + 1e-6), -1.0).astype(np.int64) + 1


def sufficient(first: Indices, last: Indices, count: Indices) -> Bools:
    """Where there are intervals and samples enough for a spectrum, and no more than memory bears."""
    long = (count > _MIN_SPAN_S * _RESAMPLED_HZ) & (count <= _MOST_SAMPLES)
    return np.asarray(long & (last - first >= _FEWEST_FOR_SPECTRUM))


def hann(lengths: Indices) -> tuple[Floats, Indices, Floats]:
    """Periodic Hann windows of some lengths, as padded rows; the row and sum of squares of each."""
    shortest = int(lengths.min(initial=1 << 62))
    present = np.bincount(lengths - shortest) > 0
    tapers = _hann(tuple((np.flatnonzero(present) + shortest).tolist()))
    row = (np.cumsum(present) - 1)[lengths - shortest]
    return tapers, row, np.sum(tapers**2, axis=1)[row]


@lru_cache(maxsize=256)
def _hann(lengths: tuple[int, ...]) -> Floats:
    place, count = np.arange(max(lengths, default=0)), np.array(lengths)[:, None]
    return np.where(place < count, 0.5 - 0.5 * np.cos(2 * np.pi * place / count), 0.0)


def chunks(sizes: Indices) -> list[slice]:
    """Slices of neighbours that hold some 65,000 samples together, at least one each."""
    ends = np.cumsum(sizes)
    cuts = np.flatnonzero(np.diff(ends // _CHUNK_SAMPLES)) + 1
    return [slice(a, b) for a, b in itertools.pairwise([0, *cuts.tolist(), len(sizes)]) if b > a]


def resampled(series: Series, first: Indices, last: Indices, count: Indices) -> tuple[Floats, Indices]:
    """Each stretch's tachogram at 4 Hz, end to end, and where each begins."""
    from pipeline.heart import spectral_loops as loops

    at = np.cumsum(count) - count
    values = np.empty(int(count.sum()))
    knots = (series.time_s, series.interval_ms, series.step_s, series.rise)
    loops.resample(*knots, first, last, count, at, values)
    return values, at


def transformed(rows: Floats) -> Floats:
    """The real transform of each row, its real and imaginary parts in turn."""
    from scipy.fft import rfft

    return np.asarray(rfft(rows, axis=1, overwrite_x=True)).view(np.float64)


def _welch(
    series: Series, first: Indices, last: Indices, count: Indices, detrend: Detrend, step_hz: float, bins: int
) -> Floats:
    from pipeline.heart import spectral_loops as loops

    whole, size = int(_SEGMENT_S * _RESAMPLED_HZ), round(_RESAMPLED_HZ / step_hz)
    length = np.minimum(count, whole)
    rows = 1 + (count - length) // (whole // 2)
    values, at = resampled(series, first, last, count)
    if detrend is Detrend.SMOOTHNESS_PRIORS:
        loops.take_smooth_trends(values, at, count)
    elif detrend is Detrend.LINEAR:
        loops.take_lines(values, at, count)
    tapers, taper, square = hann(length)
    segments, density = np.empty((int(rows.sum()), size)), np.zeros((len(first), bins))
    loops.segments(values, at, count, tapers, taper, whole, False, segments)
    scale = 2.0 / (_RESAMPLED_HZ * square * rows)
    loops.add_density(transformed(segments), rows, scale, np.arange(len(first)), density)
    density[:, 0] /= 2
    mean_s = (series.time_s[last - 1] - series.time_s[first]) / (last - first - 1)
    loops.undo_gain(density, mean_s * step_hz, _UNDONE_CYCLES_PER_BEAT, _GAIN_INVERSE)
    return density


def _lomb(
    series: Series, first: Indices, last: Indices, detrend: Detrend, step_hz: float, bins: int
) -> Floats:
    from pipeline.heart import spectral_loops as loops

    low, high = int(first.min()), int(last.max())
    points = _bridged(series, low, high)
    a, b = points.at[first - low], points.at[last - 1 - low] + 1
    weight_s, angle = points.weights_s(), 2 * np.pi * step_hz * points.time_s
    at = np.cumsum(b - a) - (b - a)
    values = np.empty(int(np.sum(b - a)))
    if detrend is Detrend.SMOOTHNESS_PRIORS:
        loops.smooth_centred(points.time_s, points.interval_ms, points.joined, a, b, at, values)
    else:
        sloping = detrend is Detrend.LINEAR
        loops.centred(points.time_s, points.interval_ms, weight_s, a, b, at, sloping, values)
    density, turns = np.empty((len(first), bins)), (np.cos(angle), np.sin(angle))
    loops.lomb(points.time_s, weight_s, *turns, values, at, a, b, _SEGMENT_S, density)
    return density


@dataclass(frozen=True, slots=True, eq=False)
class _Points:
    """NN intervals with short holes bridged; `at`: where each NN interval is among them."""

    time_s: Floats
    interval_ms: Floats
    joined: Bools
    at: Indices

    def weights_s(self) -> Floats:
        """Half the way to each neighbour; where there is none in reach, half the interval itself."""
        own_s, step_s = self.interval_ms / 1000, np.diff(self.time_s, prepend=self.time_s[:1])
        left_s = np.where(self.joined, step_s, own_s)
        right_s = np.where(np.append(self.joined[1:], False), np.append(step_s[1:], 0.0), own_s)
        return np.asarray((left_s + right_s) / 2)


def _bridged(series: Series, low: int, high: int) -> _Points:
    """NN intervals `low..high`; between two neither adjacent nor apart, what fits on a straight line."""
    time_s, interval_ms = series.time_s[low:high], series.interval_ms[low:high]
    apart, follows = series.apart[low:high].copy(), series.follows[low:high]
    apart[:1] = True
    extra = np.zeros(len(time_s), dtype=np.int64)
    holes = np.flatnonzero(~apart & ~follows)
    step_ms = 1000 * (time_s[holes] - time_s[holes - 1])
    fitting = 2 * step_ms / (interval_ms[holes] + interval_ms[holes - 1])
    extra[holes] = np.clip(np.rint(fitting) - 1, 0, 2 * MOST_BRIDGED)
    at = np.cumsum(extra + 1) - 1
    joined = np.ones(int(at[-1]) + 1, dtype=bool)
    joined[at[apart] - extra[apart]] = False
    place = np.arange(len(joined))
    return _Points(np.interp(place, at, time_s), np.interp(place, at, interval_ms), joined, at)


def _powers(density: Floats, step_hz: float, wanted: tuple[tuple[float, float], ...]) -> Floats:
    """Power (bands, windows) of each density; NaN where it has none."""
    from pipeline.heart import spectral_loops as loops

    weights = _band_weights(density.shape[1], step_hz, wanted)
    powers = np.empty((len(wanted), len(density)))
    loops.bands(density, weights, powers)
    return np.where(np.isfinite(powers), powers, np.nan)


@lru_cache(maxsize=32)
def _band_weights(bins: int, step_hz: float, wanted: tuple[tuple[float, float], ...]) -> Floats:
    frequency_hz = np.asarray(np.arange(bins) * step_hz, dtype=np.float64)
    return np.stack([band_weights(frequency_hz, *band) for band in wanted])


def _peaks(density: Floats, step_hz: float, searched: tuple[tuple[float, float], ...]) -> Floats:
    """The frequency of the highest density (bands, windows) in each band; NaN where it holds no power."""
    from pipeline.heart import spectral_loops as loops

    frequency_hz = np.arange(density.shape[1]) * step_hz
    low, high = np.array(searched).T
    first = np.searchsorted(frequency_hz, low)
    last = np.searchsorted(frequency_hz, high, side="right") - 1
    peak = np.empty((len(searched), len(density)), dtype=np.int64)
    loops.peaks(density, first, last, peak)
    highest = density[np.arange(len(density)), peak]
    return np.where(highest > _NO_POWER_MS2, frequency_hz[peak], np.nan)


def _gain_inverse() -> Floats:
    """1 / gain² of cubic interpolation in powers of (cycles per beat)², the highest first.

    The gain is sinc⁴(x) 3 / (2 + cos 2πx) (Unser 1999, IEEE Signal Process Mag 16:22). The polynomial is
    exact to 1e-12 up to a quarter of a cycle per beat, where it is used.
    """
    x = np.sqrt(np.linspace(0, 1, 201) * _UNDONE_CYCLES_PER_BEAT**2)
    gain = np.sinc(x) ** 4 * 3 / (2 + np.cos(2 * np.pi * x))
    fit = np.polynomial.Chebyshev.fit(x**2, gain**-2.0, 9, domain=(0.0, _UNDONE_CYCLES_PER_BEAT**2))
    return np.ascontiguousarray(fit.convert(kind=np.polynomial.Polynomial).coef[::-1])


_GAIN_INVERSE = _gain_inverse()
