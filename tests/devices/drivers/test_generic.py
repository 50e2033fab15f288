"""Sensors of one's own: what their file may say, what is wrong with it, and what they send."""

from __future__ import annotations

import asyncio
import json
import struct
import tomllib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.connection import Found, scan
from devices.driver import Advert
from devices.drivers.generic import (
    STREAMS,
    Command,
    Dtype,
    Generic,
    GenericSensor,
    Notification,
    Unit,
    description_json,
    from_json,
    notification_bytes,
    notification_from_bytes,
    read_sensor,
)
from devices.virtual.generic import LABEL, VirtualGeneric
from devices.virtual.peripheral import Quartz
from pipeline.errors import FrameError, InputError
from tests.conftest import REPO
from tests.devices.air import CONNECTED, LOST, Room, SteadyBody, background, in_room, until

EXAMPLE = REPO / "data" / "sensors" / "example-esp32-eda.toml"
SERVICE = "6f6c0001-2a5b-4c11-9d3e-5e1f0a7b9c10"
SAMPLES = "6f6c0002-2a5b-4c11-9d3e-5e1f0a7b9c10"
CONTROL = "6f6c0003-2a5b-4c11-9d3e-5e1f0a7b9c10"

PLAIN = GenericSensor(
    name="plain",
    label="Plain sensor",
    service=SERVICE,
    characteristic=SAMPLES,
    stream="eda",
    unit=Unit.MICROSIEMENS,
    dtype=Dtype.U16LE,
    silence_s=5.0,
    rate_hz=10.0,
    scale=0.001,
    advertised_service=SERVICE,
)
COUNTED = replace(PLAIN, header_bytes=1, counter_at=0)
STAMPED = replace(PLAIN, header_bytes=4, stamp_at=0)
BEATS = replace(PLAIN, stream="rr", unit=Unit.MILLISECONDS, rate_hz=None, scale=1.0)

SMALLEST = f"""
name = "mine"
label = "My sensor"
service = "{SERVICE}"
characteristic = "{SAMPLES}"
[advert]
name = "My"
[samples]
stream = "eda"
unit = "us"
dtype = "u16le"
rate_hz = 10
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def mistakes(folder: Path, text: str) -> list[str]:
    """What is said of a file, without its name."""
    path = written(folder, text)
    with pytest.raises(InputError) as error:
        read_sensor(path)
    lines = str(error.value).splitlines()
    assert all(line.startswith(f"{path}: ") for line in lines)
    return [line.removeprefix(f"{path}: ") for line in lines]


class TestDescription:
    def test_the_example(self):
        assert read_sensor(EXAMPLE) == GenericSensor(
            name="esp32-eda",
            label="ESP32 (skin conductance)",
            service=SERVICE,
            characteristic=SAMPLES,
            stream="eda",
            unit=Unit.MICROSIEMENS,
            dtype=Dtype.U16LE,
            silence_s=5.0,
            rate_hz=10.0,
            scale=0.001,
            header_bytes=4,
            stamp_at=0,
            valid_range=(0.0, 60.0),
            advertised_name="MyEDA",
            start=Command(CONTROL, b"\x01"),
            stop=Command(CONTROL, b"\x00"),
        )

    def test_the_page_about_it_shows_the_example_and_names_every_key(self):
        page = (REPO / "docs" / "own-sensor.md").read_text(encoding="utf-8")
        assert "data/sensors/example-esp32-eda.toml" in page
        keys = ["bytes", "counter_at", "stamp_at", "stream", "unit", "dtype", "rate_hz", "scale", "offset"]
        keys += ["valid_range", "silence_s", "name", "label", "service", "characteristic", "hex", "response"]
        assert [key for key in keys if f"`{key}`" not in page] == []
        assert [dtype for dtype in Dtype if f"`{dtype}`" not in page] == []
        assert [stream for stream, unit in STREAMS.items() if f"`{stream}` in `{unit}`" not in page] == []

    def test_what_may_be_left_out(self, tmp_path: Path):
        assert read_sensor(written(tmp_path, SMALLEST)) == replace(
            PLAIN, name="mine", label="My sensor", scale=1.0, advertised_name="My", advertised_service=None
        )

    def test_short_and_upper_case_uuids_are_expanded(self, tmp_path: Path):
        text = SMALLEST.replace(SERVICE, "180D").replace(SAMPLES, SAMPLES.upper())
        sensor = read_sensor(written(tmp_path, text))
        assert sensor.service == "0000180d-0000-1000-8000-00805f9b34fb"
        assert sensor.characteristic == SAMPLES

    @pytest.mark.parametrize(("rate_hz", "silence_s"), [(10, 5.0), (1, 5.0), (0.1, 30.0), (0.02, 150.0)])
    def test_a_slow_sensor_may_be_silent_for_longer(self, rate_hz: float, silence_s: float, tmp_path: Path):
        text = SMALLEST.replace("rate_hz = 10", f"rate_hz = {rate_hz}")
        assert read_sensor(written(tmp_path, text)).silence_s == pytest.approx(silence_s)

    @pytest.mark.parametrize(
        ("was", "becomes", "lines"),
        [
            ('name = "mine"', "", ["name is missing"]),
            (
                'name = "mine"',
                'name = "My Sensor"',
                ["name must be small letters, digits and hyphens, 32 at most, not 'My Sensor'"],
            ),
            ('label = "My sensor"', "label = 3", ["label must be a text, not 3"]),
            (
                f'service = "{SERVICE}"',
                'service = "180"',
                ["service must be a UUID such as 0000180d-0000-1000-8000-00805f9b34fb, not '180'"],
            ),
            ('name = "My"\n', "", ["advert needs a name, a service, or both, to tell the sensor by"]),
            (
                '[advert]\nname = "My"',
                "",
                ["advert needs a name, a service, or both, to tell the sensor by"],
            ),
            (
                '[advert]\nname = "My"',
                'advert = "My"',
                ["advert must be a table, written as its own section in square brackets"],
            ),
            ('unit = "us"', 'unit = "ms"', ["samples.unit must be us for eda, not ms"]),
            (
                'unit = "us"',
                'unit = "mS"',
                ["samples.unit must be one of us, uv, ms, bpm, c, mg, pct, au, not 'mS'"],
            ),
            ('stream = "eda"', 'stream = "acc"', ["samples.stream cannot be acc: choose another name"]),
            (
                'stream = "eda"',
                'stream = "Eda"',
                ["samples.stream must be small letters, digits and underscores, such as eda, not 'Eda'"],
            ),
            (
                'dtype = "u16le"',
                'dtype = "u16"',
                [
                    "samples.dtype must be one of u8, i8, u16le, u16be, i16le, i16be, u32le, u32be, i32le, "
                    "i32be, f32le, f32be, not 'u16'"
                ],
            ),
            ("rate_hz = 10", "", ["samples.rate_hz is missing"]),
            (
                "rate_hz = 10",
                "rate_hz = 0",
                ["samples.rate_hz must be a number from 0.000277778 to 5000, not 0"],
            ),
            (
                "rate_hz = 10",
                'rate_hz = "10"',
                ["samples.rate_hz must be a number from 0.000277778 to 5000, not '10'"],
            ),
            ("rate_hz = 10", "rate_hz = 10\nscale = 0", ["samples.scale must not be 0"]),
            ("rate_hz = 10", "rate_hz = 10\nscale = nan", ["samples.scale must be a number, not nan"]),
            ("rate_hz = 10", "rate_hz = 10\noffset = true", ["samples.offset must be a number, not True"]),
            (
                "rate_hz = 10",
                f"rate_hz = 10\noffset = 1{'0' * 400}",
                [f"samples.offset must be a number, not 1{'0' * 36}..."],
            ),
            (
                "rate_hz = 10",
                "rate_hz = 10\nvalid_range = 5",
                ["samples.valid_range must be two numbers, [lowest, highest], not 5"],
            ),
            (
                "rate_hz = 10",
                "rate_hz = 10\nvalid_range = [5, 1]",
                ["samples.valid_range must begin with the lower number, not [5, 1]"],
            ),
            (
                "rate_hz = 10",
                "rate_hz = 10\nvalid_range = [0, inf]",
                ["samples.valid_range must be a number, not inf"],
            ),
            ("rate_hz = 10", "rate_hz = 10\nscael = 2", ["samples.scael is no key; is it scale?"]),
            ("rate_hz = 10", "rate_hz = 10\n[footer]\n", ["footer is no key"]),
            (
                "rate_hz = 10",
                "rate_hz = 10\n[header]\nbytes = 2\nstamp_at = 0",
                ["header.stamp_at needs a header of 4 bytes at least, not 2"],
            ),
            (
                "rate_hz = 10",
                "rate_hz = 10\n[header]\ncounter_at = 0",
                ["header.counter_at needs a header of 1 bytes at least, not 0"],
            ),
            (
                "rate_hz = 10",
                "rate_hz = 10\n[header]\nbytes = 5\ncounter_at = 4\nstamp_at = 0",
                ["header.counter_at is of no use beside stamp_at, which tells more"],
            ),
            (
                "rate_hz = 10",
                "rate_hz = 10\n[header]\nbytes = -1",
                ["header.bytes must be a whole number from 0 to 200, not -1"],
            ),
            (
                "rate_hz = 10",
                'rate_hz = 10\n[start]\ncharacteristic = "2a39"\nhex = "1"',
                ["start.hex must be bytes in hexadecimal such as '01 0a', not '1'"],
            ),
            (
                "rate_hz = 10",
                'rate_hz = 10\n[stop]\nhex = "01"\nresponse = "no"',
                ["stop.characteristic is missing", "stop.response must be true or false, not 'no'"],
            ),
            (
                'stream = "eda"\nunit = "us"',
                'stream = "rr"\nunit = "ms"',
                ["samples.rate_hz must be left out: rr comes with the beats, not at a rate"],
            ),
        ],
        ids=lambda value: value[0] if isinstance(value, list) else "",
    )
    def test_each_mistake_is_a_line_that_names_its_key(
        self, was: str, becomes: str, lines: list[str], tmp_path: Path
    ):
        assert was in SMALLEST
        assert mistakes(tmp_path, SMALLEST.replace(was, becomes)) == lines

    def test_all_mistakes_are_told_at_once(self, tmp_path: Path):
        assert mistakes(tmp_path, 'name = "mine"\nlabel = ""\n[advert]\nname = "My"\n') == [
            "label is missing",
            "service is missing",
            "characteristic is missing",
            "samples.stream is missing",
            "samples.unit is missing",
            "samples.dtype is missing",
            "samples.rate_hz is missing",
        ]

    @pytest.mark.parametrize(
        "content", [b"name = ", b"\xff\xfe", b"a = [" * 5000], ids=["cut", "UTF-16", "deep"]
    )
    def test_what_is_no_toml_is_one_line(self, content: bytes, tmp_path: Path):
        path = tmp_path / "mine.toml"
        path.write_bytes(content)
        with pytest.raises(InputError) as error:
            read_sensor(path)
        assert error.value.exit_code == 3
        assert str(error.value).startswith(f"{path}: cannot be read as TOML (")

    def test_a_file_that_is_not_there_is_one_line(self, tmp_path: Path):
        with pytest.raises(InputError, match=r"none\.toml: cannot be read as TOML"):
            read_sensor(tmp_path / "none.toml")

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
            ),
            max_leaves=6,
        ),
        st.data(),
    )
    def test_any_value_in_any_place_is_read_or_told(self, value: Any, data: st.DataObject):
        facts: dict[str, Any] = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))
        table = data.draw(
            st.sampled_from([facts, *(each for each in facts.values() if isinstance(each, dict))])
        )
        table[data.draw(st.sampled_from(sorted(table)))] = value
        try:
            sensor = from_json(json.dumps(facts))
        except InputError:
            return
        assert from_json(description_json(sensor)) == sensor


class TestStored:
    @pytest.mark.parametrize(
        "sensor",
        [
            PLAIN,
            COUNTED,
            STAMPED,
            BEATS,
            read_sensor(EXAMPLE),
            replace(PLAIN, start=Command(CONTROL, b"\x00\xff", response=False), label="Haut µS"),
        ],
        ids=["plain", "counted", "stamped", "beats", "example", "command without response"],
    )
    def test_a_description_comes_back_whole(self, sensor: GenericSensor):
        stored = description_json(sensor)
        assert "\n" not in stored
        assert from_json(stored) == sensor

    @pytest.mark.parametrize("text", ["", "[]", "{", "null", '{"name": 3}', "[" * 100_000])
    def test_what_is_no_description_is_told(self, text: str):
        with pytest.raises(InputError, match=r"^stored description of a sensor"):
            from_json(text)


NUMBERS = {
    Dtype.U8: st.integers(0, 2**8 - 1),
    Dtype.I8: st.integers(-(2**7), 2**7 - 1),
    Dtype.U16LE: st.integers(0, 2**16 - 1),
    Dtype.I16BE: st.integers(-(2**15), 2**15 - 1),
    Dtype.U32BE: st.integers(0, 2**32 - 1),
    Dtype.I32LE: st.integers(-(2**31), 2**31 - 1),
    Dtype.F32LE: st.floats(width=32, allow_nan=False),
    Dtype.F32BE: st.floats(width=32, allow_nan=False),
}


class TestNotification:
    @pytest.mark.parametrize(
        ("dtype", "payload", "values"),
        [
            (Dtype.U8, "00ff", (0, 255)),
            (Dtype.I8, "80ff", (-128, -1)),
            (Dtype.U16LE, "0100ff00", (1, 255)),
            (Dtype.U16BE, "000100ff", (1, 255)),
            (Dtype.I16LE, "ffff0080", (-1, -32768)),
            (Dtype.I16BE, "ffff8000", (-1, -32768)),
            (Dtype.U32LE, "01000000", (1,)),
            (Dtype.U32BE, "ffffffff", (4294967295,)),
            (Dtype.I32LE, "feffffff", (-2,)),
            (Dtype.I32BE, "fffffffe", (-2,)),
            (Dtype.F32LE, "0000c03f", (1.5,)),
            (Dtype.F32BE, "bfc00000", (-1.5,)),
        ],
    )
    def test_known_samples(self, dtype: Dtype, payload: str, values: tuple[float, ...]):
        sensor = replace(PLAIN, dtype=dtype)
        assert notification_from_bytes(sensor, bytes.fromhex(payload)) == Notification(values)
        assert notification_bytes(sensor, Notification(values)).hex() == payload

    def test_known_headers(self):
        counted = replace(COUNTED, header_bytes=3, counter_at=1)
        assert notification_from_bytes(counted, bytes.fromhex("aa07bb0100")) == Notification((1,), counter=7)
        stamped = replace(STAMPED, header_bytes=6, stamp_at=1)
        stamp = notification_from_bytes(stamped, bytes.fromhex("aae8030000bb0100"))
        assert stamp == Notification((1,), stamp_ms=1000)

    @given(st.data(), st.sampled_from(sorted(NUMBERS)), st.sampled_from([PLAIN, COUNTED, STAMPED]))
    def test_encoding_and_decoding_are_each_other_backwards(
        self, data: st.DataObject, dtype: Dtype, layout: GenericSensor
    ):
        sensor = replace(layout, dtype=dtype)
        notification = Notification(
            tuple(data.draw(st.lists(NUMBERS[dtype], min_size=1, max_size=20))),
            None if sensor.counter_at is None else data.draw(st.integers(0, 255)),
            None if sensor.stamp_at is None else data.draw(st.integers(0, 2**32 - 1)),
        )
        assert notification_from_bytes(sensor, notification_bytes(sensor, notification)) == notification

    @pytest.mark.parametrize("payload", ["", "01", "01000000", "0100000001"])
    def test_what_is_no_header_and_whole_samples_is_shown(self, payload: str):
        with pytest.raises(FrameError) as error:
            notification_from_bytes(STAMPED, bytes.fromhex(payload))
        expected = f"{len(payload) // 2} bytes are not a header of 4 and whole 2-byte samples"
        assert str(error.value) == f"Plain sensor frame {payload}: {expected}"


def counted(numbers: Iterable[int], each: int = 1) -> list[bytes]:
    """Notifications with these numbers; the value of a sample is its number."""
    return [
        notification_bytes(COUNTED, Notification(tuple(range(n * each, (n + 1) * each)), n % 256))
        for n in numbers
    ]


def device_times(sensor: GenericSensor, payloads: Iterable[bytes]) -> list[float]:
    decoder = Generic(sensor).decoder()
    times: list[float] = []
    for payload in payloads:
        (samples,) = decoder.feed("eda", payload)
        assert samples.device_time_s is not None
        times += samples.device_time_s.round(6).tolist()
    return times


class TestDecoder:
    def test_samples_are_scaled(self):
        sensor = replace(PLAIN, scale=0.5, offset=-1.0)
        (eda,) = Generic(sensor).decoder().feed("eda", struct.pack("<3H", 0, 2, 10))
        assert (eda.stream, eda.rate_hz, eda.device_time_s, eda.wrap_s, eda.events) == (
            "eda", 10.0, None, None, ()
        )  # fmt: skip
        np.testing.assert_array_equal(eda.columns["eda_us"], [-1.0, 0.0, 4.0])

    def test_beats_have_no_rate(self):
        (rr,) = Generic(BEATS).decoder().feed("rr", struct.pack("<2H", 800, 900))
        assert (rr.stream, rr.rate_hz, rr.device_time_s) == ("rr", None, None)
        np.testing.assert_array_equal(rr.columns["rr_ms"], [800.0, 900.0])

    @pytest.mark.parametrize(
        ("value", "valid"),
        [(0.5, True), (1.0, True), (60.0, True), (0.25, False), (60.5, False)]
        + [(value, False) for value in (np.nan, np.inf, -np.inf)],
    )
    def test_what_is_outside_the_range_is_missing_and_told(self, value: float, valid: bool):
        sensor = replace(PLAIN, dtype=Dtype.F32LE, scale=1.0, valid_range=(0.5, 60.0))
        (eda,) = Generic(sensor).decoder().feed("eda", struct.pack("<2f", 5.0, value))
        np.testing.assert_array_equal(eda.columns["eda_us"], [5.0, value if valid else np.nan])
        assert eda.events == (() if valid else ("out of range",))

    @pytest.mark.parametrize("each", [1, 3])
    def test_counted_notifications_are_stamped_by_their_number(self, each: int):
        times = device_times(COUNTED, counted(range(600), each))
        np.testing.assert_allclose(times, np.arange(600 * each) / 10)

    @pytest.mark.parametrize(
        ("lost", "told"), [(1, 1), (100, 100), (255, 255), (256, 0), (257, 1)], ids=lambda n: f"{n}"
    )
    def test_lost_notifications_are_counted_up_to_255(self, lost: int, told: int):
        times = device_times(COUNTED, counted([*range(10), *range(10 + lost, 20 + lost)], each=2))
        np.testing.assert_allclose(times, np.append(np.arange(20), np.arange(20, 40) + 2 * told) / 10)

    def test_stamps_are_those_of_the_last_sample_and_the_others_are_spread(self):
        payloads = [
            notification_bytes(STAMPED, Notification((1, 2, 3, 4), stamp_ms=stamp_ms))
            for stamp_ms in (1000, 1404, 1800)  # the second 1 % late
        ]
        assert device_times(STAMPED, payloads) == [
            0.7, 0.8, 0.9, 1.0, 1.101, 1.202, 1.303, 1.404, 1.503, 1.602, 1.701, 1.8
        ]  # fmt: skip

    def test_over_a_loss_stamps_are_spread_at_the_nominal_rate(self):
        payloads = [
            notification_bytes(STAMPED, Notification((1, 2), stamp_ms=stamp_ms)) for stamp_ms in (1000, 3000)
        ]
        assert device_times(STAMPED, payloads) == [0.9, 1.0, 2.9, 3.0]

    def test_stamps_wrap(self):
        payloads = [
            notification_bytes(STAMPED, Notification((1, 2), stamp_ms=stamp_ms % 2**32))
            for stamp_ms in (2**32 - 150, 2**32 + 50, 2**32 + 250)
        ]
        assert device_times(STAMPED, payloads) == [4294967.046, 4294967.146, 4294967.246, 0.05, 0.15, 0.25]
        (samples,) = Generic(STAMPED).decoder().feed("eda", payloads[0])
        assert samples.wrap_s == 4294967.296

    def test_notifications_of_other_channels_are_not_its_own(self):
        assert Generic(PLAIN).decoder().feed("battery", b"\x64") == ()

    @given(st.data(), st.sampled_from(list(Dtype)), st.sampled_from([PLAIN, COUNTED, STAMPED]))
    def test_any_bytes_make_samples_or_frame_errors(
        self, data: st.DataObject, dtype: Dtype, layout: GenericSensor
    ):
        decoder = Generic(replace(layout, dtype=dtype)).decoder()
        for payload in data.draw(st.lists(st.binary(max_size=24), max_size=5)):
            try:
                (samples,) = decoder.feed("eda", payload)
            except FrameError:
                continue
            assert len(samples) == len(samples.columns["eda_us"]) > 0
            times = samples.device_time_s
            assert (times is None) == (layout is PLAIN)
            assert times is None or (len(times) == len(samples) and np.isfinite(times).all())


class TestDriver:
    def test_it_is_named_after_its_sensor(self):
        driver = Generic(PLAIN)
        assert (driver.name, driver.label, driver.streams) == ("generic:plain", "Plain sensor", ("eda",))
        assert driver.hardware_verified is False

    @pytest.mark.parametrize(
        ("by_name", "by_service", "name", "uuids", "recognised"),
        [
            pytest.param("MyEDA", None, "MyEDA-1", (), True, id="its name begins so"),
            pytest.param("MyEDA", None, "myeda", (), True, id="in any case"),
            pytest.param("MyEDA", None, "My", (), False, id="another name"),
            pytest.param(None, SERVICE, "", (SERVICE,), True, id="its service"),
            pytest.param(None, SERVICE, "MyEDA", (CONTROL,), False, id="another service"),
            pytest.param("MyEDA", SERVICE, "MyEDA", (SERVICE,), True, id="both"),
            pytest.param("MyEDA", SERVICE, "Other", (SERVICE,), False, id="the service of another"),
            pytest.param("MyEDA", SERVICE, "MyEDA", (), False, id="the name of another"),
        ],
    )
    def test_it_is_recognised_by_all_that_is_given(
        self, by_name: str | None, by_service: str | None, name: str, uuids: tuple[str, ...], recognised: bool
    ):
        driver = Generic(replace(PLAIN, advertised_name=by_name, advertised_service=by_service))
        assert driver.recognises(Advert(LABEL.address, name, uuids, -60)) is recognised


async def found_sensor(here: Room, sensor: GenericSensor) -> Found:
    found = await scan(here.radio.radio, until=lambda all_found: len(all_found) == 2)
    (own,) = (each for each in found if Generic(sensor).recognises(each.advert))
    return replace(own, driver=Generic(sensor))


COMMANDED = replace(STAMPED, start=Command(CONTROL, b"\x01"), stop=Command(CONTROL, b"\x00"))


class TestOverTheAir:
    @pytest.mark.parametrize(
        "sensor",
        [
            pytest.param(PLAIN, id="no header"),
            pytest.param(COUNTED, id="a counter"),
            pytest.param(STAMPED, id="a stamp"),
            pytest.param(replace(COUNTED, dtype=Dtype.F32BE, rate_hz=32.0, scale=2.0), id="floats"),
            pytest.param(replace(PLAIN, dtype=Dtype.I16BE, offset=5.0, rate_hz=1.0), id="one a second"),
            pytest.param(
                replace(PLAIN, advertised_service="0000fff0-0000-1000-8000-00805f9b34fb"),
                id="another service",
            ),
            pytest.param(read_sensor(EXAMPLE), id="the example"),
        ],
    )
    def test_it_brings_what_the_body_does_in_any_layout(self, sensor: GenericSensor):
        async def scenario(here: Room) -> None:
            async with VirtualGeneric(here.radio, here.clock, SteadyBody(), sensor=sensor) as own:
                async with background(own.run()), here.supervised(await found_sensor(here, sensor)):
                    await until(lambda: len(own.sent) >= 40)
                assert here.notes.payloads == [each.payload for each in own.sent]
                assert {channel for _, channel, _, _ in here.notes.notifications} == {"eda"}
                assert sensor.rate_hz is not None
                decoder = Generic(sensor).decoder()
                decoded = [samples for each in own.sent for samples in decoder.feed("eda", each.payload)]
                eda_us = np.concatenate([samples.columns["eda_us"] for samples in decoded])
                first = round(own.sent[0].time_s * sensor.rate_hz) - len(decoded[0])
                expected_us = 1 + np.arange(first, first + len(eda_us)) / 100
                np.testing.assert_allclose(eda_us, expected_us, atol=sensor.scale)
                if sensor.stamp_at is not None:
                    times = np.concatenate([samples.device_time_s for samples in decoded])
                    expected_s = np.arange(first, first + len(eda_us)) / sensor.rate_hz
                    np.testing.assert_allclose(times, expected_s, atol=0.001)

        in_room(scenario)

    def test_its_own_clock_is_what_stamps_and_counts_follow(self):
        async def scenario(here: Room) -> None:
            async with VirtualGeneric(here.radio, here.clock, SteadyBody(), sensor=STAMPED) as own:
                own.quartz = Quartz(drift=0.01, offset_s=500.0)
                async with background(own.run()), here.supervised(await found_sensor(here, STAMPED)):
                    await until(lambda: len(own.sent) >= 100)
                times = device_times(STAMPED, here.notes.payloads)
                np.testing.assert_allclose(np.diff(times), 0.1, atol=0.002)
                assert times[-1] == pytest.approx(500.0 + own.sent[-1].time_s * 1.01 - 0.1, abs=0.002)

        in_room(scenario)

    def test_it_is_started_and_stopped_where_that_is_described(self):
        async def scenario(here: Room) -> None:
            async with VirtualGeneric(here.radio, here.clock, SteadyBody(), sensor=COMMANDED) as own:
                assert not own.streaming
                async with background(own.run()), here.supervised(await found_sensor(here, COMMANDED)):
                    await until(lambda: own.sent)
                    assert own.streaming
                assert not own.streaming
                assert here.notes.payloads == [each.payload for each in own.sent]

        in_room(scenario)

    def test_one_that_streams_already_goes_on_and_is_stopped(self):
        async def scenario(here: Room) -> None:
            async with VirtualGeneric(here.radio, here.clock, SteadyBody(), sensor=COMMANDED) as own:
                own.left_streaming()
                async with background(own.run()), here.supervised(await found_sensor(here, COMMANDED)):
                    await until(lambda: len(own.sent) >= 20)
                assert not own.streaming
                assert here.notes.payloads == [each.payload for each in own.sent]

        in_room(scenario)

    def test_it_goes_on_after_a_lost_connection(self):
        async def scenario(here: Room) -> None:
            async with VirtualGeneric(here.radio, here.clock, SteadyBody(), sensor=COMMANDED) as own:
                async with background(own.run()), here.supervised(await found_sensor(here, COMMANDED)):
                    await until(lambda: len(own.sent) >= 20)
                    await asyncio.sleep(0.05)  # between two notifications
                    await own.drop_link()
                    await until(lambda: here.notes.generations() == [1, 2])
                    before = len(own.sent)
                    await until(lambda: len(own.sent) >= before + 20)
                assert [event for _, event in here.notes.events][:3] == [CONNECTED, LOST, CONNECTED]
                assert here.notes.payloads == [each.payload for each in own.sent]

        in_room(scenario)
