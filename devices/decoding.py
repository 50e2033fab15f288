"""From the records of a journal to streams: every driver's decoder, and session time for its samples."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from devices.driver import Decoder, Driver, Samples
from devices.registry import driver_named
from pipeline.journal import Kind, Record
from pipeline.model import Floats, Gap, Marker, Stream
from pipeline.timing import Timed, beat_times, regular_times, rising

_MIN_GAP_S = 0.5  # a shorter pause between runs is the radio's, not the signal's


@dataclass(slots=True)
class _Collected:
    """The samples of one stream, notification by notification."""

    samples: list[Samples] = field(default_factory=list)
    arrival_s: list[float] = field(default_factory=list)
    generation: list[int] = field(default_factory=list)
    unbroken: list[int] = field(default_factory=list)  # another number after a loss that is known of


class LiveDecoder:
    """Decodes records one by one; a connection's decoder lives as long as the connection."""

    def __init__(self) -> None:
        self._drivers: dict[str, Driver | None] = {}
        self._decoders: dict[tuple[str, int], Decoder] = {}
        self.malformed = 0

    def feed(self, record: Record) -> Sequence[Samples]:
        """The samples of a record; none for events and for frames the decoder fails on.

        Those are counted in `malformed`, whatever the failure: a driver's fault must not end a session.
        """
        if record.kind is Kind.DEVICE:
            self._drivers[record.stream] = driver_named(record.facts["driver"])
        if record.kind is not Kind.DATA:
            return ()
        device, _, channel = record.stream.partition("/")
        try:
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
    for samples in decoded:
        len(samples)
        iter(samples.events)
    return decoded


def decode(records: Iterable[Record]) -> tuple[dict[str, Stream], tuple[Marker, ...]]:
    """All streams of a session, and what its devices had to say, as markers.

    A stream that a device delivers second is named `<stream>_<device>`. One that cannot be built is left
    out, and a marker says so.
    """
    decoder = LiveDecoder()
    collected: dict[tuple[str, str], _Collected] = defaultdict(_Collected)
    markers: list[Marker] = []
    told: set[tuple[str, str]] = set()
    malformed: Counter[str] = Counter()
    for record in records:
        before = decoder.malformed
        device = record.stream.partition("/")[0]
        for samples in decoder.feed(record):
            if len(samples):
                _collect(collected[samples.stream, device], samples, record, malformed[device])
            markers += _news(samples, device, record.arrival_s, told)
        if decoder.malformed > before:
            malformed[device] += 1
            markers.append(Marker(record.arrival_s, "link", f"{device}: malformed frame"))
    streams, failed = _streams(collected)
    return streams, (*markers, *failed)


def _streams(collected: Mapping[tuple[str, str], _Collected]) -> tuple[dict[str, Stream], list[Marker]]:
    """The streams, by first delivery, and a marker for each that could not be built."""
    streams: dict[str, Stream] = {}
    failed: list[Marker] = []
    for (name, device), parts in collected.items():
        try:
            streams[name if name not in streams else f"{name}_{device}"] = _stream(name, parts)
        except Exception:  # a driver's fault: the raw records remain
            failed.append(Marker(parts.arrival_s[0], "link", f"{device}: {name} could not be decoded"))
    return streams, failed


def _collect(into: _Collected, samples: Samples, record: Record, malformed: int) -> None:
    into.samples.append(samples)
    into.arrival_s.append(record.arrival_s)
    into.generation.append(record.generation)
    into.unbroken.append(record.generation + malformed)  # neither ever falls


def _news(samples: Samples, device: str, at_s: float, told: set[tuple[str, str]]) -> list[Marker]:
    """Events that were not already so in the device's previous notification."""
    was = {event for who, event in told if who == device + samples.stream}
    told -= {(device + samples.stream, event) for event in was}
    told |= {(device + samples.stream, event) for event in samples.events}
    return [Marker(at_s, "link", f"{device}: {event}") for event in samples.events if event not in was]


def _stream(name: str, parts: _Collected) -> Stream:
    counts = np.array([len(samples) for samples in parts.samples], dtype=float)
    per_sample = counts.astype(int)
    arrival_s, generation = np.array(parts.arrival_s), np.array(parts.generation, dtype=float)
    columns = {
        column: np.concatenate([samples.columns[column] for samples in parts.samples]).astype(float)
        for column in parts.samples[0].columns
    }
    each_arrival_s, each_generation = np.repeat(arrival_s, per_sample), np.repeat(generation, per_sample)
    rate_hz = parts.samples[0].rate_hz
    if rate_hz is not None:
        timed = regular_times(counts, arrival_s, generation, rate_hz)
        length_s = np.full(len(timed.time_s), 1 / rate_hz)
    elif f"{name}_ms" in columns:
        length_s = np.maximum(columns[f"{name}_ms"], 0.0) / 1000
        unbroken = np.repeat(np.array(parts.unbroken, dtype=float), per_sample)
        timed = beat_times(columns[f"{name}_ms"], each_arrival_s, unbroken)
    else:
        length_s = np.zeros(len(each_arrival_s))
        timed = Timed(rising(each_arrival_s), np.zeros(len(each_arrival_s), dtype=bool))
    return Stream(
        name=name,
        time_s=timed.time_s,
        columns=columns,
        rate_hz=rate_hz,
        arrival_s=each_arrival_s,
        gaps=_gaps(timed, length_s, each_generation, rate_hz),
    )


def _gaps(timed: Timed, length_s: Floats, generation: Floats, rate_hz: float | None) -> tuple[Gap, ...]:
    """The time between runs, less the first interval after, which lies before its own end."""
    gaps = []
    for row in np.flatnonzero(timed.run_start):
        if row == 0:
            continue
        start_s, end_s = float(timed.time_s[row - 1]), float(timed.time_s[row] - length_s[row])
        if end_s - start_s < _MIN_GAP_S:
            continue
        reason = "link lost" if generation[row] != generation[row - 1] else "samples missing"
        missing = None if rate_hz is None else round((end_s - start_s) * rate_hz)
        gaps.append(Gap(start_s, end_s, reason, missing))
    return tuple(gaps)
