"""What the arousal index is made of: four components, when each is usable, and how well it is known.

numpy only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntFlag, StrEnum

import numpy as np
from numpy.typing import NDArray

from pipeline.language import reason
from pipeline.model import Bools, Floats

MOST_SD = 5.0  # what one component can say at most

# Motion beyond which the heart answers the muscles. A wrist moves far more than the body it hangs on: people
# who sat and talked with their hands had 120 to 330 mg there over a minute.
MOVING_MG = 100.0
WRIST_MOVING_MG = 300.0

_LEAST_COVERED_S = 10.0  # of normal beats, as for heart rate everywhere
_LEAST_PAIRS = 50.0
_MOST_ARTEFACTS_PCT = 20.0
_LEAST_SKIN_S = 10.0
_LEAST_RATE_S = 45.0  # less than a rate needs to be shown: its counting error is in the band
_ARTEFACT_PCT_PER_SD = 10.0
_WORN_C = (30.0, 40.0)
_ABSURD = 1e6  # nothing here is ever that large, and sums of squares stay finite
_SLOWEST_BPM = 1.0

_PLENTY = _ABSURD / 2
_ABSENT = {
    "mean_hr_bpm": np.nan,
    "ln_rmssd": np.nan,
    "ln_drive": np.nan,
    "scr_per_min": np.nan,
    "beats": _PLENTY,
    "nn_pairs": _PLENTY,
    "nn_coverage": 1.0,
    "artefact_pct": 0.0,
    "valid_s": _PLENTY,
    "drive_share": 1.0,
    "eda_coverage": 1.0,
    "eda_artefact_pct": 0.0,
    "motion_rms_mg": 0.0,
    "skin_temp_c": np.nan,
}
_COLD_SD = 0.5  # a cold, dry or loose electrode says less than it seems to

# In doubt the heart is left out: a denial counts only right before what it denies, or as a whole answer.
_DRUG = r"(?:beta|β|ß)[\W_]*blo[ck]\w*|\b\w+(?:ol|al|il)ol\w*"  # propranolol, labetalol, carvedilol
_PACEMAKER = r"pace[\W_]?maker\w*"
_EITHER = f"(?:{_DRUG}|{_PACEMAKER})"
_NOTED = re.compile(_EITHER, re.IGNORECASE)
_DENIED = re.compile(
    rf"(?<!not )(?<!never )\b(?:no|not|none|without|never(?:\s+(?:had|taken))?)\s+"
    rf"(?:(?:an?|the|any|on|taking)\s+)*{_EITHER}"
    rf"|{_EITHER}\s*[:=]\s*(?:no|none|never)\s*(?=$|[.,;])",
    re.IGNORECASE,
)
_NOTHING = re.compile(r"\W*(no|not|none|never|false|0|n/a|not said)?\W*", re.IGNORECASE)


class Part(StrEnum):
    """The two parts of the index, of equal weight."""

    HEART = "heart"
    SKIN = "skin conductance"


@dataclass(frozen=True, slots=True)
class Component:
    """A column, its part of the index, the direction of arousal, and the spread of its minutes at rest.

    The spreads are the project's choices; a person's own baselines soon outweigh them.
    """

    column: str
    part: Part
    sign: float
    spread: float
    per_bpm: float = 0.0  # what one beat a minute more explains of it


# Spreads: 60-s values around the mean of a quiet baseline. RMSSD's is a choice: a CV of 21 %, as between
# rests in one session, and the noise of 60 s. Its slope on heart rate within a person was -0.016 to -0.030 in
# four of seven long recordings, flatter or rising in the others; -0.02 is a choice. That HRV falls with heart
# rate: de Geus 2019 (Psychophysiology 56:e13287).
COMPONENTS = (
    Component("mean_hr_bpm", Part.HEART, 1.0, 3.0),
    Component("ln_rmssd", Part.HEART, -1.0, 0.25, per_bpm=-0.02),
    Component("ln_drive", Part.SKIN, 1.0, 0.20),
    Component("scr_per_min", Part.SKIN, 1.0, 0.6),
)
HEART_RATE, RMSSD, DRIVE, RESPONSES = range(4)


class Withheld(IntFlag):
    """Why something is left out of a window: all that applies, and the first in this order is named."""

    NOTED = 1
    SPEAKING = 2
    MOVING = 4
    PACED = 8
    PULSE = 16


_ALL_HEART = Withheld.NOTED | Withheld.SPEAKING | Withheld.MOVING


@dataclass(frozen=True, slots=True, eq=False)
class Circumstances:
    """What else is known of k windows: (k,) bool, or None for nowhere.

    `noted`: a pacemaker or beta-blocker, in words, see `heart_note`. `pulse`: the beats are pulses, not RR.
    `moving_mg`: motion from which a window counts as moving, by where the accelerometer is worn.
    """

    paced: Bools | None = None
    speaking: Bools | None = None
    noted: str | None = None
    pulse: bool = False
    moving_mg: float = MOVING_MG

    def why(self, rows: Sequence[int], code: int) -> str | None:
        """The reason for leaving out these components of one part, if it is one of these."""
        if list(rows) == [RESPONSES]:
            code &= Withheld.MOVING
        elif any(COMPONENTS[row].part is Part.SKIN for row in rows):
            return None
        elif list(rows) != [RMSSD]:
            code &= _ALL_HEART
        first = next((each for each in Withheld if code & each), None)
        if first is None:
            return None
        if first is Withheld.NOTED:
            return self.noted
        return reason(f"reasons.arousal.withheld.{str(first.name).lower()}")


def heart_note(conditions: Mapping[str, str]) -> str | None:
    """What a session's conditions say that takes the heart out of the index: a pacemaker, a beta-blocker.

    "no pacemaker", "beta-blocker: none" say nothing; "no change in beta-blocker" does. So an answer "yes" to
    a question before a first session counts ("pacemaker", "screening_beta-blocker"), "no" or "not said" not.
    """
    for name, text in conditions.items():
        left = _DENIED.sub("", text)
        found = _NOTED.search(left)
        if not found and not _NOTHING.fullmatch(left):
            found = _NOTED.search(_DENIED.sub("", name))
        if found:
            what = "pacemaker" if re.match(_PACEMAKER, found[0], re.I) else "beta_blocker"
            return reason(f"reasons.arousal.noted.{what}")
    return None


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """(4, k) each: the components, NaN where not usable; the variance of counting; and of wear, in SD².

    `why` (k,) holds `Withheld`.
    """

    value: Floats
    noise: Floats
    wear: Floats
    why: NDArray[np.intp]


def measured(columns: Mapping[str, Floats], circumstances: Circumstances) -> Measured:
    """The components of k windows from their columns, floors off.

    Taken if they are there: `mean_hr_bpm`, `ln_rmssd`, `nn_pairs`, `nn_coverage`, `beats`, `artefact_pct`;
    `ln_drive`, `drive_share` (pipeline.indices.sudomotor), `scr_per_min`, `valid_s`, `eda_coverage`,
    `eda_artefact_pct`; `motion_rms_mg`, `skin_temp_c`. A quality column that is absent counts as perfect,
    a component's as unusable. Poor quality adds to `wear`, never to a value. While moving there is neither
    heart nor a rate of responses: pressure on an electrode makes dips that look like responses.
    """
    at = _cleaned(columns)
    motion = np.fmax(at["motion_rms_mg"], 0.0) / circumstances.moving_mg
    why = _withheld(motion >= 1, circumstances)
    has_rate = _has_rate(at) & (why & _ALL_HEART == 0)
    has_rmssd = has_rate & (why == 0) & ~(at["nn_pairs"] < _LEAST_PAIRS)
    valid_s = np.fmax(at["valid_s"], 0.0)
    countable = (valid_s >= _LEAST_RATE_S) & (why & Withheld.MOVING == 0)
    rate = np.where(countable, at["scr_per_min"], np.nan)
    value = np.array(
        [
            np.where(has_rate, at["mean_hr_bpm"], np.nan),
            np.where(has_rmssd, at["ln_rmssd"], np.nan),
            np.where(valid_s >= _LEAST_SKIN_S, at["ln_drive"], np.nan),
            np.sqrt(np.where(rate >= 0, rate, np.nan)),
        ]
    )
    noise = np.zeros(value.shape)
    noise[RMSSD] = 1 / np.fmax(at["nn_pairs"], 1.0)  # 1/2n, twofold as differences are alike
    noise[RESPONSES] = 15 / np.fmax(valid_s, 1.0)  # of the root of a Poisson rate
    return Measured(value, noise, _wear(at, motion), why)


def _cleaned(columns: Mapping[str, Floats]) -> dict[str, Floats]:
    """Every column by name: absent ones as what they stand for, impossible values NaN."""
    k = max((len(column) for column in columns.values()), default=0)
    table = np.empty((len(_ABSENT), k))
    for row, (name, absent) in enumerate(_ABSENT.items()):
        table[row] = columns.get(name, absent)
    table[~(np.abs(table) < _ABSURD)] = np.nan
    return dict(zip(_ABSENT, table, strict=True))


def _has_rate(at: Mapping[str, Floats]) -> Bools:
    """Normal beats for 10 s, of all intervals no more than a fifth artefacts."""
    rate = np.where(at["mean_hr_bpm"] > _SLOWEST_BPM, at["mean_hr_bpm"], np.nan)
    few = ~(at["artefact_pct"] > _MOST_ARTEFACTS_PCT)
    return np.asarray(np.isfinite(rate) & ~(60 * at["beats"] / rate < _LEAST_COVERED_S) & few)


def _wear(at: Mapping[str, Floats], motion: Floats) -> Floats:
    """(4, k) in SD²: signal that is missing, artefacts, motion, cold or dry skin."""
    heart = _lost(at["nn_coverage"]) + _spoilt(at["artefact_pct"]) + motion**2
    cold = (at["skin_temp_c"] < _WORN_C[0]) | (at["skin_temp_c"] > _WORN_C[1])
    skin = _lost(at["eda_coverage"]) + _spoilt(at["eda_artefact_pct"]) + motion**2 + _COLD_SD**2 * cold
    return np.array([heart, heart, skin + _lost(at["drive_share"]), skin])


def _lost(coverage: Floats) -> Floats:
    """One SD where all of a window is missing, or nobody knows how much is."""
    return np.asarray(1 - np.fmin(np.fmax(coverage, 0.0), 1.0))


def _spoilt(artefact_pct: Floats) -> Floats:
    """One SD for each 10 % of artefacts."""
    return np.asarray((np.fmin(np.fmax(artefact_pct, 0.0), 100.0) / _ARTEFACT_PCT_PER_SD) ** 2)


def _withheld(moving: Bools, circumstances: Circumstances) -> NDArray[np.intp]:
    """(k,) of `Withheld`."""
    why = np.full(len(moving), int(Withheld.NOTED) if circumstances.noted else 0, dtype=np.intp)
    if circumstances.pulse:
        why |= int(Withheld.PULSE)
    where = {
        Withheld.SPEAKING: circumstances.speaking,
        Withheld.MOVING: moving,
        Withheld.PACED: circumstances.paced,
    }
    for each, so in where.items():
        if so is not None:
            why[np.asarray(so, dtype=bool)] |= int(each)
    return why
