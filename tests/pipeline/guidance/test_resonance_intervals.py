"""How often intervals hold the truth and rates alike are told apart, from made-up breaths."""

import numpy as np
import pytest

from pipeline.guidance.resonance_intervals import Amplitudes, Means

COUNTS = {6.5: 9, 6.0: 9, 5.5: 8, 5.0: 7, 4.5: 6}
TRUE_BPM = 12.0


def _correlated(rng: np.random.Generator, count: int, r: float) -> np.ndarray:
    steps = rng.normal(0, 2.4, count) * np.sqrt(1 - r**2)
    steps[0] /= np.sqrt(1 - r**2)
    for place in range(1, count):
        steps[place] += r * steps[place - 1]
    return TRUE_BPM + steps


def _means(rng: np.random.Generator, r: float, **more_bpm: float) -> Means:
    return Means.of(
        {
            rate: Amplitudes(
                _correlated(rng, count, r) + more_bpm.get(f"at_{rate}", 0.0), np.arange(count) * 1.0
            )
            for rate, count in COUNTS.items()
        }
    )


@pytest.mark.parametrize(("r", "least"), [(0.0, 0.95), (0.3, 0.91), (0.5, 0.86)])
def test_intervals_hold_the_true_mean(r: float, least: float) -> None:
    rng, held = np.random.default_rng(1), []
    for _ in range(150):
        means = _means(rng, r)
        held += [low <= TRUE_BPM <= high for low, high in map(means.interval_bpm, COUNTS)]
    assert np.mean(held) >= least


@pytest.mark.parametrize(("r", "most"), [(0.0, 0.06), (0.3, 0.15)])
def test_rates_alike_are_seldom_told_apart(r: float, most: float) -> None:
    rng, told = np.random.default_rng(2), []
    for _ in range(60):
        means = _means(rng, r)
        largest = max(COUNTS, key=lambda rate: means.mean_bpm[rate])
        told.append(bool(means.lower_than(largest)))
    assert np.mean(told) <= most


def test_a_far_larger_swing_is_told_apart() -> None:
    means = _means(np.random.default_rng(3), 0.0, **{"at_5.5": 14.0})
    assert means.lower_than(5.5) == {6.5, 6.0, 5.0, 4.5}
    assert means.lower_than(6.5) == frozenset()


@pytest.mark.parametrize(("share", "lower"), [(0.96, False), (0.94, True)])
def test_less_than_a_twentieth_is_no_difference(share: float, lower: bool) -> None:
    steady = np.full(8, 10.0)
    by_rate = {5.5: steady, 6.0: share * steady}
    means = Means.of({rate: Amplitudes(value, np.arange(8) * 1.0) for rate, value in by_rate.items()})
    assert (6.0 in means.lower_than(5.5)) is lower


def test_a_gain_scales_everything_alike() -> None:
    one, ten = (
        Means.of({6.0: Amplitudes(gain * np.array([9.0, 11, 10, 12, 8]), np.array([0.0, 1, 2, 4, 5]))})
        for gain in (1.0, 10.0)
    )
    assert ten.interval_bpm(6.0) == pytest.approx([10 * edge for edge in one.interval_bpm(6.0)])
