"""What was said beside what the signals did."""

from dataclasses import replace

import pytest

from pipeline.model import Pacer, Phase, Rating
from pipeline.regulation.self_report import Beside, beside
from tests.pipeline.regulation.made import BASELINE, CHALLENGE, RECOVERY

PHASES = (BASELINE, CHALLENGE, RECOVERY)


def _rated(*values: tuple[float, float]) -> tuple[Rating, ...]:
    return tuple(Rating(time_s, "distress", value) for time_s, value in values)


def test_a_phase_has_its_first_and_its_last_rating_and_one_without_is_left_out() -> None:
    found = beside(PHASES, (50.0, 72.0, 51.0), _rated((590, 7), (10, 2), (310, 4), (290, 3)))
    assert found == (
        Beside("Baseline", 0, 2, 3, 50.0, None),
        Beside("Challenge", 300, 4, 7, 72.0, True),
    )


@pytest.mark.parametrize(
    ("said", "arousal", "agree"),
    [
        pytest.param(6, 72.0, True, id="both higher"),
        pytest.param(6, 50.0, False, id="only said"),
        pytest.param(3, 72.0, False, id="only seen"),
        pytest.param(4, 55.0, True, id="neither"),
        pytest.param(5, 61.0, True, id="two points are a change"),
        pytest.param(1, 35.0, True, id="both lower"),
        pytest.param(1, 65.0, False, id="opposite"),
        pytest.param(6, None, None, id="no arousal"),
    ],
)
def test_they_agree_where_both_lie_the_same_way_from_the_baseline(
    said: float, arousal: float | None, agree: bool | None
) -> None:
    found = beside(PHASES, (50.0, arousal, None), _rated((200, 3), (500, said)))
    assert found[1] == Beside("Challenge", 300, said, said, arousal, agree)


def test_nothing_is_compared_without_a_rating_of_the_baseline() -> None:
    assert beside(PHASES, (50.0, 72.0, 50.0), _rated((500, 6)))[0].agree is None


@pytest.mark.parametrize("paced", [0, 1])
def test_a_paced_phase_is_not_held_against_an_unpaced_one(paced: int) -> None:
    phases: list[Phase] = list(PHASES)
    phases[paced] = replace(phases[paced], pacer=Pacer(6.0))
    assert beside(phases, (50.0, 72.0, 50.0), _rated((200, 3), (500, 6)))[1].agree is None


def test_another_scale_is_no_distress() -> None:
    assert beside(PHASES, (50.0, 72.0, 50.0), (Rating(10, "calm", 5),)) == ()


def test_the_end_of_a_phase_is_the_next_ones() -> None:
    assert [each.phase for each in beside(PHASES, (50.0, 72.0, 50.0), _rated((300, 6)))] == ["Challenge"]
