"""One measure over a client's sessions: which baselines are compared, and what that came to."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from pipeline.language import reason
from pipeline.progress.measures import Measure, Scale
from pipeline.progress.origins import origin
from pipeline.progress.reliability import Reliability, reliability, supposed
from pipeline.progress.session_records import SessionValues, Value
from pipeline.progress.trend import Trend, trend
from pipeline.progress.verdicts import (
    LEAST_N,
    LEVEL,
    REFERENCE_N,
    Change,
    Day,
    Look,
    Series,
    Verdict,
    change_of,
    detectable,
    mean_of,
    more_to_halve,
    series_of,
)

_HIGH_DISTRESS, _DISTRESS_ABOVE = 6.0, 2.0  # of 10: when a reference counts as taken in a bad time
_FAR = 1.5  # day-to-day errors: from there on, a part of a change may well be a return to the usual
_APART_H = 3.0
_DIFFER = ("medication", "caffeine", "nicotine", "exercise", "sleep", "room", "eyes")


class Role(StrEnum):
    """What part a session has in the comparison of a measure."""

    HABITUATION = "first session"  # with a baseline: a practice without one is no experience of resting
    EARLIER = "before a new reference"  # another device, site or posture, or before the measure was chosen
    REFERENCE = "reference"
    LATER = "later"
    LEFT_OUT = "left out"


@dataclass(frozen=True, slots=True)
class Baseline:
    """A session's unpaced baseline in one measure, in its unit; `low` and `high` are within the session.

    `reason` says why it has no part in the comparison, where it has none.
    """

    session_id: str
    date: str | None
    role: Role
    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Level:
    """Several baselines together: their mean on the measure's scale, told in its unit; ISO dates."""

    value: float
    n: int
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class MeasureProgress:
    """One measure over the sessions.

    `verdict` is that of the last look, and `change` and `latest` are those that it rests on. A measure that
    is not `primary` is not judged; its change is that of its latest baselines. Before the first look there is
    no change, and `latest` are the later baselines so far. `bar` is the change that the last look asked for,
    in the direction of its own. `reason` says why there is no verdict or what it rests on, `rule` how it is
    come to, `looks` are all of them in order, `next_due` is how many more baselines the next one needs.

    `detectable` and `detectable_down` are the changes (ratio, or in the unit) that five later baselines
    against five need to stand out at the next look; `more_to_halve` is how many more baselines, half in a
    reference and half later, would halve that on the measure's scale, None where 150 would not. `worthwhile`
    is the smallest worthwhile change upwards, half of the own error, told as the change is. `restarted` says
    why the reference began anew, `regression` why a part of the change may be a return to the usual, and
    `differed` names conditions ("time_of_day" too) that were not alike in reference and latest sessions.
    """

    measure: str
    unit: str
    scale: Scale
    primary: bool
    baselines: tuple[Baseline, ...]
    reference: Level | None
    latest: Level | None
    change: Change | None
    bar: float | None
    verdict: Verdict
    reason: str
    rule: str
    looks: tuple[Look, ...]
    next_due: int | None
    reliability: Reliability
    detectable: float | None
    detectable_down: float | None
    more_to_halve: int | None
    worthwhile: float
    trend: Trend
    restarted: str | None = None
    regression: tuple[str, ...] = ()
    differed: tuple[str, ...] = ()


def measure_progress(
    measure: Measure, sessions: Sequence[SessionValues], primary: Sequence[str], since: str | None
) -> MeasureProgress:
    """A measure over dated sessions in order.

    It is judged where it is one of the `primary` measures; then only sessions from `since` (ISO date) on
    count, the day that these were chosen.
    """
    judged = measure.name in primary
    held = _held(measure, sessions, since if judged else None)
    days = [day for day, _ in held.values() if day is not None]
    every = series_of(measure, days, len(primary) if judged else None)
    series = every[days[-1].origin] if days else Series()
    error = series.error(measure) if len(series.days) >= LEAST_N else supposed(measure.prior)
    reference = series.reference if len(series.reference) >= LEAST_N else []
    latest = _latest(series)
    look = series.looks[-1] if series.looks else None
    change = look.change if look else None
    if not judged and latest and len(reference) == REFERENCE_N:
        change = change_of(measure, error, reference, latest)
    looks = sorted((each for one in every.values() for each in one.looks), key=lambda each: each.number)
    level = _level_or_typical(measure, reference)
    up, down = (
        series.alpha_of(verdict, len(looks) + 1, len(primary)) if judged else LEVEL
        for verdict in (Verdict.HIGHER, Verdict.LOWER)
    )
    own = reliability(measure, error, series.taught if len(series.days) >= LEAST_N else 0)
    by_id = {session.session_id: session for session in sessions}
    before, after = ([by_id[day.session_id] for day in part] for part in (reference, latest))
    moved = mean_of(latest) - mean_of(reference) if change else 0.0
    return MeasureProgress(
        measure=measure.name,
        unit=measure.unit,
        scale=measure.scale,
        primary=judged,
        baselines=tuple(_baseline(measure, each, *held[each.session_id], series) for each in sessions),
        reference=_level(measure, reference),
        latest=_level(measure, latest),
        change=change,
        bar=look.bar if look else None,
        verdict=look.verdict if look else Verdict.INSUFFICIENT if judged else Verdict.NOT_JUDGED,
        reason=_reason(series, look, judged),
        rule=reason("progress.rule.two" if len(primary) > 1 else "progress.rule.one"),
        looks=tuple(looks),
        next_due=series.next_due if judged else None,
        reliability=own,
        detectable=measure.change(detectable(error, up), level),
        detectable_down=measure.change(-detectable(error, down), level),
        more_to_halve=more_to_halve(error, up),
        worthwhile=measure.change(own.sigma / 2, level),
        trend=trend(measure, [day.date for day in series.days], [day.value for day in series.days], own.r),
        restarted=_restarted(days, series),
        regression=_regression(moved, own.sigma, before, after) if change else (),
        differed=_differed(before, after) if change else (),
    )


Held = tuple[Day | None, tuple[Role, str] | None]


def _held(measure: Measure, sessions: Sequence[SessionValues], since: str | None) -> Mapping[str, Held]:
    """Of each session its day, or the part that it has instead and why."""
    rested = [session for session in sessions if session.rested]
    places = {date: place for place, date in enumerate(sorted({session.date or "" for session in rested}))}
    taken: set[str] = set()
    held: dict[str, Held] = {}
    for session in sessions:
        value = session.rest.get(measure.name)
        scaled = measure.scaled(value.value) if value is not None and value.value is not None else None
        date = session.date or ""
        out: tuple[Role, str] | None = None
        if rested and session is rested[0]:
            out = Role.HABITUATION, reason("progress.habituation")
        elif scaled is None or not math.isfinite(scaled):
            why = value.reason if value is not None else None
            out = Role.LEFT_OUT, why or reason("progress.not_measured")
        elif since is not None and date < since:
            out = Role.EARLIER, reason("progress.before_choice")
        elif date in taken:
            out = Role.LEFT_OUT, reason("progress.same_day")
        if out is not None or scaled is None:
            held[session.session_id] = None, out
            continue
        taken.add(date)
        from_ = origin(session, of_skin=measure.of_skin).label
        held[session.session_id] = Day(session.session_id, date, places[date], scaled, from_), None
    return held


def _baseline(
    measure: Measure, session: SessionValues, day: Day | None, out: tuple[Role, str] | None, series: Series
) -> Baseline:
    stored = session.rest.get(measure.name) or Value(None)
    value, low, high = (_shown(measure, number) for number in (stored.value, stored.low, stored.high))
    if out is None and day is not None and day not in series.days:
        out = Role.EARLIER, reason("progress.other_origin", origin=day.origin)
    if out is None:
        out = (Role.REFERENCE if day in series.reference else Role.LATER), ""
    return Baseline(session.session_id, session.date, out[0], value, low, high, out[1] or None)


def _shown(measure: Measure, number: float | None) -> float | None:
    scaled = measure.scaled(number) if number is not None else None
    return measure.shown(scaled) if scaled is not None else None


def _latest(series: Series) -> list[Day]:
    """The later baselines that a statement rests on: the last full block, or those so far if three."""
    if series.looks:
        return next(block for block in reversed(series.blocks) if len(block) == REFERENCE_N)
    return next((block for block in reversed(series.blocks) if len(block) >= LEAST_N), [])


def _level(measure: Measure, days: Sequence[Day]) -> Level | None:
    if not days:
        return None
    return Level(measure.shown(mean_of(days)), len(days), days[0].date, days[-1].date)


def _level_or_typical(measure: Measure, reference: Sequence[Day]) -> float:
    return mean_of(reference) if reference else measure.typical


def _reason(series: Series, look: Look | None, judged: bool) -> str:
    if not judged:
        return reason("progress.not_chosen")
    if look is not None:
        told = (
            "stands_out" if look.verdict.reliable else "below_bar" if look.below_the_bar else "within_usual"
        )
        return reason(f"progress.{told}", number=look.number, due=series.next_due)
    count, due = len(series.days), series.next_due
    if count < REFERENCE_N:
        return reason("progress.reference_grows", count=count, least=REFERENCE_N, due=due)
    return reason("progress.later_grows", count=count - REFERENCE_N, least=REFERENCE_N, due=due)


def _restarted(days: Sequence[Day], series: Series) -> str | None:
    """Why the reference began anew: the baselines before it came from elsewhere."""
    others = [day.origin for day in days if day.origin != series.days[0].origin] if days else []
    return reason("progress.restarted", origin=series.days[0].origin, before=others[-1]) if others else None


def _regression(
    difference: float, sigma: float, before: Sequence[SessionValues], after: Sequence[SessionValues]
) -> tuple[str, ...]:
    """Why a part of a change may be a return to the usual."""
    why: list[str] = []
    if abs(difference) >= _FAR * sigma:
        why.append(reason("progress.reference_far"))
    then, now = _distress(before), _distress(after)
    if then is not None and (then >= _HIGH_DISTRESS or (now is not None and then - now >= _DISTRESS_ABOVE)):
        why.append(reason("progress.bad_time", distress=reason("numbers.one_decimal", value=then)))
    return tuple(why)


def _distress(sessions: Iterable[SessionValues]) -> float | None:
    said = [each.distress.first for each in sessions if each.distress.first is not None]
    return float(np.mean(said)) if said else None


def _differed(before: Sequence[SessionValues], after: Sequence[SessionValues]) -> tuple[str, ...]:
    """The conditions whose most common answer was another one, where at least half of each were answered."""
    names = [name for name in _DIFFER if _differs(_common(before, name), _common(after, name))]
    if abs(_hour(before) - _hour(after)) >= _APART_H:
        names.append("time_of_day")
    return tuple(names)


def _differs(before: str | None, after: str | None) -> bool:
    return before is not None and after is not None and before != after


def _common(sessions: Sequence[SessionValues], name: str) -> str | None:
    answers = [each.conditions[name] for each in sessions if name in each.conditions]
    if 2 * len(answers) < len(sessions):
        return None
    return min(Counter(answers).items(), key=lambda item: (-item[1], item[0]))[0]


def _hour(sessions: Sequence[SessionValues]) -> float:
    """The mean time of day, in hours."""
    at = [each.started_at for each in sessions if each.started_at is not None]
    return float(np.mean([each.hour + each.minute / 60 for each in at]))
