"""Damaged text exports: a reader refuses them with a line, or reads what is plausible; nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from devices.exports.reader import Reader, Source
from pipeline.errors import InputError
from pipeline.model import Recording

LARGEST = 1e10  # no sensor gives more, in any unit


def variants(content: bytes) -> Iterator[bytes]:
    """The content cut off at every tenth, and with one bit turned over at twenty places."""
    for tenth in range(1, 10):
        yield content[: len(content) * tenth // 10]
    for place in range(20):
        at = len(content) * place // 20
        yield content[:at] + bytes([content[at] ^ (1 << place % 8)]) + content[at + 1 :]


def assert_survives(reader: Reader, files: Mapping[str, bytes], name: str | None = None) -> None:
    """Each variant of a file (of the first, if none is named) is refused by name, or read as a recording."""
    name = name or next(iter(files))
    path = Path("S99") if len(files) > 1 else Path(name)
    for content in variants(files[name]):
        source = Source(path, {**files, name: content})
        if not reader.recognises(source):
            continue
        try:
            recording = reader.read(source, None)
        except InputError as error:
            assert_clear(str(error), path)
        else:
            assert_sound(recording)


def assert_clear(message: str, path: Path) -> None:
    """One line that names the file."""
    assert message.startswith(str(path))
    assert message.isprintable()


def assert_sound(recording: Recording) -> None:
    """Finite times within the recording, missing values or such as can be, gaps within it."""
    assert 0 <= recording.duration_s < 40 * 86_400
    assert any(len(stream) for stream in recording.streams.values())
    for name, stream in recording.streams.items():
        assert stream.name == name
        assert np.isfinite(stream.time_s).all()
        assert stream.time_s[0] >= 0
        assert stream.time_s[-1] <= recording.duration_s + 1e-6
        for values in stream.columns.values():
            assert not np.isinf(values).any()
            assert np.all(np.abs(values[np.isfinite(values)]) <= LARGEST)
        for gap in stream.gaps:
            assert 0 <= gap.start_s < gap.end_s <= recording.duration_s + 1e-6
    assert all(notice.isprintable() for notice in recording.notices)
