"""Breathing, and a heart that breathes with it."""

from __future__ import annotations

import math
from array import array
from enum import StrEnum

import numpy as np

from devices.virtual.traits import TICK_S, Traits, Wander, Wave, normals, uniforms
from pipeline.model import Pacer

_DRIFT_MEMORY_S = (15.0, 60.0, 240.0)  # equal parts an octave or two apart: about 1/f
_RSA_MEMORY_S = 5.0
_RSA_WANDER_MEMORY_S = 120.0
_SHORTEST_MS, _LONGEST_MS = 350.0, 1800.0
_TOWARDS_PACE = 0.6  # per breath: after two breaths 84 % of the way
_CLEAN_BEATS = 3  # after a fault, so that each can be told from the next


class BeatFault(StrEnum):
    """What is wrong with a detected beat, or with the interval that ends in it."""

    NORMAL = "normal"
    ECTOPIC = "ectopic"  # a premature beat; the next interval is as much too long
    MISSED = "missed"  # the beat before went undetected: this interval is two
    EXTRA = "extra"  # no beat at all: this interval and the next are parts of one


class Breathing:
    """Lung volume, breath by breath: 0 at the end of an exhalation, about 1 at the top of an inhalation.

    A breath keeps the length it began with. A pacer is followed from the next breath on, in length within
    about two breaths and soon in phase (its cycles begin with an inhalation when it is heard).
    """

    def __init__(self, traits: Traits, rng: np.random.Generator, start_s: float) -> None:
        self._traits, self._noise = traits, normals(rng)
        self._pacer: Pacer | None = None
        self._heard_s = start_s
        self.rate_bpm = traits.breath_rate_bpm
        self.onset_s = array("d", [start_s])
        self._begin(0.0)

    def follow(self, pacer: Pacer | None, at_s: float) -> None:
        self._pacer, self._heard_s = pacer, at_s

    def volume(self, time_s: float, stress: float) -> float:
        """The volume now; time must not go back."""
        if time_s >= self.onset_s[-1]:
            self._begin(stress)
        done = 1 - (self.onset_s[-1] - time_s) / self._length_s
        if done < self._inhale_share:
            return self._depth * 0.5 * (1 - math.cos(math.pi * done / self._inhale_share))
        exhaled = (done - self._inhale_share) / (1 - self._inhale_share)
        return self._depth * 0.5 * (1 + math.cos(math.pi * exhaled))

    def _begin(self, stress: float) -> None:
        """Plan one breath; `onset_s` ends with the onset of the one after it."""
        traits, pacer = self._traits, self._pacer
        goal = pacer.breaths_per_min if pacer else traits.breath_rate_bpm + traits.stress_breath_bpm * stress
        self.rate_bpm += (goal - self.rate_bpm) * _TOWARDS_PACE
        jitter = traits.paced_breath_jitter if pacer else traits.breath_jitter
        length_s = 60 / self.rate_bpm
        length_s -= self._lateness_s(pacer, length_s) if pacer else 0.0
        self._length_s = length_s * (1 + jitter * _within(next(self._noise), 2.5))
        self._inhale_share = pacer.inhale_share if pacer else traits.inhale_share
        self._depth = 1 + traits.breath_depth_jitter * _within(next(self._noise), 2.5)
        self.onset_s.append(self.onset_s[-1] + self._length_s)

    def _lateness_s(self, pacer: Pacer, length_s: float) -> float:
        """What to take off a breath so that it ends with the pacer's: 15 % of the pacer's cycle at most."""
        cycle_s = 60 / pacer.breaths_per_min
        late_s = math.remainder(self.onset_s[-1] + length_s - self._heard_s, cycle_s)
        return _within(late_s, 0.15 * cycle_s)


class Heart:
    """Integral pulse-frequency modulation (de Boer 1985; Mateo & Laguna 2000): a beat per cycle of the sinus.

    The interval function, in ms, is 60000 / rate (rest, settling and stress) - the arrhythmia of breathing
    + the baroreflex wave + three slow drifts. The arrhythmia shortens intervals while inhaling; it is largest
    at resonance, withdrawn under stress, and waxes and wanes over minutes. The integral of 1 / interval rises
    by 1, give or take the beat jitter, from one sinus beat to the next.

    An ectopic beat comes early and does not reset the sinus: the sinus beat after it stays without effect
    and the pause is fully compensatory. Faults never change the sinus rhythm itself.
    """

    def __init__(self, traits: Traits, rng: np.random.Generator, start_s: float) -> None:
        modulation, jitter, faults = rng.spawn(3)
        noise = normals(modulation)
        self._traits, self._jitter, self._chance = traits, normals(jitter), uniforms(faults)
        self._wave = Wave(traits.baroreflex_ms, traits.baroreflex_hz, traits.baroreflex_memory_s, noise)
        self._drift = tuple(Wander(traits.drift_ms, memory_s, noise) for memory_s in _DRIFT_MEMORY_S)
        self._vigour = Wander(traits.rsa_wander, _RSA_WANDER_MEMORY_S, noise)
        self._rsa_ms = self._rsa_goal_ms(0.0, traits.breath_rate_bpm)
        self._sinus_s = self._detected_s = start_s
        self._phase, self._next, self._early = 0.0, 1.0, math.inf
        self._plan, self._label, self._clean = BeatFault.NORMAL, BeatFault.NORMAL, _CLEAN_BEATS
        self.sinus_s, self.sinus_ms = array("d"), array("d")
        self.detected_s, self.detected_ms = array("d"), array("d")
        self.faults: list[BeatFault] = []

    def step(self, time_s: float, age_s: float, stress: float, volume: float, breath_bpm: float) -> float:
        """Live one tick from `time_s`; returns the interval function (ms), constant over the tick."""
        self._rsa_ms += (self._rsa_goal_ms(stress, breath_bpm) - self._rsa_ms) * TICK_S / _RSA_MEMORY_S
        interval_ms = self._interval_ms(age_s, stress, volume)
        self._beat(time_s, interval_ms)
        self._wave.step()
        self._vigour.step()
        for part in self._drift:
            part.step()
        return interval_ms

    def _rsa_goal_ms(self, stress: float, breath_bpm: float) -> float:
        traits = self._traits
        distance = (breath_bpm - traits.resonance_bpm) / traits.resonance_width_bpm
        resonance = 1 + traits.resonance_gain / (1 + distance**2)
        usual_ms = traits.rsa_ms * math.exp(self._vigour.value)
        return usual_ms * resonance * _share(stress, traits.stress_rsa_share)

    def _interval_ms(self, age_s: float, stress: float, volume: float) -> float:
        traits = self._traits
        settling_bpm = traits.heart_settling_bpm * math.exp(-age_s / traits.settling_s)
        mean_ms = 60_000 / (traits.heart_rate_bpm + settling_bpm + traits.stress_heart_bpm * stress)
        wave_ms = self._wave.value * _share(stress, traits.stress_baroreflex_share)
        drift_ms = sum(part.value for part in self._drift)
        interval_ms = mean_ms - self._rsa_ms * (2 * volume - 1) + wave_ms + drift_ms
        return min(max(interval_ms, _SHORTEST_MS), _LONGEST_MS)

    def _beat(self, time_s: float, interval_ms: float) -> None:
        cycles_per_s = 1000 / interval_ms
        phase = self._phase + TICK_S * cycles_per_s
        while (mark := min(self._early, self._next)) <= phase:
            at_s = time_s + (mark - self._phase) / cycles_per_s
            if mark == self._early:
                self._early = math.inf
                self._detect(at_s, self._plan)
            else:
                self._fire(at_s, interval_ms)
        self._phase = phase

    def _fire(self, at_s: float, interval_ms: float) -> None:
        """A beat of the sinus; the strap sees it unless an ectopic beat or a fault hides it."""
        self.sinus_s.append(at_s)
        self.sinus_ms.append((at_s - self._sinus_s) * 1000)
        self._sinus_s = at_s
        if self._plan in (BeatFault.NORMAL, BeatFault.EXTRA):
            self._detect(at_s, self._label)
        self._label = BeatFault.MISSED if self._plan is BeatFault.MISSED else BeatFault.NORMAL
        self._plan_cycle(interval_ms)

    def _plan_cycle(self, interval_ms: float) -> None:
        chance, where = next(self._chance), next(self._chance)
        self._plan = BeatFault.NORMAL if self._clean > 0 else self._fault(chance, interval_ms)
        self._clean = self._clean - 1 if self._plan is BeatFault.NORMAL else _CLEAN_BEATS
        if self._plan is BeatFault.ECTOPIC:
            self._early = self._next + 0.60 + 0.20 * where
        elif self._plan is BeatFault.EXTRA:
            self._early = self._next + 0.25 + 0.50 * where
        self._next += 1 + self._traits.beat_jitter_ms * _within(next(self._jitter), 4) / interval_ms

    def _fault(self, chance: float, interval_ms: float) -> BeatFault:
        """Draw this cycle's fault; the chance makes up for the beats on which none may fall."""
        traits, minutes = self._traits, interval_ms / 60_000
        asked = {
            BeatFault.ECTOPIC: traits.ectopic_per_min * minutes,
            BeatFault.MISSED: traits.missed_per_min * minutes,
            BeatFault.EXTRA: traits.extra_per_min * minutes,
        }
        chance *= max(1 - _CLEAN_BEATS * sum(asked.values()), 0.0)
        for fault, part in asked.items():
            if chance < part:
                return fault
            chance -= part
        return BeatFault.NORMAL

    def _detect(self, at_s: float, label: BeatFault) -> None:
        self.detected_s.append(at_s)
        self.detected_ms.append((at_s - self._detected_s) * 1000)
        self.faults.append(label)
        self._detected_s = at_s


def _share(stress: float, left: float) -> float:
    return 1 - (1 - left) * stress


def _within(value: float, limit: float) -> float:
    return min(max(value, -limit), limit)
