"""The tables of a progress report: what counts, measures, weeks, strategies, and what was entered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from pipeline.diary import Diary
from pipeline.entries import Outcome
from pipeline.figures import NONE, THIN, number, percent, signed
from pipeline.grammar import capitalised, day, joined
from pipeline.language import plural, reason, text, texts, told
from pipeline.progress.dose import ENRICHMENT, Week
from pipeline.progress.measures import Scale
from pipeline.progress.progress import Baseline, MeasureProgress, Progress, Role
from pipeline.progress.strategies import Strategies
from pipeline.progress.transfer import Course, Transfer
from pipeline.report.charts import Chart, exact
from pipeline.report.names import HeartWords, measure, strategy
from pipeline.report.progress_charts import Column, Tendency, tendencies, weeks
from pipeline.report.progress_dates import short_day
from pipeline.report.progress_pictures import QUANTITIES, followed_title, unit_of
from pipeline.report.tables import Cell, Group, Notes, Row, Table, plain

_COUNT = (Role.REFERENCE, Role.LATER)
_MOST_NAMED = 6
_WEEKS_DRAWN, _WEEKS_LISTED = 12, 26
_MOST_LINES = 12
_MOST_LETTERS = 600


def counted(found: MeasureProgress) -> list[Baseline]:
    """The baselines that take part in the comparison."""
    return [each for each in found.baselines if each.role in _COUNT]


def left_out(measures: Sequence[MeasureProgress], unread: Sequence[str], words: HeartWords) -> Table | None:
    """Why sessions do not count, how many, and which; None if all do."""
    several = len(measures) > 1 or bool(unread)
    groups = [
        Group(_reasons(each.baselines), measure(each.measure, words) if several else "") for each in measures
    ]
    groups = [group for group in groups if group.rows]
    if unread:
        rows = (_left_out(text("progress_page.unread"), list(unread)),)
        groups = [*groups, Group(rows, text("progress_page.without_values"))]
    if not groups:
        return None
    heads = tuple((label, "") for label in texts("progress_page.left_out_head"))
    return Table(text("progress_page.left_out"), heads, tuple(groups), words=True)


def _reasons(baselines: Iterable[Baseline]) -> tuple[Row, ...]:
    by_reason: dict[str, list[str]] = {}
    for each in baselines:
        if each.role not in _COUNT:
            why = told(each.reason) if each.reason else text(f"progress_page.roles.{each.role.name.lower()}")
            by_reason.setdefault(why, []).append(_dated(each))
    return tuple(_left_out(why, which) for why, which in by_reason.items())


def _dated(each: Baseline) -> str:
    return day(date.fromisoformat(each.date[:10])) if each.date else each.session_id


def _left_out(why: str, which: Sequence[str]) -> Row:
    named = joined(which[-_MOST_NAMED:])
    if (more := len(which) - _MOST_NAMED) > 0:
        named = plural("progress_page.and_earlier", more, named=named)
    said = text("progress_page.count_named", count=number(len(which)), named=named)
    return Row(capitalised(why), (Cell(said),))


def compared(measures: Sequence[MeasureProgress], words: HeartWords) -> Table:
    """Every measure: reference and latest level with n, change, interval, own error, what is detectable."""
    notes = Notes()
    groups = []
    for primary in (True, False):
        rows = tuple(_compared(each, words, notes) for each in measures if each.primary is primary)
        groups.append(Group(rows, text("progress_page.primary" if primary else "progress_page.others")))
    heads = tuple((label, "") for label in texts("progress_page.compared_head"))
    return Table(text("progress_page.compared"), heads, tuple(groups), notes.listed())


def _compared(found: MeasureProgress, words: HeartWords, notes: Notes) -> Row:
    quantity, change = QUANTITIES[found.measure], found.change
    why = found.reason if found.primary else reason("progress_page.few_baselines")
    levels = [
        Cell(text("progress_page.value_n", value=quantity.text(level.value), n=number(level.n)))
        if level is not None
        else notes.missing(why)
        for level in (found.reference, found.latest)
    ]
    if change is None:
        changes = [notes.missing(why)] * 2
    else:
        ends = [_change(found, value) for value in (change.low, change.high)]
        interval = text("grammar.low_to_high", low=ends[0], high=ends[1])
        changes = [Cell(_change(found, change.value)), Cell(interval)]
    own = found.reliability
    error = text(
        "progress_page.own_error",
        cv=percent(100 * own.cv),
        low=number(100 * own.low),
        high=percent(100 * own.high),
    )
    cells = (*levels, *changes, Cell(error), _detectable(found, notes), Cell(_size(found, found.worthwhile)))
    return Row(measure(found.measure, words), cells, quantity.unit)


def _detectable(found: MeasureProgress, notes: Notes) -> Cell:
    if found.detectable is None or found.detectable_down is None:
        return notes.missing(found.reason)
    up, down = (_change(found, value) for value in (found.detectable, found.detectable_down))
    return Cell(text("progress_page.up_or_down", up=up, down=down))


def _size(found: MeasureProgress, value: float) -> str:
    """How large a change is, whichever way it goes."""
    return percent(100 * (value - 1)) if found.scale is Scale.LN else number(value, 1)


def _change(found: MeasureProgress, value: float) -> str:
    """A change as it is told: a ratio as percent, else in the unit; with its sign."""
    if found.scale is Scale.LN:
        return f"{signed(100 * (value - 1))}{THIN}%"
    return signed(value, 1)


def transferred(found: Transfer, words: HeartWords) -> Table | None:
    """Rest and recovery without a pacer, and apart from them what was done with one; None without a value."""
    if not any(each.earlier is not None for each in (*found.rest, *found.recovery, *found.paced)):
        return None
    notes = Notes()
    areas = ((found.rest, "rest"), (found.recovery, "recovery"), (found.paced, "paced"))
    groups = tuple(
        Group(
            tuple(_transferred(each, words, notes) for each in courses), text(f"progress_page.areas.{area}")
        )
        for courses, area in areas
        if courses
    )
    heads = tuple((label, "") for label in texts("progress_page.transfer_head"))
    return Table(text("progress_page.first_and_latest"), heads, groups, notes.listed())


def _transferred(course: Course, words: HeartWords, notes: Notes) -> Row:
    by = 100 if course.unit == "share" else 1
    decimals = 0 if course.unit == "share" else 1

    def cell(value: float | None, *, sign: bool = False) -> Cell:
        if value is None:
            return notes.missing(course.reason or text("progress_page.no_value"))
        return Cell((signed if sign else number)(by * value, decimals))

    if course.low is None or course.high is None:
        interval = notes.missing(course.reason or text("progress_page.no_value"))
    else:
        ends = [signed(by * value, decimals) for value in (course.low, course.high)]
        interval = Cell(text("grammar.low_to_high", low=ends[0], high=ends[1]))
    cells = (
        cell(course.earlier),
        cell(course.later),
        cell(course.change, sign=True),
        interval,
        Cell(number(len(course.points))),
    )
    return Row(followed_title(course, words), cells, unit_of(course))


def practised(found: Sequence[Week]) -> Chart | None:
    """Minutes a week, with what the weeks held below; None without a week."""
    shown = list(found)[-_WEEKS_DRAWN:]
    if not shown:
        return None
    columns = [
        Column(
            short_day(date.fromisoformat(week.start)),
            week.minutes,
            tuple(week.enrichment.get(name) for name in ENRICHMENT),
        )
        for week in shown
    ]
    logged = any(week.enrichment for week in shown)
    planned = _planned(shown[-1])
    title = text("progress_page.weeks")
    legend = [("block", text("progress_page.legend.minutes"))]
    if planned:
        legend.append(("planned", text("progress_page.legend.planned")))
    minutes = [week.minutes for week in shown]
    note = text("progress_page.logged_note" if logged else "progress_page.not_logged")
    return weeks(
        "weeks",
        title,
        text("progress_page.minutes_unit"),
        plural("progress_page.weeks_told", len(shown), low=number(min(minutes)), high=number(max(minutes))),
        columns,
        texts("progress_page.parts") if logged else [],
        planned=planned,
        legend=legend,
        table=_weeks(title, list(found)[-_WEEKS_LISTED:]),
        note=" ".join([*_cut_weeks(len(shown), len(found)), note]),
    )


def _cut_weeks(shown: int, count: int) -> list[str]:
    cut = text("progress_page.weeks_cut", shown=number(shown), count=number(count))
    return [cut] if shown < count else []


def _planned(week: Week) -> float | None:
    if week.planned_sessions is None or week.planned_minutes is None:
        return None
    return week.planned_sessions * week.planned_minutes


def _weeks(title: str, found: Sequence[Week]) -> Table:
    rows = []
    for week in reversed(found):
        planned = _planned(week)
        by_strategy = [
            text("progress_page.minutes_of", strategy=strategy(name), minutes=number(minutes))
            for name, minutes in week.by_strategy.items()
        ]
        rows.append(
            [
                day(date.fromisoformat(week.start)),
                number(week.sessions),
                number(week.minutes),
                number(planned) if planned else NONE,
                *(exact(week.enrichment[name]) if name in week.enrichment else NONE for name in ENRICHMENT),
                joined(by_strategy) or NONE,
            ]
        )
    return plain(text("page.as_table", title=title), texts("progress_page.weeks_head"), rows)


def tended(found: Strategies, *, randomised: bool = False) -> Chart | None:
    """What tended to go with settling, as intervals; None without an estimate.

    `randomised` where some of it was practised in a random order.
    """
    rows = [
        Tendency(
            _named(strategy(each.title), paced=each.paced),
            each.settling_bpm,
            each.low,
            each.high,
            signed(each.settling_bpm, 1) if each.settling_bpm is not None else NONE,
        )
        for each in found.tendencies
    ]
    title = text("progress_page.settling")
    values = [each.settling_bpm for each in found.tendencies if each.settling_bpm is not None]
    if not values:
        return None
    told_as = text("progress_page.tended_told", low=signed(min(values), 1), high=signed(max(values), 1))
    return tendencies(
        "tended",
        title,
        text("units.bpm"),
        told_as,
        rows,
        tended_table(found),
        text("progress_page.tended_beside" if randomised else "progress_page.tended_note"),
    )


def tended_table(found: Strategies) -> Table | None:
    """Each strategy with its sessions, what went with it and the interval; None if none was practised."""
    if not found.tendencies:
        return None
    notes = Notes()
    rows = []
    for each in found.tendencies:
        if each.settling_bpm is None:
            cells = [notes.missing(each.reason or text("progress_page.no_value"))] * 2
        else:
            cells = [Cell(signed(each.settling_bpm, 1)), _interval(each.low, each.high)]
        rows.append(Row(strategy(each.title), (Cell(number(each.sessions)), *cells), _paced(each.paced)))
    heads = tuple((label, "") for label in texts("progress_page.tended_head"))
    caption = text("page.as_table", title=text("progress_page.settling"))
    return Table(caption, heads, (Group(tuple(rows)),), notes.listed())


def _interval(low: float | None, high: float | None) -> Cell:
    if low is None or high is None:
        return Cell(NONE)
    return Cell(text("grammar.low_to_high", low=signed(low, 1), high=signed(high, 1)))


def _paced(paced: bool) -> str:
    return text("phases.paced") if paced else ""


def _named(title: str, *, paced: bool) -> str:
    return text("progress_page.paced_name", name=title) if paced else title


def outcomes(diary: Diary) -> Table | None:
    """Outcome lines as they were entered, a row for each scale or goal, by day; None without any."""
    lines: dict[str, list[Outcome]] = {}
    for each in diary.outcomes:
        name = each.goal if each.goal is not None else text(f"entries.scales.{each.scale}")
        lines.setdefault(name, []).append(each)
    rows = [
        [name, text("progress_page.line_joint").join(_outcome(each) for each in line[-_MOST_LINES:])]
        for name, line in list(lines.items())[-_MOST_LINES:]
    ]
    caption, heads = text("progress_page.outcome_lines"), texts("progress_page.outcome_head")
    return plain(caption, heads, rows, words=True) if rows else None


def _outcome(each: Outcome) -> str:
    values = {"day": day(date.fromisoformat(each.day)), "value": exact(each.value)}
    if each.item_9 is None:
        return text("progress_page.line", **values)
    return text("progress_page.line_with_item_9", item_9=number(each.item_9), **values)


def adverse(diary: Diary) -> Table | None:
    """What was unwanted, in the words it was told in, the latest first; None without any."""
    rows = [
        [
            day(date.fromisoformat(each.day)),
            each.by,
            text("grammar.quoted", text=_cut(each.text)),
        ]
        for each in reversed(diary.adverse[-_MOST_LINES:])
    ]
    return (
        plain(text("progress_page.adverse_told"), texts("progress_page.adverse_head"), rows, words=True)
        if rows
        else None
    )


def _cut(said: str) -> str:
    return said if len(said) <= _MOST_LETTERS else said[: _MOST_LETTERS - 1].rstrip() + "…"


def weeks_between(found: Progress) -> int:
    """How many weeks the sessions span."""
    if found.first is None or found.last is None:
        return 0
    first, last = (date.fromisoformat(day_[:10]) for day_ in (found.first, found.last))
    return (last - first) // timedelta(weeks=1) + 1
