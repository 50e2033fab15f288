"""Skin conductance: a slow tonic level and separate responses on top of it (Boucsein 2012)."""

from __future__ import annotations

import math
from array import array

import numpy as np

from devices.virtual.traits import TICK_S, Traits, Wander, normals, uniforms

REFRACTORY_S = 3.0
RISE_S, DECAY_S = 0.5, 5.0  # of the Bateman function: 1.28 s to the peak, 4.0 s from there to half
_WANDER_MEMORY_S = 40.0
_SMOOTH_S = 8.0  # nothing in the tonic level may rise as fast as a response
_LOWEST_US = 0.3


def _peak() -> float:
    """The largest value of exp(-t / DECAY_S) - exp(-t / RISE_S)."""
    at_s = math.log(DECAY_S / RISE_S) * RISE_S * DECAY_S / (DECAY_S - RISE_S)
    return math.exp(-at_s / DECAY_S) - math.exp(-at_s / RISE_S)


PEAK = _peak()


class Skin:
    """Responses fall as an inhomogeneous Poisson process, never within `REFRACTORY_S` of the last.

    That dead time is made up for, so the rate is the one asked for. Each response is a Bateman function
    from a tick on; its amplitude (trough to peak, alone) is log-normal and independent of the rate.
    """

    def __init__(self, traits: Traits, rng: np.random.Generator) -> None:
        wander, chance, size = rng.spawn(3)
        self._traits, self._chance, self._size = traits, uniforms(chance), normals(size)
        self._wander = Wander(traits.scl_wander_us, _WANDER_MEMORY_S, normals(wander))
        self._smooth_us = self._wander.value
        self._decaying = self._rising = 0.0
        self._ready_s = REFRACTORY_S
        self.onset_s, self.amplitude_us = array("d"), array("d")
        self.tonic_us = self._tonic_us(0.0, 0.0)

    @property
    def conductance_us(self) -> float:
        return self.tonic_us + self._decaying - self._rising

    def step(self, end_s: float, age_s: float, arousal: float) -> None:
        """Live one tick, which ends at `end_s` and at this age."""
        self._wander.step()
        self._smooth_us += (self._wander.value - self._smooth_us) * TICK_S / _SMOOTH_S
        self.tonic_us = self._tonic_us(age_s, arousal)
        self._decaying *= _DECAY_KEEP
        self._rising *= _RISE_KEEP
        if next(self._chance) < self._likelihood(arousal) and age_s >= self._ready_s:
            self._ready_s = age_s + REFRACTORY_S
            self._respond(end_s)

    def _tonic_us(self, age_s: float, arousal: float) -> float:
        traits = self._traits
        settling_us = traits.scl_settling_us * math.exp(-age_s / traits.settling_s)
        decline_us = traits.scl_decline_us * -math.expm1(-age_s / traits.scl_decline_s)
        level_us = traits.scl_us + settling_us - decline_us + traits.stress_scl_us * arousal
        return max(level_us + self._smooth_us, _LOWEST_US)

    def _likelihood(self, arousal: float) -> float:
        """The chance of a response in this tick, given that one may come."""
        traits = self._traits
        per_min = traits.scr_per_min + (traits.stress_scr_per_min - traits.scr_per_min) * arousal
        free_share = max(1 - per_min * REFRACTORY_S / 60, 0.05)
        return -math.expm1(-per_min / 60 / free_share * TICK_S)

    def _respond(self, at_s: float) -> None:
        amplitude_us = self._traits.scr_median_us * math.exp(self._traits.scr_spread * next(self._size))
        self._decaying += amplitude_us / PEAK
        self._rising += amplitude_us / PEAK
        self.onset_s.append(at_s)
        self.amplitude_us.append(amplitude_us)


_DECAY_KEEP, _RISE_KEEP = math.exp(-TICK_S / DECAY_S), math.exp(-TICK_S / RISE_S)
