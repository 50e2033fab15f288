"""What was decided of a sealed session afterwards: <session>/amendments.jsonl, appended and never edited.

Each line: {"at": ISO 8601 with zone, "by": name, "what": ...} and what else belongs to it. So far a session's
client edition is released and withdrawn; what this version does not know of is kept and passed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from pipeline.entries import moment, told_name
from pipeline.errors import InputError
from pipeline.lines import append_line, read_lines
from pipeline.store import is_session


class What(StrEnum):
    """What this version knows of."""

    RELEASE = "release"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True)
class Amendment:
    """One line: when (ISO 8601), by whom, what, and the other things it says."""

    at: str
    by: str
    what: str
    more: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Release:
    """Who released the client edition, when (ISO 8601), and the other things that were said of it."""

    by: str
    at: str
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Amendments:
    """What was decided of a session, in order; None for a line that cannot be read. A sentence says so."""

    lines: tuple[Amendment | None, ...] = ()
    trouble: str | None = None

    @property
    def release(self) -> Release | None:
        """The release in force; None if there was none, it was withdrawn, or a later line cannot be read.

        What cannot be read may have been a withdrawal.
        """
        last = next((line for line in reversed(self.lines) if line is None or line.what in tuple(What)), None)
        return (
            Release(last.by, last.at, last.more) if last is not None and last.what == What.RELEASE else None
        )


def amendments_path(folder: Path) -> Path:
    """Where a session's amendments lie."""
    return folder / "amendments.jsonl"


def read_amendments(folder: Path) -> Amendments:
    """What was decided of a session; nothing if nothing was. Raises InputError if it cannot be read."""
    path = amendments_path(folder)
    lines = tuple(_amendment(facts) for _, facts in read_lines(path))
    lost = lines.count(None)
    told = "1 line" if lost == 1 else f"{lost} lines"
    return Amendments(lines, f"{path.name}: {told} cannot be read; check what was released" if lost else None)


def amend(folder: Path, what: What, by: str, at: datetime, **more: Any) -> Amendment:
    """Add a line to a sealed session's amendments. Raises UsageError for a name that is none, InputError."""
    if not is_session(folder):
        raise InputError(f"{folder}: there is no such session, or it is not finished")
    line = Amendment(moment(at), told_name(by), what, more)
    append_line(amendments_path(folder), {"at": line.at, "by": line.by, "what": line.what, **more})
    return line


def _amendment(facts: Mapping[str, Any] | None) -> Amendment | None:
    if facts is None:
        return None
    known = ("at", "by", "what")
    at, by, what = (facts.get(name) for name in known)
    if not (isinstance(at, str) and isinstance(by, str) and isinstance(what, str)):
        return None
    return Amendment(at, by, what, {name: value for name, value in facts.items() if name not in known})
