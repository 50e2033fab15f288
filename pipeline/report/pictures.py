"""The charts of a session's page, as far as the recording has data for them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipeline.figures import HEART_RATE, RMSSD, SCL, SCR_RATE
from pipeline.grammar import sentence
from pipeline.indices.delayed_arousal import MOSTLY_BEYOND, TEXT
from pipeline.language import told
from pipeline.model import BEAT_SOURCES, Phase
from pipeline.regulation.measures import measures_of
from pipeline.regulation.phases import baseline_of
from pipeline.report import index_charts, quality
from pipeline.report.axis import Axis
from pipeline.report.breathing_chart import breathing
from pipeline.report.charts import Chart, Dot, comparison, rate_course, ratings, skin, spectrum, tachogram
from pipeline.report.names import HeartWords, measure, numbered
from pipeline.report.outcomes import challenges
from pipeline.report.recovery_charts import recovery_charts
from pipeline.report.said import events_of, scale_name
from pipeline.spans import HEART, SKIN

if TYPE_CHECKING:
    from pipeline.analysis import Analysis, PhaseValues
    from pipeline.model import Recording
    from pipeline.regulation.estimates import Estimate

_MOST_RATING_SCALES = 3
_LEAST_BLOCKS = 2  # of half a minute
_COMPARED = (HEART_RATE, RMSSD, SCL, SCR_RATE)


@dataclass(frozen=True, slots=True)
class Pictures:
    """Usable time, the session over time, phases side by side, the rate, recovery, and spectra."""

    strip: Chart | None
    course: tuple[Chart, ...]
    panels: tuple[Chart, ...]
    rate: Chart | None
    recovery: tuple[Chart, ...]
    spectra: tuple[Chart, ...]
    baseline: str | None
    any_paced: bool


def pictures(analysis: Analysis, words: HeartWords) -> Pictures:
    """All charts of the clinician's edition."""
    recording = analysis.recording
    axis = Axis(recording.duration_s, recording.phases, events_of(recording))
    baseline = baseline_of(recording.phases)
    return Pictures(
        strip=quality.strip_of(analysis, axis),
        course=tuple(_course(analysis, axis, words)),
        panels=_panels(analysis, words, baseline) if len(analysis.phases) > 1 else (),
        rate=_rate(analysis, axis, words, baseline),
        recovery=recovery_charts(analysis, words),
        spectra=_spectra(analysis, baseline),
        baseline=baseline.name if baseline is not None else None,
        any_paced=any(phase.paced for phase in recording.phases),
    )


def _course(analysis: Analysis, axis: Axis, words: HeartWords) -> list[Chart]:
    charts: list[Chart | None] = []
    if analysis.beats is not None:
        gaps, marks = quality.gaps_of(analysis, *BEAT_SOURCES), quality.marks_of(analysis, HEART)
        charts.append(tachogram(axis, analysis.beats, words, gaps, marks))
    if analysis.eda is not None and analysis.scrs is not None:
        gaps, marks = quality.gaps_of(analysis, "eda"), quality.marks_of(analysis, SKIN)
        charts.append(skin(axis.after_first if charts else axis, analysis.eda, analysis.scrs, gaps, marks))
    below = axis.after_first if charts else axis
    charts.append(breathing(below, analysis.signals.breath))
    charts += [*_indices(analysis, below), *_ratings(analysis.recording, below)]
    return [chart for chart in charts if chart is not None]


def _indices(analysis: Analysis, axis: Axis) -> list[Chart | None]:
    """Arousal, and the delayed model, each as far as there is one."""
    indices = analysis.signals.indices
    if indices is None:
        return []
    slow = indices.delayed
    note = f"{told(TEXT)} {sentence(MOSTLY_BEYOND)}" if slow.mostly_beyond else told(TEXT)
    return [
        index_charts.arousal(axis, indices.time_s, indices.course),
        index_charts.delayed(axis, slow, note),
    ]


def _ratings(recording: Recording, axis: Axis) -> list[Chart]:
    scales = list(dict.fromkeys(rating.scale for rating in recording.ratings))[:_MOST_RATING_SCALES]
    return [
        ratings(
            axis,
            scale_name(scale),
            [(r.time_s, r.value) for r in recording.ratings if r.scale == scale],
            f"rating-{place}",
        )
        for place, scale in enumerate(scales)
    ]


def _panels(analysis: Analysis, words: HeartWords, baseline: Phase | None) -> tuple[Chart, ...]:
    """One small chart per measure that any phase has a value of."""
    estimates = {(each.start_s, each.measure): each for each in (each.shown for each in analysis.estimates)}
    panels = []
    for quantity in _COMPARED:
        dots = [
            Dot(
                numbered(place, each.phase),
                each.values.number(quantity.key),
                each.phase.paced,
                each.phase is baseline and _rests(estimates.get((each.phase.start_s, quantity.key))),
                _interval(estimates.get((each.phase.start_s, quantity.key))),
            )
            for place, each in enumerate(analysis.phases, 1)
        ]
        panels.append(comparison(f"by-{quantity.key}", measure(quantity.key, words), quantity, dots))
    return tuple(panel for panel in panels if panel is not None)


def _rests(estimate: Estimate | None) -> bool:
    """Whether a level rests on enough of its phase for others to be held against it."""
    return estimate is not None and estimate.blocks >= _LEAST_BLOCKS


def _interval(estimate: Estimate | None) -> tuple[float, float] | None:
    if estimate is None or estimate.low is None or estimate.high is None:
        return None
    return estimate.low, estimate.high


def _rate(analysis: Analysis, axis: Axis, words: HeartWords, baseline: Phase | None) -> Chart | None:
    """The rate beside the baseline's level, where there was a challenge."""
    if not challenges(analysis):
        return None
    held = next((each for each in analysis.phases if each.phase is baseline), None)
    level = held.values.number("mean_hr_bpm") if held is not None else None
    rests = any(
        _rests(each) for each in analysis.estimates if (each.start_s, each.measure) == _rate_of(baseline)
    )
    beside = (held.phase, level) if held is not None and level is not None and rests else None
    measures = measures_of(analysis.signals, ())
    return rate_course(replace(axis, events=()), measures["mean_hr_bpm"].over, beside, words)


def _rate_of(phase: Phase | None) -> tuple[float, str]:
    return (phase.start_s if phase is not None else -1.0, HEART_RATE.key)


def _spectra(analysis: Analysis, baseline: Phase | None) -> tuple[Chart, ...]:
    """The baseline's spectrum beside that of the first paced phase, as far as either can carry one."""
    shown = [each for each in analysis.phases if each.phase is baseline]
    shown += [each for each in analysis.phases if each.phase.paced and _has_spectrum(each)][:1]
    found = (
        (each.phase, analysis.signals.spectrum(each.phase.start_s, each.phase.end_s))
        for each in shown
        if _has_spectrum(each)
    )
    return tuple(
        spectrum(f"spectrum-{place}", phase.name, each, paced=phase.paced)
        for place, (phase, each) in enumerate(found)
        if each is not None
    )


def _has_spectrum(each: PhaseValues) -> bool:
    return each.values.number("lf_ms2") is not None
