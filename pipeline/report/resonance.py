"""The section on resonance: which rate the criteria agree on, how sure that is, and what was not assessed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.claims.practised import resonance_claims
from pipeline.figures import number
from pipeline.grammar import joined
from pipeline.guidance.resonance import Assessment, RateStep, Verdict
from pipeline.guidance.resonance_agreement import Agreement
from pipeline.guidance.resonance_criteria import Criterion, Measured
from pipeline.language import text, texts
from pipeline.report.names import choice
from pipeline.report.tables import Cell, Group, Notes, Row, Table

if TYPE_CHECKING:
    from pipeline.analysis import Analysis

_DECIMALS = {Criterion.SYNCHRONY: 2, Criterion.AMPLITUDE: 1, Criterion.SMOOTHNESS: 2}
_SCALE = {Criterion.LF_PEAK: 0.001}  # to 1000 ms²/Hz, as spectra are drawn


@dataclass(frozen=True, slots=True)
class Resonance:
    """The section: what was found in sentences, the two tables, and remarks under them."""

    found: tuple[str, ...]
    by_rate: Table
    agreement: Table
    remarks: tuple[str, ...]


def resonance(analysis: Analysis) -> Resonance | None:
    """The section of a session with a resonance assessment; None for any other."""
    return section(analysis.resonance) if analysis.resonance is not None else None


def section(found: Assessment) -> Resonance:
    """What a page says of an assessment."""
    return Resonance(
        found=tuple(each.text for each in resonance_claims(found)),
        by_rate=_by_rate(found),
        agreement=_agreement(found),
        remarks=(
            text("resonance.counted"),
            text("resonance.intervals"),
            text("resonance.synchrony_needs"),
            text("resonance.pacing_itself"),
        ),
    )


def rate(bpm: float) -> str:
    """A paced rate: 6.0, and 5.25 where a pacer has it."""
    return number(bpm, 1 if round(bpm, 1) == round(bpm, 3) else 2)


def rates(bpm: tuple[float, ...]) -> str:
    """Paced rates in a sentence."""
    return joined([rate(each) for each in bpm])


def _by_rate(found: Assessment) -> Table:
    notes = Notes()
    rows = tuple(Row(rate(step.rate_bpm), _rate_cells(step, found, notes)) for step in found.steps)
    head = tuple(zip(texts("resonance.by_rate_head"), texts("resonance.by_rate_units"), strict=True))
    return Table(text("resonance.by_rate"), head, (Group(rows),), notes.listed())


def _rate_cells(step: RateStep, found: Assessment, notes: Notes) -> tuple[Cell, ...]:
    swing = _cell(step.value(Criterion.AMPLITUDE), notes)
    low, high = step.amplitude_low_bpm, step.amplitude_high_bpm
    if low is None or high is None:
        missing = notes.missing(step.excluded or text("resonance.unknown"))
        return (
            swing,
            missing,
            Cell(number(step.breaths)),
            missing,
            Cell(_followed(step)),
            Cell(text("resonance.not_used")),
        )
    return (
        swing,
        Cell(text("grammar.low_to_high", low=number(low, 1), high=number(high, 1))),
        Cell(number(step.breaths)),
        Cell(number(step.agreeing))
        if found.agreement
        else notes.missing(found.reason or text("resonance.unknown")),
        Cell(_followed(step)),
        Cell(_reading(step, found)),
    )


def _followed(step: RateStep) -> str:
    return text(
        f"resonance.followed.{step.followed_by.name.lower()}",
        outcome=choice("resonance.outcomes", step.followed),
    )


def _reading(step: RateStep, found: Assessment) -> str:
    if found.verdict is Verdict.NOT_ASSESSED:
        return text("resonance.not_compared")
    alike = step.rate_bpm in found.not_distinguishable_bpm
    if found.best_bpm is None:
        return text("resonance.among_largest") if alike else text("resonance.below_largest")
    if step.rate_bpm == found.best_bpm:
        return text("resonance.best")
    return text("resonance.not_told_apart" if alike else "resonance.lower", rate=rate(found.best_bpm))


def _agreement(found: Assessment) -> Table:
    """A row per criterion: its value at each rate, and the rates that it ranks best."""
    notes = Notes()
    ranked = {each.criterion: each for each in found.agreement}
    rows = tuple(
        Row(
            choice("resonance.names", criterion),
            (
                *(_cell(step.value(criterion), notes) for step in found.steps),
                _best(ranked.get(criterion), found, notes),
            ),
            choice("resonance.details", criterion),
        )
        for criterion in Criterion
    )
    head = (
        (text("resonance.criterion"), ""),
        *((rate(step.rate_bpm), text("units.per_min")) for step in found.steps),
        (text("resonance.ranks_best"), ""),
    )
    return Table(text("resonance.agreement"), head, (Group(rows),), notes.listed())


def _best(ranked: Agreement | None, found: Assessment, notes: Notes) -> Cell:
    if ranked is None:
        return notes.missing(found.reason or text("resonance.unknown"))
    if not ranked.best_bpm:
        return notes.missing(ranked.reason or text("resonance.unknown"))
    return Cell(rates(ranked.best_bpm) if ranked.counts else text("resonance.all_alike"))


def _cell(value: Measured, notes: Notes) -> Cell:
    if value.value is None:
        return notes.missing(value.reason or text("resonance.unknown"))
    return Cell(number(value.value * _SCALE.get(value.criterion, 1.0), _DECIMALS.get(value.criterion, 0)))
