"""A random order: the same from the same seed, fair, and not to be guessed."""

from collections import Counter

import pytest

from pipeline.errors import UsageError
from pipeline.profile import Alternation
from pipeline.progress.alternation import AlternationPlan, alternation_plan, strategy_for

TWO = ("slow-breathing", "five-senses")
THREE = (*TWO, "safe-place")
TODAY = "2026-03-02"


def plan_of(strategies: tuple[str, ...], seed: int) -> AlternationPlan:
    return alternation_plan(Alternation(strategies, seed, TODAY))


def test_a_known_order() -> None:
    """It stays the same on any machine: an agreement is stored as its seed."""
    plan = plan_of(TWO, 7)
    assert (plan.since, plan.seed, len(plan.order)) == ("2026-03-02", 7, 10)
    assert [name[0] for name in plan.order] == list("fsfsfssffs")
    assert [strategy_for(TWO, 7, number) for number in range(10)] == list(plan.order)


@pytest.mark.parametrize("strategies", [TWO, THREE])
@pytest.mark.parametrize("seed", range(5))
def test_every_run_holds_each_once(strategies: tuple[str, ...], seed: int) -> None:
    order = plan_of(strategies, seed).order
    runs = [order[start : start + len(strategies)] for start in range(0, len(order), len(strategies))]
    assert all(sorted(run) == sorted(strategies) for run in runs)
    assert Counter(order) == dict.fromkeys(strategies, 5)


def test_how_they_are_listed_makes_no_difference() -> None:
    assert plan_of(TWO, 3).order == plan_of(TWO[::-1], 3).order


def test_either_may_come_first() -> None:
    first = Counter(plan_of(TWO, seed).order[0] for seed in range(400))
    assert 160 < first[TWO[0]] < 240


def test_a_longer_plan_begins_as_a_shorter() -> None:
    agreed = Alternation(THREE, 11, "2026-03-02")
    assert alternation_plan(agreed, 40).order[:15] == alternation_plan(agreed).order


def test_one_strategy_cannot_be_alternated() -> None:
    with pytest.raises(UsageError):
        plan_of(TWO[:1], 1)
