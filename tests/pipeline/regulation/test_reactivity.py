"""Reactivity against known answers, and when it must not be told."""

import math
from dataclasses import replace

import numpy as np
import pytest

from pipeline.model import Phase, PhaseKind
from pipeline.regulation.reactivity import Reactivity, reactivity
from tests.pipeline.regulation.made import BASELINE, CHALLENGE, Value, level, measure, wandering


def _reacted(value: Value, before: Phase = BASELINE, during: Phase = CHALLENGE) -> Reactivity:
    return reactivity(measure(value), before, during)


def test_a_rise_is_found_with_an_interval_that_holds_it() -> None:
    found = _reacted(level())
    assert found.change == pytest.approx(10, abs=1)
    assert found.low is not None
    assert found.high is not None
    assert found.low < 10 < found.high
    assert found.stands_out
    assert found.exceeds_twice_its_error
    assert found.blocks == 20


def test_no_change_seldom_stands_out() -> None:
    told = [_reacted(level(noise=2, rise=0, seed=seed)).stands_out for seed in range(400)]
    assert np.mean(told) < 0.08


@pytest.mark.parametrize("each", [6, 10])
@pytest.mark.parametrize(("r", "at_most"), [(0.0, 0.02), (0.3, 0.04), (0.5, 0.08), (0.7, 0.18)])
def test_no_change_seldom_stands_out_where_blocks_are_alike(each: int, r: float, at_most: float) -> None:
    """The bounds are those of the docstring; apart by a pause, as nothing the phases share cancels out."""
    before = Phase("Baseline", PhaseKind.BASELINE, 0, 30 * each)
    during = Phase("Challenge", PhaseKind.STRESSOR, 30 * each + 300, 60 * each + 300)
    told = [_reacted(wandering(r, 2 * each + 10, seed), before, during).stands_out for seed in range(400)]
    assert np.mean(told) <= at_most


def test_across_a_missing_block_none_are_neighbours() -> None:
    before, during = (Phase("P", PhaseKind.OTHER, start_s, start_s + 270) for start_s in (0, 270))
    gaps = frozenset({2, 5, 11, 14})
    told = [_reacted(wandering(0.5, 18, seed, gaps), before, during).stands_out for seed in range(400)]
    assert np.mean(told) <= 0.08


@pytest.mark.parametrize(("gain", "offset"), [(-1e3, 7.0), (1e-3, -2.0)])
def test_a_gain_and_an_offset_change_no_reading(gain: float, offset: float) -> None:
    noise = wandering(0.4, 20, 1)
    plain = _reacted(noise)
    scaled = _reacted(lambda a, b: gain * (noise(a, b) or 0.0) + offset)
    expected = sorted(gain * (each or 0.0) for each in (plain.low, plain.high))
    assert [scaled.low, scaled.high] == pytest.approx(expected)
    assert scaled.error == pytest.approx(abs(gain) * (plain.error or 0.0))


def test_a_shift_of_time_changes_nothing() -> None:
    noise = wandering(0.4, 20, 1)
    later = [
        replace(phase, start_s=phase.start_s + 71.5, end_s=phase.end_s + 71.5)
        for phase in (BASELINE, CHALLENGE)
    ]
    shifted = _reacted(lambda a, b: noise(a - 71.5 + 1e-6, b), *later)
    plain = _reacted(noise)
    assert (shifted.change, shifted.low, shifted.high) == pytest.approx((plain.change, plain.low, plain.high))


def test_a_measure_that_never_moves_has_no_error() -> None:
    found = _reacted(lambda start_s, _: 2.0 if start_s < 300 else 3.0)
    assert (found.change, found.low, found.high, found.error) == pytest.approx((1, 1, 1, 0), abs=1e-12)


def test_a_challenge_is_known_by_its_start() -> None:
    assert _reacted(level()).challenge_start_s == 300


@pytest.mark.parametrize(
    ("value", "where"),
    [
        pytest.param(
            lambda start, _: None if start >= 300 else 70.0, "Challenge", id="none in the challenge"
        ),
        pytest.param(lambda start, _: math.nan if start < 300 else 1.0, "Baseline", id="not finite before"),
        pytest.param(lambda start, _: 1.0 if start % 300 < 90 else None, "Baseline", id="three blocks each"),
    ],
)
def test_too_little_signal_is_said_and_where(value: Value, where: str) -> None:
    found = _reacted(value)
    assert (found.change, found.stands_out, found.exceeds_twice_its_error) == (None, False, False)
    assert found.reason == f"too little usable signal in {where}"
