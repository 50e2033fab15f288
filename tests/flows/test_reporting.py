"""What `vagal report` writes, when it writes it again, and whose edition it is."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.reporting import (
    context_of,
    edition,
    home_of,
    record_text,
    release_client_edition,
    report_key,
    write_report,
)
from pipeline.analysis import analyse
from pipeline.claims.claim import Audience
from pipeline.errors import InputError, UsageError
from pipeline.model import SCHEMA_VERSION
from pipeline.profile import Profile, write_profile
from pipeline.progress.sessions import read_values, session_values
from pipeline.store import read_session
from tests.flows.rooms import play, resting

WRITTEN = {"beats.parquet", "client.html", "features.parquet", "report.html", "report.json", "values.json"}


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sealed session of two minutes, without a report."""
    return play(tmp_path_factory.mktemp("home"), resting(120)).folder


@pytest.fixture
def folder(sealed: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "home" / "sessions" / sealed.parent.name / sealed.name
    shutil.copytree(sealed, copy)
    return copy


def _stamps(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in (folder / "derived").iterdir()}


def test_writes_both_editions_and_what_they_rest_on(folder: Path) -> None:
    page = write_report(folder)
    assert page == folder / "derived" / "report.html"
    assert {path.name for path in (folder / "derived").iterdir()} == WRITTEN
    facts = json.loads((folder / "derived" / "report.json").read_bytes())
    assert "windows" not in facts
    assert {"key", "recording", "phases", "quality", "claims", "record", "card"} <= set(facts)
    assert facts["claims"]["written"]
    analysis = analyse(read_session(folder))
    assert read_values(folder / "derived" / "values.json") == session_values(analysis)


def test_writes_nothing_again_while_nothing_changed(folder: Path) -> None:
    write_report(folder)
    before = _stamps(folder)
    write_report(folder)
    assert _stamps(folder) == before


def _enter_a_goal(folder: Path) -> None:
    write_profile(home_of(folder) or folder, folder.parent.name, Profile(goal="Sleep through"))


def _set_a_phrase(folder: Path) -> None:
    (folder.parents[2] / "clinic.toml").write_text('[phrases]\n"page.title" = "Biofeedback"\n')


def _release(folder: Path) -> None:
    release_client_edition(folder, "Dr T")


@pytest.mark.parametrize("change", [_enter_a_goal, _set_a_phrase, _release])
def test_writes_again_when_something_changed(folder: Path, change: Callable[[Path], None]) -> None:
    write_report(folder)
    before, key = _stamps(folder), report_key(folder)
    change(folder)
    assert report_key(folder) != key
    write_report(folder)
    after = _stamps(folder)
    assert after["report.html"] > before["report.html"]


def test_the_clinics_phrases_are_used(folder: Path) -> None:
    (folder.parents[2] / "clinic.toml").write_text('[phrases]\n"page.title" = "Biofeedback"\n')
    assert "<span>Biofeedback" in write_report(folder).read_text(encoding="utf-8")


def test_a_draft_until_it_is_released(folder: Path) -> None:
    client = edition(folder, Audience.CLIENT)
    assert "Draft." in client.read_text(encoding="utf-8")
    assert release_client_edition(folder, "Dr T") == "Client edition released (Dr T)."
    assert "Draft." not in edition(folder, Audience.CLIENT).read_text(encoding="utf-8")
    assert "released by Dr T" in write_report(folder).read_text(encoding="utf-8")


def test_nobody_releases_without_a_name(folder: Path) -> None:
    with pytest.raises(UsageError):
        release_client_edition(folder, "  ")


def test_five_lines_of_text(folder: Path) -> None:
    assert len(record_text(folder).split("\n")) == 5


def test_goes_where_it_is_asked_to(folder: Path, tmp_path: Path) -> None:
    page = edition(folder, Audience.CLINICIAN)
    assert edition(folder, Audience.CLINICIAN, out=tmp_path) == tmp_path / "report.html"
    assert edition(folder, Audience.CLIENT, out=tmp_path / "a.html") == tmp_path / "a.html"
    assert (tmp_path / "report.html").read_bytes() == page.read_bytes()
    with pytest.raises(InputError, match="cannot be written"):
        edition(folder, Audience.CLINICIAN, out=tmp_path / "no" / "such" / "folder.html")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("clinic.toml", "name = "),
        ("clients/{client}.json", "{"),
        ("clients/{client}.diary.jsonl", "not json\n"),
        ("psychoeducation/own.md", "no card"),
    ],
)
def test_what_cannot_be_read_is_told_and_the_report_is_there(folder: Path, name: str, content: str) -> None:
    path = folder.parents[2] / name.format(client=folder.parent.name)
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    words = write_report(folder).read_text(encoding="utf-8")
    assert "For the clinician" in words
    assert path.name in words


def test_a_session_that_lies_elsewhere_has_no_home(sealed: Path, tmp_path: Path) -> None:
    copy = tmp_path / "given" / sealed.name
    shutil.copytree(sealed, copy)
    assert home_of(copy) is None
    assert context_of(copy, analyse(read_session(copy))).earlier == ()
    assert write_report(copy).is_file()


def test_a_session_from_a_later_version_is_one_clear_line(folder: Path) -> None:
    path = folder / "session.json"
    manifest = json.loads(path.read_bytes())
    path.write_text(json.dumps({**manifest, "schema_version": SCHEMA_VERSION + 1}))
    with pytest.raises(InputError, match="written by a later version") as told:
        write_report(folder)
    assert "\n" not in str(told.value)
