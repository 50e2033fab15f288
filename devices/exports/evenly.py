"""Times for a sampled signal from the stamps of its rows, however coarse those are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from devices.exports.timeline import gaps_after
from pipeline.model import Floats, Gap
from pipeline.timing import rising

LEAST_HZ, MOST_HZ = 0.1, 50_000.0

_EVEN = 1.4  # the longest step of rows that need no help, in usual steps
_GAP_STEPS, _GAP_S = 4.0, 0.25  # a gap is longer than both
_PIECE_S, _LEAST_PIECE = 1.0, 16


@dataclass(frozen=True, slots=True)
class Evenly:
    """Strictly rising times, the rate, and gaps; `moved_s` is the farthest that a stamp was moved."""

    time_s: Floats
    rate_hz: float
    gaps: tuple[Gap, ...]
    moved_s: float = 0.0


def evenly(stamps_s: Floats) -> Evenly | None:
    """Times for stamps (n,), n > 1, that never fall; None if they make no signal of 0.1 to 50,000 Hz.

    Stamps that are about even stay as they are. Others, such as those of a clock that ticks slower than the
    sensor samples, are put on a line from gap to gap.
    """
    steps_s = np.diff(stamps_s)
    usual_s = _usual(steps_s)
    if not 1 / MOST_HZ <= usual_s <= 1 / LEAST_HZ:
        return None
    breaks = np.flatnonzero(steps_s > max(_GAP_STEPS * usual_s, _GAP_S))
    gaps = gaps_after(breaks.tolist(), stamps_s, 1 / usual_s)
    within = np.delete(steps_s, breaks)
    if np.all((within > 0) & (within < _EVEN * usual_s)):
        return Evenly(stamps_s, round(1 / float(np.median(within)), 3), gaps)
    time_s = np.concatenate([_line(run, usual_s) for run in np.split(stamps_s, breaks + 1)])
    time_s += max(0.0, float(stamps_s[0] - time_s[0]))  # nothing is before the first stamp
    return Evenly(rising(time_s), round(1 / usual_s, 3), gaps, float(np.max(np.abs(time_s - stamps_s))))


def _usual(steps_s: Floats) -> float:
    """The mean step, those left out that are gaps."""
    mean_s = float(np.mean(steps_s))
    for _ in range(4):
        kept = steps_s[steps_s <= max(_GAP_STEPS * mean_s, _GAP_S)]
        if not len(kept):
            break
        mean_s = float(np.mean(kept))
    return mean_s


def _line(stamps_s: Floats, usual_s: float) -> Floats:
    """The run's samples on a line, of pieces of about a second where it is longer: two clocks drift apart."""
    count = len(stamps_s)
    size = max(_LEAST_PIECE, round(_PIECE_S / usual_s))
    if count < 3 * size:
        span_s = float(stamps_s[-1] - stamps_s[0])
        step_s = span_s / (count - 1) if count > 1 and span_s > 0 else usual_s
        even: Floats = stamps_s[0] + np.arange(count) * step_s
        return even
    pieces = count // size
    at = (np.arange(pieces) + 0.5) * size - 0.5
    mean_s = stamps_s[: pieces * size].reshape(pieces, size).mean(axis=1)
    at = np.concatenate(([at[0] - size], at, [at[-1] + 2 * size]))
    mean_s = np.concatenate(([mean_s[0] - size * usual_s], mean_s, [mean_s[-1] + 2 * size * usual_s]))
    piecewise: Floats = np.interp(np.arange(count), at, mean_s)
    return piecewise
