"""Sensors of one's own: what their file may say, what is wrong with it, and what is stored of it."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.drivers.sensor_description import (
    STREAMS,
    Command,
    Dtype,
    GenericSensor,
    Unit,
    _sensor,
    description_json,
    from_json,
    read_sensor,
)
from pipeline.errors import InputError
from tests.conftest import REPO
from tests.devices.drivers.own_sensors import (
    BEATS,
    CONTROL,
    COUNTED,
    EXAMPLE,
    PLAIN,
    SAMPLES,
    SERVICE,
    STAMPED,
)

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


def unadvertised(sensor: GenericSensor) -> GenericSensor:
    """The sensor without what it is told by."""
    return replace(sensor, advertised_name=None, advertised_service=None)


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
            sensor = _sensor(facts, "here", stored=False)
        except InputError:
            return
        assert from_json(description_json(sensor)) == unadvertised(sensor)


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
        assert from_json(stored) == unadvertised(sensor)

    @pytest.mark.parametrize("advert", [{"name": "MyEDA"}, {"service": SERVICE}, {"unheard": 1}, 3], ids=str)
    def test_what_an_older_version_stored_of_its_advert_is_left_out(self, advert: object):
        stored = {**json.loads(description_json(COUNTED)), "advert": advert}
        assert from_json(json.dumps(stored)) == unadvertised(COUNTED)

    def test_what_it_advertises_is_not_stored(self):
        named = replace(PLAIN, advertised_name="Anna", advertised_service=CONTROL)
        assert description_json(named) == description_json(unadvertised(PLAIN))

    @pytest.mark.parametrize("text", ["", "[]", "{", "null", '{"name": 3}', "[" * 100_000])
    def test_what_is_no_description_is_told(self, text: str):
        with pytest.raises(InputError, match=r"^stored description of a sensor"):
            from_json(text)
