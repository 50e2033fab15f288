"""Which card of psycho-education goes with a session: what it showed, as far as cards go by it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.floors import HRV_MAX_CORRECTED_PCT
from pipeline.guidance.psychoeducation import Card, Facts, matched, thin_week
from pipeline.guidance.safety import HIGH_DISTRESS, RISE_OF_DISTRESS, screened
from pipeline.report.outcomes import outcomes

if TYPE_CHECKING:
    from pipeline.analysis import Analysis
    from pipeline.report.context import Context

_MOSTLY_BACK = 0.5  # of a reaction: less than half of it left counts as settled
_DAYS, _WEEKS_DAYS = 10 / 7, 7  # a week's log counts days; cards go by 0 to 10


def card_for(analysis: Analysis, context: Context, seen: Sequence[str], home: Path | None) -> Card:
    """The card that goes best with a session. Raises InputError, which names the file that is no card."""
    return matched(facts(analysis, context), seen, home)


def facts(analysis: Analysis, context: Context) -> Facts:
    """What a session showed."""
    distress = [each.value for each in analysis.recording.ratings if each.scale == "distress"]
    stopped = {each.text for each in analysis.recording.markers if each.kind == "safety"}
    reacted, recovered = _reaction(analysis)
    return Facts(
        first_session=not context.earlier,
        weeks=_weeks(context),
        unwell="unwell" in stopped,
        high_distress="distress" in stopped or _high(distress),
        usable=_usable(analysis),
        reacted=reacted,
        recovered=recovered,
        skin_responded=bool(len(analysis.scrs)) if analysis.scrs is not None else None,
        rating_agreed=_agreed(analysis),
        paced=any(phase.paced for phase in analysis.recording.phases),
        resonance=analysis.resonance is not None,
        thin_week=_thin(context, analysis),
        gently=screened(context.profile.answered(simulated=analysis.recording.simulated) or {}).gently,
    )


def _high(distress: Sequence[float]) -> bool:
    return any(value >= HIGH_DISTRESS or value - distress[0] >= RISE_OF_DISTRESS for value in distress)


def _usable(analysis: Analysis) -> bool:
    heart = analysis.beats is not None and analysis.beats.corrected_pct <= HRV_MAX_CORRECTED_PCT
    return heart or (analysis.eda is not None and bool(analysis.eda.valid.any()))


def _reaction(analysis: Analysis) -> tuple[bool | None, bool | None]:
    """Whether anything stood out in a challenge, and most of it was gone again; None where unknown."""
    found = [each for group in outcomes(analysis) for each in group if each.reaction.change is not None]
    if not found:
        return None, None
    moved = [each for each in found if each.reaction.stands_out]
    left = [
        each.after.share_left
        for each in moved
        if each.after is not None and each.after.share_left is not None
    ]
    return bool(moved), all(share < _MOSTLY_BACK for share in left) if left else None


def _agreed(analysis: Analysis) -> bool | None:
    told = [each.agree for each in analysis.beside if each.agree is not None]
    return all(told) if told else None


def _weeks(context: Context) -> int:
    """In how many weeks, up to this session, something was practised."""
    return len(
        {
            each.started_at.isocalendar()[:2]
            for each in context.earlier
            if each.started_at is not None and each.practice
        }
    )


def _thin(context: Context, analysis: Analysis) -> bool:
    """Whether little of the week before the session was there, if it was logged."""
    at = analysis.recording.started_at
    if at is None:
        return False
    latest = next(
        (
            week
            for week in reversed(context.diary.weeks)
            if 0 <= (at.date() - date.fromisoformat(week.day)).days < 2 * _WEEKS_DAYS
        ),
        None,
    )
    return latest is not None and thin_week({part: days * _DAYS for part, days in latest.days.items()})
