"""The simulated client: a seeded model of heart, breath and skin of which the truth is known.

It needs no device and no radio, only numpy. Virtual sensors ask it what they would have felt; tests and
benchmarks ask it what was really there.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from devices.virtual.heart import BeatFault, Breathing, Heart
from devices.virtual.skin import Skin
from devices.virtual.traits import TICK_S, Follower, Traits
from devices.virtual.waveforms import AHEAD_S, BEHIND_S, chest_mg, ecg_uv, pulse_au
from pipeline.model import Floats, Pacer, PhaseKind

_LF_HZ, _HF_HZ = (0.04, 0.15), (0.15, 0.40)
_SPECTRUM_RATE_HZ = 4.0
_SPECTRUM_MIN_S = 25.0  # one cycle of the slowest LF rhythm
_TAPER_SHARE = 0.1
_LONGEST_INTERVAL_S = 3.0
_NOISE_BLOCK = 256
_SKIN_NOISE, _ECG_NOISE, _PULSE_NOISE = 3, 4, 5  # beside the generators of breath, heart and skin
_MOTION_NOISE = (6, 7, 8)
_ECG_NOISE_UV, _PULSE_NOISE_AU, _MOTION_NOISE_MG = 8.0, 6.0, 2.5  # standard deviations, per sample


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """What really happened with `start_s <= time < end_s`.

    `beat_time_s`, `rr_ms`: the sinus rhythm, time at the end of an interval. No ectopic beats, no faults of
    detection; a sinus beat that an ectopic one left without effect is in it. `mean_hr_bpm` is 60000 / mean
    RR and `rmssd_ms` the root mean square of the successive differences of `rr_ms`.

    `detected_time_s`, `beat_fault`: the beats that the strap reports, each with its label.

    `stress`: mean level, 0 to 1, as the heart has it (the skin's rises alike and falls more slowly).

    `lf_ms2`, `hf_ms2`: power in 0.04-0.15 and 0.15-0.40 Hz of the jitter-free tachogram: the interval that a
    beat ending at t would have, at 4 Hz, less its line of best fit, with 10 % cosine tapers at both ends, as
    a periodogram scaled to the variance. Beat jitter of standard deviation s is white over the beats and adds
    its expectation, 2 s² · mean RR · width of the band. NaN under 25 s.

    `breath_rate_bpm`: breaths per minute, parts of breaths counted. `scl_us`: mean tonic level without
    responses. `scr_onset_s`, `scr_amplitude_us`: each response and its amplitude from trough to peak, had it
    come alone.
    """

    start_s: float
    end_s: float
    beat_time_s: Floats
    rr_ms: Floats
    detected_time_s: Floats
    beat_fault: tuple[BeatFault, ...]
    stress: float
    mean_hr_bpm: float
    rmssd_ms: float
    lf_ms2: float
    hf_ms2: float
    breath_rate_bpm: float
    scl_us: float
    scr_onset_s: Floats
    scr_amplitude_us: Floats

    def scr_per_min(self, min_amplitude_us: float = 0.0) -> float:
        """Responses of at least this amplitude, per minute."""
        count = np.count_nonzero(self.scr_amplitude_us >= min_amplitude_us)
        return float(count) * 60 / (self.end_s - self.start_s)


class SimulatedClient:
    """A person on a strap and a skin sensor. Time is the clock's, in seconds; it is lived once, forwards.

    Life begins at the whole second at or before `start_s`; before it there is nothing to sense. The same
    seed, traits and instructions give the same data to the last bit, however one splits or orders questions.
    """

    def __init__(self, seed: int = 1, traits: Traits = Traits(), start_s: float = 0.0) -> None:  # noqa: B008 - frozen
        breath, heart, skin = np.random.SeedSequence(seed).spawn(3)
        self._seed, self.traits, self._start_s = seed, traits, float(math.floor(start_s))
        self._breathing = Breathing(traits, np.random.default_rng(breath), self._start_s)
        self._heart = Heart(traits, np.random.default_rng(heart), self._start_s)
        self._skin = Skin(traits, np.random.default_rng(skin))
        self._heart_stress = Follower(traits.onset_s, traits.heart_recovery_s)
        self._skin_stress = Follower(traits.onset_s, traits.skin_recovery_s)
        self._heard: list[tuple[float, int, PhaseKind, Pacer | None]] = []
        self._hearings, self._goal = 0, 0.0
        self._interval_ms, self._volume, self._stress = array("d"), array("d"), array("d")
        self._tonic_us, self._eda_us = array("d"), array("d")
        self._remember()

    def hear(self, at_s: float, kind: PhaseKind, pacer: Pacer | None = None) -> None:
        """Follow this phase from `at_s` on: stress rises in a stressor and falls elsewhere.

        What has been asked about is lived: a phase heard too late is followed from there on.
        """
        self._hearings += 1
        insort(self._heard, (at_s, self._hearings, kind, pacer))

    def beats(self, start_s: float, end_s: float) -> Sequence[tuple[float, float]]:
        """(time of the beat in s, interval in ms) as the strap detects them, `start_s <= time < end_s`."""
        self._live_until(end_s)
        rows = _between(self._heart.detected_s, start_s, end_s)
        return list(zip(self._heart.detected_s[rows], self._heart.detected_ms[rows], strict=True))

    def eda_us(self, start_s: float, end_s: float, rate_hz: float) -> Floats:
        """Skin conductance with the sensor's noise at all k / rate_hz from `start_s` to before `end_s`."""
        first, last = self._samples(start_s, end_s, rate_hz)
        noise = self._noise(first, last, rate_hz, _SKIN_NOISE)
        return self._at(self._eda_us, first, last, rate_hz) + self.traits.eda_noise_us * noise

    def breath(self, start_s: float, end_s: float, rate_hz: float) -> Floats:
        """Lung volume at the same times: 0 after an exhalation, about 1 after an inhalation."""
        return self._at(self._volume, *self._samples(start_s, end_s, rate_hz), rate_hz)

    def ecg_uv(self, start_s: float, end_s: float, rate_hz: float) -> Floats:
        """The electrocardiogram at the same times; lives on for the 0.3 s by which a P wave is early."""
        time_s, noise = self._sampled(start_s, end_s, rate_hz, _ECG_NOISE)
        return ecg_uv(self._beats_around(time_s), time_s) + _ECG_NOISE_UV * noise

    def ppg_au(self, start_s: float, end_s: float, rate_hz: float) -> Floats:
        """A pulse wave at the wrist at the same times."""
        time_s, noise = self._sampled(start_s, end_s, rate_hz, _PULSE_NOISE)
        return pulse_au(self._beats_around(time_s), time_s) + _PULSE_NOISE_AU * noise

    def acc_mg(self, start_s: float, end_s: float, rate_hz: float) -> Floats:
        """Acceleration of the chest, which breathes, at the same times: (n, 3)."""
        first, last = self._samples(start_s, end_s, rate_hz)
        noise = np.stack([self._noise(first, last, rate_hz, axis) for axis in _MOTION_NOISE], axis=-1)
        return chest_mg(self.breath(start_s, end_s, rate_hz)) + _MOTION_NOISE_MG * noise

    def truth(self, start_s: float, end_s: float) -> Truth:
        """What really happened; a value that the time is too short for is NaN."""
        self._live_until(end_s)
        heart, skin = self._heart, self._skin
        beats = _between(heart.sinus_s, start_s, end_s)
        detected = _between(heart.detected_s, start_s, end_s)
        responses = _between(skin.onset_s, start_s, end_s)
        ticks = slice(*(max(math.ceil((at_s - self._start_s) / TICK_S), 0) for at_s in (start_s, end_s)))
        rr_ms = np.array(heart.sinus_ms[beats])
        lf_ms2, hf_ms2 = self._power_ms2(start_s, end_s, _mean(rr_ms))
        return Truth(
            start_s=start_s,
            end_s=end_s,
            beat_time_s=np.array(heart.sinus_s[beats]),
            rr_ms=rr_ms,
            detected_time_s=np.array(heart.detected_s[detected]),
            beat_fault=tuple(heart.faults[detected]),
            stress=_mean(np.array(self._stress[ticks])),
            mean_hr_bpm=60_000 / _mean(rr_ms),
            rmssd_ms=math.sqrt(_mean(np.diff(rr_ms) ** 2)),
            lf_ms2=lf_ms2,
            hf_ms2=hf_ms2,
            breath_rate_bpm=self._breaths(start_s, end_s) * 60 / (end_s - start_s),
            scl_us=_mean(np.array(self._tonic_us[ticks])),
            scr_onset_s=np.array(skin.onset_s[responses]),
            scr_amplitude_us=np.array(skin.amplitude_us[responses]),
        )

    def _live_until(self, end_s: float) -> None:
        while (now_s := self._start_s + len(self._interval_ms) * TICK_S) < end_s:
            self._step(now_s)

    def _step(self, now_s: float) -> None:
        """Live one tick. Only what was heard by its beginning counts: when one asks makes no difference."""
        while self._heard and self._heard[0][0] <= now_s:
            at_s, _, kind, pacer = self._heard.pop(0)
            self._goal = 1.0 if kind is PhaseKind.STRESSOR else 0.0
            self._breathing.follow(pacer, at_s)
        age_s = now_s - self._start_s
        stress, rate_bpm = self._heart_stress.level, self._breathing.rate_bpm
        self._interval_ms.append(self._heart.step(now_s, age_s, stress, self._volume[-1], rate_bpm))
        self._heart_stress.step(self._goal)
        self._skin_stress.step(self._goal)
        self._skin.step(now_s + TICK_S, age_s + TICK_S, self._skin_stress.level)
        self._remember()

    def _remember(self) -> None:
        now_s = self._start_s + len(self._interval_ms) * TICK_S
        self._stress.append(self._heart_stress.level)
        self._volume.append(self._breathing.volume(now_s, self._heart_stress.level))
        self._tonic_us.append(self._skin.tonic_us)
        self._eda_us.append(self._skin.conductance_us)

    def _samples(self, start_s: float, end_s: float, rate_hz: float) -> tuple[int, int]:
        """The first sample at or after `start_s` and the first at or after `end_s`; lives until there."""
        self._live_until(end_s)
        first = _sample_from(max(start_s, self._start_s), rate_hz)
        return first, max(_sample_from(end_s, rate_hz), first)

    def _at(self, states: array[float], first: int, last: int, rate_hz: float) -> Floats:
        """Straight lines between ticks; not np.interp, whose rounding may depend on how many one asks for."""
        if first == last:
            return np.empty(0)
        ticks = (np.arange(first, last) / rate_hz - self._start_s) / TICK_S
        whole = np.minimum(ticks.astype(np.int64), len(states) - 2)
        known = np.array(states[whole[0] : whole[-1] + 2])
        before = known[whole - whole[0]]
        rise = known[whole - whole[0] + 1] - before
        return np.asarray(before + (ticks - whole) * rise)

    def _sampled(self, start_s: float, end_s: float, rate_hz: float, sensor: int) -> tuple[Floats, Floats]:
        """The times of the samples, and the noise of each."""
        first, last = self._samples(start_s, end_s, rate_hz)
        return np.arange(first, last) / rate_hz, self._noise(first, last, rate_hz, sensor)

    def _beats_around(self, time_s: Floats) -> list[float]:
        """The beats that shape a wave at these times."""
        if not len(time_s):
            return []
        return [beat_s for beat_s, _ in self.beats(time_s[0] - BEHIND_S, time_s[-1] + AHEAD_S)]

    def _noise(self, first: int, last: int, rate_hz: float, sensor: int) -> Floats:
        begin, end = first // _NOISE_BLOCK, -(-last // _NOISE_BLOCK)
        key = self._seed, sensor, round(rate_hz * 1000)
        blocks = [_noise_block(*key, block) for block in range(begin, end)]
        return np.concatenate([np.empty(0), *blocks])[first - begin * _NOISE_BLOCK :][: last - first]

    def _breaths(self, start_s: float, end_s: float) -> float:
        onset_s = np.array(self._breathing.onset_s)
        begin, end = np.interp((start_s, end_s), onset_s, np.arange(len(onset_s)))
        return float(end - begin)

    def _power_ms2(self, start_s: float, end_s: float, mean_rr_ms: float) -> tuple[float, float]:
        """Power of the tachogram in LF and HF; see `Truth`."""
        start_s = max(start_s, self._start_s)
        if end_s - start_s < _SPECTRUM_MIN_S:
            return math.nan, math.nan
        tachogram_ms = self._tachogram_ms(start_s, end_s)
        jitter_ms2_per_hz = 2 * self.traits.beat_jitter_ms**2 * mean_rr_ms / 1000
        lf, hf = (
            _band_power(tachogram_ms, band_hz) + jitter_ms2_per_hz * (band_hz[1] - band_hz[0])
            for band_hz in (_LF_HZ, _HF_HZ)
        )
        return lf, hf

    def _tachogram_ms(self, start_s: float, end_s: float) -> Floats:
        """The interval that a beat ending at each moment would have, had the sinus no jitter."""
        lead = round(_LONGEST_INTERVAL_S / TICK_S)
        first = math.floor((start_s - self._start_s) / TICK_S) - lead
        last = math.ceil((end_s - self._start_s) / TICK_S)
        known = np.array(self._interval_ms[max(first, 0) : last])
        interval_ms = np.concatenate([np.full(max(-first, 0), known[0]), known])
        time_s = self._start_s + TICK_S * np.arange(first, last + 1)
        phase = np.concatenate([[0.0], np.cumsum(TICK_S * 1000 / interval_ms)])
        at_s = np.arange(start_s, end_s, 1 / _SPECTRUM_RATE_HZ)
        return np.asarray((at_s - np.interp(np.interp(at_s, time_s, phase) - 1, phase, time_s)) * 1000)


@lru_cache(maxsize=256)
def _noise_block(seed: int, sensor: int, rate_mhz: int, block: int) -> Floats:
    """Sensor noise is drawn by the index of its sample, so it is the same wherever a question begins."""
    key = np.random.SeedSequence(seed, spawn_key=(sensor, rate_mhz, block))
    return np.random.default_rng(key).standard_normal(_NOISE_BLOCK)


def _sample_from(time_s: float, rate_hz: float) -> int:
    """The first k with k / rate_hz >= time_s, as floating-point division has it."""
    k = math.ceil(time_s * rate_hz) - 1
    while k / rate_hz < time_s:
        k += 1
    return k


def _between(time_s: array[float], start_s: float, end_s: float) -> slice:
    return slice(bisect_left(time_s, start_s), bisect_left(time_s, end_s))


def _mean(values: Floats) -> float:
    return float(np.mean(values)) if len(values) else math.nan


def _band_power(values: Floats, band_hz: tuple[float, float]) -> float:
    """Variance in a band: line of best fit removed, cosine tapers, periodogram."""
    count = len(values)
    steps = np.arange(count) - (count - 1) / 2
    level = values - np.mean(values) - steps * (steps @ values) / (steps @ steps)
    ramp = np.minimum((0.5 + np.arange(count)) / (_TAPER_SHARE * count), 1.0)
    taper = 0.5 - 0.5 * np.cos(np.pi * np.minimum(ramp, ramp[::-1]))
    spectrum_ms2 = 2 * np.abs(np.fft.rfft(level * taper)) ** 2 / (count * np.sum(taper**2))
    frequency_hz = np.fft.rfftfreq(count, 1 / _SPECTRUM_RATE_HZ)
    return float(np.sum(spectrum_ms2[(frequency_hz >= band_hz[0]) & (frequency_hz < band_hz[1])]))
