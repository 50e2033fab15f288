"""Which beat intervals can be trusted, after Lipponen & Tarvainen 2019.

Intervals are labelled, never changed: correction happens on a working copy that is thrown away. Nothing
here is differenced, or compared with a median, across a gap in time. numpy only: the recorder uses it too,
beat by beat, through `pipeline.heart.causal_artefacts`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from pipeline.heart.beats import LONGEST_MS, BeatKind, Beats, Kinds, adjacent
from pipeline.model import Bools, Floats

Indices = NDArray[np.intp]
Scalar = TypeVar("Scalar", bound=np.generic)

PLAUSIBLE_MS = (300.0, 2000.0)


# Lipponen & Tarvainen 2019: Th = alpha * quartile deviation, over 91 beats; medians over 11.
THRESHOLD_BEATS, MEDIAN_BEATS = 91, 11
_ALPHA, _C1, _C2 = 5.2, 0.13, 0.17
_FAR = 3.0
# A strap counts 1/1024 s and places an R peak to about 2 ms: no smaller step is evidence of an artefact.
_MIN_STEP_MS = 10.0
_MIN_DISTANCE_SHARE = 0.08  # of the median interval; below it an interval weighs double, so 4 % there
_MIN_OF_UPPER_QUARTILE = 1.75  # under alpha * quartile deviation for anything like a normal distribution
_MAX_THRESHOLD_SHARE = 0.3
# Quartiles of a handful of differences say nothing yet; an early beat is seldom less early than this.
_FEW, _MIN_SHARE_OF_FEW = 20, 0.2
_FEWEST_FOR_MEDIAN = 3
_CHUNK_ROWS = 8192

# Plain numbers: numpy takes ten times as long to compare an array with a member of an enum.
_NORMAL, _ECTOPIC, _MISSED, _EXTRA, _LONG_SHORT, _IMPLAUSIBLE = (
    kind.value for kind in BeatKind if kind is not BeatKind.EXCLUDED
)


def classify(time_s: Floats, interval_ms: Floats) -> Beats:
    """Label each interval after Lipponen & Tarvainen 2019 (J Med Eng Technol 43:173, fig. 1).

    `time_s` (n,) rising, the end of each interval in s; `interval_ms` (n,), NaN allowed. Never raises on
    values; an empty input gives empty beats. A row that does not end later than all before it, or at no
    finite time, is IMPLAUSIBLE and ends a run. Passes repeat on a corrected working copy for as long as
    they find fewer artefacts than the pass before, as in the authors' implementation and NeuroKit2's.
    What lies beyond a gap, or is changed, reaches labels through the median (5 intervals) and, by little,
    the thresholds: 45 intervals, and as many again for each further pass.

    It differs from NeuroKit2 (`signal_fixpeaks(method="Kubios")`), on purpose, in that

    - a gap in time ends a run; running medians stay inside one, differences do not exist across it;
    - labels belong to intervals, not beats, so an ectopic or extra beat labels both intervals it made,
      and neither the sound interval after them, which NeuroKit2 often moves the end of;
    - a working interval is interpolated from its neighbours, as in the paper, where NeuroKit2 moves a beat
      and with it the sound interval after;
    - an extra beat joins the neighbour that brings it nearer to the median, not always the next;
    - an interval within one threshold of its median is never an artefact: a swing there and back is what
      breathing looks like, and makes most of the paper's false alarms;
    - that threshold is at least 8 % of the median interval (4 % for a short one, whose distance counts
      double), that of differences 10 ms: in a steady rhythm it would be zero, and nothing or anything found;
    - nor is one below 1.75 upper quartiles: when each breath takes a whole number of beats, differences
      are all alike, and their quartile deviation nothing;
    - nor above 30 % of the median interval: with many artefacts (every third beat early, say, or a sensor
      that loses and invents them) it would grow until none was found;
    - among fewer than 20 differences it is at least 20 % of the median interval;
    - a run's first interval, which has no difference, and its last two are judged too.
    """
    time_s, interval_ms = np.asarray(time_s, dtype=np.float64), np.asarray(interval_ms, dtype=np.float64)
    assert time_s.shape == interval_ms.shape
    return Beats(time_s, interval_ms, kinds(time_s, interval_ms, _around))


def kinds(time_s: Floats, interval_ms: Floats, quartiles: Quartiles) -> Kinds:
    """The label of each interval, (n,) `BeatKind` as int8, with thresholds from these quartiles."""
    kind = np.zeros(len(time_s), dtype=np.int8)
    in_order = _in_order(time_s)
    series, found_before = _working_copy(time_s, interval_ms, in_order), len(time_s) + 1
    while True:
        labels = _label(series, quartiles)
        found = int(np.count_nonzero(labels))
        _carry_over(kind, series, labels)
        if found == 0 or found >= found_before:
            break
        series, found_before = _corrected(series, labels), found
    unexplained = (kind == _NORMAL) | (kind == _LONG_SHORT)
    kind[(_implausible(interval_ms) & unexplained) | ~in_order] = _IMPLAUSIBLE
    return kind


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """Lower and upper quartile, and of how many values: (n,) each, or one for all."""

    lower: Floats | np.float64
    upper: Floats | np.float64
    count: NDArray[np.intp] | int


Quartiles = Callable[[Floats], Spread]


def _around(x_ms: Floats) -> Spread:
    """Quartiles over the 91 values around each; NaN is left out."""
    lower, upper = rolling_quantiles(x_ms, THRESHOLD_BEATS, (0.25, 0.75))
    known = np.concatenate([[0], np.cumsum(~np.isnan(x_ms), dtype=np.intp)])
    place, half = np.arange(len(x_ms)), THRESHOLD_BEATS // 2
    count = known[np.minimum(place + half + 1, len(x_ms))] - known[np.maximum(place - half, 0)]
    return Spread(lower, upper, count)


def _in_order(time_s: Floats) -> Bools:
    """Where time is finite and later than in all rows before."""
    known_s = np.where(np.isfinite(time_s), time_s, -np.inf)
    in_order = known_s > -np.inf
    in_order[1:] &= known_s[1:] > np.maximum.accumulate(known_s)[:-1]
    return in_order


def _implausible(interval_ms: Floats) -> Bools:
    low_ms, high_ms = PLAUSIBLE_MS
    return ~((interval_ms >= low_ms) & (interval_ms <= high_ms))


@dataclass(frozen=True, slots=True, eq=False)
class _Series:
    """The working copy: each interval, its run, and the range of measured intervals it stands for."""

    interval_ms: Floats
    run: Indices
    first: Indices
    last: Indices


def _working_copy(time_s: Floats, interval_ms: Floats, in_order: Bools) -> _Series:
    usable = (interval_ms > 0) & (interval_ms <= LONGEST_MS) & in_order  # False for NaN
    starts = ~adjacent(time_s, interval_ms) | ~usable
    starts[1:] |= ~usable[:-1]
    rows = np.flatnonzero(usable)
    run: Indices = np.cumsum(starts, dtype=np.intp)[rows]
    return _Series(interval_ms[rows], run, rows, rows)


def _label(series: _Series, quartiles: Quartiles) -> Kinds:
    """One pass of the decision tree (fig. 1); (n,) `BeatKind` as int8.

    d is dRR / Th1, s12 and s22 what its neighbours hold, m is mRR / Th2, the distance from the median.
    """
    rr, run = series.interval_ms, series.run
    median = _run_median(rr, run)
    m_ms = _doubled_below(rr - median)
    th2_ms = _threshold(m_ms, median, quartiles, _MIN_DISTANCE_SHARE)
    away = np.abs(m_ms / th2_ms)  # NaN where a run is too short for a median: then nothing is called
    d = _differences(rr, run, away, median, quartiles)
    before, after, later = _shifted(d, run, -1), _shifted(d, run, 1), _shifted(d, run, 2)
    s12 = np.where(d > 0, np.maximum(before, after), np.minimum(before, after))
    s22 = np.where(d >= 0, np.minimum(after, later), np.maximum(after, later))

    ectopic = ((d > 1) & (s12 < -_C1 * d - _C2)) | ((d < -1) & (s12 > -_C1 * d + _C2))
    ectopic &= np.maximum(away, _shifted(away, run, -1)) > 1
    suspect = (np.abs(d) > 1) & ~ectopic
    drawn_in = _shifted(suspect, run, -1) & (np.abs(d) < np.abs(after))
    too_long, too_short = (d > 1) & (s22 < -1), (d < -1) & (s22 > 1)
    strange = ((too_long | too_short) & (away > 1)) | (away > _FAR)
    odd = (suspect | drawn_in) & ~ectopic & strange
    labels = np.zeros(len(rr), dtype=np.int8)
    if not (odd | ectopic).any():
        return labels
    missed = odd & too_long & (np.abs(rr / 2 - median) < th2_ms)
    joins_next, distance_ms = _best_partner(rr, run, median)
    extra = odd & too_short & (distance_ms < th2_ms)
    labels[odd] = _LONG_SHORT
    labels[missed] = _MISSED
    turn = _turning_points(ectopic, d, run)
    labels[turn | _shifted(turn, run, 1)] = _ECTOPIC
    first_parts = _first_parts(extra, joins_next)
    labels[first_parts] = _EXTRA
    labels[first_parts + 1] = _EXTRA
    return labels


def _differences(rr: Floats, run: Indices, away: Floats, median: Floats, quartiles: Quartiles) -> Floats:
    """The ratio dRR / Th1. A run's first interval, if far from the median, is compared with the next."""
    d_ms = rr - _shifted(rr, run, -1)
    opens = np.ones(len(rr), dtype=bool)
    opens[1:] = run[1:] != run[:-1]
    th1_ms = _threshold(np.where(opens, np.nan, d_ms), median, quartiles, 0.0)
    far_first = opens & (away > _FAR)
    d_ms[opens] = 0.0
    d_ms[far_first] = (rr - _shifted(rr, run, 1))[far_first]
    return d_ms / th1_ms


def _turning_points(ectopic: Bools, d: Floats, run: Indices) -> Bools:
    """The steepest of neighbouring ectopic differences: there the misplaced beat lies between i-1 and i."""
    steep = np.where(ectopic, np.abs(d), 0.0)
    return ectopic & (steep >= _shifted(steep, run, 1)) & (steep > _shifted(steep, run, -1))


def _doubled_below(m_ms: Floats) -> Floats:
    """MRR: an interval shorter than the median weighs double."""
    return np.where(m_ms < 0, 2 * m_ms, m_ms)


def _threshold(x_ms: Floats, median: Floats, quartiles: Quartiles, least_share: float) -> Floats:
    """Th = 5.2 x quartile deviation of |x|, and at least 1.75 upper quartiles; NaN is left out.

    Within bounds: 10 ms, and shares of the median interval; see `classify`.
    """
    spread = quartiles(np.abs(x_ms))
    threshold_ms = np.fmax(_ALPHA * (spread.upper - spread.lower) / 2, _MIN_OF_UPPER_QUARTILE * spread.upper)
    share = np.where(np.less(spread.count, _FEW), _MIN_SHARE_OF_FEW, least_share)
    least_ms, most_ms = np.fmax(share * median, _MIN_STEP_MS), _MAX_THRESHOLD_SHARE * median
    bounded_ms: Floats = np.fmin(np.fmax(threshold_ms, least_ms), most_ms)
    return bounded_ms


def _run_median(rr: Floats, run: Indices) -> Floats:
    """Median of up to 11 intervals around each, from its own run; NaN in a run of fewer than three."""
    if not len(rr):
        return rr.copy()
    half = MEDIAN_BEATS // 2
    if run[0] == run[-1]:
        median: Floats = rolling_quantiles(rr, MEDIAN_BEATS, (0.5,))[0]
        return median if len(rr) >= _FEWEST_FOR_MEDIAN else np.full(len(rr), np.nan)
    order = np.cumsum(np.diff(run, prepend=run[0]) != 0)
    slot = np.arange(len(rr)) + half * order  # empty slots keep runs out of each other's windows
    spaced = np.full(slot[-1] + 1, np.nan)
    spaced[slot] = rr
    median = rolling_quantiles(spaced, MEDIAN_BEATS, (0.5,))[0][slot]
    return np.where(np.bincount(order)[order] >= _FEWEST_FOR_MEDIAN, median, np.nan)


def _best_partner(rr: Floats, run: Indices, median: Floats) -> tuple[Bools, Floats]:
    """Whether an interval adds up to the median better with the next one, and how far off that is."""
    with_next, with_previous = (np.abs(rr + _shifted(rr, run, step, np.inf) - median) for step in (1, -1))
    return with_next <= with_previous, np.fmin(with_next, with_previous)


def _first_parts(extra: Bools, joins_next: Bools) -> Indices:
    """First intervals of the pairs to join; of overlapping pairs every other one."""
    rows = np.flatnonzero(extra)
    if not len(rows):
        return rows
    is_first = np.zeros(len(extra), dtype=bool)
    is_first[np.where(joins_next[rows], rows, rows - 1)] = True
    firsts = np.flatnonzero(is_first)
    streak = np.cumsum(np.diff(firsts, prepend=firsts[0]) > 1)
    place = np.arange(len(firsts)) - np.searchsorted(streak, streak)
    return np.asarray(firsts[place % 2 == 0])


def _carry_over(kind: Kinds, series: _Series, labels: Kinds) -> None:
    """Label the measured intervals that labelled working intervals stand for; the first label stays."""
    rows = np.flatnonzero(labels)
    one = series.first[rows] == series.last[rows]
    for row in rows[~one].tolist():
        _label_normal(kind, slice(series.first[row], series.last[row] + 1), labels[row])
    _label_normal(kind, series.first[rows[one]], labels[rows[one]])


def _label_normal(kind: Kinds, rows: slice | Indices, label: Kinds | np.int8) -> None:
    kind[rows] = np.where(kind[rows] == _NORMAL, label, kind[rows])


def _corrected(series: _Series, labels: Kinds) -> _Series:
    """The next working copy: extra parts joined, missed beats put in, the rest interpolated."""
    rr, last = _interpolated(series, labels), series.last.copy()
    parts = np.ones(len(rr), dtype=np.intp)
    split = labels == _MISSED
    rr[split] = series.interval_ms[split] / 2
    parts[split] = 2
    firsts = _pair_firsts(labels == _EXTRA)
    rr[firsts] = series.interval_ms[firsts] + series.interval_ms[firsts + 1]
    last[firsts] = last[firsts + 1]
    parts[firsts + 1] = 0
    run, first = np.repeat(series.run, parts), np.repeat(series.first, parts)
    return _Series(np.repeat(rr, parts), run, first, np.repeat(last, parts))


def _pair_firsts(extra: Bools) -> Indices:
    """First members of the pairs in which EXTRA labels always come."""
    rows = np.flatnonzero(extra)
    return rows[::2]


def _interpolated(series: _Series, labels: Kinds) -> Floats:
    """Intervals with the labelled ones drawn from the nearest normal ones of their run, if it has any."""
    rows, good = np.arange(len(labels)), labels == _NORMAL
    if series.run[0] == series.run[-1] and good.any():
        drawn: Floats = np.interp(rows, rows[good], series.interval_ms[good])
        return drawn
    left = np.maximum.accumulate(np.where(good, rows, -1))
    right = np.minimum.accumulate(np.where(good, rows, len(rows))[::-1])[::-1]
    value = np.stack([_in_run(series, side, rows) for side in (left, right)])
    weight = np.stack([right - rows, rows - left]).astype(np.float64)
    weight[np.isnan(value)] = 0.0
    total = weight.sum(axis=0)
    mixed = np.sum(weight * np.nan_to_num(value), axis=0) / np.where(total > 0, total, 1.0)
    return np.where(good | (total == 0), series.interval_ms, mixed)


def _in_run(series: _Series, at: Indices, rows: Indices) -> Floats:
    """The interval at each index, NaN where it lies outside the series or in another run."""
    inside = np.clip(at, 0, len(rows) - 1)
    known = (at == inside) & (series.run[inside] == series.run)
    return np.where(known, series.interval_ms[inside], np.nan)


def _shifted(values: NDArray[Scalar], run: Indices, step: int, absent: float = 0.0) -> NDArray[Scalar]:
    """The value `step` intervals later (earlier if negative) in the same run, else `absent`."""
    shifted = np.full(len(values), absent, dtype=values.dtype)
    distance = min(abs(step), len(values))
    early, late = slice(0, len(values) - distance), slice(distance, len(values))
    here, there = (early, late) if step > 0 else (late, early)
    if not len(run) or run[0] == run[-1]:
        shifted[here] = values[there]
    else:
        np.copyto(shifted[here], values[there], where=run[here] == run[there])
    return shifted


def rolling_quantiles(values: Floats, width: int, shares: tuple[float, ...]) -> Floats:
    """Centred running quantiles, interpolated linearly; (len(shares), n).

    NaN and what lies beyond the ends are left out; NaN where a window holds nothing.
    """
    quantiles = np.empty((len(shares), len(values)))
    padded = np.full(len(values) + width - 1, np.inf)
    np.copyto(padded[width // 2 : width // 2 + len(values)], values, where=~np.isnan(values))
    for start in range(0, len(values), _CHUNK_ROWS):
        rows = slice(start, min(start + _CHUNK_ROWS, len(values)))
        windows = np.sort(sliding_window_view(padded, width)[rows], axis=1)
        count = np.count_nonzero(np.isfinite(windows), axis=1)
        for quantile, share in zip(quantiles, shares, strict=True):
            quantile[rows] = _quantile(windows, count, share)
    return quantiles


def _quantile(windows: Floats, count: Indices, share: float) -> Floats:
    """Quantile of each sorted row's first `count` values."""
    position = share * np.maximum(count - 1, 0)
    low = np.floor(position).astype(np.intp)
    rows = np.arange(len(windows))
    lower, upper = windows[rows, low], windows[rows, np.ceil(position).astype(np.intp)]
    lower[count == 0] = upper[count == 0] = np.nan
    return lower + (upper - lower) * (position - low)
