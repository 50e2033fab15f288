"""What a page may ask for: by whom, with which facts, and that nonsense is one line and changes nothing."""

from typing import Any

import pytest

from flows.conduct.actions import CLIENT, OPERATOR, act
from flows.conduct.scenes import client_screen
from pipeline.errors import UsageError
from pipeline.events import OF_THE_SESSION
from pipeline.journal import Kind
from tests.flows.conduct.led import Led

OPERATOR_ONLY = sorted(set(OPERATOR) - set(CLIENT))


@pytest.fixture
def led() -> Led:
    led = Led()
    led.do("begin")
    led.until(30.0)
    return led


def test_the_client_s_screen_may_do_only_what_is_the_client_s() -> None:
    assert set(CLIENT) == {
        "begin", "pause", "resume", "skip", "stop", "rate", "unwell", "carry_on", "check_in", "screening",
        "task", "feedback",
    }  # fmt: skip


@pytest.mark.parametrize("name", OPERATOR_ONLY)
def test_what_is_the_operator_s_is_refused_to_the_client(led: Led, name: str) -> None:
    before = (len(led.records), led.conductor.version)
    with pytest.raises(UsageError, match="only be done from the screen that leads"):
        led.do(name, as_client=True, kind="note", text="x", seconds=1, on=True, measure="scl_us", id="x")
    assert (len(led.records), led.conductor.version) == before


def test_the_client_chooses_a_picture_and_nothing_else_of_it(led: Led) -> None:
    led.do("feedback", as_client=True, element="garden", on=False, measure="scl_us")
    screens = led.conductor.screens
    assert (screens.element, screens.feedback_on, screens.measure) == ("garden", True, None)


@pytest.mark.parametrize(
    ("name", "facts", "told"),
    [
        ("juggle", {}, "there is no action 'juggle'"),
        ("mark", {}, "kind is missing"),
        ("mark", {"kind": 5}, "kind is missing"),
        ("mark", {"kind": " "}, "1 to 60 characters"),
        ("mark", {"kind": "x", "ago_s": 601}, "up to 600 s later"),
        ("mark", {"kind": "x", "text": "y" * 2001}, "shorten it"),
        ("relabel", {"id": 77, "kind": "x"}, "no such marker"),
        ("relabel", {"id": "1", "kind": "x"}, "id is not a number"),
        ("span_start", {"kind": "singing"}, "there are talking, moving, touching"),
        ("rate", {"scale": "distress", "value": 11}, "between 0 and 10"),
        ("rate", {"scale": "distress", "value": True}, "value is not a number"),
        ("rate", {"scale": "distress", "value": float("nan")}, "value is not a number"),
        ("rate", {"scale": "joy", "value": 1}, "no scale 'joy'"),
        ("ask", {"scale": "joy"}, "there is no scale 'joy'"),
        ("note", {"text": "  "}, "write something first"),
        ("note", {"text": "a\ud83d"}, "half a sign"),
        ("goal", {"text": "a\ud83d"}, "half a sign"),
        ("extend", {"seconds": 10**400}, "seconds is not a number"),
        ("remove", {"id": 77}, "no such marker"),
        ("task", {"name": "stroop", "shown": 1e300, "right": 1}, "shown is not a number"),
        ("extend", {"seconds": "60"}, "seconds is not a number"),
        ("threshold", {"measure": "cortisol", "value": 1}, "there is no measure 'cortisol'"),
        ("feedback", {"element": "fireworks"}, "there is no element 'fireworks'"),
        ("hide_heart", {"on": "yes"}, "on is yes or no"),
        ("check_in", {"when": "during"}, "before or after"),
        ("screening", {"answers": {"pregnancy": "yes"}}, "answers are yes or no"),
        ("screening", {"answers": {"shoe-size": True}}, "no question 'shoe-size'"),
        ("task", {"name": "stroop", "shown": 3, "right": 4}, "more right answers than questions"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_nonsense_is_one_line_and_changes_nothing(
    led: Led, name: str, facts: dict[str, Any], told: str
) -> None:
    before = len(led.records)
    with pytest.raises(UsageError, match=told) as caught:
        led.do(name, **facts)
    assert "\n" not in str(caught.value)
    assert len(led.records) == before


def test_what_is_marked_is_listed_as_it_is_stored(led: Led) -> None:
    led.do("mark", kind="Stressor")
    led.do("mark", kind="Movement", ago_s=10)
    led.do("span_start", kind="talking")
    led.until(35.0)
    led.do("span_end", kind="talking")
    led.do("relabel", id=led.conductor.noted.listed(35.0)["markers"][0]["id"], kind="Symptom", text="dizzy")
    listed = led.conductor.noted.listed(35.0)
    assert [(each["time_s"], each["end_s"], each["kind"], each["text"]) for each in listed["markers"]] == [
        (20.0, None, "Symptom", "dizzy"),
        (30.0, None, "Stressor", ""),
        (30.0, 35.0, "talking", ""),
    ]
    assert listed["open_spans"] == []


def test_what_happened_to_the_session_stays(led: Led) -> None:
    led.do("strategy", id="five-senses")
    led.do("unwell")
    own = [mark for mark in led.conductor.noted.listed(0.0)["markers"] if mark["kind"] in OF_THE_SESSION]
    assert [mark["kind"] for mark in own] == ["strategy", "safety"]
    for mark in own:
        for action in ({"do": "remove"}, {"do": "relabel", "kind": "note"}):
            with pytest.raises(UsageError, match="stays as it is"):
                act(led.conductor, {**action, "id": mark["id"]}, as_client=False)
    assert [marker.text for marker in led.marked("safety")] == ["unwell"]


@pytest.mark.parametrize("kind", sorted(OF_THE_SESSION))
def test_a_person_s_marker_is_not_called_what_is_the_session_s_own(led: Led, kind: str) -> None:
    led.do("mark", kind="note")
    number = led.conductor.noted.listed(0.0)["markers"][-1]["id"]
    for action in ({"do": "mark"}, {"do": "relabel", "id": number}):
        with pytest.raises(UsageError, match="choose another word"):
            act(led.conductor, {**action, "kind": f" {kind}"}, as_client=False)


def test_a_span_that_is_held_twice_is_one(led: Led) -> None:
    led.do("span_start", kind="moving")
    led.do("span_start", kind="moving")
    assert led.conductor.noted.listed(30.0)["open_spans"] == ["moving"]
    led.do("span_end", kind="moving")
    led.do("span_end", kind="moving")
    assert len(led.marked("moving")) == 1


def test_a_check_in_is_stored_in_the_person_s_words_and_an_empty_one_is_not(led: Led) -> None:
    led.do("check_in", as_client=True, when="before", feeling="tense", thought="", body="", did="")
    led.do("check_in", as_client=True, when="after")
    assert led.facts(Kind.CHECK_IN) == [
        {"when": "before", "feeling": "tense", "thought": "", "body": "", "did": ""}
    ]
    assert led.conductor.noted.checked_in == {"before", "after"}


def test_the_answers_before_a_first_session_become_conditions_and_advice(led: Led) -> None:
    led.conductor.first_session = True
    led.do("screening", as_client=True, answers={"pacemaker": False, "asthma-or-copd": True})
    assert led.facts(Kind.CONDITIONS) == [{"pacemaker": "no", "asthma-or-copd": "yes"}]
    assert "Keep your inhaler at hand" in client_screen(led.conductor, {}, {})["advice"][0]
    assert not led.conductor.first_session
    with pytest.raises(UsageError, match="and once"):
        led.do("screening", as_client=True, answers={"pacemaker": True})


def test_a_threshold_and_the_goal_are_kept_for_next_time(led: Led) -> None:
    led.do("threshold", measure="scl_us", value=3.5)
    led.do("goal", text=" Sleep through the night ")
    led.do("next_step", text="")
    wishes = led.conductor.wishes
    assert (wishes.thresholds, wishes.goal, wishes.next_step) == (
        {"scl_us": 3.5},
        "Sleep through the night",
        None,
    )
    led.do("threshold", measure="scl_us", value=None)
    assert wishes.thresholds == {}
