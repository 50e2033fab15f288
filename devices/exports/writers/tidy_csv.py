"""Tidy tables: a file for each stream, one row a sample or beat, and tables of what happened when.

Times are seconds from the start of the session, the unit of a value is in its column's name. A gap is a gap:
no rows, and a line in gaps.csv. README.md beside them is their dictionary.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from devices.exports.writers.tables import Cell, csv, table, texts
from devices.exports.writers.writer import Exported, Outgoing, is_beats
from pipeline.errors import InsufficientDataError
from pipeline.language import text_or
from pipeline.manifest import software
from pipeline.model import Phase, Stream, unit_of

_TIME_DIGITS = 9  # the rate is told by the steps

_TABLES = {
    "phases": "the steps of the session; `vagal analyse FILE --phases` takes this table",
    "markers": "moments and spans that somebody pointed at; what was typed stands here as it was typed",
    "ratings": "what the person said on a scale, such as distress from 0 to 10",
    "gaps": "time in which a stream has no samples, why, and how many are missing where that is known",
    "conditions": "what was answered before the session",
}
_HEADS: dict[str, tuple[str, ...]] = {
    "phases": ("name", "kind", "start_s", "end_s", "strategy", "pacer_breaths_per_min", "pacer_inhale_share"),
    "markers": ("time_s", "end_s", "kind", "text"),
    "ratings": ("time_s", "scale", "value"),
    "gaps": ("stream", "start_s", "end_s", "reason", "missing_samples"),
    "conditions": ("condition", "answer"),
}


class TidyCsv:
    """Writes a folder of tables for each session."""

    name = "csv"

    def files(self, session: Outgoing) -> Iterator[Exported | str]:
        """A table for each stream and for each kind of thing that happened, and their dictionary."""
        if not session.streams:
            raise InsufficientDataError(f"{session.name}: holds no samples of any signal")
        for stream in session.streams:
            yield Exported(f"{session.name}/{stream.name}.csv", _signal(stream))
        for name, rows in _rows(session).items():
            yield Exported(f"{session.name}/{name}.csv", csv(_HEADS[name], rows))
        yield Exported(f"{session.name}/README.md", "\n".join(_readme(session)).encode())

    def around(self, _: Sequence[Outgoing]) -> Iterator[Exported]:
        """Nothing: each folder stands by itself."""
        yield from ()


def _signal(stream: Stream) -> bytes:
    columns = [texts(stream.time_s, _TIME_DIGITS), *(texts(values) for values in stream.columns.values())]
    return table(("time_s", *stream.columns), columns)


def _rows(session: Outgoing) -> dict[str, list[tuple[Cell, ...]]]:
    """The rows of each table of what happened; all are written, also those without rows."""
    recording = session.recording
    return {
        "phases": [_phase(phase) for phase in recording.phases],
        "markers": [(each.time_s, each.end_s, each.kind, each.text) for each in session.markers],
        "ratings": [(each.time_s, each.scale, each.value) for each in recording.ratings],
        "gaps": [
            (stream.name, gap.start_s, gap.end_s, gap.reason, gap.missing)
            for stream in session.streams
            for gap in stream.gaps
        ],
        "conditions": list(recording.conditions.items()),
    }


def _phase(phase: Phase) -> tuple[Cell, ...]:
    pacer = phase.pacer
    return (
        phase.name,
        phase.kind.value,
        phase.start_s,
        phase.end_s,
        phase.strategy,
        pacer.breaths_per_min if pacer else None,
        pacer.inhale_share if pacer else None,
    )


def _readme(session: Outgoing) -> Iterator[str]:
    recording = session.recording
    yield f"# {session.client}, session {session.number}"
    yield ""
    if recording.simulated:
        yield "**Simulated: no person was recorded.**"
        yield ""
    if session.started_at is not None:
        yield f"Session {session.session_id}, began {session.started_at.isoformat(timespec='seconds')}."
    yield (
        f"{recording.duration_s:.1f} s, protocol {recording.protocol or 'none'}, written by "
        f"vagal {software()['version']}. Signals are as recorded: nothing is corrected, filtered or masked."
    )
    yield "`time_s` counts seconds from the start of the session. An empty cell is a missing value."
    yield ""
    yield "| table | rows | samples a second | column | unit | what it is |"
    yield "|---|---|---|---|---|---|"
    for stream in session.streams:
        rate = f"{stream.rate_hz:g}" if stream.rate_hz else "one row an event"
        for column in stream.columns:
            unit = unit_of(column) or "-"
            told = f"{column} | {unit} | {_meaning(stream, column)}"
            yield f"| {stream.name}.csv | {len(stream)} | {rate} | {told} |"
    yield ""
    yield "| table | columns | what it is |"
    yield "|---|---|---|"
    for name, meaning in _TABLES.items():
        yield f"| {name}.csv | {', '.join(_HEADS[name])} | {meaning} |"
    yield ""


def _meaning(stream: Stream, column: str) -> str:
    """What a column of beats is; signals say it by their names."""
    if not is_beats(stream):
        return text_or(f"streams.{stream.name}", stream.name.replace("_", " "))
    return {
        "rr_ms": "R peak to R peak; `time_s` is the end of the interval",
        "pp_ms": "pulse to pulse, not RR; `time_s` is the end of the interval",
    }.get(column, "as the sensor tells it of the interval")
