"""Spans that a person marks while recording, and what of the data each of them takes out of the analysis.

| span | heart | skin | because |
|---|---|---|---|
| talking | out | stays | speech breaks up breathing, and with it respiratory sinus arrhythmia |
| moving | out | out | the heart answers the muscles, an electrode is pressed and pulled |
| touching | out | out | which sensor was touched is not known |
| pause | out | out | the session stood still, and nobody knows what was done meanwhile |

numpy only: the recorder uses it too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

import numpy as np

from pipeline.language import Reason, reason, together
from pipeline.model import Bools, Floats, Marker


class Signal(StrEnum):
    """What a span can take out."""

    HEART = "heart"
    SKIN = "skin"


HEART, SKIN = Signal.HEART, Signal.SKIN


class SpanKind(StrEnum):
    """The spans that exclude something; a marked span of any other kind excludes nothing."""

    TALKING = "talking"
    MOVING = "moving"
    TOUCHING = "touching"
    PAUSE = "pause"

    @property
    def excludes(self) -> frozenset[Signal]:
        """The signals that are not used within such a span."""
        return frozenset({HEART}) if self is SpanKind.TALKING else frozenset(Signal)


_KINDS = {kind.value: kind for kind in SpanKind}
_EDGE_S = 1e-6  # the end of an interval and the beginning of the next are one moment, but for rounding
_SPOKEN = {"talking", "speaking"}  # what other software calls it, also in a marker's text


def kind_of(marker: Marker) -> SpanKind | None:
    """What kind of excluding span a marker is; None for a moment and for a span of another kind."""
    if marker.end_s is None:
        return None
    spoken = {marker.kind.lower(), marker.text.lower()} & _SPOKEN
    return _KINDS.get(marker.kind.lower(), SpanKind.TALKING if spoken else None)


@dataclass(frozen=True, slots=True, eq=False)
class Stretches:
    """Stretches of time `start_s <= time < end_s`: (n,) each, rising, apart from each other."""

    start_s: Floats
    end_s: Floats

    def __len__(self) -> int:
        return len(self.start_s)

    @classmethod
    def of(cls, edges_s: Iterable[tuple[float, float]]) -> Self:
        """The stretches that these (start, end) fill together; what does not end after it starts is none."""
        merged: list[list[float]] = []
        for start_s, end_s in sorted(edge for edge in edges_s if edge[1] > edge[0]):
            if merged and start_s <= merged[-1][1]:
                merged[-1][1] = max(merged[-1][1], end_s)
            else:
                merged.append([start_s, end_s])
        edges = np.array(merged, dtype=np.float64).reshape(-1, 2)
        return cls(edges[:, 0].copy(), edges[:, 1].copy())

    def hold(self, time_s: Floats) -> Bools:
        """Which moments lie in one of them; (k,), False for NaN."""
        place = np.searchsorted(self.start_s, time_s, side="right") - 1
        return (place >= 0) & (time_s < np.append(self.end_s, -np.inf)[place])

    def touch(self, begin_s: Floats, end_s: Floats) -> Bools:
        """Which of k intervals share time with one of them; (k,).

        An interval that ends where one starts, or begins where one ends, does not. One that begins at NaN
        counts as a moment.
        """
        begin_s = np.where(np.isfinite(begin_s), np.minimum(begin_s, end_s), end_s)
        not_over = np.searchsorted(self.end_s, begin_s + _EDGE_S, side="right")  # the first of those
        return np.asarray(np.append(self.start_s, np.inf)[not_over] < end_s - _EDGE_S)

    def seconds(self, start_s: Floats, end_s: Floats) -> Floats:
        """How much of each of k windows they fill, in s."""
        filled = np.zeros(len(start_s))
        for begin_s, over_s in zip(self.start_s.tolist(), self.end_s.tolist(), strict=True):
            filled += np.maximum(np.minimum(end_s, over_s) - np.maximum(start_s, begin_s), 0.0)
        return filled


def stretches(markers: Iterable[Marker], what: Signal, kind: SpanKind | None = None) -> Stretches:
    """Where `what` is not used, by marks of every kind or of one."""
    return Stretches.of(
        (marker.time_s, marker.end_s)
        for marker in markers
        if marker.end_s is not None
        and (found := kind_of(marker)) is not None
        and what in found.excludes
        and kind in (None, found)
    )


def excluded(markers: Iterable[Marker], what: Signal) -> tuple[Floats, Floats]:
    """Starts and ends of the stretches in which `what` is not used; (n,) each, merged, rising."""
    found = stretches(markers, what)
    return found.start_s, found.end_s


def marked(markers: Sequence[Marker], what: Signal, start_s: Floats, end_s: Floats) -> list[Reason | None]:
    """What takes `what` out of each of k windows, in words ("marked: talking 35 s"); None where nothing."""
    told: list[list[Reason]] = [[] for _ in range(len(start_s))]
    for kind in SpanKind:
        seconds = stretches(markers, what, kind).seconds(start_s, end_s)
        for row in np.flatnonzero(seconds > 0).tolist():
            told[row].append(
                reason("reasons.mark", kind=reason(f"marks.{kind}"), seconds=float(seconds[row]))
            )
    return [
        reason("reasons.marked", marks=together("grammar.both", parts)) if parts else None for parts in told
    ]
