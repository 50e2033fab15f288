"""Ln SCL cleared of its own lag: the level that the present drive of the sweat glands leads to. numpy only.

Sweat that has filled ducts and wetted the horny layer leaves slowly, so skin conductance goes on falling for
minutes after the drive is gone, and on rising after it has come. With a clearance of one time constant the
drive is the level plus the time constant times its rate of change (a first-order store; in logarithms, which
makes it free of the electrode's area).
"""

from __future__ import annotations

import math

import numpy as np

from pipeline.model import Floats

CLEARANCE_S = 180.0  # project choice: minutes, as the level falls at rest; 90 to 360 s say much the same
SLOPE_S = 60.0
STEEPEST_PER_S = math.log(2) / 60  # a level does not double within a minute but by a change of contact

_GAP_PERIODS = 1.5


def ln_drive(time_s: Floats, tonic_us: Floats) -> Floats:
    """(n,) ln SCL plus 180 s times its change over the last minute, per second; looks back, never ahead.

    `time_s` (n,) rising, in s; `tonic_us` (n,), NaN where not valid. NaN where the last minute holds an
    invalid sample or a gap (1.5 sample periods), or has not passed yet: nothing is differenced across those.
    """
    time_s, tonic_us = np.asarray(time_s, dtype=np.float64), np.asarray(tonic_us, dtype=np.float64)
    if len(time_s) < 2:
        return np.full(len(time_s), np.nan)
    usable = np.isfinite(tonic_us) & (tonic_us > 0)
    level = np.log(tonic_us, out=np.full(len(tonic_us), np.nan), where=usable)
    period_s = float(np.median(np.diff(time_s)))
    before = np.searchsorted(time_s, time_s - SLOPE_S + period_s / 2, side="right") - 1
    broken = ~usable
    broken[1:] |= np.diff(time_s) > _GAP_PERIODS * period_s
    breaks = np.cumsum(broken)
    whole = (before >= 0) & usable & usable[before] & (breaks == breaks[before])
    step_s = np.where(whole, time_s - time_s[before], np.nan)
    whole &= np.abs(step_s - SLOPE_S) <= period_s
    rate = np.divide(level - level[before], step_s, out=np.full(len(level), np.nan), where=whole)
    return np.asarray(level + CLEARANCE_S * np.clip(rate, -STEEPEST_PER_S, STEEPEST_PER_S))


def drive_columns(time_s: Floats, tonic_us: Floats, start_s: Floats, end_s: Floats) -> dict[str, Floats]:
    """`ln_drive` (k,): its mean over windows `start_s <= time_s < end_s`; NaN where a window has none of it.

    `drive_share` (k,): the part of the window's samples that have one.
    """
    drive = ln_drive(time_s, tonic_us)
    known = np.isfinite(drive)
    total = np.concatenate([[0.0], np.cumsum(np.where(known, drive, 0.0))])
    count = np.concatenate([[0], np.cumsum(known)])
    first, last = np.searchsorted(time_s, start_s), np.searchsorted(time_s, end_s)
    n, samples = count[last] - count[first], np.maximum(last - first, 1)
    mean = np.divide(total[last] - total[first], n, out=np.full(len(n), np.nan), where=n > 0)
    return {"ln_drive": mean, "drive_share": n / samples}
