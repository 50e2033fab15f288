"""What a window must hold before it may carry a value, and in which words a value is withheld.

The floors themselves stand in the table of `pipeline.features`; they are the project's choices from the
literature. numpy only: the live page uses it too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from pipeline.model import Bools, Floats

SPECTRAL_MAX_CORRECTED_PCT = 5.0
HRV_MAX_CORRECTED_PCT = 20.0
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


def shortfalls(floor: Floor, basis: Basis) -> dict[int, str]:
    """Why windows cannot carry a value: row to a few words that end a sentence, the plainest reason each."""
    reasons: dict[int, str] = {}
    for short, words in _rules(floor, basis):
        for row in np.flatnonzero(short).tolist():
            if row not in reasons:
                reasons[row] = words(row)
    return reasons


@dataclass(frozen=True, slots=True)
class _Words:
    """A sentence with the window's own figure in it."""

    text: str
    held: Floats

    def __call__(self, row: int) -> str:
        return self.text.format(self.held[row])


def _rules(floor: Floor, basis: Basis) -> Iterator[tuple[Bools, _Words]]:
    """Each thing a window may lack: where it does, and how to say so; the plainest first."""

    def least(held: Floats, needed: float, text: str) -> tuple[Bools, _Words]:
        return held < needed, _Words(text, held)

    if floor.seconds:
        covered_s = _COVERED_SHARE * floor.seconds
        yield least(
            basis.duration_s,
            _LENGTH_SHARE * floor.seconds,
            f"needs {floor.seconds:g} s, the window has {{:.0f}} s",
        )
        yield least(
            basis.covered_s, covered_s, f"needs {covered_s:g} s of normal beats, there are {{:.0f}} s"
        )
    most_pct = floor.max_corrected_pct
    if most_pct is not None:
        text = f"{{:.1f}} % of intervals are not normal, at most {most_pct:g} % may be"
        yield basis.corrected_pct > most_pct, _Words(text, basis.corrected_pct)
    yield least(basis.beats, floor.beats, f"needs {floor.beats} normal beats, there are {{:.0f}}")
    yield least(basis.nn_pairs, floor.pairs, f"needs {floor.pairs} valid differences, there are {{:.0f}}")
    yield least(
        basis.contiguous_nn,
        floor.contiguous,
        f"needs {floor.contiguous} normal beats in a row, there are {{:.0f}}",
    )
    yield least(basis.breaths, floor.breaths, f"needs {floor.breaths} breaths, there are {{:.0f}}")
    unknown_s = floor.breaths / SLOWEST_HF_BREATHS_S
    short = np.isnan(basis.breaths) & (basis.covered_s < unknown_s)
    yield (
        short,
        _Words(f"breathing is not known: needs {unknown_s:.0f} s, there are {{:.0f}} s", basis.covered_s),
    )
    yield least(
        basis.eda_valid_s,
        _LENGTH_SHARE * floor.eda_s,
        f"needs {floor.eda_s:g} s of valid skin conductance, there are {{:.0f}} s",
    )
    yield least(
        basis.decomposed_s,
        floor.decomposed_s,
        f"needs {floor.decomposed_s:g} s of skin conductance away from a gap, there are {{:.0f}} s",
    )
