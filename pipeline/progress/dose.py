"""How much was practised, week by week, and beside it what the weeks held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from pipeline.entries import WEEK_PARTS
from pipeline.entries import Week as LoggedWeek
from pipeline.profile import PracticePlan
from pipeline.progress.session_records import SessionValues

ENRICHMENT = WEEK_PARTS
_WEEK = timedelta(days=7)
_MOST_WEEKS = 520  # ten years: a wrong clock must not fill a page


@dataclass(frozen=True, slots=True)
class Week:
    """A week from Monday `start` (ISO date): sessions, practices and their minutes, by strategy's title too.

    `enrichment` is what was logged for the week: on how many days (0 to 7), by name (activity, people,
    novelty, nature, sleep). `planned_sessions` in the week and `planned_minutes` of each, as the plan has
    them from the week it was made in on.
    """

    start: str
    sessions: int
    practices: int
    minutes: float
    by_strategy: Mapping[str, float] = field(default_factory=dict)
    enrichment: Mapping[str, float] = field(default_factory=dict)
    planned_sessions: float | None = None
    planned_minutes: float | None = None


def dose(
    sessions: Sequence[SessionValues], logged: Sequence[LoggedWeek] = (), plan: PracticePlan | None = None
) -> tuple[Week, ...]:
    """Every week from the first session or entry to the last, also those without any."""
    by_week: dict[date, list[SessionValues]] = {}
    for session in sessions:
        if session.started_at is not None:
            by_week.setdefault(_monday(session.started_at.date()), []).append(session)
    logs = {_monday(date.fromisoformat(each.day)): each.days for each in logged}
    mondays = sorted({*by_week, *logs})
    if not mondays:
        return ()
    count = min((mondays[-1] - mondays[0]) // _WEEK, _MOST_WEEKS) + 1
    every = (mondays[-1] - number * _WEEK for number in reversed(range(count)))
    return tuple(_week(monday, by_week.get(monday, []), logs.get(monday, {}), plan) for monday in every)


def _week(
    monday: date, sessions: Sequence[SessionValues], logged: Mapping[str, int], plan: PracticePlan | None
) -> Week:
    practices = [practice for session in sessions for practice in session.practice]
    minutes: dict[str, float] = {}
    for practice in practices:
        minutes[practice.title] = minutes.get(practice.title, 0.0) + practice.minutes
    planned = plan if plan is not None and _monday(date.fromisoformat(plan.date)) <= monday else None
    return Week(
        start=monday.isoformat(),
        sessions=len(sessions),
        practices=len(practices),
        minutes=sum(minutes.values()),
        by_strategy=minutes,
        enrichment={name: float(days) for name, days in logged.items()},
        planned_sessions=planned.sessions_per_week if planned else None,
        planned_minutes=planned.minutes if planned else None,
    )


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
