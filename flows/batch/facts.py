"""What is known of a study, in words: what methods and checklists are filled in with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from pipeline.exclusions import ALL, WITHHELD, Rules, Status, exclusions, flow
from pipeline.features import BY_NAME
from pipeline.heart.spectrum import Detrend, PsdMethod
from pipeline.manifest import software
from pipeline.parameters import Correction
from pipeline.parameters_file import Analysing
from pipeline.study_columns import TABLES

Facts = Mapping[str, str]  # an empty one is not known
Rows = Sequence[Mapping[str, Any]]

_MOST_TOLD = 12

_CORRECTION = {
    Correction.EXCLUDE: "Intervals were classified after Lipponen & Tarvainen 2019, and those not normal to "
    "normal left out; no difference was taken across one.",
    Correction.INTERPOLATE: "Intervals were classified after Lipponen & Tarvainen 2019, and those not normal "
    "to normal interpolated.",
    Correction.NONE: "Intervals were not corrected; only impossible ones were left out.",
}
_PSD = {
    PsdMethod.WELCH: "Spectra are averaged periodograms (Welch 1967) of intervals resampled at 4 Hz (cubic).",
    PsdMethod.LOMB: "Spectra are Lomb periodograms (Scargle 1982), which need no resampling.",
}
_PSD_BY_RULE = (
    f"{_PSD[PsdMethod.WELCH]} A recording with a gap in a usable window has Lomb periodograms (Scargle 1982) "
    "instead, throughout."
)
_DETREND = {
    Detrend.NONE: "Nothing but the mean was taken out before.",
    Detrend.LINEAR: "A linear trend was taken out before.",
    Detrend.SMOOTHNESS_PRIORS: "A trend was taken out before by smoothness priors (Tarvainen 2002).",
}
_BEATS = {"rr": "a chest strap's or an export's RR intervals", "ecg": "an electrocardiogram", "pp": "pulses"}
_SKIN = (
    "Skin conductance is in µS: level (SCL) under the responses, responses per valid minute, their "
    "amplitude, and EDASymp from 0.045 to 0.25 Hz (Posada-Quintero 2016)."
)


def facts_of(recordings: Rows, phases: Rows, analysing: Analysing) -> Facts:
    """All facts by name. `recordings` has a row per recording that was found, `phases` one per phase."""
    kept = [row for row in recordings if row["status"] == Status.ANALYSED]
    found = {
        **_of_units(recordings, analysing.rules),
        **_of_signals(kept),
        **_of_choices(analysing),
        "people_columns": ", ".join(people_columns(recordings)),
        "phases": _counted(_column(phases, "phase")),
        "paced": _counted(_column([row for row in phases if row.get("paced") is True], "phase")),
    }
    has = {"heart": found["beat_sources"], "skin": found["eda_coverage"]}
    for signal, names in {"heart": ("correction", "spectrum"), "skin": ("skin",)}.items():
        found |= {name: found[name] if has[signal] else "" for name in names}
    return found


def people_columns(recordings: Rows) -> list[str]:
    """The columns that a study's own table of participants brought."""
    ours = BY_NAME.keys() | {column.name for table in TABLES for column in table.own}
    return [name for name in dict.fromkeys(chain.from_iterable(recordings)) if name not in ours]


def _of_units(rows: Rows, rules: Rules) -> dict[str, str]:
    steps = [step for step in flow(rows, exclusions(rows, rules)) if step.group == ALL]
    people = {row.get("participant_id") for row in rows} - {None}
    whose = f" of {_counted_as(len(people), 'participant')}" if people else ""
    whole = [step for step in steps if step.stage != WITHHELD]
    told = [f"{step.units} {step.stage}{f' ({step.reason})' if step.reason else ''}" for step in whole]
    partly = [f"{step.units} ({step.reason})" for step in steps if step.stage == WITHHELD]
    without = f" Of those analysed one signal was left out of {', '.join(partly)}." if partly else ""
    return {
        "found": f"{_counted_as(len(rows), 'recording')}{whose}",
        "groups": _counted(row.get("group") for row in rows),
        "sources": _counted(row.get("source") for row in rows),
        "flow": f"Recordings: {', '.join(told)}.{without}",
    }


def _of_signals(kept: Rows) -> dict[str, str]:
    """What analysed recordings hold."""
    beats = _column(kept, "beat_source")
    pulses = "pp" in set(beats)
    skin = [row for row in kept if _column([row], "eda_coverage")]
    return {
        "lengths": _spread(_column(kept, "duration_s"), 1 / 60, "min"),
        "beat_sources": _counted(_BEATS.get(each, each) for each in beats),
        "pulse_note": "From pulses, variability is pulse-rate variability; it is not pooled with the heart's."
        if pulses
        else "",
        "artefact_pct": _spread(_column(kept, "artefact_pct"), 1, "%"),
        "coverage": _spread(_column(kept, "nn_coverage"), 100, "%"),
        "eda_coverage": _spread(_column(skin, "eda_coverage"), 100, "%"),
        "skin_sources": _counted(_column(skin, "source")),
        "eda_sites": _counted(_column(skin, "eda_site")),
    }


def _of_choices(analysing: Analysing) -> dict[str, str]:
    parameters, rules = analysing.parameters, analysing.rules
    head_s, tail_s = analysing.phase_edges_s
    spectrum = _PSD_BY_RULE if parameters.psd is None else _PSD[parameters.psd]
    varied = dict.fromkeys(level.choice for level in analysing.sensitivity)
    return {
        "correction": _CORRECTION[parameters.correction],
        "spectrum": f"{spectrum} {_DETREND[parameters.detrend]}",
        "hf_band": "{:g} to {:g}".format(*parameters.hf_band),
        "scr_min_us": f"{parameters.scr_min_us:g}",
        "skin": _SKIN,
        "windows": f" Windows were {parameters.window_s:g} s long, {parameters.step_s:g} s apart.",
        "rules": _rules(rules),
        "edges": f"Of each phase the first {head_s:g} s and the last {tail_s:g} s were left off."
        if head_s or tail_s
        else "",
        "sensitivity": f"Each of these choices was also varied alone: {', '.join(varied)} (sensitivity.csv)."
        if varied
        else "",
        "software": " ".join(software().values()),
        "hash": analysing.hash,
    }


def _rules(rules: Rules) -> str:
    if rules == Rules():
        return "No recording was excluded by a rule."
    return (
        f"A signal was left out if over {rules.max_artefact_pct:g} % of it was not usable, or if valid "
        f"signal filled less than {100 * rules.min_coverage:g} % of the time; a recording, if none was left."
    )


def _column(rows: Rows, name: str) -> list[Any]:
    """The values that are there."""
    return [value for row in rows if (value := row.get(name)) is not None and value == value]


def _counted(values: Iterable[Any]) -> str:
    """Different values and how often each is there, the most common first: "control (12), patients (11)"."""
    counts: dict[str, int] = {}
    for value in values:
        if isinstance(value, str):
            counts[value] = counts.get(value, 0) + 1
    told = [
        f"{value} ({count})" for value, count in sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    ]
    more = len(told) - _MOST_TOLD
    return ", ".join([*told[:_MOST_TOLD], *([f"{more} others"] if more > 0 else [])])


def _spread(values: Sequence[float], scale: float, unit: str) -> str:
    """Median and range in words; nothing without a value."""
    if not values:
        return ""
    ordered = sorted(float(value) * scale for value in values)
    middle = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
    return f"a median of {middle:.3g} {unit} ({ordered[0]:.3g} to {ordered[-1]:.3g})"


def _counted_as(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
