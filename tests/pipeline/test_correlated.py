"""How alike neighbours are, and what their scatter tells, against processes that are known."""

import numpy as np
import pytest

from pipeline.correlated import Run, lag_one, scatter


def _run(r: float, count: int, seed: int, missing: frozenset[int] = frozenset()) -> Run:
    """Residuals of an AR(1) process of variance 1."""
    dice = np.random.default_rng(seed)
    values = [float(dice.normal())]
    for innovation in dice.normal(0, np.sqrt(1 - r * r), count - 1):
        values.append(r * values[-1] + float(innovation))
    place = np.array([each for each in range(count) if each not in missing], dtype=np.float64)
    kept = np.array(values)[place.astype(int)]
    return Run(kept - kept.mean(), place)


@pytest.mark.parametrize("r", [0.0, 0.3, 0.6, 0.8])
def test_many_values_tell_their_correlation_whatever_the_prior(r: float) -> None:
    runs = [_run(r, 30, seed) for seed in range(150)]
    found = [lag_one(runs, prior) for prior in (0.0, 0.9)]
    assert found == pytest.approx([r, r], abs=0.05)


@pytest.mark.parametrize("prior_r", [0.3, 0.6])
def test_values_that_do_not_vary_leave_the_prior(prior_r: float) -> None:
    assert lag_one([Run(np.zeros(8), np.arange(8.0))], prior_r) == prior_r


def test_a_few_values_are_drawn_towards_the_prior() -> None:
    few = [_run(0.0, 6, seed) for seed in range(60)]
    assert np.mean([lag_one([run], 0.6) for run in few]) > np.mean([lag_one([run], 0.0) for run in few]) + 0.3


@pytest.mark.parametrize("r", [0.0, 0.5])
def test_the_scatter_is_the_variance_of_a_value(r: float) -> None:
    runs = [_run(r, 9, seed, frozenset({3})) for seed in range(1500)]
    variance, degrees = scatter(runs, r)
    assert variance == pytest.approx(1.0, abs=0.06)
    assert degrees == pytest.approx(len(runs) * scatter(runs[:1], r)[1])


def test_independent_values_have_one_degree_less_than_values() -> None:
    assert scatter([_run(0.0, 9, 1)], 0.0)[1] == pytest.approx(8)


def test_across_a_missing_value_none_are_neighbours() -> None:
    run = Run(np.zeros(3), np.array([0.0, 1.0, 3.0]))
    assert [(int(later), int(earlier)) for later, earlier in np.argwhere(run.neighbours)] == [(1, 0)]


def test_what_a_course_takes_out_is_allowed_for() -> None:
    """The variance of a value is the same whether a mean or a mean and a line were fitted."""
    lines = []
    for seed in range(1500):
        value = _run(0.5, 9, seed).residual + 0.8 * np.arange(9)
        lines.append(Run.about(value, np.arange(9.0), np.arange(9.0)[:, np.newaxis]))
    variance, degrees = scatter(lines, 0.5)
    assert variance == pytest.approx(1.0, abs=0.07)
    assert degrees < scatter([_run(0.5, 9, 1)] * 1500, 0.5)[1]


def test_a_course_without_columns_is_a_mean() -> None:
    run = _run(0.3, 9, 4, frozenset({2}))
    about = Run.about(run.residual + 5.0, run.place, np.empty((8, 0)))
    assert about.residual == pytest.approx(run.residual)
    assert scatter([about], 0.3) == pytest.approx(scatter([run], 0.3))
    assert lag_one([about], 0.6) == pytest.approx(lag_one([run], 0.6))


def test_a_course_that_fits_leaves_nothing() -> None:
    place = np.arange(8.0)
    assert Run.about(3 * place - 1, place, place[:, np.newaxis]).residual == pytest.approx(
        np.zeros(8), abs=1e-9
    )
