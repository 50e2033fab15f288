"""The virtual sensors there are, by name."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from devices.drivers.sensor_description import read_sensor
from devices.virtual import bitalino, edamove, generic, healthypi_move, polar, shimmer, strap
from devices.virtual.peripheral import Body, Label, Peripheral
from devices.virtual.radio import VirtualRadio
from pipeline.clock import Clock
from pipeline.errors import InputError
from pipeline.knowledge import data_path


class Maker(Protocol):
    """Makes a virtual sensor."""

    def __call__(self, radio: VirtualRadio, clock: Clock, body: Body, label: Label) -> Peripheral: ...


def _self_built(radio: VirtualRadio, clock: Clock, body: Body, label: Label) -> Peripheral:
    example = read_sensor(data_path() / "sensors" / "example-esp32-eda.toml")
    return generic.VirtualGeneric(radio, clock, body, label, sensor=example)


SENSORS: dict[str, tuple[Maker, Label]] = {
    "heart_rate": (strap.VirtualStrap, strap.LABEL),
    "polar_h10": (polar.VirtualPolarH10, polar.H10_LABEL),
    "polar_verity": (polar.VirtualVeritySense, polar.VERITY_LABEL),
    "bitalino": (bitalino.VirtualBitalino, bitalino.LABEL),
    "shimmer3r": (shimmer.VirtualShimmer3R, shimmer.LABEL_3R),
    "shimmer3": (shimmer.VirtualShimmer3, shimmer.LABEL_3),
    "healthypi_move": (healthypi_move.VirtualHealthyPiMove, healthypi_move.LABEL),
    "edamove": (edamove.VirtualEdaMove, edamove.LABEL),
    "generic": (_self_built, generic.LABEL),
}


def virtual_sensor(name: str, number: int, radio: VirtualRadio, clock: Clock, body: Body) -> Peripheral:
    """The sensor of that name; `number` tells apart several in a room, which may share a name.

    Raises InputError if there is none.
    """
    if name not in SENSORS:
        raise InputError(f"there is no virtual sensor {name!r}: there are {', '.join(SENSORS)}")
    maker, label = SENSORS[name]
    address = f"C0:00:00:00:{number:02X}:{label.address[-2:]}"
    return maker(radio, clock, body, replace(label, address=address, serial=f"{label.serial}{number}"))
