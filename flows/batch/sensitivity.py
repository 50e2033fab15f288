"""How much the results hang on the choices a study declares: each varied alone, means beside the main ones.

The recordings that the rules of the main analysis exclude stay excluded when a setting is varied, so that a
difference is the setting's and not other people's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pipeline.exclusions import ALL, Exclusion, Signal, Status, exclusions
from pipeline.features import BY_NAME, FEATURES, Group
from pipeline.parameters_file import Analysing

if TYPE_CHECKING:
    import pandas as pd

MAIN = "main"
WHOLE = "whole recording"
COLUMNS = ("choice", "level", "group", "phase", "beats", "feature", "n", "mean", "sd", "difference")
# What studies report, and what the choices can move.
REPORTED = (
    *("mean_hr_bpm", "sdnn_ms", "rmssd_ms", "ln_rmssd", "ln_lf", "ln_hf", "rhythm_concentration"),
    *("scl_us", "ln_scl", "scr_per_min", "scr_amplitude_us", "eda_symp_us2", "arousal"),
)
_KEYS = ("group", "phase", "beats", "feature")
_OF = {Signal.HEART: (Group.HEART, Group.INDICES), Signal.SKIN: (Group.SKIN, Group.INDICES)}

Rows = Sequence[Mapping[str, Any]]


def sensitivity(
    analysing: Analysing, recordings: Rows, phases: pd.DataFrame | None = None, varied: Rows = ()
) -> pd.DataFrame:
    """The means of features by group and phase, as they are and with each choice varied: `COLUMNS`.

    `recordings` are rows of recordings.parquet, `phases` those of phases_long.parquet. `varied` are values of
    the whole recording, or with `phase` of one, for each of the `value_levels`: recording_id, choice, value
    (its text), features. Left out is a level without any, and what the main analysis has no value of.
    """
    import pandas as pd

    analysed = [row for row in recordings if row["status"] in (Status.ANALYSED, Status.EXCLUDED)]
    broken = exclusions(recordings, analysing.rules)
    known = {
        row["recording_id"]: {name: row.get(name) for name in ("group", "beat_source")} for row in analysed
    }
    values = pd.DataFrame([{**row, "phase": WHOLE} for row in analysed])
    if phases is not None and len(phases):
        values = pd.concat([_needed(values), _needed(phases)], ignore_index=True)
    others = pd.DataFrame([{"phase": WHOLE, **row, **known.get(row["recording_id"], {})} for row in varied])
    if values.empty:
        return pd.DataFrame(columns=list(COLUMNS))
    main = _summary(withheld(values, broken))
    tables = [_labelled(main, main, MAIN, "")]
    for level in analysing.sensitivity:
        if level not in analysing.value_levels:
            kept = withheld(values, exclusions(recordings, analysing.with_level(level).rules))
        elif len(others):
            kept = withheld(
                others[(others["choice"] == level.choice) & (others["value"] == level.text)], broken
            )
        else:
            continue
        if len(kept):
            tables.append(_labelled(_summary(kept), main, level.choice, level.text))
    return pd.concat(tables, ignore_index=True)[list(COLUMNS)]


def withheld(table: pd.DataFrame, broken: Sequence[Exclusion]) -> pd.DataFrame:
    """The table with what excluded signals gave left empty: their features, and the indices made of them."""
    kept = table.copy()
    for signal, groups in _OF.items():
        units = {each.unit for each in broken if each.signal is signal}
        names = [each.name for each in FEATURES if each.group in groups and each.name in kept.columns]
        if units and names:
            kept[names] = kept[names].mask(kept["recording_id"].isin(units))
    return kept


def _needed(table: pd.DataFrame) -> pd.DataFrame:
    return table[
        [
            name
            for name in ("recording_id", "group", "phase", "beat_source", *REPORTED)
            if name in table.columns
        ]
    ]


def _summary(values: pd.DataFrame) -> pd.DataFrame:
    """n, mean and sd of each feature by group and phase; summed in one order, whatever came first."""
    import pandas as pd

    long = pd.DataFrame(list(_long(values)), columns=["recording_id", *_KEYS, "value"])
    long = long.astype({"value": "float64"}).sort_values([*_KEYS, "recording_id"], ignore_index=True)
    return long.groupby(list(_KEYS))["value"].agg(n="count", mean="mean", sd="std").reset_index()


def _long(values: pd.DataFrame) -> Iterator[tuple[str, str, str, str, str, float]]:
    """Each value that is there, for all and, where it has one, for its group; pulses stay apart."""
    names = [name for name in REPORTED if name in values.columns]
    for row in values.to_dict("records"):
        group, beats = row.get("group"), beats_of(row.get("beat_source"))
        for name in names:
            value = row[name]
            if value is None or value != value:  # NaN
                continue
            of = "" if BY_NAME[name].group is Group.SKIN else beats
            yield row["recording_id"], ALL, row["phase"], of, name, value
            if isinstance(group, str):
                yield row["recording_id"], group, row["phase"], of, name, value


def beats_of(source: object) -> str:
    """What kind of variability a source of beats gives: heart or pulse; the two are never pooled."""
    return {"rr": "heart", "ecg": "heart", "pp": "pulse"}.get(str(source), "")


def _labelled(found: pd.DataFrame, main: pd.DataFrame, choice: str, level: str) -> pd.DataFrame:
    beside = found.merge(main[[*_KEYS, "mean"]], on=list(_KEYS), suffixes=("", "_main"))
    difference = beside["mean"] - beside["mean_main"]
    return beside.assign(choice=choice, level=level, difference=difference).drop(columns="mean_main")
