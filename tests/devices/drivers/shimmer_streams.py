"""Streams of a Shimmer, and what notifications of them decode to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from devices.drivers.shimmer import (
    Shimmer,
)
from devices.drivers.shimmer_frames import Inquiry, Model, Packet, Reading
from pipeline.errors import FrameError

R3, R3R = Model.SHIMMER3, Model.SHIMMER3R
ACK, NACK = b"\xff", b"\xfe"


def packets(count: int, first: int = 0, divider: int = 640) -> list[Packet]:
    """Packets with a conductance that rises; numbered from `first`, stamped as the sensor counts."""
    return [
        Packet(k * divider % (1 << 24), Reading.of(2 + k % 977 / 100)) for k in range(first, first + count)
    ]


def stream(of: Sequence[Packet]) -> bytes:
    return b"".join(map(bytes, of))


def answer(model: Model, channels: tuple[int, ...] = (0x1C,), divider: int = 640) -> bytes:
    """An inquiry's answer with its acknowledgement."""
    return ACK + bytes(Inquiry(divider, bytes(model.setup_bytes), channels))


@dataclass
class Decoded:
    """Everything that notifications decoded to."""

    eda_us: list[float] = field(default_factory=list)
    ticks: list[float] = field(default_factory=list)
    events: list[tuple[str, ...]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    rates_hz: set[float | None] = field(default_factory=set)


def decoded(notifications: Sequence[bytes], model: Model = R3R) -> Decoded:
    decoder, found = Shimmer().decoder(), Decoded()
    for payload in notifications:
        try:
            made = decoder.feed(model, payload)
        except FrameError as error:
            found.refused.append(str(error))
            continue
        for samples in made:
            assert samples.stream == "eda"
            assert samples.wrap_s == 512.0
            assert samples.device_time_s is not None
            found.eda_us += samples.columns["eda_us"].tolist()
            found.ticks += (samples.device_time_s * 32768).tolist()
            found.rates_hz.add(samples.rate_hz)
            if samples.events:
                found.events.append(samples.events)
    return found


def values(of: Sequence[Packet]) -> tuple[list[float], list[float]]:
    return [packet.reading.eda_us for packet in of], [float(packet.ticks) for packet in of]


def assert_is(found: Decoded, of: Sequence[Packet]) -> None:
    """The same packets, and nothing to be told."""
    assert (found.eda_us, found.ticks) == values(of)
    assert (found.events, found.refused) == ([], [])
