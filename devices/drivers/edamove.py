"""movisens EdaMove 4: the mean skin-conductance level of each minute.

Source: movisens-gattlib (MovisensServices, MovisensCharacteristics, EdaSclMean), the maker's own, and
movisens_flutter (EdaSclMeanEvent): a u16, little-endian, of which 32767 is 100 µS. The full signal stays in
the sensor's memory, to be exported with the maker's software. With that a measurement is begun, too: the
driver does not, as that may change what is in the memory.

All sensors of this maker are called "MOVISENS Sensor" and a number. Whether one lists its services in its
advert, or wants to be paired, is not in these sources; one that lists heart rate is another model.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from devices.driver import Advert, Decoder, Link, Samples
from devices.drivers import heart_rate
from pipeline.errors import FrameError

SERVICE = "eb08670d-f244-4511-b43e-04bba968b693"
SCL_MEAN = "a884dc4b-62d6-44ee-bcbf-d0f725d95213"
CHANNEL = "scl"
PERIOD_S = 60.0
SILENCE_S = 150.0

_NAME = "movisens"
_US = 100 / 32767  # of a count
_LAYOUT = struct.Struct("<H")


@dataclass(frozen=True, slots=True)
class SclMean:
    """One notification: the mean level of the minute before it, as counted."""

    counts: int

    @property
    def scl_us(self) -> float:
        """The level in µS."""
        return self.counts * _US

    @classmethod
    def of(cls, scl_us: float) -> Self:
        """The count nearest to a level."""
        return cls(min(max(round(scl_us / _US), 0), 0xFFFF))

    @classmethod
    def from_bytes(cls, frame: bytes) -> Self:
        """Decode a frame. Raises FrameError if it is not one value."""
        if len(frame) != _LAYOUT.size:
            raise FrameError("EdaMove", frame, f"{len(frame)} bytes are not one 2-byte value")
        return cls(*_LAYOUT.unpack(frame))

    def __bytes__(self) -> bytes:
        return _LAYOUT.pack(self.counts)


class _SclDecoder:
    """A level each minute; above 100 µS, past the end of its range, it is kept as it came."""

    def feed(self, channel: str, payload: bytes) -> Sequence[Samples]:
        if channel != CHANNEL:
            return ()
        scl_us = np.array([SclMean.from_bytes(payload).scl_us])
        return (Samples("scl", {"scl_us": scl_us}, rate_hz=1 / PERIOD_S),)


class EdaMove:
    """The sensor's level by the minute."""

    name = "edamove"
    label = "movisens EdaMove (skin-conductance level)"
    models = "movisens EdaMove 4"
    source = "movisens: movisens-gattlib, movisens_flutter"
    hardware_verified = False
    streams = ("scl",)

    def recognises(self, advert: Advert) -> bool:
        named = advert.name.lower().startswith(_NAME) and heart_rate.SERVICE not in advert.service_uuids
        return named or SERVICE in advert.service_uuids

    async def start(self, link: Link) -> None:
        await link.subscribe(SCL_MEAN, CHANNEL, silence_s=SILENCE_S)

    async def stop(self, link: Link) -> None:
        """Nothing was started: the subscription ends with the link."""

    def decoder(self) -> Decoder:
        return _SclDecoder()
