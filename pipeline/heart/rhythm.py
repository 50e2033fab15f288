"""Rhythm concentration: how much of the heart's rhythm lies around its dominant slow wave."""

from __future__ import annotations

import numpy as np

from pipeline.heart.series import Indices, Series
from pipeline.heart.spectrum import chunks, hann, resampled, samples, sufficient, transformed
from pipeline.model import Floats

_SEGMENT = 256  # samples at 4 Hz: 64 s
_RESAMPLED_HZ = 4.0
_BIN_HZ = 1 / 64
_BINS = (3, 16, 25)  # 0.04-0.26 Hz, and the last up to 0.40 Hz
_LEAST_MS2 = 1 / 12  # what rounding to 1 ms adds by itself


def rhythm_concentration(series: Series, first: Indices, last: Indices) -> Floats:
    """Peak power over the rest, version 1, of the NN intervals `first..last` of each window; (k,).

    The tachogram at 4 Hz is cut into segments of 64 s that overlap by half, within stretches without a gap;
    each loses its line and is tapered (Hann), and their densities are averaged. P is the power of the highest
    bin in 0.04-0.26 Hz and the two beside it (bins of 1/64 Hz), T that of 1/64-0.40 Hz: P / (T - P). Where no
    stretch fills a segment, the longest one is used alone, padded. NaN below 10 s, and where T is less than
    rounding to 1 ms would make (1/12 ms²).
    """
    from pipeline.compiled import spread
    from pipeline.heart import spectral_loops as loops

    found = np.empty(len(first))

    def fill(part: slice) -> None:
        density = _densities(series, *_stretches(series, first[part], last[part]), len(first[part]))
        loops.concentrations(density, *_BINS, _LEAST_MS2 / _BIN_HZ, found[part])

    spread(fill, chunks(samples(series, first, last)))
    return np.where(np.isfinite(found), found, np.nan)


def _stretches(series: Series, first: Indices, last: Indices) -> tuple[Indices, Indices, Indices, Indices]:
    """The stretches to be used: window, first and last interval, samples."""
    from pipeline.heart import spectral_loops as loops

    window, begin, end = np.empty((3, len(first)), dtype=np.int64)
    found = loops.stretches(series.apart, first, last, window, begin, end)
    if found > len(first):
        window, begin, end = np.empty((3, found), dtype=np.int64)
        loops.stretches(series.apart, first, last, window, begin, end)
    window, begin, end = window[:found], begin[:found], end[:found]
    count = samples(series, begin, end)
    longest = np.zeros(len(first), dtype=np.int64)
    np.maximum.at(longest, window, count)
    fills = count >= np.minimum(longest[window], _SEGMENT)
    kept = fills & sufficient(begin, end, count)
    return window[kept], begin[kept], end[kept], count[kept]


def _densities(
    series: Series, window: Indices, begin: Indices, end: Indices, count: Indices, windows: int
) -> Floats:
    """Mean density (windows, bins) of each window's segments in ms²/Hz; 0 where it has none."""
    from pipeline.heart import spectral_loops as loops

    length = np.minimum(count, _SEGMENT)
    number = 1 + (count - length) // (_SEGMENT // 2)
    values, at = resampled(series, begin, end, count)
    tapers, taper, square = hann(length)
    of_window = np.bincount(window, weights=number, minlength=windows)
    scale = 2.0 / (_RESAMPLED_HZ * square * of_window[window])
    segments, density = np.empty((int(number.sum()), _SEGMENT)), np.zeros((windows, _BINS[2] + 2))
    loops.segments(values, at, count, tapers, taper, _SEGMENT, True, segments)
    loops.add_density(transformed(segments), number, scale, window, density)
    return density
