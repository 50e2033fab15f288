"""What was captured or recorded goes through driver, radio and live path once more, and is the same."""

import errno
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from devices.capture import CaptureFile, read_capture
from flows.capturing import capture_sensor
from flows.importing import Reading, import_recording
from flows.reporting import write_report
from flows.surroundings import replayed, simulated
from pipeline.errors import DeviceError, InputError
from pipeline.guidance.protocol import Protocol
from pipeline.heart.artefacts import classify
from pipeline.model import Recording
from pipeline.store import Home, read_session
from tests.flows.rooms import FAST, play, play_source, resting

STRAP = "Virtual HR strap"


def captured(path: Path, *, scene: str = "calm", seconds: float = 90.0) -> list[str]:
    said: list[str] = []
    capture_sensor(simulated(Home(path.parent), scene), STRAP, path, seconds, speed=FAST, say=said.append)
    return said


def replay(home: Path, what: Path | str, protocol: Protocol | None = None) -> Recording:
    source = replayed(Home(home), str(what))
    return play_source(home, replace(source, protocol=protocol or source.protocol))


class TestCapture:
    def test_it_holds_notifications_and_nothing_that_names_anybody(self, tmp_path: Path) -> None:
        path = tmp_path / "strap.jsonl"
        said = captured(path)
        text = path.read_text()
        first, *rest = map(json.loads, text.splitlines())
        assert first["vagal_capture"] == 1
        assert first["device"]["driver"] == "heart_rate"
        assert first["device"]["serial_hash"] is None
        assert "VS-0001" not in text
        assert STRAP not in text
        notifications = [line for line in rest if "hex" in line]
        assert 85 <= len(notifications) <= 90
        assert {line["channel"] for line in notifications} == {"heart_rate"}
        assert said[-2].startswith(f"Wrote {path}: {len(notifications)} of heart_rate.")

    def test_its_own_name_tells_of_nobody(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        source = simulated(Home(tmp_path), "calm")
        path = capture_sensor(source, STRAP, None, 10, speed=FAST, say=lambda _: None)
        assert re.fullmatch(r"heart_rate-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.jsonl", path.name)
        assert read_capture(path).lines

    def test_a_full_disk_ends_it_at_once_and_says_so(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path, lines = tmp_path / "strap.jsonl", [0]
        written = CaptureFile._write

        def full_after_twenty(captured: CaptureFile, facts: dict[str, object]) -> None:
            lines[0] += 1
            if lines[0] > 20:
                captured.error = OSError(errno.ENOSPC, "No space left on device")
                captured.broken.set()
            else:
                written(captured, facts)

        monkeypatch.setattr(CaptureFile, "_write", full_after_twenty)
        with pytest.raises(InputError, match=r"could not be written to its end \(No space left"):
            captured(path, seconds=3600.0)
        assert lines[0] < 30
        assert len(path.read_text().splitlines()) == 20

    def test_it_never_overwrites(self, tmp_path: Path) -> None:
        path = tmp_path / "strap.jsonl"
        path.write_text("mine")
        with pytest.raises(InputError, match="is there already"):
            captured(path)
        assert path.read_text() == "mine"

    def test_a_sensor_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(DeviceError, match=r"no supported sensor named 'other' in reach"):
            capture_sensor(
                simulated(Home(tmp_path), "calm"), "other", tmp_path / "x", 5, speed=FAST, say=lambda _: None
            )
        assert not (tmp_path / "x").exists()

    def test_played_again_it_gives_the_same_beats(self, tmp_path: Path) -> None:
        path = tmp_path / "strap.jsonl"
        captured(path, scene="dropout")
        again = replay(tmp_path, path)
        capture = read_capture(path)
        assert again.simulated
        assert [gap.reason for gap in again.streams["rr"].gaps] == ["link lost"]
        assert again.duration_s == pytest.approx(capture.duration_s, abs=1.5)
        texts = [marker.text for marker in again.markers if marker.kind == "link"]
        assert "heart_rate: lost, the connection ended" in texts
        twice = replay(tmp_path, path)
        np.testing.assert_array_equal(again.streams["rr"].value, twice.streams["rr"].value)
        np.testing.assert_allclose(again.streams["rr"].time_s, twice.streams["rr"].time_s, atol=1e-6)

    @pytest.mark.parametrize(
        ("lines", "message"),
        [
            pytest.param(["hello"], "is not a capture", id="no capture"),
            pytest.param(['{"vagal_capture": 1}'], "is not a capture", id="no sensor"),
            pytest.param(
                ['{"vagal_capture": 9, "device": {"name": "a", "driver": "heart_rate"}}'],
                "later version",
                id="a later version",
            ),
            pytest.param(
                ['{"vagal_capture": 1, "device": {"name": "a", "driver": "nobody"}}'],
                "no driver named 'nobody'",
                id="no driver",
            ),
            pytest.param(
                ['{"vagal_capture": 1, "device": {"name": ["x"], "driver": "heart_rate"}}'],
                "is not a capture",
                id="a name that is none",
            ),
            pytest.param(["FIRST"], "holds no notification", id="nothing in it"),
            pytest.param(
                ["FIRST", '{"time_s": 1, "generation": 0, "channel": "x", "hex": ""}'],
                "line 2: .*generation counts connections from 1",
                id="no connection",
            ),
            pytest.param(
                ["FIRST", '{"time_s": 1, "generation": 1, "channel": "x/y", "hex": ""}'],
                "line 2: .*channel is a word",
                id="no channel",
            ),
            pytest.param(["FIRST", '{"time_s": 1}'], "line 2: is no notification", id="no notification"),
            pytest.param(
                ["FIRST", '{"time_s": 1, "generation": 1, "channel": "x", "hex": "0g"}'],
                "line 2: is no notification",
                id="no bytes",
            ),
            pytest.param(
                [
                    "FIRST",
                    *(json.dumps({"time_s": s, "generation": 1, "channel": "x", "hex": ""}) for s in (2, 1)),
                ],
                "line 3: time goes back",
                id="time goes back",
            ),
            pytest.param(
                ["FIRST", '{"time_s": NaN, "generation": 1, "channel": "x", "hex": ""}'],
                "line 2: time goes back",
                id="no time",
            ),
        ],
    )
    def test_what_is_no_capture_is_told(self, lines: Sequence[str], message: str, tmp_path: Path) -> None:
        first = '{"vagal_capture": 1, "device": {"name": "a", "driver": "heart_rate"}}'
        path = tmp_path / "bad.jsonl"
        path.write_text("".join(line.replace("FIRST", first) + "\n" for line in lines))
        with pytest.raises(InputError, match=message):
            read_capture(path)

    def test_a_torn_last_line_is_left_out(self, tmp_path: Path) -> None:
        path = tmp_path / "strap.jsonl"
        captured(path, seconds=20)
        whole = read_capture(path)
        assert not whole.torn
        path.write_bytes(path.read_bytes()[:-5])
        assert read_capture(path).torn
        assert read_capture(path).lines == whole.lines[:-1]


class TestWorn:
    def test_a_stored_session_is_worn_by_virtual_sensors(self, tmp_path: Path) -> None:
        first = play(tmp_path, resting(90)).recording
        again = replay(tmp_path, first.recording_id)
        assert again.simulated
        assert [(phase.name, phase.kind) for phase in again.phases][:2] == [
            ("Between phases", "other"),
            ("Baseline", "baseline"),
        ]
        assert_same_heart(first, again)
        eda, own = again.streams["eda"], first.streams["eda"]
        at_s = np.arange(10, 80, 0.5) + again.phases[0].start_s
        shown = np.interp(at_s, eda.time_s, eda.value)
        np.testing.assert_allclose(
            shown, np.interp(at_s - again.phases[0].start_s, own.time_s, own.value), atol=0.05
        )

    @pytest.mark.parametrize(
        "name",
        ["kubios_report/SampleExport.txt", "stress_predict_e4/S03"],
    )
    def test_a_real_recording_goes_through_radio_live_path_and_report(
        self, name: str, recordings: Path, tmp_path: Path
    ) -> None:
        path = recordings / name
        if not path.exists():
            pytest.skip(f"{name} is not among the recordings")
        folder, _ = import_recording(Home(tmp_path), path, "anna-1", Reading())
        first = read_session(folder)
        again = replay(tmp_path, folder, resting(300))
        assert_same_heart(first, again)
        report = write_report(Home(tmp_path).find(again.recording_id))
        assert report.stat().st_size > 10_000


def assert_same_heart(first: Recording, again: Recording) -> None:
    """The beats until it ended are the same, but for the last ones, and in whole ticks."""
    assert first.beats is not None
    assert again.beats is not None
    began_s = min(phase.start_s for phase in again.phases)
    until_end = first.beats.time_s < again.duration_s - began_s
    sent_ms = np.round(np.nan_to_num(first.beats.value[until_end]) * 1.024) / 1.024
    heard_ms = again.beats.value
    assert 0.97 * len(sent_ms) <= len(heard_ms) <= len(sent_ms)
    np.testing.assert_allclose(heard_ms, sent_ms[: len(heard_ms)], atol=1e-6)
    assert classify(again.beats.time_s, heard_ms).nn.any()
