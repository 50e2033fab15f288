"""The client's screen: let in by a code, told only what is for it, and led from the other one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.flows.web.live import (
    IN_A_BROWSER,
    PHONE,
    Live,
    Window,
    arrive,
    live,
    start,
    stop,
    window,
)

pytestmark = IN_A_BROWSER

PROTOCOL = """
title = "Two screens"
summary = "Breathing with a picture."
opening = "You can stop or skip any task."
setting = "clinic"
check_in = true

[[step]]
name = "Breathing"
kind = "paced"
instruction = "Follow the pacer. Smaller and softer, not deeper."
pacer = { breaths_per_min = 6, inhale_share = 0.4 }
feedback = "heart_rate_bpm"
"""
REFUSED = r"status of 40[013]|Unexpected response code: 403|HTTP Authentication failed"
OPERATORS = (
    "/",
    "/live",
    "/practice",
    "/progress/anna-1",
    "/report/anna-1/x",
    "/api/home",
    "/api/clients/anna-1",
)
LISTEN = """() => new Promise((resolve) => {
  const heard = [];
  const socket = new WebSocket(`ws://${location.host}/socket?role=operator`);
  socket.onmessage = ({ data }) => heard.push(data);
  socket.onclose = () => resolve(heard);
})"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    home = tmp_path_factory.mktemp("second") / "home"
    with live(home, "--simulate", "calm", "--speed", "6", protocols={"two": PROTOCOL}) as running:
        yield running
        running.kill()  # the report is for others to see


def code_of(lead: Window) -> str:
    """The code that the leading screen shows."""
    lead.page.get_by_role("tab", name="Screen").click()
    panel = lead.page.get_by_role("tabpanel", name="Screen")
    lead.button("Show a code", panel).click()
    lead.button("Close", lead.page.get_by_role("dialog", name="A second screen")).click()
    shown = panel.get_by_text(re.compile(r"^Code "))
    return str(shown.text_content()).removeprefix("Code ").strip()


def join(other: Window, server: Live, code: str) -> None:
    other.page.goto(server.url + "/join")
    other.page.get_by_role("textbox", name="Code").fill("AAAAAA" if code != "AAAAAA" else "BBBBBB")
    other.button("Join").click()
    other.page.get_by_role("alert").filter(has_text="This code is not good").wait_for()
    other.page.get_by_role("textbox", name="Code").fill(f"{code[:3]} {code[3:].lower()}")
    other.button("Join").click()
    other.page.wait_for_url("**/client")


def refused(other: Window, server: Live) -> None:
    """Nothing that belongs to the leading screen is to be had with a client's cookie."""
    asked = other.page.context.request
    assert {path: asked.get(server.url + path).status for path in OPERATORS} == dict.fromkeys(OPERATORS, 403)
    assert asked.get(f"{server.url}/api/me?role=operator").status == 403
    assert other.page.evaluate(LISTEN) == []
    for path in ("/api/act", "/api/act?role=client"):
        answer = other.post(path, {"do": "mark", "kind": "note"})
        assert not answer["ok"], answer
    assert other.post("/api/start", {"client": "anna-1"})["status"] == 403


def test_what_a_client_sees_and_what_not(browser: Any, server: Live) -> None:
    with window(browser, server) as lead, window(browser, server, PHONE) as other:
        other.excuse(REFUSED)
        arrive(lead, server)
        start(lead, "anna-1", "Two screens")
        lead.page.wait_for_url("**/live")
        join(other, server, code_of(lead))
        other.page.get_by_text("You can stop or skip any task.").wait_for()

        lead.button("Begin").click()
        other.pacer.wait_for()
        refused(other, server)

        lead.button("Hide heart").click()
        other.page.get_by_text("Hidden for now: the picture waits.").wait_for()
        lead.button("Blank").click()
        other.page.get_by_text("The screen is resting.").wait_for()
        lead.button("Blank").click()
        other.pacer.wait_for()

        lead.button("Ask").click()
        other.page.get_by_role("heading", name="How much distress").wait_for()
        other.button("5").tap()
        lead.session("the client's rating", lambda session: session["ratings"])
        lead.control("Pause").click()
        other.page.get_by_role("heading", name="Paused").wait_for()
        lead.control("Go on").click()
        other.pacer.wait_for()
        stop(lead)
        other.button("hopeful").tap()
        other.button("Keep this").tap()
        other.page.get_by_role("heading", name="That was the session").wait_for()
        lead.until("the session is sealed", lambda: server.sealed("anna-1"))

        topics = {message["topic"] for message in other.heard}
        assert topics <= {"snapshot", "resumed", "client", "tick"}
        assert {topic for each in other.heard if each["topic"] == "snapshot" for topic in each["data"]} <= {
            "client"
        }
        assert all("role=client" in url for url in other.sockets if "operator" not in url)
        lead.button("Sign out other screens").click()
        other.page.get_by_text("This page is no longer signed in.").wait_for()
    facts = server.manifest("anna-1")
    assert [(rating["scale"], rating["value"]) for rating in facts["ratings"]] == [("distress", 5.0)]
    assert [(each["when"], each["feeling"]) for each in facts["check_ins"]] == [("after", "hopeful")]
    assert not [marker for marker in facts["markers"] if marker["kind"] == "note"]
