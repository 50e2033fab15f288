"""Shimmer3 recordings as Consensys writes them: `sep=`, names, units, then one row a sample.

A column is named Shimmer_<id>_<signal>_CAL. Stamps are in ms since 1970, unevenly spaced (2-47 ms at
51.2 Hz) and sometimes the same: samples are put on a line. Only calibrated columns have a unit; raw and
uncalibrated ones are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from devices.exports.channels import Channel, read_channels
from devices.exports.evenly import Evenly, evenly
from devices.exports.reader import Source, unneeded
from devices.exports.rows import CUT_OFF, Rows, read_rows
from devices.exports.samples import ChannelSamples
from pipeline.errors import InputError
from pipeline.model import DeviceInfo, Floats, Recording

_SEPARATOR = re.compile(rb'"?sep=(.)"?')
_COLUMN = re.compile(r"Shimmer_([^_]+)_(.+)_(CAL|RAW|UNCAL)")
_FIRST_COLUMN = re.compile(rb'"?Shimmer_[^_]+_[^;,\t]+_(CAL|RAW|UNCAL)')
_BOM = b"\xef\xbb\xbf"
_LEAD_II = re.compile(r"ECG_LL-RA")
_PULSE = re.compile(r"(PPG|Int_Exp|Internal_ADC)_A1[23]")  # where a GSR+ unit has its optical sensor
_KOHMS = {"kOhms": 1000.0, "Ohms": 1e6}  # one by it is a conductance in µS
_SI = {"m/(s^2)": "m/s2", "m/s^2": "m/s2"}
_STAMPS_MS = (1e11, 1e13)  # 1973 to 2286
_FALL_MS, _LONGEST_MS = 1000.0, 86_400_000.0


@dataclass(frozen=True, slots=True)
class _Column:
    """A calibrated column: where it stands, whose sensor's it is and in what unit."""

    index: int
    signal: str
    unit: str

    def channel(self, rate_hz: float) -> Channel:
        """The column as one of a laboratory file's, under a name that says what it measures."""
        if self.unit in _KOHMS:
            return Channel(self.signal, "uS", rate_hz)
        if _PULSE.fullmatch(self.signal):
            return Channel(f"PPG at {self.signal}", self.unit, rate_hz)
        name = f"ECG II {self.signal}" if _LEAD_II.match(self.signal) else self.signal
        return Channel(name, _SI.get(self.unit, self.unit), rate_hz)


@dataclass(frozen=True, slots=True)
class _Head:
    """What stands above the samples; `uncalibrated` counts the columns that have no unit."""

    separator: bytes
    lines: int
    width: int
    stamp: int
    columns: tuple[_Column, ...]
    device: str
    uncalibrated: int


class Shimmer:
    """Reads Consensys CSV: skin conductance, pulse wave, electrocardiogram, acceleration."""

    name = "shimmer-consensys"
    label = "Shimmer (Consensys CSV)"
    proven = True

    def recognises(self, source: Source) -> bool:
        """Whether this is one file whose first or second line begins with the name of a Shimmer's column."""
        if len(source.files) != 1:
            return False
        lines = source.head(next(iter(source.files))).removeprefix(_BOM).splitlines()[:2]
        return any(_FIRST_COLUMN.match(line) for line in lines)

    def read(self, source: Source, unit: str | None) -> Recording:
        """The recording. Raises InputError that names the line at fault, or why no column can be read."""
        name = next(iter(source.files))
        head = _head(source, name)
        rows = read_rows(source, name, head.separator, head.width, head.lines)
        stamps_ms = _stamps_ms(rows, head.stamp)
        even = _even(rows, stamps_ms)

        def load(index: int) -> ChannelSamples:
            return ChannelSamples(even.time_s, _values(rows, head.columns[index]), even.gaps)

        channels = [column.channel(even.rate_hz) for column in head.columns]
        found = read_channels(source.where(name), channels, load)
        return Recording(
            recording_id=source.title,
            source=self.name,
            sha256=source.sha256,
            duration_s=float(even.time_s[-1]) + 1 / even.rate_hz,
            streams=found.streams,
            started_at=datetime.fromtimestamp(float(stamps_ms[0]) / 1000, UTC),
            devices=(DeviceInfo(name=head.device, driver=self.name),),
            units=found.units,
            notices=(
                *found.notices,
                *_notices(head, "ppg" in found.streams, even.moved_s),
                *((CUT_OFF,) if rows.cut else ()),
                *unneeded(unit, "the file names its units"),
            ),
        )


def _head(source: Source, name: str) -> _Head:
    """What the first lines say. Raises InputError where they name no calibrated column or no stamps."""
    lines = source.files[name][:65_536].removeprefix(_BOM).splitlines()[:3]
    told = _SEPARATOR.fullmatch(lines[0].strip()) if lines else None
    if not told:
        lines = lines[:2]
    separator = told[1] if told else max((b";", b",", b"\t"), key=lines[0].count)
    if len(lines) < (3 if told else 2):
        raise InputError(f"{source.where(name)}: ends before its line of units; export it again")
    names, units = (_cells(line, separator) for line in lines[-2:])
    if len(units) < len(names):
        place = source.where(name, len(lines))
        raise InputError(f"{place}: holds {len(units)} units for {len(names)} columns")
    parts = [(index, found) for index, each in enumerate(names) if (found := _COLUMN.fullmatch(each))]
    calibrated = [_Column(index, found[2], units[index]) for index, found in parts if found[3] == "CAL"]
    stamps = [column for column in calibrated if "Timestamp" in column.signal]
    columns = tuple(column for column in calibrated if column not in stamps)
    stamp = next((each.index for each in stamps if "Unix" in each.signal and each.unit == "ms"), None)
    if stamp is None or not columns:
        what = "column of time in ms since 1970" if stamp is None else "calibrated column"
        raise InputError(
            f"{source.where(name)}: has no {what}; export it from Consensys as calibrated data with Unix time"
        )
    device = f"Shimmer {parts[0][1][1]}"
    return _Head(separator, len(lines), len(names), stamp, columns, device, len(parts) - len(calibrated))


def _cells(line: bytes, separator: bytes) -> list[str]:
    """A line's cells; the separator at its end makes no cell."""
    cells = line.strip(b"\r\n").removesuffix(separator).split(separator)
    return [cell.decode("utf-8", "replace").strip(' "') for cell in cells]


def _stamps_ms(rows: Rows, stamp: int) -> Floats:
    """The samples' stamps, never falling. Raises InputError for what is no time, or falls."""
    stamps_ms = rows.floats(stamp, most=1e15)
    bad = ~((stamps_ms > _STAMPS_MS[0]) & (stamps_ms < _STAMPS_MS[1]))
    if bad.any():
        raise InputError(f"{rows.where(int(np.argmax(bad)))}: its time is not in ms since 1970")
    steps_ms = np.diff(stamps_ms, prepend=stamps_ms[:1])
    if np.any(steps_ms < -_FALL_MS):
        raise InputError(f"{rows.where(int(np.argmin(steps_ms)))}: the time goes back; split the file there")
    if np.any(steps_ms > _LONGEST_MS):
        raise InputError(f"{rows.where(int(np.argmax(steps_ms)))}: the time leaps by more than a day")
    return np.maximum.accumulate(stamps_ms)


def _even(rows: Rows, stamps_ms: Floats) -> Evenly:
    """Times from the start. Raises InputError for stamps that make no sampling rate."""
    even = evenly((stamps_ms - stamps_ms[0]) / 1000) if len(stamps_ms) > 1 else None
    if even is None:
        raise InputError(f"{rows.where(0)}: the times make no sampling rate")
    return even


def _values(rows: Rows, column: _Column) -> Floats:
    """A column's numbers, a resistance as the conductance it is."""
    values = rows.floats(column.index, missing=True)
    if column.unit not in _KOHMS:
        return values
    conductance_us = np.full(len(values), np.nan)
    np.divide(_KOHMS[column.unit], values, out=conductance_us, where=values > 0)
    return conductance_us


def _notices(head: _Head, has_pulse: bool, moved_s: float) -> Iterator[str]:
    pulse = [column.signal for column in head.columns if _PULSE.fullmatch(column.signal)]
    if has_pulse and pulse and not pulse[0].startswith("PPG"):
        yield f"{pulse[0]} is read as the pulse wave, as a GSR+ unit has its optical sensor there"
    if moved_s:
        yield f"the times are uneven, as they are the computer's; samples were moved by up to {moved_s:.3f} s"
    if head.uncalibrated:
        yield f"{head.uncalibrated} columns of raw or uncalibrated data are not read"
