"""How far two raters agree: counts of what each left out, Cohen's kappa, and how far their spans overlap."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from pipeline.model import Bools
from pipeline.spans import Stretches

_HALF = 0.5 - 1e-9  # of a second


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of n things how many both left out, only the first, only the second, neither."""

    both: int = 0
    first_only: int = 0
    second_only: int = 0
    neither: int = 0

    @classmethod
    def of(cls, first: Bools, second: Bools) -> Self:
        """From what each left out, (n,) each."""
        counts = np.bincount(2 * first.astype(np.intp) + second.astype(np.intp), minlength=4).tolist()
        neither, second_only, first_only, both = counts
        return cls(both, first_only, second_only, neither)

    def __add__(self, other: Agreement) -> Agreement:
        return Agreement(
            self.both + other.both,
            self.first_only + other.first_only,
            self.second_only + other.second_only,
            self.neither + other.neither,
        )

    @property
    def n(self) -> int:
        return self.both + self.first_only + self.second_only + self.neither

    @property
    def observed(self) -> float | None:
        """The share on which they agree; None of nothing."""
        return (self.both + self.neither) / self.n if self.n else None

    @property
    def shares(self) -> tuple[float, float] | None:
        """What share each left out, which kappa depends on; None of nothing."""
        if not self.n:
            return None
        return (self.both + self.first_only) / self.n, (self.both + self.second_only) / self.n

    @property
    def kappa(self) -> float | None:
        """Cohen's kappa (1960, eq. 1); None where both gave everything one label, as chance would, too."""
        if self.observed is None or self.shares is None:
            return None
        first, second = self.shares
        expected = first * second + (1 - first) * (1 - second)
        return (self.observed - expected) / (1 - expected) if expected < 1 else None


@dataclass(frozen=True, slots=True)
class Overlap:
    """Seconds that both left out, and that either did."""

    both_s: float = 0.0
    either_s: float = 0.0

    @classmethod
    def of(cls, first: Stretches, second: Stretches) -> Self:
        """From the stretches that each left out."""
        both_s = float(second.seconds(first.start_s, first.end_s).sum())
        return cls(both_s, _length_s(first) + _length_s(second) - both_s)

    def __add__(self, other: Overlap) -> Overlap:
        return Overlap(self.both_s + other.both_s, self.either_s + other.either_s)

    @property
    def jaccard(self) -> float | None:
        """What both left out, over what either did (Jaccard 1912); None where neither left anything out."""
        return self.both_s / self.either_s if self.either_s > 0 else None


def whole_seconds(spans: Stretches, until_s: float) -> Bools:
    """Which whole seconds before `until_s` the stretches fill by half or more."""
    start_s = np.arange(math.floor(until_s), dtype=np.float64)
    return np.asarray(spans.seconds(start_s, start_s + 1.0) >= _HALF)


def until(spans: Stretches, until_s: float) -> Stretches:
    """The stretches up to a moment."""
    ends_s = np.minimum(spans.end_s, until_s).tolist()
    return Stretches.of(zip(spans.start_s.tolist(), ends_s, strict=True))


def _length_s(spans: Stretches) -> float:
    return float(np.sum(spans.end_s - spans.start_s))
