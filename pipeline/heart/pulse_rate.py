"""Heart rate from an optical signal, second by second, also where single pulses cannot be timed.

The spectrum of 8 s of the signal's slope, less what the wrist's acceleration explains of it, says how likely
each rate is (motion taken out and the spectrum followed: after Temko 2017, IEEE Trans Biomed Eng 64:2016). A
heart's rate moves little from one window to the next, so the likelihoods are joined along the recording by a
hidden Markov model (forward-backward: Rabiner 1989, Proc IEEE 77:257). Each value so rests on what comes
before and after it. For the heart rate only: it knows nothing of the single beat.
"""

from __future__ import annotations

import numpy as np

from pipeline.heart.waves import Indices, band_passed, even
from pipeline.model import Bools, Floats, Stream

CONFIDENCE_FLOOR = 0.5

_LEAST_HZ = 20.0
_STEP_S, _WINDOW_S = 2.0, 8.0
_GRID_HZ, _LENGTH = 16.0, 1024  # working rate; points of a transform, the window's padded with zeros
_BAND_HZ = (0.5, 6.0)
_RATES_BPM = np.arange(36.0, 216.0)

_CLIP = 3.0  # of the local root mean square, so that a jolt weighs no more than a pulse
_SECOND = 0.5  # what the first overtone adds
_STILL_MG = 10.0  # motion well below this explains nothing
_LAGS = (-4, -2, 0, 2, 4)  # samples between a movement and its trace in the signal
_AT_ONCE = 512  # windows, so that a day takes no more memory than an hour
_TEMPER = 0.5  # windows overlap: each is not news of its own
_SURPRISE = 0.02  # the part of every spectrum that says nothing
_MOVES_BPM, _JUMP = 2.0, 0.002  # from one window to the next; and the chance that anything happens
_NEAR_BPM = 5.0
_PURE = (
    0.4  # of the power at the rate and its overtone, less that at the rates between; a clean pulse has 0.6
)
_SMOOTH = 5  # windows
_PRESENT = 0.75  # of a window


def pulse_rate(ppg: Stream, acc: Stream | None = None) -> Stream:
    """Heart rate every 2 s: a stream `ppg_rate` with `hr_bpm` and `confidence` (0 to 1), 36 to 215 bpm.

    `time_s` is the middle of the 8 s that a value rests on most. Confidence is the probability that the
    rate lies within 5 bpm, lowered where little of the signal is at that rate; the rate is NaN where it is
    below 0.5 and where a quarter of the window is missing. `ppg` in any unit, either way up, from 25 Hz;
    `acc` in mg, a column for each axis. Gain and offset of the signal change nothing.
    """
    assert ppg.rate_hz is not None, "a pulse wave has a sampling rate"
    grid_s = _grid(ppg)
    slope = _slope(ppg, grid_s)
    rows, present = _windows(grid_s, slope)
    if not len(rows):
        return _stream(np.empty(0), np.empty(0), np.empty(0))
    power = _power(_without_motion(np.nan_to_num(slope)[rows], _motion(acc, grid_s), rows))
    likely = _likely(power)
    likely[~present] = 1.0 / len(_RATES_BPM)
    rate_bpm, chance = _most_probable(_posterior(likely))
    clear = np.clip(_purity(power, rate_bpm) / _PURE, 0.0, 1.0)
    confidence = np.where(present, chance * clear, 0.0)
    middle_s = grid_s[rows[:, 0]] + _WINDOW_S / 2
    return _stream(middle_s, np.where(confidence >= CONFIDENCE_FLOOR, rate_bpm, np.nan), confidence)


def _stream(time_s: Floats, hr_bpm: Floats, confidence: Floats) -> Stream:
    return Stream("ppg_rate", time_s, {"hr_bpm": hr_bpm, "confidence": confidence}, 1.0 / _STEP_S)


def _grid(ppg: Stream) -> Floats:
    if len(ppg) < 2:
        return np.empty(0)
    count = int((ppg.time_s[-1] - ppg.time_s[0]) * _GRID_HZ) + 1
    grid_s: Floats = ppg.time_s[0] + np.arange(count) / _GRID_HZ
    return grid_s


def _slope(ppg: Stream, grid_s: Floats) -> Floats:
    """The band-passed signal's slope on the grid, about as strong everywhere; NaN where samples miss."""
    assert ppg.rate_hz is not None
    slope = np.full(len(grid_s), np.nan)
    if ppg.rate_hz < _LEAST_HZ:
        return slope
    for time_s, values in even(ppg):
        if time_s[-1] - time_s[0] < _WINDOW_S / 2:
            continue
        wave = band_passed(values - np.median(values), ppg.rate_hz, _BAND_HZ)
        inside = slice(*np.searchsorted(grid_s, (time_s[0], time_s[-1])))
        if inside.stop - inside.start > 2:
            slope[inside] = _levelled(np.gradient(np.interp(grid_s[inside], time_s, wave)))
    return slope


def _levelled(signal: Floats) -> Floats:
    from scipy.ndimage import uniform_filter1d

    power = np.maximum(uniform_filter1d(signal**2, round(_WINDOW_S * _GRID_HZ)), 0.0)
    level = np.sqrt(power)
    levelled = np.zeros(len(signal))
    np.divide(signal, level, out=levelled, where=level > 1e-6 * np.max(level, initial=0.0))
    return np.clip(levelled, -_CLIP, _CLIP)


def _windows(grid_s: Floats, slope: Floats) -> tuple[Indices, Bools]:
    """The rows of each window on the grid, and whether enough of it is there."""
    length, step = round(_WINDOW_S * _GRID_HZ), round(_STEP_S * _GRID_HZ)
    first = np.arange(0, len(grid_s) - length + 1, step)
    rows = first[:, None] + np.arange(length)
    return rows, np.isfinite(slope)[rows].mean(axis=1) >= _PRESENT


def _power(windows: Floats) -> Floats:
    """Power spectrum of each window, (windows, frequencies)."""
    from scipy.fft import rfft

    spectrum = rfft(windows * np.hanning(windows.shape[1]), _LENGTH, axis=1)
    power: Floats = spectrum.real**2 + spectrum.imag**2
    return power


def _at(power: Floats, rate_bpm: Floats) -> Floats:
    """Power at each of the rates, between the frequencies of the transform."""
    position = rate_bpm / 60 * _LENGTH / _GRID_HZ
    below = position.astype(np.intp)
    share = position - below
    return power[:, below] * (1 - share) + power[:, below + 1] * share


def _motion(acc: Stream | None, grid_s: Floats) -> list[Floats]:
    """The acceleration on the grid, without gravity, axis by axis; 0 where nothing is known of it."""
    if acc is None or len(acc) < 2 or not len(grid_s):
        return []
    axes = []
    for axis in acc.columns.values():
        present = np.isfinite(axis)
        if present.sum() > 1 and np.ptp(axis[present]) > 0:
            even_ = np.interp(grid_s, acc.time_s[present], axis[present])
            axes.append(band_passed(even_ - np.median(even_), _GRID_HZ, _BAND_HZ))
    return axes


def _without_motion(windows: Floats, axes: list[Floats], rows: Indices) -> Floats:
    """The windows less what acceleration up to a quarter of a second around explains of them (ridge)."""
    if not axes:
        return windows
    traces = [np.roll(axis, lag) for axis in axes for lag in _LAGS]
    still = _STILL_MG**2 * rows.shape[1] * np.eye(len(traces))
    left = np.empty_like(windows)
    for first in range(0, len(rows), _AT_ONCE):
        some = slice(first, first + _AT_ONCE)
        moved = np.stack([trace[rows[some]] for trace in traces], axis=2)
        across = moved.transpose(0, 2, 1)
        weights = np.linalg.solve(across @ moved + still, across @ windows[some, :, None])
        left[some] = windows[some] - (moved @ weights)[:, :, 0]
    return left


def _likely(power: Floats) -> Floats:
    """How likely each rate is by its window alone; rows add up to 1."""
    height = np.sqrt(power)  # of power a sharp pulse has more in its overtone
    weight = (_at(height, _RATES_BPM) + _SECOND * _at(height, 2 * _RATES_BPM)) ** (2 * _TEMPER)
    total = weight.sum(axis=1, keepdims=True)
    likely = np.full_like(weight, 1 / len(_RATES_BPM))
    np.divide(weight, total, out=likely, where=total > 0)
    return (1 - _SURPRISE) * likely + _SURPRISE / len(_RATES_BPM)


def _posterior(likely: Floats) -> Floats:
    """Probability of each rate in each window, given all windows."""
    step = np.exp(-np.abs(_RATES_BPM[:, None] - _RATES_BPM) / _MOVES_BPM)
    step = (1 - _JUMP) * step / step.sum(axis=1, keepdims=True) + _JUMP / len(_RATES_BPM)
    before, after = np.empty_like(likely), np.empty_like(likely)
    now = np.full(len(_RATES_BPM), 1 / len(_RATES_BPM))
    for window, evidence in enumerate(likely):
        now = (now @ step) * evidence
        now /= now.sum()
        before[window] = now
    now = np.full(len(_RATES_BPM), 1.0)
    for window in range(len(likely) - 1, -1, -1):
        after[window] = now
        now = step @ (now * likely[window])
        now /= now.sum()
    posterior: Floats = before * after
    posterior /= posterior.sum(axis=1, keepdims=True)
    return posterior


def _most_probable(posterior: Floats) -> tuple[Floats, Floats]:
    """The middle of the 10 bpm that hold most of the probability, and how much they hold."""
    near = round(_NEAR_BPM)
    padded = np.pad(posterior, ((0, 0), (near + 1, near)))
    sums = np.cumsum(padded, axis=1)
    peaked = padded**2  # undoes the tempering, which would pull the mean to the middle
    moments = np.cumsum(peaked * np.pad(_RATES_BPM, (near + 1, near)), axis=1)
    weights = np.cumsum(peaked, axis=1)
    width = 2 * near + 1
    chance = sums[:, width:] - sums[:, :-width]
    best = np.argmax(chance, axis=1)
    every = np.arange(len(posterior))
    held = chance[every, best]
    rate_bpm = (moments[every, best + width] - moments[every, best]) / (
        weights[every, best + width] - weights[every, best]
    )
    return rate_bpm, np.clip(held, 0.0, 1.0)


def _purity(power: Floats, rate_bpm: Floats) -> Floats:
    """The share of power near the rate and its overtone, less that of a rate half as high; mean of 18 s."""
    from scipy.ndimage import uniform_filter1d

    to_bin = _LENGTH / _GRID_HZ / 60
    sums = np.cumsum(np.pad(power, ((0, 0), (1, 0))), axis=1)
    every = np.arange(len(power))

    def between(low_bpm: Floats, high_bpm: Floats) -> Floats:
        low, high = (
            np.clip(np.round(bpm * to_bin).astype(np.intp), 0, _LENGTH // 2) for bpm in (low_bpm, high_bpm)
        )
        share: Floats = sums[every, high + 1] - sums[every, low]
        return share

    whole = between(np.full(len(power), 30.0), np.full(len(power), 360.0))
    near = between(rate_bpm - 8, rate_bpm + 8) + between(2 * rate_bpm - 10, 2 * rate_bpm + 10)
    purity = np.zeros(len(power))
    doubled = between(rate_bpm / 2 - 4, rate_bpm / 2 + 4) + between(1.5 * rate_bpm - 6, 1.5 * rate_bpm + 6)
    np.divide(near - doubled, whole, out=purity, where=whole > 0)
    smooth: Floats = uniform_filter1d(np.clip(purity, 0.0, 1.0), _SMOOTH, mode="nearest")
    return smooth
