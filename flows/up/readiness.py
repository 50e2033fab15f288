"""Whether Prefect's deployment is there: it touches a file for as long as it hears from its server."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from flows.up.place import Place

TOUCH_EVERY_S = 2.0
_FRESH_S = 10.0


def touch(home: Path) -> None:
    """Say that the deployment is there."""
    with contextlib.suppress(OSError):
        _path(home).touch(mode=0o600)


def is_ready(home: Path) -> bool:
    """Whether the deployment was there a moment ago."""
    try:
        return time.time() - _path(home).stat().st_mtime < _FRESH_S
    except OSError:
        return False


def _path(home: Path) -> Path:
    return Place(home).folder / "deployment.alive"
