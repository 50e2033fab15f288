"""A session as it is led: what intervening does to the course, and that each of it is journalled."""

import asyncio
from dataclasses import replace

import pytest

from flows.conduct.conductor import Stage
from pipeline.clock import Clock, run
from pipeline.errors import UsageError
from pipeline.guidance.safety import ConcernKind
from pipeline.journal import Kind
from pipeline.model import Pacer
from tests.flows.conduct.led import STEPS, Led


@pytest.fixture
def led() -> Led:
    return Led()


@pytest.fixture
def practising(led: Led) -> Led:
    led.do("begin")
    led.until(140.0)
    return led


def test_left_alone_the_phases_are_the_protocol_s(led: Led) -> None:
    led.do("begin")
    led.until(190.0)
    assert led.phases == [
        ("Settle", "settle", 0, 10),
        ("Baseline", "baseline", 10, 70),
        ("Challenge", "stressor", 70, 130),
        ("Practice", "paced", 130, 190),
    ]
    assert led.conductor.stage is Stage.CLOSING
    assert [step.name for step in led.heard] == [step.name for step in STEPS]


def test_nothing_begins_before_the_sensors_have_sent_something(led: Led) -> None:
    led.conductor.to(Stage.WAITING)
    with pytest.raises(UsageError, match="wait a moment"):
        led.do("begin")
    assert led.records == []


def test_a_pause_stops_the_time_and_is_a_span(led: Led) -> None:
    led.do("begin")
    led.until(30.0)
    led.do("pause")
    assert led.conductor.stage is Stage.PAUSED
    led.until(50.0)
    led.do("resume")
    led.until(90.0)
    assert led.phases[1] == ("Baseline", "baseline", 10, 90)
    assert [(each.time_s, each.end_s) for each in led.marked("pause")] == [(30, 50)]


def test_a_pacer_breathes_on_where_it_paused(practising: Led) -> None:
    practising.do("pause")
    practising.until(147.0)
    practising.do("resume")
    assert practising.conductor.pacer is not None
    assert practising.conductor.pacer.began_s == 137.0


@pytest.mark.parametrize(
    ("action", "facts", "told"),
    [
        ("extend", {"seconds": 60}, "Baseline: extended by 60 s"),
        ("extend", {"seconds": -20}, "Baseline: shortened by 20 s"),
        ("next", {}, "Baseline: left with 40 s to go"),
        ("skip", {}, "Baseline: left with 40 s to go"),
        ("restart_baseline", {}, "Baseline: begun again"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_somebody_did_to_the_course_is_written_down(
    led: Led, action: str, facts: dict[str, float], told: str
) -> None:
    led.do("begin")
    led.until(30.0)
    led.do(action, **facts)
    assert [(each.time_s, each.text) for each in led.marked("protocol")] == [(30.0, told)]


def test_a_baseline_that_is_begun_again_is_the_only_one(led: Led) -> None:
    led.do("begin")
    led.until(100.0)
    led.do("restart_baseline")
    led.until(165.0)
    assert led.phases == [
        ("Settle", "settle", 0, 10),
        ("Baseline", "other", 10, 70),
        ("Challenge", "other", 70, 100),
        ("Baseline", "baseline", 100, 160),
        ("Challenge", "stressor", 160, 165),
    ]


def test_a_pacer_set_by_hand_begins_a_phase_of_its_own(practising: Led) -> None:
    practising.do("pacer", breaths_per_min=5.5, inhale_share=0.5)
    paced = [(each.name, each.pacer, each.start_s) for each in practising.stored_phases if each.pacer]
    assert paced == [("Practice", Pacer(6.0, 0.4), 130), ("Practice", Pacer(5.5, 0.5), 140)]
    assert practising.heard[-1].pacer == Pacer(5.5, 0.5)


@pytest.mark.parametrize("rate", [4.4, 0, 21])
def test_no_pacer_is_slower_or_faster_than_is_safe(practising: Led, rate: float) -> None:
    with pytest.raises(UsageError, match=r"choose from 4\.5"):
        practising.do("pacer", breaths_per_min=rate)
    assert practising.conductor.pacer is not None
    assert practising.conductor.pacer.pacer == Pacer(6.0, 0.4)


def test_unwell_stops_pacer_and_feedback_and_is_written_down(practising: Led) -> None:
    practising.do("unwell", as_client=True)
    conductor = practising.conductor
    assert (conductor.pacer, conductor.measure) == (None, None)
    assert conductor.concern is not None
    assert conductor.concern.kind is ConcernKind.UNWELL
    assert [each.text for each in practising.marked("safety")] == ["unwell"]
    assert practising.phases[-1] == ("Practice", "other", 140, 140)


def test_a_halt_holds_however_long_it_takes(led: Led) -> None:
    led.do("begin")
    led.until(100.0)
    led.do("unwell", as_client=True)
    led.until(400.0)
    assert led.conductor.stage is Stage.PAUSED
    assert led.phases[-1] == ("Challenge", "stressor", 70, 400)
    with pytest.raises(UsageError, match="carry on first"):
        led.do("pacer", breaths_per_min=6)
    led.do("carry_on", as_client=True)
    led.until(435.0)
    assert led.phases[-1] == ("Practice", "paced", 430, 435)
    assert [(each.time_s, each.end_s) for each in led.marked("pause")] == [(100, 400)]


@pytest.mark.parametrize("going_on", ["resume", "next"])
def test_whoever_goes_on_ends_the_halt(practising: Led, going_on: str) -> None:
    practising.do("restart_baseline")
    practising.do("rate", scale="distress", value=9)
    practising.do(going_on)
    assert practising.conductor.concern is None
    assert practising.conductor.stage is Stage.RUNNING


def test_a_pacer_set_in_a_pause_begins_with_the_end_of_it(practising: Led) -> None:
    practising.do("pause")
    practising.until(190.0)
    practising.do("pacer", breaths_per_min=5.5)
    practising.until(200.0)
    practising.do("resume")
    assert practising.conductor.pacer is not None
    assert practising.conductor.pacer.began_s == 200.0


def test_a_recording_s_own_pacer_is_no_slower_than_is_safe() -> None:
    slow = Led(steps=(replace(STEPS[3], pacer=Pacer(3.0)),))
    slow.do("begin")
    assert slow.stored_phases[0].pacer == Pacer(4.5)


def test_going_on_brings_feedback_back_and_not_the_pacer(practising: Led) -> None:
    practising.do("unwell", as_client=True)
    practising.do("carry_on", as_client=True)
    assert practising.conductor.concern is None
    assert practising.conductor.measure == "rhythm_concentration"
    assert practising.conductor.pacer is None


@pytest.mark.parametrize(
    ("ratings", "stops"),
    [([8], True), ([7], False), ([2, 5], True), ([2, 4], False), ([9, 3], True)],
    ids=["high", "below high", "a rise of three", "a rise of two", "high and then low"],
)
def test_distress_that_is_a_concern_stops_and_asks(practising: Led, ratings: list[int], stops: bool) -> None:
    for value in ratings:
        practising.do("rate", as_client=True, scale="distress", value=value)
    assert (practising.conductor.concern is not None) is stops
    assert (practising.conductor.pacer is None) is stops
    assert [facts["value"] for facts in practising.facts(Kind.RATING)] == ratings


def test_a_step_that_asks_does_so_at_its_end(led: Led) -> None:
    led.do("begin")
    led.until(60.0)
    assert led.conductor.asking is None
    led.until(71.0)
    assert led.conductor.asking == "distress"
    led.do("rate", scale="distress", value=3)
    assert led.conductor.asking is None


@pytest.mark.parametrize(
    ("at_s", "fed_back"),
    [(5, None), (30, None), (100, None), (140, "rhythm_concentration")],
    ids=["settling", "baseline", "challenge", "practice"],
)
def test_nobody_watches_themselves_in_a_baseline_or_a_challenge(
    led: Led, at_s: float, fed_back: str | None
) -> None:
    led.do("begin")
    led.until(at_s)
    assert led.conductor.measure == fed_back


def test_a_measure_chosen_by_hand_lasts_for_its_step(practising: Led) -> None:
    practising.do("feedback", measure="scl_us", element="lantern")
    assert practising.conductor.measure == "scl_us"
    practising.do("restart_baseline")
    practising.until(265.0)
    assert practising.conductor.measure == "rhythm_concentration"
    assert practising.conductor.screens.element == "lantern"


def test_a_strategy_belongs_to_the_phase_it_was_chosen_in(practising: Led) -> None:
    practising.do("strategy", id="five-senses")
    practising.until(141.0)
    assert practising.stored_phases[-1].strategy == "five-senses"
    with pytest.raises(UsageError, match="no strategy 'juggling'"):
        practising.do("strategy", id="juggling")


def test_a_stop_ends_the_protocol_and_a_second_the_last_word() -> None:
    led = Led(check_in=True)

    async def session(_: object) -> Stage:
        async def there() -> None:
            return

        leading = asyncio.create_task(led.conductor.run(there))
        await asyncio.sleep(1)
        led.do("begin")
        led.do("stop", as_client=True)
        await asyncio.sleep(1)
        stage = led.conductor.stage
        led.do("stop")
        await leading
        return stage

    assert run(session, float("inf")) is Stage.CLOSING
    assert led.facts(Kind.PHASE)[-1] == {}


def test_a_stop_before_anything_began_ends_at_once() -> None:
    led = Led(check_in=True)
    led.conductor.to(Stage.WAITING)

    async def session(clock: Clock) -> float:
        async def never() -> None:
            await asyncio.sleep(1e6)

        leading = asyncio.create_task(led.conductor.run(never))
        await asyncio.sleep(1)
        led.do("stop")
        await leading
        return clock.now()

    assert run(session, float("inf")) < 2
    assert led.phases == []


def test_a_check_in_ahead_of_time_ends_nothing(practising: Led) -> None:
    practising.do("check_in", as_client=True, when="after", feeling="calm")
    assert not practising.conductor._done.is_set()


def test_the_last_word_is_not_waited_for_for_ever() -> None:
    led = Led(check_in=True)

    async def session(_: object) -> None:
        async def there() -> None:
            return

        leading = asyncio.create_task(led.conductor.run(there))
        await asyncio.sleep(1)
        led.do("begin")
        led.do("stop")
        await leading

    run(session, float("inf"))
    assert led.conductor.engine.finished
