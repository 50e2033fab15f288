"""XDF, what LabRecorder makes of streams of the Lab Streaming Layer: signals, beat intervals, markers.

A file holds any number of streams, each with a header in XML (name, type, rate, format; labels and units of
channels, if its sender gave them). The clocks of several computers are put on one by the offsets that were
measured during the recording (pyxdf).

What is ours is told by a channel's label and unit; where labels say nothing, by the type of its stream, and
then by its name. A file of which nothing is ours is refused, with what is in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np

from devices.exports.channels import Channel, candidates_of, read_channels
from devices.exports.intervals import LONGEST_MS, arrived, loss_notices
from devices.exports.reader import Source, unneeded
from devices.exports.rows import number_of
from devices.exports.samples import ChannelSamples
from devices.exports.timeline import MOST_LEFT_OUT, rising_rows, sample_gaps
from devices.exports.xdf_file import MAGIC, xdf_streams
from pipeline.errors import InputError
from pipeline.heart.artefacts import PLAUSIBLE_MS
from pipeline.model import Floats, Marker, Recording, Stream

_OTHER_TYPES = re.compile(
    r"eeg|emg|eog|meg|nirs|audio|video|gaze|mocap|marker|event|position|mouse|key", re.I
)
_INTERVALS = re.compile(r"\b(rr|ibi|nn|pp|ppi|rri)( ?intervals?)?\b", re.I)
_PULSE_INTERVALS = re.compile(r"\b(pp|ppi)\b", re.I)
_MS = {"ms": 1.0, "millisecond": 1.0, "milliseconds": 1.0, "s": 1000.0, "second": 1000.0, "seconds": 1000.0}
_OFF_RATE = 0.05  # share by which a header's rate may be wrong before the measured one is taken
_LONGEST_S = 7 * 86_400.0
_MOST_TEXT, _MOST_MARKERS = 200, 100_000
_SHOWN = 12


@dataclass(frozen=True, slots=True)
class _Lsl:
    """One stream: `values` (samples, channels) of numbers, or `texts`, one a sample; NaN where missing."""

    name: str
    kind: str
    rate_hz: float
    labels: tuple[tuple[str, str, str], ...]  # of each channel: label, type, unit
    time_s: Floats
    values: Floats
    texts: tuple[str, ...] = ()

    def __str__(self) -> str:
        rate = f"{self.rate_hz:g} Hz" if self.rate_hz else "irregular"
        channels = "1 channel" if len(self.labels) == 1 else f"{len(self.labels)} channels"
        return f"{self.name or 'unnamed'} ({self.kind or 'no type'}, {channels}, {rate})"


class Xdf:
    """Reads XDF: heart, skin, pulse wave and breathing by label and unit, markers, beat intervals."""

    name = "xdf"
    label = "XDF (LabRecorder)"
    proven = False  # files of real recorders were at hand, but none with a heart or skin in it

    def recognises(self, source: Source) -> bool:
        """Whether this is one file that begins as XDF does."""
        return source.only is not None and source.head(source.only).startswith(MAGIC)

    def read(self, source: Source, unit: str | None) -> Recording:
        """The recording. Raises InputError for a damaged file, and for one that holds nothing of ours."""
        where = source.where(source.only or "")
        read = xdf_streams(source.files[source.only or ""], where)
        parsed = [_parsed(each) for each in read.streams]
        told = [stream for stream in parsed if len(stream.time_s)]
        start_s, end_s = _extent(where, told, parsed)
        streams, units, notices = _signals(where, told, start_s)
        for each in told:
            beats = _beats(where, each, start_s, end_s)
            if beats is not None and beats.name not in streams:
                streams[beats.name] = beats
                units[beats.name] = "ms"
                notices += tuple(loss_notices(beats))
        if not streams:
            raise InputError(f"{where}: holds nothing vagal can use; in it are {_listed(parsed)}")
        markers = tuple(sorted(_markers(told, start_s), key=lambda marker: marker.time_s))
        return Recording(
            recording_id=source.title,
            source=self.name,
            sha256=source.sha256,
            duration_s=end_s - start_s,
            streams=streams,
            started_at=_started_at(read.header),
            markers=markers[:_MOST_MARKERS],
            units=units,
            notices=(
                *read.notices,
                *notices,
                *(("only the first 100,000 markers are read",) if len(markers) > _MOST_MARKERS else ()),
                *unneeded(unit, "streams name their units"),
            ),
        )


def _listed(streams: Sequence[_Lsl]) -> str:
    more = len(streams) - _SHOWN
    names = ", ".join(str(stream)[:120] for stream in streams[:_SHOWN])
    return (names + (f" and {more} more" if more > 0 else "")) or "no streams"


def _parsed(stream: Mapping[str, Any]) -> _Lsl:
    """A stream as the library gives it, less the samples whose time does not rise."""
    info = stream["info"]
    time_s = np.asarray(stream["time_stamps"], dtype=np.float64)
    rate_hz, count = _number(_text(info, "nominal_srate")), int(_number(_text(info, "channel_count")))
    texts: tuple[str, ...] = ()
    values = np.empty((len(time_s), 0))
    if isinstance(stream["time_series"], list):
        kept = np.isfinite(time_s)
        rows = [row for row, use in zip(stream["time_series"], kept.tolist(), strict=True) if use]
        texts = tuple(" ".join(cell for cell in row if cell)[:_MOST_TEXT] for row in rows)
    else:
        kept = np.isfinite(time_s) & rising_rows(time_s)
        with np.errstate(invalid="ignore"):  # some of what is no number is told of when it is cast
            values = np.asarray(stream["time_series"], dtype=np.float64).reshape(len(time_s), count)[kept]
    if len(kept) and np.mean(~kept) > MOST_LEFT_OUT:
        kept, texts, values = np.zeros(len(kept), bool), (), values[:0]
    labels = _labels(info, count)
    return _Lsl(_text(info, "name"), _text(info, "type"), rate_hz, labels, time_s[kept], values, texts)


def _labels(info: Mapping[str, Any], count: int) -> tuple[tuple[str, str, str], ...]:
    """Label, type and unit of each channel, empty where the sender gave none."""
    described: Any = info
    for key in ("desc", "channels"):
        described = described.get(key) if isinstance(described, Mapping) else None
        described = described[0] if isinstance(described, list) and described else None
    channels = described.get("channel", []) if isinstance(described, Mapping) else []
    found = [
        (_text(each, "label"), _text(each, "type"), _text(each, "unit"))
        for each in channels[:count]
        if isinstance(each, Mapping)
    ]
    return tuple(found + [("", "", "")] * (count - len(found)))


def _text(info: Any, key: str) -> str:
    held = info.get(key) if isinstance(info, Mapping) else None
    first = held[0] if isinstance(held, list) and held else None
    return first.strip() if isinstance(first, str) else ""


def _number(text: str) -> float:
    value = number_of(text)
    return value if value is not None and np.isfinite(value) else 0.0


def _extent(where: str, told: Sequence[_Lsl], parsed: Sequence[_Lsl]) -> tuple[float, float]:
    """From the first to the last sample of any stream. Raises InputError if there is none, or too long."""
    if not told:
        raise InputError(f"{where}: holds no samples; in it are {_listed(parsed)}")
    start_s = min(float(stream.time_s.min()) for stream in told)
    end_s = max(float(stream.time_s.max()) + (1 / stream.rate_hz if stream.rate_hz else 0) for stream in told)
    if end_s - start_s > _LONGEST_S:
        raise InputError(
            f"{where}: its streams lie more than a week apart, so their clocks can't be put on one"
        )
    return start_s, end_s


def _signals(
    where: str, told: Sequence[_Lsl], start_s: float
) -> tuple[dict[str, Stream], dict[str, str], tuple[str, ...]]:
    """The sampled signals of all streams; none, without an error, where there are none."""
    sampled, odd = [], []
    for stream in told:
        if stream.rate_hz > 0 and stream.values.shape[1]:
            rate_hz = _measured_hz(stream)
            sampled.append(replace(stream, rate_hz=rate_hz))
            if rate_hz != stream.rate_hz:
                odd.append(f"{stream} has {rate_hz:g} samples a second and is read so")
    places = [(stream, column) for stream in sampled for column in range(stream.values.shape[1])]
    channels = [channel for stream in sampled for channel in _channels(stream)]
    if not candidates_of(channels)[0]:
        return {}, {}, ()

    def load(index: int) -> ChannelSamples:
        stream, column = places[index]
        return ChannelSamples(
            stream.time_s - start_s,
            stream.values[:, column].copy(),
            sample_gaps(stream.time_s - start_s, stream.rate_hz),
        )

    found = read_channels(where, channels, load)
    return found.streams, found.units, (*found.notices, *odd)


def _measured_hz(stream: _Lsl) -> float:
    """The rate that a stream's header names, or that of its samples where they differ."""
    if len(stream.time_s) < 3:
        return stream.rate_hz
    measured_hz = 1 / float(np.median(np.diff(stream.time_s)))
    return stream.rate_hz if abs(measured_hz / stream.rate_hz - 1) <= _OFF_RATE else round(measured_hz, 3)


def _channels(stream: _Lsl) -> list[Channel]:
    """A stream's channels under names that tell most: their labels, else with the type or name before."""
    named = [(label or kind, unit) for label, kind, unit in stream.labels]
    prefixes = [""]
    if not _OTHER_TYPES.search(stream.kind):
        prefixes += [stream.kind, stream.name]
    offers = [
        [Channel(f"{prefix} {name}".strip(), unit, stream.rate_hz) for name, unit in named]
        for prefix in prefixes
    ]
    return next((offer for offer in offers if candidates_of(offer)[0]), offers[0])


def _beats(where: str, stream: _Lsl, start_s: float, end_s: float) -> Stream | None:
    """A stream of intervals as the beats they are: `rr`, or `pp` where it says so; None if it is none.

    Raises InputError for an interval that would shift all after it.
    """
    for column, (label, kind, unit) in enumerate(stream.labels):
        said = label or kind or f"{stream.kind} {stream.name}"
        words = re.sub(r"[_\-.]+", " ", said)
        scale = _MS.get(unit.lower() or "ms")
        if stream.rate_hz or stream.texts or scale is None or not _INTERVALS.search(words):
            continue
        known = np.isfinite(stream.values[:, column])
        interval_ms, arrival_s = stream.values[known, column] * scale, stream.time_s[known] - start_s
        if not len(interval_ms) or not PLAUSIBLE_MS[0] <= np.median(interval_ms) <= PLAUSIBLE_MS[1]:
            continue
        if np.max(np.abs(interval_ms)) > LONGEST_MS:
            raise InputError(
                f"{where}: {stream} holds an interval of {np.max(np.abs(interval_ms)):.4g} ms; it is damaged"
            )
        name = "pp" if _PULSE_INTERVALS.search(words) else "rr"
        return arrived(name, {f"{name}_ms": interval_ms}, arrival_s, end_s - start_s)
    return None


def _markers(told: Sequence[_Lsl], start_s: float) -> Iterator[Marker]:
    """A marker for each text of a stream of texts, and each number of a stream of numbered events."""
    for stream in told:
        if stream.texts:
            texts: Sequence[str] = stream.texts
        elif (
            not stream.rate_hz
            and re.search("marker|event|trigger", stream.kind, re.I)
            and len(stream.labels) == 1
        ):
            texts = [f"{value:g}" for value in stream.values[:, 0].tolist()]
        else:
            continue
        for time_s, text in zip((stream.time_s - start_s).tolist(), texts, strict=True):
            yield Marker(time_s, "event", text)


def _started_at(header: Mapping[str, Any]) -> datetime | None:
    """When LabRecorder began, as its header has it; None without that."""
    try:
        return datetime.fromisoformat(_text(header.get("info"), "datetime")).astimezone()
    except (ValueError, OverflowError, OSError):
        return None
