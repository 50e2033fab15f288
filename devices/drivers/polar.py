"""Polar H10, Verity Sense and OH1: heart rate, and what the Polar Measurement Data service adds to it.

The H10 adds an electrocardiogram and acceleration, the optical sensors a pulse wave, acceleration and
pulse-to-pulse intervals. Sources: see `devices.drivers.polar_frames`; product pages, KnownIssues.md,
PPIData.md and TimeSystemExplained.md in github.com/polarofficial/polar-ble-sdk. None of it was checked on
hardware.

A frame's stamp belongs to its last sample; the others lie evenly between the stamp before and this one, or,
where those do not fit, one nominal period apart. Sensors that nobody set say it is 2019 or 2000, so stamps
are a clock of their own. A stamp of 0 says nothing.

Acceleration comes in mg, or as counts whose factor the sensor tells when it is started: a delta frame of type
0 then counts in g, one of type 1 in mg. An interval is kept whatever its sensor thinks of it, but with an
event: `blocker` means that there was movement. The sense of the contact bit is disputed (see PulseInterval),
and Polar says of both optical sensors that it must not be trusted: "contact lost" is a hint there. PPG has
three channels and the ambient light as the fourth; some firmware states a wrong rate, which is put right.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import numpy as np

from devices.driver import CONTACT_LOST, Advert, Decoder, Link, Samples
from devices.drivers import heart_rate
from devices.drivers.heart_rate import HeartRate
from devices.drivers.polar_frames import (
    NO_SETTINGS,
    Answer,
    Answers,
    Command,
    DataFrame,
    Features,
    Ints,
    Measurement,
    Operation,
    Settings,
    Status,
    Stopped,
)
from pipeline.errors import DeviceError, FrameError, PairingError
from pipeline.model import Floats

SERVICE = "fb005c80-02e7-f387-1cad-8acd2d8df0c8"
CONTROL = "fb005c81-02e7-f387-1cad-8acd2d8df0c8"
DATA = "fb005c82-02e7-f387-1cad-8acd2d8df0c8"
CONTROL_CHANNEL = "control"

MOVEMENT = "movement: pulse intervals unsure"
STOPPED = "stopped by the sensor"

_SILENCE_S = 5.0
_SLOW_S = 45.0  # pulse intervals begin after some 25 s, and come in batches
_HEART_RATE_SILENCE_S = 15.0  # with pulse intervals on, the heart rate is new every 5 s only
_ANSWER_S = 2.0
_STARTING_S = 12.0  # a connection gives a driver 15 s: whatever does not answer, the heart rate is to flow

_NAME = re.compile(r"\bpolar (h10|oh1|sense|verity)\b", re.IGNORECASE)  # the H9 has nothing to add

_CHANNELS = {
    Measurement.ECG: "ecg",
    Measurement.PPG: "ppg",
    Measurement.ACC: "acc",
    Measurement.PPI: "ppi",
    Measurement.GYROSCOPE: "gyroscope",
    Measurement.MAGNETOMETER: "magnetometer",
    Measurement.SKIN_TEMPERATURE: "skin_temperature",
}
_OTHER_CHANNEL = "other"
_STREAMS = {
    Measurement.ECG: "ecg",
    Measurement.PPG: "ppg",
    Measurement.ACC: "acc",
    Measurement.PPI: "pp",
    Measurement.SKIN_TEMPERATURE: "skin_temperature",
}
_SLOW = {Measurement.PPI, Measurement.SKIN_TEMPERATURE}

_LEAST_HZ = {Measurement.ECG: 100, Measurement.ACC: 25, Measurement.PPG: 50}
_LEAST_RANGE = 4  # g: a breath needs resolution, a step some room
_RATE_TOLERANCE, _SAME_PACE = 0.05, 0.02
# OH1, and Verity Sense 1.1.5 to 2.0, according to Polar's known issues.
_PPG_HZ_BY_CLAIM = {130: 135, 135: 55}
# For a connection whose answers are not there: what the H10 and OH1 (raw), and the Verity Sense (delta), do.
_DEFAULT_HZ = {
    (Measurement.ECG, False): 130,
    (Measurement.ACC, False): 25,
    (Measurement.ACC, True): 52,
    (Measurement.PPG, False): 135,
    (Measurement.PPG, True): 55,
    (Measurement.SKIN_TEMPERATURE, False): 4,
}
_DEFAULT_G = 8 / (1 << 15)  # ±8 g in 16 bits
_PPG_CHANNELS, _PPG_BITS, _ACC_BITS = 4, 22, 16

Columns = Mapping[str, Floats]


def channel_of(frame: bytes) -> str:
    """The channel of a notification of the data characteristic."""
    try:
        return _CHANNELS[Measurement.of(frame[0], frame)]
    except (FrameError, IndexError):
        return _OTHER_CHANNEL


def chosen(measurement: Measurement, offered: Settings) -> Settings:
    """One of each of the offered settings, the factor aside.

    The lowest rate that will do (ECG 100 Hz, acceleration 25 Hz, PPG 50 Hz) or else the highest, likewise the
    range; the highest resolution and the most channels. A stored session is decoded by the same rule.
    """
    return Settings(
        rates_hz=_lowest(offered.rates_hz, _LEAST_HZ.get(measurement, 1)),
        resolutions_bits=_highest(offered.resolutions_bits),
        ranges=_lowest(offered.ranges, _LEAST_RANGE),
        ranges_milli=_lowest(offered.ranges_milli, _LEAST_RANGE * 1000),
        channels=_highest(offered.channels),
    )


def _lowest(values: tuple[int, ...], least: int) -> tuple[int, ...]:
    """The lowest of at least so much, else the highest; none if there are none."""
    enough = [value for value in values if value >= least]
    return (min(enough),) if enough else _highest(values)


def _highest(values: tuple[int, ...]) -> tuple[int, ...]:
    """The highest; none if there are none above zero."""
    return tuple(sorted(value for value in values if value > 0)[-1:])


@dataclass(frozen=True, slots=True)
class _Known:
    """What the control point said of a measurement; what it did not say is None."""

    rate_hz: int | None = None
    resolution_bits: int | None = None
    channels: int | None = None
    factor: float | None = None

    @classmethod
    def of(cls, measurement: Measurement, offered: Settings, factors: tuple[float, ...]) -> _Known:
        settings = chosen(measurement, offered)
        return cls(
            rate_hz=next(iter(settings.rates_hz), None),
            resolution_bits=next(iter(settings.resolutions_bits), None),
            channels=next(iter(settings.channels), None),
            factor=next((factor for factor in (*factors, *offered.factors) if factor > 0), None),
        )


@dataclass(slots=True)
class _Pace:
    """When samples were taken, from one stamp a frame. `rate_hz` is what they nominally come at.

    Until a frame has come as the nominal rate has it, two that agree on another one are believed.
    """

    rate_hz: float
    _period_s: float = field(init=False)
    _stamp_ns: int | None = field(default=None, init=False)
    _unlike_s: float | None = field(default=None, init=False)
    _settled: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._period_s = 1 / self.rate_hz

    def times(self, stamp_ns: int, count: int) -> Floats:
        """The sensor's time of each sample in s."""
        if self._stamp_ns is not None and self._follows((stamp_ns - self._stamp_ns) / 1e9 / count):
            self._period_s = (stamp_ns - self._stamp_ns) / 1e9 / count
        self._stamp_ns = stamp_ns
        return stamp_ns / 1e9 - np.arange(count - 1, -1, -1, dtype=np.float64) * self._period_s

    def _follows(self, period_s: float) -> bool:
        """Whether a frame with this time between its samples follows the one before, with nothing lost."""
        if abs(period_s * self.rate_hz - 1) <= _RATE_TOLERANCE:
            self._settled = True
            return True
        unlike_s, self._unlike_s = self._unlike_s, period_s if period_s > 0 else None  # 0: it came twice
        if self._settled or period_s <= 0 or unlike_s is None or abs(period_s / unlike_s - 1) > _SAME_PACE:
            return False
        whole_hz = float(round(1 / period_s))  # as settings have it
        self.rate_hz = whole_hz if abs(period_s * whole_hz - 1) <= _RATE_TOLERANCE else 1 / period_s
        self._settled = True
        return True


class _PolarDecoder:
    def __init__(self) -> None:
        self._heart_rate = HeartRate().decoder()
        self._answers = Answers()
        self._offered: dict[Measurement, Settings] = {}
        self._factors: dict[Measurement, tuple[float, ...]] = {}
        self._paces: dict[Measurement, _Pace] = {}

    def feed(self, channel: str, payload: bytes) -> Sequence[Samples]:
        if channel == heart_rate.CHANNEL:
            return self._heart_rate.feed(channel, payload)
        if channel == CONTROL_CHANNEL:
            return self._heard(payload)
        if channel not in _DATA_CHANNELS:
            return ()
        frame = DataFrame.from_bytes(payload)
        if frame.measurement not in _STREAMS:
            return ()
        return (_intervals(frame),) if frame.measurement is Measurement.PPI else (self._samples(frame),)

    def _heard(self, payload: bytes) -> Sequence[Samples]:
        """What the control point said: settings to remember, or an event."""
        answer = self._answers.feed(payload)
        if answer is None:
            return ()
        if isinstance(answer, Stopped):
            return [
                Samples(_STREAMS[each], events=(STOPPED,)) for each in answer.measurements if each in _STREAMS
            ]
        if answer.operation is Operation.STOP or answer.measurement not in _STREAMS:
            return ()
        if answer.status == Status.OK:
            self._remember(answer)
            return ()
        if answer.status == Status.ALREADY_IN_STATE:  # it is stopped, and started anew
            return ()
        return (Samples(_STREAMS[answer.measurement], events=(f"not started: {answer.reason}",)),)

    def _remember(self, answer: Answer) -> None:
        settings = Settings.from_bytes(answer.parameters)
        if answer.operation is Operation.SETTINGS:
            self._offered[answer.measurement] = settings
        else:
            self._factors[answer.measurement] = settings.factors
        self._paces.pop(answer.measurement, None)

    def _samples(self, frame: DataFrame) -> Samples:
        measurement = frame.measurement
        offered = self._offered.get(measurement, NO_SETTINGS)
        known = _Known.of(measurement, offered, self._factors.get(measurement, ()))
        columns = _columns(frame, known)
        pace = self._paces.setdefault(measurement, _Pace(_nominal_hz(frame, known)))
        count = len(next(iter(columns.values())))
        time_s = pace.times(frame.stamp_ns, count) if frame.stamp_ns else None
        return Samples(_STREAMS[measurement], columns, rate_hz=pace.rate_hz, device_time_s=time_s)


_DATA_CHANNELS = {*_CHANNELS.values(), _OTHER_CHANNEL}


def _nominal_hz(frame: DataFrame, known: _Known) -> float:
    if known.rate_hz is None:
        return float(_DEFAULT_HZ[frame.measurement, frame.delta])
    if frame.measurement is Measurement.PPG:
        return float(_PPG_HZ_BY_CLAIM.get(known.rate_hz, known.rate_hz))
    return float(known.rate_hz)


def _columns(frame: DataFrame, known: _Known) -> Columns:
    """The values of a frame. Raises FrameError if its type is not known, or its content does not fit it."""
    layout = _LAYOUTS.get((frame.measurement, frame.delta, frame.kind))
    if layout is None:
        kind = f"{'delta' if frame.delta else 'raw'} frame type {frame.kind}"
        raise frame.error(f"{kind} of {_CHANNELS[frame.measurement]} is not known")
    return layout(frame, known)


def _ecg(frame: DataFrame, _: _Known) -> Columns:
    return {"ecg_uv": frame.integers(1, 3)[:, 0].astype(np.float64)}


def _raw_acc(frame: DataFrame, _: _Known) -> Columns:
    return _acc(frame.integers(3, frame.kind + 1), 1.0)


def _delta_acc_g(frame: DataFrame, known: _Known) -> Columns:
    return _acc(frame.deltas(3, known.resolution_bits or _ACC_BITS), 1000 * (known.factor or _DEFAULT_G))


def _delta_acc_mg(frame: DataFrame, known: _Known) -> Columns:
    return _acc(frame.deltas(3, known.resolution_bits or _ACC_BITS), known.factor or 1.0)


def _acc(counts: Ints, mg: float) -> Columns:
    return {f"acc_{axis}_mg": counts[:, row].astype(np.float64) * mg for row, axis in enumerate("xyz")}


def _raw_ppg(frame: DataFrame, known: _Known) -> Columns:
    return _ppg(frame.integers(known.channels or _PPG_CHANNELS, 3))


def _delta_ppg(frame: DataFrame, known: _Known) -> Columns:
    return _ppg(frame.deltas(known.channels or _PPG_CHANNELS, known.resolution_bits or _PPG_BITS))


def _ppg(counts: Ints) -> Columns:
    names = [f"ppg_{number}_au" for number in range(1, counts.shape[1] + 1)]
    if len(names) == _PPG_CHANNELS:
        names[-1] = "ppg_ambient_au"
    return {name: counts[:, row].astype(np.float64) for row, name in enumerate(names)}


def _skin_temperature(frame: DataFrame, _: _Known) -> Columns:
    return {"skin_temperature_c": frame.floats()}


# By measurement, delta or raw, and frame type.
_LAYOUTS: Mapping[tuple[Measurement, bool, int], Callable[[DataFrame, _Known], Columns]] = {
    (Measurement.ECG, False, 0): _ecg,
    (Measurement.ACC, False, 0): _raw_acc,
    (Measurement.ACC, False, 1): _raw_acc,
    (Measurement.ACC, False, 2): _raw_acc,
    (Measurement.ACC, True, 0): _delta_acc_g,
    (Measurement.ACC, True, 1): _delta_acc_mg,
    (Measurement.PPG, False, 0): _raw_ppg,
    (Measurement.PPG, True, 0): _delta_ppg,
    (Measurement.SKIN_TEMPERATURE, False, 0): _skin_temperature,
}


def _intervals(frame: DataFrame) -> Samples:
    if frame.delta or frame.kind:
        raise frame.error("only raw frame type 0 of ppi is known")
    intervals = frame.pulse_intervals()
    pp_ms = np.array([each.pp_ms for each in intervals], dtype=np.float64)
    later_ms = np.cumsum(pp_ms[::-1])[::-1] - pp_ms
    told = (
        (MOVEMENT, any(each.blocker for each in intervals)),
        (CONTACT_LOST, any(each.contact is False for each in intervals)),
    )
    return Samples(
        "pp",
        {"pp_ms": pp_ms, "pp_error_ms": np.array([each.error_ms for each in intervals], dtype=np.float64)},
        device_time_s=frame.stamp_ns / 1e9 - later_ms / 1000 if frame.stamp_ns else None,
        events=tuple(event for event, is_so in told if is_so),
    )


class _Dialogue:
    """What is said with the control point of one link, which it does not hold: it would never be let go."""

    def __init__(self) -> None:
        self._answers = Answers()
        self._heard: asyncio.Queue[Answer] = asyncio.Queue()
        self.started: set[Measurement] = set()

    def heard(self, payload: bytes) -> None:
        """Take an indication; one that cannot be read is none here, and shown by the decoder."""
        with suppress(FrameError):
            answer = self._answers.feed(payload)
            if isinstance(answer, Answer):
                self._heard.put_nowait(answer)

    async def ask(self, link: Link, command: Command) -> Answer | None:
        """The answer to a command; None if there is none in time, or the command is not taken."""
        while not self._heard.empty():
            self._heard.get_nowait()
        try:
            async with asyncio.timeout(_ANSWER_S):
                await link.write(CONTROL, bytes(command))
                while True:
                    answer = await self._heard.get()
                    if (answer.operation, answer.measurement) == (command.operation, command.measurement):
                        return answer
        except PairingError:
            raise
        except (TimeoutError, DeviceError):
            return None

    async def insist(self, link: Link, command: Command) -> Answer | None:
        """The same, asked once more if there was no answer: a single one may be lost."""
        answer = await self.ask(link, command)
        return answer if answer is not None else await self.ask(link, command)

    async def offered(self, link: Link) -> list[Measurement]:
        """The measurements that we want and the sensor offers; all we want if it does not say."""
        try:
            features = Features.from_bytes(await link.read(CONTROL))
        except PairingError:
            raise
        except (DeviceError, FrameError):
            return list(_STREAMS)
        return [each for each in _STREAMS if each in features.measurements]

    async def begin(self, link: Link, measurement: Measurement) -> bool:
        """Start a measurement with settings that the sensor offers; False if it refuses, and only then."""
        if measurement is Measurement.PPI:  # it has none
            return await self._start(link, Command(Operation.START, measurement, NO_SETTINGS))
        answer = await self.insist(link, Command(Operation.SETTINGS, measurement))
        if answer is None or answer.status != Status.OK:
            return answer is None
        try:
            settings = chosen(measurement, Settings.from_bytes(answer.parameters))
        except FrameError:  # the others may flow all the same
            return True
        return await self._start(link, Command(Operation.START, measurement, settings))

    async def _start(self, link: Link, start: Command) -> bool:
        self.started.add(start.measurement)
        answer = await self.insist(link, start)
        if answer is not None and answer.status == Status.ALREADY_IN_STATE:  # with settings we do not know
            await self.stop(link, start.measurement)
            answer = await self.insist(link, start)
        if answer is None or answer.status in (Status.OK, Status.ALREADY_IN_STATE):
            return True
        self.started.discard(start.measurement)
        return False

    async def stop(self, link: Link, measurement: Measurement) -> None:
        await self.ask(link, Command(Operation.STOP, measurement))


class Polar:
    """The sensors of Polar that send more than a heart rate; what one has, it is asked."""

    name = "polar"
    label = "Polar sensor"
    models = "Polar H10, Verity Sense, OH1"
    source = "Polar Measurement Data Specification; github.com/polarofficial/polar-ble-sdk, documentation"
    hardware_verified = False
    streams: tuple[str, ...] = ("rr", "heart_rate", "ecg", "ppg", "acc", "pp", "skin_temperature")

    def __init__(self) -> None:
        self._dialogues: WeakKeyDictionary[Link, _Dialogue] = WeakKeyDictionary()

    def recognises(self, advert: Advert) -> bool:
        return SERVICE in advert.service_uuids or _NAME.search(advert.name) is not None

    async def start(self, link: Link) -> None:
        await link.subscribe(heart_rate.MEASUREMENT, heart_rate.CHANNEL, silence_s=_HEART_RATE_SILENCE_S)
        dialogue = self._dialogues.setdefault(link, _Dialogue())
        try:
            await link.subscribe(CONTROL, CONTROL_CHANNEL, silence_s=None, heard=dialogue.heard)
        except PairingError:
            raise
        except DeviceError:  # firmware without the service: the heart rate flows all the same
            return
        await self._start_streams(link, dialogue)

    async def _start_streams(self, link: Link, dialogue: _Dialogue) -> None:
        """Start what the sensor offers; what it does not refuse is watched, and told of if it is missing."""
        offered = await dialogue.offered(link)
        refused: set[Measurement] = set()
        try:
            async with asyncio.timeout(_STARTING_S):
                for measurement in _SLOW.intersection(offered):
                    # What is left of an earlier start would be watched as if it were fast.
                    await dialogue.stop(link, measurement)
                await link.subscribe(DATA, channel_of, silence_s=None)
                for measurement in offered:
                    if not await dialogue.begin(link, measurement):
                        refused.add(measurement)
        except PairingError:
            raise
        except (TimeoutError, DeviceError):
            pass  # the heart rate flows all the same, and the watch tells of the rest
        for measurement in offered:
            if measurement not in refused:
                link.expect(_CHANNELS[measurement], _SLOW_S if measurement in _SLOW else _SILENCE_S)

    async def stop(self, link: Link) -> None:
        dialogue = self._dialogues.pop(link, None) or _Dialogue()
        for measurement in sorted(dialogue.started):
            with suppress(DeviceError):
                await dialogue.stop(link, measurement)

    def decoder(self) -> Decoder:
        return _PolarDecoder()


class PolarH10(Polar):
    """The chest strap."""

    name = "polar_h10"
    label = "Polar H10 (chest strap with ECG)"
    models = "Polar H10"
    streams = ("rr", "heart_rate", "ecg", "acc")

    def recognises(self, advert: Advert) -> bool:
        return "h10" in advert.name.lower() and super().recognises(advert)


class PolarOptical(Polar):
    """The arm bands: a pulse wave, and pulse intervals in place of RR intervals."""

    name = "polar_optical"
    label = "Polar arm band (optical)"
    models = "Polar Verity Sense, OH1"
    streams = ("heart_rate", "pp", "ppg", "acc")

    def recognises(self, advert: Advert) -> bool:
        return "h10" not in advert.name.lower() and super().recognises(advert)
