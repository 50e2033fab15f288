"""A virtual sensor of one's own: skin conductance in whatever layout its description asks for."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

import numpy as np
from bumble.core import UUID
from bumble.gatt import Characteristic, Service

from devices.drivers.generic import COUNTER_WRAPS, Notification, notification_bytes
from devices.drivers.sensor_description import GenericSensor, Unit
from devices.virtual.peripheral import EARLY_S, Body, Label, Outlet, Peripheral, commanded, notifying
from devices.virtual.radio import VirtualRadio
from pipeline.clock import Clock
from pipeline.model import Floats

LABEL = Label("MyEDA", "C0:00:00:00:00:0C", model="Virtual sensor", serial="VG-0001")

_NOTIFICATIONS_HZ = 4.0


class VirtualGeneric(Peripheral):
    """It notifies four times a second, or for each sample if those are fewer.

    Where the description has a command to start it, it sends nothing before that, goes on over a lost
    connection, and ends with the command to stop. It keeps no command on the characteristic of its samples.
    """

    def __init__(
        self, radio: VirtualRadio, clock: Clock, body: Body, label: Label = LABEL, *, sensor: GenericSensor
    ) -> None:
        assert sensor.rate_hz is not None, "it has no beats to send"
        assert sensor.unit is Unit.MICROSIEMENS, "it feels only the skin"
        self.sensor, self._rate_hz = sensor, sensor.rate_hz
        self.streaming = sensor.start is None
        self._notified = 0
        samples = notifying(sensor.characteristic)
        each = max(1, round(self._rate_hz / _NOTIFICATIONS_HZ))
        outlet = Outlet(sensor.stream, samples, each / self._rate_hz, self._payloads)
        services = [Service(UUID(sensor.service), [samples, *self._commanded()])]
        if sensor.advertised_service not in (None, sensor.service):
            services.insert(0, Service(UUID(sensor.advertised_service), []))
        super().__init__(radio, clock, body, label, services, [outlet])

    def left_streaming(self) -> None:
        """Started by somebody, and never stopped."""
        self.streaming = True

    def _commanded(self) -> Iterator[Characteristic[bytes]]:
        commands = [command for command in (self.sensor.start, self.sensor.stop) if command is not None]
        for characteristic in sorted({command.characteristic for command in commands}):
            yield commanded(characteristic, partial(self._obey, characteristic))

    def _obey(self, characteristic: str, data: bytes) -> None:
        for command, streaming in ((self.sensor.start, True), (self.sensor.stop, False)):
            if command is not None and (command.characteristic, command.payload) == (characteristic, data):
                self.streaming = streaming

    def _payloads(self, start_s: float, end_s: float) -> Iterator[bytes]:
        actual_hz = self.quartz.actual_hz(self._rate_hz)
        start_s, end_s = start_s - EARLY_S, end_s - EARLY_S
        eda_us = self._body.eda_us(start_s, end_s, actual_hz)
        if not self.streaming or not len(eda_us):
            return
        last_s = _last_sample(end_s, actual_hz) / actual_hz
        stamp_ms = round(self.quartz.at(last_s) * 1000) % 2**32
        yield notification_bytes(
            self.sensor, Notification(self._written(eda_us), self._notified % COUNTER_WRAPS, stamp_ms)
        )
        self._notified += 1

    def _written(self, eda_us: Floats) -> tuple[float, ...]:
        dtype = self.sensor.dtype.numpy
        values = (eda_us - self.sensor.offset) / self.sensor.scale
        if dtype.kind == "f":
            return tuple(values.tolist())
        limits = np.iinfo(dtype)
        return tuple(np.clip(np.round(values), limits.min, limits.max).astype(dtype).tolist())


def _last_sample(end_s: float, rate_hz: float) -> int:
    """The last k with k / rate_hz < end_s."""
    k = math.ceil(end_s * rate_hz)
    while k / rate_hz >= end_s:
        k -= 1
    return k
