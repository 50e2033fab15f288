"""What was entered between sessions, as it was entered: practice, the week, outcomes, what was unwanted.

Nothing here is interpreted. One thing is pointed out, to the clinician alone: item 9 of the PHQ-9 above 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from pipeline.entries import WEEK_PARTS, Outcome
from pipeline.figures import clock, number
from pipeline.grammar import day, listed
from pipeline.guidance.strategies import read_strategy, strategy_paths
from pipeline.language import reason, text, texts
from pipeline.report.charts import exact
from pipeline.report.names import strategy
from pipeline.report.tables import Cell, Group, Notes, Row, Table, plain

if TYPE_CHECKING:
    from pipeline.diary import Diary
    from pipeline.model import Recording
    from pipeline.profile import PracticePlan
    from pipeline.progress.sessions import SessionValues
    from pipeline.report.context import Context

_WEEK = timedelta(days=7)
_AHEAD = timedelta(days=1)  # another time zone's today
_SAFETY = "safety"  # the marker of a pacer and feedback that were stopped for the person's sake
_MOST_LINES = 12


@dataclass(frozen=True, slots=True)
class Entered:
    """Tables of what was entered, None where nothing was, and what the clinician is asked to look at."""

    practice: Table | None
    week: Table | None
    outcomes: Table | None
    adverse: Table | None
    notices: tuple[str, ...]


def entered(recording: Recording, context: Context) -> Entered:
    """What was entered up to the day of the session; all of it where the session has no date."""
    last = recording.started_at.date() + _AHEAD if recording.started_at else date.max
    diary = context.diary
    return Entered(
        practice=practice(context, recording),
        week=_week(diary, last),
        outcomes=_outcomes([each for each in diary.outcomes if date.fromisoformat(each.day) <= last]),
        adverse=_adverse(recording, diary, last, context.before(simulated=recording.simulated)),
        notices=notices(context),
    )


def notices(context: Context) -> tuple[str, ...]:
    """What stands above everything else: for the clinician's eyes only, whatever day it was entered."""
    asks, line = context.diary.asks_to_speak, context.clinic.crisis_line
    crisis = text("entries.crisis", line=line) if line else text("entries.no_crisis")
    told = (
        [text("entries.asks_to_speak", day=day(date.fromisoformat(asks.day)), crisis=crisis)]
        if asks is not None
        else []
    )
    troubles = (
        *context.troubles,
        context.diary.trouble,
        context.amendments.trouble,
        *context.clinic.troubles,
    )
    return (*told, *(trouble for trouble in troubles if trouble))


def practice(context: Context, recording: Recording) -> Table | None:
    """What was planned for a week beside what was recorded in the two weeks before; None without either."""
    plan = context.profile.practice_plan
    rows = [_planned(plan)] if plan is not None else []
    before = context.before(simulated=recording.simulated)
    if recording.started_at is not None:
        until = recording.started_at
        for key in ("entered.last_week", "entered.week_before"):
            done = [
                each
                for each in before
                if each.started_at is not None and until - _WEEK <= each.started_at < until and each.practice
            ]
            rows.append(_done(text(key), done))
            until -= _WEEK
    if plan is None and not any(each.practice for each in before):
        return None
    return plain(text("entered.practice"), texts("entered.practice_head"), rows)


def _planned(plan: PracticePlan) -> list[str]:
    path = strategy_paths().get(plan.strategy or "")
    name = strategy(read_strategy(path).title) if path is not None else plan.strategy
    minutes = plan.sessions_per_week * plan.minutes
    return [
        text("entered.planned"),
        number(plan.sessions_per_week),
        number(minutes),
        name or text("entered.any_strategy"),
    ]


def _done(when: str, sessions: list[SessionValues]) -> list[str]:
    practices = [each for session in sessions for each in session.practice]
    titles = list(dict.fromkeys(strategy(each.title) for each in practices))
    minutes = sum(each.minutes for each in practices)
    return [when, number(len(sessions)), number(minutes), listed(titles) or text("entered.no_strategy")]


def _week(diary: Diary, last: date) -> Table | None:
    weeks = [week for week in diary.weeks if date.fromisoformat(week.day) <= last][-2:]
    if not weeks:
        return None
    notes = Notes()
    rows = tuple(
        Row(
            text("entered.week_of", day=day(date.fromisoformat(week.day))),
            tuple(
                Cell(number(week.days[part]))
                if part in week.days
                else notes.missing(reason("entered.not_entered"))
                for part in WEEK_PARTS
            ),
        )
        for week in reversed(weeks)
    )
    head = tuple((label, "") for label in texts("entered.week_head"))
    return Table(text("entered.week"), head, (Group(rows),), notes.listed())


def _outcomes(outcomes: list[Outcome]) -> Table | None:
    """A row for each scale or goal: its latest value, the one before, and its first."""
    lines: dict[str, list[Outcome]] = {}
    for each in outcomes:
        name = each.goal if each.goal is not None else str(each.scale)
        lines.setdefault(name, []).append(each)
    if not lines:
        return None
    notes = Notes()
    once = reason("entered.once")
    rows = tuple(
        Row(
            name,
            (
                _outcome(line[-1]),
                _outcome(line[-2]) if len(line) > 1 else notes.missing(once),
                _outcome(line[0]),
            ),
            text("entered.own_goal") if line[0].goal is not None else "",
        )
        for name, line in list(lines.items())[-_MOST_LINES:]
    )
    head = tuple((label, "") for label in texts("entered.outcome_head"))
    return Table(text("entered.outcomes"), head, (Group(rows),), notes.listed())


def _outcome(each: Outcome) -> Cell:
    told = [day(date.fromisoformat(each.day))]
    if each.item_9 is not None:
        told.append(text("entered.with_item_9", value=number(each.item_9)))
    return Cell(exact(each.value), detail=listed(told))


def _adverse(
    recording: Recording, diary: Diary, last: date, earlier: tuple[SessionValues, ...]
) -> Table | None:
    """What was stopped for the person's sake in the session, and what was told since the last one."""
    since = next((each.started_at.date() for each in reversed(earlier) if each.started_at), date.min)
    rows = [
        [clock(each.time_s), text("entered.in_session"), text(f"entered.safety.{each.text}")]
        for each in recording.markers
        if each.kind == _SAFETY and each.text in ("unwell", "distress")
    ]
    rows += [
        [day(date.fromisoformat(each.day)), each.by, text("grammar.quoted", text=each.text)]
        for each in diary.adverse
        if each.session == recording.recording_id
        or (each.session is None and since <= date.fromisoformat(each.day) <= last)
    ]
    return plain(text("entered.adverse"), texts("entered.adverse_head"), rows, words=True) if rows else None
