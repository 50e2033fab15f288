"""Where phases come from: a file beside a recording, a table of labels, tags."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows.batch.phases import PhasesFrom, labelled_phases, phases_beside, with_phases
from pipeline.errors import InputError
from pipeline.model import Marker, Phase, PhaseKind, Recording

PHASES = "name,kind,start_s,end_s\nRest,baseline,0,120\n"
START = 1_644_227_583
RECORDING = Recording("S02", "rr-text", "", 300.0, {}, started_at=datetime.fromtimestamp(START, UTC))


def labels(*rows: tuple[int, int, str]) -> str:
    """A row a second from first to last."""
    told = [
        f"2,80,12,{START + second},{label}" for first, last, label in rows for second in range(first, last)
    ]
    return "\n".join(["Participant,HR,respr,Time(sec),Label", *told, f"3,80,12,{START},7"])


@pytest.mark.parametrize(
    ("files", "recording", "expected"),
    [
        pytest.param(["S02/phases.csv", "S02/EDA.csv"], "S02", "S02/phases.csv", id="in a folder"),
        pytest.param(["S02.phases.csv", "S02/EDA.csv"], "S02", "S02.phases.csv", id="beside a folder"),
        pytest.param(["a.phases.csv", "phases.csv"], "a.txt", "a.phases.csv", id="a file's own first"),
        pytest.param(["x/phases.csv"], "x/a.txt", "x/phases.csv", id="of all files of a folder"),
        pytest.param(["labels_1hz.csv", "S02/EDA.csv"], "S02", "labels_1hz.csv", id="labels beside"),
        pytest.param(["S02/labels.csv", "labels.csv"], "S02", "S02/labels.csv", id="labels inside first"),
        pytest.param(["phases.csv", "S02/EDA.csv"], "S02", None, id="another folder's"),
    ],
)
def test_what_names_the_phases(
    tmp_path: Path, files: list[str], recording: str, expected: str | None
) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    found = phases_beside(tmp_path, Path(recording))
    assert (found and found.as_posix()) == expected


def test_labels_become_phases_that_are_numbered_and_clipped(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(labels((-20, 60, "0"), (60, 120, "1"), (120, 180, "0"), (250, 400, "baseline")))
    assert labelled_phases(path, "S02", RECORDING) == (
        Phase("label 0", PhaseKind.OTHER, 0, 60),
        Phase("label 1", PhaseKind.OTHER, 60, 120),
        Phase("label 0 2", PhaseKind.OTHER, 120, 180),
        Phase("baseline", PhaseKind.BASELINE, 250, 300),
    )


def test_a_pause_in_the_labels_ends_a_phase(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(labels((0, 60, "1"), (90, 120, "1")))
    phases = labelled_phases(path, "S02", RECORDING)
    assert [(phase.start_s, phase.end_s) for phase in phases] == [(0, 60), (90, 120)]


@pytest.mark.parametrize(("name", "count"), [("S02", 1), ("2", 1), ("S2", 1), ("S04", 0), ("a2b2", 0)])
def test_rows_are_of_the_recording_whose_number_they_have(tmp_path: Path, name: str, count: int) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(labels((0, 60, "1")))
    assert len(labelled_phases(path, name, RECORDING)) == count


@pytest.mark.parametrize(
    ("content", "reason"),
    [("a,b\n1,2\n", "needs the columns"), ("Time(sec),Label\nnoon,1\n", "line 2: 'noon' is not a time")],
)
def test_labels_that_cannot_be_used_are_refused(tmp_path: Path, content: str, reason: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(content)
    with pytest.raises(InputError, match=reason):
        labelled_phases(path, "S02", RECORDING)


def test_the_file_comes_before_tags(tmp_path: Path) -> None:
    tagged = Recording("S02", "rr-text", "", 300.0, {}, markers=(Marker(10.0, "tag"),))
    path = tmp_path / "phases.csv"
    path.write_text(PHASES)
    named, source = with_phases(tagged, path, "S02")
    assert (named.phases, source) == ((Phase("Rest", PhaseKind.BASELINE, 0, 120),), PhasesFrom.FILE)
    assert with_phases(tagged, None, "S02") == (tagged, PhasesFrom.TAGS)
    assert with_phases(RECORDING, None, "S02") == (RECORDING, None)
