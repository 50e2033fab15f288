"""Exports become sessions; a phases file names their phases; and what is stored, listed."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.clock import SystemClock
from pipeline.errors import InputError, VagalError
from pipeline.guidance.protocol import protocol
from pipeline.model import Phase, PhaseKind, Recording
from pipeline.reference import phases_of
from pipeline.store import Home, is_session, read_session, save_import

if TYPE_CHECKING:
    from devices.exports.reader import Source

_TOO_LARGE_TO_KEEP = "the export is too large to be kept beside the session: keep it where it is"
_LEAST_UNIX_S = 1e8  # a larger number in a phases file is a date, not a second of the session


@dataclass(frozen=True, slots=True)
class Reading:
    """How an export is to be read: where its phases are named, and what its intervals count in.

    `columns` says what the columns of a table are, as `--columns` takes it.
    """

    phases: Path | None = None
    protocol: str | None = None
    unit: str | None = None
    columns: str | None = None


def read_input(path: Path, how: Reading, own: Path | None = None) -> tuple[Source, Recording]:
    """An export, and the recording it holds, phases named as `name_phases` does."""
    from devices.exports.column_map import read_columns
    from devices.exports.formats import read_recording

    columns = read_columns(how.columns) if how.columns is not None else None
    source, recording = read_recording(path, how.unit, columns)
    return source, name_phases(recording, how, own)


def name_phases(recording: Recording, how: Reading, own: Path | None = None) -> Recording:
    """The recording with the phases of a file, or of a protocol along its tags, if they were asked for.

    `own` is a home, which may have protocols of its own.
    """
    if how.phases is not None:
        return replace(recording, phases=read_phases(how.phases, recording))
    if how.protocol is not None:
        plan = protocol(how.protocol, own)
        return replace(recording, phases=phases_of(plan, recording), protocol=plan.name)
    return recording


def import_recording(
    home: Home, path: Path, client: str, how: Reading, about_to: Callable[[Path], None] = lambda _: None
) -> tuple[Path, tuple[str, ...]]:
    """Store an export as a session of the client; its folder, and what should be known about it.

    `about_to` is told the folder before anything is written.
    """
    from devices.exports.reader import held

    source, recording = read_input(path, how, home.path)
    files = held(source)
    if files is None:
        recording = replace(recording, notices=(*recording.notices, _TOO_LARGE_TO_KEEP))
    of_client = replace(recording, client=client)
    folder = save_import(home, of_client, files or {}, SystemClock().wall(), about_to)
    return folder, recording.notices


def read_phases(path: Path, recording: Recording) -> tuple[Phase, ...]:
    """Phases from a CSV with the columns name, kind, start_s, end_s, in any order.

    Times are seconds from the start, unix seconds, or ISO 8601 with a zone. Raises InputError with the line.
    """
    phases = [_phase(path, line, row, recording) for line, row in _rows(path)]
    if not phases:
        raise InputError(f"{path}: holds no phases")
    phases.sort(key=lambda phase: phase.start_s)
    for before, after in pairwise(phases):
        if after.start_s < before.end_s - 1e-6:
            raise InputError(f"{path}: phases {before.name!r} and {after.name!r} overlap")
    return tuple(phases)


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """The rows below the header, each with its line; a cell that is not there is empty."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restval="")
            columns = reader.fieldnames or ()
            rows = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: {getattr(error, 'strerror', None) or 'is not a text file'}") from error
    missing = {"name", "start_s", "end_s"} - set(columns)
    if missing:
        raise InputError(
            f"{path}: needs the columns name, kind, start_s, end_s (missing: {', '.join(sorted(missing))})"
        )
    return rows


def _phase(path: Path, line: int, row: dict[str, str], recording: Recording) -> Phase:
    try:
        kind = PhaseKind((row.get("kind") or "other").strip().lower())
    except ValueError:
        kinds = ", ".join(PhaseKind)
        raise InputError(f"{path} line {line}: {row['kind']!r} is no phase kind ({kinds})") from None
    try:
        start_s, end_s = (_session_time(row[key], recording) for key in ("start_s", "end_s"))
    except ValueError as error:
        raise InputError(f"{path} line {line}: {error}") from None
    if end_s <= start_s:
        raise InputError(f"{path} line {line}: phase {row['name']!r} ends before it begins")
    if start_s >= recording.duration_s or end_s <= 0:
        raise InputError(f"{path} line {line}: phase {row['name']!r} lies outside the recording")
    return Phase(row["name"].strip(), kind, max(0.0, start_s), min(end_s, recording.duration_s))


def _session_time(text: str, recording: Recording) -> float:
    """Seconds from the start. Raises ValueError, with words for a person, if the text is no time."""
    number = _number(text)
    if number < _LEAST_UNIX_S:
        return number
    if recording.started_at is None:
        raise ValueError(
            f"{text!r} is a date, but the recording does not say when it began: use seconds from its start"
        )
    return number - recording.started_at.timestamp()


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        return _unix_s(text)
    if not math.isfinite(number):
        raise ValueError(f"{text!r} is not a time")
    return number


def _unix_s(text: str) -> float:
    try:
        when = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"{text!r} is not a time") from None
    if when.tzinfo is None:
        raise ValueError(f"{text!r} does not name its time zone: add one, such as Z or +01:00")
    return when.timestamp()


def session_lines(home: Home) -> Iterator[str]:
    """The stored sessions, a line each."""
    folders = [folder for folder in home.sessions() if is_session(folder)]
    if not folders:
        yield f"No sessions in {home.path} yet. `vagal demo` makes one, `vagal live` records one."
    for folder in folders:
        try:
            session = read_session(folder)
        except VagalError as error:
            yield f"{folder.name}  {error}"
            continue
        notes = [
            word for word, so in (("simulated", session.simulated), ("recovered", session.recovered)) if so
        ]
        yield (
            f"{folder.name}  {session.client:<12} {session.duration_s / 60:5.1f} min  "
            f"{session.protocol or session.source:<20} {' '.join(notes)}".rstrip()
        )
