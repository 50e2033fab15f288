"""FIT: the activity files of Garmin, Suunto, Wahoo and others, where the watch logged beat intervals.

Intervals come in one of two ways. `hrv` messages hold up to five each, in ms, without a time: what is known
is the last `record` before them, once a second or less often. `hr` messages, of straps that remember a swim,
hold the moment of each beat instead, in 1/1024 s: one in full, then twelve bits each.

Both ways are read by the decoder of fitdecode, checksums included: a file that fails them is refused.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np

from devices.exports.intervals import LONGEST_MS, gaps, loss_notices
from devices.exports.libraries import failure, library
from devices.exports.reader import Source, unneeded
from devices.exports.timeline import left_out_notice, rising_rows
from pipeline.errors import InputError
from pipeline.model import DeviceInfo, Recording, Stream

_EPOCH_S = 631_065_600  # 31 December 1989, from where FIT counts, since 1970
_LEAST_STAMP = 0x1000_0000  # a smaller one counts from when the device was switched on
_TICKS_HZ = 1024
_FRACTIONS_HZ = 32_768
_SHORT_BITS = 12
_ADJACENT_TICKS = 4 * _TICKS_HZ  # what twelve bits can tell; a longer way is not from one beat to the next
_LATE_S = 3.0
_LONGEST_S = 7 * 86_400
_EARLY_S = 60  # by which a strap's beats may precede the activity without a word
_MESSAGES = frozenset({"file_id", "record", "hrv", "hr"})
_HOW = "on the watch switch on 'Log HRV', wear a chest strap, and export the original file"

Fields = Mapping[str, Any]


@dataclass(slots=True)
class _Log:
    """What a file says, in the order it says it. Stamps are in s from FIT's epoch."""

    created: int | None = None
    device: str = ""
    stamps: list[int] = field(default_factory=list)  # of records
    heart_rates: int = 0
    intervals_ms: list[float] = field(default_factory=list)
    told_at: list[int] = field(default_factory=list)  # how many records came before each interval
    ticks: list[int] = field(default_factory=list)  # a beat each, in 1/1024 s
    beats_from: float | None = None  # when the first of them was
    first: int | None = None  # stamp of all, by which the others are checked

    def take(self, name: str, fields: Fields) -> None:
        match name:
            case "file_id":
                self.created = self.created or _stamp(fields.get("time_created"))
            case "record":
                if (stamp := _stamp(fields.get("timestamp"))) is not None:
                    self._check(stamp)
                    self.stamps.append(max([stamp, *self.stamps[-1:]]))
                self.heart_rates += fields.get("heart_rate") is not None
            case "hrv":
                told = [float(each) for each in _all(fields.get("time"))]
                self.intervals_ms += told
                self.told_at += [len(self.stamps)] * len(told)
            case "hr":
                self._take_beats(fields)

    def _check(self, stamp: int) -> int:
        """A stamp that may be of this file. Raises ValueError for one too far from the others."""
        self.first = stamp if self.first is None else self.first
        if abs(stamp - self.first) > _LONGEST_S:
            raise ValueError(f"its times lie {abs(stamp - self.first) / 86_400:,.0f} days apart")
        return stamp

    def _take_beats(self, fields: Fields) -> None:
        present = [rate is not None for rate in _every(fields.get("filtered_bpm"))]
        self.heart_rates += sum(present)
        full = list(_all(fields.get("event_timestamp")))
        if full and self.beats_from is None:
            stamp = fields.get("timestamp")
            fraction = (fields.get("fractional_timestamp") or 0) / _FRACTIONS_HZ
            self.beats_from = None if stamp is None else self._check(stamp) + fraction
        self.ticks += full
        short = _twelve_bits(fields.get("event_timestamp_12"))
        if len(present) != len(short):
            present = [True] * len(short)
        for each, there in zip(short, present, strict=True):
            if there:
                latest = self.ticks[-1] if self.ticks else 0
                self.ticks.append(latest + ((each - latest) & ((1 << _SHORT_BITS) - 1)))


class Fit:
    """Reads FIT files that hold beat intervals, and says what to do where they hold none."""

    name = "fit"
    label = "Garmin and Suunto .fit"
    proven = True

    def recognises(self, source: Source) -> bool:
        """Whether this is one file with FIT's mark where it belongs."""
        if source.only is None:
            return False
        head = source.head(str(source.only), 12)
        return head[8:12] == b".FIT" and head[0] >= 12

    def read(self, source: Source, unit: str | None) -> Recording:
        """The recording: stream `rr`. Raises InputError for a damaged file, and for one without intervals."""
        name = str(source.only)
        where = source.where(name)
        log = _log(where, source.files[name])
        if log.intervals_ms:
            start, beats, notices = _of_intervals(where, log)
        elif len(log.ticks) > 1:
            start, beats, notices = _of_moments(log)
        else:
            held = f"{log.heart_rates} heart rates" if log.heart_rates else "no heartbeat"
            raise InputError(f"{where}: holds {held} but no intervals between beats; {_HOW}")
        last = (log.stamps or [0])[-1] - start
        return Recording(
            recording_id=source.title,
            source=self.name,
            sha256=source.sha256,
            duration_s=max(float(last), float(beats.time_s[-1])),
            streams={"rr": beats},
            started_at=_started_at(start),
            devices=(DeviceInfo(name=log.device, driver=self.name),) if log.device else (),
            units={"rr": "ms (fixed by the format)"},
            notices=(
                *notices,
                *loss_notices(beats),
                *unneeded(unit, "FIT has fixed units"),
            ),
        )


def _of_intervals(where: str, log: _Log) -> tuple[float, Stream, list[str]]:
    """The start, and the beats of `hrv` messages: one after the other, but for those that records show lost.

    An interval was complete when the record before it was written, or later: watches that write a record only
    when something changes are minutes apart at rest. Less than 3 s without a beat goes unnoticed.
    """
    rr_ms = np.array(log.intervals_ms)
    if np.max(rr_ms) > LONGEST_MS:
        raise InputError(f"{where}: holds an interval of {np.max(rr_ms):.0f} ms; it is damaged")
    start = float(log.stamps[0] if log.stamps else log.created or 0)
    not_before_s = np.array([0.0, *(stamp - start for stamp in log.stamps)])[log.told_at]
    lengths_s = np.maximum(rr_ms, 1.0) / 1000  # time has to rise: a bad one takes 1 ms
    ends_s, at_s = np.empty(len(rr_ms)), 0.0
    for row, (length_s, earliest_s) in enumerate(zip(lengths_s.tolist(), not_before_s.tolist(), strict=True)):
        at_s += length_s
        if at_s < earliest_s - _LATE_S:
            at_s = earliest_s
        ends_s[row] = at_s
    end_s = max(at_s, float(not_before_s[-1]))
    both = ["beats are those of hrv messages; those of hr messages are left out"] if log.ticks else []
    return start, Stream("rr", ends_s, {"rr_ms": rr_ms}, gaps=gaps(ends_s, rr_ms, end_s)), both


def _of_moments(log: _Log) -> tuple[float, Stream, list[str]]:
    """The start, and intervals from one beat of `hr` messages to the next."""
    ticks = np.array(log.ticks, dtype=np.int64)
    kept = rising_rows(ticks.astype(np.float64))
    again = int(np.sum(~kept))
    ticks = ticks[kept]
    steps = np.diff(ticks)
    adjacent = steps <= _ADJACENT_TICKS
    first = log.stamps[0] if log.stamps else log.created or 0
    from_s = float(first) if log.beats_from is None else log.beats_from
    start = min(from_s, float(log.stamps[0])) if log.stamps else from_s
    time_s = from_s - start + (ticks - ticks[0]) / _TICKS_HZ
    ends_s, rr_ms = time_s[1:][adjacent], steps[adjacent] * 1000 / _TICKS_HZ
    end_s = max(float(time_s[-1]), float(log.stamps[-1]) - start if log.stamps else 0.0)
    notices = ["beats are from the moments in hr messages"]
    if log.stamps and log.stamps[0] - from_s > _EARLY_S:
        early_min = (log.stamps[0] - from_s) / 60
        notices.append(f"the strap's beats begin {early_min:.0f} minutes before the activity was started")
    notices.extend(left_out_notice(again, len(kept), "beats"))
    return start, Stream("rr", ends_s, {"rr_ms": rr_ms}, gaps=gaps(ends_s, rr_ms, end_s)), notices


def _started_at(start: float) -> datetime | None:
    return datetime.fromtimestamp(_EPOCH_S + start, UTC) if start >= _LEAST_STAMP else None


def _log(where: str, content: bytes) -> _Log:
    fitdecode = library("fitdecode", where)
    log = _Log()
    check, lenient = fitdecode.CrcCheck.RAISE, fitdecode.ErrorHandling.IGNORE
    try:
        with fitdecode.FitReader(
            io.BytesIO(content), processor=None, check_crc=check, error_handling=lenient
        ) as frames:
            for frame in frames:
                if isinstance(frame, fitdecode.FitDataMessage) and frame.name in _MESSAGES:
                    log.take(frame.name, _fields(frame))
                    if frame.name == "file_id":
                        log.device = log.device or _device(frame)
    except Exception as error:  # a decoder may fail in any way on damaged bytes
        raise InputError(
            f"{where}: is damaged or cut short ({failure(error)}); export it once more"
        ) from error
    return log


def _fields(message: Any) -> dict[str, Any]:
    """Raw values by name, without those that the decoder made of others."""
    return {each.name: each.raw_value for each in message.fields if each.field_def is not None}


def _device(message: Any) -> str:
    maker = message.get_value("manufacturer", fallback=None)
    product = message.get_value("garmin_product", fallback=None)
    words = (str(each).replace("_", " ") for each in (maker, product) if isinstance(each, str))
    return " ".join(words).strip()


def _stamp(raw: object) -> int | None:
    return raw if isinstance(raw, int) else None


def _every(raw: Any) -> tuple[Any, ...]:
    """The values of a field that may hold one or several."""
    return raw if isinstance(raw, tuple) else (raw,)


def _all(raw: Any) -> Iterator[Any]:
    """Those of them that are there."""
    return (each for each in _every(raw) if isinstance(each, int))


def _twelve_bits(raw: Any) -> list[int]:
    """Numbers of twelve bits, packed from the lowest bit on."""
    packed = bytes(_all(raw))
    whole = int.from_bytes(packed, "little")
    count = len(packed) * 8 // _SHORT_BITS
    return [(whole >> (_SHORT_BITS * each)) & ((1 << _SHORT_BITS) - 1) for each in range(count)]
