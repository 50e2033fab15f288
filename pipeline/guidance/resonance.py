"""Which paced rate moved the heart rate most today: six criteria, how far they agree, and how sure that is.

After Lehrer's stepped assessment (Shaffer & Meehan 2020, Front Neurosci 14:570400). It has no published
weights, so none are made up: criteria are counted. Two of three people had another rate at retest (Capdevila
2021), so a result is that of one day and carries its date. See docs/resonance.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from pipeline.breathing.pacing import Adherence, Basis, Outcome, adherence
from pipeline.breathing.rate import RespSource, Sources
from pipeline.breathing.track import Track
from pipeline.errors import InputError
from pipeline.guidance import resonance_criteria as criteria
from pipeline.guidance.resonance_agreement import Agreement, agreement, leader
from pipeline.guidance.resonance_criteria import DROPPED_S, FEWEST_BREATHS, Breaths, Criterion, Measured
from pipeline.guidance.resonance_intervals import Amplitudes, Means
from pipeline.heart.beats import Beats
from pipeline.heart.spectrum import PsdMethod, choose_psd_method
from pipeline.language import reason, together
from pipeline.model import Pacer, Phase, PhaseKind

if TYPE_CHECKING:
    from pipeline.signals import Signals

FEWEST_RATES = 3

_VERSION = 1
_SHORTEST_SPECTRAL_S = 60.0


class Verdict(StrEnum):
    """What an assessment came to."""

    AGREED = "most criteria agree"
    NONE_STANDS_OUT = "no rate stands out today"
    NOT_ASSESSED = "could not be assessed"


@dataclass(frozen=True, slots=True)
class Dated:
    """The day that a result is of (ISO date; None if unknown), and its session."""

    date: str | None
    session_id: str


@dataclass(frozen=True, slots=True)
class RateStep:
    """One paced rate: what was measured in `start_s <= time < end_s`, and how the pacer was followed.

    `values` in the order of `Criterion`; `breaths` that are clean; the 95 % interval of the amplitude in bpm;
    `agreeing` criteria that rank this rate best. `excluded` says why the step takes no part.
    """

    rate_bpm: float
    start_s: float
    end_s: float
    breaths: int
    values: tuple[Measured, ...]
    amplitude_low_bpm: float | None
    amplitude_high_bpm: float | None
    agreeing: int
    followed: Outcome
    followed_by: Basis
    following: str
    excluded: str | None

    def value(self, criterion: Criterion) -> Measured:
        return next(each for each in self.values if each.criterion is criterion)


@dataclass(frozen=True, slots=True)
class Assessment:
    """A resonance assessment: every rate, the fastest first, and what the criteria agree on.

    `best_bpm` only if most criteria agree, half of the other rates have a reliably lower amplitude, and those
    that have not lie side by side with it.
    `not_distinguishable_bpm` are the rates whose amplitude can't be told from the best one's today (without a
    best: all that can't be told from the largest, that one among them). `reason` why there is no best.
    """

    dated: Dated
    verdict: Verdict
    reason: str | None
    best_bpm: float | None
    not_distinguishable_bpm: tuple[float, ...]
    steps: tuple[RateStep, ...]
    agreement: tuple[Agreement, ...]

    @property
    def usable(self) -> tuple[RateStep, ...]:
        """The steps that take part."""
        return tuple(step for step in self.steps if step.excluded is None)

    def as_json(self) -> dict[str, Any]:
        return {"version": _VERSION, **asdict(self)}

    @classmethod
    def from_json(cls, facts: Any) -> Self:
        """The assessment that `as_json` made. Raises InputError for anything else."""
        try:
            if facts["version"] != _VERSION:
                raise InputError(f"a resonance assessment of version {facts['version']} cannot be read")
            return cls(
                dated=Dated(**facts["dated"]),
                verdict=Verdict(facts["verdict"]),
                reason=facts["reason"],
                best_bpm=None if facts["best_bpm"] is None else float(facts["best_bpm"]),
                not_distinguishable_bpm=tuple(float(rate) for rate in facts["not_distinguishable_bpm"]),
                steps=tuple(_step_from(step) for step in facts["steps"]),
                agreement=tuple(_agreement_from(each) for each in facts["agreement"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"is not a resonance assessment ({error!r})") from error


def paced_steps(phases: Sequence[Phase]) -> tuple[Phase, ...]:
    """The paced phases of a resonance assessment; none unless they hold three different rates."""
    paced = tuple(p for p in phases if p.kind is PhaseKind.PACED and p.pacer is not None)
    return paced if len({p.pacer.breaths_per_min for p in paced if p.pacer}) >= FEWEST_RATES else ()


def assessment_of(
    recording_id: str, started_at: datetime | None, phases: Sequence[Phase], signals: Signals
) -> Assessment | None:
    """The assessment of an analysed recording; None where its phases are none."""
    steps = paced_steps(phases)
    if not steps:
        return None
    date = started_at.date().isoformat() if started_at else None
    return assess(steps, signals.beats, signals.breath, Dated(date, recording_id))


def assess(phases: Sequence[Phase], beats: Beats | None, sources: Sources, dated: Dated) -> Assessment:
    """Assess paced phases, each with a pacer, in any order, the first 30 s of each left out.

    A step takes part with five clean breaths, unless breathing (or without a signal of it the heart's rhythm)
    did not follow the pacer. Where a rate was paced more than once, the step with most clean breaths counts,
    of equals the last. The spectral criteria are compared over one length and by one method.
    """
    held = [_held(phase, phase.pacer, beats, sources) for phase in phases if phase.pacer is not None]
    chosen = {each.rate_bpm: each for each in sorted(held, key=lambda each: each.merit)}
    usable = {rate: each for rate, each in chosen.items() if each.excluded is None}
    measured = _measured(usable, beats, sources)
    means = Means.of({rate: each.amplitudes for rate, each in usable.items()}) if usable else None
    agreed = agreement(measured) if len(usable) >= FEWEST_RATES else ()
    rates = sorted(chosen, reverse=True)
    steps = tuple(_step(chosen[rate], measured.get(rate), means, agreed) for rate in rates)
    return _judged(Assessment(dated, Verdict.NOT_ASSESSED, None, None, (), steps, agreed), means)


@dataclass(frozen=True, slots=True, eq=False)
class _Held:
    """A step before it is measured: its breaths, how the pacer was followed, why it takes no part."""

    phase: Phase
    breaths: Breaths | None
    pacing: Adherence
    excluded: str | None

    @property
    def rate_bpm(self) -> float:
        return float(self.pacing.pacer_bpm)

    @property
    def assessed_s(self) -> tuple[float, float]:
        return min(self.phase.start_s + DROPPED_S, self.phase.end_s), self.phase.end_s

    @property
    def clean(self) -> int:
        return int(np.count_nonzero(self.breaths.clean)) if self.breaths is not None else 0

    @property
    def merit(self) -> tuple[bool, int, float]:
        """Which of two steps at one rate counts: the greater."""
        return self.excluded is None, self.clean, self.phase.start_s

    @property
    def amplitudes(self) -> Amplitudes:
        assert self.breaths is not None
        place = np.flatnonzero(self.breaths.clean).astype(np.float64)
        return Amplitudes(self.breaths.peak_to_trough_bpm, place)


def _held(phase: Phase, pacer: Pacer, beats: Beats | None, sources: Sources) -> _Held:
    begin_s = min(phase.start_s + DROPPED_S, phase.end_s)
    pacing = adherence(sources, pacer, begin_s, phase.end_s)
    if beats is None:
        return _Held(phase, None, pacing, reason("reasons.resonance.no_beats"))
    breaths = Breaths.of(phase, pacer, beats)
    excluded = criteria.too_few(breaths) if np.count_nonzero(breaths.clean) < FEWEST_BREATHS else None
    if excluded is None and pacing.outcome is Outcome.NOT_FOLLOWED:
        excluded = reason(f"reasons.resonance.not_followed.{pacing.basis.name.lower()}")
    return _Held(phase, breaths, pacing, excluded)


def _measured(
    usable: dict[float, _Held], beats: Beats | None, sources: Sources
) -> dict[float, tuple[Measured, ...]]:
    """The six criteria of each step that takes part."""
    if beats is None or not usable:
        return {}
    lengths_s = [end_s - begin_s for begin_s, end_s in (each.assessed_s for each in usable.values())]
    length_s = min((each for each in lengths_s if each >= _SHORTEST_SPECTRAL_S), default=_SHORTEST_SPECTRAL_S)
    spans = {rate: _within(each.assessed_s, length_s) for rate, each in usable.items()}
    method = choose_psd_method(beats, spans.values())
    breath = _source(list(usable.values()))
    return {
        rate: _six(each, spans[rate], method, beats, _track(sources, breath, each.pacing))
        for rate, each in usable.items()
    }


def _within(span_s: tuple[float, float], length_s: float) -> tuple[float, float]:
    begin_s, end_s = span_s
    return begin_s, min(end_s, begin_s + length_s)


def _six(
    step: _Held, span_s: tuple[float, float], method: PsdMethod, beats: Beats, breath: Track | str
) -> tuple[Measured, ...]:
    assert step.breaths is not None
    together = (
        Measured(Criterion.SYNCHRONY, None, breath)
        if isinstance(breath, str)
        else criteria.synchrony(step.breaths, breath)
    )
    power, height, count = criteria.lf_criteria(beats, *span_s, method)
    swing, smooth = criteria.amplitude(step.breaths), criteria.smoothness(step.breaths)
    return together, swing, power, height, smooth, count


def _source(steps: Sequence[_Held]) -> RespSource | None:
    """The one source that breathing is read from in all steps: the best that was clear in any."""
    heard = {step.pacing.source for step in steps if step.pacing.basis is Basis.BREATHING}
    return next((source for source in RespSource if source in heard), None)


def _track(sources: Sources, source: RespSource | None, pacing: Adherence) -> Track | str:
    """Breathing in a step, or why there is none; never the heart's own rhythm."""
    if not {RespSource.BELT, RespSource.ACC} & sources.tracks.keys():
        return reason("reasons.resonance.no_breathing")
    if source is None or pacing.source is not source:
        return reason("reasons.resonance.unclear_breathing")
    return sources.tracks[source]


def _step(
    step: _Held, values: tuple[Measured, ...] | None, means: Means | None, agreed: Sequence[Agreement]
) -> RateStep:
    low, high = (
        means.interval_bpm(step.rate_bpm) if means is not None and values is not None else (None, None)
    )
    begin_s, end_s = step.assessed_s
    return RateStep(
        rate_bpm=step.rate_bpm,
        start_s=begin_s,
        end_s=end_s,
        breaths=step.clean,
        values=values or tuple(Measured(criterion, None, step.excluded) for criterion in Criterion),
        amplitude_low_bpm=low,
        amplitude_high_bpm=high,
        agreeing=sum(step.rate_bpm in each.best_bpm for each in agreed if each.counts),
        followed=step.pacing.outcome,
        followed_by=step.pacing.basis,
        following=step.pacing.sentence,
        excluded=step.excluded,
    )


def _judged(found: Assessment, means: Means | None) -> Assessment:
    """The assessment with its verdict."""
    rates = [step.rate_bpm for step in found.usable]
    if means is None or len(rates) < FEWEST_RATES:
        return replace(found, reason=_too_few_rates(found))
    largest = max(rates, key=lambda rate: (means.mean_bpm[rate], rate))
    best, why = leader({step.rate_bpm: step.agreeing for step in found.usable}, found.agreement)
    lower = means.lower_than(largest if best is None else best)
    if best is not None and 2 * len(lower) < len(rates) - 1:
        why = reason("reasons.resonance.amplitude_alike", rate=best)
        best, lower = None, means.lower_than(largest)
    elif best is not None and not _side_by_side(rates, lower):
        why = reason("reasons.resonance.not_side_by_side", rate=best)
        best, lower = None, means.lower_than(largest)
    alike = tuple(rate for rate in rates if rate not in lower and rate != best)
    verdict = Verdict.NONE_STANDS_OUT if best is None else Verdict.AGREED
    return replace(found, verdict=verdict, reason=why, best_bpm=best, not_distinguishable_bpm=alike)


def _side_by_side(rates: Sequence[float], lower: frozenset[float]) -> bool:
    """Whether what is not lower is one run of rates: a resonance has one peak, slow change may have more."""
    kept = [place for place, rate in enumerate(rates) if rate not in lower]
    return kept[-1] - kept[0] == len(kept) - 1


def _too_few_rates(found: Assessment) -> str:
    left_out = [
        reason("reasons.resonance.at_rate", rate=step.rate_bpm, reason=step.excluded)
        for step in found.steps
        if step.excluded
    ]
    why = together("grammar.and_then", left_out) if left_out else ""
    return reason("reasons.resonance.too_few_rates", needed=FEWEST_RATES, held=len(found.usable), reasons=why)


def _step_from(facts: dict[str, Any]) -> RateStep:
    values = tuple(
        Measured(**{**each, "criterion": Criterion(each["criterion"])}) for each in facts["values"]
    )
    if [each.criterion for each in values] != list(Criterion):
        raise ValueError("not the six criteria")
    named = {"followed": Outcome(facts["followed"]), "followed_by": Basis(facts["followed_by"])}
    return RateStep(**{**facts, **named, "values": values})


def _agreement_from(facts: dict[str, Any]) -> Agreement:
    criterion, best = Criterion(facts["criterion"]), tuple(float(rate) for rate in facts["best_bpm"])
    return Agreement(**{**facts, "criterion": criterion, "best_bpm": best})
