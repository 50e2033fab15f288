"""How often intervals hold the truth and which rates are told apart, from made-up breaths."""

import numpy as np
import pytest

from pipeline.guidance.resonance_intervals import Amplitudes, Means
from tests.pipeline.guidance.alike import COUNTS, TRUE_BPM, means


@pytest.mark.parametrize(("r", "least"), [(0.0, 0.95), (0.3, 0.91), (0.5, 0.86)])
def test_intervals_hold_the_true_mean(r: float, least: float) -> None:
    rng, held = np.random.default_rng(1), []
    for _ in range(150):
        held += [low <= TRUE_BPM <= high for low, high in map(means(rng, r).interval_bpm, COUNTS)]
    assert np.mean(held) >= least


def test_a_far_larger_swing_is_told_apart() -> None:
    found = means(np.random.default_rng(3), 0.0, **{"at_5.5": 14.0})
    assert found.lower_than(5.5) == {6.5, 6.0, 5.0, 4.5}
    assert found.lower_than(6.5) == frozenset()


@pytest.mark.parametrize(("share", "lower"), [(0.96, False), (0.94, True)])
def test_less_than_a_twentieth_is_no_difference(share: float, lower: bool) -> None:
    steady = np.full(8, 10.0)
    by_rate = {5.5: steady, 6.0: share * steady}
    both = Means.of({rate: Amplitudes(value, np.arange(8) * 1.0) for rate, value in by_rate.items()})
    assert (6.0 in both.lower_than(5.5)) is lower


def test_a_gain_scales_everything_alike() -> None:
    one, ten = (
        Means.of({6.0: Amplitudes(gain * np.array([9.0, 11, 10, 12, 8]), np.array([0.0, 1, 2, 4, 5]))})
        for gain in (1.0, 10.0)
    )
    assert ten.interval_bpm(6.0) == pytest.approx([10 * edge for edge in one.interval_bpm(6.0)])
