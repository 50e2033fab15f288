"""Session time for samples that carry the time of the device's own clock.

A device's clock starts anywhere, runs a little fast or slow, wraps, and is sometimes set; a radio makes a
sample late by milliseconds or, after a stall, by seconds, but never early. So for as long as nobody sets
the clock, "arrival minus device time" has a straight lower edge, and session time is device time moved
onto that edge. This is how it is found:

1. Samples that arrived together are a packet. Its last sample was the least late; the others say nothing
   of the radio. All that follows, but for a few differences, is done on packets.
2. A series of packets is cut wherever something may have happened to the clock: device time went back,
   jumped, or stood still against the arrivals, or the connection is another. Most cuts mean nothing; each
   *piece* between two cuts is of one clock for certain.
3. Each piece is compared with the clock before it, by the lower edges. If they agree, it is the same clock:
   a stall, a loss, a reconnection. A resend agrees too: device time goes back, but when it has reached
   where it was before, the samples are timely again. A clock that was set back is late for good. If a piece
   disagrees, and soon after another agrees with the clock as it was, the piece is astray (resent, or its
   stamps are wrong); if none does, the clock was set, and a new one begins.
4. Each clock gets a line of its own under its arrivals. The line is a quantile regression (Koenker and
   Bassett 1978) through the earliest packets of up to 128 blocks, a tenth of which may lie below: late
   packets do not move it, be they half of all; nor do a few that seem early because a stamp is wrong, which
   a line that supports the convex hull would rest upon; and with fewer than ten packets, where medians of
   slopes are at the mercy of each, it is that supporting line. Too short a clock borrows the slope of the
   longest: it is the same crystal.
5. What lies in the range of device time that its own clock has already delivered, with the same stamp, is
   the same sample.

What no clock can tell (stamps that are no numbers or astray, or that stand still) is timed by its arrival.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from pipeline.clock_course import BACK_S, SAME_S, Course, Piece
from pipeline.model import Bools, Floats
from pipeline.timing import _runs

Ints = NDArray[np.int64]
Value = TypeVar("Value", bound=np.generic)

_MAX_STAMP_S, _MAX_ARRIVAL_S = 1e11, 1e9  # beyond them a float does not tell samples apart
_STUCK_PACKETS, _STUCK_S = 5, 1.0  # so often is no packet resent

_TOO_LONG_S = 600.0  # between two events of one packet
_CHANGE_S = 0.25  # of lateness from one packet to the next: a stall, or a clock that was set
_PLAIN_S = 0.1  # a jump with less of a change is a loss: the arrivals have made it too

_MAX_RATE_ERROR = 0.003
_WANDER, _EDGE_S = 5e-5, 0.02  # of a rate that is known; of a lower edge that few packets show
_TOLERANCE_S, _OF_SPREAD = 0.1, 8.0
_SPREAD_PACKETS, _MAX_SPREAD_S = 24, 0.5

_BLOCKS, _BELOW = 128, 0.1
_NEAR_S = 0.05  # what is earlier than the line by more has a wrong stamp
_SLOPES, _ROUNDS = 33, 6  # narrowed sixteenfold in each round
_SLOPE_PACKETS, _SLOPE_S = 5, 8.0  # in eight seconds a rate error of 0.2 % is worth 16 ms
_OWN_PACKETS, _OWN_S = 24, 60.0

_DEVIATION = 1.4826 / 2**0.5  # of normal stamps, from the median deviation of their differences
_JITTERS, _LOST_JITTERS = 5.0, 3.0  # standard deviations that are not a step back, or ahead
_LOST_PERIODS = 0.5
_AROUND = 8  # samples over which jitter is averaged before a loss is believed
_UNSURE_S = 0.1  # of the time between samples of two clocks
_STEP_S = 1e-6  # less than a period at any rate


@dataclass(frozen=True, slots=True)
class Aligned:
    """What samples with device times are in session time.

    `kept` runs over the samples given: False where the very same sample was delivered before. The others run
    over the kept ones: `time_s` rises strictly; `run_start` is True where a run begins after time without
    samples that is known of, and for the first sample.
    """

    kept: Bools
    time_s: Floats
    run_start: Bools


@dataclass(frozen=True, slots=True)
class _Packets:
    """Samples that arrived together; `device_s` is that of the last sample, the least late."""

    row: Ints  # of the first sample
    device_s: Floats
    arrival_s: Floats

    @property
    def late_s(self) -> Floats:
        return self.arrival_s - self.device_s


def device_times(
    device_s: Floats,
    arrival_s: Floats,
    connection: Floats,
    period_s: float | None,
    wrap_s: float | None = None,
) -> Aligned:
    """Session times of samples with device times, and which of them are new.

    The arrays run over samples in order of arrival: the device's own time (it goes back to 0 at `wrap_s`, if
    that is given), the session time at which the notification with the sample arrived, and a number that
    changes with each connection and after each break that is known of. `period_s` is the nominal time
    between samples; None for events, which come when they come.

    With a period, a run begins where device time jumps by more than one and a half; where it goes on across
    a break, none does. Where the clock was set, a run begins if the arrivals show a pause, or if the
    connection is another. Events begin a run with each number in `connection`.

    No time lies after its arrival, other than by the microseconds that make it rise. The least latency of
    the radio is part of all times. A clock set by less than about 0.15 s counts as jitter. Never raises,
    whatever the arrays hold.
    """
    count, arrival_s = len(device_s), _finite_arrivals(arrival_s)
    kept, clock = np.ones(count, dtype=bool), np.full(count, -1)
    own_s, time_s = np.full(count, np.nan), np.full(count, np.nan)
    rows = _stamped(device_s, arrival_s)
    if len(rows):
        since_s = device_s[rows] - device_s[rows[0]]
        own_s[rows], clock[rows], again = _clocks(
            since_s, arrival_s[rows], connection[rows], period_s, wrap_s
        )
        kept[rows] = ~again
    rows = np.flatnonzero(kept & (clock >= 0))
    time_s[rows] = _on_lines(own_s[rows], arrival_s[rows], clock[rows], period_s or 0.0)
    time_s = _filled(time_s[kept], arrival_s[kept], period_s or 0.0)
    run_start = _run_starts(time_s, own_s[kept], clock[kept], connection[kept], period_s)
    return Aligned(kept, _rising(time_s), run_start)


def _finite_arrivals(arrival_s: Floats) -> Floats:
    """Arrivals that are numbers and never fall."""
    known = np.isfinite(arrival_s)
    if not known.any():
        return np.zeros(len(arrival_s))
    finite_s = np.clip(np.where(known, arrival_s, -np.inf), -_MAX_ARRIVAL_S, _MAX_ARRIVAL_S)
    rising_s: Floats = np.maximum(np.maximum.accumulate(finite_s), finite_s[known.argmax()])
    return rising_s


def _stamped(device_s: Floats, arrival_s: Floats) -> Ints:
    """The samples with a stamp that can be a time, and that is not that of packet after packet."""
    rows = np.flatnonzero(np.abs(device_s) < _MAX_STAMP_S)  # NaN is not
    if not len(rows):
        return rows
    packets = _packets(device_s[rows], arrival_s[rows], _changes(arrival_s[rows]))
    first = np.flatnonzero(_changes(packets.device_s))
    last = np.append(first[1:], len(packets.row)) - 1
    long = packets.arrival_s[last] - packets.arrival_s[first] > _STUCK_S
    stuck = _over(long & (last - first >= _STUCK_PACKETS - 1), first, len(packets.row))
    moving: Ints = rows[~_over(stuck, packets.row, len(rows))]
    return moving


def _changes(values: NDArray[Any]) -> Bools:
    """Where a value is another than before; True at 0."""
    return np.append(True, values[1:] != values[:-1])[: len(values)]


def _over(values: NDArray[Value], first: Ints, count: int) -> NDArray[Value]:
    """A value for each group, as one for each member; groups begin at `first`."""
    return np.repeat(values, np.diff(np.append(first, count)))


def _packets(device_s: Floats, arrival_s: Floats, begins: Bools) -> _Packets:
    row = np.flatnonzero(begins)
    return _Packets(row, np.maximum.reduceat(device_s, row), arrival_s[row])


def _clocks(
    device_s: Floats, arrival_s: Floats, connection: Floats, period_s: float | None, wrap_s: float | None
) -> tuple[Floats, Ints, Bools]:
    """Device time without wraps, the number of its clock (-1: none), and what was delivered before."""
    if wrap_s:
        device_s = _unwrapped(device_s, arrival_s, wrap_s)
    anew = _changes(connection)
    arrived = anew | _changes(arrival_s)
    cut = anew | _cuts(device_s, arrival_s, arrived, period_s)
    packets = _packets(device_s, arrival_s, arrived | cut)
    first = np.flatnonzero(_openings(packets, device_s, cut, arrived, period_s))
    course = _course(packets, device_s, first, wrap_s)

    count = len(packets.row)
    clock = _over(np.array(course.number), first, count)
    astray = _over(np.array(course.astray), first, count)
    turned_s = _over(np.array(course.turns) * course.wrap_s, first, count)
    device_s = device_s + _over(turned_s, packets.row, len(device_s))
    jitter_s = _jitter(np.diff(device_s)[~arrived[1:]])
    margin_s = SAME_S if period_s is None else min(SAME_S, period_s - _JITTERS * jitter_s)
    again = np.zeros(len(device_s), dtype=bool)
    edges = np.append(packets.row, len(device_s))
    for run in _runs(_changes(clock)):
        rows = slice(int(edges[run.start]), int(edges[run.stop]))
        latest_s = packets.device_s[run] + turned_s[run]
        of_clock = _Packets(packets.row[run] - rows.start, latest_s, packets.arrival_s[run])
        again[rows] = _repeats(of_clock, device_s[rows], astray[run], margin_s)
    lost = _over(astray, packets.row, len(device_s)) & ~again
    return device_s, np.where(lost, -1, _over(clock, packets.row, len(device_s))), again


def _unwrapped(device_s: Floats, arrival_s: Floats, wrap_s: float) -> Floats:
    """Device time that goes on at each wrap, by as many of them as the arrivals say."""
    turns = np.round((np.diff(arrival_s) - np.diff(device_s)) / wrap_s)
    unwrapped_s: Floats = device_s + wrap_s * np.append(0.0, np.cumsum(turns))
    return unwrapped_s


def _cuts(device_s: Floats, arrival_s: Floats, arrived: Bools, period_s: float | None) -> Bools:
    """Samples before which device time goes back or jumps."""
    step_s = np.diff(device_s, prepend=device_s[0])
    if period_s is not None:
        return (step_s < -BACK_S) | (step_s > (1 + _LOST_PERIODS) * period_s)
    packets = _packets(device_s, arrival_s, arrived)
    jumped = np.diff(packets.late_s, prepend=packets.late_s[0]) < -_CHANGE_S
    longest_s = np.where(jumped, np.maximum.reduceat(step_s, packets.row), np.inf)
    cut: Bools = step_s == _over(longest_s, packets.row, len(step_s))
    return cut | (step_s < -BACK_S) | (step_s > _TOO_LONG_S) & ~arrived


def _openings(
    packets: _Packets, device_s: Floats, cut: Bools, arrived: Bools, period_s: float | None
) -> Bools:
    """Packets with which a piece begins: cuts that the arrivals do not explain, and rises of lateness."""
    row = packets.row
    change_s = np.diff(packets.late_s, prepend=packets.late_s[0])
    went_on = device_s[row] - device_s[row - 1] >= -BACK_S
    whole = np.append(arrived[row[1:]], True)  # what is cut off from the end of a packet is not late for it
    opens: Bools = cut[row] & ~(went_on & (np.abs(change_s) <= _PLAIN_S)) | (change_s > _CHANGE_S) & whole
    if period_s is None:
        opens |= change_s < -_CHANGE_S
    opens[0] = True
    return opens


def _course(packets: _Packets, device_s: Floats, first: Ints, wrap_s: float | None) -> Course:
    """The pieces that begin with the packets `first`, each with its clock."""
    last = np.append(first[1:], len(packets.row)) - 1
    span_s = packets.device_s[last] - packets.device_s[first]
    longest = int(span_s.argmax())
    slope = _slope(packets, slice(int(first[longest]), int(last[longest]) + 1))
    known, unsure = 0.0, _MAX_RATE_ERROR
    if slope is not None:
        known, unsure = slope, min(_MAX_RATE_ERROR, _WANDER + _EDGE_S / float(span_s[longest]))
    level_s = packets.late_s - known * packets.device_s
    columns = (
        np.minimum.reduceat(level_s, first),
        device_s[packets.row[first]],
        np.maximum.reduceat(packets.device_s, first),
        packets.arrival_s[first],
        packets.arrival_s[last],
    )
    return Course(
        pieces=[Piece(*values) for values in zip(*(column.tolist() for column in columns), strict=True)],
        late_s=columns[0],
        began_s=columns[3],
        tolerance_s=_TOLERANCE_S + _OF_SPREAD * _spread(level_s),
        unsure=unsure,
        wrap_s=wrap_s or 0.0,
        wrap_late_s=(wrap_s or 0.0) * (1 + known),
    )


def _spread(level_s: Floats) -> float:
    """How much later than the earliest around it a packet is that is earlier than three in four."""
    first = np.arange(0, len(level_s), _SPREAD_PACKETS)
    earliest_s = _over(np.minimum.reduceat(level_s, first), first, len(level_s))
    return min(float(np.quantile(level_s - earliest_s, 0.25)), _MAX_SPREAD_S)


def _jitter(step_s: Floats) -> float:
    """The standard deviation of stamps, from the median deviation of the steps between them."""
    return float(np.median(np.abs(step_s - np.median(step_s)))) * _DEVIATION if len(step_s) else 0.0


def _repeats(packets: _Packets, device_s: Floats, astray: Bools, margin_s: float) -> Bools:
    """Samples of one clock in a range that it had delivered, with a stamp that is there.

    A packet goes over that range if it begins not later than `margin_s` after the end of it.
    """
    first, count = packets.row, len(device_s)
    reached_s = np.maximum.accumulate(np.append(-np.inf, np.where(astray, -np.inf, packets.device_s)))[:-1]
    shared = np.append(False, np.diff(device_s) == 0)
    shared[first] = False
    if shared.any():  # a stamp that neighbours share is too coarse to be the mark of one sample
        margin_s = min(margin_s, -SAME_S)
    again = _over(astray | (device_s[first] <= reached_s + margin_s), first, count)
    again &= device_s <= _over(reached_s, first, count) + SAME_S
    if again.any():
        there_s = np.sort(device_s[~again & ~_over(astray, first, count)])
        nearest = np.searchsorted(there_s, device_s[again] - SAME_S)
        again[again] = np.append(there_s, np.inf)[nearest] <= device_s[again] + SAME_S
    return again


def _on_lines(device_s: Floats, arrival_s: Floats, clock: Ints, period_s: float) -> Floats:
    """Session time: each clock's device time on the lower edge of its arrivals; NaN if it stands still."""
    if not len(device_s):
        return device_s
    packets = _packets(device_s, arrival_s, _changes(arrival_s) | _changes(clock))
    runs = list(_runs(_changes(clock[packets.row])))
    span_s = [float(np.ptp(packets.device_s[run])) for run in runs]
    longest = int(np.argmax(span_s))
    shared = _slope(packets, runs[longest]) or 0.0
    slopes, edges_s, next_s = np.full(len(runs), shared), np.zeros(len(runs)), np.inf
    for row in range(len(runs) - 1, -1, -1):
        run, count = runs[row], runs[row].stop - runs[row].start
        if row != longest and span_s[row] >= _OWN_S and count >= _OWN_PACKETS:
            slopes[row] = _slope(packets, run) or 0.0
        level_s = packets.late_s[run] - slopes[row] * packets.device_s[run]
        low_s = _low(level_s[_earliest(level_s)])
        edges_s[row] = level_s[level_s >= low_s - _NEAR_S].min()  # or those a little earlier are moved
        if count < _SLOPE_PACKETS:  # all of them may be late
            ends_s = packets.device_s[run.stop - 1] * (1 + slopes[row]) + edges_s[row]
            edges_s[row] -= max(0.0, ends_s + period_s - next_s)
        next_s = device_s[packets.row[run.start]] * (1 + slopes[row]) + edges_s[row]
    first = np.flatnonzero(_changes(clock))
    edges_s[(np.diff(np.append(first, len(clock))) > 1) & (np.array(span_s) == 0)] = np.nan  # it stands
    slope, edge_s = _over(slopes, first, len(clock)), _over(edges_s, first, len(clock))
    time_s: Floats = np.minimum(device_s * (1 + slope) + edge_s, arrival_s)
    return time_s


def _slope(packets: _Packets, rows: slice) -> float | None:
    """How fast lateness grows; None for a stretch too short to tell."""
    device_s, late_s = packets.device_s[rows], packets.late_s[rows]
    if len(device_s) < _SLOPE_PACKETS or np.ptp(device_s) < _SLOPE_S:
        return None
    slope, stalled_s = 0.0, _CHANGE_S + _MAX_RATE_ERROR * float(np.ptp(device_s))
    for _ in range(2):  # in a block, the drift hides which packet is the earliest
        level_s = late_s - slope * device_s
        at = _earliest(level_s)
        at = at[level_s[at] < level_s[at].min() + stalled_s]
        slope = _quantile_slope(device_s[at], late_s[at])
    return slope


def _earliest(late_s: Floats) -> Ints:
    """The rows of the earliest packet of each block."""
    size = -(-len(late_s) // _BLOCKS)
    blocks = -(-len(late_s) // size)
    padded_s = np.append(late_s, np.full(blocks * size - len(late_s), np.inf)).reshape(blocks, size)
    rows: Ints = np.arange(blocks) * size + padded_s.argmin(axis=1)
    return rows


def _quantile_slope(at_s: Floats, late_s: Floats) -> float:
    """The slope of the line with a tenth of the points below it, by ever finer search: the loss is convex."""
    at_s = at_s - at_s.mean()
    low, high = -_MAX_RATE_ERROR, _MAX_RATE_ERROR
    for _ in range(_ROUNDS):
        slopes = np.linspace(low, high, _SLOPES)
        above_s = late_s - slopes[:, np.newaxis] * at_s
        above_s -= _low(above_s)[:, np.newaxis]
        best = int(np.where(above_s < 0, (_BELOW - 1) * above_s, _BELOW * above_s).sum(axis=1).argmin())
        low, high = slopes[max(best - 1, 0)], slopes[min(best + 1, _SLOPES - 1)]
    return float(slopes[best])


def _low(values: Floats) -> Floats:
    """The value along the last axis that a tenth lies below; the least of fewer than ten."""
    rank = int(_BELOW * values.shape[-1])
    low: Floats = np.partition(values, rank, axis=-1)[..., rank]
    return low


def _filled(time_s: Floats, arrival_s: Floats, period_s: float) -> Floats:
    """Samples without a time get that of their arrival, less what follows in the packet."""
    rows = np.flatnonzero(np.isnan(time_s))
    if not len(rows):
        return time_s
    timed = np.flatnonzero(~np.isnan(time_s))
    next_s = np.append(time_s[timed], np.inf)[np.searchsorted(timed, rows)]
    first = np.flatnonzero(_changes(arrival_s))
    last = _over(np.append(first[1:], len(time_s)) - 1, first, len(time_s))
    filled_s = time_s.copy()
    filled_s[rows] = np.minimum(arrival_s[rows] - (last[rows] - rows) * period_s, next_s)
    return filled_s


def _run_starts(
    time_s: Floats, device_s: Floats, clock: Ints, connection: Floats, period_s: float | None
) -> Bools:
    """Where samples are missing before a sample, over the kept ones."""
    anew = _changes(connection)
    if period_s is None:
        return anew
    run_start = anew & (clock < 0)
    rows = np.flatnonzero(clock >= 0)
    before, after = rows[:-1], rows[1:]
    paused_s = time_s[after] - time_s[before] - (after - before) * period_s
    set_ = clock[after] != clock[before]
    run_start[after] = set_ & (anew[after] | (paused_s > _LOST_PERIODS * period_s + _UNSURE_S))
    run_start[rows[_losses(device_s[rows] - rows * period_s, clock[rows], period_s)]] = True
    run_start[:1] = True
    return run_start


def _losses(ahead_s: Floats, clock: Ints, period_s: float) -> Ints:
    """Samples from which on device time is ahead of the count of samples by at least one more."""
    least_s = max(_LOST_PERIODS * period_s, _LOST_JITTERS * _jitter(np.diff(ahead_s)))
    lost = np.flatnonzero((np.diff(ahead_s) > least_s) & (np.diff(clock) == 0)) + 1
    first, last = (
        np.searchsorted(clock, clock[lost], side) - (side == "right") for side in ("left", "right")
    )
    by_s = np.zeros(len(lost))
    for away in range(_AROUND):
        by_s += ahead_s[np.minimum(lost + away, last)] - ahead_s[np.maximum(lost - 1 - away, first)]
    return lost[by_s > _AROUND * least_s]


def _rising(time_s: Floats) -> Floats:
    """The same times, moved by the least that makes them rise.

    By less than `pipeline.timing.rising` does: its millisecond is longer than some periods.
    """
    if np.all(np.diff(time_s) > 0):
        return time_s
    steps_s = np.arange(len(time_s)) * _STEP_S
    raised: Floats = np.maximum.accumulate(time_s - steps_s) + steps_s
    return raised
