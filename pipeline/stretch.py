"""The values of one stretch of time: the single place where features are computed and floors applied.

A whole recording, a phase and a sliding window are all stretches.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property

import numpy as np

from pipeline.features import FEATURES, Basis, null_reason
from pipeline.heart import spectrum as hrv
from pipeline.heart.beats import BeatKind, Beats
from pipeline.heart.time_domain import time_domain
from pipeline.model import Floats, Pacer, Stream
from pipeline.skin.levels import SkinConductance, levels
from pipeline.skin.responses import Responses
from pipeline.skin.signal import Eda

# Breaths are counted at the slowest rate that HF can speak of, where a pacer does not set another.
_RESTING_BREATHS_PER_MIN = 60 * hrv.HF[0]
_BLOCK_COVER_S = 15.0  # half of a block of 30 s
_BLOCK_PAIRS = 12


@dataclass(frozen=True, slots=True)
class Parameters:
    """The choices an analysis depends on; they stand in every output."""

    window_s: float = 300.0
    step_s: float = 30.0
    correction: str = "exclude"  # or "none"
    detrend: hrv.Detrend = hrv.Detrend.LINEAR
    scr_min_us: float = 0.05


@dataclass(frozen=True, slots=True)
class Values:
    """Feature values of one stretch of time; None where the data cannot carry one, and then why."""

    start_s: float
    end_s: float
    features: Mapping[str, float | None]
    null_reasons: Mapping[str, str]


@dataclass(frozen=True)
class Signals:
    """What features are computed from: labelled beats, prepared skin conductance, temperature."""

    parameters: Parameters
    duration_s: float
    beats: Beats | None
    eda: Eda | None
    scrs: Responses | None
    skin_temperature: Stream | None
    psd_method: hrv.PsdMethod | None

    def values(self, start_s: float, end_s: float, pacer: Pacer | None = None) -> Values:
        """Every computed feature over `start_s..end_s`, or why it is withheld."""
        skin = self._skin(start_s, end_s)
        found = {
            **self._heart(start_s, end_s),
            **skin,
            "skin_temp_c": self._temperature(start_s, end_s),
        }
        basis = self._basis(start_s, end_s, pacer, found)
        features: dict[str, float | None] = {}
        reasons: dict[str, str] = {}
        for feature in FEATURES:
            if feature.name not in found:
                continue  # a description, or opt-in, or not computed yet
            reason = null_reason(feature.name, basis)
            value = found[feature.name]
            if reason is None and (value is None or not math.isfinite(value)):
                reason = "not defined for these data"
            features[feature.name] = None if reason else value
            if reason:
                reasons[feature.name] = reason
        return Values(start_s, end_s, features, reasons)

    def _heart(self, start_s: float, end_s: float) -> dict[str, float | None]:
        beats = self.beats if self.beats is not None else _NO_BEATS
        # a stretch excludes its end, but the recording's last beat ends exactly there
        inside = beats.between(start_s, end_s if end_s < self.duration_s else math.inf)
        counts = inside.counts
        values: dict[str, float | None] = dict(asdict(time_domain(inside)))
        values |= {
            "nn_coverage": min(1.0, beats.covered_s(start_s, end_s) / max(end_s - start_s, 1e-9)),
            "longest_gap_s": _longest_gap_s(inside, start_s, end_s),
            "ectopic_n": counts[BeatKind.ECTOPIC],
            "missed_n": counts[BeatKind.MISSED],
            "extra_n": counts[BeatKind.EXTRA],
            "longshort_n": counts[BeatKind.LONG_SHORT],
            "artefact_pct": inside.corrected_pct,
        }
        return values | self._spectral(start_s, end_s)

    def _spectral(self, start_s: float, end_s: float) -> dict[str, float | None]:
        names = ("vlf_ms2", "lf_ms2", "hf_ms2", "total_ms2", "ln_lf", "ln_hf")
        peaks = ("lf_peak_hz", "hf_peak_hz", "peak_hz")
        spectrum = self.spectrum(start_s, end_s)
        if spectrum is None:
            return dict.fromkeys(names + peaks)
        vlf, lf, hf, total = (spectrum.band_power(*band) for band in (hrv.VLF, hrv.LF, hrv.HF, hrv.TOTAL))
        powers = dict(zip(names, (vlf, lf, hf, total, _ln(lf), _ln(hf)), strict=True))
        return powers | {
            "lf_peak_hz": spectrum.peak_hz(*hrv.LF),
            "hf_peak_hz": spectrum.peak_hz(*hrv.HF),
            "peak_hz": spectrum.peak_hz(hrv.LF[0], hrv.HF[1]),
        }

    def spectrum(self, start_s: float, end_s: float) -> hrv.Spectrum | None:
        """The spectrum of a stretch, by the recording's one method."""
        if self.beats is None or self.psd_method is None:
            return None
        return hrv.spectrum(self.beats, start_s, end_s, self.psd_method, self.parameters.detrend)

    def _skin(self, start_s: float, end_s: float) -> dict[str, float | None]:
        if self.eda is None or self.scrs is None:
            return dict.fromkeys(_SKIN)
        return asdict(levels(self.eda, self.scrs, start_s, end_s))

    def _temperature(self, start_s: float, end_s: float) -> float | None:
        if self.skin_temperature is None:
            return None
        values = self.skin_temperature.between(start_s, end_s).value
        values = values[np.isfinite(values)]
        return float(values.mean()) if len(values) else None

    def _basis(
        self, start_s: float, end_s: float, pacer: Pacer | None, found: Mapping[str, float | None]
    ) -> Basis:
        beats = self.beats if self.beats is not None else _NO_BEATS
        per_min = pacer.breaths_per_min if pacer else _RESTING_BREATHS_PER_MIN
        return Basis(
            duration_s=end_s - start_s,
            covered_s=beats.covered_s(start_s, end_s),
            beats=int(found["beats"] or 0),
            nn_pairs=int(found["nn_pairs"] or 0),
            corrected_pct=float(found["artefact_pct"] or 0.0),
            breaths=int(per_min * (end_s - start_s) / 60),
            eda_valid_s=float(found["valid_s"] or 0.0),
            has_gap=hrv.has_gap(beats, start_s, end_s),
        )

    # Values over a block of half a minute, for the errors of reactivity and recovery: no floors.

    def block_heart_rate_bpm(self, start_s: float, end_s: float) -> float | None:
        """Mean heart rate of a block with NN intervals for half of it."""
        if self.beats is None or self.beats.covered_s(start_s, end_s) < _BLOCK_COVER_S:
            return None
        return time_domain(self.beats.between(start_s, end_s)).mean_hr_bpm

    def block_ln_rmssd(self, start_s: float, end_s: float) -> float | None:
        """Ln RMSSD of a block with at least 12 valid differences."""
        if self.beats is None:
            return None
        domain = time_domain(self.beats.between(start_s, end_s))
        return domain.ln_rmssd if domain.nn_pairs >= _BLOCK_PAIRS else None

    def block_ln_scl(self, start_s: float, end_s: float) -> float | None:
        """Ln of the mean tonic level of a block that is valid for half of it."""
        valid_s, inside = self._valid(start_s, end_s)
        if self.eda is None or valid_s < _BLOCK_COVER_S:
            return None
        return _ln(float(np.mean(self.eda.tonic_us[inside][self.eda.valid[inside]])))

    def block_scr_per_min(self, start_s: float, end_s: float) -> float | None:
        """Responses that begin in a block, per valid minute."""
        valid_s, _ = self._valid(start_s, end_s)
        if self.scrs is None or valid_s < _BLOCK_COVER_S:
            return None
        count = np.count_nonzero((self.scrs.onset_s >= start_s) & (self.scrs.onset_s < end_s))
        return 60.0 * float(count) / valid_s

    def _valid(self, start_s: float, end_s: float) -> tuple[float, slice]:
        if self.eda is None:
            return 0.0, slice(0)
        inside = slice(*np.searchsorted(self.eda.time_s, (start_s, end_s)))
        return float(np.count_nonzero(self.eda.valid[inside])) / self.eda.rate_hz, inside

    @cached_property
    def valid_seconds(self) -> Floats:
        """For each second of the recording the usable part of it: of the heart's or the skin's signal.

        Of the two it is the one that is usable for longer, the heart's if they are alike.
        """
        heart = _covered_each_second(self.beats) if self.beats is not None else np.empty(0)
        skin = _valid_each_second(self.eda) if self.eda is not None else np.empty(0)
        return heart if heart.sum() >= skin.sum() else skin


_SKIN = tuple(measure.name for measure in fields(SkinConductance))
_NO_BEATS = Beats(np.empty(0), np.empty(0), np.empty(0, dtype=np.int8))


def _ln(value: float | None) -> float | None:
    return math.log(value) if value is not None and value > 0 else None


def _longest_gap_s(beats: Beats, start_s: float, end_s: float) -> float:
    """The longest time without an interval of any kind, the edges of the stretch included."""
    if not len(beats):
        return end_s - start_s
    lengths_s = np.nan_to_num(np.maximum(beats.interval_ms, 0.0)) / 1000
    begins = np.append(beats.time_s - lengths_s, end_s)
    ends = np.insert(beats.time_s, 0, start_s)
    return float(max(0.0, np.max(begins - ends)))


def _covered_each_second(beats: Beats) -> Floats:
    """How much of each second NN intervals fill."""
    if not len(beats):
        return np.empty(0)
    end_s, length_s = beats.time_s[beats.nn], beats.interval_ms[beats.nn] / 1000
    seconds = np.arange(int(beats.time_s[-1]) + 2)
    return np.diff(np.interp(seconds, *_filled(end_s, length_s)))


def _valid_each_second(eda: Eda) -> Floats:
    """How much of each second has valid skin conductance."""
    counts = np.bincount(eda.time_s[eda.valid].astype(int))
    return np.minimum(counts / eda.rate_hz, 1.0)


def _filled(end_s: Floats, length_s: Floats) -> tuple[Floats, Floats]:
    """Corners of the running total of covered time: flat in gaps, rising in intervals."""
    if not len(end_s):
        return np.array([0.0]), np.array([0.0])
    begin_s = np.maximum(end_s - length_s, np.insert(end_s[:-1], 0, 0.0))
    corners = np.column_stack([begin_s, end_s]).ravel()
    total = np.cumsum(end_s - begin_s)
    return corners, np.column_stack([np.insert(total[:-1], 0, 0.0), total]).ravel()
