"""BioSPPy's "Simple Text Format": a header in comments, then one row a sample, one column a label.

The values are the converter's counts; which sensor and board took them is not in the file. Where an
amplitude needs no unit they are read as they are (`ecg_au`); skin conductance is not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from devices.exports.channels import FASTEST_HZ, Channel, read_channels
from devices.exports.reader import Source
from devices.exports.samples import ChannelSamples
from pipeline.errors import InputError
from pipeline.model import Floats, Recording

_MAGIC = b"# Simple Text Format"
_SEPARATORS = re.compile(r"[\t,;]+")
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class _Header:
    rate_hz: float
    labels: tuple[str, ...]
    lines: int


class BiosppyText:
    """Reads BioSPPy text: an electrocardiogram, a pulse wave or breathing, in counts."""

    name = "biosppy-text"
    label = "BioSPPy text"
    proven = True

    def recognises(self, source: Source) -> bool:
        """Whether this is one file that begins with the format's name."""
        return len(source.files) == 1 and source.head(_only(source)).removeprefix(_BOM).startswith(_MAGIC)

    def read(self, source: Source, unit: str | None) -> Recording:
        """The recording. Raises InputError that names the line at fault, or why no column can be read."""
        name = _only(source)
        lines = source.files[name].removeprefix(_BOM).splitlines()
        header = _header(source, name, lines)
        rows, cut = _whole_rows(lines[header.lines :], len(header.labels), source.files[name])
        values = _values(source, name, rows, header)
        time_s = np.arange(len(values)) / header.rate_hz
        channels = [Channel(label, "", header.rate_hz) for label in header.labels]
        found = read_channels(
            source.where(name), channels, lambda index: ChannelSamples(time_s, values[:, index].copy())
        )
        return Recording(
            recording_id=source.title,
            source=self.name,
            sha256=source.sha256,
            duration_s=len(values) / header.rate_hz,
            streams=found.streams,
            units=found.units,
            notices=(
                *found.notices,
                *(("the last line is cut off and left out",) if cut else ()),
                *(
                    ()
                    if unit is None
                    else (f"--unit {unit} is not used: the samples are counts without a unit",)
                ),
            ),
        )


def _only(source: Source) -> str:
    return next(iter(source.files))


def _header(source: Source, name: str, lines: list[bytes]) -> _Header:
    """The rate, the labels, and how many lines the header takes. Raises InputError for either's absence."""
    fields: dict[str, tuple[int, str]] = {}
    count = 0
    while count < len(lines) and (line := lines[count].decode("utf-8", "replace")).startswith("#"):
        count += 1
        field, stated, value = line[1:].partition(":=")
        if stated:
            fields[field.strip().lower()] = (count, value.strip())
    labels = tuple(
        label.strip() for label in _SEPARATORS.split(fields.get("labels", (0, ""))[1]) if label.strip()
    )
    if not labels:
        raise InputError(
            f"{source.where(name, 1)}: the header has no '# Labels:=' that says what was recorded"
        )
    return _Header(_rate_hz(source, name, fields), labels, count)


def _rate_hz(source: Source, name: str, fields: Mapping[str, tuple[int, str]]) -> float:
    line, text = fields.get("sampling rate (hz)", (1, ""))
    try:
        rate_hz = float(text)
    except ValueError:
        rate_hz = 0.0
    if not 0 < rate_hz <= FASTEST_HZ or "_" in text:
        raise InputError(f"{source.where(name, line)}: {text[:40]!r} is not a sampling rate in Hz")
    return rate_hz


def _whole_rows(rows: list[bytes], columns: int, content: bytes) -> tuple[list[bytes], bool]:
    """The rows without blank ones at the end, and without a last one that was cut off."""
    while rows and not rows[-1].strip():
        rows.pop()
    cut = bool(rows) and columns > 1 and not content.endswith(b"\n") and len(_cells(rows[-1])) < columns
    return (rows[:-1], True) if cut else (rows, False)


def _cells(row: bytes) -> list[bytes]:
    return row.replace(b",", b" ").replace(b";", b" ").split()


def _values(source: Source, name: str, rows: list[bytes], header: _Header) -> Floats:
    """The samples, one row a line. Raises InputError for the first line that is not so many numbers."""
    columns = len(header.labels)
    cells = [cell for row in rows for cell in _cells(row)]
    try:
        values = np.fromiter(map(float, cells), np.float64, len(cells))
    except ValueError:
        values = np.empty(0)
    odd = any(b"_" in row for row in rows) or (
        columns > 1 and any(len(_cells(row)) != columns for row in rows)
    )
    if not rows:
        raise InputError(f"{source.where(name)}: holds no samples")
    if odd or len(values) != columns * len(rows):
        raise _first_fault(source, name, rows, header)
    return values.reshape(-1, columns)


def _first_fault(source: Source, name: str, rows: list[bytes], header: _Header) -> InputError:
    """The error for the first line at fault: the slow way, taken only to tell."""
    columns = len(header.labels)
    for number, row in enumerate(rows, header.lines + 1):
        for cell in _cells(row):
            try:
                float(cell)
            except ValueError:
                cell += b"_"
            if b"_" in cell:
                shown = cell.removesuffix(b"_").decode(errors="replace")[:40]
                return InputError(f"{source.where(name, number)}: {shown!r} is not a number")
        if (held := len(_cells(row))) != columns:
            return InputError(f"{source.where(name, number)}: holds {held} numbers, not {columns}")
    raise AssertionError("the lines were refused, so one of them is at fault")
