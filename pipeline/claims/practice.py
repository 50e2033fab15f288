"""What was practised over the weeks, and what went with it: transfer, dose, strategies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING

from pipeline.claims.claim import Audience, Claim, Rule, Told, Withheld
from pipeline.claims.measures import IN_PRACTICE, OVER_SESSIONS
from pipeline.figures import NONE, number, share, shortest
from pipeline.grammar import day
from pipeline.guidance.known_names import phase_name, strategy_name
from pipeline.language import reason

if TYPE_CHECKING:
    from pipeline.progress.dose import Week
    from pipeline.progress.strategies import Effect, Strategies, Tendency
    from pipeline.progress.transfer import Course, Transfer

_OF_A_PHASE = "near_baseline"  # what is about a phase, not about the challenge before it
FEWEST_SESSIONS = 5  # of a strategy, before anything is said of it


def _no_change(course: Course) -> str | None:
    known = None not in (course.change, course.low, course.high, course.earlier, course.later)
    return None if known else course.reason or reason("claims.why.not_computed")


def _nothing_practised(weeks: Sequence[Week]) -> str | None:
    return None if any(week.practices for week in weeks) else reason("claims.why.nothing_practised")


def _no_tendency(found: Tendency) -> str | None:
    if found.sessions < FEWEST_SESSIONS:
        return found.reason or reason("claims.why.under_five_sessions")
    known = None not in (found.settling_bpm, found.low, found.high)
    return None if known else found.reason or reason("claims.why.not_computed")


def _no_effect(found: Effect) -> str | None:
    known = None not in (found.difference_bpm, found.low, found.high)
    return None if known else found.reason or reason("claims.why.not_computed")


COURSE_KNOWN: Rule[Course] = Rule("course_known", _no_change)
PRACTICE_NOTED: Rule[Sequence[Week]] = Rule("practice_noted", _nothing_practised)
FIVE_OF_IT: Rule[Tendency] = Rule("five_of_it", _no_tendency)
RANDOMISED: Rule[Effect] = Rule("randomised", _no_effect)


def transfer_claims(transfer: Transfer) -> Iterator[Told]:
    """All of `transfer`: recovery without a pacer, then skill with one. Described, never judged.

    Rest is not among it: it is what verdicts are on.
    """
    for courses in (transfer.recovery, transfer.paced):
        for place, course in enumerate(courses, 1):
            yield course_claim(f"transfer.{course.area}.{place}", course)


def course_claim(own_id: str, course: Course) -> Told:
    """How one quantity went from the first sessions to the latest, or why that cannot be said."""
    quantity = reason(f"claims.quantities.{course.quantity}")
    words: dict[str, object] = {"quantity": quantity, "about": told_about(course)}
    place = "phase" if course.quantity == _OF_A_PHASE else course.area
    if (why := COURSE_KNOWN.fails(course)) is not None:
        key = f"claims.progress.transfer.{place}.unknown"
        return Withheld(id=own_id, rule=COURSE_KNOWN.name, reason=why, text_key=key, values=words)
    assert course.earlier is not None
    assert course.later is not None
    assert course.change is not None
    assert course.low is not None
    assert course.high is not None
    level, effect = OVER_SESSIONS[course.unit]
    change, low, high = effect.texts(course.change, course.low, course.high)
    return Claim(
        id=own_id,
        text_key=f"claims.progress.transfer.{place}.told",
        values={
            **words,
            "earlier": level.size(course.earlier),
            "later": level.size(course.later),
            "change": change,
            "low": low,
            "high": high,
        },
        rule=COURSE_KNOWN.name,
        estimate=effect.convert(course.change),
        low=effect.convert(course.low),
        high=effect.convert(course.high),
        unit=effect.unit,
        n=2 * course.n,
        n_unit="sessions",
    )


def told_about(course: Course) -> str:
    """What a course is of, as it is told: a challenge, a phase, or the pacer's rate."""
    if course.about is None:
        return NONE
    return phase_name(course.about) if course.area != "paced" else shortest(float(course.about))


def dose_claims(weeks: Sequence[Week]) -> Iterator[Told]:
    """All of `dose`, and `client.dose`: how much was practised, and the latest week beside its plan."""
    practices, minutes = sum(week.practices for week in weeks), sum(week.minutes for week in weeks)
    words = {"practices": number(practices), "weeks": number(len(weeks)), "minutes": number(minutes)}
    if (why := PRACTICE_NOTED.fails(weeks)) is not None:
        key = "claims.progress.dose.none"
        yield Withheld(id="dose.total", rule=PRACTICE_NOTED.name, reason=why, text_key=key)
    else:
        for own_id, table, audience in (
            ("dose.total", "progress", Audience.CLINICIAN),
            ("client.dose", "client", Audience.CLIENT),
        ):
            yield Claim(
                id=own_id,
                text_key=f"claims.{table}.dose.total",
                values=words,
                rule=PRACTICE_NOTED.name,
                estimate=minutes,
                unit="min",
                n=practices,
                n_unit="practices",
                audience=audience,
            )
    yield from _planned(weeks)


def _planned(weeks: Sequence[Week]) -> Iterator[Claim]:
    latest = next((week for week in reversed(weeks) if week.planned_sessions is not None), None)
    if latest is not None and latest.planned_sessions is not None:
        yield Claim(
            id="dose.planned",
            text_key="claims.progress.dose.planned",
            values={
                "start": day(date.fromisoformat(latest.start)),
                "practices": number(latest.practices),
                "planned": number(latest.planned_sessions),
            },
            rule="planned",
            estimate=float(latest.practices),
            unit="practices",
            n=latest.practices,
            n_unit="practices",
        )


def strategy_claims(found: Strategies) -> Iterator[Told]:
    """All of `strategies` and `alternation`: what went with settling; effects only of a random order."""
    for place, tendency in enumerate(found.tendencies, 1):
        yield tendency_claim(f"strategies.{place}", tendency, chosen=found.followed_share is None)
    if found.followed_share is not None:
        yield Claim(
            id="alternation.followed",
            text_key="claims.progress.alternation.followed",
            values={"share": share(found.followed_share)},
            rule="randomised",
            estimate=100 * found.followed_share,
            unit="%",
        )
    for place, effect in enumerate(found.effects, 1):
        yield effect_claim(f"alternation.{place}", effect)


def tendency_claim(own_id: str, found: Tendency, *, chosen: bool = True) -> Told:
    """What heart rate did in practices of a strategy; not all were `chosen` once a random order began."""
    words: dict[str, object] = {"strategy": strategy_name(found.title), "sessions": number(found.sessions)}
    if (why := FIVE_OF_IT.fails(found)) is not None:
        key = "claims.progress.strategies.unknown"
        return Withheld(id=own_id, rule=FIVE_OF_IT.name, reason=why, text_key=key, values=words)
    assert found.settling_bpm is not None
    assert found.low is not None
    assert found.high is not None
    key = "went_down" if found.high < 0 else "went_up" if found.low > 0 else "unclear"
    words["caution"] = reason(f"claims.progress.strategies.{'chosen' if chosen else 'not_all_chosen'}")
    return Claim(
        id=own_id,
        text_key=f"claims.progress.strategies.{key}",
        values=words | _amounts(found.settling_bpm, found.low, found.high, sized=key != "unclear"),
        rule=FIVE_OF_IT.name,
        estimate=found.settling_bpm,
        low=found.low,
        high=found.high,
        unit="bpm",
        n=found.sessions,
        n_unit="sessions",
    )


def effect_claim(own_id: str, found: Effect) -> Told:
    """How two strategies differed under a random order that was followed."""
    words: dict[str, object] = {
        "first": strategy_name(found.first),
        "second": strategy_name(found.second),
        "sessions": number(found.sessions),
    }
    if (why := RANDOMISED.fails(found)) is not None:
        key = "claims.progress.alternation.unknown"
        return Withheld(id=own_id, rule=RANDOMISED.name, reason=why, text_key=key, values=words)
    assert found.difference_bpm is not None
    assert found.low is not None
    assert found.high is not None
    clear = found.high < 0 or found.low > 0
    if clear and found.difference_bpm > 0:
        words |= {"first": words["second"], "second": words["first"]}
    return Claim(
        id=own_id,
        text_key=f"claims.progress.alternation.{'more' if clear else 'unclear'}",
        values=words | _amounts(found.difference_bpm, found.low, found.high, sized=clear),
        rule=RANDOMISED.name,
        estimate=found.difference_bpm,
        low=found.low,
        high=found.high,
        unit="bpm",
        n=found.sessions,
        n_unit="sessions",
    )


def _amounts(value: float, low: float, high: float, *, sized: bool) -> dict[str, object]:
    """Amount and interval in bpm; `sized` without signs, as the direction is in the words."""
    said = (IN_PRACTICE.sizes if sized else IN_PRACTICE.texts)(value, low, high)
    return dict(zip(("amount", "low", "high"), said, strict=True))
