"""Polar Sensor Logger: one file for each signal, on one clock."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from devices.exports.polar_sensor_logger import PolarSensorLogger
from devices.exports.reader import Source
from pipeline.errors import InputError
from pipeline.model import DeviceInfo, Recording
from tests.devices.exports.survival import assert_survives

BEGAN = datetime(2021, 7, 5, 16, 29, 20)
SENSOR_NS = 599_626_023_839_800_192
RR_MS = np.resize([800, 820, 780, 810], 60)
BEAT_S = np.cumsum(RR_MS) / 1000
ECG_NAME = "Polar_H10_12345678_20210705_162920_ECG.txt"


def stamp(second: float, clock: str = "") -> str:
    when = BEGAN + timedelta(seconds=float(second))
    return when.strftime(clock) if clock else when.isoformat(timespec="milliseconds")


def sampled(header: str, row: str, rate_hz: float, start_s: float = 0.0, clock: str = "") -> bytes:
    """48 s of samples that reach the phone in packets of 73, up to 0.3 s after the last."""
    lines = [header]
    for sample in range(round(48 * rate_hz)):
        packet = (sample // 73 + 1) * 73 / rate_hz + 0.3 * (sample // 73 % 3) / 2
        ns = SENSOR_NS + round((start_s + sample / rate_hz) * 1e9)
        lines.append(
            row.format(stamp=stamp(start_s + packet, clock), ns=ns, ms=sample / rate_hz * 1000, i=sample)
        )
    return "\n".join(lines).encode() + b"\n"


def ecg(clock: str = "") -> bytes:
    return sampled(
        "Phone timestamp;sensor timestamp [ns];timestamp [ms];ecg [uV]",
        "{stamp};{ns};{ms:E};{i}",
        130,
        clock=clock,
    )


ACC = sampled(
    "Phone timestamp;sensor timestamp [ns];X [mg];Y [mg];Z [mg]", "{stamp};{ns};-746;56;631", 25, 1.0
)


def beats(header: str, row: str, clock: str = "") -> bytes:
    """Beats that come once a second."""
    lines = [header]
    for end_s, rr_ms in zip(np.ceil(BEAT_S), RR_MS, strict=True):
        lines.append(row.format(stamp=stamp(end_s, clock), ms=rr_ms))
    return "\n".join(lines).encode() + b"\n"


def rr(clock: str = "") -> bytes:
    return beats("Phone timestamp;RR-interval [ms]", "{stamp};{ms}", clock)


PPI = beats(
    "Phone Data RX timestamp;PP-interval [ms];error estimate [ms];blocker;contact;contact;hr [bpm]",
    "{stamp};{ms};5;0;1;1;0",
)
HR = b"Phone timestamp;HR [bpm];HRV [ms];Breathing interval [rpm];\n" + b"".join(
    f"{stamp(second)};{75 if second else 0};;;\n".encode() for second in range(40)
)


def read(files: dict[str, bytes], unit: str | None = None) -> Recording:
    source = Source(Path(next(iter(files))) if len(files) == 1 else Path("S99"), files)
    assert PolarSensorLogger().recognises(source)
    return PolarSensorLogger().read(source, unit)


def test_samples_are_timed_by_the_sensor() -> None:
    recording = read({ECG_NAME: ecg()})
    signal = recording.streams["ecg"]
    assert (len(signal), signal.rate_hz, signal.gaps) == (48 * 130, 130.0, ())
    np.testing.assert_allclose(signal.time_s, np.arange(48 * 130) / 130, atol=1e-6)
    assert signal.value[:3].tolist() == [0.0, 1.0, 2.0]
    assert recording.devices == (DeviceInfo(name="Polar H10", driver="polar-sensor-logger"),)
    assert recording.started_at is not None
    assert abs(recording.started_at.replace(tzinfo=None) - BEGAN) < timedelta(seconds=1)


def test_beats_are_timed_by_what_they_add_up_to() -> None:
    recording = read({"x_RR.txt": rr()}, unit="ms")
    stream = recording.streams["rr"]
    assert stream.value.tolist() == RR_MS.tolist()
    np.testing.assert_allclose(np.diff(stream.time_s) * 1000, RR_MS[1:], atol=1)
    assert recording.notices == ("--unit ms is not needed: the headers name the units",)


def test_pulse_intervals_keep_their_error_and_movement_is_told_of() -> None:
    moved = PPI.replace(b";5;0;1;1;0\n", b";30;1;1;1;0\n", 2)
    recording = read({"x_PPI.txt": moved})
    pp = recording.streams["pp"]
    assert (pp.value.tolist(), pp.columns["pp_error_ms"][:3].tolist()) == (RR_MS.tolist(), [30.0, 30.0, 5.0])
    assert recording.notices == ("the sensor told of movement at 2 of 60 pulse intervals; they are kept",)
    assert recording.beat_source == "pp"


def test_a_heart_rate_of_zero_is_none() -> None:
    rate = read({"x_HR.txt": HR}).streams["heart_rate"]
    np.testing.assert_array_equal(rate.columns["heart_rate_bpm"][:2], [np.nan, 75.0])


@pytest.mark.parametrize("clock", ["", "%H:%M:%S.%f"], ids=["with a date", "time of day only"])
def test_the_files_of_a_folder_are_one_recording(clock: str) -> None:
    recording = read({ECG_NAME: ecg(clock), "Polar_H10_RR.txt": rr(clock), "notes.md": b"x"})
    assert set(recording.streams) == {"ecg", "rr"}
    assert recording.notices == ("notes.md is not read",)
    shift_s = recording.streams["rr"].time_s[0] - BEAT_S[0] - recording.streams["ecg"].time_s[0]
    assert abs(shift_s) < 1.0
    assert (recording.started_at is None) == bool(clock)


def test_a_chest_strap_tells_where_its_acceleration_is() -> None:
    recording = read({ECG_NAME: ecg(), "Polar_H10_ACC.txt": ACC})
    acc = recording.streams["acc"]
    assert acc.rate_hz == 25.0
    assert [values[0] for values in acc.columns.values()] == [-746.0, 56.0, 631.0]
    assert recording.conditions == {"acc_site": "chest"}


def test_midnight_without_a_date() -> None:
    evening = ecg("%H:%M:%S.%f").replace(b"16:29:", b"23:59:").replace(b"16:30:", b"00:00:")
    night = rr("%H:%M:%S.%f").replace(b"16:29:", b"23:59:").replace(b"16:30:", b"00:00:")
    recording = read({ECG_NAME: evening, "RR.txt": night})
    assert recording.duration_s == pytest.approx(49, abs=1)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"RR.txt": rr().replace(b";820", b";8x0", 1)}, "RR.txt line 3: '8x0' is not a number"),
        (
            {"RR.txt": rr().replace(b";820", b";82000", 1)},
            "RR.txt line 3: 82000 ms is no interval between beats",
        ),
        (
            {"RR.txt": rr().replace(b"2021", b"noon", 1)},
            "RR.txt line 2: 'noon-07-05T16:29:21.000' is not a time",
        ),
        ({"RR.txt": b"Phone timestamp;RR-interval [ms]\n"}, "RR.txt: holds no samples"),
        (
            {"E.txt": b"Phone timestamp;ecg [uV]\n2021-07-05T16:29:20;1\n"},
            "E.txt line 1: there is no column 'sensor timestamp [ns]' to time the samples by",
        ),
        (
            {"E.txt": ecg(), "RR.txt": rr().replace(b"2021-07-05", b"2021-07-06")},
            "S99: the files are of different sessions; put each session in a folder of its own",
        ),
    ],
    ids=["number", "interval", "stamp", "empty", "no sensor time", "sessions"],
)
def test_damage_is_told(files: dict[str, bytes], message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(files)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "files",
    [
        {"a.txt": b"Phone timestamp;X [dps];Y [dps];Z [dps]\n"},
        {"a.txt": b"timestamp;RR-interval [ms]\n"},
        {"a.txt": rr(), "b.txt": rr()},
        {"a.txt": b""},
    ],
    ids=["gyroscope", "other header", "two recordings", "empty"],
)
def test_what_is_not_one_recording(files: dict[str, bytes]) -> None:
    assert not PolarSensorLogger().recognises(Source(Path("x"), files))


@pytest.mark.parametrize("content", [ecg(), rr(), PPI, HR, ACC], ids=["ECG", "RR", "PPI", "HR", "ACC"])
def test_damaged_files(content: bytes) -> None:
    assert_survives(PolarSensorLogger(), {"x.txt": content})
