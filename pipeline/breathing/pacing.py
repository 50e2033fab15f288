"""Whether a pacer was followed: by breathing where it was measured, else by the heart's rhythm alone.

The heart's rhythm is not breathing: a wave of blood pressure at six a minute looks like a slow breath. So the
two are different statements, and a record says which of them it makes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from pipeline.breathing.rate import RespSource, Sources
from pipeline.breathing.spectra import FREQUENCY_HZ, PIECE_S, SLOWEST_HZ, Ridge, amplitudes
from pipeline.breathing.track import RATE_HZ, STEP_S, Track
from pipeline.language import Reason, reason
from pipeline.model import Floats, Pacer

NEAR_SHARE, NEAR_HZ = 0.1, 0.01  # of the pacer's rate; half a minute tells slow rates no better than 0.6/min
MIN_SIGNAL_S = 60.0
MIN_CYCLES = 5

_PACED_HZ = (SLOWEST_HZ, 0.45)
_CLEAR_SHARE = 0.55  # of the band's power that stands in one peak, on average; noise has 0.44
_RHYTHM_S = 64.0
_RHYTHM_HALF_HZ = 1.5 / _RHYTHM_S
_RHYTHM_BAND_HZ = (0.04, 0.4)
# What counts as followed, and as followed in part: (share of time or power, phase locking).
_BREATHING_LIMITS = ((0.7, 0.7), (0.4, 0.3))
_RHYTHM_LIMITS = ((0.5, 0.6), (0.3, 0.3))

Complex = NDArray[np.complex128]


class Basis(StrEnum):
    """What a statement about following rests on."""

    BREATHING = "breathing"
    HEART_RHYTHM = "heart rhythm"
    NONE = "none"


class Outcome(StrEnum):
    """Whether the pacer was followed."""

    FOLLOWED = "followed"
    PARTLY = "partly followed"
    NOT_FOLLOWED = "not followed"
    NOT_ASSESSED = "not assessed"


@dataclass(frozen=True, slots=True)
class Adherence:
    """How a paced phase was followed; None for what its basis does not tell.

    `near_share`: part of the time with a breathing rate within 10 % of the pacer's (0.6 a minute at least).
    `rhythm_share`: part of the heart rhythm's power in 0.04-0.4 Hz that lies at the pacer's rate. `lock`:
    0-1, how steady the lag behind the pacer is. `cycles` of the pacer that `lock` rests on, `signal_s` the
    time that the signal was there. `reason` why it is not assessed.
    """

    basis: Basis
    outcome: Outcome
    pacer_bpm: float
    source: RespSource | None = None
    rate_bpm: float | None = None
    near_share: float | None = None
    rhythm_share: float | None = None
    lock: float | None = None
    cycles: int = 0
    signal_s: float = 0.0
    reason: str | None = None

    @property
    def sentence(self) -> Reason:
        """The outcome for a reader."""
        if self.basis is Basis.NONE:
            return reason("reasons.pacing.unknown", reason=self.reason)
        key = f"reasons.pacing.{self.basis.name.lower()}.{self.outcome.name.lower()}"
        if self.basis is Basis.HEART_RHYTHM:
            return reason(key, pace=self.pacer_bpm)
        return reason(key, pace=self.pacer_bpm, percent=100 * (self.near_share or 0.0))


def adherence(sources: Sources, pacer: Pacer, start_s: float, end_s: float) -> Adherence:
    """How the pacer was followed in `start_s <= time < end_s`.

    From a belt or a chest sensor, the first with at least 60 s of signal, 5 cycles of the pacer and a clear
    rhythm, it is a statement about breathing; otherwise about the heart's rhythm, never about breathing.
    Followed: near the pacer's rate for 70 % of the time with a lock of 0.7 (heart: half of the power, 0.6).
    In part: 40 % (heart: 30 %) with 0.3. The limits are the project's choice.
    """
    unknown = Adherence(Basis.NONE, Outcome.NOT_ASSESSED, pacer.breaths_per_min)
    if not _PACED_HZ[0] <= pacer.breaths_per_min / 60.0 <= _PACED_HZ[1]:
        return replace(unknown, reason=reason("reasons.pacing.outside"))
    for source in sources.tracks:
        found = _followed(sources, source, unknown, start_s, end_s)
        if found is not None:
            return found
    key = "reasons.pacing.too_little" if sources.tracks else "reasons.pacing.no_signal"
    return replace(unknown, reason=reason(key))


def phase_lock(track: Track, pacer_hz: float) -> tuple[float, int]:
    """How steady a track's lag behind the pacer is, 0-1, and the cycles it rests on; NaN with fewer than 2.

    A piece of two cycles at each cycle; of their phases the pairwise consistency (Vinck 2010, NeuroImage
    51:112), which chance leaves at 0 for any number of pieces, as its root.
    """
    cycles = _cycles(track, pacer_hz)
    n = len(cycles)
    if n < 2:
        return float("nan"), n
    size = np.abs(cycles)
    unit = cycles / np.where(size > 0, size, 1.0)
    consistency = (np.abs(np.sum(unit)) ** 2 - n) / (n * (n - 1))
    return float(np.sqrt(max(consistency, 0.0))), n


def _followed(
    sources: Sources, source: RespSource, unknown: Adherence, start_s: float, end_s: float
) -> Adherence | None:
    """What one source tells; None if too little or nothing clear."""
    pacer_hz = unknown.pacer_bpm / 60.0
    track = sources.tracks[source].between(start_s, end_s)
    lock, cycles = phase_lock(track, pacer_hz)
    signal_s = len(track) * STEP_S
    if signal_s < MIN_SIGNAL_S or cycles < MIN_CYCLES:
        return None
    common = replace(unknown, source=source, lock=lock, cycles=cycles, signal_s=signal_s)
    if source is RespSource.RR:
        share = _rhythm_share(track, pacer_hz)
        if share is None:
            return None
        outcome = _outcome(share, lock, _RHYTHM_LIMITS)
        return replace(common, basis=Basis.HEART_RHYTHM, rhythm_share=share, outcome=outcome)
    ridge = _pieces(sources.ridges[source], start_s, end_s)
    if not len(ridge) or float(np.mean(ridge.share)) < _CLEAR_SHARE:
        return None
    near = float(np.mean(np.abs(ridge.peak_hz - pacer_hz) <= max(NEAR_SHARE * pacer_hz, NEAR_HZ)))
    rate_bpm, outcome = 60.0 * float(np.mean(ridge.peak_hz)), _outcome(near, lock, _BREATHING_LIMITS)
    return replace(common, basis=Basis.BREATHING, near_share=near, rate_bpm=rate_bpm, outcome=outcome)


def _pieces(ridge: Ridge, start_s: float, end_s: float) -> Ridge:
    """The pieces of a ridge that lie within a phase."""
    rows = slice(*np.searchsorted(ridge.start_s, (start_s, end_s - (PIECE_S - STEP_S))))
    return Ridge(ridge.start_s[rows], ridge.peak_hz[rows], ridge.share[rows])


def _outcome(share: float, lock: float, limits: tuple[tuple[float, float], ...]) -> Outcome:
    for (least, steady), outcome in zip(limits, (Outcome.FOLLOWED, Outcome.PARTLY), strict=True):
        if share >= least and lock >= steady:
            return outcome
    return Outcome.NOT_FOLLOWED


def _rhythm_share(track: Track, pacer_hz: float) -> float | None:
    """The part of the power in 0.04-0.4 Hz that lies at the pacer's rate, in pieces of 64 s."""
    length = round(_RHYTHM_S * RATE_HZ)
    starts = track.starts(length, length // 4)
    if not len(starts):
        return None
    found = np.sum(amplitudes(sliding_window_view(track.values, length, axis=0)[starts]) ** 2, axis=(0, 1))
    power: Floats = found[: len(FREQUENCY_HZ)] + found[len(FREQUENCY_HZ) :]
    middle_hz, half_hz = np.mean(_RHYTHM_BAND_HZ), np.ptp(_RHYTHM_BAND_HZ) / 2
    band = np.abs(FREQUENCY_HZ - middle_hz) <= half_hz
    near = band & (np.abs(FREQUENCY_HZ - pacer_hz) <= _RHYTHM_HALF_HZ)
    total = float(np.sum(power[band]))
    return float(np.sum(power[near])) / total if total > 0 else None


def _cycles(track: Track, pacer_hz: float) -> Complex:
    """The complex amplitude at the pacer's rate around each of its cycles, along the track's main axis."""
    cycle = round(RATE_HZ / pacer_hz)
    starts = track.starts(2 * cycle, cycle)
    if not len(starts):
        return np.empty(0, dtype=np.complex128)
    pieces = sliding_window_view(track.values, 2 * cycle, axis=0)[starts]
    pieces = pieces - pieces.mean(axis=2, keepdims=True)
    since_s = track.time_s[starts][:, None] - track.time_s[0] + STEP_S * np.arange(2 * cycle)
    waves = np.hanning(2 * cycle + 2)[1:-1] * np.exp(-2j * np.pi * pacer_hz * since_s)
    found = np.einsum("sat,st->sa", pieces, waves)
    axis = np.linalg.eigh((found.T @ np.conj(found)).real)[1][:, -1]
    return np.asarray(found @ axis)
