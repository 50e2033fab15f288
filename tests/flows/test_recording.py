"""Whole sessions over the virtual radio: what is on disk afterwards, and what happened to the links."""

import asyncio
import errno
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from devices.virtual.room import Room
from devices.virtual.scenario import Scenario, scenario
from flows.recording import Recorder
from pipeline.errors import InputError
from pipeline.journal import Journal, Kind
from pipeline.model import PhaseKind
from pipeline.sealing import read_table, records_of
from pipeline.store import Home, read_session, recover
from tests.conftest import REPO
from tests.flows.rooms import play, resting


def test_a_session_is_sealed_with_what_the_sensors_sent(tmp_path: Path) -> None:
    played = play(tmp_path, resting(60))
    session = read_session(played.folder)
    assert set(session.streams) == {"rr", "heart_rate", "eda"}
    assert [phase.kind for phase in session.phases] == [PhaseKind.BASELINE]
    assert session.phases[0].duration_s == pytest.approx(60, abs=1)
    assert [device.driver for device in session.devices] == ["heart_rate", "healthypi_move"]
    assert all(device.serial_hash and device.battery_pct == 87 for device in session.devices)
    assert session.streams["eda"].rate_hz == 32
    assert session.simulated
    assert session.started_at is not None
    assert not (played.folder / "recording.lock").exists()


def test_beats_are_where_the_client_s_heart_beat(tmp_path: Path) -> None:
    played = play(tmp_path, resting(120))
    rr = played.recording.streams["rr"]
    beats = np.array(played.client.beats(played.began_s, played.began_s + played.recording.duration_s))
    own_s = beats[:, 0] - played.began_s
    nearest_s = np.abs(rr.time_s[:, None] - own_s[None, :]).min(axis=1)
    assert (
        nearest_s.max() < 0.1
    )  # the earliest notification tells the time, and it is seldom exactly on a beat
    assert np.median(nearest_s) < 0.05


def test_out_of_range_is_a_gap_and_the_sensor_comes_back(tmp_path: Path) -> None:
    async def walk_away(room: Room, _: Recorder, __: asyncio.Event) -> None:
        await asyncio.sleep(40)
        room.sensors[0].out_of_range()
        await asyncio.sleep(20)
        room.sensors[0].in_range()

    session = play(tmp_path, resting(120), happening=walk_away).recording
    [gap] = session.streams["rr"].gaps
    assert gap.reason == "link lost"
    assert 19 < gap.end_s - gap.start_s < 40
    assert session.streams["rr"].time_s[-1] > 115
    assert session.streams["eda"].gaps == ()
    assert any("lost" in marker.text for marker in session.markers)


def test_what_was_shown_is_stored_and_is_never_an_old_number(tmp_path: Path) -> None:
    async def fall_off(room: Room, _: Recorder, __: asyncio.Event) -> None:
        await asyncio.sleep(90)
        for sensor in room.sensors:
            sensor.out_of_range()

    played = play(tmp_path, resting(130), happening=fall_off)
    shown = read_table(played.folder / "shown.parquet").to_pylist()
    assert len(shown) >= 125
    good = [row for row in shown if 70 < row["arrival_s"] < 90]
    assert all(50 < row["heart_rate_bpm"] < 90 and row["rmssd_ms"] > 5 and row["eda_us"] > 1 for row in good)
    dead = [row for row in shown if row["arrival_s"] > 105]
    assert dead
    assert all(row["heart_rate_bpm"] is row["rmssd_ms"] is row["eda_us"] is None for row in dead)
    assert "no heartbeat is arriving" in dead[-1]["reasons"]


def test_stopping_early_seals_what_there_is(tmp_path: Path) -> None:
    async def enough(_: Room, recorder: Recorder, stop: asyncio.Event) -> None:
        await asyncio.sleep(30)
        recorder.conductor.noted.mark("note", "enough for today")
        recorder.conductor.rate("distress", 3)
        stop.set()

    session = play(tmp_path, resting(600), happening=enough).recording
    assert session.duration_s == pytest.approx(30, abs=1)
    assert [(m.kind, m.text) for m in session.markers if m.kind == "note"] == [("note", "enough for today")]
    assert session.ratings[0].value == 3


def test_a_full_disk_stops_loudly_and_keeps_what_was_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = Journal._write

    def full_after_a_minute(journal: Journal, data: bytes) -> None:
        if journal.now_s() > 60:
            raise OSError(errno.ENOSPC, "No space left on device")
        written(journal, data)

    monkeypatch.setattr(Journal, "_write", full_after_a_minute)
    with pytest.raises(
        InputError, match=r"recording stopped at 1:0\d, the disk cannot be written .*No space left"
    ):
        play(tmp_path, resting(120))
    monkeypatch.undo()
    from devices.decoding import decode

    [recovery] = recover(Home(tmp_path), decode)
    assert read_session(recovery.folder).duration_s == pytest.approx(60, abs=1.5)


def test_the_same_simulation_gives_the_same_notifications(tmp_path: Path) -> None:
    def payloads(folder: Path) -> list[tuple[str, bytes]]:
        records = records_of(read_table(folder / "raw.parquet"))
        return [(record.stream, record.payload) for record in records if record.kind is Kind.DATA]

    first, second = (play(tmp_path / name, resting(30)) for name in "ab")
    assert payloads(first.folder) == payloads(second.folder)


def test_the_recorder_imports_nothing_heavy() -> None:
    script = (
        "import sys, flows.live, flows.terminal, devices.virtual.room;"
        "print(sorted({'prefect', 'neurokit2', 'scipy', 'pandas'} & set(sys.modules)))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=REPO, check=True
    )
    assert loaded.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("sensors", "conditions"),
    [
        (("polar_h10",), {"acc_site": "chest"}),
        (("polar_h10", "polar_verity"), {}),
        (("heart_rate",), {}),
    ],
    ids=["a chest strap", "another on the arm", "none"],
)
def test_acceleration_is_the_chest_s_only_where_nothing_else_moves(
    sensors: tuple[str, ...], conditions: dict[str, str], tmp_path: Path
) -> None:
    scene = Scenario("moving", "", "", sensors)
    assert play(tmp_path, resting(5), scene=scene).recording.conditions == conditions


def test_the_view_is_told_how_each_sensor_is(tmp_path: Path) -> None:
    played = play(tmp_path, resting(90), scene=scenario("contact-lost"))
    states = [moment.links["heart_rate"] for moment in played.view.moments if "heart_rate" in moment.links]
    assert list(dict.fromkeys(states)) == ["connected", "connected, contact lost"]
    assert states[-1] == "connected"
