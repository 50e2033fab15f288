"""A virtual room for tests of links: bodies to sense, a sensor of no known kind, a sink that takes notes."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.scanner import BaseBleakScanner
from bumble.core import UUID
from bumble.gatt import Service

from devices import device_information
from devices.connection import Found, LinkEvent, Radio, scan, supervise
from devices.drivers.heart_rate import HeartRate
from devices.virtual.peripheral import Body, Label, Outlet, Peripheral, notifying
from devices.virtual.radio import VirtualRadio
from devices.virtual.strap import VirtualStrap
from pipeline.clock import Clock, run
from pipeline.errors import DeviceError
from pipeline.model import DeviceInfo, Floats

SPEED = 2000
CONNECTED, PAIRED, QUIET, LOST, SILENT, FAILED, STOPPED = LinkEvent
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

    SERVICE = "0000181d-0000-1000-8000-00805f9b34fb"

    def __init__(self, radio: VirtualRadio, clock: Clock, body: Body, label: Label) -> None:
        weight = notifying("00002a9d-0000-1000-8000-00805f9b34fb")
        service = Service(UUID(self.SERVICE), [weight])
        super().__init__(radio, clock, body, label, [service], [Outlet("weight", weight, 1.0, lambda *_: ())])


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


def described_by(values: dict[str, bytes]) -> DeviceInfo:
    """The description of a strap with these readable values."""

    class Values:
        async def read(self, characteristic: str) -> bytes:
            if characteristic not in values:
                raise DeviceError("absent")
            return values[characteristic]

        async def write(self, characteristic: str, data: bytes, *, response: bool = True) -> None: ...

        async def subscribe(self, characteristic: str, channel: Any, **_: Any) -> None: ...

        def expect(self, channel: str, silence_s: float) -> None: ...

    async def main(clock: Clock) -> DeviceInfo:
        return await device_information.describe(Values(), HeartRate(), str)

    return run(main, SPEED)


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


async def step(here: Room, turns: int) -> None:
    """Go on to so many turns of the event loop after the advert that a connection begins with."""
    await advert(here)
    await advert(here)
    for _ in range(turns):
        await asyncio.sleep(0)
