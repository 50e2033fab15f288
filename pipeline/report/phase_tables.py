"""Every phase's values, with what they rest on and 95 % intervals: the heart's, the skin's and the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.claims.practised import named
from pipeline.figures import (
    HEART_RATE,
    HF,
    LF,
    RMSSD,
    SCL,
    SCR_AMPLITUDE,
    SCR_RATE,
    SDNN,
    Quantity,
    clock,
    number,
)
from pipeline.grammar import listed
from pipeline.language import text, told
from pipeline.model import Phase
from pipeline.report.charts import exact
from pipeline.report.names import HeartWords, choice, label, numbered, phase_name
from pipeline.report.tables import Cell, Group, Notes, Row, Table

if TYPE_CHECKING:
    from pipeline.analysis import Analysis, PhaseValues
    from pipeline.regulation.estimates import Estimate
    from pipeline.values import Values

HEART = (HEART_RATE, RMSSD, SDNN, LF, HF)
SKIN = (SCL, SCR_RATE, SCR_AMPLITUDE)
AROUSAL = Quantity("arousal", "")
BREATHING = Quantity("resp_rate_bpm", "", decimals=1)

Estimates = Mapping[tuple[float, str], "Estimate"]


@dataclass(frozen=True, slots=True)
class _Row:
    """A phase, or the whole session: what it is called, its values, where it begins and its length."""

    name: str
    detail: str
    values: Values
    start_s: float
    duration_s: float


@dataclass(frozen=True, slots=True)
class _Column:
    """A value of each phase. `band` names the columns of its interval where the table of features has one."""

    quantity: Quantity
    head: str
    unit: str = ""
    band: tuple[str, str] | None = None


def phase_tables(analysis: Analysis, words: HeartWords) -> tuple[Table, ...]:
    """A table for each signal that was recorded; without phases their one row is the whole session."""
    shown = (each.shown for each in analysis.estimates)
    estimates = {(each.start_s, each.measure): each for each in shown}
    tables = []
    if analysis.beats is not None:
        columns = [_Column(each, label(each.key, words), each.unit) for each in HEART]
        counts = (("beats", text("phases.beats")), ("nn_pairs", text("phases.pairs")))
        tables.append(_table(analysis, text("phases.heart"), counts, columns, estimates))
    skin = (
        [_Column(each, label(each.key, words), each.unit) for each in SKIN]
        if analysis.eda is not None
        else []
    )
    others = [
        _Column(AROUSAL, text("phases.arousal"), band=("arousal_low", "arousal_high")),
        _Column(BREATHING, text("phases.breathing"), text("phases.breaths_per_min")),
    ]
    if skin or any(_any(analysis, each.quantity.key) for each in others):
        responses = (("scr_n", text("phases.responses")),) if skin else ()
        caption = text("phases.skin") if skin else text("phases.others")
        tables.append(_table(analysis, caption, responses, [*skin, *others], estimates))
    return tuple(tables)


def _any(analysis: Analysis, key: str) -> bool:
    return any(each.values.number(key) is not None for each in analysis.phases)


def _table(
    analysis: Analysis,
    caption: str,
    counts: Sequence[tuple[str, str]],
    columns: Sequence[_Column],
    estimates: Estimates,
) -> Table:
    notes = Notes()

    def rows(of: Iterable[_Row]) -> tuple[Row, ...]:
        return tuple(
            Row(each.name, tuple(_cells(each, counts, columns, estimates, notes)), each.detail) for each in of
        )

    places = list(enumerate(analysis.phases, 1))
    groups = [Group(rows(_of(place, each) for place, each in places if not each.phase.paced))]
    if paced := rows(_of(place, each) for place, each in places if each.phase.paced):
        groups.append(Group(paced, text("phases.paced_rows" if groups[0].rows else "phases.paced_only")))
    if not places:
        whole = _Row(text("phases.whole"), "", analysis.whole, -1.0, analysis.recording.duration_s)
        groups = [Group(rows([whole]))]
    head = (
        (text("course.phase"), ""),
        (text("phases.length"), text("units.min_s")),
        *((name, "") for _, name in counts),
        *((each.head, each.unit) for each in columns),
    )
    return Table(caption, head, tuple(groups), notes.listed())


def _of(place: int, each: PhaseValues) -> _Row:
    phase = each.phase
    return _Row(numbered(place, phase), _detail(phase), each.values, phase.start_s, phase.duration_s)


def _detail(phase: Phase) -> str:
    """What a phase is, in small: its kind or pace, and the strategy practised."""
    kind = choice("phase_kinds", phase.kind)
    if phase.pacer is not None:
        kind = text("phases.paced_at", rate=exact(phase.pacer.breaths_per_min))
    elif phase.paced:
        kind = text("phases.paced")
    name = phase_name(phase).lower()
    details = [kind] if kind and kind.lower() != name else []
    strategy = told(named(phase.strategy).title) if phase.strategy else ""
    if strategy and strategy.lower() != name:
        details.append(strategy)
    return listed(details, "grammar.and_then")


def _cells(
    row: _Row,
    counts: Sequence[tuple[str, str]],
    columns: Sequence[_Column],
    estimates: Estimates,
    notes: Notes,
) -> Iterable[Cell]:
    yield Cell(clock(row.duration_s))
    for key, _ in counts:
        count = row.values.number(key)
        yield Cell(number(count)) if count is not None else _missing(row.values, key, notes)
    for column in columns:
        value = row.values.number(column.quantity.key)
        if value is None:
            yield _missing(row.values, column.quantity.key, notes)
        else:
            yield _cell(row, column, value, estimates.get((row.start_s, column.quantity.key)), notes)


def _cell(row: _Row, column: _Column, value: float, estimate: Estimate | None, notes: Notes) -> Cell:
    """A value with its interval; where it should have one and has none, the note says why."""
    low, high = (estimate.low, estimate.high) if estimate is not None else (None, None)
    if column.band is not None:
        low, high = (row.values.number(key) for key in column.band)
    told = column.quantity.text(value)
    if low is not None and high is not None:
        interval = text("phases.interval", low=column.quantity.text(low), high=column.quantity.text(high))
        return Cell(told, detail=interval)
    if estimate is not None and estimate.reason is not None:
        return notes.marked(told, estimate.reason)
    return Cell(told)


def _missing(values: Values, key: str, notes: Notes) -> Cell:
    return notes.missing(values.null_reasons.get(key, text("phases.not_computed")))
