"""Whether a measure has changed by more than a person's usual ups and downs, at looks that were planned.

The first five baselines are the reference. Five later ones at a time are held against it, and each time is
a look. All the looks of a client share an error of 5 %: most of it is spent at the first, and of the rest the
k-th look has 1 / (k (k - 1)) (alpha spending; Lan & DeMets 1983). Two primary measures share it evenly. What
was named once is kept at later looks while it stands at 5 %: it has been said already. Between looks nothing
is tested, however often somebody looks. What is shown of a change is its ordinary 95 % interval; the bar of a
look is never lower, and from the second look on much higher. See docs/progress.md.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

import numpy as np

from pipeline.model import Floats
from pipeline.progress.measures import Measure, Scale
from pipeline.progress.reliability import Error, learned, unit_of

REFERENCE_N = 5  # baselines in a reference, and in each block of later ones
LEAST_N = 3  # before anything is said
LEVEL = 0.05  # of all the looks of a client together
FIRST_LEVEL = 0.043

_RECENT = 5  # later blocks that the error is learned from: a person's error may change over the years


class Verdict(StrEnum):
    """What a look came to. A measure that was not chosen beforehand is not judged."""

    HIGHER = "reliably higher"
    LOWER = "reliably lower"
    NO_CHANGE = "no detectable change"
    INSUFFICIENT = "insufficient data"
    NOT_JUDGED = "not judged"

    @property
    def reliable(self) -> bool:
        return self in (Verdict.HIGHER, Verdict.LOWER)


@dataclass(frozen=True, slots=True)
class Change:
    """A change from the reference: a ratio, or a difference in the measure's unit.

    `low` and `high` are its 95 % interval, which no look's share of the error widens.
    """

    scale: Scale
    value: float
    low: float
    high: float

    @property
    def none(self) -> float:
        """What no change is: a ratio of 1, a difference of 0."""
        return 1.0 if self.scale is Scale.LN else 0.0

    @property
    def excludes_none(self) -> bool:
        """Whether the interval excludes no change: every verdict needs that, and more than that."""
        return self.low > self.none or self.high < self.none


@dataclass(frozen=True, slots=True)
class Day:
    """A day's valid baseline: its scaled value, its place among a client's days, and where it comes from.

    Only days with the same `origin` (beat source, device, site, posture) are held against each other.
    """

    session_id: str
    date: str
    place: int
    value: float
    origin: str


@dataclass(frozen=True, slots=True)
class Look:
    """One planned look: after which session, which of the client's looks (from 1), and what it came to.

    `origin` is where its baselines come from; a look of another origin than the latest counts no more. `bar`
    is the change (ratio, or in the unit) that the look's `alpha` asked for, in the direction of its change.
    """

    session_id: str
    date: str
    origin: str
    number: int
    alpha: float
    bar: float
    change: Change
    verdict: Verdict

    @property
    def below_the_bar(self) -> bool:
        """Whether the change is no verdict although its 95 % interval excludes no change."""
        return self.change.excludes_none and not self.verdict.reliable


@dataclass(slots=True)
class Series:
    """The days of one origin in order: a reference, and blocks of later ones, the last perhaps not full."""

    days: list[Day] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)

    @property
    def reference(self) -> list[Day]:
        return self.days[:REFERENCE_N]

    @property
    def blocks(self) -> list[list[Day]]:
        starts = range(REFERENCE_N, len(self.days), REFERENCE_N)
        return [self.days[start : start + REFERENCE_N] for start in starts]

    @property
    def full(self) -> bool:
        """Whether the last day filled a block of later ones."""
        return len(self.days) >= 2 * REFERENCE_N and len(self.days) % REFERENCE_N == 0

    @property
    def next_due(self) -> int:
        """How many more baselines the next look needs."""
        return max(2 * REFERENCE_N, (len(self.days) // REFERENCE_N + 1) * REFERENCE_N) - len(self.days)

    def alpha_of(self, verdict: Verdict, number: int, primaries: int) -> float:
        """The error that a client's look of this number may make to come to a verdict.

        What an earlier look came to stands at `LEVEL`.
        """
        named = any(look.verdict is verdict for look in self.looks)
        return LEVEL / primaries if named else alpha_at(number, primaries)

    @property
    def taught(self) -> int:
        """How many baselines the error rests on."""
        return sum(len(part) for part in self._parts)

    @property
    def _parts(self) -> list[list[Day]]:
        return [self.reference, *self.blocks[-_RECENT:]]

    def error(self, measure: Measure) -> Error:
        """The error that the reference and the latest blocks teach."""
        parts = self._parts
        return learned(
            measure.prior,
            [day.value for part in parts for day in part],
            [day.place for part in parts for day in part],
            [number for number, part in enumerate(parts) for _ in part],
        )


def alpha_at(number: int, primaries: int = 1) -> float:
    """The error that a client's look may make, counted from 1; all of them together have `LEVEL`."""
    share = FIRST_LEVEL if number == 1 else (LEVEL - FIRST_LEVEL) / (number * (number - 1))
    return share / primaries


def series_of(measure: Measure, days: Iterable[Day], primaries: int | None) -> dict[str, Series]:
    """The series of every origin with their looks, from all days in order; without looks for no primary."""
    found: dict[str, Series] = {}
    number = 0
    for day in days:
        series = found.setdefault(day.origin, Series())
        series.days.append(day)
        if primaries is not None and series.full:
            number += 1  # over all origins: another device must not buy another 5 %
            series.looks.append(_look(measure, series, number, primaries))
    return found


def change_of(measure: Measure, error: Error, reference: Sequence[Day], later: Sequence[Day]) -> Change:
    """The change of the mean from the reference to later days, with its 95 % interval."""
    difference, unit = _difference(reference, later)
    margin, level = error.limit(LEVEL, unit), mean_of(reference)
    value, low, high = (measure.change(difference + by, level) for by in (0.0, -margin, margin))
    return Change(measure.scale, value, low, high)


def mean_of(days: Sequence[Day]) -> float:
    """The mean of scaled values."""
    return float(np.mean([day.value for day in days]))


def detectable(error: Error, alpha: float, n: int = REFERENCE_N) -> float:
    """The difference (scaled) that n baselines against n need to stand out: n in a row, then n more."""
    return error.limit(alpha, _balanced(n))


def more_to_halve(error: Error, alpha: float, most: int = 80) -> int | None:
    """How many more baselines, half in a reference and half later, would halve the detectable change.

    None where not even `most` in each would.
    """
    half = detectable(error, alpha) / 2
    counts = range(2 * REFERENCE_N, most + 1)
    place = bisect_left(counts, True, key=lambda n: error.tail(half, _balanced(n)) <= alpha)
    return 2 * (counts[place] - REFERENCE_N) if place < len(counts) else None


def _look(measure: Measure, series: Series, number: int, primaries: int) -> Look:
    later = series.blocks[-1]
    error = series.error(measure)
    difference, unit = _difference(series.reference, later)
    verdict = Verdict.HIGHER if difference > 0 else Verdict.LOWER
    alpha = series.alpha_of(verdict, number, primaries)
    margin = error.limit(alpha, unit)
    if abs(difference) <= margin:
        verdict = Verdict.NO_CHANGE
    return Look(
        session_id=later[-1].session_id,
        date=later[-1].date,
        origin=later[-1].origin,
        number=number,
        alpha=alpha,
        bar=measure.change(math.copysign(margin, difference), mean_of(series.reference)),
        change=change_of(measure, error, series.reference, later),
        verdict=verdict,
    )


def _difference(reference: Sequence[Day], later: Sequence[Day]) -> tuple[float, Floats]:
    """The difference of the means, and its standard deviation for a sigma of 1 and each r."""
    place = [float(day.place) for day in (*reference, *later)]
    contrast = np.repeat([-1 / len(reference), 1 / len(later)], [len(reference), len(later)])
    return mean_of(later) - mean_of(reference), unit_of(place, contrast)


@lru_cache(maxsize=256)
def _balanced(n: int) -> Floats:
    return unit_of(np.arange(2.0 * n).tolist(), np.repeat([-1 / n, 1 / n], n))
