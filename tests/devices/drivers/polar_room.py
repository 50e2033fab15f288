"""A virtual Polar sensor on the air, whose samples follow from their numbers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import numpy as np

from devices.connection import Found, scan, supervise
from devices.driver import Samples
from devices.drivers.polar import Polar
from devices.drivers.polar_frames import Measurement
from devices.virtual.peripheral import Body
from devices.virtual.polar import VirtualPolar
from devices.virtual.radio import VirtualRadio
from pipeline.clock import Clock, run
from pipeline.model import Floats
from tests.devices.air import (
    SPEED,
    Notebook,
    SteadyBody,
    background,
)


class NumberedBody(SteadyBody):
    """What each sample is follows from its number alone."""

    def ecg_uv(self, start_s: float, end_s: float, rate_hz: float) -> Floats:
        return ecg_uv(numbers(start_s, end_s, rate_hz))

    def ppg_au(self, start_s: float, end_s: float, rate_hz: float) -> Floats:
        return ppg_au(numbers(start_s, end_s, rate_hz))

    def acc_mg(self, start_s: float, end_s: float, rate_hz: float) -> Floats:
        return acc_mg(numbers(start_s, end_s, rate_hz))


def numbers(start_s: float, end_s: float, rate_hz: float) -> Floats:
    first, last = (int(np.ceil(at_s * rate_hz)) for at_s in (start_s, end_s))
    return np.arange(first, last, dtype=float)


def ecg_uv(k: Floats) -> Floats:
    return np.asarray(k * 37 % 3001 - 1000)


def ppg_au(k: Floats) -> Floats:
    return np.asarray(k * 4 % 4001)


def acc_mg(k: Floats) -> Floats:
    return np.stack([k % 50, -k % 70 - 990, k * 3 % 100], axis=-1)


@dataclass
class PolarRoom:
    clock: Clock
    radio: VirtualRadio
    sensor: VirtualPolar
    notes: Notebook

    async def found(self) -> Found:
        (found,) = await scan(self.radio.radio, until=bool)
        return replace(found, driver=Polar())

    @asynccontextmanager
    async def supervised(self) -> AsyncIterator[asyncio.Task[None]]:
        found = await self.found()
        async with background(supervise(found, "polar", self.notes, self.radio.radio, str)) as task:
            yield task

    def sent(self, channel: str) -> list[bytes]:
        return [sent.payload for sent in self.sensor.sent if sent.channel == channel]

    def heard(self, channel: str, generation: int | None = None) -> list[bytes]:
        return [
            payload
            for _, name, number, payload in self.notes.notifications
            if name == channel and generation in (None, number)
        ]

    def decoded(self, generation: int = 1) -> dict[str, Samples]:
        """Everything that came with a connection, joined by stream."""
        decoder = Polar().decoder()
        samples = [
            each
            for _, channel, number, payload in self.notes.notifications
            if number == generation and channel != "battery"
            for each in decoder.feed(channel, payload)
        ]
        return joined(samples)


def joined(samples: Iterable[Samples]) -> dict[str, Samples]:
    streams: dict[str, list[Samples]] = {}
    for each in samples:
        streams.setdefault(each.stream, []).append(each)
    return {stream: one(parts) for stream, parts in streams.items()}


def one(parts: Sequence[Samples]) -> Samples:
    full = [part for part in parts if len(part)] or list(parts[:1])
    columns = {name: np.concatenate([part.columns[name] for part in full]) for name in full[0].columns}
    stamps = [part.device_time_s for part in full if part.device_time_s is not None]
    (rate_hz,) = {part.rate_hz for part in full}
    events = tuple(event for part in parts for event in part.events)
    time_s = np.concatenate(stamps) if len(stamps) == len(full) else None
    return Samples(full[0].stream, columns, rate_hz, time_s, events=events)


def in_room_with(
    make: Callable[[VirtualRadio, Clock, Body], VirtualPolar],
    scenario: Callable[[PolarRoom], Coroutine[object, object, None]],
    body: Body | None = None,
) -> None:
    async def main(clock: Clock) -> None:
        async with (
            VirtualRadio() as radio,
            make(radio, clock, body or NumberedBody()) as sensor,
            background(sensor.run()),
        ):
            await scenario(PolarRoom(clock, radio, sensor, Notebook(clock)))

    run(main, SPEED)


def assert_true_samples(
    samples: Samples, expected: Mapping[str, Callable[[Floats], Floats]], offset_s: float, atol: float = 0.0
) -> None:
    """Each sample carries the time at which the sensor took it, and what was there then."""
    assert samples.rate_hz is not None
    assert samples.device_time_s is not None
    k = np.round((samples.device_time_s - offset_s) * samples.rate_hz)
    np.testing.assert_allclose(samples.device_time_s, offset_s + k / samples.rate_hz, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(np.diff(k), 1)
    assert set(samples.columns) == set(expected)
    for column, value in expected.items():
        np.testing.assert_allclose(samples.columns[column], value(k), rtol=0, atol=atol, err_msg=column)


ACC_COLUMNS: dict[str, Callable[[Floats], Floats]] = {
    "acc_x_mg": lambda k: acc_mg(k)[:, 0],
    "acc_y_mg": lambda k: acc_mg(k)[:, 1],
    "acc_z_mg": lambda k: acc_mg(k)[:, 2],
}
ECG_COLUMNS: dict[str, Callable[[Floats], Floats]] = {"ecg_uv": ecg_uv}
PPG_COLUMNS: dict[str, Callable[[Floats], Floats]] = {
    "ppg_1_au": lambda k: np.round(ppg_au(k)),
    "ppg_2_au": lambda k: np.round(0.75 * ppg_au(k)),
    "ppg_3_au": lambda k: np.round(0.5 * ppg_au(k)),
    "ppg_ambient_au": lambda k: np.full(len(k), 150.0),
}

ECG, PPG, ACC, PPI, *_ = Measurement
ASK_ECG, ASK_ACC, ASK_PPG = (bytes.fromhex(each) for each in ("0100", "0102", "0101"))
START_ECG = bytes.fromhex("02000001820001010e00")
START_H10_ACC = bytes.fromhex("0202000119000101100002010400")
START_PPG = bytes.fromhex("02010001370001011600040104")
START_VERITY_ACC = bytes.fromhex("02020001340001011000020108000401" + "03")
START_PPI = bytes.fromhex("0203")
STOP_ECG, STOP_PPG, STOP_ACC, STOP_PPI = (bytes([3, each]) for each in (ECG, PPG, ACC, PPI))
