"""What a sensor says of itself: battery level, model, serial number, firmware.

Source: Bluetooth SIG, Battery Service 1.0 (0x180F) and Device Information Service 1.1 (0x180A).

What is kept of a sensor must not tell whose it is: no serial number, and not the name it advertises,
which often ends in one ("Polar H10 1A2B3C4D") or was given by its owner ("Anna's watch").
"""

from __future__ import annotations

import re
from collections.abc import Callable

from devices.driver import Driver, Link, Samples
from devices.drivers.registry import description_of
from pipeline.errors import DeviceError
from pipeline.model import DeviceInfo

BATTERY_SERVICE = "0000180f-0000-1000-8000-00805f9b34fb"
BATTERY_LEVEL = "00002a19-0000-1000-8000-00805f9b34fb"
BATTERY_CHANNEL = "battery"
SERVICE = "0000180a-0000-1000-8000-00805f9b34fb"
MODEL = "00002a24-0000-1000-8000-00805f9b34fb"
SERIAL = "00002a25-0000-1000-8000-00805f9b34fb"
FIRMWARE = "00002a26-0000-1000-8000-00805f9b34fb"

_LOW_BATTERY_PCT = 15  # some straps lose beats below that

_SERIALS_AT_THE_END = re.compile(r"(?:(?:^|[\W_]+)[0-9A-Fa-f]{6,})+[\W_]*$")


def battery_events(percent: int | None) -> tuple[Samples, ...]:
    """What a battery level has to say: that it is low, or no more."""
    if percent is None or percent > 100:
        return ()
    low = percent <= _LOW_BATTERY_PCT
    return (Samples(BATTERY_CHANNEL, events=(f"battery low ({percent} %)",) if low else ()),)


def undescribed(driver: Driver) -> DeviceInfo:
    """What is known of any sensor that the driver reads."""
    return DeviceInfo(driver.label, driver.name, description=description_of(driver))


async def describe(link: Link, driver: Driver, hash_serial: Callable[[str], str]) -> DeviceInfo:
    """Read the description, named after the model; what a sensor does not have, or does not show, is None.

    Only `hash_serial` of the serial number is kept. Without a model the name is the driver's label.
    """
    serial, model = await _text(link, SERIAL), await _text(link, MODEL)
    model = _SERIALS_AT_THE_END.sub("", model).strip() or None if model else None
    return DeviceInfo(
        name=model or driver.label,
        driver=driver.name,
        model=model,
        serial_hash=hash_serial(serial) if serial else None,
        firmware=await _text(link, FIRMWARE),
        battery_pct=await _battery_pct(link),
        description=description_of(driver),
    )


async def _value(link: Link, characteristic: str) -> bytes:
    try:
        return await link.read(characteristic)
    except DeviceError:  # absent, or behind a pairing
        return b""


async def _text(link: Link, characteristic: str) -> str | None:
    value = await _value(link, characteristic)
    return value.decode("utf-8", "replace").strip("\0 ") or None


async def _battery_pct(link: Link) -> int | None:
    value = await _value(link, BATTERY_LEVEL)
    return value[0] if value and value[0] <= 100 else None
