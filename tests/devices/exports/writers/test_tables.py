"""Numbers and tables as text."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.exports.writers.tables import csv, decimal, table, texts, tsv


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(800.0, 7, "800"), (810.546875, 7, "810.546875"), (0.5, 3, "0.5"), (-0.0001, 3, "0"), (100.0, 0, "100")],
)
def test_a_decimal_has_no_digits_that_say_nothing(value: float, digits: int, text: str) -> None:
    assert decimal(value, digits) == text


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=20))
def test_a_number_is_read_as_the_same_again(values: list[float]) -> None:
    assert [float(text) for text in texts(np.array(values))] == values


def test_a_missing_number_is_a_missing_cell() -> None:
    assert texts(np.array([1.0, math.nan]), missing="n/a") == ["1", "n/a"]


def test_columns_stand_side_by_side() -> None:
    assert table(("a", "b"), [["1", "2"], ["3", "4"]]) == b"a,b\n1,3\n2,4\n"
    assert table((), [["1", "2"], ["3", "4"]], "\t") == b"1\t3\n2\t4\n"


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("=1+1", "'=1+1"),
        ("@home", "'@home"),
        ("tea, or\tcoffee\n", '"tea, or coffee"'),
        (None, ""),
        (-2.5, "-2.5"),
    ],
)
def test_a_word_stays_one_cell_and_is_never_run(cell: str | float | None, text: str) -> None:
    assert csv(("a", "b"), [(cell, 1)]).decode() == f"a,b\n{text},1\n"


def test_bids_writes_what_is_missing_as_n_a() -> None:
    assert tsv(("a", "b"), [(None, 1.5)]) == b"a\tb\nn/a\t1.5\n"
