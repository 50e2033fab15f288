"""What virtual sensors have in common: they advertise, describe themselves and notify what a body does.

They behave as hardware does on a radio: out of reach, or with nobody subscribed, they keep time, and
what was due is lost.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar, Protocol, Self

from bumble import hci
from bumble.controller import Controller
from bumble.core import UUID, AdvertisingData
from bumble.device import Connection, Device, DeviceConfiguration
from bumble.gatt import Characteristic, Service

from devices import device_information
from devices.virtual.radio import VirtualRadio
from pipeline.clock import Clock
from pipeline.model import Floats

_ADVERTISING_MS = 200
_DISCOVERABLE_LE_ONLY = b"\x06"


class Body(Protocol):
    """The person who wears the sensor. Times are those of the clock."""

    def beats(self, start_s: float, end_s: float) -> Sequence[tuple[float, float]]:
        """The beats a strap detects in `start_s <= end of beat < end_s`: end time in s, RR in ms."""

    def eda_us(self, start_s: float, end_s: float, rate_hz: float) -> Floats:
        """Skin conductance in µS at k / rate_hz, for each integer k with start_s <= k / rate_hz < end_s."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A notification that went out to a subscriber."""

    time_s: float
    channel: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Label:
    """How a virtual sensor presents itself."""

    name: str
    address: str
    model: str
    serial: str
    firmware: str = "1.0"
    battery_pct: int = 87
    signal_dbm: int = -50


def readable(uuid: str, value: bytes) -> Characteristic[bytes]:
    """A characteristic with a value that can be read."""
    return Characteristic(UUID(uuid), Characteristic.Properties.READ, Characteristic.READABLE, value)


def notifying(uuid: str) -> Characteristic[bytes]:
    """A characteristic that can be subscribed to."""
    return Characteristic(UUID(uuid), Characteristic.Properties.NOTIFY, Characteristic.READABLE, b"")


class Peripheral(ABC):
    """A virtual sensor: on the air from `start` to `stop`, streaming while `run` runs.

    `sent` logs what was notified to a subscriber. While `muted` it stays connected and sends nothing.
    """

    channel: ClassVar[str]
    period_s: ClassVar[float]

    def __init__(
        self,
        radio: VirtualRadio,
        clock: Clock,
        body: Body,
        label: Label,
        service: str,
        stream: Characteristic[bytes],
    ) -> None:
        self.label = label
        self.sent: list[Sent] = []
        self.muted = False
        self._air, self._clock, self._body, self._stream = radio.link_layer, clock, body, stream
        self._controller = Controller(label.name, link=self._air)
        self.device = _device(label, service, self._controller)
        self.device.add_services([Service(UUID(service), [stream]), *_description(label)])
        radio.signal_dbm[label.address] = label.signal_dbm

    @abstractmethod
    def payload(self, start_s: float, end_s: float) -> bytes:
        """The notification due at `end_s`, of what the body did since `start_s`."""

    async def start(self) -> None:
        """Power on and advertise; again after each disconnection."""
        await self.device.power_on()
        await self.device.start_advertising(auto_restart=True)

    async def stop(self) -> None:
        """Leave the air; await it before the event loop ends."""
        await self.device.stop_advertising()
        await self.drop_link()
        await self.device.power_off()
        self._air.leave(self._controller)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def run(self) -> None:
        """Stream until cancelled, on whole multiples of the period, so no delay ever adds up."""
        period = int(self._clock.now() / self.period_s)
        while True:
            start_s, end_s = period * self.period_s, (period + 1) * self.period_s
            await asyncio.sleep(end_s - self._clock.now())
            await self._notify(self.payload(start_s, end_s))
            period += 1

    async def drop_link(self) -> None:
        """End the connection from this side."""
        for connection in list(self.device.connections.values()):
            with suppress(hci.HCI_Error):  # it ended by itself meanwhile
                await connection.disconnect()

    def out_of_range(self) -> None:
        """Carry the sensor out of reach: its links die without a farewell."""
        self._air.part(self._controller)

    def in_range(self) -> None:
        """Bring the sensor back."""
        self._air.rejoin(self._controller)

    async def _notify(self, payload: bytes) -> None:
        for connection in list(self._subscribers()):
            self.sent.append(Sent(self._clock.now(), self.channel, payload))
            await self.device.notify_subscriber(connection, self._stream, payload)

    def _subscribers(self) -> Iterator[Connection]:
        if self.muted or not self._air.within_reach(self._controller):
            return
        for connection in self.device.connections.values():
            settings = self.device.gatt_server.subscribers.get(connection, {})
            if settings.get(self._stream.handle, b"\0")[0] & 1:  # bit 0 asks for notifications
                yield connection


def _device(label: Label, service: str, controller: Controller) -> Device:
    configuration = DeviceConfiguration(
        name=label.name,
        address=hci.Address(label.address),
        advertising_interval_min=_ADVERTISING_MS,
        advertising_interval_max=_ADVERTISING_MS,
    )
    device = Device.from_config_with_hci(configuration, controller, controller)
    device.advertising_data = _advert(label.name, UUID(service))
    return device


def _advert(name: str, service: UUID) -> bytes:
    """The bytes of an advert, of which there are 31 at most."""
    short = len(service.uuid_bytes) == 2
    listed = (
        AdvertisingData.Type.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS
        if short
        else AdvertisingData.Type.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS
    )
    advert = AdvertisingData(
        [
            (AdvertisingData.Type.FLAGS, _DISCOVERABLE_LE_ONLY),
            (listed, service.uuid_bytes),
            (AdvertisingData.Type.COMPLETE_LOCAL_NAME, name.encode()),
        ]
    )
    return bytes(advert)


def _description(label: Label) -> list[Service]:
    battery = readable(device_information.BATTERY_LEVEL, bytes([label.battery_pct]))
    texts = [
        readable(device_information.MODEL, label.model.encode()),
        readable(device_information.SERIAL, label.serial.encode()),
        readable(device_information.FIRMWARE, label.firmware.encode()),
    ]
    return [
        Service(UUID(device_information.BATTERY_SERVICE), [battery]),
        Service(UUID(device_information.SERVICE), texts),
    ]
