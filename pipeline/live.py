"""Live values: causal, from the records as they come, numpy only.

The same records in the same order give the same values, so a replay reproduces what was shown.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from pipeline.features import Basis, null_reason
from pipeline.heart.artefacts import classify
from pipeline.heart.beats import Beats
from pipeline.heart.time_domain import time_domain
from pipeline.model import Floats
from pipeline.skin.signal import SlowLevel
from pipeline.timing import beat_times

_KEPT_S = 150.0  # enough for the 91 beats of the artefact thresholds and a 60-s window
_STALE_S = 5.0
_BEAT_STREAMS = ("rr", "pp")  # the better first


@dataclass(frozen=True, slots=True)
class Shown:
    """What is on the screen: each value or None, and why not where it is None."""

    heart_rate_bpm: float | None = None
    rmssd_ms: float | None = None
    eda_us: float | None = None
    scl_us: float | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _LatestBeats:
    """The beats that arrived within `_KEPT_S`, timed as those of a whole session are."""

    interval_ms: list[float] = field(default_factory=list)
    arrival_s: list[float] = field(default_factory=list)

    def feed(self, interval_ms: Floats, arrival_s: float) -> None:
        self.interval_ms += [float(value) for value in interval_ms]
        self.arrival_s += [arrival_s] * len(interval_ms)
        old = bisect_left(self.arrival_s, arrival_s - _KEPT_S)
        del self.interval_ms[:old], self.arrival_s[:old]

    def classified(self) -> Beats:
        interval_ms, arrival_s = np.array(self.interval_ms), np.array(self.arrival_s)
        return classify(beat_times(interval_ms, arrival_s, np.zeros(len(arrival_s))).time_s, interval_ms)


class LiveIndices:
    """Rolling indices over what has arrived: heart rate over 10 s, RMSSD over 60 s, skin conductance now.

    Each stream is taken from the first device that delivers it; pulses count until a strap's beats come.
    """

    def __init__(self) -> None:
        self._sources: dict[str, str] = {}
        self._beats: dict[str, _LatestBeats] = {}
        self._eda: tuple[float, float] | None = None
        self._level = SlowLevel()
        self._scl_us: float | None = None

    def feed(
        self,
        device: str,
        stream: str,
        columns: Mapping[str, Floats],
        arrival_s: float,
        rate_hz: float | None,
    ) -> None:
        """Take the samples of one notification of `device` that arrived at `arrival_s`."""
        if self._sources.setdefault(stream, device) != device:
            return
        if stream in _BEAT_STREAMS:
            self._beats.setdefault(stream, _LatestBeats()).feed(columns[f"{stream}_ms"], arrival_s)
        elif stream == "eda" and rate_hz:
            self._feed_eda(columns["eda_us"], arrival_s, rate_hz)

    def _feed_eda(self, eda_us: Floats, arrival_s: float, rate_hz: float) -> None:
        for index, value in enumerate(eda_us):
            at_s = arrival_s - (len(eda_us) - 1 - index) / rate_hz
            self._scl_us = self._level.feed(at_s, float(value))
            self._eda = (at_s, float(value))

    def at(self, now_s: float) -> Shown:
        """The values to show at `now_s`; an old number is never one of them."""
        reasons: dict[str, str] = {}
        heart_rate_bpm, rmssd_ms = self._heart(now_s, reasons)
        eda_us, scl_us = self._skin(now_s, reasons)
        return Shown(heart_rate_bpm, rmssd_ms, eda_us, scl_us, reasons)

    def _heart(self, now_s: float, reasons: dict[str, str]) -> tuple[float | None, float | None]:
        latest = next((self._beats[name] for name in _BEAT_STREAMS if name in self._beats), None)
        beats = latest.classified() if latest else None
        if not beats or now_s - beats.time_s[-1] > _STALE_S:
            reasons["heart_rate_bpm"] = reasons["rmssd_ms"] = (
                "no heartbeat is arriving" if beats else "waiting for the first heartbeat"
            )
            return None, None
        return (
            self._index("heart_rate_bpm", "mean_hr_bpm", beats, 10.0, reasons),
            self._index("rmssd_ms", "rmssd_ms", beats, 60.0, reasons),
        )

    def _index(
        self, shown: str, feature: str, beats: Beats, window_s: float, reasons: dict[str, str]
    ) -> float | None:
        """A feature over the latest `window_s`, under the same floors as in a report."""
        newest_s = float(beats.time_s[-1])
        window = beats.between(newest_s - window_s, newest_s + 1)
        domain = time_domain(window)
        basis = Basis(
            duration_s=window_s,
            covered_s=window.covered_s(newest_s - window_s, newest_s),
            beats=domain.beats,
            nn_pairs=domain.nn_pairs,
            corrected_pct=window.corrected_pct,
            breaths=None,
            eda_valid_s=0.0,
            has_gap=False,
        )
        reason = null_reason(feature, basis)
        value: float | None = getattr(domain, feature)
        if value is None or reason:
            reasons[shown] = reason or "too few clean beats"
            return None
        return value

    def _skin(self, now_s: float, reasons: dict[str, str]) -> tuple[float | None, float | None]:
        if self._eda is None or now_s - self._eda[0] > _STALE_S:
            reasons["eda_us"] = reasons["scl_us"] = (
                "no skin signal is arriving" if self._eda else "waiting for the skin sensor"
            )
            return None, None
        return self._eda[1], self._scl_us
