"""The drift of a measure over weeks: the median slope of all pairs of days (Theil 1950; Sen 1968).

A description and no verdict. The interval is Sen's, from the variance of Kendall's S, which days that are
alike make larger: it is taken times the factor of Hamed & Rao (1998) for the correlation of neighbouring days
that a person's reliability holds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from pipeline.language import reason
from pipeline.model import Floats
from pipeline.progress.measures import Measure, Scale

FEWEST, FEWEST_DAYS = 8, 14
_SPAN_DAYS = 28.0
_Z95 = 1.959964


@dataclass(frozen=True, slots=True)
class Trend:
    """Change in four weeks, with a 95 % interval; or why there is none. A ratio, or a difference in the unit.

    `n` baselines over so many `weeks`.
    """

    scale: Scale
    change: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    weeks: float = 0.0
    reason: str | None = None


def trend(measure: Measure, days: Sequence[str], values: Sequence[float], r: float) -> Trend:
    """The trend of scaled values at these days (ISO dates, rising); `r` is that of neighbouring days."""
    at = np.array([date.fromisoformat(day).toordinal() for day in days], dtype=np.float64)
    weeks = float(np.ptp(at)) / 7 if len(at) else 0.0
    if len(at) < FEWEST or 7 * weeks < FEWEST_DAYS:
        why = reason("progress.short_course", count=len(at), least=FEWEST, days=FEWEST_DAYS)
        return Trend(measure.scale, None, n=len(at), weeks=weeks, reason=why)
    slopes = _slopes(at, np.asarray(values, dtype=np.float64))
    reach = _Z95 * math.sqrt(_variance(len(at), r))
    middle = len(slopes) / 2
    low = slopes[max(math.floor(middle - reach / 2), 0)]
    high = slopes[min(math.ceil(middle + reach / 2), len(slopes) - 1)]
    level = float(np.median(values))
    change, least, most = (
        measure.change(_SPAN_DAYS * float(slope), level) for slope in (np.median(slopes), low, high)
    )
    return Trend(measure.scale, change, least, most, len(at), weeks)


def _slopes(at: Floats, values: Floats) -> Floats:
    """The slopes of all pairs of different days, sorted."""
    first, second = np.triu_indices(len(at), 1)
    run = at[second] - at[first]
    apart = run > 0
    return np.sort((values[second] - values[first])[apart] / run[apart])


def _variance(n: int, r: float) -> float:
    """The variance of Kendall's S of n values of which neighbours correlate by r (Hamed & Rao 1998, eq. 14).

    Their ranks correlate by 6 / pi asin(r / 2).
    """
    lag = np.arange(1, n)
    ranks = 6 / math.pi * np.arcsin(r**lag / 2)
    more = 2 * float(np.sum((n - lag) * (n - lag - 1) * (n - lag - 2) * ranks)) / (n * (n - 1) * (n - 2))
    return n * (n - 1) * (2 * n + 5) / 18 * (1 + more)
