"""BITalino (r)evolution with Bluetooth Low Energy: skin conductance from its analog channel A3.

Source: the open firmware of the board (github.com/BITalinoWorld/firmware-bitalino-revolution: uart.c,
live.c) and of its radio (firmware-BT121: GATT.xml, firmware-BT121.bgs); PLUX, "Electrodermal Activity (EDA)
Sensor User Manual" v1.0, sections 1.3 and 1.6. On the (r)evolution Board the conductance sensor is wired to
A3; on a "Plugged" kit it is where one plugs it, and must be plugged there.

The board is asked for 10 Hz. The sensor passes 0 to 2.8 Hz, so 1 Hz is too slow and 10 Hz enough; the slower
of the two that serve also makes the 4-bit counter of the frames tell apart losses of up to 1.5 s. Longer ones
are found only by when frames arrive.

The radio passes on the bytes as they come from the board's serial port: a notification holds whole frames
or parts of them. The board stops by itself when a connection ends, and takes a rate only while it is idle.

Gain and offset are those of the manual: no offset. Another library subtracts 0.574 V
(PGomes92/opensignalsreader), so check with resistors between the two electrodes:

| resistor | conductance | ADC without offset | ADC if there is one of 0.574 V |
|---|---|---|---|
| none | 0 µS | 0 | 178 |
| 1000 kOhm | 1.00 µS | 41 | 219 |
| 470 kOhm | 2.13 µS | 87 | 265 |
| 100 kOhm | 10.00 µS | 410 | 588 |
| 47 kOhm | 21.28 µS | 871 | 1023, saturated |
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from devices.driver import CONTACT_LOST, Advert, Decoder, Link, Samples
from pipeline.errors import FrameError
from pipeline.model import Floats

SERVICE = "c566488a-0882-4e1b-a6d0-0b717e652234"
COMMANDS = "4051eb11-bf0a-4c74-8730-a48f4193fcea"
FRAMES = "40fdba6b-672e-47c4-808a-e529adff3633"
CHANNEL = "eda"
SILENCE_S = 5.0

SUPPLY_V = 3.3
GAIN_V_PER_US = 0.132
OFFSET_V = 0.0
BITS = 10
SATURATED = (1 << BITS) - 1

_NAME = "bitalino"
_LEVELS = 1 << BITS
_POLYNOMIAL = 0b10011  # x^4 + x + 1
_SEQUENCES = 16
_HIGHEST_BIT = 52  # of the analog values, in the eight bytes of the longest frame


class Rate(IntEnum):
    """The codes of the sampling rates there are."""

    HZ_1 = 0
    HZ_10 = 1
    HZ_100 = 2
    HZ_1000 = 3

    @property
    def hz(self) -> float:
        return 10.0**self

    @property
    def command(self) -> bytes:
        """Sets the rate of an idle board."""
        return bytes([self << 6 | 3])


class Analog(IntFlag):
    """The four analog inputs that are sampled with 10 bits."""

    A1 = 1 << 0
    A2 = 1 << 1
    A3 = 1 << 2
    A4 = 1 << 3

    @property
    def command(self) -> bytes:
        """Has an idle board send these inputs."""
        return bytes([self << 2 | 1])


RATE = Rate.HZ_10  # stored sessions are decoded with it: another one needs a driver of another name
EDA = Analog.A3
IDLE = b"\xff"  # ends whatever it does; an idle board takes a 0 for a battery threshold


class Digital(IntFlag):
    """The digital lines that are high."""

    NONE = 0
    O2 = 1 << 0
    O1 = 1 << 1
    I2 = 1 << 2
    I1 = 1 << 3


@dataclass(frozen=True, slots=True)
class Frame:
    """One sampling of the board: the inputs asked for, one to four, in order; 10 bits each."""

    sequence: int
    analog: tuple[int, ...]
    digital: Digital = Digital.NONE

    @staticmethod
    def size(inputs: int) -> int:
        """Bytes of a frame."""
        return -(-(12 + 10 * inputs) // 8)

    @classmethod
    def from_bytes(cls, frame: bytes) -> Self:
        """Decode a frame. Raises FrameError on another length, a wrong checksum, or bits of no field."""
        inputs = next((n for n in range(1, 5) if cls.size(n) == len(frame)), None)
        if inputs is None:
            raise FrameError("BITalino", frame, f"{len(frame)} bytes are no frame of 1 to 4 inputs")
        if _remainder(int.from_bytes(frame, "big")):
            raise FrameError("BITalino", frame, "its checksum is wrong")
        bits = int.from_bytes(frame[:-1], "little") << 8 * (8 - len(frame))
        if bits % (1 << _HIGHEST_BIT - 10 * inputs):
            raise FrameError("BITalino", frame, "bits that belong to no input")
        analog = tuple(bits >> _shift(n) & 0x3FF for n in range(inputs))
        return cls(frame[-1] >> 4, analog, Digital(bits >> _HIGHEST_BIT))

    def __bytes__(self) -> bytes:
        bits = self.digital << _HIGHEST_BIT
        for n, value in enumerate(self.analog):
            bits |= value << _shift(n)
        body = bits.to_bytes(7, "little")[8 - self.size(len(self.analog)) :]
        unchecked = body + bytes([self.sequence << 4])
        return body + bytes([unchecked[-1] | _remainder(int.from_bytes(unchecked, "big"))])


def _shift(n: int) -> int:
    """Where the value of the n-th input, from 0, begins."""
    return _HIGHEST_BIT - 10 * (n + 1)


def _remainder(bits: int) -> int:
    """What is left of a polynomial over GF(2), divided by that of the checksum; 0 for a whole frame."""
    for shift in range(bits.bit_length() - 5, -1, -1):
        if bits >> shift + 4 & 1:
            bits ^= _POLYNOMIAL << shift
    return bits


def conductance_us(
    adc: ArrayLike, *, gain_v_per_us: float = GAIN_V_PER_US, offset_v: float = OFFSET_V
) -> Floats:
    """Skin conductance in µS of 10-bit samples; NaN where they are saturated. PLUX, section 1.6."""
    counts = np.asarray(adc, dtype=np.float64)
    eda_us = (counts / _LEVELS * SUPPLY_V - offset_v) / gain_v_per_us
    return np.where(counts >= SATURATED, np.nan, eda_us)


def adc_of(eda_us: float, *, gain_v_per_us: float = GAIN_V_PER_US, offset_v: float = OFFSET_V) -> int:
    """The sample that a conductance gives: what to expect of a resistor, too."""
    volts = eda_us * gain_v_per_us + offset_v
    return min(max(round(volts / SUPPLY_V * _LEVELS), 0), SATURATED)


def conductance_of_resistor_us(kohm: float) -> float:
    """The conductance of a resistor in µS, to check the board with; see the table above."""
    return 1000 / kohm


def description_json() -> str:
    """What samples are converted with, in one line, to be stored with a session."""
    conversion = {
        "gain_v_per_us": GAIN_V_PER_US,
        "offset_v": OFFSET_V,
        "supply_v": SUPPLY_V,
        "bits": BITS,
    }
    return json.dumps({"conversion": conversion})


class _FrameReader:
    """Finds the frames in a stream of bytes, of which some may be missing or wrong.

    A board that was just started begins with frame 0, and after one that is broken comes the one with the
    next number. If not, bytes are missing, and it looks at every byte for two frames that follow each other:
    bytes that look like a single frame are not rare.
    """

    def __init__(self, inputs: int) -> None:
        self._size = Frame.size(inputs)
        self._rest = b""
        self._found = self._broken = True
        self._sequence = _SEQUENCES - 2  # as if frame 15 had been a broken one

    def feed(self, payload: bytes) -> tuple[list[Frame], bool]:
        """The frames that are complete now, and whether bytes had to be skipped."""
        self._rest += payload
        frames: list[Frame] = []
        skipped = False
        while len(self._rest) >= (self._size if self._found else 2 * self._size):
            frame, length = self._next() if self._found else self._search()
            if frame is None:
                skipped |= length > 0
            else:
                frames.append(frame)
                self._sequence, self._broken = frame.sequence, False
            self._rest = self._rest[length:]
        return frames, skipped

    def _next(self) -> tuple[Frame | None, int]:
        """The frame that should begin here, and how many bytes are done with."""
        frame = self._frame(0)
        if not self._broken:
            self._broken = frame is None
            return frame, self._size
        if frame is not None and _ahead(self._sequence, frame.sequence) == 2:
            return frame, self._size
        self._found = self._broken = False
        return None, 0

    def _search(self) -> tuple[Frame | None, int]:
        frame = self._frame(0)
        after = None if frame is None else self._frame(self._size)
        if frame is None or after is None or _ahead(frame.sequence, after.sequence) != 1:
            return None, 1
        self._found = True
        return frame, self._size

    def _frame(self, at: int) -> Frame | None:
        frame = self._rest[at : at + self._size]
        if _remainder(int.from_bytes(frame, "big")):  # most of what is searched: no error is made of it
            return None
        try:
            return Frame.from_bytes(frame)
        except FrameError:
            return None


def _ahead(before: int, after: int) -> int:
    """How many frames later one is than another: 1 to 16."""
    return (after - before - 1) % _SEQUENCES + 1


class _BitalinoDecoder:
    """Samples at `RATE`, stamped with the number of the frame.

    The number is unrolled by the smallest step forward, so up to 15 frames that are missing in a row are
    counted exactly, and each 16 more are not seen: those are found only by when the later frames arrive, and
    where such losses recur within ten seconds, times are wrong. A notification with frames and broken bytes
    decodes to the frames, with the event "malformed frame": the good ones must not be lost with the bad. One
    of which nothing is left is a FrameError. Samples at the end of the range are NaN with the event "out of
    range"; a 0, below the least that skin conducts, is kept with the event CONTACT_LOST.
    """

    def __init__(self) -> None:
        self._reader = _FrameReader(inputs=1)
        self._count: int | None = None

    def feed(self, channel: str, payload: bytes) -> Sequence[Samples]:
        if channel != CHANNEL:
            return ()
        frames, skipped = self._reader.feed(payload)
        if not frames:
            if skipped:
                raise FrameError("BITalino", payload, "no frame in it has a right checksum")
            return ()
        adc = [frame.analog[0] for frame in frames]
        said = {"malformed frame": skipped, "out of range": SATURATED in adc, CONTACT_LOST: 0 in adc}
        return (
            Samples(
                "eda",
                {"eda_us": conductance_us(adc)},
                rate_hz=RATE.hz,
                device_time_s=np.array(list(self._counts(frames)), dtype=np.float64) / RATE.hz,
                events=tuple(event for event, so in said.items() if so),
            ),
        )

    def _counts(self, frames: Iterable[Frame]) -> Iterable[int]:
        for frame in frames:
            if self._count is None:
                self._count = frame.sequence
            else:
                self._count += _ahead(self._count % _SEQUENCES, frame.sequence)
            yield self._count


class Bitalino:
    """The board's skin-conductance sensor."""

    name = "bitalino"
    label = "BITalino (skin conductance)"
    models = "BITalino (r)evolution with Bluetooth Low Energy, EDA sensor on A3"
    source = "BITalinoWorld/firmware-bitalino-revolution, firmware-BT121; PLUX, EDA Sensor User Manual"
    hardware_verified = False
    streams = ("eda",)

    def recognises(self, advert: Advert) -> bool:
        return SERVICE in advert.service_uuids or advert.name.lower().startswith(_NAME)

    async def start(self, link: Link) -> None:
        await link.write(COMMANDS, IDLE)
        await link.subscribe(FRAMES, CHANNEL, silence_s=SILENCE_S)
        await link.write(COMMANDS, RATE.command)
        await link.write(COMMANDS, EDA.command)

    async def stop(self, link: Link) -> None:
        await link.write(COMMANDS, IDLE)

    def decoder(self) -> Decoder:
        return _BitalinoDecoder()
