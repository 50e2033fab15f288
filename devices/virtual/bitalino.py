"""A virtual BITalino (r)evolution: its board, and its radio that passes on whatever bytes come."""

from __future__ import annotations

from collections.abc import Iterator

from bumble.core import UUID
from bumble.device import Connection
from bumble.gatt import Service

from devices.drivers import bitalino
from devices.drivers.bitalino import Analog, Frame, Rate, adc_of
from devices.virtual.peripheral import EARLY_S, Body, Label, Outlet, Peripheral, commanded, notifying
from devices.virtual.radio import VirtualRadio
from pipeline.clock import Clock

LABEL = Label("BITalino", "C0:00:00:00:00:0A", model="Virtual BITalino", serial="VB-0001")

_SENT_EVERY_S = 0.1
_NOTIFICATION_BYTES = 20
_NOTHING_PLUGGED = 512  # an open input lies at half the supply


class VirtualBitalino(Peripheral):
    """Idle until it is told what to send; idle again when a connection ends."""

    def __init__(self, radio: VirtualRadio, clock: Clock, body: Body, label: Label = LABEL) -> None:
        commands = commanded(bitalino.COMMANDS, self._obey)
        frames = notifying(bitalino.FRAMES)
        service = Service(UUID(bitalino.SERVICE), [commands, frames])
        outlet = Outlet(bitalino.CHANNEL, frames, _SENT_EVERY_S, self._payloads)
        super().__init__(radio, clock, body, label, [service], [outlet])
        self.rate = Rate.HZ_1000
        self.inputs = Analog(0)
        self._began_s, self._sequence = 0.0, 0
        self.device.on(self.device.EVENT_CONNECTION, self._on_connection)

    def left_streaming(self) -> None:
        """As another program uses it: four inputs, 1000 times a second."""
        self._obey(bitalino.IDLE + Rate.HZ_1000.command + Analog(0b1111).command)

    def _on_connection(self, connection: Connection) -> None:
        connection.on(connection.EVENT_DISCONNECTION, lambda _: self._obey(bitalino.IDLE))

    def _obey(self, commands: bytes) -> None:
        for command in commands:
            if self.inputs:
                if command in (0x00, 0xFF):
                    self.inputs = Analog(0)
            elif command & 3 == 1:
                self.inputs = Analog(command >> 2 & 0xF)
                self._began_s, self._sequence = self._clock.now(), 0
            elif command & 0x3F == 3:
                self.rate = Rate(command >> 6)

    def _payloads(self, start_s: float, end_s: float) -> Iterator[bytes]:
        """The bytes of all frames since last time, in pieces as a radio sends them."""
        if not self.inputs:
            return
        rate_hz = self.quartz.actual_hz(self.rate.hz)
        start_s = max(start_s, self._began_s)
        eda_us = self._body.eda_us(start_s + EARLY_S, end_s + EARLY_S, rate_hz)
        sent = b"".join(bytes(self._frame(value)) for value in eda_us.tolist())
        for at in range(0, len(sent), _NOTIFICATION_BYTES):
            yield sent[at : at + _NOTIFICATION_BYTES]

    def _frame(self, eda_us: float) -> Frame:
        adc = {bitalino.EDA: adc_of(eda_us)}
        frame = Frame(self._sequence, tuple(adc.get(each, _NOTHING_PLUGGED) for each in self.inputs))
        self._sequence = (self._sequence + 1) % 16
        return frame
