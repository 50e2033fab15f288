"""The progress report in a real browser: it fits, nothing overlaps, axe-core finds nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.claims.claim import Audience
from tests.browser import CHROMIUM
from tests.pipeline.report.progressions import changed_device, page, sessions

pytestmark = pytest.mark.skipif(
    not Path(CHROMIUM["executable_path"]).exists(), reason="Chromium is not installed"
)

OVERLAPS = """() => [...document.querySelectorAll('svg.plot')].flatMap(svg => {
    const boxes = [...svg.querySelectorAll('text')]
        .map(each => [each.textContent, each.getBoundingClientRect()]).filter(([, box]) => box.width > 0);
    return boxes.flatMap(([a, one], i) => boxes.slice(i + 1).filter(([, other]) =>
        one.left < other.right - 1 && other.left < one.right - 1 &&
        one.top < other.bottom - 3 && other.top < one.bottom - 3).map(([b]) => [a, b]));
})"""
CUT = """() => [...document.querySelectorAll('svg.plot text')].map(each => each.getBoundingClientRect())
    .filter(box => box.width > 0 && (box.left < 0 || box.right > innerWidth)).length"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(**CHROMIUM)
        yield chromium
        chromium.close()


@pytest.fixture(
    scope="module",
    params=[
        pytest.param((0, Audience.CLINICIAN), id="no session"),
        pytest.param((16, Audience.CLINICIAN), id="16 sessions, a changed device"),
        pytest.param((200, Audience.CLINICIAN), id="200 sessions"),
        pytest.param((16, Audience.CLIENT), id="the client's"),
    ],
)
def page_file(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    count, audience = request.param
    path = tmp_path_factory.mktemp("progress") / "progress.html"
    path.write_text(page(changed_device(sessions(count), 8), audience), encoding="utf-8")
    return path


@pytest.mark.parametrize("width", [390, 1280])
def test_fits_the_screen_and_asks_for_nothing(browser: Any, page_file: Path, width: int) -> None:
    shown = browser.new_page(viewport={"width": width, "height": 844})
    messages: list[str] = []
    requests: list[str] = []
    shown.on("console", lambda message: messages.append(message.text))
    shown.on("pageerror", lambda error: messages.append(str(error)))
    shown.on("request", lambda request: requests.append(request.url))
    shown.goto(page_file.as_uri())
    assert shown.evaluate("document.documentElement.scrollWidth") <= width
    assert (shown.evaluate(OVERLAPS), shown.evaluate(CUT)) == ([], 0)
    assert messages == []
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    shown.close()


def test_axe_finds_nothing(browser: Any, page_file: Path) -> None:
    base = pytest.importorskip("axe_playwright_python.base")
    context = browser.new_context(viewport={"width": 1280, "height": 900}, bypass_csp=True)
    shown = context.new_page()
    shown.goto(page_file.as_uri())
    shown.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    shown.evaluate(base.AXE_SCRIPT)
    found = base.AxeResults(shown.evaluate("axe.run(document, { resultTypes: ['violations'] })"))
    assert found.violations_count == 0, found.generate_report()
    context.close()


def test_on_a_phone_figures_end_where_their_labels_begin(browser: Any, page_file: Path) -> None:
    shown = browser.new_page(viewport={"width": 390, "height": 844})
    shown.goto(page_file.as_uri())
    edges = shown.evaluate(
        """() => [...document.querySelectorAll('.figures div')].map(each => [
            Math.round(each.querySelector('dd').getBoundingClientRect().right),
            Math.round(each.querySelector('dt').getBoundingClientRect().left)])"""
    )
    assert len({tuple(each) for each in edges}) <= 1
    assert all(number < label for number, label in edges)
    shown.close()
