"""Progress as a whole: which sessions count for what, what is judged, and what is said where it is not."""

import json
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from pipeline.diary import Diary
from pipeline.entries import Week as LoggedWeek
from pipeline.language import Reason
from pipeline.profile import Alternation, PracticePlan, Primary, Profile
from pipeline.progress.measures import MEASURES
from pipeline.progress.progress import Progress, Role, Settings, progress, settings_of
from pipeline.progress.session_records import Distress, SessionValues
from pipeline.progress.verdicts import Verdict
from tests.pipeline.progress.clients import LEVELS, course, session

UPS_AND_DOWNS = (0.1, -0.15, 0.05, -0.1, 0.1)
ROLES = {
    "h": Role.HABITUATION,
    "r": Role.REFERENCE,
    "l": Role.LATER,
    "e": Role.EARLIER,
    "-": Role.LEFT_OUT,
}


def sessions(count: int, then: float = 0.0) -> list[SessionValues]:
    """Sessions about the usual levels; from the seventh on RMSSD lies by `then` higher, in logarithms."""
    by = [UPS_AND_DOWNS[number % 5] for number in range(count)]
    moved = [then if number >= 6 else 0.0 for number in range(count)]
    return course(
        {
            "ln_rmssd": [LEVELS["ln_rmssd"] + a + b for a, b in zip(by, moved, strict=True)],
            "mean_hr_bpm": [66.0 - 20 * each for each in by],
            "ln_scl": [1.5 + each for each in by],
            "scr_per_min": [2.5 + 3 * each for each in by],
        }
    )


def roles(found: Progress, measure: str = "ln_rmssd") -> str:
    letters = {role: letter for letter, role in ROLES.items()}
    return "".join(letters[each.role] for each in found.of(measure).baselines)


class TestRoles:
    @pytest.mark.parametrize(
        ("count", "expected"),
        [(0, ""), (1, "h"), (4, "hrrr"), (8, "hrrrrrll"), (12, "hrrrrrllllll")],
    )
    def test_the_first_is_habituation_and_five_are_the_reference(self, count: int, expected: str) -> None:
        assert roles(progress(sessions(count))) == expected

    def test_order_of_reading_makes_no_difference(self) -> None:
        made = sessions(12)
        assert progress(made[::-1]) == progress(made)

    def test_another_device_begins_anew_and_says_so(self) -> None:
        made = [replace(each, device="Strap B") if n >= 4 else each for n, each in enumerate(sessions(9))]
        found = progress(made)
        assert roles(found) == "heeerrrrr"
        assert roles(found, "ln_scl") == "hrrrrrlll"
        assert "Strap B" in str(found.of("ln_rmssd").restarted)
        assert found.of("ln_scl").restarted is None

    def test_going_back_to_a_device_takes_its_reference_up_again(self) -> None:
        made = [
            replace(each, device="Strap B") if n in (3, 4) else each for n, each in enumerate(sessions(9))
        ]
        assert roles(progress(made)) == "hrreerrrl"

    def test_another_posture_is_another_origin(self) -> None:
        made = [
            replace(each, conditions={"posture": "lying"}) if n >= 4 else each
            for n, each in enumerate(sessions(9))
        ]
        assert roles(progress(made)) == "heeerrrrr"
        said = [
            replace(each, conditions={"posture": "sitting"}) if n >= 4 else each
            for n, each in enumerate(sessions(9))
        ]
        assert roles(progress(said)) == "hrrrrrlll"

    def test_another_site_moves_the_skin_alone(self) -> None:
        made = [replace(each, eda_site="foot") if n >= 4 else each for n, each in enumerate(sessions(9))]
        assert (roles(progress(made)), roles(progress(made), "ln_scl")) == ("hrrrrrlll", "heeerrrrr")

    def test_what_was_not_measured_is_left_out_and_says_why(self) -> None:
        made = sessions(9)
        made[3] = session(3, {"ln_rmssd": None})
        found = progress(made)
        assert roles(found) == "hrr-rrrll"
        assert found.of("ln_rmssd").baselines[3].reason == "noise"

    def test_practice_without_a_baseline_is_neither_first_nor_between(self) -> None:
        made = sessions(9)
        for number in (0, 3):
            made[number] = session(number, {})
        found = progress(made)
        assert roles(found) == "-hr-rrrrl"
        alike = progress([each for number, each in enumerate(made) if number not in (0, 3)])
        assert found.of("ln_rmssd").reliability == alike.of("ln_rmssd").reliability

    def test_one_baseline_a_day(self) -> None:
        made = sessions(9)
        assert made[3].started_at is not None
        made[4] = replace(made[4], started_at=made[3].started_at + timedelta(hours=2))
        assert roles(progress(made)) == "hrrr-rrll"

    def test_simulated_sessions_count_only_among_themselves(self) -> None:
        made = [replace(each, simulated=n % 2 == 0) for n, each in enumerate(sessions(10))]
        found = progress(made)
        assert (found.sessions, found.simulated) == (5, False)
        assert found.notices == ("5 simulated sessions are left out.",)
        assert progress([replace(each, simulated=True) for each in made]).sessions == 10

    def test_a_session_without_a_date_is_left_out(self) -> None:
        made = sessions(8)
        made[2] = replace(made[2], started_at=None)
        assert (progress(made).sessions, progress(made).notices) == (
            7,
            ("1 session without a date is left out.",),
        )


class TestVerdicts:
    @pytest.mark.parametrize(
        ("count", "then", "verdict"),
        [
            pytest.param(3, 0.6, Verdict.INSUFFICIENT, id="two baselines"),
            pytest.param(10, 0.6, Verdict.INSUFFICIENT, id="four later ones"),
            pytest.param(11, 0.6, Verdict.HIGHER, id="higher"),
            pytest.param(11, -0.6, Verdict.LOWER, id="lower"),
            pytest.param(11, 0.05, Verdict.NO_CHANGE, id="no change"),
            pytest.param(15, 0.6, Verdict.HIGHER, id="stands between looks"),
        ],
    )
    def test_of_the_primary_measure(self, count: int, then: float, verdict: Verdict) -> None:
        found = progress(sessions(count, then)).of("ln_rmssd")
        assert found.verdict is verdict
        assert isinstance(found.reason, Reason)

    def test_others_are_not_judged(self) -> None:
        found = progress(sessions(16, 0.6))
        assert {each.measure: each.verdict for each in found.measures if not each.primary} == dict.fromkeys(
            ("mean_hr_bpm", "ln_scl", "scr_per_min"), Verdict.NOT_JUDGED
        )
        assert all(each.looks == () and each.next_due is None for each in found.measures if not each.primary)
        assert all(each.change is not None for each in found.measures)

    def test_before_the_first_look_there_is_no_change_to_see(self) -> None:
        found = progress(sessions(10, 0.6)).of("ln_rmssd")
        assert (found.change, found.next_due) == (None, 1)
        assert found.latest is not None
        assert found.latest.n == 4

    def test_between_looks_the_last_one_stands(self) -> None:
        at, between = (progress(sessions(count, 0.6)).of("ln_rmssd") for count in (11, 14))
        assert (between.change, between.latest, between.looks) == (at.change, at.latest, at.looks)
        assert (at.next_due, between.next_due) == (5, 2)

    def test_what_was_named_asks_for_less_than_what_was_not(self) -> None:
        found = progress(sessions(11, 0.6)).of("ln_rmssd")
        assert found.detectable is not None
        assert found.detectable_down is not None
        assert found.detectable < 1 / found.detectable_down

    def test_a_chosen_measure_counts_from_the_day_it_was_chosen(self) -> None:
        chosen = Settings(primary=("mean_hr_bpm",), chosen_on="2026-03-10")
        found = progress(sessions(9), chosen)
        assert roles(found, "mean_hr_bpm") == "heerrrrrl"
        assert roles(found, "ln_rmssd") == "hrrrrrlll"

    def test_two_primary_measures_share_the_error(self) -> None:
        one, two = (
            progress(sessions(11, 0.6), Settings(primary=primary)).of("ln_rmssd").looks[0].alpha
            for primary in (("ln_rmssd",), ("ln_rmssd", "mean_hr_bpm"))
        )
        assert two == one / 2

    def test_levels_are_told_in_their_unit(self) -> None:
        found = progress(sessions(11, 0.6)).of("ln_rmssd")
        assert found.reference is not None
        assert found.latest is not None
        assert found.change is not None
        assert found.reference.value == pytest.approx(np.exp(3.7))
        assert found.latest.value == pytest.approx(np.exp(4.3))
        assert found.change.value == pytest.approx(np.exp(0.6))
        assert (found.reference.first, found.reference.last) == ("2026-03-05", "2026-03-17")

    def test_counts_are_told_in_their_unit(self) -> None:
        found = progress(sessions(11)).of("scr_per_min")
        assert found.change is not None
        assert found.reference is not None
        assert found.change.value == pytest.approx(0, abs=0.2)
        assert found.detectable_down is not None
        assert -found.reference.value <= found.detectable_down < 0 < (found.detectable or 0)


class TestCautions:
    def test_a_reference_that_lies_far_may_be_a_return(self) -> None:
        assert progress(sessions(11, 0.6)).of("ln_rmssd").regression == (
            "the reference lies far from the latest sessions, and what begins far from the usual tends to "
            "come back to it without any practice",
        )
        assert progress(sessions(11, 0.05)).of("ln_rmssd").regression == ()

    @pytest.mark.parametrize(("first", "later", "told"), [(7.0, 6.5, 1), (4.0, 1.5, 1), (4.0, 3.0, 0)])
    def test_so_may_one_that_was_taken_in_a_bad_time(self, first: float, later: float, told: int) -> None:
        made = [
            replace(each, distress=Distress(first if n < 6 else later, 1.0, 2))
            for n, each in enumerate(sessions(11))
        ]
        assert len(progress(made).of("ln_rmssd").regression) == told

    def test_conditions_that_were_others_are_named(self) -> None:
        made = [
            replace(each, conditions={"medication": "none" if n < 6 else "beta-blocker", "room": "warm"})
            for n, each in enumerate(sessions(11))
        ]
        assert progress(made).of("ln_rmssd").differed == ("medication",)

    def test_so_is_the_time_of_day(self) -> None:
        made = [
            replace(each, started_at=each.started_at and each.started_at + timedelta(hours=0 if n < 6 else 5))
            for n, each in enumerate(sessions(11))
        ]
        assert progress(made).of("ln_rmssd").differed == ("time_of_day",)


class TestWhole:
    @pytest.mark.parametrize("count", [0, 1, 2, 7, 20])
    def test_it_is_there_for_any_number_of_sessions(self, count: int) -> None:
        found = progress(sessions(count))
        assert [each.measure for each in found.measures] == [each.name for each in MEASURES]
        json.dumps(found.as_json(), allow_nan=False)

    def test_a_session_with_nothing_in_it_breaks_nothing(self) -> None:
        empty = SessionValues("s", session(30, {}).started_at, None)
        assert progress([*sessions(11, 0.6), empty]).of("ln_rmssd").verdict is Verdict.HIGHER
        assert progress([empty]).of("ln_rmssd").verdict is Verdict.INSUFFICIENT

    def test_settings_come_from_profile_and_diary(self) -> None:
        week = LoggedWeek(day="2026-03-02", by="me", sleep=6)
        plan, agreed = PracticePlan(5, 10.0, None, "2026-03-02"), Alternation(("a", "b"), 1, "2026-03-02")
        profile = Profile(primary=Primary(("ln_scl",), "2026-03-02"), practice_plan=plan, alternation=agreed)
        assert settings_of(profile, Diary(weeks=(week,))) == Settings(
            ("ln_scl",), "2026-03-02", agreed, plan, (week,)
        )
        assert settings_of(Profile(), Diary()) == Settings()
