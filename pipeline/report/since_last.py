"""The session beside the one before it, in one row: what was measured, never a verdict.

Two single sessions can't show a change in most people. Verdicts rest on many: those below the row are the
progress report's, as they stood with this session. Nothing is tested here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipeline.claims.claim import Audience, Claim, Claims, Told, Withheld
from pipeline.claims.client import WAS_HARD
from pipeline.claims.progress import LOOKED, client_verdict, verdict_claim
from pipeline.claims.session import session_claims
from pipeline.figures import (
    HEART_RATE,
    RMSSD,
    SCL,
    SCR_RATE,
    THIN,
    Quantity,
    as_percent_change,
    number,
    signed,
)
from pipeline.grammar import day
from pipeline.language import reason, text, texts
from pipeline.progress.verdicts import REFERENCE_N
from pipeline.report.charts import exact
from pipeline.report.tables import Cell, Group, Notes, Row, Table

if TYPE_CHECKING:
    from pipeline.analysis import Analysis
    from pipeline.progress.progress import Progress
    from pipeline.progress.sessions import SessionValues, Value
    from pipeline.progress.standing import MeasureProgress
    from pipeline.report.context import Context


_FIRST_LOOK = 2 * REFERENCE_N  # baselines: those of a reference, and as many later ones


@dataclass(frozen=True, slots=True)
class SinceLast:
    """The row, or why there is none; and what stands across sessions: a sentence for each primary measure."""

    table: Table | None
    nothing: str = ""
    verdicts: tuple[str, ...] = ()


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


def report_claims(analysis: Analysis, context: Context) -> Claims:
    """All that either edition may say: of the session, then of progress as it stood with it.

    After a hard session the client is told nothing of progress: it would read cold.
    """
    of_session = session_claims(analysis, context)
    hard = any(isinstance(each, Claim) and each.rule == WAS_HARD.name for each in of_session.told)
    verdicts = verdict_claims(context.progress, analysis.recording.recording_id)
    kept = (each for each in verdicts if not (hard and each.audience is Audience.CLIENT))
    return Claims((*of_session.told, *kept))


def verdict_claims(progress: Progress | None, session_id: str) -> tuple[Told, ...]:
    """What the progress report says of a client's primary measures, for either edition.

    Before a first look a clinician reads shortly how far it is, and a client nothing. Nothing at all where
    the session is none of those that count there: a simulated one among real ones, or undated.
    """
    if progress is None:
        return ()
    counted = [each for each in progress.primary if session_id in {one.session_id for one in each.baselines}]
    looked = (each for each in counted if LOOKED.holds(each))
    return (*map(_verdict, counted), *map(client_verdict, looked))


def _verdict(each: MeasureProgress) -> Told:
    told = verdict_claim(each)
    if not isinstance(told, Withheld) or each.next_due is None:
        return told
    due = number(_FIRST_LOOK - each.next_due), number(_FIRST_LOOK)
    values = dict(zip(("count", "least"), due, strict=True))
    return replace(told, text_key="claims.progress.verdict.too_early", values=values)


def since_last(
    now: SessionValues, earlier: tuple[SessionValues, ...], verdicts: Sequence[Told] = ()
) -> SinceLast:
    """Rest and distress beside those of the client's last session before this one; below it, verdicts."""
    said = tuple(dict.fromkeys(each.text for each in verdicts))
    before = next((each for each in reversed(earlier) if each.simulated == now.simulated), None)
    if before is None:
        return SinceLast(None, text("since_last.none"), said)
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
        ),
        verdicts=said,
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
