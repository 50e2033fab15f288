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
import json
import os
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from math import isnan
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pipeline.clock import Clock
from pipeline.errors import InputError

_FILE = b"VAGALJ1\n"
_SYNC = b"\xa5\x5a"
_FRAME = struct.Struct("<2sII")
_HEAD = struct.Struct("<BIQdddB")
_NONE = float("nan")
_MAX_LENGTH = 1 << 26  # bounds what a damaged length can make a reader look at

fsync_data = getattr(os, "fdatasync", os.fsync)  # fdatasync is not everywhere


class Kind(IntEnum):
    """What a record tells."""

    HEADER = 1  # client, protocol, clock epoch, software
    DEVICE = 2  # a sensor's description, at each connection
    DATA = 3  # one notification, as it came
    LINK = 4  # connected, lost, contact lost, battery low, malformed frame
    PHASE = 5
    MARKER = 6
    RATING = 7
    NOTE = 8
    PAUSE = 9
    SHOWN = 10  # what the live page showed
    CONDITIONS = 11
    END = 12
    FILE = 13  # an imported file: the stream is its name, the payload its content


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
        self._sequence += 1
        self._write(bytes(record))
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
            os.fsync(self._file.fileno())
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
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
    """What a journal holds, and how many of its bytes were no valid record."""

    records: tuple[Record, ...]
    damaged_bytes: int


def read_journal(path: Path) -> Reading:
    """Read every valid record. Raises InputError only if the file is not there."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    return parse_journal(content)


def parse_journal(content: bytes) -> Reading:
    """Every valid record in the bytes of a journal; never raises, whatever the bytes."""
    records, valid_bytes = [], 0
    if content.startswith(_FILE):
        valid_bytes = len(_FILE)
    for record, size in _records(content):
        records.append(record)
        valid_bytes += size
    return Reading(tuple(records), len(content) - valid_bytes)


def _records(content: bytes) -> Iterator[tuple[Record, int]]:
    view, at = memoryview(content), 0
    while (at := content.find(_SYNC, at)) >= 0:
        record, size = _record_at(view, at)
        if record is not None:
            yield record, size
        at += size


def _record_at(view: memoryview, at: int) -> tuple[Record | None, int]:
    """The record at this offset and its size; or None and how far to go on."""
    if len(view) - at < _FRAME.size:
        return None, 1
    _, length, checksum = _FRAME.unpack_from(view, at)
    body = view[at + _FRAME.size : at + _FRAME.size + length]
    if not _HEAD.size <= length <= _MAX_LENGTH or len(body) < length or _checksum(body) != checksum:
        return None, 1
    kind, generation, sequence, arrival_s, wall_s, device_time_s, name_length = _HEAD.unpack_from(body)
    try:
        record = Record(
            kind=Kind(kind),
            stream=str(body[_HEAD.size : _HEAD.size + name_length], "utf-8"),
            sequence=sequence,
            generation=generation,
            arrival_s=arrival_s,
            wall_s=wall_s,
            device_time_s=None if isnan(device_time_s) else device_time_s,
            payload=bytes(body[_HEAD.size + name_length :]),
        )
    except (ValueError, UnicodeDecodeError):  # a kind from a later version
        return None, _FRAME.size + length
    return record, _FRAME.size + length
