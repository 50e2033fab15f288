"""Rows of delimited text: lines are counted as a person does, and nothing odd is taken for a number."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest

from devices.exports.reader import Source
from devices.exports.rows import Rows, header_cells, local_start, read_rows, stamp_s
from pipeline.errors import InputError


def source(content: bytes) -> Source:
    return Source(Path("a.csv"), {"a.csv": content})


def rows(content: bytes, columns: int = 2, header: int = 1) -> Rows:
    return read_rows(source(content), "a.csv", b";", columns, header)


@pytest.mark.parametrize(
    "content",
    [
        b"a;b\n1;2\n3;4\n",
        b"a;b\r\n1;2\r\n3;4",
        b"\xef\xbb\xbfa;b\n1;2\n3;4\n",
        b"a;b\n\n1;2\n \n3;4\n\n",
        b'a;b\n"1"; 2\n3;"4"\n',
        b"a;b;\n1;2;\n3;4;\n;;\n",
    ],
    ids=["plain", "CRLF", "BOM", "blank lines", "quotes", "trailing delimiter"],
)
def test_one_table_in_many_spellings(content: bytes) -> None:
    table = rows(content)
    assert (table.floats(0).tolist(), table.floats(1).tolist()) == ([1.0, 3.0], [2.0, 4.0])
    assert header_cells(source(content), "a.csv", ";")[:2] == ("a", "b")
    assert not table.cut


def test_a_last_row_that_is_cut_off_is_left_out() -> None:
    assert (rows(b"a;b\n1;2\n3").cut, rows(b"a;b\n1;2\n3").floats(0).tolist()) == (True, [1.0])
    assert not rows(b"a;b\n1;2\n3;4").cut


def test_a_missing_cell_is_nan_where_one_may_be_missing() -> None:
    np.testing.assert_array_equal(rows(b"a;b\n1;\n3;4\n").floats(1, missing=True), [np.nan, 4.0])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a;b\n\n1;x\n", "a.csv line 3: 'x' is not a number"),
        (b"a;b\n1;\n", "a.csv line 2: '' is not a number"),
        (b"a;b\n1;1_0\n", "a.csv line 2: '1_0' is not a number"),
        (b"a;b\n1;nan\n", "a.csv line 2: 'nan' is not a number"),
        (b"a;b\n1;2\n1;-1e10\n", "a.csv line 3: '-1e10' is not a number a sensor gives"),
        (b"a;b\n1\n1;2\n", "a.csv line 2: holds 1 cell, not 2"),
        (b"a;b\n", "a.csv: holds no samples"),
        (b"a;b", "a.csv: holds no samples"),
    ],
    ids=["word", "blank", "underscore", "nan", "absurd", "short row", "only a header", "no line end"],
)
def test_what_is_refused_with_its_line(content: bytes, message: str) -> None:
    with pytest.raises(InputError) as caught:
        rows(content).floats(1)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("cell", "seconds"),
    [
        (b"1990-01-01T00:00:01+00:00", 631_152_001.0),
        (b"2021-07-05T16:29:20.125", 1_625_502_560.125),
        (b"2021-07-05 16:29:20.125+02:00", 1_625_495_360.125),
        (b"2021-07-05T16:29:20Z", 1_625_502_560.0),
        (b"16:29:20.5", 59_360.5),
    ],
)
def test_stamps(cell: bytes, seconds: float) -> None:
    assert stamp_s(cell) == seconds


@pytest.mark.parametrize(
    "cell", [b"", b"noon", b"2021-02-30T00:00:00", b"9021-07-05T16:29:20", b"25:00:00", b"\xff"]
)
def test_what_is_no_stamp(cell: bytes) -> None:
    with pytest.raises(InputError, match=r"a\.csv line 1: .* is not a time"):
        rows(b"2021-07-05T16:29:20;1\n".replace(b"2021-07-05T16:29:20", cell), header=0).stamps_s(0)


def test_falls_of_the_clock_that_are_none() -> None:
    """Midnight without a date, the end of summer time, and a clock that is put right by a second."""
    midnight = rows(b"23:59:59;\n00:00:01;\n00:00:00.5;\n", header=0).stamps_s(0)
    assert midnight.tolist() == [86_399.0, 86_401.0, 86_401.0]
    autumn = rows(b"2021-10-31T02:59:59;\n2021-10-31T02:00:00;\n", header=0).stamps_s(0)
    assert np.diff(autumn).tolist() == [1.0]
    with pytest.raises(InputError, match="line 2: the time goes back; split the file there"):
        rows(b"2021-10-31T02:59:59;\n2021-10-31T01:00:00;\n", header=0).stamps_s(0)


def test_where_a_moment_was() -> None:
    there = local_start(b"2021-07-05T16:29:20+02:00", stamp_s(b"2021-07-05T14:29:20Z") - 1)
    assert there == datetime(2021, 7, 5, 16, 29, 19, tzinfo=timezone(timedelta(hours=2)))
    here = local_start(b"2021-07-05T16:29:20", stamp_s(b"2021-07-05T16:29:20"))
    assert here is not None
    assert (here.replace(tzinfo=None), here.tzinfo is not None) == (datetime(2021, 7, 5, 16, 29, 20), True)
    assert local_start(b"16:29:20", 59_360.0) is None
    assert datetime.fromtimestamp(stamp_s(b"2021-07-05T16:29:20"), UTC).hour == 16
