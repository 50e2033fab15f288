"""The page: what an `Analysis` holds, put in the order a clinician reads it, as one HTML file.

Trust comes before results, a value that can't be had says why, and nothing is fetched from anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

from pipeline.guidance import protocol, safety
from pipeline.indices.delayed_arousal import MOSTLY_BEYOND, TEXT
from pipeline.manifest import software
from pipeline.model import BEAT_SOURCES
from pipeline.report import index_charts, quality, resonance_wording, values
from pipeline.report import wording as w
from pipeline.report.axis import Axis, Event
from pipeline.report.charts import Chart, exact, ratings, skin, span, tachogram
from pipeline.report.figures import NONE, clock
from pipeline.report.resonance import resonance
from pipeline.report.summary import in_short
from pipeline.report.tables import Table, plain
from pipeline.spans import HEART, SKIN

if TYPE_CHECKING:
    from pipeline.analysis import Analysis
    from pipeline.model import DeviceInfo, Phase, Recording

_MOST_RATING_SCALES = 3
_SCREENING = "screening_"  # the questions before a first session: what was not so is not told
_LINK = "link"  # that a sensor came or went: told as gaps, with their reasons


def render(analysis: Analysis) -> str:
    """The clinician's report of a session as a self-contained page: no script, no request to anywhere."""
    recording = analysis.recording
    words = w.heart_words(recording.beat_source)
    events = _events(recording)
    axis = Axis(
        recording.duration_s,
        recording.phases,
        tuple(Event(place, each.time_s) for place, each in enumerate(events, 1)),
    )
    return (
        _environment()
        .get_template("template.html.j2")
        .render(
            w=w,
            css=_css(),
            words=words,
            head=_head(recording),
            badges=_badges(recording),
            client=recording.client or w.NO_CLIENT,
            date=_date(recording),
            in_short=in_short(analysis),
            trust=quality.trust(analysis, axis),
            course=_course(analysis, axis, words),
            phase_key=[(place, phase.name) for place, phase in enumerate(recording.phases, 1)],
            events=_event_table(events, recording.phases),
            check_ins=_check_in_table(recording),
            anything_said=bool(recording.notes or recording.check_ins),
            by_phase=values.by_phase(analysis, words),
            change=values.change(analysis, axis, words),
            resonance=resonance(analysis),
            resonance_title=resonance_wording.TITLE,
            methods=values.methods(analysis, words, software()),
            formulas=values.formulas(words),
        )
    )


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("pipeline.report", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )


@lru_cache(maxsize=1)
def _css() -> str:
    """The style sheet, without the indentation that is for those who edit it."""
    lines = files("pipeline.report").joinpath("style.css").read_text(encoding="utf-8").splitlines()
    return "\n".join(line.strip() for line in lines if line.strip())


def _date(recording: Recording) -> str | None:
    return w.local_time(recording.started_at) if recording.started_at else None


def _badges(recording: Recording) -> list[tuple[str, str]]:
    told = (("simulated", w.SIMULATED, recording.simulated), ("recovered", w.RECOVERED, recording.recovered))
    return [(css, text) for css, text, holds in told if holds]


def _head(recording: Recording) -> list[tuple[str, str]]:
    """What stands under the title: term and value."""
    devices = "; ".join(_device(each) for each in recording.devices)
    conditions = "; ".join(
        f"{name.removeprefix(_SCREENING).replace('_', ' ')}: {value}"
        for name, value in recording.conditions.items()
        if not _is_screening(name) or value == "yes"
    )
    return [
        (w.DATE, _date(recording) or w.NOT_RECORDED),
        (w.DURATION, clock(recording.duration_s)),
        (w.PROTOCOL, _protocol_title(recording.protocol)),
        (w.DEVICES, devices or w.NOT_RECORDED),
        *([(w.CONDITIONS, conditions)] if conditions else []),
    ]


def _is_screening(name: str) -> bool:
    return name.startswith(_SCREENING) or any(name == question.id for question in safety.QUESTIONS)


def _device(device: DeviceInfo) -> str:
    details = [
        *([device.model] if device.model and device.model not in device.name else []),
        *([w.FIRMWARE.format(version=device.firmware)] if device.firmware else []),
        *([w.BATTERY.format(percent=device.battery_pct)] if device.battery_pct is not None else []),
    ]
    return f"{device.name} ({', '.join(details)})" if details else device.name


def _protocol_title(name: str | None) -> str:
    """The title of a protocol that the software brings; any other is named as it was recorded."""
    if name is None:
        return w.NOT_RECORDED
    return protocol.protocol(name).title if name in protocol.protocols() else name


@dataclass(frozen=True, slots=True)
class _Noted:
    """A marker, note or rating."""

    time_s: float
    end_s: float | None
    kind: str
    text: str


def _events(recording: Recording) -> list[_Noted]:
    noted = [_Noted(m.time_s, m.end_s, m.kind, m.text) for m in recording.markers if m.kind != _LINK]
    noted += [
        _Noted(r.time_s, None, w.RATING, w.RATING_TEXT.format(scale=r.scale, value=exact(r.value)))
        for r in recording.ratings
    ]
    noted += [_Noted(n.time_s, None, w.NOTE, w.SAID.format(text=n.text)) for n in recording.notes]
    return sorted(noted, key=lambda each: each.time_s)


def _event_table(events: list[_Noted], phases: tuple[Phase, ...]) -> Table | None:
    rows = [
        [
            str(place),
            clock(each.time_s) if each.end_s is None else span(each.time_s, each.end_s),
            next((p.name for p in phases if p.start_s <= each.time_s < p.end_s), NONE),
            each.kind,
            each.text or NONE,
        ]
        for place, each in enumerate(events, 1)
    ]
    head = (w.NUMBER, w.TIME, w.PHASE, w.KIND, w.TEXT)
    return plain(w.EVENTS, head, rows, words=True) if rows else None


def _check_in_table(recording: Recording) -> Table | None:
    """What the person said, in their words; what they did not say stays open."""
    rows = [
        [
            each.when,
            clock(each.time_s),
            *(
                w.SAID.format(text=said) if said else NONE
                for said in (each.feeling, each.thought, each.body, each.did)
            ),
        ]
        for each in recording.check_ins
    ]
    return plain(w.CHECK_INS, w.CHECK_IN_HEAD, rows, words=True) if rows else None


def _course(analysis: Analysis, axis: Axis, words: w.HeartWords) -> list[Chart]:
    """The charts against time that the recording has data for."""
    charts = []
    if analysis.beats is not None:
        gaps, marks = quality.gaps_of(analysis, *BEAT_SOURCES), quality.marks_of(analysis, HEART)
        charts.append(tachogram(axis, analysis.beats, words, gaps, marks))
    if analysis.eda is not None and analysis.scrs is not None:
        gaps, marks = quality.gaps_of(analysis, "eda"), quality.marks_of(analysis, SKIN)
        charts.append(skin(axis, analysis.eda, analysis.scrs, gaps, marks))
    return charts + _ratings(analysis.recording, axis) + _indices(analysis, axis)


def _indices(analysis: Analysis, axis: Axis) -> list[Chart]:
    """Arousal, and the delayed model, each as far as there is one."""
    indices = analysis.signals.indices
    if indices is None:
        return []
    course, slow = indices.course, indices.delayed
    note = f"{TEXT} {w.sentence(MOSTLY_BEYOND)}" if slow.mostly_beyond else TEXT
    charts = (
        index_charts.arousal(axis, indices.time_s, course),
        index_charts.delayed(axis, slow, note),
    )
    return [chart for chart in charts if chart is not None]


def _ratings(recording: Recording, axis: Axis) -> list[Chart]:
    scales = list(dict.fromkeys(rating.scale for rating in recording.ratings))[:_MOST_RATING_SCALES]
    return [
        ratings(
            axis,
            scale,
            [(r.time_s, r.value) for r in recording.ratings if r.scale == scale],
            f"rating-{place}",
        )
        for place, scale in enumerate(scales)
    ]
