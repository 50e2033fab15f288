"""The charts of progress: sessions as dots at their dates, weeks as columns, strategies as intervals.

All of it is placed by shares of the width, so nothing is stretched: one drawing serves screen and paper.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np

from pipeline.figures import NONE, number
from pipeline.model import Floats
from pipeline.report import svg
from pipeline.report.charts import Chart
from pipeline.report.progress_dates import INSET, Dates
from pipeline.report.svg import BLUE, GREY, INK, ORANGE, SOFT, Scale
from pipeline.report.tables import Table

_TOP, _PLOT, _LANE, _DATES = 18, 168, 16, 20  # pixels: names of stretches, dots, missing ones, dates
_ROW, _MARK = 26, 4.5
_MANY = 40  # sessions: from there on each is small and pale, and means of five show the course
_BAR_PX, _CELL_PX = 96, 22
_MOST_LABELS = 3  # of weeks: as many as a phone has room for
_LOG_STEPS = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)


class Look(StrEnum):
    """How a session's dot is drawn."""

    COUNTED = "counted"
    HABITUATION = "habituation"  # hollow
    APART = "apart"  # grey: not held against the reference
    PACED = "paced"  # hollow, in the colour of paced breathing


@dataclass(frozen=True, slots=True)
class Dot:
    """A session's value; None where it has none."""

    at: datetime
    value: float | None
    look: Look = Look.COUNTED
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Level:
    """A mean over sessions from `start` to `end`, with its interval where it has one."""

    start: datetime
    end: datetime
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Usual:
    """The reference, the band of a person's own ups and downs around it, and when both hold.

    `limits`, where there are any, are what a mean of several sessions has to pass to stand out.
    """

    start: datetime
    end: datetime
    value: float
    low: float
    high: float
    limits: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Stretch:
    """Sessions with one beat source, device and site; a letter stands for it in the chart."""

    letter: str
    start: datetime


@dataclass(frozen=True, slots=True)
class Course:
    """What is drawn over the sessions of one measure."""

    dots: tuple[Dot, ...]
    usual: Usual | None = None
    latest: Level | None = None
    means: tuple[Level, ...] = ()
    trend: tuple[tuple[datetime, float], tuple[datetime, float]] | None = None
    stretches: tuple[Stretch, ...] = ()
    marks: tuple[float, ...] = ()  # levels that mean something of themselves
    reference: bool = True  # as a line through its band


def course(
    key: str,
    title: str,
    unit: str,
    told: str,
    drawn: Course,
    *,
    log: bool = False,
    least: float = 1.0,
    floor: float | None = None,
    numbers: bool = True,
    legend: Sequence[tuple[str, str]] = (),
    table: Table | None = None,
    note: str = "",
) -> Chart | None:
    """Sessions as dots over their dates; None without a single value.

    `least` is the narrowest range of the axis (a factor if `log`): usual ups and downs should not look like
    an event.
    """
    values = _values(drawn)
    if not len(values):
        return None
    dates = Dates.of(dot.at for dot in drawn.dots)
    missing = any(dot.value is None for dot in drawn.dots)
    bottom = _TOP + _PLOT
    height = bottom + (_LANE if missing else 0) + _DATES
    scale = _Vertical(_range(values, log=log, least=least, floor=floor), log, bottom - 6, _TOP + 6)
    content = [
        *_grid(scale, numbers=numbers),
        *(_usual(dates, scale, drawn.usual, drawn.reference) if drawn.usual else []),
        *(svg.level(scale.at(value), SOFT, "6 4") for value in drawn.marks),
        *_stretches(dates, drawn.stretches, bottom),
        *_trend(dates, scale, drawn),
        *_dots(dates, scale, drawn.dots),
        *_means(dates, scale, drawn),
        *(_latest(dates, scale, drawn.latest) if drawn.latest else []),
        svg.level(bottom, "#8d99a6"),
        *_lane(dates, drawn.dots, bottom),
        *dates.labels(height - 5),
    ]
    return Chart(title, unit, svg.drawing(key, title, told, height, content), tuple(legend), table, note)


def many(count: int) -> bool:
    """Whether so many sessions are too many to look at one by one."""
    return count > _MANY


@dataclass(frozen=True, slots=True)
class _Vertical:
    """From a value to a height, evenly or by logarithm."""

    range: tuple[float, float]
    log: bool
    bottom: float
    top: float

    def at(self, value: float) -> float:
        low, high = self.range
        if self.log:
            return Scale(np.log(low), np.log(high), self.bottom, self.top).at(float(np.log(value)))
        return Scale(low, high, self.bottom, self.top).at(value)

    def steps(self) -> list[float]:
        """Round values that lie in the range."""
        low, high = self.range
        if not self.log:
            return svg.steps(low, high, 4)
        powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
        found = [step * 10.0**power for power in powers for step in _LOG_STEPS]
        return [value for value in found if low <= value <= high]


def _values(drawn: Course) -> Floats:
    """All that the axis must have room for; nothing without a dot."""
    dots = [dot.value for dot in drawn.dots if dot.value is not None]
    if not dots:
        return np.array([])
    band = drawn.usual
    usual = (band.low, band.high, *band.limits) if band else ()
    latest = (drawn.latest.low, drawn.latest.high) if drawn.latest else ()
    around = [value for value in (*usual, *latest) if value is not None]
    return np.array([*dots, *around, *drawn.marks], dtype=np.float64)


def _range(values: Floats, *, log: bool, least: float, floor: float | None) -> tuple[float, float]:
    if not log:
        return svg.rounded_range(values, least, floor)
    low, high = float(values.min()), float(values.max())
    spare = max(float(np.sqrt(least / (high / low))), 1.08)
    return low / spare, high * spare


def _grid(scale: _Vertical, *, numbers: bool) -> list[str]:
    steps = scale.steps()
    decimals = next((d for d in range(3) if all(abs(v - round(v, d)) < 1e-9 for v in steps)), 3)
    parts = []
    for value in steps if numbers else ():
        y = scale.at(value)
        parts += [svg.level(y), svg.axis_label(y, number(value, decimals))]
    return parts


def _usual(dates: Dates, scale: _Vertical, usual: Usual, reference: bool) -> list[str]:
    """The band, the reference as a line through it, and the limits."""
    start, end = dates.edges(usual.start, usual.end)
    top, bottom, middle = (scale.at(value) for value in (usual.high, usual.low, usual.value))
    return [
        svg.band(start, end, top, bottom - top, svg.COOL),
        *(_line(start, end, scale.at(value), scale.at(value), SOFT, 1, "1 3") for value in usual.limits),
        *([_line(start, end, middle, middle, BLUE, 1.25, "6 4")] if reference else []),
    ]


def _stretches(dates: Dates, stretches: Sequence[Stretch], bottom: float) -> list[str]:
    """A line where the device changed, and the letter of what came then; nothing if none did."""
    if len(stretches) < 2:
        return []
    parts = []
    for place, stretch in enumerate(stretches):
        share = dates.edges(stretch.start, stretch.start)[0] if place else 0.0
        if place:
            parts.append(svg.upright(share, 0, bottom, INK, "2 3"))
        parts.append(svg.text(share, 13, stretch.letter, dx=4, css="phase", fill=INK))
    return parts


def _trend(dates: Dates, scale: _Vertical, drawn: Course) -> list[str]:
    if drawn.trend is None:
        return []
    (start, first), (end, last) = drawn.trend
    return [_line(dates.share(start), dates.share(end), scale.at(first), scale.at(last), ORANGE, 1.5, "2 3")]


def _means(dates: Dates, scale: _Vertical, drawn: Course) -> list[str]:
    """A bar over each five sessions, in the colour of their dots."""
    color = ORANGE if any(dot.look is Look.PACED for dot in drawn.dots) else BLUE
    placed = [(each, scale.at(each.value)) for each in drawn.means]
    return [_line(dates.share(each.start), dates.share(each.end), y, y, color, 2.5) for each, y in placed]


def _latest(dates: Dates, scale: _Vertical, level: Level) -> list[str]:
    """The mean of the latest sessions as a bar over them, and its interval at its middle."""
    start, end = dates.share(level.start), dates.share(level.end)
    start, end = (start, end) if end - start > INSET else (start - INSET / 2, end + INSET / 2)
    y, middle = scale.at(level.value), svg.percentage((start + end) / 2)
    parts = []
    if level.low is not None and level.high is not None:
        parts.append(
            f'<line x1="{middle}" x2="{middle}" y1="{scale.at(level.low):.1f}" '
            f'y2="{scale.at(level.high):.1f}" stroke="{INK}" stroke-width="1.5"/>'
        )
    return [*parts, _line(start, end, y, y, INK, 3)]


def _dots(dates: Dates, scale: _Vertical, dots: Sequence[Dot]) -> list[str]:
    """All dots, each look in a group of its own; intervals of single sessions where there is room."""
    shown = [dot for dot in dots if dot.value is not None]
    small = many(len(shown))
    parts = [] if small else _whiskers(dates, scale, shown)
    for look, paint in _PAINT.items():
        circles = "".join(
            f'<circle cx="{svg.percentage(dates.share(dot.at))}" cy="{scale.at(dot.value):.1f}" '
            f'r="{2.5 if small else _MARK}"/>'
            for dot in shown
            if dot.look is look and dot.value is not None
        )
        pale = ' opacity=".5"' if small and look in (Look.COUNTED, Look.PACED) else ""
        parts += [f"<g {paint}{pale}>{circles}</g>"] if circles else []
    return parts


_PAINT = {
    Look.APART: f'fill="#fff" stroke="{SOFT}" stroke-width="1.25" stroke-dasharray="2 2"',
    Look.HABITUATION: f'fill="#fff" stroke="{BLUE}" stroke-width="2"',
    Look.PACED: f'fill="#fff" stroke="{ORANGE}" stroke-width="2"',
    Look.COUNTED: f'fill="{BLUE}"',
}


def _whiskers(dates: Dates, scale: _Vertical, dots: Sequence[Dot]) -> list[str]:
    low_y, high_y = scale.bottom + 6, scale.top - 6
    lines = []
    for dot in dots:
        if dot.low is None or dot.high is None or (scale.log and dot.low <= 0):
            continue
        x = svg.percentage(dates.share(dot.at))
        y1, y2 = (min(max(scale.at(value), high_y), low_y) for value in (dot.low, dot.high))
        lines.append(f'<line x1="{x}" x2="{x}" y1="{y1:.1f}" y2="{y2:.1f}"/>')
    return [f'<g stroke="#8d99a6">{"".join(lines)}</g>'] if lines else []


def _lane(dates: Dates, dots: Sequence[Dot], bottom: float) -> list[str]:
    """A dash below the axis for each session without a value."""
    return [
        svg.text(dates.share(dot.at), bottom + 13, NONE, anchor="middle") for dot in dots if dot.value is None
    ]


def _line(
    start: float, end: float, y1: float, y2: float, color: str, width: float = 1, dash: str = ""
) -> str:
    """A straight line between two shares of the width."""
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<line x1="{svg.percentage(start)}" x2="{svg.percentage(end)}" y1="{y1:.1f}" y2="{y2:.1f}" '
        f'stroke="{color}" stroke-width="{width}"{dashes}/>'
    )


@dataclass(frozen=True, slots=True)
class Column:
    """A week: the label under it, minutes, and a number for each row below, where there is one."""

    label: str
    minutes: float
    logged: tuple[float | None, ...]


def weeks(
    key: str,
    title: str,
    unit: str,
    told: str,
    columns: Sequence[Column],
    rows: Sequence[str],
    *,
    planned: float | None = None,
    legend: Sequence[tuple[str, str]] = (),
    table: Table | None = None,
    note: str = "",
) -> Chart | None:
    """Minutes of practice a week as bars, what the week held in a row each below; None without a week."""
    if not columns:
        return None
    most = max(*(week.minutes for week in columns), planned or 0.0, 1.0)
    scale = Scale(*svg.rounded_range(np.array([most]), 10.0, 0.0), _BAR_PX + 8, 8)
    bottom = scale.start
    height = round(bottom + _DATES + _CELL_PX * len(rows) + (8 if rows else 0))
    content = []
    for value in svg.steps(scale.low, scale.high, 3):
        content += [svg.level(scale.at(value)), svg.axis_label(scale.at(value), number(value))]
    content += [
        part for place, week in enumerate(columns) for part in _column(place, len(columns), week, scale)
    ]
    if planned:
        content.append(svg.level(scale.at(planned), INK, "6 4"))
    content.append(svg.level(bottom, "#8d99a6"))
    for row, name in enumerate(rows):
        y = bottom + _DATES + 8 + _CELL_PX * row + 14
        content += [svg.level(y - 15, GREY), svg.text(0, y, name, anchor="end", dx=-8, fill=INK)]
        content += [_logged(place, len(columns), week.logged[row], y) for place, week in enumerate(columns)]
    drawing = svg.drawing(key, title, told, height, content, css="plot rows")
    return Chart(title, unit, drawing, tuple(legend), table, note)


def _column(place: int, count: int, week: Column, scale: Scale) -> list[str]:
    """A bar, and the week's label where there is room."""
    width = 1 / count
    parts = []
    if week.minutes > 0:
        top = scale.at(week.minutes)
        parts.append(svg.band(width * (place + 0.18), width * (place + 0.82), top, scale.start - top, BLUE))
    if place % max(math.ceil(count / _MOST_LABELS), 1) == 0:
        at, anchor = (width * (place + 0.5), "middle") if place else (0.0, "start")
        parts.append(svg.text(at, scale.start + 14, week.label, anchor=anchor))
    return parts


def _logged(place: int, count: int, value: float | None, y: float) -> str:
    text = NONE if value is None else number(value, 0 if value == round(value) else 1)
    fill = SOFT if value is None else INK
    return svg.text((place + 0.5) / count, y, text, anchor="middle", fill=fill)


@dataclass(frozen=True, slots=True)
class Tendency:
    """A row: a name, an estimate with its interval, and the number in words; None where there is none."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    text: str


def tendencies(
    key: str,
    title: str,
    unit: str,
    told: str,
    rows: Sequence[Tendency],
    table: Table | None = None,
    note: str = "",
) -> Chart | None:
    """Estimates with their intervals, one below the other around zero; None if there is no estimate."""
    known = [value for row in rows for value in (row.value, row.low, row.high) if value is not None]
    if not known:
        return None
    low, high = svg.rounded_range(np.array([*known, 0.0]), 1.0)
    across = Scale(low, high, 0.03, 0.97)
    height = _ROW * len(rows) + _DATES
    steps = svg.steps(low, high, 3)
    content = [svg.upright(across.at(value), 0, height - _DATES, svg.GRID) for value in steps]
    content.append(svg.upright(across.at(0.0), 0, height - _DATES, SOFT, "4 3"))
    for place, row in enumerate(rows):
        content += _tendency(row, _ROW * place + 13, across)
    decimals = 0 if all(value == round(value) for value in steps) else 1
    content += [svg.text(across.at(v), height - 5, number(v, decimals), anchor="middle") for v in steps]
    return Chart(
        title, unit, svg.drawing(key, title, told, height, content, css="plot rows"), (), table, note
    )


def _tendency(row: Tendency, y: float, across: Scale) -> list[str]:
    parts = [svg.text(0, y + 4, svg.shortened(row.name, 19), anchor="end", dx=-8, fill=INK)]
    if row.value is None:
        return [*parts, svg.text(1, y + 4, NONE, dx=8)]
    if row.low is not None and row.high is not None:
        parts.append(_line(across.at(row.low), across.at(row.high), y, y, BLUE, 2))
    return [
        *parts,
        f'<circle cx="{svg.percentage(across.at(row.value))}" cy="{y}" r="5" fill="{BLUE}"/>',
        svg.text(1, y + 4, row.text, dx=8, fill=INK, css="value"),
    ]
