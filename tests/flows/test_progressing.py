"""The progress report on disk: made once, anew when something changed, a draft until it is released."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from flows.cli import cli
from flows.progressing import main, release_progress, write_progress
from pipeline.claims.claim import Audience
from pipeline.diary import enter
from pipeline.entries import Week
from pipeline.errors import InputError, UsageError
from pipeline.profile import Profile, write_profile
from pipeline.progress.sessions import SessionValues, write_values
from pipeline.store import Home
from tests.pipeline.report.progressions import sessions
from tests.pipeline.report.recordings import page_of

AT = datetime(2026, 5, 1, 10, tzinfo=UTC)


def stored(home: Path, values: SessionValues) -> Path:
    """A session as far as progress looks at it: that it is sealed, and its values."""
    folder = home / "sessions" / "a-014" / values.session_id
    (folder / "derived").mkdir(parents=True)
    (folder / "session.json").write_text("{}")
    write_values(folder / "derived", values)
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Home:
    for each in sessions(8):
        stored(tmp_path / "home", each)
    return Home(tmp_path / "home")


def _words(path: Path) -> str:
    return page_of(path.read_text(encoding="utf-8")).words


def test_both_editions_and_what_they_rest_on(home: Home) -> None:
    written = write_progress(home, "a-014")
    derived = home.path / "clients" / "a-014" / "derived"
    assert (written.pages, written.facts) == (
        {Audience.CLINICIAN: derived / "progress.html", Audience.CLIENT: derived / "client.html"},
        derived / "progress.json",
    )
    facts = json.loads(written.facts.read_bytes())
    assert (facts["client"], facts["unread"], facts["progress"]["sessions"]) == ("a-014", [], 8)
    assert facts["key"] in _words(written.pages[Audience.CLINICIAN])


def test_what_is_there_is_kept(home: Home) -> None:
    page = write_progress(home, "a-014").pages[Audience.CLINICIAN]
    page.write_text("as it was")
    write_progress(home, "a-014")
    assert page.read_text() == "as it was"


def _a_session(home: Home) -> None:
    stored(home.path, sessions(9)[8])


def _no_values(home: Home) -> None:
    next(home.path.glob("sessions/a-014/*/derived/values.json")).unlink()


def _a_goal(home: Home) -> None:
    write_profile(home.path, "a-014", Profile(goal="Sleep through"))


def _a_week(home: Home) -> None:
    enter(home.path, "a-014", Week(day="2026-03-02", by="M.", activity=3), AT)


def _a_clinic(home: Home) -> None:
    (home.path / "clinic.toml").write_text('name = "A house"')


@pytest.mark.parametrize("change", [_a_session, _no_values, _a_goal, _a_week, _a_clinic])
def test_it_is_made_anew_when_something_changed(home: Home, change: Callable[[Home], None]) -> None:
    page = write_progress(home, "a-014").pages[Audience.CLINICIAN]
    page.write_text("as it was")
    change(home)
    write_progress(home, "a-014")
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut short"),
        pytest.param(b"[]", id="no object"),
        pytest.param(b'{"version": 99}', id="of a later version"),
        pytest.param(b"\xff\xfe", id="no text"),
        pytest.param(b"[" * 100_000, id="deep"),
    ],
)
def test_damaged_values_are_told(home: Home, content: bytes) -> None:
    path = sorted(home.path.glob("sessions/a-014/*/derived/values.json"))[2]
    path.write_bytes(content)
    written = write_progress(home, "a-014")
    assert json.loads(written.facts.read_bytes())["unread"] == [path.parent.parent.name]
    assert path.parent.parent.name in _words(written.pages[Audience.CLINICIAN])


def test_a_release_holds_until_something_changes(home: Home) -> None:
    assert "Draft." in _words(write_progress(home, "a-014").pages[Audience.CLIENT])
    released = _words(release_progress(home, "a-014", "M. Weber", AT).pages[Audience.CLIENT])
    assert "Draft." not in released
    assert "Released by M. Weber on" in released
    _a_session(home)
    assert "Draft." in _words(write_progress(home, "a-014").pages[Audience.CLIENT])


def test_a_release_has_a_name(home: Home) -> None:
    with pytest.raises(UsageError, match="name"):
        release_progress(home, "a-014", "  ", AT)


@pytest.mark.parametrize(
    ("client", "error"), [("nobody", InputError), ("../etc", UsageError), ("A b", UsageError)]
)
def test_whom_nothing_is_stored_of(home: Home, client: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        write_progress(home, client)
    assert not (home.path / "clients").exists()


def _run(home: Home, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["progress", *arguments, "--home", str(home.path)])


@pytest.mark.parametrize(
    ("options", "page"),
    [((), "progress.html"), (("--audience", "client"), "client.html")],
    ids=["", "client"],
)
def test_the_command_says_where_the_page_is(home: Home, options: tuple[str, ...], page: str) -> None:
    run = _run(home, "a-014", *options)
    assert (run.exit_code, run.output) == (0, f"{home.path / 'clients' / 'a-014' / 'derived' / page}\n")


def test_the_command_releases(home: Home) -> None:
    run = _run(home, "a-014", "--release", "M. Weber", "--audience", "client")
    assert "Released by M. Weber" in _words(Path(run.output.strip()))


def test_the_command_prints_one_json_object(home: Home) -> None:
    assert json.loads(_run(home, "a-014", "--json").output)["client"] == "a-014"
    assert _run(home, "a-014", "--json", "--pdf").exit_code == 2


@pytest.mark.parametrize(("audience", "most_pages"), [("clinician", 6), ("client", 1)])
def test_a_pdf_shows_what_the_page_shows(home: Home, audience: str, most_pages: int) -> None:
    pytest.importorskip("weasyprint")
    pdfium = pytest.importorskip("pypdfium2")
    path = Path(_run(home, "a-014", "--audience", audience, "--pdf").output.strip())
    with closing(pdfium.PdfDocument(path)) as document:
        assert 1 <= len(document) <= most_pages
        for page in document:
            assert len(np.unique(page.render(scale=0.5, grayscale=True).to_numpy())) > 10


def test_as_a_process(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    codes = main(home.path, "a-014"), main(home.path, "nobody")
    assert codes == (0, 3)
    assert capsys.readouterr().out == (
        "nobody: no finished session is stored under this name (`vagal list` shows them)\n"
    )
