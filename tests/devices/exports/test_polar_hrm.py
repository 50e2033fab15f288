"""Polar .hrm: beats in RR mode with laps and start, heart rates refused, damage."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from devices.exports.checked import checked
from devices.exports.formats import read_recording
from devices.exports.polar_hrm import PolarHrm
from devices.exports.reader import Source
from pipeline.errors import InputError
from pipeline.model import Marker, Recording
from tests.devices.exports.damaged import bear_damage

HEAD = (
    "[Params]\r\nVersion=106\r\nInterval=238\r\n"
    "Date=20080208\r\nStartTime=08:50:31.5\r\nLength=00:00:08.0\r\n"
)
LAPS = "\r\n[IntTimes]\r\n00:00:02.5\t83\t38\r\n0\t0\t0\r\n00:00:08.0\t97\t80\r\n0\t0\t0\r\n"
DATA = "\r\n[HRData]\r\n" + "800\r\n" * 10
WHOLE = HEAD + LAPS + "\r\n[Note]\r\nnot [HRData]\r\n" + DATA


def source(content: str | bytes) -> Source:
    return Source(
        Path("day.hrm"), {"day.hrm": content.encode("cp1252") if isinstance(content, str) else content}
    )


def read(content: str | bytes, unit: str | None = None) -> Recording:
    given = source(content)
    assert PolarHrm().recognises(given)
    return checked(given, PolarHrm().read(given, unit))


def test_beats_laps_and_start() -> None:
    recording = read(WHOLE)
    rr = recording.streams["rr"]
    np.testing.assert_array_equal(rr.columns["rr_ms"], np.full(10, 800.0))
    np.testing.assert_allclose(rr.time_s[[0, -1]], [0.8, 8.0])
    assert recording.markers == (Marker(2.5, "tag", "lap 1"),)
    assert recording.started_at == datetime(2008, 2, 8, 8, 50, 31, 500_000).astimezone()
    assert (recording.duration_s, recording.notices, recording.units) == (
        rr.time_s[-1],
        (),
        {"rr": "ms (as the format has it)"},
    )


@pytest.mark.parametrize(
    ("content", "beats_ms"),
    [
        (WHOLE.replace("\r\n", "\n"), [800] * 10),
        ("\ufeff".encode() + WHOLE.encode(), [800] * 10),
        (HEAD + "[HRData]\r\n800\t0\t120\r\n\r\n0\r\n2500\r\n", [800, 0, 2500]),
        (HEAD + "[Note]\r\nFörderkurs\r\n[HRData]\r\n800\r\n[Trip]\r\n5\r\n", [800]),
    ],
    ids=["LF", "BOM", "more columns, a blank line, bad beats", "a note in German, a section after"],
)
def test_variants(content: str | bytes, beats_ms: list[int]) -> None:
    assert read(content).streams["rr"].value.tolist() == beats_ms


@pytest.mark.parametrize(
    ("change", "notices"),
    [
        (("800\r\n" * 10, "100\r\n" * 10), 2),
        (("Length=00:00:08.0", "Length=00:10:00.0"), 1),
        (("Length=00:00:08.0", "Length=soon"), 0),
        (("800\r\n", "800\r\n"), 0),
    ],
    ids=["implausible and short", "shorter than it says", "no length", "as it should be"],
)
def test_notices(change: tuple[str, str], notices: int) -> None:
    assert len(read(WHOLE.replace(*change)).notices) == notices


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            WHOLE.replace("=238", "=5"),
            "day.hrm: holds heart rates, one for every 5 s, from which no variability can be computed; "
            "record and export with RR intervals switched on",
        ),
        (WHOLE.replace("=238", "=7"), "day.hrm: Interval=7 in [Params] is no interval of a .hrm file"),
        (HEAD.replace("Interval", "x"), "day.hrm: Interval= in [Params] is no interval of a .hrm file"),
        (HEAD, "day.hrm: holds no RR intervals in [HRData]"),
        (HEAD + "[HRData]\r\n800\r\nabc\r\n", "day.hrm line 9: 'abc' is not an RR interval"),
        (HEAD + "[HRData]\r\n-800\r\n", "day.hrm line 8: '-800' is not an RR interval"),
        (HEAD + "[HRData]\r\n99999\r\n", "day.hrm line 8: '99999' is no interval between beats"),
    ],
    ids=["heart rates", "unknown interval", "no interval", "no beats", "word", "negative", "too long"],
)
def test_what_is_refused(content: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(content)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("date", "clock"),
    [("20081308", "08:50:31.0"), ("2008", "08:50:31.0"), ("20080208", "25:00:00"), ("20080208", "soon")],
)
def test_a_start_that_is_none(date: str, clock: str) -> None:
    content = WHOLE.replace("20080208", date).replace("08:50:31.5", clock)
    assert read(content).started_at is None


@pytest.mark.parametrize(
    "content",
    [b"", b"[Params]\r\n", b"[HRData]\r\n800\r\n", b"Version=106\r\n", b"\x00[Params]Version="],
    ids=["empty", "no version", "no parameters", "no section", "binary"],
)
def test_what_is_no_hrm(content: bytes) -> None:
    assert not PolarHrm().recognises(source(content))


def test_damage_is_borne() -> None:
    assert bear_damage(PolarHrm, Path("day.hrm"), {"day.hrm": WHOLE.encode()}, "day.hrm") > 5


def test_a_real_file(recordings: Path) -> None:
    _, recording = read_recording(recordings / "rri_txt_polar_hrm" / "exercise_rri.hrm")
    rr = recording.streams["rr"]
    assert (recording.source, len(rr), rr.value[0], rr.value[-1]) == ("polar-hrm", 4117, 1589.0, 557.0)
    assert recording.duration_s == pytest.approx(2561.791)
    assert [marker.time_s for marker in recording.markers] == [365.6, 2169.9, 2537.8]
    assert recording.started_at == datetime(2008, 2, 8, 8, 50, 31).astimezone()
    assert recording.notices == ()
