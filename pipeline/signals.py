"""What features are computed from: the prepared signals of one recording, and their values over time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from pipeline.breathing.rate import Breathing, Sources, breathing_columns
from pipeline.features import BY_NAME, FEATURES, Group
from pipeline.floors import SLOWEST_HF_BREATHS_S, Basis
from pipeline.heart import spectrum as hrv
from pipeline.heart.beats import Beats
from pipeline.heart.windows import hrv_columns
from pipeline.indices.pulse import pulse_rate_columns
from pipeline.indices.session import SessionIndices
from pipeline.indices.sudomotor import drive_columns
from pipeline.language import reason
from pipeline.model import Floats, Marker, Stream
from pipeline.motion import motion_columns
from pipeline.parameters import Parameters
from pipeline.skin.decomposition import Decomposition
from pipeline.skin.levels import decomposed_columns, skin_columns
from pipeline.skin.responses import Responses
from pipeline.skin.signal import Eda
from pipeline.spans import HEART, SKIN, Signal, marked
from pipeline.values import Column, Spans, Table, withheld


@dataclass(frozen=True)
class Signals:
    """Labelled beats, prepared skin conductance, temperature, breathing's sources; None where there is none.

    `series` are the beats that variability is computed from: `beats`, or those with what could be corrected
    put right. `pulse_rate` is the rate of a pulse wave, also where single pulses can't be told. What
    `markers` exclude is out of all of these, but not of `acc`: motion is motion. `indices` are known once
    phases and with them a baseline are.
    """

    parameters: Parameters
    duration_s: float
    beats: Beats | None
    series: Beats | None
    eda: Eda | None
    scrs: Responses | None
    decomposition: Decomposition | None
    skin_temperature: Stream | None
    breath: Sources
    pulse_rate: Stream | None
    psd_method: hrv.PsdMethod | None
    acc: Stream | None = None
    markers: tuple[Marker, ...] = ()
    indices: SessionIndices | None = None

    def table(self, where: Spans) -> Table:
        """Every feature over each stretch, or why it is withheld."""
        numbers = self.columns(where)
        breathing = breathing_columns(self.breath, where.start_s, where.end_s)
        found: dict[str, Column] = {**numbers, **breathing.columns}
        found["resp_source"] = np.array([each and str(each) for each in breathing.source], dtype=object)
        unheard = _known(breathing.reason(row) for row in range(len(where)))
        reasons = dict.fromkeys(("resp_rate_bpm", "resp_source", "resp_confidence"), unheard)
        if self.indices is not None:
            arousal = self.indices.arousal(where, self.of_arousal(where, numbers))
            found |= {"arousal": arousal.value, "arousal_low": arousal.low, "arousal_high": arousal.high}
            found["arousal_basis"] = np.array(arousal.basis, dtype=object)
            found["hpa_model_au"] = self.indices.delayed_mean(where)
            reasons |= dict.fromkeys(_AROUSAL, _known(arousal.reasons))
        unanswered = np.flatnonzero(numbers["scr_n"] == 0).tolist()
        reasons |= dict.fromkeys(_OF_RESPONSES, dict.fromkeys(unanswered, NO_RESPONSE))
        reasons |= dict.fromkeys(_VARIABILITY, self._no_variability(found, numbers))
        basis = self._basis(where, numbers, breathing)
        return self._marked(withheld(where, found, basis, reasons, opt_in=self.parameters.normalised))

    def _marked(self, table: Table) -> Table:
        """The table with marks named beside the reasons that they may have a part in."""
        where = table.spans
        told = {signal: marked(self.markers, signal, where.start_s, where.end_s) for signal in Signal}
        reasons = {
            name: {
                row: reason("reasons.and_marks", reason=why, marks=mark)
                if signal and long[row] and (mark := told[signal][row])
                else why
                for row, why in by_row.items()
            }
            for name, by_row in table.reasons.items()
            for signal in (_TAKEN_FROM.get(BY_NAME[name].group),)
            for long in (where.duration_s >= BY_NAME[name].floor.seconds,)  # else that is all there is to say
        }
        return replace(table, reasons=reasons)

    def _no_variability(self, found: dict[str, Column], numbers: Mapping[str, Floats]) -> dict[int, str]:
        """Take out what a rhythm that never varies would give, and say why measures are missing."""
        holed = numbers["has_gap"] > 0 if self.psd_method is hrv.PsdMethod.WELCH else np.zeros(0)
        reasons: dict[int, str] = dict.fromkeys(np.flatnonzero(holed).tolist(), ACROSS_A_GAP)
        steady = np.flatnonzero(numbers["sdnn_ms"] == 0)
        for name in _VARIABILITY & found.keys():
            found[name] = np.where(numbers["sdnn_ms"] == 0, np.nan, numbers[name])
        return reasons | dict.fromkeys(steady.tolist(), NEVER_VARIES)

    def columns(self, where: Spans) -> dict[str, Floats]:
        """What the signals hold over each stretch, floors off; (k,) each, NaN where not defined."""
        return {
            **self._heart(where),
            **self._skin(where),
            **motion_columns(self.acc, where.start_s, where.end_s),
            "skin_temp_c": self._temperature(where),
        }

    def of_arousal(self, where: Spans, columns: Mapping[str, Floats] | None = None) -> dict[str, Floats]:
        """What arousal is computed from: the columns, with a pulse wave's rate where it is known."""
        found = dict(columns or self.columns(where))
        if self.pulse_rate is not None:
            found |= pulse_rate_columns(self.pulse_rate, found, where.start_s, where.end_s)
        return found

    def _heart(self, where: Spans) -> dict[str, Floats]:
        columns = self._hrv(self.series, where)
        if self.series is not self.beats and self.beats is not None:
            measured = self._hrv(self.beats, where)
            columns |= {name: measured[name] for name in _OF_MEASURED}
        return columns

    def _hrv(self, beats: Beats | None, where: Spans) -> dict[str, Floats]:
        parameters = self.parameters
        return hrv_columns(
            beats if beats is not None else _NO_BEATS,
            where.start_s,
            where.end_s,
            self.psd_method,
            parameters.detrend,
            parameters.hf_band,
            self.duration_s,
        )

    def _skin(self, where: Spans) -> dict[str, Floats]:
        if self.eda is None or self.scrs is None:
            nothing = dict.fromkeys(_SKIN, np.full(len(where), np.nan))
            return nothing | dict.fromkeys(("valid_s", "cvx_s"), np.zeros(len(where)))
        edges = where.start_s, where.end_s
        columns = skin_columns(self.eda, self.scrs, *edges)
        columns |= drive_columns(self.eda.time_s, self.eda.tonic_us, *edges)
        if self.decomposition is not None:
            columns |= decomposed_columns(self.eda, self.decomposition, *edges)
        return columns

    def _temperature(self, where: Spans) -> Floats:
        """Mean skin temperature over each stretch."""
        if self.skin_temperature is None:
            return np.full(len(where), np.nan)
        time_s, value = self.skin_temperature.time_s, self.skin_temperature.value
        known = np.isfinite(value)
        total = np.concatenate([[0.0], np.cumsum(value[known])])
        first, last = (np.searchsorted(time_s[known], edge) for edge in (where.start_s, where.end_s))
        count = np.where(last > first, last - first, np.nan)
        return np.asarray((total[last] - total[first]) / count)

    def _basis(self, where: Spans, found: Mapping[str, Floats], breathing: Breathing) -> Basis:
        # a pacer may have been followed, so a slow one counts; a fast one proves nothing
        slow = np.where(where.pacer_bpm < 60 * SLOWEST_HF_BREATHS_S, where.pacer_bpm, np.nan)
        paced = slow * where.duration_s / 60
        filled = np.minimum(found["covered_s"] / np.maximum(where.duration_s, 1e-9), 1.0)
        return Basis(
            duration_s=where.duration_s,
            covered_s=found["covered_s"],
            beats=found["beats"],
            nn_pairs=found["nn_pairs"],
            contiguous_nn=found["contiguous_nn"],
            corrected_pct=np.nan_to_num(found["artefact_pct"]),
            breaths=np.floor(np.where(np.isnan(breathing.breaths), paced, breathing.breaths) * filled),
            eda_valid_s=found["valid_s"],
            decomposed_s=found["cvx_s"],
        )

    def spectrum(self, start_s: float, end_s: float) -> hrv.Spectrum | None:
        """The spectrum of a stretch, by the recording's one method."""
        if self.series is None or self.psd_method is None:
            return None
        return hrv.spectrum(self.series, start_s, end_s, self.psd_method, self.parameters.detrend)

    @cached_property
    def valid_seconds(self) -> Floats:
        """For each second of the recording the usable part of it: of the heart's or the skin's signal.

        Of the two it is the one that is usable for longer, the heart's if they are alike.
        """
        heart = _covered_each_second(self.beats) if self.beats is not None else np.empty(0)
        skin = _valid_each_second(self.eda) if self.eda is not None else np.empty(0)
        return heart if heart.sum() >= skin.sum() else skin


ACROSS_A_GAP = reason("reasons.across_a_gap")
NEVER_VARIES = reason("reasons.never_varies")
NO_RESPONSE = reason("reasons.no_response")
_RATES = {"mean_hr_bpm", "mean_nn_ms"}
_OF_RESPONSES = ("scr_amplitude_us", "scr_rise_s", "scr_half_recovery_s")
_VARIABILITY = {feature.name for feature in FEATURES if feature.group is Group.HEART} - _RATES
_TAKEN_FROM = {Group.HEART: HEART, Group.BREATHING: HEART, Group.SKIN: SKIN}
_AROUSAL = ("arousal", "arousal_low", "arousal_high", "arousal_basis")
_OF_MEASURED = ("ectopic_n", "missed_n", "extra_n", "longshort_n", "artefact_pct")  # whatever was corrected
_OF_EDA = ("eda_coverage", "eda_artefact_pct")
_SKIN = (*(feature.name for feature in FEATURES if feature.group is Group.SKIN), *_OF_EDA)
_NO_BEATS = Beats(np.empty(0), np.empty(0), np.empty(0, dtype=np.int8))


def _known(reasons: Iterable[str | None]) -> dict[int, str]:
    return {row: why for row, why in enumerate(reasons) if why is not None}


def _covered_each_second(beats: Beats) -> Floats:
    """How much of each second NN intervals fill."""
    if not len(beats):
        return np.empty(0)
    end_s, length_s = beats.time_s[beats.nn], beats.interval_ms[beats.nn] / 1000
    seconds = np.arange(int(beats.time_s[-1]) + 2)
    return np.diff(np.interp(seconds, *filled(end_s, length_s)))


def _valid_each_second(eda: Eda) -> Floats:
    """How much of each second has valid skin conductance."""
    counts = np.bincount(eda.time_s[eda.valid].astype(int))
    return np.minimum(counts / eda.rate_hz, 1.0)


def filled(end_s: Floats, length_s: Floats) -> tuple[Floats, Floats]:
    """Corners of the running total of covered time: flat in gaps, rising in intervals."""
    if not len(end_s):
        return np.array([0.0]), np.array([0.0])
    begin_s = np.maximum(end_s - length_s, np.insert(end_s[:-1], 0, 0.0))
    corners = np.column_stack([begin_s, end_s]).ravel()
    total = np.cumsum(end_s - begin_s)
    return corners, np.column_stack([np.insert(total[:-1], 0, 0.0), total]).ravel()
