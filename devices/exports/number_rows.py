"""Rows of nothing but numbers between commas: quickly where all are sound, line by line where one is not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from devices.exports.limits import LARGEST
from devices.exports.reader import Source
from devices.exports.rows import number_of, shown
from pipeline.errors import InputError
from pipeline.model import Floats


def number_rows(source: Source, name: str, rows: bytes, skipped: int, columns: int) -> Floats:
    """The numbers in the rows of a file below `skipped` lines of header, (rows, columns).

    A cell that says nan is a missing sample. Raises InputError that names the line of any other fault.
    """
    values = _parsed(rows, columns)
    return _one_by_one(source, name, rows.splitlines(), skipped, columns) if values is None else values


def _parsed(rows: bytes, columns: int) -> Floats | None:
    """The numbers if there is nothing else in the rows, in a twentieth of the time."""
    import pyarrow as pa
    from pyarrow import csv

    names = [f"f{column}" for column in range(columns)]
    try:
        table = csv.read_csv(
            pa.BufferReader(rows),
            csv.ReadOptions(use_threads=False, column_names=names),
            csv.ParseOptions(quote_char=False, ignore_empty_lines=False),
            csv.ConvertOptions(
                check_utf8=False, column_types=dict.fromkeys(names, pa.float64()), null_values=[]
            ),
        )
    except pa.ArrowException:
        return None
    values = np.column_stack([column.to_numpy() for column in table.columns])
    return values if np.all(np.abs(values) <= LARGEST) else None


def _one_by_one(source: Source, name: str, lines: Sequence[bytes], skipped: int, columns: int) -> Floats:
    """The same where a sample is missing, or something is at fault: then an InputError says where."""
    cells = lines if columns == 1 else [cell for line in lines for cell in line.split(b",")]
    try:
        values = np.fromiter(map(float, cells), np.float64, len(cells))
    except ValueError:
        values = np.empty(0)
    even = columns == 1 or all(line.count(b",") == columns - 1 for line in lines)
    absurd = np.abs(values) > LARGEST
    if not len(values) or not even or absurd.any() or any(b"_" in cell for cell in cells):
        raise _first_fault(source, name, lines, skipped, columns)
    return values.reshape(-1, columns)


def _first_fault(source: Source, name: str, lines: Sequence[bytes], skipped: int, columns: int) -> InputError:
    """The error for the first line that is not so many numbers: the slow way, taken only to tell."""
    for number, line in enumerate(lines, skipped + 1):
        cells = line.split(b",")
        for cell in cells:
            if (value := number_of(cell)) is None or abs(value) > LARGEST:
                fault = "is not a number" if value is None else "is not a number a sensor gives"
                return InputError(f"{source.where(name, number)}: {shown(cell)} {fault}")
        if len(cells) != columns:
            return InputError(f"{source.where(name, number)}: holds {len(cells)} numbers, not {columns}")
    raise AssertionError("the lines were refused, so one of them is at fault")
