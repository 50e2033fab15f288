"""The virtual sensors there are, by the name of the driver that reads them."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from devices.virtual.healthypi_move import LABEL as MOVE
from devices.virtual.healthypi_move import VirtualHealthyPiMove
from devices.virtual.peripheral import Body, Label, Peripheral
from devices.virtual.radio import VirtualRadio
from devices.virtual.strap import LABEL as STRAP
from devices.virtual.strap import VirtualStrap
from pipeline.clock import Clock


class Maker(Protocol):
    """Makes a virtual sensor."""

    def __call__(self, radio: VirtualRadio, clock: Clock, body: Body, label: Label) -> Peripheral: ...


SENSORS: dict[str, tuple[Maker, Label]] = {
    "heart_rate": (VirtualStrap, STRAP),
    "healthypi_move": (VirtualHealthyPiMove, MOVE),
}


def virtual_sensor(name: str, number: int, radio: VirtualRadio, clock: Clock, body: Body) -> Peripheral:
    """The sensor of that name; `number` tells apart several in a room, which may share a name."""
    maker, label = SENSORS[name]
    address = f"C0:00:00:00:{number:02X}:{label.address[-2:]}"
    return maker(radio, clock, body, replace(label, address=address, serial=f"{label.serial}{number}"))
