"""The container of EDF, EDF+ and BDF: header, signals, records, annotations.

Kemp 1992 (Electroenceph Clin Neurophysiol 82:391), EDF+ Kemp & Olivan 2003 (Clin Neurophysiol 114:1755). A
header of 256 bytes, 256 more for each signal, then records that hold a stretch of every signal one after
another: 16-bit integers, in BDF 24-bit ones. EDF+ puts annotations into a signal of its own, and the time of
each record too, which may leave time out ("EDF+D").

A signal is read by itself, in blocks, so that a night of forty channels costs what the needed ones do.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import accumulate
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from devices.exports.channels import Channel
from devices.exports.samples import ChannelSamples
from pipeline.errors import InputError
from pipeline.model import Floats, Gap, Marker

FIXED_BYTES = 256
_WIDTHS = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)  # of a signal's fields in the header
_MOST_SIGNALS = 4096
_BLOCK = 1 << 23
_LEAST_STEPS = 32  # a signal in fewer steps than that is none, or its range is wrong
_OUTSIDE = 0.001  # share of samples that may lie outside the range their header names
_DATE = re.compile(r"(\d\d)[.:/ -](\d\d)[.:/ -](\d\d)")
_PLUS_DATE = re.compile(r"Startdate (\d\d-[A-Za-z]{3}-\d{4}|X)\b")
_UNKNOWN_YEAR = 1985  # 1 January of it stands for a date that was taken out
_LONGEST_TEXT = 200


@dataclass(frozen=True, slots=True)
class EdfSignal:
    """A signal as the header has it; numbers are parsed once they are needed. `first` is its first byte."""

    label: str
    unit: str
    ranges: tuple[str, str, str, str]  # physical from and to, digital from and to
    samples: int  # in a record
    first: int

    @property
    def is_annotations(self) -> bool:
        return self.label in ("EDF Annotations", "BDF Annotations")


@dataclass(frozen=True)
class EdfFile:
    """An open EDF or BDF file. Raises InputError for what can't be read."""

    where: str
    file: BinaryIO
    header: bytes
    signals: tuple[EdfSignal, ...]
    record_s: float
    records: int
    promised: int  # records, by the header; -1 where it does not say
    width: int  # bytes of a sample

    @classmethod
    def opened(cls, where: str, file: BinaryIO) -> EdfFile:
        header = file.read(FIXED_BYTES)
        width = 3 if header[:1] == b"\xff" else 2
        count = _whole(where, header[252:256], "number of signals")
        if not 1 <= count <= _MOST_SIGNALS:
            raise InputError(f"{where}: {count} signals can't be; the file is damaged")
        signals = tuple(_signals(where, file.read(FIXED_BYTES * count), count, width))
        record_s = _number(where, _text(header[244:252]), "duration of a record")
        size = file.seek(0, os.SEEK_END) - FIXED_BYTES * (1 + count)
        record = sum(signal.samples for signal in signals) * width
        if not record or not 0 <= record_s <= 86_400:
            raise InputError(f"{where}: its records are of {record_s:g} s and {record} bytes; it is damaged")
        promised = _whole(where, header[236:244], "number of records")
        records = size // record if promised < 0 else min(size // record, promised)
        if records < 1:
            raise InputError(f"{where}: ends before its first record")
        return cls(where, file, header, signals, record_s, records, promised, width)

    @property
    def comment(self) -> str:
        """What the header says of the recording and its equipment."""
        return _text(self.header[88:168])

    @property
    def channels(self) -> list[Channel]:
        return [Channel(each.label, each.unit, self._rate_hz(each)) for each in self.signals]

    @property
    def duration_s(self) -> float:
        return float(self.record_starts_s[-1]) + self.record_s

    def _rate_hz(self, signal: EdfSignal) -> float:
        return signal.samples / self.record_s if self.record_s else 0.0

    @cached_property
    def started_at(self) -> datetime | None:
        """The start by the clock of the recorder, which names no zone; None if the date was taken out."""
        date, clock = _text(self.header[168:176]), _text(self.header[176:184])
        if not (day := _DATE.fullmatch(date)) or not (time := _DATE.fullmatch(clock)):
            return None
        year = int(day[3]) + (1900 if int(day[3]) >= 85 else 2000)
        try:
            when = datetime(year, int(day[2]), int(day[1]), int(time[1]), int(time[2]), int(time[3]))
            if plus := _PLUS_DATE.match(self.comment):
                if plus[1] == "X":
                    return None
                stated = datetime.strptime(plus[1].title(), "%d-%b-%Y")
                when = when.replace(year=stated.year, month=stated.month, day=stated.day)
            if (when.year, when.month, when.day) == (_UNKNOWN_YEAR, 1, 1):
                return None
            return (when + timedelta(seconds=self._offset_s)).astimezone()
        except (ValueError, OverflowError, OSError):
            return None

    @property
    def _offset_s(self) -> float:
        """How long after the header's start the first record begins, by its own word."""
        return next((record[0][0] for record in self.annotations[:1] if record), 0.0)

    @cached_property
    def annotations(self) -> list[list[tuple[float, float | None, str]]]:
        """The annotations of each record of each annotations signal: onset, duration, text."""
        signals = [each for each in self.signals if each.is_annotations]
        return [list(_annotations(record)) for each in signals for record in self._bytes(each)]

    @cached_property
    def record_starts_s(self) -> Floats:
        """When each record begins, from the first; told by the records themselves where time is left out."""
        if _text(self.header[192:197])[3:] != "+D":
            return np.arange(self.records, dtype=np.float64) * self.record_s
        onsets = [record[0][0] if record else np.nan for record in self.annotations[: self.records]]
        starts_s = np.array(onsets, dtype=np.float64)
        if len(starts_s) < self.records or not np.all(np.diff(starts_s) >= self.record_s * 0.999):
            raise InputError(f"{self.where}: the times of its records are damaged")
        return np.asarray(starts_s - starts_s[0])

    @cached_property
    def gaps(self) -> tuple[Gap, ...]:
        ends_s, next_s = self.record_starts_s[:-1] + self.record_s, self.record_starts_s[1:]
        return tuple(
            Gap(float(end_s), float(start_s), "not recorded")
            for end_s, start_s in zip(ends_s, next_s, strict=True)
            if start_s - end_s > 1e-3
        )

    def markers(self) -> Iterator[Marker]:
        """A marker for each annotation that has a text, in order of time."""
        found = [
            Marker(
                onset_s - self._offset_s,
                "annotation",
                text,
                onset_s - self._offset_s + length_s if length_s else None,
            )
            for record in self.annotations
            for onset_s, length_s, text in record
            if text
        ]
        yield from sorted(found, key=lambda marker: (marker.time_s, marker.text))

    def samples(self, index: int) -> ChannelSamples | str:
        """What a signal holds, in the unit of its header; or why its header can't be true."""
        signal = self.signals[index]
        try:
            low, high, first, last = (float(text.replace(",", ".")) for text in signal.ranges)
        except ValueError:
            return "its range in the header is no number"
        gain = (high - low) / (last - first) if last - first >= _LEAST_STEPS else 0.0
        if not gain or not np.isfinite([low, high, gain]).all():
            steps = max(0, last - first)
            return f"its header gives it {steps:.0f} steps from {low:g} to {high:g}, which is wrong"
        values = self.digital(index)
        outside = np.count_nonzero(values < first) + np.count_nonzero(values > last)
        if outside > _OUTSIDE * len(values):
            return "it leaves the range that its header names, so its unit can't be trusted"
        values -= first
        values *= gain
        values += low
        return ChannelSamples(self.time_s(index), values, self.gaps, (low, high))

    def time_s(self, index: int) -> Floats:
        """When each sample of a signal was taken, from the first record."""
        count = self.signals[index].samples
        if not self.gaps:
            time_s = np.arange(count * self.records, dtype=np.float64)
            time_s *= self.record_s / count
            return time_s
        return (self.record_starts_s[:, None] + np.arange(count) * (self.record_s / count)).ravel()

    def digital(self, index: int) -> Floats:
        """The integers of a signal, as floats."""
        signal = self.signals[index]
        values = np.empty(signal.samples * self.records)
        at = 0
        for block in self._blocks(signal):
            numbers = _integers(block, self.width)
            values[at : at + len(numbers)] = numbers
            at += len(numbers)
        return values

    def _bytes(self, signal: EdfSignal) -> Iterator[bytes]:
        """The bytes of a signal, record by record."""
        for block in self._blocks(signal):
            yield from (row.tobytes() for row in block)

    def _blocks(self, signal: EdfSignal) -> Iterator[NDArray[np.uint8]]:
        """The bytes of a signal, some records at a time, a row each."""
        record = sum(each.samples for each in self.signals) * self.width
        wanted = slice(signal.first, signal.first + signal.samples * self.width)
        at_once, left = max(1, _BLOCK // record), self.records
        self.file.seek(FIXED_BYTES * (1 + len(self.signals)))
        while left:
            count = min(at_once, left)
            block = np.frombuffer(self.file.read(count * record), np.uint8)
            if len(block) != count * record:
                raise InputError(f"{self.where}: ends early")
            yield np.ascontiguousarray(block.reshape(count, record)[:, wanted])
            left -= count

    def notices(self) -> Iterator[str]:
        """What a person should know of the container."""
        if self.records < self.promised:
            yield f"the file ends after {self.records} of {self.promised} records; what is there is read"


def _signals(where: str, header: bytes, count: int, width: int) -> Iterator[EdfSignal]:
    if len(header) < FIXED_BYTES * count:
        raise InputError(f"{where}: ends within its header")
    columns, at = [], 0
    for size in _WIDTHS:
        columns.append([header[at + size * row : at + size * (row + 1)] for row in range(count)])
        at += size * count
    samples = [_whole(where, cell, "number of samples") for cell in columns[8]]
    if min(samples) < 0:
        raise InputError(f"{where}: a signal with {min(samples)} samples can't be; the file is damaged")
    firsts = accumulate((each * width for each in samples), initial=0)
    for row, (each, first) in enumerate(zip(samples, firsts, strict=False)):
        low, high, least, most = (_text(columns[column][row]) for column in (3, 4, 5, 6))
        yield EdfSignal(_text(columns[0][row]), _text(columns[2][row]), (low, high, least, most), each, first)


def _annotations(record: bytes) -> Iterator[tuple[float, float | None, str]]:
    r"""Time-stamped annotation lists of a record: `+onset[\x15duration]\x14text\x14...\x14\x00`."""
    for each in record.split(b"\0"):
        timing, *texts = each.split(b"\x14")
        onset, _, length = timing.partition(b"\x15")
        try:
            onset_s, length_s = float(onset), float(length) if length else None
        except ValueError:
            continue
        if texts and np.isfinite(onset_s) and np.isfinite(length_s or 0.0):
            for text in texts[:-1]:
                yield onset_s, length_s, text.decode(errors="replace").strip()[:_LONGEST_TEXT]


def _integers(block: NDArray[np.uint8], width: int) -> NDArray[np.int16] | NDArray[np.int32]:
    """Little-endian integers of two or three bytes."""
    if width == 2:
        return block.view("<i2").ravel()
    parts = block.reshape(-1, 3)
    wide = np.zeros((len(parts), 4), np.uint8)
    wide[:, 1:] = parts
    return wide.view("<i4").ravel() >> 8


def _text(field: bytes) -> str:
    return field.decode("latin-1").strip(" \0")


def _whole(where: str, field: bytes, what: str) -> int:
    try:
        return int(field)
    except ValueError:
        raise InputError(f"{where}: {_text(field)[:20]!r} is no {what}; the file is damaged") from None


def _number(where: str, text: str, what: str) -> float:
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise InputError(f"{where}: {text[:20]!r} is no {what}; the file is damaged")
    return value
