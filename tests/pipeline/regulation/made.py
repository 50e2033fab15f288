"""Measures that are known: levels, wandering blocks, curves."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from pipeline.model import Phase, PhaseKind
from pipeline.regulation.blocks import Measure

BASELINE = Phase("Baseline", PhaseKind.BASELINE, 0, 300)
CHALLENGE = Phase("Challenge", PhaseKind.STRESSOR, 300, 600)
RECOVERY = Phase("Recovery", PhaseKind.RECOVERY, 600, 900)

Value = Callable[[float, float], float | None]


def measure(value: Value, name: str = "x") -> Measure:
    """A measure of one stretch at a time, over many."""

    def over(start_s: np.ndarray, end_s: np.ndarray) -> np.ndarray:
        found = [value(start, end) for start, end in zip(start_s.tolist(), end_s.tolist(), strict=True)]
        return np.array([math.nan if each is None else each for each in found], dtype=np.float64)

    return Measure(name, over)


def level(
    noise: float = 0.5, rise: float = 10.0, left: float = 0.25, early: float = 0.75, seed: int = 1
) -> Value:
    """70 at baseline, `rise` more in the challenge, `early` of that for 135 s after it, then `left`."""
    dice = np.random.default_rng(seed)

    def value(start_s: float, _: float) -> float:
        share = 0.0 if start_s < 300 else 1.0 if start_s < 600 else early if start_s < 735 else left
        return 70 + rise * share + float(dice.normal(0, noise))

    return value


def wandering(r: float, blocks: int, seed: int, missing: frozenset[int] = frozenset()) -> Value:
    """An AR(1) process of variance 1, a value per block of 30 s; some blocks without one."""
    dice = np.random.default_rng(seed)
    values = [float(dice.normal())]
    for innovation in dice.normal(0, math.sqrt(1 - r * r), blocks - 1):
        values.append(r * values[-1] + float(innovation))
    known = [None if place in missing else value for place, value in enumerate(values)]
    return lambda start_s, _: known[int(start_s // 30)]
