"""A virtual HealthyPi Move."""

from __future__ import annotations

from collections.abc import Iterator

from bumble.core import UUID
from bumble.gatt import Service

from devices.drivers import healthypi_move
from devices.drivers.healthypi_move import ConductanceFrame
from devices.virtual.peripheral import EARLY_S, Body, Label, Outlet, Peripheral, notifying
from devices.virtual.radio import VirtualRadio
from pipeline.clock import Clock

LABEL = Label("Virtual healthypi move", "C0:00:00:00:00:02", model="Virtual watch", serial="VW-0001")


class VirtualHealthyPiMove(Peripheral):
    """Each quarter of a second it notifies 8 samples of skin conductance."""

    def __init__(self, radio: VirtualRadio, clock: Clock, body: Body, label: Label = LABEL) -> None:
        stream = notifying(healthypi_move.CONDUCTANCE)
        service = Service(UUID(healthypi_move.SERVICE), [stream])
        outlet = Outlet(healthypi_move.CHANNEL, stream, 0.25, self._payloads)
        super().__init__(radio, clock, body, label, [service], [outlet])

    def _payloads(self, start_s: float, end_s: float) -> Iterator[bytes]:
        rate_hz = self.quartz.actual_hz(healthypi_move.RATE_HZ)
        eda_us = self._body.eda_us(start_s - EARLY_S, end_s - EARLY_S, rate_hz)
        yield bytes(ConductanceFrame(tuple(round(value * 100) for value in eda_us.tolist())))
