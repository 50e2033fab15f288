"""Numbers and tables as text: the shortest that says the same, and nothing a spreadsheet would run."""

from __future__ import annotations

import csv as standard
import io
from collections.abc import Iterable, Sequence

import numpy as np

from devices.exports.writers.writer import one_line
from pipeline.model import Floats

TIME_DIGITS = 6  # a microsecond

Cell = str | float | int | None


def decimal(value: float, digits: int) -> str:
    """A number rounded to so many digits after the point, without what says nothing: 0.5, 800, 810.546875."""
    text = f"{value:.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def texts(values: Floats, digits: int | None = None, missing: str = "") -> list[str]:
    """Numbers as text, each as the shortest that is read as the same number again, or to so many digits."""
    if digits is not None:
        values = np.round(values, digits)
    return [_shortest(value) if value == value else missing for value in values.tolist()]


def _shortest(value: float) -> str:
    text = repr(value)
    return text[:-2] if text.endswith(".0") else text


def table(names: Sequence[str], columns: Iterable[Sequence[str]], separator: str = ",") -> bytes:
    """Columns of numbers as text, under a header if there are names."""
    header = [separator.join(names)] if names else []
    rows = map(separator.join, zip(*columns, strict=True))
    return "".join(f"{line}\n" for line in (*header, *rows)).encode()


def csv(names: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """Rows of words and numbers; a quote before a word that a spreadsheet would run as a formula."""
    out = io.StringIO()
    writer = standard.writer(out, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_cell(cell) for cell in row] for row in rows)
    return out.getvalue().encode()


def tsv(names: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """The same as BIDS has it: tabs between, no quotes, n/a where nothing is."""
    lines = ["\t".join(names), *("\t".join(_cell(cell) or "n/a" for cell in row) for row in rows)]
    return "".join(f"{line}\n" for line in lines).encode()


def _cell(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        text = one_line(cell)
        return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
    return decimal(cell, TIME_DIGITS)
