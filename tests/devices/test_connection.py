"""Scanning and supervised links, through bleak's own classes, over the virtual radio, in simulated time."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np
import pytest
from bleak import BleakClient
from bleak.backends.client import BaseBleakClient
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
    BleakGATTProtocolError,
    BleakGATTProtocolErrorCode,
)
from bumble.core import UUID
from bumble.gatt import Characteristic, Service

from devices import device_information
from devices.connection import Found, scan, supervise
from devices.driver import Advert
from devices.drivers import heart_rate
from devices.drivers.healthypi_move import ConductanceFrame
from devices.drivers.heart_rate import HeartRateMeasurement
from devices.virtual import healthypi_move as virtual_watch
from devices.virtual import strap as virtual_strap
from devices.virtual.healthypi_move import VirtualHealthyPiMove
from devices.virtual.peripheral import Label
from devices.virtual.radio import VirtualRadio
from devices.virtual.strap import HeartRateOutlet, VirtualStrap
from pipeline.clock import Clock, run
from pipeline.errors import DeviceError
from pipeline.model import DeviceInfo
from tests.devices.air import (
    CONNECTED,
    LABELLED,
    SPEED,
    STOPPED,
    Heartless,
    Notebook,
    Room,
    Scale,
    SteadyBody,
    background,
    described_by,
    in_room,
    message_of_scan_failing_with,
    reading_radio,
    reconnect,
    until,
)


class TestScan:
    def test_what_a_driver_reads_comes_first_then_the_stronger_signal(self):
        far = replace(virtual_strap.LABEL, name="Far strap", signal_dbm=-90)
        near = replace(virtual_strap.LABEL, name="Near strap", address="C0:00:00:00:00:03", signal_dbm=-40)
        watch = replace(virtual_watch.LABEL, signal_dbm=-60)
        scale = Label("Scale", "C0:00:00:00:00:04", model="Scale", serial="1", signal_dbm=-30)

        async def main(clock: Clock) -> list[Found]:
            body = SteadyBody()
            async with (
                VirtualRadio() as radio,
                VirtualStrap(radio, clock, body, far),
                Scale(radio, clock, body, scale),
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
            (None, Advert("C0:00:00:00:00:04", "Scale", (Scale.SERVICE,), -30)),
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
            assert str(error.value) == ("Bluetooth is switched off: turn it on in the system's settings")

        in_room(scenario)

    @pytest.mark.parametrize("reason", BleakBluetoothNotAvailableReason, ids=lambda reason: reason.name)
    def test_each_reason_has_one_sentence_that_says_what_to_do(self, reason):
        message = message_of_scan_failing_with(BleakBluetoothNotAvailableError("internal", reason))
        assert "." not in message
        assert "try again" not in message  # that is said of a link which is
        assert "internal" not in message
        assert ": " in message

    @pytest.mark.parametrize(
        ("error", "message"),
        [
            pytest.param(
                FileNotFoundError(2, "No such file or directory"),
                "No Bluetooth service answers on this computer: start it, or use --simulate",
                id="no D-Bus",
            ),
            pytest.param(
                BleakDBusError("org.bluez.Error.Failed", ["adapter busy"]),
                "Bluetooth cannot be used ([org.bluez.Error.Failed] adapter busy): switch it off and on",
                id="BlueZ fails",
            ),
            pytest.param(
                EOFError(),
                "Bluetooth cannot be used (EOFError): switch it off and on",
                id="the service dies",
            ),
        ],
    )
    def test_other_trouble_is_a_device_error_too(self, error: Exception, message: str):
        assert message_of_scan_failing_with(error) == message


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
            pulse = HeartRateOutlet(clock, Heartless())
            return [
                HeartRateMeasurement.from_bytes(pulse.payload(start_s, start_s + 1)).contact
                for start_s in range(6)
            ]

        assert run(main, SPEED) == [True, True, True, True, False, False]
