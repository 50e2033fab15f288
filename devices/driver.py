"""What a sensor driver is.

A driver is one file: how a device is recognised, how its streams are started, and a codec of pure
functions, both ways. It never touches bleak: `devices.connection` hands it a `Link`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from pipeline.model import Floats

CONTACT_LOST = "contact lost"  # this event is the reason that a gap gives, where one follows


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

    `rate_hz` is None for beats, which carry their own length, and for other events. `device_time_s` is the
    sensor's own clock, one value a sample, in seconds as it counts them; where it starts again at some
    value, that is `wrap_s`. `events` are words for the session (CONTACT_LOST), true as of this
    notification; an empty `columns` with events is fine.
    """

    stream: str
    columns: Mapping[str, Floats] = field(default_factory=dict)
    rate_hz: float | None = None
    device_time_s: Floats | None = None
    wrap_s: float | None = None
    events: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), np.empty(0)))


class Link(Protocol):
    """An open connection, as a driver sees it. UUIDs are 128-bit, lower case.

    Every method raises PairingError where the sensor wants to be paired first, and DeviceError for a
    characteristic that is not there; the connection pairs and starts the driver once more.
    """

    async def read(self, characteristic: str) -> bytes:
        """Read a characteristic's value."""

    async def write(self, characteristic: str, data: bytes, *, response: bool = True) -> None:
        """Write a characteristic's value."""

    async def subscribe(
        self,
        characteristic: str,
        channel: str | Callable[[bytes], str],
        *,
        silence_s: float | None,
        heard: Callable[[bytes], None] | None = None,
    ) -> None:
        """Have every notification journalled and queued as `<device>/<channel>`.

        Where a characteristic carries several streams, `channel` tells from the bytes which one it is, and
        `expect` which are watched. The link counts as dead when a channel that flowed is silent for
        `silence_s`; None: it is not watched. `heard` gets the bytes too, for a driver that waits for an
        answer. Subscribing twice is subscribing once.
        """

    def expect(self, channel: str, silence_s: float) -> None:
        """Watch a channel that shares its characteristic with others: it was started, and should flow."""


class Decoder(Protocol):
    """Turns notifications of one connection into samples; may keep state between them."""

    def feed(self, channel: str, payload: bytes) -> Sequence[Samples]:
        """Samples of one notification. Raises FrameError on bytes the protocol does not allow.

        Must also work for a connection whose first notifications are not there.
        """


class Driver(Protocol):
    """One protocol: which models speak it, where it is described, and whether hardware has confirmed it."""

    @property
    def name(self) -> str: ...

    @property
    def label(self) -> str: ...

    @property
    def models(self) -> str: ...

    @property
    def source(self) -> str: ...

    @property
    def hardware_verified(self) -> bool: ...

    @property
    def streams(self) -> tuple[str, ...]: ...

    def recognises(self, advert: Advert) -> bool:
        """Whether this driver can read the device that sent the advert."""

    async def start(self, link: Link) -> None:
        """Subscribe, and start what has to be started, also on a sensor that was never stopped."""

    async def stop(self, link: Link) -> None:
        """Stop what `start` started; called only while the link is up."""

    def decoder(self) -> Decoder:
        """A fresh decoder, one for each connection."""
