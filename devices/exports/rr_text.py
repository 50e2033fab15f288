"""RR intervals as plain text: one a line, as Elite HRV, Kubios, Polar and many others write them.

Lines that start with '#' are comments. A header may name the column of intervals and its unit; without
one, a line is one number. Bad intervals are kept: masking them is the analysis' work, not the reader's.
"""

from __future__ import annotations

import codecs
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from devices.exports.reader import Source
from devices.exports.rows import number_of
from pipeline.errors import InputError, UsageError
from pipeline.model import Floats, Recording, Stream

_MS = {"ms": 1.0, "s": 1000.0, "1/1024 s": 1000 / 1024}  # one of each, in ms
_HEADER_UNIT = re.compile(
    r"(?<![a-z0-9])(?:(1/1024)(?: ?s)?|(ms|msec|milliseconds?)|(s|sec|seconds?))(?![a-z0-9])", re.IGNORECASE
)
_HEADER_NAME = re.compile(r"(rr|ibi|nn)(i|int|interval|intervals|intervalle)?")
_MISSING = frozenset({"", "-", "na", "nan"})
_STARTED = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d)-(\d\d)-(\d\d)")
_WAVEFORM = "# Simple Text Format"  # BioSPPy: one sample a line, which looks the same
_LONGEST_MS = 86_400_000.0
_LOOKED_AT, _FIRST = 200, 10
_HEAD_BYTES, _MOST_BYTES = 65_536, 20_000_000  # what tells; a month of beats
_SMOOTH, _SWING = (
    0.3,
    0.5,
)  # a pulse wave at 100 Hz: 0.2 and 1; beats: above 0.8, or 0.4 in slow deep breathing


@dataclass(frozen=True, slots=True)
class _Header:
    """Which column holds the intervals, what lies between columns, and the unit if it is named."""

    column: int
    delimiter: str | None
    unit: str | None
    ignored: tuple[str, ...] = ()


_NO_HEADER = _Header(0, None, None)


@dataclass(frozen=True, slots=True)
class _Cell:
    line: int
    text: str


class RrText:
    """Reads RR intervals as text, in ms, s or 1/1024 s."""

    name = "rr-text"
    label = "RR intervals as text (Elite HRV, Kubios, one per line)"
    proven = True

    def recognises(self, source: Source) -> bool:
        """Whether this is one text file, and mostly numbers, or a header that names RR intervals."""
        text = _first_text(source)
        if text is None or text.startswith(_WAVEFORM):
            return False
        header, cells = _cells(text)
        if not cells:
            return header is not _NO_HEADER
        if header is _NO_HEADER and _is_wave(cells):
            return False
        return _mostly_numbers(cells[:_FIRST]) and _mostly_numbers(cells[:_LOOKED_AT])

    def read(self, source: Source, unit: str | None) -> Recording:
        """The recording: stream `rr`, `rr_ms` as it stands in the file. Raises InputError, UsageError."""
        header, cells = _cells(_whole_text(source))
        if not cells:
            raise InputError(f"{source.path}: holds no RR intervals")
        written = np.array([_value(source, cell) for cell in cells])
        settled, how = _unit(source, written, header, unit)
        rr_ms = written * _MS[settled]
        if np.any(rr_ms > _LONGEST_MS):
            line = cells[int(np.argmax(rr_ms > _LONGEST_MS))]
            raise InputError(f"{_where(source, line)}: {line.text!r} is no interval between beats")
        time_s = np.cumsum(np.where(rr_ms > 1, rr_ms, 1.0)) / 1000  # time has to rise: a bad one takes 1 ms
        return Recording(
            recording_id=source.title,
            source=self.name,
            sha256=source.sha256,
            duration_s=float(time_s[-1]),
            streams={"rr": Stream("rr", time_s, {"rr_ms": rr_ms})},
            started_at=_started_at(source.only or ""),
            units={"rr": f"{settled} ({how})"},
            notices=tuple(_notices(header)),
        )


def _first_text(source: Source) -> str | None:
    """The beginning of a source that is one file, to a line's or a number's end; None for what is no text."""
    if source.only is None:
        return None
    head = source.head(source.only, _HEAD_BYTES)
    if len(head) == _HEAD_BYTES:
        end = max(map(head.rfind, (b"\n", b"\r", b" ")))
        head = head[: end - end % 2]  # a sign of UTF-16 takes two bytes
    return _decoded(head)


def _whole_text(source: Source) -> str:
    name = source.only or ""
    if source.size(name) > _MOST_BYTES:
        raise InputError(
            f"{source.path}: more than {_MOST_BYTES // 1_000_000} MB are no RR intervals; if it is a signal, "
            "name its columns with --columns"
        )
    text = _decoded(source.files[name])
    if text is None:
        raise InputError(f"{source.path}: is not text to its end")
    return text


def _decoded(content: bytes) -> str | None:
    """The text of these bytes; None if they are none."""
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    for encoding in ("utf-16",) if wide else ("utf-8-sig", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return text if all(sign >= " " or sign in "\t\n\r\f" for sign in text[:4096]) else None
    return None


def _cells(text: str) -> tuple[_Header, list[_Cell]]:
    """The header, and each cell of the column of intervals."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    rows = [_Cell(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    rows = [row for row in rows if not row.text.lstrip().startswith("#")]
    header = _header(rows[0].text) if rows else None
    if header is not None:
        return header, [_Cell(row.line, _column(row.text, header)) for row in rows[1:]]
    if len(rows) == 1:  # Welltory writes all intervals on one line
        return _NO_HEADER, [_Cell(rows[0].line, text) for text in rows[0].text.split()]
    return _NO_HEADER, [_Cell(row.line, _column(row.text, _NO_HEADER)) for row in rows]


def _header(line: str) -> _Header | None:
    """What a header line says; None if it names no RR intervals."""
    delimiter = next((sign for sign in "\t;," if sign in line.strip()), None)
    names = [name.strip(' "\r') for name in (line.split(delimiter) if delimiter else [line])]
    column = next((column for column, name in enumerate(names) if _names_intervals(name)), None)
    if column is None:
        return None
    ignored = tuple(name for name in names if name and name != names[column])
    return _Header(column, delimiter, _named_unit(names[column]), ignored)


def _names_intervals(name: str) -> bool:
    letters = re.sub("[^a-z]", "", _HEADER_UNIT.sub("", name).lower())
    return _HEADER_NAME.fullmatch(letters) is not None


def _named_unit(name: str) -> str | None:
    if (found := _HEADER_UNIT.search(name)) is None:
        return None
    return ("1/1024 s", "ms", "s")[(found.lastindex or 1) - 1]


def _column(row: str, header: _Header) -> str:
    if header.delimiter is None:
        return row.strip().rstrip(";,").strip(' "')
    cells = row.split(header.delimiter)
    return cells[header.column].strip(' "') if header.column < len(cells) else ""


def _number(text: str) -> float | None:
    """The number a cell holds, NaN where one is missing; None if it is something else."""
    if text.lower() in _MISSING:
        return math.nan
    value = number_of(text)
    return value if value is not None and math.isfinite(value) else None


def _mostly_numbers(cells: Sequence[_Cell]) -> bool:
    numbers = sum((value := _number(cell.text)) is not None and value == value for cell in cells)
    return numbers * 2 >= len(cells)


def _is_wave(cells: Sequence[_Cell]) -> bool:
    """Whether numbers run as smoothly as the samples of a pulse wave, which no heart's intervals do.

    A step between two intervals says little of the next one; between two samples it all but tells it.
    """
    numbers = [value for cell in cells if (value := _number(cell.text)) is not None and value == value]
    if len(numbers) < _LOOKED_AT:
        return False
    steps = np.diff(numbers)
    swing, middle = float(np.ptp(numbers)), float(np.median(np.abs(numbers)))
    return swing > _SWING * middle and float(np.mean(np.abs(np.diff(steps)))) < _SMOOTH * float(
        np.mean(np.abs(steps))
    )


def _value(source: Source, cell: _Cell) -> float:
    value = _number(cell.text)
    if value is None:
        raise InputError(f"{_where(source, cell)}: {cell.text[:40]!r} is not a number")
    return value


def _where(source: Source, cell: _Cell) -> str:
    return source.where(source.only or "", cell.line)


def _unit(source: Source, written: Floats, header: _Header, asked: str | None) -> tuple[str, str]:
    """The unit, and how it was settled: asked for, named in the header, or told by the median."""
    if asked is not None:
        unit = "1/1024 s" if asked in ("1/1024", "1/1024s") else asked
        if unit not in _MS:
            raise UsageError(f"unit {asked!r}: use ms, s or 1/1024s")
        return unit, "as asked"
    if header.unit is not None:
        return header.unit, "from the header"
    sizes = np.abs(written[np.isfinite(written) & (written != 0)])
    median = float(np.median(sizes)) if len(sizes) else 0.0
    if 200 <= median <= 3000 or not len(sizes):  # zeros are zero in any unit
        return "ms", "from the median"
    if 0.2 <= median <= 3:
        return "s", "from the median"
    raise InputError(
        f"{source.path}: the intervals' median is {median:g}, neither ms nor s; "
        "name their unit with --unit ms, --unit s or --unit 1/1024s"
    )


def _started_at(name: str) -> datetime | None:
    """The start that Elite HRV puts in the file name, in local time; None without one."""
    if (found := _STARTED.search(name)) is None:
        return None
    day, *clock = found.groups()
    try:
        return datetime.fromisoformat(f"{day}T{':'.join(clock)}").astimezone()
    except (ValueError, OverflowError, OSError):
        return None


def _notices(header: _Header) -> Iterator[str]:
    if header.ignored:
        yield f"only the column of intervals is read, not {', '.join(header.ignored)}"
