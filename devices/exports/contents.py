"""What a path holds, by name, and read only where it is asked for.

Nothing is ever extracted to disk, and no size or name in an archive is believed: a limit counts the bytes
that really come out.
"""

from __future__ import annotations

import io
import math
import re
import stat
import weakref
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, BinaryIO, cast
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from pipeline.errors import InputError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_BYTES = 200_000_000  # held in memory, of all contents together
MAX_MEMBERS = 10_000
MAX_DEPTH = 3
HEAD_BYTES = 4096

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_ZIP_MEMBER = b"PK\x01\x02"
_ZIP_FAULTS = (BadZipFile, EOFError, RuntimeError, ValueError, zlib.error)
_MOST_TIMES = 250  # what a streamed member may grow by; text shrinks to a twentieth, a bomb to a thousandth
_CHUNK = 1 << 20


class TooLargeError(InputError):
    """There is more than may be held in memory."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path}: holds more than {MAX_BYTES // 1_000_000} MB")


class Contents(Mapping[str, bytes]):
    """Contents by name. One that was asked for is kept; MAX_BYTES are kept at most.

    Looking one up raises TooLargeError above that, and InputError for what can't be read.
    """

    def __init__(self, path: Path, streams: Mapping[str, Callable[[], BinaryIO]]) -> None:
        self._path, self._streams = path, streams
        self._kept: dict[str, bytes] = {}
        self._heads: dict[tuple[str, int], bytes] = {}

    def __getitem__(self, name: str) -> bytes:
        if name not in self._kept:
            with self.open(name) as stream:
                self._kept[name] = self._whole(stream)
        return self._kept[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._streams)

    def __len__(self) -> int:
        return len(self._streams)

    def __contains__(self, name: object) -> bool:
        return name in self._streams

    def open(self, name: str) -> BinaryIO:
        """A content as a stream, to be closed; each time from its beginning."""
        if name in self._kept:
            return io.BytesIO(self._kept[name])
        return self._streams[name]()

    def head(self, name: str, size: int) -> bytes:
        """The first bytes; none if the content is absent or can't be read."""
        if name not in self._streams:
            return b""
        if (name, size) not in self._heads:
            try:
                with self.open(name) as stream:
                    self._heads[name, size] = stream.read(size)
            except InputError:
                self._heads[name, size] = b""
        return self._heads[name, size]

    def _whole(self, stream: BinaryIO) -> bytes:
        left, content = MAX_BYTES - sum(map(len, self._kept.values())), bytearray()
        while chunk := stream.read(_CHUNK):
            content += chunk
            if len(content) > left:
                raise TooLargeError(self._path)
        return bytes(content)


def contents_of_files(path: Path, files: Mapping[str, Path]) -> Contents:
    """The contents of files on disk."""
    return Contents(path, {name: partial(_open_file, file) for name, file in files.items()})


def contents_of_folder(path: Path) -> Contents:
    """The files in a folder, not those in folders below. Raises InputError."""
    found = sorted(file for file in path.iterdir() if file.is_file() and not _is_junk(file.name))
    if not found:
        raise InputError(f"{path}: holds no files")
    _check_count(path, len(found))
    return contents_of_files(path, {file.name: file for file in found})


def is_zip(head: bytes) -> bool:
    """Whether a file that begins so is a zip."""
    return head.startswith(_ZIP)


def contents_of_zip(path: Path) -> Contents:
    """The members of a zip, less a folder that encloses all. Raises InputError for one made to do harm."""
    archive = _opened(path)
    members = _without_enclosing_folder(dict(_members(path, archive)))
    if not members:
        raise InputError(f"{path}: holds no files")
    return Contents(
        path, {name: partial(_open_member, path, archive, member) for name, member in members.items()}
    )


class _Checked(io.RawIOBase):
    """A stream that tells of faults as an InputError, and stops where more comes out than may."""

    def __init__(self, raw: IO[bytes], path: Path, limit: float) -> None:
        self._raw, self._path, self._limit = raw, path, limit

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._raw.seekable()

    def tell(self) -> int:
        return self._raw.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        with self._told():
            return self._raw.seek(offset, whence)

    def readinto(self, buffer: WriteableBuffer) -> int:
        room = memoryview(buffer).cast("B")
        with self._told():
            data = self._raw.read(len(room))
        if self._raw.tell() > self._limit:
            raise TooLargeError(self._path)
        room[: len(data)] = data
        return len(data)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except _ZIP_FAULTS as error:
            raise _damaged(self._path, error) from error
        except OSError as error:
            raise InputError(f"{self._path}: {error.strerror or error}") from error

    def close(self) -> None:
        self._raw.close()
        super().close()


def _open_file(path: Path) -> BinaryIO:
    try:
        raw = path.open("rb", buffering=0)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error
    return cast(BinaryIO, io.BufferedReader(_Checked(raw, path, math.inf), _CHUNK))


def _opened(path: Path) -> ZipFile:
    """The archive, whose file is closed when nothing needs it any more."""
    file = path.open("rb")
    try:
        # Counted before the table of contents is parsed: a million entries would fill the memory.
        _check_count(path, _count(file))
        archive = ZipFile(file)
    except _ZIP_FAULTS as error:
        file.close()
        raise _damaged(path, error) from error
    except BaseException:
        file.close()
        raise
    weakref.finalize(archive, file.close)
    return archive


def _count(file: BinaryIO) -> int:
    count, tail = 0, b""
    while chunk := file.read(_CHUNK):
        block = tail + chunk
        count += block.count(_ZIP_MEMBER)
        tail = block[1 - len(_ZIP_MEMBER) :]
    return count


def _members(path: Path, archive: ZipFile) -> Iterator[tuple[str, ZipInfo]]:
    seen = set()
    for member in archive.infolist():
        name = _safe_name(path, member)
        if member.is_dir() or _is_junk(name):
            continue
        if name in seen:
            raise InputError(f"{path}: holds {name!r} twice")
        seen.add(name)
        yield name, member


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


def _open_member(path: Path, archive: ZipFile, member: ZipInfo) -> BinaryIO:
    if member.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise InputError(f"{path}: {member.filename!r} is packed in a way vagal does not read; zip it again")
    try:
        raw = archive.open(member)
        packed = min(member.compress_size, path.stat().st_size)
    except _ZIP_FAULTS as error:
        raise _damaged(path, error) from error
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error
    return cast(
        BinaryIO, io.BufferedReader(_Checked(raw, path, max(MAX_BYTES, _MOST_TIMES * packed)), _CHUNK)
    )


def _without_enclosing_folder(members: dict[str, ZipInfo]) -> dict[str, ZipInfo]:
    while len(tops := {name.partition("/")[0] for name in members}) == 1 and all(
        "/" in name for name in members
    ):
        top = tops.pop()
        members = {name.removeprefix(f"{top}/"): member for name, member in members.items()}
    return members


def _is_junk(name: str) -> bool:
    """What macOS leaves beside every file."""
    path = PurePosixPath(name)
    return path.name.startswith("._") or path.name == ".DS_Store" or "__MACOSX" in path.parts


def _check_count(path: Path, count: int) -> None:
    if count > MAX_MEMBERS:
        raise InputError(f"{path}: holds more than {MAX_MEMBERS:,} files")


def _damaged(path: Path, error: Exception) -> InputError:
    reason = str(error).partition(" and header ")[0]  # which goes on with the bytes that it found
    return InputError(f"{path}: the zip is damaged or encrypted ({reason})")
