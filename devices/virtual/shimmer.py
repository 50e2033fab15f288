"""Virtual Shimmers with the GSR+ board: the stream of bytes that a serial cable over Bluetooth makes."""

from __future__ import annotations

import math
from collections.abc import Iterator

from bumble.core import UUID
from bumble.gatt import Service

from devices.drivers.shimmer import CABLES
from devices.drivers.shimmer_frames import (
    CLOCK_HZ,
    DIVIDER,
    GSR_CHANNEL,
    ONLY_GSR,
    STREAMING_BIT,
    WRAP_TICKS,
    Inquiry,
    Model,
    Opcode,
    Packet,
    Reading,
)
from devices.virtual.peripheral import Body, Label, Outlet, Peripheral, commanded, notifying
from devices.virtual.radio import VirtualRadio
from pipeline.clock import Clock

LABEL_3R = Label("Shimmer3R-V001-BLE", "C0:00:00:00:00:13", model="Virtual Shimmer3R", serial="VR-0001")
LABEL_3 = Label("Shimmer3-V003", "C0:00:00:00:00:14", model="Virtual Shimmer3", serial="VR-0003")
PPG_CHANNEL = 0x12
# What the module puts in one notification. Neither is a multiple of a packet's length.
CHUNK_BYTES = {Model.SHIMMER3R: 76, Model.SHIMMER3: 20}

_PERIOD_S = 1 / 32  # it sends a notification soon after it is full
_GSR_BIT, _PPG_BIT = 0x04, 0x01  # in the first and the second byte of the sensors that are on
_PPG_COUNT = 2048
_SETTINGS = (Opcode.SET_RATE, Opcode.SET_SENSORS, Opcode.SET_RANGE)


class _VirtualShimmer(Peripheral):
    """It takes settings unless it senses, acknowledges, and streams from a start to a stop.

    A stream goes on over a disconnection, as it does on the real one where its radio missed it; whole
    notifications are lost then, so a new connection may begin amid a packet. `logging` is a recording
    to its card, during which it takes no settings; `stubborn` keeps its pulse channel on.
    """

    def __init__(self, radio: VirtualRadio, clock: Clock, body: Body, label: Label, model: Model) -> None:
        cable = CABLES[model]
        answers = notifying(cable.answers)
        commands = commanded(cable.commands, self._on_command)
        outlet = Outlet(model, answers, _PERIOD_S, self._payloads)
        service = Service(UUID(cable.service), [answers, commands])
        super().__init__(radio, clock, body, label, [service], [outlet])
        self.model = model
        self.streaming = self.logging = self.stubborn = False
        self.divider = DIVIDER
        self.sensors = ONLY_GSR[1:]
        self.commands: list[bytes] = []
        self._ring = bytearray()
        self._next_sample = 0

    @property
    def channels(self) -> tuple[int, ...]:
        """What a packet holds, in its order."""
        ppg = (PPG_CHANNEL,) if self.stubborn or self.sensors[1] & _PPG_BIT else ()
        return (*ppg, GSR_CHANNEL) if self.sensors[0] & _GSR_BIT else ppg

    def begin(self) -> None:
        """Stream from now on."""
        self.streaming = True
        self._next_sample = math.ceil(self._clock.now() * self._actual_hz)

    def press_button(self) -> None:
        """Stop streaming by itself, or start, and say so unasked."""
        if self.streaming:
            self.streaming = False
        else:
            self.begin()
        self.push_status()

    def push_status(self) -> None:
        """Say unasked what it is doing, as it does when it is docked."""
        status = STREAMING_BIT | 0x02 if self.streaming else 0
        second = b"\0" if self.model is Model.SHIMMER3R else b""
        self._say(bytes([Opcode.ACKNOWLEDGED, Opcode.IN_STREAM, Opcode.STATUS, status]) + second)

    @property
    def _actual_hz(self) -> float:
        return self.quartz.actual_hz(CLOCK_HZ / self.divider)

    def _payloads(self, _start_s: float, end_s: float) -> Iterator[bytes]:
        if self.streaming:
            self._sample_until(end_s)
        while len(self._ring) >= CHUNK_BYTES[self.model]:
            yield self._chunk()

    def _sample_until(self, end_s: float) -> None:
        first, self._next_sample = self._next_sample, math.ceil(end_s * self._actual_hz - 1e-6)
        # Half a period off, so that no rounding decides which samples these are.
        start_s, stop_s = ((k - 0.5) / self._actual_hz for k in (first, self._next_sample))
        for k, eda_us in enumerate(self._body.eda_us(start_s, stop_s, self._actual_hz).tolist(), first):
            self._ring += self._packet(k, eda_us)

    def _packet(self, k: int, eda_us: float) -> bytes:
        ticks = k * self.divider + round(self.quartz.offset_s * CLOCK_HZ)
        packet = bytes(Packet(ticks % WRAP_TICKS, Reading.of(eda_us)))
        values = {PPG_CHANNEL: _PPG_COUNT.to_bytes(2, "little"), GSR_CHANNEL: packet[4:]}
        return packet[:4] + b"".join(values[channel] for channel in self.channels)

    def _chunk(self) -> bytes:
        size = CHUNK_BYTES[self.model]
        chunk = bytes(self._ring[:size])
        del self._ring[:size]
        return chunk

    def _say(self, answer: bytes) -> None:
        """Send an answer behind the packets that wait."""
        self._ring += answer
        self._soon(self._flush())

    async def _flush(self) -> None:
        while self._ring:
            await self._notify(self.outlets[0], self._chunk())

    def _on_command(self, command: bytes) -> None:
        self.commands.append(command)
        if (self.streaming or self.logging) and command[0] in _SETTINGS:
            self._say(bytes([Opcode.REFUSED]))
            return
        match command[0]:
            case Opcode.STOP:
                self.streaming = False
            case Opcode.START:
                self.begin()
            case Opcode.SET_RATE:
                self.divider = int.from_bytes(command[1:], "little")
            case Opcode.SET_SENSORS:
                self.sensors = command[1:]
            case Opcode.INQUIRE:
                self._say(bytes([Opcode.ACKNOWLEDGED]) + bytes(self._inquiry()))
                return
            case Opcode.SET_RANGE | Opcode.SET_CRC:
                pass
            case _:
                return  # it does not say that it does not know a command
        self._say(bytes([Opcode.ACKNOWLEDGED]))

    def _inquiry(self) -> Inquiry:
        return Inquiry(self.divider, bytes(self.model.setup_bytes), self.channels)


class VirtualShimmer3R(_VirtualShimmer):
    """A Shimmer3R: many packets in a notification."""

    def __init__(self, radio: VirtualRadio, clock: Clock, body: Body, label: Label = LABEL_3R) -> None:
        super().__init__(radio, clock, body, label, Model.SHIMMER3R)


class VirtualShimmer3(_VirtualShimmer):
    """A Shimmer3 with the radio for Low Energy: 20 bytes in a notification."""

    def __init__(self, radio: VirtualRadio, clock: Clock, body: Body, label: Label = LABEL_3) -> None:
        super().__init__(radio, clock, body, label, Model.SHIMMER3)
