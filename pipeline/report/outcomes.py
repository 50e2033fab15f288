"""What each challenge did and what was left of it, kept together; two challenges may have the same name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from pipeline.model import Phase, PhaseKind
from pipeline.regulation import Reactivity, Recovery, following

if TYPE_CHECKING:
    from pipeline.analysis import Analysis

Estimate = TypeVar("Estimate", Reactivity, Recovery)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One measure's reaction, and what was left where a recovery phase followed."""

    reaction: Reactivity
    after: Recovery | None


def challenges(analysis: Analysis) -> list[Phase]:
    """The phases that were challenges."""
    return [each.phase for each in analysis.phases if each.phase.kind is PhaseKind.STRESSOR]


def outcomes(analysis: Analysis) -> list[list[Outcome]]:
    """For each challenge, in order, the outcome of each measure; nothing without a baseline."""
    phases = [each.phase for each in analysis.phases]
    recoveries = _by_challenge(analysis.recovery)
    found = []
    for challenge, reactions in zip(challenges(analysis), _by_challenge(analysis.reactivity), strict=False):
        left = next(recoveries, []) if following(phases, challenge) is not None else []
        after = {each.measure: each for each in left}
        found.append([Outcome(each, after.get(each.measure)) for each in reactions])
    return found


def _by_challenge(estimates: Sequence[Estimate]) -> Iterator[list[Estimate]]:
    """Estimates come measure by measure; a measure that comes again belongs to the next challenge."""
    group: list[Estimate] = []
    for each in estimates:
        if any(each.measure == other.measure for other in group):
            yield group
            group = []
        group.append(each)
    if group:
        yield group
