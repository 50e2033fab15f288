"""The part of a home that `vagal up` keeps: who runs it, where its pages and its Prefect server are.

<home>/up/{lock, running.json, prefect.json, ledger.db, inbox.json}, for their owner's eyes only.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from pipeline.errors import InputError, InUseError

_WAIT_S = 1.0  # others only look whether the lock is held, and let go of it at once


@dataclass(frozen=True, slots=True)
class Place:
    """The files of `vagal up` in one home."""

    home: Path

    @property
    def folder(self) -> Path:
        return self.home / "up"

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger.db"

    @property
    def inbox(self) -> Path:
        return self.folder / "inbox.json"

    @property
    def prefect(self) -> Path:
        return self.folder / "prefect.json"

    @property
    def _running(self) -> Path:
        return self.folder / "running.json"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Be the only `vagal up` of this home. Raises InUseError that names the other, InputError."""
        lock = FileLock(self.folder / "lock")
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock.acquire(timeout=_WAIT_S)
        except Timeout:
            raise InUseError(self._who()) from None
        except OSError as error:
            raise InputError(f"{self.folder}: cannot be written ({error.strerror})") from error
        try:
            yield
        finally:
            for path in (self._running, self.prefect, self.inbox):
                with contextlib.suppress(OSError):
                    path.unlink()
            lock.release()

    @property
    def is_held(self) -> bool:
        """Whether a `vagal up` runs in this home."""
        if not (self.folder / "lock").is_file():
            return False
        lock = FileLock(self.folder / "lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        except OSError:
            return False
        lock.release()
        return False

    def running(self, page: str) -> None:
        """Note for another `vagal up` where this one's page is."""
        write_private(self._running, {"process": os.getpid(), "page": page})

    def serves_prefect(self, url: str, secret: str) -> None:
        """Note for this home's other processes where a Prefect server is, and what lets them in."""
        write_private(self.prefect, {"url": url, "secret": secret})

    def prefect_server(self) -> tuple[str, str] | None:
        """The address and the secret of this home's Prefect server; None if none is running."""
        facts = _facts(self.prefect)
        if "url" not in facts or "secret" not in facts or not self.is_held:
            return None
        return str(facts["url"]), str(facts["secret"])

    def _who(self) -> str:
        facts = _facts(self._running)
        who = f" (process {facts['process']}, its page {facts['page']})" if facts else ""
        return f"vagal up is running in {self.home} already{who}: use that one, or end it with Ctrl-C first"


def write_private(path: Path, facts: Mapping[str, Any]) -> None:
    """Write facts whole or not at all, for the owner's eyes only from the first byte."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(facts, file)
    temporary.replace(path)


def _facts(path: Path) -> dict[str, Any]:
    try:
        facts = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}
