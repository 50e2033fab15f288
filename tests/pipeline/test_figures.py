from collections.abc import Callable

import pytest

from pipeline import figures
from pipeline.figures import as_percent_change, clock, number, share, shortest, signed
from pipeline.language import use
from tests.pseudo_locale import pseudo_locale


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (0.0, 0, "0"),
        (-0.04, 1, "0.0"),
        (-3.25, 1, "−3.2"),
        (1234.0, 0, "1\u202f234"),
        (-1234567.891, 1, "−1\u202f234\u202f567.9"),
    ],
)
def test_number(value: float, decimals: int, text: str) -> None:
    assert number(value, decimals) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (6.0, "6"),
        (6.5, "6.5"),
        (5.25, "5.25"),
        (-0.0, "0"),
        (-1.5, "−1.5"),
        (1200.0, "1\u202f200"),
        (2e6, "2\u202f000\u202f000"),
    ],
)
def test_no_more_decimals_than_there_are(value: float, text: str) -> None:
    assert shortest(value) == text


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (lambda: number(1234.56, 1), "1’234,6"),
        (lambda: shortest(-6.5), "−6,5"),
        (lambda: signed(0.25, 2), "+0,25"),
        (lambda: figures.percent(99.9, 1), "99,9\u202f%"),
        (lambda: clock(75.0), "1:15"),
    ],
    ids=["grouped", "negative", "signed", "percent", "a time"],
)
def test_the_signs_are_those_of_the_language(said: Callable[[], str], text: str) -> None:
    with use(pseudo_locale()):
        assert said() == text


@pytest.mark.parametrize(("value", "text"), [(1.0, "+1"), (-1.0, "−1"), (0.2, "0"), (-0.2, "0")])
def test_signed(value: float, text: str) -> None:
    assert signed(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (59.4, "0:59"), (59.6, "1:00"), (754, "12:34"), (3599.6, "1:00:00"), (36061, "10:01:01")],
)
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


@pytest.mark.parametrize(
    ("part", "text"),
    [(1.0, "100 %"), (0.9999, "99.9 %"), (0.996, "99.6 %"), (0.97, "97 %"), (0.002, "0.2 %"), (0.0, "0 %")],
)
def test_a_share_is_all_or_nothing_only_where_it_is(part: float, text: str) -> None:
    assert share(part).replace("\u202f", " ") == text


def test_a_difference_of_logarithms_is_a_ratio() -> None:
    assert as_percent_change(0.0) == 0
    assert round(as_percent_change(0.6931), 1) == 100.0
    assert round(as_percent_change(-0.6931), 1) == -50.0


@pytest.mark.parametrize(
    ("quantity", "value", "text"),
    [
        (figures.HEART_RATE, 66.66, "66.7 bpm"),
        (figures.RMSSD, 41.4, "41 ms"),
        (figures.RMSSD, 8.44, "8.4 ms"),
        (figures.LF, 1830.4, "1 830 ms²"),
        (figures.SCL, 4.126, "4.13 µS"),
        (figures.SCL, 14.13, "14.1 µS"),
        (figures.SCR_RATE, 3.0, "3.0 per min"),
        (figures.SCR_AMPLITUDE, 0.2, "0.20 µS"),
    ],
)
def test_quantities_have_sensible_digits(quantity: figures.Quantity, value: float, text: str) -> None:
    assert quantity.with_unit(value).replace("\u202f", " ") == text
