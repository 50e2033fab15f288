"""Polar Measurement Data: the bytes of the service that Polar sensors offer beside the heart rate.

Sources: Polar Measurement Data Specification and the documentation in github.com/polarofficial/polar-ble-sdk
(settings, status codes, product pages, PPIData.md, TimeSystemExplained.md) for what fields mean. What those
leave out (delta frames, frame types, the stop that comes unasked) was checked against several independent
clients. None of it was checked on hardware.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import IntEnum, IntFlag
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import FrameError
from pipeline.model import Floats

Ints = NDArray[np.int64]

_PROTOCOL = "Polar"
ANSWER = 0xF0
_FEATURES, _STOPPED = 0x0F, 0x01
_FEATURES_SIZE = 17
_TYPE_BITS, _KIND_BITS, _DELTA_BIT = 0x3F, 0x7F, 0x80
_WIDEST = 4  # bytes of a sample


class Measurement(IntEnum):
    """What a sensor measures; also the number of its bit among the features."""

    ECG = 0
    PPG = 1
    ACC = 2
    PPI = 3
    GYROSCOPE = 5
    MAGNETOMETER = 6
    SKIN_TEMPERATURE = 7

    @classmethod
    def of(cls, byte: int, frame: bytes) -> Measurement:
        """The measurement that a byte names. Raises FrameError if it is not one of these."""
        try:
            return cls(byte & _TYPE_BITS)
        except ValueError:
            reason = f"measurement type {byte & _TYPE_BITS} is not known"
            raise FrameError(_PROTOCOL, frame, reason) from None


class Operation(IntEnum):
    """What can be asked of the control point."""

    SETTINGS = 1
    START = 2
    STOP = 3


class Status(IntEnum):
    """What came of it. Newer sensors may know more."""

    OK = 0
    INVALID_OPERATION = 1
    INVALID_MEASUREMENT = 2
    NOT_SUPPORTED = 3
    INVALID_LENGTH = 4
    INVALID_PARAMETER = 5
    ALREADY_IN_STATE = 6
    INVALID_RESOLUTION = 7
    INVALID_RATE = 8
    INVALID_RANGE = 9
    INVALID_MTU = 10
    INVALID_CHANNELS = 11
    INVALID_STATE = 12
    IN_CHARGER = 13
    DISK_FULL = 14


@dataclass(frozen=True, slots=True)
class Features:
    """What the control point says when it is read: which measurements the sensor offers."""

    measurements: frozenset[Measurement]

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode the value; bits of no known measurement mean nothing. Raises FrameError if it is another."""
        if len(value) < 2 or value[0] != _FEATURES:
            raise FrameError(_PROTOCOL, value, "is not a list of features")
        return cls(frozenset(each for each in Measurement if value[1] >> each & 1))

    def __bytes__(self) -> bytes:
        bits = sum(1 << each for each in self.measurements)
        return bytes([_FEATURES, bits]).ljust(_FEATURES_SIZE, b"\0")


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings that a sensor offers, or, with one value each, those that it is started with.

    Full-scale ranges are in the unit of the measurement (g for acceleration); a factor turns counts into
    that unit. Empty is a setting that was not mentioned.
    """

    rates_hz: tuple[int, ...] = ()
    resolutions_bits: tuple[int, ...] = ()
    ranges: tuple[int, ...] = ()
    ranges_milli: tuple[int, ...] = ()
    channels: tuple[int, ...] = ()
    factors: tuple[float, ...] = ()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Decode a list of settings. Raises FrameError on one that is unknown, broken, or there twice."""
        settings: dict[str, tuple[int | float, ...]] = {}
        rest = data
        while rest:
            if rest[0] not in _SETTINGS or len(rest) < 2:
                raise FrameError(_PROTOCOL, data, f"setting {rest[0]} is not known, or has no values")
            name, code = _SETTINGS[rest[0]]
            layout = struct.Struct(f"<{rest[1]}{code}")
            if name in settings or len(rest) < 2 + layout.size:
                raise FrameError(_PROTOCOL, data, f"{name} are there twice, or cut short")
            settings[name] = layout.unpack_from(rest, 2)
            if not all(map(math.isfinite, settings[name])):
                raise FrameError(_PROTOCOL, data, f"{name} are not numbers")
            rest = rest[2 + layout.size :]
        return cls(**settings)  # type: ignore[arg-type]

    def __bytes__(self) -> bytes:
        return b"".join(
            struct.pack(f"<BB{len(values)}{code}", number, len(values), *values)
            for number, (name, code) in _SETTINGS.items()
            if (values := getattr(self, name))
        )


NO_SETTINGS = Settings()

# By number: the name above and the format of a value.
_SETTINGS: Mapping[int, tuple[str, str]] = {
    number: (each.name, code)
    for number, (each, code) in enumerate(zip(fields(Settings), "HHHIBf", strict=True))
}


@dataclass(frozen=True, slots=True)
class Command:
    """What is written to the control point."""

    operation: Operation
    measurement: Measurement
    settings: Settings = NO_SETTINGS

    @classmethod
    def from_bytes(cls, frame: bytes) -> Self:
        """Decode a command. Raises FrameError on what is none of these."""
        if len(frame) < 2 or frame[0] not in list(Operation):
            raise FrameError(_PROTOCOL, frame, "is not a command")
        return cls(Operation(frame[0]), Measurement.of(frame[1], frame), Settings.from_bytes(frame[2:]))

    def __bytes__(self) -> bytes:
        return bytes([self.operation, self.measurement]) + bytes(self.settings)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the control point indicates after a command; with `more` the rest comes in the next answer.

    `status` is one of Status, or what a newer sensor says.
    """

    operation: Operation
    measurement: Measurement
    status: int = Status.OK
    parameters: bytes = b""
    more: bool = False

    @property
    def reason(self) -> str:
        """The status in words."""
        known = self.status in list(Status)
        return Status(self.status).name.lower().replace("_", " ") if known else f"status {self.status}"

    def joined(self, rest: Answer) -> Answer:
        """The answer together with the one that goes on from it."""
        parameters = self.parameters + rest.parameters
        return Answer(rest.operation, rest.measurement, rest.status, parameters, rest.more)

    def __bytes__(self) -> bytes:
        head = bytes([ANSWER, self.operation, self.measurement, self.status])
        return head if self.status else head + bytes([self.more]) + self.parameters


@dataclass(frozen=True, slots=True)
class Stopped:
    """What the control point says unasked: the sensor itself stopped these measurements."""

    measurements: tuple[Measurement, ...]

    def __bytes__(self) -> bytes:
        return bytes([_STOPPED, *self.measurements])


def indication(frame: bytes) -> Answer | Stopped:
    """What the control point indicated. Raises FrameError on what is neither an answer nor a stop."""
    if frame[:1] == bytes([_STOPPED]):
        return Stopped(tuple(Measurement.of(byte, frame) for byte in frame[1:]))
    if len(frame) < 4 or frame[0] != ANSWER or frame[1] not in list(Operation):
        raise FrameError(_PROTOCOL, frame, "is no answer of the control point")
    operation, measurement = Operation(frame[1]), Measurement.of(frame[2], frame)
    if frame[3] != Status.OK:  # nothing of use follows
        return Answer(operation, measurement, frame[3])
    return Answer(operation, measurement, Status.OK, frame[5:], any(frame[4:5]))


@dataclass(slots=True)
class Answers:
    """Puts answers together that come in several indications."""

    _begun: Answer | None = field(default=None, init=False)

    def feed(self, frame: bytes) -> Answer | Stopped | None:
        """What an indication completes. Raises FrameError as `indication` does."""
        heard = indication(frame)
        if isinstance(heard, Stopped):
            return heard
        begun = self._begun
        if begun and (begun.operation, begun.measurement) == (heard.operation, heard.measurement):
            heard = begun.joined(heard)
        self._begun = heard if heard.more else None
        return None if heard.more else heard


@dataclass(frozen=True, slots=True)
class DataFrame:
    """One notification of samples.

    `stamp_ns` belongs to the last sample: ns since 2000 as the sensor counts them; 0 where it says nothing.
    `kind` is the frame type, which with `delta` says how `content` is laid out.
    """

    measurement: Measurement
    stamp_ns: int
    kind: int
    delta: bool
    content: bytes

    @classmethod
    def from_bytes(cls, frame: bytes) -> Self:
        """Decode the head of a frame. Raises FrameError if it is cut short or of no known measurement."""
        if len(frame) < _HEAD.size:
            raise FrameError(_PROTOCOL, frame, f"{len(frame)} bytes where the head alone has {_HEAD.size}")
        kind_of, stamp_ns, layout = _HEAD.unpack_from(frame)
        measurement = Measurement.of(kind_of, frame)
        content = frame[_HEAD.size :]
        return cls(measurement, stamp_ns, layout & _KIND_BITS, bool(layout & _DELTA_BIT), content)

    def __bytes__(self) -> bytes:
        layout = self.kind | (_DELTA_BIT if self.delta else 0)
        return _HEAD.pack(self.measurement, self.stamp_ns, layout) + self.content

    def error(self, reason: str) -> FrameError:
        """An error that shows the whole frame."""
        return FrameError(_PROTOCOL, bytes(self), reason)

    def integers(self, channels: int, width: int) -> Ints:
        """The samples (n, channels) of a raw frame, signed, `width` bytes each. Raises FrameError."""
        size = channels * width
        if not self.content or len(self.content) % size:
            raise self.error(f"{len(self.content)} bytes are not whole {size}-byte samples")
        return _integers(self.content, width).reshape(-1, channels)

    def deltas(self, channels: int, resolution_bits: int) -> Ints:
        """The samples (n, channels) of a delta frame. Raises FrameError if it is cut short or overflows.

        The first sample stands there whole, in as many bytes as the resolution needs. Blocks follow: bits of
        a delta, count of samples, then their deltas to the sample before, least significant bit first, the
        channels of a sample together, padded to a whole byte.
        """
        width = -(-resolution_bits // 8)
        size = channels * width
        if width > _WIDEST:
            raise self.error(f"no sample has {resolution_bits} bits")
        if len(self.content) < size:
            raise self.error(f"{len(self.content)} bytes where the first sample needs {size}")
        steps = [_integers(self.content[:size], width).reshape(1, channels)]
        steps += self._blocks(size, channels)
        samples = np.cumsum(np.concatenate(steps), axis=0)
        if not np.array_equal(samples, _wrapped(samples, 8 * width)):
            raise self.error(f"samples leave the {8 * width} bits they have")
        return samples

    def _blocks(self, offset: int, channels: int) -> Iterator[Ints]:
        """The deltas (n, channels) of each block from `offset` on."""
        while offset < len(self.content):
            bits, count = self.content[offset], next(iter(self.content[offset + 1 : offset + 2]), 0)
            begin, offset = offset + 2, offset + 2 + -(-bits * count * channels // 8)
            if offset > len(self.content) or bits > 8 * _WIDEST:
                raise self.error(f"a block of {count} samples with {bits} bits does not fit")
            yield _unpacked(self.content[begin:offset], bits, count * channels).reshape(-1, channels)

    def floats(self) -> Floats:
        """The values of a raw frame of 4-byte floats; NaN for what is not finite. Raises FrameError."""
        if not self.content or len(self.content) % 4:
            raise self.error(f"{len(self.content)} bytes are not whole 4-byte samples")
        values = np.array(struct.unpack(f"<{len(self.content) // 4}f", self.content))
        return np.where(np.isfinite(values), values, np.nan)

    def pulse_intervals(self) -> tuple[PulseInterval, ...]:
        """The intervals of a PPI frame. Raises FrameError."""
        if len(self.content) % PulseInterval.SIZE:
            raise self.error(f"{len(self.content)} bytes are not whole {PulseInterval.SIZE}-byte intervals")
        return tuple(
            PulseInterval.from_bytes(self.content[at : at + PulseInterval.SIZE])
            for at in range(0, len(self.content), PulseInterval.SIZE)
        )


_HEAD = struct.Struct("<BQB")


@dataclass(frozen=True, slots=True)
class PulseInterval:
    """One pulse-to-pulse interval, with what the sensor thinks of it.

    `heart_rate_bpm` is mostly 0. `error_ms` is the expected absolute error. `contact` is None if the sensor
    cannot tell. Polar has bit 1 as the contact and bit 2 as whether it can tell; other sources shift them.
    """

    heart_rate_bpm: int
    pp_ms: int
    error_ms: int
    blocker: bool = False
    contact: bool | None = None

    class _Flag(IntFlag):
        BLOCKER = 1 << 0
        CONTACT_DETECTED = 1 << 1
        CONTACT_SUPPORTED = 1 << 2

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Decode the six bytes of an interval. Raises FrameError if they are not six."""
        if len(data) != cls.SIZE:
            raise FrameError(_PROTOCOL, data, f"{len(data)} bytes where an interval has {cls.SIZE}")
        heart_rate_bpm, pp_ms, error_ms, bits = cls._LAYOUT.unpack(data)
        flags = cls._Flag(bits)
        contact = cls._Flag.CONTACT_DETECTED in flags if cls._Flag.CONTACT_SUPPORTED in flags else None
        return cls(heart_rate_bpm, pp_ms, error_ms, cls._Flag.BLOCKER in flags, contact)

    def __bytes__(self) -> bytes:
        flags = self._Flag(0)
        if self.blocker:
            flags |= self._Flag.BLOCKER
        if self.contact is not None:
            flags |= self._Flag.CONTACT_SUPPORTED
        if self.contact:
            flags |= self._Flag.CONTACT_DETECTED
        return self._LAYOUT.pack(self.heart_rate_bpm, self.pp_ms, self.error_ms, flags)

    _LAYOUT = struct.Struct("<BHHB")
    SIZE = _LAYOUT.size


def raw_content(samples: Ints, width: int) -> bytes:
    """The content of a raw frame of these samples (n, channels), `width` bytes each."""
    return _bytes_of(samples, width)


def delta_content(samples: Ints, resolution_bits: int, block: int = 8) -> bytes:
    """The content of a delta frame of these samples (n >= 1, channels), in blocks of so many."""
    content = _bytes_of(samples[:1], -(-resolution_bits // 8))
    steps = np.diff(samples, axis=0)
    for begin in range(0, len(steps), block):
        part = steps[begin : begin + block]
        bits = _bits_for(part.ravel().tolist())
        content += bytes([bits, len(part)]) + _packed(part, bits)
    return content


def interval_content(intervals: Sequence[PulseInterval]) -> bytes:
    """The content of a PPI frame."""
    return b"".join(bytes(interval) for interval in intervals)


def _integers(data: bytes, width: int) -> Ints:
    """Signed little-endian integers of so many bytes each."""
    octets = np.frombuffer(data, dtype=np.uint8).reshape(-1, width).astype(np.int64)
    return _wrapped(octets @ (1 << 8 * np.arange(width)), 8 * width)


def _bytes_of(values: Ints, width: int) -> bytes:
    return values.ravel().astype("<i8").view(np.uint8).reshape(-1, 8)[:, :width].tobytes()


def _wrapped(values: Ints, bits: int) -> Ints:
    """The values as two's complement of so many bits has them."""
    half = 1 << bits - 1
    return (values + half) % (2 * half) - half


def _unpacked(data: bytes, bits: int, count: int) -> Ints:
    """Signed integers of so many bits each, the least significant bit first."""
    if not bits:
        return np.zeros(count, dtype=np.int64)
    rows = np.unpackbits(np.frombuffer(data, dtype=np.uint8), count=bits * count, bitorder="little")
    return _wrapped(rows.reshape(count, bits).astype(np.int64) @ (1 << np.arange(bits)), bits)


def _packed(values: Ints, bits: int) -> bytes:
    rows = values.ravel()[:, None] >> np.arange(bits) & 1
    return np.packbits(rows.astype(np.uint8), bitorder="little").tobytes()


def _bits_for(values: Iterable[int]) -> int:
    """The fewest bits that hold each of these as two's complement."""
    return max((value if value >= 0 else ~value).bit_length() + 1 for value in values)
