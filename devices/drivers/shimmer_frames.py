"""The bytes that a Shimmer3 and a Shimmer3R speak: commands, answers, packets, and conductance in them.

Source: Shimmer's open LogAndStream firmware and its documents, github.com/ShimmerResearch/
log-and-stream-common, docs/SHIMMER3_BT_COMMUNICATION_PROTOCOL.md, ..._STREAMING_DATA_FORMAT.md and
..._GSR_AUTORANGE.md. Nothing here was tried on hardware.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Self

from pipeline.errors import FrameError

PROTOCOL = "Shimmer"
CLOCK_HZ = 32768
WRAP_TICKS = 1 << 24
# Both models' own default, a whole number of ticks (51.2 Hz), and plenty: a response takes a second to rise.
DIVIDER = 640
GSR_CHANNEL = 0x1C
PACKET_BYTES = 6

_SUPPLY_V, _REFERENCE_V, _FULL_SCALE = 3.0, 0.5, 4095
_RESISTOR_KOHM = (40.2, 287.0, 1000.0, 3300.0)
_LEAST_ADC = (1120, 1490, 1630, 0)  # below it the sensor changes to the next larger resistor
_LARGEST, _OPEN_ADC = 3, 683  # the first count above the reference: less is no conductance at all
_ADC_BITS, _RESISTOR_SHIFT = 0x0FFF, 14
_LAST_CHANNEL, _MOST_CHANNELS = 0x28, 50


class Model(StrEnum):
    """Which of the two it is. The value names the channel in the journal, so a decoder can tell, too."""

    SHIMMER3R = "shimmer3r"
    SHIMMER3 = "shimmer3"

    @property
    def setup_bytes(self) -> int:
        """How many bytes of configuration an inquiry is answered with."""
        return 7 if self is Model.SHIMMER3R else 4


class Opcode(IntEnum):
    """The first byte of a command, an answer or a packet."""

    DATA = 0x00
    INQUIRE = 0x01
    INQUIRY = 0x02
    SET_RATE = 0x05
    START = 0x07
    SET_SENSORS = 0x08
    STOP = 0x20
    SET_RANGE = 0x21
    STATUS = 0x71
    IN_STREAM = 0x8A
    SET_CRC = 0x8B
    REFUSED = 0xFE
    ACKNOWLEDGED = 0xFF


STREAMING_BIT = 1 << 4  # of a status

STOP = bytes([Opcode.STOP])
CRC_OFF = bytes([Opcode.SET_CRC, 0])
ONLY_GSR = bytes([Opcode.SET_SENSORS, 0x04, 0, 0])
RATE = bytes([Opcode.SET_RATE, *DIVIDER.to_bytes(2, "little")])
AUTO_RANGE = bytes([Opcode.SET_RANGE, 4])
INQUIRE = bytes([Opcode.INQUIRE])
START = bytes([Opcode.START])


@dataclass(frozen=True, slots=True)
class Reading:
    """One measurement: which of the four feedback resistors was in circuit, and the converter's count."""

    resistor: int
    adc: int

    @property
    def is_open(self) -> bool:
        """Whether less than the reference voltage came out: electrodes that touch no skin."""
        return self.resistor == _LARGEST and 0 < self.adc < _OPEN_ADC

    @property
    def eda_us(self) -> float:
        """Conductance in µS; NaN for a converter at an end, or a voltage at or below its reference.

        With the largest resistor a count below 683 is taken as 683, as Shimmer's own software does.
        """
        if self.adc in (0, _FULL_SCALE):
            return math.nan
        adc = _OPEN_ADC if self.is_open else self.adc
        above = adc * _SUPPLY_V / _FULL_SCALE / _REFERENCE_V - 1
        return 1000 * above / _RESISTOR_KOHM[self.resistor] if above > 0 else math.nan

    @classmethod
    def of(cls, eda_us: float) -> Self:
        """What an auto-ranging sensor makes of a conductance: the smallest resistor that resolves it."""
        for resistor, least in enumerate(_LEAST_ADC):
            volt = _REFERENCE_V * (1 + _RESISTOR_KOHM[resistor] * eda_us / 1000)
            adc = min(max(round(volt * _FULL_SCALE / _SUPPLY_V), 0), _FULL_SCALE)
            if adc >= least:
                break
        return cls(resistor, adc)


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet of skin conductance alone: 0x00, the sensor's clock (u24, 1/32768 s), the reading (u16)."""

    ticks: int
    reading: Reading

    @classmethod
    def from_bytes(cls, frame: bytes) -> Self:
        """Decode a packet. Raises FrameError on another length or first byte, or a count above 12 bits."""
        if len(frame) != PACKET_BYTES:
            raise FrameError(PROTOCOL, frame, f"{len(frame)} bytes where a packet has {PACKET_BYTES}")
        if frame[0] != Opcode.DATA:
            raise FrameError(PROTOCOL, frame, "a packet begins with 00")
        word = int.from_bytes(frame[4:], "little")
        resistor, adc = word >> _RESISTOR_SHIFT, word & ~(3 << _RESISTOR_SHIFT)
        if adc > _ADC_BITS:
            raise FrameError(PROTOCOL, frame, f"a count of {adc} from a converter of 12 bits")
        return cls(int.from_bytes(frame[1:4], "little"), Reading(resistor, adc))

    def __bytes__(self) -> bytes:
        word = self.reading.resistor << _RESISTOR_SHIFT | self.reading.adc
        return bytes([Opcode.DATA]) + self.ticks.to_bytes(3, "little") + word.to_bytes(2, "little")


@dataclass(frozen=True, slots=True)
class Inquiry:
    """The answer to an inquiry: how a sensor is set, and what its packets hold, in their order.

    `setup` has 4 bytes from a Shimmer3 and 7 from a Shimmer3R; nothing in the answer tells which it is.
    """

    divider: int
    setup: bytes
    channels: tuple[int, ...]
    buffer_size: int = 1

    @property
    def rate_hz(self) -> float:
        """Packets a second."""
        return CLOCK_HZ / self.divider

    @property
    def refusal(self) -> str | None:
        """Why its packets cannot be read; None if they can."""
        if self.channels == (GSR_CHANNEL,):
            return None
        held = " ".join(f"{channel:02x}" for channel in self.channels)
        return f"its packets hold channels {held}, not skin conductance ({GSR_CHANNEL:02x}) alone"

    @classmethod
    def size(cls, begun: bytes, model: Model) -> int | None:
        """How long the answer is that begins so; None if that does not show yet."""
        head = 5 + model.setup_bytes
        return head + begun[head - 2] if len(begun) >= head else None

    @classmethod
    def from_bytes(cls, frame: bytes, model: Model) -> Self:
        """Decode an answer. Raises FrameError on a wrong length, no rate, or channels there are none of."""
        size = cls.size(frame, model)
        if size != len(frame) or frame[0] != Opcode.INQUIRY:
            raise FrameError(PROTOCOL, frame, f"not the answer of a {model} to an inquiry")
        setup_end = 3 + model.setup_bytes
        channels = tuple(frame[setup_end + 2 :])
        divider = int.from_bytes(frame[1:3], "little")
        if not divider:
            raise FrameError(PROTOCOL, frame, "a rate of no ticks")
        if not 0 < len(channels) <= _MOST_CHANNELS or max(channels) > _LAST_CHANNEL:
            raise FrameError(PROTOCOL, frame, "channels that no Shimmer has")
        return cls(divider, bytes(frame[3:setup_end]), channels, frame[setup_end + 1])

    def __bytes__(self) -> bytes:
        head = bytes([Opcode.INQUIRY]) + self.divider.to_bytes(2, "little") + self.setup
        return head + bytes([len(self.channels), self.buffer_size, *self.channels])
