"""The breathing rate over time, as far as a signal tells it, beside the pacer that was set."""

from __future__ import annotations

import numpy as np

from pipeline.breathing.rate import Breathing, RespSource, Sources, breathing_columns
from pipeline.figures import NONE, number
from pipeline.language import text, texts
from pipeline.model import Bools, Floats
from pipeline.report import svg
from pipeline.report.axis import HEAD, Axis
from pipeline.report.charts import Chart, span
from pipeline.report.svg import BLUE, ORANGE, Scale
from pipeline.report.tables import plain

_HEIGHT = 90
_WINDOW_S, _STEP_S = 60.0, 15.0
_MOST_WINDOWS = 720
_LEAST_RANGE_BPM = 6.0
_FEWEST, _LEAST_KNOWN = 4, 0.1  # minutes, and their share, for a line that says anything


def breathing(axis: Axis, sources: Sources) -> Chart | None:
    """Breathing rate over the minute around each place, and the pacer's; None where few minutes have one."""
    step_s = max(_STEP_S, axis.duration_s / _MOST_WINDOWS)
    start_s = np.arange(0.0, max(axis.duration_s - _WINDOW_S, 0.0) + 1e-6, step_s)
    found = breathing_columns(sources, start_s, start_s + _WINDOW_S)
    known = np.isfinite(found.rate_bpm)
    if np.count_nonzero(known) < max(_FEWEST, _LEAST_KNOWN * len(known)):
        return None
    middle_s = start_s + _WINDOW_S / 2
    paced = [(p.start_s, p.end_s, p.pacer.breaths_per_min) for p in axis.phases if p.pacer is not None]
    around = np.concatenate([found.rate_bpm[known], [bpm for _, _, bpm in paced]])
    height = HEAD + _HEIGHT + axis.foot
    scale = Scale(*svg.rounded_range(around, _LEAST_RANGE_BPM), height - axis.foot - 4, HEAD + 6)
    line = svg.path(axis.columns(middle_s[known]), scale.at_all(found.rate_bpm[known]), _linked(known))
    pacer = "".join(
        f"M{svg.COLUMNS * axis.share(begin):.4g} {scale.at(bpm):.1f}H{svg.COLUMNS * axis.share(end):.4g}"
        for begin, end, bpm in paced
    )
    drawn = svg.stroke(pacer, ORANGE, 1.5, "6 4") + svg.stroke(line, BLUE, 1.75)
    levels = [
        part
        for value in svg.steps(scale.low, scale.high, 3)
        for part in (svg.level(scale.at(value)), svg.axis_label(scale.at(value), number(value)))
    ]
    content = [*axis.ground(height, "breath-x"), *levels, svg.stretched(drawn, height)]
    title = text("breathing_chart.title")
    told = text(
        "breathing_chart.told",
        low=number(float(np.nanmin(found.rate_bpm)), 1),
        high=number(float(np.nanmax(found.rate_bpm)), 1),
    )
    legend = [("line", text("breathing_chart.line"))]
    if paced:
        legend.append(("orange-dash", text("breathing_chart.pacer")))
    return Chart(
        title,
        text("breathing_chart.unit"),
        svg.drawing("breath", title, told, height, content),
        tuple(legend),
        plain(
            text("page.as_table", title=title), texts("breathing_chart.head"), _rows(axis, middle_s, found)
        ),
        _note(found, known),
    )


def _note(found: Breathing, known: Bools) -> str:
    """Where it was read, and why the line is missing where it is."""
    read = {source for source in found.source if source is not None}
    told = [text(f"breathing_chart.from.{source}") for source in RespSource if source in read]
    return " ".join([*told, *([] if known.all() else [text("breathing_chart.missing")])])


def _rows(axis: Axis, middle_s: Floats, found: Breathing) -> list[list[str]]:
    rows = []
    for start_s, end_s in axis.table_steps():
        inside = found.rate_bpm[(middle_s >= start_s) & (middle_s < end_s) & np.isfinite(found.rate_bpm)]
        rows.append([span(start_s, end_s), number(float(inside.mean()), 1) if len(inside) else NONE])
    return rows


def _linked(known: Bools) -> Bools:
    """Of the known points, those that follow a known one directly."""
    return np.asarray((known & np.append(False, known[:-1]))[known])
