"""What a simulated person is made of: their traits, and the noises that make each moment their own.

Everything moves in ticks of `TICK_S`. A noise draws a fixed count of numbers per tick from a generator
of its own, so a moment is the same however one gets to it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

TICK_S = 1 / 16  # exact in binary: a tick's time carries no rounding


@dataclass(frozen=True, slots=True)
class Traits:
    """A person at rest, how stress moves them, and how badly their strap sits.

    Values are plausible choices for a healthy adult in a chair, not estimates from one study. Those for
    the skin lie in the ranges of Boucsein 2012 (level 2-20 µS, 1-3 spontaneous responses a minute at rest).
    `*_share` is what is left of a thing under full stress, `*_s` a time constant unless said otherwise.
    """

    heart_rate_bpm: float = 66.0
    heart_settling_bpm: float = 3.0  # on top at the start, gone with `settling_s`
    rsa_ms: float = 36.0  # half of trough to peak at the resting breathing rate
    rsa_wander: float = 0.15  # standard deviation of its logarithm, over minutes
    resonance_bpm: float = 5.8  # breaths per minute with the largest arrhythmia
    resonance_width_bpm: float = 1.8  # half width of that peak
    resonance_gain: float = 1.9  # at the peak, on top of rest
    baroreflex_hz: float = 0.1
    baroreflex_ms: float = 19.0  # standard deviation
    baroreflex_memory_s: float = 20.0  # how long its phase lasts
    drift_ms: float = 13.0  # standard deviation of each of three slow parts
    beat_jitter_ms: float = 7.0  # standard deviation, independent from beat to beat

    breath_rate_bpm: float = 14.5
    breath_jitter: float = 0.06  # standard deviation of a breath's length, as a part of it
    paced_breath_jitter: float = 0.02
    breath_depth_jitter: float = 0.15
    inhale_share: float = 0.4

    stress_heart_bpm: float = 14.0
    stress_rsa_share: float = 0.45
    stress_baroreflex_share: float = 0.75
    stress_breath_bpm: float = 2.5
    stress_scl_us: float = 1.2
    stress_scr_per_min: float = 8.0
    onset_s: float = 12.0
    heart_recovery_s: float = 45.0
    skin_recovery_s: float = 90.0

    scl_us: float = 4.0
    scl_settling_us: float = 0.8  # on top at the start, gone with `settling_s`
    scl_decline_us: float = 0.5  # lost in the long run, with `scl_decline_s`
    scl_decline_s: float = 1800.0
    scl_wander_us: float = 0.08  # standard deviation of slow wandering
    settling_s: float = 45.0
    scr_per_min: float = 2.0
    scr_median_us: float = 0.3
    scr_spread: float = 0.7  # standard deviation of the logarithm of amplitudes
    eda_noise_us: float = 0.003  # standard deviation, per sample

    ectopic_per_min: float = 0.2
    missed_per_min: float = 0.0
    extra_per_min: float = 0.0


def normals(rng: np.random.Generator) -> Iterator[float]:
    """Standard normal numbers without end; drawn many at once, as a call costs more than a number."""
    while True:
        yield from rng.standard_normal(512).tolist()


def uniforms(rng: np.random.Generator) -> Iterator[float]:
    """Numbers from [0, 1) without end."""
    while True:
        yield from rng.random(512).tolist()


class Follower:
    """A level from 0 to 1 that follows a goal, quickly up and slowly down."""

    __slots__ = ("_down", "_up", "level")

    def __init__(self, up_s: float, down_s: float) -> None:
        self._up, self._down = -math.expm1(-TICK_S / up_s), -math.expm1(-TICK_S / down_s)
        self.level = 0.0

    def step(self, goal: float) -> None:
        self.level += (goal - self.level) * (self._up if goal > self.level else self._down)


class Wander:
    """An Ornstein-Uhlenbeck process: standard deviation `sd`, correlation exp(-t / memory_s)."""

    __slots__ = ("_keep", "_kick", "_noise", "value")

    def __init__(self, sd: float, memory_s: float, noise: Iterator[float]) -> None:
        self._noise, self._keep = noise, math.exp(-TICK_S / memory_s)
        self._kick = sd * math.sqrt(1 - self._keep**2)
        self.value = sd * next(noise)

    def step(self) -> None:
        self.value = self._keep * self.value + self._kick * next(self._noise)


class Wave:
    """A wave of one frequency whose phase and size wander: a damped oscillator kept alive by noise."""

    __slots__ = ("_kick", "_noise", "_state", "_turn")

    def __init__(self, sd: float, frequency_hz: float, memory_s: float, noise: Iterator[float]) -> None:
        keep = math.exp(-TICK_S / memory_s)
        angle = 2 * math.pi * frequency_hz * TICK_S
        self._turn = keep * complex(math.cos(angle), math.sin(angle))
        self._noise, self._kick = noise, sd * math.sqrt(1 - keep**2)
        self._state = sd * complex(next(noise), next(noise))

    @property
    def value(self) -> float:
        return self._state.real

    def step(self) -> None:
        self._state = self._state * self._turn + self._kick * complex(next(self._noise), next(self._noise))
