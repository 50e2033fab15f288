"""Scales: there and back, and what has no place on them."""

import math

import pytest

from pipeline.progress.measures import BY_NAME, MEASURES, Measure, cv_of, sigma_of


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.name)
def test_what_is_scaled_is_shown_in_the_unit(measure: Measure) -> None:
    stored = math.log(measure.usual) if measure.stored_ln else measure.usual
    assert measure.scaled(stored) == pytest.approx(measure.typical)
    assert measure.shown(measure.typical) == pytest.approx(measure.usual)


@pytest.mark.parametrize(
    ("name", "difference", "reference", "told"),
    [
        ("ln_rmssd", math.log(1.5), 3.7, 1.5),
        ("mean_hr_bpm", math.log(0.9), math.log(70), 0.9),
        ("ln_scl", 0.0, 1.5, 1.0),
        ("scr_per_min", 1.0, 1.0, 3.0),
        ("scr_per_min", -2.0, 1.0, -1.0),
    ],
)
def test_a_change_is_a_ratio_or_in_the_unit(
    name: str, difference: float, reference: float, told: float
) -> None:
    assert BY_NAME[name].change(difference, reference) == pytest.approx(told)


@pytest.mark.parametrize(("name", "value"), [("mean_hr_bpm", 0.0), ("scr_per_min", -1.0)])
def test_what_has_no_place_on_the_scale_is_none(name: str, value: float) -> None:
    assert BY_NAME[name].scaled(value) is None


def test_no_responses_have_a_place() -> None:
    assert BY_NAME["scr_per_min"].scaled(0.0) == 0.0


def test_errors_there_and_back() -> None:
    assert cv_of(sigma_of(0.21)) == pytest.approx(0.21)
    assert sigma_of(0.21) == pytest.approx(0.1906, abs=1e-4)
