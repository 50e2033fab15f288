"""Weeks of practice, and what was logged beside them."""

from pipeline.entries import Week as LoggedWeek
from pipeline.profile import PracticePlan
from pipeline.progress.dose import Week, dose
from pipeline.progress.session_records import Practice
from tests.pipeline.progress.clients import session

SLOW = Practice("slow-breathing", "Slow, soft breathing", "breathing", True, 5.0)
SENSES = Practice("five-senses", "Five senses", "grounding", False, 3.0)


def test_every_week_is_there_with_what_it_held() -> None:
    """Sessions on 2 and 5 March (Monday, Thursday) and on the 20th; the week between is empty."""
    made = [
        session(0, {}, practice=(SLOW, SENSES)),
        session(1, {}, practice=(SLOW,)),
        session(6, {}, practice=(SENSES,)),
    ]
    logged = (LoggedWeek(day="2026-03-09", by="me", activity=3, sleep=5),)
    plan = PracticePlan(4, 10.0, None, "2026-03-11")
    assert dose(made, logged, plan) == (
        Week("2026-03-02", 2, 3, 13.0, {"Slow, soft breathing": 10.0, "Five senses": 3.0}),
        Week("2026-03-09", 0, 0, 0.0, {}, {"activity": 3.0, "sleep": 5.0}, 4, 10.0),
        Week("2026-03-16", 1, 1, 3.0, {"Five senses": 3.0}, {}, 4, 10.0),
    )


def test_nothing_makes_no_week() -> None:
    assert dose([]) == ()


def test_a_log_alone_makes_its_week() -> None:
    [week] = dose([], (LoggedWeek(day="2026-03-02", by="me", nature=2),))
    assert (week.start, week.sessions, week.enrichment) == ("2026-03-02", 0, {"nature": 2.0})


def test_a_wrong_clock_fills_no_page() -> None:
    far = session(0, {}), session(4000, {})
    assert len(dose(far)) <= 521
    assert dose(far)[-1].sessions == 1
