"""A virtual HealthyPi Move."""

from __future__ import annotations

from devices import healthypi_move
from devices.healthypi_move import ConductanceFrame
from devices.virtual.peripheral import Body, Label, Peripheral, notifying
from devices.virtual.radio import VirtualRadio
from pipeline.clock import Clock

LABEL = Label("Virtual healthypi move", "C0:00:00:00:00:02", model="Virtual watch", serial="VW-0001")


class VirtualHealthyPiMove(Peripheral):
    """Each quarter of a second it notifies 8 samples of skin conductance."""

    channel = healthypi_move.CHANNEL
    period_s = 0.25

    def __init__(self, radio: VirtualRadio, clock: Clock, body: Body, label: Label = LABEL) -> None:
        stream = notifying(healthypi_move.CONDUCTANCE)
        super().__init__(radio, clock, body, label, healthypi_move.SERVICE, stream)

    def payload(self, start_s: float, end_s: float) -> bytes:
        eda_us = self._body.eda_us(start_s, end_s, healthypi_move.RATE_HZ)
        return bytes(ConductanceFrame(tuple(round(value * 100) for value in eda_us.tolist())))
