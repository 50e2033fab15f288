"""Stored sessions in the formats of others: which of them, under which number, into which folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import InputError, InsufficientDataError, UsageError
from pipeline.sealing import write_file
from pipeline.store import Home, is_session, read_session

if TYPE_CHECKING:
    from devices.exports.writers.writer import Exported, Outgoing, Writer


@dataclass(frozen=True, slots=True)
class Told:
    """What became of one session: its files, what the format has no place for, or why there is nothing."""

    session_id: str
    name: str
    files: tuple[Path, ...] = ()
    left_out: tuple[str, ...] = ()
    refused: str | None = None


def writer_of(target: str) -> Writer:
    """The writer that `--to` names."""
    from devices.exports.writers.bids_physio import BidsPhysio
    from devices.exports.writers.edf_plus import EdfPlus
    from devices.exports.writers.kubios_rr import KubiosRr
    from devices.exports.writers.tidy_csv import TidyCsv

    writers: tuple[Writer, ...] = (KubiosRr(), TidyCsv(), BidsPhysio(), EdfPlus())
    return next(writer for writer in writers if writer.name == target)


def export(
    home: Home, names: Sequence[str], target: str, out: Path, *, dates: bool = False
) -> Iterator[Told]:
    """Write sessions into a new or empty folder; yields what became of each.

    Raises UsageError if something is in the folder, InputError for a session that is not there or is not
    finished, or a folder that can't be written.
    """
    folders = list(dict.fromkeys(home.find(name) for name in names))
    _check(out)
    writer = writer_of(target)
    written: list[Outgoing] = []
    for folder in folders:
        session = _outgoing(folder, dates)
        files, left_out = [], []
        try:
            for made in writer.files(session):
                if isinstance(made, str):
                    left_out.append(made)
                else:
                    files.append(_write(out, made))
        except InsufficientDataError as error:
            yield Told(folder.name, session.name, refused=str(error))
            continue
        written.append(replace(session, recording=replace(session.recording, streams={})))
        yield Told(folder.name, session.name, tuple(files), tuple(left_out))
    if written:
        for made in writer.around(written):
            _write(out, made)


def _outgoing(folder: Path, dates: bool) -> Outgoing:
    from devices.exports.writers.writer import Outgoing

    return Outgoing(read_session(folder), _number(folder), dates)


def _number(folder: Path) -> int:
    """Which of its client's sessions a session is, from 1 in order of time: an id would tell the date."""
    beside = (each for each in folder.resolve().parent.iterdir() if is_session(each))
    return 1 + sorted(each.name for each in beside).index(folder.resolve().name)


def _check(out: Path) -> None:
    """Nothing of another export is overwritten, and none is mixed with another."""
    try:
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise UsageError(f"{out}: is there already; name a new or empty folder with --out")
    except OSError as error:
        raise InputError(f"{out}: cannot be read ({error.strerror})") from error


def _write(out: Path, made: Exported) -> Path:
    """Write one file, for its owner's eyes only as what it came from.

    Raises UsageError if another session or export has written it, InputError for a name that leads out of
    the folder.
    """
    path = out / made.path
    if ".." in path.relative_to(out).parts or path == out:
        raise InputError(f"{made.path}: is no name for a file; is the session damaged?")
    if path.exists():
        raise UsageError(
            f"{path}: was written by another export or for a session of the same client and number; "
            "give each a folder of its own with --out"
        )
    try:
        for level in reversed((path.parent, *path.parent.parents)):
            if not level.exists():
                level.mkdir(mode=0o700)
        write_file(path, made.content)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from error
    return path
