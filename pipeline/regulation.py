"""Reactivity and recovery: how far a challenge moved a measure, and how much of that was left afterwards.

Each estimate carries an error from blocks of 30 s, so that a difference is named only where it stands
out of the person's own moment-to-moment change. Paced phases are never compared with unpaced ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.model import Floats, Phase, PhaseKind

BLOCK_S = 30.0
SPEECH_S = 15.0  # after a task's end: a last spoken answer still moves the breath
LAST_S = 120.0  # the end of recovery, over which what is left of a reaction is judged
_MIN_BLOCKS = 4

# A measure over a stretch of time: its value, or None where the data cannot carry one.
Measure = Callable[[float, float], float | None]


@dataclass(frozen=True, slots=True)
class Reactivity:
    """Change of a measure from baseline to challenge, with a 95 % interval; or why there is none."""

    measure: str
    baseline: str
    challenge: str
    change: float | None
    low: float | None = None
    high: float | None = None
    blocks: int = 0
    reason: str | None = None

    @property
    def stands_out(self) -> bool:
        """Whether the interval excludes no change."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


@dataclass(frozen=True, slots=True)
class Recovery:
    """The share of a reaction still there in the last two minutes of recovery: 0 none, 1 all; or why not."""

    measure: str
    challenge: str
    recovery: str
    share_left: float | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class _Blocks:
    mean: float
    error: float
    n: int


def baseline_of(phases: Sequence[Phase]) -> Phase | None:
    """The phase that others are held against: the first baseline, else the reference that stands in."""
    for kind in (PhaseKind.BASELINE, PhaseKind.REFERENCE):
        found = next((phase for phase in phases if phase.kind is kind), None)
        if found:
            return found
    return None


def reactivity(name: str, measure: Measure, baseline: Phase, challenge: Phase) -> Reactivity:
    """The change of a measure from baseline to challenge, over blocks of 30 s of each."""
    before, during = _blocks(measure, baseline), _blocks(measure, challenge)
    if before is None or during is None:
        where = baseline.name if before is None else challenge.name
        return Reactivity(
            name, baseline.name, challenge.name, None, reason=f"too little usable signal in {where}"
        )
    change = during.mean - before.mean
    margin = _t95(before.n + during.n - 2) * math.hypot(before.error, during.error)
    return Reactivity(
        name, baseline.name, challenge.name, change, change - margin, change + margin, before.n + during.n
    )


def recovery(name: str, measure: Measure, reaction: Reactivity, baseline: Phase, after: Phase) -> Recovery:
    """How much of a reaction is left at the end of the recovery phase that follows it."""

    def not_estimable(reason: str) -> Recovery:
        return Recovery(name, reaction.challenge, after.name, None, reason)

    if reaction.change is None:
        return not_estimable(reaction.reason or "no reaction was estimated")
    if not reaction.stands_out:
        return not_estimable("the reaction does not stand out from ordinary change")
    if after.duration_s < LAST_S + SPEECH_S:
        return not_estimable("the recovery phase is shorter than 2 min 15 s")
    end = Phase(after.name, after.kind, after.end_s - LAST_S, after.end_s)
    before, left = _blocks(measure, baseline), _blocks(measure, end)
    if before is None or left is None:
        return not_estimable("too little usable signal at the end of recovery")
    return Recovery(name, reaction.challenge, after.name, (left.mean - before.mean) / reaction.change)


def following(phases: Sequence[Phase], challenge: Phase) -> Phase | None:
    """The recovery phase right after a challenge, if there is one."""
    later = [phase for phase in phases if phase.start_s >= challenge.end_s - 1]
    return later[0] if later and later[0].kind is PhaseKind.RECOVERY else None


def _blocks(measure: Measure, phase: Phase) -> _Blocks | None:
    """Mean and standard error over the blocks of a phase, allowing for correlation from block to block."""
    count = int(phase.duration_s // BLOCK_S)
    starts = phase.start_s + BLOCK_S * np.arange(count)
    measured = [measure(float(start), float(start) + BLOCK_S) for start in starts]
    values = np.array([value for value in measured if value is not None and math.isfinite(value)])
    if len(values) < _MIN_BLOCKS:
        return None
    spread = float(values.std(ddof=1))
    return _Blocks(float(values.mean()), spread * math.sqrt(_inflation(values) / len(values)), len(values))


def _inflation(values: Floats) -> float:
    """Variance inflation of a mean of correlated values: (1 + r) / (1 - r) for lag-one correlation r.

    r is clipped to 0 .. 0.6: with a handful of blocks it is itself hardly known.
    """
    centred = values - values.mean()
    power = float(np.sum(centred**2))
    r = float(np.sum(centred[1:] * centred[:-1])) / power if power > 0 else 0.0
    r = min(max(r, 0.0), 0.6)
    return (1 + r) / (1 - r)


def _t95(degrees: int) -> float:
    """The 97.5 % point of Student's t (Cornish-Fisher expansion; within 0.5 % from 4 degrees on)."""
    z = 1.959964
    n = max(degrees, 1)
    return z + (z**3 + z) / (4 * n) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2)
