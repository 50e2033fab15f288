"""Breathing rate over windows: from a belt, else from a chest sensor's acceleration, else from the heart.

Charlton 2018 (IEEE Rev Biomed Eng 11:2) reviews the methods; here a wave is sought in pieces of 32 s and a
window's rate is what its pieces agree on. numpy only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, partial
from types import MappingProxyType

import numpy as np

from pipeline.breathing.from_beats import AMBIGUOUS_HZ, heart_ridge, tachogram
from pipeline.breathing.from_motion import chest_ridge, chest_track
from pipeline.breathing.spectra import FASTEST_HZ, PIECE_S, SLOWEST_HZ, Ridge, ridge
from pipeline.breathing.track import STEP_S, Indices, Track, sampled
from pipeline.heart.beats import Beats
from pipeline.language import reason
from pipeline.model import Bools, Floats, Stream

MIN_CONFIDENCE = 0.5

_BELT_SLOPE = 0.5
_BATCH = 1024  # windows held in memory at once
_NEAR_SHARE, _NEAR_HZ = 0.2, 1.5 / 60.0  # pieces that agree with the middle one, whichever is wider
_FULL_COVERAGE = 0.8
_AGREE_BPM, _DIFFER_BPM = 1.0, 2.0
_COINCIDENCE = 0.1
_BIN_HZ = 1.0 / 256.0
_BINS = round((FASTEST_HZ - SLOWEST_HZ) / _BIN_HZ) + 2
# Noise comes to a score of a + 0.37 / sqrt(n) at most, 19 times in 20, in n pieces without overlap. What a
# score lies above that becomes the confidence: never more than how often such windows of simulated people lay
# within 1 breath/min of the truth, and a half where noise could do it too.
_NOISE_ALONE = 0.37
_ABOVE_NOISE = (-0.3, -0.1, 0.0, 0.1, 0.2, 0.35)
_CONFIDENCES = (0.0, 0.2, 0.5, 0.85, 0.93, 0.95)


class RespSource(StrEnum):
    """Where breathing is read, the best first."""

    BELT = "belt"
    ACC = "acc"
    RR = "rr"


_NOISE: Mapping[RespSource, float] = MappingProxyType(
    {RespSource.BELT: 0.25, RespSource.ACC: 0.26, RespSource.RR: 0.29}
)


@dataclass(frozen=True)
class Sources:
    """What breathing may be read from.

    `acc` counts only where `acc_on_chest`: at a wrist there is no breath to see. `belt` in any unit.
    """

    beats: Beats | None = None
    acc: Stream | None = None
    acc_on_chest: bool = False
    belt: Stream | None = None

    @cached_property
    def tracks(self) -> Mapping[RespSource, Track]:
        """Each source four times a second; the sources that there are, the best first."""
        found: dict[RespSource, Track] = {}
        if self.belt is not None and self.belt.columns:
            found[RespSource.BELT] = sampled(self.belt.time_s, self.belt.value[:, None], self.belt.rate_hz)
        if self.acc is not None and self.acc_on_chest:
            found[RespSource.ACC] = chest_track(self.acc)
        if self.beats is not None:
            found[RespSource.RR] = tachogram(self.beats)
        return MappingProxyType(found)

    @cached_property
    def ridges(self) -> Mapping[RespSource, Ridge]:
        """The strongest wave of each source, piece by piece."""
        return MappingProxyType({source: _RIDGES[source](track) for source, track in self.tracks.items()})


_RIDGES: Mapping[RespSource, Callable[[Track], Ridge]] = MappingProxyType(
    {
        RespSource.BELT: partial(ridge, slope=_BELT_SLOPE, least=None),
        RespSource.ACC: chest_ridge,
        RespSource.RR: heart_ridge,
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class Breathing:
    """Breathing in each of k windows.

    `rate_bpm` in breaths per minute, NaN where none can be told; `breaths` in the window, as rate times
    length; `confidence` 0-1: about how often such a rate lies within 1 breath/min of the truth; NaN
    where there is no signal; `source` where it was read, None without a rate. `ambiguous`: there is only the
    heart's rhythm and its wave lies at 0.07-0.13 Hz, where waves of blood pressure look like breathing.
    """

    rate_bpm: Floats
    confidence: Floats
    breaths: Floats
    source: tuple[RespSource | None, ...]
    ambiguous: Bools

    @property
    def columns(self) -> dict[str, Floats]:
        """The numeric columns of the feature table, and `breaths`."""
        return {
            "resp_rate_bpm": self.rate_bpm,
            "resp_confidence": self.confidence,
            "breaths": self.breaths,
        }

    def reason(self, window: int) -> str | None:
        """Why a window has no breathing rate, in a few words; None if it has one."""
        if self.source[window] is not None:
            return None
        if self.ambiguous[window]:
            return reason("reasons.breathing.only_rhythm")
        if np.isnan(self.confidence[window]):
            return reason("reasons.breathing.no_signal")
        held = float(self.confidence[window])
        return reason("reasons.breathing.unclear", confidence=held, least=MIN_CONFIDENCE)


@dataclass(frozen=True, slots=True, eq=False)
class Waves:
    """What one source says of each window: NaN, and confidence 0, where it says nothing."""

    rate_hz: Floats
    confidence: Floats


def breathing_columns(sources: Sources, start_s: Floats, end_s: Floats) -> Breathing:
    """Breathing over windows `start_s <= time < end_s`, (k,) each, searched in 0.06-0.5 Hz.

    A window takes the pieces of 32 s that lie wholly inside it. Its rate is the mean of the peaks that lie
    within a fifth (1.5 breaths/min at least) of their weighted median, each weighted with the share of power
    in its peak. Its score is that share, times the part of all weight that agrees, times coverage; from the
    score, against what noise would reach, comes the confidence. From RR alone pieces at 0.07-0.13 Hz prove
    nothing and count against the rest.

    Of belt, acc and rr the first with a confidence of 0.5 wins, after each was weighed against the others.
    From RR alone a rate in 0.07-0.13 Hz is ambiguous: the rate is NaN and the confidence 0, as a number there
    would be taken for breathing.
    """
    start_s, end_s = np.asarray(start_s, dtype=np.float64), np.asarray(end_s, dtype=np.float64)
    waves = {source: waves_of(each, source, start_s, end_s) for source, each in sources.ridges.items()}
    unproven = np.zeros(len(start_s), dtype=bool)
    if RespSource.RR in waves:
        unproven = _ambiguous(waves[RespSource.RR].rate_hz)
    return _chosen({source: _heard(source, waves) for source in waves}, unproven, end_s - start_s)


def _ambiguous(rate_hz: Floats) -> Bools:
    return (rate_hz >= AMBIGUOUS_HZ[0]) & (rate_hz <= AMBIGUOUS_HZ[1])


def _chosen(waves: Mapping[RespSource, Waves], unproven: Bools, length_s: Floats) -> Breathing:
    """The best source of each window that is sure enough."""
    k = len(length_s)
    rate_bpm, confidence, best = np.full(k, np.nan), np.full(k, np.nan), np.full(k, -1)
    for place, each in enumerate(waves.values()):
        told = np.isfinite(each.rate_hz)
        sure = told & (each.confidence >= MIN_CONFIDENCE) & (best < 0)
        better = (best < 0) & told
        confidence[better] = np.fmax(confidence, each.confidence)[better]
        confidence[sure], rate_bpm[sure], best[sure] = each.confidence[sure], 60.0 * each.rate_hz[sure], place
    names = (*waves, None)
    return Breathing(
        rate_bpm=rate_bpm,
        confidence=confidence,
        breaths=rate_bpm * length_s / 60.0,
        source=tuple(names[place] for place in best.tolist()),
        ambiguous=unproven & (best < 0),
    )


def _heard(source: RespSource, waves: Mapping[RespSource, Waves]) -> Waves:
    """What a source says, surer where another says the same and less sure where it says otherwise (Bayes).

    Sources err independently and two wrong ones agree by chance one time in ten. A belt feels breathing
    itself: nothing else makes it less sure.
    """
    own = waves[source]
    with np.errstate(invalid="ignore", divide="ignore"):
        odds = own.confidence / (1.0 - own.confidence)
        for other, each in waves.items():
            if other is source:
                continue
            chance = _COINCIDENCE * (1.0 - each.confidence)
            apart_bpm = 60.0 * np.abs(each.rate_hz - own.rate_hz)
            same = apart_bpm <= _AGREE_BPM
            other_rate = (apart_bpm > _DIFFER_BPM) & (source is not RespSource.BELT)
            odds = np.where(same, odds * (each.confidence + chance) / chance, odds)
            odds = np.where(other_rate, odds * (1.0 - each.confidence - chance) / (1.0 - chance), odds)
    return Waves(own.rate_hz, np.minimum(odds / (1.0 + odds), _CONFIDENCES[-1]))


def waves_of(ridge: Ridge, source: RespSource, start_s: Floats, end_s: Floats) -> Waves:
    """What a source's pieces say of each window `start_s <= time < end_s`; see `breathing_columns`."""
    last_begin_s = end_s - (PIECE_S - STEP_S)
    first, last = np.searchsorted(ridge.start_s, start_s), np.searchsorted(ridge.start_s, last_begin_s)
    last = np.maximum(first, last)
    rate_hz, score = np.full(len(start_s), np.nan), np.zeros(len(start_s))
    for begin in range(0, len(start_s), _BATCH):
        rows = begin + np.flatnonzero(last[begin : begin + _BATCH] > first[begin : begin + _BATCH])
        if len(rows):
            rate_hz[rows], score[rows] = _agreement(ridge, source, first[rows], last[rows])
    covered_s = _covered_s(ridge, first, last)
    score *= np.minimum(covered_s / np.maximum(end_s - start_s, PIECE_S) / _FULL_COVERAGE, 1.0)
    noise = _NOISE[source] + _NOISE_ALONE / np.sqrt(np.maximum(covered_s / PIECE_S, 1.0))
    confidence = np.interp(score - noise, _ABOVE_NOISE, _CONFIDENCES)
    if source is RespSource.RR:
        confidence[_ambiguous(rate_hz)] = 0.0
    return Waves(rate_hz, np.where(last > first, confidence, 0.0))


def _covered_s(ridge: Ridge, first: Indices, last: Indices) -> Floats:
    """Seconds that the pieces `first` to before `last` cover together."""
    total = np.concatenate([[0.0], np.cumsum(np.minimum(np.diff(ridge.start_s), PIECE_S)), [0.0]])
    return np.where(last > first, PIECE_S + total[np.maximum(last - 1, 0)] - total[first], 0.0)


def _agreement(ridge: Ridge, source: RespSource, first: Indices, last: Indices) -> tuple[Floats, Floats]:
    """The rate (Hz) that pieces `first` to before `last` agree on, and a score 0-1; by running histograms."""
    low, high = int(first.min()), int(last.max())
    peak_hz, share = ridge.peak_hz[low:high], ridge.share[low:high]
    place = np.clip(np.rint((peak_hz - SLOWEST_HZ) / _BIN_HZ).astype(np.intp), 0, _BINS - 1)
    ends = (first - low, last - low)
    weight, moment, count = (
        _by_bin(place, each, ends) for each in (share, share * peak_hz, np.ones(len(share)))
    )
    row, whole = np.arange(len(first)), weight[:, -1]
    middle = np.argmax(weight >= 0.5 * whole[:, None], axis=1) - 1
    reach = np.maximum(_NEAR_SHARE * (SLOWEST_HZ + middle * _BIN_HZ), _NEAR_HZ) / _BIN_HZ
    under = np.clip(np.rint(middle - reach).astype(np.intp), 0, _BINS)
    over = np.clip(np.rint(middle + reach).astype(np.intp) + 1, 0, _BINS)
    near = weight[row, over] - weight[row, under]
    rate_hz = (moment[row, over] - moment[row, under]) / near
    mean_share = near / (count[row, over] - count[row, under])
    part = near / whole
    if source is RespSource.RR:
        part = part - _unproven(weight, under, over) / whole
    return rate_hz, np.clip(mean_share * part, 0.0, 1.0)


def _by_bin(place: Indices, values: Floats, ends: tuple[Indices, Indices]) -> Floats:
    """Sums of the pieces' values in each window, cumulated over bins of frequency: (k, bins + 1)."""
    histogram = np.zeros((len(place) + 1, _BINS + 1))
    histogram[np.arange(1, len(place) + 1), place + 1] = values
    np.cumsum(histogram, axis=0, out=histogram)
    return np.cumsum(histogram[ends[1]] - histogram[ends[0]], axis=1)


def _unproven(weight: Floats, under: Indices, over: Indices) -> Floats:
    """The weight that agrees but lies in the ambiguous band."""
    low, high = (round((each - SLOWEST_HZ) / _BIN_HZ) for each in AMBIGUOUS_HZ)
    row = np.arange(len(weight))
    begin, end = np.maximum(under, low), np.minimum(over, high + 1)
    return np.where(end > begin, weight[row, np.maximum(begin, end)] - weight[row, begin], 0.0)
