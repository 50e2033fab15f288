"""Which card of psycho-education goes with a session: what it showed, as far as cards go by it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.claims.client import FEWEST_USABLE, HALF, Next, distressed
from pipeline.floors import HRV_MAX_CORRECTED_PCT
from pipeline.guidance.psychoeducation import Card, Facts, matched, thin_week
from pipeline.report.outcomes import outcomes

if TYPE_CHECKING:
    from pipeline.analysis import Analysis
    from pipeline.progress.sessions import SessionValues
    from pipeline.report.context import Context

_DAYS, _WEEKS_DAYS = 10 / 7, 7  # a week's log counts days; cards go by 0 to 10


def card_for(analysis: Analysis, context: Context, seen: Sequence[str], home: Path | None) -> Card:
    """The card that goes best with a session. Raises InputError, which names the file that is no card."""
    return matched(facts(analysis, context), seen, home)


def facts(analysis: Analysis, context: Context) -> Facts:
    """What a session showed, by the rules of the client's sentences: card and sentence never disagree."""
    stopped = {each.text for each in analysis.recording.markers if each.kind == "safety"}
    reacted, recovered = _reaction(analysis)
    before = context.before(simulated=analysis.recording.simulated)
    return Facts(
        first_session=not before,
        weeks=_weeks(before),
        unwell="unwell" in stopped,
        high_distress="distress" in stopped or distressed(analysis.recording.ratings),
        usable=_usable(analysis),
        reacted=reacted,
        recovered=recovered,
        skin_responded=_skin_responded(analysis),
        rating_agreed=_agreed(analysis),
        paced=any(phase.paced for phase in analysis.recording.phases),
        resonance=analysis.resonance is not None,
        thin_week=_thin(context, analysis),
        gently=Next.of(analysis, context).gently,
    )


def _usable(analysis: Analysis) -> bool:
    """Whether one signal at least covers half of the session, and beats are not mostly guesswork."""
    heart, skin = analysis.quality.get("beats"), analysis.quality.get("eda")
    return bool(
        (heart and heart["coverage"] >= FEWEST_USABLE and heart["artefact_pct"] <= HRV_MAX_CORRECTED_PCT)
        or (skin and skin["coverage"] >= FEWEST_USABLE)
    )


def _skin_responded(analysis: Analysis) -> bool | None:
    """Whether a skin response was seen; None where too little of the signal is valid to miss one."""
    skin = analysis.quality.get("eda")
    if skin is None:
        return None
    return False if skin["no_response_seen"] else True if skin["responses"] else None


def _reaction(analysis: Analysis) -> tuple[bool | None, bool | None]:
    """Whether anything stood out in a challenge, and most of it was gone again; None where unknown."""
    found = [each for group in outcomes(analysis) for each in group if each.reaction.change is not None]
    if not found:
        return None, None
    moved = [each for each in found if each.reaction.stands_out]
    told = [each.after.late for each in moved if each.after is not None]
    left = [share.high for share in told if share.high is not None and share.too_wide is None]
    return bool(moved), all(high < HALF for high in left) if left else None


def _agreed(analysis: Analysis) -> bool | None:
    told = [each.agree for each in analysis.beside if each.agree is not None]
    return all(told) if told else None


def _weeks(before: Sequence[SessionValues]) -> int:
    """In how many weeks, up to this session, something was practised."""
    return len(
        {
            each.started_at.isocalendar()[:2]
            for each in before
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
