"""From a stream's samples, notification by notification, to the stream: session time, gaps, nothing twice."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from devices.driver import CONTACT_LOST, Samples
from pipeline.device_clock import device_times
from pipeline.journal import Record
from pipeline.model import Bools, Floats, Gap, Stream
from pipeline.timing import Timed, beat_times, regular_times, rising

LINK_LOST = "link lost"
MISSING = "samples missing"
NOT_YET = "nothing came yet"

# Between samples that say when they were taken any missing one is known of. Of others a shorter pause than
# this is the radio's, not the signal's; of single values, which come about once a second, a longer one.
_MIN_GAP_S, _MIN_EVENT_GAP_S = 0.5, 3.0
_MIN_END_S = 3.0
_MISSED = 1.5  # times the usual time between two notifications: one has not come
_BEATS_LATE_S = 0.4
_CONTACT_TOLD_S = 2.0  # how long before its last beat a strap may say that it lost contact


@dataclass(slots=True)
class Collected:
    """The samples of one stream, notification by notification."""

    samples: list[Samples] = field(default_factory=list)
    arrival_s: list[float] = field(default_factory=list)
    generation: list[int] = field(default_factory=list)
    unbroken: list[int] = field(default_factory=list)  # another number after a loss that is known of

    def add(self, samples: Samples, record: Record, malformed: int) -> None:
        """Take what a notification brought, after so many malformed ones of the same device."""
        self.samples.append(samples)
        self.arrival_s.append(record.arrival_s)
        self.generation.append(record.generation)
        self.unbroken.append(record.generation + malformed)  # neither ever falls


@dataclass(frozen=True, slots=True)
class Incidents:
    """What is known of a device beside its samples, to say why some are missing; moments in s, rising.

    `end_s` is the end of the session, `lost` whether the link was down by then, `lost_s` when it first was.
    """

    end_s: float
    lost: bool = False
    without_contact_s: tuple[float, ...] = ()
    lost_s: float = math.inf

    def reason(self, start_s: float, end_s: float) -> str:
        """Why samples are missing on an unbroken link."""
        told = any(start_s - _CONTACT_TOLD_S <= at_s <= end_s for at_s in self.without_contact_s)
        return CONTACT_LOST if told else MISSING


@dataclass(frozen=True, slots=True)
class _Timed:
    """Times of the samples that were kept, what each takes, and where there may be a gap before it."""

    time_s: Floats
    length_s: Floats
    run_start: Bools
    kept: Bools
    min_gap_s: float


def stream_of(name: str, parts: Collected, incidents: Incidents) -> Stream:
    """The stream of these samples. Fails on what no driver should make: uneven columns, or other ones."""
    if any(samples.columns.keys() != parts.samples[0].columns.keys() for samples in parts.samples):
        raise ValueError(f"{name}: columns that change")
    per_sample = np.array([len(samples) for samples in parts.samples], dtype=np.int64)
    columns = {
        column: np.concatenate([samples.columns[column] for samples in parts.samples]).astype(float)
        for column in parts.samples[0].columns
    }
    device_s = _device_times(parts.samples)
    timed = _timed(name, columns, parts, per_sample, device_s)
    arrival_s = np.repeat(np.array(parts.arrival_s), per_sample)[timed.kept]
    generation = np.repeat(np.array(parts.generation, dtype=float), per_sample)[timed.kept]
    rate_hz = parts.samples[-1].rate_hz
    return Stream(
        name=name,
        time_s=timed.time_s,
        columns={column: values[timed.kept] for column, values in columns.items()},
        rate_hz=rate_hz,
        arrival_s=arrival_s,
        device_time_s=None if device_s is None else device_s[timed.kept],
        gaps=_gaps(timed, generation, rate_hz, incidents, _usual(np.array(parts.arrival_s))),
    )


def _timed(
    name: str,
    columns: dict[str, Floats],
    parts: Collected,
    per_sample: NDArray[np.int64],
    device_s: Floats | None,
) -> _Timed:
    latest = parts.samples[-1]  # a driver may have learned the rate from the first
    rate_hz, arrival_s = latest.rate_hz, np.array(parts.arrival_s)
    each_arrival_s = np.repeat(arrival_s, per_sample)
    unbroken = np.repeat(np.array(parts.unbroken, dtype=float), per_sample)
    every = np.ones(len(each_arrival_s), dtype=bool)
    period_s = 1 / rate_hz if rate_hz is not None else None
    length_s = _lengths(name, columns, period_s, len(every))
    if device_s is not None:
        aligned = device_times(device_s, each_arrival_s, unbroken, period_s, latest.wrap_s)
        kept_s, run_start = length_s[aligned.kept], aligned.run_start
        if period_s is None:
            late_s = np.diff(aligned.time_s, prepend=-np.inf) - kept_s
            run_start = run_start | (late_s > _BEATS_LATE_S)
        min_gap_s = 0.5 * period_s if period_s is not None else _BEATS_LATE_S
        return _Timed(aligned.time_s, kept_s, run_start, aligned.kept, min_gap_s)
    if rate_hz is not None:
        timed = _regular(parts, per_sample, rate_hz)
        return _Timed(timed.time_s, length_s, timed.run_start, every, min(_MIN_GAP_S, 2.5 / rate_hz))
    if np.any(length_s > 0):
        beats = beat_times(columns[f"{name}_ms"], each_arrival_s, unbroken)
        return _Timed(beats.time_s, length_s, beats.run_start, every, _MIN_GAP_S)
    min_gap_s = max(_MIN_EVENT_GAP_S, _MISSED * _usual(arrival_s))
    return _Timed(rising(each_arrival_s), length_s, every, every, min_gap_s)


def _regular(parts: Collected, per_sample: NDArray[np.int64], rate_hz: float) -> Timed:
    """Times by rate and arrivals. A malformed frame counts for as many samples as the usual one holds.

    For that it has to be this stream's: a sensor without stamps has one stream here.
    """
    generation = np.array(parts.generation)
    malformed = np.array(parts.unbroken) - generation
    lost = np.diff(malformed, prepend=malformed[:1]) * round(float(np.median(per_sample)))
    held = per_sample + lost
    arrival_s = np.array(parts.arrival_s)
    timed = regular_times(held.astype(float), arrival_s, generation.astype(float), rate_hz)
    begins = np.cumsum(held) - held
    run_start = np.zeros(len(timed.time_s), dtype=bool)
    run_start[begins + lost] = timed.run_start[begins] | (lost > 0)
    kept = np.arange(len(timed.time_s)) - np.repeat(begins, held) >= np.repeat(lost, held)
    return Timed(timed.time_s[kept], run_start[kept])


def _lengths(name: str, columns: dict[str, Floats], period_s: float | None, count: int) -> Floats:
    """The time that each sample takes: a period, an interval, or none."""
    if period_s is not None:
        return np.full(count, period_s)
    interval_ms = columns.get(f"{name}_ms", np.zeros(count))
    return np.where(np.isfinite(interval_ms), np.maximum(interval_ms, 0.0), 0.0) / 1000


def _usual(arrival_s: Floats) -> float:
    """How long a stream usually keeps its next notification waiting."""
    return float(np.median(np.diff(arrival_s))) if len(arrival_s) > 1 else 0.0


def _device_times(samples: Sequence[Samples]) -> Floats | None:
    """The device's own times, NaN where it gave none; None if it never did."""
    if all(each.device_time_s is None for each in samples):
        return None
    unknown = [
        np.full(len(each), np.nan) if each.device_time_s is None else each.device_time_s for each in samples
    ]
    return np.concatenate(unknown).astype(float)


def _gaps(
    timed: _Timed, generation: Floats, rate_hz: float | None, incidents: Incidents, usual_s: float
) -> tuple[Gap, ...]:
    """The time between runs, less the first interval after, which lies before its own end; and both ends."""
    gaps = []

    def add(start_s: float, end_s: float, reason: str) -> None:
        missing = None if rate_hz is None else round((end_s - start_s) * rate_hz)
        gaps.append(Gap(start_s, end_s, reason, missing))

    least_s = max(_MIN_END_S, 2 / rate_hz if rate_hz else 0.0)
    first_s = float(timed.time_s[0] - timed.length_s[0])
    if first_s >= least_s:
        add(0.0, first_s, LINK_LOST if incidents.lost_s < first_s else NOT_YET)
    before_s, after_s = timed.time_s[:-1], timed.time_s[1:] - timed.length_s[1:]
    for row in np.flatnonzero(timed.run_start[1:] & (after_s - before_s >= timed.min_gap_s)).tolist():
        start_s, end_s = float(before_s[row]), float(after_s[row])
        lost = generation[row + 1] != generation[row]
        add(start_s, end_s, LINK_LOST if lost else incidents.reason(start_s, end_s))
    last_s = float(timed.time_s[-1])
    if incidents.end_s - last_s >= max(least_s, _MISSED * usual_s):
        reason = LINK_LOST if incidents.lost else incidents.reason(last_s, incidents.end_s)
        add(last_s, incidents.end_s, reason)
    return tuple(gaps)
