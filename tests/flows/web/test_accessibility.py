"""axe-core finds nothing on any page, light or dark; every chart says in words what it shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.flows.web.live import (
    IN_A_BROWSER,
    PHONE,
    Live,
    Window,
    arrive,
    go_home,
    live,
    start,
    stop,
    window,
)

pytestmark = IN_A_BROWSER

PROTOCOL = """
title = "Every screen"
summary = "A pacer, each task, a strategy."
opening = "You can stop or skip any task."
setting = "clinic"
check_in = true

[[step]]
name = "Baseline"
kind = "baseline"
instruction = "Sit quietly."

[[step]]
name = "Breathing"
kind = "paced"
instruction = "Follow the pacer. Smaller and softer, not deeper."
pacer = { breaths_per_min = 6, inhale_share = 0.4 }
feedback = "heart_rate_bpm"

[[step]]
name = "Numbers"
kind = "stressor"
instruction = "Take away 13, silently."
task = "serial-subtraction"

[[step]]
name = "Colours"
kind = "stressor"
instruction = "Choose the colour of the ink."
task = "stroop"

[[step]]
name = "A memory"
kind = "stressor"
instruction = "Think of an annoyance."
task = "imagery"

[[step]]
name = "Ground"
kind = "other"
instruction = "Feel the floor."
strategy = "feet-on-the-floor"
"""
STANDS = """() => Promise.all(document.getAnimations()
  .filter((each) => each.effect.getComputedTiming().endTime !== Infinity)
  .map((each) => each.finished.catch(() => null)))"""
AXE = """([where, rules]) => axe.run(where, {
  resultTypes: ['violations'], ...(rules && { runOnly: { type: 'rule', values: rules } }) })"""
RULES = {"dark": ["color-contrast"], "light": None}  # nothing but colours differs
ALTERNATIVES = """() => [...document.querySelectorAll('canvas')]
  .filter((each) => each.checkVisibility())
  .map((each) => [each.closest('[data-panel]').dataset.panel, each.role, each.getAttribute('aria-label')])"""
SAID = {  # of each chart: the values that its words hold, and their digits
    "heart": [("heart_rate_bpm", 0), ("rmssd_ms", 0)],
    "skin": [("eda_us", 2), ("scl_us", 2), ("scr_per_min", 1)],
    "arousal": [("arousal", 0)],
    "rhythm": [("rhythm_concentration", 2)],
    "breathing": [("resp_rate_bpm", 1)],
}
RECENT = 60


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    home = tmp_path_factory.mktemp("accessible") / "home"
    options = ("--simulate", "four-sensors", "--speed", "6", "--protocol", "daily-practice")
    with live(home, *options, protocols={"every": PROTOCOL}) as running:
        yield running
        running.kill()  # the report is for others to see


def accessible(at: Window, where: str, part: str = "html") -> None:
    """Nothing is found on the page, or a part of it, as it stands, in light and in dark."""
    base = pytest.importorskip("axe_playwright_python.base")
    if not at.page.evaluate("'axe' in window"):  # half a megabyte of script: once for each page
        at.page.evaluate(base.AXE_SCRIPT)
    for scheme, rules in RULES.items():
        at.page.emulate_media(color_scheme=scheme)
        at.page.evaluate(STANDS)
        found = base.AxeResults(at.page.evaluate(AXE, [part, rules]))
        assert found.violations_count == 0, f"{where}, {scheme}: {found.generate_report()}"


def in_words(at: Window) -> None:
    """Each chart's words hold a value that was told lately, or its reason for none."""

    def met() -> bool:
        values = [each["data"] for each in at.heard if each["topic"] == "values"][-RECENT:]
        charts = at.page.evaluate(ALTERNATIVES)
        return bool(values) and all(
            any(_as_said(each[key], digits) in label for each in values)
            for panel, _, label in charts
            for key, digits in SAID.get(panel, [])
        )

    at.until("every chart in words", met)
    charts = at.page.evaluate(ALTERNATIVES)
    assert {role for _, role, _ in charts} == {"img"}
    assert {panel for panel, _, _ in charts} == {*SAID, "ecg"}


def _as_said(value: Any, digits: int) -> str:
    return f"{value['value']:.{digits}f}" if value["value"] is not None else (value["why"] or "-")


def test_what_is_wrong_is_found(browser: Any, server: Live) -> None:
    with window(browser, server) as at:
        at.page.goto(server.url + "/join")
        at.page.evaluate("document.querySelector('h1').style.color = '#ddd'")
        with pytest.raises(AssertionError, match="color-contrast"):
            accessible(at, "join, pale")


@pytest.mark.prove
def test_a_session_on_two_screens(browser: Any, server: Live) -> None:
    with window(browser, server) as lead, window(browser, server, PHONE) as other:
        go_home(lead, server)
        accessible(lead, "home")
        other.page.goto(server.url + "/join")
        accessible(other, "join")
        start(lead, "anna-1", "Every screen")
        lead.page.wait_for_url("**/live")
        lead.control("Begin").wait_for()
        accessible(lead, "live, opening")
        arrive(other, server, "/client")
        other.page.get_by_text("You can stop or skip any task.").wait_for()
        accessible(other, "client, opening")
        lead.control("Begin").click()
        other.page.get_by_role("heading", name="Baseline").wait_for()
        accessible(other, "client, baseline")

        lead.control("Next phase").click()
        other.pacer.wait_for()
        lead.button("Symptom").click()
        in_words(lead)
        for tab in ("Table", "Strategy", "Guide", "Notes", "Person", "Screen"):
            lead.page.get_by_role("tab", name=tab).click()
            accessible(lead, f"live, running, {tab}", "[role=tabpanel]")
        accessible(lead, "live, running")
        lead.button("Keys").click()
        accessible(lead, "live, keys")
        lead.button("Close").click()
        accessible(other, "client, pacer")
        other.button("Picture").tap()
        accessible(other, "client, pictures")
        for name in ("Light", "Lantern", "Garden", "Tone", "Tide"):
            if not other.button(name).is_visible():
                other.button("Picture").tap()
            other.button(name).tap()
            other.page.get_by_role("button", name=name, pressed=True, include_hidden=True).wait_for(
                state="attached"
            )
            accessible(other, f"client, {name}")
        lead.button("Ask").click()
        other.page.get_by_role("heading", name="How much distress").wait_for()
        accessible(other, "client, distress")
        accessible(lead, "live, distress")
        other.button("9").tap()
        other.page.get_by_role("heading", name="Let's pause here").wait_for()
        accessible(other, "client, grounding")
        lead.button("Carry on").wait_for()
        accessible(lead, "live, safety")
        lead.button("Carry on").click()
        for name in ("Numbers", "Colours", "A memory", "Ground"):
            lead.control("Next phase").click()
            other.page.get_by_role("heading", name=name).wait_for()
            accessible(other, f"client, {name}")
        lead.control("Pause").click()
        other.page.get_by_role("heading", name="Paused").wait_for()
        accessible(other, "client, paused")
        accessible(lead, "live, paused")
        lead.button("Blank").click()
        other.page.get_by_text("The screen is resting.").wait_for()
        accessible(other, "client, blank")
        lead.button("Blank").click()
        stop(lead)
        other.page.get_by_role("heading", name="Before you go").wait_for()
        accessible(other, "client, check-in")
        other.button("calm").tap()
        other.button("Keep this").tap()
        other.page.get_by_role("heading", name="That was the session").wait_for()
        accessible(other, "client, ended")
        lead.page.get_by_role("link", name="Open the report").wait_for()
        accessible(lead, "live, ended")
        lead.page.goto(server.url + "/progress/anna-1")
        lead.page.get_by_role("link", name="Report of").wait_for()
        accessible(lead, "progress")
        lead.page.get_by_role("link", name="Home").click()
        lead.page.get_by_text("1 session").click()
        lead.page.get_by_role("link", name="Report of").wait_for()
        export = {"name": "rr.txt", "mimeType": "text/plain", "buffer": b"812\n798\n805\n" * 200}
        lead.page.get_by_label("Files to import").set_input_files(export)
        lead.page.get_by_role("heading", name="Import recordings").last.wait_for()
        accessible(lead, "home, import")


def test_practising_alone(browser: Any, server: Live) -> None:
    with window(browser, server, PHONE) as at:
        page = at.page
        arrive(at, server)
        start(at, "me", "Daily practice")
        page.wait_for_url("**/practice")
        page.get_by_role("heading", name="Before your first session").wait_for()
        accessible(at, "practice, questions")
        at.button("Go on").tap()
        at.button("Begin").wait_for()
        accessible(at, "practice, opening")
        at.button("Begin").tap()
        at.pacer.wait_for()
        accessible(at, "practice, pacer")
        at.button("Stop").tap()
        page.get_by_role("heading", name="Stopped").wait_for()
        accessible(at, "practice, stopped")
        at.button("Go on").tap()
        at.button("Dizzy, tingling or short of breath").tap()
        page.get_by_role("heading", name="Let your breath go back to normal").wait_for()
        accessible(at, "practice, unwell")
        at.button("End the session").tap()
        at.button("Not now").wait_for()
        accessible(at, "practice, check-in")
        at.button("Not now").tap()
        page.get_by_role("heading", name="That was the session").wait_for()
        accessible(at, "practice, ended")
