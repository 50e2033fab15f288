"""Values that follow each other and are alike: how alike, and how much their scatter then tells.

The lag-one correlation r of residuals is less than that of the values, the more so the fewer there are. It is
freed of that bias, and averaged with a prior that weighs as much as 15 pairs of neighbours, because so few
values hardly tell r: a choice that leans to the cautious side, not a figure from the literature. Errors and
degrees of freedom (Satterthwaite 1946) are those of an AR(1) process with that r.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np

from pipeline.model import Bools, Floats

_PRIOR_PAIRS = 15
_CORRELATIONS = np.linspace(-0.5, 0.95, 16)  # at which the bias of r is computed


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """How far each of n values lies from what was fitted, and its place among all; some may be missing.

    `fitted` (n, p) are orthonormal columns that span what was fitted and taken out; None where that is their
    mean.
    """

    residual: Floats
    place: Floats
    fitted: Floats | None = None

    @classmethod
    def about(cls, value: Floats, place: Floats, course: Floats) -> Self:
        """The residuals of values about a mean and the columns of a course (n, p), by least squares."""
        fitted = np.linalg.qr(np.column_stack([np.ones(len(value)), course]))[0]
        return cls(np.asarray(value - fitted @ (fitted.T @ value)), place, fitted)

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

    def residual_products(self, r: float) -> Floats:
        """Expected products of the residuals of values of variance 1: what was fitted is out of them."""
        fitted = (
            np.full((len(self.place), 1), len(self.place) ** -0.5) if self.fitted is None else self.fitted
        )
        products = self.correlations(r)
        across = products - fitted @ (fitted.T @ products)
        return np.asarray(across - (across @ fitted) @ fitted.T)


def lag_one(runs: Sequence[Run], prior_r: float) -> float:
    """The lag-one correlation in some runs, without its bias, drawn towards the prior; at least 0.

    It is the r of which the expected products of residuals would give the correlation seen.
    """
    seen = [np.outer(run.residual, run.residual) for run in runs]
    if not any(np.any(each) for each in seen):
        return prior_r
    side, total = np.sum([_expected(*_pattern(run)) for run in runs], axis=0)
    seen_side = sum(float(each[run.neighbours].sum()) for each, run in zip(seen, runs, strict=True))
    rising = np.maximum.accumulate(side / total)  # a pattern of missing values may bend it down at the end
    found = seen_side / sum(float(np.trace(each)) for each in seen)
    unbiased = float(np.interp(found, rising, _CORRELATIONS))
    pairs = sum(int(np.count_nonzero(run.neighbours)) for run in runs)
    return max(0.0, (pairs * unbiased + _PRIOR_PAIRS * prior_r) / (pairs + _PRIOR_PAIRS))


def scatter(runs: Sequence[Run], r: float) -> tuple[float, float]:
    """The variance of a value, from all runs together, and its degrees of freedom.

    With R the correlations of the values and C = M R M those of the residuals, M taking out what was fitted:
    a sum of squares S estimates the variance S / tr C with (tr C)² / tr C² degrees of freedom (Satterthwaite
    1946). That of a run's mean is that times the mean of R.
    """
    products = [run.residual_products(r) for run in runs]
    trace = sum(float(np.trace(each)) for each in products)
    variance = sum(float(np.sum(run.residual**2)) for run in runs) / trace
    return variance, trace**2 / sum(float(np.sum(each**2)) for each in products)


def _pattern(run: Run) -> tuple[bytes, bytes]:
    return run.place.tobytes(), b"" if run.fitted is None else run.fitted.tobytes()


@lru_cache(maxsize=512)
def _expected(place: bytes, fitted: bytes) -> Floats:
    """Sums of the expected products of neighbours and of residuals with themselves, for each r: (2, r).

    Phases of one length share them.
    """
    places = np.frombuffer(place)
    columns = np.frombuffer(fitted).reshape(len(places), -1) if fitted else None
    run = Run(np.zeros(len(places)), places, columns)
    products = [run.residual_products(r) for r in _CORRELATIONS.tolist()]
    side = [float(each[run.neighbours].sum()) for each in products]
    return np.array([side, [float(np.trace(each)) for each in products]])
