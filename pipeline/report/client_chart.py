"""The one picture of the client's edition: a calm line, what was done along it, one's own baseline as a band.

There are no numbers up the side: what matters is where the line runs beside the band.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from pipeline.figures import NONE, THIN, clock, number
from pipeline.language import text, texts
from pipeline.model import Bools, Floats
from pipeline.regulation.measures import measures_of
from pipeline.regulation.near_baseline import BAND
from pipeline.report import svg
from pipeline.report.axis import FOOT, Axis
from pipeline.report.charts import Chart, span
from pipeline.report.names import phase_name
from pipeline.report.svg import BLUE, COLUMNS, INK, Scale
from pipeline.report.tables import plain

if TYPE_CHECKING:
    from pipeline.analysis import Analysis

_HEAD, _PLOT = 40, 170
_ROWS = (14, 31)  # where names of phases stand, below each other
_SMOOTH_S = 60.0
_LEAST_SPAN = 30.0
_RATE_STEP_S, _RATE_S = 15.0, 60.0
_LEAST_RANGE_BPM = 20.0
_BAND, _EDGE = "#d3e5e1", "#d5dbe1"
_WIDE_PX, _NARROW_PX = 620, 320
_BOLDER = 1.25  # names of phases are wider than labels
_MOST_MOMENTS = 6
_AT_EDGE = 0.95  # from here on a label ends at its moment, to stay on the page
_ENDS = (1.0, 99.0)  # of the index: beyond them a line seems to stand still


def calm(analysis: Analysis) -> Chart | None:
    """Signs of arousal beside one's own baseline, else the heart rate; None where neither can be drawn."""
    axis = Axis(analysis.recording.duration_s, analysis.recording.phases)
    return _arousal(analysis, axis) or _rate(analysis, axis)


def _arousal(analysis: Analysis, axis: Axis) -> Chart | None:
    indices = analysis.signals.indices
    if indices is None or indices.reference is None:
        return None
    time_s, value = indices.time_s, indices.course.value
    if np.count_nonzero(np.isfinite(value)) < 2:
        return None
    smooth = _smoothed(time_s, value)
    low = min(float(np.nanmin(smooth)), 50 - _LEAST_SPAN) - 2
    high = max(float(np.nanmax(smooth)), 50 + _LEAST_SPAN) + 2
    scale = Scale(low, high, _HEAD + _PLOT - 4, _HEAD + 4)
    top, bottom = scale.at(BAND[1]), scale.at(BAND[0])
    under = [
        svg.band(0, 1, top, bottom - top, _BAND),
    ]
    title = text("client.picture")
    return Chart(
        title,
        "",
        _drawing(axis, title, text("client.picture_told"), under, _line(axis, scale, time_s, smooth), "plot"),
        legend=(("near", text("client.near_baseline")),),
        table=plain(
            text("page.as_table", title=title),
            texts("client.picture_head"),
            [[span(a, b), _place(time_s, value, a, b)] for a, b in axis.table_steps()],
        ),
        note=_picture_note(smooth),
    )


def _picture_note(smooth: Floats) -> str:
    at_end = np.any((smooth <= _ENDS[0]) | (smooth >= _ENDS[1]))
    note = text("client.picture_note")
    return f"{note} {text('client.picture_end')}" if at_end else note


def _place(time_s: Floats, value: Floats, start_s: float, end_s: float) -> str:
    """Where the signs of arousal lay in a stretch, in words."""
    inside = value[(time_s >= start_s) & (time_s < end_s) & np.isfinite(value)]
    if not len(inside):
        return NONE
    mean = float(inside.mean())
    where = "above" if mean > BAND[1] else "below" if mean < BAND[0] else "near"
    return text(f"client.{where}")


def _rate(analysis: Analysis, axis: Axis) -> Chart | None:
    """The heart rate over a minute, where there is no baseline to hold arousal against."""
    if analysis.beats is None or axis.duration_s < _RATE_S:
        return None
    starts = np.arange(0.0, axis.duration_s - _RATE_S + 1e-6, max(_RATE_STEP_S, axis.duration_s / COLUMNS))
    value = measures_of(analysis.signals, ())["mean_hr_bpm"].over(starts, starts + _RATE_S)
    known = np.isfinite(value)
    if np.count_nonzero(known) < 2:
        return None
    time_s = starts + _RATE_S / 2
    scale = Scale(*svg.rounded_range(value[known], _LEAST_RANGE_BPM), _HEAD + _PLOT - 4, _HEAD + 4)
    levels = [
        part
        for level in svg.steps(scale.low, scale.high, 3)
        for part in (svg.level(scale.at(level)), svg.axis_label(scale.at(level), number(level)))
    ]
    title, told = text("client.heart_picture"), text("client.heart_picture_told")
    rows = [[span(a, b), _mean(value[known & (time_s >= a) & (time_s < b)])] for a, b in axis.table_steps()]
    return Chart(
        title,
        text("units.bpm"),
        _drawing(axis, title, told, levels, _line(axis, scale, time_s, value), "plot scaled"),
        table=plain(text("page.as_table", title=title), texts("client.heart_picture_head"), rows),
        note=text("client.heart_picture_note"),
    )


def _mean(values: Floats) -> str:
    return number(float(values.mean())) if len(values) else NONE


def _smoothed(time_s: Floats, value: Floats) -> Floats:
    """Means of a minute around each place, over what is known; NaN where nothing is."""
    step_s = float(time_s[1] - time_s[0]) if len(time_s) > 1 else _SMOOTH_S
    kernel = np.ones(1 + 2 * int(_SMOOTH_S / 2 // step_s))
    known = np.isfinite(value)
    sums = np.convolve(np.where(known, value, 0.0), kernel, "same")
    counts = np.convolve(known.astype(np.float64), kernel, "same")
    smooth = np.full(len(value), np.nan)
    smooth[known] = sums[known] / counts[known]
    return smooth


def _line(axis: Axis, scale: Scale, time_s: Floats, value: Floats) -> str:
    known = np.isfinite(value)
    data = svg.path(axis.columns(time_s[known]), scale.at_all(value[known]), _linked(known))
    return svg.stroke(data, BLUE, 2.5)


def _linked(known: Bools) -> Bools:
    return np.asarray((known & np.append(False, known[:-1]))[known])


def _drawing(axis: Axis, title: str, told: str, under: list[str], line: str, css: str) -> Markup:
    """The line over what lies under it, between the names of what was done and the minutes."""
    height = _HEAD + _PLOT + FOOT
    bottom = _HEAD + _PLOT
    edges: list[str] = []
    for phase in axis.phases:
        start = axis.share(phase.start_s)
        edges += [svg.upright(start, 0, bottom, _EDGE)] if start > 0 else []
    minutes = [
        svg.text(share, height - 4, told, anchor="end" if share > _AT_EDGE else "middle")
        for share, told in time_labels(axis.duration_s)
    ]
    content = [*under, *edges, *_names(axis), svg.level(bottom, _EDGE), *minutes, svg.stretched(line, height)]
    return svg.drawing("calm", title, told, height, content, css=css)


def time_labels(duration_s: float) -> list[tuple[float, str]]:
    """The moments below the picture, as a share of its width and in words, with room for each on a phone.

    One past `_AT_EDGE` ends at its moment; the others stand around theirs.
    """
    every = svg.time_steps(duration_s)
    for step in range(2 if len(every) > _MOST_MOMENTS else 1, len(every)):
        moments = every[::step]
        labels = [(at_s / duration_s, told) for at_s, told in zip(moments, _moments(moments), strict=True)]
        spans = [label_span(share, told) for share, told in labels]
        if all(before[1] < after[0] for before, after in pairwise(spans)):
            return labels
    return [(0.0, _moments(every[:1])[0])]


def label_span(share: float, told: str) -> tuple[float, float]:
    """Where on a phone a label begins and ends, in pixels."""
    wide, at = svg.room_for(told), share * _NARROW_PX
    return (at - wide, at) if share > _AT_EDGE else (at - wide / 2, at + wide / 2)


def _moments(at_s: list[float]) -> list[str]:
    """Times as plain minutes, the last with its unit; as m:ss where they are not whole minutes."""
    if any(each % 60 for each in at_s):
        return [clock(each) for each in at_s]
    told = [number(each / 60) for each in at_s]
    return [*told[:-1], f"{told[-1]}{THIN}{text('units.min')}"]


def _names(axis: Axis) -> list[str]:
    """What was done, above where it began: on paper, and on a phone, where there is less room."""
    wide, narrow = (phase_labels(axis, px) for px in (_WIDE_PX, _NARROW_PX))
    shown = [(wide, "phase")] if wide == narrow else [(wide, "phase wide"), (narrow, "phase narrow")]
    return [
        svg.text(share, _ROWS[row], name, dx=-5 if anchor == "end" else 5, anchor=anchor, css=css, fill=INK)
        for labels, css in shown
        for share, row, anchor, name in labels
    ]


def phase_labels(axis: Axis, px: float) -> list[tuple[float, int, str, str]]:
    """Share of the width, row, anchor and name of each phase that has room in one of two rows.

    A name may run on past its phase; one that would leave the picture ends where its phase does.
    """
    free = [0.0] * len(_ROWS)
    labels = []
    for phase in axis.phases:
        name = phase_name(phase)
        needed = svg.room_for(name) * _BOLDER
        share, anchor = axis.share(phase.start_s), "start"
        begin = share * px
        if begin + needed > px:
            share, anchor = axis.share(phase.end_s), "end"
            begin = share * px - needed
        row = next((row for row, at in enumerate(free) if begin >= at), None)
        if row is not None:
            free[row] = begin + needed
            labels.append((share, row, anchor, name))
    return labels
