"""Where sessions lie: the home folder, its sessions, and getting one back after a crash.

<home>/sessions/<client>/<session-id>/{session.json, raw.parquet, streams/, shown.parquet, derived/}
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from pipeline.errors import InputError, UsageError
from pipeline.journal import Kind, Record
from pipeline.manifest import recording_of
from pipeline.model import Recording
from pipeline.sealing import Decode, read_table, seal, stream_from, write_session


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
        """A session by its id, a unique beginning of it, its path, or "last"."""
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
        raise InputError(f"{name}: no such file, folder or session in {self.path} (`vagal list` shows them)")

    def hash_serial(self, serial: str) -> str:
        """A serial number as an HMAC with this home's own key: equal here, meaningless elsewhere."""
        return hmac.new(self._key(), serial.encode(), hashlib.sha256).hexdigest()[:16]

    def _key(self) -> bytes:
        path = self.path / "serial.key"
        if not path.exists():
            self.path.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(secrets.token_bytes(32))
        return path.read_bytes()


def is_session(folder: Path) -> bool:
    """Whether a folder holds a sealed session."""
    return (folder / "session.json").is_file()


@contextmanager
def recording_lock(folder: Path) -> Iterator[None]:
    """Hold a session for writing. The system lets go of it however the process ends."""
    lock = FileLock(folder / "recording.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise UsageError(f"session {folder.name} is being recorded by another process") from None
    try:
        yield
    finally:
        if os.name == "posix":  # while it is held, so that no one is left holding a lock without a name
            (folder / "recording.lock").unlink(missing_ok=True)
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
    """Create a session's folder, for its owner's eyes only."""
    try:
        folder.mkdir(parents=True, mode=0o700)
    except OSError as error:
        raise InputError(f"{folder.parent}: sessions cannot be stored there ({error.strerror})") from error
    return folder


def save_import(home: Home, recording: Recording, files: Mapping[str, bytes], wall_s: float) -> Path:
    """Store a recording that came from files, whole or not at all; the files are kept as its raw."""
    assert recording.client is not None
    started_s = recording.started_at.timestamp() if recording.started_at else wall_s
    folder = home.new_session(recording.client, started_s)
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


@dataclass(frozen=True, slots=True)
class Recovery:
    """What became of one unfinished session: its folder, and the trouble if there was any."""

    folder: Path
    trouble: str | None = None


def recover(home: Home, decode: Decode, tell: Callable[[Path], None] = lambda _: None) -> list[Recovery]:
    """Seal every session that a crash left unfinished; those being recorded are left alone."""
    results = []
    for folder in home.sessions():
        if not (folder / "journal.bin").exists():
            continue
        try:
            with recording_lock(folder):
                tell(folder)
                _recover_one(folder, decode)
                results.append(Recovery(folder))
        except UsageError:
            continue
        except InputError as error:
            results.append(Recovery(folder, str(error)))
        except Exception as error:  # whatever it is, it must not keep the next session from starting
            results.append(Recovery(folder, f"{folder}: not recovered, left as it is ({error!r})"))
    return results


def _recover_one(folder: Path, decode: Decode) -> None:
    if is_session(folder):  # the crash came between the manifest and the deletion of the journal
        (folder / "journal.bin").unlink(missing_ok=True)
    else:
        seal(folder, decode, recovered=True)
