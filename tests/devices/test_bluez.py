"""Scanning and supervised links over bleak's own backend for Linux, against a fake BlueZ.

Time is simulated, but slowly: D-Bus is another process, and takes real time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("dbus_fast", reason="BlueZ is of Linux")

from bleak import BleakClient
from bleak.backends.bluezdbus.version import BlueZFeatures
from bleak.exc import BleakDBusError, BleakGATTProtocolError
from bumble.att import ATT_Error, Attribute, AttributeValueV2
from bumble.core import UUID
from bumble.gatt import Characteristic, Service

from devices import device_information
from devices.connection import Found, Radio, scan
from devices.driver import Advert
from devices.drivers import heart_rate
from devices.drivers.heart_rate import HeartRateMeasurement
from devices.virtual import healthypi_move as virtual_watch
from devices.virtual import strap as virtual_strap
from devices.virtual.healthypi_move import VirtualHealthyPiMove
from devices.virtual.peripheral import Label, commanded
from devices.virtual.radio import VirtualRadio
from devices.virtual.strap import VirtualStrap
from pipeline.clock import Clock, run
from pipeline.errors import DeviceError
from pipeline.model import DeviceInfo
from tests.devices.air import (
    CONNECTED,
    FAILED,
    LOST,
    PAIRED,
    STOPPED,
    Notebook,
    Room,
    Scale,
    SteadyBody,
    background,
    room,
    until,
)
from tests.devices.bluez import DAEMON, Bluez, private_bus

pytestmark = pytest.mark.skipif(DAEMON is None, reason="needs Linux with dbus-daemon")

SPEED = 10
PLATFORM = Radio()
DESCRIBED = DeviceInfo(
    name="Virtual strap",
    driver="heart_rate",
    model="Virtual strap",
    serial_hash="VS-0001",
    firmware="1.0",
    battery_pct=87,
)
NOBODY = "No Bluetooth service answers on this computer: start it, or use --simulate"
BODY_LOCATION = "00002a38-0000-1000-8000-00805f9b34fb"

Scenario = Callable[[Room, Bluez], Coroutine[Any, Any, None]]


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A system bus of the test's own, on which nobody is yet."""
    monkeypatch.setattr(BlueZFeatures, "checked_bluez_version", True)  # that of this machine does not matter
    with private_bus() as address:
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
        yield address


def on_bluez(bus: str, scenario: Scenario, **settings: bool) -> None:
    async def main(clock: Clock) -> None:
        async with room(clock) as here, Bluez(here.radio, bus, **settings) as bluez:
            await scenario(here, bluez)

    run(main, SPEED)


async def found_on_bluez() -> Found:
    (found,) = await scan(PLATFORM, until=bool)
    return found


async def settled(here: Room) -> None:
    """Wait until all that was sent is here."""
    here.strap.muted = True
    await until(lambda: len(here.notes.payloads) >= len(here.strap.sent))


async def trouble(*_: object) -> str:
    with pytest.raises(DeviceError) as error:
        await scan(PLATFORM)
    return str(error.value)


class Hasty(VirtualStrap):
    """A strap that sends ten numbered measurements each tenth of a second."""

    def __init__(self, *settings: Any) -> None:
        super().__init__(*settings)
        (outlet,) = self.outlets
        self.outlets = (replace(outlet, period_s=0.1, payloads=self._numbered),)

    def _numbered(self, _start_s: float, end_s: float) -> Iterator[bytes]:
        for part in range(10):
            yield bytes(HeartRateMeasurement(60, rr_ticks=(round(end_s * 10) % 1000, part)))


class TestScan:
    def test_what_is_in_reach_is_found_and_ranked(self, bus: str):
        far = replace(virtual_strap.LABEL, name="Far strap", signal_dbm=-90)
        watch = replace(virtual_watch.LABEL, signal_dbm=-60)
        scale = Label("Scale", "C0:00:00:00:00:04", model="Scale", serial="1", signal_dbm=-30)

        async def main(clock: Clock) -> list[Found]:
            body = SteadyBody()
            async with (
                VirtualRadio() as radio,
                VirtualStrap(radio, clock, body, far),
                Scale(radio, clock, body, scale),
                VirtualHealthyPiMove(radio, clock, body, watch),
                Bluez(radio, bus),
            ):
                return await scan(PLATFORM, until=lambda found: len(found) == 3)

        assert [(each.driver and each.driver.name, each.advert) for each in run(main, SPEED)] == [
            (
                "healthypi_move",
                Advert(
                    "C0:00:00:00:00:02",
                    "Virtual healthypi move",
                    ("00001122-0000-1000-8000-00805f9b34fb",),
                    -60,
                ),
            ),
            ("heart_rate", Advert("C0:00:00:00:00:01", "Far strap", (heart_rate.SERVICE,), -90)),
            (None, Advert("C0:00:00:00:00:04", "Scale", (Scale.SERVICE,), -30)),
        ]

    def test_a_known_device_is_found_again_only_while_it_is_in_reach(self, bus: str):
        async def scenario(here: Room, bluez: Bluez) -> None:
            first = await found_on_bluez()
            here.strap.out_of_range()
            assert await scan(PLATFORM, 2.0) == []
            here.strap.in_range()
            assert (await found_on_bluez()).advert == first.advert

        on_bluez(bus, scenario)

    def test_an_adapter_that_is_off_is_told_and_found_when_it_is_on(self, bus: str):
        async def scenario(here: Room, bluez: Bluez) -> None:
            await bluez.switch(False)
            assert await trouble() == ("Bluetooth is switched off: turn it on in the system's settings")
            await bluez.switch(True)
            assert (await found_on_bluez()).advert.name == "Virtual HR strap"

        on_bluez(bus, scenario)

    def test_an_adapter_that_goes_off_ends_the_scan(self, bus: str):
        async def scenario(here: Room, bluez: Bluez) -> None:
            scanning = asyncio.create_task(scan(PLATFORM, 2.0))
            await asyncio.sleep(1.0)
            await bluez.switch(False)
            assert [each.advert.name for each in await scanning] == ["Virtual HR strap"]

        on_bluez(bus, scenario)

    def test_a_computer_without_an_adapter(self, bus: str):
        async def scenario(*_: object) -> None:
            assert await trouble() == (
                "This computer has no Bluetooth adapter: plug one in, or use --simulate"
            )

        on_bluez(bus, scenario, adapter=False)

    def test_a_computer_without_bluez(self, bus: str):
        assert run(trouble, SPEED) == NOBODY

    def test_a_computer_without_d_bus(self, bus: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/nowhere")
        assert run(trouble, SPEED) == NOBODY


class TestLink:
    def test_everything_sent_arrives_once_and_in_order(self, bus: str):
        async def scenario(here: Room, bluez: Bluez) -> None:
            async with here.supervised(await found_on_bluez(), radio=PLATFORM):
                await until(lambda: len(here.strap.sent) == 10)
                await settled(here)
            assert here.notes.notifications == [
                ("strap", "heart_rate", 1, sent.payload) for sent in here.strap.sent
            ]
            assert here.notes.events == [(1, CONNECTED), (1, STOPPED)]
            assert [device.Connected for device in bluez.devices.values()] == [False]
            assert here.notes.descriptions == [("strap", 1, DESCRIBED)]

        on_bluez(bus, scenario)

    def test_hundreds_of_notifications_come_in_order(self, bus: str):
        async def main(clock: Clock) -> None:
            async with VirtualRadio() as radio, Hasty(radio, clock, SteadyBody()) as strap:
                here = Room(clock, radio, strap, Notebook(clock))
                async with (
                    Bluez(radio, bus),
                    background(strap.run()),
                    here.supervised(await found_on_bluez(), radio=PLATFORM),
                ):
                    await until(lambda: len(strap.sent) >= 500)
                    await settled(here)
                assert here.notes.payloads == [sent.payload for sent in strap.sent]
                assert len(set(here.notes.payloads)) == len(strap.sent)

        run(main, SPEED)

    def test_a_strap_that_was_out_of_reach_comes_back_as_the_next_generation(self, bus: str):
        async def scenario(here: Room, bluez: Bluez) -> None:
            async with here.supervised(await found_on_bluez(), radio=PLATFORM):
                await until(lambda: len(here.strap.sent) == 5)
                here.strap.out_of_range()
                await until(lambda: here.notes.events[1:] == [(1, LOST)])
                await asyncio.sleep(5.0)
                here.strap.in_range()
                await until(lambda: len(here.strap.sent) == 10)
                await settled(here)
            assert here.notes.events == [(1, CONNECTED), (1, LOST), (2, CONNECTED), (2, STOPPED)]
            assert here.notes.payloads == [sent.payload for sent in here.strap.sent]
            assert here.notes.generations() == [1, 2]

        on_bluez(bus, scenario)

    def test_a_strap_that_hangs_up_is_called_again(self, bus: str):
        async def scenario(here: Room, bluez: Bluez) -> None:
            async with here.supervised(await found_on_bluez(), radio=PLATFORM):
                for calls in range(1, 4):
                    await until(lambda: here.notes.generations()[-1:] == [calls])  # noqa: B023 - awaited here
                    await here.strap.drop_link()
                await until(lambda: here.notes.generations() == [1, 2, 3, 4])
                await settled(here)
            assert [event for _, event in here.notes.events] == [CONNECTED, LOST] * 3 + [CONNECTED, STOPPED]
            assert here.notes.payloads == [sent.payload for sent in here.strap.sent]

        on_bluez(bus, scenario)

    def test_a_strap_that_stays_away_is_waited_for(self, bus: str):
        async def scenario(here: Room, bluez: Bluez) -> None:
            async with here.supervised(await found_on_bluez(), radio=PLATFORM):
                await until(lambda: here.notes.payloads)
                here.strap.out_of_range()
                await until(lambda: (2, FAILED) in here.notes.events)
                here.strap.in_range()
                await until(lambda: len(here.notes.generations()) == 2)
                await settled(here)
            assert here.notes.links[2] == (2, FAILED, "no answer in time")
            assert here.notes.payloads == [sent.payload for sent in here.strap.sent]

        on_bluez(bus, scenario)

    def test_a_device_that_bluez_forgot_is_looked_for(self, bus: str):
        async def scenario(here: Room, bluez: Bluez) -> None:
            found = await found_on_bluez()
            async with here.supervised(found, radio=PLATFORM):
                await until(lambda: here.notes.payloads)
                here.strap.out_of_range()
                await until(lambda: (1, LOST) in here.notes.events)
                await bluez.forget()
                await until(lambda: FAILED in [event for _, event in here.notes.events])
                here.strap.in_range()
                await until(lambda: len(here.notes.generations()) == 2, 30)
                await settled(here)
            assert here.notes.payloads == [sent.payload for sent in here.strap.sent]
            assert found.advert.address.replace(":", "_") not in repr(here.notes.links)

        on_bluez(bus, scenario)

    def test_an_adapter_that_was_off_for_a_while(self, bus: str):
        async def scenario(here: Room, bluez: Bluez) -> None:
            async with here.supervised(await found_on_bluez(), radio=PLATFORM):
                await until(lambda: here.notes.payloads)
                await bluez.switch(False)
                await until(lambda: (2, FAILED) in here.notes.events)
                await bluez.switch(True)
                await until(lambda: len(here.notes.generations()) == 2)
                await settled(here)
            assert here.notes.events[:3] == [(1, CONNECTED), (1, LOST), (2, FAILED)]
            assert here.notes.payloads == [sent.payload for sent in here.strap.sent]

        on_bluez(bus, scenario)

    def test_a_sensor_that_wants_to_be_paired_is(self, bus: str):
        async def scenario(here: Room, bluez: Bluez) -> None:
            here.strap.require_pairing()
            async with here.supervised(await found_on_bluez(), radio=PLATFORM):
                await until(lambda: here.notes.generations() == [1], 20)
                await here.strap.drop_link()
                await until(lambda: here.notes.generations() == [1, 2], 20)
                await settled(here)
            assert [event for _, event in here.notes.events] == [CONNECTED, PAIRED, LOST, CONNECTED, STOPPED]
            assert here.notes.payloads == [sent.payload for sent in here.strap.sent]

        on_bluez(bus, scenario)

    def test_what_a_sensor_shows_only_when_paired_is_absent_from_its_description(self, bus: str):
        async def scenario(here: Room, bluez: Bluez) -> None:
            attributes = here.strap.device.gatt_server.attributes
            serial = next(each for each in attributes if each.type == UUID(device_information.SERIAL))
            serial.permissions |= Attribute.READ_REQUIRES_ENCRYPTION
            async with here.supervised(await found_on_bluez(), radio=PLATFORM):
                await until(lambda: here.notes.payloads)
            assert here.notes.descriptions == [("strap", 1, replace(DESCRIBED, serial_hash=None))]

        on_bluez(bus, scenario)


class TestClient:
    def test_an_att_error_keeps_its_code(self, bus: str):
        def refuse(_: object) -> bytes:
            raise ATT_Error(0x80)

        async def scenario(here: Room, bluez: Bluez) -> None:
            location = Characteristic(
                UUID(BODY_LOCATION),
                Characteristic.Properties.READ,
                Characteristic.READABLE,
                AttributeValueV2(refuse, None),
            )
            here.strap.device.add_services([Service(UUID("181C"), [location])])
            async with BleakClient((await found_on_bluez()).handle) as client:
                with pytest.raises(BleakGATTProtocolError) as error:
                    await client.read_gatt_char(BODY_LOCATION)
            assert error.value.code == 0x80

        on_bluez(bus, scenario)

    def test_what_is_behind_a_pairing_is_read_after_it(self, bus: str):
        async def scenario(here: Room, bluez: Bluez) -> None:
            location = Characteristic(
                UUID(BODY_LOCATION),
                Characteristic.Properties.READ,
                Characteristic.READABLE | Characteristic.READ_REQUIRES_ENCRYPTION,
                b"\x01",
            )
            here.strap.device.add_services([Service(UUID("181C"), [location])])
            async with BleakClient((await found_on_bluez()).handle) as client:
                with pytest.raises(BleakDBusError) as error:
                    await client.read_gatt_char(BODY_LOCATION)
                await client.pair()
                value = await client.read_gatt_char(BODY_LOCATION)
            assert str(error.value) == "[org.bluez.Error.NotPermitted] Not paired"
            assert value == b"\x01"

        on_bluez(bus, scenario)

    def test_writes_arrive_with_and_without_an_answer(self, bus: str):
        written: list[bytes] = []

        async def scenario(here: Room, bluez: Bluez) -> None:
            here.strap.device.add_services(
                [Service(UUID("181C"), [commanded(BODY_LOCATION, written.append)])]
            )
            async with BleakClient((await found_on_bluez()).handle) as client:
                await client.write_gatt_char(BODY_LOCATION, b"one", response=False)
                await client.write_gatt_char(BODY_LOCATION, b"two", response=True)

        on_bluez(bus, scenario)
        assert written == [b"one", b"two"]

    def test_a_read_is_heard_by_a_subscriber(self, bus: str):
        heard: list[bytes] = []

        async def scenario(here: Room, bluez: Bluez) -> None:
            level = device_information.BATTERY_LEVEL
            async with BleakClient((await found_on_bluez()).handle) as client:
                await client.start_notify(level, lambda _, data: heard.append(bytes(data)))
                await client.read_gatt_char(level)
                await client.stop_notify(level)
                await client.read_gatt_char(level)
            assert heard == [b"\x57"]

        on_bluez(bus, scenario)
