"""The course of recovery after each challenge: what was measured, the fitted curve, and half of it gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipeline.figures import HEART_RATE, NONE, SCL, Quantity, clock, number, percent
from pipeline.language import text, texts, told
from pipeline.model import Floats, Phase
from pipeline.regulation.blocks import Measure
from pipeline.regulation.curves import Curve
from pipeline.regulation.measures import measures_of
from pipeline.regulation.phases import baseline_of, following
from pipeline.regulation.recovery import Recovery, Share
from pipeline.report import svg
from pipeline.report.axis import FOOT
from pipeline.report.charts import Chart, levels
from pipeline.report.names import HeartWords, measure
from pipeline.report.svg import BLUE, COLUMNS, INK, ORANGE, SOFT, Scale
from pipeline.report.tables import Cell, Group, Notes, Row, Table, plain

if TYPE_CHECKING:
    from pipeline.analysis import Analysis

_HEIGHT = 150
_MOST_POINTS = 70
_STEPS_S = (5.0, 10.0, 15.0, 30.0, 60.0)
_MOST_CHARTS = 4
_OUR_NAMES = {"mean_hr_bpm": "mean_hr_bpm", "scl_us": "ln_scl"}  # a curve's measure to that of its recovery
_QUANTITIES = {"mean_hr_bpm": HEART_RATE, "scl_us": SCL}
_LEAST_RANGE = {"mean_hr_bpm": 8.0, "scl_us": 0.5}


def recovery_charts(analysis: Analysis, words: HeartWords) -> tuple[Chart, ...]:
    """A chart for each curve that could be fitted, four at the most."""
    measures = measures_of(analysis.signals, ())
    found = [each for each in analysis.curves if each.half_time_s is not None][:_MOST_CHARTS]
    shown = [
        _Shown.of(analysis, each, measures[each.measure], words, f"course-{place}")
        for place, each in enumerate(found)
    ]
    return tuple(each.chart() for each in shown if each is not None)


def recovery_table(analysis: Analysis, words: HeartWords) -> Table | None:
    """Half-times and what was left at first, a group for each challenge; None where no course was looked for.

    What was left at the end stands in the table of changes.
    """
    notes = Notes()
    recoveries = {(each.challenge_start_s, each.measure): each for each in analysis.recovery}
    groups: dict[float, list[Row]] = {}
    names: dict[float, str] = {}
    for each in analysis.curves:
        after = recoveries.get((each.start_s, _OUR_NAMES[each.measure]))
        names[each.start_s] = each.challenge
        groups.setdefault(each.start_s, []).append(
            Row(measure(each.measure, words), _cells(each, after, notes))
        )
    if not groups:
        return None
    head = tuple((label, "") for label in texts("recovery_chart.table_head"))
    body = tuple(Group(tuple(rows), told(names[start_s])) for start_s, rows in groups.items())
    return Table(text("recovery_chart.caption"), head, body, notes.listed())


def _cells(each: Curve, after: Recovery | None, notes: Notes) -> tuple[Cell, ...]:
    early = _share(after.early if after is not None else None, notes)
    if each.half_time_s is None or each.low is None or each.high is None:
        missing = notes.missing(each.reason or text("phases.not_computed"))
        return (missing, missing, missing, early)
    level = _QUANTITIES[each.measure].with_unit(each.level) if each.level is not None else NONE
    interval = text("grammar.low_to_high", low=clock(each.low), high=clock(each.high))
    return (Cell(clock(each.half_time_s)), Cell(interval), Cell(level), early)


def _share(share: Share | None, notes: Notes) -> Cell:
    if share is None:
        return notes.missing(text("change.no_recovery"))
    if share.left is None or share.low is None or share.high is None:
        return notes.missing(share.reason or text("phases.not_computed"))
    if (why := share.too_wide) is not None:
        return notes.missing(why)
    low, high = number(100 * share.low), percent(100 * share.high)
    return Cell(percent(100 * share.left), detail=text("grammar.low_to_high", low=low, high=high))


@dataclass(frozen=True, slots=True, eq=False)
class _Shown:
    """A curve with the bins it was fitted to: seconds since the challenge's end, and values."""

    key: str
    curve: Curve
    quantity: Quantity
    name: str
    baseline: tuple[str, float] | None
    length_s: float
    step_s: float
    since_s: Floats
    value: Floats
    fitted_s: Floats
    fitted: Floats

    @classmethod
    def of(
        cls, analysis: Analysis, curve: Curve, measured: Measure, words: HeartWords, key: str
    ) -> _Shown | None:
        phases = analysis.recording.phases
        challenge = next((each for each in phases if each.start_s == curve.start_s), None)
        after = following(phases, challenge) if challenge is not None else None
        if challenge is None or after is None or not curve.fitted:
            return None
        length_s = after.end_s - challenge.end_s
        step_s = next((step for step in _STEPS_S if length_s / step <= _MOST_POINTS), length_s / _MOST_POINTS)
        edges = np.asarray(challenge.end_s + step_s * np.arange(int(length_s // step_s) + 1), np.float64)
        value = measured.over(edges[:-1], edges[1:])
        known = np.isfinite(value)
        fitted = np.array(curve.fitted, dtype=np.float64)
        return cls(
            key,
            curve,
            _QUANTITIES[curve.measure],
            measure(curve.measure, words),
            _usual(measured, baseline_of(phases)),
            length_s,
            step_s,
            np.asarray(edges[:-1] + step_s / 2 - challenge.end_s, np.float64)[known],
            value[known],
            fitted[:, 0] - challenge.end_s,
            fitted[:, 1],
        )

    def chart(self) -> Chart:
        around = np.concatenate([self.value, self.fitted, [self.baseline[1]] if self.baseline else []])
        scale = Scale(*svg.rounded_range(around, _LEAST_RANGE[self.curve.measure]), _HEIGHT - FOOT - 3, 8)
        title = text("recovery_chart.title", measure=self.name, challenge=self.curve.challenge)
        half_s, low, high = (
            each or 0.0 for each in (self.curve.half_time_s, self.curve.low, self.curve.high)
        )
        told = text("recovery_chart.told", half=clock(half_s), low=clock(low), high=clock(high))
        content = [
            *levels(scale, 4),
            *self._half(scale, half_s),
            *([svg.level(scale.at(self.baseline[1]), ORANGE, "6 4")] if self.baseline else []),
            self._points(scale),
            svg.stretched(svg.stroke(self._line(scale), INK, 1.75), _HEIGHT),
            svg.level(_HEIGHT - FOOT, SOFT),
            *self._minutes(),
        ]
        legend = [
            ("points", text("recovery_chart.points", seconds=number(self.step_s))),
            ("ink", text("recovery_chart.fitted")),
            *(
                [("orange-dash", text("recovery_chart.level", baseline=self.baseline[0]))]
                if self.baseline
                else []
            ),
        ]
        return Chart(
            title,
            self.quantity.unit,
            svg.drawing(self.key, title, told, _HEIGHT, content),
            tuple(legend),
            plain(text("page.as_table", title=title), texts("recovery_chart.head"), self._rows()),
            told,
        )

    def _share(self, seconds: float) -> float:
        return min(max(seconds / self.length_s, 0.0), 1.0)

    def _points(self, scale: Scale) -> str:
        circles = "".join(
            f'<circle cx="{svg.percentage(self._share(at_s))}" cy="{scale.at(value):.1f}" r="2"/>'
            for at_s, value in zip(self.since_s.tolist(), self.value.tolist(), strict=True)
        )
        return f'<g fill="{BLUE}">{circles}</g>'

    def _line(self, scale: Scale) -> str:
        x = np.asarray(np.clip(self.fitted_s / self.length_s, 0.0, 1.0) * COLUMNS)
        linked = np.append(False, np.ones(len(x) - 1, dtype=bool))
        return svg.path(x, scale.at_all(self.fitted), linked)

    def _half(self, scale: Scale, half_s: float) -> list[str]:
        share = self._share(half_s)
        anchor, dx = ("end", -4.0) if share > 0.6 else ("start", 4.0)
        label = text("recovery_chart.half", time=clock(half_s))
        falls = self.fitted[0] > self.fitted[-1]  # then there is room above the curve, else below
        return [
            svg.upright(share, scale.end, _HEIGHT - FOOT, SOFT, "3 3"),
            svg.text(
                share, scale.end + 8 if falls else _HEIGHT - FOOT - 6, label, anchor=anchor, dx=dx, fill=INK
            ),
        ]

    def _minutes(self) -> list[str]:
        return [
            svg.text(self._share(at_s), _HEIGHT - 5, clock(at_s), anchor="middle")
            for at_s in svg.time_steps(self.length_s)
        ]

    def _rows(self) -> Sequence[Sequence[str]]:
        rows = []
        for begin_s in np.arange(0.0, self.length_s, 30.0).tolist():
            inside = self.value[(self.since_s >= begin_s) & (self.since_s < begin_s + 30.0)]
            fitted = float(np.interp(begin_s + 15.0, self.fitted_s, self.fitted))
            mean = self.quantity.text(float(inside.mean())) if len(inside) else NONE
            rows.append([clock(begin_s), mean, self.quantity.text(fitted)])
        return rows


def _usual(measured: Measure, baseline: Phase | None) -> tuple[str, float] | None:
    """The baseline's name and its level in the curve's own unit."""
    if baseline is None:
        return None
    level = float(measured.over(np.array([baseline.start_s]), np.array([baseline.end_s]))[0])
    return (baseline.name, level) if np.isfinite(level) else None
