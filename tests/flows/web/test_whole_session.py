"""A whole session with the simulated client: by mouse, by keyboard alone, and on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.flows.web.live import (
    DESKTOP,
    IN_A_BROWSER,
    PHONE,
    Live,
    Window,
    arrive,
    go_home,
    live,
    start,
    stop,
    verified,
    window,
)

pytestmark = IN_A_BROWSER

TITLE = "All that can be done"
PROTOCOL = f"""
title = "{TITLE}"
summary = "Each kind of step once."
opening = "You can stop or skip any task."
setting = "clinic"

[[step]]
name = "Baseline"
kind = "baseline"
duration_s = 600
instruction = "Sit quietly."

[[step]]
name = "Breathing"
kind = "paced"
duration_s = 600
instruction = "Follow the pacer. Smaller and softer, not deeper."
pacer = {{ breaths_per_min = 6, inhale_share = 0.4 }}
feedback = "heart_rate_bpm"
strategies = ["slow-breathing", "feet-on-the-floor"]

[[step]]
name = "Short rest"
kind = "other"
duration_s = 10
instruction = "Nothing to do."

[[step]]
name = "Talk"
kind = "other"
instruction = "Say how it was."
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    home = tmp_path_factory.mktemp("whole") / "home"
    options = ("--simulate", "calm", "--speed", "6")
    with live(home, *options, protocols={"all": PROTOCOL}) as running:
        yield running


def tab(at: Window, name: str) -> Any:
    """The panel of a tab, opened by a click on it."""
    at.page.get_by_role("tab", name=name).click()
    return at.page.get_by_role("tabpanel", name=name)


def in_step(name: str) -> Any:
    return lambda session: session["step"] is not None and session["steps"][session["step"]]["name"] == name


def spans(session: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [marker for marker in session["markers"] if marker["kind"] == kind]


def phases(facts: dict[str, Any]) -> list[tuple[str, str, float | None]]:
    """Name, kind and pacer of each phase of a stored session."""
    return [
        (phase["name"], phase["kind"], (phase["pacer"] or {}).get("breaths_per_min"))
        for phase in facts["phases"]
    ]


def pointed_at(facts: dict[str, Any]) -> list[tuple[str, str, bool]]:
    """The markers of a stored session that a person made: kind, words, and whether it lasted."""
    return [
        (marker["kind"], marker["text"], marker["end_s"] is not None and marker["end_s"] > marker["time_s"])
        for marker in facts["markers"]
        if marker["kind"] not in ("link", "protocol", "strategy")
    ]


def test_by_mouse(browser: Any, server: Live) -> None:
    with window(browser, server, DESKTOP) as at:
        page = at.page
        arrive(at, server)
        start(at, "by-mouse", TITLE)
        page.wait_for_url("**/live")
        at.button("Begin").click()
        at.session("the baseline runs", in_step("Baseline"))

        marks = page.get_by_role("group", name="Mark now")
        at.button("Stressor", marks).click()
        at.session("a marker", lambda session: spans(session, "stressor"))
        at.session("ten seconds", lambda _: at.last("values") and at.last("values")["time_s"] > 12)
        at.button("Symptom", marks).click(modifiers=["Shift"])
        at.session("a marker of before", lambda session: spans(session, "symptom"))
        page.get_by_role("button", name="Change stressor").click()
        page.get_by_role("combobox", name="Kind").select_option("note")
        page.get_by_role("textbox", name="Words").fill("a door banged")
        at.button("Save").click()
        at.session("another name", lambda session: spans(session, "note"))

        talking = at.button("Talking", page.get_by_role("group", name="While it lasts"))
        talking.hover()
        page.mouse.down()
        at.session("somebody talks", lambda session: session["open_spans"] == ["talking"])
        page.wait_for_timeout(600)  # held: a short press would leave it on
        page.mouse.up()
        at.session("nobody talks", lambda session: session["open_spans"] == [])

        notes = tab(at, "Notes")
        notes.get_by_role("textbox", name="Note").fill("Sits well. <b>Really</b>")
        at.button("Keep note", notes).click()
        notes.get_by_text("Sits well. <b>Really</b>").wait_for()

        at.button("Ask").click()
        at.button("4", page.get_by_role("group", name="Distress")).click()
        at.session("a rating", lambda session: session["ratings"])

        at.control("Next phase").click()
        at.session("the pacer runs", lambda session: in_step("Breathing")(session) and session["pacer"])
        strategies = tab(at, "Strategy")
        strategies.get_by_role("combobox", name="Strategy").select_option("feet-on-the-floor")
        at.button("Use in this phase", strategies).click()
        at.session("a strategy", lambda session: session["strategy"] == "feet-on-the-floor")
        at.control("+1 min").click()
        at.session("a longer step", lambda session: session["steps"][1]["duration_s"] == 660)
        at.control("Pause").click()
        at.session("a pause", lambda session: session["state"] == "paused")
        at.control("Go on").click()
        at.session("no pause", lambda session: session["state"] == "running")

        guide = tab(at, "Guide")
        rate = guide.get_by_role("slider", name="Breaths per minute")
        rate.click(position={"x": 12, "y": 5})
        chosen = float(rate.input_value())
        assert 4.5 <= chosen < 6
        at.button("Change pacer", guide).click()
        at.session("another pacer", lambda session: session["pacer"]["breaths_per_min"] == chosen)

        at.button("Freeze").click()
        page.get_by_text("Recording goes on.").wait_for()
        at.button("Freeze").click()
        at.button("5 min").click()
        assert at.button("5 min").get_attribute("aria-pressed") == "true"

        at.button("Hide heart").click()
        at.until("heart data hidden", lambda: at.last("client")["feedback"]["paused"] == "hidden for now")
        at.button("Hide heart").click()
        at.button("Blank").click()
        at.until("a blank screen", lambda: at.last("client")["screen"] == "blank")
        page.get_by_role("img", name="The client's screen: Blank").wait_for()
        at.button("Blank").click()
        at.until("no blank screen", lambda: at.last("client")["screen"] == "phase")

        at.button("Restart baseline", tab(at, "Table")).click()
        at.button("Start it now", page.get_by_role("dialog")).click()
        at.session("the baseline again", in_step("Baseline"))
        at.control("Next phase").click()
        at.session("breathing again", in_step("Breathing"))
        at.control("Next phase").click()
        at.session("on by itself", in_step("Talk"))

        stop(at)
        page.get_by_role("link", name="Open the report").click()
        page.wait_for_url("**/report/by-mouse/*")
        page.get_by_role("heading", level=1).wait_for()
    folder = server.folders("by-mouse")[-1]
    facts = server.manifest("by-mouse")
    assert phases(facts) == [
        ("Baseline", "other", None),  # begun again: it counts as a baseline no longer, nor what came of it
        ("Breathing", "other", 6.0),
        ("Breathing", "other", chosen),
        ("Baseline", "baseline", None),
        ("Breathing", "paced", 6.0),
        ("Short rest", "other", None),
        ("Talk", "other", None),
    ]
    assert [phase["strategy"] for phase in facts["phases"][1:3]] == ["feet-on-the-floor"] * 2
    assert pointed_at(facts) == [
        ("symptom", "", False),
        ("note", "a door banged", False),
        ("talking", "", True),
        ("pause", "", True),
    ]
    assert [note["text"] for note in facts["notes"]] == ["Sits well. <b>Really</b>"]
    assert [(rating["scale"], rating["value"]) for rating in facts["ratings"]] == [("distress", 4.0)]
    verified(server.home, folder)


def tab_to(at: Window, aim: Any) -> None:
    """Press Tab until something has the focus."""
    for _ in range(120):
        if aim.count() and aim.first.evaluate("element => element === document.activeElement"):
            return
        at.page.keyboard.press("Tab")
    raise AssertionError(f"Tab never comes to {aim}")


def arrow_to(at: Window, key: str, aim: Any, attribute: str) -> None:
    """Press an arrow until one of a group is chosen."""
    for _ in range(40):
        if aim.evaluate(f"element => element.{attribute} === true || element.{attribute} === 'true'"):
            return
        at.page.keyboard.press(key)
    raise AssertionError(f"{key} never comes to {aim}")


def open_tab(at: Window, name: str) -> Any:
    """The panel of a tab, opened by arrows; the focus is on the tab."""
    tab_to(at, at.page.get_by_role("tab", selected=True))
    arrow_to(at, "ArrowRight", at.page.get_by_role("tab", name=name), "ariaSelected")
    return at.page.get_by_role("tabpanel", name=name)


def press_at(at: Window, aim: Any) -> None:
    tab_to(at, aim)
    at.page.keyboard.press("Enter")


def test_by_keyboard_alone(browser: Any, server: Live) -> None:
    with window(browser, server, DESKTOP) as at:
        page, keys = at.page, at.page.keyboard
        go_home(at, server)
        tab_to(at, page.get_by_role("combobox", name="Client code"))
        keys.press("Control+a")
        keys.type("by-keyboard")
        tab_to(at, page.get_by_role("radio", checked=True))
        arrow_to(at, "ArrowDown", page.get_by_role("radio", name=TITLE), "checked")
        press_at(at, at.button("Start"))
        page.wait_for_url("**/live")
        at.session("it can begin", lambda session: session["state"] == "opening")
        keys.press("Enter")
        at.session("the baseline runs", in_step("Baseline"))

        keys.press("?")
        page.get_by_role("heading", name="Keys").wait_for()
        keys.press("Escape")
        page.get_by_role("heading", name="Keys").wait_for(state="hidden")
        keys.press("1")
        at.session("a marker", lambda session: spans(session, "stressor"))
        at.session("ten seconds", lambda _: at.last("values") and at.last("values")["time_s"] > 12)
        keys.press("Shift+Digit2")
        at.session("a marker of before", lambda session: spans(session, "emotion"))
        keys.down("m")
        at.session("somebody moves", lambda session: session["open_spans"] == ["moving"])
        page.wait_for_timeout(600)  # held: a short press would leave it on
        keys.up("m")
        at.session("nobody moves", lambda session: session["open_spans"] == [])
        keys.press("w")
        keys.type("Written, not clicked: n p s")
        keys.press("Control+Enter")
        at.session("a note", lambda session: session["notes"])
        keys.press("Escape")
        keys.press("d")
        at.session("asked", lambda session: session["asking"] == "distress")
        keys.press("3")
        at.session("a rating", lambda session: session["ratings"])

        keys.press("n")
        at.session("the pacer runs", lambda session: in_step("Breathing")(session) and session["pacer"])
        keys.press("e")
        at.session("a longer step", lambda session: session["steps"][1]["duration_s"] == 660)
        keys.press("p")
        at.session("a pause", lambda session: session["state"] == "paused")
        keys.press("p")
        at.session("no pause", lambda session: session["state"] == "running")
        strategies = open_tab(at, "Strategy")
        tab_to(at, strategies.get_by_role("combobox", name="Strategy"))
        keys.type("Feet")
        press_at(at, at.button("Use in this phase", strategies))
        at.session("a strategy", lambda session: session["strategy"] == "feet-on-the-floor")
        guide = open_tab(at, "Guide")
        tab_to(at, guide.get_by_role("slider", name="Breaths per minute"))
        for _ in range(5):
            keys.press("ArrowLeft")
        press_at(at, at.button("Change pacer", guide))
        at.session("another pacer", lambda session: session["pacer"]["breaths_per_min"] == 5.5)
        keys.press("Escape")
        at.session("no pacer", lambda session: not session["pacer"] and not session["feedback"]["on"])

        keys.press("f")
        page.get_by_text("Recording goes on.").wait_for()
        keys.press("f")
        keys.press("v")
        page.get_by_role("button", name="5 min", pressed=True).wait_for()
        keys.press("h")
        at.session("heart data hidden", lambda session: session["hide_heart"])
        keys.press("b")
        at.until("a blank screen", lambda: at.last("client")["screen"] == "blank")
        keys.press("b")
        at.until("no blank screen", lambda: at.last("client")["screen"] == "phase")

        press_at(at, at.button("Restart baseline", open_tab(at, "Table")))
        keys.press("Enter")
        at.session("the baseline again", in_step("Baseline"))
        keys.press("s")
        keys.press("Enter")
        report = page.get_by_role("link", name="Open the report")
        report.wait_for()
        press_at(at, report)
        page.wait_for_url("**/report/by-keyboard/*")
        page.get_by_role("heading", level=1).wait_for()
    facts = server.manifest("by-keyboard")
    assert phases(facts) == [
        ("Baseline", "other", None),
        ("Breathing", "other", 6.0),
        ("Breathing", "other", 5.5),
        ("Breathing", "other", None),
        ("Baseline", "baseline", None),
    ]
    assert pointed_at(facts) == [
        ("emotion", "", False),
        ("stressor", "", False),
        ("moving", "", True),
        ("pause", "", True),
    ]
    assert [note["text"] for note in facts["notes"]] == ["Written, not clicked: n p s"]
    assert [(rating["scale"], rating["value"]) for rating in facts["ratings"]] == [("distress", 3.0)]
    verified(server.home, server.folders("by-keyboard")[-1])


def fits(at: Window) -> bool:
    """Whether nothing reaches past the sides of the screen."""
    wide: bool = at.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    return wide and at.page.evaluate("window.innerWidth") == PHONE["viewport"]["width"]


def test_on_a_phone(browser: Any, server: Live) -> None:
    with window(browser, server, PHONE) as at:
        page = at.page
        go_home(at, server)
        assert fits(at)
        page.get_by_role("combobox", name="Client code").fill("on-a-phone")
        page.get_by_text(TITLE).tap()
        at.button("Start").tap()
        page.wait_for_url("**/live")
        at.button("Begin").tap()
        at.session("the baseline runs", in_step("Baseline"))
        assert fits(at)

        at.button("Symptom", page.get_by_role("group", name="Mark now")).tap()
        at.session("a marker", lambda session: spans(session, "symptom"))
        touching = at.button("Touching", page.get_by_role("group", name="While it lasts"))
        touching.tap()
        at.session("somebody touches it", lambda session: session["open_spans"] == ["touching"])
        touching.tap()
        at.session("nobody touches it", lambda session: session["open_spans"] == [])
        page.get_by_role("tab", name="Notes").tap()
        page.get_by_role("textbox", name="Note").fill("With a finger")
        at.button("Keep note").tap()
        at.session("a note", lambda session: session["notes"])
        at.button("Ask").tap()
        at.button("2", page.get_by_role("group", name="Distress")).tap()
        at.session("a rating", lambda session: session["ratings"])
        at.control("Next phase").tap()
        at.session("the pacer runs", lambda session: in_step("Breathing")(session) and session["pacer"])
        at.control("Pause").tap()
        at.session("a pause", lambda session: session["state"] == "paused")
        at.control("Go on").tap()
        at.session("no pause", lambda session: session["state"] == "running")
        at.button("Blank").tap()
        at.until("a blank screen", lambda: at.last("client")["screen"] == "blank")
        for name in ("Table", "Strategy", "Guide", "Person", "Screen"):
            page.get_by_role("tab", name=name).tap()
            assert fits(at), name
        at.control("Stop").tap()
        at.button("Stop the session", page.get_by_role("dialog")).tap()
        page.get_by_role("link", name="Open the report").tap()
        page.wait_for_url("**/report/on-a-phone/*")
        page.get_by_role("heading", level=1).wait_for()
        assert fits(at)
    facts = server.manifest("on-a-phone")
    assert phases(facts) == [("Baseline", "baseline", None), ("Breathing", "paced", 6.0)]
    assert pointed_at(facts) == [("symptom", "", False), ("touching", "", True), ("pause", "", True)]
    assert [note["text"] for note in facts["notes"]] == ["With a finger"]
    assert [(rating["scale"], rating["value"]) for rating in facts["ratings"]] == [("distress", 2.0)]
    verified(server.home, server.folders("on-a-phone")[-1])
