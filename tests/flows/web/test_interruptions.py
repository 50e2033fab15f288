"""What goes wrong in between: a reload, a lost line, a process that is killed, a sensor out of reach."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.flows.web.live import (
    IN_A_BROWSER,
    Live,
    Window,
    arrive,
    live,
    start,
    stop,
    verified,
    window,
)

pytestmark = IN_A_BROWSER

PROTOCOL = """
title = "Open end"
summary = "Two steps, each until somebody goes on."
opening = "You can stop or skip any task."

[[step]]
name = "Baseline"
kind = "baseline"
instruction = "Sit quietly."

[[step]]
name = "Listening"
kind = "other"
instruction = "Say nothing."
"""
LOST = "Connection to the recorder lost."
UNREACHABLE = r"ERR_CONNECTION_REFUSED|WebSocket connection|WebSocket is closed"
CUT_LINE = """
const Real = WebSocket;
window.opened = [];
window.WebSocket = class extends Real {
  constructor(...how) { super(...how); window.opened.push(this); if (window.cut) this.close(); }
};
"""
BEATS = "async () => [...(await import('/pages/clinician/store.js')).store.beats.time]"
NUMBERS = (
    "[...document.querySelectorAll('dl.values dd:not(.why)')].map((each) => each.textContent).filter(Boolean)"
)


def begin(at: Window, server: Live, client: str = "anna-1") -> None:
    """A session of which some beats are known, in its second step."""
    arrive(at, server)
    start(at, client, "Open end")
    at.page.wait_for_url("**/live")
    at.button("Begin").click()
    at.button("Next phase").click()
    at.session("the second step", lambda session: session["step"] == 1)
    at.until("some beats", lambda: len(at.page.evaluate(BEATS)) > 20)


def told(at: Window) -> list[float]:
    """The beats of the latest snapshot and all that came after it."""
    latest = max(place for place, each in enumerate(at.heard) if each["topic"] == "snapshot")
    times = [row[0] for row in at.heard[latest]["data"].get("beats", {"add": []})["add"]]
    later = [each["data"]["add"] for each in at.heard[latest + 1 :] if each["topic"] == "beats"]
    return times + [row[0] for rows in later for row in rows]


def without_a_hole(at: Window, browser: Any, server: Live, since: list[float]) -> None:
    """What is drawn goes back to what was drawn before, and is what a new window is told."""
    drawn = at.page.evaluate(BEATS)
    assert drawn[: len(since)] == since
    with window(browser, server) as fresh:
        arrive(fresh, server, "/live")
        fresh.until("the same beats", lambda: fresh.heard and told(fresh)[-1:] >= drawn[-1:])
        assert told(fresh)[: len(drawn)] == drawn


# As the scenario of this name, again and again: a browser on a busy machine may be late for the first.
DROPOUT = """
title = "Out of reach"
summary = "The strap is carried out of reach, and comes back by itself."
sensors = ["heart_rate", "healthypi_move"]
""" + "".join(
    f'[[fault]]\nkind = "out of range"\nat_s = {at_s}\nlasts_s = 56\n' for at_s in range(80, 1600, 120)
)


def test_a_reload_and_a_lost_line(browser: Any, tmp_path: Path) -> None:
    options = ("--simulate", "calm", "--speed", "6")
    with (
        live(tmp_path / "home", *options, protocols={"open": PROTOCOL}) as server,
        window(browser, server) as at,
    ):
        at.excuse(UNREACHABLE)
        at.page.add_init_script(CUT_LINE)
        begin(at, server)
        before = at.page.evaluate(BEATS)

        at.page.reload()
        at.until("all that was drawn", lambda: len(at.page.evaluate(BEATS)) >= len(before))
        at.page.get_by_role("list", name="Phases").get_by_text("Listening").wait_for()
        assert at.page.locator("[aria-current=step]").text_content().startswith("Listening")
        without_a_hole(at, browser, server, before)

        sockets = len(at.sockets)
        at.page.evaluate("window.cut = true; window.opened.at(-1).close()")
        at.page.get_by_text(LOST).wait_for()
        before = at.page.evaluate(BEATS)
        assert set(at.page.evaluate(NUMBERS)) == {"-"}
        with window(browser, server) as other:
            arrive(other, server, "/live")
            other.until("beats go on", lambda: other.heard and told(other)[-1:] > [before[-1] + 5])
        at.page.evaluate("window.cut = false")
        at.page.get_by_text(LOST).wait_for(state="hidden")
        at.until("more beats", lambda: len(at.page.evaluate(BEATS)) > len(before))
        assert "&after=" in at.sockets[-1]
        assert len(at.sockets) > sockets
        assert [each["topic"] for each in at.heard if each["topic"] in ("snapshot", "resumed")][
            -1
        ] == "resumed"
        without_a_hole(at, browser, server, before)
        server.kill()


@pytest.mark.prove
def test_a_process_that_is_killed(browser: Any, tmp_path: Path) -> None:
    home, options = tmp_path / "home", ("--simulate", "calm", "--speed", "6")
    with live(home, *options, protocols={"open": PROTOCOL}) as first, window(browser, first) as at:
        at.excuse(UNREACHABLE)
        begin(at, first)
        assert any(number != "-" for number in at.page.evaluate(NUMBERS))
        beats, epoch = at.page.evaluate(BEATS), at.heard[-1]["epoch"]
        first.kill()
        at.page.get_by_text(LOST).wait_for()
        assert set(at.page.evaluate(NUMBERS)) == {"-"}

        with live(home, *options, "--port", str(first.port)) as second:
            at.page.get_by_text(LOST).wait_for(state="hidden")
            at.page.get_by_text("Start a session on the home page.").wait_for()
            assert at.heard[-1]["epoch"] != epoch
            assert at.page.evaluate(BEATS) == []
            assert set(at.page.evaluate(NUMBERS)) == {"-"}
            at.page.get_by_role("link", name="Home page").click()
            at.page.get_by_text("1 session").click()
            at.page.get_by_text("recovered").wait_for()
            facts = second.manifest("anna-1")
            assert facts["recovered"] is True
            assert [phase["name"] for phase in facts["phases"]] == ["Baseline", "Listening"]
            assert facts["streams"]["rr"]["samples"] >= len(beats)
            verified(home, second.folders("anna-1")[-1])


@pytest.mark.prove
def test_a_sensor_out_of_reach(browser: Any, tmp_path: Path) -> None:
    scene = tmp_path / "dropout.toml"
    scene.write_text(DROPOUT)
    with (
        live(
            tmp_path / "home", "--simulate", str(scene), "--speed", "8", protocols={"open": PROTOCOL}
        ) as server,
        window(browser, server) as at,
    ):
        begin(at, server)
        heart = at.page.get_by_role("region", name="Heart rhythm")
        rate = heart.locator("dl.values > div").filter(has_text="Heart rate")
        at.until("a heart rate", lambda: rate.locator("dd").first.text_content() not in ("-", ""))
        at.page.get_by_role("list", name="Sensors").get_by_text("lost").wait_for()
        at.until("no heart rate", lambda: rate.locator("dd").first.text_content() == "-")
        why = at.last("values")["heart_rate_bpm"]["why"]
        assert why
        heart.get_by_text(why).first.wait_for()
        assert at.last("values")["eda_us"]["value"] is not None
        at.until("a heart rate again", lambda: rate.locator("dd").first.text_content() != "-")
        times = at.page.evaluate(BEATS)
        assert max(later - time_s for time_s, later in pairwise(times)) > 10
        at.excuse(UNREACHABLE)
        stop(at)
        at.until("the session is sealed", lambda: server.sealed("anna-1"))
        server.kill()
        gaps = server.manifest("anna-1")["streams"]["rr"]["gaps"]
        assert max(gap["end_s"] - gap["start_s"] for gap in gaps) > 10
