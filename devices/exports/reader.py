"""What a reader of an export format is, and the source it reads from.

A reader sees a `Source`: names and contents, whether they came from one file with its companions, a folder
or a zip.
"""

from __future__ import annotations

import hashlib
import io
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Protocol

from devices.exports import contents
from devices.exports.companions import companions
from devices.exports.contents import (
    HEAD_BYTES,
    Contents,
    TooLargeError,
    contents_of_files,
    contents_of_folder,
    contents_of_zip,
    is_zip,
)
from pipeline.errors import InputError
from pipeline.model import Recording

_CHUNK = 1 << 20
_GZIP = 31  # zlib's word for: with the header and the check sum of gzip


@dataclass(frozen=True)
class Source:
    """What a path holds: contents by name. A folder that encloses all of a zip's members is left off.

    `root` is the folder that names are relative to, where that is not the path itself: a file's companions
    may lie above it.
    """

    path: Path
    files: Mapping[str, bytes]
    root: Path | None = None

    @property
    def only(self) -> str | None:
        """The one name, if there is exactly one."""
        return next(iter(self.files)) if len(self.files) == 1 else None

    def head(self, name: str, size: int = HEAD_BYTES) -> bytes:
        """The first bytes of a content; none if it is absent or can't be read. Never raises."""
        if isinstance(self.files, Contents):
            return self.files.head(name, size)
        return self.files.get(name, b"")[:size]

    def open(self, name: str) -> BinaryIO:
        """A content as a stream, for what is too large to hold; reading it may raise InputError."""
        if isinstance(self.files, Contents):
            return self.files.open(name)
        return io.BytesIO(self.files[name])

    def size(self, name: str) -> int:
        """How many bytes a content really has. Raises InputError."""
        with self.open(name) as stream:
            return sum(map(len, iter(lambda: stream.read(_CHUNK), b"")))

    @cached_property
    def sha256(self) -> str:
        """Of the one file, as `sha256sum` prints it; of several, over names and contents in order of name.

        So a folder and a zip of it are the same input.
        """
        digest = hashlib.sha256()
        for name in sorted(self.files):
            if self.only is None:
                encoded = name.encode(errors="surrogateescape")
                digest.update(b"%d:%b%d:" % (len(encoded), encoded, self.size(name)))
            with self.open(name) as stream:
                while chunk := stream.read(_CHUNK):
                    digest.update(chunk)
        return digest.hexdigest()

    @property
    def title(self) -> str:
        """The path's own name, without the ending of a file."""
        path = self.path.resolve()  # a folder may be given as "."
        if path.is_dir():
            return path.name
        return Path(path.stem).stem if path.suffix == ".gz" else path.stem

    def where(self, name: str, line: int | None = None) -> str:
        """How a message names one of the files, or a line in it."""
        place = self.path if name == self.path.name else (self.root or self.path) / name
        return f"{place}" if line is None else f"{place} line {line}"


class Reader(Protocol):
    """One export format: `name` stands in `Recording.source`, `label` is for people.

    `proven` is False for a reader that was built from the documented layout, without a real file at hand.
    """

    name: str
    label: str
    proven: bool

    def recognises(self, source: Source) -> bool:
        """Whether the content is of this format; never raises."""

    def read(self, source: Source, unit: str | None) -> Recording:
        """The recording. Raises InputError that names the file and the line; UsageError for the unit."""


def unneeded(unit: str | None, why: str) -> tuple[str, ...]:
    """A notice that the unit a person named is not needed, as the format settles it; none without one."""
    return () if unit is None else (f"--unit {unit} is not needed: {why}",)


def open_source(path: Path) -> Source:
    """A file with its companions, the files in a folder, or a zip's members. Raises InputError."""
    try:
        if path.is_dir():
            return Source(path, contents_of_folder(path))
        return _file(path)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error


def _file(path: Path) -> Source:
    if not path.exists():
        raise InputError(f"{path}: there is no such file or folder")
    if not path.is_file():
        raise InputError(f"{path}: is neither a file nor a folder")
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if is_zip(head):
        return Source(path, contents_of_zip(path))
    if not head.strip() and path.stat().st_size <= HEAD_BYTES:
        raise InputError(f"{path}: is empty")
    others = companions(path.absolute())
    if not others:
        return Source(path, contents_of_files(path, {path.name: path}))
    belonging = (path.absolute(), *others)
    root = min((file.parent for file in belonging), key=lambda folder: len(folder.parts))
    files = {file.relative_to(root).as_posix(): file for file in belonging}
    return Source(path, contents_of_files(path, files), root)


def held(source: Source) -> dict[str, bytes] | None:
    """All contents; None if they are more than may be held in memory. Raises InputError."""
    try:
        return dict(source.files)
    except TooLargeError:
        return None


def gunzipped(content: bytes, limit: int | None = None, *, where: str = "gzip") -> bytes:
    """What was packed with gzip, `limit` bytes at most (MAX_BYTES if it is None). Raises InputError.

    `where` is how the message names the file. Several packed pieces one after the other are read as one.
    """
    most = contents.MAX_BYTES if limit is None else limit
    unpacked = bytearray()
    while content:
        piece = zlib.decompressobj(_GZIP)
        try:
            unpacked += piece.decompress(content, most + 1 - len(unpacked))
        except zlib.error as error:
            raise InputError(f"{where}: is damaged, or not packed with gzip ({error})") from error
        if len(unpacked) > most:
            raise InputError(f"{where}: unpacks to more than {most // 1_000_000} MB")
        if not piece.eof:
            raise InputError(f"{where}: is cut off; copy or download it again")
        content = piece.unused_data.lstrip(b"\0")  # tapes and some tools fill up with zeros
    return bytes(unpacked)
