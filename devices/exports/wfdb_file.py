"""What a WFDB header names: signals in files beside it, or segments with headers of their own.

The library reads files, and would follow any path or address that a header names. It gets a private folder
with copies of the files that the source holds, and no others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from devices.exports.channels import Channel
from devices.exports.libraries import library
from devices.exports.reader import Source
from devices.exports.samples import ChannelSamples
from devices.streams import MISSING
from pipeline.errors import InputError
from pipeline.model import Gap

_GAIN = re.compile(r"-?\d*\.?\d+(e[+-]?\d+)?", re.IGNORECASE)
_SEGMENT = re.compile(r"[-\w]+")
_NO_SEGMENT = "~"
_LOCAL = "vagal-own-copy"  # the record's name in the private folder
_BLOCK = 1 << 20  # frames
_WHOLE = frozenset({"8", "508", "516", "524"})  # formats that can't be read from the middle
_MOST_PER_BYTE = {"508": 1000, "516": 1000, "524": 1000}  # samples; FLAC packs silence well
_FASTEST_HZ = 50_000.0
_MOST_BITS = 32  # of a converter
_MOST_SAMPLES = 50_000_000  # of a channel of several segments, which may be mostly absent
_MOST_SEGMENTS = 1000


@dataclass(frozen=True)
class Signals:
    """A header of one segment, and its files in a private folder."""

    where: str
    path: str
    header: Any  # wfdb.Record
    calibrated: tuple[bool, ...]
    counted: bool  # whether the header says how long the record is

    @property
    def frames(self) -> int:
        return int(self.header.sig_len)

    @property
    def rate_hz(self) -> float:
        return float(self.header.fs)

    @property
    def channels(self) -> list[Channel]:
        header = self.header
        return [
            Channel(
                header.sig_name[index] or "",
                header.units[index] if self.calibrated[index] else "",
                float(header.fs * header.samps_per_frame[index]),
            )
            for index in range(header.n_sig)
        ]

    def samples(self, index: int) -> ChannelSamples:
        """A signal in its physical unit, read in blocks."""
        import wfdb

        each = self.header.samps_per_frame[index]
        whole = self.header.fmt[index] in _WHOLE or any(self.header.skew) or not self.counted
        step = self.frames if whole else _BLOCK
        values = np.empty(self.frames * each)
        for first in range(0, self.frames, step):
            last = min(first + step, self.frames)
            try:
                part = wfdb.rdrecord(
                    self.path,
                    sampfrom=first,
                    sampto=last if self.counted else None,
                    channels=[index],
                    smooth_frames=False,
                )
                values[first * each : last * each] = part.e_p_signal[0]
            except Exception as error:  # a decoder may fail in any way on damaged bytes
                raise InputError(
                    f"{self.where}: {self.header.file_name[index]} is damaged or shorter than the header says"
                ) from error
        return ChannelSamples(
            np.arange(len(values)) / (self.header.fs * each), values, ends=self._ends(index)
        )

    def _ends(self, index: int) -> tuple[float, float] | None:
        """The range of the converter, where the header tells how many bits it has."""
        header = self.header
        if not 1 <= (header.adc_res[index] or 0) <= _MOST_BITS:
            return None
        half, zero = 2 ** (header.adc_res[index] - 1), header.adc_zero[index] or 0
        gain, baseline = header.adc_gain[index], header.baseline[index]
        return (zero - half - baseline) / gain, (zero + half - 1 - baseline) / gain


@dataclass(frozen=True)
class Segments:
    """A header that names segments: each so many frames, with its signals, or None where nothing is."""

    where: str
    path: str
    header: Any  # wfdb.MultiRecord
    parts: tuple[tuple[int, Signals | None], ...]

    @property
    def frames(self) -> int:
        return sum(frames for frames, _ in self.parts)

    @property
    def rate_hz(self) -> float:
        return float(self.header.fs)

    @cached_property
    def channels(self) -> list[Channel]:
        """Those of all segments; one that has the same name, unit and rate in several is one."""
        return list(dict.fromkeys(each for _, part in self.parts if part for each in part.channels))

    def samples(self, index: int) -> ChannelSamples:
        """A signal in its physical unit; NaN, and a gap, where a segment does not have it."""
        channel = self.channels[index]
        each = round(channel.rate_hz / self.rate_hz)
        if self.frames * each > _MOST_SAMPLES:
            raise InputError(f"{self.where}: is too long to be joined; import the header of each segment")
        values = np.full(self.frames * each, np.nan)
        gaps: list[Gap] = []
        first = 0
        for frames, part in self.parts:
            last = first + frames
            if part is not None and channel in part.channels:
                values[first * each : last * each] = part.samples(part.channels.index(channel)).values
            elif gaps and gaps[-1].end_s == first / self.rate_hz:
                gaps[-1] = Gap(gaps[-1].start_s, last / self.rate_hz, MISSING)
            else:
                gaps.append(Gap(first / self.rate_hz, last / self.rate_hz, MISSING))
            first = last
        return ChannelSamples(np.arange(len(values)) / channel.rate_hz, values, tuple(gaps))


def opened_record(source: Source, name: str, folder: Path) -> Signals | Segments:
    """The record of a header, copied into the folder. Raises InputError."""
    where, path, header = _header(source, name, folder)
    if not hasattr(header, "seg_name"):
        return _signals(source, name, folder, header)
    names, frames = header.seg_name or [], header.seg_len or []
    plain = all(each == _NO_SEGMENT or _SEGMENT.fullmatch(each) for each in names)
    if not (0 < len(names) <= _MOST_SEGMENTS and plain and 0 < header.fs <= _FASTEST_HZ):
        raise InputError(f"{where}: names no segments, or not as a header does")
    if min(frames) < 0 or sum(frames) == 0:
        raise InputError(f"{where}: its segments hold nothing")
    parts = tuple(
        (length, _segment(source, name, each, folder / str(number), length, float(header.fs)))
        for number, (each, length) in enumerate(zip(names, frames, strict=True))
        if length  # the first of some records only says which signals there are
    )
    return Segments(where, path, header, parts)


def _segment(
    source: Source, header_name: str, name: str, folder: Path, frames: int, rate_hz: float
) -> Signals | None:
    if name == _NO_SEGMENT:
        return None
    within = str(PurePosixPath(header_name).with_name(f"{name}.hea"))
    if within not in source.files:
        raise InputError(f"{source.where(header_name)}: {name}.hea is missing; keep it in the same folder")
    folder.mkdir()
    where, _, header = _header(source, within, folder)
    if hasattr(header, "seg_name"):
        raise InputError(f"{where}: is a segment of segments; import its own header")
    part = _signals(source, within, folder, header)
    if (part.frames, part.rate_hz) != (frames, rate_hz):
        raise InputError(f"{where}: is not as long or as fast as {PurePosixPath(header_name).name} says")
    return part


def _header(source: Source, name: str, folder: Path) -> tuple[str, str, Any]:
    """How a message names a header, its path in the folder, and what the library parsed."""
    where = source.where(name)
    wfdb = library("wfdb", where)
    (folder / f"{_LOCAL}.hea").write_bytes(source.files[name])
    path = str(folder / _LOCAL)
    try:
        header = wfdb.rdheader(path)
    except Exception as error:  # a decoder may fail in any way on damaged bytes
        raise InputError(f"{where}: is no header of a WFDB record, or damaged") from error
    return where, path, header


def _signals(source: Source, name: str, folder: Path, header: Any) -> Signals:
    where = source.where(name)
    lines = _signal_lines(source.files[name])
    if not header.n_sig or len(lines) != header.n_sig or not 0 < header.fs <= _FASTEST_HZ:
        raise InputError(f"{where}: names no signals, or not their number or rate")
    for field, fallback in (("samps_per_frame", 1), ("skew", 0), ("byte_offset", 0)):
        setattr(header, field, [each or fallback for each in getattr(header, field)])
    sizes = {each: _copied(source, name, each, folder) for each in header.file_name}
    counted = header.sig_len is not None
    if not counted:
        header.sig_len = _length(header, sizes)
    for file, size in sizes.items():
        samples = sum(n for n, of in zip(header.samps_per_frame, header.file_name, strict=True) if of == file)
        most = size * _MOST_PER_BYTE.get(header.fmt[header.file_name.index(file)], 1)
        if not 0 < header.sig_len * samples <= most:
            raise InputError(f"{where}: {file} is shorter than the header says, or empty")
    return Signals(where, str(folder / _LOCAL), header, tuple(map(_is_calibrated, lines)), counted)


def _copied(source: Source, header_name: str, name: str, folder: Path) -> int:
    """The size of a file that a header names, once it is in the folder."""
    within = str(PurePosixPath(header_name).with_name(name)) if name else ""
    if "/" in name or within not in source.files or name.startswith(_LOCAL + "."):
        raise InputError(f"{source.where(header_name)}: {name} is missing; keep it in the same folder")
    content = source.files[within]
    (folder / name).write_bytes(content)
    return len(content)


def _length(header: Any, sizes: dict[str, int]) -> int:
    """How many frames there are, where a header leaves that to the size of its first file."""
    from wfdb.io._signal import BYTES_PER_SAMPLE

    first = header.file_name[0]
    samples = sum(n for n, of in zip(header.samps_per_frame, header.file_name, strict=True) if of == first)
    each = BYTES_PER_SAMPLE.get(header.fmt[0], 2)
    return int((sizes[first] - header.byte_offset[0]) / (samples * each))


def _signal_lines(content: bytes) -> list[str]:
    lines = [line.strip() for line in content.decode("ascii", "ignore").splitlines()]
    return [line for line in lines if line and not line.startswith("#")][1:]


def _is_calibrated(line: str) -> bool:
    """Whether a signal's line gives it a gain; without one, or with 0, its unit is the library's guess."""
    fields = line.split()
    gain = _GAIN.match(fields[2]) if len(fields) > 2 else None
    return gain is not None and float(gain[0]) != 0


def started_at(header: Any) -> datetime | None:
    """The start by the recorder's clock, which names no zone; None without a date."""
    if header.base_date is None or header.base_time is None:
        return None
    try:
        return datetime.combine(header.base_date, header.base_time).astimezone()
    except (ValueError, OverflowError, OSError):
        return None
