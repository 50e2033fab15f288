"""Tables of numbers: where header and columns lie, missing cells, and the line of what is at fault."""

from __future__ import annotations

import numpy as np
import pytest

from devices.exports.tables import Layout, dates_of, floats_of, layout_of
from pipeline.errors import InputError


def where(line: int | None) -> str:
    return "x.csv" if line is None else f"x.csv line {line}"


def columns(content: bytes, *wanted: int) -> list[list[float]]:
    layout = layout_of(content[:4096])
    assert layout is not None
    return [values.tolist() for values in floats_of(where, content, layout, wanted).values()]


@pytest.mark.parametrize(
    ("head", "layout"),
    [
        (b"a,b\n1,2\n", Layout(b",", ("a", "b"), 2, 2)),
        (b"1,2\n3,4\n", Layout(b",", (), 2, 1)),
        (b"1\n2\n", Layout(b",", (), 1, 1)),
        (b"# note\r\n\r\n a ;b \r\n1;2\r\n", Layout(b";", ("a", "b"), 2, 4)),
        (b"a;b\n1,5;2,5\n", Layout(b";", ("a", "b"), 2, 2, b",")),
        (b'\xef\xbb\xbf"a"\t"b"\n1\t2\n', Layout(b"\t", ("a", "b"), 2, 2)),
        (b"T [\xb0C]\n1\n", Layout(b",", ("T [\xb0C]",), 1, 2)),
        (b"time,ecg\n2016-11-24 13:58:58.081,3\n", Layout(b",", ("time", "ecg"), 2, 2)),
        (b"2016-11-24 13:58:58.081,3\n", Layout(b",", (), 2, 1)),
        (b"a,b\n,\n1,2\n", Layout(b",", ("a", "b"), 2, 2)),
    ],
    ids=[
        "header", "no header", "one column", "comment, blank, CRLF", "decimal comma", "BOM, quotes, tabs",
        "no UTF-8", "dates", "dates, no header", "missing cells",
    ],
)  # fmt: skip
def test_layouts(head: bytes, layout: Layout) -> None:
    found = layout_of(head)
    assert found == (layout if b"\xb0" not in head else Layout(b",", ("T [°C]",), 1, 2))


@pytest.mark.parametrize(
    "head",
    [b"", b"\n\n", b"a,b\n", b"a,b\nc,d\n", b"1,2\n3\n", b"prose, and more\nof it\n", b"1,2\n\0\0\n", b"{}"],
    ids=["empty", "blank", "only a header", "words", "ragged", "prose", "binary", "json"],
)
def test_what_is_no_table(head: bytes) -> None:
    assert layout_of(head) is None


@pytest.mark.parametrize(
    ("content", "wanted", "found"),
    [
        (b"a,b\n1,2\n3,4\n", (1,), [[2, 4]]),
        (b"a,b\n1,x\n3,y\n", (0,), [[1, 3]]),
        (b"a\n1\n\n3\n", (0,), [[1, 3]]),
        (b"a;b\n1,5;-2e3\n3,25;4\n", (0, 1), [[1.5, 3.25], [-2000, 4]]),
        (b'a,b\n"1", 2\n 3,"4"\n', (0, 1), [[1, 3], [2, 4]]),
        (b"# c\na,b\r\n1,2\r\n", (0,), [[1]]),
    ],
    ids=["one of two", "words beside", "blank line", "decimal comma", "quotes and blanks", "comment"],
)
def test_numbers(content: bytes, wanted: tuple[int, ...], found: list[list[float]]) -> None:
    assert columns(content, *wanted) == found


def test_missing_cells_are_nan() -> None:
    [values] = columns(b"a,b\n1,1\n,2\nNaN,3\n-,4\nn/a,5\n", 0)
    np.testing.assert_array_equal(values, [1, np.nan, np.nan, np.nan, np.nan])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a,b\n1,2\n" * 1 + b"1,2\n" * 20 + b"3,x\n", "x.csv line 23: 'x' is not a number"),
        (b"a,b\n" + b"1,2\n" * 20 + b"\n3\n", "x.csv line 23: holds 1 cells, not 2"),
        (b"# c\na,b\n" + b"1,2\n" * 20 + b"3,1_0\n", "x.csv line 23: '1_0' is not a number"),
        (b"a,b\n" + b"1,2\n" * 20 + b"3,inf\n", "x.csv: column 2 holds numbers that no sensor gives"),
        (b"a,b\n" + b"1,2\n" * 20 + b"3,1e99\n", "x.csv: column 2 holds numbers that no sensor gives"),
    ],
    ids=["word", "short row after a blank", "underscore", "infinite", "absurd"],
)
def test_faults_are_told_with_their_line(content: bytes, message: str) -> None:
    with pytest.raises(InputError) as caught:
        columns(content, 0, 1)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("cells", "micros", "zoned"),
    [
        (("1970-01-01 00:00:01.5", "1970-01-01 00:00:02"), [1.5e6, 2e6], False),
        (("1970-01-01T00:00:01Z", "1970-01-01T00:00:02Z"), [1e6, 2e6], True),
        (("1970-01-01T01:00:01+01:00", "1970-01-01T00:00:02+00:00"), [1e6, 2e6], True),
    ],
    ids=["no zone", "UTC", "zones"],
)
def test_dates(cells: tuple[str, str], micros: list[float], zoned: bool) -> None:
    content = f"t,x\n{cells[0]},1\n{cells[1]},2\n".encode()
    layout = layout_of(content)
    assert layout is not None
    values, found = dates_of(where, content, layout, 0)
    assert (values.tolist(), found) == (micros, zoned)


def test_a_date_that_is_none_is_told_with_its_line() -> None:
    content = b"t,x\n2016-11-24 13:58:58,1\nnoon,2\n"
    layout = layout_of(content)
    assert layout is not None
    with pytest.raises(InputError, match=r"x\.csv line 3: 'noon' is not a time"):
        dates_of(where, content, layout, 0)
