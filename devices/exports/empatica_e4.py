"""Empatica E4: a folder, or a zip, of CSV files, one for each sensor.

Row 1 of a file is when it starts (seconds since 1970, UTC; ISO 8601 in a curated variant), row 2 its
rate in Hz, then one sample a row. IBI.csv has rows "offset_s,interval_s" instead, the offset being the
*end* of the interval. The files' starts and lengths differ by seconds. Units: EDA in µS, BVP arbitrary,
TEMP in °C, ACC in 1/64 g.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from devices.exports.limits import UNIX_S
from devices.exports.number_rows import number_rows
from devices.exports.reader import Source, unneeded
from devices.exports.rows import number_of, shown
from devices.exports.timeline import left_out_notice, rising_rows
from pipeline.errors import InputError
from pipeline.heart.ppg import interval_gaps, pulse_intervals
from pipeline.heart.pulse_rate import pulse_rate
from pipeline.model import DeviceInfo, Floats, Marker, Recording, Stream

_MG = 1000 / 64  # one count of the accelerometer
_BEATS = "IBI.csv"
_TAGS = re.compile(r"tags.*\.csv")
_LINE, _TWO_LINES = (re.compile(lines * rb"([^\r\n]*)(?:\r\n?|\n)") for lines in (1, 2))
_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class _Sensor:
    """A stream as its file has it; `scale` takes a count to the unit in the columns' names."""

    stream: str
    file: str
    columns: tuple[str, ...]
    scale: float = 1.0


_SENSORS = (
    _Sensor("ppg", "BVP.csv", ("ppg_au",)),
    _Sensor("eda", "EDA.csv", ("eda_us",)),
    _Sensor("skin_temperature", "TEMP.csv", ("skin_temperature_c",)),
    _Sensor("acc", "ACC.csv", ("acc_x_mg", "acc_y_mg", "acc_z_mg"), _MG),
)
_FILES = (*(sensor.file for sensor in _SENSORS), _BEATS)


@dataclass(frozen=True, slots=True)
class _Track:
    """One file's content: `start_s` since 1970, `rate_hz` None for IBI.csv, one row a sample.

    `left_out` counts the rows of the file that are not among `rows`.
    """

    start_s: float
    rate_hz: float | None
    rows: Floats
    left_out: int = 0

    @property
    def end_s(self) -> float:
        if self.rate_hz is None:
            return self.start_s + float(self.rows[-1, 0])
        return self.start_s + len(self.rows) / self.rate_hz


class EmpaticaE4:
    """Reads E4 exports. Beats come from BVP.csv; IBI.csv, full of holes, is read only if that holds none."""

    name = "empatica-e4"
    label = "Empatica E4 (folder or zip)"
    proven = True

    def recognises(self, source: Source) -> bool:
        """Whether one of the E4's files begins with a time stamp."""
        return any(_stamp_s(_first_cell(source.head(name))) for name in _FILES if name in source.files)

    def read(self, source: Source, unit: str | None) -> Recording:
        """The recording. Raises InputError that names the file and line of what can't be read."""
        tracks = {sensor.file: track for sensor in _SENSORS if (track := _track(source, sensor.file))}
        streams = _streams(tracks)
        if not _beat_count(streams) and (intervals := _track(source, _BEATS)):
            tracks[_BEATS] = intervals
            streams = _streams(tracks)
        _check(source, tracks)
        start_s, duration_s = _extent(tracks)
        tags = _tags(source, start_s)
        markers = tuple(tag for tag in tags if 0 <= tag.time_s <= duration_s)
        return Recording(
            recording_id=source.title,
            source=self.name,
            sha256=source.sha256,
            duration_s=duration_s,
            streams=streams,
            started_at=datetime.fromtimestamp(start_s, UTC),
            markers=markers,
            devices=(DeviceInfo(name="Empatica E4", driver=self.name),),
            notices=(
                *_beat_notices(source, tracks, streams),
                *(f"{name} holds no samples" for name in _empty(source, tracks, streams)),
                *_tag_notice(len(tags), len(tags) - len(markers)),
                *unneeded(unit, "E4 files have fixed units"),
            ),
        )


def _streams(tracks: Mapping[str, _Track]) -> dict[str, Stream]:
    """A stream for each sensor, and the beats: those of IBI.csv if it is among the tracks, else BVP's."""
    if not tracks:
        return {}
    start_s, duration_s = _extent(tracks)
    present = (sensor for sensor in _SENSORS if sensor.file in tracks)
    streams = {sensor.stream: _stream(sensor, tracks[sensor.file], start_s) for sensor in present}
    if _BEATS in tracks:
        streams["pp"] = _intervals(tracks[_BEATS], start_s, duration_s)
    elif "ppg" in streams:
        streams["ppg_rate"] = pulse_rate(streams["ppg"], streams.get("acc"))
        streams["pp"] = pulse_intervals(streams["ppg"], streams["ppg_rate"], inverted=False)
    return streams


def _extent(tracks: Mapping[str, _Track]) -> tuple[float, float]:
    """When the first file starts, in seconds since 1970, and how long it is from there to the last end."""
    start_s = min(track.start_s for track in tracks.values())
    return start_s, max(track.end_s for track in tracks.values()) - start_s


def _beat_count(streams: Mapping[str, Stream]) -> int:
    return len(streams.get("pp", ()))


def _check(source: Source, tracks: Mapping[str, _Track]) -> None:
    """Raise InputError if the files make no recording, or not one."""
    if not tracks.keys() & {"BVP.csv", "EDA.csv", _BEATS}:
        raise InputError(f"{source.path}: an E4 recording needs samples in BVP.csv, EDA.csv or IBI.csv")
    starts_s = [track.start_s for track in tracks.values()]
    if max(starts_s) - min(starts_s) > _DAY_S:
        raise InputError(f"{source.path}: the files are of different sessions, more than a day apart")


def _first_cell(content: bytes) -> bytes:
    return content[:100].removeprefix(b"\xef\xbb\xbf").partition(b"\n")[0].partition(b",")[0].strip()


def _stamp_s(cell: bytes) -> float | None:
    """Seconds since 1970 (UTC) of a time stamp in either spelling; None if it is none."""
    try:
        stamp_s = float(cell)
    except ValueError:
        try:
            when = datetime.fromisoformat(cell.decode())
        except ValueError:
            return None
        stamp_s = when.replace(tzinfo=when.tzinfo or UTC).timestamp()
    return stamp_s if UNIX_S[0] < stamp_s < UNIX_S[1] else None


def _track(source: Source, name: str) -> _Track | None:
    """A file's content; None if it is absent or has no samples, which is common for a short session."""
    content = source.files.get(name, b"").rstrip()
    header = (_LINE if name == _BEATS else _TWO_LINES).match(content)
    if header is None:
        return None
    rows = content[header.end() :]
    start_s = _stamp_s(_first_cell(header[1]))
    if start_s is None:
        raise InputError(f"{source.where(name, 1)}: {shown(header[1])} is not a start time")
    if name == _BEATS:
        return _rising(start_s, number_rows(source, name, rows, 1, 2))
    columns = 3 if name == "ACC.csv" else 1
    return _Track(start_s, _rate_hz(source, name, header[2]), number_rows(source, name, rows, 2, columns))


def _rate_hz(source: Source, name: str, line: bytes) -> float:
    rate_hz = number_of(line.partition(b",")[0])
    if rate_hz is None or not 0 < rate_hz <= 1000:
        raise InputError(f"{source.where(name, 2)}: {shown(line)} is not a sampling rate in Hz")
    return rate_hz


def _rising(start_s: float, rows: Floats) -> _Track | None:
    """IBI.csv without the rows whose offset is not above 0 and all before it; None if no row is left."""
    offsets_s = rows[:, 0]
    kept = rows[rising_rows(offsets_s, above=0.0)]
    return _Track(start_s, None, kept, len(rows) - len(kept)) if len(kept) else None


def _stream(sensor: _Sensor, track: _Track, start_s: float) -> Stream:
    assert track.rate_hz is not None
    time_s = track.start_s - start_s + np.arange(len(track.rows)) / track.rate_hz
    rows = track.rows * sensor.scale
    first = 1 if sensor.stream == "eda" and rows[0, 0] == 0 else 0  # the E4 writes a zero before it measures
    columns = {name: rows[first:, column] for column, name in enumerate(sensor.columns)}
    return Stream(sensor.stream, time_s[first:], columns, track.rate_hz)


def _intervals(beats: _Track, start_s: float, duration_s: float) -> Stream:
    """The intervals as they stand in IBI.csv; one that is not positive covers no time."""
    ends_s, pp_ms = beats.start_s - start_s + beats.rows[:, 0], beats.rows[:, 1] * 1000
    columns = {"pp_ms": pp_ms, "quality": np.full(len(pp_ms), np.nan)}
    covered_ms = np.where(pp_ms > 0, pp_ms, 0.0)
    return Stream("pp", ends_s, columns, gaps=interval_gaps(ends_s, covered_ms, 0.0, duration_s))


def _tags(source: Source, start_s: float) -> tuple[Marker, ...]:
    """A marker for each press of the button, numbered in order of time."""
    times_s = sorted(stamp_s - start_s for stamp_s in _presses_s(source))
    return tuple(Marker(time_s, "tag", f"tag {number}") for number, time_s in enumerate(times_s, 1))


def _presses_s(source: Source) -> Iterator[float]:
    for name in filter(_TAGS.fullmatch, sorted(source.files)):
        for number, line in enumerate(source.files[name].splitlines(), 1):
            if not line.strip():
                continue
            stamp_s = _stamp_s(_first_cell(line))
            if stamp_s is None:
                raise InputError(f"{source.where(name, number)}: {shown(line)} is not a time")
            yield stamp_s


def _beat_notices(
    source: Source, tracks: Mapping[str, _Track], streams: Mapping[str, Stream]
) -> Iterator[str]:
    if _BEATS in tracks:
        why = "BVP.csv holds no usable pulse" if "BVP.csv" in source.files else "there is no BVP.csv"
        yield f"beats are pulse intervals from {_BEATS}, as {why}"
        beats = tracks[_BEATS]
        yield from left_out_notice(beats.left_out, len(beats.rows) + beats.left_out, f"rows in {_BEATS}")
    elif _beat_count(streams):
        yield "beats are pulse intervals from BVP.csv"
    elif "ppg" in streams:
        yield "there are no beats, as BVP.csv holds no usable pulse"


def _empty(source: Source, tracks: Mapping[str, _Track], streams: Mapping[str, Stream]) -> Iterator[str]:
    """The files that were looked into for nothing."""
    for name in _FILES:
        looked_into = name != _BEATS or not _beat_count(streams)
        if name in source.files and name not in tracks and looked_into:
            yield name


def _tag_notice(tags: int, outside: int) -> Iterator[str]:
    if outside:
        lie = "lies" if outside == 1 else "lie"
        yield f"{outside} of {tags} tags {lie} outside the recording; no marker is made of what lies there"
