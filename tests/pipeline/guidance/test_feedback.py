"""How full a picture is: the threshold is the middle, and the direction is the measure's own."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.guidance.feedback import MEASURES, Measure, level, threshold_of

MORE_IS_FULLER = {Measure.RHYTHM_CONCENTRATION}


def test_every_measure_that_a_protocol_may_name_has_a_scale() -> None:
    assert set(MEASURES) == set(Measure)


@pytest.mark.parametrize("measure", Measure)
def test_the_threshold_is_half_full(measure: Measure) -> None:
    assert level(measure, 7.0, 7.0) == 0.5


@pytest.mark.parametrize("measure", Measure)
def test_more_is_fuller_only_where_more_is_wanted(measure: Measure) -> None:
    assert (level(measure, 7.5, 7.0) > 0.5) is (measure in MORE_IS_FULLER)


def test_one_step_above_the_threshold_fills_it_to_a_known_share() -> None:
    fuller = level(Measure.RHYTHM_CONCENTRATION, math.exp(0.7), 1.0)
    assert fuller == pytest.approx(1 / (1 + math.exp(-1)))
    assert level(Measure.AROUSAL, 45.0, 50.0) == pytest.approx(fuller)


@given(st.sampled_from(list(Measure)), st.floats(0, 1e6), st.floats(0, 1e6))
def test_a_picture_is_never_emptier_than_empty_nor_fuller_than_full(
    measure: Measure, value: float, threshold: float
) -> None:
    assert 0 <= level(measure, value, threshold) <= 1


@pytest.mark.parametrize(
    ("own", "baseline", "expected"),
    [
        pytest.param({"scl_us": 3.0}, {"scl_us": 5.0}, 3.0, id="the person's own comes first"),
        pytest.param({}, {"scl_us": 5.0}, 5.0, id="then the baseline's"),
        pytest.param({}, {}, None, id="without either there is none"),
    ],
)
def test_whose_threshold_it_is(
    own: dict[str, float], baseline: dict[str, float], expected: float | None
) -> None:
    assert threshold_of(Measure.SKIN_LEVEL, own, baseline) == expected


def test_a_rhythm_has_a_usual_threshold() -> None:
    assert threshold_of(Measure.RHYTHM_CONCENTRATION, {}, {}) == 1.0
