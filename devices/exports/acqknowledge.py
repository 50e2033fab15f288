"""AcqKnowledge (.acq): recordings of BIOPAC amplifiers, packed or not, each channel at its own rate.

What is taken is chosen by name and unit: a laboratory's file often holds derived channels in the unit of
the one they come from. Event markers become markers; a recording that was stopped and appended to is one
stretch of time in the file, with a break at each seam.
"""

from __future__ import annotations

import io
import logging
import math
import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from devices.exports.channels import Channel, read_channels
from devices.exports.libraries import library
from devices.exports.reader import Source, unneeded
from devices.exports.samples import ChannelSamples
from pipeline.errors import InputError
from pipeline.model import DeviceInfo, Floats, Marker, Recording

_VERSIONS = (30, 200)  # of the file format: 2.0 to 5.0 and then some
_HEADER_BYTES = (100, 50_000)
_MOST_CHANNELS = 512
_MOST_PATTERN = 5_000_000  # bytes that interleaved channels take to come around
_MOST_SEARCHED = 2_000  # headers that the library looks at to find where the channels' types are told
_MOST_READS, _BYTES_A_READ = 12_000, 4  # of headers: a marker takes three reads, and 12 bytes at least
_LONGEST_S = 40 * 86_400.0
_SEAM = "apnd"  # the kind of marker that AcqKnowledge puts where a recording begins, and goes on
_SEAM_TEXT = re.compile(r"Segment \d+")  # of older versions, whose markers have no kind
_LONGEST_TEXT = 200


@dataclass(frozen=True)
class _File:
    """The parsed headers of a file, and its bytes."""

    where: str
    content: bytes
    headers: Any  # bioread's Datafile

    @property
    def channels(self) -> list[Channel]:
        return [
            Channel(str(each.name).strip(), str(each.units).strip("\0 "), float(each.samples_per_second))
            for each in self.headers.channels
        ]

    @property
    def duration_s(self) -> float:
        return max(float(each.point_count / each.samples_per_second) for each in self.headers.channels)

    def samples(self, index: int) -> ChannelSamples:
        """What a channel holds, in its own unit; nothing at the seams."""
        rate_hz = float(self.headers.channels[index].samples_per_second)
        try:
            values = self._packed(index) if self.headers.is_compressed else self._interleaved(index)
        except Exception as error:  # a decoder may fail in any way on damaged bytes
            raise InputError(
                f"{self.where}: is damaged or cut short; save it again in AcqKnowledge"
            ) from error
        for seam_s in self.seams_s():
            at = round(seam_s * rate_hz)
            values[at : at + 1] = np.nan
        return ChannelSamples(np.arange(len(values)) / rate_hz, values, ends=self._ends(index))

    def _ends(self, index: int) -> tuple[float, float] | None:
        channel = self.headers.channels[index]
        if channel.dtype.kind == "f":
            return None
        scale, offset = float(channel.raw_scale_factor), float(channel.raw_offset)
        return offset - 32_768 * scale, offset + 32_767 * scale

    def _interleaved(self, index: int) -> Floats:
        import bioread

        read = bioread.read(_Bounded(self.content), channel_indexes=[index])
        return np.array(read.channels[index].data, dtype=np.float64)

    def _packed(self, index: int) -> Floats:
        """As many samples as the header counts, so that no bomb goes off."""
        channel, packed = self.headers.channels[index], self.headers.channel_compression_headers[index]
        start = packed.compressed_data_offset
        size = channel.point_count * channel.dtype.itemsize
        raw = zlib.decompressobj().decompress(self.content[start : start + packed.compressed_data_len], size)
        values = np.frombuffer(raw, channel.dtype, channel.point_count).astype(np.float64)
        if channel.dtype.kind != "f":
            values = values * float(channel.raw_scale_factor) + float(channel.raw_offset)
        return values

    @property
    def _events(self) -> Sequence[Any]:
        return self.headers.event_markers or ()

    def seams_s(self) -> list[float]:
        """Where the recording was stopped and went on."""
        return [float(each.time_index) for each in self._events if _is_seam(each) and each.sample_index > 0]

    @property
    def started_at(self) -> datetime | None:
        """When the first stretch was begun; older versions do not say."""
        for each in self._events:
            if _is_seam(each) and each.sample_index == 0:
                when = each.date_created_utc
                return when if isinstance(when, datetime) and 1990 <= when.year <= 2100 else None
        return None

    def markers(self) -> Iterator[Marker]:
        """A marker for each event, but for the seams; once, where it is marked in several channels."""
        found = {
            (float(each.time_index), str(each.text).strip()[:_LONGEST_TEXT])
            for each in self._events
            if not _is_seam(each)
        }
        for at_s, text in sorted(found):
            if 0 <= at_s <= self.duration_s:
                yield Marker(at_s, "event", text)


class AcqKnowledge:
    """Reads .acq files of AcqKnowledge 3 to 5."""

    name = "acqknowledge"
    label = "AcqKnowledge (.acq)"
    proven = True

    def recognises(self, source: Source) -> bool:
        """Whether this is one file that begins with a plausible version, length and number of channels."""
        if source.only is None:
            return False
        head = source.head(source.only, 12)
        return len(head) == 12 and any(_is_head(head, order) for order in "<>")

    def read(self, source: Source, unit: str | None) -> Recording:
        """The recording. Raises InputError for a damaged file, and for one without a usable channel."""
        name = source.only
        assert name is not None, "recognised before it is read"
        file = _opened(source.where(name), source.files[name])
        found = read_channels(file.where, file.channels, file.samples)
        seams = len(file.seams_s())
        return Recording(
            recording_id=source.title,
            source=self.name,
            sha256=source.sha256,
            duration_s=file.duration_s,
            streams=found.streams,
            started_at=file.started_at,
            markers=tuple(file.markers()),
            devices=(DeviceInfo(name="BIOPAC", driver=self.name),),
            units=found.units,
            notices=(
                *found.notices,
                *((f"recorded in {seams + 1} stretches; the time between is not in it",) if seams else ()),
                *unneeded(unit, "the file names its units"),
            ),
        )


class _Bounded(io.BytesIO):
    """A file that may be read so many times: by damaged counts the library would go on for ever."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self._left = min(_MOST_READS, 1000 + len(content) // _BYTES_A_READ)

    def read(self, size: int | None = -1, /) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise ValueError("its headers do not end")
        return super().read(size)


def _is_seam(event: Any) -> bool:
    if event.type_code is None:
        return bool(_SEAM_TEXT.fullmatch(str(event.text).strip()))
    return bool(event.type_code == _SEAM)


def _is_head(head: bytes, order: str) -> bool:
    version, length, channels = struct.unpack(f"{order}2xiih", head)
    return bool(
        _VERSIONS[0] <= version <= _VERSIONS[1]
        and _HEADER_BYTES[0] <= length <= _HEADER_BYTES[1]
        and 1 <= channels <= _MOST_CHANNELS
    )


def _opened(where: str, content: bytes) -> _File:
    """The headers, checked against the size of the file before anything is made room for."""
    bioread = library("bioread", where)
    logging.getLogger("bioread").setLevel(logging.CRITICAL)  # what it would print becomes our one line
    _search_less(content)
    try:
        headers = bioread.read_headers(_Bounded(content))
        if headers is None:
            raise ValueError
        file = _File(where, content, headers)
        _check(file)
    except InputError:
        raise
    except Exception as error:  # a decoder may fail in any way on damaged bytes
        raise InputError(f"{where}: is no .acq file, or damaged; save it again in AcqKnowledge") from error
    return file


def _search_less(content: bytes) -> None:
    """Have the library give up a damaged file of hundreds of channels in seconds; it would take minutes."""
    from bioread.header_reader import ChannelDTypeHeaderReader

    channels = min(
        struct.unpack_from(f"{order}h", content, 10)[0] for order in "<>" if _is_head(content[:12], order)
    )
    ChannelDTypeHeaderReader.MAX_DTYPE_SCANS = min(4096, _MOST_SEARCHED // channels)


def _check(file: _File) -> None:
    """Raise InputError, or another error, if sizes and rates in the headers can't be true."""
    channels = file.headers.channels
    dividers = [int(each.frequency_divider) for each in channels]
    counts = [int(each.point_count) for each in channels]
    rates = [float(each.samples_per_second) for each in channels]
    sane = min(dividers) > 0 and min(counts) >= 0 and max(counts) > 0
    sane = sane and all(math.isfinite(rate) and rate > 0 for rate in rates)
    if not sane:
        raise ValueError("rates or counts")
    if file.headers.is_compressed:
        packed = sum(each.compressed_data_len for each in file.headers.channel_compression_headers)
        whole = 0 < packed <= len(file.content) and max(counts) * 8 <= 1100 * len(file.content)
    else:
        whole = sum(each.data_length for each in channels) <= len(file.content)
        if math.lcm(*dividers) * len(channels) > _MOST_PATTERN:
            raise ValueError("dividers")
    if not whole:
        raise InputError(f"{file.where}: is cut short; copy it again")
    if file.duration_s > _LONGEST_S:
        raise ValueError("rates")
