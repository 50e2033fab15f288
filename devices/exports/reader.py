"""What a reader of an export format is, and the safe way to a file's bytes.

A reader sees a `Source`: names and contents, whether they came from one file, a folder or a zip. Nothing
is ever extracted to disk, and no size or name in an archive is believed.
"""

from __future__ import annotations

import hashlib
import io
import re
import stat
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Protocol
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from pipeline.errors import InputError
from pipeline.model import Recording

MAX_BYTES = 200_000_000
MAX_MEMBERS = 10_000
MAX_DEPTH = 3

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_ZIP_MEMBER = b"PK\x01\x02"
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Source:
    """What a path holds: contents by name. A folder that encloses all of a zip's members is left off."""

    path: Path
    files: Mapping[str, bytes]

    @cached_property
    def sha256(self) -> str:
        """Of the one file, as `sha256sum` prints it; of several, over names and contents in order of name.

        So a folder and a zip of it are the same input.
        """
        if len(self.files) == 1:
            return hashlib.sha256(*self.files.values()).hexdigest()
        digest = hashlib.sha256()
        for name, content in sorted(self.files.items()):
            encoded = name.encode(errors="surrogateescape")
            digest.update(b"%d:%b%d:" % (len(encoded), encoded, len(content)))
            digest.update(content)
        return digest.hexdigest()

    @property
    def title(self) -> str:
        """The path's own name, without the ending of a file."""
        path = self.path.resolve()  # a folder may be given as "."
        return path.name if path.is_dir() else path.stem

    def where(self, name: str, line: int | None = None) -> str:
        """How a message names one of the files, or a line in it."""
        place = self.path if name == self.path.name else self.path / name
        return f"{place}" if line is None else f"{place} line {line}"


class Reader(Protocol):
    """One export format: `name` stands in `Recording.source`, `label` is for people."""

    name: str
    label: str

    def recognises(self, source: Source) -> bool:
        """Whether the content is of this format; never raises."""

    def read(self, source: Source, unit: str | None) -> Recording:
        """The recording. Raises InputError that names the file and the line; UsageError for the unit."""


def open_source(path: Path) -> Source:
    """The bytes of a file, of the files in a folder, or of a zip's members. Raises InputError."""
    try:
        files = _folder(path) if path.is_dir() else _file(path)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error
    return Source(path, files)


def _file(path: Path) -> dict[str, bytes]:
    if not path.exists():
        raise InputError(f"{path}: there is no such file or folder")
    if not path.is_file():
        raise InputError(f"{path}: is neither a file nor a folder")
    content = _content(path, MAX_BYTES)
    if content.startswith(_ZIP):
        return _zip(path, content)
    if not content.strip():
        raise InputError(f"{path}: is empty")
    return {path.name: content}


def _folder(path: Path) -> dict[str, bytes]:
    found = sorted(file for file in path.iterdir() if file.is_file() and not _is_junk(file.name))
    if not found:
        raise InputError(f"{path}: holds no files")
    _check_count(path, len(found))
    files, left = {}, MAX_BYTES
    for file in found:
        files[file.name] = _content(file, left)
        left -= len(files[file.name])
    return files


def _content(path: Path, limit: int) -> bytes:
    with path.open("rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise _too_large(path)
    return content


def _zip(path: Path, archive: bytes) -> dict[str, bytes]:
    # Counted before the table of contents is parsed: a million entries would fill the memory.
    _check_count(path, archive.count(_ZIP_MEMBER))
    try:
        with ZipFile(io.BytesIO(archive)) as opened:
            files = dict(_members(path, opened))
    except (BadZipFile, EOFError, RuntimeError, ValueError, zlib.error) as error:
        raise InputError(f"{path}: the zip is damaged or encrypted ({error})") from error
    if not files:
        raise InputError(f"{path}: holds no files")
    return _without_enclosing_folder(files)


def _members(path: Path, opened: ZipFile) -> Iterator[tuple[str, bytes]]:
    left, seen = MAX_BYTES, set()
    for member in opened.infolist():
        name = _safe_name(path, member)
        if member.is_dir() or _is_junk(name):
            continue
        if name in seen:
            raise InputError(f"{path}: holds {name!r} twice")
        seen.add(name)
        content = _unpacked(path, opened, member, left)
        left -= len(content)
        yield name, content


def _safe_name(path: Path, member: ZipInfo) -> str:
    """A member's name with forward slashes. Raises InputError for one that leads out of the archive."""
    name = member.orig_filename.replace("\\", "/")
    parts = name.rstrip("/").split("/")
    mode = stat.S_IFMT(member.external_attr >> 16)
    if name.startswith("/") or re.match("[A-Za-z]:", name) or ".." in parts or "\0" in name:
        raise InputError(f"{path}: refused, the member {name!r} points outside the zip")
    if mode not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise InputError(f"{path}: refused, the member {name!r} is a link or a device")
    if len(parts) - 1 > MAX_DEPTH:
        raise InputError(f"{path}: refused, the member {name!r} lies more than {MAX_DEPTH} folders deep")
    return name


def _unpacked(path: Path, opened: ZipFile, member: ZipInfo, limit: int) -> bytes:
    if member.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise InputError(f"{path}: {member.filename!r} is packed in a way vagal does not read; zip it again")
    content = bytearray()
    with opened.open(member) as file:
        while chunk := file.read(_CHUNK):
            content += chunk
            if len(content) > limit:
                raise _too_large(path)
    return bytes(content)


def _without_enclosing_folder(files: dict[str, bytes]) -> dict[str, bytes]:
    while len(tops := {name.partition("/")[0] for name in files}) == 1 and all("/" in name for name in files):
        top = tops.pop()
        files = {name.removeprefix(f"{top}/"): content for name, content in files.items()}
    return files


def _is_junk(name: str) -> bool:
    """What macOS leaves beside every file."""
    path = PurePosixPath(name)
    return path.name.startswith("._") or path.name == ".DS_Store" or "__MACOSX" in path.parts


def _check_count(path: Path, count: int) -> None:
    if count > MAX_MEMBERS:
        raise InputError(f"{path}: holds more than {MAX_MEMBERS:,} files")


def _too_large(path: Path) -> InputError:
    return InputError(f"{path}: holds more than {MAX_BYTES // 1_000_000} MB")
