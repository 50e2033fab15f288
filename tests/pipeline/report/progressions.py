"""Made-up clients: a few values of each session, as progress reads them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import log
from typing import Any

import numpy as np

from pipeline.claims.progress import progress_claims
from pipeline.diary import Diary
from pipeline.entries import Adverse, Outcome, Scale, Week
from pipeline.profile import PracticePlan, Primary, Profile
from pipeline.progress.progress import Progress, progress, settings_of
from pipeline.progress.sessions import (
    LATE,
    Distress,
    NearOwnBaseline,
    PacedSkill,
    Practice,
    Reaction,
    SessionValues,
    ShareLeft,
    Value,
)
from pipeline.report.context import Audience, Context
from pipeline.report.progress_page import Report, render_progress

START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
STRAP, OTHER_STRAP = "Polar H10 4B1C", "Wahoo TICKR 77A0"


def sessions(
    count: int, *, effect: float = 0.0, apart_days: float = 4.0, skin: bool = True, seed: int = 3
) -> list[SessionValues]:
    """So many sessions with ordinary ups and downs; from the seventh on RMSSD is `effect` (log) higher."""
    rng = np.random.default_rng(seed)
    return [_session(place, rng, effect, apart_days, skin) for place in range(count)]


def _session(
    place: int, rng: np.random.Generator, effect: float, apart_days: float, skin: bool
) -> SessionValues:
    at = START + timedelta(days=apart_days * place, hours=float(rng.integers(0, 8)))
    ln_rmssd = log(34.0) + rng.normal(0, 0.17) + (effect if place >= 6 else 0.0)
    rest = {
        "ln_rmssd": Value(ln_rmssd, ln_rmssd - 0.12, ln_rmssd + 0.12, 260, 5.0),
        "mean_hr_bpm": _around(rng.normal(70, 4), 1.5),
    }
    if skin:
        rest["ln_scl"] = _around(log(4.2) + rng.normal(0, 0.3), 0.08)
        rest["scr_per_min"] = _around(max(float(rng.normal(2.2, 0.7)), 0.1), 0.8)
    strategy = (
        ("slow-breathing", "Slow breathing") if place % 2 else ("feet-on-the-floor", "Feet on the floor")
    )
    share = float(np.clip(0.45 - 0.015 * place + rng.normal(0, 0.15), -0.2, 1.2))
    return SessionValues(
        session_id=f"{at:%Y-%m-%dT%H-%M-%S}-{place:04x}",
        started_at=at,
        client="a-014",
        protocol="guided-session",
        duration_s=1500.0,
        beat_source="rr",
        device=STRAP,
        eda_device="Shimmer 9F" if skin else None,
        eda_site="fingers" if skin else None,
        rest=rest,
        rest_phase="Baseline",
        rest_minutes=5.0,
        reactions=(Reaction("mean_hr_bpm", "Challenge", float(rng.normal(9, 2)), 6.0, 12.0),),
        recoveries=(ShareLeft("mean_hr_bpm", "Challenge", LATE, share, share - 0.2, share + 0.2),),
        near_baseline=(NearOwnBaseline("Recovery", float(rng.uniform(0.3, 0.8)), 280.0),),
        practice=(
            Practice(
                *strategy, "breathing", False, 8.0, float(rng.normal(-2.5, 1.2)), float(rng.normal(74, 4)), 4
            ),
        ),
        paced_skill=(PacedSkill(6.0, "followed", float(rng.normal(11, 2))),),
        distress=Distress(5.0, 3.0, 2),
    )


def _around(value: float, by: float) -> Value:
    return Value(value, value - by, value + by, 280, 5.0)


def changed_device(found: list[SessionValues], place: int) -> list[SessionValues]:
    """The same with another strap from a place on."""
    return [*found[:place], *(replace(each, device=OTHER_STRAP) for each in found[place:])]


def diary() -> Diary:
    """What was entered of eight weeks."""
    mondays = [START + timedelta(weeks=week) for week in range(8)]
    return Diary(
        outcomes=(
            *(_outcome(at, Scale.PSS, 24 - place) for place, at in enumerate(mondays[::4])),
            *(_outcome(at, Scale.PHQ_9, 9, item_9=0) for at in mondays[::4]),
            *(
                _outcome(at, Scale.GOAL, 3 + place, goal="Speak up in meetings")
                for place, at in enumerate(mondays[::2])
            ),
        ),
        weeks=tuple(
            Week(
                day=at.date().isoformat(),
                by="M.",
                activity=3 + place % 3,
                people=2,
                nature=1,
                sleep=place % 8,
            )
            for place, at in enumerate(mondays)
        ),
        adverse=(Adverse(day="2026-03-10", by="M.", text="Felt light-headed for a minute after the pacer."),),
    )


def _outcome(at: datetime, scale: Scale, value: float, **more: Any) -> Outcome:
    return Outcome(day=at.date().isoformat(), by="M.", scale=scale, value=value, **more)


PROFILE = Profile(
    goal="Speak up in meetings without the rush",
    next_step="Slow breathing before the Monday meeting, five minutes",
    primary=Primary(("ln_rmssd",), "2026-03-01"),
    practice_plan=PracticePlan(3, 8.0, "slow-breathing", "2026-03-02"),
)


def report(
    found: list[SessionValues],
    profile: Profile = PROFILE,
    entered: Diary | None = None,
    unread: tuple[str, ...] = (),
) -> tuple[Report, Context]:
    """All that a page is made of."""
    entered = diary() if entered is None else entered
    made = progressed(found, profile, entered)
    context = Context(profile=profile, diary=entered, progress=made)
    return Report("a-014", tuple(found), made, progress_claims(made), unread, "ab" * 32), context


def progressed(found: list[SessionValues], profile: Profile, entered: Diary) -> Progress:
    return progress(found, settings_of(profile, entered))


def page(found: list[SessionValues], audience: Audience = Audience.CLINICIAN, **how: Any) -> str:
    """The page of some sessions."""
    made, context = report(found, **how)
    return render_progress(made, replace(context, audience=audience))
