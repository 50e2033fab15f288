"""What code a recording's values rest on, as a hash: another one makes parts anew, also under one version."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_PACKAGES = ("pipeline", "devices")
_OURS = ("flows/batch/work.py", "flows/batch/phases.py", "flows/importing.py")
_LIBRARIES = ("numpy", "scipy", "numba")


@lru_cache(maxsize=1)
def code_hash() -> str:
    """Of the installed sources that read and analyse, and of what computes; the same on every machine."""
    digest = hashlib.sha256()
    for name in _LIBRARIES:
        digest.update(f"{name} {version(name)}\n".encode())
    for path in source_files():
        content = path.read_bytes()
        digest.update(f"{path.relative_to(_ROOT).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def source_files() -> list[Path]:
    """The sources, in order."""
    inside = (path for package in _PACKAGES for path in (_ROOT / package).rglob("*.py"))
    return sorted({*inside, *(_ROOT / name for name in _OURS)}, key=lambda path: path.as_posix())
