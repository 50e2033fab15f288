import pytest

from pipeline.conditions import CONDITIONS
from pipeline.report.circumstances import circumstances, conditions_told


def test_said_in_words() -> None:
    said = {"posture": "sitting", "sleep": "under-5-hours"}
    said |= {"medication": "beta-blocker, other", "own": "x & y"}
    assert conditions_told(said) == (
        "Posture: sitting; Sleep last night: under 5 hours; Medication: beta-blocker, other; own: x & y"
    )


def test_of_the_questions_before_a_first_session_only_a_yes_is_told() -> None:
    assert conditions_told({"epilepsy": "no", "pregnancy": "yes", "screening_pacemaker": "no"}) == (
        "Pregnancy: yes"
    )


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({}, []),
        ({"caffeine": "none-today", "posture": "sitting", "room": "comfortable"}, []),
        ({"caffeine": "within-two-hours", "exercise": "within-two-hours"}, ["Caffeine and exercise within"]),
        ({"medication": "beta-blocker, stimulant"}, ["Beta-blocker:", "Stimulant:"]),
        ({"posture": "standing"}, ["Measured standing:"]),
        ({"room": "cold"}, ["The room was cold:"]),
        ({"eda_site": "wrist"}, ["Skin conductance from the wrist"]),
        ({"posture": "<b>on my head</b>"}, []),
    ],
)
def test_told_where_it_matters(said: dict[str, str], told: list[str]) -> None:
    found = circumstances(said)
    assert len(found) == len(told)
    assert all(sentence.startswith(begins) for sentence, begins in zip(found, told, strict=True))


@pytest.mark.parametrize(
    ("name", "value"), [(each.name, value) for each in CONDITIONS for value in each.values]
)
def test_every_answer_can_be_said(name: str, value: str) -> None:
    assert conditions_told({name: value})
    circumstances({name: value})
