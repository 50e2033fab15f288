"""The session journal: every notification and every event, on disk before anything else is done with it.

File: an 8-byte name, then records, each framed as

    A5 5A | length u32 | crc32 u32 | kind u8 | generation u32 | sequence u64
          | arrival_s f64 | wall_s f64 | device_time_s f64 (NaN: none) | stream length u8 | stream | payload

little-endian; length counts from `kind` on, and the checksum covers the length and all that it counts.
A record goes out in one unbuffered write, so a killed process loses at most the one being written; a
thread asks for fdatasync each second, which bounds what a power cut can take. A reader skips damaged
bytes to the next record whose checksum holds, so no damaged record is ever accepted.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from math import isnan
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from pipeline.clock import Clock
from pipeline.errors import InputError

_FILE = b"VAGALJ1\n"
_SYNC = b"\xa5\x5a"
_FRAME = struct.Struct("<2sII")
_HEAD = struct.Struct("<BIQdddB")
_NONE = float("nan")
_MAX_LENGTH = 1 << 26  # bounds what a damaged length can make a reader look at
_LONGEST_LIVE = 1 << 20  # while a session runs; a longer one that is cut short is damage
_TORN_BYTES = 1 << 16  # a cut takes a second or two of records; more than this is a failing disk

fsync_data = getattr(os, "fdatasync", os.fsync)  # fdatasync is not everywhere


class Kind(IntEnum):
    """What a record tells."""

    HEADER = 1  # client, protocol, clock epoch, software
    DEVICE = 2  # a sensor's description, at each connection
    DATA = 3  # one notification, as it came
    LINK = 4  # connected, paired, quiet, lost, silent, failed, stopped
    PHASE = 5
    MARKER = 6
    RATING = 7
    NOTE = 8
    PAUSE = 9
    SHOWN = 10  # what the live page showed
    CONDITIONS = 11
    END = 12
    FILE = 13  # an imported file: the stream is its name, the payload its content
    CHECK_IN = 14  # what the person said of themselves, before or after
    ANALYSED = 15  # what the running analysis told the live page


@dataclass(frozen=True, slots=True)
class Record:
    """One journal record. `arrival_s` is session time; `wall_s` seconds since 1970."""

    kind: Kind
    stream: str
    sequence: int
    generation: int
    arrival_s: float
    wall_s: float
    device_time_s: float | None
    payload: bytes

    def __bytes__(self) -> bytes:
        name = self.stream.encode()
        body = (
            _HEAD.pack(
                self.kind,
                self.generation,
                self.sequence,
                self.arrival_s,
                self.wall_s,
                _NONE if self.device_time_s is None else self.device_time_s,
                len(name),
            )
            + name
            + self.payload
        )
        return _SYNC + struct.pack("<II", len(body), _checksum(body)) + body

    @property
    def facts(self) -> dict[str, Any]:
        """The payload of an event record, which is a JSON object."""
        facts: dict[str, Any] = json.loads(self.payload)
        return facts


def _checksum(body: bytes | memoryview) -> int:
    return zlib.crc32(body, zlib.crc32(struct.pack("<I", len(body))))


class Journal:
    """The journal of a running session; one writer only."""

    def __init__(self, path: Path, clock: Clock, header: Mapping[str, Any]) -> None:
        """Create the file, write the header and put both file and folder on disk."""
        self.path, self._clock = path, clock
        self._file = path.open("xb", buffering=0)
        self._sequence = 0
        self._start_s = clock.now()
        self._file.write(_FILE)
        self.event(Kind.HEADER, {**header, "started_wall_s": clock.wall(), "clock_epoch_s": self._start_s})
        os.fsync(self._file.fileno())
        sync_folder(path.parent)

    def now_s(self) -> float:
        """Seconds since the session began."""
        return self._clock.now() - self._start_s

    def append(
        self, kind: Kind, stream: str, payload: bytes, generation: int = 0, device_time_s: float | None = None
    ) -> Record:
        """Stamp a record and write it out at once."""
        record = Record(
            kind=kind,
            stream=stream,
            sequence=self._sequence,
            generation=generation,
            arrival_s=self.now_s(),
            wall_s=self._clock.wall(),
            device_time_s=device_time_s,
            payload=payload,
        )
        data = bytes(record)
        self._sequence += 1
        self._write(data)
        return record

    def event(self, kind: Kind, facts: Mapping[str, Any], stream: str = "") -> Record:
        """Write an event: a JSON object."""
        return self.append(kind, stream, json.dumps(facts, ensure_ascii=False).encode())

    def _write(self, data: bytes) -> None:
        written = self._file.write(data)
        while written < len(data):  # a nearly full disk takes a part; the rest raises or goes through
            data = data[written:]
            written = self._file.write(data)

    async def keep_synced(self, every_s: float = 1.0) -> None:
        """Ask for fdatasync each second, on a thread, until cancelled. Real seconds: it guards real power."""
        while True:
            await asyncio.sleep(every_s * self._clock.speed)
            await asyncio.to_thread(fsync_data, self._file.fileno())

    def close(self) -> None:
        """Put the rest on disk and close."""
        if not self._file.closed:
            with self._file:
                os.fsync(self._file.fileno())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError) if kind else contextlib.nullcontext():  # the first error tells more
            self.close()


def sync_folder(folder: Path) -> None:
    """Put a folder's entries on disk, where the system can do that."""
    if os.name == "nt":  # NTFS journals its folders; they cannot be opened for syncing
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a journal holds, and how many of its bytes were no valid record.

    `torn_bytes` of the damaged ones lie behind the last valid record, where a cut leaves them. `missing` is
    about how many records are not there, a torn one not counted.
    """

    records: tuple[Record, ...]
    damaged_bytes: int
    torn_bytes: int = 0
    missing: int = 0

    @property
    def whole(self) -> bool:
        """Whether nothing is damaged but the tail that a cut tore off."""
        return not self.missing and self.damaged_bytes == self.torn_bytes <= _TORN_BYTES


class _Frame(NamedTuple):
    """Bytes whose checksum holds; `record` is None if it is of a kind that only a later version knows."""

    sequence: int
    start: int
    end: int
    record: Record | None


def read_journal(path: Path) -> Reading:
    """Read every valid record. Raises InputError only if the file is not there."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    return parse_journal(content)


def parse_journal(content: bytes) -> Reading:
    """Every valid record in the bytes of a journal; never raises, whatever the bytes."""
    named = len(_FILE) if content.startswith(_FILE) else 0
    frames = list(_frames(content))
    known = [frame for frame in frames if frame.record is not None]
    valid = named + sum(frame.end - frame.start for frame in known)
    torn = len(content) - (frames[-1].end if frames else named)
    return Reading(
        records=tuple(frame.record for frame in known if frame.record is not None),
        damaged_bytes=len(content) - valid,
        torn_bytes=torn,
        missing=_missing(frames, torn),
    )


class JournalTail:
    """Follows the journal of a running session: each read gives the records that came since the one before.

    What is damaged is passed over, as by `parse_journal`; what is still being written is left for later.
    """

    def __init__(self, path: Path) -> None:
        """Raises InputError if the file is not there."""
        try:
            self._file = path.open("rb", buffering=0)
        except OSError as error:
            raise InputError(f"{path}: {error.strerror}") from error
        self._rest = b""

    def read(self) -> list[Record]:
        """The records that are now there and were not given before."""
        self._rest += self._file.read()
        records, at = [], 0
        for frame in _frames(self._rest, growing=True):
            at = frame.end
            if frame.record is not None:
                records.append(frame.record)
        self._rest = self._rest[at:]
        return records

    def close(self) -> None:
        self._file.close()


def _missing(frames: Sequence[_Frame], torn_bytes: int) -> int:
    """Records that are not there: by their sequence, which counts from 0; in a long tail by their size."""
    if not frames:
        return 0
    counted = max(frame.sequence for frame in frames) + 1
    missing = counted - len({frame.sequence for frame in frames if frame.record is not None})
    if torn_bytes <= _TORN_BYTES:
        return missing
    mean_size = sum(frame.end - frame.start for frame in frames) / len(frames)
    return missing + round(torn_bytes / mean_size)


def _frames(content: bytes, *, growing: bool = False) -> Iterator[_Frame]:
    """The frames in these bytes; of `growing` ones those before the first that may still be cut short."""
    view, at = memoryview(content), 0
    while (at := content.find(_SYNC, at)) >= 0:
        frame = _frame_at(view, at)
        if frame is not None:
            yield frame
        elif growing and _cut_short(view, at):
            return
        at = frame.end if frame is not None else at + 1


def _cut_short(view: memoryview, at: int) -> bool:
    """Whether what begins here may be a frame of which the end is still to come."""
    if len(view) - at < _FRAME.size:
        return True
    length: int = _FRAME.unpack_from(view, at)[1]
    return _HEAD.size <= length <= _LONGEST_LIVE and at + _FRAME.size + length > len(view)


def _frame_at(view: memoryview, at: int) -> _Frame | None:
    """The frame at this offset, if it is one and undamaged."""
    if len(view) - at < _FRAME.size:
        return None
    _, length, checksum = _FRAME.unpack_from(view, at)
    end = at + _FRAME.size + length
    body = view[at + _FRAME.size : end]
    if not _HEAD.size <= length <= _MAX_LENGTH or len(body) < length or _checksum(body) != checksum:
        return None
    _, _, sequence, *_ = _HEAD.unpack_from(body)
    return _Frame(sequence, at, end, _record_from(body))


def _record_from(body: memoryview) -> Record | None:
    kind, generation, sequence, arrival_s, wall_s, device_time_s, name_length = _HEAD.unpack_from(body)
    try:
        return Record(
            kind=Kind(kind),
            stream=str(body[_HEAD.size : _HEAD.size + name_length], "utf-8"),
            sequence=sequence,
            generation=generation,
            arrival_s=arrival_s,
            wall_s=wall_s,
            device_time_s=None if isnan(device_time_s) else device_time_s,
            payload=bytes(body[_HEAD.size + name_length :]),
        )
    except ValueError:  # a kind, or a way to write a name, from a later version
        return None
