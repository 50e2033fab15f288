"""The section on resonance: which rate the criteria agree on, how sure that is, and what was not assessed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from pipeline.guidance.resonance import Assessment, RateStep, Verdict
from pipeline.guidance.resonance_agreement import Agreement
from pipeline.guidance.resonance_criteria import Criterion, Measured
from pipeline.report import resonance_wording as w
from pipeline.report.figures import number
from pipeline.report.tables import Cell, Group, Notes, Row, Table
from pipeline.report.wording import LOW_TO_HIGH, day, joined, sentence

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
        found=tuple(_sentences(found)),
        by_rate=_by_rate(found),
        agreement=_agreement(found),
        remarks=(w.COUNTED, w.INTERVALS, w.SYNCHRONY_NEEDS, w.PACING_ITSELF),
    )


def rate(bpm: float) -> str:
    """A paced rate: 6.0, and 5.25 where a pacer has it."""
    return number(bpm, 1 if round(bpm, 1) == round(bpm, 3) else 2)


def rates(bpm: tuple[float, ...]) -> str:
    """Paced rates in a sentence."""
    return joined([rate(each) for each in bpm])


def _sentences(found: Assessment) -> list[str]:
    dated = w.ON_DAY.format(day=day(date.fromisoformat(found.dated.date))) if found.dated.date else w.THIS_DAY
    return [*_verdict(found), *_not_assessed(found), f"{dated} {w.RETEST}"]


def _verdict(found: Assessment) -> list[str]:
    alike, reason = found.not_distinguishable_bpm, found.reason or w.UNKNOWN
    if found.best_bpm is not None:
        best = rate(found.best_bpm)
        step = next(each for each in found.steps if each.rate_bpm == found.best_bpm)
        counting = sum(each.counts for each in found.agreement)
        told = [w.AGREED.format(count=step.agreeing, counting=counting, rate=best)]
        return [*told, w.ALIKE.format(rates=rates(alike))] if alike else told
    if found.verdict is Verdict.NOT_ASSESSED:
        return [w.NOT_ASSESSED.format(reason=reason)]
    told = [w.NONE_STANDS_OUT.format(reason=reason)]
    return [*told, w.LARGEST_ALIKE.format(rates=rates(alike))] if len(alike) > 1 else told


def _not_assessed(found: Assessment) -> list[str]:
    """The criteria that say nothing, with the reason; steps that take no part have theirs in the table."""
    told = [
        w.CRITERION_NOT_ASSESSED.format(criterion=w.NAMES[each.criterion], reason=each.reason)
        for each in found.agreement
        if not each.best_bpm
    ]
    return [sentence(text) for text in told]


def _by_rate(found: Assessment) -> Table:
    notes = Notes()
    rows = tuple(Row(rate(step.rate_bpm), _rate_cells(step, found, notes)) for step in found.steps)
    return Table(w.BY_RATE, w.BY_RATE_HEAD, (Group(rows),), notes.listed())


def _rate_cells(step: RateStep, found: Assessment, notes: Notes) -> tuple[Cell, ...]:
    swing = _cell(step.value(Criterion.AMPLITUDE), notes)
    low, high = step.amplitude_low_bpm, step.amplitude_high_bpm
    if low is None or high is None:
        missing = notes.missing(step.excluded or w.UNKNOWN)
        return swing, missing, Cell(number(step.breaths)), missing, Cell(_followed(step)), Cell(w.NOT_USED)
    return (
        swing,
        Cell(LOW_TO_HIGH.format(low=number(low, 1), high=number(high, 1))),
        Cell(number(step.breaths)),
        Cell(number(step.agreeing)) if found.agreement else notes.missing(found.reason or w.UNKNOWN),
        Cell(_followed(step)),
        Cell(_reading(step, found)),
    )


def _followed(step: RateStep) -> str:
    return w.FOLLOWED[step.followed_by].format(outcome=step.followed)


def _reading(step: RateStep, found: Assessment) -> str:
    if found.verdict is Verdict.NOT_ASSESSED:
        return w.NOT_COMPARED
    alike = step.rate_bpm in found.not_distinguishable_bpm
    if found.best_bpm is None:
        return w.AMONG_LARGEST if alike else w.BELOW_LARGEST
    if step.rate_bpm == found.best_bpm:
        return w.BEST
    return (w.NOT_TOLD_APART if alike else w.LOWER).format(rate=rate(found.best_bpm))


def _agreement(found: Assessment) -> Table:
    """A row per criterion: its value at each rate, and the rates that it ranks best."""
    notes = Notes()
    ranked = {each.criterion: each for each in found.agreement}
    rows = tuple(
        Row(
            w.NAMES[criterion],
            (
                *(_cell(step.value(criterion), notes) for step in found.steps),
                _best(ranked.get(criterion), found, notes),
            ),
            w.DETAILS[criterion],
        )
        for criterion in Criterion
    )
    head = (
        (w.CRITERION, ""),
        *((rate(step.rate_bpm), w.PER_MIN) for step in found.steps),
        (w.RANKS_BEST, ""),
    )
    return Table(w.AGREEMENT, head, (Group(rows),), notes.listed())


def _best(ranked: Agreement | None, found: Assessment, notes: Notes) -> Cell:
    if ranked is None:
        return notes.missing(found.reason or w.UNKNOWN)
    if not ranked.best_bpm:
        return notes.missing(ranked.reason or w.UNKNOWN)
    return Cell(rates(ranked.best_bpm) if ranked.counts else w.ALL_ALIKE)


def _cell(value: Measured, notes: Notes) -> Cell:
    if value.value is None:
        return notes.missing(value.reason or w.UNKNOWN)
    return Cell(number(value.value * _SCALE.get(value.criterion, 1.0), _DECIMALS.get(value.criterion, 0)))
