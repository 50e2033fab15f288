"""The labelled recordings' test itself: its windows, its labels' quirks, and a short run."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from pipeline.model import Floats, Recording
from tests.studies import stress_predict as study

STARTED = datetime(2022, 2, 7, tzinfo=UTC)


def _person(**scores: Floats) -> study.Person:
    """An hour with two stressors and a breathing manoeuvre five minutes after the second."""
    clock = {"clock only": np.zeros(3541)}
    return study.Person("P", clock | scores, ((600.0, 960.0), (1200.0, 1800.0)), ((2080.0, 2200.0),))


def _recording(duration_s: float = 3600.0) -> Recording:
    return Recording("P", "empatica-e4", "", duration_s, {}, started_at=STARTED)


def _labels(*spans: tuple[int, int], step: int = 1) -> Floats:
    at_s = np.arange(0, 3600, step, dtype=float)
    label = np.zeros(len(at_s))
    for start, end in spans:
        label[(at_s >= start) & (at_s < end)] = 1
    return np.column_stack([at_s + STARTED.timestamp(), label])


def test_rest_lies_beside_a_stressor_and_never_in_another_task() -> None:
    person = _person()
    during, rest = study.windows(person, person.stressors[0])
    assert during.tolist() == [600, 660, 720, 780, 840, 900]
    assert rest.tolist() == [420, 480, 540, 1080, 1140]  # the sixth would reach into the next stressor
    during, rest = study.windows(person, person.stressors[1])
    assert len(during) == 10
    assert rest.tolist() == [1020, 1080, 1140, 1920, 1980]


@pytest.mark.parametrize(
    ("labels", "tasks"),
    [
        pytest.param(_labels((600, 900), (1200, 1800)), [(600, 900), (1200, 1800)], id="plain"),
        pytest.param(_labels((600, 700), (705, 900)), [(600, 900)], id="a hiccup is bridged"),
        pytest.param(_labels((600, 620), (1200, 1800)), [(1200, 1800)], id="a slip is no task"),
        pytest.param(_labels((3500, 3600)), [(3500, 3599)], id="beyond the recording"),
        pytest.param(_labels() - [36000, 0], [], id="labels of another day"),
        pytest.param(np.empty((0, 2)), [], id="no labels"),
    ],
)
def test_tasks_of_labels(labels: Floats, tasks: list[tuple[int, int]]) -> None:
    assert [tuple(task) for task in study._tasks(labels, _recording(3599.0))] == tasks


@pytest.mark.parametrize(
    ("high", "low", "expected"),
    [
        ([2, 3], [0, 1], 1.0),
        ([0, 1], [2, 3], 0.0),
        ([1, 1], [1, 1], 0.5),
        ([2, np.nan], [1, 3], 0.5),
        ([np.nan], [1], np.nan),
        ([], [1], np.nan),
    ],
)
def test_auc(high: list[float], low: list[float], expected: float) -> None:
    assert study.auc(np.array(high), np.array(low)) == pytest.approx(expected, nan_ok=True)


def test_a_score_of_the_stressors_is_perfect_and_one_of_the_time_is_none() -> None:
    starts = np.arange(3541.0)
    truth = ((starts >= 600) & (starts < 960)) | ((starts >= 1200) & (starts < 1800))
    person = _person(truth=truth.astype(float), time=starts, **{"heart rate": starts})
    rows = {row.name: row for row in study.table([person, person], draws=20, turns=20)}
    assert rows["truth"].mean == 1.0
    assert rows["truth"].by_chance < 0.95
    assert rows["time"].mean == pytest.approx(0.6)  # as many minutes of rest lie before as after, but one
    assert any("index less heart rate" in line for line in study.lines([person], list(rows.values())))


def test_nobody_to_test_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert study.main(tmp_path / "nowhere") == 1
    (tmp_path / "S77").mkdir()
    assert study.main(tmp_path) == 1
    assert "left out" in capsys.readouterr().err


def test_a_short_run_on_real_people(recordings: Path, tmp_path: Path) -> None:
    folder = recordings / "stress_predict_e4"
    (tmp_path / "labels.csv").symlink_to(folder / "labels_hr_rsp_1hz.csv")
    for name in ("S05", "S06"):
        (tmp_path / name).symlink_to(folder / name)
    group = [each for each in study.people(tmp_path) if isinstance(each, study.Person)]
    assert [person.name for person in group] == ["S05", "S06"]
    assert [(len(person.stressors), len(person.breathing)) for person in group] == [(2, 1), (2, 1)]
    rows = {row.name: row for row in study.table(group, draws=50, turns=10)}
    assert rows["arousal index"].mean > rows["heart rate"].mean > 0.5
    for person in group:
        assert np.isfinite(person.scores["arousal index"]).mean() > 0.95
