"""Delimited text as loggers write it: rows of cells below a header. Errors name the file and the line."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time

import numpy as np

from devices.exports.limits import LARGEST
from devices.exports.reader import Source
from pipeline.errors import InputError
from pipeline.model import Floats

STAMP = 1e19  # ns since 1970 fit in
CUT_OFF = "the last line is cut off and left out"

_EARLIEST_S, _LATEST_S = (datetime(year, 1, 1, tzinfo=UTC).timestamp() for year in (1990, 2100))
_DAY_S, _HOUR_S, _MINUTE_S = 86_400.0, 3600.0, 60.0
_LONGEST_PAUSE_S = 7 * _DAY_S


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one file that are not blank, each with the number of its line.

    `cut` says that a last row without all cells was left out: a logger stopped in the middle of a line.
    """

    source: Source
    name: str
    delimiter: bytes
    lines: Sequence[bytes]
    numbers: Sequence[int]
    cut: bool = False

    def __len__(self) -> int:
        return len(self.lines)

    def where(self, row: int) -> str:
        """How a message names a row."""
        return self.source.where(self.name, self.numbers[row])

    def first(self, count: int) -> Rows:
        """The first rows."""
        return replace(self, lines=self.lines[:count], numbers=self.numbers[:count])

    def cells(self, column: int) -> list[bytes]:
        """A column's cells as they stand, less blanks and quotes. Raises InputError for a row without it."""
        delimiter, most = self.delimiter, column + 1
        try:
            return [line.split(delimiter, most)[column].strip(b' "') for line in self.lines]
        except IndexError:
            row = next(row for row, line in enumerate(self.lines) if line.count(delimiter) < column)
            held = self.lines[row].count(delimiter) + 1
            raise InputError(
                f"{self.where(row)}: holds {held} {'cell' if held == 1 else 'cells'}, not {column + 1}"
            ) from None

    def floats(self, column: int, *, missing: bool = False, most: float = LARGEST) -> Floats:
        """A column's numbers; an empty cell is NaN where one may be missing.

        Raises InputError for what is no number, and for one beyond `most` on either side of 0.
        """
        cells = self.cells(column)
        try:
            values = np.fromiter((_number(cell, missing) for cell in cells), np.float64, len(cells))
        except ValueError as error:
            row = next(row for row, cell in enumerate(cells) if not _is_number(cell, missing))
            raise InputError(f"{self.where(row)}: {shown(cells[row])} is not a number") from error
        if np.any(np.abs(values) > most):
            row = int(np.argmax(np.abs(values) > most))
            raise InputError(f"{self.where(row)}: {shown(cells[row])} is not a number a sensor gives")
        return values

    def stamps_s(self, column: int) -> Floats:
        """ISO 8601 stamps in seconds since 1970, or since midnight where they have no date; never falling.

        A stamp without a zone counts as UTC. A clock that falls by an hour came from summer time, one
        without a date that falls by more than half a day went past midnight; less than a minute is a clock
        put right. Raises InputError for what is no time, and for another fall.
        """
        cells = self.cells(column)
        try:
            stamps_s = np.fromiter(map(stamp_s, cells), np.float64, len(cells))
        except ValueError as error:
            row = next(row for row, cell in enumerate(cells) if not _is_stamp(cell))
            raise InputError(f"{self.where(row)}: {shown(cells[row])} is not a time") from error
        return self.never_falling(stamps_s)

    def never_falling(self, stamps_s: Floats) -> Floats:
        """These seconds, one a row, without the falls that `stamps_s` explains."""
        falls_s = -np.diff(stamps_s, prepend=stamps_s[:1])
        midnight = (falls_s > _DAY_S / 2) & (stamps_s < _DAY_S)
        winter = np.abs(falls_s - _HOUR_S) < 2 * _MINUTE_S
        odd = (falls_s > _MINUTE_S) & ~midnight & ~winter
        if odd.any():
            raise InputError(f"{self.where(int(np.argmax(odd)))}: the time goes back; split the file there")
        leaps = falls_s < -_LONGEST_PAUSE_S
        if leaps.any():
            row = int(np.argmax(leaps))
            raise InputError(f"{self.where(row)}: the time leaps by more than a week; split the file there")
        known_s: Floats = stamps_s + np.cumsum(midnight * _DAY_S + winter * _HOUR_S)
        return np.maximum.accumulate(known_s)


def read_rows(source: Source, name: str, delimiter: bytes, columns: int, header: int = 0) -> Rows:
    """The rows of a file below so many lines of header; a whole row has at least so many cells."""
    content = source.files[name].removeprefix(b"\xef\xbb\xbf")
    whole = content.endswith((b"\n", b"\r"))
    lines = content.splitlines()[header:]
    numbers: Sequence[int] = range(header + 1, header + len(lines) + 1)
    blank = b" \t" + delimiter
    if not all(line.strip(blank) for line in lines):
        numbers = [number for number, line in zip(numbers, lines, strict=True) if line.strip(blank)]
        lines = [line for line in lines if line.strip(blank)]
    cut = bool(lines) and lines[-1].count(delimiter) < columns - 1 and not whole
    if cut:
        lines, numbers = lines[:-1], numbers[:-1]
    if not lines:
        raise InputError(f"{source.where(name)}: holds no samples")
    return Rows(source, name, delimiter, lines, numbers, cut)


def header_cells(source: Source, name: str, delimiter: str, line: int = 1) -> tuple[str, ...]:
    """The cells of one of a file's first lines, in small letters, without blanks around; () if absent."""
    lines = source.head(name).removeprefix(b"\xef\xbb\xbf").splitlines()
    if len(lines) < line:
        return ()
    text = lines[line - 1].decode(errors="replace").strip()
    return tuple(
        cell.strip(' "').lower().replace("µ", "u").replace("μ", "u") for cell in text.split(delimiter)
    )


def stamp_s(cell: bytes) -> float:
    """Seconds since 1970 of an ISO 8601 stamp (no zone: UTC), since midnight of a time of day.

    Raises ValueError for anything else, and for a year that no logger knew.
    """
    text = cell.decode("ascii")
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        clock = time.fromisoformat(text)
        return clock.hour * _HOUR_S + clock.minute * _MINUTE_S + clock.second + clock.microsecond / 1e6
    seconds = (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    if not _EARLIEST_S < seconds < _LATEST_S:
        raise ValueError(text)
    return seconds


def local_start(cell: bytes, at_s: float) -> datetime | None:
    """A moment, as `stamp_s` counts, in the zone of this stamp, or in this computer's if it has none.

    None if the stamp is a time of day without a date.
    """
    if stamp_s(cell) < _EARLIEST_S:
        return None
    when = datetime.fromisoformat(cell.decode("ascii"))
    shifted = datetime.fromtimestamp(at_s, UTC)
    try:
        return shifted.astimezone(when.tzinfo) if when.tzinfo else shifted.replace(tzinfo=None).astimezone()
    except (ValueError, OverflowError, OSError):
        return None


def shown(cell: bytes) -> str:
    """A cell as a message quotes it."""
    return repr(cell.decode(errors="replace").strip()[:40])


def number_of(cell: str | bytes) -> float | None:
    """A cell's number, which may be infinite or NaN; None if it holds none."""
    try:
        value = float(cell)
    except ValueError:
        return None
    grouped = "_" in cell if isinstance(cell, str) else b"_" in cell  # Python takes 1_000 for a number
    return None if grouped else value


def _number(cell: bytes, missing: bool) -> float:
    if missing and not cell:
        return math.nan
    value = number_of(cell)
    if value is None or not math.isfinite(value):
        raise ValueError(cell)
    return value


def _is_number(cell: bytes, missing: bool) -> bool:
    try:
        _number(cell, missing)
    except ValueError:
        return False
    return True


def _is_stamp(cell: bytes) -> bool:
    try:
        stamp_s(cell)
    except ValueError:
        return False
    return True
