"""The session beside the one before it, in one row: what was measured, never a verdict.

Two single sessions can't show a change in most people; verdicts rest on many, in the progress report.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.figures import HEART_RATE, RMSSD, SCL, SCR_RATE, THIN, Quantity, as_percent_change, signed
from pipeline.grammar import day
from pipeline.language import reason, text, texts
from pipeline.report.charts import exact
from pipeline.report.tables import Cell, Group, Notes, Row, Table

if TYPE_CHECKING:
    from pipeline.progress.sessions import SessionValues, Value


@dataclass(frozen=True, slots=True)
class SinceLast:
    """The row, or why there is none."""

    table: Table | None
    nothing: str = ""


@dataclass(frozen=True, slots=True)
class _Compared:
    """How a measure of rest is put: as it is shown, and whether its change is a ratio."""

    measure: str
    quantity: Quantity
    shown: Callable[[float], float]
    ratio: bool

    def change(self, before: float, now: float) -> str:
        if self.ratio:
            return f"{signed(as_percent_change(now - before))}{THIN}%"
        return f"{signed(now - before, 1)}{THIN}{self.quantity.unit}"


_HEART = (_Compared("mean_hr_bpm", HEART_RATE, float, False), _Compared("ln_rmssd", RMSSD, math.exp, True))
_SKIN = (_Compared("ln_scl", SCL, math.exp, True), _Compared("scr_per_min", SCR_RATE, float, False))


def since_last(now: SessionValues, earlier: tuple[SessionValues, ...]) -> SinceLast:
    """Rest and distress beside those of the client's last session before this one."""
    before = next((each for each in reversed(earlier) if each.simulated == now.simulated), None)
    if before is None:
        return SinceLast(None, text("since_last.none"))
    notes = Notes()
    same_heart = (before.beat_source, before.device) == (now.beat_source, now.device)
    same_skin = (before.eda_device, before.eda_site) == (now.eda_device, now.eda_site)
    cells = (
        *(_cell(each, before, now, same_heart, notes) for each in _HEART),
        *(_cell(each, before, now, same_skin, notes) for each in _SKIN),
        _distress(before, now, notes),
    )
    when = day(before.started_at) if before.started_at else before.session_id
    heads = texts("since_last.head")
    units = ("", *(each.quantity.unit for each in (*_HEART, *_SKIN)), "")
    return SinceLast(
        Table(
            text("since_last.caption"),
            tuple(zip(heads, units, strict=True)),
            (Group((Row(when, cells),)),),
            notes.listed(),
        )
    )


def _cell(each: _Compared, before: SessionValues, now: SessionValues, same: bool, notes: Notes) -> Cell:
    if not same:
        return notes.missing(reason("since_last.other_sensor"))
    first, second = _value(before.rest.get(each.measure)), _value(now.rest.get(each.measure))
    if isinstance(first, str):
        return notes.missing(first)
    if isinstance(second, str):
        return notes.missing(second)
    shown = [each.quantity.text(each.shown(value)) for value in (first, second)]
    return Cell(text("since_last.from_to", before=shown[0], now=shown[1]), detail=each.change(first, second))


def _value(value: Value | None) -> float | str:
    """A value at rest, or why there is none."""
    if value is None:
        return reason("since_last.no_rest")
    return value.value if value.value is not None else value.reason or reason("since_last.no_rest")


def _distress(before: SessionValues, now: SessionValues, notes: Notes) -> Cell:
    told = [each.distress.last for each in (before, now)]
    if None in told:
        return notes.missing(reason("since_last.no_distress"))
    first, second = (exact(value) for value in told if value is not None)
    return Cell(text("since_last.from_to", before=first, now=second))
