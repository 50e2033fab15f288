"""Arousal with cortisol-like timing: what arousal above the baseline would look like, delayed and smeared.

A response that rises and clears as slowly as cortisol in the literature, and nothing more: no hormone is
measured, and neither time of day nor habituation nor the many people who do not respond are in it. Nothing
may be claimed, compared or decided from it. numpy only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product

import numpy as np

from pipeline.indices.arousal import BASELINE_POINTS
from pipeline.language import reason
from pipeline.model import Bools, Floats

TEXT = reason("delayed.text")
MOSTLY_BEYOND = reason("delayed.mostly_beyond")

# Cortisol peaks 21-40 min after the onset of an acute stressor (Dickerson & Kemeny 2004, Psychol Bull
# 130:355) and clears with a half-life near an hour; both recalled, not checked, and so ranges.
PEAK_MIN = (20.0, 30.0, 40.0)
HALF_LIFE_MIN = (45.0, 60.0, 75.0)

_MIDDLE = 4  # of the nine kernels: 30 min, 60 min
_MOSTLY = 0.5
_LASTING_S = 60.0  # one minute of rest in forty lies above its band by chance, two in a row hardly ever


@dataclass(frozen=True, slots=True, eq=False)
class DelayedArousal:
    """The fan, arrays of one length, in points of arousal: 10 points kept up would in the end read 10.

    `mid` is the kernel in the middle of both ranges, and of the index only what surely lies above 50; `low`
    is the least of all kernels and of the band, `high` the most of all kernels and of any index above 50.
    `beyond_share` is the part of the middle response that comes after the last time; None if there is none.
    """

    time_s: Floats
    low: Floats
    mid: Floats
    high: Floats
    beyond_share: float | None

    @property
    def stands_out(self) -> bool:
        """Whether there is anything to draw: the index, with its whole band, ever lay above the baseline."""
        return self.beyond_share is not None

    @property
    def mostly_beyond(self) -> bool:
        """Whether more than half of the response comes after the end, so that the picture is unfinished."""
        return self.beyond_share is not None and self.beyond_share > _MOSTLY


def delayed_arousal(time_s: Floats, value: Floats, low: Floats) -> DelayedArousal:
    """The points above 50 through a rise-and-clearance kernel, for every peak and half-life of the ranges.

    `time_s` (n,) rising, in s; `value` and `low` (n,) are the index and the lower end of its band, NaN where
    there is none. A value holds from its time to the next; the last counts as nothing yet, so no value
    depends on a later one. What drives each line:

    - `high`: the index above 50; where it is missing, what it last was.
    - `mid`: the same, but only where `low` has been above 50 for a minute: noise around the baseline and lost
      signal are nothing.
    - `low`: what of `low` lies above 50 there.

    Each kernel is a difference of two exponentials, exp(-t/c) - exp(-t/r), with an area of one: c from the
    half-life, r from the peak. All NaN if no index is known.
    """
    time_s, value, low = (np.asarray(each, dtype=np.float64) for each in (time_s, value, low))
    if not np.isfinite(value).any():
        unknown = np.full(len(time_s), np.nan)
        return DelayedArousal(time_s, unknown, unknown, unknown, None)
    above = np.maximum(value - BASELINE_POINTS, 0.0)
    out = _lasting(time_s, np.isfinite(value) & (low > BASELINE_POINTS))
    surely = np.where(out, np.minimum(low - BASELINE_POINTS, above), 0.0)
    drive = np.where(out, above, 0.0)
    least, fan, most = (_responses(time_s, each) for each in (surely, drive, _held(above)))
    mid = fan[:, _MIDDLE]
    return DelayedArousal(time_s, least.min(axis=1), mid, most.max(axis=1), _beyond(time_s, drive, mid))


def _lasting(time_s: Floats, out: Bools) -> Bools:
    """Where something has been so for a minute: in two windows that do not overlap, and all between."""
    begins = out & ~np.concatenate([[False], out[:-1]])
    since = np.maximum.accumulate(np.where(begins, np.arange(len(out)), 0))
    return np.asarray(out & (time_s - time_s[since] >= _LASTING_S - 1e-6))


def _held(values: Floats) -> Floats:
    """Each missing value as the last known one; 0 before the first."""
    last = np.maximum.accumulate(np.where(np.isfinite(values), np.arange(len(values)), -1))
    return np.where(last >= 0, values[last], 0.0)


def _responses(time_s: Floats, drive: Floats) -> Floats:
    """(n, 9): the response of each kernel to a drive that is constant from each time to the next."""
    both_s = np.concatenate(_CONSTANTS_S)
    step_s = np.maximum(np.diff(time_s), 0.0)
    kept = np.exp(-step_s[:, np.newaxis] / both_s)
    stores = np.zeros((len(time_s), len(both_s)))
    for row, keep in enumerate(kept):
        stores[row + 1] = drive[row] + (stores[row] - drive[row]) * keep
    slow, fast = np.split(stores * both_s, 2, axis=1)
    found: Floats = (slow - fast) / (_CONSTANTS_S[0] - _CONSTANTS_S[1])
    return found


def _beyond(time_s: Floats, drive: Floats, response: Floats) -> float | None:
    """The share of the response's area, which is the drive's, that comes after the end."""
    whole = float(np.sum(drive[:-1] * np.diff(time_s)))
    if whole <= 0:
        return None
    inside = float(np.sum((response[1:] + response[:-1]) / 2 * np.diff(time_s)))
    return min(max(1.0 - inside / whole, 0.0), 1.0)


def _rise_s(peak_s: float, clear_s: float) -> float:
    """The rise with which exp(-t/clear) - exp(-t/rise) is largest at `peak_s`, by halving."""
    low, high = 1e-3, clear_s * (1 - 1e-6)
    for _ in range(60):
        rise_s = (low + high) / 2
        at_s = math.log(clear_s / rise_s) * clear_s * rise_s / (clear_s - rise_s)
        low, high = (rise_s, high) if at_s < peak_s else (low, rise_s)
    return rise_s


def _constants_s() -> tuple[Floats, Floats]:
    """(clearance, rise) time constants of the nine kernels, by peak and then by half-life."""
    pairs = []
    for peak_min, half_min in product(PEAK_MIN, HALF_LIFE_MIN):
        clear_s = 60.0 * half_min / math.log(2)
        pairs.append((clear_s, _rise_s(60.0 * peak_min, clear_s)))
    clear, rise = np.array(pairs).T
    return clear, rise


_CONSTANTS_S = _constants_s()
