"""Sampled streams by their unbroken runs, for formats in which samples lie at even steps.

A sensor's own clock makes its true rate differ from the nominal one by parts in a thousand; formats that
count samples instead of timing them need the true one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pipeline.model import Floats, Stream

_BREAK = 1.5  # steps without a sample


@dataclass(frozen=True, eq=False)
class Runs:
    """The rows of a stream, `time_s` (n,) with n > 0, as unbroken runs: `rows`, a slice each."""

    time_s: Floats
    rows: tuple[slice, ...]
    nominal_hz: float

    @classmethod
    def of(cls, stream: Stream) -> Runs:
        """The runs of a sampled stream that holds samples."""
        assert stream.rate_hz
        assert len(stream)
        breaks = (np.flatnonzero(np.diff(stream.time_s) * stream.rate_hz > _BREAK) + 1).tolist()
        rows = tuple(slice(*ends) for ends in pairwise((0, *breaks, len(stream))))
        return cls(stream.time_s, rows, stream.rate_hz)

    @cached_property
    def rate_hz(self) -> float:
        """The mean rate within runs; the nominal one where no two samples follow each other."""
        steps = len(self.time_s) - len(self.rows)
        length_s = sum(float(self.time_s[run.stop - 1] - self.time_s[run.start]) for run in self.rows)
        return steps / length_s if steps else self.nominal_hz

    def grid(self) -> NDArray[np.int64]:
        """The place of each row on an even grid that begins with the first: rising, a run without a hole."""
        places = np.empty(len(self.time_s), dtype=np.int64)
        free = 0
        for run in self.rows:
            due = round(float(self.time_s[run.start] - self.time_s[0]) * self.rate_hz)
            places[run] = max(due, free) + np.arange(run.stop - run.start)
            free = int(places[run.stop - 1]) + 1
        return places
