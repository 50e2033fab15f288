"""A whole session with the simulated client: by mouse, by keyboard alone, and on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.flows.web.live import DESKTOP, NEEDS_CHROMIUM, PHONE, Live, Window, arrive, chromium, live
from tests.flows.web.live import start as start_session
from tests.flows.web.live import verified, window

pytestmark = NEEDS_CHROMIUM

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
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    home = tmp_path_factory.mktemp("whole") / "home"
    options = ("--simulate", "calm", "--speed", "6")
    with live(home, *options, protocols={"all": PROTOCOL}) as running:
        yield running


def controls(at: Window) -> Any:
    return at.page.get_by_role("group", name="Session controls")


def tab(at: Window, name: str) -> Any:
    """The panel of a tab, opened by a click on it."""
    at.page.get_by_role("tab", name=name).click()
    return at.page.get_by_role("tabpanel", name=name)


def in_step(name: str) -> Any:
    return lambda session: session["step"] is not None and session["steps"][session["step"]]["name"] == name


def spans(session: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [marker for marker in session["markers"] if marker["kind"] == kind]


def noted(facts: dict[str, Any], kind: str) -> list[tuple[str, bool]]:
    """The words of each marker of a kind, and whether it lasted."""
    return [
        (marker["text"], marker["end_s"] is not None and marker["end_s"] > marker["time_s"])
        for marker in facts["markers"]
        if marker["kind"] == kind
    ]


def test_by_mouse(browser: Any, server: Live) -> None:
    with window(browser, server, DESKTOP) as at:
        page = at.page
        arrive(at, server)
        start_session(at, "by-mouse", TITLE)
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

        at.button("Next phase", controls(at)).click()
        at.session("the pacer runs", lambda session: in_step("Breathing")(session) and session["pacer"])
        strategies = tab(at, "Strategy")
        strategies.get_by_role("combobox", name="Strategy").select_option("feet-on-the-floor")
        at.button("Use in this phase", strategies).click()
        at.session("a strategy", lambda session: session["strategy"] == "feet-on-the-floor")
        at.button("+1 min", controls(at)).click()
        at.session("a longer step", lambda session: session["steps"][1]["duration_s"] == 660)
        at.button("Pause", controls(at)).click()
        at.session("a pause", lambda session: session["state"] == "paused")
        at.button("Go on", controls(at)).click()
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
        at.button("Next phase", controls(at)).click()
        at.session("breathing again", in_step("Breathing"))
        at.button("Next phase", controls(at)).click()
        at.session("on by itself", in_step("Talk"))

        at.button("Stop", controls(at)).click()
        at.button("Stop the session", page.get_by_role("dialog")).click()
        page.get_by_role("link", name="Open the report").click()
        page.wait_for_url("**/report/by-mouse/*")
        page.get_by_role("heading", level=1).wait_for()
    told(server, "by-mouse", chosen)


def told(server: Live, client: str, rate_bpm: float) -> None:
    """What is on disk afterwards says what was done."""
    facts = server.manifest(client)
    phases = [
        (phase["name"], phase["kind"], (phase["pacer"] or {}).get("breaths_per_min"))
        for phase in facts["phases"]
    ]
    assert phases == [
        ("Baseline", "other", None),  # restarted: it no longer counts as one
        ("Breathing", "paced", 6.0),
        ("Breathing", "paced", rate_bpm),
        ("Baseline", "baseline", None),
        ("Breathing", "paced", 6.0),
        ("Short rest", "other", None),
        ("Talk", "other", None),
    ]
    assert noted(facts, "note") == [("a door banged", False)]
    assert noted(facts, "symptom") == [("", False)]
    assert noted(facts, "talking") == [("", True)]
    assert [pause for _, pause in noted(facts, "pause")] == [True]
    assert [note["text"] for note in facts["notes"]] == ["Sits well. <b>Really</b>"]
    assert [(rating["scale"], rating["value"]) for rating in facts["ratings"]] == [("distress", 4.0)]
    verified(server.home, server.folders(client)[-1])
