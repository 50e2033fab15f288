"""What a sensor driver is.

A driver is one file: how a device is recognised, how its stream is started, and a codec of pure
functions. It never touches bleak: `devices.connection` hands it a `Link`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from pipeline.model import Floats


@dataclass(frozen=True, slots=True)
class Advert:
    """What a device says of itself before it is connected. UUIDs are 128-bit, lower case."""

    address: str
    name: str
    service_uuids: tuple[str, ...]
    rssi_dbm: int


@dataclass(frozen=True, slots=True)
class Samples:
    """What one notification decodes to: values of one stream, oldest first.

    `rate_hz` is None for beats, which carry their own length. `events` are words for the session
    ("contact lost"); an empty `columns` with events is fine.
    """

    stream: str
    columns: Mapping[str, Floats] = field(default_factory=dict)
    rate_hz: float | None = None
    device_time_s: Floats | None = None
    events: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), np.empty(0)))


class Link(Protocol):
    """An open connection, as a driver sees it. UUIDs are 128-bit, lower case."""

    async def read(self, characteristic: str) -> bytes:
        """Read a characteristic's value."""

    async def write(self, characteristic: str, data: bytes, *, response: bool = True) -> None:
        """Write a characteristic's value."""

    async def subscribe(self, characteristic: str, channel: str) -> None:
        """Have every notification journalled and queued as `<device>/<channel>`."""


class Decoder(Protocol):
    """Turns notifications of one connection into samples; may keep state between them."""

    def feed(self, channel: str, payload: bytes) -> Sequence[Samples]:
        """Samples of one notification. Raises FrameError on bytes the protocol does not allow."""


class Driver(Protocol):
    """One protocol. `silence_s` is how long its stream may be silent before the link counts as dead."""

    @property
    def name(self) -> str: ...

    @property
    def label(self) -> str: ...

    @property
    def source(self) -> str: ...

    @property
    def hardware_verified(self) -> bool: ...

    @property
    def streams(self) -> tuple[str, ...]: ...

    @property
    def silence_s(self) -> float: ...

    def recognises(self, advert: Advert) -> bool:
        """Whether this driver can read the device that sent the advert."""

    async def start(self, link: Link) -> None:
        """Subscribe, and start what has to be started."""

    async def stop(self, link: Link) -> None:
        """Stop what `start` started; called only while the link is up."""

    def decoder(self) -> Decoder:
        """A fresh decoder, one for each connection."""
