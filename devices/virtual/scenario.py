"""What can go wrong between sensor and computer, as data: a text file says which sensors, what and when.

Files lie in data/scenarios. Times count from the moment in which the room opens.
"""

from __future__ import annotations

import asyncio
import math
import tomllib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from devices.drivers.heart_rate import HeartRateMeasurement
from devices.virtual.peripheral import Peripheral
from devices.virtual.radio import VirtualRadio
from devices.virtual.wearing import Wearing
from pipeline.clock import Clock
from pipeline.errors import InputError, UsageError
from pipeline.knowledge import data_path

DEFAULT = "calm"

_FOR_EVER_S = float(1 << 30)


class FaultKind(StrEnum):
    """One thing that goes wrong. `amount` is what its comment says; others have none."""

    OUT_OF_RANGE = "out of range"
    HANGS_UP = "hangs up"
    SILENT = "silent"  # stays connected, and what is due is lost
    STALLED = "stalled"  # stays connected, and sends everything due in a burst at the end
    OLD_SUBSCRIPTIONS = "old subscriptions"  # hangs up; the system goes on calling for the old connection
    SENT_AGAIN = "sent again"  # hangs up, and sends the latest notifications once more: how many
    NO_INTERVALS = "no intervals"
    OFF_THE_SKIN = "off the skin"
    CUT_SHORT = "cut short"  # each notification lacks its last byte
    DRIFT = "drift"  # the sensor's clock is fast from the start: ppm
    CLOCK_SET = "clock set"  # by so many seconds
    CLOCK_WRAPS = "clock wraps"  # so many seconds from now, for a clock of 512 s
    HANGS_UP_WHEN_ASKED = "hangs up when asked"  # in the moment of the next subscription
    WANTS_PAIRING = "wants pairing"
    LEFT_STREAMING = "left streaming"
    LOW_BATTERY = "low battery"  # per cent
    ADAPTER_OFF = "adapter off"


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of the sensor with this number: it begins at `at_s` and lasts, or, with None, does not end."""

    kind: FaultKind
    at_s: float = 0.0
    lasts_s: float | None = None
    sensor: int = 0
    amount: float = 0.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """Sensors by their driver's name, and what goes wrong with them."""

    name: str
    title: str
    summary: str
    sensors: tuple[str, ...]
    faults: tuple[Fault, ...] = ()


def scenarios() -> dict[str, Path]:
    """The scenarios that can be named, and where they lie."""
    return {path.stem: path for path in sorted((data_path() / "scenarios").glob("*.toml"))}


def scenario(name: str) -> Scenario:
    """A scenario by name, or from a TOML file of one's own."""
    path = scenarios().get(name) or Path(name)
    if not path.is_file():
        raise UsageError(f"no scenario {name!r}: there are {', '.join(scenarios())}, or give a .toml file")
    try:
        return _scenario(path.stem, tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: is not a scenario ({error}); data/scenarios has examples") from error


def _scenario(name: str, facts: dict[str, Any]) -> Scenario:
    """Raises ValueError, with words for a person, for what cannot happen."""
    sensors = facts.get("sensors")
    if not isinstance(sensors, list) or not sensors:
        raise ValueError('needs sensors = ["..."], one or more')
    faults = tuple(
        _fault(fault, number, len(sensors)) for number, fault in enumerate(facts.get("fault", ()), 1)
    )
    title, summary = (str(facts.get(key, "")) for key in ("title", "summary"))
    return Scenario(name, title or name, summary, tuple(map(str, sensors)), faults)


def _fault(facts: dict[str, Any], number: int, sensors: int) -> Fault:
    where = f"fault {number}"
    if unknown := facts.keys() - {field.name for field in fields(Fault)}:
        raise ValueError(f"{where}: there is no key {sorted(unknown)[0]!r}")
    kinds = [str(kind) for kind in FaultKind]
    if facts.get("kind") not in kinds:
        raise ValueError(f"{where}: kind must be one of {', '.join(kinds)}")
    sensor = facts.get("sensor", 0)
    if type(sensor) is not int or not 0 <= sensor < sensors:
        raise ValueError(f"{where}: sensor is a number from 0 to {sensors - 1}")
    for key in ("at_s", "lasts_s"):
        if key in facts and _number(facts[key], f"{where}: {key}") < 0:
            raise ValueError(f"{where}: {key} is a time in seconds, 0 or more")
    _number(facts.get("amount", 0), f"{where}: amount")
    return Fault(**{**facts, "kind": FaultKind(facts["kind"])})


def _number(value: object, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{what} is a number")
    return float(value)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a fault happens: a sensor, how it is worn, and the radio that reaches it."""

    sensor: Peripheral
    wearing: Wearing
    air: VirtualRadio
    clock: Clock
    amount: float


async def unfold(fault: Fault, place: Place) -> None:
    """Let a fault happen, from now on if it begins at 0."""
    if fault.at_s:
        await asyncio.sleep(fault.at_s)
    async with _FAULTS[fault.kind](place):
        await asyncio.sleep(_FOR_EVER_S if fault.lasts_s is None else fault.lasts_s)


Happening = Callable[[Place], AbstractAsyncContextManager[None]]

_FAULTS: dict[FaultKind, Happening] = {}


def _happens(kind: FaultKind) -> Callable[[Callable[[Place], AsyncIterator[None]]], None]:
    """Note down how a fault begins, and, after its `yield`, ends."""

    def note(fault: Callable[[Place], AsyncIterator[None]]) -> None:
        _FAULTS[kind] = asynccontextmanager(fault)

    return note


@_happens(FaultKind.OUT_OF_RANGE)
async def _out_of_range(place: Place) -> AsyncIterator[None]:
    place.sensor.out_of_range()
    yield
    place.sensor.in_range()


@_happens(FaultKind.HANGS_UP)
async def _hangs_up(place: Place) -> AsyncIterator[None]:
    await place.sensor.drop_link()
    yield


@_happens(FaultKind.SILENT)
async def _silent(place: Place) -> AsyncIterator[None]:
    place.sensor.muted = True
    yield
    place.sensor.muted = False


@_happens(FaultKind.STALLED)
async def _stalled(place: Place) -> AsyncIterator[None]:
    place.sensor.stall()
    yield
    await place.sensor.burst()


@_happens(FaultKind.OLD_SUBSCRIPTIONS)
async def _old_subscriptions(place: Place) -> AsyncIterator[None]:
    place.air.leaky = True
    await place.sensor.drop_link()
    yield


@_happens(FaultKind.SENT_AGAIN)
async def _sent_again(place: Place) -> AsyncIterator[None]:
    await place.sensor.drop_link()
    yield
    await place.sensor.resend(round(place.amount))


@_happens(FaultKind.NO_INTERVALS)
async def _no_intervals(place: Place) -> AsyncIterator[None]:
    def without(payload: bytes) -> bytes:
        return bytes(replace(HeartRateMeasurement.from_bytes(payload), rr_ticks=()))

    place.sensor.mangle = without
    yield
    place.sensor.mangle = None


@_happens(FaultKind.OFF_THE_SKIN)
async def _off_the_skin(place: Place) -> AsyncIterator[None]:
    place.wearing.worn = False
    yield
    place.wearing.worn = True


@_happens(FaultKind.CUT_SHORT)
async def _cut_short(place: Place) -> AsyncIterator[None]:
    place.sensor.mangle = lambda payload: payload[:-1]
    yield
    place.sensor.mangle = None


@_happens(FaultKind.DRIFT)
async def _drift(place: Place) -> AsyncIterator[None]:
    place.sensor.quartz = replace(place.sensor.quartz, drift=place.amount * 1e-6)
    yield


@_happens(FaultKind.CLOCK_SET)
async def _clock_set(place: Place) -> AsyncIterator[None]:
    _set_clock(place.sensor, place.amount)
    yield


@_happens(FaultKind.CLOCK_WRAPS)
async def _clock_wraps(place: Place) -> AsyncIterator[None]:
    shown_s = place.sensor.quartz.at(place.clock.now())
    _set_clock(place.sensor, 512.0 - place.amount - shown_s)
    yield


def _set_clock(sensor: Peripheral, by_s: float) -> None:
    sensor.quartz = replace(sensor.quartz, offset_s=sensor.quartz.offset_s + by_s)


@_happens(FaultKind.HANGS_UP_WHEN_ASKED)
async def _hangs_up_when_asked(place: Place) -> AsyncIterator[None]:
    place.sensor.hang_up_on_subscribing()
    await place.sensor.drop_link()
    yield


@_happens(FaultKind.WANTS_PAIRING)
async def _wants_pairing(place: Place) -> AsyncIterator[None]:
    place.sensor.require_pairing()
    yield


@_happens(FaultKind.LEFT_STREAMING)
async def _left_streaming(place: Place) -> AsyncIterator[None]:
    place.sensor.left_streaming()
    yield


@_happens(FaultKind.LOW_BATTERY)
async def _low_battery(place: Place) -> AsyncIterator[None]:
    await place.sensor.set_battery(round(place.amount))
    yield


@_happens(FaultKind.ADAPTER_OFF)
async def _adapter_off(place: Place) -> AsyncIterator[None]:
    place.air.switch(on=False)
    yield
    place.air.switch(on=True)
