"""Made-up paced sessions: a heart that moves as much as one says at each rate, and a belt."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from pipeline.breathing.rate import Sources
from pipeline.guidance.resonance import Assessment, Dated, assess
from pipeline.heart.beats import Beats
from pipeline.model import Floats, Pacer, Phase, PhaseKind, Stream

RATES = (6.5, 6.0, 5.5, 5.0, 4.5)
STEP_S, REST_S = 120.0, 60.0
TODAY = Dated("2026-03-01", "2026-03-01T09-05-00-abcd")
_GRID_S = 0.01


def peaking(at_bpm: float) -> Callable[[float], float]:
    """Peak to trough in bpm by rate, with a clear peak."""
    return lambda rate: 4.0 + 14.0 * float(np.exp(-(((rate - at_bpm) / 0.6) ** 2)))


def steps(rates: Sequence[float] = RATES, start_s: float = 0.0, step_s: float = STEP_S) -> tuple[Phase, ...]:
    """A phase for each rate, with a rest after it."""
    begins = [start_s + place * (step_s + REST_S) for place in range(len(rates))]
    return tuple(
        Phase(f"{rate:g} a minute", PhaseKind.PACED, begin, begin + step_s, pacer=Pacer(rate))
        for rate, begin in zip(rates, begins, strict=True)
    )


def volume(phase: Phase, time_s: Floats, lag: float = 0.0) -> Floats:
    """What the pacer asks of the lungs, 0 to 1, `lag` breaths late."""
    assert phase.pacer is not None
    done = np.mod((time_s - phase.start_s) * phase.pacer.breaths_per_min / 60.0 - lag, 1.0)
    share = phase.pacer.inhale_share
    inhaled = 0.5 * (1 - np.cos(np.pi * done / share))
    return np.where(done < share, inhaled, 0.5 * (1 + np.cos(np.pi * (done - share) / (1 - share))))


def heart(
    phases: Sequence[Phase],
    swing_bpm: Callable[[float], float],
    *,
    lag: float = 0.0,
    first_bpm: float | None = None,
) -> Beats:
    """Normal beats around 65 a minute that follow the pacer, the size of each breath scattered by 8 %.

    The scatter depends on rate and breath alone. `first_bpm` takes the swing's place in the first 25 s.
    """
    origin_s = min(phase.start_s for phase in phases)
    time_s = origin_s + np.arange(0.0, max(p.end_s for p in phases) - origin_s + REST_S, _GRID_S)
    rate_bpm = np.full(len(time_s), 65.0)
    for phase in phases:
        assert phase.pacer is not None
        inside = (time_s >= phase.start_s) & (time_s < phase.end_s)
        since_s = time_s[inside] - phase.start_s
        breath = (since_s * phase.pacer.breaths_per_min / 60.0).astype(int)
        rng = np.random.default_rng(round(100 * phase.pacer.breaths_per_min))
        size = swing_bpm(phase.pacer.breaths_per_min) * (1 + 0.08 * rng.standard_normal(60))[breath]
        if first_bpm is not None:
            size = np.where(since_s < 25.0, first_bpm, size)
        rate_bpm[inside] += size * (volume(phase, time_s[inside], lag) - 0.5)
    beat = np.cumsum(rate_bpm / 60.0 * _GRID_S)
    beat_s = np.interp(np.arange(1.0, beat[-1]), beat, time_s)
    kind = np.zeros(len(beat_s) - 1, dtype=np.int8)
    return Beats(beat_s[1:], np.diff(beat_s) * 1000.0, kind)


def belt(phases: Sequence[Phase], own_bpm: dict[float, float] | None = None, gain: float = 1.0) -> Stream:
    """A belt at 25 Hz: the pacer's breaths, or at some rates one's own; 14 a minute between."""
    origin_s, rate_hz = min(phase.start_s for phase in phases), 25.0
    time_s = origin_s + np.arange(0.0, max(p.end_s for p in phases) - origin_s, 1 / rate_hz)
    moved = 0.5 + 0.5 * np.sin(2 * np.pi * 14.0 / 60.0 * time_s)
    for phase in phases:
        assert phase.pacer is not None
        inside = (time_s >= phase.start_s) & (time_s < phase.end_s)
        own = (own_bpm or {}).get(phase.pacer.breaths_per_min)
        if own is None:
            moved[inside] = volume(phase, time_s[inside])
        else:
            moved[inside] = 0.5 + 0.5 * np.sin(2 * np.pi * own / 60.0 * time_s[inside])
    return Stream("respiration", time_s, {"respiration_au": gain * moved}, rate_hz)


def without(beats: Beats, start_s: float, end_s: float) -> Beats:
    """The same with a gap."""
    kept = (beats.time_s < start_s) | (beats.time_s - beats.interval_ms / 1000.0 > end_s)
    return Beats(beats.time_s[kept], beats.interval_ms[kept], beats.kind[kept])


def assessed(phases: Sequence[Phase], beats: Beats | None, respiration: Stream | None = None) -> Assessment:
    return assess(phases, beats, Sources(beats, belt=respiration), TODAY)
