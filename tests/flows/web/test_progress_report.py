"""From a client's page to both editions of the progress report, and back to nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from devices.decoding import decode
from pipeline.progress.sessions import write_values
from pipeline.sealing import seal
from tests.flows.web.live import IN_A_BROWSER, Live, arrive, live, window
from tests.flows.web.test_accessibility import accessible
from tests.pipeline.report.progressions import sessions
from tests.pipeline.sessions import records, write_journal

pytestmark = IN_A_BROWSER


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    home = tmp_path_factory.mktemp("progress") / "home"
    folder = home / "sessions" / "a-014" / "2026-03-01T09-00-00-ab12"
    write_journal(folder, records(2))
    seal(folder, decode)
    for each in sessions(6):
        folder = home / "sessions" / "a-014" / each.session_id
        (folder / "derived").mkdir(parents=True)
        (folder / "session.json").write_text("{}")
        write_values(folder / "derived", each)
    with live(home, "--simulate", "calm", "--speed", "6") as running:
        yield running
        running.kill()


@pytest.mark.parametrize(
    ("link", "heading"),
    [
        pytest.param("Progress report", "Progress report a-014", id="clinician"),
        pytest.param("The client’s edition", "How it has been going", id="client"),
    ],
)
def test_a_client_s_page_leads_to_the_report(browser: Any, server: Live, link: str, heading: str) -> None:
    with window(browser, server) as at:
        arrive(at, server, "/progress/a-014")
        at.page.get_by_role("link", name=link).wait_for()
        accessible(at, "progress, with a link to the report", "#progress-report")
        at.page.get_by_role("link", name=link).click()
        at.page.get_by_role("heading", name=heading, level=1).wait_for()
        assert at.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
