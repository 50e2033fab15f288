"""Sampled signals whose every row carries the time at which it was taken."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from devices.exports.rows import Rows
from devices.exports.timeline import LATE, MOST_LEFT_OUT, left_out_notice, rising_rows, sample_gaps
from pipeline.errors import InputError
from pipeline.model import Floats, Stream

_LEAST_HZ, _MOST_HZ = 1.0, 5000.0
_LONGEST_STEP_S = 86_400.0


def sampled(
    name: str, rows: Rows, stamps_s: Floats, columns: Mapping[str, Floats]
) -> tuple[Stream, tuple[str, ...]]:
    """The stream of these rows, and sentences on what is odd about it.

    `stamps_s` (n,) from the start of the recording; rows that do not rise are left out. The rate is that
    of the unbroken steps.
    Raises InputError where the stamps make no signal.
    """
    kept = rising_rows(stamps_s)
    steps_s = np.diff(stamps_s[kept])
    left_out = int(np.sum(~kept))
    if left_out > MOST_LEFT_OUT * len(kept):
        raise InputError(f"{rows.where(int(np.argmin(kept)))}: the sensor's time does not rise from here on")
    if len(steps_s) == 0:
        raise InputError(f"{rows.where(0)}: holds one sample, which makes no signal")
    if np.any(steps_s > _LONGEST_STEP_S):
        row = np.flatnonzero(kept)[int(np.argmax(steps_s > _LONGEST_STEP_S)) + 1]
        raise InputError(f"{rows.where(int(row))}: the sensor's time leaps by more than a day")
    unbroken = steps_s <= LATE * np.median(steps_s)
    rate_hz = round(1 / float(np.mean(steps_s[unbroken])), 3)
    if not _LEAST_HZ <= rate_hz <= _MOST_HZ:
        raise InputError(f"{rows.where(0)}: the sensor's times make {rate_hz:g} samples a second of {name}")
    time_s = stamps_s[kept]
    kept_columns = {column: values[kept] for column, values in columns.items()}
    stream = Stream(name, time_s, kept_columns, rate_hz, gaps=sample_gaps(time_s, rate_hz))
    return stream, left_out_notice(left_out, len(kept), f"rows of {name}")
