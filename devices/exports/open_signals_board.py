"""The boards that OpenSignals records from, and what their counts mean.

| sensor | board | value | source |
|---|---|---|---|
| skin conductance | BITalino (r)evolution | µS = ADC / 2^n * 3.3 / 0.132 | PLUX, EDA user manual v1.0 |
| skin conductance | biosignalsplux | µS = ADC / 2^n * 3 / 0.12 | PLUX, unit conversion notebooks |
| electrocardiogram | BITalino | mV = (ADC / 2^n - 0.5) * 3.3 / 1100 * 1000 | from memory, to be checked |

Of others the counts are read where an amplitude needs no unit. The first BITalino's skin sensor is not read:
whether it followed the same rule is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from devices.exports.channels import FASTEST_HZ, Channel
from devices.exports.timeline import sample_gaps
from pipeline.errors import InputError
from pipeline.model import DeviceInfo, Floats, Gap

_PLUX = frozenset({"biosignalsplux", "channeller"})
_BITALINO_REV = frozenset({"bitalino_rev", "bitalino_r", "bitalino_ble"})
_BITALINO = _BITALINO_REV | {"bitalino"}
_NAMES = {  # the sensor's code, less the board's, to what it measures
    "ECG": "ECG",
    "EKG": "ECG",
    "EDA": "EDA",
    "BVP": "PPG",
    "PPG": "PPG",
    "RESP": "RESP",
    "RIP": "RESP",
    "PZT": "RESP",
}
_BOARDS_ENDING = re.compile(r"BIT(REV)?$")
_BITS = (6, 24)
_DATE, _TIME = (
    re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})"),
    re.compile(r"(\d{1,2}):(\d{1,2}):(\d{1,2})(\.\d+)?"),
)
_SEQUENCES_BITALINO = 16


@dataclass(frozen=True, slots=True)
class Input:
    """One input of a board, the sensor plugged in there, and how many bits its counts have."""

    label: str
    sensor: str
    bits: int


@dataclass(frozen=True, slots=True)
class Board:
    """A board as its recording describes it; `started_at` is local time, as it is written."""

    name: str
    kind: str
    rate_hz: float
    inputs: tuple[Input, ...]
    started_at: datetime | None

    @property
    def device(self) -> DeviceInfo:
        """The board for a recording; its address stays out, as a serial number would."""
        model = {"channeller": "biosignalsplux"}.get(self.kind, self.kind)
        return DeviceInfo(name=model or "OpenSignals board", driver="opensignals", model=model or None)

    def channel(self, which: Input) -> Channel:
        """An input as a channel, in the unit that `converted` gives."""
        code = which.sensor.upper()
        measures = _NAMES.get(_BOARDS_ENDING.sub("", code), code)
        if measures == "EDA":
            unit = "uS" if self._scale_us(which) else "counts"
        else:
            unit = "mV" if measures == "ECG" and self.kind in _BITALINO else ""
        return Channel(measures or which.label, unit, self.rate_hz)

    def converted(self, which: Input, counts: Floats) -> Floats:
        """Counts in the unit of the input's channel, or as they are."""
        share, unit = counts / 2**which.bits, self.channel(which).unit
        if unit == "uS":
            conductance_us: Floats = share * (self._scale_us(which) or np.nan)
            return conductance_us
        if unit == "mV":
            voltage_mv: Floats = (share - 0.5) * (3.3 / 1100 * 1000)
            return voltage_mv
        return counts

    def _scale_us(self, which: Input) -> float | None:
        """Conductance at the full count, in µS; None where the board's rule is not known."""
        if self.kind in _PLUX and which.sensor.upper() == "EDA":
            return 3 / 0.12
        rev = self.kind in _BITALINO_REV and which.sensor.upper() in ("EDA", "EDABITREV")
        return 3.3 / 0.132 if rev else None

    @property
    def sequences(self) -> int | None:
        """How far the frames' numbers count before they begin anew; None where that is not known."""
        return _SEQUENCES_BITALINO if self.kind in _BITALINO else None


def board(
    where: str, name: str, told: Mapping[str, Any], labels: Sequence[str], sensors: Sequence[str]
) -> Board:
    """The board that a header describes; `labels` and `sensors` one for each input.

    Raises InputError where the rate or the resolution is none.
    """
    rate_hz, bits = _number(told.get("sampling rate")), _list(told.get("resolution"))
    if not 0 < rate_hz <= FASTEST_HZ:
        raise InputError(f"{where}: {str(told.get('sampling rate'))[:40]} is not a sampling rate in Hz")
    resolutions = [
        _number(each) for each in bits[len(bits) - len(labels) :]
    ]  # those of digital inputs stand first
    if len(resolutions) != len(labels) or not all(
        each.is_integer() and _BITS[0] <= each <= _BITS[1] for each in resolutions
    ):
        raise InputError(
            f"{where}: {str(bits)[:40]} is not a resolution in bits for each of {len(labels)} channels"
        )
    if len(sensors) != len(labels):
        raise InputError(f"{where}: names {len(sensors)} sensors for {len(labels)} channels")
    inputs = tuple(
        Input(label, sensor, int(n)) for label, sensor, n in zip(labels, sensors, resolutions, strict=True)
    )
    kind = str(told.get("device", "")).lower()
    return Board(name, kind, rate_hz, inputs, _started_at(str(told.get("date")), str(told.get("time"))))


def numbered(
    rate_hz: float, sequence: Floats | None, period: int | None, count: int
) -> tuple[Floats, tuple[Gap, ...]]:
    """Times of `count` samples and the gaps between, from the numbers of their frames where there are any.

    A number that falls, or leaps by more than a tenth of the recording, is damage and no loss.
    """
    steps = np.ones(count)
    if sequence is not None and count > 1:
        between = np.diff(sequence)
        between = np.mod(between, period) if period else between
        steps[1:] = np.where((between > 1) & (between <= max(2.0, count / 10)), between, 1.0)
    time_s = (np.cumsum(steps) - 1) / rate_hz
    return time_s, sample_gaps(time_s, rate_hz)


def are_counts(values: Floats, bits: int) -> bool:
    """Whether the values are what a converter gives: whole numbers from 0 to its largest."""
    return bool(np.all((values >= 0) & (values < 2**bits) & (values == np.floor(values))))


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple | np.ndarray) else []


def _number(value: Any) -> float:
    """A number that a header holds; NaN for anything else."""
    return float(value) if isinstance(value, int | float | np.integer | np.floating) else float("nan")


def _started_at(date: str, time: str) -> datetime | None:
    """Local time, which is written without leading zeros; None if it is none."""
    day, clock = _DATE.fullmatch(date.strip()), _TIME.fullmatch(time.strip())
    if day is None or clock is None:
        return None
    try:
        year, month, of_month = map(int, day.groups())
        hour, minute, second = map(int, clock.groups()[:3])
        whole = datetime(year, month, of_month, hour, minute, second)
        return whole.replace(microsecond=min(999_999, round(float(clock[4] or 0) * 1e6))).astimezone()
    except (ValueError, OverflowError, OSError):
        return None
