"""`vagal events`: from a recording with markers to a row for each."""

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from flows.events import Events, events_of, print_events
from flows.importing import Reading, import_recording
from pipeline.errors import InsufficientDataError, UsageError
from pipeline.store import Home
from tests.flows.command_line import vagal_here
from tests.pipeline.skin.signals import bateman, still, times

BEGAN_S = 1_600_000_000
TAGS_S = (60, 100, 140, 180)
AMPLITUDES_US = (0.3, 0.6, 0.0, 0.9)  # 2 s after each tag
WINDOW = (1.0, 4.0)


@pytest.fixture(scope="module")
def wristband(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four minutes of a wristband: a heart of 75 bpm, four presses of the button, responses to three."""
    folder = tmp_path_factory.mktemp("wristband") / "walk"
    folder.mkdir()
    time_s = times(240, 4)
    eda_us = still(time_s) + sum(
        bateman(time_s, tag_s + 2, amplitude_us)
        for tag_s, amplitude_us in zip(TAGS_S, AMPLITUDES_US, strict=True)
    )
    _write(folder / "EDA.csv", [f"{BEGAN_S}.0", "4.0", *(f"{value:.6f}" for value in eda_us)])
    beats = (f"{end_s:.3f},0.800" for end_s in np.arange(0.8, 240, 0.8))
    _write(folder / "IBI.csv", [f"{BEGAN_S}.0, IBI", *beats])
    _write(folder / "tags.csv", [f"{BEGAN_S + tag_s}.00" for tag_s in TAGS_S])
    return folder


def _write(path: Path, lines: list[str]) -> None:
    path.write_text("\n".join(lines) + "\n")


def _found(folder: Path, home: Path, window: tuple[float, float] = WINDOW) -> Events:
    return events_of(Home(home), str(folder), Reading(), window)


def test_a_row_for_each_marker_and_a_summary(wristband: Path, tmp_path: Path) -> None:
    run = vagal_here("events", wristband, "--json", "--out", tmp_path / "out", home=tmp_path / "home")
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    assert found["window_s"] == [1, 4]
    assert [event["time_s"] for event in found["events"]] == pytest.approx(TAGS_S)
    assert [event["scr_n"] for event in found["events"]] == [1, 1, 0, 1]
    assert [event["magnitude_us"] for event in found["events"]] == pytest.approx(AMPLITUDES_US, rel=0.03)
    for event in found["events"]:
        assert event["latency_s"] is None or event["latency_s"] == pytest.approx(2, abs=0.15)
        assert event["heart_rate_base_bpm"] == pytest.approx(75)
        changes = [event[f"heart_rate_change_{second}_bpm"] for second in range(1, 11)]
        assert changes == pytest.approx([0] * 10, abs=0.1)
        assert event["overlap"] is False
        assert event["null_reasons"] is None
    [summary] = found["summary"]
    counts = [summary[name] for name in ("kind", "markers", "valid", "responses", "overlapping")]
    assert counts == ["tag", 4, 4, 3, 0]
    assert summary["amplitude_us"] == pytest.approx(0.6, abs=0.02)
    assert summary["magnitude_us"] == pytest.approx(0.45, abs=0.02)
    table = pq.read_table(tmp_path / "out" / "events.parquet").to_pylist()
    assert table == found["events"]
    with (tmp_path / "out" / "events.csv").open(newline="") as file:
        assert [row["time_s"] for row in csv.DictReader(file)] == [str(event["time_s"]) for event in table]
    assert json.loads((tmp_path / "out" / "events.json").read_text()) == found
    assert not (tmp_path / "home").exists()


def test_a_table_for_a_person(wristband: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_events(_found(wristband, tmp_path))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "walk: 4 markers, responses that begin 1 to 4 s after each"
    assert [word for word in lines[2].split() if word != "tag:"][:4] == ["1:00.0", "tag", "1", "1"]
    assert any(line.split()[:5] == ["tag", "4", "4", "0", "3"] for line in lines)


def test_a_stored_session_gives_the_same(wristband: Path, tmp_path: Path) -> None:
    home = Home(tmp_path)
    import_recording(home, wristband, "anna-1", Reading())
    stored = events_of(home, "last", Reading(), WINDOW)
    direct = _found(wristband, tmp_path)
    assert [event.row() for event in stored.events] == [event.row() for event in direct.events]


def test_the_window_decides_what_counts(wristband: Path, tmp_path: Path) -> None:
    found = _found(wristband, tmp_path, (2.5, 6.0))
    assert [event.scr_n for event in found.events] == [0, 0, 0, 0]
    assert [event.overlap for event in found.events][:2] == ["a response under way"] * 2


def test_without_markers_one_line_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "rr.txt"
    path.write_text("\n".join(["800", "810", "790"] * 100))
    run = vagal_here("events", path, home=tmp_path / "home")
    assert run.returncode == 1
    assert run.stderr.count("\n") == 1
    assert "holds no markers" in run.stderr
    assert "mark moments while recording" in run.stderr


@pytest.mark.parametrize("window", [(4, 1), (2, 2), (-1, 4), (1, 90)])
def test_a_window_that_is_none(window: tuple[float, float], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--window"):
        events_of(Home(tmp_path), "whatever", Reading(), window)


def test_no_usable_signal(wristband: Path, tmp_path: Path) -> None:
    folder = tmp_path / "off"
    folder.mkdir()
    _write(folder / "EDA.csv", [f"{BEGAN_S}.0", "4.0", *["0.000000"] * 960])
    (folder / "tags.csv").write_bytes((wristband / "tags.csv").read_bytes())
    with pytest.raises(InsufficientDataError, match="nothing usable"):
        _found(folder, tmp_path)


def test_a_real_wristband(recordings: Path, tmp_path: Path) -> None:
    found = _found(recordings / "stress_predict_e4" / "S05", tmp_path)
    assert [event.text for event in found.events] == [f"tag {number}" for number in range(1, 8)]
    for event in found.events:
        assert (event.scr_n is None) == (event.skin_reason is not None)
        assert event.latency_s is None or 1 <= event.latency_s < 4
    [summary] = found.summary
    assert (summary.markers, summary.valid) == (7, 7)
    assert 2 <= summary.responses <= 5
