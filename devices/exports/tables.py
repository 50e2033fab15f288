"""Tables of numbers as text, read in one go: where columns and header lie, and the columns that are wanted.

A table of a day's electrocardiogram has twenty million rows, so a row never becomes an object. Only where
one is at fault is it looked for line by line.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

import numpy as np

from devices.exports.rows import number_of
from pipeline.errors import InputError
from pipeline.model import Floats

_MISSING = ("", "-", "NA", "N/A", "n/a", "na", "nan", "NaN", "NAN", "null", "NULL", "None")
_COMMENT = b"#"
_DELIMITERS = (b"\t", b";", b",")
_ROWS = 10  # that tell the layout
_LONGEST_ROW = 1 << 20
_DECIMAL_COMMA = re.compile(rb"[+-]?\d+,\d+")
_ZONE = re.compile(r"(Z|[+-]\d\d(:?\d\d)?)$")

Where = Callable[[int | None], str]


@dataclass(frozen=True, slots=True)
class Layout:
    """How a table lies in its file: `first_line` (from 1) is that of the first row below the header."""

    delimiter: bytes
    names: tuple[str, ...]
    width: int
    first_line: int
    decimal: bytes = b"."


def layout_of(head: bytes) -> Layout | None:
    """The layout of a table that begins so; None if it is no table of numbers."""
    lines = head.removeprefix(b"\xef\xbb\xbf").splitlines()
    if len(lines) > 2 and not head.endswith((b"\n", b"\r")):
        lines.pop()  # may be cut
    rows = [
        (number, line)
        for number, line in enumerate(lines, 1)
        if line.strip() and not line.lstrip().startswith(_COMMENT)
    ]
    if not rows or b"\0" in head:
        return None
    delimiter = next((sign for sign in _DELIMITERS if sign in rows[-1][1]), b",")
    decimal = b"," if delimiter != b"," and any(_DECIMAL_COMMA.search(line) for _, line in rows) else b"."
    first = rows[0][1].split(delimiter)
    headed = not any(_is_number(cell, decimal) or _is_date(cell) for cell in first)
    data = rows[headed : headed + _ROWS]
    width = len(first)
    if not data or any(line.count(delimiter) != width - 1 for _, line in data):
        return None
    if not any(_is_number(cell, decimal) for _, line in data for cell in line.split(delimiter)):
        return None
    names = tuple(_text(cell).strip(' "') for cell in first) if headed else ()
    return Layout(delimiter, names, width, data[0][0], decimal)


def floats_of(where: Where, content: bytes, layout: Layout, columns: Sequence[int]) -> dict[int, Floats]:
    """The numbers in some columns (from 0), NaN where one is missing. Raises InputError with the line."""
    import pyarrow as pa

    table = _table(where, content, layout, dict.fromkeys(columns, pa.float64()), _is_number)
    found = {column: _as_floats(table.column(f"f{column}")) for column in columns}
    for column, values in found.items():
        with np.errstate(invalid="ignore"):
            absurd = np.isinf(values) | (np.abs(values) > 1e20)
        if absurd.any():
            raise InputError(f"{where(None)}: column {column + 1} holds numbers that no sensor gives")
    return found


def dates_of(where: Where, content: bytes, layout: Layout, column: int) -> tuple[Floats, bool]:
    """Microseconds since 1970 of a column of ISO 8601 dates, and whether they name their zone.

    Raises InputError with the line of what is none.
    """
    import pyarrow as pa

    first = next(line for line in _lines(content) if line[0] >= layout.first_line)[1]
    zoned = _ZONE.search(_text(first.split(layout.delimiter)[column]).strip(' "')) is not None
    table = _table(where, content, layout, {column: pa.timestamp("us", "UTC" if zoned else None)}, _is_stamp)
    return _as_floats(table.column(f"f{column}").cast(pa.int64())), zoned


def _table(  # type: ignore[no-untyped-def]  # pyarrow has no types
    where: Where, content: bytes, layout: Layout, types, sound: Callable[[bytes, bytes], bool]
):
    import pyarrow as pa
    from pyarrow import csv

    names = [f"f{column}" for column in range(layout.width)]
    try:
        return csv.read_csv(
            io.BytesIO(content),
            csv.ReadOptions(
                use_threads=False,
                block_size=2 * _LONGEST_ROW,
                column_names=names,
                skip_rows=layout.first_line - 1,
            ),
            csv.ParseOptions(delimiter=layout.delimiter.decode()),
            csv.ConvertOptions(
                check_utf8=False,
                column_types={f"f{column}": each for column, each in types.items()},
                include_columns=[f"f{column}" for column in types],
                null_values=list(_MISSING),
                decimal_point=layout.decimal.decode(),
            ),
        )
    except pa.ArrowException as error:
        raise _first_fault(where, content, layout, list(types), sound, str(error)) from error


def _first_fault(
    where: Where,
    content: bytes,
    layout: Layout,
    columns: Sequence[int],
    sound: Callable[[bytes, bytes], bool],
    otherwise: str,
) -> InputError:
    """The error for the first line that is at fault: the slow way, taken only to tell."""
    for number, line in _lines(content):
        if number < layout.first_line or not line.strip():
            continue
        cells = line.split(layout.delimiter)
        if len(cells) != layout.width:
            return InputError(f"{where(number)}: holds {len(cells)} cells, not {layout.width}")
        for column in columns:
            cell = cells[column].strip(b' "')
            if _text(cell) not in _MISSING and not sound(cell, layout.decimal):
                what = "a time" if sound is _is_stamp else "a number"
                return InputError(f"{where(number)}: {_text(cell)[:40]!r} is not {what}")
    return InputError(f"{where(None)}: can't be read as a table ({otherwise.splitlines()[0][:120]})")


def _lines(content: bytes) -> islice[tuple[int, bytes]]:
    return islice(enumerate(content.removeprefix(b"\xef\xbb\xbf").splitlines(), 1), None)


def _as_floats(column) -> Floats:  # type: ignore[no-untyped-def]
    return np.asarray(column.to_numpy(), dtype=np.float64)


def _text(cell: bytes) -> str:
    try:
        return cell.decode()
    except UnicodeDecodeError:
        return cell.decode("cp1252", errors="replace")


def _is_number(cell: bytes, decimal: bytes) -> bool:
    return number_of(cell.strip(b' "').replace(decimal, b".")) is not None


def _is_date(cell: bytes) -> bool:
    try:
        datetime.fromisoformat(_text(cell).strip(' "'))
    except ValueError:
        return False
    return True


def _is_stamp(cell: bytes, _: bytes) -> bool:
    return _is_date(cell)
