"""What `vagal report` writes, when it writes it again, and whose edition it is."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flows.progressing import write_progress
from flows.reporting import (
    context_of,
    edition,
    home_of,
    record_text,
    release_client_edition,
    report_key,
    write_report,
)
from pipeline.analysis import Analysis, analyse
from pipeline.claims.claim import Audience
from pipeline.diary import enter
from pipeline.entries import Outcome, Scale
from pipeline.errors import InputError, UsageError
from pipeline.manifest import sha256_of
from pipeline.model import SCHEMA_VERSION, Recording
from pipeline.profile import Profile, write_profile
from pipeline.progress.sessions import Value, read_values, session_values, write_values
from pipeline.sealing import read_table, write_table
from pipeline.store import Home, read_session
from tests.flows.rooms import play, resting
from tests.pipeline.report.recordings import page_of

PAGES = {"client.html", "report.html", "report.json"}
ANALYSED = {"analysis.parquet", "beats.parquet", "features.parquet", "values.json"}
WRITTEN = ANALYSED | PAGES
EDITIONS = {"clinician": "report.html", "client": "client.html"}


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sealed session of two minutes, without a report."""
    return play(tmp_path_factory.mktemp("home"), resting(120)).folder


@pytest.fixture
def folder(sealed: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "home" / "sessions" / sealed.parent.name / sealed.name
    shutil.copytree(sealed, copy)
    return copy


def _stamps(folder: Path) -> dict[str, tuple[int, int, str]]:
    """Of each file when and as what it was written, and its content's hash."""
    return {
        path.name: (path.stat().st_mtime_ns, path.stat().st_ino, sha256_of(path.read_bytes()))
        for path in (folder / "derived").iterdir()
    }


def _written(before: dict[str, tuple[int, int, str]], after: dict[str, tuple[int, int, str]]) -> set[str]:
    return {name for name in after if after[name][:2] != before[name][:2]}


@pytest.fixture
def analyses(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of the recordings that were analysed while a test ran."""
    ran: list[str] = []

    def counted(recording: Recording, *others: Any) -> Analysis:
        ran.append(recording.recording_id)
        return analyse(recording, *others)

    monkeypatch.setattr("pipeline.analysis.analyse", counted)
    return ran


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


def _enter_an_outcome(folder: Path) -> None:
    outcome = Outcome(scale=Scale.PSS, value=18, day="2026-03-02", by="M.")
    enter(folder.parents[2], folder.parent.name, outcome, datetime(2026, 5, 1, 10, tzinfo=UTC))


def _set_a_phrase(folder: Path) -> None:
    (folder.parents[2] / "clinic.toml").write_text('[phrases]\n"page.title" = "Biofeedback"\n')


def _release(folder: Path) -> None:
    release_client_edition(folder, "Dr T")


def _a_session_before(folder: Path) -> None:
    earlier = folder.with_name("2020-01-01T09-00-00-0000") / "derived"
    earlier.mkdir(parents=True)
    write_values(earlier, read_values(folder / "derived" / "values.json"))


def _a_card_before(folder: Path) -> None:
    earlier = folder.with_name("2020-01-01T09-00-00-0000") / "derived"
    earlier.mkdir(parents=True)
    card = json.loads((folder / "derived" / "report.json").read_bytes())["card"]
    (earlier / "report.json").write_text(json.dumps({"card": card}))


def _damaged_facts(folder: Path) -> None:
    (folder / "derived" / "report.json").write_text("{}")


@pytest.mark.parametrize(
    "change",
    [
        _enter_a_goal,
        _enter_an_outcome,
        _set_a_phrase,
        _release,
        _a_session_before,
        _a_card_before,
        _damaged_facts,
    ],
)
def test_what_is_around_a_session_changes_its_pages_alone(
    folder: Path, analyses: list[str], change: Callable[[Path], None]
) -> None:
    write_report(folder)
    change(folder)
    before = _stamps(folder)
    write_report(folder)
    after = _stamps(folder)
    assert analyses == [folder.name]  # once, for the first report
    assert {name: before[name] for name in ANALYSED} == {name: after[name] for name in ANALYSED}
    assert _written(before, after) == PAGES


@pytest.mark.parametrize("change", [_enter_a_goal, _enter_an_outcome, _set_a_phrase, _release])
def test_the_page_says_what_changed(folder: Path, change: Callable[[Path], None]) -> None:
    page, key = write_report(folder).read_bytes(), report_key(folder)
    change(folder)
    assert report_key(folder) != key
    assert write_report(folder).read_bytes() != page


def _another_start(folder: Path) -> None:
    path = folder / "session.json"
    manifest = json.loads(path.read_bytes())
    path.write_text(json.dumps({**manifest, "conditions": {"posture": "lying"}}))


def _other_raw(folder: Path) -> None:
    with (folder / "raw.parquet").open("ab") as file:
        file.write(b"more")


def _other_beats(folder: Path) -> None:
    path = folder / "streams" / "rr.parquet"
    write_table(path, read_table(path).slice(20))


def _a_correction(folder: Path) -> None:
    line = {"at": "2026-05-01T10:00:00+00:00", "by": "M.", "what": "beat", "time_s": 12.5, "label": "ectopic"}
    (folder / "amendments.jsonl").write_text(json.dumps(line) + "\n")


def _lost_features(folder: Path) -> None:
    _enter_a_goal(folder)
    (folder / "derived" / "features.parquet").unlink()


def _lost_analysis(folder: Path) -> None:
    _enter_a_goal(folder)
    (folder / "derived" / "analysis.parquet").unlink()


@pytest.mark.parametrize(
    "change", [_another_start, _other_raw, _other_beats, _a_correction, _lost_features, _lost_analysis]
)
def test_what_an_analysis_rests_on_changes_everything(
    folder: Path, analyses: list[str], change: Callable[[Path], None]
) -> None:
    _written_twice(folder, change, analyses)


@pytest.mark.parametrize(
    ("where", "other"),
    [
        pytest.param("flows.reporting.software", lambda: {"name": "vagal", "version": "99"}, id="version"),
        pytest.param("pipeline.parameters.Parameters.hash", property(lambda _: "other"), id="parameters"),
    ],
)
def test_so_does_another_version_or_parameter(
    folder: Path, analyses: list[str], monkeypatch: pytest.MonkeyPatch, where: str, other: object
) -> None:
    _written_twice(folder, lambda _: monkeypatch.setattr(where, other), analyses)


def _written_twice(folder: Path, change: Callable[[Path], None], analyses: list[str]) -> None:
    write_report(folder)
    before = _stamps(folder)
    change(folder)
    write_report(folder)
    after = _stamps(folder)
    assert analyses == [folder.name] * 2
    assert {name for name in after if before.get(name) != after[name]} == WRITTEN


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


def _earlier(folder: Path, count: int, effect: float) -> None:
    """So many days of the same client and sensors before a session, RMSSD `effect` (log) below it."""
    now, own = datetime.now(UTC), session_values(analyse(read_session(folder)))
    level = own.rest["ln_rmssd"].value
    assert level is not None
    for place in range(count):
        at = now - timedelta(days=2 * (count - place))
        value = Value(level - effect * (place < 6) + 0.02 * (-1) ** place)
        values = replace(
            own, session_id=f"{at:%Y-%m-%dT%H-%M-%S}-0000", started_at=at, rest={"ln_rmssd": value}
        )
        earlier = folder.with_name(values.session_id)
        (earlier / "derived").mkdir(parents=True)
        (earlier / "session.json").write_text("{}")
        write_values(earlier / "derived", values)


def _verdicts(facts: Path) -> list[dict[str, Any]]:
    claims = json.loads(facts.read_bytes())["claims"]
    told = [*claims["written"], *claims["withheld"]]
    return [each for each in told if each["id"] in ("verdict.ln_rmssd", "client.verdict.ln_rmssd")]


@pytest.mark.parametrize(
    ("count", "effect", "key", "clients"),
    [
        pytest.param(10, 1.0, "higher", "larger than your usual ups and downs", id="a look"),
        pytest.param(10, 0.0, "no_change", "shows no change larger than", id="a look at no change"),
        pytest.param(12, 1.0, "higher", "larger than your usual ups and downs", id="between two looks"),
    ],
)
def test_what_stands_across_sessions_is_what_the_progress_report_says(
    folder: Path, count: int, effect: float, key: str, clients: str
) -> None:
    _earlier(folder, count, effect)
    write_report(folder)
    progress = write_progress(Home(folder.parents[2]), folder.parent.name)
    told = {each["audience"]: each for each in _verdicts(folder / "derived" / "report.json")}
    assert list(told.values()) == _verdicts(progress.facts)
    assert told["client"]["text_key"] == f"claims.client.progress.{key}"
    words = {
        audience: page_of((folder / "derived" / name).read_text("utf-8")).words
        for audience, name in EDITIONS.items()
    }
    for audience, each in told.items():
        assert " ".join(each["text"].split()) in " ".join(words[audience].split())
    assert clients in words["client"]
    assert ("reliably" in words["clinician"]) == (key == "higher")
    assert "reliabl" not in words["client"]


@pytest.mark.parametrize(
    ("count", "baselines"), [pytest.param(0, 0, id="the first"), pytest.param(9, 9, id="one short of a look")]
)
def test_before_a_look_only_the_clinician_reads_of_progress(folder: Path, count: int, baselines: int) -> None:
    _earlier(folder, count, effect=1.0)
    write_report(folder)
    [told] = _verdicts(folder / "derived" / "report.json")
    said = f"Progress: too early to say ({baselines} of 10 baselines)."
    assert (told["text"], told["audience"]) == (said, "clinician")
    words = {
        audience: page_of((folder / "derived" / name).read_text("utf-8")).words
        for audience, name in EDITIONS.items()
    }
    assert said in words["clinician"]
    assert "enough data" not in words["client"]


def test_another_card_in_an_earlier_report_makes_this_one_s_anew(folder: Path) -> None:
    write_report(folder)
    _a_session_before(folder)
    write_report(folder)
    key, facts = report_key(folder), folder / "derived" / "report.json"
    shown = json.loads(facts.read_bytes())["card"]
    earlier = folder.with_name("2020-01-01T09-00-00-0000") / "derived" / "report.json"
    earlier.write_text(json.dumps({"card": shown}))
    assert report_key(folder) != key
    write_report(folder)
    assert json.loads(facts.read_bytes())["card"] != shown


def test_later_sessions_change_nothing_of_an_earlier_one_s_report(folder: Path) -> None:
    page, key = write_report(folder).read_bytes(), report_key(folder)
    later = folder.with_name("2999-01-01T09-00-00-0000") / "derived"
    later.mkdir(parents=True)
    write_values(later, read_values(folder / "derived" / "values.json"))
    assert (report_key(folder), write_report(folder).read_bytes()) == (key, page)


def test_without_what_was_chosen_nothing_is_judged(folder: Path) -> None:
    _earlier(folder, 10, 1.0)
    (folder.parents[2] / "clients").mkdir()
    (folder.parents[2] / "clients" / f"{folder.parent.name}.json").write_text("{")
    write_report(folder)
    assert _verdicts(folder / "derived" / "report.json") == []


def test_a_simulated_session_among_real_ones_is_not_judged(folder: Path) -> None:
    _earlier(folder, 10, 1.0)
    for path in folder.parent.glob("*/derived/values.json"):
        write_values(path.parent, replace(read_values(path), simulated=False))
    write_report(folder)
    assert _verdicts(folder / "derived" / "report.json") == []


def test_a_session_from_a_later_version_is_one_clear_line(folder: Path) -> None:
    path = folder / "session.json"
    manifest = json.loads(path.read_bytes())
    path.write_text(json.dumps({**manifest, "schema_version": SCHEMA_VERSION + 1}))
    with pytest.raises(InputError, match="written by a later version") as told:
        write_report(folder)
    assert "\n" not in str(told.value)
