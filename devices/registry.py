"""The sensor drivers there are. A new driver is a file of its own and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devices.driver import Driver
from devices.healthypi_move import HealthyPiMove
from devices.heart_rate import HeartRate


def drivers() -> tuple[Driver, ...]:
    """All drivers, the more specific first."""
    return (HealthyPiMove(), HeartRate())


def driver_of(facts: Mapping[str, Any]) -> Driver | None:
    """The driver that a device's description names, or None if there is none of that name."""
    return driver_named(facts["driver"])


def driver_named(name: str) -> Driver | None:
    """The driver with that name, or None."""
    return next((driver for driver in drivers() if driver.name == name), None)
