"""What a session's event records tell: phases, markers, spans, ratings, check-ins, notes, conditions.

Records are never changed: a correction is a record of its own, and is applied each time they are read. So
the same functions serve a sealed session, one that is recovered, and one that still runs. Facts that this
version does not know of are passed over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from pipeline.journal import Kind, Record
from pipeline.manifest import known, phase_from
from pipeline.model import CheckIn, Marker, Note, Phase, PhaseKind, Rating
from pipeline.spans import SpanKind, kind_of

STRATEGY = "strategy"  # a marker of this kind names the strategy of the phase in force; without text, none
# What these markers tell of happened to the session or to a sensor's link, to nobody's body.
OF_THE_SESSION = frozenset({"link", "protocol", "safety", "task", STRATEGY})
_SAID = ("feeling", "thought", "body", "did")


@dataclass(frozen=True, slots=True)
class Mark:
    """A marker as it stands now, and the number by which a later record can correct it.

    `open`: a span that nobody has ended; it ends, for now, at the end of what was recorded.
    """

    id: int
    marker: Marker
    open: bool = False


def marks_of(records: Sequence[Record], end_s: float) -> list[Mark]:
    """What was marked by hand, in the order it was, corrections applied; `end_s` is the latest moment.

    A marker's number is that of its record, a span's that of the record which began it. What a record says:

    - `kind`, `text`: a moment; with `ago_s` one that lies so many seconds before the record.
    - `span`: "start" or "end" of a span of this kind. A second start, or an end without one, says nothing.
    - `relabel`: the number of the marker that is now of this `kind`, `text`; what is not said stays.
    - `remove`: the number of the marker that was a mistake.
    """
    marks: list[Mark] = []
    for record in records:
        if record.kind is Kind.MARKER:
            _apply(record, marks)
    return [replace(mark, marker=_closed(mark.marker, end_s)) if mark.open else mark for mark in marks]


def is_event(marker: Marker) -> bool:
    """Whether a body may have responded: to no span that leaves data out, to nothing of the session's own."""
    return marker.kind not in OF_THE_SESSION and kind_of(marker) is None


def _apply(record: Record, marks: list[Mark]) -> None:
    facts = record.facts
    if "remove" in facts:
        marks[:] = [mark for mark in marks if mark.id != facts["remove"]]
    elif "relabel" in facts:
        marks[:] = [_relabelled(mark, facts) if mark.id == facts["relabel"] else mark for mark in marks]
    elif facts.get("span") == "end":
        marks[:] = [_ended(mark, record) if _is_open(mark, facts.get("kind")) else mark for mark in marks]
    elif facts.get("span") != "start":
        marks.append(Mark(record.sequence, _marker(record)))
    elif not any(_is_open(mark, facts.get("kind")) for mark in marks):
        marks.append(Mark(record.sequence, _marker(record), open=True))


def _marker(record: Record) -> Marker:
    return known(Marker, {"kind": "mark", **record.facts, "time_s": _moment_s(record)})


def _moment_s(record: Record) -> float:
    """When it was, which may be some seconds before somebody pressed a key."""
    return max(0.0, record.arrival_s - max(0.0, float(record.facts.get("ago_s") or 0.0)))


def _is_open(mark: Mark, kind: str | None) -> bool:
    return mark.open and mark.marker.kind == kind


def _ended(mark: Mark, record: Record) -> Mark:
    marker = _closed(mark.marker, _moment_s(record))
    return replace(mark, marker=replace(marker, text=marker.text or record.facts.get("text", "")), open=False)


def _closed(marker: Marker, end_s: float) -> Marker:
    return replace(marker, end_s=max(end_s, marker.time_s))


def _relabelled(mark: Mark, facts: dict[str, Any]) -> Mark:
    marker = mark.marker
    kind, text = facts.get("kind", marker.kind), facts.get("text", marker.text)
    return replace(mark, marker=replace(marker, kind=kind, text=text))


def markers_of(records: Sequence[Record], end_s: float) -> list[Marker]:
    """All markers: those of people, pauses as spans, and what happened to the sensors' links."""
    marked = [mark.marker for mark in marks_of(records, end_s)]
    links = [
        Marker(r.arrival_s, "link", f"{r.stream}: {r.facts['event']}, {r.facts['reason']}".removesuffix(", "))
        for r in records
        if r.kind is Kind.LINK
    ]
    return marked + _pauses(records, end_s) + links


def _pauses(records: Sequence[Record], end_s: float) -> list[Marker]:
    """From each pause to the resumption that follows, or the end."""
    pauses: list[Marker] = []
    since_s: float | None = None
    for record in records:
        if record.kind is not Kind.PAUSE:
            continue
        if record.facts.get("paused"):
            since_s = record.arrival_s if since_s is None else since_s
        elif since_s is not None:
            pauses.append(Marker(since_s, SpanKind.PAUSE.value, end_s=record.arrival_s))
            since_s = None
    return pauses if since_s is None else [*pauses, Marker(since_s, SpanKind.PAUSE.value, end_s=end_s)]


def phases_of(records: Sequence[Record], end_s: float) -> tuple[Phase, ...]:
    """Phases run from their record to the next one; a record without a name ends the last.

    A record of the same name with another pacer begins a phase of its own, so that no phase mixes two, and
    goes on with the strategy. One that `restarts` takes the kind from all since its name first began: a
    baseline that went wrong, and what was held against it.
    """
    turns = [(record.arrival_s, record.facts) for record in records if record.kind is Kind.PHASE]
    ends = [*(at_s for at_s, _ in turns[1:]), end_s][: len(turns)]  # killed before the first, none
    chosen = [mark.marker for mark in marks_of(records, end_s) if mark.marker.kind == STRATEGY]
    phases: list[Phase] = []
    for (at_s, facts), until_s in zip(turns, ends, strict=True):
        name, restarts = facts.get("name"), bool(facts.get("restarts"))
        if restarts:
            phases = _without_kind(phases, name)
        if name:
            goes_on = phases[-1] if phases and phases[-1].name == name and not restarts else None
            phase = phase_from({**facts, "start_s": at_s, "end_s": until_s})
            phases.append(replace(phase, strategy=_strategy(phase, chosen, goes_on)))
    return tuple(phases)


def _without_kind(phases: Sequence[Phase], name: str | None) -> list[Phase]:
    """The phases; from the first of this name on they are of no kind, as what began there begins again."""
    first = next((place for place, phase in enumerate(phases) if phase.name == name), len(phases))
    return [*phases[:first], *(replace(phase, kind=PhaseKind.OTHER) for phase in phases[first:])]


def _strategy(phase: Phase, chosen: Sequence[Marker], goes_on: Phase | None) -> str | None:
    """The one chosen last within the phase; else that of the phase it `goes_on` from, or its own."""
    inside = [marker.text for marker in chosen if phase.start_s <= marker.time_s < phase.end_s]
    if inside:
        return inside[-1] or None
    return goes_on.strategy if goes_on is not None else phase.strategy


def ratings_of(records: Sequence[Record]) -> tuple[Rating, ...]:
    """Self-reports, as they came."""
    return tuple(known(Rating, _at(r)) for r in records if r.kind is Kind.RATING)


def check_ins_of(records: Sequence[Record]) -> tuple[CheckIn, ...]:
    """What the person said of themselves, in their words."""
    return tuple(
        CheckIn(
            r.arrival_s,
            str(r.facts.get("when", "")),
            **{name: str(r.facts.get(name) or "") for name in _SAID},
        )
        for r in records
        if r.kind is Kind.CHECK_IN
    )


def notes_of(records: Sequence[Record]) -> tuple[Note, ...]:
    """What somebody wrote down."""
    return tuple(Note(r.arrival_s, str(r.facts.get("text", ""))) for r in records if r.kind is Kind.NOTE)


def conditions_of(records: Sequence[Record]) -> dict[str, str]:
    """What the header says of the circumstances, and what later records say; the latest counts."""
    told = [dict(r.facts.get("conditions", {})) for r in records if r.kind is Kind.HEADER][:1]
    told += [r.facts for r in records if r.kind is Kind.CONDITIONS]
    return {name: text for each in told for name, text in each.items() if isinstance(text, str)}


def _at(record: Record) -> dict[str, Any]:
    """An event's facts with the moment it was journalled at."""
    return {**record.facts, "time_s": record.arrival_s}
