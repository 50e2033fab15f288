"""A person's own error: near the literature's to begin with, near their own in the end."""

import math

import numpy as np
import pytest

from pipeline.progress.measures import BY_NAME, cv_of, sigma_of
from pipeline.progress.reliability import learned, reliability, supposed, unit_of

RMSSD = BY_NAME["ln_rmssd"]


def blocks(sigma: float, r: float, count: int, seed: int) -> tuple[list[float], list[int], list[int]]:
    """Baselines with this error, in blocks of five; each block about a level of its own."""
    rng = np.random.default_rng(seed)
    steps = [rng.standard_normal()]
    while len(steps) < 5 * count:
        steps.append(r * steps[-1] + math.sqrt(1 - r * r) * rng.standard_normal())
    block = [number // 5 for number in range(5 * count)]
    level = rng.normal(3.7, 1.0, count)
    return (
        [level[b] + sigma * step for b, step in zip(block, steps, strict=True)],
        list(range(5 * count)),
        block,
    )


class TestPrior:
    def test_it_is_the_literatures(self) -> None:
        own = reliability(RMSSD, supposed(RMSSD.prior), 0)
        assert own.cv == pytest.approx(0.21, abs=0.002)
        assert (own.sessions, own.learned) == (0, 0.0)

    def test_nobody_lies_below_its_least_and_nine_of_ten_below_35_percent(self) -> None:
        before = supposed(RMSSD.prior)
        assert cv_of(float(before.sigma.min())) >= 0.12
        assert cv_of(before.quantile(0.91)) == pytest.approx(0.35, abs=0.01)

    def test_days_are_a_little_alike(self) -> None:
        assert 0.05 < supposed(RMSSD.prior).r < 0.2


class TestLearning:
    @pytest.mark.parametrize("cv", [0.14, 0.21, 0.35])
    def test_many_baselines_teach_the_own_error(self, cv: float) -> None:
        found = [
            reliability(RMSSD, learned(RMSSD.prior, *blocks(sigma_of(cv), 0.15, 12, seed)), 60).cv
            for seed in range(20)
        ]
        print(f"own error of {100 * cv:.0f} %: {100 * np.mean(found):.1f} % learned from 60 baselines")
        assert np.mean(found) == pytest.approx(cv, rel=0.12)

    def test_few_lean_on_the_prior(self) -> None:
        few, many = (
            np.mean([learned(RMSSD.prior, *blocks(0.35, 0.1, count, seed)).middle for seed in range(30)])
            for count in (1, 12)
        )
        assert sigma_of(0.21) < few < many < 0.4

    def test_the_more_baselines_the_more_is_learned(self) -> None:
        shares = [
            reliability(RMSSD, learned(RMSSD.prior, *blocks(0.19, 0.1, count, 3)), 5 * count).learned
            for count in (1, 3, 9)
        ]
        assert shares == sorted(shares)
        assert 0 < shares[0] < 0.6 < shares[-1] < 1

    def test_its_interval_holds_the_truth(self) -> None:
        """Of people who are as the prior supposes, in about 95 of 100."""
        rng, inside, prior = np.random.default_rng(5), [], RMSSD.prior
        for seed in range(200):
            sigma = prior.least * math.exp(prior.scale * rng.rayleigh())
            own = reliability(RMSSD, learned(RMSSD.prior, *blocks(sigma, 0.1, 2, seed)), 10)
            inside.append(own.low <= cv_of(sigma) <= own.high)
        print(f"the interval of the own error holds the truth in {100 * np.mean(inside):.0f} %")
        assert np.mean(inside) > 0.88

    def test_a_change_between_blocks_is_no_error(self) -> None:
        values, place, block = blocks(0.19, 0.1, 4, 8)
        moved = [value + 2.0 * number for value, number in zip(values, block, strict=True)]
        assert learned(RMSSD.prior, moved, place, block).middle == pytest.approx(
            learned(RMSSD.prior, values, place, block).middle
        )

    def test_alike_days_are_noticed(self) -> None:
        low, high = (
            np.mean([learned(RMSSD.prior, *blocks(0.19, r, 6, seed)).r for seed in range(20)])
            for r in (0.0, 0.6)
        )
        assert low < supposed(RMSSD.prior).r < high

    def test_one_baseline_a_block_teaches_nothing(self) -> None:
        assert learned(RMSSD.prior, [3.7, 3.9], [1, 2], [0, 1]).middle == supposed(RMSSD.prior).middle


def test_the_mean_of_alike_days_gains_less_than_the_root_of_their_number() -> None:
    mean_of_five = unit_of(range(5), np.full(5, 0.2))
    assert mean_of_five[0] == pytest.approx(1 / math.sqrt(5))
    assert (np.diff(mean_of_five) > 0).all()
