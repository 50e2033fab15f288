"""A random order: the same from the same seed, fair, and not to be guessed."""

from collections import Counter
from datetime import date

import pytest

from pipeline.errors import UsageError
from pipeline.profile import Alternation
from pipeline.progress.alternation import alternation_plan, offered

TWO = ("slow-breathing", "five-senses")
THREE = (*TWO, "safe-place")
TODAY = date(2026, 3, 2)


def test_a_known_order() -> None:
    """It stays the same on any machine: an agreement is stored as its seed."""
    plan = offered(TWO, 7, TODAY)
    assert (plan.since, plan.seed, len(plan.order)) == ("2026-03-02", 7, 10)
    assert [name[0] for name in plan.order] == list("fsfsfssffs")
    assert [plan.assigned(number) for number in range(10)] == list(plan.order)


@pytest.mark.parametrize("strategies", [TWO, THREE])
@pytest.mark.parametrize("seed", range(5))
def test_every_run_holds_each_once(strategies: tuple[str, ...], seed: int) -> None:
    order = offered(strategies, seed, TODAY).order
    runs = [order[start : start + len(strategies)] for start in range(0, len(order), len(strategies))]
    assert all(sorted(run) == sorted(strategies) for run in runs)
    assert Counter(order) == dict.fromkeys(strategies, 5)


def test_how_they_are_listed_makes_no_difference() -> None:
    assert offered(TWO, 3, TODAY).order == offered(TWO[::-1], 3, TODAY).order


def test_either_may_come_first() -> None:
    first = Counter(offered(TWO, seed, TODAY).order[0] for seed in range(400))
    assert 160 < first[TWO[0]] < 240


def test_a_longer_plan_begins_as_a_shorter() -> None:
    agreed = Alternation(THREE, 11, "2026-03-02")
    assert alternation_plan(agreed, 40).order[:15] == alternation_plan(agreed).order


def test_one_strategy_cannot_be_alternated() -> None:
    with pytest.raises(UsageError):
        offered(TWO[:1], 1, TODAY)
