"""Half a minute of a track at a time: its spectrum, where that peaks, and how much of it is in the peak."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from pipeline.breathing.track import RATE_HZ, STEP_S, Indices, Track
from pipeline.model import Bools, Floats

SLOWEST_HZ, FASTEST_HZ = 0.06, 0.5
PIECE_S = 32.0
HOP_S = 2.0
STEP_HZ = 1.0 / 128.0
FREQUENCY_HZ: Floats = np.arange(5, 78, dtype=np.float64) * STEP_HZ  # 0.04 to 0.60 Hz: the band and a margin

_PIECE = round(PIECE_S * RATE_HZ)
_HOP = round(HOP_S * RATE_HZ)
_BATCH = 2048  # pieces held in memory at once
_HALF_PEAK_HZ = 1.5 / PIECE_S  # where the main lobe of the taper has all but ended
_IN_BAND = (FREQUENCY_HZ >= SLOWEST_HZ) & (FREQUENCY_HZ <= FASTEST_HZ)
_BEYOND = FREQUENCY_HZ > FASTEST_HZ
_WIDEST_HZ = 0.03
_MOST_PER_BEAT = 0.48
# What the band must hold where a signal's unit is unknown. Of the spread a breath of 3.6 to 30 a minute has
# 0.67 and more there, real belts 0.59; what leaks or folds in has less than 0.1 (above), 0.4 (2 a minute).
_LEAST_OF_LEVEL, _LEAST_OF_SPREAD = 1e-6, 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Ridge:
    """Pieces of 32 s, every 2 s, that hold a peak: arrays of one length.

    `start_s` rising, `peak_hz` in 0.06-0.5 Hz, `share` of the power in that band that stands in the peak.
    """

    start_s: Floats
    peak_hz: Floats
    share: Floats

    def __len__(self) -> int:
        return len(self.start_s)


def ridge(track: Track, slope: float, least: float | None, *, by_beat: bool = False) -> Ridge:
    """The strongest wave of each piece that lies within one stretch.

    Each piece loses its mean and slope and is tapered (Hann). Of several axes the one with most power is
    taken. Power is weighted by frequency to the power of `slope`, as the body's slow waves are larger than
    breathing; the peak's place is freed of that weight. No peak where the band's root mean square stays below
    `least` (None: half of the signal's spread, or a millionth of its level), where more stands above the band
    than in it, or where the peak's top lies outside. `by_beat`: the track is of intervals in ms; above 0.48
    cycles a beat a wave cannot be told from its mirror image, and nothing is sought.
    """
    starts = track.starts(_PIECE, _HOP)
    if not len(starts):
        return Ridge(np.empty(0), np.empty(0), np.empty(0))
    weight = FREQUENCY_HZ**slope
    found = []
    for first in range(0, len(starts), _BATCH):
        batch = starts[first : first + _BATCH]
        power, level, spread = _power(track, batch, weight)
        if by_beat:
            power *= FREQUENCY_HZ * (level / 1000.0)[:, None] <= _MOST_PER_BEAT
        relative = np.maximum(_LEAST_OF_LEVEL * level, _LEAST_OF_SPREAD * spread)
        floor = relative if least is None else least
        found.append(_peaks(power * weight, slope, np.sqrt(power[:, _IN_BAND].sum(axis=1)) >= floor))
    peak_hz, share = (np.concatenate(each) for each in zip(*found, strict=True))
    has = np.isfinite(peak_hz)
    return Ridge(track.time_s[starts][has], peak_hz[has], share[has])


def amplitudes(values: Floats) -> Floats:
    """Cosine and sine amplitudes (pieces, axes, 2 F) of pieces (pieces, axes, samples).

    Their squares add up to mean squares.
    """
    flat = values.reshape(-1, values.shape[-1]) @ _analysis(values.shape[-1])
    return flat.reshape(*values.shape[:-1], -1)


def main_axis(found: Floats, weight: Floats) -> Floats:
    """The direction (pieces, axes) with the most weighted power in the band, of amplitudes."""
    inside = np.tile(_IN_BAND, 2)
    weighted = found[..., inside] * np.sqrt(np.tile(weight, 2)[inside])
    axis: Floats = np.linalg.eigh(weighted @ np.swapaxes(weighted, -1, -2))[1][..., -1]
    return axis


def _power(track: Track, starts: Indices, weight: Floats) -> tuple[Floats, Floats, Floats]:
    """Power (pieces, F) along the main axis of each piece, its mean level, and its spread around that."""
    pieces = sliding_window_view(track.values, _PIECE, axis=0)[starts]
    found = amplitudes(pieces)
    level = np.sqrt(np.sum(np.mean(pieces, axis=2) ** 2, axis=1))
    spread = np.sqrt(np.sum(np.var(pieces, axis=2), axis=1))
    if found.shape[1] > 1:
        found = main_axis(found, weight)[:, None, :] @ found
    half = len(FREQUENCY_HZ)
    return found[:, 0, :half] ** 2 + found[:, 0, half:] ** 2, level, spread


@lru_cache(maxsize=8)
def _analysis(length: int) -> Floats:
    """(samples, 2 F): takes out mean and slope, tapers, and projects on cosines and sines."""
    sample = np.arange(length)
    taper = np.hanning(length + 2)[1:-1, None]
    angle = 2.0 * np.pi * FREQUENCY_HZ * sample[:, None] / RATE_HZ
    waves = np.hstack([taper * np.cos(angle), taper * np.sin(angle)])
    line, _ = np.linalg.qr(np.column_stack([np.ones(length), sample]))
    waves -= line @ (line.T @ waves)
    # a bin of a one-sided density, so that the sum over bins is a mean square
    return np.asarray(waves * np.sqrt(2.0 * STEP_S * STEP_HZ / np.sum(taper**2)))


def _peaks(weighted: Floats, slope: float, large: Bools) -> tuple[Floats, Floats]:
    """The frequency of each row's highest local maximum, NaN if it has none, and its share of power."""
    row, top = np.arange(len(weighted)), np.zeros(weighted.shape, dtype=bool)
    top[:, 1:-1] = (weighted[:, 1:-1] > weighted[:, :-2]) & (weighted[:, 1:-1] >= weighted[:, 2:])
    beyond = weighted[:, _BEYOND].max(axis=1) > weighted[:, _IN_BAND].max(axis=1)
    top &= _IN_BAND & (large & ~beyond)[:, None]
    best = np.clip(np.argmax(np.where(top, weighted, -1.0), axis=1), 1, len(FREQUENCY_HZ) - 2)
    refined_hz = _refined(weighted, row, best, slope)
    inside = (refined_hz > SLOWEST_HZ) & (refined_hz < FASTEST_HZ)  # else its top lies outside
    peak_hz = np.where(top.any(axis=1) & inside, refined_hz, np.nan)
    near = np.abs(FREQUENCY_HZ - peak_hz[:, None]) <= _HALF_PEAK_HZ
    total = np.sum(weighted, axis=1, where=_IN_BAND)
    share = np.sum(weighted, axis=1, where=_IN_BAND & near) / np.where(total > 0, total, 1.0)
    return peak_hz, share


def _refined(weighted: Floats, row: Indices, best: Indices, slope: float) -> Floats:
    """A parabola through the logarithms around a maximum, freed of the weight f**slope.

    On a Gaussian peak of width s the weight moves the maximum up by slope s² / f.
    """
    tiny = np.finfo(np.float64).tiny
    before, at, after = (np.log(np.maximum(weighted[row, best + k], tiny)) for k in (-1, 0, 1))
    bend = np.minimum(before - 2.0 * at + after, -1e-9)
    place = np.clip(0.5 * (before - after) / bend, -0.5, 0.5)
    frequency_hz = FREQUENCY_HZ[best] + place * STEP_HZ
    sharpness = -bend / STEP_HZ**2 - slope / frequency_hz**2
    width2 = 1.0 / np.maximum(sharpness, _WIDEST_HZ**-2)
    return np.asarray(np.clip(frequency_hz - slope * width2 / frequency_hz, SLOWEST_HZ, FASTEST_HZ))
