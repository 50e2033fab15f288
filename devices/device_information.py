"""What a sensor says of itself: battery level, model, serial number, firmware.

Source: Bluetooth SIG, Battery Service 1.0 (0x180F) and Device Information Service 1.1 (0x180A).
"""

from __future__ import annotations

from collections.abc import Callable

from devices.driver import Link
from pipeline.errors import DeviceError
from pipeline.model import DeviceInfo

BATTERY_SERVICE = "0000180f-0000-1000-8000-00805f9b34fb"
BATTERY_LEVEL = "00002a19-0000-1000-8000-00805f9b34fb"
SERVICE = "0000180a-0000-1000-8000-00805f9b34fb"
MODEL = "00002a24-0000-1000-8000-00805f9b34fb"
SERIAL = "00002a25-0000-1000-8000-00805f9b34fb"
FIRMWARE = "00002a26-0000-1000-8000-00805f9b34fb"


async def describe(link: Link, name: str, driver: str, hash_serial: Callable[[str], str]) -> DeviceInfo:
    """Read the description; what a sensor does not have, or does not show, is None.

    Only `hash_serial` of the serial number is kept.
    """
    serial = await _text(link, SERIAL)
    return DeviceInfo(
        name=name,
        driver=driver,
        model=await _text(link, MODEL),
        serial_hash=hash_serial(serial) if serial else None,
        firmware=await _text(link, FIRMWARE),
        battery_pct=await _battery_pct(link),
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
