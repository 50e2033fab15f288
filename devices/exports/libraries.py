"""Libraries that only some formats need, imported when such a file is read; and words for when they fail."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from pipeline.errors import InputError


def library(name: str, where: str) -> Any:
    """A library from the extra `formats`. Raises InputError where it is not installed."""
    try:
        return import_module(name)
    except ImportError as error:
        raise InputError(f'{where}: to read it, run pip install "vagal[formats]"') from error


def failure(error: Exception) -> str:
    """Why a library gave up, as a message goes on; it may raise whatever damage leads to."""
    return str(error).splitlines()[0][:80] if str(error) else type(error).__name__
