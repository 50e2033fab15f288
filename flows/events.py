"""`vagal events`: what skin and heart did after each marker, as a table, JSON or files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.analysing import read_any
from flows.importing import Reading
from pipeline.analysis import analyse
from pipeline.edits import with_edits
from pipeline.errors import InputError, InsufficientDataError, UsageError
from pipeline.events import is_event
from pipeline.model import Recording
from pipeline.parameters import Parameters
from pipeline.skin.event_related import EventResponse, EventSummary, event_responses, summarise
from pipeline.store import Home

if TYPE_CHECKING:
    from rich.table import Table

LATEST_S = 30.0


_NOTE = (
    "Latency and amplitude are those of the first response that begins in the window; magnitude is 0 where "
    "none came. * overlaps another marker's window or a response under way."
)


@dataclass(frozen=True, slots=True)
class Events:
    """The markers of a recording, what followed each of them, and each kind of marker together."""

    recording: Recording
    window_s: tuple[float, float]
    events: tuple[EventResponse, ...]
    summary: tuple[EventSummary, ...]
    warnings: tuple[str, ...]

    def rows(self) -> list[dict[str, Any]]:
        """A row for each marker."""
        who = {"recording_id": self.recording.recording_id, "participant_id": self.recording.client}
        return [{**who, "event": number, **event.row()} for number, event in enumerate(self.events, 1)]

    def as_json(self) -> dict[str, Any]:
        """All of it as one JSON object, as `vagal events --json` prints it."""
        recording = self.recording
        return {
            "recording": {
                "recording_id": recording.recording_id,
                "source": recording.source,
                "sha256": recording.sha256,
                "duration_s": recording.duration_s,
                "simulated": recording.simulated,
            },
            "window_s": list(self.window_s),
            "events": self.rows(),
            "summary": [asdict(each) for each in self.summary],
            "warnings": list(self.warnings),
        }


def events_of(home: Home, what: str, how: Reading, window_s: tuple[float, float]) -> Events:
    """What followed each marker of a file, a folder or a stored session.

    Raises UsageError for a window that is none, InsufficientDataError where there is no marker or no usable
    signal.
    """
    if not 0 <= window_s[0] < window_s[1] <= LATEST_S:
        raise UsageError(
            f"--window {window_s[0]:g} {window_s[1]:g}: give two times after the marker, "
            f"the first below the second, up to {LATEST_S:g} s"
        )
    recording, edits = read_any(home, what, how)
    recording = with_edits(recording, edits) if edits else recording
    markers = [marker for marker in recording.markers if is_event(marker)]
    if not markers:
        raise InsufficientDataError(
            f"{recording.recording_id}: holds no markers, so there is nothing to respond to; "
            "mark moments while recording, or for an Empatica put its tags.csv into the folder"
        )
    found = analyse(recording, Parameters(window_s=recording.duration_s + 1.0))  # no sliding window
    events = event_responses(markers, found.eda, found.scrs, found.beats, window_s)
    return Events(recording, window_s, events, summarise(events), found.warnings)


def write_events(found: Events, out: Path) -> Iterator[Path]:
    """Write events.parquet, events.csv and events.json into a folder; yields each path."""
    import pyarrow as pa

    from pipeline.sealing import write_file, write_table

    try:
        out.mkdir(parents=True, exist_ok=True)
        write_table(out / "events.parquet", pa.Table.from_pylist(found.rows()))
        yield out / "events.parquet"
        write_file(out / "events.csv", _csv(found.rows()).encode())
        yield out / "events.csv"
        write_file(
            out / "events.json",
            json.dumps(found.as_json(), ensure_ascii=False, allow_nan=False, indent=1).encode(),
        )
        yield out / "events.json"
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror})") from error


def _csv(rows: Sequence[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def print_events(found: Events) -> None:
    """The markers and their summary as tables for a person."""
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=150)
    start_s, end_s = found.window_s
    console.print(
        f"{found.recording.recording_id}: {len(found.events)} markers, "
        f"responses that begin {start_s:g} to {end_s:g} s after each"
    )
    console.print(_event_table(found.events))
    console.print(_summary_table(found.summary))
    console.print(_NOTE, style="dim")
    for warning in found.warnings:
        console.print(f"Note: {warning}", style="dim", markup=False)


_HEADINGS = ("Latency s", "Amplitude µS", "Magnitude µS", "Phasic µS·s", "HR 1-5 s", "HR 6-10 s")


def _event_table(events: Sequence[EventResponse]) -> Table:
    table = _table("Time", "Marker", "Responses", *_HEADINGS, "")
    for event in events:
        minutes, seconds = divmod(event.time_s, 60)
        table.add_row(
            f"{minutes:.0f}:{seconds:04.1f}",
            _name(event.kind, event.text),
            _number(event.scr_n, 0),
            *_measured(event),
            event.skin_reason or ("*" if event.overlap else ""),
        )
    return table


def _summary_table(summary: Sequence[EventSummary]) -> Table:
    table = _table("Each kind", "Markers", "Usable", "Overlap", "Responses", *_HEADINGS)
    for each in summary:
        counts = (each.markers, each.valid, each.overlapping, each.responses)
        table.add_row(_name(each.kind, each.text), *map(str, counts), *_measured(each))
    return table


def _table(*headings: str) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in headings:
        words = heading in ("", "Time", "Marker", "Each kind")
        table.add_column(heading, justify="left" if words else "right", overflow="fold")
    return table


def _measured(of: EventResponse | EventSummary) -> tuple[str, ...]:
    change = of.heart_rate_change_bpm
    return (
        _number(of.latency_s, 1),
        _number(of.amplitude_us, 2),
        _number(of.magnitude_us, 2),
        _number(of.phasic_us_s, 2),
        _signed(change[:5]),
        _signed(change[5:]),
    )


def _name(kind: str, text: str) -> str:
    return f"{kind}: {text}" if text else kind


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _signed(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{sum(known) / len(known):+.1f}" if known else "-"
