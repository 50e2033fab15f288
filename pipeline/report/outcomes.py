"""What each challenge did and what was left of it, kept together; two challenges may have the same name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.model import Phase, PhaseKind
from pipeline.regulation.reactivity import Reactivity
from pipeline.regulation.recovery import Recovery

if TYPE_CHECKING:
    from pipeline.analysis import Analysis


@dataclass(frozen=True, slots=True)
class Outcome:
    """One measure's reaction, and what was left where a recovery phase followed."""

    reaction: Reactivity
    after: Recovery | None


def challenges(analysis: Analysis) -> list[Phase]:
    """The phases that were challenges."""
    return [each.phase for each in analysis.phases if each.phase.kind is PhaseKind.STRESSOR]


def outcomes(analysis: Analysis) -> list[list[Outcome]]:
    """For each challenge, in order, the outcome of each measure; nothing of one that was not compared."""
    after = {(each.challenge_start_s, each.measure): each for each in analysis.recovery}
    return [
        [
            Outcome(each, after.get((each.challenge_start_s, each.measure)))
            for each in analysis.reactivity
            if each.challenge_start_s == challenge.start_s
        ]
        for challenge in challenges(analysis)
    ]
