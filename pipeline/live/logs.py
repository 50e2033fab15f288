"""What a running session keeps of beats and of skin conductance, and what of it is news to the page.

Rows are added as data come; only the labels of the newest beats still change. numpy only.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

import numpy as np

from pipeline.heart.beats import BeatKind, Beats
from pipeline.heart.causal_artefacts import DELAY_BEATS
from pipeline.model import Floats
from pipeline.skin.causal import LiveSkin

POINTS_HZ = 4.0

_GAP_S = 1.6  # as in the live split of skin conductance
_NAMES = [kind.name.lower().replace("_", "") for kind in BeatKind]

Point = tuple[float, float | None, float | None]


class BeatLog:
    """Every beat of one stream, from whichever device: end of the interval in s, interval in ms, label.

    The `provisional` newest labels may still change.
    """

    def __init__(self) -> None:
        self.time_s, self.interval_ms = array("d"), array("d")
        self.kind = array("b")
        self._of_device = 0

    def __len__(self) -> int:
        return len(self.time_s)

    @property
    def provisional(self) -> int:
        return min(self._of_device, DELAY_BEATS)

    def begin(self) -> None:
        """Another device's beats follow: the labels so far stay as they are."""
        self._of_device = 0

    def add(self, time_s: float, interval_ms: float, newest_kinds: Sequence[int]) -> None:
        """Take a beat, and the newest labels of its device, its own last. One from the past is left out."""
        if len(self) and not time_s > self.time_s[-1]:
            return
        self.time_s.append(time_s)
        self.interval_ms.append(interval_ms)
        self.kind.append(0)
        self._of_device += 1
        fresh = min(len(newest_kinds), self._of_device)
        self.kind[len(self) - fresh :] = array("b", newest_kinds[-fresh:])

    def beats(self, end_s: float = math.inf) -> Beats:
        """The beats that end before `end_s` and whose labels are final."""
        rows = len(self) - self.provisional
        time_s = np.array(self.time_s[:rows])
        rows = int(np.searchsorted(time_s, end_s))
        kind = np.array(self.kind[:rows], dtype=np.int8)
        return Beats(time_s[:rows], np.array(self.interval_ms[:rows]), kind)


class BeatNews:
    """What of the beats one page, or all of them, have not been told yet."""

    def __init__(self) -> None:
        self._log: BeatLog | None = None
        self._told = 0  # rows of the log
        self._open: list[str] = []  # the newest of them, as they were told while provisional

    def of(self, log: BeatLog | None) -> dict[str, list[list[float | str | None]]]:
        """The page's topic `beats`: {"add": [[time_s, interval_ms, kind]], "revise": [[time_s, kind]]}.

        A kind ends in "?" while it is provisional; each beat is revised when that changes. When beats come
        from another stream now, those of its past are not news. An interval that is no number is None.
        """
        if log is not self._log:
            self._log, self._open = log, []
            self._told = max(len(log) - DELAY_BEATS, 0) if log is not None else 0
        if log is None:
            return {"add": [], "revise": []}
        final = len(log) - log.provisional
        first = self._told - len(self._open)
        names = [_name(log, row, final) for row in range(first, len(log))]
        revise: list[list[float | str | None]] = [
            [log.time_s[first + place], names[place]]
            for place, told in enumerate(self._open)
            if names[place] != told
        ]
        add: list[list[float | str | None]] = [
            [log.time_s[row], _number(log.interval_ms[row]), names[row - first]]
            for row in range(self._told, len(log))
        ]
        self._told, self._open = len(log), names[len(names) - log.provisional :]
        return {"add": add, "revise": revise}


def _name(log: BeatLog, row: int, final: int) -> str:
    return _NAMES[log.kind[row]] + ("?" if row >= final else "")


class SkinLog:
    """The live split of skin conductance, up to eight times a second: level and rest in µS, or NaN.

    And the responses found in it: onsets in s, and amplitudes in µS.
    """

    def __init__(self) -> None:
        self.time_s, self.tonic_us, self.phasic_us = array("d"), array("d"), array("d")
        self.onset_s, self.amplitude_us = array("d"), array("d")

    def follow(self, live: LiveSkin) -> None:
        """Take what a sample may have brought."""
        taken_s = live.taken_s
        if not taken_s > (self.time_s[-1] if self.time_s else -math.inf):
            return
        used = live.used_s == taken_s
        self.time_s.append(taken_s)
        self.tonic_us.append(live.level_us if used else math.nan)
        self.phasic_us.append(live.phasic_us if used else math.nan)
        after_s = math.nextafter(self.onset_s[-1], math.inf) if self.onset_s else -math.inf
        for response in live.responses(after_s, math.inf):
            self.onset_s.append(response.onset_s)
            self.amplitude_us.append(response.amplitude_us)

    def columns(self) -> Mapping[str, Floats]:
        """Copies of everything, by name."""
        names = ("time_s", "tonic_us", "phasic_us", "onset_s", "amplitude_us")
        return {name: np.array(getattr(self, name)) for name in names}

    def points(self, since_s: float) -> list[Point]:
        """See `LiveIndices.skin_points`."""
        return [point for point in self._points(since_s) if point[0] > since_s]

    def _points(self, since_s: float) -> Iterator[Point]:
        rows = range(max(self._row(since_s - 1 / POINTS_HZ) - 1, 0), len(self.time_s))
        if not rows:
            return
        newest = _quarter(self.time_s[-1])
        last_s = math.inf
        for quarter, held in groupby(rows, key=lambda row: _quarter(self.time_s[row])):
            inside = list(held)
            if quarter >= newest:  # it may get another value
                break
            if self.time_s[inside[0]] - last_s > _GAP_S:
                yield (_quarter(last_s) + 2) / POINTS_HZ, None, None
            last_s = self.time_s[inside[-1]]
            yield (
                (quarter + 1) / POINTS_HZ,
                self._mean(self.tonic_us, inside),
                self._mean(self.phasic_us, inside),
            )

    def _row(self, at_s: float) -> int:
        """The first row that is not before `at_s`; it is near the end, as a rule."""
        row = len(self.time_s)
        while row and self.time_s[row - 1] >= at_s:
            row -= 1
        return row

    @staticmethod
    def _mean(values: array[float], rows: Sequence[int]) -> float | None:
        known = [values[row] for row in rows if math.isfinite(values[row])]
        return sum(known) / len(known) if known else None


def _quarter(time_s: float) -> int:
    return math.floor(time_s * POINTS_HZ)


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
