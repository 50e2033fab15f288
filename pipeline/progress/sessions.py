"""What progress needs of a session: a few values, taken from its analysis once and stored beside its report.

<session>/derived/values.json
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import InputError
from pipeline.progress.session_records import EARLY as EARLY
from pipeline.progress.session_records import LATE as LATE
from pipeline.progress.session_records import Distress as Distress
from pipeline.progress.session_records import HalfTime as HalfTime
from pipeline.progress.session_records import NearOwnBaseline as NearOwnBaseline
from pipeline.progress.session_records import PacedSkill as PacedSkill
from pipeline.progress.session_records import Practice as Practice
from pipeline.progress.session_records import Reaction as Reaction
from pipeline.progress.session_records import SessionValues as SessionValues
from pipeline.progress.session_records import ShareLeft as ShareLeft
from pipeline.progress.session_records import Value as Value
from pipeline.sealing import write_json
from pipeline.store import Home, is_session

if TYPE_CHECKING:
    from pipeline.analysis import Analysis

FILE = "values.json"


def session_values(analysis: Analysis) -> SessionValues:
    """What progress needs of an analysed session."""
    from pipeline.progress.extraction import values_of

    return values_of(analysis)


def write_values(derived: Path, values: SessionValues) -> Path:
    """Write a session's values to derived/; the file's path."""
    path = derived / FILE
    write_json(path, values.as_json())
    return path


def read_values(path: Path) -> SessionValues:
    """The values in a file. Raises InputError if it cannot be read or is of another version."""
    try:
        return SessionValues.from_json(json.loads(path.read_bytes()))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read ({error})") from error
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def read_sessions(home: Home, client: str) -> list[SessionValues]:
    """The values of a client's sessions, the oldest first; those without are in `sessions_without_values`."""
    return [values for _, values in _stored(home, client) if values is not None]


def sessions_without_values(home: Home, client: str) -> list[str]:
    """The ids of a client's sealed sessions that have no values of this version: they need `vagal report`."""
    return [name for name, values in _stored(home, client) if values is None]


def _stored(home: Home, client: str) -> list[tuple[str, SessionValues | None]]:
    """Every sealed session's id and values, by the time in its name; None where they cannot be read."""
    folders = [folder for folder in home.sessions_path.joinpath(client).glob("*") if is_session(folder)]
    return [
        (folder.name, _values_or_none(folder / "derived" / FILE))
        for folder in sorted(folders)
        if not folder.name.startswith(".")
    ]


def _values_or_none(path: Path) -> SessionValues | None:
    try:
        return read_values(path)
    except InputError:
        return None
