"""A radio made of software: a bleak backend whose other end is a virtual link.

What scans and connects is a Bumble host; `devices.connection` uses it through bleak's own classes, as it
uses a real adapter, so everything above the backend is what runs with real sensors.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, Final, Self, TypeVar

from bleak.args import SizedBuffer
from bleak.assigned_numbers import gatt_char_props_to_strs
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, AdvertisementDataCallback, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDeviceNotFoundError,
    BleakError,
    BleakGATTProtocolError,
)
from bleak.uuids import normalize_uuid_str
from bumble import att, controller, gatt_client, gatt_server, hci, host
from bumble.att import ATT_Error
from bumble.controller import Controller
from bumble.core import UUID, AdvertisingData, PhysicalTransport
from bumble.device import Advertisement, Connection, Device, DeviceConfiguration, Peer
from bumble.gatt_client import CharacteristicProxy, Client
from bumble.link import LocalLink
from bumble.ll import AdvertisingPdu, ControlPdu

from devices.connection import Radio

_TYPICAL_DBM = -50
_MTU = 517
_SHORT_UUIDS: Final = AdvertisingData.Type.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS
_LONG_UUIDS: Final = AdvertisingData.Type.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS

T = TypeVar("T")

# Packets that cross a link as it breaks are what this module is for, not news for a person's terminal.
logging.getLogger("bumble").setLevel(logging.ERROR)


def _write_no_packets_out() -> None:
    """Keep Bumble from writing out each packet for a log that is off: a sixth of what a session costs."""
    for packet in (hci.HCI_Command, hci.HCI_Event, hci.HCI_AclDataPacket, att.ATT_PDU):
        packet.__str__ = object.__repr__  # type: ignore[method-assign]
    for module in (controller, gatt_client, gatt_server, host):
        module.color = _plain  # type: ignore[attr-defined]


def _plain(text: str, *_: object, **__: object) -> str:
    return text


_write_no_packets_out()


class Air(LocalLink):
    """The space between radios, in which one may be out of reach."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # bumble leaves this one out
        self._away: set[Controller] = set()

    def within_reach(self, controller: Controller) -> bool:
        return controller not in self._away

    def part(self, controller: Controller) -> None:
        """Take a radio out of reach: each end of its links sees a supervision timeout, and no farewell."""
        self._away.add(controller)
        self._end_links(controller)

    def rejoin(self, controller: Controller) -> None:
        """Bring a radio back into reach."""
        self._end_links(controller)  # one may have been in the making when it went
        self._away.discard(controller)

    def _end_links(self, controller: Controller) -> None:
        for near in self.controllers:
            for connection in list(near.le_connections.values()):
                if near is controller or self.find_le_controller(connection.peer_address) is controller:
                    near.on_le_disconnected(connection, hci.HCI_CONNECTION_TIMEOUT_ERROR)

    def leave(self, controller: Controller) -> None:
        """Take a radio away for good."""
        self._away.discard(controller)
        self.controllers.discard(controller)

    def _hears(self, address: hci.Address) -> bool:
        controller = self.find_le_controller(address)
        return controller is not None and self.within_reach(controller)

    def send_advertising_pdu(self, sender_controller: Controller, packet: AdvertisingPdu) -> None:
        if self.within_reach(sender_controller):
            super().send_advertising_pdu(sender_controller, packet)

    def send_acl_data(
        self,
        sender_controller: Controller,
        destination_address: hci.Address,
        transport: PhysicalTransport,
        data: bytes,
    ) -> None:
        if self.within_reach(sender_controller) and self._hears(destination_address):
            super().send_acl_data(sender_controller, destination_address, transport, data)

    def send_ll_control_pdu(
        self, sender_address: hci.Address, receiver_address: hci.Address, packet: ControlPdu
    ) -> None:
        if self._hears(sender_address) and self._hears(receiver_address):
            super().send_ll_control_pdu(sender_address, receiver_address, packet)


class VirtualRadio:
    """An adapter to scan and connect with, and the air it shares with virtual peripherals.

    Make it, start it and stop it on one running event loop. `powered` is the adapter's switch;
    `signal_dbm` holds signal strengths by address. While it is `leaky`, what was subscribed to on a
    connection that has ended goes on being called, as some systems do.
    """

    def __init__(self, address: str = "F0:F1:F2:F3:F4:F5") -> None:
        self.powered = True
        self.leaky = False
        self.signal_dbm: dict[str, int] = {}
        self.stale: list[tuple[str, str, NotifyCallback]] = []
        self.link_layer = Air()
        self.controller = Controller("central", link=self.link_layer)
        configuration = DeviceConfiguration(name="central", address=hci.Address(address))
        self.device = Device.from_config_with_hci(configuration, self.controller, self.controller)
        self._connecting = asyncio.Lock()  # a controller has one pending connection at most

    @property
    def radio(self) -> Radio:
        """What `devices.connection` takes to use this radio."""
        central = self

        class VirtualScanner(_Scanner):
            radio = central

        class VirtualClient(_Client):
            radio = central

        return Radio(VirtualScanner, VirtualClient)

    async def start(self) -> None:
        await self.device.power_on()
        await self.device.start_scanning(active=False)

    async def stop(self) -> None:
        """Close every link; await it before the event loop ends."""
        for connection in list(self.device.connections.values()):
            await connection.disconnect()
        await self.device.stop_scanning()
        await self.device.power_off()
        self.link_layer.leave(self.controller)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def switch(self, *, on: bool) -> None:
        """Turn the adapter on or off; all its links end."""
        self.powered = on
        if on:
            self.link_layer.rejoin(self.controller)
        else:
            self.link_layer.part(self.controller)

    def require_power(self) -> None:
        """Raise what bleak raises when the adapter is switched off."""
        if not self.powered:
            raise BleakBluetoothNotAvailableError(
                "No powered Bluetooth adapters found.", BleakBluetoothNotAvailableReason.POWERED_OFF
            )

    async def connect(self, address: str) -> Connection:
        """Connect as soon as the device is heard. Waits as long as that takes."""
        await self._end_stray_links(address)
        target = await self._heard(address)
        async with self._connecting:
            try:
                return await self.device.connect(target, timeout=None)
            except asyncio.CancelledError:
                self.controller.pending_le_connection = None  # the controller ignores the cancel command
                raise

    def holds(self, connection: Connection) -> bool:
        """Whether the connection is still up."""
        return self.device.connections.get(connection.handle) is connection

    async def _end_stray_links(self, address: str) -> None:
        """A connect cancelled at the last moment can leave a link, and then the device does not advertise."""
        for connection in list(self.device.connections.values()):
            if _text(connection.peer_address) == address:
                await connection.disconnect()

    async def _heard(self, address: str) -> hci.Address:
        heard: asyncio.Future[hci.Address] = asyncio.get_running_loop().create_future()

        def on_advertisement(advertisement: Advertisement) -> None:
            if _text(advertisement.address) == address and not heard.done():
                heard.set_result(advertisement.address)

        self.device.on(Device.EVENT_ADVERTISEMENT, on_advertisement)
        try:
            return await heard
        finally:
            self.device.remove_listener(Device.EVENT_ADVERTISEMENT, on_advertisement)


def _text(address: hci.Address) -> str:
    return address.to_string(with_type_qualifier=False)


def _uuid_text(uuid: UUID) -> str:
    return normalize_uuid_str(uuid.to_hex_str("-"))


def _service_uuids(data: AdvertisingData) -> list[str]:
    listed = data.get_all(_SHORT_UUIDS) + data.get_all(_LONG_UUIDS)
    # The virtual scan response repeats the advert.
    return list(dict.fromkeys(_uuid_text(uuid) for uuids in listed for uuid in uuids))


class _Scanner(BaseBleakScanner):
    """bleak's scanner on a VirtualRadio."""

    radio: ClassVar[VirtualRadio]

    def __init__(
        self,
        detection_callback: AdvertisementDataCallback | None,
        service_uuids: list[str] | None,
        _scanning_mode: str,
        **_: Any,
    ) -> None:
        super().__init__(detection_callback, service_uuids)

    async def start(self) -> None:
        self.radio.require_power()
        self.seen_devices = {}
        self.radio.device.on(Device.EVENT_ADVERTISEMENT, self._on_advertisement)

    async def stop(self) -> None:
        self.radio.device.remove_listener(Device.EVENT_ADVERTISEMENT, self._on_advertisement)

    def _on_advertisement(self, advertisement: Advertisement) -> None:
        address = _text(advertisement.address)
        name = advertisement.data.get(AdvertisingData.Type.COMPLETE_LOCAL_NAME)
        uuids = _service_uuids(advertisement.data)
        data = AdvertisementData(
            local_name=name,
            manufacturer_data={},
            service_data={},
            service_uuids=uuids,
            tx_power=None,
            rssi=self.radio.signal_dbm.get(address, _TYPICAL_DBM),
            platform_data=(advertisement,),
        )
        if self.is_allowed_uuid(uuids):
            device = self.create_or_update_device(address, address, name, advertisement.address, data)
            self.call_detection_callbacks(device, data)


class _Client(BaseBleakClient):
    """bleak's client on a VirtualRadio."""

    radio: ClassVar[VirtualRadio]

    def __init__(
        self, address_or_ble_device: BLEDevice | str, services: set[str] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(address_or_ble_device, **kwargs)
        self._wanted = services
        named = isinstance(address_or_ble_device, BLEDevice) and address_or_ble_device.name
        self._name = named or self.address.replace(":", "-")
        self._connection: Connection | None = None
        self._callbacks: dict[int, Callable[[bytes], None]] = {}
        self._called: list[tuple[str, str, NotifyCallback]] = []

    @property
    def name(self) -> str:
        return self._name

    @property
    def mtu_size(self) -> int:
        return self._connection.att_mtu if self._connection else 23

    @property
    def is_connected(self) -> bool:
        return self._connection is not None

    async def connect(self, pair: bool, **_: Any) -> None:
        self.radio.require_power()
        try:
            async with asyncio.timeout(self._timeout):
                self._connection = await self.radio.connect(self.address)
        except TimeoutError:
            raise BleakDeviceNotFoundError(self.address, f"{self.name} is not in reach") from None
        self._connection.on(Connection.EVENT_DISCONNECTION, self._on_disconnection)
        try:
            if not self.radio.holds(self._connection):
                self._connection = None
                raise BleakError("the connection ended")
            if pair:
                await self.pair()
            self.services = await self._answer(self._discover(self._connection))
        except BaseException:
            await self.disconnect()
            raise

    async def _discover(self, connection: Connection) -> BleakGATTServiceCollection:
        peer = Peer(connection)
        await peer.request_mtu(_MTU)
        found = BleakGATTServiceCollection()
        for service in await peer.discover_services():
            uuid = _uuid_text(service.uuid)
            if self._wanted and uuid not in self._wanted:
                continue
            described = BleakGATTService(service, service.handle, uuid)
            found.add_service(described)
            for characteristic in await service.discover_characteristics():
                await self._add_characteristic(found, described, characteristic)
        return found

    async def _add_characteristic(
        self,
        found: BleakGATTServiceCollection,
        service: BleakGATTService,
        characteristic: CharacteristicProxy[bytes],
    ) -> None:
        described = BleakGATTCharacteristic(
            characteristic,
            characteristic.handle,
            _uuid_text(characteristic.uuid),
            list(gatt_char_props_to_strs(int(characteristic.properties))),
            lambda: self.mtu_size - 3,
            service,
        )
        found.add_characteristic(described)
        for descriptor in await characteristic.discover_descriptors():
            uuid = _uuid_text(descriptor.type)
            found.add_descriptor(BleakGATTDescriptor(descriptor, descriptor.handle, uuid, described))

    def _on_disconnection(self, _reason: int) -> None:
        self._connection, self.services = None, None
        self._callbacks.clear()
        if self.radio.leaky:
            self.radio.stale += self._called
        if self._disconnected_callback:
            self._disconnected_callback()

    async def disconnect(self) -> None:
        if self._connection is not None:
            await self._connection.disconnect()

    async def pair(self, *_args: Any, **_kwargs: Any) -> None:
        if self._connection is None:
            raise BleakError("not connected")
        await self._connection.pair()

    async def unpair(self) -> None:
        raise NotImplementedError

    @property
    def _gatt(self) -> Client:
        if self._connection is None:
            raise BleakError("not connected")
        return self._connection.gatt_client

    async def _answer(self, request: Coroutine[Any, Any, T]) -> T:
        """The answer to a request, or the error that bleak's own backends raise instead."""
        assert self._connection is not None
        try:
            # A request that nobody waits for any more still takes its answer; the host stumbles otherwise.
            return await asyncio.shield(self._connection.cancel_on_disconnection(request))
        except ATT_Error as error:
            raise BleakGATTProtocolError(error.error_code) from error
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            raise BleakError("the connection ended") from None

    async def read_gatt_char(self, characteristic: BleakGATTCharacteristic, **_: Any) -> bytearray:
        return bytearray(await self._answer(self._gatt.read_value(characteristic.handle)))

    async def read_gatt_descriptor(self, descriptor: BleakGATTDescriptor, **_: Any) -> bytearray:
        return bytearray(await self._answer(self._gatt.read_value(descriptor.handle)))

    async def write_gatt_char(
        self, characteristic: BleakGATTCharacteristic, data: SizedBuffer, response: bool
    ) -> None:
        await self._answer(self._gatt.write_value(characteristic.handle, bytes(data), response))

    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: SizedBuffer) -> None:
        await self._answer(self._gatt.write_value(descriptor.handle, bytes(data), True))

    async def start_notify(
        self, characteristic: BleakGATTCharacteristic, callback: NotifyCallback, **_: Any
    ) -> None:
        def notified(value: bytes) -> None:
            for address, uuid, stale in self.radio.stale:
                if (address, uuid) == (self.address, characteristic.uuid):
                    stale(bytearray(value))
            if self._callbacks.get(characteristic.handle) is notified:  # the host keeps refused ones
                callback(bytearray(value))

        self._called.append((self.address, characteristic.uuid, callback))
        self._callbacks[characteristic.handle] = notified
        await self._answer(self._gatt.subscribe(characteristic.obj, notified, prefer_notify=True))

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        notified = self._callbacks.pop(characteristic.handle)
        await self._answer(self._gatt.unsubscribe(characteristic.obj, notified))
