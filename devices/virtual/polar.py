"""Virtual Polar sensors: a chest strap with an electrocardiogram, and an optical arm band."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from bumble.core import UUID
from bumble.gatt import Service

from devices.drivers import heart_rate, polar
from devices.drivers.polar_frames import (
    ANSWER,
    NO_SETTINGS,
    Answer,
    Command,
    DataFrame,
    Features,
    Ints,
    Measurement,
    Operation,
    PulseInterval,
    Settings,
    Status,
    delta_content,
    interval_content,
    raw_content,
)
from devices.virtual.peripheral import Body, Label, Outlet, Peripheral, Quartz, commanded, notifying
from devices.virtual.radio import VirtualRadio
from devices.virtual.strap import HeartRateOutlet
from pipeline.clock import Clock
from pipeline.errors import FrameError

H10_LABEL = Label("Virtual Polar H10", "C0:00:00:00:00:11", model="H10", serial="VP-0001")
VERITY_LABEL = Label("Virtual Polar Sense", "C0:00:00:00:00:12", model="Verity Sense", serial="VP-0002")

# So that no frame ends exactly where a sample is taken.
LAG_S = 0.0005
UNSET_S = 599_616_000.0  # since 2000: the first of January 2019
OFF_STRAP_S = 45.0
FIRST_INTERVALS_S = 25.0
ACC_MG = 0.244140625  # of a count of the Verity Sense: ±8 g in 16 bits
LED_GAINS = (1.0, 0.75, 0.5)  # of the three PPG channels
AMBIENT_AU = 150

_ACC_SAMPLES = 36  # as many as fit a notification
_ERROR_MS, _MOVING_ERROR_MS = 8, 60


@dataclass(frozen=True, slots=True)
class Sensing:
    """How a measurement is offered and sent: `frames(settings, start_s, end_s)` each `period_s`.

    `told` is what the answer to a start says beside its status.
    """

    offered: Settings
    period_s: float
    frames: Callable[[Settings, float, float], Iterable[DataFrame]]
    told: Settings = NO_SETTINGS


class VirtualPolar(Peripheral):
    """A heart-rate sensor with the Polar Measurement Data service.

    Started measurements go on over a disconnection. `commands` logs what was written to the control point,
    `refusals` says which measurements are not started, and why. The sensor sends what happened LAG_S ago or
    earlier; its stamps say when that was.
    """

    def __init__(
        self,
        radio: VirtualRadio,
        clock: Clock,
        body: Body,
        label: Label,
        sensing: Mapping[Measurement, Sensing],
        *,
        with_rr: bool,
    ) -> None:
        self.running: dict[Measurement, Settings] = {}
        self.commands: list[bytes] = []
        self.refusals: dict[Measurement, Status] = {}
        self._began_s: dict[Measurement, float] = {}
        self._sensing = sensing
        features = bytes(Features(frozenset(sensing)))
        self._control = commanded(polar.CONTROL, self._commanded, value=features, answers=True)
        data = notifying(polar.DATA)
        pulse = HeartRateOutlet(clock, body, with_rr=with_rr).outlet
        services = [
            Service(UUID(heart_rate.SERVICE), [pulse.characteristic]),
            Service(UUID(polar.SERVICE), [self._control, data]),
        ]
        outlets = [
            Outlet(polar.channel_of(bytes([each])), data, sensing[each].period_s, self._payloads(each))
            for each in sensing
        ]
        super().__init__(radio, clock, body, label, services, [pulse, *outlets])

    def left_streaming(self) -> None:
        for measurement, sensing in self._sensing.items():
            self._begin(measurement, polar.chosen(measurement, sensing.offered))

    def _begin(self, measurement: Measurement, settings: Settings) -> None:
        self.running[measurement] = settings
        self._began_s[measurement] = self._clock.now()

    def _payloads(self, measurement: Measurement) -> Callable[[float, float], Iterator[bytes]]:
        def due(start_s: float, end_s: float) -> Iterator[bytes]:
            settings = self.running.get(measurement)
            if settings is not None:
                yield from map(bytes, self._sensing[measurement].frames(settings, start_s, end_s))

        return due

    def _commanded(self, written: bytes) -> None:
        self.commands.append(written)
        try:
            command = Command.from_bytes(written)
        except FrameError:
            refusal = bytes([ANSWER, *written[:2].ljust(2, b"\0"), Status.INVALID_PARAMETER])
            self.answer(self._control, refusal)
            return
        status, parameters = self._obey(command)
        answer = Answer(command.operation, command.measurement, status, bytes(parameters))
        self.answer(self._control, bytes(answer))

    def _obey(self, command: Command) -> tuple[Status, Settings]:
        """Do what is asked for, and say what came of it."""
        sensing = self._sensing.get(command.measurement)
        if sensing is None:
            return Status.NOT_SUPPORTED, NO_SETTINGS
        if command.operation is Operation.SETTINGS:
            known = sensing.offered != NO_SETTINGS
            return (Status.OK, sensing.offered) if known else (Status.NOT_SUPPORTED, NO_SETTINGS)
        if command.operation is Operation.STOP:
            stopped = self.running.pop(command.measurement, None)
            return (Status.OK if stopped is not None else Status.ALREADY_IN_STATE), NO_SETTINGS
        status = self._objection(command, sensing)
        if status is Status.OK:
            self._begin(command.measurement, command.settings)
        return status, sensing.told

    def _objection(self, command: Command, sensing: Sensing) -> Status:
        """Why a measurement cannot start; OK if it can."""
        if command.measurement in self.refusals:
            return self.refusals[command.measurement]
        if command.measurement in self.running:
            return Status.ALREADY_IN_STATE
        asked, offered = command.settings, sensing.offered
        settings = (
            (Status.INVALID_RATE, asked.rates_hz, offered.rates_hz),
            (Status.INVALID_RESOLUTION, asked.resolutions_bits, offered.resolutions_bits),
            (Status.INVALID_RANGE, asked.ranges, offered.ranges),
            (Status.INVALID_CHANNELS, asked.channels, offered.channels),
        )
        refused = (
            status
            for status, values, among in settings
            if len(values) != min(len(among), 1) or not set(values) <= set(among)
        )
        return next(refused, Status.OK)

    def _frames(
        self, measurement: Measurement, samples: Ints, end_s: float, rate_hz: float, layout: _Layout
    ) -> Iterator[DataFrame]:
        """Frames of what was sampled up to LAG_S before `end_s`."""
        last = math.ceil((end_s - LAG_S) * rate_hz) - 1
        for begin in range(0, len(samples), layout.most):
            part = samples[begin : begin + layout.most]
            at_s = (last - len(samples) + begin + len(part)) / rate_hz
            content = layout.content(part)
            yield DataFrame(measurement, self._stamp_ns(at_s), layout.kind, layout.delta, content)

    def _stamp_ns(self, time_s: float) -> int:
        return round(self.quartz.at(time_s) * 1e9) % (1 << 64)


@dataclass(frozen=True, slots=True)
class _Layout:
    """How samples make a frame, of so many at `most`."""

    kind: int
    delta: bool
    content: Callable[[Ints], bytes]
    most: int = 255


_RAW_ECG = _Layout(0, False, lambda samples: raw_content(samples, 3))
_RAW_ACC = _Layout(1, False, lambda samples: raw_content(samples, 2), _ACC_SAMPLES)
_DELTA_ACC = _Layout(1, True, lambda samples: delta_content(samples, 16))
_DELTA_PPG = _Layout(0, True, lambda samples: delta_content(samples, 22))


class VirtualPolarH10(VirtualPolar):
    """Heart rate with RR intervals each second, ECG in frames of 65 samples, acceleration once a second.

    Off the strap, that is without a beat for 45 s, it disconnects.
    """

    def __init__(self, radio: VirtualRadio, clock: Clock, body: Body, label: Label = H10_LABEL) -> None:
        sensing = {
            Measurement.ECG: Sensing(Settings((130,), (14,)), 0.5, self._ecg),
            Measurement.ACC: Sensing(Settings((200, 100, 50, 25), (16,), (8, 4, 2)), 1.0, self._acc),
        }
        super().__init__(radio, clock, body, label, sensing, with_rr=True)
        self.quartz = Quartz(offset_s=UNSET_S)

    async def run(self) -> None:
        """Stream, and mind the strap, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(super().run())
            group.create_task(self._mind_the_strap())

    async def _mind_the_strap(self) -> None:
        looked_s = worn_s = self._clock.now()
        while True:
            await asyncio.sleep(1.0)
            now_s = self._clock.now()
            if self._body.beats(looked_s, now_s):
                worn_s = now_s
            elif now_s - worn_s >= OFF_STRAP_S:
                await self.drop_link()
                worn_s = now_s
            looked_s = now_s

    def _ecg(self, settings: Settings, start_s: float, end_s: float) -> Iterator[DataFrame]:
        rate_hz = self.quartz.actual_hz(settings.rates_hz[0])
        samples = _rounded(self._body.ecg_uv(start_s - LAG_S, end_s - LAG_S, rate_hz)).reshape(-1, 1)
        return self._frames(Measurement.ECG, samples, end_s, rate_hz, _RAW_ECG)

    def _acc(self, settings: Settings, start_s: float, end_s: float) -> Iterator[DataFrame]:
        rate_hz = self.quartz.actual_hz(settings.rates_hz[0])
        most_mg = settings.ranges[0] * 1000
        acc_mg = self._body.acc_mg(start_s - LAG_S, end_s - LAG_S, rate_hz)
        samples = _rounded(np.clip(acc_mg, -most_mg, most_mg))
        return self._frames(Measurement.ACC, samples, end_s, rate_hz, _RAW_ACC)


class VirtualVeritySense(VirtualPolar):
    """Heart rate without RR intervals, PPG, acceleration, and pulse-to-pulse intervals each five seconds.

    While `moving` the intervals are flagged as unsure; `contact` is what it says of the skin.
    """

    def __init__(self, radio: VirtualRadio, clock: Clock, body: Body, label: Label = VERITY_LABEL) -> None:
        self.moving = False
        self.contact: bool | None = True
        sensing = {
            Measurement.PPG: Sensing(Settings((55,), (22,), channels=(4,)), 0.4, self._ppg),
            Measurement.ACC: Sensing(
                Settings((52,), (16,), (8,), channels=(3,)), 0.5, self._acc, told=Settings(factors=(ACC_MG,))
            ),
            Measurement.PPI: Sensing(NO_SETTINGS, 5.0, self._ppi),
        }
        super().__init__(radio, clock, body, label, sensing, with_rr=False)

    def _ppg(self, settings: Settings, start_s: float, end_s: float) -> Iterator[DataFrame]:
        rate_hz = self.quartz.actual_hz(settings.rates_hz[0])
        wave_au = self._body.ppg_au(start_s - LAG_S, end_s - LAG_S, rate_hz)
        leds = [gain * wave_au for gain in LED_GAINS]
        samples = _rounded(np.stack([*leds, np.full(len(wave_au), float(AMBIENT_AU))], axis=-1))
        return self._frames(Measurement.PPG, samples, end_s, rate_hz, _DELTA_PPG)

    def _acc(self, settings: Settings, start_s: float, end_s: float) -> Iterator[DataFrame]:
        rate_hz = self.quartz.actual_hz(settings.rates_hz[0])
        acc_mg = self._body.acc_mg(start_s - LAG_S, end_s - LAG_S, rate_hz)
        samples = np.clip(_rounded(acc_mg / ACC_MG), -(1 << 15), (1 << 15) - 1)
        return self._frames(Measurement.ACC, samples, end_s, rate_hz, _DELTA_ACC)

    def _ppi(self, _: Settings, start_s: float, end_s: float) -> Iterator[DataFrame]:
        if end_s - self._began_s[Measurement.PPI] < FIRST_INTERVALS_S:
            return
        if intervals := self._intervals(self._body.beats(start_s - LAG_S, end_s - LAG_S)):
            yield DataFrame(Measurement.PPI, 0, 0, False, interval_content(intervals))

    def _intervals(self, beats: Sequence[tuple[float, float]]) -> list[PulseInterval]:
        """A pulse takes the same time to the arm each time, so its intervals are those of the heart."""
        error_ms = _MOVING_ERROR_MS if self.moving else _ERROR_MS
        return [
            PulseInterval(0, min(round(rr_ms), 0xFFFF), error_ms, self.moving, self.contact)
            for _, rr_ms in beats
        ]


def _rounded(values: np.ndarray) -> Ints:
    return np.round(values).astype(np.int64)
