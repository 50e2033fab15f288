"""How much a person's own measure moves from day to day: a prior from the literature, and what they teach it.

A person's baselines scatter about their level with a standard deviation sigma on the measure's scale, each
correlated with the one before by r. What is supposed of sigma has the literature's value as its median and
its least value as a floor; of r it is a falling exponential: small, and seldom large. Both are learned
together, on a grid, from how a person's own baselines scatter within blocks of five, each block about a level
of its own, so that a change between blocks is no error (restricted likelihood; Patterson & Thompson 1971).
Few sessions leave the prior nearly as it is; many take its place. See docs/progress.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from pipeline.model import Floats
from pipeline.progress.measures import Measure, Prior, Scale, cv_of

_R = np.arange(7) / 10
_R_SCALE = 0.2  # of its exponential prior, which has a mean of 0.13 on this grid
_STEPS = np.linspace(0.05, 4.8, 26)  # above the least sigma, in units of the prior's scale


@dataclass(frozen=True, slots=True)
class Reliability:
    """A measure's day-to-day error in one person.

    `cv`, with a 95 % interval, as a part of the value (for a scale of roots: the error of the root). `sigma`
    the same on the measure's scale. `r` is the correlation of neighbouring days. It rests on `sessions` of
    the person's own; `learned` is the share of the prior's uncertainty that they took away, 0 to 1. `source`
    is the prior's.
    """

    cv: float
    low: float
    high: float
    sigma: float
    r: float
    sessions: int
    learned: float
    source: str


@dataclass(frozen=True, slots=True, eq=False)
class Error:
    """What is known of sigma (s,) and r (q,): the weight (q, s) of each pair, which sum to 1."""

    sigma: Floats
    weight: Floats

    def tail(self, size: float, unit: Floats) -> float:
        """How probable a difference this far from none, to either side, is if there is none.

        `unit` (q,) is its standard deviation for a sigma of 1, see `unit_of`.
        """
        from scipy.special import ndtr

        return float(2 * np.sum(self.weight * ndtr(-abs(size) / (unit[:, None] * self.sigma))))

    def limit(self, probability: float, unit: Floats) -> float:
        """The difference whose tail has this probability, within a thousandth of itself."""
        low, high = 0.0, 20.0 * float(np.max(unit)) * float(np.max(self.sigma))
        while high - low > 1e-3 * high:
            middle = (low + high) / 2
            low, high = (middle, high) if self.tail(middle, unit) > probability else (low, middle)
        return high

    def quantile(self, share: float) -> float:
        """The sigma below which this share of the weight lies."""
        total = np.cumsum(self.weight.sum(axis=0))
        return float(np.exp(np.interp(share, total - self.weight.sum(axis=0) / 2, np.log(self.sigma))))

    @property
    def middle(self) -> float:
        """The median of sigma."""
        return self.quantile(0.5)

    @property
    def r(self) -> float:
        """The mean of r."""
        return float(self.weight.sum(axis=1) @ _R)

    @property
    def uncertainty(self) -> float:
        """The variance of ln sigma."""
        weight, log = self.weight.sum(axis=0), np.log(self.sigma)
        return float(weight @ (log - weight @ log) ** 2)


def unit_of(place: Sequence[float], contrast: Floats) -> Floats:
    """The standard deviation (q,) of a weighted sum of baselines, for a sigma of 1 and each r."""
    return np.asarray(np.sqrt(np.maximum(contrast @ _alike(place) @ contrast, 1e-12)))


@lru_cache(maxsize=32)
def supposed(prior: Prior) -> Error:
    """What is supposed before a person has baselines of their own."""
    above = prior.scale * _STEPS
    weight = np.log(_STEPS) - 0.5 * _STEPS**2 - (_R / _R_SCALE)[:, None]
    return Error(prior.least * np.exp(above), _normal(weight))


def learned(prior: Prior, values: Sequence[float], place: Sequence[int], block: Sequence[int]) -> Error:
    """What a person's baselines teach: scaled values, their places among the days, the block of each."""
    before = supposed(prior)
    design = _design(tuple(place), tuple(block))
    if design is None:
        return before
    inside = design.contrasts.T @ np.asarray(values, dtype=np.float64)
    squares = np.einsum("i,qij,j->q", inside, design.precision, inside)
    log_weight = (
        np.log(before.weight)
        - 0.5 * design.log_size[:, None]
        - len(inside) * np.log(before.sigma)
        - 0.5 * squares[:, None] / before.sigma**2
    )
    return Error(before.sigma, _normal(log_weight))


def reliability(measure: Measure, error: Error, sessions: int) -> Reliability:
    """The error as it is told."""
    told = cv_of if measure.scale is Scale.LN else float
    taken = 1 - error.uncertainty / supposed(measure.prior).uncertainty
    return Reliability(
        cv=told(error.middle),
        low=told(error.quantile(0.025)),
        high=told(error.quantile(0.975)),
        sigma=error.middle,
        r=error.r,
        sessions=sessions,
        learned=min(max(taken, 0.0), 1.0) if sessions else 0.0,
        source=measure.prior.source,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Design:
    """Contrasts (n, m) that no block's level moves; for each r their precision and log determinant."""

    contrasts: Floats
    precision: Floats
    log_size: Floats


@lru_cache(maxsize=512)
def _design(place: tuple[int, ...], block: tuple[int, ...]) -> _Design | None:
    """The contrasts within blocks; None where there are none. Layouts come again with every client."""
    levels = np.equal.outer(block, sorted(set(block))).astype(np.float64)
    if len(place) <= levels.shape[1]:
        return None
    whole = np.linalg.svd(levels)[0]
    contrasts = whole[:, levels.shape[1] :]
    spread = contrasts.T @ _alike(place) @ contrasts
    return _Design(contrasts, np.linalg.inv(spread), np.linalg.slogdet(spread)[1])


def _alike(place: Sequence[float]) -> Floats:
    """Correlations (q, n, n) of baselines at these places: r to the power of their distance."""
    at = np.asarray(place, dtype=np.float64)
    return np.asarray(_R[:, None, None] ** np.abs(at[:, None] - at), dtype=np.float64)


def _normal(log_weight: Floats) -> Floats:
    weight = np.exp(log_weight - log_weight.max())
    return np.asarray(weight / weight.sum())
