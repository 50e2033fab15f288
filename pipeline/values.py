"""Values of stretches of time: whole recordings, phases and windows alike, many at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from pipeline.features import BY_NAME, FEATURES, null_reasons
from pipeline.floors import Basis
from pipeline.language import reason
from pipeline.model import Bools, Floats, Marker, Phase
from pipeline.spans import SpanKind, kind_of

Cell = float | str | None
Column = Floats | NDArray[np.object_]

NOT_DEFINED = reason("reasons.not_defined")
_EDGE_S = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """k stretches of time, `start_s <= time < end_s`, and what is known of them: (k,) arrays.

    `paced`: part of it was paced. `pacer_bpm`: NaN where it was not, or not throughout. `speaking`: somebody
    marked that the person spoke, by a span whose kind or text is "talking" or "speaking".
    """

    start_s: Floats
    end_s: Floats
    paced: Bools
    pacer_bpm: Floats
    speaking: Bools

    def __len__(self) -> int:
        return len(self.start_s)

    @property
    def duration_s(self) -> Floats:
        return self.end_s - self.start_s


def spans(
    start_s: Floats, end_s: Floats, phases: Sequence[Phase] = (), markers: Sequence[Marker] = ()
) -> Spans:
    """The stretches from `start_s` to `end_s`, (k,), with what phases and marked spans say of them."""
    start_s, end_s = np.asarray(start_s, dtype=np.float64), np.asarray(end_s, dtype=np.float64)
    paced, speaking = np.zeros(len(start_s), dtype=bool), np.zeros(len(start_s), dtype=bool)
    pacer_bpm = np.full(len(start_s), np.nan)
    for phase in phases:
        if phase.paced:
            paced |= (phase.start_s < end_s - _EDGE_S) & (phase.end_s > start_s + _EDGE_S)
        if phase.pacer is not None:
            inside = (phase.start_s <= start_s + _EDGE_S) & (phase.end_s >= end_s - _EDGE_S)
            pacer_bpm[inside] = phase.pacer.breaths_per_min
    for marker in markers:
        if kind_of(marker) is SpanKind.TALKING and marker.end_s is not None:
            speaking |= (marker.time_s < end_s) & (marker.end_s >= start_s)
    return Spans(start_s, end_s, paced, pacer_bpm, speaking)


@dataclass(frozen=True, slots=True)
class Values:
    """Feature values of one stretch; None where the data cannot carry one, and then why.

    `paced`, `speaking`: whether a part of it was.
    """

    start_s: float
    end_s: float
    features: Mapping[str, Cell]
    null_reasons: Mapping[str, str]
    paced: bool = False
    pacer_bpm: float | None = None
    speaking: bool = False

    def number(self, name: str) -> float | None:
        """The value of a feature that is a number."""
        value = self.features.get(name)
        return None if isinstance(value, str) else value


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Feature values of k stretches, column by column, floors applied.

    `columns`: (k,) arrays, NaN or None where withheld; `reasons`: of each feature row to reason.
    """

    spans: Spans
    columns: Mapping[str, Column]
    reasons: Mapping[str, Mapping[int, str]]

    def __len__(self) -> int:
        return len(self.spans)

    def __iter__(self) -> Iterator[Values]:
        return (self[row] for row in range(len(self)))

    def __getitem__(self, row: int) -> Values:
        return Values(
            float(self.spans.start_s[row]),
            float(self.spans.end_s[row]),
            {name: _cell(name, column[row]) for name, column in self.columns.items()},
            {name: reasons[row] for name, reasons in self.reasons.items() if row in reasons},
            bool(self.spans.paced[row]),
            None if np.isnan(self.spans.pacer_bpm[row]) else float(self.spans.pacer_bpm[row]),
            bool(self.spans.speaking[row]),
        )


def withheld(
    where: Spans,
    found: Mapping[str, Column],
    basis: Basis,
    reasons: Mapping[str, Mapping[int, str]] = MappingProxyType({}),
    *,
    opt_in: bool = False,
) -> Table:
    """The table of what was found, less what a floor forbids or the data do not define.

    `reasons`: of a feature, row to why it has no value, where more is known than that it has none.
    """
    columns: dict[str, Column] = {}
    told: dict[str, Mapping[int, str]] = {}
    for feature in FEATURES:
        if feature.name not in found or (feature.opt_in and not opt_in):
            continue
        column = found[feature.name].copy()
        why: dict[int, str] = dict(null_reasons(feature.name, basis))
        column[list(why)] = np.nan if column.dtype == np.float64 else None
        if column.dtype == np.float64:
            column[~np.isfinite(column)] = np.nan
        known = reasons.get(feature.name, {})
        missing = [row for row in np.flatnonzero(_absent(column)).tolist() if row not in why]
        why |= {row: known.get(row, NOT_DEFINED) for row in missing}
        columns[feature.name] = column
        if why:
            told[feature.name] = why
    return Table(where, columns, told)


def _absent(column: Column) -> Bools:
    if column.dtype == np.float64:
        return np.isnan(column)
    return np.array([value is None for value in column], dtype=bool)


def _cell(name: str, value: float | str | None) -> Cell:
    if value is None or isinstance(value, str):
        return value
    if np.isnan(value):
        return None
    return int(value) if BY_NAME[name].kind == "count" else float(value)
