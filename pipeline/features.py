"""Every column of the feature table: unit, floor, formula, source.

The one place that names features: the analysis fills these columns, the floors withhold from them, and the
data dictionary and the page of the indices print them. Formulas, sources and summaries are data, and English
as the dictionary is: a report in another language quotes them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from pipeline.errors import UsageError
from pipeline.floors import (
    HRV_MAX_CORRECTED_PCT,
    RATE_MAX_CORRECTED_PCT,
    SPECTRAL_MAX_CORRECTED_PCT,
    Basis,
    Floor,
    shortfalls,
)
from pipeline.language import Reason

_COUNTS = {"beats", "nn_pairs", "window_index", "condition_order"}
_FLAGS = {"paced", "speaking"}
_TEXTS = {"recording_id", "session_id", "participant_id", "group", "phase", "phase_kind", "strategy"}
_TEXTS |= {"beat_source", "device", "eda_site", "psd_method", "detrend", "resp_source", "arousal_basis"}
_TEXTS |= {"params_hash", "version", "null_reasons"}


class Group(StrEnum):
    """The groups of columns, in the table's order."""

    WHO = "who and where"
    BASIS = "basis"
    DATA = "data"
    HEART = "heart"
    BREATHING = "breathing"
    SKIN = "skin"
    INDICES = "indices"
    CONTROL = "control"


@dataclass(frozen=True, slots=True)
class Feature:
    """A column: its unit (empty for none), floor, formula, source, and one line for a reader.

    An `opt_in` one is left out unless asked for.
    """

    name: str
    group: Group
    unit: str
    floor: Floor
    formula: str
    source: str
    summary: str
    opt_in: bool = False

    @property
    def kind(self) -> str:
        """What its values are: "number", "count" (whole numbers), "flag" or "text"."""
        if self.name.endswith("_n") or self.name in _COUNTS:
            return "count"
        return "flag" if self.name in _FLAGS else "text" if self.name in _TEXTS else "number"


_NONE = Floor()
_HR = Floor(seconds=10, max_corrected_pct=RATE_MAX_CORRECTED_PCT)
_BY_BEAT = Floor(seconds=60, pairs=50, max_corrected_pct=HRV_MAX_CORRECTED_PCT)
_SPREAD = Floor(seconds=60, beats=2, max_corrected_pct=HRV_MAX_CORRECTED_PCT)
_HF = Floor(seconds=60, breaths=10, max_corrected_pct=SPECTRAL_MAX_CORRECTED_PCT)
_LF = Floor(seconds=120, max_corrected_pct=SPECTRAL_MAX_CORRECTED_PCT, claim_s=250)
_BOTH = replace(_LF, breaths=_HF.breaths)
_VLF = Floor(seconds=300, max_corrected_pct=SPECTRAL_MAX_CORRECTED_PCT, claim_s=3000)
_RHYTHM = Floor(seconds=64, max_corrected_pct=SPECTRAL_MAX_CORRECTED_PCT)
_COMPLEX = Floor(contiguous=200, max_corrected_pct=SPECTRAL_MAX_CORRECTED_PCT)
_DFA = Floor(seconds=120, contiguous=200, max_corrected_pct=SPECTRAL_MAX_CORRECTED_PCT)
_LEVEL = Floor(eda_s=10)
_RATE = Floor(eda_s=120)
_SYMP = Floor(eda_s=128)
_DECOMPOSED = Floor(decomposed_s=60)

_TASK_FORCE = "Task Force 1996, Circulation 93:1043"
_BRENNAN = "Brennan 2001, IEEE Trans Biomed Eng 48:1342"
_BAEVSKY = "Baevsky & Chernikova 2017, Cardiometry 10:66"
_LIPPONEN = "Lipponen & Tarvainen 2019, J Med Eng Technol 43:173"
_KLECKNER = "Kleckner 2018, IEEE Trans Biomed Eng 65:1460"
_BOUCSEIN = "Boucsein 2012, Electrodermal Activity, 2nd ed."
_POSADA = "Posada-Quintero 2016, Ann Biomed Eng 44:3124"
_GRECO = "Greco 2016, IEEE Trans Biomed Eng 63:797"
_RICHMAN = "Richman & Moorman 2000, Am J Physiol 278:H2039"
_PENG = "Peng 1995, Chaos 5:82"
_CHARLTON = "Charlton 2018, IEEE Rev Biomed Eng 11:2"
_OWN = "vagal"


def _described(group: Group, *rows: tuple[str, str, str]) -> tuple[Feature, ...]:
    """Columns that are told, not measured: name, unit, summary."""
    return tuple(Feature(name, group, unit, _NONE, "", _OWN, summary) for name, unit, summary in rows)


def _columns(
    group: Group, *rows: tuple[str, str, Floor, str, str, str], opt_in: bool = False
) -> tuple[Feature, ...]:
    """Columns that are measured: name, unit, floor, formula, source, summary."""
    return tuple(
        Feature(name, group, unit, floor, formula, source, summary, opt_in)
        for name, unit, floor, formula, source, summary in rows
    )


_WHO = _described(
    Group.WHO,
    ("recording_id", "", "The recording a row comes from"),
    ("session_id", "", "The session, where the recording is one"),
    ("participant_id", "", "The person, as a pseudonym"),
    ("group", "", "The person's group in a study"),
    ("phase", "", "The name of the phase the window lies in"),
    ("phase_kind", "", "What the phase is for"),
    ("strategy", "", "The strategy practised in the phase"),
    ("condition_order", "", "The phase's place among the session's conditions"),
    ("window_index", "", "The window's place in its recording, from 0; none for a row that is a whole phase"),
    ("start_s", "s", "Where the window starts"),
    ("end_s", "s", "Where it ends, exclusive"),
)
_BASIS = _described(
    Group.BASIS,
    ("beat_source", "", "Where beats come from: rr, pp or ecg; pp means pulse-rate variability"),
    ("device", "", "The sensor that beats come from"),
    ("eda_site", "", "Where on the body skin conductance is taken"),
    ("paced", "", "Whether breathing was paced; paced and unpaced windows are never compared"),
    ("pacer_bpm", "breaths/min", "The pacer's rate"),
    ("speaking", "", "Whether the person spoke, which distorts heart-rate variability"),
    ("psd_method", "", "How spectra were estimated, one method per recording: welch or lomb"),
    ("detrend", "", "What was taken out before spectra: none, linear or smoothness_priors"),
)
_DATA = (
    *_columns(
        Group.DATA,
        ("beats", "", _NONE, "count", _OWN, "NN intervals in the window"),
        ("nn_pairs", "", _NONE, "count", _OWN, "Differences between adjacent NN intervals"),
        ("nn_coverage", "", _NONE, "NN time / window", _OWN, "Share of the window NN intervals fill"),
        ("longest_gap_s", "s", _NONE, "longest time without a beat", _OWN, "Longest gap among beats"),
        ("ectopic_n", "", _NONE, "decision rules", _LIPPONEN, "Intervals before or after an ectopic beat"),
        ("missed_n", "", _NONE, "decision rules", _LIPPONEN, "Intervals that hide a missed beat"),
        ("extra_n", "", _NONE, "decision rules", _LIPPONEN, "Intervals cut by a false detection"),
        ("longshort_n", "", _NONE, "decision rules", _LIPPONEN, "Too long or too short, unexplained"),
        ("artefact_pct", "%", _NONE, "100 (1 - NN / all not marked)", _LIPPONEN, "Intervals that are not NN"),
        ("eda_coverage", "", _NONE, "valid time / window", _OWN, "Share of the window with valid EDA"),
        (
            "eda_artefact_pct",
            "%",
            _NONE,
            "rules of range, slope and being stuck",
            _KLECKNER,
            "Samples present but masked",
        ),
    ),
    *_columns(
        Group.DATA,
        ("motion_rms_mg", "mg", _NONE, "RMS of acceleration less gravity", _OWN, "Motion"),
    ),
    *_columns(Group.DATA, ("skin_temp_c", "°C", _NONE, "mean", _OWN, "Skin temperature")),
)
_HEART = (
    *_columns(
        Group.HEART,
        ("mean_hr_bpm", "bpm", _HR, "60000 / mean NN", _TASK_FORCE, "Heart rate"),
        ("mean_nn_ms", "ms", _HR, "mean", _TASK_FORCE, "Mean NN interval"),
        ("sdnn_ms", "ms", _SPREAD, "standard deviation, ddof 1", _TASK_FORCE, "Spread of NN intervals"),
        ("rmssd_ms", "ms", _BY_BEAT, "sqrt(mean d²), adjacent NN only", _TASK_FORCE, "Beat-to-beat change"),
        ("ln_rmssd", "", _BY_BEAT, "ln RMSSD", _TASK_FORCE, "RMSSD on a scale for comparing"),
        ("pnn50_pct", "%", _BY_BEAT, "100 #(|d| > 50) / differences", _TASK_FORCE, "Large changes"),
        ("sd1_ms", "ms", _BY_BEAT, "sd(d) / √2, ddof 1", _BRENNAN, "Width of the Poincaré plot"),
        ("sd2_ms", "ms", _SPREAD, "sd((x_i + x_i+1) / √2), ddof 1", _BRENNAN, "Length of the Poincaré plot"),
        ("cvnn_pct", "%", _SPREAD, "100 SDNN / mean NN", _TASK_FORCE, "SDNN relative to mean NN"),
        ("rmssd_mean_nn_pct", "%", _BY_BEAT, "100 RMSSD / mean NN", _TASK_FORCE, "RMSSD relative to mean NN"),
        ("baevsky_si", "%/s²", _SPREAD, "AMo / (2 Mo MxDMn), 50-ms bins", _BAEVSKY, "Baevsky's stress index"),
        ("baevsky_si_sqrt", "", _SPREAD, "square root", _BAEVSKY, "Its square root; Kubios detrends first"),
        ("vlf_ms2", "ms²", _VLF, "0.0033-0.04 Hz", _TASK_FORCE, "VLF power; doubtful below 50 min"),
        ("lf_ms2", "ms²", _LF, "0.04-0.15 Hz", _TASK_FORCE, "LF power; not sympathetic activity"),
        ("hf_ms2", "ms²", _HF, "0.15-0.40 Hz", _TASK_FORCE, "HF power; breathing above 9/min"),
        ("ln_lf", "", _LF, "ln LF", _TASK_FORCE, "LF power on a scale for comparing"),
        ("ln_hf", "", _HF, "ln HF", _TASK_FORCE, "HF power on a scale for comparing"),
        ("total_ms2", "ms²", _VLF, "0.0033-0.40 Hz", _TASK_FORCE, "Total power"),
        ("lf_peak_hz", "Hz", _LF, "highest density in LF", _TASK_FORCE, "Peak of the LF band"),
        ("hf_peak_hz", "Hz", _HF, "highest density in HF", _TASK_FORCE, "Peak of the HF band"),
        ("peak_hz", "Hz", _LF, "highest density in 0.04-0.40 Hz", _OWN, "The dominant rhythm"),
    ),
    *_columns(
        Group.HEART,
        (
            "rhythm_concentration",
            "",
            _RHYTHM,
            "v1: P / (T - P) of the peak in 0.04-0.26 Hz",
            _OWN,
            "Power around the main rhythm over the rest",
        ),
        ("sampen", "", _COMPLEX, "m 2, r 0.2 SD", _RICHMAN, "Sample entropy; equal numbers of beats only"),
        ("dfa_alpha1", "", _DFA, "n 4-11, non-overlapping", _PENG, "Short-term scaling exponent"),
    ),
    *_columns(
        Group.HEART,
        ("lf_nu", "%", _BOTH, "100 LF / (LF + HF)", _TASK_FORCE, "LF in normalised units"),
        ("hf_nu", "%", _BOTH, "100 HF / (LF + HF)", _TASK_FORCE, "HF in normalised units"),
        ("lf_hf", "", _BOTH, "LF / HF", _TASK_FORCE, "Not a measure of sympathovagal balance"),
        opt_in=True,
    ),
)
_BREATHING = _columns(
    Group.BREATHING,
    (
        "resp_rate_bpm",
        "breaths/min",
        Floor(seconds=60),
        "what pieces of 32 s agree on, 0.06-0.5 Hz",
        _CHARLTON,
        "Breathing rate; from RR alone none in 0.07-0.13 Hz",
    ),
    (
        "resp_source",
        "",
        _NONE,
        "belt, else chest acceleration, else RR",
        _OWN,
        "Where breathing is read: belt, acc or rr",
    ),
    (
        "resp_confidence",
        "",
        _NONE,
        "share of power in the peak, agreement, coverage",
        _OWN,
        "About how often such a rate lies within 1 breath/min",
    ),
)
_SKIN = _columns(
    Group.SKIN,
    ("scl_us", "µS", _LEVEL, "mean of the level under responses", _BOUCSEIN, "Skin-conductance level"),
    ("ln_scl", "", _LEVEL, "ln SCL", _BOUCSEIN, "SCL on a scale for comparing"),
    ("scr_n", "", _RATE, "trough to peak, at least 0.05 µS", _BOUCSEIN, "Skin-conductance responses"),
    ("scr_per_min", "1/min", _RATE, "responses per valid minute", _BOUCSEIN, "NS-SCR rate"),
    ("scr_amplitude_us", "µS", _LEVEL, "mean over responses", _BOUCSEIN, "Mean size of a response"),
    ("scr_magnitude_us", "µS", _RATE, "amplitude per 10 valid s", _BOUCSEIN, "Mean size, zeros kept"),
    ("scr_rise_s", "s", _LEVEL, "median, onset to peak", _BOUCSEIN, "Rise time of responses"),
    ("scr_half_recovery_s", "s", _LEVEL, "median, peak to half", _BOUCSEIN, "Half recovery time"),
    ("cvx_tonic_us", "µS", _DECOMPOSED, "cvxEDA, at most 8 Hz: mean", _GRECO, "Tonic part; may fall below 0"),
    ("cvx_phasic_us", "µS", _DECOMPOSED, "cvxEDA: mean", _GRECO, "Phasic part"),
    ("cvx_driver_us", "µS/min", _DECOMPOSED, "cvxEDA: integral per minute", _GRECO, "Driver of responses"),
    ("eda_symp_us2", "µS²", _SYMP, "0.045-0.25 Hz at 2 Hz", _POSADA, "EDASymp, sympathetic rhythms"),
)
_INDICES = _columns(
    Group.INDICES,
    (
        "arousal",
        "",
        _NONE,
        "50 + 10 Σ w z, heart and skin alike: see arousal.md",
        _OWN,
        "Arousal index; 50 is this baseline",
    ),
    ("arousal_low", "", _NONE, "95 % band", _OWN, "Its interval's lower end"),
    ("arousal_high", "", _NONE, "95 % band", _OWN, "Its interval's upper end"),
    ("arousal_basis", "", _NONE, "", _OWN, "What it rests on, and what was left out"),
    (
        "hpa_model_au",
        "a.u.",
        _NONE,
        "arousal above 50 through a rise-and-clearance kernel",
        _OWN,
        "Delayed arousal with cortisol-like timing; no hormone",
    ),
)
_CONTROL = _described(
    Group.CONTROL,
    ("params_hash", "", "The settings, as a hash"),
    ("version", "", "The software's version"),
    ("null_reasons", "", "Why each withheld value is null"),
)

FEATURES: tuple[Feature, ...] = (*_WHO, *_BASIS, *_DATA, *_HEART, *_BREATHING, *_SKIN, *_INDICES, *_CONTROL)
BY_NAME = MappingProxyType({feature.name: feature for feature in FEATURES})


def null_reasons(name: str, basis: Basis) -> dict[int, Reason]:
    """Why windows cannot carry a feature: row to a few words that end a sentence; none for those that can.

    UsageError for a name that is not in the table.
    """
    if name not in BY_NAME:
        raise UsageError(f"no feature is called {name!r}")
    return shortfalls(BY_NAME[name].floor, basis)
