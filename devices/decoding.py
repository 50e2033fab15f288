"""From the records of a journal to streams, and to what the sensors had to say, by every driver's decoder."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from devices.device_information import BATTERY_CHANNEL, battery_events
from devices.driver import CONTACT_LOST, Decoder, Driver, Samples
from devices.drivers.registry import driver_of
from devices.plausible import implausible
from devices.streams import Collected, Incidents, stream_of
from pipeline.journal import Kind, Record
from pipeline.model import Marker, Stream

_DOWN = {"lost", "silent", "failed"}


class LiveDecoder:
    """Decodes records one by one; a connection's decoder lives as long as the connection."""

    def __init__(self) -> None:
        self._drivers: dict[str, Driver | None] = {}
        self._decoders: dict[tuple[str, int], Decoder] = {}
        self.malformed = 0

    def feed(self, record: Record) -> Sequence[Samples]:
        """The samples of a record; none for events and for frames the decoder fails on.

        Those are counted in `malformed`, whatever the failure: a driver's fault must not end a session.
        Values that no body has come with an event that says so.
        """
        if record.kind not in (Kind.DEVICE, Kind.DATA):
            return ()
        device, _, channel = record.stream.partition("/")
        try:
            if record.kind is Kind.DEVICE:
                first = device not in self._drivers
                self._drivers[device] = driver_of(record.facts)
                # Later ones repeat what the first said, and the battery has gone on.
                return battery_events(record.facts.get("battery_pct")) if first else ()
            if channel == BATTERY_CHANNEL:
                return battery_events(record.payload[0])
            decoder = self._decoder(device, record.generation)
            return () if decoder is None else _checked(decoder.feed(channel, record.payload))
        except Exception:
            self.malformed += 1
            return ()

    def _decoder(self, device: str, generation: int) -> Decoder | None:
        key = (device, generation)
        if key not in self._decoders:
            driver = self._drivers.get(device)
            if driver is None:
                return None
            self._decoders[key] = driver.decoder()
        return self._decoders[key]


def _checked(decoded: Sequence[Samples]) -> Sequence[Samples]:
    """What a decoder made of a frame. Fails here, if ever, where it counts as malformed."""
    checked = []
    for samples in decoded:
        len(samples)
        events = (*samples.events, *implausible(samples))
        checked.append(samples if events == samples.events else replace(samples, events=events))
    return checked


@dataclass(slots=True)
class _Device:
    """What a session tells of one device beside its samples."""

    name: str
    malformed: int = 0
    in_a_row: int = 0
    lost: bool = False
    lost_s: float = math.inf
    without_contact_s: list[float] = field(default_factory=list)
    told: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def broken(self, record: Record) -> Iterator[Marker]:
        """Count a malformed frame; the first of a series is told at once, their number at its end."""
        at_s = record.arrival_s
        if not record.stream.endswith(f"/{BATTERY_CHANNEL}"):  # of which no sample is missing
            self.malformed += 1
        self.in_a_row += 1
        if self.in_a_row == 1:
            yield Marker(at_s, "link", f"{self.name}: malformed frame")

    def whole(self, at_s: float) -> Iterator[Marker]:
        """End a series of malformed frames, if there is one."""
        if self.in_a_row > 1:
            yield Marker(at_s, "link", f"{self.name}: {self.in_a_row} malformed frames until now")
        self.in_a_row = 0

    def link(self, event: str, at_s: float) -> None:
        """Take note of what became of the link."""
        self.lost = event in _DOWN
        if self.lost:
            self.lost_s = min(self.lost_s, at_s)

    def news(self, samples: Samples, at_s: float) -> Iterator[str]:
        """Events that were not already so in the stream's previous notification, whatever their figure."""
        before = {_matter(event) for event in self.told.get(samples.stream, ())}
        self.told[samples.stream] = samples.events
        if CONTACT_LOST in samples.events:
            self.without_contact_s.append(at_s)
        yield from (event for event in samples.events if _matter(event) not in before)


def _matter(event: str) -> str:
    """An event without the figure in brackets: "battery low (9 %)" is no news after "battery low (10 %)"."""
    return event.partition(" (")[0]


def decode(records: Iterable[Record]) -> tuple[dict[str, Stream], tuple[Marker, ...]]:
    """All streams of a session, and what its devices had to say, as markers.

    A stream that several devices deliver has its plain name where it comes from the first of those in the
    header, else from the first that delivered; the others' are named `<stream>_<device>`. One that cannot be
    built is left out, and a marker says so.
    """
    decoder = LiveDecoder()
    collected: dict[tuple[str, str], Collected] = defaultdict(Collected)
    devices: dict[str, _Device] = {}
    markers: list[Marker] = []
    order: list[str] = []
    end_s = 0.0
    for record in records:
        end_s = record.arrival_s
        if record.kind is Kind.HEADER:
            order = list(record.facts.get("devices", ()))
        before, name = decoder.malformed, record.stream.partition("/")[0]
        device = devices.setdefault(name, _Device(name))
        for samples in decoder.feed(record):
            if len(samples):
                markers += device.whole(end_s)
                collected[samples.stream, name].add(samples, record, device.malformed)
            news = device.news(samples, end_s)
            markers += [Marker(end_s, "link", f"{name}: {event}") for event in news]
        if record.kind is Kind.LINK and (event := record.facts["event"]) != "stopped":
            device.link(event, end_s)
        if decoder.malformed > before:
            markers += device.broken(record)
    for device in devices.values():
        markers += device.whole(end_s)
    incidents = {
        name: Incidents(end_s, device.lost, tuple(device.without_contact_s), device.lost_s)
        for name, device in devices.items()
    }
    first = {name: place for place, name in enumerate(order)}
    ranked = sorted(collected.items(), key=lambda item: first.get(item[0][1], len(first)))
    streams, failed = _streams(dict(ranked), incidents)
    return streams, (*markers, *failed)


def _streams(
    collected: Mapping[tuple[str, str], Collected], incidents: Mapping[str, Incidents]
) -> tuple[dict[str, Stream], list[Marker]]:
    """The streams, and a marker for each that could not be built."""
    streams: dict[str, Stream] = {}
    failed: list[Marker] = []
    for (name, device), parts in collected.items():
        try:
            stream = stream_of(name, parts, incidents[device])
            streams[name if name not in streams else f"{name}_{device}"] = stream
        except Exception:  # a driver's fault: the raw records remain
            failed.append(Marker(parts.arrival_s[0], "link", f"{device}: {name} could not be decoded"))
    return streams, failed
