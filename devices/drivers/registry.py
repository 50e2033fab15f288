"""The sensor drivers there are. A new driver is a file of its own and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from devices.driver import Driver
from devices.drivers import bitalino
from devices.drivers.bitalino import Bitalino
from devices.drivers.edamove import EdaMove
from devices.drivers.generic import NAME_PREFIX, Generic
from devices.drivers.healthypi_move import HealthyPiMove
from devices.drivers.heart_rate import HeartRate
from devices.drivers.polar import PolarH10, PolarOptical
from devices.drivers.sensor_description import description_json, from_json, read_sensor
from devices.drivers.shimmer import Shimmer
from pipeline.errors import InputError


def drivers(own: Path | None = None) -> tuple[Driver, ...]:
    """All drivers, the more specific first.

    `own` is a folder with descriptions of self-built sensors. Raises InputError that names a file and what
    is wrong in it.
    """
    return (
        *(_described(own) if own is not None else ()),
        PolarH10(),
        PolarOptical(),
        Shimmer(),
        Bitalino(),
        EdaMove(),
        HealthyPiMove(),
        HeartRate(),
    )


def _described(folder: Path) -> list[Generic]:
    found: dict[str, Path] = {}
    described = []
    for path in sorted(folder.glob("*.toml")):
        driver = Generic(read_sensor(path))
        if other := found.get(driver.name):
            raise InputError(f"{path}: the name {driver.sensor.name!r} is that of {other.name}: give another")
        found[driver.name] = path
        described.append(driver)
    return described


def description_of(driver: Driver) -> str | None:
    """What a session has to store of a driver beside its name, as JSON; None if the name says it all.

    A self-built sensor is made again of it; BITalino's conversion is there to be read.
    """
    if isinstance(driver, Generic):
        return description_json(driver.sensor)
    return bitalino.description_json() if isinstance(driver, Bitalino) else None


def driver_of(facts: Mapping[str, Any]) -> Driver | None:
    """The driver that a device's stored facts tell of, or None if this version has none of that name.

    Raises InputError for a self-built sensor whose description cannot be read.
    """
    if facts["driver"].startswith(NAME_PREFIX):
        return Generic(from_json(facts["description"])) if facts.get("description") else None
    return next((driver for driver in drivers() if driver.name == facts["driver"]), None)
