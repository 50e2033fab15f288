"""What `vagal devices` says: the sensors in reach, the kinds that are supported, and what to do."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence

from devices.connection import Found, Radio, scan
from devices.registry import drivers
from pipeline.clock import Clock, run

_HINTS = {
    "Linux": "is Bluetooth on (`bluetoothctl power on`), and may you use it (group `bluetooth`)?",
    "Darwin": "is Bluetooth on, and may your terminal use it (System Settings, Privacy)?",
    "Windows": "is Bluetooth on (Settings, Bluetooth & devices)? Pairing there is not needed for straps.",
}


def describe_devices(seconds: float, *, simulate: bool) -> Iterator[str]:
    """Lines of a table: found, then supported, then what to do if nothing was found."""
    found = run(lambda clock: _scan(clock, seconds, simulate=simulate), 50.0 if simulate else None)
    usable = [sensor for sensor in found if sensor.driver]
    yield "In reach"
    for sensor in usable:
        assert sensor.driver is not None
        yield f"  {sensor.advert.name or '(no name)':<26} {sensor.advert.address}  {sensor.driver.label}"
    others = len(found) - len(usable)
    if others:
        yield f"  and {others} other Bluetooth device{'s' if others > 1 else ''} that vagal has no driver for"
    if not usable:
        yield from _nothing()
    yield "Supported"
    for driver in drivers():
        checked = "checked on hardware" if driver.hardware_verified else "not yet checked on hardware"
        yield f"  {driver.label:<44} {', '.join(driver.streams):<16} {checked}"


def _nothing() -> Iterator[str]:
    yield "  no supported sensor. A strap wakes only when worn: wet its electrodes and put it on."
    yield "  Another app or watch may hold it: close that app, or turn off Bluetooth there."
    yield f"  Still nothing: {_HINTS.get(platform.system(), 'is Bluetooth on?')}"


async def _scan(clock: Clock, seconds: float, *, simulate: bool) -> Sequence[Found]:
    if not simulate:
        return await scan(Radio(), seconds)
    from devices.virtual.room import simulated_room

    async with simulated_room(clock) as room:
        return await scan(room.radio, seconds)
