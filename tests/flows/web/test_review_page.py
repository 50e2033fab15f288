"""The review page in a browser: by keys and by touch, at the desk and on a phone; and what guards it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows.review_items import Item
from flows.reviewing import Desk
from flows.web.hub import Role
from flows.web.review import review_server
from flows.web.server import Server
from pipeline.edits import Action, read_edits
from pipeline.model import Recording
from pipeline.store import Home
from tests.flows.web.live import DESKTOP, IN_A_BROWSER, PHONE, Window, window
from tests.flows.web.test_accessibility import accessible
from tests.pipeline.test_edits import recorded

pytestmark = IN_A_BROWSER


@dataclass
class Reviewed:
    """A running review of two recordings, of six minutes and of a day."""

    server: Server
    out: Path
    link: str
    cookies: list[Any] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.server.url

    def marks(self, unit: str) -> list[tuple[str, str, str]]:
        lines = read_edits(self.out / "edits" / f"{unit}.ann.csv").marks
        return [(mark.stream, mark.action, mark.reason) for mark in lines]


@pytest.fixture(scope="module")
def review(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reviewed]:
    place = tmp_path_factory.mktemp("review")

    def item(unit: str, seconds: int) -> Item:
        made: list[Recording] = []

        def read() -> Recording:
            made[:] = made or [recorded(seconds)]
            return made[0]

        return Item(unit, read, place)

    (place / "edits").mkdir()
    (place / "edits" / "order.json").write_text('{"seed": 1}')
    desk = Desk([item("short", 360), item("day", 86_400)], "ann")
    with review_server(Home(place / "home"), desk, 0) as server:
        yield Reviewed(server, place, server.ticket(Role.OPERATOR, "/"))


def arrive(at: Window, review: Reviewed, number: int = 1) -> Any:
    page = at.page
    if review.cookies:
        page.context.add_cookies(review.cookies)
    else:
        page.goto(review.link)
        page.wait_for_url(review.url + "/#1")
        review.cookies = page.context.cookies()
    page.goto(f"{review.url}/#{number}")
    page.reload()
    page.get_by_role("heading", name=f"Recording {number} of 2").wait_for()
    at.until("intervals", lambda: " 0 points" not in (label(at) or " 0 points") and "points" in label(at))
    return page


def label(at: Window) -> str:
    return at.page.locator("#beats").get_attribute("aria-label") or ""


def press(at: Window, *keys: str) -> None:
    for key in keys:
        at.page.keyboard.press(key)


def saved(at: Window) -> None:
    at.until("saved", lambda: at.page.locator("#saved").inner_text() == "Saved.")


def test_by_keys_alone(browser: Any, review: Reviewed) -> None:
    with window(browser, review, DESKTOP) as at:  # type: ignore[arg-type]
        page = arrive(at, review)
        selected = page.locator("#selected")
        press(at, "ArrowRight")
        at.until("one is selected", lambda: "Interval ending at" in selected.inner_text())
        press(at, "x")
        at.until("it is out", lambda: "excluded by hand" in selected.inner_text())
        press(at, "Shift+ArrowRight", "Shift+ArrowRight")
        at.until("three are selected", lambda: selected.inner_text().startswith("3 intervals"))
        page.get_by_label("Reason").select_option("movement")
        page.get_by_label("In words").fill("a <b>cough</b>")
        page.locator("#lanes").focus()
        press(at, "k")
        at.until("kept", lambda: ("rr", "keep", "movement: a <b>cough</b>") in review.marks("short"))
        press(at, "ArrowDown", "Shift+ArrowRight", "x")
        at.until("skin, too", lambda: len(review.marks("short")) == 3)
        press(at, "z")
        at.until("taken back", lambda: len(review.marks("short")) == 2)
        press(at, "y")
        at.until("brought back", lambda: review.marks("short")[-1][:2] == ("eda", "exclude"))
        press(at, "r")
        at.until("how far", lambda: "Reviewed until 2:00 of 6:00" in page.locator("#progress").inner_text())
        accessible(at, "review")
        page.reload()
        page.get_by_text("3 marks").wait_for()
        at.until("it goes on there", lambda: page.locator("#span").inner_text().startswith("2:00"))
    assert read_edits(review.out / "edits" / "short.ann.csv").by["ann"].reviewed_s == 120


def test_by_touch_on_a_phone(browser: Any, review: Reviewed) -> None:
    before = len(review.marks("short"))
    with window(browser, review, PHONE, color_scheme="dark") as at:  # type: ignore[arg-type]
        page = arrive(at, review)
        page.locator("#beats").tap(position={"x": 150, "y": 60})
        at.until("one is selected", lambda: "Interval ending" in page.locator("#selected").inner_text())
        at.button("Exclude").tap()
        at.until("it is out", lambda: len(review.marks("short")) == before + 1)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        accessible(at, "review on a phone, dark")


def test_a_day_is_moved_through(browser: Any, review: Reviewed) -> None:
    with window(browser, review, DESKTOP) as at:  # type: ignore[arg-type]
        page = arrive(at, review, 2)
        span = page.locator("#span")
        for _ in range(20):
            page.locator('[data-do="wider"]').click()
        at.until("all of it", lambda: span.inner_text() == "0:00 to 24:00:00")
        selected = page.locator("#selected")  # a key does nothing before the part is there
        at.until("too far to mark", lambda: press(at, "ArrowRight") or "come closer" in selected.inner_text())
        page.locator("#overview").click(position={"x": 500, "y": 20})
        for _ in range(14):
            page.locator('[data-do="closer"]').click()
        at.until("near again", lambda: " of them not normal" in label(at) and _points(label(at)) < 200)
        box = page.locator("#beats").bounding_box()
        page.locator('[data-do="spans"]').click()
        page.mouse.move(box["x"] + 300, box["y"] + 80)
        page.mouse.down()
        page.mouse.move(box["x"] + 600, box["y"] + 90, steps=5)
        page.mouse.up()
        at.until("several", lambda: " intervals, from" in page.locator("#selected").inner_text())
        press(at, "x")
        at.until("out", lambda: review.marks("day") == [("rr", Action.EXCLUDE, "")])


def _points(told: str) -> int:
    return int(told.partition(": ")[2].split(" points")[0])


def test_nobody_marks_from_elsewhere(review: Reviewed) -> None:
    facts = {"do": "exclude", "time_s": 1, "end_s": 2, "stream": "rr"}
    with httpx.Client(base_url=review.url, timeout=60) as stranger:
        assert stranger.get("/api/review/0").status_code == 401
        assert (
            stranger.post("/api/review/0/marks", json=facts, headers={"Origin": review.url}).status_code
            == 401
        )
        assert stranger.get(review.server.ticket(Role.OPERATOR, "/")).status_code == 200
        assert "default-src 'none'" in stranger.get("/").headers["content-security-policy"]
        assert stranger.get("/api/review/7").json()["error"] == "there is no such recording"
        assert stranger.get("/api/review/0/part?start_s=x&end_s=2").status_code == 400
        assert stranger.post("/api/review/0/marks", json=facts).status_code == 403
        for path in ("/api/home", "/api/clients/x", "/report/a/b"):
            assert stranger.get(path).status_code == 404
