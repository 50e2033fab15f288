"""Descriptions of self-built sensors, in each layout there is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from devices.drivers.generic import Generic
from devices.drivers.sensor_description import (
    Dtype,
    GenericSensor,
    Unit,
)
from tests.conftest import REPO

EXAMPLE = REPO / "data" / "sensors" / "example-esp32-eda.toml"
SERVICE = "6f6c0001-2a5b-4c11-9d3e-5e1f0a7b9c10"
SAMPLES = "6f6c0002-2a5b-4c11-9d3e-5e1f0a7b9c10"
CONTROL = "6f6c0003-2a5b-4c11-9d3e-5e1f0a7b9c10"

PLAIN = GenericSensor(
    name="plain",
    label="Plain sensor",
    service=SERVICE,
    characteristic=SAMPLES,
    stream="eda",
    unit=Unit.MICROSIEMENS,
    dtype=Dtype.U16LE,
    silence_s=5.0,
    rate_hz=10.0,
    scale=0.001,
    advertised_service=SERVICE,
)
COUNTED = replace(PLAIN, header_bytes=1, counter_at=0)
STAMPED = replace(PLAIN, header_bytes=4, stamp_at=0)
BEATS = replace(PLAIN, stream="rr", unit=Unit.MILLISECONDS, rate_hz=None, scale=1.0)


def device_times(sensor: GenericSensor, payloads: Iterable[bytes]) -> list[float]:
    decoder = Generic(sensor).decoder()
    times: list[float] = []
    for payload in payloads:
        (samples,) = decoder.feed("eda", payload)
        assert samples.device_time_s is not None
        times += samples.device_time_s.round(6).tolist()
    return times
