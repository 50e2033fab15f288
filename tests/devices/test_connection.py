"""Scanning and supervised links, through bleak's own classes, over the virtual radio, in simulated time."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.scanner import BaseBleakScanner
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
    BleakGATTProtocolError,
    BleakGATTProtocolErrorCode,
)
from bumble.core import UUID
from bumble.gatt import Characteristic, Service

from devices import device_information, heart_rate
from devices.connection import Found, LinkEvent, Radio, scan, supervise
from devices.driver import Advert, Link
from devices.healthypi_move import ConductanceFrame
from devices.heart_rate import HeartRate, HeartRateMeasurement
from devices.virtual import healthypi_move as virtual_watch
from devices.virtual import strap as virtual_strap
from devices.virtual.healthypi_move import VirtualHealthyPiMove
from devices.virtual.peripheral import Label, Peripheral, notifying
from devices.virtual.radio import VirtualRadio
from devices.virtual.strap import VirtualStrap
from pipeline.clock import Clock, run
from pipeline.errors import DeviceError
from pipeline.model import DeviceInfo, Floats

SPEED = 2000
CONNECTED, LOST, SILENT, FAILED, STOPPED = LinkEvent
LABELLED = DeviceInfo("Heart-rate strap", "heart_rate")


class SteadyBody:
    """A beat each 800 ms; conductance of as many hundredths of a µS as samples have gone by, from 1 µS on."""

    def beats(self, start_s: float, end_s: float) -> Sequence[tuple[float, float]]:
        return [(k * 0.8, 800.0) for k in range(math.ceil(start_s / 0.8), math.ceil(end_s / 0.8))]

    def eda_us(self, start_s: float, end_s: float, rate_hz: float) -> Floats:
        return 1 + np.arange(math.ceil(start_s * rate_hz), math.ceil(end_s * rate_hz)) / 100


class Heartless(SteadyBody):
    def beats(self, *_: float) -> Sequence[tuple[float, float]]:
        return []


class Scale(Peripheral):
    """A device that no driver knows."""

    channel = "weight"
    period_s = 1.0

    def payload(self, *_: float) -> bytes:
        return b""


@dataclass
class Notebook:
    """A sink that writes everything down."""

    clock: Clock
    notifications: list[tuple[str, str, int, bytes]] = field(default_factory=list)
    descriptions: list[tuple[str, int, DeviceInfo]] = field(default_factory=list)
    links: list[tuple[int, LinkEvent, str]] = field(default_factory=list)
    devices: set[str] = field(default_factory=set)
    link_s: list[float] = field(default_factory=list)

    def notification(self, device: str, channel: str, generation: int, payload: bytes) -> None:
        self.notifications.append((device, channel, generation, payload))

    def described(self, device: str, generation: int, info: DeviceInfo) -> None:
        self.descriptions.append((device, generation, info))

    def link(self, device: str, generation: int, event: LinkEvent, reason: str) -> None:
        self.devices.add(device)
        self.links.append((generation, event, reason))
        self.link_s.append(self.clock.now())

    @property
    def events(self) -> list[tuple[int, LinkEvent]]:
        return [(generation, event) for generation, event, _ in self.links]

    @property
    def payloads(self) -> list[bytes]:
        return [payload for *_, payload in self.notifications]

    def generations(self) -> list[int]:
        """The generations that brought data, in the order in which they did."""
        return list(dict.fromkeys(generation for _, _, generation, _ in self.notifications))


@dataclass
class Room:
    """A virtual radio with a strap on the air and streaming, and a notebook."""

    clock: Clock
    radio: VirtualRadio
    strap: VirtualStrap
    notes: Notebook

    async def found(self) -> Found:
        (found,) = await scan(self.radio.radio, until=bool)
        return found

    @asynccontextmanager
    async def supervised(
        self, found: Found | None = None, hash_serial: Callable[[str], str] = str, radio: Radio | None = None
    ) -> AsyncIterator[asyncio.Task[None]]:
        """Supervise the strap meanwhile, and stop at the end."""
        found = found or await self.found()
        link = supervise(found, "strap", self.notes, radio or self.radio.radio, hash_serial)
        async with background(link) as task:
            yield task


@asynccontextmanager
async def background(work: Coroutine[Any, Any, None]) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def room(clock: Clock) -> AsyncIterator[Room]:
    async with (
        VirtualRadio() as radio,
        VirtualStrap(radio, clock, SteadyBody()) as strap,
        background(strap.run()),
    ):
        yield Room(clock, radio, strap, Notebook(clock))


async def until(condition: Callable[[], object], limit_s: float = 300) -> None:
    """Wait, in simulated time, until something is so. Looks 0.6 s into each second, when nobody sends."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(limit_s):
        while not condition():
            await asyncio.sleep(math.floor(loop.time() - 0.599) + 1.6 - loop.time())


def in_room(scenario: Callable[[Room], Coroutine[Any, Any, None]]) -> None:
    async def main(clock: Clock) -> None:
        async with room(clock) as here:
            await scenario(here)

    run(main, SPEED)


class TestScan:
    def test_what_a_driver_reads_comes_first_then_the_stronger_signal(self):
        far = replace(virtual_strap.LABEL, name="Far strap", signal_dbm=-90)
        near = replace(virtual_strap.LABEL, name="Near strap", address="C0:00:00:00:00:03", signal_dbm=-40)
        watch = replace(virtual_watch.LABEL, signal_dbm=-60)
        scale = Label("Scale", "C0:00:00:00:00:04", model="Scale", serial="1", signal_dbm=-30)
        weight = "0000181d-0000-1000-8000-00805f9b34fb"

        async def main(clock: Clock) -> list[Found]:
            body = SteadyBody()
            async with (
                VirtualRadio() as radio,
                VirtualStrap(radio, clock, body, far),
                Scale(radio, clock, body, scale, weight, notifying(weight)),
                VirtualHealthyPiMove(radio, clock, body, watch),
                VirtualStrap(radio, clock, body, near),
            ):
                return await scan(radio.radio)

        found = run(main, SPEED)
        assert [(each.driver.name if each.driver else None, each.advert) for each in found] == [
            ("heart_rate", Advert("C0:00:00:00:00:03", "Near strap", (heart_rate.SERVICE,), -40)),
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
            (None, Advert("C0:00:00:00:00:04", "Scale", (weight,), -30)),
        ]

    def test_nothing_in_reach_is_an_empty_list(self):
        async def main(clock: Clock) -> tuple[list[Found], float]:
            async with VirtualRadio() as radio:
                return await scan(radio.radio, 3.0), clock.now()

        assert run(main, SPEED) == ([], pytest.approx(3.0))

    def test_a_device_out_of_reach_is_not_found(self):
        async def scenario(here: Room) -> None:
            here.strap.out_of_range()
            assert await scan(here.radio.radio) == []
            here.strap.in_range()
            assert [each.advert.name for each in await scan(here.radio.radio)] == ["Virtual HR strap"]

        in_room(scenario)

    def test_it_ends_as_soon_as_enough_is_found(self):
        async def scenario(here: Room) -> None:
            began_s = here.clock.now()
            assert len(await scan(here.radio.radio, 60.0, lambda found: len(found) == 1)) == 1
            assert here.clock.now() - began_s < 1.0

        in_room(scenario)

    def test_an_adapter_that_is_off_is_told_with_what_to_do(self):
        async def scenario(here: Room) -> None:
            here.radio.powered = False
            with pytest.raises(DeviceError) as error:
                await scan(here.radio.radio)
            assert str(error.value) == (
                "Bluetooth is switched off: turn it on in the system's settings and try again."
            )

        in_room(scenario)

    @pytest.mark.parametrize("reason", BleakBluetoothNotAvailableReason, ids=lambda reason: reason.name)
    def test_each_reason_has_one_sentence_that_says_what_to_do(self, reason):
        message = message_of_scan_failing_with(BleakBluetoothNotAvailableError("internal", reason))
        assert message.endswith(".")
        assert message.count(". ") == 0
        assert "internal" not in message
        assert ": " in message

    @pytest.mark.parametrize(
        ("error", "message"),
        [
            pytest.param(
                FileNotFoundError(2, "No such file or directory"),
                "No Bluetooth service answers on this computer: start it, or use --simulate.",
                id="no D-Bus",
            ),
            pytest.param(
                BleakDBusError("org.bluez.Error.Failed", ["adapter busy"]),
                "Bluetooth cannot be used ([org.bluez.Error.Failed] adapter busy): switch it off and on,"
                " then try again.",
                id="BlueZ fails",
            ),
            pytest.param(
                EOFError(),
                "Bluetooth cannot be used (EOFError): switch it off and on, then try again.",
                id="the service dies",
            ),
        ],
    )
    def test_other_trouble_is_a_device_error_too(self, error: Exception, message: str):
        assert message_of_scan_failing_with(error) == message


def message_of_scan_failing_with(error: Exception) -> str:
    class Failing(BaseBleakScanner):
        def __init__(self, callback: Any, uuids: Any, *_: Any, **__: Any) -> None:
            super().__init__(callback, uuids)

        async def start(self) -> None:
            raise error

        async def stop(self) -> None: ...

    async def main(clock: Clock) -> str:
        with pytest.raises(DeviceError) as caught:
            await scan(Radio(scanner=Failing))
        return str(caught.value)

    return run(main, SPEED)


class TestStream:
    def test_everything_sent_arrives_once_and_in_order(self):
        async def scenario(here: Room) -> None:
            async with here.supervised():
                await until(lambda: len(here.strap.sent) == 60)
            assert here.notes.notifications == [
                ("strap", "heart_rate", 1, sent.payload) for sent in here.strap.sent
            ]
            assert here.notes.events == [(1, CONNECTED), (1, STOPPED)]

        in_room(scenario)

    def test_the_beats_of_a_minute_are_the_body_s(self):
        async def scenario(here: Room) -> None:
            async with here.supervised():
                await until(lambda: len(here.notes.payloads) == 60)
            measurements = [HeartRateMeasurement.from_bytes(payload) for payload in here.notes.payloads]
            assert {measurement.contact for measurement in measurements} == {True}
            assert {measurement.heart_rate_bpm for measurement in measurements} == {75}
            assert [tick for each in measurements for tick in each.rr_ticks] == [819] * 75

        in_room(scenario)

    def test_skin_conductance_has_no_sample_too_many_or_too_few(self):
        async def main(clock: Clock) -> list[int]:
            notes = Notebook(clock)
            async with VirtualRadio() as radio, VirtualHealthyPiMove(radio, clock, SteadyBody()) as watch:
                (found,) = await scan(radio.radio, until=bool)
                link = supervise(found, "watch", notes, radio.radio, str)
                async with background(watch.run()), background(link):
                    await until(lambda: len(notes.payloads) >= 100)
            assert notes.payloads == [sent.payload for sent in watch.sent]
            return [
                value for each in notes.payloads for value in ConductanceFrame.from_bytes(each).hundredths_us
            ]

        values = run(main, SPEED)
        assert len(values) >= 800
        assert values == list(range(values[0], values[0] + len(values)))

    def test_two_sensors_stream_side_by_side(self):
        async def scenario(here: Room) -> None:
            async with VirtualHealthyPiMove(here.radio, here.clock, SteadyBody()) as watch:
                found = await scan(here.radio.radio, until=lambda found: len(found) == 2)
                links = [
                    supervise(each, each.advert.name, here.notes, here.radio.radio, str) for each in found
                ]
                async with background(watch.run()), background(links[0]), background(links[1]):
                    await until(lambda: len(here.strap.sent) == 20)
                for peripheral in (here.strap, watch):
                    assert [
                        (channel, payload)
                        for device, channel, _, payload in here.notes.notifications
                        if device == peripheral.label.name
                    ] == [(sent.channel, sent.payload) for sent in peripheral.sent]
                assert len(watch.sent) >= 76
            assert here.notes.devices == {"Virtual HR strap", "Virtual healthypi move"}

        in_room(scenario)


class TestDescription:
    def test_battery_and_device_information_are_read_and_the_serial_number_hashed(self):
        async def scenario(here: Room) -> None:
            async with here.supervised(hash_serial=lambda serial: f"hash of {serial}"):
                await until(lambda: here.notes.payloads)
            info = DeviceInfo(
                name="Virtual strap",
                driver="heart_rate",
                model="Virtual strap",
                serial_hash="hash of VS-0001",
                firmware="1.0",
                battery_pct=87,
            )
            assert here.notes.descriptions == [("strap", 1, info)]

        in_room(scenario)

    def test_a_sensor_that_cannot_be_described_still_streams(self):
        def refuse(serial: str) -> str:
            raise ValueError(serial)

        async def scenario(here: Room) -> None:
            async with here.supervised(hash_serial=refuse):
                await until(lambda: here.notes.payloads)
            assert here.notes.descriptions == [("strap", 1, LABELLED)]

        in_room(scenario)

    @pytest.mark.parametrize(
        ("values", "info"),
        [
            pytest.param({}, LABELLED, id="nothing there"),
            pytest.param(
                {device_information.BATTERY_LEVEL: b"\x00"},
                replace(LABELLED, battery_pct=0),
                id="an empty battery",
            ),
            pytest.param(
                {device_information.BATTERY_LEVEL: b"\xff", device_information.SERIAL: b""},
                LABELLED,
                id="a level that is none, an empty serial number",
            ),
            pytest.param(
                {device_information.MODEL: b"H10\0\0 ", device_information.FIRMWARE: b"5.0\xff"},
                DeviceInfo("H10", "heart_rate", model="H10", firmware="5.0\N{REPLACEMENT CHARACTER}"),
                id="padding and broken text",
            ),
        ],
    )
    def test_what_is_absent_is_none(self, values: dict[str, bytes], info: DeviceInfo):
        assert described_by(values) == info

    @pytest.mark.parametrize(
        ("model", "kept"),
        [
            ("H10", "H10"),
            ("Virtual strap", "Virtual strap"),
            ("HRM-Pro Plus", "HRM-Pro Plus"),
            ("HW706", "HW706"),
            ("Polar H10 1A2B3C4D", "Polar H10"),
            ("Polar H10 1a2b3c4d", "Polar H10"),
            ("HW706-0032973", "HW706"),
            ("Strap_123456", "Strap"),
            ("Strap - (123456) ", "Strap"),
            ("Strap 123456 ABCDEF", "Strap"),
            ("Strap 12345", "Strap 12345"),
            ("123456 Strap", "123456 Strap"),
            ("1A2B3C4D", None),
        ],
    )
    def test_a_serial_number_at_the_end_of_the_model_is_dropped(self, model: str, kept: str | None):
        info = described_by({device_information.MODEL: model.encode()})
        assert (info.name, info.model) == (kept or "Heart-rate strap", kept)

    def test_the_advertised_name_goes_nowhere(self):
        async def scenario(here: Room) -> None:
            found = await here.found()
            named = replace(found, advert=replace(found.advert, name="Anna's watch"))
            async with here.supervised(named):
                await until(lambda: here.notes.payloads)
            assert "Anna" not in repr(here.notes)

        in_room(scenario)


def described_by(values: dict[str, bytes]) -> DeviceInfo:
    """The description of a strap with these readable values."""

    class Values:
        async def read(self, characteristic: str) -> bytes:
            if characteristic not in values:
                raise DeviceError("absent")
            return values[characteristic]

        async def write(self, characteristic: str, data: bytes, *, response: bool = True) -> None: ...

        async def subscribe(self, characteristic: str, channel: str) -> None: ...

    async def main(clock: Clock) -> DeviceInfo:
        return await device_information.describe(Values(), HeartRate(), str)

    return run(main, SPEED)


class TestRepeatedDescription:
    def test_a_sensor_that_answered_once_is_not_asked_again(self):
        async def scenario(here: Room) -> None:
            reads, radio = reading_radio(here)
            async with here.supervised(radio=radio):
                await reconnect(here)
            assert len(reads) == 4
            (_, _, first), (_, _, second) = here.notes.descriptions
            assert first == second
            assert [generation for _, generation, _ in here.notes.descriptions] == [1, 2]

        in_room(scenario)

    def test_a_sensor_that_did_not_answer_is_asked_again(self):
        async def scenario(here: Room) -> None:
            _, radio = reading_radio(here, stuck=1)
            async with here.supervised(radio=radio):
                await reconnect(here)
            (_, _, first), (_, _, second) = here.notes.descriptions
            assert first == LABELLED
            assert (second.name, second.battery_pct) == ("Virtual strap", 87)

        in_room(scenario)

    def test_a_slow_description_does_not_lengthen_a_gap(self):
        async def scenario(here: Room) -> None:
            _, radio = reading_radio(here, each_s=1.0)
            async with here.supervised(radio=radio):
                await reconnect(here)
            times_s = [sent.time_s for sent in here.strap.sent]
            assert max(np.diff(times_s)) < 2.5  # four reads alone would take 4 s

        in_room(scenario)

    @pytest.mark.parametrize("hangs_up_after", [0, 1, 2])
    def test_each_connection_describes_once_before_its_data(self, hangs_up_after: int):
        class Ordered(Notebook):
            def notification(self, device: str, channel: str, generation: int, payload: bytes) -> None:
                super().notification(device, channel, generation, payload)
                described = [each for _, each, _ in self.descriptions]
                assert described.count(generation) == 1

        async def scenario(here: Room) -> None:
            here.notes = Ordered(here.clock)
            async with here.supervised():
                for _ in range(hangs_up_after):
                    await reconnect(here)
                await until(lambda: len(here.notes.generations()) == hangs_up_after + 1)
            described = [generation for _, generation, _ in here.notes.descriptions]
            assert described == here.notes.generations()

        in_room(scenario)


async def reconnect(here: Room) -> None:
    """Have the strap stream, hang up, and stream again."""
    await until(lambda: here.notes.payloads)
    before = len(here.notes.generations())
    await here.strap.drop_link()
    await until(lambda: len(here.notes.generations()) > before)


def reading_radio(here: Room, stuck: int = 0, each_s: float = 0.0) -> tuple[list[str], Radio]:
    """What is read over a radio, in order; `stuck` reads never end, the others take `each_s`."""
    reads: list[str] = []
    client = here.radio.radio.client
    assert client is not None

    class Reading(client):  # type: ignore[misc, valid-type]
        async def read_gatt_char(self, characteristic: BleakGATTCharacteristic, **_: Any) -> bytearray:
            reads.append(characteristic.uuid)
            await asyncio.sleep(3600.0 if len(reads) <= stuck else each_s)
            value: bytearray = await super().read_gatt_char(characteristic)
            return value

    return reads, Radio(here.radio.radio.scanner, Reading)


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
                await link.subscribe("00002a5f-0000-1000-8000-00805f9b34fb", "elsewhere")

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
                    "Bluetooth is switched off: turn it on in the system's settings and try again.",
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
                await link.subscribe(heart_rate.MEASUREMENT, heart_rate.CHANNEL)
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


async def advert(here: Room) -> None:
    heard = asyncio.get_running_loop().create_future()
    here.radio.device.once("advertisement", heard.set_result)
    await heard


async def hang_up(here: Room) -> None:
    await here.strap.drop_link()


async def walk_away(here: Room) -> None:
    here.strap.out_of_range()
    await asyncio.sleep(3.0)
    here.strap.in_range()


async def walk_past(here: Room) -> None:
    here.strap.out_of_range()
    here.strap.in_range()


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


async def step(here: Room, turns: int) -> None:
    """Go on to so many turns of the event loop after the advert that a connection begins with."""
    await advert(here)
    await advert(here)
    for _ in range(turns):
        await asyncio.sleep(0)


class TestVirtualRadio:
    def test_an_att_error_keeps_its_code(self):
        protected = Characteristic(
            UUID("2A39"),
            Characteristic.Properties.READ,
            Characteristic.READABLE | Characteristic.READ_REQUIRES_ENCRYPTION,
            b"secret",
        )

        async def scenario(here: Room) -> None:
            here.strap.device.add_services([Service(UUID("181C"), [protected])])
            found = await here.found()
            async with BleakClient(found.handle, backend=here.radio.radio.client) as client:
                with pytest.raises(BleakGATTProtocolError) as error:
                    await client.read_gatt_char("2a39")
            assert error.value.code is BleakGATTProtocolErrorCode.INSUFFICIENT_ENCRYPTION

        in_room(scenario)

    def test_a_subscription_can_be_ended(self):
        async def scenario(here: Room) -> None:
            found = await here.found()
            heard: list[bytes] = []
            async with BleakClient(found.handle, backend=here.radio.radio.client) as client:
                await client.start_notify(heart_rate.MEASUREMENT, lambda _, data: heard.append(bytes(data)))
                await until(lambda: len(heard) == 2)
                await client.stop_notify(heart_rate.MEASUREMENT)
                await asyncio.sleep(3.0)
            assert heard == [sent.payload for sent in here.strap.sent]
            assert len(heard) == 2

        in_room(scenario)

    def test_a_client_knows_name_services_and_state(self):
        async def scenario(here: Room) -> None:
            found = await here.found()
            client = BleakClient(found.handle, backend=here.radio.radio.client)
            assert not client.is_connected
            async with client:
                assert client.is_connected
                assert client.name == "Virtual HR strap"
                assert client.mtu_size == 517
                assert heart_rate.SERVICE in {service.uuid for service in client.services}
            assert not client.is_connected
            assert issubclass(here.radio.radio.client or object, BaseBleakClient)

        in_room(scenario)


class TestPeripheral:
    def test_it_sends_on_whole_periods_and_never_drifts(self):
        async def scenario(here: Room) -> None:
            await asyncio.sleep(0.37)
            async with here.supervised():
                await until(lambda: len(here.strap.sent) == 100)
            first_s = round(here.strap.sent[0].time_s)
            np.testing.assert_allclose(
                [sent.time_s for sent in here.strap.sent], np.arange(first_s, first_s + 100), atol=1e-6
            )

        in_room(scenario)

    def test_what_is_due_without_a_subscriber_is_lost_and_time_is_kept(self):
        async def scenario(here: Room) -> None:
            await asyncio.sleep(9.5)
            assert here.strap.sent == []
            async with here.supervised():
                await until(lambda: here.strap.sent)
            (sent,) = here.strap.sent
            end_s = round(sent.time_s)
            assert HeartRateMeasurement.from_bytes(sent.payload).rr_ticks == tuple(
                819 for _ in SteadyBody().beats(end_s - 1, end_s)
            )

        in_room(scenario)

    def test_a_strap_without_a_beat_for_five_seconds_is_off_the_skin(self):
        async def main(clock: Clock) -> list[bool | None]:
            async with VirtualRadio() as radio:
                strap = VirtualStrap(radio, clock, Heartless())
                return [
                    HeartRateMeasurement.from_bytes(strap.payload(start_s, start_s + 1)).contact
                    for start_s in range(6)
                ]

        assert run(main, SPEED) == [True, True, True, True, False, False]
