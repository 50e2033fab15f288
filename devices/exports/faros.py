"""Bittium Faros: its EDF, and the folder of CSV files that devicely makes of one.

The folder has meta.json (start_time, sample_freqs, units), ECG.csv, ACC.csv with columns X, Y, Z, Marker.csv
(1 where the button was pressed) and HRV.csv, the recorder's own intervals five times a second. Those are not
read: they have a fifth of a second for a clock, and the electrocardiogram they come from is there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np

from devices.exports.channels import Channel, read_channels
from devices.exports.edf import is_edf, read_edf
from devices.exports.edf_file import FIXED_BYTES, EdfFile
from devices.exports.reader import Source, unneeded
from devices.exports.rows import header_cells, read_rows
from devices.exports.samples import ChannelSamples
from pipeline.errors import InputError
from pipeline.model import DeviceInfo, Floats, Marker, Recording

_META = "meta.json"
_COLUMNS = {"ECG": ("ECG",), "ACC": ("X", "Y", "Z")}
_PRESSES, _INTERVALS = "Marker", "HRV"
_OF_A_FAROS = (b"faros", b"bittium", b"emotion")
_OWN_INTERVALS = "the recorder's own intervals (HRV) are left out: beats are found in its electrocardiogram"
_DEVICE = DeviceInfo(name="Bittium Faros", driver="faros")


class FarosEdf:
    """Reads the EDF of a Faros: as any EDF, with the button's presses as markers."""

    name = "faros-edf"
    label = "Bittium Faros (EDF)"
    proven = False

    def recognises(self, source: Source) -> bool:
        """Whether this is an EDF whose header names a Faros."""
        if not is_edf(source):
            return False
        head = source.head(str(source.only), FIXED_BYTES).lower()
        return any(name in head for name in _OF_A_FAROS)

    def read(self, source: Source, unit: str | None) -> Recording:
        """The recording. Raises InputError if the file is damaged or none of its channels is usable."""
        recording = read_edf(source, self.name, unit, (_PRESSES, _INTERVALS), _edf_presses)
        return replace(recording, devices=(_DEVICE,), notices=(*recording.notices, _OWN_INTERVALS))


def _edf_presses(file: EdfFile) -> Iterator[Marker]:
    for index, signal in enumerate(file.signals):
        if signal.label == _PRESSES:
            yield from _presses(file.time_s(index), file.digital(index))


def _presses(time_s: Floats, pressed: Floats) -> Iterator[Marker]:
    """A marker where the button goes down."""
    down = np.flatnonzero(np.diff(pressed != 0, prepend=False) & (pressed != 0))
    for number, at_s in enumerate(time_s[down].tolist(), 1):
        yield Marker(at_s, "tag", f"tag {number}")


@dataclass(frozen=True)
class _Meta:
    started_at: datetime | None
    rates_hz: Mapping[str, float]
    units: Mapping[str, str]


class FarosFolder:
    """Reads a folder of a Faros's signals as CSV."""

    name = "faros-csv"
    label = "Bittium Faros (folder of CSV)"
    proven = True

    def recognises(self, source: Source) -> bool:
        """Whether there is a meta.json that tells the rates of an ECG.csv or ACC.csv."""
        if not any(f"{name}.csv" in source.files for name in _COLUMNS):
            return False
        head = source.head(_META)
        return b'"sample_freqs"' in head and b'"start_time"' in head

    def read(self, source: Source, unit: str | None) -> Recording:
        """The recording. Raises InputError that names the file and line of what can't be read."""
        meta = _meta(source)
        columns = [
            (name, column)
            for name, of_file in _COLUMNS.items()
            if f"{name}.csv" in source.files
            for column in of_file
        ]
        channels = [
            Channel(
                name if column == name else f"{name} {column}",
                meta.units.get(name, ""),
                _rate_hz(source, meta, name),
            )
            for name, column in columns
        ]

        def load(index: int) -> ChannelSamples:
            name, column = columns[index]
            values = _column(source, f"{name}.csv", _COLUMNS[name], column)
            return ChannelSamples(np.arange(len(values)) / channels[index].rate_hz, values)

        found = read_channels(str(source.path), channels, load)
        duration_s = max(
            stream.time_s[-1] + 1 / stream.rate_hz for stream in found.streams.values() if stream.rate_hz
        )
        return Recording(
            recording_id=source.title,
            source=self.name,
            sha256=source.sha256,
            duration_s=float(duration_s),
            streams=found.streams,
            started_at=meta.started_at,
            markers=tuple(_folder_presses(source, meta)),
            devices=(_DEVICE,),
            units=found.units,
            notices=(
                *found.notices,
                *((_OWN_INTERVALS,) if f"{_INTERVALS}.csv" in source.files else ()),
                *unneeded(unit, f"{_META} names the units"),
            ),
        )


def _folder_presses(source: Source, meta: _Meta) -> Iterator[Marker]:
    name = f"{_PRESSES}.csv"
    if name in source.files:
        pressed = _column(source, name, (_PRESSES,), _PRESSES)
        yield from _presses(np.arange(len(pressed)) / _rate_hz(source, meta, _PRESSES), pressed)


def _meta(source: Source) -> _Meta:
    where = source.where(_META)
    try:
        told: Any = json.loads(source.files[_META])
        rates_hz = {str(name): float(rate) for name, rate in told["sample_freqs"].items()}
        units = {str(name): str(unit) for name, unit in told.get("units", {}).items()}
        started_at = _started_at(str(told["start_time"]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{where}: is damaged, or not of a Faros ({error})") from error
    return _Meta(started_at, rates_hz, units)


def _started_at(text: str) -> datetime | None:
    """The start by the recorder's clock, which names no zone."""
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError, OSError):
        return None


def _rate_hz(source: Source, meta: _Meta, name: str) -> float:
    rate_hz = meta.rates_hz.get(name, 0.0)
    if not 0 < rate_hz <= 10_000:
        raise InputError(f"{source.where(_META)}: {rate_hz:g} Hz is no sampling rate of {name}")
    return rate_hz


def _column(source: Source, name: str, columns: tuple[str, ...], column: str) -> Floats:
    """One column of a CSV under the header that it has to have."""
    if header_cells(source, name, ",") != tuple(each.lower() for each in columns):
        raise InputError(f"{source.where(name, 1)}: needs the header {','.join(columns)}")
    return read_rows(source, name, b",", len(columns), header=1).floats(columns.index(column))
