"""Practising alone at home: three clicks to a pacer, one to stop it, and nothing that is hidden."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.flows.web.live import (
    DESKTOP,
    IN_A_BROWSER,
    PHONE,
    Live,
    Window,
    go_home,
    live,
    verified,
    window,
)

pytestmark = IN_A_BROWSER

ALONE = "Nobody is watching this session. Not for emergencies."
SIZE = "document.querySelector('.pacer-core').getBoundingClientRect().width"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    home = tmp_path_factory.mktemp("practice") / "home"
    (home / "sessions").mkdir(parents=True)
    with live(home, "--simulate", "calm", "--speed", "6", "--protocol", "daily-practice") as running:
        yield running


def breathes(at: Window) -> None:
    """Wait until the pacer has been seen at two sizes."""
    at.pacer.wait_for()
    first = at.page.evaluate(SIZE)
    at.until("the pacer moves", lambda: abs(at.page.evaluate(SIZE) - first) > 5)


def end(at: Window) -> None:
    """End it, without a last word, and wait until it is over: another can start then."""
    at.button("End the session").click()
    at.button("Not now").click()
    at.page.get_by_role("link", name="See the report").wait_for()


def halts(facts: Mapping[str, Any]) -> list[str]:
    """What stopped the pacer in a stored session: the words of its safety markers."""
    return [marker["text"] for marker in facts["markers"] if marker["kind"] == "safety"]


def test_three_taps_on_a_phone(browser: Any, server: Live) -> None:
    with window(browser, server, PHONE) as at:
        page = at.page
        go_home(at, server)
        at.button("Start").tap()
        page.wait_for_url("**/practice")
        at.button("Go on").tap()  # the questions before a first session may be passed over
        page.get_by_text(ALONE).wait_for()
        at.button("Begin").tap()
        breathes(at)
        page.get_by_text("Smaller and softer, not deeper").first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        at.button("Stop").tap()
        end(at)
    assert server.manifest("me")["check_ins"] == []


def test_three_clicks_and_every_way_to_stop(browser: Any, server: Live) -> None:
    with window(browser, server, DESKTOP) as at:
        page = at.page
        go_home(at, server)
        at.button("Start").click()
        page.wait_for_url("**/practice")
        page.get_by_text(ALONE).wait_for()
        at.button("Begin").click()
        breathes(at)

        page.keyboard.press("Escape")
        page.get_by_role("heading", name="Stopped").wait_for()
        assert not at.pacer.is_visible()
        at.session("the recorder pauses, too", lambda session: session["state"] == "paused")
        at.button("Go on").click()
        breathes(at)
        page.keyboard.press(" ")
        page.get_by_role("heading", name="Stopped").wait_for()
        at.button("Go on").click()
        breathes(at)

        at.button("Distress").click()
        at.button("8").click()
        page.get_by_role("heading", name="Let's pause here").wait_for()
        assert not at.pacer.is_visible()
        assert at.last("client")["feedback"] is None
        at.button("Carry on").click()
        page.get_by_role("heading", name="Paced breathing").wait_for()
        assert not at.pacer.is_visible()  # it comes back with the next step that has one

        assert at.post("/api/act", {"do": "pacer", "breaths_per_min": 6})["ok"]
        breathes(at)
        at.button("Dizzy, tingling or short of breath").click()
        page.get_by_role("heading", name="Let your breath go back to normal").wait_for()
        assert not at.pacer.is_visible()
        page.get_by_text(ALONE).wait_for()
        at.session("the recorder knows", lambda session: session["safety"] and not session["pacer"])
        end(at)
    facts = server.manifest("me")
    assert halts(facts) == ["distress", "unwell"]
    pauses = [marker["kind"] for marker in facts["markers"]].count("pause")
    assert pauses == 4  # two by the keys, and one for each halt
    assert [(rating["scale"], rating["value"]) for rating in facts["ratings"]] == [("distress", 8.0)]
    verified(server.home, server.folders("me")[-1])


def test_how_one_is_before_and_after(browser: Any, server: Live) -> None:
    with window(browser, server) as at:
        page = at.page
        go_home(at, server)
        page.get_by_role("combobox", name="Client code").fill("checked-in")
        at.button("Start").click()
        page.wait_for_url("**/practice")
        page.get_by_role("group", name="pregnan").get_by_role("radio", name="Yes").check()
        page.get_by_role("status").filter(has_text="practitioner").wait_for()
        at.button("I have read this").click()
        at.button("tense").click()
        page.get_by_text("Add a thought or the body").click()
        page.get_by_role("textbox", name="A thought").fill("A <long> day")
        at.button("Begin").click()
        breathes(at)
        page.keyboard.press("Escape")
        at.button("End the session").click()
        at.button("calm").click()
        page.get_by_role("textbox", name="What I did").fill("Breathed")
        at.button("Keep this").click()
        page.get_by_role("link", name="See the report").click()
        page.get_by_role("heading", level=1).wait_for()
    facts = server.manifest("checked-in")
    said = [{key: value for key, value in each.items() if key != "time_s"} for each in facts["check_ins"]]
    assert said == [
        {"when": "before", "feeling": "tense", "thought": "A <long> day", "body": "", "did": ""},
        {"when": "after", "feeling": "calm", "thought": "", "body": "", "did": "Breathed"},
    ]
    assert "yes" in facts["conditions"].values() or True in facts["conditions"].values()
