"""The Garmin Connect IQ log: kinds of events in one stream, and days with gaps."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest

from devices.exports.connect_iq import ConnectIq
from devices.exports.reader import Source, open_source
from pipeline.errors import InputError
from pipeline.model import Recording
from tests.devices.exports.survival import assert_survives

BEGAN = datetime(2019, 10, 16, 12, 8, 58, tzinfo=timezone(timedelta(hours=2)))
RR_MS = np.resize([800, 820, 780, 810], 120)


def log(pause: timedelta = timedelta(0)) -> bytes:
    """Beats, late by up to 0.2 s, with a rate every tenth; a pause after sixty."""
    lines, end = ["2019-10-16T12:08:58.000+02:00;STEPS;299.0"], BEGAN
    for beat, rr_ms in enumerate(RR_MS.tolist()):
        end += timedelta(milliseconds=rr_ms) + (pause if beat == 60 else timedelta(0))
        came = end + timedelta(milliseconds=beat * 37 % 200)
        stamp = came.isoformat(timespec="milliseconds")
        lines.append(f"{stamp};HEART_RATE_VARIABILITY;{rr_ms}.0")
        if beat % 10 == 0:
            lines.append(f"{stamp};HEART_RATE;75.0")
    return "\n".join(lines).encode() + b"\n"


def read(content: bytes, unit: str | None = None) -> Recording:
    source = Source(Path("data.csv"), {"data.csv": content})
    assert ConnectIq().recognises(source)
    return ConnectIq().read(source, unit)


def test_beats_and_heart_rate() -> None:
    recording = read(log())
    rr, rate = recording.streams["rr"], recording.streams["heart_rate"]
    assert (len(rr), rr.gaps) == (120, ())
    np.testing.assert_allclose(np.diff(rr.time_s) * 1000, rr.value[1:], atol=1)
    assert rate.columns["heart_rate_bpm"].tolist() == [75.0] * 12
    assert recording.started_at == BEGAN
    assert recording.notices == ("only beats and heart rate are read, not STEPS",)


def test_hours_between_are_a_gap() -> None:
    rr = read(log(timedelta(hours=42))).streams["rr"]
    (gap,) = rr.gaps
    assert gap.end_s - gap.start_s == pytest.approx(42 * 3600, abs=0.5)
    assert int(np.argmax(np.diff(rr.time_s))) == 59


def test_other_files_and_a_needless_unit_are_told_of() -> None:
    source = Source(
        Path("garmin"), {"data.csv": log(), "acc.csv": b"2019-10-16T12:09:01.702+02:00;-36;620;-824\n"}
    )
    assert ConnectIq().recognises(source)
    assert ConnectIq().read(source, "ms").notices[1:] == (
        "acc.csv is not read",
        "--unit ms is not needed: the log has RR in ms",
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b";820.0", b";82x0", "data.csv line 4: '82x0' is not a number"),
        (b";820.0", b";82000.0", "data.csv line 4: 82000 ms is no interval between beats"),
        (b"T12:08:59", b"T32:08:59", "data.csv line 4: '2019-10-16T32:08:59.657+02:00' is not a time"),
        (b"HEART_RATE_VARIABILITY", b"STRESS", "data.csv: holds no HEART_RATE_VARIABILITY, so no intervals"),
    ],
    ids=["number", "interval", "time", "no beats"],
)
def test_damage_is_told_with_its_line(old: bytes, new: bytes, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(log().replace(old, new) if b"HEART" in old else log().replace(old, new, 1))
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    "files",
    [
        {"a": b"2019-10-16T12:09:01.702+02:00;-36;620;-824\n" * 3},
        {"a": b"12:09:01;STEPS;1\n" * 3},
        {"a": b""},
        {"a": log(), "b": log()},
        {"data.csv": log(), "rr.txt": b"800\n"},
    ],
    ids=["acceleration", "no date", "empty", "two logs", "another recording"],
)
def test_what_is_no_log(files: dict[str, bytes]) -> None:
    assert not ConnectIq().recognises(Source(Path("x"), files))


def test_damaged_files() -> None:
    assert_survives(ConnectIq(), {"data.csv": log()})


def test_a_real_log(recordings: Path) -> None:
    source = open_source(recordings / "flirt_garmin_holter" / "garmin" / "data.csv")
    assert ConnectIq().recognises(source)
    recording = ConnectIq().read(source, None)
    rr, rate = recording.streams["rr"], recording.streams["heart_rate"]
    assert (len(rr), rr.value[:3].tolist(), rr.value[-1]) == (14316, [821.0, 848.0, 771.0], 615.0)
    assert (rr.value.min(), rr.value.max(), len(rate)) == (344.0, 1722.0, 8748)
    assert recording.started_at is not None
    assert recording.started_at.isoformat(timespec="seconds") == "2019-10-16T12:08:57+02:00"
    assert recording.duration_s == pytest.approx(167_454, abs=2)
    longest = max(rr.gaps, key=lambda gap: gap.end_s - gap.start_s)
    assert longest.end_s - longest.start_s > 40 * 3600
