"""Where a recording's phases come from in a folder: a phases.csv beside it, a table of labels, its tags."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum
from functools import lru_cache
from itertools import groupby, pairwise
from pathlib import Path

from flows.importing import read_phases
from pipeline.errors import InputError
from pipeline.model import Phase, PhaseKind, Recording

_TIME = ("time(sec)", "time_s", "unix_s", "timestamp")
_PERSON = ("participant", "subject", "recording")
_LABEL = "label"
_LEAST_UNIX_S = 1e8
_BREAK_S = 5.0  # labels come once a second or so; where they pause for longer, a phase ends

Row = tuple[str | None, float, str]


class PhasesFrom(StrEnum):
    """What named the phases of a recording."""

    FILE = "phases file"
    LABELS = "labels"
    TAGS = "tags"
    SESSION = "session"


def phases_beside(root: Path, recording: Path) -> Path | None:
    """The file that names a recording's phases, relative to `root` as the recording is.

    In order: phases.csv in a recording's own folder; NAME.phases.csv and phases.csv beside a file; a table of
    labels (columns Label and Time(sec), Participant if it is of several) in or beside it.
    """
    path = root / recording
    inside = path.is_dir()
    beside = path.parent if path != root else path
    named = [path / "phases.csv"] if inside else []
    named += [beside / f"{path.name if inside else path.stem}.phases.csv"]
    named += [] if inside else [beside / "phases.csv"]
    for each in (*named, *(_tables(path) if inside else ()), *_tables(beside)):
        if each.is_file():
            return each.relative_to(root)
    return None


def _tables(folder: Path) -> tuple[Path, ...]:
    return _tables_as_of(folder, folder.stat().st_mtime_ns)


@lru_cache(maxsize=64)
def _tables_as_of(folder: Path, _: int) -> tuple[Path, ...]:
    """Looked for once, not once for each of a thousand files, while the folder stays as it is."""
    return tuple(sorted(folder.glob("*labels*.csv")))


def with_phases(recording: Recording, path: Path | None, name: str) -> tuple[Recording, PhasesFrom | None]:
    """The recording with the phases that the file names, and where they are from; `name` is its own.

    Raises InputError that names the file and the line.
    """
    if path is not None and "labels" in path.name:
        phases = labelled_phases(path, name, recording)
        if phases:
            return replace(recording, phases=phases), PhasesFrom.LABELS
    elif path is not None:
        return replace(recording, phases=read_phases(path, recording)), PhasesFrom.FILE
    if recording.phases:
        return recording, PhasesFrom.SESSION
    return recording, PhasesFrom.TAGS if any(each.kind == "tag" for each in recording.markers) else None


def labelled_phases(path: Path, name: str, recording: Recording) -> tuple[Phase, ...]:
    """A phase for each stretch of one label, clipped to the recording; repeated names are numbered.

    Times are unix seconds, or seconds of the recording. A label that is the name of a kind of phase is of
    that kind. Empty if no row is of this recording: its name or its number says which are.
    """
    rows = sorted((row for row in _rows(path) if _is_of(row[0], name)), key=lambda row: row[1])
    start_s = recording.started_at.timestamp() if recording.started_at else 0.0
    phases, seen = [], dict[str, int]()
    for label, first_s, end_s in _stretches(rows):
        if first_s > _LEAST_UNIX_S:
            first_s, end_s = first_s - start_s, end_s - start_s
        first_s, end_s = max(0.0, first_s), min(recording.duration_s, end_s)
        if end_s - first_s < 1:
            continue
        seen[label] = seen.get(label, 0) + 1
        told = f"label {label}" if re.fullmatch(r"-?[\d.]+", label) else label
        told += f" {seen[label]}" if seen[label] > 1 else ""
        kind = PhaseKind(label.lower()) if label.lower() in set(PhaseKind) else PhaseKind.OTHER
        phases.append(Phase(told, kind, first_s, end_s))
    return tuple(phases)


def _stretches(rows: list[Row]) -> Iterator[tuple[str, float, float]]:
    """Label, first and end of each run of rows with one label and no pause."""
    breaks, at = [0] * len(rows), 0
    for number, (before, after) in enumerate(pairwise(rows), 1):
        at += before[2] != after[2] or after[1] - before[1] > _BREAK_S
        breaks[number] = at
    for _, run in groupby(range(len(rows)), key=breaks.__getitem__):
        numbers = list(run)
        last = numbers[-1]
        step_s = rows[last][1] - rows[last - 1][1] if len(numbers) > 1 else 1.0
        yield rows[last][2], rows[numbers[0]][1], rows[last][1] + step_s


@lru_cache(maxsize=4)
def _rows(path: Path) -> tuple[Row, ...]:
    """(whose, when, label) of each row. Raises InputError with the line."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restval="")
            names = {name.strip().lower(): name for name in reader.fieldnames or ()}
            when = next((names[each] for each in _TIME if each in names), None)
            if when is None or _LABEL not in names:
                raise InputError(f"{path}: a table of labels needs the columns Label and Time(sec)")
            who = next((names[each] for each in _PERSON if each in names), None)
            return tuple(
                (row[who].strip() if who else None, _number(path, reader.line_num, row[when]), label)
                for row in reader
                if (label := row[names[_LABEL]].strip())
            )
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: {getattr(error, 'strerror', None) or 'is not a text file'}") from error


def _number(path: Path, line: int, cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        raise InputError(f"{path} line {line}: {cell!r} is not a time in seconds") from None


def _is_of(who: str | None, name: str) -> bool:
    """Whether a row is of the recording of this name: "S02" is "S02", "2" and "02"."""
    if who is None or who.lower() == name.lower():
        return True
    digits = re.findall(r"\d+", name)
    return who.isdecimal() and len(digits) == 1 and int(digits[0]) == int(who)
