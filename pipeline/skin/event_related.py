"""What skin and heart did after each marker: evoked responses and second-by-second heart rate.

Pure functions over prepared signals. A marker whose window holds an artefact or a gap has no values, and
says why; one that overlaps another, or follows a response too closely, has values and a flag.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from pipeline.heart.beats import Beats
from pipeline.model import Bools, Floats, Marker
from pipeline.skin.responses import LONGEST_RISE_S, MIN_RATE_HZ, Responses
from pipeline.skin.signal import Eda

WINDOW_S = (1.0, 4.0)
BASE_S = 2.0
HEART_BASE_S = 3.0
HEART_SECONDS = 10

_GAP_PERIODS = 1.5
_COVERED_SHARE = 0.5  # of a second, or of the time before, that normal intervals must fill


@dataclass(frozen=True, slots=True)
class EventResponse:
    """What followed a marker; None where the signals cannot say, and then why.

    Where skin conductance is sound and no response came, `magnitude_us` and `scr_n` are 0 and `latency_s`
    and `amplitude_us` None. `heart_rate_change_bpm` has one value for each second after the marker.
    """

    time_s: float
    kind: str
    text: str
    scr_n: int | None
    latency_s: float | None
    amplitude_us: float | None
    magnitude_us: float | None
    phasic_us_s: float | None
    heart_rate_base_bpm: float | None
    heart_rate_change_bpm: tuple[float | None, ...]
    overlap: str | None
    skin_reason: str | None
    heart_reason: str | None

    def row(self) -> dict[str, Any]:
        """As a flat row of a table: `overlap` says whether, `overlap_with` what with."""
        change = {
            f"heart_rate_change_{second}_bpm": value
            for second, value in enumerate(self.heart_rate_change_bpm, 1)
        }
        reasons = [
            f"{what}: {why}"
            for what, why in (("skin", self.skin_reason), ("heart", self.heart_reason))
            if why
        ]
        return {
            "time_s": self.time_s,
            "kind": self.kind,
            "text": self.text,
            "scr_n": self.scr_n,
            "latency_s": self.latency_s,
            "amplitude_us": self.amplitude_us,
            "magnitude_us": self.magnitude_us,
            "phasic_us_s": self.phasic_us_s,
            "heart_rate_base_bpm": self.heart_rate_base_bpm,
            **change,
            "overlap": self.overlap is not None,
            "overlap_with": self.overlap,
            "null_reasons": "; ".join(reasons) or None,
        }


@dataclass(frozen=True, slots=True)
class EventSummary:
    """Markers of one kind and text together. Means run over `valid` markers, overlapping ones included.

    The mean amplitude is over responses, the mean magnitude over valid markers, zeros kept. Each second's
    change of heart rate is a mean over the markers that have it.
    """

    kind: str
    text: str
    markers: int
    valid: int
    overlapping: int
    responses: int
    latency_s: float | None
    amplitude_us: float | None
    magnitude_us: float | None
    phasic_us_s: float | None
    heart_rate_change_bpm: tuple[float | None, ...]


def event_responses(
    markers: Sequence[Marker],
    eda: Eda | None,
    scrs: Responses | None,
    beats: Beats | None,
    window_s: tuple[float, float] = WINDOW_S,
) -> tuple[EventResponse, ...]:
    """The response to each marker, in order of time; a span counts from its start.

    - `scr_n`: responses whose onset lies in `window_s` after the marker (Boucsein 2012: 1-4 s is usual),
      the end excluded. `latency_s` and `amplitude_us` are those of the first. `magnitude_us` is that
      amplitude, or 0.
    - `phasic_us_s`: the phasic signal over the window, less its mean in the 2 s before the marker, in µS·s.
    - `heart_rate_change_bpm`: heart rate in each of the 10 s after the marker less that of the 3 s before.
      Each interval counts for the time it fills of a second.
    - Overlap: another marker whose window shares time with this one's, or a response that began before the
      window and had not lost half of its height when it opened, or was never seen to.

    Skin values need 1 Hz or more, and every sample from 2 s before the marker to the window's end; if no
    response was found 5 s more, the longest rise. A second of heart rate needs normal intervals for half of
    it.
    """
    ordered = sorted(markers, key=lambda marker: marker.time_s)
    at_s = np.array([marker.time_s for marker in ordered], dtype=np.float64)
    base_bpm, change_bpm = heart_rate_changes(beats, at_s)
    marked = _marker_overlaps(at_s, window_s)
    return tuple(
        _event(marker, eda, scrs, window_s, (float(base), change), near=bool(near))
        for marker, base, change, near in zip(ordered, base_bpm, change_bpm, marked, strict=True)
    )


def heart_rate_changes(beats: Beats | None, at_s: Floats) -> tuple[Floats, Floats]:
    """Heart rate in the 3 s before each of k moments (k,), and its change in each of 10 s after (k, 10).

    In bpm; NaN where normal intervals fill less than half of the time.
    """
    base_bpm = _rate_bpm(beats, at_s - HEART_BASE_S, at_s)
    seconds = at_s[:, None] + np.arange(HEART_SECONDS)
    after_bpm = _rate_bpm(beats, seconds.reshape(-1), seconds.reshape(-1) + 1.0).reshape(seconds.shape)
    return base_bpm, after_bpm - base_bpm[:, None]


def summarise(events: Sequence[EventResponse]) -> tuple[EventSummary, ...]:
    """Events of like kind and text together, in order of their names; "tag 1", "tag 2" are all tags."""

    def named(event: EventResponse) -> tuple[str, str]:
        numbered = re.fullmatch(rf"{re.escape(event.kind)} \d+", event.text)
        return event.kind, "" if numbered else event.text

    groups = groupby(sorted(events, key=named), key=named)
    return tuple(_summary(kind, text, list(members)) for (kind, text), members in groups)


def _summary(kind: str, text: str, events: Sequence[EventResponse]) -> EventSummary:
    by_second = zip(*(event.heart_rate_change_bpm for event in events), strict=True)
    return EventSummary(
        kind=kind,
        text=text,
        markers=len(events),
        valid=sum(event.scr_n is not None for event in events),
        overlapping=sum(event.overlap is not None for event in events),
        responses=sum(bool(event.scr_n) for event in events),
        latency_s=_mean(event.latency_s for event in events),
        amplitude_us=_mean(event.amplitude_us for event in events),
        magnitude_us=_mean(event.magnitude_us for event in events),
        phasic_us_s=_mean(event.phasic_us_s for event in events),
        heart_rate_change_bpm=tuple(_mean(values) for values in by_second),
    )


def _event(
    marker: Marker,
    eda: Eda | None,
    scrs: Responses | None,
    window_s: tuple[float, float],
    heart_bpm: tuple[float, Floats],
    *,
    near: bool,
) -> EventResponse:
    opens_s, closes_s = (marker.time_s + edge_s for edge_s in window_s)
    found = scrs.between(opens_s, closes_s) if scrs is not None else None
    reason = _skin_reason(eda, marker.time_s, closes_s, found)
    usable = found if reason is None else None
    first_us = float(usable.amplitude_us[0]) if usable else None
    overlaps = [
        text
        for text, so in (
            ("another marker", near),
            ("a response under way", scrs is not None and _under_way(scrs, opens_s)),
        )
        if so
    ]
    base_bpm, change_bpm = _none(heart_bpm[0]), tuple(_none(value) for value in heart_bpm[1].tolist())
    return EventResponse(
        time_s=marker.time_s,
        kind=marker.kind,
        text=marker.text,
        scr_n=len(usable) if usable is not None else None,
        latency_s=float(usable.onset_s[0]) - marker.time_s if usable else None,
        amplitude_us=first_us,
        magnitude_us=None if usable is None else first_us or 0.0,
        phasic_us_s=None if eda is None or reason else _integral(eda, marker.time_s, opens_s, closes_s),
        heart_rate_base_bpm=base_bpm,
        heart_rate_change_bpm=change_bpm,
        overlap=" and ".join(overlaps) or None,
        skin_reason=reason,
        heart_reason=_heart_reason(base_bpm, change_bpm),
    )


def _skin_reason(eda: Eda | None, marker_s: float, closes_s: float, found: Responses | None) -> str | None:
    """Why skin conductance cannot say what followed; None if it can."""
    if eda is None or found is None:
        return "there is no skin conductance"
    if eda.rate_hz < MIN_RATE_HZ:
        return f"skin conductance below {MIN_RATE_HZ:g} Hz is too slow to show responses"
    fault = _fault(eda, marker_s - BASE_S, closes_s)
    if fault is None and not found and _fault(eda, closes_s, closes_s + LONGEST_RISE_S):
        return "no sound signal for long enough after the window to see a response whole"
    if fault and not _within(eda, marker_s):
        return "outside the recording"
    return f"{fault} around the window" if fault else None


def _within(eda: Eda, at_s: float) -> bool:
    """Whether a moment lies in a recording, which a sample period ends."""
    return len(eda.time_s) > 0 and bool(eda.time_s[0] <= at_s <= eda.time_s[-1] + 1 / eda.rate_hz)


def _fault(eda: Eda, start_s: float, end_s: float) -> str | None:
    """What is wrong with a stretch: time that lacks a sample, or samples that are not valid."""
    rows, period_s = eda.rows(start_s, end_s), 1 / eda.rate_hz
    around_s = eda.time_s[max(rows.start - 1, 0) : rows.stop + 1]
    last_s, next_s = np.append(-np.inf, around_s), np.append(around_s, np.inf)
    gap = next_s - last_s > _GAP_PERIODS * period_s
    reaches_in = (next_s > start_s + period_s / 2) & (last_s + period_s < end_s - period_s / 2)
    if np.any(gap & reaches_in):
        return "a gap"
    if np.any(eda.marked[rows]):
        return "a marked span"
    return None if np.all(eda.valid[rows]) else "an artefact"


def _heart_reason(base_bpm: float | None, change_bpm: Sequence[float | None]) -> str | None:
    if base_bpm is None:
        return "too few normal beats before the marker"
    return "too few normal beats after the marker" if None in change_bpm else None


def _integral(eda: Eda, marker_s: float, opens_s: float, closes_s: float) -> float | None:
    """The area of the phasic signal over the window, from edge to edge, above its mean before the marker."""
    base_us = eda.phasic_us[eda.rows(marker_s - BASE_S, marker_s)]
    rows = eda.rows(opens_s, closes_s)
    if not len(base_us) or rows.stop <= rows.start:
        return None
    around = slice(max(rows.start - 1, 0), rows.stop + 1)
    known = around.start + np.flatnonzero(eda.valid[around])
    at_s = np.concatenate([[opens_s], eda.time_s[rows], [closes_s]])
    inside_us = np.interp(at_s, eda.time_s[known], eda.phasic_us[known])
    return float(np.trapezoid(inside_us - np.mean(base_us), at_s))


def _under_way(scrs: Responses, opens_s: float) -> bool:
    """Whether the last response before a window was not seen to lose half of its height before it opened."""
    before = int(np.searchsorted(scrs.onset_s, opens_s)) - 1
    if before < 0:
        return False
    half_lost_s = scrs.peak_s[before] + scrs.half_recovery_s[before]
    return bool(np.isnan(half_lost_s) or half_lost_s > opens_s)


def _marker_overlaps(at_s: Floats, window_s: tuple[float, float]) -> Bools:
    """Which windows share time with a neighbour's; `at_s` in order."""
    if not len(at_s):
        return np.zeros(0, dtype=bool)
    close = np.diff(at_s) < window_s[1] - window_s[0]
    return np.append(close, False) | np.insert(close, 0, False)


def _rate_bpm(beats: Beats | None, start_s: Floats, end_s: Floats) -> Floats:
    """Heart rate of each stretch: beats, in parts, over the time that normal intervals fill."""
    nn = beats.nn & (beats.interval_ms > 0) if beats is not None else np.zeros(0, dtype=bool)
    if beats is None or not np.any(nn):
        return np.full(len(start_s), np.nan)
    ends_s, length_s = beats.time_s[nn], beats.interval_ms[nn] / 1000
    begins_s = np.maximum(ends_s - length_s, np.insert(ends_s[:-1], 0, -np.inf))
    corners_s = np.column_stack([begins_s, ends_s]).reshape(-1)
    filled_s = _over(corners_s, ends_s - begins_s, start_s, end_s)
    beats_n = _over(corners_s, (ends_s - begins_s) / length_s, start_s, end_s)
    enough = filled_s >= _COVERED_SHARE * (end_s - start_s)
    rate_bpm: Floats = np.divide(60.0 * beats_n, filled_s, out=np.full(len(start_s), np.nan), where=enough)
    return rate_bpm


def _over(corners_s: Floats, shares: Floats, start_s: Floats, end_s: Floats) -> Floats:
    """How much of what grows by `shares` from corner to corner, and not between, falls into each stretch."""
    total = np.cumsum(shares)
    growth = np.column_stack([np.insert(total[:-1], 0, 0.0), total]).reshape(-1)
    return np.asarray(np.interp(end_s, corners_s, growth) - np.interp(start_s, corners_s, growth))


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
