"""ECGLogger's CSV: the electrocardiogram, and the beats that stand beside it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from devices.exports.ecg_logger import EcgLogger
from devices.exports.reader import Source, open_source
from pipeline.errors import InputError
from pipeline.model import Recording
from tests.devices.exports.survival import assert_survives

START_NS = 1_714_920_600_006_020_000
STEP_NS = 7_682_430


def table(rows: int = 1300, step_ns: int = STEP_NS) -> bytes:
    """Ten seconds of ECG; each second a packet of two beats in adjacent rows, and one without beats."""
    lines = [b"time,ecg,hr,rr"]
    for row in range(rows):
        beat = {60: b"75,400", 61: b",410", 100: b"76,"}.get(row % 130, b",")
        lines.append(b"%d,%.3f,%b" % (START_NS + row * step_ns, np.sin(row / 7), beat))
    return b"\n".join(lines) + b"\n"


def read(content: bytes, unit: str | None = None) -> Recording:
    source = Source(Path("h10.csv"), {"h10.csv": content})
    assert EcgLogger().recognises(source)
    return EcgLogger().read(source, unit)


def test_ecg_beats_and_heart_rate() -> None:
    recording = read(table())
    ecg, rr, rate = (recording.streams[name] for name in ("ecg", "rr", "heart_rate"))
    assert (len(ecg), ecg.rate_hz) == (1300, round(1e9 / STEP_NS, 3))
    assert ecg.value[7] == pytest.approx(841.0)
    assert ecg.time_s[[0, 1299]] == pytest.approx([0.0, 1299 * STEP_NS / 1e9], abs=1e-6)
    assert rr.value.tolist() == [400.0, 410.0] * 10
    assert rate.columns["heart_rate_bpm"].tolist() == [75.0, 76.0] * 10
    assert recording.started_at == datetime(2024, 5, 5, 14, 50, 0, 6020, tzinfo=UTC)
    assert recording.duration_s == ecg.time_s[-1]
    assert recording.units == {"ecg": "mV (as the app writes it; the file names no unit)"}


def test_a_needless_unit_and_a_cut_off_line_are_told_of() -> None:
    notices = read(table() + b"17149206", unit="ms").notices
    assert notices[-2:] == (
        "the last line is cut off and left out",
        "--unit ms is not needed: ECGLogger writes RR in ms",
    )


def test_ecg_alone() -> None:
    content = b"time,ecg,hr,rr\n" + b"".join(b"%d,0.1,,\n" % (START_NS + row * STEP_NS) for row in range(99))
    assert set(read(content).streams) == {"ecg"}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (b"12,0.1,,", "h10.csv line 2: 12 is no time in ns since 1970"),
        (b"%d,x,," % START_NS, "h10.csv line 2: 'x' is not a number"),
        (b"%d,0.1,,99999" % START_NS, "h10.csv line 2: 99999 ms is no interval between beats"),
    ],
    ids=["time", "ecg", "interval"],
)
def test_damage_is_told_with_its_line(row: bytes, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(table().replace(b"\n", b"\n" + row + b"\n", 1))
    assert str(caught.value) == message


@pytest.mark.parametrize("content", [b"time,ecg\n1,2\n", b"time;ecg;hr;rr\n", b"", b"\xff\xfe\x00"])
def test_what_is_no_ecg_logger(content: bytes) -> None:
    assert not EcgLogger().recognises(Source(Path("a"), {"a": content}))


def test_damaged_files() -> None:
    assert_survives(EcgLogger(), {"h10.csv": table()})


def test_a_real_recording(recordings: Path) -> None:
    source = open_source(recordings / "polar_h10_ecglogger" / "polar_h10.csv")
    assert EcgLogger().recognises(source)
    recording = EcgLogger().read(source, None)
    ecg, rr = recording.streams["ecg"], recording.streams["rr"]
    assert (len(ecg), ecg.gaps) == (78096, ())
    assert ecg.rate_hz == pytest.approx(130.167, abs=0.02)
    assert (ecg.value[0], ecg.value.min(), ecg.value.max()) == pytest.approx((-98.0, -1173.0, 1744.0))
    assert (len(rr), rr.value[:4].tolist()) == (798, [421.0, 379.0, 1073.0, 413.0])
    assert recording.started_at is not None
    assert recording.started_at.isoformat(timespec="seconds") == "2024-05-05T14:50:00+00:00"
    assert recording.duration_s == pytest.approx(600.0, abs=0.1)
