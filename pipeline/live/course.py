"""The analysis of a session that still runs: arousal, breathing, rhythm, and the phase against the baseline.

Fed with the records of the journal in their order, it says at any moment what a report would say of the
session so far, from causal values: nothing looks ahead, and asking changes nothing. It imports compiled
loops, so it is no part of the recorder.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from pipeline.breathing.rate import Breathing, Sources, breathing_columns
from pipeline.events import conditions_of, markers_of, phases_of
from pipeline.features import null_reasons
from pipeline.heart.beats import Beats
from pipeline.indices.arousal import BLOCK_S, Reference, arousal, blocks, reference
from pipeline.indices.components import heart_note
from pipeline.indices.session import Wearer
from pipeline.journal import Kind, Record
from pipeline.live.columns import MOST_LATE_S, Skin, basis, clipped, heart_columns, moved_back
from pipeline.live.comparison import BreathingLog, compared
from pipeline.live.indices import Decoded, LiveIndices
from pipeline.live.sampled import MotionLog, Sampled
from pipeline.live.shown import Analysed, Comparison
from pipeline.model import Floats, Marker, Phase
from pipeline.regulation.phases import baseline_of
from pipeline.signals import NEVER_VARIES
from pipeline.spans import HEART, SKIN, Signal, SpanKind, Stretches, marked, stretches
from pipeline.values import Spans, spans

Decode = Callable[[Record], Sequence[Decoded]]

RHYTHM_S = 64.0
BREATHING_S = 64.0
NO_BASELINE = "there is no baseline in this session so far"
YOUNG_BASELINE = "needs two usable minutes of baseline"

_SETTLED_S = 10.0  # after its end a minute of the baseline is known
_BREATHE_EVERY_S = 8.0
_BEFORE_S = 16.0  # of a signal before a window, for what is told from both sides
_EVENTS = {Kind.HEADER, Kind.CONDITIONS, Kind.PHASE, Kind.MARKER, Kind.PAUSE}
_NO_BEATS = Beats(np.empty(0), np.empty(0), np.empty(0, dtype=np.int8))


class Follower:
    """Follows a session record by record; `decode` is a decoder of its own, see `devices.decoding`.

    The same records give the same answers, bit for bit, whenever else it is asked. `fed` is the number of the
    latest record.
    """

    def __init__(self, decode: Decode) -> None:
        self.fed = -1
        self._decode = decode
        self._live = LiveIndices()
        self._events: list[Record] = []
        self._sampled = {name: Sampled(name) for name in ("acc", "respiration", "skin_temperature")}
        self._motion = MotionLog(self._sampled["acc"])
        self._breaths = BreathingLog()
        self._breathed_s = 0.0

    def feed(self, record: Record) -> None:
        """Take a record; one that cannot be read is passed over: the journal has it."""
        self.fed = record.sequence
        try:
            self._breathe(record.arrival_s)
            self._take(record)
        except Exception:  # as in the recorder: no sensor's fault ends the analysis
            return

    def _take(self, record: Record) -> None:
        if record.kind in _EVENTS:
            self._events.append(record)
        decoded = self._decode(record)
        self._live.take(record, decoded)
        device = record.stream.partition("/")[0]
        for samples in decoded:
            if samples.stream in self._sampled and len(samples):
                stream = self._sampled[samples.stream]
                stream.feed(device, samples.columns, record.arrival_s, samples.rate_hz)
                if samples.stream == "acc":
                    self._motion.follow()

    def _breathe(self, reached_s: float) -> None:
        """Keep what breathing was, every 8 s, for the phases' rates."""
        due_s = _BREATHE_EVERY_S * math.floor(reached_s / _BREATHE_EVERY_S)
        if due_s > self._breathed_s:
            self._breathed_s = due_s
            self._breaths.add(due_s, self._now(due_s).breathing)

    def at(self, now_s: float) -> Analysed:
        """What there is to say at `now_s`."""
        return self._now(now_s).analysed(self.fed)

    def _now(self, now_s: float) -> _Now:
        return _Now(now_s, self._live, self._events, self._sampled, self._motion, self._breaths)


@dataclass(frozen=True)
class _Now:
    """The session at one moment."""

    now_s: float
    live: LiveIndices
    events: Sequence[Record]
    sampled: Mapping[str, Sampled]
    motion: MotionLog
    breaths: BreathingLog
    reasons: dict[str, str] = field(default_factory=dict)

    def analysed(self, upto: int) -> Analysed:
        """All of it."""
        value, low, high, words = self._arousal()
        breathing = self._breathing_rate()
        source = breathing.source[0] if breathing is not None else None
        return Analysed(
            at_s=self.now_s,
            upto=upto,
            arousal=value,
            arousal_low=low,
            arousal_high=high,
            arousal_basis=words,
            rhythm_concentration=self._rhythm(),
            resp_rate_bpm=float(breathing.rate_bpm[0]) if breathing is not None else None,
            resp_source=str(source) if source else None,
            resp_confidence=float(breathing.confidence[0]) if breathing is not None else None,
            table=self._table(),
            reasons=self.reasons,
        )

    @cached_property
    def markers(self) -> Sequence[Marker]:
        return markers_of(self.events, self.now_s)

    @cached_property
    def phases(self) -> Sequence[Phase]:
        return phases_of(self.events, self.now_s)

    @cached_property
    def baseline(self) -> Phase | None:
        """What others are held against: as in a report."""
        return baseline_of(self.phases)

    @cached_property
    def conditions(self) -> Mapping[str, str]:
        return conditions_of(self.events)

    @cached_property
    def on_chest(self) -> bool:
        return self.conditions.get("acc_site") == "chest"

    @cached_property
    def wearer(self) -> Wearer:
        return Wearer(heart_note(self.conditions), self.live.beat_stream == "pp", not self.on_chest)

    @cached_property
    def heart_out(self) -> Stretches:
        return stretches(self.markers, HEART)

    @cached_property
    def beats(self) -> Beats:
        """All beats whose labels are final, less what is marked."""
        log = self.live.beat_log
        return log.beats(self.now_s).without(self.heart_out) if log is not None else _NO_BEATS

    @cached_property
    def beats_until_s(self) -> float:
        """Up to where beats are known."""
        return math.nextafter(float(self.beats.time_s[-1]), math.inf) if len(self.beats) else -math.inf

    @cached_property
    def skin(self) -> Skin:
        return Skin(self.live.skin_log, stretches(self.markers, SKIN), self.now_s)

    def spans(self, start_s: Floats, end_s: Floats) -> Spans:
        return spans(start_s, end_s, self.phases, self.markers)

    def columns(self, where: Spans) -> dict[str, Floats]:
        """What arousal is computed from, over windows of a minute."""
        start_s, end_s = where.start_s, where.end_s
        silent = bool(len(end_s)) and end_s[-1] - self.beats_until_s > MOST_LATE_S
        beats = _NO_BEATS if silent else self.beats  # a minute that is half over says nothing of now
        heart = heart_columns(beats, *moved_back(start_s, end_s, self.beats_until_s))
        heart["ln_rmssd"] = np.where(heart["sdnn_ms"] == 0, np.nan, heart["ln_rmssd"])
        temperature = self.sampled["skin_temperature"].stream(self.now_s - BLOCK_S, self.now_s)
        worn_c = float(np.nanmean(temperature.value)) if temperature is not None else math.nan
        skin = dict(self.skin.columns(start_s, end_s))
        if len(end_s) and end_s[-1] - self.skin.newest_s > MOST_LATE_S:
            skin["valid_s"] = np.zeros(len(end_s))
        return {
            **heart,
            **skin,
            **self.motion.columns(start_s, end_s),
            "skin_temp_c": np.where(end_s >= self.now_s, worn_c, np.nan),
        }

    def _reference(self) -> Reference | None:
        """From the whole minutes of the baseline that are known by now."""
        if self.baseline is None:
            return None
        end_s = min(self.baseline.end_s, self.now_s - _SETTLED_S)
        minutes = self.spans(*blocks(self.baseline.start_s, end_s))
        if not len(minutes):
            return None
        return reference(self.columns(minutes), circumstances=self.wearer.circumstances(minutes))

    def _arousal(self) -> tuple[float | None, float | None, float | None, str | None]:
        """Over the last minute: value, band and basis."""
        held_against = self._reference()
        if held_against is None:
            self.reasons["arousal"] = NO_BASELINE if self.baseline is None else YOUNG_BASELINE
            return None, None, None, None
        where = self.spans(np.array([self.now_s - BLOCK_S]), np.array([self.now_s]))
        found = arousal(self.columns(where), held_against, self.wearer.circumstances(where))
        if found.reasons[0] is not None:
            self.reasons["arousal"] = found.reasons[0]
            return None, None, None, None
        return float(found.value[0]), float(found.low[0]), float(found.high[0]), found.basis[0]

    def _rhythm(self) -> float | None:
        """Rhythm concentration over the latest 64 s of beats."""
        name = "rhythm_concentration"
        if not self.live.beats_arrive(self.now_s) or not len(self.beats):
            self.reasons[name] = (
                "no heartbeat is arriving" if len(self.beats) else "waiting for the first heartbeat"
            )
            return None
        end_s = np.array([self.beats_until_s])
        start_s = np.maximum(end_s - RHYTHM_S, 0.0)
        columns = heart_columns(self.beats, start_s, end_s, rhythm=True)
        return self._told(name, columns, start_s, end_s)

    def _told(self, name: str, columns: Mapping[str, Floats], start_s: Floats, end_s: Floats) -> float | None:
        """A column's value in the only window, under the floors of a report."""
        nothing = {"valid_s": np.zeros(1)}
        reason = null_reasons(name, basis({**nothing, **columns}, start_s, end_s)).get(0)
        if reason is None and columns["sdnn_ms"][0] == 0:
            reason = NEVER_VARIES
        value = float(columns[name][0])
        if reason is None and math.isfinite(value):
            return value
        self.reasons[name] = self._with_marks(reason or "not defined for these data", HEART, start_s, end_s)
        return None

    def _with_marks(self, reason: str, signal: Signal, start_s: Floats, end_s: Floats) -> str:
        mark = marked(self.markers, signal, start_s, end_s)[0]
        return f"{reason}; {mark}" if mark else reason

    @cached_property
    def breathing(self) -> Breathing | None:
        """Breathing over the last 64 s, from what arrives; None where nothing does that may hold it."""
        since_s = self.now_s - BREATHING_S - _BEFORE_S
        late_s = self.now_s - MOST_LATE_S
        acc, belt = (
            self.sampled[name].stream(since_s, self.now_s, self.heart_out)
            if self.sampled[name].newest_s > late_s
            else None
            for name in ("acc", "respiration")
        )
        beats = self.beats.between(since_s, self.now_s) if self.live.beats_arrive(self.now_s) else None
        if beats is None and belt is None and not (acc is not None and self.on_chest):
            return None
        sources = Sources(beats, acc, self.on_chest, belt)
        return breathing_columns(sources, np.array([self.now_s - BREATHING_S]), np.array([self.now_s]))

    def _breathing_rate(self) -> Breathing | None:
        """The same, if there is a rate to show."""
        name, breathing = "resp_rate_bpm", self.breathing
        start_s, end_s = np.array([max(self.now_s - BREATHING_S, 0.0)]), np.array([self.now_s])
        if breathing is None:
            self.reasons[name] = "no signal that holds breathing is arriving"
            return None
        held = heart_columns(self.beats, start_s, end_s) | {"valid_s": np.zeros(1)}
        reason = null_reasons(name, basis(held, start_s, end_s)).get(0) or breathing.reason(0)
        if reason is None:
            return breathing
        self.reasons[name] = self._with_marks(reason, HEART, start_s, end_s)
        return None

    def _table(self) -> Comparison:
        """The running phase against the baseline, as far as each is known."""
        running = self.phases[-1] if self.phases and self.phases[-1].end_s >= self.now_s else None
        phases = [each for each in (self.baseline, running) if each is not None]
        start_s, end_s = (np.array([getattr(each, edge) for each in phases]) for edge in ("start_s", "end_s"))
        heart_to = clipped(start_s, end_s, self.beats_until_s)
        columns = heart_columns(self.beats, *heart_to, rhythm=True)
        for name in ("rmssd_ms", "rhythm_concentration"):
            columns[name] = np.where(columns["sdnn_ms"] == 0, np.nan, columns[name])
        columns |= self.skin.columns(start_s, end_s, whole=True)
        columns["resp_rate_bpm"] = self.breaths.means(start_s, end_s, BREATHING_S)
        marks = {
            signal: marked(self.markers, signal, start_s, end_s) if len(phases) else []
            for signal in (HEART, SKIN)
        }
        pauses = stretches(self.markers, HEART, SpanKind.PAUSE)
        seconds = (end_s - start_s - pauses.seconds(start_s, end_s)).tolist() if running else [0.0]
        return compared(self.baseline, running, columns, marks, seconds[-1])


def warm_up() -> None:
    """Compile, or load, every loop that an answer needs: on a session made up for it."""
    facts = b'{"name": "Baseline", "kind": "baseline"}'
    follower = Follower(_made_up)
    follower.feed(Record(Kind.PHASE, "", 0, 0, 0.0, 0.0, None, facts))
    for second in range(1, 200):
        follower.feed(Record(Kind.DATA, "made/up", second, 0, float(second), 0.0, None, b""))
    follower.at(200.0)


@dataclass(frozen=True, slots=True)
class _MadeUp:
    stream: str
    columns: Mapping[str, Floats]
    rate_hz: float | None

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))


def _made_up(record: Record) -> Sequence[_MadeUp]:
    """A heartbeat, and a second of skin conductance and of acceleration."""
    if record.kind is not Kind.DATA:
        return ()
    at_s = record.arrival_s + np.arange(25) / 25
    wave = np.sin(2 * np.pi * at_s / 4)
    return (
        _MadeUp("rr", {"rr_ms": 1000 + 40 * wave[:1]}, None),
        _MadeUp("eda", {"eda_us": 4 + 0.1 * wave[::6]}, 4.0),
        _MadeUp("acc", {"acc_x_mg": 10 * wave, "acc_y_mg": 1000 + wave, "acc_z_mg": wave}, 25.0),
    )
