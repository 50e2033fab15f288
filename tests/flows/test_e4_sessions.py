"""Eight people's wristband recordings, from export to session and report, with their labelled phases."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.importing import Reading, import_recording
from flows.reporting import write_report
from pipeline.analysis import Analysis, analyse
from pipeline.store import Home, read_session
from pipeline.verification import problems_of

PEOPLE = [f"S{number:02d}" for number in range(2, 10)]
NAMES = ("Stroop", "Interview", "Fast breathing")
KINDS = ("stressor", "stressor", "other")


def _tasks(recordings: Path, person: str) -> Iterator[tuple[float, float]]:
    """Beginning and end of each labelled task, in unix seconds, from the 1-Hz labels."""
    with (recordings / "stress_predict_e4" / "labels_hr_rsp_1hz.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if int(row["Participant"]) == int(person[1:])]
    began_s = None
    for row in rows:
        in_task, at_s = float(row["Label"]) == 1, float(row["Time(sec)"])
        if in_task and began_s is None:
            began_s = at_s
        elif not in_task and began_s is not None:
            yield began_s, at_s
            began_s = None


def _phases_file(recordings: Path, person: str, path: Path) -> Path:
    """Baseline before the first task, recovery of five minutes after each; unix seconds."""
    tasks = list(_tasks(recordings, person))
    lines = ["name,kind,start_s,end_s", f"Baseline,baseline,{tasks[0][0] - 420},{tasks[0][0]}"]
    for number, ((start_s, end_s), name, kind) in enumerate(zip(tasks, NAMES, KINDS, strict=True), 1):
        following_s = tasks[number][0] if number < len(tasks) else end_s + 300
        lines.append(f"{name},{kind},{start_s},{end_s}")
        lines.append(f"Recovery {number},recovery,{end_s},{min(end_s + 300, following_s)}")
    path.write_text("\n".join(lines))
    return path


@pytest.fixture(scope="module", params=PEOPLE)
def imported(
    request: pytest.FixtureRequest, recordings: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Analysis]:
    scratch = tmp_path_factory.mktemp(request.param)
    phases = _phases_file(recordings, request.param, scratch / "phases.csv")
    source = recordings / "stress_predict_e4" / request.param
    folder, _ = import_recording(Home(scratch), source, "e4", Reading(phases=phases))
    return folder, analyse(read_session(folder))


def test_a_stored_session_with_its_report(imported: tuple[Path, Analysis]) -> None:
    folder, _ = imported
    assert problems_of(folder) == []
    page = write_report(folder).read_text()
    assert len(page.encode()) < 150_000
    for word in ("Stroop", "Interview", "PP interval", "Empatica E4"):
        assert word in page


def test_phases_heart_rate_and_skin_are_believable(imported: tuple[Path, Analysis]) -> None:
    _, analysis = imported
    assert [each.phase.name for each in analysis.phases] == [
        "Baseline", "Stroop", "Recovery 1", "Interview", "Recovery 2", "Fast breathing", "Recovery 3",
    ]  # fmt: skip
    assert 3000 < analysis.recording.duration_s < 3700
    assert analysis.quality["eda"]["coverage"] > 0.9
    for each in analysis.phases:
        heart_rate, level = each.values.features["mean_hr_bpm"], each.values.features["scl_us"]
        assert heart_rate is None or 50 < heart_rate < 125, each.phase.name
        assert level is not None
        assert 0.05 < level < 30, each.phase.name


def test_what_cannot_be_said_has_a_reason(imported: tuple[Path, Analysis]) -> None:
    _, analysis = imported
    for each in analysis.phases:
        missing = {name for name, value in each.values.features.items() if value is None}
        assert missing == set(each.values.null_reasons)
    assert all(found.change is not None or found.reason for found in analysis.reactivity)


def test_a_zip_without_named_phases_says_what_its_reference_is(recordings: Path, tmp_path: Path) -> None:
    source = recordings / "stress_predict_e4" / "S02_as_e4_zip.zip"
    folder, _ = import_recording(Home(tmp_path), source, "e4", Reading())
    analysis = analyse(read_session(folder))
    assert any(
        "no phases were named: the reference is the first usable stretch" in w for w in analysis.warnings
    )
    assert [each.phase.kind for each in analysis.phases][:2] == ["settle", "reference"]
    assert len([marker for marker in analysis.recording.markers if marker.kind == "tag"]) == 9


def test_tags_with_a_protocol_name_the_phases(recordings: Path, tmp_path: Path) -> None:
    source = recordings / "stress_predict_e4" / "S05"
    folder, _ = import_recording(Home(tmp_path), source, "e4", Reading(protocol="tagged-stress-test"))
    session = read_session(folder)
    stroop = next(phase for phase in session.phases if phase.name == "Stroop")
    assert (stroop.kind, round(stroop.start_s), round(stroop.end_s)) == ("stressor", 674, 1020)
    assert session.protocol == "tagged-stress-test"
