"""Values that follow each other and are alike: how alike, and how much their scatter then tells.

The lag-one correlation r of residuals is less than that of the values, the more so the fewer there are. It is
freed of that bias, and averaged with a prior that weighs as much as 15 pairs of neighbours, because so few
values hardly tell r: a choice that leans to the cautious side, not a figure from the literature. Errors and
degrees of freedom (Satterthwaite 1946) are those of an AR(1) process with that r.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.model import Bools, Floats

_PRIOR_PAIRS = 15
_CORRELATIONS = np.linspace(-0.5, 0.95, 16)  # at which the bias of r is computed


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """How far each of n values lies from their mean, and its place among all; some may be missing."""

    residual: Floats
    place: Floats

    @property
    def distance(self) -> Floats:
        """How many places each lies after each other."""
        return self.place[:, np.newaxis] - self.place

    @property
    def neighbours(self) -> Bools:
        """Which pairs follow each other; across a missing value none do."""
        return np.asarray(self.distance == 1)

    def correlations(self, r: float) -> Floats:
        """Correlations of the values of an AR(1) process: r to the power of their distance."""
        return np.asarray(r ** np.abs(self.distance), dtype=np.float64)


def lag_one(runs: Sequence[Run], prior_r: float) -> float:
    """The lag-one correlation in some runs, without its bias, drawn towards the prior; at least 0.

    It is the r of which the expected products of residuals would give the correlation seen.
    """

    def ratio(products: Sequence[Floats]) -> float:
        side = sum(float(each[run.neighbours].sum()) for each, run in zip(products, runs, strict=True))
        return side / sum(float(np.trace(each)) for each in products)

    seen = [np.outer(run.residual, run.residual) for run in runs]
    if not any(np.any(each) for each in seen):
        return prior_r
    expected = [ratio([_centred(run.correlations(r)) for run in runs]) for r in _CORRELATIONS]
    rising = np.maximum.accumulate(expected)  # a pattern of missing values may bend it down at the end
    unbiased = float(np.interp(ratio(seen), rising, _CORRELATIONS))
    pairs = sum(int(np.count_nonzero(run.neighbours)) for run in runs)
    return max(0.0, (pairs * unbiased + _PRIOR_PAIRS * prior_r) / (pairs + _PRIOR_PAIRS))


def scatter(runs: Sequence[Run], r: float) -> tuple[float, float]:
    """The variance of a value, from all runs together, and its degrees of freedom.

    With R the correlations of the values and C = M R M those of the residuals, M taking out the mean: a sum
    of squares S estimates the variance S / tr C with (tr C)² / tr C² degrees of freedom (Satterthwaite 1946).
    That of a run's mean is that times the mean of R.
    """
    centred = [_centred(run.correlations(r)) for run in runs]
    trace = sum(float(np.trace(each)) for each in centred)
    variance = sum(float(np.sum(run.residual**2)) for run in runs) / trace
    return variance, trace**2 / sum(float(np.sum(each**2)) for each in centred)


def _centred(products: Floats) -> Floats:
    """Expected products of residuals from those of values: row and column means taken out."""
    across = products - products.mean(axis=0, keepdims=True)
    return np.asarray(across - across.mean(axis=1, keepdims=True))
