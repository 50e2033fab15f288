"""ProtoCentral HealthyPi Move: a watch that sends skin conductance.

Source: the open firmware, github.com/Protocentral/healthypi-move-fw, app/src/ble_module.c. Its advert
lists only the Heart Rate, Battery and Device Information services, so mostly the name tells it apart.
The watch sends while a skin-conductance measurement runs on it, and, in some versions, puts ECG on the
same characteristic during an ECG measurement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from devices.driver import Advert, Decoder, Link, Samples
from pipeline.errors import FrameError
from pipeline.model import Floats

SERVICE = "00001122-0000-1000-8000-00805f9b34fb"
CONDUCTANCE = "babe4a4c-7789-11ed-a1eb-0242ac120002"
CHANNEL = "eda"
RATE_HZ = 32.0
SILENCE_S = 5.0

_NAME = "healthypi move"
_PER_US = 100  # the watch counts 1/100 µS
_LOWEST, _HIGHEST = -1 * _PER_US, 100 * _PER_US  # skin lies well within -1..100 µS; ECG counts do not


@dataclass(frozen=True, slots=True)
class ConductanceFrame:
    """One notification: skin conductance in 1/100 µS, oldest first."""

    hundredths_us: tuple[int, ...]

    @property
    def eda_us(self) -> Floats:
        """The samples in µS."""
        return np.array(self.hundredths_us, dtype=np.float64) / _PER_US

    @classmethod
    def from_bytes(cls, frame: bytes) -> Self:
        """Decode a frame. Raises FrameError on a broken sample, or a value that no skin has."""
        if not frame or len(frame) % 4:
            raise FrameError("HealthyPi Move", frame, f"{len(frame)} bytes are not whole 4-byte samples")
        values = np.frombuffer(frame, dtype="<i4")
        if values.min() < _LOWEST or values.max() > _HIGHEST:
            raise FrameError("HealthyPi Move", frame, "outside -1 to 100 µS, so not skin conductance")
        return cls(tuple(values.tolist()))

    def __bytes__(self) -> bytes:
        return np.array(self.hundredths_us, dtype="<i4").tobytes()


class _ConductanceDecoder:
    def feed(self, channel: str, payload: bytes) -> Sequence[Samples]:
        if channel != CHANNEL:
            return ()
        frame = ConductanceFrame.from_bytes(payload)
        return (Samples("eda", {"eda_us": frame.eda_us}, rate_hz=RATE_HZ),)


class HealthyPiMove:
    """The watch's skin-conductance stream."""

    name = "healthypi_move"
    label = "HealthyPi Move (skin conductance)"
    models = "ProtoCentral HealthyPi Move"
    source = "Protocentral/healthypi-move-fw, app/src/ble_module.c"
    hardware_verified = False
    streams = ("eda",)

    def recognises(self, advert: Advert) -> bool:
        return SERVICE in advert.service_uuids or _NAME in advert.name.lower()

    async def start(self, link: Link) -> None:
        await link.subscribe(CONDUCTANCE, CHANNEL, silence_s=SILENCE_S)

    async def stop(self, link: Link) -> None:
        """Nothing was started: the subscription ends with the link."""

    def decoder(self) -> Decoder:
        return _ConductanceDecoder()
