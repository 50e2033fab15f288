"""A phase in blocks of half a minute or more, each a value of its own: what a measure's error is taken from.

A block holds three breaths at least, so that where it begins in a breath matters little. Blocks that follow
each other are alike; `pipeline.regulation.drift` says how much their scatter then tells.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np

from pipeline.correlated import Run
from pipeline.model import Floats, Phase

SHORTEST_S = 30.0
BREATHS = 3
ENOUGH = 8  # blocks for an interval of a phase by itself
MOST = 40  # of a phase: a longer one has longer blocks


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure, and its value over stretches of time: (k,) starts and ends in s to (k,) values, NaN without.

    `block_s` is the shortest block that a phase may be cut into. `drift_share` is the part of drift in what
    the measure does from block to block, as far as one knows beforehand.
    """

    name: str
    over: Callable[[Floats, Floats], Floats]
    block_s: Callable[[Phase], float] = lambda _: SHORTEST_S
    drift_share: float = 0.7


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """The blocks of a phase that have a value, and their places in it: (n,) each, of `length_s`."""

    value: Floats
    place: Floats
    length_s: float
    start_s: float = 0.0

    def __len__(self) -> int:
        return len(self.value)

    @classmethod
    def of(cls, measure: Measure, phase: Phase) -> Self:
        """The blocks of a phase, which they fill from end to end; none where it is shorter than one."""
        edges = edges_s(phase, measure.block_s(phase))
        length_s = float(edges[1] - edges[0]) if len(edges) > 1 else 0.0
        return cls.known(measure.over(edges[:-1], edges[1:]), length_s, phase.start_s)

    @classmethod
    def known(cls, values: Floats, length_s: float, start_s: float = 0.0) -> Self:
        """Of the values of all blocks of a phase those that are finite."""
        rows = np.flatnonzero(np.isfinite(values))
        return cls(np.asarray(values[rows]), rows.astype(np.float64), length_s, start_s)

    @property
    def run(self) -> Run:
        """How far each lies from their mean."""
        return Run(np.asarray(self.value - self.value.mean()), self.place)

    @property
    def mean(self) -> float:
        return float(self.value.mean())


def edges_s(phase: Phase, shortest_s: float) -> Floats:
    """Where blocks begin and end: as many as fit of the shortest, of one length, `MOST` at the most."""
    count = min(math.floor(phase.duration_s / shortest_s + 1e-6), MOST)
    return np.linspace(phase.start_s, phase.end_s, count + 1) if count else np.empty(0)


def shortest_s(breaths_per_min: float | None) -> float:
    """The shortest block at a rate of breathing: 30 s, or three breaths."""
    return max(SHORTEST_S, BREATHS * 60.0 / breaths_per_min) if breaths_per_min else SHORTEST_S


def t95(degrees: float) -> float:
    """The 97.5 % point of Student's t; degrees need not be whole and count as 1 at least."""
    from scipy.special import stdtrit

    return float(stdtrit(max(degrees, 1.0), 0.975))
