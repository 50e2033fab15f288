"""Breathing in the heart's rhythm: intervals shorten with each inhalation (sinus arrhythmia)."""

from __future__ import annotations

import numpy as np

from pipeline.breathing.spectra import Ridge, ridge
from pipeline.breathing.track import Track, interpolated
from pipeline.heart.beats import Beats

AMBIGUOUS_HZ = (0.07, 0.13)

_MOST_BRIDGED = 2  # excluded intervals in a row that a straight line may span
_LEAST_MS = 0.5  # the grain of a strap's clock alone makes 0.3 ms
_SLOPE = 2  # the tachogram's rate of change: slow waves fall off with 1/f² and more


def tachogram(beats: Beats) -> Track:
    """NN intervals in ms as a track, cut where time is missing or more than two in a row are not NN."""
    rows = np.flatnonzero(beats.nn & np.isfinite(beats.interval_ms) & np.isfinite(beats.time_s))
    if len(rows) < 2:
        return Track.empty()
    runs = np.cumsum(~beats.adjacent)
    breaks = (np.diff(rows) > _MOST_BRIDGED + 1) | (np.diff(runs[rows]) > 0)
    return interpolated(beats.time_s[rows], beats.interval_ms[rows][:, None], breaks)


def heart_ridge(track: Track) -> Ridge:
    """The strongest wave of the heart's rhythm in each half minute of a tachogram, by its rate of change."""
    return ridge(track, _SLOPE, _LEAST_MS, by_beat=True)
