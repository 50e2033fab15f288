"""Session time for samples that carry none: from when they arrived, and how long they last.

Radio only ever makes a sample late, never early, so the *earliest* arrivals tell the true time: both
functions fit the lower envelope of "arrival minus signal time". A rise of that envelope that does not
go back means samples were lost; a burst after a stall comes back to it, and loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
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

_LEAST_LOSS_S = 0.4
_BEATS_AROUND = 120  # enough for beats to have met a strap's notifications at every phase
# How much later than another a beat is sent because of where that phase is: a notification's time, which is
# 1 s for straps. Optical sensors send the pulses of several seconds at once.
_NOTIFIED_S, _LONGEST_NOTIFIED_S = 1.0, 10.0
# The reach of phases is twice the median lateness where all are met: seldom so within 240 beats. A strap
# that sends each beat at once is late by the radio's few hundredths, and eight times that is little still.
_REACH_OF_MEDIAN = 8.0
_RADIO_S = 0.25
_BURST_S = 0.25  # deliveries closer together are one
_DELIVERIES = 3  # after a stall, one of this many is timely
_SAME_S = 0.1
_MAX_BEAT_CLOCK_ERROR = 0.002  # ticks cut off: 0.06 % at 75 bpm, 0.15 % at 180 bpm; the clock: 400 ppm
_APART_S, _APART_SHARE = 0.06, 0.1  # twice what still counts as adjacent in pipeline.heart.beats


@dataclass(frozen=True, slots=True)
class Timed:
    """Strictly rising times, and where a new run begins after a loss (the first sample always does)."""

    time_s: Floats
    run_start: Bools


def beat_times(interval_ms: Floats, arrival_s: Floats, generation: Floats) -> Timed:
    """Times at the end of beat intervals without stamps: cumulative, anchored anew after a loss.

    Arrays run over beats; `arrival_s` and `generation` are those of the notification a beat came with.
    What is not a positive interval takes no time. A run begins where `generation` changes, and where
    the envelope rises for good by more than 0.4 s or half an interval; it never directly follows the
    run before. A single beat lost above 140 bpm can go unnoticed, as can one in a rhythm so steady that
    each beat meets the strap's notifications at the same phase. The strap's clock is fitted to the
    arrivals of a run within 0.2 %, where the run is long enough to tell. No time is negative.
    """
    length_s = np.where((interval_ms > 0) & np.isfinite(interval_ms), interval_ms, 0.0) / 1000
    elapsed_s = np.cumsum(length_s)
    run_start = _changes(generation)
    notified_s = _notified(arrival_s)
    for breaks in (_falls, _losses):
        for rows in _runs(run_start):
            run_start[rows] |= breaks(elapsed_s[rows], arrival_s[rows], notified_s)
    time_s = np.empty(len(elapsed_s))
    for rows in _runs(run_start):
        time_s[rows] = _under(elapsed_s[rows], arrival_s[rows])
        if rows.start:
            step_s = time_s[rows.start] - time_s[rows.start - 1]
            time_s[rows] += _overlap(step_s, length_s[rows.start], notified_s)
    return Timed(rising(np.maximum(time_s, 0.0)), run_start)


def regular_times(counts: Floats, arrival_s: Floats, generation: Floats, rate_hz: float) -> Timed:
    """Times of samples at a nominal rate, from notifications of `counts` samples each.

    The three arrays run over notifications, the result over samples. The rate is fitted to the
    arrivals of each run within 2 % of nominal where the run is long enough to tell.
    """
    last = np.cumsum(counts)
    late_s = arrival_s - last / rate_hz
    lost = _rises(late_s, SAMPLES_LATE_S) | _changes(generation)
    times = [
        _run_times(np.cumsum(counts[rows]), counts[rows], arrival_s[rows], rate_hz) for rows in _runs(lost)
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


def _changes(generation: Floats) -> Bools:
    """Where the generation is another than before; True at 0."""
    changed = np.diff(generation, prepend=generation[:1]) != 0
    changed[:1] = True
    return np.asarray(changed, dtype=bool)


def _runs(run_start: Bools) -> Iterator[slice]:
    """The rows of each run."""
    edges = np.append(np.flatnonzero(run_start), len(run_start)).tolist()
    return (slice(first, last) for first, last in pairwise(edges))


def _notified(arrival_s: Floats) -> float:
    """How often beats are delivered: a quarter of the deliveries come sooner."""
    apart_s = np.diff(arrival_s)
    apart_s = apart_s[apart_s > _BURST_S]
    usual_s = float(np.quantile(apart_s, 0.25)) if len(apart_s) else _NOTIFIED_S
    return min(max(usual_s, _NOTIFIED_S), _LONGEST_NOTIFIED_S)


def _falls(elapsed_s: Floats, arrival_s: Floats, notified_s: float) -> Bools:
    """Where an interval is far longer than the time it came in."""
    late_s = arrival_s - elapsed_s
    most_s = BEATS_LATE_S * notified_s / _NOTIFIED_S
    return np.asarray(late_s < _envelopes(late_s, _BEATS_AROUND)[0] - most_s, dtype=bool)


def _losses(elapsed_s: Floats, arrival_s: Floats, notified_s: float) -> Bools:
    """Where beats are missing before a beat."""
    late_s = _unstalled(arrival_s - elapsed_s, arrival_s, notified_s)
    before_s, after_s = _envelopes(late_s, _BEATS_AROUND)
    run_start = np.zeros(len(late_s), dtype=bool)
    least_s = np.maximum(_LEAST_LOSS_S, _local_interval(elapsed_s) / 2)
    reach_s = _reach(late_s - np.minimum(before_s, after_s), notified_s)
    began = 0
    for beat in np.flatnonzero(after_s - before_s > least_s).tolist():
        if beat <= began:
            continue
        before = late_s[max(began, beat - _BEATS_AROUND) : beat].min()
        sure = np.flatnonzero(late_s[beat : beat + _BEATS_AROUND] > before + reach_s)
        if after_s[beat] - before > least_s[beat] and len(sure):
            began = beat + _latest_jump(late_s[beat - 1 : beat + sure[0] + 1])
            run_start[began] = True
    return run_start


def _unstalled(late_s: Floats, arrival_s: Floats, notified_s: float) -> Floats:
    """Lateness less that of a stall, after which the burst or the deliveries that follow are timely again."""
    first = np.flatnonzero(np.diff(arrival_s, prepend=-np.inf) > _BURST_S)
    timeliest_s = _envelopes(np.minimum.reduceat(late_s, first), _DELIVERIES)[1]
    each_s = np.repeat(timeliest_s, np.diff(np.append(first, len(late_s))))
    return np.minimum(late_s, each_s + notified_s)


def _reach(above_s: Floats, notified_s: float) -> float:
    """How far above the envelope a beat can be with nothing lost: what phase and radio explain."""
    return min(notified_s, _REACH_OF_MEDIAN * float(np.median(above_s))) + _RADIO_S


def _latest_jump(late_s: Floats) -> int:
    """The last rise that is as good as the greatest; where beats met one phase for long, there are more."""
    jumps_s = np.diff(late_s)
    return int(np.flatnonzero(jumps_s >= jumps_s.max() - _SAME_S)[-1])


def _local_interval(elapsed_s: Floats) -> Floats:
    """The mean interval around each beat."""
    rows = np.arange(len(elapsed_s))
    first = np.maximum(rows - _BEATS_AROUND, 0)
    last = np.minimum(rows + _BEATS_AROUND, len(rows) - 1)
    mean_s: Floats = (elapsed_s[last] - elapsed_s[first]) / np.maximum(last - first, 1)
    return mean_s


def _under(elapsed_s: Floats, arrival_s: Floats) -> Floats:
    """A run's beats on a line under their arrivals."""
    signal_s = elapsed_s * _period(elapsed_s, arrival_s, 1.0, _BEATS_AROUND, _MAX_BEAT_CLOCK_ERROR)
    time_s: Floats = signal_s + np.min(arrival_s - signal_s)
    return time_s


def _overlap(step_s: float, length_s: float, notified_s: float) -> float:
    """What a run must move so as not to follow, or reach a little into, the one before."""
    short_s = length_s + max(_APART_S, _APART_SHARE * length_s) - step_s
    return short_s if 0 < short_s < notified_s else 0.0


def _rises(late_s: Floats, threshold_s: float) -> Bools:
    """Where the lower envelope of the arrivals rises and stays up."""
    if len(late_s) < 2:
        return np.zeros(len(late_s), dtype=bool)
    before_s, after_s = _envelopes(late_s, _ENVELOPE)
    jump = (late_s - np.roll(late_s, 1) > threshold_s / 2) & (after_s - before_s > threshold_s)
    jump[0] = False
    return np.asarray(jump, dtype=bool)


def _envelopes(late_s: Floats, width: int) -> tuple[Floats, Floats]:
    """The least of the `width` values before each one, and of the `width` from it on."""
    beyond = np.full(width, np.inf)
    least_s = sliding_window_view(np.concatenate([beyond, late_s, beyond]), width).min(axis=1)
    before_s, after_s = least_s[: len(late_s)], least_s[width : width + len(late_s)]
    return np.where(np.isinf(before_s), late_s, before_s), after_s


def _run_times(last: Floats, counts: Floats, arrival_s: Floats, rate_hz: float) -> Floats:
    period_s = _period(last, arrival_s, rate_hz)
    end_s = np.min(arrival_s - last * period_s)  # the envelope: no sample after its arrival
    samples = np.arange(1, int(counts.sum()) + 1)
    times: Floats = end_s + samples * period_s
    return times


def _period(
    last: Floats,
    arrival_s: Floats,
    rate_hz: float,
    block: int = _ENVELOPE,
    most: float = _MAX_RATE_ERROR,
) -> float:
    """The device's own sample period: a line under the arrivals, if there are enough to draw one."""
    nominal_s = 1 / rate_hz
    blocks = len(last) // block
    if blocks < 8:
        return nominal_s
    late_s = (arrival_s - last * nominal_s)[: blocks * block].reshape(blocks, block)
    earliest = late_s.argmin(axis=1)
    rows = np.arange(blocks)
    at, lateness_s = last[rows * block + earliest], late_s[rows, earliest]
    first, second = np.triu_indices(blocks, k=blocks // 2)
    apart = at[second] > at[first]  # they need not be: not every interval takes time
    if not apart.any():
        return nominal_s
    first, second = first[apart], second[apart]
    slope_s = float(np.median((lateness_s[second] - lateness_s[first]) / (at[second] - at[first])))
    return nominal_s + float(np.clip(slope_s, -most * nominal_s, most * nominal_s))
