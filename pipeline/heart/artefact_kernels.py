"""Compiled loops for the artefacts of long recordings; imported only where there are many beats.

Sums are neither reordered nor fused here: labels must not depend on how many beats there are.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from pipeline.model import Floats


def compiled_quantiles(values: Floats, width: int, shares: tuple[float, ...]) -> Floats:
    """What `pipeline.heart.artefacts.rolling_quantiles` gives, to the last bit, in a tenth of the time."""
    return _rolling(np.ascontiguousarray(values), width // 2, np.array(shares))


@njit(cache=True)
def _rolling(values: Floats, half: int, shares: Floats) -> Floats:
    """A sorted window that takes one value in and lets one go per step; NaN never enters it."""
    n = len(values)
    quantiles = np.empty((len(shares), n))
    window = np.empty(2 * half + 1)
    count = 0
    for centre in range(-half, n):
        gone, came = centre - half - 1, centre + half
        if gone >= 0 and not np.isnan(values[gone]):
            place = np.searchsorted(window[:count], values[gone])
            for i in range(place, count - 1):
                window[i] = window[i + 1]
            count -= 1
        if came < n and not np.isnan(values[came]):
            place = count
            while place > 0 and window[place - 1] > values[came]:
                window[place] = window[place - 1]
                place -= 1
            window[place] = values[came]
            count += 1
        if centre >= 0:
            for k in range(len(shares)):
                quantiles[k, centre] = _quantile(window, count, shares[k])
    return quantiles


@njit(cache=True)
def _quantile(window: Floats, count: int, share: float) -> float:
    if count == 0:
        return np.nan
    position = share * (count - 1)
    low = int(np.floor(position))
    lower, upper = window[low], window[int(np.ceil(position))]
    quantile: float = lower + (upper - lower) * (position - low)
    return quantile
