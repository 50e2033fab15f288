"""FIT files: built message by message as the protocol has it, damaged, and real ones of four watches."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from devices.exports.checked import checked
from devices.exports.fit import Fit
from devices.exports.formats import read_recording
from devices.exports.reader import Source
from pipeline.errors import InputError
from pipeline.model import DeviceInfo, Gap, Recording
from tests.devices.exports.damaged import bear_damage

START = 866_126_049  # 11 June 2017, 14:34:09 UTC
FILE_ID, RECORD, HRV, HR = 0, 20, 78, 132
UINT8, UINT16, UINT32, ENUM, BYTE = 0x02, 0x84, 0x86, 0x00, 0x0D
SIZES = {UINT8: ("B", 1), UINT16: ("H", 2), UINT32: ("I", 4), ENUM: ("B", 1), BYTE: ("B", 1)}
CRC = (
    0x0000, 0xCC01, 0xD801, 0x1400, 0xF001, 0x3C00, 0x2800, 0xE401,
    0xA001, 0x6C00, 0x7800, 0xB401, 0x5000, 0x9C01, 0x8801, 0x4400,
)  # fmt: skip

Field = tuple[int, int, Sequence[int]]  # number, base type, values


def checksum(content: bytes) -> int:
    crc = 0
    for byte in content:
        for nibble in (byte & 0xF, byte >> 4):
            crc = (crc >> 4) ^ CRC[crc & 0xF] ^ CRC[nibble]
    return crc


def message(number: int, *fields: Field) -> bytes:
    """The definition of a message and the message itself."""
    sized = [(field, kind, SIZES[kind][1] * len(values)) for field, kind, values in fields]
    definition = struct.pack("<BBBHB", 0x40, 0, 0, number, len(fields))
    definition += b"".join(bytes((field, size, kind)) for field, kind, size in sized)
    data = b"".join(struct.pack(f"<{len(values)}{SIZES[kind][0]}", *values) for _, kind, values in fields)
    return definition + b"\0" + data


def fit(*messages: bytes) -> bytes:
    body = b"".join(messages)
    head = struct.pack("<BBHI4s", 14, 0x20, 2132, len(body), b".FIT")
    head += struct.pack("<H", checksum(head))
    return head + body + struct.pack("<H", checksum(head + body))


def file_id(created: int = START) -> bytes:
    return message(FILE_ID, (0, ENUM, [4]), (1, UINT16, [1]), (2, UINT16, [2697]), (4, UINT32, [created]))


def record(second: float) -> bytes:
    return message(RECORD, (253, UINT32, [START + int(second)]), (3, UINT8, [71]))


def hrv(*rr_ms: int) -> bytes:
    return message(HRV, (0, UINT16, [*rr_ms, *[0xFFFF] * (5 - len(rr_ms))]))


def packed(ticks: Sequence[int]) -> list[int]:
    whole = sum((each & 0xFFF) << (12 * place) for place, each in enumerate(ticks))
    return list(whole.to_bytes(12, "little"))


def first_beat(tick: int, second: int = 0) -> bytes:
    stamp: Field = (253, UINT32, [START + second])
    return message(HR, stamp, (9, UINT32, [tick]), (0, UINT16, [8_192]), (6, UINT8, [60]))


def next_beats(ticks: Sequence[int], present: int = 8) -> bytes:
    rates = [60] * present + [0xFF] * (8 - present)
    return message(HR, (6, UINT8, rates), (10, BYTE, packed([*ticks, *[0xFFF] * (8 - len(ticks))])))


def read(content: bytes, unit: str | None = None) -> Recording:
    source = Source(Path("run.fit"), {"run.fit": content})
    assert Fit().recognises(source)
    return checked(source, Fit().read(source, unit))


def test_intervals_follow_each_other() -> None:
    recording = read(fit(file_id(), record(0), hrv(800, 810), record(2), hrv(790), hrv(0, 820), record(5)))
    rr = recording.streams["rr"]
    assert rr.columns["rr_ms"].tolist() == [800.0, 810.0, 790.0, 0.0, 820.0]
    np.testing.assert_allclose(rr.time_s, [0.8, 1.61, 2.4, 2.401, 3.221])
    assert recording.started_at == datetime(2017, 6, 11, 14, 34, 9, tzinfo=UTC)
    assert recording.duration_s == 5.0
    assert recording.units == {"rr": "ms (fixed by the format)"}
    assert recording.devices == (DeviceInfo(name="garmin fenix5", driver="fit"),)
    assert recording.notices[-1].startswith("1 of 5 intervals is zero, negative or outside")


def test_lost_beats_are_a_gap_where_the_records_show_them() -> None:
    recording = read(fit(file_id(), record(0), hrv(1000, 1000), record(2), record(30), hrv(1000, 1000)))
    rr = recording.streams["rr"]
    assert rr.time_s.tolist() == [1.0, 2.0, 30.0, 31.0]
    assert rr.gaps == (Gap(2.0, 29.0, "beats missing"),)
    assert recording.notices == ("beats are missing once, 27 s in all; nothing is computed across a gap",)


def test_records_far_apart_are_no_gap() -> None:
    beats = [hrv(*[1000] * 5) for _ in range(12)]
    recording = read(fit(file_id(), record(0), *beats, record(60), hrv(1000)))
    assert recording.streams["rr"].gaps == ()
    assert recording.notices == ()


@pytest.mark.parametrize(
    ("messages", "started_at"),
    [
        ((file_id(), hrv(800, 800)), datetime(2017, 6, 11, 14, 34, 9, tzinfo=UTC)),
        ((hrv(800, 800),), None),
        ((file_id(1000), hrv(800, 800)), None),
    ],
    ids=["created", "no time", "since power on"],
)
def test_the_start_without_records(messages: Sequence[bytes], started_at: datetime | None) -> None:
    recording = read(fit(*messages))
    assert recording.started_at == started_at
    assert recording.streams["rr"].time_s.tolist() == [0.8, 1.6]


def test_moments_of_beats_past_where_twelve_bits_wrap() -> None:
    ticks = [5000 + 1024 * number for number in range(10)]
    recording = read(
        fit(file_id(), record(0), first_beat(ticks[0]), next_beats(ticks[1:9]), next_beats(ticks[9:], 1))
    )
    rr = recording.streams["rr"]
    assert rr.columns["rr_ms"].tolist() == [1000.0] * 9
    np.testing.assert_allclose(rr.time_s, 0.25 + np.arange(1, 10))  # the fraction is a quarter of a second
    assert recording.started_at == datetime(2017, 6, 11, 14, 34, 9, tzinfo=UTC)
    assert recording.notices == ("beats are from the moments in hr messages",)


def test_moments_after_a_pause_are_no_interval() -> None:
    messages = [
        first_beat(1024),
        next_beats([2048, 3072], 2),
        first_beat(1024 * 60, 59),
        next_beats([1024 * 61], 1),
    ]
    recording = read(fit(file_id(), *messages))
    assert recording.streams["rr"].columns["rr_ms"].tolist() == [1000.0, 1000.0, 1000.0]
    assert recording.streams["rr"].gaps == (Gap(2.0, 59.0, "beats missing"),)


def test_a_beat_told_twice_is_left_out() -> None:
    recording = read(fit(file_id(), first_beat(1024), next_beats([1024, 2048], 2)))
    assert recording.streams["rr"].columns["rr_ms"].tolist() == [1000.0]
    assert recording.notices[1] == "1 of 3 beats does not rise in time and is left out"


def test_both_kinds_in_one_file() -> None:
    recording = read(fit(file_id(), record(0), first_beat(1024), next_beats([2048], 1), hrv(800, 800)))
    assert recording.streams["rr"].columns["rr_ms"].tolist() == [800.0, 800.0]
    assert recording.notices == ("beats are those of hrv messages; those of hr messages are left out",)


def test_an_activity_without_intervals_says_what_to_do() -> None:
    with pytest.raises(InputError, match="holds 2 heart rates but no intervals between beats; on the watch"):
        read(fit(file_id(), record(0), record(1)))


@pytest.mark.parametrize(
    "messages",
    [
        [record(0), record(2), record(29 * 365 * 86_400), hrv(800, 810)],
        [record(29 * 365 * 86_400), record(0), hrv(800, 810)],
        [record(0), first_beat(1024, 8 * 86_400), next_beats([2048], 1)],
    ],
    ids=["a late record", "a first record", "a first beat"],
)
def test_times_too_far_apart_are_refused(messages: Sequence[bytes]) -> None:
    with pytest.raises(InputError, match=r"is damaged or cut short \(its times lie [\d,]+ days apart"):
        read(fit(file_id(), *messages))


def test_beats_from_before_the_activity_are_told() -> None:
    recording = read(fit(file_id(), first_beat(1024), next_beats([2048, 3072], 2), record(600)))
    assert recording.notices[1] == "the strap's beats begin 10 minutes before the activity was started"
    assert recording.duration_s == 600 - 0.25


def test_a_wrong_check_sum_is_refused() -> None:
    content = fit(file_id(), record(0), hrv(800, 810))
    with pytest.raises(InputError, match=r"run.fit: is damaged or cut short \(mismatching CRC"):
        read(content[:-1] + bytes([content[-1] ^ 1]))


def test_damage() -> None:
    content = fit(file_id(), *(each for second in range(20) for each in (record(second), hrv(1000))))
    assert bear_damage(Fit, Path("run.fit"), {"run.fit": content}, "run.fit") == 30


@pytest.mark.parametrize("head", [b"", b".FIT", b"\x0e" + b"\0" * 20, b"\x01" + b"\0" * 7 + b".FIT"])
def test_other_files_are_not_taken_for_it(head: bytes) -> None:
    assert not Fit().recognises(Source(Path("x"), {"x": head}))


def test_a_unit_is_not_needed() -> None:
    assert read(fit(file_id(), hrv(800)), "ms").notices == ("--unit ms is not needed: FIT has fixed units",)


@pytest.mark.parametrize(
    ("name", "device", "started_at", "first_ms", "last_ms", "count", "gaps"),
    [
        ("garmin-edge-820-bike", "garmin edge 820", "2017-06-12T16:10:15", 594.0, 521.0, 126, 0),
        ("garmin-fenix-5-run", "garmin fenix5", "2017-06-11T14:34:09", 1093.0, 599.0, 113, 0),
        ("garmin-fenix-5-walk", "garmin fenix5", "2017-06-11T14:32:51", 824.0, 836.0, 62, 0),
    ],
)
def test_real_intervals(
    recordings: Path,
    name: str,
    device: str,
    started_at: str,
    first_ms: float,
    last_ms: float,
    count: int,
    gaps: int,
) -> None:
    _, recording = read_recording(recordings / "fit_hrv_mit" / f"{name}.fit")
    rr = recording.streams["rr"]
    assert (recording.source, len(rr), len(rr.gaps)) == ("fit", count, gaps)
    assert (rr.value[0], rr.value[-1]) == (first_ms, last_ms)
    assert recording.started_at == datetime.fromisoformat(f"{started_at}+00:00")
    assert [each.name for each in recording.devices] == [device]
    np.testing.assert_allclose(np.diff(rr.time_s) * 1000, rr.value[1:])


def test_real_moments(recordings: Path) -> None:
    _, recording = read_recording(recordings / "fit_hrv_mit" / "garmin-fr935-cr.fit")
    rr = recording.streams["rr"]
    assert (len(rr), len(rr.gaps)) == (11_392, 3)
    assert float(np.median(rr.value)) == pytest.approx(651, abs=60)
    assert recording.started_at is not None
    assert recording.started_at.isoformat(timespec="seconds") == "2018-03-24T10:42:08+00:00"
    # The file's session lasts 7,552.97 s; the strap had been worn, and remembered, for twenty minutes before.
    assert recording.duration_s == pytest.approx(8830.35, abs=0.01)
    assert "the strap's beats begin 20 minutes before the activity was started" in recording.notices
