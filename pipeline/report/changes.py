"""What challenges changed and what was left of it: a group for each challenge, a row for each measure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.claims.measures import EFFECTS, HEART_MEASURES
from pipeline.figures import number, percent
from pipeline.language import text, texts, told
from pipeline.regulation.phases import baseline_of
from pipeline.regulation.recovery import Recovery
from pipeline.report.names import HeartWords, measure
from pipeline.report.outcomes import Outcome, challenges, outcomes
from pipeline.report.tables import Cell, Group, Notes, Row, Table

if TYPE_CHECKING:
    from pipeline.analysis import Analysis


@dataclass(frozen=True, slots=True)
class Change:
    """The table, or a sentence in place of it."""

    table: Table
    nothing: str


def change(analysis: Analysis, words: HeartWords) -> Change:
    """What every challenge changed, and what was left of it."""
    nothing = text("short.no_challenge")
    if challenges(analysis):
        baseline = baseline_of(analysis.recording.phases)
        nothing = text("change.no_changes_without_baseline" if baseline is None else "change.no_changes")
    found = [[each for each in group if _recorded(analysis, each)] for group in outcomes(analysis)]
    return Change(_table([group for group in found if group], words), nothing)


def _recorded(analysis: Analysis, outcome: Outcome) -> bool:
    """Whether the signal that a measure comes from was recorded at all."""
    signal = analysis.beats if outcome.reaction.measure in HEART_MEASURES else analysis.eda
    return signal is not None


def _table(found: Sequence[Sequence[Outcome]], words: HeartWords) -> Table:
    notes = Notes()
    groups = tuple(
        Group(
            tuple(Row(measure(each.reaction.measure, words), _cells(each, notes)) for each in group),
            _title(group),
        )
        for group in found
    )
    head = tuple((each, "") for each in texts("change.head"))
    return Table(text("change.caption"), head, groups, notes.listed())


def _title(group: Sequence[Outcome]) -> str:
    first = group[0].reaction
    recovery = next((each.after.recovery for each in group if each.after is not None), None)
    key = "change.from_to" if recovery is None else "change.from_to_then"
    return text(key, baseline=first.baseline, challenge=first.challenge, recovery=recovery)


def _cells(outcome: Outcome, notes: Notes) -> tuple[Cell, ...]:
    each = outcome.reaction
    left = _left(outcome.after, notes)
    if each.change is None or each.low is None or each.high is None:
        missing = notes.missing(each.reason or text("phases.not_computed"))
        return (missing, missing, Cell(number(each.blocks)), Cell(text("phases.not_estimable")), left)
    amount, low, high = EFFECTS[each.measure].texts(each.change, each.low, each.high)
    reading = text("change.detectable" if each.stands_out else "change.not_detectable")
    interval = text("grammar.low_to_high", low=low, high=high)
    return (Cell(told(amount)), Cell(interval), Cell(number(each.blocks)), Cell(reading), left)


def _left(after: Recovery | None, notes: Notes) -> Cell:
    if after is None:
        return notes.missing(text("change.no_recovery"))
    if after.share_left is None or after.low is None or after.high is None:
        return notes.missing(after.reason or text("phases.not_computed"))
    if (why := after.late.too_wide) is not None:
        return notes.missing(why)
    low, high = number(100 * after.low), percent(100 * after.high)
    return Cell(text("change.share_left", share=percent(100 * after.share_left), low=low, high=high))
