"""Any bytes at all: every driver's decoder makes samples of them, or a FrameError, and goes on after it."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import pytest

from devices.decoding import LiveDecoder
from devices.device_information import undescribed
from devices.driver import Decoder, Driver, Samples
from devices.drivers.generic import Generic, Notification, notification_bytes
from devices.drivers.polar_frames import Answer, DataFrame, Measurement, Operation, Settings, Stopped
from devices.drivers.registry import drivers
from devices.drivers.sensor_description import Dtype, GenericSensor, Unit
from devices.drivers.shimmer import SKIPPED
from devices.plausible import RANGES
from devices.virtual.catalogue import SENSORS
from devices.virtual.scenario import Scenario
from pipeline.errors import FrameError
from pipeline.journal import Kind, Record
from pipeline.knowledge import data_path
from pipeline.model import Floats
from pipeline.sealing import read_table, records_of
from tests.flows.rooms import play, resting
from tests.pipeline.sessions import event

FRAMES = 1000  # of each attempt
LONGEST = 260
SECONDS = 70  # the slowest sensor sends once a minute
NO_RANGE = re.compile(r"ppg_(\d+|ambient)_au|pp_error_ms")  # columns whose values can be anything

COUNTED = GenericSensor(
    name="counted",
    label="Counted",
    service="6f6c0001-2a5b-4c11-9d3e-5e1f0a7b9c10",
    characteristic="6f6c0002-2a5b-4c11-9d3e-5e1f0a7b9c10",
    stream="ecg",
    unit=Unit.MICROVOLTS,
    dtype=Dtype.F32BE,
    silence_s=5.0,
    rate_hz=100.0,
    scale=1e12,
    header_bytes=2,
    counter_at=1,
    advertised_name="Counted",
)
BEATS = replace(
    COUNTED,
    name="beats",
    stream="rr",
    unit=Unit.MILLISECONDS,
    dtype=Dtype.I16BE,
    rate_hz=None,
    scale=1.0,
    header_bytes=0,
    counter_at=None,
)
OWN = (Generic(COUNTED), Generic(BEATS))
EVERY = pytest.mark.parametrize(
    "driver", [*drivers(data_path() / "sensors"), *OWN], ids=lambda driver: str(driver.name)
)

Sent = tuple[str, bytes]  # a channel, and what was notified on it

# What the virtual sensors of a driver do not send, and a real one may; all that those send that have none.
_NS = 599_616_000 * 10**9
_TEMPERATURES = np.array([33.1, 33.2], dtype="<f4").tobytes()
_POLAR: tuple[Sent, ...] = (
    ("skin_temperature", bytes(DataFrame(Measurement.SKIN_TEMPERATURE, _NS, 0, False, _TEMPERATURES))),
    ("ppg", bytes(DataFrame(Measurement.PPG, _NS, 0, False, bytes(range(24))))),
    ("acc", bytes(DataFrame(Measurement.ACC, _NS, 0, False, bytes(range(12))))),
    ("acc", bytes(DataFrame(Measurement.ACC, _NS, 2, False, bytes(range(18))))),
    ("acc", bytes(DataFrame(Measurement.ACC, _NS, 0, True, bytes(range(6)) + bytes([8, 2, *range(6)])))),
    ("ppi", bytes(DataFrame(Measurement.PPI, _NS, 0, False, bytes([60, 0, 4, 5, 0, 6] * 3)))),
    ("gyroscope", bytes(DataFrame(Measurement.GYROSCOPE, _NS, 0, False, bytes(12)))),
    ("other", b"\x04" + bytes(20)),
    ("control", bytes(Answer(Operation.SETTINGS, Measurement.PPG, 0, bytes(Settings((135,))), more=True))),
    ("control", bytes(Answer(Operation.START, Measurement.ACC, 0, bytes(Settings(factors=(2e-4,)))))),
    ("control", bytes(Answer(Operation.START, Measurement.ECG, 13))),
    ("control", bytes(Stopped((Measurement.ECG, Measurement.PPI)))),
)
BESIDE: dict[str, tuple[Sent, ...]] = {
    "polar_h10": _POLAR,
    "polar_optical": _POLAR,
    "heart_rate": tuple(("heart_rate", frame) for frame in (bytes([9, 75, 0, 1, 0]), bytes([31] * 9))),
    "generic:counted": tuple(
        ("ecg", notification_bytes(COUNTED, Notification((1e-12 * number, 0.0), number)))
        for number in range(100)
    ),
    "generic:beats": tuple(
        ("rr", notification_bytes(BEATS, Notification((800.0 + n, 810.0)))) for n in range(100)
    ),
}


@dataclass(frozen=True)
class Heard:
    """What a driver's sensors really send: whole connections, one a sensor, and single frames beside."""

    connections: Sequence[Sequence[Sent]]
    beside: Sequence[Sent]

    @property
    def channels(self) -> list[str]:
        sent = (*self.beside, *(each for connection in self.connections for each in connection))
        return sorted({channel for channel, _ in sent})


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Heard]:
    """What every virtual sensor sends, by the name of the driver that reads it."""
    connections: dict[str, list[list[Sent]]] = {driver.name: [] for driver in (*drivers(), *OWN)}
    for sensors in (tuple(sorted(SENSORS.keys() - {"shimmer3"})), ("shimmer3",)):  # one of a kind is chosen
        scene = Scenario("each", "Each", "Each sensor.", sensors)
        played = play(tmp_path_factory.mktemp("heard"), resting(SECONDS), scene=scene)
        sent: dict[str, list[Sent]] = {}
        for record in records_of(read_table(played.folder / "raw.parquet")):
            device, _, channel = record.stream.partition("/")
            if record.kind is Kind.DEVICE:
                connections.setdefault(record.facts["driver"], []).append(sent.setdefault(device, []))
            if record.kind is Kind.DATA and channel != "battery":
                sent.setdefault(device, []).append((channel, record.payload))
    return {name: Heard(known or [BESIDE[name]], BESIDE.get(name, ())) for name, known in connections.items()}


def _spot(rng: random.Random, frame: bytes) -> tuple[int, int]:
    first, last = sorted(rng.randint(0, len(frame)) for _ in range(2))
    return first, last


def _flip(rng: random.Random, frame: bytes, _other: bytes) -> bytes:
    flipped = bytearray(frame)
    for _ in range(rng.choice((1, 1, 2, 8))):
        if flipped:
            flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
    return bytes(flipped)


def _cut(rng: random.Random, frame: bytes, _: bytes) -> bytes:
    first, last = _spot(rng, frame)
    return rng.choice((frame[:first], frame[last:], frame[first:last], frame[:first] + frame[last:]))


def _extend(rng: random.Random, frame: bytes, _: bytes) -> bytes:
    more = rng.randbytes(rng.randint(1, 20))
    return rng.choice((frame + more, more + frame, frame + frame[: len(more)]))


def _double(rng: random.Random, frame: bytes, _: bytes) -> bytes:
    first, last = _spot(rng, frame)
    return rng.choice((frame + frame, frame[:last] + frame[first:]))


def _swap(rng: random.Random, frame: bytes, _: bytes) -> bytes:
    first, last = _spot(rng, frame)
    return rng.choice((frame[last:] + frame[first:last] + frame[:first], frame[::-1]))


def _splice(rng: random.Random, frame: bytes, other: bytes) -> bytes:
    return frame[: rng.randint(0, len(frame))] + other[rng.randint(0, len(other)) :]


def _run(rng: random.Random, frame: bytes, _: bytes) -> bytes:
    first, last = _spot(rng, frame)
    return frame[:first] + rng.choice((b"\0", b"\xff", b"\x80", b"\x7f")) * (last - first) + frame[last:]


MUTATIONS: tuple[Callable[[random.Random, bytes, bytes], bytes], ...] = (
    _flip,
    _cut,
    _extend,
    _double,
    _swap,
    _splice,
    _run,
)


def garbage(rng: random.Random, heard: Heard, count: int) -> Iterator[Sent]:
    """So many frames that were never sent, and between them some that were: in order, again, or not.

    The good ones have a decoder take up its thread, so that the bad ones meet it in every state.
    """
    channels = [*heard.channels, "of another version"]
    connection = rng.choice(heard.connections)
    at, made = 0, 0
    while made < count:
        if rng.random() < 0.05:
            at = rng.choice((0, at, rng.randrange(len(connection))))
            several = list(connection[at : at + rng.randint(1, 12)])
            at += len(several)
            if rng.random() < 0.3:
                rng.shuffle(several)
            yield from several
            continue
        near = connection[rng.randrange(at, at + 8) % len(connection)]
        channel, frame = rng.choice((near, near, *rng.sample(heard.beside, min(1, len(heard.beside)))))
        if rng.random() < 0.3:
            frame = rng.randbytes(rng.randint(0, rng.choice((24, 24, LONGEST))))
        else:
            frame = rng.choice(MUTATIONS)(rng, frame, rng.choice(connection)[1])
        yield rng.choice(channels) if rng.random() < 0.05 else channel, frame[:LONGEST]
        made += 1


def assert_well_formed(samples: Samples) -> None:
    for column, values in samples.columns.items():
        assert isinstance(values, np.ndarray), column
        assert values.ndim == 1, column
        assert values.dtype == np.float64, column
        assert len(values) == len(samples), column
        assert not np.isinf(values).any(), column
    assert samples.rate_hz is None or 0 < samples.rate_hz < np.inf
    assert all(samples.events)
    if samples.device_time_s is not None:
        assert len(samples.device_time_s) == len(samples)
        assert np.isfinite(samples.device_time_s).all()
        assert_rising(samples.device_time_s, samples)


def assert_rising(device_time_s: Floats, samples: Samples) -> None:
    """Stamps rise, or, of pulses that take no time, do not fall; unless it is told that bytes were skipped.

    A clock that wraps goes on by less than half of that.
    """
    steps_s = np.diff(device_time_s)
    if samples.wrap_s is not None:
        assert ((device_time_s >= 0) & (device_time_s <= samples.wrap_s)).all()
        steps_s = np.where(steps_s < -samples.wrap_s / 2, steps_s + samples.wrap_s, steps_s)
    rises = (steps_s > 0).all() if samples.rate_hz is not None else (steps_s >= 0).all()
    assert rises or SKIPPED in samples.events, device_time_s


def assert_plausible_or_told(samples: Samples) -> None:
    for column, values in samples.columns.items():
        if NO_RANGE.fullmatch(column):
            continue
        assert column in RANGES, f"{column} has no physical range: give it one, or list it here"
        low, high = RANGES[column]
        plausible = np.isnan(values) | ((values >= low) & (values <= high))
        assert plausible.all() or any(told.startswith(f"{column} outside") for told in samples.events)


class Fed:
    """A driver's decoder, and a session's live decoder beside it, that are fed alike.

    `given_up` is whether a sensor said that what it sends cannot be read: then nothing of it is.
    """

    def __init__(self, driver: Driver) -> None:
        self.given_up = False
        self._decoder: Decoder = driver.decoder()
        self._live = LiveDecoder()
        self._live.feed(event(Kind.DEVICE, 0.0, asdict(undescribed(driver)), "sensor"))

    def feed(self, channel: str, payload: bytes) -> Sequence[Samples] | None:
        """What a frame decodes to, checked; None if it is refused."""
        malformed = self._live.malformed
        told = self._live.feed(Record(Kind.DATA, f"sensor/{channel}", 0, 1, 0.0, 0.0, None, payload))
        try:
            decoded = self._decoder.feed(channel, payload)
        except FrameError as error:
            self.given_up |= "its packets hold channels" in error.reason
            assert (list(told), self._live.malformed) == ([], malformed + 1)
            return None
        assert self._live.malformed == malformed
        assert len(told) == len(decoded)
        for samples in decoded:
            assert_well_formed(samples)
        for samples in told:
            assert_plausible_or_told(samples)
        return decoded


@EVERY
@pytest.mark.attempts(100)
def test_any_frame_is_samples_or_refused(driver: Driver, attempt: int, heard: dict[str, Heard]) -> None:
    rng, fed = random.Random(f"{driver.name} {attempt}"), Fed(driver)
    for channel, payload in garbage(rng, heard[driver.name], FRAMES):
        try:
            fed.feed(channel, payload)
        except Exception as error:
            raise AssertionError(f"{channel} {payload.hex()}") from error
        fed = Fed(driver) if fed.given_up else fed


@EVERY
@pytest.mark.attempts(20)
def test_after_garbage_good_frames_are_decoded_again(
    driver: Driver, attempt: int, heard: dict[str, Heard]
) -> None:
    rng = random.Random(f"{driver.name} {attempt} again")
    for connection in heard[driver.name].connections:
        fresh, upset = Fed(driver), Fed(driver)
        for channel, payload in garbage(rng, heard[driver.name], FRAMES // 10):
            upset.feed(channel, payload)
            upset = Fed(driver) if upset.given_up else upset
        good = [(fresh.feed(*each), upset.feed(*each)) for each in connection]
        for expected, actual in good[len(good) // 2 :]:
            assert_same(expected, actual)


def assert_same(expected: Sequence[Samples] | None, actual: Sequence[Samples] | None) -> None:
    """The same but for the moment from which a decoder counts."""
    assert expected is not None
    assert actual is not None
    assert [_told(samples) for samples in expected] == [_told(samples) for samples in actual]


def _told(samples: Samples) -> object:
    columns = {column: values.tolist() for column, values in samples.columns.items()}
    steps_s = None if samples.device_time_s is None else np.diff(samples.device_time_s).round(6).tolist()
    return samples.stream, str(columns), samples.rate_hz, steps_s, samples.events
