"""Skin-conductance responses: trough to peak, by absolute amplitude."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from pipeline.model import Floats
from pipeline.skin.signal import Eda, stretches_of

_DIP_SHARE = 0.2  # of the smallest response: a shallower dip does not end a rise
_CLIMB_SHARE = 0.1  # of the steepest slope: what is flatter belongs to the level, not the response
_PAUSE_S = 0.5  # a shorter pause in a climb does not make two responses of one
_RISE_S = (0.5, 5.0)
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Responses:
    """Skin-conductance responses in order of onset: arrays of one length.

    `half_recovery_s` is the time from the peak until half the amplitude is lost, NaN where the next response
    or the end of the stretch comes first.
    """

    onset_s: Floats
    peak_s: Floats
    amplitude_us: Floats
    rise_s: Floats
    half_recovery_s: Floats

    def __len__(self) -> int:
        return len(self.onset_s)

    def between(self, start_s: float, end_s: float) -> Self:
        """The responses that begin in `start_s <= onset_s < end_s`."""
        rows = slice(*np.searchsorted(self.onset_s, (start_s, end_s)))
        return type(self)(*(getattr(self, column.name)[rows] for column in fields(self)))


def responses(eda: Eda, min_amplitude_us: float = 0.05) -> Responses:
    """Spontaneous or evoked SCRs, trough to peak on the low-passed signal (Boucsein 2012).

    The amplitude is absolute, in µS, so a count does not depend on the largest response around. An onset is
    where the climb reaches a tenth of its steepest slope, which leaves drift before it out. A dip of less
    than a fifth of `min_amplitude_us`, or a pause in the climb under 0.5 s, does not make two responses of
    one; a deeper or longer one does, and the response on the shoulder is measured from there. A rise outside
    0.5..5 s is no response, nor is one still rising where a stretch ends.
    """
    rows = [
        row
        for stretch in stretches_of(eda.valid, eda.after_gap)
        for row in _stretch_responses(eda.time_s[stretch], eda.eda_us[stretch], eda.rate_hz, min_amplitude_us)
    ]
    return Responses(*np.asarray(rows, dtype=np.float64).reshape(-1, len(fields(Responses))).T)


def _stretch_responses(
    time_s: Floats, values: Floats, rate_hz: float, min_amplitude_us: float
) -> Iterator[tuple[float, ...]]:
    climbs = [
        climb
        for low, high in _rises(values, _DIP_SHARE * min_amplitude_us)
        for climb in _climbs(values, low, high, math.ceil(_PAUSE_S * rate_hz))
        if _is_response(time_s, values, climb, min_amplitude_us)
    ]
    for number, (onset, peak) in enumerate(climbs):
        end = climbs[number + 1][0] + 1 if number + 1 < len(climbs) else len(values)
        amplitude = float(values[peak] - values[onset])
        half_s = _first_below(time_s[peak:end], values[peak:end], values[peak] - amplitude / 2)
        rise_s = float(time_s[peak] - time_s[onset])
        yield float(time_s[onset]), float(time_s[peak]), amplitude, rise_s, half_s - float(time_s[peak])


def _is_response(time_s: Floats, values: Floats, climb: tuple[int, int], min_amplitude_us: float) -> bool:
    onset, peak = climb
    rise_s = time_s[peak] - time_s[onset]
    return bool(
        values[peak] - values[onset] >= min_amplitude_us
        and _RISE_S[0] - _ROUNDING <= rise_s <= _RISE_S[1] + _ROUNDING
    )


def _rises(values: Floats, dip: float) -> Iterator[tuple[int, int]]:
    """(trough, peak) of each rise; a fall of up to `dip` is part of it, a rise that does not end left out."""
    moves = np.flatnonzero(np.diff(values)) if len(values) else np.zeros(0, dtype=np.intp)
    turns = moves[np.flatnonzero(np.diff(np.sign(np.diff(values)[moves]))) + 1] if len(moves) else moves
    low, high, rising = 0, 0, False
    for turn in (*turns.tolist(), len(values) - 1):
        if rising and values[high] - values[turn] > dip:
            yield low, high
            low, rising = turn, False
        elif rising or values[turn] - values[low] > dip:
            high = turn if not rising or values[turn] > values[high] else high
            rising = True
        elif values[turn] <= values[low]:
            low = turn
    if rising and high < len(values) - 1:
        yield low, high


def _climbs(values: Floats, low: int, high: int, pause: int) -> Iterator[tuple[int, int]]:
    """(onset, peak) of the parts of a rise between which it pauses for at least `pause` samples."""
    steps = np.diff(values[low : high + 1])
    steep = low + np.flatnonzero(steps > _CLIMB_SHARE * np.max(steps))
    cuts = np.flatnonzero(np.diff(steep) > pause)
    onsets = steep[np.concatenate([[0], cuts + 1])]
    peaks = np.concatenate([steep[cuts] + 1, [high]])
    return zip(onsets.tolist(), peaks.tolist(), strict=True)


def _first_below(time_s: Floats, values: Floats, level: float) -> float:
    """The moment `values` falls to `level`, between samples; NaN if it never does."""
    below = np.flatnonzero(values <= level)
    if not len(below):
        return math.nan
    at = int(below[0])
    share = (values[at - 1] - level) / (values[at - 1] - values[at])
    return float(time_s[at - 1] + share * (time_s[at] - time_s[at - 1]))
