"""Breathing in a chest sensor's acceleration: the chest tilts by some mg with each breath."""

from __future__ import annotations

import numpy as np

from pipeline.breathing.spectra import Ridge, ridge
from pipeline.breathing.track import RATE_HZ, Track, sampled
from pipeline.model import Bools, Floats, Stream
from pipeline.motion import axes_mg, motion_per_second

MOVING_MG = 50.0

_SLOPE = 0.5
_LEAST_MG = 0.2
_SHIFT_MG = 40.0
_AROUND_S = 10.0  # a mean over a slow breath, so that breathing itself is no shift
_LEAST_AROUND_S = 4.0
_SUDDEN_S = 1.5
_SUDDEN_SHARE = 0.6


def chest_track(acc: Stream) -> Track:
    """Acceleration of a sensor on the chest as a track of three axes in mg.

    Cut where the wearer moves (motion of 50 mg or more in a second) and where posture shifts: a change of
    40 mg between the means of ten seconds before and after, most of it within 3 s. What is left out there is
    gone; each side stands alone.
    """
    values = axes_mg(acc)
    if len(acc) < 2 or not values.shape[1]:
        return Track.empty()
    second, motion_mg = motion_per_second(acc)
    still = _still(acc.time_s, second, motion_mg)
    track = sampled(acc.time_s, np.where(still[:, None], values, np.nan), acc.rate_hz)
    return _without(track, _shifts(track))


def chest_ridge(track: Track) -> Ridge:
    """The strongest wave in each half minute, along the axis of most power in the band of breathing.

    Main axis by principal components, as Liu 2011 (Telemed J E Health 17), here in the frequency domain.
    """
    return ridge(track, _SLOPE, _LEAST_MG)


def _still(time_s: Floats, second: Floats, motion_mg: Floats) -> Bools:
    """Where the second a sample lies in is known and calm."""
    if not len(second):
        return np.zeros(len(time_s), dtype=bool)
    held = np.clip(np.searchsorted(second, np.floor(time_s)), 0, len(second) - 1)
    with np.errstate(invalid="ignore"):
        return np.asarray((second[held] == np.floor(time_s)) & (motion_mg[held] < MOVING_MG))


def _shifts(track: Track) -> Bools:
    """Samples within 1.5 s of a shift of posture."""
    n = len(track)
    if not n:
        return np.zeros(0, dtype=bool)
    edges = np.flatnonzero(np.diff(track.stretch, prepend=-1, append=-1))
    first, last = np.repeat(edges[:-1], np.diff(edges)), np.repeat(edges[1:], np.diff(edges))
    row, around, sudden = np.arange(n), round(_AROUND_S * RATE_HZ), round(_SUDDEN_S * RATE_HZ)
    low, high = np.maximum(row - around, first), np.minimum(row + around, last)
    total = np.concatenate([np.zeros((1, track.values.shape[1])), np.cumsum(track.values, axis=0)])
    before, after = np.maximum(row - low, 1)[:, None], np.maximum(high - row, 1)[:, None]
    change = (total[high] - total[row]) / after - (total[row] - total[low]) / before
    jump = track.values[np.minimum(row + sudden, last - 1)] - track.values[np.maximum(row - sudden, first)]
    size = np.linalg.norm(change, axis=1)
    least = _LEAST_AROUND_S * RATE_HZ
    known = (before[:, 0] >= least) & (after[:, 0] >= least)
    along = np.sum(jump * change, axis=1) >= _SUDDEN_SHARE * size**2
    shift = np.flatnonzero(known & along & (size >= _SHIFT_MG))
    marks = np.zeros(n + 1)
    np.add.at(marks, np.maximum(shift - sudden, 0), 1.0)
    np.add.at(marks, np.minimum(shift + sudden + 1, n), -1.0)
    return np.asarray(np.cumsum(marks[:-1]) > 0)


def _without(track: Track, left_out: Bools) -> Track:
    """A track with a break where samples are left out."""
    kept, stretch = ~left_out, track.stretch + np.cumsum(left_out)
    return Track(track.time_s[kept], track.values[kept], stretch[kept])
