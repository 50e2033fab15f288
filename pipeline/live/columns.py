"""Columns of windows from what a running session has: causal, floors off, by the functions of a report.

A window that reaches to now is moved back by what is not known yet: labels wait for five beats, responses
until they have stopped rising.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from pipeline.floors import Basis
from pipeline.heart.beats import Beats
from pipeline.heart.rhythm import rhythm_concentration
from pipeline.heart.series import Series, rows_within
from pipeline.heart.windows import data_columns, time_columns
from pipeline.indices.sudomotor import drive_columns
from pipeline.live.logs import SkinLog
from pipeline.model import Floats
from pipeline.skin.causal import DELAY_S
from pipeline.skin.responses import LONGEST_RISE_S
from pipeline.spans import Stretches

Rows = NDArray[np.intp]

MOST_LATE_S = 20.0  # what is further behind than this is not there
RESPONSES_KNOWN_S = DELAY_S + LONGEST_RISE_S

_GAP_S, _PERIOD_S = 1.6, 1 / 8  # as in the live split of skin conductance


def moved_back(start_s: Floats, end_s: Floats, known_s: float) -> tuple[Floats, Floats]:
    """The windows, each moved back to end at `known_s` where it ends later, by 20 s at most."""
    late_s = np.clip(end_s - known_s, 0.0, MOST_LATE_S)
    return start_s - late_s, end_s - late_s


def clipped(start_s: Floats, end_s: Floats, known_s: float) -> tuple[Floats, Floats]:
    """The windows, each cut off at `known_s` where it ends later, by 20 s at most."""
    late_s = np.clip(end_s - known_s, 0.0, MOST_LATE_S)
    return start_s, np.maximum(end_s - late_s, start_s)


def heart_columns(beats: Beats, start_s: Floats, end_s: Floats, *, rhythm: bool = False) -> dict[str, Floats]:
    """What beats hold over windows `start_s <= time_s < end_s`; see `pipeline.heart.windows.hrv_columns`."""
    rows = rows_within(beats.time_s, start_s, end_s)
    series = Series.of(beats)
    first, last = series.before[rows[0]], series.before[rows[1]]
    columns = data_columns(beats, series, rows, start_s, end_s) | time_columns(series, first, last)
    if rhythm:
        columns["rhythm_concentration"] = rhythm_concentration(series, first, last)
    return columns


class Skin:
    """The skin's columns of one moment `now_s`, from the log and without what is left out."""

    def __init__(self, log: SkinLog, left_out: Stretches, now_s: float) -> None:
        held = log.columns()
        kept = ~left_out.hold(held["time_s"])
        used = kept & np.isfinite(held["tonic_us"])
        self._present_s = held["time_s"][kept]
        self._used_s, self._tonic_us = held["time_s"][used], held["tonic_us"][used]
        self._onset_s = held["onset_s"][~left_out.hold(held["onset_s"])]
        since_s = np.diff(self._used_s, prepend=-np.inf)
        self._length_s = np.where(since_s < _GAP_S, since_s, _PERIOD_S)
        self._known_s = now_s - RESPONSES_KNOWN_S
        self._now_s = now_s

    @property
    def newest_s(self) -> float:
        """The time of the latest value that can be used."""
        return float(self._used_s[-1]) if len(self._used_s) else -math.inf

    def columns(self, start_s: Floats, end_s: Floats, *, whole: bool = False) -> Mapping[str, Floats]:
        """Columns as `pipeline.skin.levels.skin_columns` names them, and those of the drive.

        Responses are counted up to what is known: over a window as long, moved back, or, of a `whole` phase,
        cut short.
        """
        rows = _rows(self._used_s, start_s, end_s)
        present = _rows(self._present_s, start_s, end_s)
        used, there = rows[1] - rows[0], present[1] - present[0]
        valid_s, scl_us = _sums(self._length_s, rows), _ratio(_sums(self._tonic_us, rows), used)
        counted = (clipped if whole else moved_back)(start_s, end_s, self._known_s)
        counted_s = _sums(self._length_s, _rows(self._used_s, *counted))
        onsets = _rows(self._onset_s, *counted)
        return {
            "valid_s": valid_s,
            "counted_s": counted_s,
            "eda_coverage": np.nan_to_num(np.minimum(_ratio(valid_s, end_s - start_s), 1.0)),
            "eda_artefact_pct": 100.0 * _ratio(there - used, there),
            "scl_us": scl_us,
            "scr_per_min": 60.0 * _ratio(onsets[1] - onsets[0], counted_s),
            **self._drive(start_s, end_s),
        }

    def _drive(self, start_s: Floats, end_s: Floats) -> dict[str, Floats]:
        """The drive of the sweat glands, from the level at each whole second."""
        first_s = float(self._used_s[0]) if len(self._used_s) else self._now_s
        second = np.arange(math.ceil(first_s), math.floor(self._now_s) + 1, dtype=np.float64)
        if not len(self._used_s):
            return drive_columns(second, np.full(len(second), np.nan), start_s, end_s)
        row = np.searchsorted(self._used_s, second, side="right") - 1
        fresh = second - self._used_s[np.maximum(row, 0)] < _GAP_S
        level_us = np.where(fresh, self._tonic_us[np.maximum(row, 0)], np.nan)
        return drive_columns(second, level_us, start_s, end_s)


def basis(columns: Mapping[str, Floats], start_s: Floats, end_s: Floats) -> Basis:
    """What the windows hold, for floors as in a report. Rates of responses rest on the time counted."""
    unknown = np.full(len(start_s), np.nan)
    return Basis(
        duration_s=end_s - start_s,
        covered_s=columns["covered_s"],
        beats=columns["beats"],
        nn_pairs=columns["nn_pairs"],
        contiguous_nn=columns["contiguous_nn"],
        corrected_pct=np.nan_to_num(columns["artefact_pct"]),
        breaths=unknown,
        eda_valid_s=columns["valid_s"],
        decomposed_s=np.zeros(len(start_s)),
    )


def _rows(time_s: Floats, start_s: Floats, end_s: Floats) -> tuple[Rows, Rows]:
    first = np.searchsorted(time_s, start_s)
    return first, np.maximum(np.searchsorted(time_s, end_s), first)


def _sums(values: Floats, rows: tuple[Rows, Rows]) -> Floats:
    total = np.concatenate([[0.0], np.cumsum(values)])
    return np.asarray(total[rows[1]] - total[rows[0]])


def _ratio(part: Floats | Rows, whole: Floats | Rows) -> Floats:
    ratio: Floats = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
    return ratio
