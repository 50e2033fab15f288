"""The client's page in a real browser, from files on disk: no recorder, no network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from flows.web.app import PAGES, read_page
from flows.web.gate import content_policy
from pipeline.guidance.safety import PACER, UNWELL_BUTTON
from tests.browser import FEWER_FRAMES
from tests.flows.web.live import IN_A_BROWSER

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route, WebSocketRoute

pytestmark = IN_A_BROWSER

SITE = "http://localhost:8699"
KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
SIX = {"breaths_per_min": 6.0, "inhale_share": 0.4, "began_s": 100.0}
PHASE: dict[str, Any] = {
    "screen": "phase",
    "title": "Paced breathing",
    "instruction": "Follow the circle.",
    "opening": "You can stop or skip any task.",
    "home": False,
    "crisis_line": None,
    "step_began_s": 100.0,
    "step_ends_s": 400.0,
    "pacer": SIX,
    "task": None,
    "task_seed": 0,
    "feedback": None,
    "asking": None,
    "check_in": None,
    "safety": None,
    "ended": None,
    "strategy": None,
    "reminder": PACER,
    "unwell": UNWELL_BUTTON,
}


class Screen:
    """A client's page whose recorder is this test: what it shows is sent, what it asks for is kept."""

    def __init__(self, page: Page, path: str = "/client") -> None:
        self.page = page
        self.acts: list[dict[str, Any]] = []
        self.complaints: list[str] = []
        self._path = path
        self._socket: WebSocketRoute | None = None
        self._n = 0
        self._data: dict[str, Any] = {}
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.add_init_script(FEWER_FRAMES)
        page.route(f"{SITE}/**", self._answer)
        page.route_web_socket("**/socket**", self._greet)

    def show(self, **changes: Any) -> None:
        """Send what the page is to show, opening it the first time."""
        self._data = PHASE | changes
        if self._socket is None:
            self.page.goto(f"{SITE}{self._path}")
            self.page.wait_for_selector("main > *")
        else:
            self._send("client", self._data)

    @property
    def view(self) -> str:
        return str(self.page.evaluate("document.body.dataset.view"))

    def acted(self, *expected: dict[str, Any]) -> None:
        """Wait for as many actions as expected, then compare them all."""
        for _ in range(200):
            if len(self.acts) >= len(expected):
                break
            self.page.wait_for_timeout(10)
        assert self.acts == list(expected)

    def _answer(self, route: Route) -> None:
        path = route.request.url.removeprefix(SITE).split("?")[0]
        if path == "/api/me":
            route.fulfill(json={"role": "client", "csrf": "known", "lan": None, "version": "1"})
        elif path == "/api/act":
            self.acts.append(route.request.post_data_json)
            route.fulfill(json={"ok": True})
        else:
            file = PAGES / (
                "client.html" if path in ("/client", "/practice") else path.removeprefix("/pages/")
            )
            policy = {
                "content-security-policy": content_policy(None).replace("connect-src", "connect-src ws:")
            }
            route.fulfill(body=read_page(file), content_type=KINDS[file.suffix], headers=policy)

    def _greet(self, socket: WebSocketRoute) -> None:
        self._socket = socket
        socket.on_message(lambda _: None)
        self._send("snapshot", {"client": self._data})

    def _send(self, topic: str, data: Any) -> None:
        assert self._socket is not None
        self._n += 1
        message = {"epoch": "e", "n": self._n, "at": 0.0, "time_s": 100.0, "speed": 1.0}
        self._socket.send(json.dumps(message | {"topic": topic, "data": data}))


@pytest.fixture
def screen(browser: Browser) -> Iterator[Screen]:
    context = browser.new_context(viewport={"width": 390, "height": 844})
    yield Screen(context.new_page())
    context.close()


@pytest.fixture(scope="module")
def modules(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    Screen(page).show()
    yield page
    page.close()


def call(page: Page, module: str, expression: str, value: object = None) -> Any:
    """The value of `expression` over the module's exports `m` and the given `value`."""
    return page.evaluate(
        f"async (value) => {{ const m = await import('/pages/client/{module}'); return {expression}; }}",
        value,
    )


@pytest.mark.parametrize(
    ("since_s", "expected"),
    [
        pytest.param(0.0, {"part": "in", "along": 0, "fullness": 0, "count": 1, "of": 4}, id="begins empty"),
        pytest.param(2.0, {"part": "in", "along": 0.5, "fullness": 0.5, "count": 3, "of": 4}, id="half in"),
        pytest.param(4.0, {"part": "out", "along": 0, "fullness": 1, "count": 1, "of": 6}, id="full"),
        pytest.param(7.0, {"part": "out", "along": 0.5, "fullness": 0.5, "count": 4, "of": 6}, id="half out"),
        pytest.param(10.0, {"part": "in", "along": 0, "fullness": 0, "count": 1, "of": 4}, id="one period"),
        pytest.param(
            3604.0, {"part": "out", "along": 0, "fullness": 1, "count": 1, "of": 6}, id="an hour on"
        ),
        pytest.param(
            -5.0, {"part": "in", "along": 0, "fullness": 0, "count": 1, "of": 4}, id="not yet begun"
        ),
    ],
)
def test_breath_at_six_a_minute(modules: Page, since_s: float, expected: dict[str, Any]) -> None:
    breath = call(
        modules, "breath.js", "m.breathAt(value.now_s, value.pacer)", {"now_s": 100 + since_s, "pacer": SIX}
    )
    assert breath == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("asked", "breathed"),
    [(6, 6), (4.5, 4.5), (4.4, 4.5), (0, 4.5), (-3, 4.5), (1e9, 20), (None, 6), ("5", 6)],
    ids=str,
)
def test_never_slower_than_four_and_a_half(modules: Page, asked: object, breathed: float) -> None:
    assert call(modules, "breath.js", "m.safeRate(value)", asked) == breathed
    period_s = call(
        modules, "breath.js", "m.lengths({breaths_per_min: value, inhale_share: 0.4}).period_s", asked
    )
    assert period_s == pytest.approx(60 / breathed)


@pytest.mark.parametrize(
    ("share", "kept"), [(0.4, 0.4), (0.5, 0.5), (0, 0.2), (1, 0.6), (None, 0.4)], ids=str
)
def test_share_of_breathing_in(modules: Page, share: object, kept: float) -> None:
    assert call(modules, "breath.js", "m.safeShare(value)", share) == kept


def test_fullness_never_jumps_and_repeats_each_period(modules: Page) -> None:
    pacer = {"breaths_per_min": 5.5, "inhale_share": 0.42, "began_s": 3.7}
    curve = call(
        modules,
        "breath.js",
        "Array.from({length: 4000}, (_, i) => m.breathAt(3.7 + i * 60 / 5.5 / 1000, value).fullness)",
        pacer,
    )
    steps = [abs(after - before) for before, after in pairwise(curve)]
    assert max(steps) < 0.005
    assert curve[:1000] == pytest.approx(curve[3000:], abs=1e-6)
    assert (min(curve), max(curve)) == pytest.approx((0, 1), abs=1e-4)


@pytest.mark.parametrize(
    ("feedback", "link_lost", "words"),
    [
        pytest.param({"element": "tide", "value": 0.4, "paused": None}, False, None, id="runs"),
        pytest.param(
            {"element": "tide", "value": None, "paused": "the sensor lost contact."},
            False,
            "The sensor lost contact: the picture waits.",
            id="lost contact",
        ),
        pytest.param(
            {
                "element": "noise",
                "value": None,
                "paused": "no signal",
            },
            False,
            "No signal: the sound waits.",
            id="said once",
        ),
        pytest.param(
            {"element": "tone", "value": None, "paused": None},
            False,
            "The sensor needs a moment: the sound waits.",
            id="no value yet",
        ),
        pytest.param(
            {"element": "garden", "value": 0.4, "paused": None},
            True,
            "No news from the sensor just now: the picture waits.",
            id="link lost",
        ),
    ],
)
def test_why_feedback_waits(modules: Page, feedback: object, link_lost: bool, words: str | None) -> None:
    assert call(modules, "feedback.js", "m.waiting(value[0], value[1])", [feedback, link_lost]) == words


def test_colour_words_follow_from_the_seed(modules: Page) -> None:
    run = "(() => { const next = m.stroopTrials(value); return Array.from({length: 400}, next); })()"
    words = call(modules, "tasks.js", run, 3)
    assert words == call(modules, "tasks.js", run, 3)
    assert words != call(modules, "tasks.js", run, 4)
    assert {trial["ink"] for trial in words} == {trial["word"] for trial in words}
    assert all(before != after for before, after in pairwise(words))
    disagreeing = sum(trial["ink"] != trial["word"] for trial in words)
    assert 0.7 < disagreeing / len(words) < 0.9


def test_subtraction_begins_at_1022(modules: Page) -> None:
    starts = call(modules, "tasks.js", "[0, 1, 8, 9, null].map(m.subtractionStart)")
    assert starts == [1022, 1113, 1750, 1022, 1022]


@pytest.mark.parametrize("key", ["Escape", " "])
def test_one_key_stops(screen: Screen, key: str) -> None:
    screen.show()
    screen.page.keyboard.press(key)
    assert (screen.view, screen.page.locator(".pacer").count()) == ("stopped", 0)
    screen.acted({"do": "pause"})
    screen.page.get_by_role("button", name="End the session").click()
    screen.acted({"do": "pause"}, {"do": "stop"})
    assert screen.complaints == []


def test_going_on_after_a_stop(screen: Screen) -> None:
    screen.show()
    screen.page.keyboard.press("Escape")
    screen.page.get_by_role("button", name="Go on").click()
    screen.acted({"do": "pause"}, {"do": "resume"})
    assert screen.view == "phase"


def test_unwell_is_answered_before_the_recorder_is(screen: Screen) -> None:
    screen.show()
    screen.page.get_by_role("button", name="Dizzy, tingling or short of breath").dblclick()
    assert screen.page.get_by_role("heading").inner_text() == "Let your breath go back to normal"
    assert screen.page.locator(".pacer").count() == 0
    screen.acted({"do": "unwell"})
    screen.show(screen="grounding", pacer=None, safety={"kind": "unwell", "text": "The pacer has stopped."})
    screen.page.get_by_role("button", name="carry on").click()
    screen.acted({"do": "unwell"}, {"do": "carry_on"})


def test_the_reminder_and_the_way_out_are_there_while_a_pacer_runs(screen: Screen) -> None:
    screen.show()
    assert screen.page.get_by_text("Smaller and softer, not deeper.").is_visible()
    assert screen.page.get_by_role("button", name="Dizzy").is_visible()
    label = screen.page.get_by_role("img").get_attribute("aria-label")
    assert label == "Breathing pacer: 6 breaths a minute, about 4 counts in and 6 counts out."


@pytest.mark.parametrize("value", [0, 10])
def test_distress_takes_one_tap(screen: Screen, value: int) -> None:
    screen.show(asking="distress")
    screen.page.locator(".distress-value").nth(value).click()
    screen.acted({"do": "rate", "scale": "distress", "value": value})
    assert not screen.page.locator(".distress").is_visible()


def test_begin_takes_the_check_in_along(screen: Screen) -> None:
    screen.show(screen="opening", pacer=None, check_in="before")
    screen.page.get_by_role("button", name="tense").click()
    screen.page.get_by_role("button", name="Begin").click()
    screen.acted({"do": "check_in", "when": "before", "feeling": "tense"}, {"do": "begin"})


def test_the_last_word_has_room_for_a_rating_still_asked_for(screen: Screen) -> None:
    over = {"screen": "ended", "pacer": None, "check_in": "after", "ended": {"text": "Thank you."}}
    screen.show(asking="distress", **over)
    screen.page.get_by_label("What my body tells me").fill("warm <b>hands</b>")
    screen.page.locator(".distress-value").nth(2).click()
    screen.show(**over)
    screen.page.get_by_role("button", name="Keep this").click()
    screen.acted(
        {"do": "rate", "scale": "distress", "value": 2},
        {"do": "check_in", "when": "after", "body": "warm <b>hands</b>"},
    )
    assert screen.page.get_by_text("Thank you.").is_visible()


def test_the_opening_says_what_comes(screen: Screen) -> None:
    coming = {"breaths_per_min": 6.0, "inhale_share": 0.4}
    screen.show(screen="opening", pacer=None, coming_pacer=coming, advice=["Keep your inhaler at hand."])
    pace = "The pacer will go at 6 breaths per minute, 4 s in, 6 s out. Smaller and softer, not deeper."
    assert screen.page.get_by_text(pace).is_visible()
    assert screen.page.get_by_text("Keep your inhaler at hand.").is_visible()


def test_colour_words_are_counted_once_at_their_end(screen: Screen) -> None:
    screen.show(pacer=None, task="stroop")
    for _ in range(6):
        ink = screen.page.locator(".stroop-word").get_attribute("data-ink")
        screen.page.keyboard.press(str(1 + ["blue", "orange", "pink", "black"].index(ink or "")))
    screen.page.get_by_role("button", name="Skip this task").click()
    screen.show()
    screen.acted({"do": "skip"}, {"do": "task", "name": "stroop", "shown": 6, "right": 6})


def test_a_check_in_may_stay_empty(screen: Screen) -> None:
    screen.show(screen="opening", pacer=None, check_in="before")
    screen.page.get_by_role("button", name="Begin").click()
    screen.acted({"do": "begin"})


def test_questions_before_a_first_session(screen: Screen) -> None:
    questions = [{"id": "pacemaker", "text": "A pacemaker?"}, {"id": "pregnancy", "text": "Pregnant?"}]
    screen.show(screen="opening", pacer=None, screening=questions)
    screen.page.get_by_label("Yes").first.check()
    screen.page.get_by_label("I'd rather not say").last.check()
    screen.page.get_by_role("button", name="I have read this").click()
    screen.acted({"do": "screening", "answers": {"pacemaker": True}, "noted": True})
    assert screen.view == "opening"


def test_words_from_elsewhere_are_text(screen: Screen) -> None:
    screen.show(title="<img src=x onerror=alert(1)>", instruction="<b>bold</b>")
    assert screen.page.get_by_role("heading", level=1).inner_text() == "<img src=x onerror=alert(1)>"
    assert screen.page.locator("main img, main b:not(.picture b)").count() == 0


def test_nothing_moves_where_motion_is_not_wanted(browser: Browser) -> None:
    context = browser.new_context(reduced_motion="reduce")
    screen = Screen(context.new_page())
    screen.show(feedback={"element": "tide", "value": 0.6, "paused": None})
    screen.page.wait_for_selector(".pacer-step.full")
    assert not screen.page.locator(".pacer-shape").is_visible()
    assert screen.page.locator(".pacer-step").count() == 10
    assert screen.complaints == []
    context.close()
