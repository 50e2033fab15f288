"""How sure the mean amplitude at each rate is, and which rates it can tell apart, from breath to breath.

Breaths that follow each other are alike, so there are fewer independent ones than breaths. Their scatter and
their lag-one correlation r are taken from all steps together, each breath relative to its step's mean, since
seven breaths hardly tell either. r is corrected for its bias and averaged with a prior of 0.3 that weighs as
much as 15 pairs of neighbours: a choice that leans to the cautious side, not a figure from the literature.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from pipeline.guidance.resonance_agreement import AMPLITUDE_TIE_SHARE
from pipeline.model import Bools, Floats

CONFIDENCE = 0.95

_PRIOR_R, _PRIOR_PAIRS = 0.3, 15
_CORRELATIONS = np.linspace(-0.5, 0.95, 16)  # at which the bias of r is computed


@dataclass(frozen=True, slots=True, eq=False)
class Amplitudes:
    """The amplitudes of a step's clean breaths (n,) in bpm, and which of its breaths they are."""

    value_bpm: Floats
    place: Floats

    @property
    def mean_bpm(self) -> float:
        return float(np.mean(self.value_bpm))

    @property
    def residual(self) -> Floats:
        """How far each breath lies from the mean, as a share of it."""
        return np.asarray(self.value_bpm / self.mean_bpm - 1.0) if self.mean_bpm > 0 else 0 * self.value_bpm

    @property
    def distance(self) -> Floats:
        return np.abs(self.place[:, None] - self.place)

    @property
    def neighbours(self) -> Bools:
        return np.asarray(self.place[:, None] - self.place == 1)


@dataclass(frozen=True, slots=True)
class Means:
    """The mean amplitude at each rate in bpm, its standard error, and those errors' degrees of freedom."""

    mean_bpm: Mapping[float, float]
    error_bpm: Mapping[float, float]
    degrees: float

    @classmethod
    def of(cls, by_rate: Mapping[float, Amplitudes]) -> Self:
        """Errors of correlated breaths: with R their correlations and C those of the residuals.

        The scatter is the sum of squares over tr C with (tr C)² / tr C² degrees of freedom (Satterthwaite
        1946), and the variance of a mean is that times the mean of R.
        """
        steps = list(by_rate.values())
        r = _lag_one(steps)
        centred = [_centred(r**each.distance) for each in steps]
        trace = sum(float(np.trace(each)) for each in centred)
        variance = sum(float(np.sum(each.residual**2)) for each in steps) / trace
        return cls(
            mean_bpm={rate: each.mean_bpm for rate, each in by_rate.items()},
            error_bpm={
                rate: each.mean_bpm * math.sqrt(variance * float(np.mean(r**each.distance)))
                for rate, each in by_rate.items()
            },
            degrees=trace**2 / sum(float(np.sum(each**2)) for each in centred),
        )

    def interval_bpm(self, rate: float) -> tuple[float, float]:
        """The 95 % interval of the mean at one rate, by Student's t."""
        from scipy.special import stdtrit

        half = float(stdtrit(max(self.degrees, 1.0), 0.5 + CONFIDENCE / 2)) * self.error_bpm[rate]
        return self.mean_bpm[rate] - half, self.mean_bpm[rate] + half

    def lower_than(self, best: float) -> frozenset[float]:
        """The rates whose amplitude is reliably lower than that of the rate `best`.

        All rates are compared at once (Tukey 1949; Kramer 1956, for unequal counts), so that picking the best
        of many does not make it look apart. Less than a twentieth is never named a difference.
        """
        from scipy.stats import studentized_range

        limit = float(studentized_range.ppf(CONFIDENCE, len(self.mean_bpm), max(self.degrees, 2.0)))
        top_bpm = self.mean_bpm[best]
        return frozenset(
            rate
            for rate, mean_bpm in self.mean_bpm.items()
            if top_bpm - mean_bpm > AMPLITUDE_TIE_SHARE * top_bpm
            and top_bpm - mean_bpm > limit * self._error(best, rate) / math.sqrt(2.0)
        )

    def _error(self, one: float, other: float) -> float:
        return math.hypot(self.error_bpm[one], self.error_bpm[other])


def _lag_one(steps: Sequence[Amplitudes]) -> float:
    """The lag-one correlation of breaths, freed of its bias, drawn towards the prior; at least 0."""

    def ratio(products: Sequence[Floats]) -> float:
        side = sum(float(each[step.neighbours].sum()) for each, step in zip(products, steps, strict=True))
        return side / sum(float(np.trace(each)) for each in products)

    seen = [np.outer(step.residual, step.residual) for step in steps]
    if not any(np.any(each) for each in seen):
        return _PRIOR_R
    expected = [ratio([_centred(_power(r, step.distance)) for step in steps]) for r in _CORRELATIONS]
    unbiased = float(np.interp(ratio(seen), np.maximum.accumulate(expected), _CORRELATIONS))
    pairs = sum(int(np.count_nonzero(step.neighbours)) for step in steps)
    return max(0.0, (pairs * unbiased + _PRIOR_PAIRS * _PRIOR_R) / (pairs + _PRIOR_PAIRS))


def _power(r: float, distance: Floats) -> Floats:
    return np.asarray(r**distance, dtype=np.float64)


def _centred(products: Floats) -> Floats:
    """Expected products of residuals from those of values: row and column means taken out."""
    across = products - products.mean(axis=0, keepdims=True)
    return np.asarray(across - across.mean(axis=1, keepdims=True))
