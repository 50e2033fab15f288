"""The charts of the project's own indices: arousal with its band, and the delayed model as a fan."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from pipeline.figures import NONE, number, share, shortest
from pipeline.indices.arousal import Arousal
from pipeline.indices.delayed_arousal import DelayedArousal
from pipeline.language import text, texts, together, told
from pipeline.model import Bools, Floats
from pipeline.report import svg
from pipeline.report.axis import HEAD, Axis
from pipeline.report.charts import Chart, span
from pipeline.report.svg import BLUE, ORANGE, Scale
from pipeline.report.tables import plain

_HEIGHT = 120
_MOST_BASES = 3
_LEAST_SHARE = 0.05  # of the time: what is rarer is not told
_SMOOTH_POINTS = 90  # a line that takes half an hour to rise needs no more


def arousal(axis: Axis, time_s: Floats, course: Arousal) -> Chart | None:
    """The index on its whole scale, the band around it, and the level of the baseline; None without a value.

    `time_s` (k,) at even steps; `course` has k values, NaN where the index abstains.
    """
    value, low, high = course.value, course.low, course.high
    known = np.isfinite(value)
    if not known.any():
        return None
    height = HEAD + _HEIGHT + axis.foot
    scale = Scale(0.0, 100.0, height - axis.foot - 4, HEAD + 6)
    drawn = [
        _area(axis, scale, time_s, low, high),
        svg.stroke(f"M0 {scale.at(50):.1f}H{svg.COLUMNS}", ORANGE, 1.25, "6 4"),
        _line(axis, scale, time_s, value),
    ]
    ground = [*axis.ground(height, "arousal-x"), *_grid(scale, (0, 25, 50, 75, 100))]
    content = [*ground, svg.stretched("".join(drawn), height)]
    told = text("arousal.told", low=number(np.nanmin(value)), high=number(np.nanmax(value)))
    rows = [
        [span(start_s, end_s), *_means(time_s, (value, low, high), start_s, end_s)]
        for start_s, end_s in axis.table_steps()
    ]
    return Chart(
        text("arousal.title"),
        text("arousal.unit"),
        svg.drawing("arousal", text("arousal.title"), told, height, content),
        (
            ("line", text("arousal.line")),
            ("band", text("arousal.band")),
            ("orange-dash", text("arousal.level")),
        ),
        plain(text("page.as_table", title=text("arousal.title")), texts("arousal.head"), rows),
        _arousal_note(course),
    )


def _arousal_note(course: Arousal) -> str:
    """What the scale means, what values rest on for how much of the time, and why a line is missing."""
    known = int(np.count_nonzero(np.isfinite(course.value)))
    counted = Counter(basis for basis in course.basis if basis is not None).most_common(_MOST_BASES)
    bases = [each for each in counted if each[1] >= _LEAST_SHARE * known]
    shares = [
        text("arousal.basis_share", basis=basis, share=share(count / known)) if count < known else told(basis)
        for basis, count in bases
    ]
    said = together("arousal.or_basis", shares)
    missing = [text("arousal.missing")] if known < len(course.value) else []
    return " ".join([text("arousal.scale"), text("arousal.bases", bases=said), *missing])


def delayed(axis: Axis, found: DelayedArousal, note: str) -> Chart | None:
    """The delayed model over the session, as a fan; None where no arousal stood out."""
    if not found.stands_out:
        return None
    time_s, low, mid, high = found.time_s, found.low, found.mid, found.high
    axis = replace(axis, events=())
    height = HEAD + 80 + axis.foot
    scale = Scale(*svg.rounded_range(high[np.isfinite(high)], 1.0, 0.0), height - axis.foot - 4, HEAD + 6)
    few = slice(None, None, 1 + len(time_s) // _SMOOTH_POINTS)
    drawn = [
        _area(axis, scale, time_s[few], low[few], high[few]),
        _line(axis, scale, time_s[few], mid[few]),
    ]
    levels = svg.steps(scale.low, scale.high, 3)
    content = [
        *axis.ground(height, "delayed-x"),
        *_grid(scale, levels),
        svg.stretched("".join(drawn), height),
    ]
    rows = [
        [span(start_s, end_s), *_means(time_s, (low, mid, high), start_s, end_s, 1)]
        for start_s, end_s in axis.table_steps()
    ]
    return Chart(
        text("delayed.title"),
        text("units.arbitrary"),
        svg.drawing("delayed", text("delayed.title"), note, height, content),
        (("line", text("delayed.line")), ("band", text("delayed.band"))),
        plain(text("page.as_table", title=text("delayed.title")), texts("delayed.head"), rows),
        note,
        screen_only=True,
    )


def _linked(known: Bools) -> Bools:
    """Of the known points, those that follow a known one directly."""
    return np.asarray((known & np.append(False, known[:-1]))[known])


def _line(axis: Axis, scale: Scale, time_s: Floats, value: Floats) -> str:
    known = np.isfinite(value)
    return svg.stroke(
        svg.path(axis.columns(time_s[known]), scale.at_all(value[known]), _linked(known)), BLUE, 1.75
    )


def _area(axis: Axis, scale: Scale, time_s: Floats, low: Floats, high: Floats) -> str:
    """The filled band between two lines, one shape for each unbroken stretch."""
    known = np.isfinite(low) & np.isfinite(high)
    rows = np.flatnonzero(known)
    stretches = np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1) if len(rows) else []
    data = "".join(
        svg.area(
            *(
                np.round(c)
                for c in (axis.columns(time_s[each]), scale.at_all(low[each]), scale.at_all(high[each]))
            )
        )
        for each in stretches
    )
    return f'<path d="{data}" fill="{BLUE}" fill-opacity=".17"/>' if data else ""


def _grid(scale: Scale, values: tuple[float, ...] | list[float]) -> list[str]:
    return [
        part
        for value in values
        for part in (svg.level(scale.at(value)), svg.axis_label(scale.at(value), shortest(value)))
    ]


def _means(
    time_s: Floats, columns: tuple[Floats, ...], start_s: float, end_s: float, decimals: int = 0
) -> list[str]:
    inside = (time_s >= start_s) & (time_s < end_s)
    known = [column[inside & np.isfinite(column)] for column in columns]
    return [number(float(values.mean()), decimals) if len(values) else NONE for values in known]
