"""Sensors of one's own over the virtual radio, in any layout."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from devices.connection import Found, scan
from devices.drivers.generic import Generic
from devices.drivers.sensor_description import (
    Command,
    Dtype,
    GenericSensor,
    read_sensor,
)
from devices.virtual.generic import VirtualGeneric
from devices.virtual.peripheral import Quartz
from tests.devices.air import CONNECTED, LOST, Room, SteadyBody, background, in_room, until
from tests.devices.drivers.own_sensors import (
    CONTROL,
    COUNTED,
    EXAMPLE,
    PLAIN,
    STAMPED,
    device_times,
)


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
