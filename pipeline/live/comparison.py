"""The table of the running phase against the baseline: what a report would say of either so far."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.breathing.rate import Breathing, RespSource
from pipeline.features import null_reasons
from pipeline.live.columns import basis
from pipeline.live.shown import Comparison, Row
from pipeline.model import Floats, Phase
from pipeline.spans import HEART, SKIN, Signal
from pipeline.values import NOT_DEFINED

PACED = "breathing is paced in one of them only, so they are not compared"
UNBREATHED = "no clear breathing rhythm throughout a minute"

_LEAST_RATES = 2


@dataclass(frozen=True, slots=True)
class _Measure:
    column: str
    signal: Signal
    row: Row


_MEASURES = (
    _Measure("mean_hr_bpm", HEART, Row("Heart rate", "bpm", 0)),
    _Measure("rmssd_ms", HEART, Row("RMSSD", "ms", 0)),
    _Measure("scl_us", SKIN, Row("Skin conductance level", "µS", 2)),
    _Measure("scr_per_min", SKIN, Row("Skin responses", "1/min", 1)),
    _Measure("resp_rate_bpm", HEART, Row("Breathing rate", "1/min", 1)),
    _Measure("rhythm_concentration", HEART, Row("Rhythm concentration", "", 2)),
)


class BreathingLog:
    """What breathing was over windows that ended at times on a fixed grid; only where it is known."""

    def __init__(self) -> None:
        self._end_s, self._rate_bpm = array("d"), array("d")
        self._source: list[RespSource] = []

    def add(self, end_s: float, breathing: Breathing | None) -> None:
        """Take a window's breathing."""
        if breathing is not None and breathing.source[0] is not None:
            self._end_s.append(end_s)
            self._rate_bpm.append(float(breathing.rate_bpm[0]))
            self._source.append(breathing.source[0])

    def means(self, start_s: Floats, end_s: Floats, length_s: float) -> Floats:
        """The mean rate of the windows of `length_s` that lie in each stretch, of their commonest source.

        (k,), NaN with fewer than two.
        """
        ends_s, rates_bpm = np.array(self._end_s), np.array(self._rate_bpm)
        means = np.full(len(start_s), np.nan)
        for row, (since_s, until_s) in enumerate(zip(start_s.tolist(), end_s.tolist(), strict=True)):
            inside = np.flatnonzero((ends_s - length_s >= since_s) & (ends_s <= until_s)).tolist()
            sources = [self._source[place] for place in inside]
            commonest = max(RespSource, key=sources.count)  # the better of two that are as common
            told = [rates_bpm[place] for place in inside if self._source[place] is commonest]
            if len(told) >= _LEAST_RATES:
                means[row] = float(np.mean(told))
        return means


def compared(
    baseline: Phase | None,
    running: Phase | None,
    columns: Mapping[str, Floats],
    marks: Mapping[Signal, Sequence[str | None]],
    seconds: float,
) -> Comparison:
    """The table: `columns` and `marks` have a row for each of the two that there is, the baseline first."""
    places = {name: place for place, name in enumerate(_names(baseline, running))}
    itself = baseline is not None and running == baseline
    rows = []
    for measure in _MEASURES:
        held = _held(measure, columns, marks, [each for each in (baseline, running) if each is not None])
        of = {name: held[place] for name, place in places.items()}
        rows.append(_row(measure.row, of, baseline, running))
    return Comparison(
        baseline=baseline.name if baseline else None,
        phase=running.name if running and not itself else None,
        seconds=seconds,
        rows=tuple(rows),
    )


def _names(baseline: Phase | None, running: Phase | None) -> Iterator[str]:
    if baseline is not None:
        yield "baseline"
    if running is not None:
        yield "phase"


def _held(
    measure: _Measure,
    columns: Mapping[str, Floats],
    marks: Mapping[Signal, Sequence[str | None]],
    phases: Sequence[Phase],
) -> list[float | str]:
    """In each phase the value, or why there is none."""
    edges = np.array([each.start_s for each in phases]), np.array([each.end_s for each in phases])
    counted = {**columns, "valid_s": columns["counted_s"]} if measure.column == "scr_per_min" else columns
    why = null_reasons(measure.column, basis(counted, *edges))
    held: list[float | str] = []
    for place, value in enumerate(columns[measure.column].tolist()):
        reason = why.get(place) or (None if math.isfinite(value) else _undefined(measure.column))
        mark = marks[measure.signal][place]
        held.append(value if reason is None else f"{reason}; {mark}" if mark else reason)
    return held


def _undefined(column: str) -> str:
    return UNBREATHED if column == "resp_rate_bpm" else NOT_DEFINED


def _row(row: Row, held: Mapping[str, float | str], baseline: Phase | None, running: Phase | None) -> Row:
    before = held["baseline"] if baseline is not None else "there is no baseline"
    if running is None:
        now: float | str = "no phase is running"
    else:
        now = held["phase"] if running != baseline else "the baseline is still running"
    found = replace(row, baseline=_number(before), phase=_number(now))
    if isinstance(now, str):
        return replace(found, why=now)
    if isinstance(before, str):
        return replace(found, why=before if baseline is None else f"baseline: {before}")
    if baseline is not None and running is not None and baseline.paced != running.paced:
        return replace(found, why=PACED)
    return replace(found, difference=now - before)


def _number(held: float | str) -> float | None:
    return held if isinstance(held, float) else None
