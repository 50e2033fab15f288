"""For how much of a phase arousal was near the person's own baseline, of the time that is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.indices.arousal import BLOCK_S, NO_REFERENCE
from pipeline.indices.session import SessionIndices
from pipeline.language import reason
from pipeline.model import Floats, Phase
from pipeline.spans import Stretches

BAND = (40.0, 60.0)  # one standard deviation of the person's own baseline to either side
ENOUGH_S = 120.0
_EDGE_S = 1e-6


@dataclass(frozen=True, slots=True)
class NearBaseline:
    """The share of a phase's valid time with arousal within the band of the person's own baseline.

    `valid_s` is the time that counts: minutes of the phase of which arousal is known. `share` is None where
    that is under two minutes, and then why.
    """

    phase: str
    start_s: float
    share: float | None
    valid_s: float
    reason: str | None = None


def near_baseline(phases: Sequence[Phase], indices: SessionIndices) -> tuple[NearBaseline, ...]:
    """The share of each phase near the baseline; what is missing counts neither as near nor as far.

    A share of minutes that end every 15 s and lie in the phase. A paced phase has none: its breathing
    moves the heart by itself, so it is not held against an unpaced baseline.
    """
    return tuple(_near(phase, indices) for phase in phases)


def _near(phase: Phase, indices: SessionIndices) -> NearBaseline:
    if indices.reference is None:
        return NearBaseline(phase.name, phase.start_s, None, 0.0, NO_REFERENCE)
    if phase.paced:
        return NearBaseline(phase.name, phase.start_s, None, 0.0, reason("regulation.paced"))
    inside = (indices.time_s >= phase.start_s + BLOCK_S - _EDGE_S) & (indices.time_s <= phase.end_s + _EDGE_S)
    known = inside & np.isfinite(indices.course.value)
    valid_s = _filled_s(indices.time_s[known])
    if valid_s < ENOUGH_S - _EDGE_S:
        why = reason("regulation.too_little_known", seconds=round(valid_s))
        return NearBaseline(phase.name, phase.start_s, None, valid_s, why)
    value = indices.course.value[known]
    near = (value >= BAND[0]) & (value <= BAND[1])
    return NearBaseline(phase.name, phase.start_s, float(np.mean(near)), valid_s)


def _filled_s(end_s: Floats) -> float:
    """How long minutes that end at these times are together."""
    minutes = Stretches.of(zip((end_s - BLOCK_S).tolist(), end_s.tolist(), strict=True))
    return float(np.sum(minutes.end_s - minutes.start_s))
