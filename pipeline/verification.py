"""Whether a sealed session is still what was sealed: every file against the hash in its manifest."""

from __future__ import annotations

import json
from pathlib import Path

from pipeline.errors import VagalError
from pipeline.manifest import sha256_of
from pipeline.store import read_session


def problems_of(folder: Path) -> list[str]:
    """What is wrong with a session, one sentence a file; empty if nothing is."""
    try:
        manifest = json.loads((folder / "session.json").read_bytes())
        described = [manifest["raw"], *manifest["streams"].values()]
        expected = {facts["file"]: facts["sha256"] for facts in described}
    except (OSError, ValueError, KeyError, TypeError) as error:
        return [f"{folder / 'session.json'}: cannot be read ({error})"]
    problems = [trouble for file, sha256 in expected.items() if (trouble := _trouble(folder / file, sha256))]
    return problems or _unreadable(folder)


def _trouble(path: Path, sha256: str) -> str | None:
    try:
        content = path.read_bytes()
    except OSError as error:
        return f"{path}: {error.strerror}"
    return None if sha256_of(content) == sha256 else f"{path}: has changed since it was sealed"


def _unreadable(folder: Path) -> list[str]:
    try:
        read_session(folder)
    except VagalError as error:
        return [str(error)]
    return []
