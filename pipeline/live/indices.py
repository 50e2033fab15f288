"""Live values: causal, from the records as they come, numpy only until every column is asked for.

The same records in the same order give the same values, so a replay reproduces what was shown.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from pipeline.events import markers_of
from pipeline.features import null_reasons
from pipeline.floors import Basis
from pipeline.heart.beats import Beats
from pipeline.heart.causal_artefacts import CausalBeats
from pipeline.heart.time_domain import time_domain
from pipeline.journal import Kind, Record
from pipeline.live.beat_times import LiveBeatTimes
from pipeline.live.logs import BeatLog, SkinLog
from pipeline.model import Floats, Marker
from pipeline.skin.causal import DELAY_S, LiveSkin
from pipeline.skin.responses import LONGEST_RISE_S
from pipeline.skin.signal import NEARBY_S
from pipeline.spans import HEART, SKIN, kind_of, marked, stretches

_STALE_S = 5.0
_PULSES_STALE_S = 10.0  # optical sensors send the pulses of several seconds at once
_MEANS_STALE_S = 150.0  # of levels that come once a minute
_BEAT_STREAMS = ("rr", "pp")  # the better first
_SPAN_FACTS = {"span", "relabel", "remove"}
_RATE_WINDOW_S = (
    180.0  # longer than what a rate of responses needs, so that a moment's trouble does not end it
)
_NO_SKIN, _WAITING = "no skin signal is arriving", "waiting for the skin sensor"
_UNUSABLE = "the skin signal is not usable"


@dataclass(frozen=True, slots=True)
class Shown:
    """What is on the screen: each value or None, and why not where it is None."""

    heart_rate_bpm: float | None = None
    rmssd_ms: float | None = None
    eda_us: float | None = None
    scl_us: float | None = None
    scr_per_min: float | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)


SHOWN_NAMES = ("heart_rate_bpm", "rmssd_ms", "eda_us", "scl_us", "scr_per_min")


class Decoded(Protocol):
    """Samples of one stream, as a sensor's decoder gives them; see `devices.driver.Samples`."""

    @property
    def stream(self) -> str: ...

    @property
    def columns(self) -> Mapping[str, Floats]: ...

    @property
    def rate_hz(self) -> float | None: ...

    def __len__(self) -> int: ...


@dataclass(slots=True)
class _Heart:
    """The latest beats of one sensor, timed and labelled as they come, and the log of all of them."""

    log: BeatLog
    times: LiveBeatTimes = field(default_factory=LiveBeatTimes)
    labelled: CausalBeats = field(default_factory=CausalBeats)
    arrival_s: float = -math.inf
    stale_s: float = _STALE_S

    def feed(self, interval_ms: Floats, arrival_s: float) -> None:
        if not len(interval_ms):  # contact, but no beat: nothing that would keep old values alive
            return
        for time_s, interval in self.times.feed(arrival_s, interval_ms.tolist()):
            self.arrival_s = arrival_s  # beats that wait for their time do not keep older ones alive
            self.labelled.feed(time_s, interval)
            self.log.add(time_s, interval, self.labelled.newest_kinds)


@dataclass(slots=True)
class _Skin:
    """The latest sample of one sensor, and what follows from all before it."""

    log: SkinLog
    live: LiveSkin = field(default_factory=LiveSkin)
    latest: tuple[float, float] | None = None

    def feed(
        self, eda_us: Floats, arrival_s: float, rate_hz: float, left_out: Sequence[tuple[float, float]]
    ) -> None:
        for index, value in enumerate(eda_us.tolist()):
            at_s = arrival_s - (len(eda_us) - 1 - index) / rate_hz
            self.latest = (at_s, value)
            if not any(start_s <= at_s < end_s for start_s, end_s in left_out):
                self.live.feed(at_s, value)
                self.log.follow(self.live)


class LiveIndices:
    """Rolling indices over what has arrived: heart rate over 10 s, RMSSD over 60 s, skin conductance now.

    Heart rate is that of the latest beats, whose labels may still change; RMSSD waits until they can't, for
    five beats.

    Each stream is taken from the first device that delivers it, until that falls silent; pulses count where
    no strap's beats come. What a person marks as talking drops out of RMSSD, moving, touching a sensor and
    pauses of skin conductance too; see `pipeline.spans`.

    `beat_logs` (by stream) and `skin_log` hold the whole session.
    """

    def __init__(self) -> None:
        self.beat_logs: dict[str, BeatLog] = {}
        self.skin_log = SkinLog()
        self._sources: dict[str, tuple[str, float]] = {}  # device, and when it was last heard
        self._hearts: dict[str, _Heart] = {}
        self._skin = _Skin(self.skin_log)
        self._marks: list[Record] = []
        self._marked: tuple[Marker, ...] = ()
        self._skin_out: list[tuple[float, float]] = []
        self._mean_level: tuple[float, float] | None = None
        self._rate_s = -math.inf  # when a heart rate came last

    def take(self, record: Record, decoded: Sequence[Decoded]) -> None:
        """Take a journal record, as it comes: `decoded` is what its sensor's decoder makes of it.

        Markers and pauses, too: what they mark drops out.
        """
        if record.kind in (Kind.MARKER, Kind.PAUSE):
            self._mark(record)
        device = record.stream.partition("/")[0]
        for samples in decoded:
            if len(samples):
                self.feed(device, samples.stream, samples.columns, record.arrival_s, samples.rate_hz)

    def _mark(self, record: Record) -> None:
        """Spans as they are now known; one that is open lasts until it is ended."""
        if record.kind is Kind.MARKER and not _SPAN_FACTS & record.facts.keys():
            return  # a moment leaves nothing out
        self._marks.append(record)
        markers = markers_of(self._marks, math.inf)
        self._marked = tuple(marker for marker in markers if kind_of(marker) is not None)
        out = stretches(self._marked, SKIN)
        self._skin_out = list(zip(out.start_s.tolist(), out.end_s.tolist(), strict=True))

    def feed(
        self,
        device: str,
        stream: str,
        columns: Mapping[str, Floats],
        arrival_s: float,
        rate_hz: float | None,
    ) -> None:
        """Take the samples of one notification of `device` that arrived at `arrival_s`."""
        if not self._is_source(stream, device, arrival_s):
            return
        if stream in _BEAT_STREAMS:
            stale_s = _PULSES_STALE_S if stream == "pp" else _STALE_S
            if stream not in self._hearts:
                log = self.beat_logs.setdefault(stream, BeatLog())
                log.begin()
                self._hearts[stream] = _Heart(log, stale_s=stale_s)
            self._hearts[stream].feed(columns[f"{stream}_ms"], arrival_s)
        elif stream == "eda" and rate_hz:
            self._skin.feed(columns["eda_us"], arrival_s, rate_hz, self._skin_out)
        elif stream == "heart_rate" and np.isfinite(columns["heart_rate_bpm"]).all():
            self._rate_s = arrival_s
        elif stream == "scl" and math.isfinite(columns["scl_us"][-1]):
            self._mean_level = (arrival_s, float(columns["scl_us"][-1]))

    def _is_source(self, stream: str, device: str, arrival_s: float) -> bool:
        """Whether this device is the stream's, which it becomes once the one before has been silent."""
        bound, heard_s = self._sources.get(stream, (device, arrival_s))
        if bound != device:
            if arrival_s - heard_s <= _STALE_S:
                return False
            self._hearts.pop(stream, None)
            if stream == "eda":
                self._skin = _Skin(self.skin_log)
        self._sources[stream] = (device, arrival_s)
        return True

    def at(self, now_s: float) -> Shown:
        """The values to show at `now_s`; an old number is never one of them."""
        reasons: dict[str, str] = {}
        heart_rate_bpm, rmssd_ms = self._heart_values(now_s, reasons)
        eda_us, scl_us = self._skin_values(now_s, reasons)
        scr_per_min = self._responses_per_min(now_s, reasons)
        return Shown(heart_rate_bpm, rmssd_ms, eda_us, scl_us, scr_per_min, reasons)

    @property
    def beat_stream(self) -> str | None:
        """The stream that the heart's values come from now: "rr", "pp" or, before the first beat, None."""
        heart = self._heart()
        return next((name for name, each in self._hearts.items() if each is heart), None)

    @property
    def beat_log(self) -> BeatLog | None:
        """All beats of that stream; `BeatNews.of` it is the page's topic `beats`."""
        return self.beat_logs.get(self.beat_stream or "")

    def beats_arrive(self, now_s: float) -> bool:
        """Whether beats came lately, so that what follows from them is of now."""
        heart = self._heart()
        return heart is not None and now_s - heart.arrival_s <= heart.stale_s

    def skin_arrives(self, now_s: float) -> bool:
        """Whether samples of skin conductance came lately."""
        return self._skin.latest is not None and now_s - self._skin.latest[0] <= _STALE_S

    def skin_points(self, since_s: float) -> list[tuple[float, float | None, float | None]]:
        """The skin's trace after `since_s`: (time in s, level in µS, how far the signal lies from it in µS).

        Four times a second at most; each is the mean of the quarter of a second before it and never changes.
        None where nothing is usable, and once where time is missing.
        """
        return self.skin_log.points(since_s)

    def heart_columns(self, window_s: float = 300.0) -> dict[str, float]:
        """Every heart column over the latest `window_s` of labelled beats, floors off, NaN where undefined.

        The same code as in a report, on causal labels: compiled loops and scipy, so not before the page is
        up. Empty without a beat.
        """
        from pipeline.heart.spectrum import Detrend, PsdMethod
        from pipeline.heart.windows import hrv_columns

        heart = self._heart()
        beats = heart.labelled.beats if heart else None
        if not beats:
            return {}
        newest_s = float(beats.time_s[-1])
        edges = np.array([newest_s - window_s]), np.array([newest_s])
        columns = hrv_columns(beats, *edges, PsdMethod.WELCH, Detrend.LINEAR, duration_s=newest_s)
        return {name: float(column[0]) for name, column in columns.items()}

    def _heart(self) -> _Heart | None:
        """The best source of beats, of those that are not behind another by too much."""
        hearts = [self._hearts[name] for name in _BEAT_STREAMS if name in self._hearts]
        newest_s = max((heart.arrival_s for heart in hearts), default=0.0)
        return next((heart for heart in hearts if newest_s - heart.arrival_s <= heart.stale_s), None)

    def _heart_values(self, now_s: float, reasons: dict[str, str]) -> tuple[float | None, float | None]:
        heart = self._heart()
        beats = heart.labelled.beats if heart else None
        if not heart or not beats or now_s - heart.arrival_s > heart.stale_s:
            if now_s - self._rate_s <= _STALE_S:
                reason = "the sensor sends a heart rate, but no intervals"
            else:
                reason = "no heartbeat is arriving" if beats else "waiting for the first heartbeat"
            reasons["heart_rate_bpm"] = reasons["rmssd_ms"] = reason
            return None, None
        return (
            self._index("heart_rate_bpm", "mean_hr_bpm", beats, 10.0, reasons),
            self._index("rmssd_ms", "rmssd_ms", heart.labelled.final, 60.0, reasons, self._known(now_s)),
        )

    def _known(self, now_s: float) -> list[Marker]:
        """What is marked up to now."""
        return [replace(marker, end_s=min(marker.end_s or 0.0, now_s)) for marker in self._marked]

    def _index(
        self,
        shown: str,
        feature: str,
        beats: Beats,
        window_s: float,
        reasons: dict[str, str],
        markers: Sequence[Marker] = (),
    ) -> float | None:
        """A feature over the latest `window_s` less what is marked, under the same floors as in a report."""
        if not len(beats):
            reasons[shown] = "too few clean beats"
            return None
        newest_s = float(beats.time_s[-1])
        window = beats.between(newest_s - window_s, newest_s + 1).without(stretches(markers, HEART))
        domain = time_domain(window)
        basis = Basis.of_one(
            duration_s=window_s,
            covered_s=window.covered_s(newest_s - window_s, newest_s),
            beats=domain.beats,
            nn_pairs=domain.nn_pairs,
            corrected_pct=window.corrected_pct,
        )
        reason = null_reasons(feature, basis).get(0)
        value: float | None = getattr(domain, feature)
        if value is None or reason:
            edges = np.array([newest_s - window_s]), np.array([newest_s])
            why = marked(markers, HEART, *edges)[0] if markers else None
            reasons[shown] = (reason or "too few clean beats") + (f"; {why}" if why else "")
            return None
        return value

    def _skin_values(self, now_s: float, reasons: dict[str, str]) -> tuple[float | None, float | None]:
        latest, mean = self._skin.latest, self._mean_level
        if latest is None and mean is not None and now_s - mean[0] <= _MEANS_STALE_S:
            reasons["eda_us"] = "the sensor sends a level only"
            return None, mean[1]
        if latest is None or now_s - latest[0] > _STALE_S:
            reasons["eda_us"] = reasons["scl_us"] = _NO_SKIN if latest else _WAITING
            return None, None
        level_us = self._skin.live.level_us
        if not math.isfinite(latest[1]):
            reasons["eda_us"] = _UNUSABLE
        left_out = self._skin_left_out(now_s)
        if left_out:
            reasons["scl_us"] = left_out
        elif math.isnan(level_us):
            reasons["scl_us"] = _WAITING
        elif now_s - self._skin.live.used_s > _STALE_S + NEARBY_S:
            reasons["scl_us"] = _UNUSABLE
        return (
            None if "eda_us" in reasons else latest[1],
            None if "scl_us" in reasons else level_us,
        )

    def _skin_left_out(self, now_s: float) -> str | None:
        """What takes skin conductance out at this moment, in words."""
        running = (
            kind
            for marker in self._marked
            if marker.time_s <= now_s < (marker.end_s or 0.0)
            and (kind := kind_of(marker)) is not None
            and SKIN in kind.excludes
        )
        kind = next(running, None)
        return f"marked: {kind}" if kind else None

    def _responses_per_min(self, now_s: float, reasons: dict[str, str]) -> float | None:
        """Responses per valid minute of the latest three in which all is known, floors as in a report."""
        trouble = reasons.get("scl_us") or ("" if self.skin_arrives(now_s) else reasons.get("eda_us"))
        if trouble:
            reasons["scr_per_min"] = trouble
            return None
        end_s = now_s - DELAY_S - LONGEST_RISE_S
        valid_s = self._skin.live.valid_s(end_s - _RATE_WINDOW_S, end_s)
        reason = null_reasons("scr_per_min", Basis.of_one(eda_valid_s=valid_s)).get(0)
        if reason:
            reasons["scr_per_min"] = reason
            return None
        return 60.0 * len(self._skin.live.responses(end_s - _RATE_WINDOW_S, end_s)) / valid_s
