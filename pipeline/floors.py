"""What a window must hold before it may carry a value, and in which words a value is withheld.

The floors themselves stand in the table of `pipeline.features`; they are the project's choices from the
literature. numpy only: the live page uses it too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from pipeline.language import Reason, reason
from pipeline.model import Bools, Floats

SPECTRAL_MAX_CORRECTED_PCT = 5.0
HRV_MAX_CORRECTED_PCT = 20.0
RATE_MAX_CORRECTED_PCT = 30.0  # with more, intervals that are left may be false ones that look alike
SLOWEST_HF_BREATHS_S = 0.15  # breaths per second below which HF holds no breathing
_COVERED_SHARE = 0.8  # of a floor's seconds that NN intervals must fill
SHORTEST_SPECTRUM_S = _COVERED_SHARE * 60.0
_LENGTH_SHARE = 0.99  # of a floor's seconds: five minutes of beats seldom end on the second, nor does a phase


@dataclass(frozen=True, slots=True)
class Floor:
    """The least a window must hold; what is not asked for is 0, or None.

    `seconds` of window, four fifths of them filled with NN intervals; `contiguous` NN intervals that follow
    each other; `eda_s` of valid EDA, `decomposed_s` of decomposed. `claim_s`: the window from which the
    value may stand for more than itself, where that is longer than `seconds`.
    """

    seconds: float = 0.0
    beats: int = 0
    pairs: int = 0
    contiguous: int = 0
    breaths: int = 0
    max_corrected_pct: float | None = None
    eda_s: float = 0.0
    decomposed_s: float = 0.0
    claim_s: float | None = None

    def __str__(self) -> str:
        """In words, for a reader of the data dictionary; empty where nothing is asked for."""
        asked = (
            (self.seconds, f"{self.seconds:g} s"),
            (self.pairs, f"{self.pairs} differences"),
            (self.contiguous, f"{self.contiguous} contiguous NN intervals"),
            (self.breaths, f"{self.breaths} breaths"),
            (self.eda_s, f"{self.eda_s:g} s of valid EDA"),
            (self.decomposed_s, f"{self.decomposed_s:g} s of EDA away from a gap"),
            (self.max_corrected_pct, f"at most {self.max_corrected_pct or 0:g} % excluded"),
            (self.claim_s, f"{self.claim_s or 0:g} s for a claim"),
        )
        return ", ".join(words for needed, words in asked if needed)


@dataclass(frozen=True, slots=True, eq=False)
class Basis:
    """What each of k windows holds: (k,) arrays. `breaths` is NaN where breathing is unknown.

    Then a window must be long enough for the breaths a floor asks for at 9 a minute, where HF begins.
    """

    duration_s: Floats
    covered_s: Floats
    beats: Floats
    nn_pairs: Floats
    contiguous_nn: Floats
    corrected_pct: Floats
    breaths: Floats
    eda_valid_s: Floats
    decomposed_s: Floats

    @classmethod
    def of_one(cls, **values: float) -> Self:
        """The basis of a single window; what is not said is 0, but breathing is unknown."""
        known = {"breaths": np.nan, **values}
        return cls(**{field.name: np.array([known.get(field.name, 0.0)]) for field in fields(cls)})


def shortfalls(floor: Floor, basis: Basis) -> dict[int, Reason]:
    """Why windows cannot carry a value: row to a few words that end a sentence, the plainest reason each."""
    reasons: dict[int, Reason] = {}
    for short, words in _rules(floor, basis):
        for row in np.flatnonzero(short).tolist():
            if row not in reasons:
                reasons[row] = words(row)
    return reasons


@dataclass(frozen=True, slots=True)
class _Words:
    """A sentence with what was asked for and the window's own figure in it."""

    key: str
    needed: float
    held: Floats

    def __call__(self, row: int) -> Reason:
        return reason(self.key, needed=self.needed, held=float(self.held[row]))


def _rules(floor: Floor, basis: Basis) -> Iterator[tuple[Bools, _Words]]:
    """Each thing a window may lack: where it does, and how to say so; the plainest first."""

    def least(key: str, held: Floats, needed: float, share: float = 1.0) -> tuple[Bools, _Words]:
        return held < share * needed, _Words(key, needed, held)

    if floor.seconds:
        yield least("reasons.floors.duration", basis.duration_s, floor.seconds, _LENGTH_SHARE)
        yield least("reasons.floors.covered", basis.covered_s, _COVERED_SHARE * floor.seconds)
    most_pct = floor.max_corrected_pct
    if most_pct is not None:
        words = _Words("reasons.floors.corrected", most_pct, basis.corrected_pct)
        yield basis.corrected_pct > most_pct, words
    yield least("reasons.floors.beats", basis.beats, floor.beats)
    yield least("reasons.floors.pairs", basis.nn_pairs, floor.pairs)
    yield least("reasons.floors.contiguous", basis.contiguous_nn, floor.contiguous)
    yield least("reasons.floors.breaths", basis.breaths, floor.breaths)
    unknown_s = floor.breaths / SLOWEST_HF_BREATHS_S
    short = np.isnan(basis.breaths) & (basis.covered_s < unknown_s)
    yield short, _Words("reasons.floors.breathing_unknown", unknown_s, basis.covered_s)
    yield least("reasons.floors.eda", basis.eda_valid_s, floor.eda_s, _LENGTH_SHARE)
    yield least("reasons.floors.decomposed", basis.decomposed_s, floor.decomposed_s)
