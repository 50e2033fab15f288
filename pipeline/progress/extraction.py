"""A session's values, taken from its analysis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from pipeline.guidance.resonance_criteria import Breaths, amplitude
from pipeline.guidance.strategies import strategies
from pipeline.heart.time_domain import time_domain
from pipeline.language import reason
from pipeline.model import DeviceInfo, Phase, PhaseKind, Rating
from pipeline.progress.measures import MEASURES, Measure
from pipeline.progress.session_records import (
    EARLY,
    LATE,
    Distress,
    HalfTime,
    NearOwnBaseline,
    PacedSkill,
    Practice,
    Reaction,
    SessionValues,
    ShareLeft,
    Value,
)
from pipeline.regulation import Curve, Estimate, Recovery, baseline_of

if TYPE_CHECKING:
    from pipeline.analysis import Analysis

PACED_BREATHING = "paced breathing"

LEAST_REST_S = 120.0  # RMSSD of two minutes is nearly that of five (Munoz 2015)
_PAIR_S = 120.0  # two minutes at either end of a practice
_PAIR_COVER = 0.5
_DISTRESS = "distress"
_HEART_ONLY, _SKIN_ONLY = {"heart_rate", "polar"}, {"edamove"}


def values_of(analysis: Analysis) -> SessionValues:
    """What progress needs of an analysed session."""
    recording = analysis.recording
    rest = baseline_of(recording.phases)
    return SessionValues(
        session_id=recording.recording_id,
        started_at=recording.started_at,
        client=recording.client,
        protocol=recording.protocol,
        simulated=recording.simulated,
        duration_s=recording.duration_s,
        beat_source=recording.beat_source,
        device=_device(recording.devices, _SKIN_ONLY) if recording.beats is not None else None,
        eda_device=_device(recording.devices, _HEART_ONLY) if analysis.eda is not None else None,
        eda_site=recording.conditions.get("eda_site"),
        conditions=dict(recording.conditions),
        rest={measure.name: _value(analysis, measure, rest) for measure in MEASURES},
        rest_phase=rest.name if rest else None,
        rest_minutes=rest.duration_s / 60 if rest else 0.0,
        reactions=tuple(
            Reaction(each.measure, each.challenge, each.change, each.low, each.high, each.reason)
            for each in analysis.reactivity
        ),
        recoveries=tuple(share for each in analysis.recovery for share in _shares(each)),
        half_times=tuple(_half_time(each) for each in analysis.curves),
        near_baseline=tuple(
            NearOwnBaseline(each.phase, each.share, each.valid_s, each.reason)
            for each in analysis.near_baseline
        ),
        practice=tuple(_practices(analysis)),
        paced_skill=tuple(_paced_skill(analysis)),
        distress=_distress(recording.ratings),
    )


def _value(analysis: Analysis, measure: Measure, rest: Phase | None) -> Value:
    """A measure of the baseline; none where less than two minutes of it are usable."""
    if rest is None:
        return Value(None, reason=reason("progress.no_baseline"))
    found = next((each for each in analysis.estimates if _is_of(each, measure, rest)), None)
    if found is None or found.value is None:
        return Value(None, reason=found.reason if found else reason("progress.not_measured"))
    if (usable_s := _usable_s(analysis, measure, rest)) < LEAST_REST_S - 1:
        return Value(None, reason=reason("progress.short_baseline", seconds=round(usable_s)))
    return Value(found.value, found.low, found.high, found.n, found.reason)


def _is_of(estimate: Estimate, measure: Measure, phase: Phase) -> bool:
    return (estimate.measure, estimate.phase, estimate.start_s) == (measure.name, phase.name, phase.start_s)


def _usable_s(analysis: Analysis, measure: Measure, phase: Phase) -> float:
    if measure.of_skin:
        values = next(each.values for each in analysis.phases if each.phase == phase)
        return (values.number("eda_coverage") or 0.0) * phase.duration_s
    return analysis.beats.covered_s(phase.start_s, phase.end_s) if analysis.beats is not None else 0.0


def _shares(found: Recovery) -> Iterator[ShareLeft]:
    if found.early is not None:
        early = found.early
        yield ShareLeft(
            found.measure, found.challenge, EARLY, early.left, early.low, early.high, early.reason
        )
    yield ShareLeft(
        found.measure, found.challenge, LATE, found.share_left, found.low, found.high, found.reason
    )


def _half_time(curve: Curve) -> HalfTime:
    return HalfTime(curve.measure, curve.challenge, curve.half_time_s, curve.low, curve.high, curve.reason)


def _practices(analysis: Analysis) -> Iterator[Practice]:
    """Each practice: a phase with a strategy that is no challenge, or with a pacer.

    A phase that goes on under the same name, as after a stop, is one practice.
    """
    phases = analysis.recording.phases
    open_: tuple[Phase, int] | None = None
    for order, phase in enumerate(phases, start=1):
        if not _is_practice(phase):
            continue
        if open_ is not None and _goes_on(open_[0], phase):
            open_ = replace(open_[0], end_s=phase.end_s), open_[1]
            continue
        if open_ is not None:
            yield _practice(analysis, *open_)
        open_ = phase, order
    if open_ is not None:
        yield _practice(analysis, *open_)


def _is_practice(phase: Phase) -> bool:
    if phase.paced:
        return True
    usual = phase.kind in (PhaseKind.STRESSOR, PhaseKind.BASELINE, PhaseKind.SETTLE, PhaseKind.REFERENCE)
    return phase.strategy is not None and not usual


def _goes_on(before: Phase, phase: Phase) -> bool:
    alike = (before.name, before.strategy, before.pacer) == (phase.name, phase.strategy, phase.pacer)
    return alike and abs(phase.start_s - before.end_s) < 1


def _practice(analysis: Analysis, phase: Phase, order: int) -> Practice:
    named = phase.strategy or PACED_BREATHING
    title, kind = _collection().get(named, (named, None))
    start_bpm, settling_bpm = _settling(analysis, phase)
    minutes = phase.duration_s / 60
    return Practice(named, title, kind, phase.paced, minutes, settling_bpm, start_bpm, order)


@lru_cache(maxsize=1)
def _collection() -> dict[str, tuple[str, str]]:
    return {name: (each.title, str(each.kind)) for name, each in strategies().items()}


def _settling(analysis: Analysis, phase: Phase) -> tuple[float | None, float | None]:
    """Mean heart rate of a practice's first two minutes, and how much it changed to its last two."""
    if phase.duration_s < 2 * _PAIR_S - 1:
        return None, None
    first = _heart_rate_bpm(analysis, phase.start_s, phase.start_s + _PAIR_S)
    last = _heart_rate_bpm(analysis, phase.end_s - _PAIR_S, phase.end_s)
    return first, None if first is None or last is None else last - first


def _heart_rate_bpm(analysis: Analysis, start_s: float, end_s: float) -> float | None:
    beats = analysis.beats
    if beats is None or beats.covered_s(start_s, end_s) < _PAIR_COVER * (end_s - start_s):
        return None
    return time_domain(beats.between(start_s, end_s)).mean_hr_bpm


def _paced_skill(analysis: Analysis) -> Iterator[PacedSkill]:
    for each in analysis.phases:
        if each.pacing is None or each.phase.pacer is None:
            continue
        swing = None
        if analysis.beats is not None:
            swing = amplitude(Breaths.of(each.phase, each.phase.pacer, analysis.beats)).value
        yield PacedSkill(each.pacing.pacer_bpm, str(each.pacing.outcome), swing)


def _distress(ratings: Sequence[Rating]) -> Distress:
    said = sorted((each for each in ratings if each.scale == _DISTRESS), key=lambda each: each.time_s)
    return Distress(said[0].value, said[-1].value, len(said)) if said else Distress()


def _device(devices: Sequence[DeviceInfo], not_by: set[str]) -> str | None:
    """The sensors that a signal can have come from, by model where it is known."""
    names = sorted({each.model or each.name for each in devices if each.driver not in not_by})
    return ", ".join(names) or None
