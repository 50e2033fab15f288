from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.analysis import analyse
from pipeline.model import Marker
from pipeline.report import render
from tests.browser import CHROMIUM
from tests.pipeline.report.recordings import GUIDED, recording

pytestmark = pytest.mark.skipif(
    not Path(CHROMIUM["executable_path"]).exists(), reason="Chromium is not installed"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(**CHROMIUM)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    long = "averyveryverylongwordwithoutanyplacetobreak" * 12
    session = recording(
        client="a-014",
        phases=(*GUIDED[:3], GUIDED[3]),
        markers=(Marker(30.0, "note", long), Marker(200.0, "note", "a few words " * 40)),
        devices=(),
    )
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render(analyse(session)), encoding="utf-8")
    return path


@pytest.mark.parametrize("width", [390, 768, 1100])
def test_fits_the_screen_and_asks_for_nothing(browser: Any, page_file: Path, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 844})
    messages: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(page_file.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.querySelectorAll('main > section').length") == 14
    assert messages == []
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    page.close()


def test_labels_of_phases_do_not_overlap_on_a_phone(browser: Any, page_file: Path) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(page_file.as_uri())
    overlaps = page.evaluate(
        """() => [...document.querySelectorAll('svg.plot')].flatMap(svg => {
            const boxes = [...svg.querySelectorAll('text')].map(t => t.getBoundingClientRect())
                .filter(box => box.width > 0);
            return boxes.flatMap((a, i) => boxes.slice(i + 1).filter(b =>
                a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 3 && b.top < a.bottom - 3
            ).map(b => [svg.getAttribute('aria-labelledby'), a.left, a.top, b.left, b.top]));
        })"""
    )
    assert overlaps == []
    page.close()


def test_prints_on_paper(browser: Any, page_file: Path) -> None:
    page = browser.new_page()
    page.goto(page_file.as_uri())
    assert page.pdf(prefer_css_page_size=True, print_background=True).startswith(b"%PDF")
    page.close()
