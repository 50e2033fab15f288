"""What a person said of their distress, beside what the signals did: never one in place of the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from pipeline.model import Phase, Rating
from pipeline.regulation.near_baseline import BAND
from pipeline.regulation.phases import baseline_of

SCALE = "distress"
_STEP = 2.0  # of 0 to 10: what counts as another rating than the baseline's


class _Course(IntEnum):
    LOWER, ALIKE, HIGHER = -1, 0, 1


@dataclass(frozen=True, slots=True)
class Beside:
    """Distress, 0 to 10, as first and last said in a phase, and its arousal; None where there is none.

    `agree`: whether both lie the same way from the baseline (higher, lower or alike); None in the baseline
    itself, where one is missing, and in a paced phase, which is not held against an unpaced baseline. That
    they differ is no error of either.
    """

    phase: str
    start_s: float
    distress_first: float | None
    distress_last: float | None
    arousal: float | None
    agree: bool | None


def beside(
    phases: Sequence[Phase], arousal: Sequence[float | None], ratings: Sequence[Rating]
) -> tuple[Beside, ...]:
    """Ratings and arousal of each phase in which distress was rated; `arousal` is one value for each phase.

    A rating belongs to the phase that it was made in. Two points or more from the baseline's last rating
    count as higher or lower, as does arousal outside the baseline's own band.
    """
    said = [_said(phase, ratings) for phase in phases]
    baseline = baseline_of(phases)
    usual = said[phases.index(baseline)] if baseline is not None else []
    found = []
    for phase, values, level in zip(phases, said, arousal, strict=True):
        if values:
            compared = bool(usual) and phase is not baseline and not phase.paced
            agree = _agree(values[-1] - usual[-1], level) if compared else None
            found.append(Beside(phase.name, phase.start_s, values[0], values[-1], level, agree))
    return tuple(found)


def _said(phase: Phase, ratings: Sequence[Rating]) -> list[float]:
    return [
        each.value
        for each in sorted(ratings, key=lambda rating: rating.time_s)
        if each.scale == SCALE and phase.start_s <= each.time_s < phase.end_s
    ]


def _agree(rise: float, arousal: float | None) -> bool | None:
    if arousal is None:
        return None
    return _course(rise, -_STEP, _STEP) is _course(arousal, *BAND)


def _course(value: float, low: float, high: float) -> _Course:
    """At either end of what counts as alike: of a rating, a whole number, that end is not alike any more."""
    return _Course.LOWER if value <= low else _Course.HIGHER if value >= high else _Course.ALIKE
