"""The watched folder: what lies in it, complete, in a format that can be read; and why the rest is left.

<folder>/<client>/... : a folder for each client, with files, zips or folders in it as deep as one likes. It
is looked at every few seconds, since network drives tell of no changes. Nothing in it is ever written.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from devices.exports.discovery import SESSION, Found, discover
from pipeline.errors import InputError, UsageError
from pipeline.model import client_pseudonym

SETTLE_S = 5.0

_UNDER_WAY = re.compile(r".*\.(part|partial|crdownload|download|filepart|tmp)|~\$.*", re.IGNORECASE)
_JUNK = re.compile(r"desktop\.ini|thumbs\.db|ehthumbs\.db|icon\r?", re.IGNORECASE)

Stamps = Mapping[str, tuple[int, int]]  # of the files in one folder, by name: size, time of change in ns


@dataclass(frozen=True, slots=True)
class Landed:
    """A recording that is complete: where it lies in the folder, and what changes if it does."""

    client: str
    path: str
    stamp: str


@dataclass(frozen=True, slots=True)
class Left:
    """Something that stays where it is, and why; without a reason it is still being copied."""

    path: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What was there at one look."""

    landed: tuple[Landed, ...] = ()
    left: tuple[Left, ...] = ()
    trouble: str | None = None


@dataclass(slots=True)
class _Client:
    """What is known of one client's folder: since when each folder in it is still, and what was found."""

    still_since: dict[str, tuple[Stamps, float]] = field(default_factory=dict)
    examined: Mapping[str, Stamps] | None = None
    found: Look = field(default_factory=Look)


class Inbox:
    """The folder at `root`; a recording counts as complete when its folder is still for `settle_s`."""

    def __init__(self, root: Path, settle_s: float = SETTLE_S) -> None:
        self._root, self._settle_s = root, settle_s
        self._clients: dict[str, _Client] = {}

    def look(self, now_s: float) -> Look:
        """Everything in the folder as it is now; `now_s` is a clock that only goes forward."""
        landed, left = list[Landed](), list[Left]()
        try:
            for entry in sorted(_entries(self._root), key=lambda each: each.name):
                each = self._top(entry, now_s)
                landed += each.landed
                left += each.left
        except OSError as error:
            why = error.strerror or str(error)
            return Look(trouble=f"{self._root}: cannot be looked at now ({why}); vagal goes on trying")
        return Look(tuple(landed), tuple(left))

    def _top(self, entry: os.DirEntry[str], now_s: float) -> Look:
        """What stands directly in the folder: a client's folder, or what should be in one."""
        name = entry.name
        if not name.isprintable():
            return Look(left=(_unspeakable(name),))
        if not entry.is_dir():
            if _UNDER_WAY.fullmatch(name):
                return Look()
            return Look(left=(Left(name, "put it into a folder named after the client, such as client-1"),))
        try:
            client_pseudonym(name)
        except UsageError as error:
            return Look(left=(Left(name, f"rename the folder: {error}"),))
        try:
            return self._look_at(name, now_s)
        except Exception as error:  # one client's folder must not keep the others from being looked at
            why = error.strerror if isinstance(error, OSError) else repr(error)
            return Look(left=(Left(name, f"cannot be looked through just now ({why})"),))

    def _look_at(self, client: str, now_s: float) -> Look:
        known = self._clients.setdefault(client, _Client())
        folders = dict(_folders(self._root / client))
        since = {
            name: known.still_since[name]
            if name in known.still_since and known.still_since[name][0] == stamps
            else (stamps, now_s)
            for name, stamps in folders.items()
        }
        known.still_since = since
        still = {name: stamps for name, (stamps, at_s) in since.items() if now_s - at_s >= self._settle_s}
        copying = tuple(Left(_joined(client, name)) for name in sorted(folders.keys() - still.keys()))
        if still != known.examined:
            known.found = self._examine(client, still, folders)
            known.examined = still
        return Look(known.found.landed, (*known.found.left, *copying))

    def _examine(self, client: str, still: Mapping[str, Stamps], folders: Mapping[str, Stamps]) -> Look:
        """What can be read of a client's folder, where it is still."""
        landed, left = list[Landed](), list[Left]()
        for found in discover(self._root / client):
            parts = _parts(found, folders)
            if found.beside or any(name not in still for name in parts):
                continue
            if any(_JUNK.fullmatch(file.name) or _UNDER_WAY.fullmatch(file.name) for file in found.files):
                continue
            path = _joined(client, found.path.as_posix())
            if not path.isprintable():
                left.append(_unspeakable(path))
            elif found.reader == SESSION:
                left.append(Left(path, "is a session of vagal's own, not an export of a recording"))
            elif found.reader is None:
                left.append(Left(path, found.reason))
            else:
                landed.append(Landed(client, path, _stamp(found, parts, still)))
        return Look(tuple(landed), tuple(left))


def _unspeakable(path: str) -> Left:
    return Left(ascii(path)[1:-1], "rename it: its name holds characters that cannot be shown")


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """What a folder holds, without what is hidden or the system's own."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.name.startswith(".") and not _JUNK.fullmatch(entry.name):
                yield entry


def _folders(top: Path, here: str = ".") -> Iterator[tuple[str, Stamps]]:
    """Each folder from `top` down, by its path from there: its files with size and time of change."""
    stamps: dict[str, tuple[int, int]] = {}
    for entry in _entries(top / here):
        if entry.is_dir(follow_symlinks=False):
            yield from _folders(top, _joined(here, entry.name))
        elif entry.is_file():
            facts = entry.stat()
            stamps[entry.name] = (facts.st_size, facts.st_mtime_ns)
    yield here, stamps


def _parts(found: Found, folders: Mapping[str, Stamps]) -> set[str]:
    """The folders that hold a recording: of each of its files, and, where it is a folder, all below it."""
    parts = {file.parent.as_posix() for file in found.files}
    here = found.path.as_posix()
    if here in folders:
        parts |= {name for name in folders if here in (".", name) or name.startswith(f"{here}/")}
    return parts


def _stamp(found: Found, parts: set[str], still: Mapping[str, Stamps]) -> str:
    """What tells this state of a recording's files from any other."""
    files = {file.as_posix() for file in found.files}
    rows = [
        (_joined(folder, name), stamp)
        for folder in sorted(parts)
        for name, stamp in sorted(still[folder].items())
        if found.path.as_posix() in still or _joined(folder, name) in files
    ]
    return hashlib.sha256(repr(rows).encode(errors="surrogateescape")).hexdigest()[:20]


def _joined(folder: str, name: str) -> str:
    return PurePosixPath(folder, name).as_posix()


def checked_folder(home: Path, told: Path | None) -> Path:
    """The folder to watch: the one told, else <home>/inbox, which is made. Raises UsageError, InputError."""
    if told is None:
        folder = home / "inbox"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{folder}: cannot be made ({error.strerror}); name another --folder") from error
        return folder
    folder = told.expanduser().resolve()
    if not folder.is_dir():
        raise InputError(f"{told}: there is no such folder; make it, or see that its drive is connected")
    own = home.resolve()
    if folder in (own, *own.parents) or (own in folder.parents and folder != own / "inbox"):
        raise UsageError(f"{told}: vagal keeps its own files there; choose a folder for recordings alone")
    return folder
