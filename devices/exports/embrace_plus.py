"""Empatica Embrace Plus: Avro files of up to half an hour each; those in one folder are one recording.

A file holds one record. In its `rawData` each sensor has `timestampStart` (µs since 1970, UTC),
`samplingFrequency` in Hz and `values`: eda in µS, bvp arbitrary, temperature in °C; the accelerometer x, y
and z in counts, of which `imuParams` names the lowest and the highest, and both in g. A sensor that was off
has no values and a frequency of 0. `tags.tagsTimeMicros` are presses of the button,
`systolicPeaks.peaksTimeNanos` the wristband's own pulses, `timezone` seconds east of UTC.

Sources: Empatica, EmbracePlus user's manual (2021), raw data specifications, for the units; Empatica, "How to
access Avro files with Python", for the names and the rule for counts. No real file was at hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np

from devices.exports.avro import avro_records
from devices.exports.contents import TooLargeError
from devices.exports.limits import LARGEST, UNIX_S
from devices.exports.reader import Source, unneeded
from devices.exports.timeline import rising_rows, sample_gaps
from pipeline.errors import InputError
from pipeline.heart.ppg import interval_gaps, pulse_intervals
from pipeline.heart.pulse_rate import pulse_rate
from pipeline.model import DeviceInfo, Floats, Marker, Recording, Stream

_HEAD = 16_384  # the schema stands first, and names what is looked for
_SENSORS = {
    "bvp": ("ppg", "ppg_au"),
    "eda": ("eda", "eda_us"),
    "temperature": ("skin_temperature", "skin_temperature_c"),
}
_AXES = ("x", "y", "z")
_ACC = "accelerometer"
_RATES_HZ = (0.5, 1000.0)
_RATE_SPREAD = 0.05
_LONGEST_S = 7 * 86_400.0
_LONGEST_INTERVAL_MS = 2000.0
_ZONES_S = 15 * 3600


@dataclass(frozen=True, slots=True)
class _Block:
    """One sensor's samples in one file: `rows` (samples, columns) in the units of the stream's columns."""

    start_s: float
    rate_hz: float
    rows: Floats


@dataclass(frozen=True, slots=True)
class _File:
    """What is used of one file; times in s since 1970."""

    blocks: Mapping[str, _Block]
    tags_s: tuple[float, ...]
    peaks_s: tuple[float, ...]
    device: str | None
    zone_s: int


class EmbracePlus:
    """Reads Embrace Plus files. Beats come from the pulse wave; if that holds none, the wristband's own."""

    name = "embrace-plus"
    label = "Empatica Embrace Plus (folder of .avro files)"
    proven = False

    def recognises(self, source: Source) -> bool:
        """Whether one of the files is Avro, with a schema that has the Embrace's raw data."""
        return any(_is_ours(source, name) for name in source.files)

    def read(self, source: Source, unit: str | None) -> Recording:
        """The recording. Raises InputError that names the file that is damaged or does not fit the others."""
        try:
            files = [_file(source, name) for name in sorted(source.files) if _is_ours(source, name)]
        except TooLargeError as error:
            raise InputError(f"{error}; keep each day in a folder of its own") from error
        if len({file.device for file in files}) > 1:
            raise InputError(
                f"{source.path}: the files are of several wristbands; keep each in a folder of its own"
            )
        start_s, end_s = _extent(source, files)
        streams, notices = _streams(source, files, start_s)
        if "ppg" in streams:
            streams["ppg_rate"] = pulse_rate(streams["ppg"], streams.get("acc"))
            streams["pp"] = pulse_intervals(streams["ppg"], streams["ppg_rate"])
        if not len(streams.get("pp", ())):
            streams.pop("pp", None)
            if (own := _own_beats(files, start_s, end_s)) is not None:
                streams["pp"] = own
                notices.append("beats are the wristband's own, as its pulse wave holds no usable pulse")
        tags_s = sorted(tag_s - start_s for file in files for tag_s in file.tags_s)
        tags_s = [tag_s for tag_s in tags_s if 0 <= tag_s <= end_s - start_s]
        return Recording(
            recording_id=source.title,
            source=self.name,
            sha256=source.sha256,
            duration_s=end_s - start_s,
            streams=streams,
            started_at=datetime.fromtimestamp(start_s, timezone(timedelta(seconds=files[0].zone_s))),
            markers=tuple(Marker(tag_s, "tag", f"tag {number}") for number, tag_s in enumerate(tags_s, 1)),
            devices=(DeviceInfo(name="Empatica Embrace Plus", driver=self.name),),
            notices=(
                *notices,
                *unneeded(unit, "Embrace files have fixed units"),
            ),
        )


def _is_ours(source: Source, name: str) -> bool:
    head = source.head(name, _HEAD)
    return head.startswith(b"Obj\x01") and b'"rawData"' in head and b'"timestampStart"' in head


def _file(source: Source, name: str) -> _File:
    """What a file holds. Raises InputError if its layout is another, or its numbers are no sensor's."""
    where = source.where(name)
    records = avro_records(source.files[name], where)
    if len(records) != 1:
        raise InputError(f"{where}: holds {len(records)} records, not one")
    raw = _part(records[0], "rawData")
    blocks = {sensor: block for sensor in (*_SENSORS, _ACC) if (block := _block(raw, sensor, where))}
    tags = _numbers(_part(raw, "tags").get("tagsTimeMicros"), where)
    peaks = _numbers(_part(raw, "systolicPeaks").get("peaksTimeNanos"), where)
    zone_s, device = records[0].get("timezone"), records[0].get("deviceSn")
    return _File(
        blocks=blocks,
        tags_s=tuple((tags / 1e6).tolist()),
        peaks_s=tuple((peaks / 1e9).tolist()),
        device=device if isinstance(device, str) else None,
        zone_s=zone_s if isinstance(zone_s, int) and abs(zone_s) < _ZONES_S else 0,
    )


def _part(record: Any, name: str) -> Mapping[str, Any]:
    part = record.get(name) if isinstance(record, Mapping) else None
    return part if isinstance(part, Mapping) else {}


def _numbers(values: Any, where: str) -> Floats:
    """The numbers of a list; none where there is no list. Raises InputError for anything else in it."""
    if not isinstance(values, list):
        return np.empty(0)
    try:
        return np.array(values, dtype=np.float64).reshape(len(values))
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{where}: holds something else than numbers where samples should be") from error


def _block(raw: Mapping[str, Any], sensor: str, where: str) -> _Block | None:
    """A sensor's samples; None if it was off."""
    part = _part(raw, sensor)
    columns = [_numbers(part.get(each), where) for each in (_AXES if sensor == _ACC else ("values",))]
    if not len(columns[0]):
        return None
    if len({len(column) for column in columns}) > 1:
        raise InputError(f"{where}: the axes of {sensor} differ in length")
    start_us, rate_hz = part.get("timestampStart"), part.get("samplingFrequency")
    if not isinstance(start_us, int) or not UNIX_S[0] < start_us / 1e6 < UNIX_S[1]:
        raise InputError(f"{where}: {sensor} starts at {start_us!r}, which is no time in µs since 1970")
    if not isinstance(rate_hz, int | float) or not _RATES_HZ[0] <= rate_hz <= _RATES_HZ[1]:
        raise InputError(f"{where}: {sensor} has samples and a rate of {rate_hz!r} Hz")
    rows = np.column_stack(columns) * (_mg_per_count(part, where) if sensor == _ACC else 1.0)
    rows[~(np.abs(rows) <= LARGEST)] = np.nan
    return _Block(start_us / 1e6, float(rate_hz), rows)


def _mg_per_count(part: Mapping[str, Any], where: str) -> float:
    """What a count of the accelerometer stands for: its range in g over its range in counts."""
    imu = _part(part, "imuParams")
    try:
        physical = float(imu["physicalMax"]) - float(imu["physicalMin"])
        mg = 1000 * physical / (float(imu["digitalMax"]) - float(imu["digitalMin"]))
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise InputError(f"{where}: does not say what a count of its accelerometer stands for") from error
    if not 0 < mg < 1000:
        raise InputError(f"{where}: a count of its accelerometer is said to be {mg:g} mg")
    return mg


def _extent(source: Source, files: Sequence[_File]) -> tuple[float, float]:
    """When the recording starts and ends, in s since 1970."""
    blocks = [block for file in files for block in file.blocks.values()]
    peaks_s = [peak_s for file in files for peak_s in file.peaks_s if UNIX_S[0] < peak_s < UNIX_S[1]]
    if not peaks_s and not any(file.blocks.keys() & {"bvp", "eda"} for file in files):
        raise InputError(f"{source.path}: holds no samples of skin conductance or pulse")
    starts_s = [block.start_s for block in blocks] + peaks_s
    ends_s = [block.start_s + len(block.rows) / block.rate_hz for block in blocks] + peaks_s
    start_s, end_s = min(starts_s), max(ends_s)
    if end_s - start_s > _LONGEST_S:
        raise InputError(
            f"{source.path}: the files span more than a week; keep each day in a folder of its own"
        )
    return start_s, end_s


def _streams(source: Source, files: Sequence[_File], start_s: float) -> tuple[dict[str, Stream], list[str]]:
    """A stream for each sensor, over all files, and what should be said of them."""
    streams, notices = {}, []
    names = {**_SENSORS, _ACC: ("acc", "")}
    for sensor, (stream, column) in names.items():
        blocks = sorted(
            (file.blocks[sensor] for file in files if sensor in file.blocks), key=lambda each: each.start_s
        )
        if not blocks:
            continue
        columns = tuple(f"acc_{axis}_mg" for axis in _AXES) if sensor == _ACC else (column,)
        joined, overlap = _joined(source, sensor, stream, columns, blocks, start_s)
        streams[stream] = joined
        if overlap:
            notices.append(f"{overlap} samples of {stream} lie in two files and are taken from the earlier")
    return streams, notices


def _joined(
    source: Source, sensor: str, stream: str, columns: Sequence[str], blocks: Sequence[_Block], start_s: float
) -> tuple[Stream, int]:
    """The blocks one after the other, and how many samples lay before the end of those before them."""
    rate_hz = float(np.median([block.rate_hz for block in blocks]))
    if any(abs(block.rate_hz / rate_hz - 1) > _RATE_SPREAD for block in blocks):
        raise InputError(
            f"{source.path}: {sensor} has several sampling rates; keep each in a folder of its own"
        )
    time_s = np.concatenate(
        [block.start_s - start_s + np.arange(len(block.rows)) / block.rate_hz for block in blocks]
    )
    rows = np.concatenate([block.rows for block in blocks])
    kept = rising_rows(time_s)
    time_s, rows = time_s[kept], rows[kept]
    values = {name: rows[:, column] for column, name in enumerate(columns)}
    return Stream(stream, time_s, values, rate_hz, gaps=sample_gaps(time_s, rate_hz)), int(np.sum(~kept))


def _own_beats(files: Sequence[_File], start_s: float, end_s: float) -> Stream | None:
    """Intervals between the pulses that the wristband found; what is longer than 2 s is a gap."""
    peaks_s = np.unique([peak_s for file in files for peak_s in file.peaks_s]) - start_s
    peaks_s = peaks_s[(peaks_s >= 0) & (peaks_s <= end_s - start_s)]
    pp_ms = np.diff(peaks_s) * 1000
    adjacent = pp_ms <= _LONGEST_INTERVAL_MS
    if not adjacent.any():
        return None
    ends_s, pp_ms = peaks_s[1:][adjacent], pp_ms[adjacent]
    columns = {"pp_ms": pp_ms, "quality": np.full(len(pp_ms), np.nan)}
    return Stream("pp", ends_s, columns, gaps=interval_gaps(ends_s, pp_ms, 0.0, end_s - start_s))
