"""What the electrocardiogram and the pulse wave share: unbroken stretches, filters, medians, crests."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pipeline.model import Bools, Floats, Stream

Indices = NDArray[np.intp]

_AT_ONCE = 1 << 20  # samples: of a day there is room for few copies
_CAMERA_HZ = 50.0  # below it a stream may come from a camera
_TREMBLE = 0.1  # of a sample
_LATE, _LATE_FRAME = 1.5, 3.5  # samples from one stamp to the next, above which something is missing


def stretches(present: Bools, broken: Bools | None = None) -> Iterator[slice]:
    """Stretches of samples that are all present; `broken[i]` parts sample i from sample i+1."""
    firsts, lasts = ends_of(present, broken)
    for first, last in zip(firsts.tolist(), lasts.tolist(), strict=True):
        yield slice(first, last + 1)


def ends_of(present: Bools, broken: Bools | None = None) -> tuple[Indices, Indices]:
    """The first and the last sample of each of those stretches."""
    follows = present[1:] & present[:-1]
    if broken is not None:
        follows &= ~broken
    alone = np.ones(1, dtype=bool)
    firsts = np.flatnonzero(present & np.concatenate((alone, ~follows)))
    return firsts, np.flatnonzero(present & np.concatenate((~follows, alone)))


def unbroken(stream: Stream) -> Iterator[slice]:
    """Stretches of a sampled stream without a missing sample.

    A camera drops a frame now and then, and its stamps tremble: there a sample may be 3.5 samples late.
    """
    assert stream.rate_hz is not None, f"{stream.name} has no sampling rate"
    late = _LATE_FRAME if stream.rate_hz < _CAMERA_HZ else _LATE
    return stretches(np.isfinite(stream.value), _late(stream.time_s, stream.rate_hz, late))


def _late(time_s: Floats, rate_hz: float, samples: float) -> Bools:
    """Where the next sample comes later than so many samples; the stamps of a day are not copied."""
    late = np.empty(max(len(time_s) - 1, 0), dtype=bool)
    for first in range(0, len(late), _AT_ONCE):
        some = slice(first, first + _AT_ONCE)
        late[some] = np.diff(time_s[first : first + _AT_ONCE + 1]) * rate_hz > samples
    return late


def even(stream: Stream) -> Iterator[tuple[Floats, Floats]]:
    """Stamps and values of each unbroken stretch, at an even rate: a camera's between its own by a line."""
    assert stream.rate_hz is not None, f"{stream.name} has no sampling rate"
    for rows in unbroken(stream):
        time_s, values = stream.time_s[rows], stream.value[rows]
        if stream.rate_hz < _CAMERA_HZ and _tremble(time_s, stream.rate_hz):
            even_s = np.arange(time_s[0], time_s[-1], 1 / stream.rate_hz)
            time_s, values = even_s, np.interp(even_s, time_s, values)
        yield time_s, values


def _tremble(time_s: Floats, rate_hz: float) -> bool:
    steps = np.diff(time_s) * rate_hz
    return bool(np.max(np.abs(steps - 1), initial=0.0) > _TREMBLE)


def folded(signal: Floats, fold: int) -> Floats:
    """The mean of every `fold` samples; sample i of it lies at `i * fold + (fold - 1) / 2`."""
    folds = signal[: len(signal) // fold * fold].reshape(-1, fold)
    return folds[:, 0] if fold == 1 else folds.mean(axis=1)


def band_passed(signal: Floats, rate_hz: float, band_hz: tuple[float, float]) -> Floats:
    """Second-order Butterworth band-pass, zero phase; its upper edge at most 0.45 of the rate."""
    from scipy.signal import butter

    band = (band_hz[0], min(band_hz[1], 0.45 * rate_hz))
    return _both_ways(butter(2, band, "bandpass", fs=rate_hz, output="sos"), signal)


def _both_ways(sections: Floats, signal: Floats) -> Floats:
    """`sosfiltfilt` of the signal, bit for bit; of a long one in the memory of a single copy."""
    from scipy.signal import sosfilt, sosfilt_zi, sosfiltfilt

    if len(signal) <= _AT_ONCE:
        filtered: Floats = sosfiltfilt(sections, signal)
        return filtered
    edge = 3 * (2 * len(sections) + 1 - min(np.sum(sections[:, 2] == 0), np.sum(sections[:, 5] == 0)))
    mirrored = 2 * signal[0] - signal[edge:0:-1], 2 * signal[-1] - signal[-2 : -(edge + 2) : -1]
    wave = np.concatenate((mirrored[0], signal, mirrored[1]))
    for way in (wave, wave[::-1]):
        state = sosfilt_zi(sections) * way[0]
        for first in range(0, len(way), _AT_ONCE):
            some = slice(first, first + _AT_ONCE)
            way[some], state = sosfilt(sections, way[some], zi=state)
    return wave[edge:-edge]


def running_median(values: Floats, length: int) -> Floats:
    """The median of `length` values around each, mirrored at the ends; of fewer where there are fewer."""
    half = min(length, len(values) - 1) // 2
    padded = np.pad(values, half, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1)
    medians: Floats = np.median(windows, axis=1)
    return medians


def apart(crests: Indices, height: Floats, least: float) -> Indices:
    """Of crests closer than `least` samples, the higher one."""
    kept: list[int] = []
    for crest in crests.tolist():
        if kept and crest - kept[-1] < least:
            if height[crest] > height[kept[-1]]:
                kept[-1] = crest
        else:
            kept.append(crest)
    return np.array(kept, np.intp)


def vertex(values: Floats) -> Floats:
    """The column of each row's highest value, between the columns by a parabola."""
    top = np.clip(np.argmax(values, axis=1), 1, values.shape[1] - 2)
    rows = np.arange(len(values))
    before, at, after = values[rows, top - 1], values[rows, top], values[rows, top + 1]
    bend = before - 2 * at + after
    shift = np.zeros(len(values))
    np.divide(before - after, 2 * bend, out=shift, where=bend < 0)
    between: Floats = top + np.clip(shift, -1.0, 1.0)
    return between
