"""Both ways of reading rows of numbers give the same, bit for bit, or the same fault."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.exports.number_rows import number_rows
from devices.exports.reader import Source
from pipeline.errors import InputError

SOURCE = Source(Path("e4"), {"ACC.csv": b""})


@given(
    st.lists(
        st.floats(-1e9, 1e9).flatmap(
            lambda value: st.sampled_from([repr(value), f"{value:.2f}", f"{value:e}"])
        ),
        min_size=1,
        max_size=30,
    ),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_numbers_are_those_of_python(cells: list[str], newline: str) -> None:
    found = number_rows(SOURCE, "BVP.csv", newline.join(cells).encode(), 2, 1)
    np.testing.assert_array_equal(found[:, 0], [float(cell) for cell in cells])


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (b"1,2,3\n 4, -5 ,6", [[1, 2, 3], [4, -5, 6]]),
        (b"1,2,3\nnan,5,6", [[1, 2, 3], [np.nan, 5, 6]]),
        (b"+1,.5,1.", [[1, 0.5, 1]]),
    ],
    ids=["blanks", "a missing sample", "spellings"],
)
def test_rows(rows: bytes, expected: list[list[float]]) -> None:
    np.testing.assert_array_equal(number_rows(SOURCE, "ACC.csv", rows, 2, 3), expected)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (b"1,2,3\n1,2", "line 4.*holds 2 numbers, not 3"),
        (b"1,2,3\n\n1,2,3", "line 4.*'' is not a number"),
        (b"1,2,3\n1,2,3,4", "line 4.*holds 4 numbers, not 3"),
        (b"1,1_0,3", "line 3.*'1_0' is not a number"),
        (b"1,2,inf", "line 3.*'inf' is not a number a sensor gives"),
        (b"1,2,1e400", "line 3.*'1e400' is not a number a sensor gives"),
        (b'1,"2",3', "line 3.*is not a number"),
    ],
    ids=["too few", "blank line", "too many", "underscore", "infinite", "beyond a double", "quoted"],
)
def test_faults_are_told_with_their_line(rows: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        number_rows(SOURCE, "ACC.csv", rows, 2, 3)
