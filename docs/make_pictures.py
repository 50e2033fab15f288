"""The README's pictures, made afresh from a simulated session: `make pictures`.

Needs Chromium at /usr/bin/chromium, as Debian and Ubuntu package it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from pipeline.report.context import Audience
from tests.flows.web.live import PHONE, Live, Window, arrive, chromium, live, start, window
from tests.pipeline.report.progressions import page, sessions

PICTURES = Path(__file__).parent / "pictures"
CLIENT = "anna-1"
LATER_S = 40.0  # into the paced breathing, when there is something to see
REPORT = {"width": 860, "height": 1760}
LARGE: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}, "device_scale_factor": 1.25}
TABLET: dict[str, Any] = {"viewport": {"width": 820, "height": 820}}


def shoot(at: Window, name: str) -> None:
    """Take a picture of what a window shows."""
    at.page.wait_for_timeout(1500)  # for what fades in
    at.page.screenshot(path=PICTURES / f"{name}.png")


def act(at: Window, action: str, **facts: object) -> None:
    """Do what a button would."""
    at.post("/api/act?role=operator", {"do": action, **facts})


def second(browser: Any, server: Live, path: str, name: str, shape: dict[str, Any], **more: Any) -> None:
    """Take a picture of one more window of the same session."""
    with window(browser, server, shape, **more) as at:
        arrive(at, server, path)
        at.page.get_by_role("heading").first.wait_for()
        shoot(at, name)


def session(browser: Any, server: Live) -> None:
    """A guided session, seen from both sides, and its report."""
    with window(browser, server, LARGE) as at:
        arrive(at, server)
        at.page.get_by_role("checkbox", checked=True).first.wait_for()
        shoot(at, "home")
        start(at, CLIENT, "Guided session")
        at.session("the sensors", lambda told: told["state"] == "opening")
        at.button("Begin").click()
        at.session("the challenge", lambda told: told["step"] == 2)
        act(at, "mark", kind="Stressor")
        act(at, "rate", scale="distress", value=4)
        at.session("the recovery", lambda told: told["step"] == 3)
        act(at, "rate", scale="distress", value=2)
        act(at, "ask", scale=None)
        paced = at.session("the paced breathing", lambda told: told["step"] == 4)
        soon_s = paced["step_began_s"] + LATER_S
        at.until("some breaths", lambda: (at.heard[-1]["time_s"] or 0) > soon_s)
        shoot(at, "live")
        second(browser, server, "/client", "client", TABLET)
        second(browser, server, "/client", "client-phone", PHONE, color_scheme="dark")
        second(browser, server, "/live", "live-phone", PHONE)
        told = at.session("the report", lambda told: told["report"])
        at.page.set_viewport_size(REPORT)
        at.page.goto(server.url + told["report"])
        shoot(at, "report")
        at.page.set_viewport_size({"width": 390, "height": 1180})
        shoot(at, "report-phone")
        at.page.goto(server.url + told["report"] + "/client")
        shoot(at, "report-client")


def practice(browser: Any, server: Live) -> None:
    """The beginning of a practice at home, on a phone."""
    with window(browser, server, PHONE) as at:
        arrive(at, server)
        start(at, "me", "Daily practice")
        at.page.wait_for_url(server.url + "/practice")
        at.button("Go on").click()
        at.button("Begin").wait_for()
        shoot(at, "practice-phone")


def progress(browser: Any, scratch: Path) -> None:
    """A made-up client's progress report after sixteen sessions."""
    path = scratch / "progress.html"
    path.write_text(page(sessions(16, effect=0.45), Audience.CLINICIAN), encoding="utf-8")
    shown = browser.new_page(viewport={"width": 860, "height": 1240})
    shown.goto(path.as_uri())
    shown.screenshot(path=PICTURES / "progress.png")


def main() -> None:
    """Make every picture."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, chromium() as browser:
        home = Path(scratch) / "home"
        with live(home, "--simulate", "four-sensors", "--speed", "12") as server:
            session(browser, server)
        with live(home, "--simulate", "calm") as server:
            practice(browser, server)
        progress(browser, Path(scratch))


if __name__ == "__main__":
    main()
