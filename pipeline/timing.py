"""Session time for samples that carry none: from when they arrived, and how long they last.

Radio only ever makes a sample late, never early, so the *earliest* arrivals tell the true time: both
functions fit the lower envelope of "arrival minus signal time". A rise of that envelope that does not
go back means samples were lost; a burst after a stall comes back to it, and loses nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from pipeline.model import Bools, Floats

# A strap may hold an interval for three seconds before it sends it (it is one notification a second).
BEATS_LATE_S = 3.0
SAMPLES_LATE_S = 1.0
_ENVELOPE = 24  # notifications on either side over which the lower envelope is looked for
_MAX_RATE_ERROR = 0.02
_STEP_S = 1e-3


@dataclass(frozen=True, slots=True)
class Timed:
    """Strictly rising times, and where a new run begins after a loss (the first sample always does)."""

    time_s: Floats
    run_start: Bools


def beat_times(interval_ms: Floats, arrival_s: Floats, generation: Floats) -> Timed:
    """Times at the end of beat intervals without stamps: cumulative, anchored anew after a loss.

    Arrays run over beats; `arrival_s` and `generation` are those of the notification a beat came with.
    """
    elapsed_s = np.cumsum(np.where(interval_ms > 0, interval_ms, 0.0)) / 1000
    late_s = arrival_s - elapsed_s
    run_start = np.zeros(len(late_s), dtype=bool)
    earliest_s = 0.0
    for beat, lateness_s in enumerate(late_s):
        new_link = beat == 0 or generation[beat] != generation[beat - 1]
        if new_link or abs(lateness_s - earliest_s) > BEATS_LATE_S:
            run_start[beat], earliest_s = True, lateness_s
        earliest_s = min(earliest_s, lateness_s)
    return Timed(rising(elapsed_s + _per_run(late_s, run_start)), run_start)


def regular_times(counts: Floats, arrival_s: Floats, generation: Floats, rate_hz: float) -> Timed:
    """Times of samples at a nominal rate, from notifications of `counts` samples each.

    The three arrays run over notifications, the result over samples. The rate is fitted to the
    arrivals of each run within 2 % of nominal where the run is long enough to tell.
    """
    last = np.cumsum(counts)
    late_s = arrival_s - last / rate_hz
    lost = _rises(late_s, SAMPLES_LATE_S) | (np.diff(generation, prepend=generation[:1]) != 0)
    lost[:1] = True
    edges = np.append(np.flatnonzero(lost), len(counts))
    times = [
        _run_times(last[a:b] - (last[a] - counts[a]), counts[a:b], arrival_s[a:b], rate_hz)
        for a, b in pairwise(edges)
    ]
    run_start = np.zeros(int(counts.sum()), dtype=bool)
    run_start[(last - counts)[lost].astype(int)] = True
    return Timed(rising(np.concatenate([np.empty(0), *times])), run_start)


def rising(time_s: Floats) -> Floats:
    """The same times, moved by the least that makes them rise by at least a millisecond each."""
    if np.all(np.diff(time_s) > 0):
        return time_s
    steps_s = np.arange(len(time_s)) * _STEP_S
    raised: Floats = np.maximum.accumulate(time_s - steps_s) + steps_s
    return raised


def _per_run(late_s: Floats, run_start: Bools) -> Floats:
    """The earliest arrival of each run, for each of its beats."""
    if len(late_s) == 0:
        return late_s
    starts = np.flatnonzero(run_start)
    earliest: Floats = np.minimum.reduceat(late_s, starts)
    return np.repeat(earliest, np.diff(np.append(starts, len(late_s))))


def _rises(late_s: Floats, threshold_s: float) -> Bools:
    """Where the lower envelope of the arrivals rises and stays up."""
    if len(late_s) < 2:
        return np.zeros(len(late_s), dtype=bool)
    padded = np.concatenate([np.full(_ENVELOPE, np.inf), late_s, np.full(_ENVELOPE, np.inf)])
    envelope = sliding_window_view(padded, _ENVELOPE).min(axis=1)
    before, after = envelope[: len(late_s)], envelope[_ENVELOPE : _ENVELOPE + len(late_s)]
    before = np.where(np.isinf(before), late_s, before)
    jump = (late_s - np.roll(late_s, 1) > threshold_s / 2) & (after - before > threshold_s)
    jump[0] = False
    return np.asarray(jump, dtype=bool)


def _run_times(last: Floats, counts: Floats, arrival_s: Floats, rate_hz: float) -> Floats:
    period_s = _period(last, arrival_s, rate_hz)
    end_s = np.min(arrival_s - last * period_s)  # the envelope: no sample after its arrival
    samples = np.arange(1, int(counts.sum()) + 1)
    times: Floats = end_s + samples * period_s
    return times


def _period(last: Floats, arrival_s: Floats, rate_hz: float) -> float:
    """The device's own sample period: a line under the arrivals, if there are enough to draw one."""
    nominal_s = 1 / rate_hz
    blocks = len(last) // _ENVELOPE
    if blocks < 8:
        return nominal_s
    late_s = (arrival_s - last * nominal_s)[: blocks * _ENVELOPE].reshape(blocks, _ENVELOPE)
    earliest = late_s.argmin(axis=1)
    rows = np.arange(blocks)
    at = last[: blocks * _ENVELOPE].reshape(blocks, _ENVELOPE)[rows, earliest]
    first, second = np.triu_indices(blocks, k=blocks // 2)
    lateness_s = late_s[rows, earliest]
    slope_s = float(np.median((lateness_s[second] - lateness_s[first]) / (at[second] - at[first])))
    return nominal_s + float(np.clip(slope_s, -_MAX_RATE_ERROR * nominal_s, _MAX_RATE_ERROR * nominal_s))
