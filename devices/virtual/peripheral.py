"""What virtual sensors have in common: they advertise, describe themselves and notify what a body does.

They behave as hardware does on a radio: out of reach, or with nobody subscribed, they keep time, and
what was due is lost. What can go wrong with one is a method or a setting here; `devices.virtual.scenario`
calls them by the clock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol, Self

from bumble import gatt, hci
from bumble.att import Attribute, AttributeValue
from bumble.controller import Controller
from bumble.core import UUID, AdvertisingData
from bumble.device import Connection, Device, DeviceConfiguration
from bumble.gatt import Characteristic, Service

from devices import device_information
from devices.virtual.radio import VirtualRadio
from pipeline.clock import Clock
from pipeline.model import Floats

EARLY_S = 1e-6  # so much off a period's end, no rounding decides which samples are in it

_ADVERTISING_MS = 200
_DISCOVERABLE_LE_ONLY = b"\x06"
_Properties = Characteristic.Properties
_CCCD = gatt.GATT_CLIENT_CHARACTERISTIC_CONFIGURATION_DESCRIPTOR


class Body(Protocol):
    """The person who wears the sensor. Times are those of the clock.

    What is sampled is given at k / rate_hz, for each integer k with start_s <= k / rate_hz < end_s.
    """

    def beats(self, start_s: float, end_s: float) -> Sequence[tuple[float, float]]:
        """The beats a strap detects in `start_s <= end of beat < end_s`: end time in s, RR in ms."""

    def eda_us(self, start_s: float, end_s: float, rate_hz: float) -> Floats:
        """Skin conductance in µS."""

    def ecg_uv(self, start_s: float, end_s: float, rate_hz: float) -> Floats:
        """An electrocardiogram in µV. A P wave is early: ask a little later than it happens."""

    def ppg_au(self, start_s: float, end_s: float, rate_hz: float) -> Floats:
        """A pulse wave at the wrist."""

    def acc_mg(self, start_s: float, end_s: float, rate_hz: float) -> Floats:
        """Acceleration of the chest in mg, three columns."""


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


@dataclass(frozen=True, slots=True)
class Quartz:
    """What a sensor's own clock makes of time: it runs `drift` too fast (1e-6: a ppm), from `offset_s` on.

    A sensor samples by its own clock too: at nominal `rate_hz` it takes `actual_hz(rate_hz)` a second.
    """

    drift: float = 0.0
    offset_s: float = 0.0

    def actual_hz(self, rate_hz: float) -> float:
        """Samples a second of true time."""
        return rate_hz * (1 + self.drift)

    def at(self, time_s: float) -> float:
        """What the sensor's clock shows at a moment."""
        return self.offset_s + time_s * (1 + self.drift)


@dataclass(frozen=True, slots=True)
class Outlet:
    """What a sensor sends on one characteristic: at each whole multiple of `period_s`, as it counts time.

    `payloads(start_s, end_s)` are the notifications due at `end_s`, of what the body did since `start_s`;
    none while the stream is not started.
    """

    channel: str
    characteristic: Characteristic[bytes]
    period_s: float
    payloads: Callable[[float, float], Iterable[bytes]]


def readable(uuid: str, value: bytes) -> Characteristic[bytes]:
    """A characteristic with a value that can be read."""
    return Characteristic(UUID(uuid), _Properties.READ, Characteristic.READABLE, value)


def notifying(uuid: str, value: bytes = b"") -> Characteristic[bytes]:
    """A characteristic that can be subscribed to, and, with a value, read."""
    properties = _Properties.NOTIFY
    if value:
        properties |= _Properties.READ
    return Characteristic(UUID(uuid), properties, Characteristic.READABLE, value)


def commanded(
    uuid: str, written: Callable[[bytes], None], *, value: bytes = b"", answers: bool = False
) -> Characteristic[bytes]:
    """A characteristic that takes commands; with `answers`, one that indicates what came of them."""
    properties = _Properties.WRITE | _Properties.WRITE_WITHOUT_RESPONSE | _Properties.READ
    if answers:
        properties |= _Properties.INDICATE

    def write(_: object, data: bytes) -> None:
        written(bytes(data))

    permissions = Characteristic.READABLE | Characteristic.WRITEABLE
    return Characteristic(UUID(uuid), properties, permissions, AttributeValue(lambda _: value, write))


class Peripheral:
    """A virtual sensor: on the air from `start` to `stop`, streaming while `run` runs.

    `sent` logs what was notified to a subscriber. While `muted` it stays connected and sends nothing;
    while `stalled` it keeps what is due for a burst afterwards. `mangle` changes what goes out.
    `quartz` is its own clock, to be set before it streams.
    """

    def __init__(
        self,
        radio: VirtualRadio,
        clock: Clock,
        body: Body,
        label: Label,
        services: Sequence[Service],
        outlets: Sequence[Outlet],
    ) -> None:
        """Advertise the first of the services."""
        self.label = label
        self.sent: list[Sent] = []
        self.muted = False
        self.mangle: Callable[[bytes], bytes] | None = None
        self.quartz = Quartz()
        self.outlets = tuple(outlets)
        self._stalled: list[tuple[Outlet, bytes]] | None = None
        self._hangs_up = False
        self._replies: set[asyncio.Task[None]] = set()
        self._air, self._clock, self._body = radio.link_layer, clock, body
        self._controller = Controller(label.name, link=self._air)
        self.device = _device(label, services[0].uuid, self._controller)
        self.battery = notifying(device_information.BATTERY_LEVEL, bytes([label.battery_pct]))
        self.device.add_services([*services, *_description(label, self.battery)])
        server = self.device.gatt_server
        server.on(server.EVENT_CHARACTERISTIC_SUBSCRIPTION, self._on_subscription)
        radio.signal_dbm[label.address] = label.signal_dbm

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
        """Stream until cancelled, on whole multiples of each period, so no delay ever adds up."""
        async with asyncio.TaskGroup() as group:
            for outlet in self.outlets:
                group.create_task(self._stream(outlet))

    async def _stream(self, outlet: Outlet) -> None:
        period_s = outlet.period_s / (1 + self.quartz.drift)
        period = int(self._clock.now() / period_s)
        while True:
            start_s, end_s = period * period_s, (period + 1) * period_s
            await asyncio.sleep(end_s - self._clock.now())
            for payload in outlet.payloads(start_s, end_s):
                await self._notify(outlet, payload)
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

    def stall(self) -> None:
        """Keep what is due from now on."""
        self._stalled = []

    async def burst(self) -> None:
        """Send what was kept, all at once."""
        kept, self._stalled = self._stalled or [], None
        for outlet, payload in kept:
            await self._notify(outlet, payload)

    async def resend(self, count: int) -> None:
        """Send the latest notifications once more, as sensors with a memory do after a reconnection."""
        outlets = {outlet.channel: outlet for outlet in self.outlets}
        for sent in self.sent[-count:]:
            if sent.channel in outlets:
                await self._notify(outlets[sent.channel], sent.payload)

    def left_streaming(self) -> None:
        """Be as one that was started by somebody and never stopped; most need no start."""

    def hang_up_on_subscribing(self) -> None:
        """End the next connection in the moment in which somebody subscribes."""
        self._hangs_up = True

    def require_pairing(self) -> None:
        """Refuse to be subscribed to over a link that is not encrypted."""
        attributes = self.device.gatt_server.attributes
        for outlet in self.outlets:
            later = (each for each in attributes if each.handle > outlet.characteristic.handle)
            descriptor = next(each for each in later if each.type == _CCCD)
            descriptor.permissions |= Attribute.WRITE_REQUIRES_ENCRYPTION

    async def set_battery(self, percent: int) -> None:
        """Have another battery level, and tell it."""
        self.battery.value = bytes([percent])
        await self.device.notify_subscribers(self.battery, bytes([percent]))

    def answer(self, characteristic: Characteristic[bytes], payload: bytes) -> None:
        """Indicate what came of a command, to whoever listens, as soon as the command is acknowledged."""
        self._soon(self.device.indicate_subscribers(characteristic, payload))

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._replies.add(task)
        task.add_done_callback(self._replies.discard)

    def _on_subscription(
        self, _: object, characteristic: Characteristic[bytes], notify: bool, _indicate: bool
    ) -> None:
        if self._hangs_up and notify and characteristic is not self.battery:
            self._hangs_up = False
            self._soon(self.drop_link())

    async def _notify(self, outlet: Outlet, payload: bytes) -> None:
        if self._stalled is not None:
            self._stalled.append((outlet, payload))
            return
        payload = self.mangle(payload) if self.mangle else payload
        for connection in list(self._subscribers(outlet)):
            self.sent.append(Sent(self._clock.now(), outlet.channel, payload))
            await self.device.notify_subscriber(connection, outlet.characteristic, payload)

    def _subscribers(self, outlet: Outlet) -> Iterator[Connection]:
        if self.muted or not self._air.within_reach(self._controller):
            return
        for connection in self.device.connections.values():
            settings = self.device.gatt_server.subscribers.get(connection, {})
            if settings.get(outlet.characteristic.handle, b"\0")[0] & 1:  # bit 0 asks for notifications
                yield connection


def _device(label: Label, advertised: UUID, controller: Controller) -> Device:
    configuration = DeviceConfiguration(
        name=label.name,
        address=hci.Address(label.address),
        advertising_interval_min=_ADVERTISING_MS,
        advertising_interval_max=_ADVERTISING_MS,
    )
    device = Device.from_config_with_hci(configuration, controller, controller)
    device.advertising_data = _advert(label.name, advertised)
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


def _description(label: Label, battery: Characteristic[bytes]) -> list[Service]:
    texts = [
        readable(device_information.MODEL, label.model.encode()),
        readable(device_information.SERIAL, label.serial.encode()),
        readable(device_information.FIRMWARE, label.firmware.encode()),
    ]
    return [
        Service(UUID(device_information.BATTERY_SERVICE), [battery]),
        Service(UUID(device_information.SERVICE), texts),
    ]
