"""Sampled signals whose every row carries the time at which it was taken."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from devices.driver import Samples
from devices.exports.rows import Rows
from devices.plausible import implausible
from devices.streams import MISSING
from pipeline.errors import InputError
from pipeline.model import Floats, Gap, Stream

_LEAST_HZ, _MOST_HZ = 1.0, 5000.0
_LONGEST_STEP_S = 86_400.0
_MOST_LEFT_OUT = 0.1
_LATE = 1.5  # samples from one stamp to the next, above which something is missing
_MOST_SAMPLES = 1e9


def sampled(
    name: str, rows: Rows, stamps_s: Floats, columns: Mapping[str, Floats]
) -> tuple[Stream, tuple[str, ...]]:
    """The stream of these rows, and sentences on what is odd about it.

    `stamps_s` (n,) from the start of the recording; rows that do not rise are left out. The rate is that
    of the unbroken steps.
    Raises InputError where the stamps make no signal.
    """
    latest_s = np.fmax.accumulate(np.concatenate(([-np.inf], stamps_s[:-1])))
    kept = stamps_s > latest_s
    steps_s = np.diff(stamps_s[kept])
    left_out = int(np.sum(~kept))
    if left_out > _MOST_LEFT_OUT * len(kept):
        raise InputError(f"{rows.where(int(np.argmin(kept)))}: the sensor's time does not rise from here on")
    if len(steps_s) == 0:
        raise InputError(f"{rows.where(0)}: holds one sample, which makes no signal")
    if np.any(steps_s > _LONGEST_STEP_S):
        row = np.flatnonzero(kept)[int(np.argmax(steps_s > _LONGEST_STEP_S)) + 1]
        raise InputError(f"{rows.where(int(row))}: the sensor's time leaps by more than a day")
    unbroken = steps_s <= _LATE * np.median(steps_s)
    rate_hz = round(1 / float(np.mean(steps_s[unbroken])), 3)
    if not _LEAST_HZ <= rate_hz <= _MOST_HZ:
        raise InputError(f"{rows.where(0)}: the sensor's times make {rate_hz:g} samples a second of {name}")
    time_s = stamps_s[kept]
    kept_columns = {column: values[kept] for column, values in columns.items()}
    stream = Stream(name, time_s, kept_columns, rate_hz, gaps=_gaps(time_s, rate_hz))
    return stream, (*_notices(name, left_out, len(kept)), *implausible(Samples(name, kept_columns)))


def _gaps(time_s: Floats, rate_hz: float) -> tuple[Gap, ...]:
    steps = np.diff(time_s) * rate_hz
    return tuple(
        Gap(
            float(time_s[row]),
            float(time_s[row + 1]),
            MISSING,
            int(min(round(steps[row]) - 1, _MOST_SAMPLES)),
        )
        for row in np.flatnonzero(steps > _LATE).tolist()
    )


def _notices(name: str, left_out: int, rows: int) -> tuple[str, ...]:
    if not left_out:
        return ()
    does, is_ = ("does", "is") if left_out == 1 else ("do", "are")
    return (f"{left_out} of {rows} rows of {name} {does} not rise in time and {is_} left out",)
