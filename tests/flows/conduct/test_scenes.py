"""What the two screens show: the client's has nothing clinical, and a picture never stands for no data."""

import json
from dataclasses import replace
from typing import Any

import pytest

from flows.conduct.conductor import Stage
from flows.conduct.scenes import HIDDEN, NOT_YET, client_screen, led
from pipeline.guidance.protocol import Setting
from pipeline.guidance.safety import PACER, PACER_OFF, UNWELL_BUTTON
from tests.flows.conduct.led import STEPS, Led

GOOD = {"rhythm_concentration": {"value": 1.0, "why": None}, "scl_us": {"value": 4.0, "why": None}}
CLINICAL = (
    "heart_rate",
    "rmssd",
    "marker",
    "note",
    "threshold",
    "ratings",
    "goal",
    "device",
    "arousal",
    "scl",
)


@pytest.fixture
def practising() -> Led:
    one = Led()
    one.do("begin")
    one.until(140.0)
    return one


def screen(
    one: Led, values: dict[str, Any] = GOOD, baseline: dict[str, float] | None = None
) -> dict[str, Any]:
    return client_screen(one.conductor, values, baseline or {})


@pytest.mark.parametrize("at_s", [0.0, 5.0, 30.0, 100.0, 140.0, 200.0])
def test_the_client_s_screen_has_nothing_clinical(at_s: float) -> None:
    one = Led()
    one.do("begin")
    one.do("note", text="looks pale")
    one.do("mark", kind="Symptom")
    one.until(at_s)
    said = json.dumps(screen(one)).lower()
    assert [word for word in (*CLINICAL, "pale", "symptom") if word in said] == []


@pytest.mark.parametrize(
    ("doing", "shown"),
    [
        ([], "phase"),
        (["pause"], "paused"),
        (["unwell"], "rest"),
        (["stop"], "ended"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_which_screen_it_is(practising: Led, doing: list[str], shown: str) -> None:
    for name in doing:
        practising.do(name)
    assert screen(practising)["screen"] == shown


def test_high_distress_offers_grounding_and_the_strategy_for_it(practising: Led) -> None:
    practising.do("rate", scale="distress", value=9)
    shown = screen(practising)
    assert (shown["screen"], shown["pacer"], shown["feedback"]) == ("grounding", None, None)
    assert shown["strategy"]["steps"]
    assert "Feedback and the pacer have stopped" in shown["safety"]["text"]


def test_a_blank_screen_is_blank_whatever_happens(practising: Led) -> None:
    practising.do("blank", on=True)
    shown = screen(practising)
    assert (shown["screen"], shown["pacer"], shown["feedback"], shown["task"]) == ("blank", None, None, None)


def test_at_the_threshold_the_picture_is_half_full(practising: Led) -> None:
    assert screen(practising)["feedback"] == {"element": "tide", "value": 0.5, "paused": None}


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({}, "no signal"),
        ({"rhythm_concentration": {"value": None, "why": "warming up"}}, "warming up"),
        ({"rhythm_concentration": {"value": None, "why": "needs 64 s, the window has 7 s"}}, NOT_YET),
        ({"rhythm_concentration": {"value": None, "why": "too few clean beats"}}, NOT_YET),
    ],
    ids=["nothing yet", "not known", "too short", "too few"],
)
def test_without_a_value_the_picture_waits_and_says_why_without_numbers(
    practising: Led, values: dict[str, Any], why: str
) -> None:
    assert screen(practising, values)["feedback"] == {"element": "tide", "value": None, "paused": why}


@pytest.mark.parametrize(
    ("instruction", "reminder"),
    [
        ("Follow the pacer.", PACER),
        (f"Follow the pacer. {PACER}", None),
        ("Follow the pacer. Smaller and softer, not deeper; stop if you feel dizzy.", None),
    ],
)
def test_how_to_breathe_with_a_pacer_is_said_once(instruction: str, reminder: str | None) -> None:
    one = Led(steps=(replace(STEPS[-1], instruction=instruction),))
    assert screen(one)["reminder"] == PACER  # beside the pacer that is to come
    one.do("begin")
    shown = screen(one)
    assert (shown["reminder"], shown["unwell"]) == (reminder, UNWELL_BUTTON)
    one.do("pause")
    assert screen(one)["reminder"] is None


def test_without_a_pacer_there_is_no_word_of_one(practising: Led) -> None:
    practising.do("restart_baseline")
    assert (screen(practising)["pacer"], screen(practising)["reminder"]) == (None, None)


def test_after_a_halt_nobody_is_told_to_follow_a_pacer_that_is_off(practising: Led) -> None:
    practising.do("unwell")
    practising.do("carry_on")
    shown = screen(practising)
    assert (shown["screen"], shown["pacer"], shown["instruction"]) == ("phase", None, PACER_OFF)


def test_a_measure_without_baseline_or_threshold_has_no_picture(practising: Led) -> None:
    practising.do("feedback", measure="scl_us")
    assert screen(practising)["feedback"]["value"] is None
    assert screen(practising, GOOD, {"scl_us": 4.0})["feedback"]["value"] == 0.5


def test_hidden_heart_data_move_no_picture(practising: Led) -> None:
    practising.do("hide_heart", on=True)
    assert screen(practising)["feedback"] == {"element": "tide", "value": None, "paused": HIDDEN}
    practising.do("feedback", measure="scl_us")
    assert screen(practising, GOOD, {"scl_us": 4.0})["feedback"]["value"] == 0.5


@pytest.mark.parametrize(("setting", "home"), [(Setting.HOME, True), (Setting.CLINIC, False)])
def test_only_at_home_nobody_is_watching(setting: Setting, home: bool) -> None:
    one = Led(setting=setting)
    shown = client_screen(one.conductor, {}, {}, "Call 116 123")
    assert (shown["home"], shown["crisis_line"]) == (home, "Call 116 123" if home else None)


def test_a_check_in_is_asked_for_before_and_after_once() -> None:
    one = Led(check_in=True)
    assert screen(one)["check_in"] == "before"
    one.do("check_in", when="before")
    assert screen(one)["check_in"] is None
    one.do("begin")
    assert screen(one)["check_in"] is None
    one.do("stop")
    assert screen(one)["check_in"] == "after"


def test_the_questions_come_at_home_before_a_first_session_until_they_are_answered() -> None:
    one = Led(setting=Setting.HOME)
    assert screen(one)["screening"] == []
    one.conductor.first_session = True
    assert next(question["id"] for question in screen(one)["screening"]) == "pacemaker"
    one.do("screening", answers={})
    assert screen(one)["screening"] == []


def test_the_leading_screen_counts_down_to_an_end_that_moves_with_pauses(practising: Led) -> None:
    def course() -> tuple[Any, ...]:
        told = led(practising.conductor, practising.now_s, {})
        return told["state"], told["step"], told["step_ends_s"], told["left_s"]

    assert course() == (Stage.RUNNING, 3, 190.0, None)
    practising.do("pause")
    practising.until(150.0)
    assert course() == (Stage.PAUSED, 3, None, 50.0)
    practising.do("resume")
    assert course() == (Stage.RUNNING, 3, 200.0, None)


def test_what_the_screens_are_told_is_plain_json(practising: Led) -> None:
    practising.do("mark", kind="<script>", text="</script>")
    for told in (led(practising.conductor, 140.0, {}), screen(practising)):
        assert json.loads(json.dumps(told, allow_nan=False)) == told
