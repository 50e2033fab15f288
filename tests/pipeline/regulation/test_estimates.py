"""Estimates of phases: the phase's own values, what they rest on, and intervals as their theory has them."""

import math
from dataclasses import replace

import numpy as np
import pytest

from pipeline.model import Phase
from pipeline.regulation.blocks import Measure
from pipeline.regulation.estimates import MEASURES, Estimate, Unit, phase_estimates
from pipeline.values import Values
from tests.pipeline.regulation.made import BASELINE, measure, wandering

FEATURES = {
    "mean_hr_bpm": 70.0,
    "ln_rmssd": 3.5,
    "ln_scl": 1.5,
    "scr_per_min": 2.0,
    "lf_ms2": 400.0,
    "hf_ms2": 900.0,
    "beats": 350,
    "nn_pairs": 345,
    "scr_n": 10,
    "eda_coverage": 1.0,
}


def _estimate(
    by: Measure, phase: Phase = BASELINE, reasons: dict[str, str] | None = None, **features: float | None
) -> Estimate:
    values = Values(phase.start_s, phase.end_s, {**FEATURES, **features}, reasons or {})
    return phase_estimates(phase, values, [by])[0]


def _interval(found: Estimate) -> tuple[float, float]:
    assert found.low is not None
    assert found.high is not None
    return found.low, found.high


@pytest.mark.parametrize(
    ("name", "n", "unit"),
    [
        ("mean_hr_bpm", 350, Unit.BEATS),
        ("ln_rmssd", 345, Unit.DIFFERENCES),
        ("ln_scl", 300, Unit.SECONDS),
        ("scr_per_min", 10, Unit.RESPONSES),
    ],
)
def test_the_value_is_the_phases_own_and_says_what_it_rests_on(name: str, n: int, unit: Unit) -> None:
    found = _estimate(measure(wandering(0.3, 10, 1), name))
    assert (found.measure, found.phase, found.start_s, found.value) == (name, "Baseline", 0, FEATURES[name])
    assert (found.n, found.n_unit, found.blocks, found.reason) == (n, unit, 10, None)
    low, high = _interval(found)
    assert low < FEATURES[name] < high


@pytest.mark.parametrize("name", MEASURES)
def test_below_eight_blocks_the_value_stands_alone(name: str) -> None:
    found = _estimate(measure(wandering(0.3, 10, 1, frozenset({1, 5, 8})), name))
    assert (found.value, found.low, found.high, found.blocks) == (FEATURES[name], None, None, 7)
    assert found.reason == "an interval needs 8 usable blocks of half a minute or more, there are 7"


@pytest.mark.parametrize("name", MEASURES)
def test_a_value_that_a_floor_withholds_is_not_estimated_and_says_why(name: str) -> None:
    found = _estimate(measure(wandering(0.3, 10, 1), name), reasons={name: "needs 250 s"}, **{name: None})
    assert (found.value, found.low, found.high, found.n, found.blocks) == (None, None, None, 0, 0)
    assert found.reason == "needs 250 s"


def test_a_value_that_is_not_there_at_all_was_not_measured() -> None:
    assert _estimate(measure(wandering(0.3, 10, 1), "ln_scl"), ln_scl=None).reason == "it was not measured"


@pytest.mark.parametrize("name", MEASURES)
def test_the_end_of_a_phase_moved_by_a_shift_of_time_changes_nothing(name: str) -> None:
    noise = wandering(0.3, 10, 3)
    later = replace(BASELINE, start_s=64.0, end_s=364.0)
    one = _estimate(measure(lambda a, b: 20 + (noise(a, b) or 0.0), name))
    other = _estimate(measure(lambda a, b: 20 + (noise(a - 64.0, b) or 0.0), name), later)
    assert replace(other, start_s=0.0) == one


@pytest.mark.parametrize("gain", [1e-3, 1e3])
def test_an_interval_grows_with_the_scatter(gain: float) -> None:
    noise = wandering(0.3, 10, 3)
    widths = [
        np.diff(_interval(_estimate(measure(lambda a, b, g=g: g * (noise(a, b) or 0.0), "mean_hr_bpm"))))[0]  # type: ignore[misc]
        for g in (1.0, gain)
    ]
    assert widths[1] == pytest.approx(gain * widths[0])


@pytest.mark.parametrize("gain", [1e-3, 1e3])
def test_a_power_has_the_same_degrees_in_any_unit(gain: float) -> None:
    noise = wandering(0.3, 10, 3)
    one, other = (
        _estimate(measure(lambda a, b, g=g: g * (10 + (noise(a, b) or 0.0)), "hf_ms2"), hf_ms2=900.0 * g)  # type: ignore[misc]
        for g in (1.0, gain)
    )
    assert other.n == one.n
    assert _interval(other) == pytest.approx([gain * each for each in _interval(one)])


@pytest.mark.parametrize("gain", [0.0, 7.0])
def test_a_power_that_never_changes_has_no_error(gain: float) -> None:
    found = _estimate(measure(lambda *_: gain, "lf_ms2"))
    assert _interval(found) == pytest.approx((400.0, 400.0), rel=1e-4)


def test_no_response_has_a_rate_of_nothing_up_to_half_a_response_a_minute() -> None:
    """Jeffreys' interval of 0 events: up to 2.51 in 5 minutes."""
    found = _estimate(measure(lambda *_: 0.0, "scr_per_min"), scr_per_min=0.0, scr_n=0)
    low, high = _interval(found)
    assert low == 0
    assert high == pytest.approx(2.51 / 5, rel=0.25)
    assert high >= 2.51 / 5


def test_responses_in_bursts_tell_less_than_even_ones() -> None:
    even = _estimate(measure(lambda *_: 2.0, "scr_per_min"))
    bursts = _estimate(measure(lambda start_s, _: 10.0 if start_s in (60, 150) else 0.0, "scr_per_min"))
    assert np.diff(_interval(bursts))[0] > 1.3 * np.diff(_interval(even))[0]


@pytest.mark.parametrize(
    ("name", "shown"), [("ln_rmssd", "rmssd_ms"), ("ln_scl", "scl_us"), ("mean_hr_bpm", "mean_hr_bpm")]
)
def test_a_logarithm_is_shown_in_its_own_unit(name: str, shown: str) -> None:
    found = _estimate(measure(wandering(0.3, 10, 1), name))
    there = math.exp if name.startswith("ln_") else float
    expected = [there(each) for each in (found.value or 0.0, *_interval(found))]
    assert (found.shown.measure, [found.shown.value, *_interval(found.shown)]) == (shown, expected)


def test_what_has_no_interval_is_shown_without_one() -> None:
    bare = Estimate("ln_rmssd", "Baseline", 0.0, 0.0)
    assert bare.shown == replace(bare, measure="rmssd_ms", value=1.0)
