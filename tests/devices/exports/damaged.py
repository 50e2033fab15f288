"""The damage that every reader of a binary format has to bear."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np

from devices.exports.reader import Reader, Source
from pipeline.errors import InputError
from pipeline.model import Recording

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
    except InputError:
        return None
    assert 0 <= recording.duration_s < 1e9
    for stream in recording.streams.values():
        assert len(stream)
        for values in stream.columns.values():
            present = values[np.isfinite(values)]
            assert np.all(np.abs(present) <= 1e10)
            assert not np.isinf(values).any()
    return recording


def bear_damage(reader: Callable[[], Reader], path: Path, files: Files, name: str) -> int:
    """How many of the damaged contents of a file are refused."""
    found = [read_or_refused(reader(), path, {**files, name: content}) for _, content in damaged(files[name])]
    return sum(recording is None for recording in found)
