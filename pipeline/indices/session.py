"""The indices of one session: its reference, the course of arousal, and the delayed model drawn from that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.indices.arousal import BLOCK_S, Arousal, Reference, arousal, blocks, reference
from pipeline.indices.components import MOVING_MG, WRIST_MOVING_MG, Circumstances
from pipeline.indices.delayed_arousal import DelayedArousal, delayed_arousal
from pipeline.model import Floats, Marker, Phase
from pipeline.values import Spans, spans

_EDGE_S = 1e-6
STEP_S = 15.0  # of the course; its windows are as long as the reference's blocks

Indices = NDArray[np.intp]
# The columns of windows, floors off.
Columns = Callable[[Spans], Mapping[str, Floats]]


@dataclass(frozen=True, slots=True)
class Wearer:
    """What else the index needs to know: notes on the heart, pulses for beats, where motion is felt."""

    noted: str | None = None
    pulse: bool = False
    at_wrist: bool = False

    def circumstances(self, where: Spans) -> Circumstances:
        """The circumstances of these windows."""
        return Circumstances(
            paced=where.paced,
            speaking=where.speaking,
            noted=self.noted,
            pulse=self.pulse,
            moving_mg=WRIST_MOVING_MG if self.at_wrist else MOVING_MG,
        )


@dataclass(frozen=True, slots=True, eq=False)
class SessionIndices:
    """The reference, and arousal over the minute before each `time_s` with what it leads to."""

    wearer: Wearer
    reference: Reference | None
    time_s: Floats
    course: Arousal
    delayed: DelayedArousal

    def arousal(self, where: Spans, columns: Mapping[str, Floats]) -> Arousal:
        """Arousal of any windows: of longer ones the mean of the course's minutes that lie in them.

        A root or logarithm of five minutes is not the mean of those of each, which the reference is made of.
        The band is that of a minute, as minutes beside each other are alike; the basis is the commonest.
        """
        alone = arousal(columns, self.reference, self.wearer.circumstances(where))
        longer = np.flatnonzero(where.duration_s > BLOCK_S + _EDGE_S)
        value, low, high = alone.value.copy(), alone.low.copy(), alone.high.copy()
        basis, reasons = list(alone.basis), list(alone.reasons)
        for row in longer.tolist():
            minutes = self._minutes(float(where.start_s[row]), float(where.end_s[row]))
            if len(minutes):
                value[row], low[row], high[row] = (
                    float(np.mean(column[minutes]))
                    for column in (self.course.value, self.course.low, self.course.high)
                )
                words = Counter(self.course.basis[minute] for minute in minutes.tolist())
                basis[row], reasons[row] = words.most_common(1)[0][0], None
        return Arousal(value, low, high, tuple(basis), tuple(reasons))

    def _minutes(self, start_s: float, end_s: float) -> Indices:
        """The rows of the course with a value whose minute lies in a window."""
        first = np.searchsorted(self.time_s, start_s + BLOCK_S - _EDGE_S)
        rows = np.arange(first, np.searchsorted(self.time_s, end_s + _EDGE_S))
        return rows[np.isfinite(self.course.value[rows])]

    def delayed_mean(self, where: Spans) -> Floats:
        """The delayed model's middle line, averaged over each window; NaN where it has none."""
        means = np.full(len(where), np.nan)
        for row, (start_s, end_s) in enumerate(zip(where.start_s, where.end_s, strict=True)):
            inside = self.delayed.mid[slice(*np.searchsorted(self.time_s, (start_s, end_s)))]
            known = inside[np.isfinite(inside)]
            means[row] = known.mean() if len(known) else np.nan
        return means


def session_indices(
    columns: Columns,
    wearer: Wearer,
    baseline: Phase | None,
    phases: Sequence[Phase],
    markers: Sequence[Marker],
    duration_s: float,
) -> SessionIndices:
    """The indices of a session held against its baseline; without one there is no arousal."""
    held_against = None
    if baseline is not None:
        minutes = spans(*blocks(baseline.start_s, baseline.end_s), phases, markers)
        held_against = reference(columns(minutes), circumstances=wearer.circumstances(minutes))
    start_s = np.arange(0.0, duration_s - BLOCK_S + 1e-9, STEP_S, dtype=np.float64)
    where = spans(start_s, start_s + BLOCK_S, phases, markers)
    course = arousal(columns(where), held_against, wearer.circumstances(where))
    return SessionIndices(
        wearer, held_against, where.end_s, course, delayed_arousal(where.end_s, course.value, course.low)
    )
