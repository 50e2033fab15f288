"""The page of a batch: whole in itself, everything on it escaped and from the catalogue."""

import re
from pathlib import Path
from typing import Any

import pytest

from flows.batch.summary import render_summary
from pipeline.exclusions import Rules, Status, exclusions
from pipeline.language import use
from tests.browser import CHROMIUM
from tests.flows.batch.study import recordings
from tests.pseudo_locale import plain_decimals, plain_english, pseudo_locale

ORIGIN = {"command": "vagal batch study", "software": "vagal 1", "settings": "ab12", "values": "cafe"}


def _page(rows: list[dict[str, Any]] | None = None, rules: Rules | None = None, **changes: Any) -> str:
    rows = recordings() if rows is None else rows
    broken = exclusions(rows, rules or Rules())
    facts: dict[str, Any] = {"windows": 1234, "notices": ("one <notice>",), "origin": ORIGIN}
    return render_summary(rows, broken, **(facts | changes))


def test_it_asks_nothing_of_anybody() -> None:
    page = _page()
    assert "<script" not in page
    assert re.findall(r"""(?:src|href)=["'](?!#|data:,)""", page) == []
    assert "default-src 'none'" in page
    assert "url(" not in page


def test_what_comes_from_files_is_escaped() -> None:
    page = _page()
    assert "e.csv: is &lt;empty&gt;" in page
    assert "one &lt;notice&gt;" in page
    assert "<empty>" not in page


@pytest.mark.parametrize(
    "said",
    [
        "<dt>found</dt><dd>5</dd>",
        "<dt>windows</dt><dd>1\u202f234</dd>",
        "45.0 (1.4)",  # RMSSD of the patients
        "4 recordings, half of them below 6.0\u202f%.",
        "vagal batch study",
        "cafe",
    ],
)
def test_what_it_says(said: str) -> None:
    assert said in _page()


def test_a_picture_for_each_quality_that_there_is() -> None:
    assert re.findall(r'aria-labelledby="q-(\w+)-t', _page()) == ["nn_coverage", "artefact_pct"]
    with_skin = _page(recordings(eda_coverage=0.7))
    assert re.findall(r'aria-labelledby="q-(\w+)-t', with_skin)[-1] == "eda_coverage"


def test_excluded_by_which_rule() -> None:
    rows = recordings()
    rows[3] |= {"status": Status.EXCLUDED, "reason": "heart: max_artefact_pct 10, has 12"}
    page = _page(rows, Rules(max_artefact_pct=10.0))
    assert "excluded: heart, max_artefact_pct" in page
    assert "has 12" in page


def test_means_are_without_what_a_rule_withholds() -> None:
    rows = recordings(eda_coverage=0.7, scl_us=3.0)
    page = _page(rows, Rules(max_artefact_pct=5.0))  # the hearts of both patients
    assert "45.0 (1.4)" not in page
    assert "41.0 (1.4)" in page  # of the controls, and of all
    assert "of these, one signal excluded: heart, max_artefact_pct" in page


def test_many_that_were_not_used_are_cut_short() -> None:
    rows = [{"recording_id": f"r{place}", "status": Status.FAILED, "reason": "x"} for place in range(500)]
    page = _page(rows)
    assert "r199" in page
    assert "r200" not in page
    assert "300 more: see recordings.parquet" in page


def test_nothing_found_has_a_page_too() -> None:
    assert "<dt>found</dt><dd>0</dd>" in _page([])


def test_in_another_language_nothing_is_english() -> None:
    rows = recordings(eda_coverage=0.7)
    rows[3] |= {"status": Status.EXCLUDED, "reason": "12 %"}
    data = ("control", "patient", "rr-text", "e.csv: is <empty>", "one <notice>", *ORIGIN.values())
    with use(pseudo_locale()):
        page = _page(rows, Rules(max_artefact_pct=10.0))
    assert plain_english(page, (*data, "max_artefact_pct")) == []
    assert plain_decimals(page, data) == []


@pytest.mark.skipif(not Path(CHROMIUM["executable_path"]).exists(), reason="Chromium is not installed")
def test_on_a_phone() -> None:
    """Nothing is wider than the screen, and axe finds nothing; paths may be long."""
    sync_api = pytest.importorskip("playwright.sync_api")
    base = pytest.importorskip("axe_playwright_python.base")
    rows = recordings(eda_coverage=0.7)
    rows[-1]["recording_id"] = f"sub-01/{60 * 'x'}/recording.zip"
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(**CHROMIUM)
        page = chromium.new_page(viewport={"width": 390, "height": 900}, bypass_csp=True)
        page.set_content(_page(rows))
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        page.evaluate(base.AXE_SCRIPT)
        found = page.evaluate("() => axe.run(document, { resultTypes: ['violations'] })")
        chromium.close()
    assert [each["id"] for each in found["violations"]] == []
