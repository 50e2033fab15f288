"""Files that belong to another: what a WFDB header names, and the descriptions of a BIDS recording."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

MAX_COMPANIONS = 1_000

_LEVELS = 4  # folders above a BIDS recording: func, session, subject, dataset
_DATASET = "dataset_description.json"
_PHYSIO = re.compile(r"(.*_)?physio\.tsv(\.gz)?", re.DOTALL)
_RECORD = re.compile(r"[\w-]+(/\d+)?")
_HEADER_BYTES = 1_000_000
_ANNOTATIONS = (".atr", ".qrs")  # by experts; by a detector


def companions(path: Path) -> tuple[Path, ...]:
    """The other files that a file needs to be read; none for most.

    For a WFDB header: the signal files and segments it names, in its own folder only, and the annotations
    of the record. For a BIDS *_physio.tsv(.gz): the *physio.json that apply to it, from the farthest folder
    to its own, so that a later one overrides an earlier. Raises OSError.
    """
    if path.suffix == ".hea":
        found: Iterator[Path] = _of_header(path)
    elif _PHYSIO.fullmatch(path.name):
        found = _sidecars(path)
    else:
        return ()
    others = dict.fromkeys(file for file in found if file != path and file.is_file())
    return tuple(others)[:MAX_COMPANIONS]


def _of_header(path: Path) -> Iterator[Path]:
    """What a header names, and what the headers of its segments name."""
    segments, signals = _named(path)
    for name in segments:
        header = path.with_name(f"{name}.hea")
        if header != path and header.is_file():
            yield header
            signals += _named(header)[1]
    yield from (path.with_name(name) for name in signals)
    yield from (path.with_suffix(ending) for ending in _ANNOTATIONS)


def _named(header: Path) -> tuple[list[str], list[str]]:
    """The segments and the signal files that a header names, those in its own folder."""
    with header.open("rb") as file:
        text = file.read(_HEADER_BYTES).decode(errors="replace")
    lines = [line.split() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if not lines or len(lines[0]) < 2 or not _RECORD.fullmatch(lines[0][0]):
        return [], []
    names = [cells[0] for cells in lines[1 : MAX_COMPANIONS + 1] if _is_plain(cells[0])]
    return (names, []) if "/" in lines[0][0] else ([], names)


def _is_plain(name: str) -> bool:
    """Whether a name stays in its folder; `~` stands for a signal or segment that is not there."""
    return name not in ("~", "-", ".", "..") and not set(name) & set("/\\:\0")


def _sidecars(path: Path) -> Iterator[Path]:
    parts = _entities(path.name.partition(".")[0])
    for folder in reversed(_folders(path)):
        for file in sorted(folder.glob("*physio.json")):
            if _entities(file.stem) <= parts:
                yield file


def _folders(path: Path) -> list[Path]:
    """The recording's folder and those above it, as far as the data set reaches."""
    folders = []
    for folder in path.absolute().parents[: _LEVELS + 1]:
        folders.append(folder)
        if (folder / _DATASET).is_file():
            break
    return folders


def _entities(stem: str) -> frozenset[str]:
    """What a BIDS name says: "sub-01_task-rest_physio" is of sub-01 and of task-rest."""
    return frozenset(stem.split("_"))
