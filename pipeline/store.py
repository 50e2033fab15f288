"""Where sessions lie: the home folder, its sessions, and getting one back after a crash.

<home>/sessions/<client>/<session-id>/{session.json, raw.parquet, streams/, shown.parquet, derived/}
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from pipeline.errors import InputError, InUseError, UsageError, VagalError
from pipeline.journal import Kind, Record, sync_folder
from pipeline.manifest import recording_of
from pipeline.model import Recording
from pipeline.sealing import (
    Decode,
    damaged_files,
    read_table,
    retire_journal,
    seal,
    stream_from,
    write_session,
)

_KEY_BYTES = 32
_UNFINISHED = re.compile(r"\.\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-[0-9a-f]{4}")  # an import that is under way
_ABANDONED_S = 3600.0


def default_home() -> Path:
    """`VAGAL_HOME`, else the platform's folder for a user's data."""
    if named := os.environ.get("VAGAL_HOME"):
        return Path(named).expanduser()
    from platformdirs import user_data_path

    return user_data_path("vagal", appauthor=False)


@dataclass(frozen=True, slots=True)
class Home:
    """A folder of sessions. Nothing is created in it before something is stored."""

    path: Path

    @property
    def sessions_path(self) -> Path:
        return self.path / "sessions"

    def new_session(self, client: str, wall_s: float) -> Path:
        """Where a session that starts now goes: a path named after its start and four random digits."""
        stamp = datetime.fromtimestamp(wall_s, UTC).astimezone().strftime("%Y-%m-%dT%H-%M-%S")
        return self.sessions_path / client / f"{stamp}-{secrets.token_hex(2)}"

    def sessions(self) -> list[Path]:
        """Every session folder, the oldest first within a client."""
        folders = self.sessions_path.glob("*/*")
        return sorted(path for path in folders if path.is_dir() and not path.name.startswith("."))

    def find(self, name: str) -> Path:
        """A finished session by its id, a unique beginning of it, its path, or "last".

        Raises InputError, UsageError.
        """
        if is_session(Path(name)):
            return Path(name)
        sealed = [folder for folder in self.sessions() if is_session(folder)]
        if name == "last" and sealed:
            return max(sealed, key=lambda folder: folder.name)
        found = [folder for folder in sealed if folder.name.startswith(name)]
        if len(found) == 1:
            return found[0]
        if found:
            raise UsageError(f"{len(found)} sessions begin with {name!r}: give more of the id")
        self._check_finished(name)
        raise InputError(f"{name}: no such file, folder or session in {self.path} (`vagal list` shows them)")

    def _check_finished(self, name: str) -> None:
        """Raise InputError with what to do if this is a session that is under way, or was cut off."""
        for folder in (Path(name), *self.sessions()):
            named = folder == Path(name) or (name and folder.name.startswith(name))
            if named and (folder / "journal.bin").exists():
                raise InputError(
                    f"{folder.name}: is not finished: end it, or `vagal recover` if it was cut off; "
                    "then try again"
                )

    def hash_serial(self, serial: str) -> str:
        """A serial number as an HMAC with this home's own key: equal here, meaningless elsewhere."""
        return hmac.new(self._key(), serial.encode(), hashlib.sha256).hexdigest()[:16]

    def _key(self) -> bytes:
        """The key, made at its first use. Raises InputError if the file is there and holds none."""
        path = self.path / "serial.key"
        if not path.exists():
            _make_private(self.path)
            _write_once(path, secrets.token_bytes(_KEY_BYTES))
        key = path.read_bytes()
        if len(key) != _KEY_BYTES:
            raise InputError(
                f"{path}: holds {len(key)} bytes, and a key has {_KEY_BYTES}: put it back from a backup, or "
                "delete it, and sensors will count as new ones"
            )
        return key


def _write_once(path: Path, content: bytes) -> None:
    """Write a file whole, for its owner's eyes only; if another process was first, its file stays."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        _name_once(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def _name_once(temporary: Path, path: Path) -> None:
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        return
    except OSError:  # a file system without links, such as exFAT
        if not path.exists():
            temporary.replace(path)


def is_session(folder: Path) -> bool:
    """Whether a folder holds a sealed session."""
    return (folder / "session.json").is_file()


@contextmanager
def recording_lock(folder: Path) -> Iterator[None]:
    """Hold a session for writing. The system lets go of it however the process ends.

    Raises InUseError if another process holds it, InputError if the folder is not there or cannot be written.
    """
    if not folder.is_dir():  # the lock would create it
        raise InputError(f"{folder}: no such session")
    lock = FileLock(folder / "recording.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise InUseError(f"session {folder.name} is being recorded by another process") from None
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror})") from error
    try:
        yield
    finally:
        if os.name == "posix":  # while it is held, so that no one is left holding a lock without a name
            with contextlib.suppress(OSError):
                (folder / "recording.lock").unlink()
        lock.release()


def read_session(folder: Path) -> Recording:
    """A sealed session. Raises InputError that names the file which cannot be read."""
    path = folder / "session.json"
    try:
        manifest: dict[str, Any] = json.loads(path.read_bytes())
        streams = {
            name: stream_from(name, facts, read_table(folder / facts["file"]))
            for name, facts in manifest["streams"].items()
        }
        return recording_of(manifest, streams)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: is not a session of this format ({error!r})") from error


def make_folder(folder: Path) -> Path:
    """Create a session's folder, and those above it that are missing, for their owner's eyes only."""
    try:
        _make_private(folder.parent)
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise InputError(f"{folder.parent}: sessions cannot be stored there ({error.strerror})") from error
    return folder


def _make_private(folder: Path) -> None:
    """Create a folder and each missing one above it with mode 0700; those that are there keep theirs."""
    for level in reversed((folder, *folder.parents)):
        if not level.exists():
            level.mkdir(mode=0o700, exist_ok=True)


def save_import(
    home: Home,
    recording: Recording,
    files: Mapping[str, bytes],
    wall_s: float,
    about_to: Callable[[Path], None] = lambda _: None,
) -> Path:
    """Store a recording that came from files, whole or not at all; the files are kept as its raw.

    `about_to` is told the session's folder before anything is written.
    """
    assert recording.client is not None
    started_s = recording.started_at.timestamp() if recording.started_at else wall_s
    folder = home.new_session(recording.client, started_s)
    about_to(folder)
    unfinished = make_folder(folder.with_name("." + folder.name))
    records = [
        Record(Kind.FILE, name, number, 0, 0.0, wall_s, None, content)
        for number, (name, content) in enumerate(sorted(files.items()))
    ]
    try:
        write_session(unfinished, replace(recording, recording_id=folder.name), records)
        return unfinished.rename(folder)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


class RecoveryState(StrEnum):
    """What became of an unfinished session."""

    SEALED = "sealed"
    IN_USE = "in use"  # another process records or seals it
    FAILED = "failed"  # left as it is


@dataclass(frozen=True, slots=True)
class Recovery:
    """What became of one unfinished session: its folder, and the trouble unless it was sealed."""

    folder: Path
    state: RecoveryState = RecoveryState.SEALED
    trouble: str | None = None


def recover(home: Home, decode: Decode, tell: Callable[[Path], None] = lambda _: None) -> list[Recovery]:
    """Seal every session that a crash left unfinished; those being recorded are left alone.

    One that another process seals meanwhile is not reported. Sweeps what killed imports left behind.
    """
    _sweep_imports(home)
    unfinished = [folder for folder in home.sessions() if _has_journal(folder)]
    results = [_recovery(folder, decode, tell) for folder in unfinished]
    return [result for result in results if result is not None]


def _has_journal(folder: Path) -> bool:
    return (folder / "journal.bin").exists()


def _recovery(folder: Path, decode: Decode, tell: Callable[[Path], None]) -> Recovery | None:
    """What becomes of one unfinished session; None if it is finished by now, or gone."""
    try:
        with recording_lock(folder):
            if not _has_journal(folder):
                return None
            tell(folder)
            _recover_one(folder, decode)
            return Recovery(folder)
    except VagalError as error:
        state = RecoveryState.IN_USE if isinstance(error, InUseError) else RecoveryState.FAILED
        return Recovery(folder, state, str(error)) if _has_journal(folder) else None
    except Exception as error:  # whatever it is, it must not keep the next session from starting
        trouble = f"{folder}: not recovered, left as it is ({error!r})"
        return Recovery(folder, RecoveryState.FAILED, trouble)


def _recover_one(folder: Path, decode: Decode) -> None:
    if is_session(folder) and not damaged_files(folder):  # the crash came before the journal was put away
        retire_journal(folder)
    else:
        seal(folder, decode, recovered=True)


def _sweep_imports(home: Home) -> None:
    """Delete the hidden folders of imports that were killed, once no import can still be writing there."""
    for folder in home.sessions_path.glob("*/.*"):
        with contextlib.suppress(OSError):
            age_s = time.time() - folder.lstat().st_mtime
            if _UNFINISHED.fullmatch(folder.name) and age_s > _ABANDONED_S:
                shutil.rmtree(folder)
