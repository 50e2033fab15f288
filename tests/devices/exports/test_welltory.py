"""Welltory: a phone's camera beside a chest strap."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from devices.exports.reader import Source, open_source
from devices.exports.welltory import Welltory
from pipeline.errors import InputError
from pipeline.model import Recording
from pipeline.preparation import with_beats
from tests.devices.exports.survival import assert_survives

FRAMES = b"time,R,G,B\n" + b"".join(
    b"%d,%.3f,0.0,0.012\n" % (33 * frame + frame * 7 % 5, 250 + np.sin(frame / 4)) for frame in range(300)
)
LINE = b"1203 1124 974 1168 1268 1051 1117"


def read(files: dict[str, bytes], unit: str | None = None) -> Recording:
    source = Source(Path("subject_01"), files)
    assert Welltory().recognises(source)
    return Welltory().read(source, unit)


def test_camera_and_strap() -> None:
    recording = read({"PPG.csv": FRAMES, "RR.txt": LINE})
    ppg, rr = recording.streams["ppg"], recording.streams["rr"]
    assert (len(ppg), ppg.rate_hz, list(ppg.columns)) == (
        300,
        30.0,
        ["ppg_au", "ppg_green_au", "ppg_blue_au"],
    )
    assert ppg.time_s[:3].tolist() == [0.0, 0.035, 0.07]
    assert rr.value.tolist() == [1203.0, 1124.0, 974.0, 1168.0, 1268.0, 1051.0, 1117.0]
    assert rr.time_s[-1] == pytest.approx(7.905)
    assert recording.duration_s == ppg.time_s[-1]
    assert recording.notices == ("RR.txt holds no times: its beats may lie seconds beside the pulse wave",)


@pytest.mark.parametrize(
    "line", [LINE, LINE + b"\r\n", b"1203 1124 "], ids=["bare", "line end", "blank at the end"]
)
def test_the_strap_alone(line: bytes) -> None:
    recording = read({"RR.txt": line}, unit="ms")
    assert (set(recording.streams), recording.streams["rr"].value[1]) == ({"rr"}, 1124.0)
    assert recording.units == {"rr": "ms (as Welltory writes it)"}
    assert recording.notices == ("--unit ms is not needed: Welltory writes RR in ms",)


def test_the_camera_alone_and_frames_that_come_twice() -> None:
    recording = read({"PPG.csv": FRAMES + b"9867,250,0,0\n9867,250,0,0\n", "README.md": b"x"})
    assert set(recording.streams) == {"ppg"}
    assert recording.notices == ("2 of 302 rows of ppg do not rise in time and are left out",)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"PPG.csv": FRAMES.replace(b"0.012", b"x", 1)}, "subject_01/PPG.csv line 2: 'x' is not a number"),
        ({"PPG.csv": FRAMES.replace(b"\n0,", b"\n-5,", 1)}, "subject_01/PPG.csv line 2: -5 ms is no time"),
        ({"PPG.csv": b"time,R,G,B\n"}, "subject_01/PPG.csv: holds no samples"),
        ({"PPG.csv": FRAMES, "RR.txt": b"800 8x0"}, "subject_01/RR.txt line 1: '8x0' is no interval between"),
        (
            {"PPG.csv": FRAMES, "RR.txt": b"800 99999"},
            "subject_01/RR.txt line 1: '99999' is no interval between",
        ),
        ({"PPG.csv": FRAMES, "RR.txt": b""}, "subject_01/RR.txt: holds no RR intervals"),
    ],
    ids=["number", "start", "no frames", "word", "absurd", "empty"],
)
def test_damage_is_told(files: dict[str, bytes], message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(files)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    "files",
    [
        {"RR.txt": b"800\n810\n"},
        {"RR.txt": b"800"},
        {"RR.txt": b"0.8 0.9"},
        {"other.txt": LINE},
        {"RR.txt": LINE, "b.csv": b"1,2\n"},
        {"PPG.csv": b"t,R\n"},
    ],
    ids=["a line each", "one number", "seconds", "other name", "another recording", "other header"],
)
def test_what_is_not_welltorys(files: dict[str, bytes]) -> None:
    assert not Welltory().recognises(Source(Path("x"), files))


@pytest.mark.parametrize("name", ["PPG.csv", "RR.txt"])
def test_damaged_files(name: str) -> None:
    assert_survives(Welltory(), {"PPG.csv": FRAMES, "RR.txt": LINE}, name)


@pytest.mark.parametrize(
    ("person", "beats", "duration_s"),
    [(1, 100, 111.609), (2, 101, 83.594), (3, 100, 82.858)],
)
def test_real_recordings(recordings: Path, person: int, beats: int, duration_s: float) -> None:
    source = open_source(recordings / "welltory_ppg_polar_h10" / f"subject_0{person}")
    assert Welltory().recognises(source)
    recording = Welltory().read(source, None)
    ppg = recording.streams["ppg"]
    assert (len(recording.streams["rr"]), ppg.rate_hz) == (beats, 30.0)
    assert ppg.time_s[-1] > 60
    camera = Recording("camera", "welltory", "", recording.duration_s, {"ppg": ppg})
    pulses = with_beats(camera).beats
    assert pulses is not None
    assert len(pulses) > 10
