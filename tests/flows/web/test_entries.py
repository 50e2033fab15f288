"""What is entered on a client's page, over a real socket: kept, answered in a line, and by nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from devices.decoding import decode
from flows.web.hub import Role
from pipeline.diary import diary_path, read_diary
from pipeline.profile import Primary, read_profile
from pipeline.sealing import seal
from pipeline.verification import problems_of
from tests.flows.web.house import House, served, writing
from tests.pipeline.sessions import records, write_journal

SESSION = "2027-01-15T08-00-00-ab12"
ENTRIES, PLAN, RELEASE = (
    "/api/clients/c1/entries",
    "/api/clients/c1/plan",
    f"/api/sessions/c1/{SESSION}/release",
)
GOOD: dict[str, dict[str, Any]] = {
    ENTRIES: {"kind": "outcome", "scale": "PSS", "value": 17, "day": "2026-11-20", "by": "AB"},
    PLAN: {"what": "primary", "measures": ["ln_rmssd"]},
    RELEASE: {"what": "release", "by": "Dr A"},
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home" / "sessions" / "c1" / SESSION
    write_journal(folder, records(2))
    seal(folder, decode)
    (tmp_path / "home" / "clinic.toml").write_text('crisis_line = "116 123"')
    return tmp_path / "home"


@pytest.fixture
def house(home: Path) -> Iterator[House]:
    with served(home) as house:
        yield house


@pytest.fixture
def operator(house: House) -> Iterator[httpx.Client]:
    with house.browser(Role.OPERATOR) as browser:
        yield browser


def post(house: House, browser: httpx.Client, path: str, facts: Any) -> httpx.Response:
    return browser.post(path, json=facts, headers=writing(house, browser, Role.OPERATOR))


def test_an_entry_is_kept_and_told(house: House, operator: httpx.Client, home: Path) -> None:
    answer = post(house, operator, ENTRIES, GOOD[ENTRIES])
    assert (answer.status_code, answer.json()) == (
        200,
        {"ok": True, "line": "Entered: 2026-11-20  PSS 17", "notice": None},
    )
    (entry,) = read_diary(home, "c1").entries
    told = operator.get("/api/clients/c1").json()["diary"]
    assert told == {"entries": [entry.as_json()], "trouble": None, "notice": None}
    taken = post(house, operator, ENTRIES, {"kind": "taken-back", "of": entry.id}).json()
    assert taken["line"] == "Taken back: 2026-11-20  PSS 17"
    assert operator.get("/api/clients/c1").json()["diary"]["entries"] == []


def test_item_9_is_told_at_once_and_to_nobody_else(house: House, operator: httpx.Client) -> None:
    facts = {**GOOD[ENTRIES], "scale": "PHQ-9", "value": 9, "item_9": 2}
    notice = post(house, operator, ENTRIES, facts).json()["notice"]
    assert notice == (
        "Item 9 of the PHQ-9 of 20 November 2026 was above 0: please speak with the person today. "
        "Crisis line: 116 123"
    )
    assert operator.get("/api/clients/c1").json()["diary"]["notice"] == notice
    assert "item" not in operator.get("/api/home").text.lower()
    with house.browser(Role.CLIENT) as client:
        assert client.get("/api/clients/c1").status_code == 403


def test_plans_are_kept_in_the_profile(house: House, operator: httpx.Client, home: Path) -> None:
    answer = post(house, operator, PLAN, GOOD[PLAN]).json()
    assert answer["line"].startswith("Progress is judged by ln_rmssd, chosen ")
    primary = read_profile(home, "c1").primary
    assert primary == Primary(("ln_rmssd",), primary.date if primary else "")
    assert operator.get("/api/clients/c1").json()["profile"]["primary"]["measures"] == ["ln_rmssd"]


def test_a_client_edition_is_released_by_name(house: House, operator: httpx.Client, home: Path) -> None:
    def told() -> Any:
        return operator.get("/api/clients/c1").json()["sessions"][0]["release"]

    assert told() is None
    assert post(house, operator, RELEASE, GOOD[RELEASE]).json()["line"] == "Client edition released (Dr A)."
    assert told()["by"] == "Dr A"
    assert problems_of(home / "sessions" / "c1" / SESSION) == []
    post(house, operator, RELEASE, {"what": "withdraw", "by": "Dr A"})
    assert told() is None


@pytest.mark.parametrize("path", list(GOOD))
@pytest.mark.parametrize(
    ("role", "left_out", "status"),
    [
        (None, "", 401),
        (Role.CLIENT, "", 403),
        (Role.OPERATOR, "X-Vagal-CSRF", 403),
        (Role.OPERATOR, "Origin", 403),
    ],
    ids=["nobody", "a client", "no token", "no origin"],
)
def test_nobody_else_enters_anything(
    house: House, home: Path, path: str, role: Role | None, left_out: str, status: int
) -> None:
    before = sorted(home.glob("[cs]*/**/*"))  # clients and sessions
    with house.browser(role) as browser:
        headers = writing(house, browser, role) if role else {"Origin": house.url, "X-Vagal-CSRF": "x"}
        headers.pop(left_out, None)
        assert browser.post(path, json=GOOD[path], headers=headers).status_code == status
    assert sorted(home.glob("[cs]*/**/*")) == before


@pytest.mark.parametrize(
    ("path", "facts", "status"),
    [
        (ENTRIES, {}, 400),
        (ENTRIES, [], 400),
        (ENTRIES, {**GOOD[ENTRIES], "value": 400}, 400),
        (ENTRIES, {"kind": "adverse", "text": "x" * 3000}, 400),
        ("/api/clients/Anna%20B/entries", GOOD[ENTRIES], 400),
        ("/api/clients/..%2fc1/entries", GOOD[ENTRIES], 404),
        ("/api/clients/c1/other", GOOD[ENTRIES], 404),
        ("/api/clients/c1", GOOD[ENTRIES], 405),
        (PLAN, {"what": "x"}, 400),
        (RELEASE, {"what": "release"}, 400),
        ("/api/sessions/c1/nope/release", GOOD[RELEASE], 400),
        ("/api/sessions/c2/" + SESSION + "/release", GOOD[RELEASE], 400),
    ],
)
def test_what_cannot_be_is_one_line(
    house: House, operator: httpx.Client, home: Path, path: str, facts: Any, status: int
) -> None:
    answer = post(house, operator, path, facts)
    assert answer.status_code == status
    assert len(answer.text.splitlines()) == 1
    assert not (home / "clients").exists()


def test_words_that_mean_harm_stay_words(house: House, operator: httpx.Client) -> None:
    nasty = '"><img src=x onerror="alert(1)"></script>\u2028{goal}'
    assert (
        post(house, operator, ENTRIES, {"kind": "adverse", "text": nasty, "by": nasty[:40]}).status_code
        == 200
    )
    answer = operator.get("/api/clients/c1")
    assert answer.headers["content-type"] == "application/json"
    (entry,) = answer.json()["diary"]["entries"]
    assert (entry["text"], entry["by"]) == (nasty, nasty[:40])
    assert "onerror" not in operator.get(f"/progress/{quote('c1')}").text


def test_a_damaged_diary_is_told_and_the_page_stands(
    house: House, operator: httpx.Client, home: Path
) -> None:
    post(house, operator, ENTRIES, GOOD[ENTRIES])
    path = diary_path(home, "c1")
    path.write_bytes(path.read_bytes() + b'{"kind": "outc')
    told = operator.get("/api/clients/c1").json()["diary"]
    assert len(told["entries"]) == 1
    assert told["trouble"].startswith("c1.diary.jsonl: 1 line cannot be read")


def test_the_client_edition_is_a_draft_until_it_is_released(house: House, operator: httpx.Client) -> None:
    edition = f"/report/c1/{SESSION}/client"
    post(house, operator, ENTRIES, {**GOOD[ENTRIES], "scale": "PHQ-9", "value": 9, "item_9": 2})
    draft = operator.get(edition)
    assert (draft.status_code, "Dr A" in draft.text) == (200, False)
    assert "PHQ" not in draft.text
    assert "speak with the person" not in draft.text
    post(house, operator, RELEASE, GOOD[RELEASE])
    assert "Dr A" in operator.get(edition).text
    post(house, operator, RELEASE, {**GOOD[RELEASE], "what": "withdraw"})
    assert "Dr A" not in operator.get(edition).text


def test_a_report_is_made_again_after_something_was_entered(
    house: House, operator: httpx.Client, home: Path
) -> None:
    report = f"/report/c1/{SESSION}"
    page = home / "sessions" / "c1" / SESSION / "derived" / "report.html"
    assert operator.get(report).status_code == 200
    made = page.stat().st_mtime_ns
    operator.get(report)
    assert page.stat().st_mtime_ns == made
    post(house, operator, ENTRIES, GOOD[ENTRIES])
    assert operator.get(report).status_code == 200
    assert page.stat().st_mtime_ns > made
