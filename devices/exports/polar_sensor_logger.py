"""Polar Sensor Logger: text files with semicolons, one for each signal of a Polar sensor.

A file is known by its header. Samples of the electrocardiogram, acceleration and pulse wave carry the
sensor's own time in ns, beats none: they are timed by what they add up to. The phone's time says when a row
came over the air; it only lays the files of one recording beside each other. Files in one folder are one
recording. Layout after public parsers of such files; no real one was at hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from devices.exports.intervals import LONGEST_MS, arrived, check_lengths, loss_notices
from devices.exports.reader import Source, unneeded
from devices.exports.rows import CUT_OFF, STAMP, Rows, header_cells, local_start, read_rows
from devices.exports.stamped import sampled
from pipeline.errors import InputError
from pipeline.model import DeviceInfo, Floats, Recording, Stream
from pipeline.timing import rising

_PHONE = ("phone timestamp", "phone data rx timestamp")
_SENSOR = "sensor timestamp [ns]"
_BLOCKER = "blocker"
_MODEL = re.compile(r"polar[ _-]?(h10|h9|oh1|verity[ _-]?sense|sense)", re.IGNORECASE)
_MODELS = {"h10": "Polar H10", "h9": "Polar H9", "oh1": "Polar OH1"}
_CHEST = frozenset({"Polar H10", "Polar H9"})
_DAY_S = 86_400.0
_SAME_SESSION_S = 600.0
_OFFSET_S = 60.0  # of the beginning, in which the earliest arrival ties the sensor's clock to the phone's


@dataclass(frozen=True, slots=True)
class _Layout:
    """How a file is known: the heads of its columns, with the stream's columns they become."""

    stream: str
    columns: Mapping[str, str]

    @property
    def beats(self) -> bool:
        return self.stream in ("rr", "pp")


_LAYOUTS = (
    _Layout("ecg", {"ecg [uv]": "ecg_uv"}),
    _Layout("acc", {"x [mg]": "acc_x_mg", "y [mg]": "acc_y_mg", "z [mg]": "acc_z_mg"}),
    _Layout("pp", {"pp-interval [ms]": "pp_ms", "error estimate [ms]": "pp_error_ms"}),
    _Layout("rr", {"rr-interval [ms]": "rr_ms"}),
    _Layout("heart_rate", {"hr [bpm]": "heart_rate_bpm"}),
)


@dataclass(frozen=True, slots=True)
class _Track:
    """One file's content; `time_s` is the phone's: of samples, or of the arrival of beats and rates."""

    layout: _Layout
    rows: Rows
    time_s: Floats
    columns: Mapping[str, Floats]
    notices: tuple[str, ...] = ()

    @property
    def start_s(self) -> float:
        first_ms = next(iter(self.columns.values()))[0] if self.layout.beats else 0.0
        return float(self.time_s[0]) - (first_ms / 1000 if 0 < first_ms <= LONGEST_MS else 0.0)

    @property
    def end_s(self) -> float:
        return float(np.max(self.time_s))


class PolarSensorLogger:
    """Reads the files of Polar Sensor Logger: ECG, ACC, HR, RR and PPI."""

    name = "polar-sensor-logger"
    label = "Polar Sensor Logger (file or folder)"
    proven = False

    def recognises(self, source: Source) -> bool:
        """Whether there are files with such headers, no two of one kind: else it is several recordings."""
        streams = [layout.stream for layout in _layouts(source).values()]
        return bool(streams) and len(streams) == len(set(streams))

    def read(self, source: Source, unit: str | None) -> Recording:
        """The recording. Raises InputError that names the file and the line."""
        layouts = _layouts(source)
        tracks = _beside(source, [_track(source, name, layout) for name, layout in layouts.items()])
        start_s = min(track.start_s for track in tracks)
        duration_s = max(track.end_s for track in tracks) - start_s
        streams: dict[str, Stream] = {}
        notices: list[str] = []
        for track in tracks:
            stream, words = _stream(track, start_s, duration_s)
            streams[stream.name] = stream
            notices.extend((*track.notices, *words))
        stamp = tracks[0].rows.first(1).cells(0)[0]
        model = next(filter(None, map(_model, (source.path.name, *layouts))), "Polar sensor")
        return Recording(
            recording_id=source.title,
            source=self.name,
            sha256=source.sha256,
            duration_s=max([duration_s, *(float(stream.time_s[-1]) for stream in streams.values())]),
            streams=streams,
            started_at=local_start(stamp, start_s),
            devices=(DeviceInfo(name=model, driver=self.name),),
            conditions={"acc_site": "chest"} if model in _CHEST and "acc" in streams else {},
            notices=(
                *notices,
                *(f"{name} is not read" for name in sorted(source.files) if name not in layouts),
                *unneeded(unit, "the headers name the units"),
            ),
        )


def _layouts(source: Source) -> dict[str, _Layout]:
    """Which files can be read, and as what; in the order of the layouts."""
    heads = {name: header_cells(source, name, ";") for name in sorted(source.files)}
    found = {name: _layout(cells) for name, cells in heads.items() if cells and cells[0] in _PHONE}
    return {name: layout for each in _LAYOUTS for name, layout in found.items() if layout is each}


def _layout(cells: Sequence[str]) -> _Layout | None:
    return next((layout for layout in _LAYOUTS if set(layout.columns) <= set(cells)), None)


def _model(name: str) -> str | None:
    if (found := _MODEL.search(name)) is None:
        return None
    return _MODELS.get(found[1].lower(), "Polar Verity Sense")


def _track(source: Source, name: str, layout: _Layout) -> _Track:
    cells = header_cells(source, name, ";")
    wanted = [cells.index(head) for head in layout.columns]
    sensor = cells.index(_SENSOR) if _SENSOR in cells else None
    if not layout.beats and layout.stream != "heart_rate" and sensor is None:
        raise InputError(f"{source.where(name, 1)}: there is no column {_SENSOR!r} to time the samples by")
    rows = read_rows(source, name, b";", max(*wanted, sensor or 0) + 1, header=1)
    columns = {
        column: rows.floats(at, missing=True)
        for column, at in zip(layout.columns.values(), wanted, strict=True)
    }
    notices = [CUT_OFF.replace("the last line", f"the last line of {name}")] if rows.cut else []
    if layout.beats:
        check_lengths(rows.where, next(iter(columns.values())))
    if _BLOCKER in cells and layout.stream == "pp":
        notices.extend(_movement(rows.floats(cells.index(_BLOCKER), missing=True)))
    time_s = rows.stamps_s(0) if layout.beats or sensor is None else _sample_times(rows, sensor)
    return _Track(layout, rows, time_s, columns, tuple(notices))


def _sample_times(rows: Rows, column: int) -> Floats:
    """The sensor's times, on the phone's clock by the earliest of the first arrivals."""
    stamps_ns = rows.floats(column, most=STAMP)
    sensor_s = (stamps_ns - stamps_ns[0]) / 1e9
    early = rows.first(max(1, int(np.argmax(sensor_s > _OFFSET_S)) or len(sensor_s)))
    phone_s = early.stamps_s(0)
    offset_s = float(np.min(phone_s - sensor_s[: len(early)]))
    return np.asarray(sensor_s + offset_s, dtype=np.float64)


def _movement(blocker: Floats) -> Iterator[str]:
    if moved := int(np.sum(blocker > 0)):
        yield f"the sensor told of movement at {moved} of {len(blocker)} pulse intervals; they are kept"


def _beside(source: Source, tracks: list[_Track]) -> list[_Track]:
    """The tracks on one clock, where some began before a midnight that no date tells of.

    Raises InputError if they do not overlap.
    """
    latest_s = max(float(track.time_s[0]) for track in tracks)
    if latest_s < _DAY_S:
        tracks = [
            replace(track, time_s=track.time_s + _DAY_S) if track.time_s[0] < latest_s - _DAY_S / 2 else track
            for track in tracks
        ]
    tracks_by_start = sorted(tracks, key=lambda track: track.start_s)
    end_s = tracks_by_start[0].end_s
    for track in tracks_by_start[1:]:
        if track.start_s > end_s + _SAME_SESSION_S:
            raise InputError(
                f"{source.path}: the files are of different sessions; put each session in a folder of its own"
            )
        end_s = max(end_s, track.end_s)
    return tracks


def _stream(track: _Track, start_s: float, duration_s: float) -> tuple[Stream, tuple[str, ...]]:
    """A track's stream, and sentences on what is odd about it."""
    name, time_s = track.layout.stream, track.time_s - start_s
    if track.layout.beats:
        stream = arrived(name, track.columns, time_s, duration_s)
        return stream, tuple(loss_notices(stream))
    if name != "heart_rate":
        return sampled(name, track.rows, time_s, track.columns)
    rate_bpm = track.columns["heart_rate_bpm"]
    measured = np.where(rate_bpm > 0, rate_bpm, np.nan)  # 0: the sensor has no contact
    return Stream(name, rising(time_s), {"heart_rate_bpm": measured}), ()
