"""How sure the mean amplitude at each rate is, and which rates it can tell apart, from breath to breath.

Breaths that follow each other are alike, so there are fewer independent ones than breaths. Their scatter and
their lag-one correlation are taken from all steps together, each breath relative to its step's mean, since
seven breaths hardly tell either; the correlation is drawn towards 0.3, see `pipeline.correlated`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from pipeline.correlated import Run, lag_one, scatter
from pipeline.guidance.resonance_agreement import AMPLITUDE_TIE_SHARE
from pipeline.model import Floats

CONFIDENCE = 0.95

_PRIOR_R = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class Amplitudes:
    """The amplitudes of a step's clean breaths (n,) in bpm, and which of its breaths they are."""

    value_bpm: Floats
    place: Floats

    @property
    def mean_bpm(self) -> float:
        return float(np.mean(self.value_bpm))

    @property
    def run(self) -> Run:
        """How far each breath lies from the mean, as a share of it."""
        mean_bpm = self.mean_bpm
        share = np.asarray(self.value_bpm / mean_bpm - 1.0) if mean_bpm > 0 else 0 * self.value_bpm
        return Run(share, self.place)


@dataclass(frozen=True, slots=True)
class Means:
    """The mean amplitude at each rate in bpm, its standard error, and those errors' degrees of freedom."""

    mean_bpm: Mapping[float, float]
    error_bpm: Mapping[float, float]
    degrees: float

    @classmethod
    def of(cls, by_rate: Mapping[float, Amplitudes]) -> Self:
        """Errors of correlated breaths, of one scatter and one correlation."""
        runs = [each.run for each in by_rate.values()]
        r = lag_one(runs, _PRIOR_R)
        variance, degrees = scatter(runs, r)
        return cls(
            mean_bpm={rate: each.mean_bpm for rate, each in by_rate.items()},
            error_bpm={
                rate: each.mean_bpm * math.sqrt(variance * float(np.mean(each.run.correlations(r))))
                for rate, each in by_rate.items()
            },
            degrees=degrees,
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
