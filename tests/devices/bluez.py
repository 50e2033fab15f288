"""BlueZ in front of the virtual radio: a fake `org.bluez` on a D-Bus of its own.

Programs reach BlueZ over D-Bus alone, so bleak's own backend for Linux runs against this unchanged. It
imitates BlueZ's doc/org.bluez.{Adapter,Device,GattService,GattCharacteristic}.rst as far as vagal comes to
use them, and the errors of its src/gatt-client.c, src/device.c and src/error.h. It never pairs by itself, as
BlueZ where nobody agrees to it. Left out are descriptors, and AcquireNotify: bleak wants it only on request.
"""

# No `from __future__ import annotations`: dbus-fast reads the annotations, and would stumble over "None".

import asyncio
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

from bleak.backends.bluezdbus import manager as bleak_manager
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.backends.service import BleakGATTService
from bleak.exc import BleakError, BleakGATTProtocolError
from bleak.exc import BleakGATTProtocolErrorCode as Att
from dbus_fast import DBusError, Message, PropertyAccess
from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusBool, DBusBytes, DBusDict
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property

from devices.virtual.radio import VirtualRadio

DAEMON = shutil.which("dbus-daemon") if sys.platform == "linux" else None

_CONFIGURATION = """
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
  "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={folder}/bus</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/>
  </policy>
</busconfig>
"""
_ADAPTER = "/org/bluez/hci0"
_GIVE_UP_S = 20.0  # after which Linux does, too
_RESOLVE_S = 0.05

_ERRORS = {
    Att.READ_NOT_PERMITTED: ("NotPermitted", "Read not permitted"),
    Att.WRITE_NOT_PERMITTED: ("NotPermitted", "Write not permitted"),
    Att.INSUFFICIENT_AUTHENTICATION: ("NotPermitted", "Not paired"),
    Att.INSUFFICIENT_ENCRYPTION: ("NotPermitted", "Not paired"),
    Att.INSUFFICIENT_ENCRYPTION_KEY_SIZE: ("NotPermitted", "Not paired"),
    Att.INVALID_OFFSET: ("InvalidArguments", "Invalid offset"),
    Att.INVALID_ATTRIBUTE_VALUE_LENGTH: ("InvalidArguments", "Invalid Length"),
    Att.INSUFFICIENT_AUTHORIZATION: ("NotAuthorized", "Operation Not Authorized"),
    Att.REQUEST_NOT_SUPPORTED: ("NotSupported", "Operation is not supported"),
}

T = TypeVar("T")


@contextmanager
def private_bus() -> Iterator[str]:
    """A D-Bus with nobody on it; yields its address."""
    assert DAEMON is not None
    with tempfile.TemporaryDirectory(prefix="bus-") as folder:  # a socket's path must be short
        configuration = Path(folder, "bus.conf")
        configuration.write_text(_CONFIGURATION.lstrip().format(folder=folder))
        command = [DAEMON, f"--config-file={configuration}", "--nofork", "--print-address"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as daemon:
            try:
                assert daemon.stdout is not None
                yield daemon.stdout.readline().strip()
            finally:
                daemon.terminate()


async def leave_bus() -> None:
    """Take bleak off the bus: it keeps one connection for each event loop, and has no way to close it."""
    manager = bleak_manager._global_instances.pop(asyncio.get_running_loop(), None)
    if manager is not None and manager._bus is not None:
        manager._bus.disconnect()


async def _told() -> None:
    """Wait until bleak knows all that was said: what one says to another on a bus keeps its order."""
    manager = bleak_manager._global_instances.get(asyncio.get_running_loop())
    if manager is not None and manager._bus is not None:
        peer = "org.freedesktop.DBus.Peer"
        await manager._bus.call(Message(destination="org.bluez", path="/", interface=peer, member="Ping"))


def _error(name: str, text: str) -> DBusError:
    return DBusError(f"org.bluez.Error.{name}", text)


def _shown(name: str, signature: str, value: Callable[[Any], Any]) -> Any:
    """A property that can be read, of a D-Bus type."""
    value.__name__, value.__annotations__ = name, {"return": signature}  # which dbus-fast goes by
    return dbus_property(PropertyAccess.READ)(value)


async def _answer(request: Coroutine[Any, Any, T]) -> T:
    """The device's answer. Raises DBusError for what BlueZ makes one of."""
    try:
        return await request
    except BleakGATTProtocolError as error:
        other = ("Failed", f"Operation failed with ATT error: 0x{error.code:02x}")
        raise _error(*_ERRORS.get(error.code, other)) from None
    except BleakError:
        raise _error("Failed", "Operation failed") from None


class GattService1(ServiceInterface):
    """A service of a connected device."""

    UUID = _shown("UUID", "s", lambda self: self._service.uuid)
    Primary = _shown("Primary", "b", lambda _: True)
    Device = _shown("Device", "o", lambda self: self._device_path)

    def __init__(self, service: BleakGATTService, device_path: str) -> None:
        super().__init__("org.bluez.GattService1")
        self._service, self._device_path = service, device_path


class GattCharacteristic1(ServiceInterface):
    """A characteristic of a connected device.

    Each notification changes `Value`, even to what it was. So does each read: who reads a characteristic
    and is subscribed to it is told twice.
    """

    UUID = _shown("UUID", "s", lambda self: self._characteristic.uuid)
    Service = _shown("Service", "o", lambda self: self._service_path)
    Flags = _shown("Flags", "as", lambda self: self._characteristic.properties)
    MTU = _shown("MTU", "q", lambda self: self._client.mtu_size)
    Value = _shown("Value", "ay", lambda self: self._value)
    NotifyAcquired = _shown("NotifyAcquired", "b", lambda _: False)

    def __init__(
        self, characteristic: BleakGATTCharacteristic, service_path: str, client: BaseBleakClient
    ) -> None:
        super().__init__("org.bluez.GattCharacteristic1")
        self._characteristic, self._service_path, self._client = characteristic, service_path, client
        self._value = b""

    @dbus_method()
    async def ReadValue(self, _options: DBusDict) -> DBusBytes:
        self._take(await _answer(self._client.read_gatt_char(self._characteristic)))
        return self._value

    @dbus_method()
    async def WriteValue(self, value: DBusBytes, options: DBusDict) -> None:
        response = options["type"].value == "request"
        await _answer(self._client.write_gatt_char(self._characteristic, value, response))

    @dbus_method()
    async def StartNotify(self) -> None:
        await _answer(self._client.start_notify(self._characteristic, self._take))

    @dbus_method()
    async def StopNotify(self) -> None:
        await _answer(self._client.stop_notify(self._characteristic))

    def _take(self, value: bytearray) -> None:
        self._value = bytes(value)
        self.emit_properties_changed({"Value": self._value})


class Device1(ServiceInterface):
    """A device that was heard. Its services are on the bus from a moment after it is connected."""

    Adapter = _shown("Adapter", "o", lambda _: _ADAPTER)
    Address = _shown("Address", "s", lambda self: self._handle.address)
    Name = _shown("Name", "s", lambda self: self._handle.name)
    Alias = _shown("Alias", "s", lambda self: self._handle.name)
    UUIDs = _shown("UUIDs", "as", lambda self: self._data.service_uuids)
    RSSI = _shown("RSSI", "n", lambda self: self._data.rssi)
    Paired = _shown("Paired", "b", lambda self: self._paired)
    Connected = _shown("Connected", "b", lambda self: self._client is not None)
    ServicesResolved = _shown("ServicesResolved", "b", lambda self: bool(self._exported))

    def __init__(self, bluez: "Bluez", path: str, handle: BLEDevice, data: AdvertisementData) -> None:
        super().__init__("org.bluez.Device1")
        self._bluez, self._path, self._handle, self._data = bluez, path, handle, data
        self._told_dbm: int | None = None
        self._client: BaseBleakClient | None = None
        self._opening: asyncio.Future[None] | None = None
        self._resolving: asyncio.TimerHandle | None = None
        self._exported: list[str] = []
        self._paired = self._trusted = False

    @dbus_property()
    def Trusted(self) -> DBusBool:
        return self._trusted

    @Trusted.setter  # type: ignore[no-redef]  # of a property that mypy does not know as one
    def Trusted(self, trusted: DBusBool) -> None:
        self._trusted = trusted

    @dbus_method()
    async def Connect(self) -> None:
        self._bluez.require_power()
        if self._opening is not None:
            raise _error("InProgress", "Operation already in progress")
        if self._client is None:
            await self._open()

    @dbus_method()
    async def Disconnect(self) -> None:
        if self._client is None and self._opening is None:
            raise _error("NotConnected", "Not Connected")
        await self.close()

    @dbus_method()
    async def Pair(self) -> None:
        if self._paired:
            raise _error("AlreadyExists", "Already Exists")
        client = self._client or await self._open()
        try:
            await client.pair()
        except Exception:  # whatever the host makes of a refusal
            raise _error("AuthenticationFailed", "Authentication Failed") from None
        self._paired = True
        self.emit_properties_changed({"Paired": True})

    async def _open(self) -> BaseBleakClient:
        client: BaseBleakClient = self._bluez.client(
            self._handle, disconnected_callback=self._on_lost, timeout=_GIVE_UP_S, bluez={}
        )
        # A known key is used at once.
        self._opening = asyncio.ensure_future(client.connect(pair=self._paired))
        try:
            await self._opening
        except asyncio.CancelledError:
            raise _error("Failed", "br-connection-canceled") from None
        except BleakError:
            raise _error("Failed", "le-connection-abort-by-local") from None
        finally:
            self._opening = None
        self._client = client
        self.emit_properties_changed({"Connected": True})
        self._resolving = asyncio.get_running_loop().call_later(_RESOLVE_S, self._resolve, client)
        return client

    def _resolve(self, client: BaseBleakClient) -> None:
        for service in client.services or ():
            service_path = f"{self._path}/service{service.handle:04x}"
            self._export(service_path, GattService1(service, self._path))
            for characteristic in service.characteristics:
                path = f"{service_path}/char{characteristic.handle:04x}"
                self._export(path, GattCharacteristic1(characteristic, service_path, client))
        self.emit_properties_changed({"ServicesResolved": True})

    def _export(self, path: str, interface: ServiceInterface) -> None:
        self._bluez.bus.export(path, interface)
        self._exported.append(path)

    def _on_lost(self) -> None:
        if self._client is None:  # it came to nothing
            return
        self._client = None
        if self._resolving is not None:
            self._resolving.cancel()
        while self._exported:
            self._bluez.bus.unexport(self._exported.pop())
        self.emit_properties_changed({"ServicesResolved": False, "Connected": False})

    def heard(self, rssi_dbm: int) -> None:
        """Tell of an advert, but not of the same signal strength twice in a discovery."""
        if rssi_dbm != self._told_dbm:
            self._told_dbm = rssi_dbm
            self.emit_properties_changed({"RSSI": rssi_dbm})

    def discovered(self) -> None:
        """Tell that the discovery ended."""
        self._told_dbm = None
        self.emit_properties_changed({}, ["RSSI"])

    async def close(self) -> None:
        """End the connection, or the attempt at one."""
        if self._opening is not None:
            self._opening.cancel()
        if self._client is not None:
            await self._client.disconnect()


class Adapter1(ServiceInterface):
    """The adapter, powered as the virtual radio is."""

    Roles = _shown("Roles", "as", lambda _: ["central", "peripheral"])
    Powered = _shown("Powered", "b", lambda self: self._bluez.radio.powered)

    def __init__(self, bluez: "Bluez") -> None:
        super().__init__("org.bluez.Adapter1")
        self._bluez = bluez
        self._scanner: BaseBleakScanner | None = None

    @dbus_method()
    def SetDiscoveryFilter(self, _filter: DBusDict) -> None:
        self._bluez.require_power()

    @dbus_method()
    async def StartDiscovery(self) -> None:
        self._bluez.require_power()
        if self._scanner is not None:
            raise _error("InProgress", "Operation already in progress")
        self._scanner = self._bluez.scanner(self._bluez.heard, None, "active")
        await self._scanner.start()

    @dbus_method()
    async def StopDiscovery(self) -> None:
        self._bluez.require_power()
        if self._scanner is None:
            raise _error("Failed", "No discovery started")
        await self.close()

    async def close(self) -> None:
        """End the discovery, if there is one."""
        if self._scanner is not None:
            await self._scanner.stop()
            self._scanner = None
            for device in self._bluez.devices.values():
                device.discovered()


class Bluez:
    """The service, on the bus within `async with`; with one adapter, or with none."""

    def __init__(self, radio: VirtualRadio, address: str, *, adapter: bool = True) -> None:
        self.radio = radio
        self.scanner: Any = radio.radio.scanner
        self.client: Any = radio.radio.client
        self.bus = MessageBus(bus_address=address)
        self.devices: dict[str, Device1] = {}
        self._adapter = Adapter1(self)
        self._plugged_in = adapter

    async def __aenter__(self) -> Self:
        await self.bus.connect()
        if self._plugged_in:
            self.bus.export(_ADAPTER, self._adapter)
        await self.bus.request_name("org.bluez")
        return self

    async def __aexit__(self, *_: object) -> None:
        await leave_bus()
        await self._close()
        self.bus.disconnect()

    async def _close(self) -> None:
        await self._adapter.close()
        for device in self.devices.values():
            await device.close()

    async def switch(self, powered: bool) -> None:
        """Turn the adapter on, or off together with all it does."""
        self.radio.powered = powered
        if not powered:
            await self._close()
        self._adapter.emit_properties_changed({"Powered": powered})
        await _told()

    def require_power(self) -> None:
        """Raise DBusError while the adapter is off."""
        if not self.radio.powered:
            raise _error("NotReady", "Resource Not Ready")

    def heard(self, handle: BLEDevice, data: AdvertisementData) -> None:
        """Take an advert; a device that is not known becomes an object."""
        path = f"{_ADAPTER}/dev_{handle.address.replace(':', '_')}"
        if path not in self.devices:
            self.devices[path] = Device1(self, path, handle, data)
            self.bus.export(path, self.devices[path])
        self.devices[path].heard(data.rssi)

    async def forget(self) -> None:
        """Remove all devices, as BlueZ does with one that stays away for half a minute."""
        while self.devices:
            path, device = self.devices.popitem()
            await device.close()
            self.bus.unexport(path)
        await _told()
