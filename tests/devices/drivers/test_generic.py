"""Sensors of one's own: what they send, and how they are recognised."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.driver import Advert
from devices.drivers.generic import Generic, Notification, notification_bytes, notification_from_bytes
from devices.drivers.sensor_description import (
    Dtype,
    GenericSensor,
)
from devices.virtual.generic import LABEL
from pipeline.errors import FrameError
from tests.devices.drivers.own_sensors import (
    BEATS,
    CONTROL,
    COUNTED,
    PLAIN,
    SERVICE,
    STAMPED,
    device_times,
)

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
            pytest.param(None, None, "MyEDA", (SERVICE,), False, id="nothing is given: a stored one"),
        ],
    )
    def test_it_is_recognised_by_all_that_is_given(
        self, by_name: str | None, by_service: str | None, name: str, uuids: tuple[str, ...], recognised: bool
    ):
        driver = Generic(replace(PLAIN, advertised_name=by_name, advertised_service=by_service))
        assert driver.recognises(Advert(LABEL.address, name, uuids, -60)) is recognised
