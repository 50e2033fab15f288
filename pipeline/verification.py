"""Whether a sealed session is still what was sealed: every file against the hash in its manifest."""

from __future__ import annotations

from pathlib import Path

from pipeline.errors import VagalError
from pipeline.sealing import damaged_files
from pipeline.store import read_session


def problems_of(folder: Path) -> list[str]:
    """What is wrong with a session, one sentence a file; empty if nothing is."""
    return damaged_files(folder) or _unreadable(folder)


def _unreadable(folder: Path) -> list[str]:
    try:
        read_session(folder)
    except VagalError as error:
        return [str(error)]
    return []
