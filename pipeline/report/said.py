"""What people said and marked, in their words: on the timeline, in the list below it, and never analysed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from pipeline.figures import NONE, clock
from pipeline.language import text, text_or, texts
from pipeline.report.axis import Event
from pipeline.report.charts import exact, span
from pipeline.report.names import phase_name
from pipeline.report.tables import Table, plain

if TYPE_CHECKING:
    from pipeline.model import Phase, Recording

_LINK = "link"  # that a sensor came or went: told as gaps, with their reasons
_BARE, _MOST_TAGS = re.compile(r"(?:tag \d+)?"), 5  # as imports number them; so many in a row are listed
_LONGEST = 1200  # letters of a note: the rest stands in the session


@dataclass(frozen=True, slots=True)
class Said:
    """The lists of markers, ratings and notes, and of check-ins; None where there are none."""

    events: Table | None
    check_ins: Table | None
    in_words: bool


def said(recording: Recording) -> Said:
    """What was marked, rated, noted and told."""
    return Said(
        events=_event_table(recording),
        check_ins=_check_in_table(recording),
        in_words=bool(recording.notes or recording.check_ins),
    )


def events_of(recording: Recording) -> tuple[Event, ...]:
    """The numbered moments of the list, for the time axis."""
    return tuple(Event(place, each.time_s) for place, each in enumerate(_noted(recording), 1))


@dataclass(frozen=True, slots=True)
class _Noted:
    """A marker, note or rating."""

    time_s: float
    end_s: float | None
    kind: str
    text: str


def _noted(recording: Recording) -> list[_Noted]:
    noted = [_Noted(m.time_s, m.end_s, _kind(m.kind), m.text) for m in recording.markers if m.kind != _LINK]
    noted += [
        _Noted(
            r.time_s,
            None,
            text("course.rating"),
            text("course.rating_text", scale=scale_name(r.scale), value=exact(r.value)),
        )
        for r in recording.ratings
    ]
    noted += [_Noted(n.time_s, None, text("course.note"), _quoted(n.text)) for n in recording.notes]
    return sorted(noted, key=lambda each: each.time_s)


def _kind(kind: str) -> str:
    return text_or(f"marks.{kind}", kind)


def scale_name(scale: str) -> str:
    """What a rating is called."""
    return text_or(f"scales.{scale}", scale)


def _event_table(recording: Recording) -> Table | None:
    rows: list[list[str]] = []
    for bare, run in groupby(enumerate(_noted(recording), 1), key=lambda each: _is_bare_tag(each[1])):
        events = list(run)
        shown = _MOST_TAGS if bare and len(events) > _MOST_TAGS + 1 else len(events)
        rows += [_event_row(place, each, recording) for place, each in events[:shown]]
        rows += [_rest_row(events[shown:], recording)] if events[shown:] else []
    heads = [text(f"course.{each}") for each in ("number", "time", "phase", "kind", "text")]
    return plain(text("course.events"), heads, rows, words=True) if rows else None


def _is_bare_tag(noted: _Noted) -> bool:
    """Whether it is the press of a button, with its number and no words."""
    return noted.kind == _kind("tag") and _BARE.fullmatch(noted.text) is not None


def _event_row(place: int, each: _Noted, recording: Recording) -> list[str]:
    return [
        str(place),
        clock(each.time_s) if each.end_s is None else span(each.time_s, each.end_s),
        _phase_at(recording.phases, each.time_s),
        each.kind,
        _shortened(each.text) or text("course.without_words"),
    ]


def _rest_row(events: list[tuple[int, _Noted]], recording: Recording) -> list[str]:
    """Tags that follow one another as one row; the charts have each."""
    (first, begin), (last, end) = events[0], events[-1]
    return [
        text("course.numbers", first=first, last=last),
        clock(begin.time_s),
        _phase_at(recording.phases, begin.time_s),
        begin.kind,
        text("course.more_tags", count=len(events), at=clock(end.time_s)),
    ]


def _phase_at(phases: tuple[Phase, ...], time_s: float) -> str:
    return next(
        (phase_name(phase) for phase in phases if phase.start_s <= time_s < phase.end_s),
        text("course.no_phase"),
    )


def _check_in_table(recording: Recording) -> Table | None:
    """What the person said, in their words; what they did not say stays open."""
    rows = [
        [
            text_or(f"course.when.{each.when}", each.when),
            clock(each.time_s),
            *(
                _quoted(words) if words else NONE
                for words in (each.feeling, each.thought, each.body, each.did)
            ),
        ]
        for each in recording.check_ins
    ]
    heads = texts("course.check_in_head")
    return plain(text("course.check_ins"), heads, rows, words=True) if rows else None


def _quoted(words: str) -> str:
    return text("grammar.quoted", text=_shortened(words))


def _shortened(words: str) -> str:
    """Long words as far as a page has room; that something is left out is said."""
    if len(words) <= _LONGEST:
        return words
    return text("course.shortened", text=words[:_LONGEST].rstrip(), left=len(words) - _LONGEST)
