"""Apple Health: export.xml, or the export.zip around it, as the Health app of an iPhone writes it.

Beats stand inside records of heart rate variability, each about a minute long and some in a day: the time of
day of each beat, to 10 ms, and the rounded rate of the interval that *ends* with it. Where beats were lost,
the time since the one before is longer than that rate allows. Times of day carry no date, follow the
phone's language ("6:14:48.94 PM", "08:34:05,10") and may be whole hours away from the record's start.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from devices.exports.intervals import gaps, loss_notices
from devices.exports.reader import Source, unneeded
from devices.exports.rows import number_of
from devices.exports.xml_stream import XmlStream
from pipeline.errors import InputError
from pipeline.model import DeviceInfo, Floats, Recording, Stream

_MOST_BEATS = 100_000  # of one record
_MOST_RATES = 4_000_000  # some ten years of them

_OPENS = re.compile(rb"<!DOCTYPE\s+HealthData\b|<HealthData\b")
_BEATS = "HKQuantityTypeIdentifierHeartRateVariabilitySDNN"
_RATE = "HKQuantityTypeIdentifierHeartRate"
_TIME = re.compile(r"\D*(\d{1,2})\D{1,6}(\d\d)\D{1,6}(\d\d)(?:[.,٫](\d{1,3}))?\D*")
_HALF_DAY_MS = 43_200_000  # whether a time is before or after noon is told by the record's start
_QUARTER_MS = 900_000  # zones of time lie whole quarters of an hour apart
_LONGEST_MS = 3_600_000
_EARLY_MS, _LATE_MS = 10_000, 300_000  # of the first beat, against the record's start
_LOST = 1.5  # times as long as the rate allows: a beat is missing


@dataclass(frozen=True, slots=True)
class _Beat:
    """A beat as it is written, and the line it stands on."""

    line: int
    time: str
    bpm: str


@dataclass(frozen=True, slots=True)
class _Record:
    """The beats of one record of heart rate variability."""

    started_at: datetime
    beats: list[_Beat] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Intervals:
    """Ends from the first beat on, and the beats left out; `fits`: their times agree with the start."""

    started_at: datetime
    ends_s: Floats
    pp_ms: Floats
    left_out: int
    fits: bool


class AppleHealth:
    """Reads the newest of the export's recordings of beats, and the heart rates beside it.

    One, and not all with gaps between: they lie hours and months apart, so together they are no session,
    and of windows over years nearly all would be empty.
    """

    name = "apple-health"
    label = "Apple Health (export.xml or export.zip)"
    proven = False

    def recognises(self, source: Source) -> bool:
        """Whether a file opens as the Health app's export does."""
        return _export(source) is not None

    def read(self, source: Source, unit: str | None) -> Recording:
        """The recording: stream `pp`, as a watch sees pulses. Raises InputError that names the line."""
        name = _export(source)
        assert name is not None, "it was recognised"
        passing = _Passing(source, name)
        if passing.newest is None:
            raise InputError(
                f"{source.where(name)}: holds no beats, only summaries; a watch notes beats when it measures "
                "heart rate variability, as in a session of Mindfulness: make one and export again"
            )
        found = _intervals(source, name, passing.newest)
        duration_s = float(found.ends_s[-1])
        pp = _pulse_intervals(found)
        rates = passing.rates.between(found.started_at, duration_s)
        return Recording(
            recording_id=source.title,
            source=self.name,
            sha256=source.sha256,
            duration_s=duration_s,
            streams={"pp": pp} | ({"heart_rate": rates} if len(rates) else {}),
            started_at=found.started_at,
            devices=(DeviceInfo(name="Apple Watch", driver=self.name),),
            notices=(
                *_notices(found, passing, pp),
                *unneeded(unit, "Health exports have fixed units"),
            ),
        )


def _export(source: Source) -> str | None:
    """The name of the export among the files, which a phone writes in its own language."""
    xml = sorted(name for name in source.files if name.lower().endswith(".xml"))
    names = source.files if len(source.files) == 1 else xml
    return next((name for name in names if _OPENS.search(source.head(name))), None)


class _Rates:
    """Heart rates as they go by: of very many, the last."""

    def __init__(self) -> None:
        self._time_s, self._bpm = array("q"), array("f")
        self.unreadable = 0

    def add(self, attributes: dict[str, str]) -> None:
        """Take a record's rate; one without a date, or in another unit, is counted as unreadable."""
        bpm = _bpm(attributes.get("value", ""))
        try:
            time_s = int(_moment(attributes.get("startDate", "")).timestamp())
        except ValueError:
            bpm = None
        if bpm is None or attributes.get("unit") != "count/min":
            self.unreadable += 1
            return
        if len(self._time_s) >= _MOST_RATES:
            del self._time_s[: _MOST_RATES // 2], self._bpm[: _MOST_RATES // 2]
        self._time_s.append(time_s)
        self._bpm.append(bpm)

    def between(self, started_at: datetime, duration_s: float) -> Stream:
        """The stream `heart_rate` of a recording: for each moment the value that was written last."""
        time_s = np.round(np.array(self._time_s, dtype=np.float64) - started_at.timestamp(), 3)
        inside = np.flatnonzero((time_s >= 0) & (time_s <= duration_s))[::-1]
        moments_s, last = np.unique(time_s[inside], return_index=True)
        bpm = np.array([self._bpm[row] for row in inside[last]], dtype=np.float64)
        return Stream("heart_rate", moments_s, {"heart_rate_bpm": bpm})


class _Passing:
    """Hears an export's elements go by, and keeps the newest record of beats, and heart rates."""

    def __init__(self, source: Source, name: str) -> None:
        self.newest: _Record | None = None
        self.records = 0
        self.rates = _Rates()
        self._open: _Record | None = None
        self._xml = XmlStream(source, name, self._begins, self._ends)
        with source.open(name) as stream:
            self._xml.hear(stream)

    def _begins(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "Record":
            if attributes.get("type") == _BEATS:
                self._open = _Record(self._started_at(attributes.get("startDate", "")))
            elif attributes.get("type") == _RATE:
                self.rates.add(attributes)
        elif tag == "InstantaneousBeatsPerMinute" and self._open is not None:
            if len(self._open.beats) >= _MOST_BEATS:
                raise self._xml.refused(f"more than {_MOST_BEATS:,} beats in one record")
            beat = _Beat(self._xml.line, attributes.get("time", ""), attributes.get("bpm", ""))
            self._open.beats.append(beat)

    def _ends(self, tag: str) -> None:
        if tag != "Record" or self._open is None:
            return
        record, self._open = self._open, None
        if len(record.beats) > 1:
            self.records += 1
            if self.newest is None or record.started_at >= self.newest.started_at:
                self.newest = record

    def _started_at(self, text: str) -> datetime:
        try:
            return _moment(text)
        except ValueError as error:
            raise InputError(
                f"{self._xml.where()}: {text[:40]!r} is not a date and time with a zone"
            ) from error


def _moment(text: str) -> datetime:
    """The moment in "2020-04-10 20:14:05 -0700". Raises ValueError."""
    moment = datetime.fromisoformat(text[:19] + text[20:])
    if len(text) != 25 or moment.tzinfo is None or not 1971 <= moment.year <= 2200:
        raise ValueError(text)
    return moment


def _bpm(text: str) -> float | None:
    """A heart rate, however the decimals are set off; None if it is none."""
    bpm = number_of(text.replace(",", "."))
    return bpm if bpm is not None and 0 < bpm < 1000 else None


def _intervals(source: Source, name: str, record: _Record) -> _Intervals:
    """From beat to beat where none is missing between. Raises InputError if no two are neighbours."""
    times_ms = [_time_ms(source, name, beat) for beat in record.beats]
    rows: list[tuple[float, float]] = []
    latest_ms = left_out = 0
    for beat, time_ms in zip(record.beats[1:], times_ms[1:], strict=True):
        at_ms = (time_ms - times_ms[0]) % _HALF_DAY_MS
        if not latest_ms < at_ms <= _LONGEST_MS:
            left_out += 1
            continue
        pp_ms, latest_ms = at_ms - latest_ms, at_ms
        if pp_ms <= _LOST * _rounded_ms(source, name, beat):
            rows.append((at_ms / 1000, pp_ms))
    if not rows:
        line = record.beats[0].line
        raise InputError(f"{source.where(name, line)}: in the newest recording no beat follows another")
    ends_s, pp = np.array(rows, dtype=np.float64).T.copy()
    first_ms = _after_start_ms(record.started_at, times_ms[0])
    fits = first_ms <= _LATE_MS
    started_at = record.started_at + timedelta(milliseconds=first_ms if fits else 0)
    return _Intervals(started_at, ends_s, pp, left_out, fits)


def _time_ms(source: Source, name: str, beat: _Beat) -> int:
    """A time of day, in ms since midnight or noon."""
    found = _TIME.fullmatch(beat.time)
    hours, minutes, seconds = map(int, found.groups()[:3]) if found else (99, 99, 99)
    if found is None or hours > 24 or minutes > 59 or seconds > 59:
        raise InputError(f"{source.where(name, beat.line)}: {beat.time[:40]!r} is not a time of day")
    return ((hours % 12 * 60 + minutes) * 60 + seconds) * 1000 + int((found[4] or "0").ljust(3, "0"))


def _rounded_ms(source: Source, name: str, beat: _Beat) -> float:
    """The interval that ends with a beat, by its rate, which is rounded to whole beats a minute."""
    bpm = _bpm(beat.bpm)
    if bpm is None:
        raise InputError(f"{source.where(name, beat.line)}: {beat.bpm[:40]!r} is not a heart rate")
    return 60_000 / bpm


def _after_start_ms(started_at: datetime, time_ms: int) -> int:
    """How long after the record's start a time of day is, in whatever zone it was written."""
    start_ms = ((started_at.hour % 12 * 60 + started_at.minute) * 60 + started_at.second) * 1000
    return (time_ms - start_ms + _EARLY_MS) % _QUARTER_MS - _EARLY_MS


def _pulse_intervals(found: _Intervals) -> Stream:
    columns = {"pp_ms": found.pp_ms, "quality": np.full(len(found.pp_ms), np.nan)}
    return Stream("pp", found.ends_s, columns, gaps=gaps(found.ends_s, found.pp_ms, float(found.ends_s[-1])))


def _notices(found: _Intervals, passing: _Passing, pp: Stream) -> Iterator[str]:
    yield "beats are pulse intervals from a watch, whose times are known to 10 ms"
    if passing.records > 1:
        yield f"the newest of {passing.records} recordings of beats is read, and the others are left out"
    yield from loss_notices(pp)
    if found.left_out:
        yield f"{found.left_out} {'beat' if found.left_out == 1 else 'beats'} left out, as time does not rise"
    if not found.fits:
        yield "the beats' times do not fit the record's start, from which they are counted"
    if unreadable := passing.rates.unreadable:
        rates = "heart rate" if unreadable == 1 else "heart rates"
        yield f"{unreadable} {rates} left out, without a date or a value in count/min"
