"""What lies in a folder of recordings: each recording, by which reader, and what is none and why.

A folder that a reader recognises as a whole (an Empatica E4's, say) is one recording, and so is a file with
its companions. What people keep beside recordings (a README, a licence, a table of participants) is no
recording and no failure.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from devices.exports.formats import recognise, why_not_listed
from devices.exports.generic_csv import how_to_map
from devices.exports.reader import Source, open_source
from pipeline.errors import InputError, legible
from pipeline.store import is_session

SESSION = "session"  # stands for a reader where a folder is one of our own stored sessions

# A file for each signal, or for each half hour.
_FOLDERS = ("empatica-e4", "embrace-plus", "faros-csv", "welltory", "polar-sensor-logger")

_BESIDE = re.compile(
    r"(readme|licen[cs]e|provenance|changes|changelog|dataset_description|participants|phases|labels|codebook"
    r"|data_dictionary|time_logs)\b.*|.*[._](phases|labels)\.csv|.*\.(md|json|pdf|docx?|py|r|m|ipynb|toml|ya?ml"
    r"|html?|png|jpe?g|svg|log|sh)|(labels|time_logs)_.*\.csv",
    re.IGNORECASE,
)
_JSON = ("polar-flow", "fitbit")  # all other JSON describes recordings, or is settings


@dataclass(frozen=True, slots=True)
class Found:
    """A recording, or something that is none; paths are relative to the folder searched.

    `reader` is None where no reader takes it, and `reason` then says why; `beside` is what nobody would take
    for a recording. `unmapped` is a table of numbers that does not say what they are. `files` are what it
    consists of.
    """

    path: Path
    reader: str | None
    reason: str | None = None
    beside: bool = False
    unmapped: bool = False
    files: tuple[Path, ...] = ()


def discover(folder: Path, leave_out: Collection[Path] = ()) -> list[Found]:
    """Everything in the folder and below, in order of path; `leave_out` are folders not to look into.

    Hidden files, and folders reached by links only, are passed over. Raises InputError if there is no such
    folder or it can't be listed.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder")
    closed = {each.resolve() for each in leave_out}
    try:
        found = list(_below(folder, Path(), closed))
    except OSError as error:
        raise InputError(f"{error.filename or folder}: {error.strerror or error}") from error
    return sorted(found, key=lambda each: each.path.as_posix())


def _below(root: Path, here: Path, closed: Collection[Path]) -> Iterator[Found]:
    inside = sorted(path for path in (root / here).iterdir() if not path.name.startswith("."))
    files = [path for path in inside if path.is_file()]
    if is_session(root / here):
        yield Found(here, SESSION, files=tuple(here / path.name for path in files))
        return
    whole = _whole(root / here) if len(files) > 1 else None
    if whole is not None:
        yield Found(here, whole, files=tuple(here / path.name for path in files))
    else:
        yield from _apart(root, files)
    for path in inside:
        if path.is_dir() and not path.is_symlink() and path.resolve() not in closed:
            yield from _below(root, here / path.name, closed)


def _whole(folder: Path) -> str | None:
    """The reader that takes the folder for one recording, of those whose recordings are folders."""
    try:
        reader = recognise(open_source(folder))
    except InputError:
        return None
    return reader.name if reader is not None and reader.name in _FOLDERS else None


def _apart(root: Path, files: list[Path]) -> Iterator[Found]:
    """Each file by itself, with its companions; these are then no units of their own."""
    looked_at = [_look(root, path) for path in files]
    holders: dict[Path, list[Found]] = {}
    for found in looked_at:
        for part in found.files if found.reader else ():
            if part != found.path:
                holders.setdefault(part, []).append(found)
    seen: set[tuple[Path, ...]] = set()
    for found in looked_at:
        if _is_part(found, holders.get(found.path, ())):
            continue
        if found.reader is not None:
            if found.files in seen:  # the header and the data of one recording, each with the other
                continue
            seen.add(found.files)
        yield found


def _is_part(found: Found, holders: Collection[Found]) -> bool:
    """Whether a file is no more than a part of the recordings that hold it, as a segment of a record is."""
    if found.reader is None:
        return bool(holders)
    return any(set(found.files) < set(each.files) for each in holders)


def _look(root: Path, path: Path) -> Found:
    here = path.relative_to(root)
    beside = Found(here, None, beside=True, files=(here,))
    known = _BESIDE.fullmatch(path.name) is not None
    if known and path.suffix.lower() != ".json":
        return beside
    try:
        source = open_source(path)
        reader = recognise(source)
    except InputError as error:
        reason = legible(str(error).removeprefix(f"{path}: "))
        return beside if known else Found(here, None, reason, files=(here,))
    if known and (reader is None or reader.name not in _JSON):
        return beside
    if reader is None:
        unmapped = how_to_map(source) is not None
        return Found(here, None, legible(why_not_listed(source)), unmapped=unmapped, files=(here,))
    return Found(here, reader.name, files=_files(root, path, source))


def _files(root: Path, path: Path, source: Source) -> tuple[Path, ...]:
    """The file, and those beside it that its source holds; the members of a zip are none of these."""
    names = {path.name, *source.files}
    together = {each for name in names if (each := path.parent / name).is_file()}
    return tuple(sorted(each.relative_to(root) for each in together))
