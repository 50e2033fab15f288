"""Heart-rate straps: the Heart Rate service that nearly every strap speaks.

Source: Bluetooth SIG, Heart Rate Service 1.0, section 3.1 (Heart Rate Measurement, 0x2A37).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntFlag
from typing import Self

import numpy as np

from devices.driver import CONTACT_LOST, Advert, Decoder, Link, Samples
from pipeline.errors import FrameError
from pipeline.model import Floats

SERVICE = "0000180d-0000-1000-8000-00805f9b34fb"
MEASUREMENT = "00002a37-0000-1000-8000-00805f9b34fb"
CHANNEL = "heart_rate"
SILENCE_S = 5.0  # it notifies once a second


@dataclass(frozen=True, slots=True)
class HeartRateMeasurement:
    """One notification of a strap.

    `contact` is None if the strap cannot tell, `energy_kj` None if it was not sent. `rr_ticks` are RR
    intervals in 1/1024 s, oldest first, as they came: a zero stays a zero.
    """

    heart_rate_bpm: int
    contact: bool | None = None
    energy_kj: int | None = None
    rr_ticks: tuple[int, ...] = ()

    class _Flag(IntFlag):
        HEART_RATE_U16 = 1 << 0
        CONTACT_DETECTED = 1 << 1
        CONTACT_SUPPORTED = 1 << 2
        ENERGY_PRESENT = 1 << 3
        RR_PRESENT = 1 << 4

    @property
    def rr_ms(self) -> Floats:
        """The RR intervals in ms."""
        return np.array(self.rr_ticks, dtype=np.float64) * 1000 / 1024

    @classmethod
    def from_bytes(cls, frame: bytes) -> Self:
        """Decode a frame. Raises FrameError if it is too short or has bytes that belong to no field."""
        if not frame:
            raise FrameError("heart rate", frame, "empty")
        flags = cls._Flag(frame[0])
        layout = cls._layout(flags)
        if len(frame) < layout.size:
            raise FrameError("heart rate", frame, f"{len(frame)} bytes where its flags need {layout.size}")
        _, heart_rate_bpm, *energy = layout.unpack_from(frame)
        rest = frame[layout.size :]
        if len(rest) % 2 or (rest and cls._Flag.RR_PRESENT not in flags):
            raise FrameError("heart rate", frame, f"{len(rest)} bytes after the last field")
        contact = cls._Flag.CONTACT_DETECTED in flags if cls._Flag.CONTACT_SUPPORTED in flags else None
        rr_ticks = struct.unpack(f"<{len(rest) // 2}H", rest)
        return cls(heart_rate_bpm, contact, energy[0] if energy else None, rr_ticks)

    def __bytes__(self) -> bytes:
        flags = self._flags()
        energy = () if self.energy_kj is None else (self.energy_kj,)
        head = self._layout(flags).pack(flags, self.heart_rate_bpm, *energy)
        return head + struct.pack(f"<{len(self.rr_ticks)}H", *self.rr_ticks)

    def _flags(self) -> _Flag:
        flags = self._Flag(0)
        if self.heart_rate_bpm > 0xFF:
            flags |= self._Flag.HEART_RATE_U16
        if self.contact is not None:
            flags |= self._Flag.CONTACT_SUPPORTED
        if self.contact:
            flags |= self._Flag.CONTACT_DETECTED
        if self.energy_kj is not None:
            flags |= self._Flag.ENERGY_PRESENT
        if self.rr_ticks:
            flags |= self._Flag.RR_PRESENT
        return flags

    @classmethod
    def _layout(cls, flags: _Flag) -> struct.Struct:
        """The fields before the RR intervals."""
        heart_rate = "H" if cls._Flag.HEART_RATE_U16 in flags else "B"
        energy = "H" if cls._Flag.ENERGY_PRESENT in flags else ""
        return struct.Struct(f"<B{heart_rate}{energy}")


class _HeartRateDecoder:
    def feed(self, channel: str, payload: bytes) -> Sequence[Samples]:
        if channel != CHANNEL:
            return ()
        measurement = HeartRateMeasurement.from_bytes(payload)
        events = (CONTACT_LOST,) if measurement.contact is False else ()
        # Straps send 0 while they have not counted a beat: a value that is missing, not a rate.
        heart_rate_bpm = np.array([measurement.heart_rate_bpm or np.nan], dtype=np.float64)
        return (
            Samples("rr", {"rr_ms": measurement.rr_ms}),
            Samples("heart_rate", {"heart_rate_bpm": heart_rate_bpm}, events=events),
        )


class HeartRate:
    """Any strap with the Heart Rate service; RR intervals where it sends them."""

    name = "heart_rate"
    label = "Heart-rate strap"
    models = "any with the Heart Rate service: Polar H9, Garmin HRM, Wahoo TICKR, Coospo, Movesense ..."
    source = "Bluetooth SIG, Heart Rate Service 1.0"
    hardware_verified = False
    streams = ("rr", "heart_rate")

    def recognises(self, advert: Advert) -> bool:
        return SERVICE in advert.service_uuids

    async def start(self, link: Link) -> None:
        await link.subscribe(MEASUREMENT, CHANNEL, silence_s=SILENCE_S)

    async def stop(self, link: Link) -> None:
        """Nothing was started: the subscription ends with the link."""

    def decoder(self) -> Decoder:
        return _HeartRateDecoder()
