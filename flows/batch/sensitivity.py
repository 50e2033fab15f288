"""How much the results hang on the choices a study declares: each varied alone, means beside the main ones.

The recordings that the rules of the main analysis exclude stay excluded when a setting is varied, so that a
difference is the setting's and not other people's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.exclusions import ALL, Exclusion, Status, exclusions, withheld
from pipeline.features import BY_NAME, Group
from pipeline.parameters_file import Analysing

MAIN = "main"
WHOLE = "whole recording"
# What studies report, and what the choices can move.
REPORTED = (
    *("mean_hr_bpm", "sdnn_ms", "rmssd_ms", "ln_rmssd", "ln_lf", "ln_hf", "rhythm_concentration"),
    *("scl_us", "ln_scl", "scr_per_min", "scr_amplitude_us", "eda_symp_us2", "arousal"),
)
_KNOWN = ("group", "beat_source", "participant_id")

Rows = Sequence[Mapping[str, Any]]
Key = tuple[str, str, str, str]  # group, phase, beats, feature


@dataclass(frozen=True, slots=True)
class Mean:
    """A row of sensitivity.csv: a feature in a phase of a group, with one choice at one level.

    `n_values` are of as many phases, or of whole recordings; a person may have several. `n_participants` is
    None where it is not known whose they all are. `sd` has one degree of freedom less, and is None for a
    single value; so is `difference`, from the main analysis, where that has none.
    """

    choice: str
    level: str
    group: str
    phase: str
    beats: str
    feature: str
    n_values: int
    n_participants: int | None
    mean: float
    sd: float | None
    difference: float | None


def sensitivity(
    analysing: Analysing, recordings: Rows, phases: Rows = (), varied: Rows = ()
) -> Iterator[Mean]:
    """The means of features by group and phase, as they are and with each choice varied.

    `recordings` are rows of recordings.parquet, `phases` those of phases_long.parquet. `varied` are values of
    the whole recording, or with `phase` of one, for each of the `value_levels`: recording_id, choice, value
    (its text), features. Left out is a level without any.
    """
    analysed = [row for row in recordings if row["status"] in (Status.ANALYSED, Status.EXCLUDED)]
    known = {row["recording_id"]: {name: row.get(name) for name in _KNOWN} for row in analysed}
    main_rows = [*({**row, "phase": WHOLE} for row in analysed), *phases]
    broken = exclusions(recordings, analysing.rules)
    main = _values(main_rows, broken)
    yield from _means(MAIN, "", main, main)
    for level in analysing.sensitivity:
        if level in analysing.value_levels:
            rows = [
                {"phase": WHOLE, **row, **known.get(row["recording_id"], {})}
                for row in varied
                if (row["choice"], row["value"]) == (level.choice, level.text)
            ]
            found = _values(rows, broken)
        else:
            found = _values(main_rows, exclusions(recordings, analysing.with_level(level).rules))
        yield from _means(level.choice, level.text, found, main)


def _values(rows: Rows, broken: Sequence[Exclusion]) -> dict[Key, list[tuple[str, str | None, float]]]:
    """Recording, person and value, in one order, by what they are means of; for all and for each group.

    What rules exclude is left out, and pulses stay apart.
    """
    by_unit: dict[str, list[Exclusion]] = defaultdict(list)
    for each in broken:
        by_unit[each.unit].append(each)
    without = {unit: withheld(of_unit) for unit, of_unit in by_unit.items()}
    found: dict[Key, list[tuple[str, str | None, float]]] = defaultdict(list)
    for row in rows:
        unit, person = row["recording_id"], row.get("participant_id")
        groups = (ALL, row["group"]) if row.get("group") else (ALL,)
        for name in REPORTED:
            value = row.get(name)
            if value is None or value != value or name in without.get(unit, ()):  # NaN
                continue
            beats = "" if BY_NAME[name].group is Group.SKIN else beats_of(row.get("beat_source"))
            for group in groups:
                found[group, row["phase"], beats, name].append((unit, person, value))
    for values in found.values():
        values.sort(key=lambda each: (each[0], each[2]))
    return found


def _means(
    choice: str,
    level: str,
    found: Mapping[Key, Sequence[tuple[str, str | None, float]]],
    main: Mapping[Key, Sequence[tuple[str, str | None, float]]],
) -> Iterator[Mean]:
    for key in sorted(found):
        values = np.array([value for _, _, value in found[key]])
        people = {person for _, person, _ in found[key]}
        mean = float(values.mean())
        others = [value for _, _, value in main.get(key, ())]
        yield Mean(
            choice,
            level,
            *key,
            n_values=len(values),
            n_participants=None if None in people else len(people),
            mean=mean,
            sd=float(values.std(ddof=1)) if len(values) > 1 else None,
            difference=mean - float(np.mean(others)) if others else None,
        )


def beats_of(source: object) -> str:
    """What kind of variability a source of beats gives: heart or pulse; the two are never pooled."""
    return {"rr": "heart", "ecg": "heart", "pp": "pulse"}.get(str(source), "")
