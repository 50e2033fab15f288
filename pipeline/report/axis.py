"""The time axis that all charts of a session share, and what lies under their data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.figures import clock
from pipeline.model import Floats, Phase, PhaseKind
from pipeline.report import svg
from pipeline.report.names import phase_name
from pipeline.report.svg import COLUMNS, GREY, INK, SOFT

Spans = Sequence[tuple[float, float]]

HEAD, FOOT = 20, 20  # pixels for the names of phases, and for the time
_EVENT_NUMBERS = 15
_MANY_EVENTS = 12
_WIDE_PX, _NARROW_PX = 610, 290  # the least a plot is wide on paper, and on a phone
_TABLE_ROWS, _MOST_TABLE_ROWS = 20, 300
_TABLE_STEPS_S = (10, 20, 30, 60, 120, 300, 600, 900, 1800, 3600)
_DIGIT_PX = 7
_MARGIN_LETTERS = 5  # half of so many letters fit into the margin of a phone
_RULE = "#8d99a6"
_TINTS = {PhaseKind.STRESSOR: svg.WARM, PhaseKind.PACED: svg.COOL}


@dataclass(frozen=True, slots=True)
class Event:
    """A numbered moment of the list of markers."""

    number: int
    time_s: float


@dataclass(frozen=True, slots=True)
class Axis:
    """From the session's time to a place in the plot."""

    duration_s: float
    phases: tuple[Phase, ...]
    events: tuple[Event, ...] = ()
    numbered: bool = True

    @property
    def after_first(self) -> Axis:
        """The axis of the charts below the first: of many markers only that has the numbers."""
        return replace(self, numbered=len(self.events) <= _MANY_EVENTS)

    def share(self, time_s: float) -> float:
        """Where a moment lies, 0 to 1."""
        return min(max(time_s / self.duration_s, 0.0), 1.0) if self.duration_s > 0 else 0.0

    def columns(self, time_s: Floats) -> Floats:
        """Where moments lie, in columns of the stretched drawing."""
        return np.asarray(np.clip(time_s / max(self.duration_s, 1e-9), 0.0, 1.0) * COLUMNS)

    @property
    def foot(self) -> int:
        """Pixels below the plot."""
        return FOOT + (_EVENT_NUMBERS if self.events and self.numbered else 0)

    def table_steps(self) -> list[tuple[float, float]]:
        """The stretches that a table has a row for: about twenty of a round length, never more than 300."""
        step = next((s for s in _TABLE_STEPS_S if self.duration_s / s <= _TABLE_ROWS), 7200)
        step_s = max(float(step), self.duration_s / _MOST_TABLE_ROWS)
        starts = np.arange(0.0, max(self.duration_s - 1e-6, 1e-6), step_s).tolist()
        return [(start_s, min(start_s + step_s, self.duration_s)) for start_s in starts]

    def merged(self, spans: Spans) -> list[tuple[float, float]]:
        """Spans less than a column apart as one: what can't be seen apart isn't drawn apart."""
        least_s = self.duration_s / COLUMNS
        merged: list[tuple[float, float]] = []
        for start_s, end_s in sorted(spans):
            if merged and start_s - merged[-1][1] <= least_s:
                merged[-1] = (merged[-1][0], max(merged[-1][1], end_s))
            else:
                merged.append((start_s, end_s))
        return merged

    def bands(self, spans: Spans, top: float, height: float, fill: str) -> list[str]:
        """A box for each span."""
        boxes = "".join(
            svg.band(self.share(start_s), self.share(end_s), top, height)
            for start_s, end_s in self.merged(spans)
        )
        return [f'<g fill="{fill}">{boxes}</g>'] if boxes else []

    def ground(
        self, height: float, key: str, gaps: Spans = (), excluded: Spans = (), marked: Spans = ()
    ) -> list[str]:
        """What lies under the data: phases, gaps, spans left out by rule or mark, time, markers' numbers."""
        bottom = height - self.foot
        tinted = [(phase, _TINTS[phase.kind]) for phase in self.phases if phase.kind in _TINTS]
        return [
            *([svg.hatch(key)] if gaps else []),
            *(
                svg.band(self.share(phase.start_s), self.share(phase.end_s), 0, bottom, tint)
                for phase, tint in tinted
            ),
            *self.bands(marked, HEAD, bottom - HEAD, svg.MARK),
            *self.bands(excluded, HEAD, bottom - HEAD, GREY),
            *self.bands(gaps, HEAD, bottom - HEAD, f"url(#{key})"),
            *self._phase_names(bottom),
            *self._event_numbers(bottom),
            *self.times(bottom, self.foot),
        ]

    def times(self, bottom: float, foot: float) -> list[str]:
        """The line under a plot, with moments to read off."""
        parts = [svg.level(bottom, _RULE)]
        words = []
        for at_s in svg.time_steps(self.duration_s):
            share = self.share(at_s)
            text = clock(at_s)
            anchor = "end" if share > 0.97 and len(text) > _MARGIN_LETTERS else "start"  # of the group
            parts.append(svg.upright(share, bottom, bottom + 4, _RULE))
            words.append(svg.text(share, bottom + foot - 5, text, anchor=anchor))
        return [*parts, svg.centred(words)]

    def _phase_names(self, bottom: float) -> list[str]:
        parts: list[str] = []
        for place, phase in enumerate(self.phases, 1):
            start, end = self.share(phase.start_s), self.share(phase.end_s)
            parts += [svg.upright(start, 0, bottom)] if start > 0 else []
            wide, narrow = (
                _phase_name(place, phase_name(phase), (end - start) * px) for px in (_WIDE_PX, _NARROW_PX)
            )
            shown = [(wide, "phase")] if wide == narrow else [(wide, "phase wide"), (narrow, "phase narrow")]
            parts += [svg.text(start, 14, text, dx=4, css=css, fill=INK) for text, css in shown if text]
        return parts

    def _event_numbers(self, bottom: float) -> list[str]:
        """A thin line at each marker, and its number where there is room for one."""
        lines = svg.uprights([self.share(event.time_s) for event in self.events], HEAD, bottom + 3)
        parts = [svg.stretched(svg.stroke(lines, SOFT, 1, "1 3"), round(bottom + 3))] if lines else []
        if not self.numbered:
            return parts
        free = {"wide": -1.0, "narrow": -1.0}
        numbers = []
        for event in self.events:
            at = self.share(event.time_s)
            fitting = [
                css for css, px in (("wide", _WIDE_PX), ("narrow", _NARROW_PX)) if at * px >= free[css]
            ]
            for css in fitting:
                px = _WIDE_PX if css == "wide" else _NARROW_PX
                free[css] = at * px + _DIGIT_PX * len(str(event.number)) + 6
            if fitting:
                css = "" if len(fitting) == 2 else fitting[0]
                numbers.append(svg.text(at, bottom + 14, str(event.number), css=css))
        return [*parts, svg.centred(numbers, "event", INK)] if numbers else parts


def _phase_name(place: int, name: str, room_px: float) -> str:
    """Number and name, the number alone where there is no room, or nothing."""
    whole = f"{place} {name}"
    if svg.fits(whole, room_px):
        return whole
    return str(place) if svg.fits(str(place), room_px) else ""
