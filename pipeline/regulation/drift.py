"""How blocks vary about the course of their phase, and how far their means are from what they stand for.

What each phase settles to and a decline towards it, with 60 s, are fitted and taken out: a course that every
phase of its kind takes is no error of its mean. What is left is taken for noise and a drift with memories of
15 s to 4 min, an octave apart and of equal parts: near 1/f, as the heart's rate is (Kobayashi & Musha 1982,
IEEE Trans Biomed Eng 29:456). The drift's share, which a few blocks hardly tell, is drawn towards what is
known of the measure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pipeline.model import Floats
from pipeline.regulation.blocks import Blocks

SETTLING_S = 60.0
MEMORIES_S = (15.0, 30.0, 60.0, 120.0, 240.0)
_PRIOR_PAIRS = 60.0  # of neighbours, that what is known weighs: a phase of five minutes has nine
_LEAST_R = -0.5
_BESIDE = 0.1  # of a length, by which neighbours may be more or less than one apart

Rows = NDArray[np.intp]
# Of each phase its blocks' places, where the first begins, and how long they are, in lengths of the first's.
Layout = tuple[tuple[bytes, float, float], ...]


@dataclass(frozen=True, slots=True)
class Drift:
    """How blocks of a measure vary: the variance of one, its degrees of freedom, how alike neighbours are."""

    variance: float
    degrees: float
    r: float

    @classmethod
    def of(cls, parts: Sequence[Blocks], share: float) -> Self:
        """From the blocks of one phase or of several, which all vary alike about their own courses.

        The lag-one correlation is the r of which the expected products of residuals would give the one seen;
        variance and degrees of freedom (Satterthwaite 1946) as in `pipeline.correlated.scatter`.
        """
        pattern = _pattern(_layout(parts))
        value = np.concatenate([each.value for each in parts])
        left = value - pattern.fitted @ (pattern.fitted.T @ value)
        squares = float(left @ left)
        r = share * pattern.most_r
        if squares > 0:
            seen = float(left[pattern.later] @ left[pattern.earlier]) / squares
            r = pattern.drawn(seen, r)
        trace = pattern.trace[0] + r * pattern.trace[1]
        of_squares = pattern.squares[0] + r * (pattern.squares[1] + r * pattern.squares[2])
        return cls(squares / trace, trace**2 / of_squares, r)

    def covariance(self, parts: Sequence[Blocks]) -> Floats:
        """Of the means of some phases' blocks, (k, k)."""
        pattern = _pattern(_layout(parts))
        return np.asarray(self.variance * (pattern.apart + self.r * pattern.alike))


def _layout(parts: Sequence[Blocks]) -> tuple[Layout, float]:
    first = parts[0]
    layout = tuple(
        (
            each.place.tobytes(),
            round((each.start_s - first.start_s) / first.length_s, 3),
            round(each.length_s / first.length_s, 6),
        )
        for each in parts
    )
    return layout, round(first.length_s, 6)


@dataclass(frozen=True, slots=True, eq=False)
class _Pattern:
    """What depends only on where blocks lie: n of them in k phases.

    `fitted` (n, p) spans their courses. `later` and `earlier` are the rows of neighbours. With the expected
    products of residuals A + r B: `side` and `trace` are the sums of A and B over neighbours and along the
    diagonal, `squares` those of A², 2 A B and B². `apart` and `alike` (k, k) are those of the phases' means.
    """

    fitted: Floats
    later: Rows
    earlier: Rows
    most_r: float
    side: tuple[float, float]
    trace: tuple[float, float]
    squares: tuple[float, float, float]
    apart: Floats
    alike: Floats

    def _expected(self, r: float) -> float:
        """The correlation of neighbouring residuals; it rises with r."""
        return (self.side[0] + r * self.side[1]) / (self.trace[0] + r * self.trace[1])

    def drawn(self, seen: float, prior_r: float) -> float:
        """The r that the correlation seen in residuals stands for, drawn towards the prior; 0 to `most_r`."""
        least, most = self._expected(_LEAST_R), self._expected(self.most_r)
        if least < seen < most:
            r = (seen * self.trace[0] - self.side[0]) / (self.side[1] - seen * self.trace[1])
        else:
            r = self.most_r if seen >= most else _LEAST_R
        pairs = len(self.later)
        return max(0.0, (pairs * r + _PRIOR_PAIRS * prior_r) / (pairs + _PRIOR_PAIRS))


@lru_cache(maxsize=512)
def _pattern(where: tuple[Layout, float]) -> _Pattern:
    layout, length_s = where
    places = [np.frombuffer(place) for place, _, _ in layout]
    at = np.concatenate([each * size + start for each, (_, start, size) in zip(places, layout, strict=True)])
    phase = np.repeat(np.arange(len(layout)), [len(each) for each in places])
    own = np.equal(phase[:, np.newaxis], np.arange(len(layout)))
    since_s = np.concatenate(
        [(each + 0.5) * size * length_s for each, (_, _, size) in zip(places, layout, strict=True)]
    )
    fitted = np.linalg.qr(np.column_stack([own, own * np.exp(-since_s / SETTLING_S)[:, np.newaxis]]))[0]
    distance = at[:, np.newaxis] - at
    later, earlier = np.nonzero(np.abs(distance - 1) < _BESIDE)
    most_r = _neighbours_r(length_s)
    alike = np.where(distance == 0, 0.0, _drift(np.abs(distance), length_s) / most_r)
    first, second = (_residual(each, fitted) for each in (np.eye(len(at)), alike))
    weights = np.where(own.T, 1.0, 0.0) / own.sum(axis=0)[:, np.newaxis]
    return _Pattern(
        fitted,
        later,
        earlier,
        most_r,
        side=(float(first[later, earlier].sum()), float(second[later, earlier].sum())),
        trace=(float(np.trace(first)), float(np.trace(second))),
        squares=(float(np.sum(first**2)), 2 * float(np.sum(first * second)), float(np.sum(second**2))),
        apart=np.asarray(weights @ weights.T),
        alike=np.asarray(weights @ alike @ weights.T),
    )


def _residual(products: Floats, fitted: Floats) -> Floats:
    """Expected products of residuals from those of values."""
    across = products - fitted @ (fitted.T @ products)
    return np.asarray(across - (across @ fitted) @ fitted.T)


def _neighbours_r(length_s: float) -> float:
    """The correlation of neighbouring blocks of nothing but drift."""
    return float(_drift(np.arange(2.0), length_s)[1])


def _drift(distance: Floats, length_s: float) -> Floats:
    """Correlations of the means of blocks of drift: of processes that forget as exp(-t / memory)."""
    total, alone = np.zeros(distance.shape), 0.0
    for memory_s in MEMORIES_S:
        memories = length_s / memory_s
        lost = -math.expm1(-memories)
        own = 2 / memories * (1 - lost / memories)
        alone += own
        across = (lost / memories) ** 2 * np.exp(-memories * np.maximum(distance - 1, 0.0))
        total += np.where(distance == 0, own, across)
    return np.asarray(total / alone)
