"""Where beats should have been: the corrected series beside the measured one, which stays as it is.

A streak of excluded intervals between two normal ones begins and ends with a beat that can be trusted. If
a whole number of intervals like its neighbours' fits in between, the beats inside are put there; otherwise
nothing is made up and the streak stays excluded. numpy only.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pipeline.heart.beats import BeatKind, Beats, Kinds
from pipeline.model import Bools, Floats

_MISFIT = 0.15  # how far, as a share, the intervals put in may be from those around
_MOST_ROWS, _MOST_PUT_IN = 8, 2  # of one streak; more than that is not a beat or two gone wrong


def corrected_times(beats: Beats) -> Floats:
    """The time at which each beat should have come, in s; a new column beside `time_s`, (n,).

    NaN for a beat that was none (an extra one), and the measured time where nothing is to be corrected or
    can be. A missed beat has no row: see `interpolated`.
    """
    time_s = beats.time_s.copy()
    for rows, ends_s in _respaced(beats):
        time_s[rows] = _matched(beats.time_s[rows], ends_s)
    return time_s


def interpolated(beats: Beats) -> Beats:
    """The beats with what can be corrected put right: extra ones gone, missed ones in, early ones moved.

    Corrected intervals are NORMAL and take the time they took before, so nothing after them moves; what
    can't be corrected keeps its label. For measures that need an unbroken series: differences between made
    intervals say little of the vagus.
    """
    streaks = list(_respaced(beats))
    if not streaks:
        return beats
    parts: list[tuple[Floats, Floats, Kinds]] = []
    done = 0
    for rows, ends_s in streaks:
        kept = slice(done, rows.start)
        began_s = beats.time_s[rows.start - 1]
        made_ms = np.diff(ends_s, prepend=began_s) * 1000.0
        parts.append((beats.time_s[kept], beats.interval_ms[kept], beats.kind[kept]))
        parts.append((ends_s, made_ms, np.full(len(ends_s), BeatKind.NORMAL, dtype=np.int8)))
        done = rows.stop
    parts.append((beats.time_s[done:], beats.interval_ms[done:], beats.kind[done:]))
    time_s, interval_ms, kind = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Beats(time_s, interval_ms, kind)


def _respaced(beats: Beats) -> Iterator[tuple[slice, Floats]]:
    """The rows of each streak that can be corrected, and where the intervals in it should end."""
    nn, follows = beats.nn, beats.adjacent
    edges = np.flatnonzero(np.diff(nn.astype(np.int8)))
    for before, last in zip(*_streaks(nn, edges), strict=True):
        rows = slice(before + 1, last + 1)
        if last - before > _MOST_ROWS or not follows[before + 1 : last + 2].all():
            continue
        ends_s = _ends(beats, before, last)
        if ends_s is not None:
            yield rows, ends_s


def _streaks(nn: Bools, edges: NDArray[np.intp]) -> tuple[list[int], list[int]]:
    """Of each streak between two normal intervals: the row before it, and its last row."""
    falls, rises = edges[nn[edges]], edges[~nn[edges]]
    if len(falls):
        rises = rises[rises > falls[0]]
    return falls[: len(rises)].tolist(), rises[: len(falls)].tolist()


def _ends(beats: Beats, before: int, last: int) -> Floats | None:
    """Ends of the intervals that fit between two normal ones, or None where no whole number does."""
    first_ms, next_ms = beats.interval_ms[before], beats.interval_ms[last + 1]
    began_s, ended_s = beats.time_s[before], beats.time_s[last]
    usual_ms, whole_ms = (first_ms + next_ms) / 2, (ended_s - began_s) * 1000.0
    if not usual_ms > 0:
        return None
    count = max(round(whole_ms / usual_ms), 1)
    misfit_ms = abs(whole_ms / count - usual_ms)
    if misfit_ms > _MISFIT * usual_ms or count - (last - before) > _MOST_PUT_IN:
        return None
    lengths = np.linspace(first_ms, next_ms, count + 2)[1:-1]
    ends_s: Floats = began_s + (ended_s - began_s) * np.cumsum(lengths) / np.sum(lengths)
    ends_s[-1] = ended_s
    return ends_s


def _matched(measured_s: Floats, ends_s: Floats) -> Floats:
    """For each measured beat its place among the corrected ones, in order; NaN if there are too few."""
    spare = len(measured_s) - len(ends_s)
    if spare < 0:
        return _matched_few(measured_s, ends_s)
    matched = np.full(len(measured_s), np.nan)
    at = 0
    for index, end_s in enumerate(ends_s.tolist()):
        latest = spare + index + 1
        at += int(np.argmin(np.abs(measured_s[at:latest] - end_s)))
        matched[at] = end_s
        at += 1
    return matched


def _matched_few(measured_s: Floats, ends_s: Floats) -> Floats:
    """The nearest corrected place of each measured beat, in order, where there are more places."""
    places = _matched(ends_s, measured_s)
    return ends_s[~np.isnan(places)]
