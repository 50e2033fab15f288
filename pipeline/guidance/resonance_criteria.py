"""What a step of paced breathing shows of resonance: six criteria, each a number or the reason for none.

The criteria and their order are those of Lehrer's stepped assessment (Shaffer & Meehan 2020, Front Neurosci
14:570400), which has no formulas for them: those here are the project's. See docs/resonance.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Self

import numpy as np

from pipeline.breathing.pacing import Complex
from pipeline.breathing.track import RATE_HZ, Track
from pipeline.floors import SHORTEST_SPECTRUM_S, SPECTRAL_MAX_CORRECTED_PCT
from pipeline.heart.beats import Beats
from pipeline.heart.series import usable
from pipeline.heart.spectrum import LF, Detrend, PsdMethod, spectrum
from pipeline.language import reason
from pipeline.model import Bools, Floats, Pacer, Phase

DROPPED_S = 30.0
FEWEST_BREATHS = 5

_CLEAN_SHARE = 0.9  # of a breath that normal intervals fill
_ENDED_EARLY = 0.05  # of a breath that a phase may lack at its end, as a clock's grain makes it
_FEWEST_WAVES = 3  # pairs of breaths
_FEWEST_IN_WAVE = 10  # beats: six terms are fitted to them
_TERMS, _LINE_TERMS = 6, 2
_LEAST_AGAINST_PACER = 0.5  # cosine of the lag behind the pacer: a sixth of a breath either way
_LEAST_OF_PEAK = 0.1  # of the highest peak's height; less is a ripple


class Criterion(StrEnum):
    """What a step is judged by, in the literature's order."""

    SYNCHRONY = "synchrony"
    AMPLITUDE = "amplitude"
    LF_POWER = "lf_power"
    LF_PEAK = "lf_peak"
    SMOOTHNESS = "smoothness"
    LF_PEAKS = "lf_peaks"


UNITS: Mapping[Criterion, str] = MappingProxyType(
    {
        Criterion.SYNCHRONY: "",
        Criterion.AMPLITUDE: "bpm",
        Criterion.LF_POWER: "ms²",
        Criterion.LF_PEAK: "ms²/Hz",
        Criterion.SMOOTHNESS: "",
        Criterion.LF_PEAKS: "",
    }
)
SPECTRAL = (Criterion.LF_POWER, Criterion.LF_PEAK, Criterion.LF_PEAKS)


@dataclass(frozen=True, slots=True)
class Measured:
    """One criterion of one step: its value in the unit of `UNITS`, or why there is none."""

    criterion: Criterion
    value: float | None
    reason: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Breaths:
    """The pacer's whole cycles in a step after its first 30 s, and the heart rate in them.

    `start_s` (n,) of each cycle, `clean` (n,) where normal intervals fill nine tenths of it. `time_s`,
    `rate_bpm` (m,): the middle of each NN interval and 60000 / interval.
    """

    pacer: Pacer
    began_s: float
    start_s: Floats
    clean: Bools
    time_s: Floats
    rate_bpm: Floats

    @classmethod
    def of(cls, phase: Phase, pacer: Pacer, beats: Beats) -> Self:
        """The cycles of a phase, counted from its begin, where the pacer's first one begins too."""
        cycle_s = 60.0 / pacer.breaths_per_min
        first = math.ceil(DROPPED_S / cycle_s - 1e-9)
        last = math.floor(phase.duration_s / cycle_s + _ENDED_EARLY)
        start_s = phase.start_s + cycle_s * np.arange(first, last, dtype=np.float64)
        filled_s = [beats.covered_s(begin_s, begin_s + cycle_s) for begin_s in start_s.tolist()]
        rows = usable(beats)
        interval_ms = beats.interval_ms[rows]
        return cls(
            pacer=pacer,
            began_s=phase.start_s,
            start_s=start_s,
            clean=np.array(filled_s) >= _CLEAN_SHARE * cycle_s,
            time_s=beats.time_s[rows] - interval_ms / 2000.0,
            rate_bpm=60_000.0 / interval_ms,
        )

    @property
    def cycle_s(self) -> float:
        return 60.0 / self.pacer.breaths_per_min

    @property
    def peak_to_trough_bpm(self) -> Floats:
        """Highest less lowest heart rate in each clean breath."""
        rates = (self.rate_bpm[self.rows(begin_s, 1)] for begin_s in self.start_s[self.clean].tolist())
        return np.array([np.ptp(rate) for rate in rates])

    @property
    def wave_s(self) -> list[float]:
        """Where each pair of clean breaths begins that holds enough beats for a wave."""
        pairs = self.start_s[:-1][self.clean[:-1] & self.clean[1:]]
        return [begin_s for begin_s in pairs.tolist() if self._beats(begin_s) >= _FEWEST_IN_WAVE]

    def rows(self, begin_s: float, cycles: int) -> slice:
        """The beats in some cycles from `begin_s` on."""
        return slice(*np.searchsorted(self.time_s, (begin_s, begin_s + cycles * self.cycle_s)))

    def _beats(self, begin_s: float) -> int:
        rows = self.rows(begin_s, 2)
        return int(rows.stop - rows.start)


@dataclass(frozen=True, slots=True, eq=False)
class _Wave:
    """A wave at the pacer's rate: complex amplitude (axes,), and the share of variance it explains."""

    amplitude: Complex
    explained: float


def amplitude(breaths: Breaths) -> Measured:
    """The mean over clean breaths of highest less lowest heart rate, in bpm."""
    held = breaths.peak_to_trough_bpm
    if len(held) < FEWEST_BREATHS:
        return Measured(Criterion.AMPLITUDE, None, too_few(breaths))
    return Measured(Criterion.AMPLITUDE, float(np.mean(held)))


def too_few(breaths: Breaths) -> str:
    """Why a step has too few breaths to be judged by."""
    whole, clean = len(breaths.start_s), int(np.count_nonzero(breaths.clean))
    if whole < FEWEST_BREATHS:
        return reason("reasons.resonance.too_short", whole=whole, dropped_s=DROPPED_S, needed=FEWEST_BREATHS)
    return reason("reasons.resonance.too_few", clean=clean, whole=whole, needed=FEWEST_BREATHS)


def smoothness(breaths: Breaths) -> Measured:
    """How much of heart rate's variance in two breaths, less its line, one wave explains; 0-1, the mean.

    The wave has the pacer's rate and one harmonic, since a breath that is shorter in than out is not rough.
    Variances are divided by degrees of freedom, so that few beats do not look smooth.
    """
    found = [_heart_wave(breaths, begin_s).explained for begin_s in breaths.wave_s]
    if len(found) < _FEWEST_WAVES:
        return Measured(Criterion.SMOOTHNESS, None, reason("reasons.resonance.too_few_pairs"))
    return Measured(Criterion.SMOOTHNESS, max(float(np.mean(found)), 0.0))


def synchrony(breaths: Breaths, breath: Track | None) -> Measured:
    """Whether heart rate rises and falls with breathing: 1 together, 0 a quarter of a breath apart, to -1.

    Over pairs of breaths, the mean cosine of the angle between the waves of heart rate and of breathing at
    the pacer's rate: a steady lag and a small one both count. `breath` of a belt or the chest, never the
    heart's own; its sign and axis are those that follow the pacer.
    """
    if breath is None:
        return Measured(Criterion.SYNCHRONY, None, reason("reasons.resonance.no_breathing"))
    begins_s = [begin_s for begin_s in breaths.wave_s if _whole(breath, begin_s, 2 * breaths.cycle_s)]
    if len(begins_s) < _FEWEST_WAVES:
        short = reason("reasons.resonance.too_few_both")
        return Measured(Criterion.SYNCHRONY, None, short)
    moved = np.array([_breath_wave(breaths, breath, begin_s).amplitude for begin_s in begins_s])
    inhaled = _along_main_axis(moved)
    lag = np.sum(_unit(inhaled)) * np.conj(_paced(breaths.pacer))
    if abs(lag.real) < _LEAST_AGAINST_PACER * abs(lag):
        return Measured(Criterion.SYNCHRONY, None, reason("reasons.resonance.too_far"))
    heart = np.array([_heart_wave(breaths, begin_s).amplitude[0] for begin_s in begins_s])
    together = np.mean(_unit(heart) * np.conj(_unit(inhaled * np.sign(lag.real))))
    return Measured(Criterion.SYNCHRONY, float(together.real))


def lf_criteria(beats: Beats, start_s: float, end_s: float, method: PsdMethod) -> tuple[Measured, ...]:
    """Power in 0.04-0.15 Hz, height of its highest peak, and how many peaks it has, of one spectrum.

    A peak is a local maximum; one counts with a tenth of the highest one's height.
    """
    held = beats.between(start_s, end_s)
    covered_s = beats.covered_s(start_s, end_s)
    if covered_s < SHORTEST_SPECTRUM_S:
        return _none(reason("reasons.floors.covered", needed=SHORTEST_SPECTRUM_S, held=covered_s))
    if held.corrected_pct > SPECTRAL_MAX_CORRECTED_PCT:
        most = SPECTRAL_MAX_CORRECTED_PCT
        return _none(reason("reasons.floors.corrected", needed=most, held=held.corrected_pct))
    found = spectrum(beats, start_s, end_s, method, Detrend.LINEAR)
    if found is None:
        return _none(reason("reasons.resonance.gap"))
    heights = _peaks(found.frequency_hz, found.psd_ms2_hz)
    power = Measured(Criterion.LF_POWER, found.band_power(*LF))
    if not len(heights):
        return (power, *_none(reason("reasons.resonance.no_peak"))[1:])
    count = int(np.count_nonzero(heights >= _LEAST_OF_PEAK * np.max(heights)))
    return (
        power,
        Measured(Criterion.LF_PEAK, float(np.max(heights))),
        Measured(Criterion.LF_PEAKS, float(count)),
    )


def _none(why: str) -> tuple[Measured, ...]:
    return tuple(Measured(criterion, None, why) for criterion in SPECTRAL)


def _peaks(frequency_hz: Floats, density: Floats) -> Floats:
    """The heights of all local maxima in LF."""
    inner = density[1:-1]
    top = (inner > density[:-2]) & (inner >= density[2:]) & (inner > 0)
    inside = (frequency_hz[1:-1] >= LF[0]) & (frequency_hz[1:-1] <= LF[1])
    return np.asarray(inner[top & inside])


def _heart_wave(breaths: Breaths, begin_s: float) -> _Wave:
    rows = breaths.rows(begin_s, 2)
    return _wave(breaths, breaths.time_s[rows], breaths.rate_bpm[rows][:, None])


def _breath_wave(breaths: Breaths, breath: Track, begin_s: float) -> _Wave:
    held = breath.between(begin_s, begin_s + 2 * breaths.cycle_s)
    return _wave(breaths, held.time_s, held.values)


def _whole(track: Track, begin_s: float, length_s: float) -> bool:
    """Whether a track has no gap in a stretch of time."""
    held = track.between(begin_s, begin_s + length_s)
    return len(held) >= math.floor(length_s * RATE_HZ) - 1 and held.stretch[0] == held.stretch[-1]


def _wave(breaths: Breaths, time_s: Floats, values: Floats) -> _Wave:
    """Least squares of a line, the pacer's rate and its first harmonic; time from the pacer's begin."""
    since = (time_s - breaths.began_s) / breaths.cycle_s
    angle = 2.0 * np.pi * since
    line = np.column_stack([np.ones(len(since)), since - np.mean(since)])
    waves = [np.cos(angle), np.sin(angle), np.cos(2 * angle), np.sin(2 * angle)]
    design = np.column_stack([line, *waves])
    fitted = np.linalg.lstsq(design, values, rcond=None)[0]
    straight = np.linalg.lstsq(line, values, rcond=None)[0]
    left = np.sum((values - design @ fitted) ** 2) / max(len(since) - _TERMS, 1)
    spread = np.sum((values - line @ straight) ** 2) / max(len(since) - _LINE_TERMS, 1)
    return _Wave(fitted[2] - 1j * fitted[3], 1.0 - float(left / spread) if spread > 0 else 0.0)


def _along_main_axis(moved: Complex) -> Complex:
    """Complex amplitudes (pairs,) along the axis of most movement, of (pairs, axes)."""
    axis = np.linalg.eigh((moved.T @ np.conj(moved)).real)[1][:, -1]
    return np.asarray(moved @ axis)


def _paced(pacer: Pacer) -> complex:
    """The phase of lung volume at the pacer's rate: full after inhaling, empty after exhaling."""
    done, share = np.arange(256) / 256, pacer.inhale_share
    volume = np.where(
        done < share,
        1 - np.cos(np.pi * done / share),
        1 + np.cos(np.pi * (done - share) / (1 - share)),
    )
    return complex(np.sum(volume * np.exp(-2j * np.pi * done)))


def _unit(values: Complex) -> Complex:
    size = np.abs(values)
    return np.asarray(values / np.where(size > 0, size, 1.0))
