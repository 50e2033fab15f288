"""A virtual movisens EdaMove 4."""

from __future__ import annotations

from collections.abc import Iterator

from bumble.core import UUID
from bumble.gatt import Service

from devices.drivers import edamove
from devices.drivers.edamove import SclMean
from devices.virtual.peripheral import Body, Label, Outlet, Peripheral, notifying
from devices.virtual.radio import VirtualRadio
from pipeline.clock import Clock

LABEL = Label("MOVISENS", "C0:00:00:00:00:0B", model="Virtual EdaMove 4", serial="VM-0001")

_SENSED_HZ = 32.0


class VirtualEdaMove(Peripheral):
    """Each minute, by its own clock, it notifies the mean of the minute before."""

    def __init__(self, radio: VirtualRadio, clock: Clock, body: Body, label: Label = LABEL) -> None:
        mean = notifying(edamove.SCL_MEAN)
        service = Service(UUID(edamove.SERVICE), [mean])
        outlet = Outlet(edamove.CHANNEL, mean, edamove.PERIOD_S, self._payloads)
        super().__init__(radio, clock, body, label, [service], [outlet])

    def _payloads(self, start_s: float, end_s: float) -> Iterator[bytes]:
        eda_us = self._body.eda_us(start_s, end_s, self.quartz.actual_hz(_SENSED_HZ))
        if len(eda_us):
            yield bytes(SclMean.of(float(eda_us.mean())))
