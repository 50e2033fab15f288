"""A practitioner enters on a client's page, at the desk and on a phone; and says a session's conditions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from devices.decoding import decode
from pipeline.amendments import read_amendments
from pipeline.diary import read_diary
from pipeline.entries import Adverse, Outcome, Week
from pipeline.profile import Profile, read_profile, write_profile
from pipeline.sealing import seal
from tests.flows.web.live import (
    DESKTOP,
    IN_A_BROWSER,
    PHONE,
    Live,
    Window,
    arrive,
    go_home,
    live,
    stop,
    window,
)
from tests.flows.web.test_accessibility import accessible
from tests.pipeline.sessions import records, write_journal

pytestmark = IN_A_BROWSER

SESSIONS = ("2026-11-18T09-00-00-ab12", "2026-11-20T09-00-00-ab12")
NASTY = '<img src=x onerror="alert(1)">'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    home = tmp_path_factory.mktemp("entering") / "home"
    for client in ("desk", "phone"):
        for session in SESSIONS:
            folder = home / "sessions" / client / session
            write_journal(folder, records(2))
            seal(folder, decode)
        write_profile(home, client, Profile(goal="Sleep", conditions={"hand": "left", "medication": "other"}))
    (home / "clinic.toml").write_text('name = "Park"\ncrisis_line = "116 123"\n')
    with live(home, "--simulate", "calm", "--speed", "6") as running:
        yield running
        running.kill()  # the report is for others to see


def opened(at: Window, title: str) -> Any:
    """A form of the page, its fold opened."""
    summary = at.page.locator(".entering summary", has_text=title)
    summary.click()
    return summary.locator("xpath=..").locator("form")


def entered(at: Window, form: Any, button: str = "Enter") -> str:
    """Send a form; the line it says then."""
    form.get_by_role("button", name=button).click()
    says = form.get_by_role("status")
    return str(at.until("an answer", lambda: (said := says.inner_text()) not in ("", "Entering …") and said))


def fits(at: Window) -> None:
    """Nothing stands out sideways."""
    assert at.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(("client", "shape"), [("desk", DESKTOP), ("phone", PHONE)], ids=["desk", "phone"])
def test_a_practitioner_enters(browser: Any, server: Live, client: str, shape: dict[str, Any]) -> None:
    home = server.home
    with window(browser, server, shape) as at:
        page = at.page
        arrive(at, server, f"/progress/{client}")
        page.get_by_label("Your name or initials").fill("AB")

        form = opened(at, "Outcome line")
        form.get_by_label("Value").fill("17")
        assert "PSS 17" in entered(at, form)
        form.get_by_label("What").select_option("PHQ-9")
        form.get_by_label("Value").fill("9")
        at.excuse("400")
        assert entered(at, form) == "PHQ-9: say its item 9 too, 0 to 3"
        assert not page.locator("#speak").is_visible()
        form.get_by_label("Item 9").select_option("1")
        assert "PHQ-9 9" in entered(at, form)
        notice = page.get_by_role("alert").filter(has_text="speak with the person today")
        notice.wait_for()
        assert "116 123" in notice.inner_text()
        form.get_by_label("What").select_option("goal")
        assert form.get_by_label("Which goal").input_value() == "Sleep"
        form.get_by_label("Value").fill("6")
        assert "Sleep" in entered(at, form)

        form = opened(at, "The week")
        form.get_by_label("Outdoors in nature").select_option("3")
        assert "nature 3" in entered(at, form)

        form = opened(at, "Something unwanted")
        form.get_by_label("What happened").fill(NASTY)
        form.get_by_label("Session").select_option(index=1)
        assert NASTY in entered(at, form)

        form = opened(at, "What progress is judged by")
        form.get_by_label("First measure").select_option("scr_per_min")
        assert "scr_per_min" in entered(at, form, "Choose")

        form = opened(at, "Practice at home")
        form.get_by_label("Times a week").fill("5")
        form.get_by_label("Minutes each").fill("10")
        assert "5 a week, 10 min each" in entered(at, form, "Plan")

        form = opened(at, "an order that chance decides")
        for box in form.get_by_role("checkbox").all()[:2]:
            box.check()
        assert "drawn from" in entered(at, form, "Draw an order")

        page.get_by_role("button", name="Release the client edition").first.click()
        page.get_by_text("Released by AB").wait_for()
        fits(at)
        accessible(at, f"{client}, everything entered")

        unwanted = page.get_by_role("listitem").filter(has_text=NASTY)
        unwanted.get_by_role("button", name="Take back").click()
        unwanted.get_by_role("button", name="Really take back").click()
        page.get_by_text("Taken back:").wait_for()
        assert unwanted.count() == 0
        page.reload()
        notice.wait_for()
        assert page.get_by_label("Your name or initials").input_value() == "AB"
        page.get_by_text("Planned").wait_for(state="attached")

    diary, profile = read_diary(home, client), read_profile(home, client)
    assert [(each.scale, each.value, each.item_9, each.goal, each.by) for each in diary.outcomes] == [
        ("PSS", 17, None, None, "AB"),
        ("PHQ-9", 9, 1, None, "AB"),
        ("goal", 6, None, "Sleep", "AB"),
    ]
    (week,) = diary.weeks
    assert (week.days, diary.adverse) == ({"nature": 3}, ())
    assert profile.primary is not None
    assert profile.primary.measures == ("scr_per_min",)
    assert profile.practice_plan is not None
    assert (profile.practice_plan.sessions_per_week, profile.practice_plan.minutes) == (5, 10)
    assert profile.alternation is not None
    assert len(profile.alternation.strategies) == 2
    assert {type(entry) for entry in diary.entries} <= {Outcome, Week, Adverse}
    release = read_amendments(home / "sessions" / client / SESSIONS[-1]).release
    assert release is not None
    assert release.by == "AB"


def test_nothing_is_released_without_a_name(browser: Any, server: Live) -> None:
    with window(browser, server) as at:
        arrive(at, server, "/progress/desk")
        at.page.get_by_label("Your name or initials").fill("")
        at.page.get_by_role("button", name="Release the client edition").last.click()
        at.page.get_by_text("Say who releases it").wait_for()
    assert read_amendments(server.home / "sessions" / "desk" / SESSIONS[0]).release is None


def test_nobody_enters_a_phq_9_of_themselves(browser: Any, server: Live) -> None:
    with window(browser, server) as at:
        arrive(at, server, "/progress/me")
        form = opened(at, "Outcome line")
        assert form.get_by_label("What").locator("option").all_inner_texts() == ["PSS", "GAD-7", "Own goal"]


@pytest.mark.parametrize(("client", "shape"), [("desk", DESKTOP), ("phone", PHONE)], ids=["desk", "phone"])
def test_conditions_before_a_session(browser: Any, server: Live, client: str, shape: dict[str, Any]) -> None:
    with window(browser, server, shape) as at:
        page = at.page
        go_home(at, server)
        said = page.locator("#conditions-said")
        at.until("nothing said yet", lambda: said.inner_text() == "not said")
        page.get_by_role("button", name=client, exact=True).click()
        assert page.get_by_role("link", name="Plans, entries").get_attribute("href") == f"/progress/{client}"
        at.until(
            "what was said last time", lambda: said.inner_text() == "Hand or side: left · Medication: other"
        )
        page.locator("#conditions summary").click()
        page.get_by_label("Caffeine").select_option("none today")
        page.get_by_label("Skin sensor at").select_option("fingers")
        page.get_by_role("checkbox", name="beta-blocker").check()
        fits(at)
        accessible(at, f"{client}, conditions", "#conditions")
        page.get_by_role("radio", name="Free session").check()
        at.button("Start").click()
        page.wait_for_url("**/live")
        at.button("Begin").click()
        stop(at)
        at.until(
            "it is sealed", lambda: server.sealed(client) and len(server.folders(client)) > len(SESSIONS)
        )
    folder = server.folders(client)[-1]
    facts = json.loads((folder / "session.json").read_bytes())["conditions"]
    assert {name: facts[name] for name in ("eda_site", "hand", "caffeine", "medication")} == {
        "eda_site": "fingers",
        "hand": "left",
        "caffeine": "none-today",
        "medication": "beta-blocker, other",
    }
