"""When samples were taken: those whose time rises, and where some are missing.

A sample stands for the time up to the next one, so what is missing begins one period after the last sample
there is; a gap is then as long as all that is missing in it.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from devices.streams import MISSING
from pipeline.model import Bools, Floats, Gap

MOST_LEFT_OUT = 0.1  # of all rows; with more that do not rise, it is the clock that can't be trusted
LATE = 1.5  # samples from one to the next, above which something is missing


def rising_rows(time_s: Floats, above: float = -np.inf) -> Bools:
    """Which times, of (n,), lie above `above` and all before them; one that is NaN does not."""
    kept: Bools = time_s > np.fmax.accumulate(np.concatenate(([above], time_s[:-1])))
    return kept


def left_out_notice(count: int, of: int, what: str) -> tuple[str, ...]:
    """A sentence on so many rows whose time does not rise; none for none."""
    if not count:
        return ()
    does, is_ = ("does", "is") if count == 1 else ("do", "are")
    return (f"{count} of {of} {what} {does} not rise in time and {is_} left out",)


def sample_gaps(time_s: Floats, rate_hz: float) -> tuple[Gap, ...]:
    """The gaps between samples of so many a second, of which none comes early."""
    return gaps_after(np.flatnonzero(np.diff(time_s) * rate_hz > LATE).tolist(), time_s, rate_hz)


def gaps_after(places: Iterable[int], time_s: Floats, rate_hz: float) -> tuple[Gap, ...]:
    """The gaps between the samples in these places and the next ones."""
    return tuple(
        Gap(
            float(time_s[place] + 1 / rate_hz),
            float(time_s[place + 1]),
            MISSING,
            max(1, round(float(time_s[place + 1] - time_s[place]) * rate_hz) - 1),
        )
        for place in places
    )
