"""What was practised: how pacers were followed, what a resonance assessment came to, which strategies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from pipeline.breathing.pacing import Adherence, Basis, Outcome
from pipeline.claims.claim import ALWAYS, Claim, Rule, Told, Withheld
from pipeline.claims.measures import listed
from pipeline.errors import InputError
from pipeline.figures import clock, number, percent
from pipeline.guidance.files import read_table
from pipeline.guidance.known_names import strategy_name
from pipeline.guidance.resonance import Assessment, Verdict
from pipeline.guidance.strategies import StrategyKind, strategy_paths
from pipeline.language import reason
from pipeline.model import Phase, PhaseKind

if TYPE_CHECKING:
    from pipeline.analysis import Analysis

FEWEST_SECONDS = 60.0  # of a phase, for its strategy to count as practised

_NO_PRACTICE = (PhaseKind.STRESSOR, PhaseKind.SETTLE, PhaseKind.BASELINE, PhaseKind.REFERENCE)
_SHAFFER = "Shaffer & Meehan 2020"
_CAPDEVILA = "Capdevila 2021"
_FOLLOWED = {
    Outcome.FOLLOWED: "followed",
    Outcome.PARTLY: "partly_followed",
    Outcome.NOT_FOLLOWED: "not_followed",
}


def _not_assessed(pacing: Adherence) -> str | None:
    if pacing.outcome is not Outcome.NOT_ASSESSED:
        return None
    return pacing.reason or reason("claims.why.not_computed")


def _no_rate(found: Assessment) -> str | None:
    return None if found.best_bpm is not None else found.reason or reason("claims.why.not_computed")


def _no_comparison(found: Assessment) -> str | None:
    judged = found.verdict is not Verdict.NOT_ASSESSED
    return None if judged else found.reason or reason("claims.why.not_computed")


def _nothing_alike(found: Assessment) -> str | None:
    fewest = 1 if found.best_bpm is not None else 2
    told_apart = len(found.not_distinguishable_bpm) < fewest
    return reason("claims.why.told_apart") if told_apart else None


def _too_short(phase: Phase) -> str | None:
    return reason("claims.why.under_a_minute") if phase.duration_s < FEWEST_SECONDS else None


FOLLOWING_ASSESSED: Rule[Adherence] = Rule("following_assessed", _not_assessed)
CRITERIA_AGREE: Rule[Assessment] = Rule("criteria_agree", _no_rate)
RATES_COMPARED: Rule[Assessment] = Rule("rates_compared", _no_comparison)
RATES_ALIKE: Rule[Assessment] = Rule("rates_alike", _nothing_alike)
PRACTISED: Rule[Phase] = Rule("practised", _too_short)


@dataclass(frozen=True, slots=True)
class Named:
    """What a strategy is called, and whether it works with the breath."""

    title: str
    breathing: bool = False


@dataclass(frozen=True, slots=True)
class Practised:
    """A phase in which something was practised: its place among all from 1, and what."""

    place: int
    phase: Phase
    strategy: Named

    @property
    def breathing(self) -> bool:
        return self.phase.paced or self.strategy.breathing


def practised(analysis: Analysis) -> list[Practised]:
    """The phases with a strategy or a pacer; what a challenge asks for, and the first rest, are none."""
    return [
        Practised(place, each.phase, named(each.phase.strategy))
        for place, each in enumerate(analysis.phases, 1)
        if each.phase.paced or (each.phase.strategy and each.phase.kind not in _NO_PRACTICE)
    ]


@lru_cache(maxsize=64)
def named(strategy: str | None) -> Named:
    """A strategy's name: the title of one the software brings, else as it was recorded."""
    if strategy is None:
        return Named(reason("claims.paced_breathing"), breathing=True)
    path = strategy_paths().get(strategy)
    if path is None:
        return Named(strategy_name(strategy))
    try:
        table = read_table(path)
        return Named(strategy_name(table.text("title")), table.text("kind") == StrategyKind.BREATHING)
    except InputError:
        return Named(strategy)


def practice_claims(analysis: Analysis) -> Iterator[Told]:
    """All of `practised`."""
    for each in practised(analysis):
        own_id, words = f"practised.{each.place}", {"strategy": each.strategy.title, "phase": each.phase.name}
        if (why := PRACTISED.fails(each.phase)) is not None:
            key = "claims.session.hardly_practised"
            yield Withheld(id=own_id, rule=PRACTISED.name, reason=why, text_key=key, values=words)
        else:
            yield Claim(
                id=own_id,
                text_key=f"claims.session.{'practised' if _names_itself(each) else 'practised_in'}",
                values={**words, "length": clock(each.phase.duration_s)},
                rule=PRACTISED.name,
                estimate=each.phase.duration_s / 60.0,
                unit="min",
            )


def _names_itself(each: Practised) -> bool:
    """Whether the phase is called as what was practised in it."""
    return each.phase.name.casefold() == each.strategy.title.casefold()


def pacing_claims(analysis: Analysis) -> Iterator[Told]:
    """All of `pacing`: a statement on breathing where it was measured, else on the heart's rhythm alone."""
    for place, each in enumerate(analysis.phases, 1):
        if each.pacing is not None:
            yield pacing_claim(f"pacing.{place}", each.phase.name, each.pacing)


def pacing_claim(own_id: str, phase: str, pacing: Adherence) -> Told:
    """How a pacer was followed in a phase, or why that cannot be said."""
    words: dict[str, object] = {"phase": phase, "rate": rate(pacing.pacer_bpm)}
    if (why := FOLLOWING_ASSESSED.fails(pacing)) is not None:
        key = "claims.session.following_not_assessed"
        return Withheld(id=own_id, rule=FOLLOWING_ASSESSED.name, reason=why, text_key=key, values=words)
    breathing = pacing.basis is Basis.BREATHING
    part = pacing.near_share if breathing else pacing.rhythm_share
    if breathing:
        words["share"] = percent(100 * (part or 0.0))
    return Claim(
        id=own_id,
        text_key=f"claims.session.{'breathing' if breathing else 'rhythm'}.{_FOLLOWED[pacing.outcome]}",
        values=words,
        rule=FOLLOWING_ASSESSED.name,
        estimate=100 * part if part is not None else None,
        unit="%",
        n=pacing.cycles,
        n_unit="breaths_of_pacer",
    )


def resonance_claims(found: Assessment | None) -> Iterator[Told]:
    """All of `resonance`; nothing where a session was no assessment."""
    if found is None:
        return
    yield resonance_claim(found)
    if (alike := _alike(found)) is not None:
        yield alike
    for each in found.agreement:
        if not each.best_bpm:
            yield Withheld(
                id=f"resonance.{each.criterion}",
                rule="criterion_known",
                reason=each.reason or reason("claims.why.not_computed"),
                text_key="claims.session.criterion_not_assessed",
                values={"criterion": reason(f"resonance.names.{each.criterion}")},
            )
    yield Claim(
        id="resonance.retest",
        text_key="claims.session.retest",
        rule=ALWAYS,
        source=_CAPDEVILA,
    )


def resonance_claim(found: Assessment) -> Told:
    """The rate that the criteria agree on, that none stands out, or why nothing can be said."""
    own_id = "resonance.rate"
    if (why := RATES_COMPARED.fails(found)) is not None:
        key = "claims.session.resonance_not_assessed"
        return Withheld(id=own_id, rule=RATES_COMPARED.name, reason=why, text_key=key)
    if (why := CRITERIA_AGREE.fails(found)) is not None:
        key = "claims.session.no_rate_stands_out"
        return Withheld(id=own_id, rule=CRITERIA_AGREE.name, reason=why, text_key=key)
    best = found.best_bpm
    assert best is not None
    step = next(each for each in found.steps if each.rate_bpm == best)
    counting = sum(each.counts for each in found.agreement)
    return Claim(
        id=own_id,
        text_key="claims.session.criteria_agree",
        values={"count": number(step.agreeing), "counting": number(counting), "rate": rate(best)},
        rule=CRITERIA_AGREE.name,
        estimate=best,
        unit="breaths/min",
        n=step.breaths,
        n_unit="breaths",
        source=_SHAFFER,
    )


def _alike(found: Assessment) -> Claim | None:
    """The rates that cannot be told from the best, or without a best, from each other."""
    if not (RATES_COMPARED.holds(found) and RATES_ALIKE.holds(found)):
        return None
    return Claim(
        id="resonance.alike",
        text_key=f"claims.session.{'alike' if found.best_bpm is not None else 'largest_alike'}",
        values={"rates": listed([rate(each) for each in found.not_distinguishable_bpm])},
        rule=RATES_ALIKE.name,
        n=sum(step.breaths for step in found.usable),
        n_unit="breaths",
        source=_SHAFFER,
    )


def rate(bpm: float) -> str:
    """A paced rate: 6.0, and 5.25 where a pacer has it."""
    return number(bpm, 1 if round(bpm, 1) == round(bpm, 3) else 2)
