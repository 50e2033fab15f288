"""Embrace Plus files: built as the maker's manual and script describe them, for want of a real one."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import fastavro
import numpy as np
import pytest

from devices.exports import contents
from devices.exports.avro import avro_records
from devices.exports.embrace_plus import EmbracePlus
from devices.exports.formats import read_recording
from devices.exports.reader import Source
from devices.streams import MISSING
from pipeline.errors import InputError
from pipeline.model import DeviceInfo, Floats, Gap, Marker, Recording
from tests.devices.exports.damaged import bear_damage

START_US = 1_710_855_484_000_000
PULSE = 100 * np.exp(-(((np.arange(64 * 40) / 64 % 0.8 - 0.3) / 0.08) ** 2))
FLAT = np.zeros(64 * 40)
IMU = {"physicalMin": -16, "physicalMax": 16, "digitalMin": -32_768, "digitalMax": 32_767}
OWN = "beats are the wristband's own, as its pulse wave holds no usable pulse"

Fields = Mapping[str, Any]


def record_of(name: str, **fields: Any) -> dict[str, Any]:
    return {
        "type": "record",
        "name": name,
        "fields": [{"name": each, "type": kind} for each, kind in fields.items()],
    }


def array(kind: str) -> dict[str, str]:
    return {"type": "array", "items": kind}


def sensor_of(name: str, **fields: Any) -> dict[str, Any]:
    return record_of(name, timestampStart="long", samplingFrequency="float", **fields)


SCHEMA = record_of(
    "EmbracePlus",
    timezone="int",
    deviceSn="string",
    rawData=record_of(
        "rawData",
        accelerometer=sensor_of(
            "accelerometer",
            imuParams=record_of("imuParams", **dict.fromkeys(IMU, "int")),
            **dict.fromkeys("xyz", array("int")),
        ),
        eda=sensor_of("eda", values=array("float")),
        temperature=sensor_of("temperature", values=array("float")),
        bvp=sensor_of("bvp", values=array("float")),
        systolicPeaks=record_of("systolicPeaks", peaksTimeNanos=array("long")),
        tags=record_of("tags", tagsTimeMicros=array("long")),
    ),
)


def sensor(rate_hz: float, values: Sequence[float] | Floats, start_us: int = START_US) -> Fields:
    return {"timestampStart": start_us, "samplingFrequency": rate_hz, "values": list(values)}


def off(**lists: Any) -> dict[str, Any]:
    return {"timestampStart": 0, "samplingFrequency": 0.0, **(lists or {"values": []})}


def counts(*rows: tuple[int, int, int], imu: Fields = IMU) -> Fields:
    axes = {axis: [row[place] for row in rows] for place, axis in enumerate("xyz")}
    return {"timestampStart": START_US, "samplingFrequency": 64.0, "imuParams": imu, **axes}


def avro(
    *,
    zone_s: int = 3600,
    device: str = "3YK3H151PR",
    peaks_ns: Sequence[int] = (),
    tags_us: Sequence[int] = (),
    codec: str = "null",
    **sensors: Fields,
) -> bytes:
    raw = {
        "accelerometer": off(imuParams=dict.fromkeys(IMU, 0), x=[], y=[], z=[]),
        **{name: off() for name in ("eda", "temperature", "bvp")},
        **sensors,
        "systolicPeaks": {"peaksTimeNanos": list(peaks_ns)},
        "tags": {"tagsTimeMicros": list(tags_us)},
    }
    file = io.BytesIO()
    record = {"timezone": zone_s, "deviceSn": device, "rawData": raw}
    fastavro.writer(file, SCHEMA, [record], codec=codec, sync_marker=b"0123456789abcdef")
    return file.getvalue()


def peaks_ns(*seconds: float) -> list[int]:
    return [START_US * 1000 + round(second * 1e9) for second in seconds]


EDA = sensor(4.0, [0.5, 0.75, 1.0, 1.25])


def read(files: Mapping[str, bytes] | bytes, unit: str | None = None) -> Recording:
    files = {"1-1-10_1710855484.avro": files} if isinstance(files, bytes) else files
    source = Source(Path("day"), files)
    assert EmbracePlus().recognises(source)
    return EmbracePlus().read(source, unit)


def test_every_sensor_in_its_unit_and_time() -> None:
    recording = read(
        avro(
            eda=EDA,
            temperature=sensor(1.0, [33.5, 34.0], START_US + 500_000),
            accelerometer=counts((2048, 0, -2048), (4096, 1, 2)),
            tags_us=[START_US + 250_000, START_US - 9_000_000],
        )
    )
    eda, temperature, acc = (recording.streams[name] for name in ("eda", "skin_temperature", "acc"))
    assert (eda.rate_hz, eda.time_s.tolist(), eda.value.tolist()) == (
        4.0,
        [0.0, 0.25, 0.5, 0.75],
        [0.5, 0.75, 1.0, 1.25],
    )
    assert (temperature.time_s.tolist(), temperature.value.tolist()) == ([0.5, 1.5], [33.5, 34.0])
    np.testing.assert_allclose(acc.columns["acc_x_mg"], [1000.0, 2000.0], rtol=2e-5)
    np.testing.assert_allclose(acc.columns["acc_z_mg"], [-1000.0, 1000 / 1024], rtol=2e-5)
    assert recording.started_at == datetime(2024, 3, 19, 14, 38, 4, tzinfo=timezone(timedelta(hours=1)))
    assert recording.duration_s == 2.5
    assert recording.markers == (Marker(0.25, "tag", "tag 1"),)
    assert recording.devices == (DeviceInfo(name="Empatica Embrace Plus", driver="embrace-plus"),)
    assert (recording.recording_id, recording.source, recording.notices) == ("day", "embrace-plus", ())


@pytest.mark.parametrize("codec", ["null", "deflate"])
def test_beats_come_from_the_pulse_wave(codec: str) -> None:
    recording = read(avro(bvp=sensor(64.0, PULSE), peaks_ns=peaks_ns(1, 2, 3), codec=codec))
    assert set(recording.streams) == {"ppg", "ppg_rate", "pp"}
    np.testing.assert_allclose(recording.streams["pp"].value, 800, atol=4)
    assert len(recording.streams["pp"]) > 20
    assert recording.notices == ()


def test_its_own_beats_where_the_wave_holds_none() -> None:
    recording = read(avro(bvp=sensor(64.0, FLAT), peaks_ns=peaks_ns(1, 1.8, 2.7, 12, 12.9)))
    pp = recording.streams["pp"]
    np.testing.assert_allclose(pp.time_s, [1.8, 2.7, 12.9])
    np.testing.assert_allclose(pp.value, [800, 900, 900], atol=1e-3)
    assert [(round(gap.start_s, 3), round(gap.end_s, 3)) for gap in pp.gaps] == [(2.7, 12.0), (12.9, 40.0)]
    assert OWN in recording.notices


def test_no_stream_of_beats_where_there_are_none() -> None:
    recording = read(avro(bvp=sensor(64.0, FLAT), eda=EDA))
    assert "pp" not in recording.streams
    assert recording.beats is None


def test_files_of_a_day_are_one_recording() -> None:
    first = avro(eda=EDA)
    second = avro(eda=sensor(4.0, [2.0, 2.0], START_US + 1_000_000))
    later = avro(eda=sensor(4.0, [3.0], START_US + 3_000_000))
    recording = read({"a.avro": first, "b.avro": second, "c.avro": later, "README.txt": b"about"})
    eda = recording.streams["eda"]
    assert eda.value.tolist() == [0.5, 0.75, 1.0, 1.25, 2.0, 2.0, 3.0]
    assert eda.time_s.tolist() == [0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 3.0]
    assert eda.gaps == (Gap(1.5, 3.0, MISSING, 6),)
    assert recording.duration_s == 3.25


def test_what_lies_in_two_files_is_taken_once() -> None:
    again = avro(eda=sensor(4.0, [9.0, 9.0, 9.0], START_US + 500_000))
    recording = read({"a.avro": avro(eda=EDA), "b.avro": again})
    assert recording.streams["eda"].value.tolist() == [0.5, 0.75, 1.0, 1.25, 9.0]
    assert recording.notices == ("2 samples of eda lie in two files and are taken from the earlier",)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([avro(eda=EDA), avro(eda=EDA, device="3YK")], "day: the files are of several wristbands; keep each"),
        (
            [avro(eda=EDA), avro(eda=sensor(4.0, [1.0], START_US + 8 * 86_400_000_000))],
            "day: the files span more than a week; keep each day",
        ),
        (
            [avro(eda=EDA), avro(eda=sensor(1.0, [1.0], START_US + 9_000_000))],
            "day: eda has several sampling rates",
        ),
        ([avro(temperature=sensor(1.0, [33.0]))], "day: holds no samples of skin conductance or pulse"),
        ([avro(eda=sensor(4.0, [1.0], 17))], "starts at 17, which is no time in µs since 1970"),
        ([avro(eda=sensor(0.0, [1.0]))], "eda has samples and a rate of 0.0 Hz"),
        ([avro(eda=EDA, accelerometer={**counts((1, 2, 3)), "y": []})], "the axes of accelerometer differ"),
        (
            [avro(eda=EDA, accelerometer=counts((1, 2, 3), imu=dict.fromkeys(IMU, 0)))],
            "does not say what a count of its accelerometer stands for",
        ),
    ],
    ids=["wristbands", "a week", "rates", "no signal", "no start", "no rate", "axes", "counts"],
)
def test_what_is_refused(files: Sequence[bytes], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read({f"{number}.avro": content for number, content in enumerate(files)})
    assert str(caught.value).startswith("day")


def test_a_rate_is_a_number_that_a_sensor_has() -> None:
    with pytest.raises(InputError, match="a rate of nan Hz"):
        read(avro(eda=sensor(float("nan"), [1.0])))


def test_a_unit_is_not_needed() -> None:
    assert read(avro(eda=EDA), "ms").notices == ("--unit ms is not needed: Embrace files have fixed units",)


def test_more_than_can_be_held_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.avro").write_bytes(avro(eda=EDA))
    monkeypatch.setattr(contents, "MAX_BYTES", 1000)
    with pytest.raises(InputError, match=r"holds more than 0 MB; keep each day in a folder of its own"):
        read_recording(tmp_path)


def test_a_block_that_unpacks_without_end_is_refused() -> None:
    file = io.BytesIO()
    schema = record_of("Large", v="bytes")
    fastavro.writer(file, schema, [{"v": bytes(70_000_000)}], codec="deflate")
    assert len(file.getvalue()) < 100_000
    with pytest.raises(InputError, match=r"x.avro: holds more than 64 MB"):
        avro_records(file.getvalue(), "x.avro")


@pytest.mark.parametrize(
    ("schema", "codec"),
    [
        (record_of("A", v={"type": "array", "items": "null"}), "null"),
        (record_of("A", v={"type": "array", "items": record_of("B")}), "null"),
        (record_of("A", v={"type": "array", "items": {"type": "fixed", "name": "F", "size": 0}}), "null"),
        (record_of("A", first=record_of("B"), v={"type": "array", "items": "B"}), "null"),
        (record_of("A", v=array("int")), "bzip2"),
    ],
    ids=["nothing", "empty records", "no bytes", "an empty record by name", "bzip2"],
)
def test_lists_without_bytes_and_other_codecs_are_refused(schema: dict[str, Any], codec: str) -> None:
    file = io.BytesIO()
    fastavro.writer(file, schema, [{"v": [], "first": {}}], codec=codec)
    with pytest.raises(InputError, match="is packed in a way vagal does not read"):
        avro_records(file.getvalue(), "x.avro")


@pytest.mark.parametrize(
    "head",
    [b"", b"Obj\x01", b"Obj\x01 rawData", b'PK "rawData" "timestampStart"'],
    ids=["empty", "avro", "other avro", "no avro"],
)
def test_other_files_are_not_taken_for_it(head: bytes) -> None:
    assert not EmbracePlus().recognises(Source(Path("x"), {"x": head}))


@pytest.mark.parametrize("codec", ["null", "deflate"])
def test_damage(codec: str) -> None:
    content = avro(
        eda=EDA,
        bvp=sensor(64.0, PULSE[:640]),
        accelerometer=counts(*[(1, 2, 3)] * 64),
        peaks_ns=peaks_ns(1, 2, 3),
        tags_us=[START_US + 1_000_000],
        codec=codec,
    )
    refused = bear_damage(EmbracePlus, Path("x.avro"), {"x.avro": content}, "x.avro")
    assert refused >= 10


def test_a_folder_and_a_file_are_read_by_content(tmp_path: Path) -> None:
    (tmp_path / "a.avro").write_bytes(avro(eda=EDA))
    assert (
        read_recording(tmp_path)[1].source == read_recording(tmp_path / "a.avro")[1].source == "embrace-plus"
    )
