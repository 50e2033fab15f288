"""What the person rated beside what the signals did, phase by phase: never one in place of the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.figures import number, share
from pipeline.language import reason, text, texts
from pipeline.regulation.phases import baseline_of
from pipeline.report.charts import exact
from pipeline.report.names import numbered
from pipeline.report.tables import Cell, Group, Notes, Row, Table

if TYPE_CHECKING:
    from pipeline.analysis import Analysis
    from pipeline.regulation.near_baseline import NearBaseline
    from pipeline.regulation.self_report import Beside


def beside(analysis: Analysis) -> Table | None:
    """A row for each phase with a rating or a known time near the baseline; None without any.

    Where nothing was rated, there are no columns for it.
    """
    told = {each.start_s: each for each in analysis.beside}
    near = {each.start_s: each for each in analysis.near_baseline}
    baseline = baseline_of(analysis.recording.phases)
    rated = bool(told)
    notes = Notes()
    rows = tuple(
        Row(
            numbered(place, each.phase),
            (
                *(_ratings(told.get(each.phase.start_s), notes) if rated else ()),
                _arousal(each.values.number("arousal"), each.values.null_reasons.get("arousal"), notes),
                _near(near.get(each.phase.start_s), notes),
                *(
                    [_reading(told.get(each.phase.start_s), reference=each.phase is baseline)]
                    if rated
                    else []
                ),
            ),
        )
        for place, each in enumerate(analysis.phases, 1)
        if each.phase.start_s in told
        or (each.phase.start_s in near and near[each.phase.start_s].share is not None)
    )
    if not rows:
        return None
    key = "beside" if rated else "beside.unrated"
    head = tuple((label, "") for label in texts(f"{key}.head"))
    return Table(text(f"{key}.caption"), head, (Group(rows),), notes.listed())


def _ratings(each: Beside | None, notes: Notes) -> tuple[Cell, Cell]:
    values = (each.distress_first, each.distress_last) if each is not None else (None, None)
    first, last = (
        Cell(exact(value)) if value is not None else notes.missing(reason("beside.not_rated"))
        for value in values
    )
    return first, last


def _arousal(value: float | None, why: str | None, notes: Notes) -> Cell:
    return Cell(number(value)) if value is not None else notes.missing(why or text("phases.not_computed"))


def _near(each: NearBaseline | None, notes: Notes) -> Cell:
    if each is None or each.share is None:
        return notes.missing(each.reason if each and each.reason else text("phases.not_computed"))
    return Cell(share(each.share))


def _reading(each: Beside | None, *, reference: bool) -> Cell:
    if reference:
        return Cell(text("beside.reference"))
    if each is None or each.agree is None:
        return Cell(text("beside.not_compared"))
    return Cell(text("beside.agree" if each.agree else "beside.differ"))
