"""Conditions asked before a session: closed answers, those that are offered again, and how they are told."""

from __future__ import annotations

import pytest

from pipeline.conditions import CONDITIONS, asked_conditions, checked_conditions, kept_conditions
from pipeline.errors import UsageError
from pipeline.guidance.safety import QUESTIONS
from pipeline.indices.components import heart_note
from pipeline.language import text

ALL = {condition.name: condition.values[0] for condition in CONDITIONS}


@pytest.mark.parametrize(
    ("told", "stored"),
    [
        ({}, {}),
        ({"hand": "left"}, {"hand": "left"}),
        ({"hand": "", "eyes": None}, {}),
        ({"room": "warm", "posture": "lying"}, {"posture": "lying", "room": "warm"}),
        ({"medication": "other, beta-blocker"}, {"medication": "beta-blocker, other"}),
        (ALL, ALL),
    ],
    ids=["nothing", "one", "left open", "in their order", "several", "all"],
)
def test_answers_as_they_are_stored(told: dict[str, object], stored: dict[str, str]) -> None:
    assert checked_conditions(told) == stored
    assert list(checked_conditions(told)) == list(stored)


@pytest.mark.parametrize(
    ("told", "line"),
    [
        ({"mood": "x"}, "no condition 'mood': there are posture"),
        ({"hand": "third"}, "hand 'third': choose from left, right"),
        ({"hand": ["left"]}, "hand"),
        ({"hand": 5}, "hand '5'"),
        ({"hand": "left, right"}, "hand 'left, right'"),
        ({"medication": "none, other"}, "medication: none, or some, not both"),
        ({"medication": "other,"}, "medication 'other,'"),
        ({"<script>" * 100: "x"}, "no condition '<script>"),
        ({"room": "x" * 10_000}, "room 'xxx"),
    ],
    ids=str,
)
def test_what_cannot_be_an_answer(told: dict[str, object], line: str) -> None:
    with pytest.raises(UsageError) as error:
        checked_conditions(told)
    assert str(error.value).startswith(line)
    assert len(str(error.value)) < 250


def test_what_stays_the_same_is_offered_again() -> None:
    assert list(kept_conditions(ALL)) == ["eda_site", "hand", "medication", "age", "sex"]


def test_each_answer_has_its_words() -> None:
    for asked, condition in zip(asked_conditions(), CONDITIONS, strict=True):
        values = asked["values"]
        assert isinstance(values, list)
        assert (asked["name"], asked["several"]) == (condition.name, condition.several)
        assert [each["value"] for each in values] == list(condition.values)
        assert all(each["title"] for each in (asked, *values))


def test_each_question_before_a_first_session_has_its_word() -> None:
    assert all(text(f"entries.screening.{question.id}") for question in QUESTIONS)


@pytest.mark.parametrize(
    ("medication", "note"),
    [("beta-blocker, other", "beta-blocker noted"), ("none", None), ("anticholinergic", None)],
)
def test_a_beta_blocker_takes_the_heart_out_of_the_index(medication: str, note: str | None) -> None:
    assert heart_note({**ALL, "medication": medication}) == note
