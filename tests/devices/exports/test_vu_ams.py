"""VU-AMS R peaks as text."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from devices.exports.checked import checked
from devices.exports.reader import Source, open_source
from devices.exports.vu_ams import VuAms
from pipeline.errors import InputError
from pipeline.model import Gap, Recording
from tests.devices.exports.survival import assert_survives

HEADER = b"Subject Id: P1\nR-peak time\tibi_cumulative\tibi\tinterpolated\tLabelCode1\t\n"
BEGAN = datetime(2023, 6, 30, 14, 8, 59, 580_000)


def table(*ibi_ms: int, made_up: int | None = None) -> bytes:
    lines, peak, total = [], BEGAN, 0
    for row, each in enumerate((0, *ibi_ms)):
        peak, total = peak + timedelta(milliseconds=each), total + each
        stamp = peak.strftime("%d-%m-%y/%H:%M:%S.") + f"{peak.microsecond // 1000:03d}"
        lines.append(f"{stamp}\t{total}\t{each}\t{'I' if row == made_up else 'O'}\t-9999\t\n".encode())
    return HEADER + b"".join(lines)


def read(content: bytes, unit: str | None = None) -> Recording:
    source = Source(Path("vu.txt"), {"vu.txt": content})
    assert VuAms().recognises(source)
    return checked(source, VuAms().read(source, unit))


def test_the_first_peak_ends_no_interval() -> None:
    recording = read(table(936, 964, 989))
    rr = recording.streams["rr"]
    assert (rr.value.tolist(), rr.gaps) == ([936.0, 964.0, 989.0], ())
    np.testing.assert_allclose(rr.time_s, [0.936, 1.9, 2.889])
    assert recording.started_at is not None
    assert recording.started_at.replace(tzinfo=None) == BEGAN
    assert recording.started_at.tzinfo is not None
    assert (recording.duration_s, recording.notices) == (2.889, ())


def test_an_interpolated_interval_is_missing_and_a_later_peak_a_gap() -> None:
    recording = read(table(900, 950, 900, made_up=2))
    np.testing.assert_array_equal(recording.streams["rr"].value, [900.0, np.nan, 900.0])
    assert recording.streams["rr"].gaps == (Gap(0.9, 1.85, "beats missing"),)
    assert recording.notices == (
        "1 of 4 intervals was interpolated by VU-DAMS, not measured, and left empty",
        "1 of 3 intervals is missing in the file",
    )


def test_a_file_may_begin_with_an_interval() -> None:
    content = table(900, 950)
    cut = HEADER + b"\n".join(content.removeprefix(HEADER).split(b"\n")[1:])
    recording = read(cut)
    np.testing.assert_allclose(recording.streams["rr"].time_s, [0.9, 1.85])
    assert recording.started_at is not None
    assert recording.started_at.replace(tzinfo=None) == BEGAN


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            b"30-06-23/14:09:00.516",
            b"31-06-23/14:09:00.516",
            "vu.txt line 4: '31-06-23/14:09:00.516' is not a time",
        ),
        (b"30-06-23/14:09:00.516", b"noon", "vu.txt line 4: 'noon' is not a time"),
        (b"30-06-23/14:09:00.516", b"30-06-23/13:09:00.516", "vu.txt line 4: this R peak is not after"),
        (b"30-06-23/14:09:01.480", b"30-06-24/14:09:01.480", "vu.txt line 5: this R peak is more than a day"),
        (b"\t936\tO", b"\t93600\tO", "vu.txt line 4: 93600 ms is no interval between beats"),
        (b"\t936\tO", b"\t9x6\tO", "vu.txt line 4: '9x6' is not a number"),
    ],
    ids=["no such day", "word", "backwards", "leap", "interval", "number"],
)
def test_damage_is_told_with_its_line(old: bytes, new: bytes, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(table(936, 964).replace(old, new))
    assert str(caught.value).startswith(message)


def test_a_peak_alone_is_refused() -> None:
    with pytest.raises(InputError, match=r"vu\.txt: holds no interval between beats"):
        read(table())


@pytest.mark.parametrize("content", [b"Subject Id: P1\n", b"R-peak time\tibi\n", HEADER[15:], b""])
def test_what_is_no_vu_ams(content: bytes) -> None:
    assert not VuAms().recognises(Source(Path("a"), {"a": content}))


def test_damaged_files() -> None:
    assert_survives(VuAms(), {"vu.txt": table(*([900, 950, 1000] * 60))})


def test_a_real_recording(recordings: Path) -> None:
    source = open_source(recordings / "wearablehrv_individual" / "test_vu.txt")
    assert VuAms().recognises(source)
    recording = VuAms().read(source, None)
    rr = recording.streams["rr"]
    assert (len(rr), rr.value[:3].tolist(), rr.value[-1]) == (3040, [936.0, 964.0, 989.0], 683.0)
    assert (recording.duration_s, rr.gaps) == (pytest.approx(2887.166), ())
    np.testing.assert_allclose(np.diff(rr.time_s) * 1000, rr.value[1:], atol=1.001)
    assert recording.started_at is not None
    assert recording.started_at.replace(tzinfo=None) == BEGAN
