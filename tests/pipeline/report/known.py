"""What is known around a made-up session: a plan, a diary, sessions before it, a release."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pipeline.amendments import Amendment, Amendments, What
from pipeline.clinic import Clinic
from pipeline.diary import Diary
from pipeline.entries import Adverse, Outcome, Scale, Week
from pipeline.profile import PracticePlan, Profile
from pipeline.progress.sessions import Distress, Practice, SessionValues, Value
from pipeline.report.context import Context


def before(day: int, **changes: Any) -> SessionValues:
    """A session on a day of February 2026, with the strap that `recording` has none of by name."""
    facts: dict[str, Any] = {
        "session_id": f"2026-02-{day:02d}",
        "started_at": datetime(2026, 2, day, 9, 0, tzinfo=UTC),
        "client": "a-014",
        "beat_source": "rr",
        "rest": {
            "mean_hr_bpm": Value(70.0),
            "ln_rmssd": Value(3.5),
            "ln_scl": Value(1.5),
            "scr_per_min": Value(3.0),
        },
        "practice": (Practice("slow-breathing", "Slow, soft breathing", "breathing", True, 5.0),),
        "distress": Distress(5.0, 3.0, 2),
    }
    return SessionValues(**(facts | changes))


DIARY = Diary(
    outcomes=(
        Outcome(day="2026-02-01", by="Dr T", scale=Scale.PSS, value=24),
        Outcome(day="2026-02-20", by="Dr T", scale=Scale.PHQ_9, value=9, item_9=1),
        Outcome(day="2026-02-22", by="Dr T", scale=Scale.PSS, value=19),
        Outcome(day="2026-02-22", by="Dr T", scale=Scale.GOAL, value=4, goal="Take the bus"),
    ),
    weeks=(Week(day="2026-02-16", by="client", activity=3, people=2, sleep=5),),
    adverse=(Adverse(day="2026-02-25", by="client", text="Light-headed after practice <b>at home</b>"),),
)
PLAN = PracticePlan(5, 10.0, "slow-breathing", "2026-02-01")


def known(**changes: Any) -> Context:
    """All of it, or what is asked for instead."""
    facts: dict[str, Any] = {
        "profile": Profile(
            goal="Take the bus again", next_step="Five soft minutes a day", practice_plan=PLAN
        ),
        "clinic": Clinic(name="Clinic by the lake", crisis_line="0800 111 0 111"),
        "diary": DIARY,
        "earlier": (before(10), before(24)),
    }
    return Context(**(facts | changes))


def released(context: Context, by: str = "Dr T") -> Context:
    """The same, its client edition released."""
    line = Amendment("2026-03-02T10:00:00+00:00", by, What.RELEASE, {})
    return replace(context, amendments=Amendments((line,)))
