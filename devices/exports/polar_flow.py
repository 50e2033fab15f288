"""Polar Flow account export: pulse intervals in `ppi_samples_*.json`.

A list of days, each with `date` and `devicePpiSamplesList`, in which a device has `ppiSamples` of
`sampleDateTime` (ISO 8601) and `pulseLength` (ms). How exact a stamp is, and which end of the pulse it means,
is not documented: beats are timed by what they add up to, and stamps only tell where some are missing.
Training sessions and the all-day heart rate hold no intervals between beats. Layout after public parsers of
such files; no real one was at hand.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from devices.exports.intervals import LONGEST_MS, arrived, loss_notices
from devices.exports.reader import Source, unneeded
from devices.exports.rows import local_start, shown, stamp_s
from pipeline.errors import InputError
from pipeline.model import DeviceInfo, Floats, Recording

_DAYS = b'"devicePpiSamplesList"'
_SUMMARIES = {
    (b'"deviceDays"',): "the all-day heart rate of Polar Flow, averages without intervals between beats",
    (
        b'"exportVersion"',
        b'"exercises"',
    ): "a training session of Polar Flow, a summary without intervals between beats",
}
_FALL_S, _HOUR_S, _MINUTE_S = 60.0, 3600.0, 60.0


@dataclass(frozen=True, slots=True)
class _Samples:
    """The pulses of one device on one day, and the day's first stamp as it stands."""

    stamps_s: Floats
    pp_ms: Floats
    first: bytes


class PolarFlow:
    """Reads `ppi_samples_*.json`: stream `pp`. Recognises the export's summaries, and refuses them."""

    name = "polar-flow"
    label = "Polar Flow export (ppi_samples_*.json)"
    proven = False

    def recognises(self, source: Source) -> bool:
        """Whether this is one JSON file of pulse intervals, or one of the summaries beside it."""
        if source.only is None:
            return False
        head = source.head(source.only)
        return head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"[", b"{") and (
            _DAYS in head or _summary(head) is not None
        )

    def read(self, source: Source, unit: str | None) -> Recording:
        """The recording. Raises InputError that says what is wrong, or what to export instead."""
        name = source.only or ""
        if _DAYS not in (head := source.head(name)):
            raise InputError(
                f"{source.path}: is {_summary(head)}; export ppi_samples_*.json instead, or record the beats "
                "with a chest strap"
            )
        parts = sorted(_days(source, name), key=lambda part: float(part.stamps_s[0]))
        if not parts:
            raise InputError(f"{source.path}: holds no pulse intervals")
        for before, after in pairwise(parts):
            if after.stamps_s[0] < before.stamps_s[-1] - _FALL_S:
                raise InputError(f"{source.path}: two devices measured at once; keep one in the file")
        pp_ms = np.concatenate([part.pp_ms for part in parts])
        before_s = float(pp_ms[0]) / 1000 if pp_ms[0] > 0 else 0.0  # it may be missing
        stamps_s = np.maximum.accumulate(np.concatenate([part.stamps_s for part in parts]))
        arrival_s = stamps_s - stamps_s[0] + before_s
        pp = arrived("pp", {"pp_ms": pp_ms}, arrival_s, float(arrival_s[-1]))
        return Recording(
            recording_id=source.title,
            source=self.name,
            sha256=source.sha256,
            duration_s=max(float(arrival_s[-1]), float(pp.time_s[-1])),
            streams={"pp": pp},
            started_at=local_start(parts[0].first, float(stamps_s[0]) - before_s),
            devices=(DeviceInfo(name="Polar watch", driver=self.name),),
            notices=(
                *loss_notices(pp),
                *unneeded(unit, "pulseLength is in ms"),
            ),
        )


def _summary(head: bytes) -> str | None:
    return next((words for keys, words in _SUMMARIES.items() if all(key in head for key in keys)), None)


def _days(source: Source, name: str) -> Iterator[_Samples]:
    try:
        days: Any = json.loads(source.files[name].removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{source.where(name)}: the JSON is damaged or cut off ({error})") from error
    for day in _list(source, days):
        for device in _list(source, _get(day, "devicePpiSamplesList")):
            samples = _list(source, _get(device, "ppiSamples"))
            if samples:
                yield _samples(source, samples)


def _list(source: Source, value: Any) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise InputError(f"{source.path}: the JSON is not laid out like Polar Flow's pulse intervals")
    return value


def _get(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else None


def _samples(source: Source, samples: list[Any]) -> _Samples:
    stamps = [str(_get(sample, "sampleDateTime")).encode() for sample in samples]
    stamps_s = np.array([_stamp_s(source, stamp) for stamp in stamps])
    pp_ms = np.array([_pulse_ms(source, _get(sample, "pulseLength")) for sample in samples])
    falls_s = -np.diff(stamps_s, prepend=stamps_s[:1])
    winter = np.abs(falls_s - _HOUR_S) < 2 * _MINUTE_S  # stamps without a zone, the night summer time ends
    if np.any((falls_s > _FALL_S) & ~winter):
        stamp = stamps[int(np.argmax((falls_s > _FALL_S) & ~winter))]
        raise InputError(f"{source.path}: the time goes back at {shown(stamp)}")
    return _Samples(stamps_s + np.cumsum(winter * _HOUR_S), pp_ms, stamps[0])


def _stamp_s(source: Source, stamp: bytes) -> float:
    try:
        seconds = stamp_s(stamp)
    except ValueError:
        seconds = 0.0
    if seconds < 86_400:  # a time of day names no day
        raise InputError(f"{source.path}: {shown(stamp)} is not a date and time")
    return seconds


def _pulse_ms(source: Source, value: Any) -> float:
    if value is None:
        return float("nan")
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LONGEST_MS:
        raise InputError(f"{source.path}: {str(value)[:40]!r} is no interval between pulses in ms")
    return float(value)
