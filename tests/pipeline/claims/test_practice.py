"""Transfer, dose and strategies: described with intervals, an effect only of a random order."""

from dataclasses import replace

import pytest

from pipeline.claims.claim import Audience, Claim, Withheld
from pipeline.claims.practice import (
    FEWEST_SESSIONS,
    FIVE_OF_IT,
    course_claim,
    dose_claims,
    effect_claim,
    strategy_claims,
    tendency_claim,
    transfer_claims,
)
from pipeline.language import reason, text
from pipeline.progress.dose import Week
from pipeline.progress.strategies import Effect, Strategies, Tendency
from pipeline.progress.transfer import QUANTITIES, Area, Course, Transfer
from tests.pipeline.claims.wording import plain

WHY = reason("claims.why.not_computed")
LEFT = Course(
    Area.RECOVERY, "share_left_mean_hr_bpm", "Challenge", "share", (), 0.62, 0.31, -0.31, -0.5, -0.12, 4
)
SWING = Course(Area.PACED, "amplitude", "6", "bpm", (), 8.1, 12.4, 4.3, 1.2, 7.4, 5)
SETTLED = Tendency("five-senses", "Five senses", False, 7, -2.13, -3.4, -0.9)


@pytest.mark.parametrize(
    ("course", "sentence"),
    [
        pytest.param(
            LEFT,
            "In recovery from Challenge, without a pacer, the share of the reaction of heart rate that was "
            "left was "
            "62 % in the first sessions and 31 % in the latest: −31 percentage points (95 % interval −50 to "
            "−12 percentage points). This "
            "describes "
            "and is no verdict.",
            id="recovery",
        ),
        pytest.param(
            SWING,
            "With the pacer at 6 a minute, the movement of heart rate with the breath was 8.1 bpm in the "
            "first "
            "sessions and 12.4 bpm in the latest: +4.3 bpm (95 % interval +1.2 to +7.4 bpm). It is a skill "
            "with the "
            "pacer, apart from rest.",
            id="paced skill is apart",
        ),
        pytest.param(
            replace(LEFT, quantity="near_baseline", about="Recovery"),
            "In Recovery, without a pacer, the share of time near the person's own baseline was 62 % in the "
            "first "
            "sessions and 31 % in the latest: −31 percentage points (95 % interval −50 to −12 percentage "
            "points). "
            "This describes and is no verdict.",
            id="of a phase",
        ),
        pytest.param(
            replace(SWING, change=None, reason=WHY),
            "With the pacer at 6 a minute, how the movement of heart rate with the breath went is not "
            "estimable: it "
            "was not computed for these data.",
            id="not estimable",
        ),
    ],
)
def test_transfer_describes(course: Course, sentence: str) -> None:
    told = course_claim("transfer.x", course)
    assert plain(told.text) == sentence
    assert isinstance(told, Withheld) is (course.change is None)


def test_rest_is_left_to_the_verdicts() -> None:
    rest = Course(Area.REST, "ln_rmssd", None, "ms", (), 40.0, 56.0, reason=WHY)
    told = list(transfer_claims(Transfer(rest=(rest,), recovery=(LEFT,), paced=(SWING,))))
    assert [each.id for each in told] == ["transfer.recovery.1", "transfer.paced.1"]


@pytest.mark.parametrize(
    ("area", "quantity"),
    [(area, quantity) for area in (Area.RECOVERY, Area.PACED) for quantity in QUANTITIES[area]],
)
def test_every_quantity_has_a_name(area: Area, quantity: str) -> None:
    course = replace(SWING if area is Area.PACED else LEFT, quantity=quantity)
    told = course_claim("transfer.x", course)
    assert told.values["quantity"] == text(f"claims.quantities.{quantity}")


class TestDose:
    WEEKS = (
        Week("2026-02-02", 2, 3, 14.0, planned_sessions=3),
        Week("2026-02-09", 1, 2, 10.4),
    )

    def test_all_of_it_for_both(self) -> None:
        told = list(dose_claims(self.WEEKS))
        assert [(each.id, each.audience, plain(each.text)) for each in told] == [
            (
                "dose.total",
                Audience.CLINICIAN,
                "Practices recorded: 5, 24 min in all, over 2 weeks.",
            ),
            ("client.dose", Audience.CLIENT, "You practised 24 minutes in all."),
            (
                "dose.planned",
                Audience.CLINICIAN,
                "In the week from 2 February 2026: practices recorded 3, planned 3.",
            ),
        ]

    @pytest.mark.parametrize(
        "weeks",
        [pytest.param((), id="no week"), pytest.param((Week("2026-02-02", 1, 0, 0.0),), id="no practice")],
    )
    def test_none_is_said_to_the_clinician_only(self, weeks: tuple[Week, ...]) -> None:
        (told,) = dose_claims(weeks)
        assert isinstance(told, Withheld)
        assert (told.id, told.text) == ("dose.total", "No practice was recorded.")


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        pytest.param(
            SETTLED,
            "What tended to go with settling: in practices of Five senses, heart rate went down by 2.1 bpm "
            "(95 % interval 0.9 to 3.4 bpm; sessions: 7). Chosen, not randomised.",
            id="settling",
        ),
        pytest.param(
            replace(SETTLED, settling_bpm=1.5, low=0.2, high=2.8),
            "In practices of Five senses, heart rate tended to go up by 1.5 bpm (95 % interval 0.2 to 2.8 "
            "bpm; "
            "sessions: 7). Chosen, not randomised.",
            id="up",
        ),
        pytest.param(
            replace(SETTLED, high=0.0),
            "In practices of Five senses, heart rate did not tend either way: −2.1 bpm (95 % interval −3.4 "
            "to "
            "0.0 bpm; sessions: 7). Chosen, not randomised.",
            id="neither",
        ),
        pytest.param(
            replace(SETTLED, sessions=4),
            "What tended to go with Five senses is not said yet: it was practised in fewer than five "
            "sessions "
            "(sessions: 4).",
            id="too few",
        ),
    ],
)
def test_what_tended_to_go_with_settling(found: Tendency, sentence: str) -> None:
    assert plain(tendency_claim("strategies.1", found).text) == sentence


@pytest.mark.parametrize(
    ("sessions", "holds"),
    [
        pytest.param(FEWEST_SESSIONS, True, id="five"),
        pytest.param(FEWEST_SESSIONS - 1, False, id="four"),
    ],
)
def test_five_sessions_of_it(sessions: int, holds: bool) -> None:
    assert FIVE_OF_IT.holds(replace(SETTLED, sessions=sessions)) is holds


MORE = Effect("Five senses", "Kind words", False, 10, -1.8, -3.0, -0.6)


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        pytest.param(
            MORE,
            "In random order, heart rate settled by 1.8 bpm more with Five senses than with Kind words "
            "(95 % interval 0.6 to 3.0 bpm; sessions: 10).",
            id="the first more",
        ),
        pytest.param(
            replace(MORE, difference_bpm=1.8, low=0.6, high=3.0),
            "In random order, heart rate settled by 1.8 bpm more with Kind words than with Five senses "
            "(95 % interval 0.6 to 3.0 bpm; sessions: 10).",
            id="the second more",
        ),
        pytest.param(
            replace(MORE, high=0.1),
            "In random order, no difference of settling between Five senses and Kind words could be told: "
            "−1.8 bpm "
            "(95 % interval −3.0 to +0.1 bpm; sessions: 10).",
            id="no difference",
        ),
        pytest.param(
            replace(MORE, difference_bpm=None, reason=WHY),
            "Whether Five senses and Kind words differ is not said yet: it was not computed for these data "
            "(sessions: 10).",
            id="not followed",
        ),
    ],
)
def test_an_effect_of_a_random_order(found: Effect, sentence: str) -> None:
    assert plain(effect_claim("alternation.1", found).text) == sentence


def test_strategies_and_alternation_are_two_topics() -> None:
    told = list(strategy_claims(Strategies((SETTLED,), (MORE,), 0.9)))
    assert [each.id for each in told] == ["strategies.1", "alternation.followed", "alternation.1"]
    assert isinstance(told[1], Claim)
    assert plain(told[1].text) == "The random order of strategies was followed in 90 % of sessions."
