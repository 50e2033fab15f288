"""In a language without a plain letter no page shows one, not even while nobody answers; but for data."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devices.connection import Radio
from devices.decoding import decode
from flows.entering import enter_facts, plan_facts, release_facts
from flows.surroundings import Surroundings
from flows.web.app import PAGES
from flows.web.hub import Role
from flows.web.lobby import Defaults, Lobby
from pipeline.guidance.protocol import protocol, protocols
from pipeline.guidance.safety import QUESTIONS
from pipeline.guidance.strategies import strategies
from pipeline.language import use
from pipeline.profile import Profile, write_profile
from pipeline.sealing import seal
from pipeline.store import Home
from tests.browser import FEWER_FRAMES
from tests.flows.web.house import House, served
from tests.flows.web.live import IN_A_BROWSER, PATIENCE_S, Window
from tests.flows.web.test_accessibility import accessible
from tests.flows.web.test_words import NAMES
from tests.pipeline.sessions import records, write_journal
from tests.pseudo_locale import plain_english, pseudo_locale

pytestmark = IN_A_BROWSER

SESSIONS = ("2026-11-18T09-00-00-ab12", "2026-11-20T09-00-00-ab12", "2026-11-21T09-00-00-ab12")
GOAL, HAPPENED, BY = "schlafen", "schwindlig", "AB"
SAID = """() => document.documentElement.outerHTML
  + [...document.querySelectorAll('input, textarea')].map((each) => `<p>${each.placeholder}</p>`).join('')"""


def fill(home: Path) -> None:
    """Sessions of every kind that the pages tell apart, and one of each thing that can be entered."""
    for session in SESSIONS[:2]:
        folder = home / "sessions" / "c1" / session
        write_journal(folder, records(2))
        seal(folder, decode)
    (folder / "derived").mkdir(exist_ok=True)
    (folder / "derived" / "report.json").write_text(json.dumps({"phases": [BASELINE]}))
    write_journal(home / "sessions" / "c1" / SESSIONS[2], records(2))
    write_profile(home, "c1", Profile(goal=GOAL, conditions={"hand": "left", "medication": "other"}))
    store = Home(home)
    for facts in ENTERED:
        enter_facts(store, "c1", {"by": BY, **facts})
    for facts in PLANNED:
        plan_facts(store, "c1", facts)
    release_facts(store, "c1", SESSIONS[1], {"what": "release", "by": BY})


BASELINE: dict[str, Any] = {
    "name": "Baseline",
    "kind": "baseline",
    "start_s": 1.0,
    "end_s": 60.5,
    "features": {"mean_hr_bpm": 72.0, "beats": 70, "rmssd_ms": 31.0, "nn_pairs": 69, "scl_us": None},
    "null_reasons": {},
}
ENTERED: tuple[dict[str, Any], ...] = (
    {"kind": "outcome", "scale": "PHQ-9", "value": 9, "item_9": 1, "day": "2026-11-20"},
    {"kind": "outcome", "scale": "goal", "value": 6, "goal": GOAL, "day": "2026-11-20"},
    {"kind": "week", "nature": 3, "sleep": 2, "day": "2026-11-20"},
    {"kind": "adverse", "text": HAPPENED, "day": "2026-11-20"},
)
PLANNED: tuple[dict[str, Any], ...] = (
    {"what": "primary", "measures": ["ln_rmssd", "scr_per_min"]},
    {"what": "plan", "sessions_per_week": 5, "minutes": 10, "strategy": "feet-on-the-floor"},
    {"what": "alternation", "strategies": ["feet-on-the-floor", "another-view"]},
)


def data(home: Path) -> list[str]:
    """What stands on the pages and is data: names, titles of what can be chosen, what people said."""
    offered = [protocol(name, home) for name in protocols(home)]
    return [
        *(text for each in offered for text in (each.title, each.summary)),
        *(each.title for each in strategies(home).values()),
        *(text for each in QUESTIONS for text in (each.text, each.advice)),
        *(*SESSIONS, GOAL, HAPPENED, BY, "c1", "me", "Nov", "Jan", "116 123", *NAMES),
    ]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    home = tmp_path / "home"
    home.mkdir()
    (home / "clinic.toml").write_text('crisis_line = "116 123"\n')
    fill(home)
    with use(pseudo_locale()), served(home, pages=PAGES) as house:
        told: list[Any] = []
        lobby = Lobby(
            Home(home), Surroundings(Radio()), Defaults(client="c1"), lambda _, facts: told.append(facts)
        )
        lobby.tell()
        house.server.publish("lobby", told[0])
        yield house


@pytest.fixture
def at(browser: Any) -> Iterator[Window]:
    context = browser.new_context()
    context.set_default_timeout(PATIENCE_S * 1000)
    context.add_init_script(FEWER_FRAMES)
    yield Window(context.new_page())
    context.close()


def check(at: Window, home: Path, where: str) -> None:
    """Nothing that the page says is plain."""
    assert plain_english(at.page.evaluate(SAID), data(home)) == [], where


def test_no_page_shows_a_plain_letter(at: Window, house: House) -> None:
    page, home = at.page, house.home
    page.goto(f"{house.url}/join#ABCDEF")
    page.locator("#code").fill("1")
    page.locator("#join-go").click()
    check(at, home, "join")

    page.goto(house.server.ticket(Role.OPERATOR, "/progress/c1"))
    page.wait_for_url(f"{house.url}/progress/c1")
    page.locator("#entered strong").first.wait_for()
    for fold in page.locator(".entering summary").all():
        fold.click()
    page.locator("#outcome select").first.select_option("goal")
    page.locator("#entered button").first.click()
    page.locator("#editions-list button").first.click()
    page.locator("#editions-says:not(:empty)").wait_for()
    check(at, home, "progress")
    accessible(at, "progress")

    page.goto(house.url)
    page.locator('#protocols [value="free"]').check()
    page.locator("#clients summary").click()
    page.locator("#clients .sessions li").first.wait_for()
    for fold in ("#conditions", "#screening"):
        page.locator(f"{fold} > summary").click()
    page.locator("#go").click()
    page.locator("#go-says:not(:empty)").wait_for()
    page.locator("#client").fill("Ä?")
    page.locator("#go").click()
    check(at, home, "home")
    accessible(at, "home")

    page.locator("#import-files").set_input_files({"name": "1", "mimeType": "", "buffer": b"0"})
    house.server.stop()
    page.locator("#import-client").fill("c1")
    page.locator("#import-go").click()
    page.locator("#import-list .wrong").wait_for()
    page.locator("#connection:not(:empty)").wait_for()
    check(at, home, "home, and nobody answers")
