"""Holter beat times with labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from devices.exports.holter_txt import HolterTxt
from devices.exports.reader import Source, open_source
from pipeline.errors import InputError
from pipeline.model import Gap, Recording
from tests.devices.exports.survival import assert_survives

BEATS = (
    b"00000000\n4.000    X\n8.000    N\n8.800    N\n9.400    S\n"
    b"10.500    N\n12.000    X\n13.000    N\n13.750    N\n"
)


def read(content: bytes, unit: str | None = None) -> Recording:
    source = Source(Path("holter.txt"), {"holter.txt": content})
    assert HolterTxt().recognises(source)
    return HolterTxt().read(source, unit)


@pytest.mark.parametrize("content", [BEATS, BEATS.replace(b"\n", b"\r\n"), BEATS.replace(b"    ", b"\t")])
def test_an_interval_lies_between_usable_beats_only(content: bytes) -> None:
    recording = read(content)
    rr = recording.streams["rr"]
    assert rr.time_s.tolist() == [8.8, 9.4, 10.5, 13.75]
    assert rr.value.tolist() == [800.0, 600.0, 1100.0, 750.0]
    assert rr.gaps == (Gap(0.0, 8.0, "beats missing"), Gap(10.5, 13.0, "beats missing"))
    assert (recording.started_at, recording.duration_s) == (None, 13.75)
    assert recording.notices == (
        "2 of 8 rows are labelled X; no interval is made of them",
        "1 of 6 beats is labelled S; intervals are kept",
    )


def test_a_last_line_that_is_cut_off_is_left_out() -> None:
    assert read(BEATS + b"14.5").streams["rr"].time_s[-1] == 13.75


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"9.400    S", b"9.400", "holter.txt line 5: '9.400' is not a time and a label"),
        (b"9.400    S", b"8.400    S", "holter.txt line 5: this beat is not after the one before"),
        (b"9.400    S", b"99999.400    S", "holter.txt line 5: this beat is more than a day later"),
        (b" N", b" X", "holter.txt: holds no two usable beats in a row, so no interval"),
    ],
    ids=["no label", "backwards", "leap", "all unusable"],
)
def test_damage_is_told_with_its_line(old: bytes, new: bytes, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(BEATS.replace(old, new))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "content", [b"800\n810\n", b"00000000\n", b"00000000\n800\n810\n", b"0000000\n4.000 X\n", b""]
)
def test_what_is_no_holter(content: bytes) -> None:
    source = Source(Path("a"), {"a": content})
    if HolterTxt().recognises(source):
        with pytest.raises(InputError):
            HolterTxt().read(source, None)


def test_damaged_files() -> None:
    rows = b"".join(b"%.3f    N\n" % (beat * 0.81 + 1) for beat in range(200))
    assert_survives(HolterTxt(), {"holter.txt": b"00000000\n" + rows})


def test_a_real_recording(recordings: Path) -> None:
    source = open_source(recordings / "flirt_garmin_holter" / "holter" / "holter.txt")
    assert HolterTxt().recognises(source)
    recording = HolterTxt().read(source, "s")
    rr = recording.streams["rr"]
    assert (len(rr), rr.value[0], rr.time_s[0]) == (4763, 822.0, 99.465)
    assert (recording.duration_s, rr.gaps[0]) == (
        pytest.approx(4665.398, abs=0.5),
        Gap(0.0, 98.643, "beats missing"),
    )
    assert np.median(rr.value) == pytest.approx(900, abs=200)
    assert recording.notices[-3:] == (
        "18 of 4786 rows are labelled X; no interval is made of them",
        "1 of 4768 beats is labelled S; intervals are kept",
        "--unit s is not needed: the times are in s",
    )
