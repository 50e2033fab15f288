"""What a person points at, says or rates during a session, each journalled at the moment it happens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pipeline.errors import UsageError
from pipeline.events import OF_THE_SESSION, marks_of, notes_of, ratings_of
from pipeline.guidance.protocol import SCALES
from pipeline.journal import Kind, Record
from pipeline.spans import SpanKind

Write = Callable[[Kind, Mapping[str, Any]], Record]

MARKED_SPANS = (SpanKind.TALKING, SpanKind.MOVING, SpanKind.TOUCHING)
_LONGEST_NAME, _LONGEST_TEXT = 60, 2000
_MOST_AGO_S = 600.0
_SCALE_MAX = 10.0
_CHECK_IN_FIELDS = ("feeling", "thought", "body", "did")


@dataclass(slots=True)
class Noted:
    """The marks, spans, ratings, notes and check-ins of a running session.

    `write` journals an event and returns its record. What is listed is read from the records by the same
    functions as in a stored session.
    """

    write: Write
    records: list[Record] = field(default_factory=list)
    checked_in: set[str] = field(default_factory=set)
    _listed: tuple[int, dict[str, Any]] | None = None

    def _event(self, kind: Kind, /, **facts: Any) -> None:
        self.records.append(self.write(kind, facts))

    def _open(self) -> set[str]:
        return {mark.marker.kind for mark in marks_of(self.records, 0.0) if mark.open}

    def listed(self, now_s: float) -> dict[str, Any]:
        """Markers, open spans, ratings and notes as plain data; an open span has no end yet."""
        if self._listed is None or self._listed[0] != len(self.records):
            self._listed = len(self.records), self._list(now_s)
        return self._listed[1]

    def _list(self, now_s: float) -> dict[str, Any]:
        marks = sorted(marks_of(self.records, now_s), key=lambda mark: mark.marker.time_s)
        return {
            "markers": [
                {"id": mark.id, **asdict(mark.marker), **({"end_s": None} if mark.open else {})}
                for mark in marks
            ],
            "open_spans": [mark.marker.kind for mark in marks if mark.open],
            "ratings": [asdict(rating) for rating in ratings_of(self.records)],
            "notes": [asdict(note) for note in notes_of(self.records)],
        }

    def mark(self, kind: str, text: str = "", ago_s: float = 0.0) -> None:
        """Mark this moment, or one some seconds ago."""
        if not 0 <= ago_s <= _MOST_AGO_S:
            raise UsageError(f"a moment can be marked up to {_MOST_AGO_S:.0f} s later: choose fewer seconds")
        ago = {"ago_s": ago_s} if ago_s else {}
        self._event(Kind.MARKER, kind=_short(kind, "a marker's kind"), text=_text(text), **ago)

    def relabel(self, number: int, kind: str, text: str = "") -> None:
        """Call a marker something else; the journal keeps what it was called before."""
        self._known(number)
        kind = _short(kind, "a marker's kind")
        self._event(Kind.MARKER, relabel=number, kind=kind, text=_text(text))

    def remove(self, number: int) -> None:
        """Take a marker back; the journal keeps it."""
        self._known(number)
        self._event(Kind.MARKER, remove=number)

    def _known(self, number: int) -> None:
        """Raise unless this is a marker that a person may correct: what happened to the session happened."""
        kind = next((mark.marker.kind for mark in marks_of(self.records, 0.0) if mark.id == number), None)
        if kind is None:
            raise UsageError("there is no such marker any more")
        if kind in OF_THE_SESSION:
            raise UsageError("this tells what happened in the session, and stays as it is")

    def span_start(self, kind: str) -> None:
        """Begin to mark talking, moving or touching; once begun, beginning again changes nothing."""
        if (span := _span(kind)) not in self._open():
            self._event(Kind.MARKER, kind=span, text="", span="start")

    def span_end(self, kind: str) -> None:
        """End what was marked; nothing if it was not."""
        if (span := _span(kind)) in self._open():
            self._event(Kind.MARKER, kind=span, text="", span="end")

    def rate(self, scale: str, value: float) -> None:
        """Note a self-report from 0 to 10."""
        if scale not in SCALES:
            raise UsageError(f"no scale {scale!r}: there is {', '.join(SCALES)}")
        if not 0 <= value <= _SCALE_MAX:
            raise UsageError("a rating lies between 0 and 10")
        self._event(Kind.RATING, scale=scale, value=float(value))

    def note(self, text: str) -> None:
        """Note what somebody wrote. It is kept, and never analysed."""
        if not (text := _text(text)):
            raise UsageError("the note is empty: write something first")
        self._event(Kind.NOTE, text=text)

    def check_in(self, when: str, answers: Mapping[str, str]) -> None:
        """Note feeling, thought, body and what was done, before or after; each may be empty."""
        if when not in ("before", "after"):
            raise UsageError("a check-in is before or after a session")
        told = {name: _text(answers.get(name, "")) for name in _CHECK_IN_FIELDS}
        if any(told.values()):
            self._event(Kind.CHECK_IN, when=when, **told)
        self.checked_in.add(when)

    def conditions(self, facts: Mapping[str, str]) -> None:
        """Note conditions of the session, such as the answers to the questions before a first one."""
        self._event(
            Kind.CONDITIONS, **{_short(name, "a condition"): _text(said) for name, said in facts.items()}
        )


def _span(kind: str) -> str:
    if kind not in MARKED_SPANS:
        raise UsageError(f"no span {kind!r}: there are {', '.join(MARKED_SPANS)}")
    return str(SpanKind(kind))


def _short(text: str, what: str) -> str:
    text = " ".join(text.split())
    if not 0 < len(text) <= _LONGEST_NAME:
        raise UsageError(f"{what} has 1 to {_LONGEST_NAME} characters")
    return text


def _text(text: str) -> str:
    text = text.strip()
    if len(text) > _LONGEST_TEXT:
        raise UsageError(f"the text has more than {_LONGEST_TEXT} characters: shorten it")
    return text
