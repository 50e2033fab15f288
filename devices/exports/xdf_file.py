"""An XDF file's streams by way of pyxdf, which is given only chunks that are whole and of a possible size.

It believes each size that a file names, and looks for the next chunk wherever one ends.
"""

from __future__ import annotations

import io
import logging
import struct
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from devices.exports.libraries import failure, library
from pipeline.errors import InputError

MAGIC = b"XDF:"

_HEADER, _STREAM_HEADER, _SAMPLES, _OFFSET, _, _FOOTER = range(1, 7)
_OF_A_STREAM = (_STREAM_HEADER, _SAMPLES, _OFFSET, _FOOTER)
_SIZES = {"double64": 8, "int64": 8, "float32": 4, "int32": 4, "int16": 2, "int8": 1, "string": 1}
_MOST_CHANNELS = 10_000
_BREAK_SAMPLES = 4  # and 1 s: what is longer is a break
_LENGTHS = {1: "<B", 4: "<I", 8: "<Q"}


@dataclass(frozen=True, slots=True)
class XdfStreams:
    """The streams as pyxdf gives them, the file's header, and what a person should know."""

    streams: list[Mapping[str, Any]]
    header: Mapping[str, Any]
    notices: tuple[str, ...]


def xdf_streams(content: bytes, where: str) -> XdfStreams:
    """All streams, their clocks put on one. Raises InputError for a damaged file or a missing library.

    A file that breaks off, as after a crash, gives what is whole before that.
    """
    pyxdf = library("pyxdf", where)
    whole = _whole(content)
    logger = logging.getLogger("pyxdf")
    propagated = logger.propagate
    logger.propagate = False  # what it would log is said in notices, or is not of interest
    quiet = logging.NullHandler()
    logger.addHandler(quiet)
    try:
        with np.errstate(all="ignore"):
            # By itself it draws one line through a hole of 500 samples, two minutes of skin conductance.
            streams, header = pyxdf.load_xdf(
                io.BytesIO(content[:whole]), jitter_break_threshold_samples=_BREAK_SAMPLES
            )
    except Exception as error:  # the library raises whatever the damage leads to
        raise InputError(f"{where}: the file is damaged ({failure(error)})") from error
    finally:
        logger.removeHandler(quiet)
        logger.propagate = propagated
    notices: tuple[str, ...] = ()
    if whole < len(content):
        left_out = f"{len(content) - whole:,} of {len(content):,} bytes"
        notices = (f"the file breaks off or is damaged: the last {left_out} are left out",)
    return XdfStreams(streams, header if isinstance(header, dict) else {}, notices)


def _whole(content: bytes) -> int:
    """Where the chunks end that are whole, and hold what their stream's header lets them hold."""
    shapes: dict[int, tuple[int, int, bool]] = {}
    at = len(MAGIC)
    try:
        while at < len(content):
            length, body = _length(content, at)
            end = body + length
            if length < 2 or end > len(content) or not _fits(content[body:end], shapes):
                break
            at = end
    except (struct.error, ValueError, ET.ParseError):
        pass
    return at


def _length(content: bytes, at: int) -> tuple[int, int]:
    """A number of variable length, and where what follows it begins."""
    layout = _LENGTHS.get(content[at])
    if layout is None:
        raise ValueError("no length")
    return struct.unpack_from(layout, content, at + 1)[0], at + 1 + content[at]


def _fits(chunk: bytes, shapes: dict[int, tuple[int, int, bool]]) -> bool:
    """Whether a chunk is one that can be; the shape of a stream is noted from its header."""
    tag = struct.unpack_from("<H", chunk)[0]
    if tag == _HEADER:
        return _xml(chunk[2:]) is not None
    if tag not in _OF_A_STREAM:
        return True
    stream, held = struct.unpack_from("<I", chunk, 2)[0], chunk[6:]
    if tag == _STREAM_HEADER:
        info = _xml(held)
        if info is None or stream in shapes:
            return False
        count, kind = int(info.findtext("channel_count", "")), info.findtext("channel_format", "")
        float(info.findtext("nominal_srate", ""))
        if not 0 < count <= _MOST_CHANNELS or kind not in _SIZES or info.find("name") is None:
            return False
        shapes[stream] = count, _SIZES[kind], kind == "string"
        return True
    if stream not in shapes:
        return False
    if tag == _FOOTER:
        return _xml(held) is not None
    return len(held) == 16 if tag == _OFFSET else _samples_fit(held, *shapes[stream])


def _samples_fit(held: bytes, channels: int, size: int, texts: bool) -> bool:
    """Whether just so many samples fill the chunk: pyxdf would read on into the next one."""
    count, body = _length(held, 0)
    if texts:
        return _texts_end(held, body, count, channels) == len(held)
    width, left = 1 + channels * size, len(held) - body
    for stamp in (0, 8):  # the usual chunks: no sample has a time stamp, or each has
        if left == count * (width + stamp):
            told = np.frombuffer(held, np.uint8, offset=body).reshape(count, width + stamp)[:, 0]
            if np.all((told > 0) == (stamp > 0)):
                return True
    for _ in range(min(count, left)):
        body += width + (8 if held[body : body + 1] not in (b"\0", b"") else 0)
    return count <= left and body == len(held)


def _texts_end(held: bytes, body: int, count: int, channels: int) -> int:
    """Where so many samples of texts end; too far where there can't be so many."""
    if count * (1 + 2 * channels) > len(held):
        return len(held) + 1
    for _ in range(count):
        body += 9 if held[body : body + 1] not in (b"\0", b"") else 1
        for _ in range(channels):
            length, body = _length(held, body)
            body += length
    return body


def _xml(text: bytes) -> ET.Element | None:
    """The document; None for one that defines entities, which no recorder does."""
    return None if b"<!" in text else ET.fromstring(text.decode("utf-8", "replace"))  # noqa: S314
