"""What people mark by hand of a recording: beat intervals and skin conductance, left out or kept after all.

edits.csv is appended to and never edited: a line is a mark, or takes the last one of the same person back.

| column | holds |
|---|---|
| time_s, end_s | the stretch, s from the start; an interval is marked where its end lies in it |
| stream | whose: the stream of beat intervals (rr, ecg_rr or pp), or eda; empty for `reviewed` |
| action | exclude; keep, whatever the software says; clear, as the software has it; undo; redo; reviewed |
| reason, who, when | why, by whom, and the moment, ISO 8601 with zone |

Of marks that overlap the later holds. What is marked is a mask: the signals stay as they are. numpy only.
"""

from __future__ import annotations

import csv
import hashlib
import io
import math
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.entries import told_name
from pipeline.errors import InputError, UsageError
from pipeline.lines import append_content
from pipeline.model import BEAT_SOURCES, Floats, Recording

FILE = "edits.csv"  # in a session's folder
FOLDER = "edits"  # in an output folder: <unit>.<rater>.csv
COLUMNS = ("time_s", "end_s", "stream", "action", "reason", "who", "when")
EDA = "eda"
STREAMS = (*BEAT_SOURCES, EDA)
LONGEST_REASON = 200

_SAME_BEAT_S = 5e-4  # times go through text and back; no two beats are so near
_RATER = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
Owners = NDArray[np.intp]


class Action(StrEnum):
    """What a line does."""

    EXCLUDE = "exclude"
    KEEP = "keep"
    CLEAR = "clear"
    UNDO = "undo"
    REDO = "redo"
    REVIEWED = "reviewed"

    @property
    def marks(self) -> bool:
        """Whether it marks something, and so can be taken back."""
        return self in (Action.EXCLUDE, Action.KEEP, Action.CLEAR)


@dataclass(frozen=True, slots=True)
class Edit:
    """One line; `undo` and `redo` repeat the stretch and the stream of what they take back or bring back."""

    time_s: float
    end_s: float
    stream: str
    action: Action
    reason: str
    who: str
    when: str

    def checked(self) -> None:
        """Raise UsageError, in one line, for what cannot be."""
        if not (math.isfinite(self.time_s) and math.isfinite(self.end_s) and 0 <= self.time_s <= self.end_s):
            raise UsageError("time_s and end_s are seconds from the start, the end not before the beginning")
        if self.action is not Action.REVIEWED and self.stream not in STREAMS:
            raise UsageError(f"stream: choose from {', '.join(STREAMS)}")
        if self.action.marks and self.stream == EDA and self.end_s == self.time_s:
            raise UsageError("a stretch of skin conductance has to last")
        if len(self.reason) > LONGEST_REASON or not self.reason.isprintable():
            raise UsageError(f"reason: one line of up to {LONGEST_REASON} characters")
        told_name(self.who)
        if _moment(self.when) is None:
            raise UsageError("when: ISO 8601 with a time zone, such as 2026-11-20T09:30:00+01:00")

    @property
    def place(self) -> tuple[float, float, str]:
        return self.time_s, self.end_s, self.stream


@dataclass(frozen=True, slots=True)
class History:
    """The marks of one person: those in force, and those taken back that can be brought back; oldest first.

    `reviewed_s` is how far they said that they had looked.
    """

    done: tuple[Edit, ...] = ()
    undone: tuple[Edit, ...] = ()
    reviewed_s: float = 0.0

    def after(self, edit: Edit) -> History:
        """The history with one more line. Raises UsageError if it takes back what is not the last mark."""
        if edit.action is Action.REVIEWED:
            return replace(self, reviewed_s=edit.end_s)
        if edit.action.marks:
            return replace(self, done=(*self.done, edit), undone=())
        undo = edit.action is Action.UNDO
        held = self.done if undo else self.undone
        if not held or held[-1].place != edit.place:
            raise UsageError(f"{edit.action}: this is not the last mark of {edit.who} that can be")
        moved = held[-1:]
        if undo:
            return replace(self, done=held[:-1], undone=(*self.undone, *moved))
        return replace(self, done=(*self.done, *moved), undone=held[:-1])


@dataclass(frozen=True)
class Edits:
    """The lines of one or several files, in order of time, and the SHA-256 of each file."""

    lines: tuple[Edit, ...] = ()
    sha256: tuple[str, ...] = ()

    @cached_property
    def by(self) -> Mapping[str, History]:
        """The history of each person."""
        return _histories(self.lines)

    @cached_property
    def marks(self) -> tuple[Edit, ...]:
        """The marks in force, in order: of those that overlap the later holds."""
        held = {id(mark) for history in self.by.values() for mark in history.done}
        return tuple(line for line in self.lines if id(line) in held)

    def of(self, who: str) -> Edits:
        """The lines of one person."""
        return replace(self, lines=tuple(line for line in self.lines if line.who == who))


def read_edits(*paths: Path) -> Edits:
    """The lines of files, none for one that is not there. Raises InputError with file and line."""
    found = [(path, content) for path in paths if (content := _content(path)) is not None]
    lines: list[tuple[datetime, Edit]] = []
    raters: set[str] = set()
    for path, content in found:
        own = _in_time(_lines(path, content))
        names = {line.who for _, line in own}
        if shared := sorted(names & raters):
            raise InputError(f"{path}: marks by {shared[0]} stand in another file of this recording, too")
        raters |= names
        lines += own
    lines.sort(key=lambda timed: timed[0])
    hashes = tuple(hashlib.sha256(content).hexdigest() for _, content in found)
    return Edits(tuple(line for _, line in lines), hashes)


def with_edits(recording: Recording, *paths: Path) -> Recording:
    """The recording with what these files mark of it; as it is where none of them is there."""
    edits = read_edits(*paths)
    return replace(recording, edits=edits) if edits.sha256 else recording


def append_edit(path: Path, edit: Edit) -> None:
    """Add a line; on disk when this returns. Raises UsageError for what cannot be, InputError."""

    def check() -> None:
        _drop_torn(path)
        read_edits(path).by.get(edit.who, History()).after(edit)

    edit.checked()
    row = (repr(edit.time_s), repr(edit.end_s), edit.stream, edit.action, edit.reason, edit.who, edit.when)
    append_content(path, _row(row), _row(COLUMNS), check)


def rater_name(text: str) -> str:
    """The text itself if it may name a rater's file; else a UsageError."""
    if _RATER.fullmatch(text):
        return text
    raise UsageError(f"rater {text!r}: use small letters, digits and hyphens, for example 'rater-1'")


def edits_path(out: Path, unit: str, rater: str) -> Path:
    """Where what a rater marks of a recording of an output folder lies."""
    return out / FOLDER / f"{unit}.{rater}.csv"


def edits_of_unit(out: Path, unit: str) -> dict[str, Path]:
    """The files of a recording of an output folder, by rater."""
    folder, name = (out / FOLDER / unit).parent, Path(unit).name
    pairs = {
        path.name[len(name) + 1 : -len(".csv")]: path
        for path in (folder.iterdir() if folder.is_dir() else ())
        if path.name.startswith(f"{name}.") and path.name.endswith(".csv")
    }
    return {rater: pairs[rater] for rater in sorted(pairs) if _RATER.fullmatch(rater)}


def beat_owners(marks: Sequence[Edit], stream: str, time_s: Floats) -> Owners:
    """For each beat interval, by its end, the place of the mark that holds there; -1 where none does.

    `time_s` (n,) rising.
    """
    owners = np.full(len(time_s), -1, dtype=np.intp)
    for number, mark in enumerate(marks):
        if mark.stream == stream:
            edges = (mark.time_s - _SAME_BEAT_S, mark.end_s + _SAME_BEAT_S)
            owners[slice(*np.searchsorted(time_s, edges))] = number
    return owners


def beats_with(marks: Sequence[Edit], owners: Owners, action: Action) -> NDArray[np.bool_]:
    """Where the mark that holds is of this kind; (n,)."""
    of_kind = np.array([*(mark.action is action for mark in marks), False])
    return np.asarray(of_kind[owners])


def spans_with(marks: Sequence[Edit], action: Action, who: str | None = None) -> list[tuple[float, float]]:
    """The stretches (start, end) of skin conductance in which a mark of this kind holds, rising and apart.

    `who`: only where it is theirs.
    """
    own = [mark for mark in marks if mark.stream == EDA]
    edges = np.unique([edge for mark in own for edge in (mark.time_s, mark.end_s)])
    holding: list[Edit | None] = [None] * max(len(edges) - 1, 0)
    for mark in own:
        first, last = np.searchsorted(edges, (mark.time_s, mark.end_s)).tolist()
        holding[first:last] = [mark] * (last - first)
    merged: list[tuple[float, float]] = []
    for (start_s, end_s), held in zip(pairwise(edges.tolist()), holding, strict=True):
        if held is None or held.action is not action or who not in (None, held.who):
            continue
        if merged and merged[-1][1] == start_s:
            start_s = merged.pop()[0]
        merged.append((start_s, end_s))
    return merged


def told_edits(recording: Recording) -> dict[str, Any]:
    """What was marked, for quality and provenance: by whom how much, and how many marks hit no interval."""
    edits, beats = recording.edits or Edits(), recording.beats
    marks = edits.marks
    time_s = beats.time_s if beats is not None else np.empty(0)
    owners = beat_owners(marks, beats.name if beats is not None else "", time_s)
    by = []
    for who in sorted({mark.who for mark in marks}):
        own = np.array([*(mark.who == who for mark in marks), False])[owners]
        told: dict[str, Any] = {"who": who}
        for action in (Action.EXCLUDE, Action.KEEP):
            told[f"{action}_intervals"] = int(np.count_nonzero(beats_with(marks, owners, action) & own))
            held = spans_with(marks, action, who)
            told[f"{action}_eda_s"] = sum(end_s - start_s for start_s, end_s in held)
        by.append(told)
    return {"sha256": list(edits.sha256), "by": by, "unmatched": _unmatched(marks, time_s)}


def _unmatched(marks: Iterable[Edit], time_s: Floats) -> int:
    """How many marks of beats have no interval in them."""
    edges = [(mark.time_s, mark.end_s) for mark in marks if mark.stream != EDA]
    first, last = np.array(edges).reshape(-1, 2).T
    held = np.searchsorted(time_s, last + _SAME_BEAT_S) - np.searchsorted(time_s, first - _SAME_BEAT_S)
    return int(np.count_nonzero(held == 0))


def check_edits(recording: Recording) -> None:
    """Raise InputError if marks are of a signal, or of a time, that the recording does not have.

    The recording has its beat intervals already, where they are made of another signal.
    """
    known = {EDA} & set(recording.streams)
    if recording.beats is not None:
        known.add(recording.beats.name)
    for mark in recording.edits.marks if recording.edits is not None else ():
        if mark.stream not in known or mark.time_s > recording.duration_s + 1.0:
            where = f"{mark.stream} at {mark.time_s:g} s"
            raise InputError(
                f"{recording.recording_id}: marks by hand are of {where}, which it does not have: "
                "are they of another recording?"
            )


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error


def _torn(content: bytes) -> int:
    """How many bytes at the end are of a line that a crash cut short: of a mark that was never said saved."""
    last = content.rpartition(b"\n")[2]
    try:
        whole = not last.strip() or _moment(_cells(last.decode())[-1]) is not None
    except (UsageError, UnicodeDecodeError):
        whole = False
    return 0 if whole else len(last)


def _moment(text: str) -> datetime | None:
    """When something was, if the text is a moment with its zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def _drop_torn(path: Path) -> None:
    content = _content(path) or b""
    if b"\n" in content and (torn := _torn(content)):
        os.truncate(path, len(content) - torn)


def _lines(path: Path, content: bytes) -> list[Edit]:
    """The lines of a file. Each stands alone, so that one that is damaged spoils no other's number."""
    if b"\n" in content:
        content = content[: len(content) - _torn(content)]
    try:
        rows = content.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError:
        raise InputError(f"{path}: is not a text file") from None
    if _cells(rows[0]) != list(COLUMNS):
        raise InputError(f"{path} line 1: the columns have to be {','.join(COLUMNS)}")
    lines: list[Edit] = []
    histories: dict[str, History] = {}
    for number, row in enumerate(rows[1:], 2):
        if not row.strip():
            continue
        try:
            edit = _edit(row)
            histories[edit.who] = histories.get(edit.who, History()).after(edit)
        except UsageError as error:
            raise InputError(f"{path} line {number}: {error}; put the line right, or take it out") from None
        lines.append(edit)
    return lines


def _edit(row: str) -> Edit:
    cells = _cells(row)
    if len(cells) != len(COLUMNS):
        raise UsageError(f"has {len(cells)} cells, not {len(COLUMNS)}")
    time_s, end_s, stream, action, reason, who, when = cells
    try:
        edit = Edit(float(time_s), float(end_s or time_s), stream, Action(action), reason, who, when)
    except ValueError as error:
        raise UsageError(str(error)) from None
    edit.checked()
    return edit


def _cells(row: str) -> list[str]:
    try:
        return next(csv.reader([row.rstrip("\r")], strict=True), [])
    except csv.Error as error:
        raise UsageError(str(error)) from None


def _row(cells: Iterable[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode()


def _in_time(lines: Iterable[Edit]) -> list[tuple[datetime, Edit]]:
    """Each line with its moment, never before that of the line above: a clock may have been set back."""
    timed: list[tuple[datetime, Edit]] = []
    for line in lines:
        moment = datetime.fromisoformat(line.when)
        timed.append((max(moment, timed[-1][0]) if timed else moment, line))
    return timed


def _histories(lines: Iterable[Edit]) -> dict[str, History]:
    found: dict[str, History] = {}
    for line in lines:
        found[line.who] = found.get(line.who, History()).after(line)
    return found
