"""Sensors of one's own, as `devices.drivers.sensor_description` reads them from a file.

A notification is a header, of which a counter or a time stamp may be read, and then samples of one kind.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from devices.driver import Advert, Decoder, Link, Samples
from devices.drivers.sensor_description import Command, GenericSensor
from pipeline.errors import FrameError
from pipeline.model import Floats

NAME_PREFIX = "generic:"
COUNTER_WRAPS = 256
STAMP_WRAPS_S = 2**32 / 1000

_OFF_PACE = 0.1  # of the time between two stamps: with more, notifications are missing in between


@dataclass(frozen=True, slots=True)
class Notification:
    """What one notification holds: samples as they are written, and what its header tells."""

    values: tuple[float, ...]
    counter: int | None = None
    stamp_ms: int | None = None


def notification_from_bytes(sensor: GenericSensor, payload: bytes) -> Notification:
    """Decode a notification. Raises FrameError unless it is a header and whole samples, one at least."""
    data = payload[sensor.header_bytes :]
    size = sensor.dtype.numpy.itemsize
    if not data or len(data) % size:
        reason = (
            f"{len(payload)} bytes are not a header of {sensor.header_bytes} and whole {size}-byte samples"
        )
        raise FrameError(sensor.label, payload, reason)
    counter = None if sensor.counter_at is None else payload[sensor.counter_at]
    stamp_ms = None if sensor.stamp_at is None else struct.unpack_from("<I", payload, sensor.stamp_at)[0]
    return Notification(tuple(np.frombuffer(data, sensor.dtype.numpy).tolist()), counter, stamp_ms)


def notification_bytes(sensor: GenericSensor, notification: Notification) -> bytes:
    """The same, encoded; what else is in the header is 0."""
    header = bytearray(sensor.header_bytes)
    if sensor.counter_at is not None:
        header[sensor.counter_at] = notification.counter or 0
    if sensor.stamp_at is not None:
        struct.pack_into("<I", header, sensor.stamp_at, notification.stamp_ms or 0)
    return bytes(header) + np.array(notification.values, sensor.dtype.numpy).tobytes()


class _GenericDecoder:
    """Samples in the sensor's unit; those that are no numbers or outside its range are NaN, with an event.

    With a counter they are stamped by their number: notifications that are missing, up to 255 in a row, are
    taken to have held as many samples as the one that follows. With a stamp they are spread evenly back to
    the stamp before, or, if notifications are missing in between, at the nominal rate.
    """

    def __init__(self, sensor: GenericSensor) -> None:
        self._sensor = sensor
        self._samples = 0
        self._counter: int | None = None
        self._stamp_ms: int | None = None

    def feed(self, channel: str, payload: bytes) -> Sequence[Samples]:
        sensor = self._sensor
        if channel != sensor.stream:
            return ()
        notification = notification_from_bytes(sensor, payload)
        values = np.array(notification.values, dtype=np.float64) * sensor.scale + sensor.offset
        low, high = sensor.valid_range or (-np.inf, np.inf)
        unusable = ~(np.isfinite(values) & (values >= low) & (values <= high))
        return (
            Samples(
                sensor.stream,
                {sensor.column: np.where(unusable, np.nan, values)},
                rate_hz=sensor.rate_hz,
                device_time_s=self._device_time_s(notification),
                wrap_s=None if sensor.stamp_at is None else STAMP_WRAPS_S,
                events=("out of range",) if unusable.any() else (),
            ),
        )

    def _device_time_s(self, notification: Notification) -> Floats | None:
        if self._sensor.rate_hz is None:
            return None
        if notification.counter is not None:
            return self._counted(notification.counter, len(notification.values)) / self._sensor.rate_hz
        if notification.stamp_ms is not None:
            return self._stamped(notification.stamp_ms, len(notification.values), 1 / self._sensor.rate_hz)
        return None

    def _counted(self, counter: int, count: int) -> Floats:
        """The numbers of the samples."""
        if self._counter is not None:
            self._samples += (counter - self._counter - 1) % COUNTER_WRAPS * count
        self._counter = counter
        self._samples += count
        return np.arange(self._samples - count, self._samples, dtype=np.float64)

    def _stamped(self, stamp_ms: int, count: int, period_s: float) -> Floats:
        if self._stamp_ms is not None:
            step_s = (stamp_ms / 1000 - self._stamp_ms / 1000) % STAMP_WRAPS_S / count
            if abs(step_s - period_s) <= _OFF_PACE * period_s:
                period_s = step_s
        self._stamp_ms = stamp_ms
        back_s = np.arange(count - 1, -1, -1) * period_s
        return np.asarray((stamp_ms / 1000 - back_s) % STAMP_WRAPS_S)


class Generic:
    """The driver of one sensor of one's own; one made of a stored description recognises none."""

    hardware_verified = False

    def __init__(self, sensor: GenericSensor) -> None:
        self.sensor = sensor
        self.name = f"{NAME_PREFIX}{sensor.name}"
        self.label = sensor.label
        self.models = "self-built, or any that its description fits"
        self.source = f"the sensor's own description, {sensor.name}"
        self.streams = (sensor.stream,)

    def recognises(self, advert: Advert) -> bool:
        name, service = self.sensor.advertised_name, self.sensor.advertised_service
        if name is None and service is None:
            return False
        named = name is None or advert.name.lower().startswith(name.lower())
        return named and (service is None or service in advert.service_uuids)

    async def start(self, link: Link) -> None:
        sensor = self.sensor
        await link.subscribe(sensor.characteristic, sensor.stream, silence_s=sensor.silence_s)
        await _send(link, sensor.start)

    async def stop(self, link: Link) -> None:
        await _send(link, self.sensor.stop)

    def decoder(self) -> Decoder:
        return _GenericDecoder(self.sensor)


async def _send(link: Link, command: Command | None) -> None:
    if command is not None:
        await link.write(command.characteristic, command.payload, response=command.response)
