"""Practising alone at home: three clicks to a pacer, one to stop it, and nothing that is hidden."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.flows.web.live import (
    DESKTOP,
    NEEDS_CHROMIUM,
    PHONE,
    Live,
    Window,
    arrive,
    chromium,
    live,
    verified,
    window,
)

pytestmark = NEEDS_CHROMIUM

ALONE = "Nobody is watching this session. Not for emergencies."
SIZE = "document.querySelector('.pacer-core').getBoundingClientRect().width"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    home = tmp_path_factory.mktemp("practice") / "home"
    (home / "sessions").mkdir(parents=True)
    with live(home, "--simulate", "calm", "--speed", "6", "--protocol", "daily-practice") as running:
        yield running


def pacer(at: Window) -> Any:
    return at.page.get_by_role("img", name="Breathing pacer")


def breathes(at: Window) -> None:
    """Wait until the pacer has been seen at two sizes."""
    pacer(at).wait_for()
    first = at.page.evaluate(SIZE)
    at.until("the pacer moves", lambda: abs(at.page.evaluate(SIZE) - first) > 5)


def begin(at: Window, server: Live, client: str) -> None:
    """From the home page to the pacer, the questions before a first session passed over."""
    arrive(at, server)
    at.page.get_by_role("checkbox", checked=True).first.wait_for()
    at.page.get_by_role("combobox", name="Client code").fill(client)
    at.button("Start").click()
    at.page.wait_for_url("**/practice")
    at.button("Go on").click()
    at.button("Begin").click()
    breathes(at)


def end(at: Window) -> None:
    """End it, without a last word, and wait until it is over: another can start then."""
    at.button("End the session").click()
    at.button("Not now").click()
    at.page.get_by_role("link", name="See the report").wait_for()


def halts(at: Window, server: Live, client: str) -> list[str]:
    """What stopped the pacer in the latest session: the words of its safety markers."""
    markers = server.manifest(client)["markers"]
    return [marker["text"] for marker in markers if marker["kind"] == "safety"]


@pytest.mark.parametrize("shape", [pytest.param(DESKTOP, id="desktop"), pytest.param(PHONE, id="phone")])
def test_three_clicks_to_a_pacer(browser: Any, server: Live, shape: Mapping[str, Any]) -> None:
    client = "me"
    first_time = not server.folders(client)
    with window(browser, server, shape) as at:
        page = at.page
        clicks = 0

        def click(name: str) -> None:
            nonlocal clicks
            button = at.button(name)
            button.tap() if shape is PHONE else button.click()
            clicks += 1

        arrive(at, server)
        page.get_by_role("checkbox", checked=True).first.wait_for()
        click("Start")
        page.wait_for_url("**/practice")
        if first_time:
            page.get_by_role("heading", name="Before your first session").wait_for()
            click("Go on")
        page.get_by_text(ALONE).wait_for()
        click("Begin")
        breathes(at)
        assert clicks <= 3
        page.get_by_text("Smaller and softer, not deeper.").first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        page.keyboard.press("Escape")
        end(at)


def test_escape_stops_at_once(browser: Any, server: Live) -> None:
    with window(browser, server) as at:
        begin(at, server, "escaping")
        at.page.keyboard.press("Escape")
        at.page.get_by_role("heading", name="Stopped").wait_for()
        assert not pacer(at).is_visible()
        at.session("the recorder pauses, too", lambda session: session["state"] == "paused")
        at.button("Go on").click()
        breathes(at)
        at.page.keyboard.press(" ")
        at.page.get_by_role("heading", name="Stopped").wait_for()
        end(at)
    pauses = [marker for marker in server.manifest("escaping")["markers"] if marker["kind"] == "pause"]
    assert len(pauses) == 2


def test_dizzy_stops_the_pacer_and_is_written_down(browser: Any, server: Live) -> None:
    with window(browser, server) as at:
        begin(at, server, "dizzy")
        at.button("Dizzy, tingling or short of breath").click()
        at.page.get_by_role("heading", name="Let your breath go back to normal").wait_for()
        assert not pacer(at).is_visible()
        at.session("the recorder knows", lambda session: session["safety"] and not session["pacer"])
        at.page.get_by_text(ALONE).wait_for()
        at.button("I feel all right").click()
        at.page.get_by_role("heading", name="Paced breathing").wait_for()
        assert not pacer(at).is_visible()  # it comes back with the next step that has one
        at.page.keyboard.press("Escape")
        end(at)
    assert halts(at, server, "dizzy") == ["unwell"]
    verified(server.home, server.folders("dizzy")[-1])


def test_much_distress_stops_and_asks(browser: Any, server: Live) -> None:
    with window(browser, server) as at:
        begin(at, server, "distressed")
        at.button("Distress").click()
        at.button("8").click()
        at.page.get_by_role("heading", name="Let's pause here").wait_for()
        assert not pacer(at).is_visible()
        at.button("Carry on").wait_for()
        assert at.last("client")["feedback"] is None
        end(at)
    assert halts(at, server, "distressed") == ["distress"]
    ratings = server.manifest("distressed")["ratings"]
    assert [(rating["scale"], rating["value"]) for rating in ratings] == [("distress", 8.0)]


def test_how_one_is_before_and_after(browser: Any, server: Live) -> None:
    with window(browser, server) as at:
        page = at.page
        arrive(at, server)
        page.get_by_role("checkbox", checked=True).first.wait_for()
        page.get_by_role("combobox", name="Client code").fill("checked-in")
        at.button("Start").click()
        page.wait_for_url("**/practice")
        page.get_by_role("group", name="pregnan").get_by_role("radio", name="Yes").check()
        page.get_by_role("status").filter(has_text="doctor").wait_for()
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
    said = [
        {key: value for key, value in each.items() if key != "time_s"} for each in facts["check_ins"]
    ]
    assert said == [
        {"when": "before", "feeling": "tense", "thought": "A <long> day", "body": "", "did": ""},
        {"when": "after", "feeling": "calm", "thought": "", "body": "", "did": "Breathed"},
    ]
    assert "yes" in facts["conditions"].values() or True in facts["conditions"].values()
