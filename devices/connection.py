"""Bluetooth as the rest of the house sees it: scanning, and links that come back by themselves.

The only module that talks to bleak. A lost sensor is nothing exceptional here: `supervise` tells its
sink, waits a little and connects anew, with a new client and a higher generation each time. Whatever
an old client still delivers is dropped, so a notification can never be counted twice.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from bleak import BleakClient, BleakScanner
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakCharacteristicNotFoundError,
    BleakDBusError,
    BleakDeviceNotFoundError,
    BleakError,
    BleakGATTProtocolError,
    BleakGATTProtocolErrorCode,
)

from devices.device_information import BATTERY_CHANNEL, BATTERY_LEVEL, describe, undescribed
from devices.driver import Advert, Driver
from devices.drivers.registry import drivers
from pipeline.errors import DeviceError, PairingError
from pipeline.model import DeviceInfo

_CONNECT_S = 15.0
_DESCRIBE_S = 5.0
_START_S = 15.0
_PAIR_S = 40.0  # a person may have to agree to it
_MOST_PAIRINGS = 2  # in vain; then it is only said what to do
_STOP_S = 5.0
_FIRST_DATA_S = 10.0  # some sensors settle, or ask to be worn, before they send anything
_MOMENT_S = 0.001  # a timer may be early by the last bit of a clock, and would then be set again for ever
_SHORTEST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 10.0

T = TypeVar("T")

_ADDRESS = re.compile(r"[\w/]*(?:[0-9A-Fa-f]{2}[:_]){5}[0-9A-Fa-f]{2}[\w/]*")  # also within BlueZ's paths

_Att = BleakGATTProtocolErrorCode
_WANTS_PAIRING = {
    _Att.INSUFFICIENT_AUTHENTICATION,
    _Att.INSUFFICIENT_AUTHORIZATION,
    _Att.INSUFFICIENT_ENCRYPTION,
    _Att.INSUFFICIENT_ENCRYPTION_KEY_SIZE,
}

_Reason = BleakBluetoothNotAvailableReason
_UNAVAILABLE = {
    _Reason.NO_BLUETOOTH: "This computer has no Bluetooth adapter: plug one in, or use --simulate",
    _Reason.NO_BLE_CENTRAL_ROLE: "This Bluetooth adapter cannot connect to sensors: plug in one with"
    " Bluetooth Low Energy",
    _Reason.POWERED_OFF: "Bluetooth is switched off: turn it on in the system's settings",
    _Reason.DENIED_BY_USER: "Bluetooth is not allowed for this program: allow it in the system's privacy"
    " settings and start again",
    _Reason.DENIED_BY_SYSTEM: "The system does not let this user use Bluetooth: ask its administrator"
    " (on Linux, for the group 'bluetooth')",
    _Reason.DENIED_BY_UNKNOWN: "Bluetooth is not allowed for this program: check the system's privacy"
    " settings and start again",
    _Reason.UNKNOWN: "Bluetooth is not available: check that it is switched on",
}


_NOBODY = "No Bluetooth service answers on this computer: start it, or use --simulate"
_PAIR_FIRST = "the sensor wants to be paired: pair it in the system's Bluetooth settings"


@dataclass(frozen=True, slots=True)
class Radio:
    """Which bleak backend to use; None is the platform's own."""

    scanner: type[BaseBleakScanner] | None = None
    client: type[BaseBleakClient] | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A device in reach, and the driver that can read it, if there is one."""

    advert: Advert
    driver: Driver | None
    handle: BLEDevice


class LinkEvent(StrEnum):
    """What became of a link."""

    CONNECTED = "connected"
    PAIRED = "paired"  # the sensor wanted it
    QUIET = "quiet"  # one of its streams brings nothing, while others flow
    LOST = "lost"  # the connection ended
    SILENT = "silent"  # it stayed up without data, and was given up
    FAILED = "failed"  # an attempt came to nothing
    STOPPED = "stopped"  # nobody wants it any more; the last event of a device


class Sink(Protocol):
    """Where everything from the sensors goes. Called on the event loop; must neither block nor raise."""

    def notification(self, device: str, channel: str, generation: int, payload: bytes) -> None:
        """Take one notification, as it came."""

    def described(self, device: str, generation: int, info: DeviceInfo) -> None:
        """Take a sensor's description: once for each connection, before its first notification.

        A sensor is asked until it has answered once; later connections repeat that answer.
        """

    def link(self, device: str, generation: int, event: LinkEvent, reason: str) -> None:
        """Take a change of the link; `reason` is for a person, and may be empty."""


async def scan(
    radio: Radio,
    seconds: float = 5.0,
    until: Callable[[list[Found]], bool] | None = None,
    known: Sequence[Driver] | None = None,
) -> list[Found]:
    """Listen for devices: those a driver reads come first, then the stronger signal.

    `known` are the drivers to look for, by default those that come with vagal. Ends early once `until` is
    true of what was found. Raises DeviceError if there is no Bluetooth to use.
    """
    found: dict[str, Found] = {}
    enough = asyncio.Event()
    wanted = drivers() if known is None else known

    def heard(handle: BLEDevice, data: AdvertisementData) -> None:
        found[handle.address] = _found(handle, data, wanted)
        if until is not None and until(_ranked(found.values())):
            enough.set()

    try:
        async with BleakScanner(heard, backend=radio.scanner):
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await enough.wait()
    except (BleakError, OSError, EOFError) as error:
        raise DeviceError(_bluetooth_trouble(error)) from error
    return _ranked(found.values())


def _found(handle: BLEDevice, data: AdvertisementData, known: Iterable[Driver]) -> Found:
    heard = data.local_name or handle.name or ""
    name = "".join(sign if sign.isprintable() else "?" for sign in heard)  # it will meet a terminal
    advert = Advert(handle.address, name, tuple(data.service_uuids), data.rssi)
    return Found(advert, next((driver for driver in known if driver.recognises(advert)), None), handle)


def _ranked(found: Iterable[Found]) -> list[Found]:
    return sorted(found, key=lambda each: (each.driver is None, -each.advert.rssi_dbm, each.advert.address))


def _bluetooth_trouble(error: Exception) -> str:
    if isinstance(error, BleakBluetoothNotAvailableError):
        return _UNAVAILABLE.get(error.reason, _UNAVAILABLE[_Reason.UNKNOWN])
    if isinstance(error, OSError):  # on Linux, a system without D-Bus
        return _NOBODY
    if isinstance(error, BleakDBusError) and error.dbus_error == "org.freedesktop.DBus.Error.ServiceUnknown":
        return _NOBODY
    return f"Bluetooth cannot be used ({_reason(error)}): switch it off and on"


def _reason(error: Exception) -> str:
    """An error as a few words for the session's log, which must not name the device."""
    if isinstance(error, BleakBluetoothNotAvailableError):
        return _bluetooth_trouble(error)
    if isinstance(error, BleakDeviceNotFoundError):
        return "the sensor is not in reach"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, BleakGATTProtocolError):
        return str(error.args[-1])
    if isinstance(error, BleakDBusError) and error.dbus_error == "org.bluez.Error.NotReady":
        return _UNAVAILABLE[_Reason.POWERED_OFF]
    return _ADDRESS.sub("of the sensor", str(error)) or type(error).__name__


async def supervise(
    found: Found, device: str, sink: Sink, radio: Radio, hash_serial: Callable[[str], str]
) -> None:
    """Keep a sensor's stream going until cancelled; only cancellation ends it.

    Each attempt has a new client and the next generation, from 1. After data have flowed the next
    attempt comes in 0.5 s; each one that brings none doubles the pause, up to 10 s. `device` names the
    sensor to the sink, and `found.driver` must be set.
    """
    generation, pause_s, sensor = 0, _SHORTEST_PAUSE_S / 2, _Sensor()
    try:
        while True:
            generation += 1
            flowed = forgotten = False
            try:
                connection = _Connection(found, device, generation, sink, radio, sensor)
                await connection.run(hash_serial)
                flowed, forgotten = connection.flowed, connection.forgotten
            except Exception as error:  # a fault of ours: the sensor is worth another attempt all the same
                sink.link(device, generation, LinkEvent.FAILED, _reason(error))
            pause_s = _SHORTEST_PAUSE_S if flowed else min(2 * pause_s, _LONGEST_PAUSE_S)
            await asyncio.sleep(pause_s)
            if forgotten:
                found = await _found_again(found, radio)
    finally:
        sink.link(device, generation, LinkEvent.STOPPED, "")


async def _found_again(found: Found, radio: Radio) -> Found:
    """The device with a handle that works: systems forget a device that stayed away, and the handle dies."""
    address = found.advert.address

    def is_back(devices: list[Found]) -> bool:
        return any(each.advert.address == address for each in devices)

    with suppress(DeviceError):
        for each in await scan(radio, _CONNECT_S, is_back):
            if each.advert.address == address:
                return replace(found, handle=each.handle)
    return found


@dataclass(slots=True)
class _Watch:
    """A channel that is expected to speak."""

    silence_s: float
    heard_s: float
    flowed: bool = False
    told: bool = False

    @property
    def due_s(self) -> float:
        """When it has been silent for too long."""
        return self.heard_s + self.patience_s

    @property
    def patience_s(self) -> float:
        return self.silence_s if self.flowed else max(self.silence_s, _FIRST_DATA_S)


async def _attempt(work: Coroutine[Any, Any, None]) -> None:
    """Do a last piece of work on a link, which may fail at any moment; cancelled or not, it has 5 s.

    In a task of its own: a backend must not swallow a cancellation that is meant for us.
    """
    working = asyncio.ensure_future(work)
    try:
        await asyncio.wait({working}, timeout=_STOP_S)
    except asyncio.CancelledError:
        await asyncio.wait({working}, timeout=_STOP_S)
        raise
    finally:
        working.cancel()
        if working.done() and not working.cancelled():
            working.exception()  # looked at, or asyncio reports it as forgotten


def _name_of(channel: str | Callable[[bytes], str], payload: bytes) -> str:
    """The channel of a notification; one that its driver cannot name is journalled all the same."""
    if isinstance(channel, str):
        return channel
    try:
        return channel(payload)
    except Exception:
        return "unnamed"


@dataclass(slots=True)
class _Sensor:
    """What is known of a sensor over all attempts: its description, and how often it was paired in vain."""

    info: DeviceInfo | None = None
    pairings: int = 0


class _Connection:
    """One attempt with its own client: a `Link` to the driver, and the only way from bleak to the sink."""

    def __init__(
        self, found: Found, device: str, generation: int, sink: Sink, radio: Radio, sensor: _Sensor
    ) -> None:
        assert found.driver is not None, f"{found.advert.name}: no driver"
        self.forgotten = False
        self._sensor = sensor
        self._driver = found.driver
        self._device, self._generation, self._sink = device, generation, sink
        self._loop = asyncio.get_running_loop()
        self._lost = asyncio.Event()
        self._current = True
        self._watched: dict[str, _Watch] = {}
        self._subscribed: set[str] = set()
        self._client = BleakClient(
            found.handle, lambda _: self._lost.set(), timeout=_CONNECT_S, backend=radio.client
        )

    @property
    def flowed(self) -> bool:
        """Whether it brought data."""
        return any(watch.flowed for watch in self._watched.values())

    async def run(self, hash_serial: Callable[[str], str]) -> None:
        """Connect and stream until the link dies; leaves no connection open. Raises only if cancelled."""
        try:
            event, reason = await self._stream(hash_serial)
        except asyncio.CancelledError:
            await self._stop()
            raise
        except Exception as error:  # backends raise anything at all; here it always means "try again"
            self._tell(LinkEvent.FAILED, _reason(error))
            await self._stop()
        else:
            self._tell(event, reason)
            await self._stop()
        finally:
            self._current = False
            await self._disconnect()

    async def _stream(self, hash_serial: Callable[[str], str]) -> tuple[LinkEvent, str]:
        self.forgotten = True  # or so it may be: BlueZ has no error of its own for a device it removed
        # Backends keep to the limit they were given, mostly.
        await self._while_up(self._client.connect(), _CONNECT_S + _STOP_S)
        self.forgotten = False
        self._tell(LinkEvent.CONNECTED, "")
        self._sink.described(self._device, self._generation, await self._describe(hash_serial))
        with suppress(Exception):  # many sensors have no battery service, or do not notify
            await self._while_up(self._subscribe_battery(), _DESCRIBE_S)
        await self._start()
        return await self._end_of_data()

    async def _describe(self, hash_serial: Callable[[str], str]) -> DeviceInfo:
        """What the sensor says of itself; once it has answered it is not asked again."""
        if self._sensor.info is None:
            with suppress(Exception):  # a sensor that cannot describe itself may still stream
                describing = describe(self, self._driver, hash_serial)
                self._sensor.info = await self._while_up(describing, _DESCRIBE_S)
        return self._sensor.info or undescribed(self._driver)

    async def _subscribe_battery(self) -> None:
        level = self._client.services.get_characteristic(BATTERY_LEVEL)
        if level is not None and "notify" in level.properties:
            await self.subscribe(BATTERY_LEVEL, BATTERY_CHANNEL, silence_s=None)

    async def _start(self) -> None:
        """Start the driver, paired where the sensor asks for that; not again where that was in vain."""
        try:
            await self._while_up(self._driver.start(self), _START_S)
        except PairingError:
            if self._sensor.pairings >= _MOST_PAIRINGS:
                raise
            self._sensor.pairings += 1
            await self._while_up(self._pair(), _PAIR_S)
            await self._while_up(self._driver.start(self), _START_S)
            self._tell(LinkEvent.PAIRED, "")
            self._sensor.pairings = 0

    async def _pair(self) -> None:
        try:
            await self._client.pair()
        except NotImplementedError:  # macOS asks its user by itself
            return
        except (BleakError, OSError) as error:
            raise PairingError(f"{_PAIR_FIRST} ({_reason(error)})") from error

    async def _while_up(self, work: Coroutine[Any, Any, T], limit_s: float) -> T:
        """The result of work on the link. Raises TimeoutError, or BleakError as soon as the link is lost.

        The work has a task of its own: a cancellation of ours then reaches us, whatever a backend does with
        the one it sees, and one that a backend makes up is not mistaken for ours.
        """
        if self._lost.is_set():
            work.close()
            raise BleakError("the connection ended")
        working, lost = asyncio.ensure_future(work), asyncio.ensure_future(self._lost.wait())
        try:
            await asyncio.wait({working, lost}, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
            if working.done() and not working.cancelled():
                return working.result()
            if working.done() or lost.done():
                raise BleakError("the connection ended")
            raise TimeoutError
        finally:
            working.cancel()
            lost.cancel()
            await asyncio.wait({working, lost}, timeout=_STOP_S)
            if working.done() and not working.cancelled():
                working.exception()  # looked at, or asyncio reports it as forgotten

    async def _end_of_data(self) -> tuple[LinkEvent, str]:
        """Watch the streams until the connection ends, or one that flowed dries up."""
        began_s = self._loop.time()
        for watch in self._watched.values():
            if not watch.flowed:
                watch.heard_s = began_s
        while not self._lost.is_set():
            expected = [watch.due_s for watch in self._watched.values() if not watch.told]
            left_s = min(expected, default=self._loop.time() + _CONNECT_S) - self._loop.time()
            if left_s < _MOMENT_S:
                if silence := self._silence():
                    return LinkEvent.SILENT, silence
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(left_s):
                    await self._lost.wait()
        return LinkEvent.LOST, "the connection ended"

    def _silence(self) -> str | None:
        """Why the link counts as dead, or None if it is only a stream that never began beside others."""
        now_s = self._loop.time()
        for channel, watch in self._watched.items():
            if watch.told or watch.due_s - now_s >= _MOMENT_S:
                continue
            what = "data" if len(self._watched) == 1 else channel
            if watch.flowed or not self.flowed:
                return f"no {what} for {watch.patience_s:g} s"
            watch.told = True
            self._tell(LinkEvent.QUIET, f"no {what} so far")
        return None

    async def _stop(self) -> None:
        if self._client.is_connected:
            await _attempt(self._driver.stop(self))

    async def _disconnect(self) -> None:
        await _attempt(self._client.disconnect())

    def _tell(self, event: LinkEvent, reason: str) -> None:
        self._sink.link(self._device, self._generation, event, reason)

    async def read(self, characteristic: str) -> bytes:
        with self._answers():
            return bytes(await self._client.read_gatt_char(characteristic))

    async def write(self, characteristic: str, data: bytes, *, response: bool = True) -> None:
        with self._answers():
            await self._client.write_gatt_char(characteristic, data, response)

    async def subscribe(
        self,
        characteristic: str,
        channel: str | Callable[[bytes], str],
        *,
        silence_s: float | None,
        heard: Callable[[bytes], None] | None = None,
    ) -> None:
        if characteristic in self._subscribed:
            return

        def arrived(_: BleakGATTCharacteristic, data: bytearray) -> None:
            if not self._current:
                return
            payload = bytes(data)
            name = _name_of(channel, payload)
            self._sink.notification(self._device, name, self._generation, payload)
            if watch := self._watched.get(name):
                if watch.told:
                    self._tell(LinkEvent.CONNECTED, f"{name} began")
                watch.heard_s, watch.flowed, watch.told = self._loop.time(), True, False
            if heard is not None:
                with suppress(Exception):  # what a driver makes of an answer must not disturb the link
                    heard(payload)

        with self._answers():
            await self._client.start_notify(characteristic, arrived)
        self._subscribed.add(characteristic)
        if silence_s is not None and isinstance(channel, str):
            self.expect(channel, silence_s)

    def expect(self, channel: str, silence_s: float) -> None:
        self._watched.setdefault(channel, _Watch(silence_s, self._loop.time()))

    @contextmanager
    def _answers(self) -> Iterator[None]:
        """A sensor's refusal as an error of ours; trouble with the link stays what it is."""
        try:
            yield
        except BleakGATTProtocolError as error:
            if error.args[0] in _WANTS_PAIRING:
                raise PairingError(_PAIR_FIRST) from error
            raise DeviceError(_reason(error)) from error
        except BleakCharacteristicNotFoundError as error:
            raise DeviceError(_reason(error)) from error
        except BleakDBusError as error:
            if error.dbus_error == "org.bluez.Error.NotPermitted":  # BlueZ's "Not paired", for several codes
                raise PairingError(_PAIR_FIRST) from error
            raise
