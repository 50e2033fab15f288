"""Transfer: what rest and recovery without a pacer do over the sessions, apart from skill with one.

A skill with the pacer is not yet a calmer rest: paced breathing moves the heart by itself. So the two stand
side by side and are never put together. What is told here is description: means of the first and the last
sessions, with the interval of two samples of unequal variance (Welch 1947), and no verdict.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from pipeline.language import reason
from pipeline.progress.measures import MEASURES
from pipeline.progress.origins import Origin, origin
from pipeline.progress.session_records import LATE, SessionValues

MOST, LEAST = 5, 3  # of the first sessions, and of the last
_OF_SKIN = tuple(measure.name for measure in MEASURES if measure.of_skin)
_FOLLOWED = {"followed": 1.0, "partly followed": 0.5, "not followed": 0.0}


class Area(StrEnum):
    """Where something is seen. A paced value is never held against an unpaced one."""

    REST = "rest"
    RECOVERY = "recovery"
    PACED = "paced"


# What a course can be of. Shares are 0 to 1; whether a pacer was followed counts 1, in part 0.5, not 0.
QUANTITIES: Mapping[Area, tuple[str, ...]] = {
    Area.REST: tuple(measure.name for measure in MEASURES),
    Area.RECOVERY: (
        *(f"share_left_{measure.name}" for measure in MEASURES),
        "half_time_mean_hr_bpm",
        "half_time_ln_scl",
        "near_baseline",
    ),
    Area.PACED: ("amplitude", "followed"),
}


@dataclass(frozen=True, slots=True)
class Point:
    """One session's value."""

    session_id: str
    date: str
    value: float


@dataclass(frozen=True, slots=True)
class Course:
    """One quantity (of `QUANTITIES`) over the sessions of one origin, the first of all left out.

    `earlier` and `later` are the means of up to five first and last ones, `n` of each. `change` is their
    difference with a 95 % interval, a description and no verdict; or why there is none. For rest there never
    is: the comparison of baselines has its own rules. `about` is the challenge, the phase or the pacer's rate
    that it belongs to.
    """

    area: Area
    quantity: str
    about: str | None
    unit: str
    points: tuple[Point, ...]
    earlier: float | None = None
    later: float | None = None
    change: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Transfer:
    """Unpaced rest and recovery, and beside them paced skill."""

    rest: tuple[Course, ...] = ()
    recovery: tuple[Course, ...] = ()
    paced: tuple[Course, ...] = ()


@dataclass(frozen=True, slots=True)
class _Seen:
    """One value of a session, and what it is of."""

    area: Area
    quantity: str
    about: str | None
    unit: str
    point: Point


def transfer(sessions: Sequence[SessionValues], primary: Sequence[str]) -> Transfer:
    """The courses of all quantities, at rest of the primary measures, from dated sessions in order.

    The first session is left out, and what does not come from where the latest does (sensors, site, posture).
    """
    seen = [
        (each, origin(session, of_skin=each.quantity.endswith(_OF_SKIN)))
        for session in sessions[1:]
        if session.date
        for each in _seen(session, session.date, primary)
    ]
    courses = [_course(each) for each in _grouped(seen)]
    rest, recovery, paced = (tuple(each for each in courses if each.area is area) for area in Area)
    return Transfer(rest, recovery, paced)


def _grouped(seen: Iterable[tuple[_Seen, Origin]]) -> list[list[_Seen]]:
    """What belongs together and comes from where its latest does, in the order of `QUANTITIES`."""
    groups: dict[tuple[Area, str, str | None], list[tuple[_Seen, Origin]]] = {}
    for each, from_ in seen:
        groups.setdefault((each.area, each.quantity, each.about), []).append((each, from_))
    order = {(area, name): place for area in Area for place, name in enumerate(QUANTITIES[area])}
    kept = sorted(groups, key=lambda key: (order[key[:2]], key[2] or ""))
    return [[each for each, from_ in groups[key] if from_ == groups[key][-1][1]] for key in kept]


def _seen(session: SessionValues, date: str, primary: Sequence[str]) -> Iterator[_Seen]:
    def point(value: float) -> Point:
        return Point(session.session_id, date, value)

    for measure in MEASURES:
        if measure.name not in primary:
            continue
        value = session.rest.get(measure.name)
        scaled = measure.scaled(value.value) if value is not None and value.value is not None else None
        if scaled is not None:
            yield _Seen(Area.REST, measure.name, None, measure.unit, point(measure.shown(scaled)))
    for share in session.recoveries:
        if share.share is not None and share.when == LATE:
            name = f"share_left_{share.measure}"
            yield _Seen(Area.RECOVERY, name, share.challenge, "share", point(share.share))
    for half in session.half_times:
        if half.half_time_s is not None:
            name = f"half_time_{half.measure}"
            yield _Seen(Area.RECOVERY, name, half.challenge, "s", point(half.half_time_s))
    for near in session.near_baseline:
        if near.share is not None and near.phase != session.rest_phase:
            yield _Seen(Area.RECOVERY, "near_baseline", near.phase, "share", point(near.share))
    for skill in session.paced_skill:
        rate = f"{skill.rate_bpm:g}"
        if skill.amplitude_bpm is not None:
            yield _Seen(Area.PACED, "amplitude", rate, "bpm", point(skill.amplitude_bpm))
        if skill.followed in _FOLLOWED:
            yield _Seen(Area.PACED, "followed", rate, "share", point(_FOLLOWED[skill.followed]))


def _course(seen: Sequence[_Seen]) -> Course:
    first = seen[0]
    points = _one_a_session([each.point for each in seen])
    n = min(MOST, len(points) // 2)
    named = first.area, first.quantity, first.about, first.unit, points
    if n < LEAST:
        why = reason("progress.few_values", count=len(points), least=2 * LEAST)
        return Course(*named, reason=why)
    earlier, later = ([point.value for point in part] for part in (points[:n], points[-n:]))
    means = float(np.mean(earlier)), float(np.mean(later))
    if first.area is Area.REST:
        return Course(*named, *means, n=n, reason=reason("progress.judged_elsewhere"))
    change, margin = means[1] - means[0], _margin(earlier, later)
    return Course(*named, *means, change, change - margin, change + margin, n)


def _one_a_session(points: Sequence[Point]) -> tuple[Point, ...]:
    """The mean of a session's values where it has several."""
    values: dict[str, list[Point]] = {}
    for point in points:
        values.setdefault(point.session_id, []).append(point)
    return tuple(
        Point(each[0].session_id, each[0].date, float(np.mean([point.value for point in each])))
        for each in values.values()
    )


def _margin(earlier: Sequence[float], later: Sequence[float]) -> float:
    """Half of the 95 % interval of a difference of means (Welch 1947; Satterthwaite's degrees of freedom)."""
    from scipy.special import stdtrit

    n = len(earlier)
    parts = [float(np.var(part, ddof=1)) / n for part in (earlier, later)]
    if sum(parts) == 0:
        return 0.0
    degrees = sum(parts) ** 2 / sum(part**2 / (n - 1) for part in parts)
    return float(stdtrit(degrees, 0.975)) * math.sqrt(sum(parts))
