from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from pipeline.grammar import day, joined, listed, local_time, sentence
from pipeline.language import reason, use
from tests.pseudo_locale import pseudo_locale


@pytest.mark.parametrize(
    ("at", "told"),
    [
        (datetime(2026, 3, 1, 9, 5, tzinfo=UTC), "1 March 2026, 09:05 (UTC+00:00)"),
        (
            datetime(2026, 12, 31, 23, 59, tzinfo=timezone(-timedelta(hours=3, minutes=30))),
            "31 December 2026, 23:59 (UTC−03:30)",
        ),
        (datetime(2026, 3, 1, 9, 5), "1 March 2026, 09:05"),
    ],
    ids=["UTC", "west of it", "nobody knows where"],
)
def test_a_time_and_where_it_was_so(at: datetime, told: str) -> None:
    assert local_time(at) == told


def test_a_day_is_in_the_order_of_the_language() -> None:
    assert day(date(2026, 5, 9)) == "9 May 2026"
    with use(pseudo_locale()):
        assert day(date(2026, 5, 9)) == "⟦9 ⟦Ḿȧẏ⟧ 2026⟧"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("there is no heart signal", "There is no heart signal."),
        ("No skin response seen.", "No skin response seen."),
        (" was it so? ", "Was it so?"),
        ("ECG", "ECG."),
    ],
)
def test_a_reason_stands_as_a_sentence(said: str, told: str) -> None:
    assert sentence(said) == told


def test_a_sentence_is_in_the_language_in_use() -> None:
    with use(pseudo_locale()):
        assert sentence(reason("units.bpm")) == "⟦ƀƥḿ⟧."


@pytest.mark.parametrize(
    ("parts", "told"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_parts_of_a_sentence_are_joined(parts: list[str], told: str) -> None:
    assert joined(parts) == told


@pytest.mark.parametrize(("parts", "told"), [([], ""), (["a"], "a"), (["a", "b", "c"], "a, b, c")])
def test_parts_of_a_list_are_put_together(parts: list[str], told: str) -> None:
    assert listed(parts) == told
