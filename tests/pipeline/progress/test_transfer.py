"""Transfer: what stands beside what, and that paced and unpaced never meet."""

from dataclasses import replace

import pytest

from pipeline.progress.session_records import (
    LATE,
    HalfTime,
    NearOwnBaseline,
    PacedSkill,
    SessionValues,
    ShareLeft,
)
from pipeline.progress.transfer import QUANTITIES, Area, transfer
from tests.pipeline.progress.clients import session

RMSSD = ("ln_rmssd",)


def sessions(count: int, **changes: object) -> list[SessionValues]:
    """Sessions in which recovery is quicker each time, and the swing with the pacer larger."""
    return [
        session(
            number,
            {"ln_rmssd": 3.7},
            recoveries=(ShareLeft("mean_hr_bpm", "Arithmetic", LATE, 0.5 - 0.02 * number),),
            half_times=(HalfTime("ln_scl", "Arithmetic", 90.0 - number),),
            near_baseline=(NearOwnBaseline("Recovery", 0.6, 300.0), NearOwnBaseline("Baseline", 1.0, 300.0)),
            paced_skill=(PacedSkill(6.0, "followed", 8.0 + number), PacedSkill(5.0, "not assessed", None)),
            **changes,
        )
        for number in range(count)
    ]


def test_areas_stand_apart() -> None:
    found = transfer(sessions(8), RMSSD)
    told = [(each.area, each.quantity, each.about) for each in (*found.rest, *found.recovery, *found.paced)]
    assert told == [
        (Area.REST, "ln_rmssd", None),
        (Area.RECOVERY, "share_left_mean_hr_bpm", "Arithmetic"),
        (Area.RECOVERY, "half_time_ln_scl", "Arithmetic"),
        (Area.RECOVERY, "near_baseline", "Recovery"),
        (Area.PACED, "amplitude", "6"),
        (Area.PACED, "followed", "6"),
    ]
    assert all(quantity in QUANTITIES[area] for area, quantity, _ in told)


def test_a_course_goes_from_first_to_latest_without_the_first_session() -> None:
    share = transfer(sessions(12), RMSSD).recovery[0]
    assert [point.session_id for point in share.points] == [f"s{number:03d}" for number in range(1, 12)]
    assert (share.n, share.unit) == (5, "share")
    assert [share.earlier, share.later, share.change] == pytest.approx([0.44, 0.32, -0.12])
    assert (share.low or 0) < -0.12 < (share.high or 0) < 0


def test_rest_is_never_compared_here() -> None:
    rest = transfer(sessions(12), RMSSD).rest[0]
    assert rest.change is None
    assert "rules of the verdict" in str(rest.reason)


def test_few_values_are_not_compared() -> None:
    share = transfer(sessions(6), RMSSD).recovery[0]
    assert (share.change, len(share.points)) == (None, 5)
    assert share.reason == "6 sessions with a value are needed, there are 5"


def test_another_device_is_left_out_of_what_it_measured() -> None:
    changed = [*sessions(6), *[replace(each, device="Strap B") for each in sessions(12)[6:]]]
    found = transfer(changed, RMSSD)
    assert len(found.recovery[0].points) == 6
    assert len(found.recovery[1].points) == 11  # of the skin, whose sensor is the same


def test_several_in_a_session_are_one_value() -> None:
    twice = [
        replace(each, paced_skill=(*each.paced_skill[:1], PacedSkill(6.0, "partly followed", 10.0)))
        for each in sessions(7)
    ]
    amplitude, followed = transfer(twice, RMSSD).paced
    assert amplitude.points[0].value == pytest.approx((9.0 + 10.0) / 2)
    assert followed.points[0].value == pytest.approx(0.75)


@pytest.mark.parametrize("count", [0, 1])
def test_nothing_is_there_before_a_second_session(count: int) -> None:
    assert transfer(sessions(count), RMSSD).recovery == ()
