"""Append-only files of JSON lines: what people add by and by, each on disk before anything is said of it.

Appends of several processes follow each other. A line cut short by a crash, or damaged later, loses no other.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from pipeline.errors import InputError, InUseError
from pipeline.journal import sync_folder

_WAIT_S = 10.0


def append_line(path: Path, facts: Mapping[str, Any]) -> None:
    """Add an object to the file, which is created for its owner's eyes only; on disk when this returns.

    Raises InputError if it cannot be written (the file is then as it was), InUseError if it is held for long.
    """
    append_content(path, json.dumps(dict(facts), ensure_ascii=False, allow_nan=False).encode() + b"\n")


def append_content(
    path: Path, line: bytes, head: bytes = b"", check: Callable[[], object] | None = None
) -> None:
    """The same for a line of any text, newline included; `head` is the line above the first one.

    `check` raises if the line may not follow what is there; nobody else writes meanwhile.
    """
    try:
        with held(path):
            if check is not None:
                check()
            new = not path.exists()
            _append(path, line, head)
            if new:
                sync_folder(path.parent)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from error


def read_lines(path: Path) -> list[tuple[int, Mapping[str, Any] | None]]:
    """The JSON object of each line, with the line's number from 1; None for one that holds none.

    Nothing if the file is not there. Raises InputError if it cannot be read.
    """
    try:
        content = path.read_bytes()
        if content and not content.endswith(b"\n"):  # cut short, or another process is writing just now
            with contextlib.suppress(OSError, InUseError), held(path):
                content = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    lines = content.split(b"\n")
    return [(number, _object(line)) for number, line in enumerate(lines, 1) if line.strip()]


@contextmanager
def held(path: Path, wait_s: float = _WAIT_S) -> Iterator[None]:
    """Hold a file for writing, waiting for others up to `wait_s`. However the process ends, it is let go.

    Raises InUseError if another process does not let go of it, OSError if nothing can be written there.
    """
    lock_path = path.with_name(f".{path.name}.lock")
    lock = FileLock(lock_path, mode=0o600)
    try:
        lock.acquire(timeout=wait_s, poll_interval=0.01)
    except Timeout:
        raise InUseError(f"{path}: another process is writing there; try again") from None
    try:
        yield
    finally:
        if os.name == "posix":  # while it is held, so that no one is left holding a lock without a name
            with contextlib.suppress(OSError):
                lock_path.unlink()
        lock.release()


def _append(path: Path, line: bytes, head: bytes) -> None:
    """Write a line at the end, whole or not at all; on one of its own, if a crash cut the last one short."""
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "rb+", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        if size:
            file.seek(size - 1)
            line = line if file.read(1) == b"\n" else b"\n" + line
        else:
            line = head + line
        try:
            left = memoryview(line)
            while left:
                left = left[file.write(left) :]
            os.fsync(file.fileno())
        except OSError:
            with contextlib.suppress(OSError):  # the first error tells more
                file.truncate(size)
            raise


def _object(line: bytes) -> Mapping[str, Any] | None:
    try:
        facts = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return facts if isinstance(facts, dict) else None
