"""How blocks vary, and what that says of their means, against processes that are known."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.regulation.blocks import Blocks
from pipeline.regulation.drift import Drift
from tests.pipeline.regulation.made import BASELINE, measure, wandering


def _error(r: float, share: float, seeds: int = 400) -> tuple[float, float]:
    """The error of a mean as blocks have it, on average, and as the means themselves have it."""
    found, means = [], []
    for seed in range(seeds):
        blocks = Blocks.of(measure(wandering(r, 10, seed)), BASELINE)
        found.append(float(Drift.of([blocks], share).covariance([blocks])[0, 0]))
        means.append(blocks.mean)
    return float(np.sqrt(np.mean(found))), float(np.std(means))


@pytest.mark.parametrize(("r", "share"), [(0.0, 0.0), (0.4, 0.6), (0.6, 0.9)])
def test_the_error_of_a_mean_is_that_of_means_or_a_little_more(r: float, share: float) -> None:
    """More where a drift is allowed for that these blocks do not have."""
    told, seen = _error(r, share)
    assert seen <= told <= 1.35 * seen


def test_what_drifts_on_from_one_phase_to_the_next_is_no_error_of_their_difference() -> None:
    noise = measure(wandering(0.6, 30, 1))
    first, second, third = (
        Blocks.of(noise, replace(BASELINE, start_s=at, end_s=at + 300)) for at in (0, 300, 600)
    )
    covariance = Drift.of([first, second], 0.9).covariance([first, second, third])
    assert covariance == pytest.approx(covariance.T)
    assert covariance[0, 0] > covariance[0, 1] > covariance[0, 2] > 0
    assert covariance[0, 1] == pytest.approx(covariance[1, 2])


def test_a_decline_towards_where_a_phase_settles_is_no_error() -> None:
    declining = Blocks.of(measure(lambda start_s, _: 70 + 9 * float(np.exp(-(start_s + 15) / 60))), BASELINE)
    assert Drift.of([declining], 0.7).variance == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("gain", [-1e3, 1e-3])
def test_a_gain_and_an_offset_change_no_correlation(gain: float) -> None:
    noise = Blocks.of(measure(wandering(0.4, 10, 1)), BASELINE)
    plain, other = (Drift.of([each], 0.7) for each in (noise, replace(noise, value=gain * noise.value + 5)))
    assert (other.variance, other.degrees, other.r) == pytest.approx(
        (gain**2 * plain.variance, plain.degrees, plain.r)
    )


def _blocks(value: np.ndarray) -> Blocks:
    return Blocks(value, np.arange(float(len(value))), 30.0)


def test_blocks_that_drift_are_more_alike_than_those_that_alternate() -> None:
    place = np.arange(12)
    drifting, alternating = (_blocks(np.cos(np.pi * place * step)) for step in (1 / 6, 1.0))
    assert Drift.of([drifting], 0.5).r > Drift.of([alternating], 0.5).r


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_what_never_moves_leaves_what_was_known(share: float) -> None:
    nothing = Drift.of([_blocks(np.zeros(10))], 0.0), Drift.of([_blocks(np.zeros(10))], share)
    assert (nothing[0].r, nothing[0].variance) == (0.0, 0.0)
    assert nothing[1].r == pytest.approx(share * Drift.of([_blocks(np.zeros(10))], 1.0).r)


def test_independent_blocks_lose_a_degree_for_each_thing_that_was_fitted() -> None:
    """A level and a decline."""
    assert Drift.of([_blocks(np.zeros(10))], 0.0).degrees == pytest.approx(8)


def test_across_a_missing_block_none_are_neighbours() -> None:
    """Without neighbours there is nothing to draw the prior from."""
    noise = wandering(0.5, 16, 1)
    holed = Blocks(
        np.array([noise(30.0 * place, 0.0) for place in range(0, 16, 2)]), np.arange(0.0, 16, 2), 30.0
    )
    assert Drift.of([holed], 0.5).r == pytest.approx(0.5 * Drift.of([_blocks(np.zeros(10))], 1.0).r)


def test_a_shift_of_time_changes_nothing() -> None:
    noise = Blocks.of(measure(wandering(0.4, 20, 1)), replace(BASELINE, end_s=600.0))
    first, second = (replace(noise, start_s=start_s) for start_s in (0.0, 1e4))
    assert Drift.of([first], 0.7) == Drift.of([second], 0.7)
