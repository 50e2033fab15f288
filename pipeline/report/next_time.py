"""What to check next time: a few practical points, each by a rule from what the session lacked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeline.breathing.pacing import Outcome
from pipeline.figures import clock, percent, share
from pipeline.floors import SPECTRAL_MAX_CORRECTED_PCT
from pipeline.language import text
from pipeline.model import PhaseKind
from pipeline.regulation import baseline_of
from pipeline.report.charts import exact

if TYPE_CHECKING:
    from pipeline.analysis import Analysis
    from pipeline.report.context import Context

_MOST = 6
_ENOUGH_S = 300.0  # of rest, and of recovery, for what a report says of them
_EDGE_S = 1.0
_MUCH_ARTEFACT_PCT = 10.0
_ENOUGH_USABLE = 0.8  # of the session, below which a sensor's fit is worth a look


def next_time(analysis: Analysis, context: Context) -> tuple[str, ...]:
    """At most six points, those that concern the person first."""
    points = [
        *_agreed(context),
        *_safety(analysis),
        *_sensors(analysis),
        *_phases(analysis),
        *_pacing(analysis),
        *_asked(analysis),
    ]
    return tuple(points[:_MOST])


def _agreed(context: Context) -> Iterator[str]:
    if context.profile.next_step:
        yield text("next_time.agreed", step=context.profile.next_step)


def _safety(analysis: Analysis) -> Iterator[str]:
    stopped = {marker.text for marker in analysis.recording.markers if marker.kind == "safety"}
    for each in ("unwell", "distress"):
        if each in stopped:
            yield text(f"next_time.{each}")


def _sensors(analysis: Analysis) -> Iterator[str]:
    if analysis.beats is None:
        yield text("next_time.no_heart")
    elif analysis.beats.corrected_pct > SPECTRAL_MAX_CORRECTED_PCT:
        yield text("next_time.beats", share=percent(analysis.beats.corrected_pct))
    elif (usable := float(analysis.quality["beats"]["coverage"])) < _ENOUGH_USABLE:
        pulse = analysis.recording.beat_source == "pp"
        yield text("next_time.few_pulses" if pulse else "next_time.few_beats", share=share(usable))
    if analysis.eda is None:
        yield text("next_time.no_skin")
        return
    artefact = analysis.whole.number("eda_artefact_pct")
    if artefact is not None and artefact > _MUCH_ARTEFACT_PCT:
        yield text("next_time.skin", share=percent(artefact))
    elif analysis.quality["eda"]["no_response_seen"]:
        yield text("next_time.no_response")


def _phases(analysis: Analysis) -> Iterator[str]:
    phases = analysis.recording.phases
    baseline = baseline_of(phases)
    if baseline is None:
        yield text("next_time.no_baseline")
    elif baseline.duration_s < _ENOUGH_S - _EDGE_S:
        yield text("next_time.short_baseline", length=clock(baseline.duration_s))
    stressed = any(phase.kind is PhaseKind.STRESSOR for phase in phases)
    recoveries = [phase for phase in phases if phase.kind is PhaseKind.RECOVERY and not phase.paced]
    if stressed and all(phase.duration_s < _ENOUGH_S - _EDGE_S for phase in recoveries):
        yield text("next_time.short_recovery")


def _pacing(analysis: Analysis) -> Iterator[str]:
    for each in analysis.phases:
        pacer, pacing = each.phase.pacer, each.pacing
        if pacer is not None and pacing is not None and pacing.outcome is Outcome.NOT_FOLLOWED:
            yield text("next_time.pacer", rate=exact(pacer.breaths_per_min))
            return


def _asked(analysis: Analysis) -> Iterator[str]:
    recording = analysis.recording
    if recording.phases and not recording.ratings:
        yield text("next_time.no_rating")
    if recording.source == "session" and not recording.conditions:
        yield text("next_time.no_conditions")
