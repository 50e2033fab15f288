"""The damage that every reader of a binary format has to bear."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from devices.exports.reader import Reader, Source
from pipeline.errors import InputError
from pipeline.model import Recording
from tests.devices.exports.survival import assert_clear, assert_sound

Files = Mapping[str, bytes]


def damaged(content: bytes) -> Iterator[tuple[str, bytes]]:
    """The content cut off at every tenth, and with one byte turned over at each of twenty places."""
    for tenth in range(10):
        yield f"cut at {tenth}0 %", content[: len(content) * tenth // 10]
    for place in range(20):
        at = len(content) * place // 20
        yield f"byte {at}", content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :]


def read_or_refused(reader: Reader, path: Path, files: Files) -> Recording | None:
    """The recording, checked to be one that can be; None if it is refused. Nothing else may happen."""
    source = Source(path, dict(files))
    if not reader.recognises(source):
        return None
    try:
        recording = reader.read(source, None)
    except InputError as error:
        assert_clear(str(error), path)
        return None
    assert_sound(recording)
    return recording


def bear_damage(reader: Callable[[], Reader], path: Path, files: Files, name: str) -> int:
    """How many of the damaged contents of a file are refused."""
    found = [read_or_refused(reader(), path, {**files, name: content}) for _, content in damaged(files[name])]
    return sum(recording is None for recording in found)
