"""Links that come back by themselves, stop when nobody wants them, and survive trouble at any moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import NotifyCallback

from devices import device_information
from devices.connection import Radio
from devices.driver import Link
from devices.drivers import heart_rate
from devices.drivers.heart_rate import HeartRate
from devices.virtual.strap import VirtualStrap
from pipeline.model import DeviceInfo
from tests.devices.air import (
    CONNECTED,
    FAILED,
    LOST,
    SILENT,
    STOPPED,
    Notebook,
    Room,
    hang_up,
    in_room,
    step,
    until,
    walk_away,
    walk_past,
)


class TestReconnection:
    def test_a_strap_that_was_out_of_reach_comes_back_as_the_next_generation(self):
        async def scenario(here: Room) -> None:
            async with here.supervised():
                await until(lambda: len(here.strap.sent) == 10)
                here.strap.out_of_range()
                await asyncio.sleep(6.0)
                assert here.notes.events == [(1, CONNECTED), (1, LOST)]
                here.strap.in_range()
                await until(lambda: len(here.strap.sent) == 20)
            assert here.notes.events == [(1, CONNECTED), (1, LOST), (2, CONNECTED), (2, STOPPED)]
            assert here.notes.payloads == [sent.payload for sent in here.strap.sent]
            assert here.notes.generations() == [1, 2]
            assert [generation for _, generation, _ in here.notes.descriptions] == [1, 2]

        in_room(scenario)

    def test_a_strap_that_stayed_away_for_minutes_is_looked_for_again(self):
        async def scenario(here: Room) -> None:
            async with here.supervised():
                await until(lambda: len(here.strap.sent) == 10)
                here.strap.out_of_range()
                await asyncio.sleep(180.0)
                here.strap.in_range()
                await until(lambda: len(here.strap.sent) == 20)
            generations = [generation for generation, _ in here.notes.events]
            assert here.notes.events[:3] == [(1, CONNECTED), (1, LOST), (2, FAILED)]
            assert here.notes.links[2][2] == "the sensor is not in reach"
            assert here.notes.events[-2:] == [(generations[-1], CONNECTED), (generations[-1], STOPPED)]
            assert here.notes.payloads == [sent.payload for sent in here.strap.sent]

        in_room(scenario)

    def test_a_strap_that_hangs_up_is_called_again(self):
        async def scenario(here: Room) -> None:
            async with here.supervised():
                for calls in range(1, 4):
                    await until(lambda: here.notes.generations()[-1:] == [calls])  # noqa: B023 - awaited here
                    await here.strap.drop_link()
                await until(lambda: here.notes.generations() == [1, 2, 3, 4])
            assert [event for _, event in here.notes.events] == [CONNECTED, LOST] * 3 + [CONNECTED, STOPPED]
            assert here.notes.payloads == [sent.payload for sent in here.strap.sent]

        in_room(scenario)

    def test_a_link_that_stays_up_without_data_is_given_up_after_five_seconds(self):
        async def scenario(here: Room) -> None:
            async with here.supervised():
                await until(lambda: len(here.strap.sent) == 10)
                here.strap.muted = True
                await until(lambda: (1, SILENT) in here.notes.events)
                here.strap.muted = False
                await until(lambda: here.notes.generations() == [1, 2])
            assert here.notes.links[1] == (1, SILENT, "no data for 5 s")
            assert here.notes.link_s[1] == pytest.approx(here.strap.sent[9].time_s + 5.0)
            assert here.notes.events == [(1, CONNECTED), (1, SILENT), (2, CONNECTED), (2, STOPPED)]

        in_room(scenario)

    def test_the_first_data_may_take_ten_seconds(self):
        async def scenario(here: Room) -> None:
            here.strap.muted = True
            async with here.supervised():
                await until(lambda: (1, SILENT) in here.notes.events)
            assert here.notes.links[:2] == [(1, CONNECTED, ""), (1, SILENT, "no data for 10 s")]
            assert here.notes.link_s[1] - here.notes.link_s[0] == pytest.approx(10.0)

        in_room(scenario)

    def test_a_disconnection_while_subscribing_is_a_failed_attempt(self):
        class HangsUpOnce(Notebook):
            def described(self, device: str, generation: int, info: DeviceInfo) -> None:
                super().described(device, generation, info)
                if generation == 1:
                    hung_up.append(asyncio.ensure_future(here_strap[0].drop_link()))

        hung_up: list[asyncio.Future[None]] = []
        here_strap: list[VirtualStrap] = []

        async def scenario(here: Room) -> None:
            here_strap.append(here.strap)
            here.notes = HangsUpOnce(here.clock)
            async with here.supervised():
                await until(lambda: here.notes.generations() == [2])
            await asyncio.gather(*hung_up)
            assert here.notes.links[:3] == [
                (1, CONNECTED, ""),
                (1, FAILED, "the connection ended"),
                (2, CONNECTED, ""),
            ]

        in_room(scenario)

    def test_a_sensor_without_the_driver_s_characteristic_is_tried_again(self):
        class Elsewhere(HeartRate):
            async def start(self, link: Link) -> None:
                await link.subscribe("00002a5f-0000-1000-8000-00805f9b34fb", "elsewhere", silence_s=5.0)

        async def scenario(here: Room) -> None:
            found = replace(await here.found(), driver=Elsewhere())
            async with here.supervised(found):
                await until(lambda: (2, FAILED) in here.notes.events)
            assert here.notes.links[1] == (
                1,
                FAILED,
                "Characteristic 00002a5f-0000-1000-8000-00805f9b34fb was not found!",
            )

        in_room(scenario)

    def test_a_driver_whose_start_never_ends_is_a_failed_attempt(self):
        class Endless(HeartRate):
            async def start(self, _: Link) -> None:
                await asyncio.Event().wait()

        async def scenario(here: Room) -> None:
            async with here.supervised(replace(await here.found(), driver=Endless())):
                await until(lambda: (2, CONNECTED) in here.notes.events)
            assert here.notes.links[1] == (1, FAILED, "no answer in time")

        in_room(scenario)

    def test_a_cancellation_that_a_backend_makes_up_is_a_failed_attempt(self):
        class Abandoning(HeartRate):
            async def start(self, _: Link) -> None:
                raise asyncio.CancelledError

        async def scenario(here: Room) -> None:
            async with here.supervised(replace(await here.found(), driver=Abandoning())):
                await until(lambda: (2, CONNECTED) in here.notes.events)
            assert here.notes.links[1] == (1, FAILED, "the connection ended")

        in_room(scenario)

    def test_a_backend_that_cannot_be_cancelled_does_not_hold_up_the_next_attempt(self):
        released = asyncio.Event()

        class Deaf(HeartRate):
            async def start(self, _: Link) -> None:
                while not released.is_set():
                    with suppress(asyncio.CancelledError):
                        await released.wait()

        async def scenario(here: Room) -> None:
            async with here.supervised(replace(await here.found(), driver=Deaf())):
                await until(lambda: (2, CONNECTED) in here.notes.events)
                released.set()
            assert here.notes.links[1] == (1, FAILED, "no answer in time")

        in_room(scenario)

    def test_failing_attempts_wait_twice_as_long_each_up_to_ten_seconds(self):
        async def scenario(here: Room) -> None:
            found = await here.found()
            here.radio.powered = False
            async with here.supervised(found):
                await until(lambda: len(here.notes.links) >= 8)
                here.radio.powered = True
                await until(lambda: here.notes.payloads)
            assert set(here.notes.links[:8]) == {
                (
                    generation,
                    FAILED,
                    "Bluetooth is switched off: turn it on in the system's settings",
                )
                for generation in range(1, 9)
            }
            pauses_s = np.diff(here.notes.link_s[:8])
            np.testing.assert_allclose(pauses_s, [0.5, 1, 2, 4, 8, 10, 10], atol=1e-6)

        in_room(scenario)

    def test_after_data_the_pause_is_short_again(self):
        async def scenario(here: Room) -> None:
            found = await here.found()
            here.radio.powered = False
            async with here.supervised(found):
                await until(lambda: len(here.notes.links) >= 5)
                here.radio.powered = True
                await until(lambda: here.notes.payloads)
                await here.strap.drop_link()
                here.radio.powered = False
                await until(lambda: len(here.notes.links) >= 9)
            assert [event for _, event in here.notes.events[5:9]] == [CONNECTED, LOST, FAILED, FAILED]
            np.testing.assert_allclose(np.diff(here.notes.link_s[6:9]), [0.5, 1.0], atol=1e-6)

        in_room(scenario)

    def test_what_an_old_client_still_delivers_is_dropped(self):
        callbacks: list[NotifyCallback] = []

        async def scenario(here: Room) -> None:
            client = here.radio.radio.client
            assert client is not None

            class Leaking(client):  # type: ignore[misc, valid-type]
                async def start_notify(
                    self, characteristic: BleakGATTCharacteristic, callback: NotifyCallback, **_: Any
                ) -> None:
                    if characteristic.uuid == heart_rate.MEASUREMENT:
                        callbacks.append(callback)
                    await super().start_notify(characteristic, callback)

            radio = Radio(here.radio.radio.scanner, Leaking)
            async with here.supervised(radio=radio):
                await until(lambda: len(here.strap.sent) == 3)
                await here.strap.drop_link()
                await until(lambda: (1, LOST) in here.notes.events)
                callbacks[0](bytearray(b"while away"))
                await until(lambda: here.notes.generations() == [1, 2])
                callbacks[0](bytearray(b"after the next"))
                callbacks[1](bytearray(b"current"))
            callbacks[1](bytearray(b"after the end"))
            assert here.notes.payloads[-1] == b"current"
            assert here.notes.payloads[:-1] == [sent.payload for sent in here.strap.sent]

        in_room(scenario)


class TestStop:
    def test_the_driver_stops_while_the_link_is_up_and_the_link_is_closed(self):
        stopped_with: list[bytes] = []

        class Stopping(HeartRate):
            async def stop(self, link: Link) -> None:
                stopped_with.append(await link.read(device_information.BATTERY_LEVEL))

        async def scenario(here: Room) -> None:
            async with here.supervised(replace(await here.found(), driver=Stopping())) as task:
                await until(lambda: here.notes.payloads)
                assert len(here.strap.device.connections) == 1
            assert task.cancelled()
            assert stopped_with == [b"\x57"]
            assert len(here.strap.device.connections) == 0
            assert here.notes.links[-1] == (1, STOPPED, "")
            heard = len(here.notes.payloads)
            await asyncio.sleep(3.0)
            assert len(here.notes.payloads) == heard

        in_room(scenario)

    def test_a_driver_that_cannot_stop_does_not_keep_the_link_open(self):
        class Stuck(HeartRate):
            async def stop(self, _: Link) -> None:
                await asyncio.Event().wait()

        async def scenario(here: Room) -> None:
            async with here.supervised(replace(await here.found(), driver=Stuck())):
                await until(lambda: here.notes.payloads)
            assert len(here.strap.device.connections) == 0
            assert here.notes.links[-1] == (1, STOPPED, "")

        in_room(scenario)

    def test_it_stops_even_if_a_backend_swallows_the_cancellation(self):
        class Swallowing(HeartRate):
            async def start(self, link: Link) -> None:
                await link.subscribe(heart_rate.MEASUREMENT, heart_rate.CHANNEL, silence_s=5.0)
                with suppress(asyncio.CancelledError):
                    await asyncio.Event().wait()

        async def scenario(here: Room) -> None:
            async with here.supervised(replace(await here.found(), driver=Swallowing())) as task:
                await until(lambda: here.notes.payloads)
            assert task.cancelled()
            assert len(here.strap.device.connections) == 0
            assert here.notes.links[-1] == (1, STOPPED, "")

        in_room(scenario)

    @pytest.mark.parametrize("after_s", [0.0, 0.05, 0.2, 0.6, 7.0, 17.0, 40.0])
    def test_it_stops_at_any_time_while_the_strap_is_away(self, after_s: float):
        async def scenario(here: Room) -> None:
            async with here.supervised() as task:
                await until(lambda: here.notes.payloads)
                here.strap.out_of_range()
                await asyncio.sleep(after_s)
            assert task.cancelled()
            assert here.notes.events[-1][1] is STOPPED
            assert [event for _, event in here.notes.events].count(STOPPED) == 1

        in_room(scenario)


# To hear the strap, connect, discover, describe and subscribe takes some 175 turns of the event loop.
@pytest.mark.parametrize("turns", range(0, 192, 16))
class TestAnyMoment:
    def test_it_can_be_stopped_and_begun_anew_at_any_step_of_connecting(self, turns: int):
        async def scenario(here: Room) -> None:
            found = await here.found()
            async with here.supervised(found) as task:
                await step(here, turns)
            assert task.cancelled()
            assert here.notes.events[-1] == (1, STOPPED)
            async with here.supervised(found):
                await until(lambda: here.notes.payloads)

        in_room(scenario)

    @pytest.mark.parametrize("mishap", [hang_up, walk_away, walk_past], ids=lambda mishap: mishap.__name__)
    def test_a_mishap_at_any_step_of_connecting_only_costs_time(
        self, turns: int, mishap: Callable[[Room], Coroutine[Any, Any, None]]
    ):
        async def scenario(here: Room) -> None:
            async with here.supervised(await here.found()):
                await step(here, turns)
                await mishap(here)
                await until(lambda: len(here.notes.payloads) == 3, limit_s=40)
                assert here.notes.payloads == [sent.payload for sent in here.strap.sent]

        in_room(scenario)
