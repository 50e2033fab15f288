"""Shimmer3R GSR+ and Shimmer3 GSR+ over Bluetooth Low Energy: skin conductance.

Source: see `devices.drivers.shimmer_frames`; the services are those of Shimmer's own software, github.com/
ShimmerResearch/Shimmer-Java-Android-API, BleUartProfile.java. Both services are a serial cable that the
Bluetooth module offers, the same in anybody's device with that module, so a Shimmer is told by its name.

What comes is a stream of bytes without framing. Notifications cut it anywhere, and answers stand between
packets; `_StreamDecoder` says how it is read. Uncertain without hardware: whether every unit in the field
stamps its packets at a steady rate, and whether one without the GSR+ board would admit it (the firmware
takes the setting from any).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar
from weakref import WeakKeyDictionary

import numpy as np

from devices.driver import Advert, Decoder, Link, Samples
from devices.drivers.shimmer_frames import (
    AUTO_RANGE,
    CLOCK_HZ,
    CRC_OFF,
    DIVIDER,
    INQUIRE,
    ONLY_GSR,
    PACKET_BYTES,
    PROTOCOL,
    RATE,
    START,
    STOP,
    STREAMING_BIT,
    WRAP_TICKS,
    Inquiry,
    Model,
    Opcode,
    Packet,
)
from pipeline.errors import DeviceError, FrameError, PairingError

SILENCE_S = 5.0
SKIPPED = "malformed bytes skipped"
OUT_OF_RANGE = "skin conductance out of range"
ELECTRODES_OFF = "electrodes may be off"
STOPPED = "the sensor stopped streaming"

_WRAP_S = WRAP_TICKS / CLOCK_HZ
_ROW = 3  # packets that must follow one another for a stream to be found
_MOST_MISSING = 10 * CLOCK_HZ

_ANSWER_S, _QUIET_S, _STOP_S = 1.5, 0.3, 3.0
# A status may come unasked: two bytes from newer Shimmer3R, one from others; what follows is never 0 or 1.
_PUSHED = re.compile(rb"\xff?\x8a\x71.[\x00\x01]?", re.DOTALL)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Cable:
    """The characteristics of a module's serial service."""

    service: str
    commands: str
    answers: str


CABLES = {
    Model.SHIMMER3R: Cable(
        service="65333333-a115-11e2-9e9a-0800200ca100",
        commands="65333333-a115-11e2-9e9a-0800200ca102",
        answers="65333333-a115-11e2-9e9a-0800200ca101",
    ),
    Model.SHIMMER3: Cable(
        service="49535343-fe7d-4ae5-8fa9-9fafd205e455",
        commands="49535343-8841-43f4-a8d4-ecbe34729bb3",
        answers="49535343-1e4d-4bd9-ba61-23c647249616",
    ),
}


@dataclass(slots=True)
class _Found:
    """What a notification brought."""

    packets: list[Packet] = field(default_factory=list)
    events: list[str] = field(default_factory=list)


class _StreamDecoder:
    """Reassembles packets, and finds them again after a loss.

    In step, the next byte begins an acknowledgement, an answer or a packet, and a packet's stamp is a whole
    number of periods (of which it may be off by a quarter) and at most 10 s after the one before. Whatever
    else comes, the decoder is out of step: it looks for three packets in a row, each one period after
    the other, and skips what is before them. A packet in two notifications may be the halves of two, where
    one between them was lost: it counts if it comes one period after the packet before it, and the next
    one period after it, which the halves of two cannot. At worst the first packet after a loss has a stamp
    that is off by that quarter of a period.

    Skipped bytes never cost a good packet: beside packets they are the event "malformed bytes skipped", and
    only a notification that brought nothing else is a FrameError, which shows them. The end of an earlier
    stream that a connection may begin with, too short to be found, is neither. Once an inquiry was
    answered with other channels than asked for, every notification is a FrameError that says so; where no
    answer is known, the driver's own settings are assumed. A reading that is out of range is NaN and an
    event.
    """

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._earlier = 0  # how many of them came with earlier notifications
        self._divider = DIVIDER
        self._in_step = False
        self._before: int | None = None  # the last packet's stamp
        self._held: Packet | None = None
        self._acknowledged = False
        self._lead = _ROW * PACKET_BYTES - 1  # bytes that may still be the end of an earlier stream
        self._skipped = bytearray()
        self._refusal: str | None = None

    def feed(self, channel: str, payload: bytes) -> Sequence[Samples]:
        if channel not in list(Model):
            return ()
        if self._refusal:
            raise FrameError(PROTOCOL, payload, self._refusal)
        self._earlier = len(self._bytes)
        self._bytes += payload
        found = _Found()
        while self._bytes and not self._refusal and (size := self._next(Model(channel), found)):
            del self._bytes[:size]
            self._earlier = max(self._earlier - size, 0)
        return self._samples(found, payload)

    def _samples(self, found: _Found, payload: bytes) -> Sequence[Samples]:
        events = list(found.events)
        if self._refusal:
            if not found.packets:
                raise FrameError(PROTOCOL, payload, self._refusal)
            events.append(self._refusal)
        if self._skipped and (found.packets or not self._bytes or len(self._skipped) > _ROW * PACKET_BYTES):
            skipped = bytes(self._skipped)
            self._skipped.clear()
            if not found.packets:
                raise FrameError(PROTOCOL, skipped, "not in step with the stream")
            events.append(SKIPPED)
        if not found.packets and not events:
            return ()
        eda_us = np.array([packet.reading.eda_us for packet in found.packets], dtype=np.float64)
        if np.isnan(eda_us).any():
            events.append(OUT_OF_RANGE)
        if any(packet.reading.is_open for packet in found.packets):
            events.append(ELECTRODES_OFF)
        stamp_s = np.array([packet.ticks for packet in found.packets], dtype=np.float64) / CLOCK_HZ
        rate_hz = CLOCK_HZ / self._divider
        return (Samples("eda", {"eda_us": eda_us}, rate_hz, stamp_s, _WRAP_S, tuple(events)),)

    def _next(self, model: Model, found: _Found) -> int:
        """Take what the bytes begin with; how many that were, 0 if more are needed to tell."""
        acknowledged, self._acknowledged = self._acknowledged, False
        size: int | None = None
        match self._bytes[0]:
            case Opcode.ACKNOWLEDGED | Opcode.REFUSED:
                self._acknowledged, size = self._bytes[0] == Opcode.ACKNOWLEDGED, 1
            case Opcode.DATA:
                size = self._packet(found) if self._in_step else self._row(found)
            case Opcode.IN_STREAM:
                size = self._status(model, found)
            case Opcode.INQUIRY if acknowledged:
                size = self._inquiry(model)
                self._acknowledged = size == 0
        return self._skip() if size is None else size

    # Each of these takes what the bytes begin with as `_next` does, and is None where they cannot be that.

    def _packet(self, found: _Found) -> int | None:
        if len(self._bytes) < PACKET_BYTES:
            return 0
        packet = _packet_of(self._bytes[:PACKET_BYTES])
        periods = 0 if packet is None else self._periods_to(packet)
        if packet is None or not periods:
            return None
        if self._held is not None:
            self._give(self._held, found, whole=periods == 1)
            self._held = None
        if 0 < self._earlier < PACKET_BYTES and periods == 1:
            self._held = packet
        else:
            self._give(packet, found, whole=not 0 < self._earlier < PACKET_BYTES)
        self._before = packet.ticks
        return PACKET_BYTES

    def _give(self, packet: Packet, found: _Found, *, whole: bool) -> None:
        """Give out a packet, unless it may be the halves of two."""
        if whole:
            found.packets.append(packet)
        else:
            self._skipped += bytes(packet)

    def _row(self, found: _Found) -> int | None:
        before: Packet | None = None
        for start in range(0, _ROW * PACKET_BYTES, PACKET_BYTES):
            frame = self._bytes[start : start + PACKET_BYTES]
            if frame and frame[0] != Opcode.DATA:
                return None
            if len(frame) < PACKET_BYTES:
                return 0
            packet = _packet_of(frame)
            if packet is None or (before is not None and self._periods(before.ticks, packet.ticks) != 1):
                return None
            before = packet
        self._in_step, self._before, self._lead = True, None, 0
        return self._packet(found)

    def _status(self, model: Model, found: _Found) -> int | None:
        begun, mark = bytes(self._bytes[:3]), bytes([Opcode.IN_STREAM, Opcode.STATUS])
        if len(begun) < 3:
            return 0 if mark.startswith(begun) else None
        if not begun.startswith(mark):
            return None
        streaming = bool(begun[2] & STREAMING_BIT)
        size = 3 + self._second_status(streaming) if model is Model.SHIMMER3R else 3
        if len(self._bytes) < size:
            return 0
        if self._before is not None and not streaming:
            found.events.append(STOPPED)
        return size

    def _second_status(self, streaming: bool) -> int:
        """How many bytes, 0 or 1, a Shimmer3R sent after the first byte of its status."""
        rest = self._bytes[3 : 3 + PACKET_BYTES]
        if not rest:
            return 1 if streaming else 0
        if rest[0] or not streaming or self._before is None:
            return 1 if rest[0] <= 1 else 0
        if len(rest) < PACKET_BYTES:
            return PACKET_BYTES  # wait: it may be the packet that follows a status of one byte
        packet = _packet_of(rest)
        return 0 if packet is not None and self._periods_to(packet) else 1

    def _inquiry(self, model: Model) -> int | None:
        size = Inquiry.size(bytes(self._bytes), model)
        if size is None or len(self._bytes) < size:
            return 0
        try:
            inquiry = Inquiry.from_bytes(bytes(self._bytes[:size]), model)
        except FrameError:
            return None
        self._divider, self._refusal = inquiry.divider, inquiry.refusal
        self._in_step, self._before, self._held, self._lead = True, None, None, 0
        return size

    def _skip(self) -> int:
        """Get out of step, and leave a byte behind."""
        if self._held is not None:  # the halves of two packets, and one of them may yet be found whole
            self._bytes[:0] = bytes(self._held)
            self._earlier += PACKET_BYTES
            self._held = None
        self._in_step = False
        if self._lead:
            self._lead -= 1
        else:
            self._skipped.append(self._bytes[0])
        return 1

    def _periods_to(self, packet: Packet) -> int:
        """How many periods after the last packet this one was taken; 1 if there was none yet."""
        return 1 if self._before is None else self._periods(self._before, packet.ticks)

    def _periods(self, before: int, ticks: int) -> int:
        """How many periods lie between two stamps; 0 if that is no plausible number of them."""
        step = (ticks - before) % WRAP_TICKS
        periods = round(step / self._divider)
        steady = abs(step - periods * self._divider) <= self._divider / 4
        return periods if steady and step <= _MOST_MISSING else 0


def _packet_of(frame: bytes | bytearray) -> Packet | None:
    try:
        return Packet.from_bytes(bytes(frame))
    except FrameError:
        return None


class _Line:
    """What a sensor answers while it is told what to do. Raises DeviceError where it does not."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._said = bytearray()
        self._news = asyncio.Event()
        self._listening = False

    def heard(self, payload: bytes) -> None:
        """Take a notification."""
        if self._listening:
            self._said += payload
            self._news.set()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Keep what is said meanwhile, and no longer."""
        self._listening = True
        try:
            yield
        finally:
            self._listening = False
            self._said.clear()

    async def tell(self, link: Link, command: bytes) -> None:
        """Give a command that is acknowledged."""
        await self._told(link, command, _acknowledgement)

    async def inquire(self, link: Link) -> Inquiry:
        """Ask what the packets will hold."""
        return await self._told(link, INQUIRE, self._inquiry)

    async def stop(self, link: Link) -> None:
        """Stop a stream, and wait until what was under way is through."""
        await self._write(link, STOP)
        try:
            async with asyncio.timeout(_STOP_S):
                while await self._says_more() or Opcode.ACKNOWLEDGED not in self._said:
                    pass
        except TimeoutError:
            raise DeviceError("the Shimmer does not stop: switch it off and on, then try again") from None

    async def _says_more(self) -> bool:
        self._news.clear()
        try:
            async with asyncio.timeout(_QUIET_S):
                return await self._news.wait()
        except TimeoutError:
            return False

    async def _told(self, link: Link, command: bytes, answer: Callable[[bytes], T | None]) -> T:
        await self._write(link, command)
        try:
            async with asyncio.timeout(_ANSWER_S):
                while (answered := answer(_PUSHED.sub(b"", bytes(self._said)))) is None:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise DeviceError(f"the Shimmer does not answer command {command.hex()}: try again") from None
        return answered

    async def _write(self, link: Link, command: bytes) -> None:
        self._said.clear()
        await link.write(CABLES[self.model].commands, command, response=False)

    def _inquiry(self, said: bytes) -> Inquiry | None:
        acknowledged = _acknowledgement(said)
        if acknowledged is None:
            return None
        frame = said[acknowledged + 1 :]
        size = Inquiry.size(frame, self.model)
        return None if size is None or len(frame) < size else Inquiry.from_bytes(frame[:size], self.model)


def _acknowledgement(said: bytes) -> int | None:
    """Where a command was acknowledged; None if it was not yet. Raises DeviceError where it was refused."""
    for at, byte in enumerate(said):
        if byte == Opcode.ACKNOWLEDGED:
            return at
        if byte == Opcode.REFUSED:
            raise DeviceError(
                "the Shimmer takes no settings: stop its recording to the card, or switch off its"
                " synchronisation, then try again"
            )
    return None


class Shimmer:
    """Either Shimmer with the GSR+ board, at 51.2 Hz, its range chosen by itself.

    A sensor is told to send skin conductance alone, whatever it was set to before, and that setting stays.
    """

    name = "shimmer"
    label = "Shimmer GSR+ (skin conductance)"
    models = "Shimmer3R GSR+, Shimmer3 GSR+ with Bluetooth Low Energy"
    source = "ShimmerResearch/log-and-stream-common, docs/SHIMMER3_BT_COMMUNICATION_PROTOCOL.md"
    hardware_verified = False
    streams = ("eda",)

    def __init__(self) -> None:
        self._lines: WeakKeyDictionary[Link, _Line] = WeakKeyDictionary()

    def recognises(self, advert: Advert) -> bool:
        name = advert.name.lower()
        if "shimmer3" in name or name.startswith("s3ble"):
            return True
        return "shimmer" in name and any(cable.service in advert.service_uuids for cable in CABLES.values())

    async def start(self, link: Link) -> None:
        """Stop what may be running, set the sensor, check what its packets will hold, start.

        Raises DeviceError where it is none, does not answer, refuses, or has other channels besides.
        """
        line = await self._line(link)
        with line.listening():
            await line.stop(link)
            for command in (CRC_OFF, ONLY_GSR, RATE, AUTO_RANGE):
                await line.tell(link, command)
            inquiry = await line.inquire(link)
            if inquiry.refusal:
                raise DeviceError(f"the Shimmer cannot be read: {inquiry.refusal}")
            await line.tell(link, START)

    async def stop(self, link: Link) -> None:
        """Stop the stream, which would go on over a disconnection that the sensor misses."""
        if line := self._lines.get(link):
            with line.listening():
                await line.stop(link)

    def decoder(self) -> Decoder:
        return _StreamDecoder()

    async def _line(self, link: Link) -> _Line:
        """The line to the sensor, subscribed; finds out which model it is by what it offers."""
        if line := self._lines.get(link):
            return line
        for model, cable in CABLES.items():
            line = _Line(model)
            try:
                await link.subscribe(cable.answers, model, silence_s=SILENCE_S, heard=line.heard)
            except PairingError:
                raise
            except DeviceError:
                continue
            self._lines[link] = line
            return line
        raise DeviceError("this Shimmer has no data over Bluetooth Low Energy: only newer radios do")
