"""movisens EdaMove 4: a u16 of 100/32767 µS each minute (movisens-gattlib, EdaSclMean)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.connection import Found, scan
from devices.driver import Advert
from devices.drivers.edamove import CHANNEL, SERVICE, EdaMove, SclMean
from devices.virtual.edamove import VirtualEdaMove
from pipeline.errors import FrameError
from tests.devices.air import CONNECTED, LOST, SILENT, Room, SteadyBody, background, in_room, until

HEART_RATE_SERVICE = "0000180d-0000-1000-8000-00805f9b34fb"


@pytest.mark.parametrize(
    ("frame", "counts", "scl_us"),
    [
        pytest.param("0000", 0, 0.0, id="nothing"),
        pytest.param("0100", 1, 0.0030518509475997192, id="the step that the maker states"),
        pytest.param("e803", 1000, 3.0518509475997192, id="the low byte first"),
        pytest.param("ff7f", 32767, 100.0, id="the end of the range"),
        pytest.param("ffff", 65535, 200.00305185094760, id="beyond it, as it came"),
    ],
)
def test_known_frames(frame: str, counts: int, scl_us: float):
    decoded = SclMean.from_bytes(bytes.fromhex(frame))
    assert decoded == SclMean(counts)
    assert bytes(decoded).hex() == frame
    assert decoded.scl_us == pytest.approx(scl_us, rel=1e-12)
    assert SclMean.of(scl_us) == decoded


@given(st.integers(0, 0xFFFF))
def test_encoding_and_decoding_are_each_other_backwards(counts: int):
    assert SclMean.from_bytes(bytes(SclMean(counts))) == SclMean(counts)


@given(st.binary(max_size=8))
def test_any_bytes_are_one_value_or_shown(frame: bytes):
    if len(frame) == 2:
        assert bytes(SclMean.from_bytes(frame)) == frame
        return
    with pytest.raises(FrameError) as error:
        SclMean.from_bytes(frame)
    assert str(error.value) == f"EdaMove frame {frame.hex()}: {len(frame)} bytes are not one 2-byte value"


def test_a_notification_decodes_to_the_level_of_a_minute():
    (scl,) = EdaMove().decoder().feed(CHANNEL, bytes.fromhex("e803"))
    assert (scl.stream, scl.rate_hz, scl.device_time_s, scl.events) == ("scl", 1 / 60, None, ())
    np.testing.assert_allclose(scl.columns["scl_us"], [3.0518509475997192], rtol=1e-12)


def test_notifications_of_other_channels_are_not_its_own():
    assert EdaMove().decoder().feed("battery", b"\x64") == ()


@pytest.mark.parametrize(
    ("name", "uuids", "recognised"),
    [
        pytest.param("", (SERVICE,), True, id="by its service"),
        pytest.param("MOVISENS Sensor 02655", (), True, id="by its maker's name"),
        pytest.param("MOVISENS Sensor 02655", (HEART_RATE_SERVICE,), False, id="another model"),
        pytest.param("MOVISENS Sensor 02655", (HEART_RATE_SERVICE, SERVICE), True, id="with heart rate too"),
        pytest.param("Strap", (HEART_RATE_SERVICE,), False, id="something else"),
    ],
)
def test_it_is_recognised(name: str, uuids: tuple[str, ...], recognised: bool):
    assert EdaMove().recognises(Advert("C0:00:00:00:00:0B", name, uuids, -60)) is recognised


async def found_sensor(here: Room) -> Found:
    found = await scan(here.radio.radio, until=lambda all_found: len(all_found) == 2)
    (sensor,) = (each for each in found if EdaMove().recognises(each.advert))
    return replace(sensor, driver=EdaMove())


class TestOverTheAir:
    def test_it_brings_the_mean_of_each_minute(self):
        async def scenario(here: Room) -> None:
            async with VirtualEdaMove(here.radio, here.clock, SteadyBody()) as sensor:
                async with background(sensor.run()), here.supervised(await found_sensor(here)):
                    await until(lambda: len(sensor.sent) == 4)
                assert here.notes.payloads == [each.payload for each in sensor.sent]
                assert {channel for _, channel, _, _ in here.notes.notifications} == {CHANNEL}
                # 1 µS and 1/100 more each of the 32 samples a second: the n-th minute's mean.
                minutes = np.array([round(each.time_s / 60) - 1 for each in sensor.sent])
                expected_us = 1 + (minutes * 1920 + 959.5) / 100
                levels = [SclMean.from_bytes(payload).scl_us for payload in here.notes.payloads]
                np.testing.assert_allclose(levels, expected_us, atol=0.002)

        in_room(scenario)

    def test_two_minutes_of_silence_are_nothing_and_three_are(self):
        async def scenario(here: Room) -> None:
            async with VirtualEdaMove(here.radio, here.clock, SteadyBody()) as sensor:
                async with background(sensor.run()), here.supervised(await found_sensor(here)):
                    await until(lambda: len(sensor.sent) == 2)
                    sensor.muted = True
                    await until(lambda: (1, SILENT) in here.notes.events)
                    sensor.muted = False
                    await until(lambda: here.notes.generations() == [1, 2])
                assert here.notes.link_s[1] - sensor.sent[1].time_s == pytest.approx(150, abs=0.01)

        in_room(scenario)

    def test_it_goes_on_after_a_lost_connection(self):
        async def scenario(here: Room) -> None:
            async with VirtualEdaMove(here.radio, here.clock, SteadyBody()) as sensor:
                async with background(sensor.run()), here.supervised(await found_sensor(here)):
                    await until(lambda: len(sensor.sent) == 2)
                    await sensor.drop_link()
                    await until(lambda: len(sensor.sent) == 4)
                assert [event for _, event in here.notes.events][:3] == [CONNECTED, LOST, CONNECTED]
                assert here.notes.payloads == [each.payload for each in sensor.sent]

        in_room(scenario)
