"""A client's diary: <home>/clients/<client>.diary.jsonl, appended and never edited.

A mistyped line is taken back by a later one. One that cannot be read is told, and loses no other.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from pipeline.entries import Adverse, Entry, Outcome, Scale, TakenBack, Week, entry_from, moment, told_day
from pipeline.errors import UsageError
from pipeline.lines import append_line, read_lines
from pipeline.model import client_pseudonym
from pipeline.profile import make_clients_folder

T = TypeVar("T", bound=Entry)


@dataclass(frozen=True, slots=True)
class Diary:
    """What holds of a client's diary, by day; of two logs of one week the one entered later holds."""

    outcomes: tuple[Outcome, ...] = ()
    weeks: tuple[Week, ...] = ()
    adverse: tuple[Adverse, ...] = ()
    trouble: str | None = None

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All of them, by day."""
        return tuple(sorted((*self.outcomes, *self.weeks, *self.adverse), key=_by_day))

    @property
    def asks_to_speak(self) -> Outcome | None:
        """The latest PHQ-9, if its item 9 was above 0. For the clinician's eyes only."""
        lines = [outcome for outcome in self.outcomes if outcome.scale is Scale.PHQ_9]
        return lines[-1] if lines and lines[-1].asks_to_speak else None


def diary_path(home: Path, client: str) -> Path:
    """Where a client's diary lies. Raises UsageError for a name that is no pseudonym."""
    return home / "clients" / f"{client_pseudonym(client)}.diary.jsonl"


def read_diary(home: Path, client: str) -> Diary:
    """A client's diary; an empty one if nothing was entered. Raises InputError if the file cannot be read."""
    path = diary_path(home, client)
    entries, lost = _read(path)
    gone = {entry.of for entry in entries if isinstance(entry, TakenBack)}
    holds = sorted(
        (entry for entry in entries if entry.id not in gone), key=lambda entry: entry.day
    )  # stable
    return Diary(
        outcomes=tuple(_of(holds, Outcome)),
        weeks=tuple({week.day: week for week in _of(holds, Week)}.values()),
        adverse=tuple(_of(holds, Adverse)),
        trouble=_trouble(path, lost),
    )


def enter(home: Path, client: str, entry: Entry, at: datetime) -> Entry:
    """Add an entry to a client's diary; the entry as it was stored. Raises UsageError or InputError."""
    entry.checked()
    told_day(entry.day, at.astimezone().date())
    path = diary_path(home, client)
    stored = replace(entry, at=moment(at), id=secrets.token_hex(4))
    make_clients_folder(home)
    append_line(path, stored.as_json())
    return stored


def take_back(home: Path, client: str, entry_id: str, by: str, at: datetime) -> Entry:
    """Take an entry back by a later line; which it was. Raises UsageError if there is none (any more)."""
    found = next((entry for entry in read_diary(home, client).entries if entry.id == entry_id), None)
    if found is None:
        raise UsageError(f"there is no entry {entry_id[:20]!r} to take back")
    enter(home, client, TakenBack(day=moment(at)[:10], by=by, of=found.id), at)
    return found


def _read(path: Path) -> tuple[list[Entry], int]:
    """The entries of a file in order, and how many lines cannot be read."""
    entries, lost = [], 0
    for _, facts in read_lines(path):
        try:
            entry = entry_from(facts) if facts is not None else None
        except (UsageError, TypeError, ValueError):
            entry, facts = None, None
        if entry is not None:
            entries.append(entry)
        lost += facts is None
    return entries, lost


def _trouble(path: Path, lost: int) -> str | None:
    if not lost:
        return None
    lines = "1 line" if lost == 1 else f"{lost} lines"
    return f"{path.name}: {lines} cannot be read, all others are there; enter again what is missing"


def _by_day(entry: Entry) -> tuple[str, str]:
    return entry.day, entry.at


def _of(entries: list[Entry], kind: type[T]) -> Iterator[T]:
    return (entry for entry in entries if isinstance(entry, kind))
