"""What can be entered and what cannot: ranges by scale, days, names, and texts that mean harm."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.entries import (
    KINDS,
    Adverse,
    Entry,
    Outcome,
    Scale,
    TakenBack,
    Week,
    entry_from,
    monday_of,
    told_day,
)
from pipeline.errors import UsageError

DAY, BY = "2026-11-20", "AB"
NASTY = '<script>alert(1)</script>"; {goal} %s \x1b[2J\n' + "ü" * 1900


def told(**facts: Any) -> dict[str, Any]:
    return {"day": DAY, "by": BY, **facts}


def outcome(**facts: Any) -> dict[str, Any]:
    return told(kind="outcome", **facts)


@pytest.mark.parametrize(
    ("facts", "entry"),
    [
        (outcome(scale="PSS", value=0), Outcome(day=DAY, by=BY, scale=Scale.PSS, value=0)),
        (outcome(scale="pss", value=40.0), Outcome(day=DAY, by=BY, scale=Scale.PSS, value=40)),
        (outcome(scale="GAD-7", value=21), Outcome(day=DAY, by=BY, scale=Scale.GAD_7, value=21)),
        (
            outcome(scale="PHQ-9", value=27, item_9=3),
            Outcome(day=DAY, by=BY, scale=Scale.PHQ_9, value=27, item_9=3),
        ),
        (
            outcome(scale="goal", value=10, goal=" Sleep "),
            Outcome(day=DAY, by=BY, scale=Scale.GOAL, value=10, goal="Sleep"),
        ),
        (told(kind="week", sleep=0), Week(day="2026-11-16", by=BY, sleep=0)),
        (
            told(kind="week", activity=7, people=6, novelty=5, nature=4, sleep=3),
            Week(day="2026-11-16", by=BY, activity=7, people=6, novelty=5, nature=4, sleep=3),
        ),
        (told(kind="adverse", text=NASTY), Adverse(day=DAY, by=BY, text=NASTY.strip())),
        (
            told(kind="adverse", text="Dizzy", session="s-1"),
            Adverse(day=DAY, by=BY, text="Dizzy", session="s-1"),
        ),
        (told(kind="taken-back", of="ab12"), TakenBack(day=DAY, by=BY, of="ab12")),
        (told(kind="adverse", text="x", mood="later"), Adverse(day=DAY, by=BY, text="x")),
    ],
    ids=lambda value: (
        None if isinstance(value, Entry) else " ".join(map(str, list(value.values())[2:4]))[:30]
    ),
)
def test_what_can_be_entered(facts: dict[str, Any], entry: Entry) -> None:
    assert entry_from(facts) == entry
    assert entry_from(entry.as_json()) == entry


@pytest.mark.parametrize("kind", ["correction", "", None, 5, []])
def test_a_kind_of_a_later_version(kind: object) -> None:
    assert entry_from(told(kind=kind)) is None


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        (outcome(scale="PSS", value=41), "PSS: a whole number from 0 to 40, not 41"),
        (outcome(scale="PSS", value=-1), "PSS: a whole number from 0 to 40, not -1"),
        (outcome(scale="PSS", value=3.5), "PSS: a whole number from 0 to 40, not 3.5"),
        (outcome(scale="PSS", value="12"), "PSS: a whole number from 0 to 40, not '12'"),
        (outcome(scale="PSS", value=True), "PSS: a whole number from 0 to 40, not True"),
        (outcome(scale="PSS", value=float("nan")), "PSS: a whole number from 0 to 40, not nan"),
        (outcome(scale="PSS", value=float("inf")), "PSS: a whole number from 0 to 40, not inf"),
        (outcome(scale="PSS", value=10**400), "PSS: a whole number from 0 to 40, not 1000"),
        (outcome(scale="GAD-7", value=22), "GAD-7: a whole number from 0 to 21, not 22"),
        (outcome(scale="PHQ-9", value=28, item_9=3), "PHQ-9: a whole number from 0 to 27, not 28"),
        (outcome(scale="PHQ-9", value=4), "PHQ-9: say its item 9 too, 0 to 3"),
        (outcome(scale="PHQ-9", value=9, item_9=4), "item 9 of the PHQ-9: a whole number from 0 to 3, not 4"),
        (outcome(scale="PHQ-9", value=1, item_9=2), "PHQ-9: a sum of 1 does not go with 2 at item 9"),
        (outcome(scale="PHQ-9", value=27, item_9=2), "PHQ-9: a sum of 27 does not go with 2 at item 9"),
        (outcome(scale="PSS", value=4, item_9=0), "item 9 belongs to the PHQ-9"),
        (outcome(scale="PSS", value=4, goal="x"), "a goal is named where an own goal is rated"),
        (outcome(scale="goal", value=11, goal="x"), "goal: a whole number from 0 to 10, not 11"),
        (outcome(scale="goal", value=5), "goal: is empty"),
        (outcome(scale="goal", value=5, goal="x" * 121), "goal: is longer than 120 characters"),
        (outcome(scale="BDI", value=5), "scale 'BDI': choose from PSS, GAD-7, PHQ-9, goal"),
        (outcome(scale=["PSS"], value=5), "scale"),
        (outcome(scale="PSS"), "outcome: say value"),
        (outcome(), "outcome: say scale and value"),
        (told(kind="week"), "week: say at least one of activity, people, novelty, nature, sleep"),
        (told(kind="week", nature=8), "nature, days of the week: a whole number from 0 to 7, not 8"),
        (told(kind="adverse", text="  "), "adverse: say text"),
        (told(kind="adverse", text=5), "what happened: is empty"),
        (told(kind="adverse", text="x" * 2001), "what happened: is longer than 2000 characters"),
        (told(kind="adverse", text="\ud800"), "what happened: holds a character that is none"),
        ({"kind": "adverse", "text": "x", "day": DAY}, "adverse: say by"),
        (told(kind="adverse", text="x") | {"by": "x" * 61}, "name: is longer than 60 characters"),
        (
            told(kind="adverse", text="x") | {"day": "20.11.2026"},
            "day '20.11.2026': write it as year-month-day",
        ),
        (told(kind="adverse", text="x") | {"day": {}}, "day '{}': write it as year-month-day"),
        (told(kind="week", sleep=1) | {"day": "0001-01-01"}, "day '0001-01-01': write it as year-month-day"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else None,
)
def test_what_cannot_is_one_line(facts: dict[str, Any], line: str) -> None:
    with pytest.raises(UsageError) as error:
        entry_from(facts)
    assert str(error.value).startswith(line)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 200


@pytest.mark.parametrize(
    ("day", "monday"),
    [("2026-11-16", "2026-11-16"), ("2026-11-22", "2026-11-16"), ("2027-01-01", "2026-12-28")],
)
def test_a_week_begins_on_monday(day: str, monday: str) -> None:
    assert monday_of(day) == monday


def test_a_day_that_has_not_come() -> None:
    today = date(2026, 11, 20)
    assert told_day("2026-11-21", today) == "2026-11-21"  # another time zone's today
    with pytest.raises(UsageError, match="day 2026-11-22: has not come yet"):
        told_day("2026-11-22", today)


@pytest.mark.parametrize(("item_9", "asks"), [(0, False), (1, True), (3, True)])
def test_item_9_asks_to_speak(item_9: int, asks: bool) -> None:
    assert Outcome(day=DAY, by=BY, scale=Scale.PHQ_9, value=9, item_9=item_9).asks_to_speak is asks


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["PSS", "PHQ-9", DAY]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FIELDS = [
    "day",
    "by",
    "scale",
    "value",
    "item_9",
    "goal",
    "activity",
    "sleep",
    "text",
    "session",
    "of",
    "id",
    "at",
]


@given(st.sampled_from(list(KINDS)), st.dictionaries(st.sampled_from(FIELDS), ANYTHING))
def test_whatever_is_sent_is_an_entry_or_one_line(kind: str, facts: dict[str, Any]) -> None:
    told = ""
    try:
        entry = entry_from({"day": DAY, "by": BY, **facts, "kind": kind})
    except UsageError as error:
        told = str(error)
    else:
        assert entry is not None
        assert entry_from(json.loads(json.dumps(entry.as_json(), allow_nan=False).encode())) == entry
    assert "\n" not in told
