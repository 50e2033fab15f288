"""axe-core finds nothing on either edition, on a screen or a phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.analysis import analyse
from pipeline.guidance.psychoeducation import cards
from pipeline.model import CheckIn, Note
from pipeline.report.client_page import render_client
from pipeline.report.page import render
from tests.browser import CHROMIUM
from tests.pipeline.report.known import known, released
from tests.pipeline.report.recordings import beats, recording

pytestmark = pytest.mark.skipif(
    not Path(CHROMIUM["executable_path"]).exists(), reason="Chromium is not installed"
)
AXE = "() => axe.run(document, { resultTypes: ['violations'] })"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(**CHROMIUM)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    guided = analyse(
        recording(notes=(Note(200.0, "laughed"),), check_ins=(CheckIn(1.0, "before", "tense", "", "jaw"),))
    )
    short = analyse(recording(40.0, streams={"rr": beats(40.0)}, phases=(), ratings=()))
    context = known(card=cards()["stress-response"])
    return {
        "clinician": render(guided, context),
        "clinician, 40 s": render(short),
        "client, draft": render_client(guided, context),
        "client, released": render_client(guided, released(context)),
        "client, 40 s": render_client(short),
    }


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize(
    "name", ["clinician", "clinician, 40 s", "client, draft", "client, released", "client, 40 s"]
)
def test_without_violations(browser: Any, pages: dict[str, str], name: str, width: int) -> None:
    base = pytest.importorskip("axe_playwright_python.base")
    page = browser.new_page(viewport={"width": width, "height": 900}, bypass_csp=True)
    page.set_content(pages[name])
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    page.evaluate(base.AXE_SCRIPT)
    found = base.AxeResults(page.evaluate(AXE))
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()
