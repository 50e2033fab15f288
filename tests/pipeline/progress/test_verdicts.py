"""Looks: when they are taken, what they come to, and that nothing between them is a test."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.progress.measures import BY_NAME, Prior
from pipeline.progress.reliability import supposed
from pipeline.progress.verdicts import (
    FIRST_LEVEL,
    LEVEL,
    REFERENCE_N,
    Day,
    Verdict,
    alpha_at,
    change_of,
    detectable,
    more_to_halve,
    series_of,
)

RMSSD = BY_NAME["ln_rmssd"]
UPS_AND_DOWNS = (0.1, -0.15, 0.05, -0.1, 0.1)


def days(values: list[float], origin: str = "A", first: int = 1) -> list[Day]:
    places = range(first, first + len(values))
    return [
        Day(f"s{place:03d}", f"2026-01-{place:02d}", place, value, origin)
        for place, value in zip(places, values, strict=True)
    ]


def around(*levels: float) -> list[float]:
    """A block of five about each level."""
    return [level + by for level in levels for by in UPS_AND_DOWNS]


def verdicts(values: list[float]) -> list[Verdict]:
    return [look.verdict for each in series_of(RMSSD, days(values), 1).values() for look in each.looks]


class TestLooks:
    @pytest.mark.parametrize(
        ("levels", "expected"),
        [
            pytest.param((3.7,), [], id="only a reference"),
            pytest.param((3.7, 3.7), [Verdict.NO_CHANGE], id="no change"),
            pytest.param((3.7, 4.3), [Verdict.HIGHER], id="higher"),
            pytest.param((3.7, 3.1), [Verdict.LOWER], id="lower"),
            pytest.param((3.7, 3.7, 4.4), [Verdict.NO_CHANGE, Verdict.HIGHER], id="later"),
            pytest.param((3.7, 4.3, 3.7), [Verdict.HIGHER, Verdict.NO_CHANGE], id="and back"),
        ],
    )
    def test_each_block_of_five_is_held_against_the_first(
        self, levels: tuple[float, ...], expected: list[Verdict]
    ) -> None:
        assert verdicts(around(*levels)) == expected

    def test_between_looks_nothing_is_tested(self) -> None:
        far = around(3.7) + [6.0] * 4
        assert verdicts(far) == []
        assert verdicts(around(3.7, 3.7) + [6.0] * 4) == [Verdict.NO_CHANGE]

    def test_what_was_named_once_is_kept_at_five_percent(self) -> None:
        """A change that the second look's own share of the error could not name."""
        after = next(
            level
            for level in np.arange(3.7, 4.4, 0.005).tolist()
            if verdicts(around(3.7, level))[-1] is Verdict.HIGHER
        )
        assert verdicts(around(3.7, 3.7, after)) == [Verdict.NO_CHANGE, Verdict.NO_CHANGE]
        assert verdicts(around(3.7, after, after)) == [Verdict.HIGHER, Verdict.HIGHER]

    def test_a_verdict_is_what_passes_the_bar_of_its_look(self) -> None:
        rng = np.random.default_rng(4)
        for _ in range(40):
            for look in series_of(RMSSD, days(rng.normal(3.7, 0.3, 20).tolist()), 1)["A"].looks:
                passed = abs(math.log(look.change.value)) > abs(math.log(look.bar))
                assert look.verdict.reliable is passed
                assert (look.bar > 1) is (look.change.value > 1)
                assert look.change.excludes_none or not passed
                assert look.below_the_bar is (look.change.excludes_none and not passed)

    def test_the_interval_is_of_95_percent_however_late_the_look(self) -> None:
        """The bar rises from look to look; the interval that is shown does not widen with it."""
        found = series_of(RMSSD, days(around(*[3.7] * 12)), 1)["A"].looks
        widths = [math.log(look.change.high / look.change.low) for look in found[5:]]
        bars = [abs(math.log(look.bar)) for look in found[5:]]
        assert max(widths) == pytest.approx(min(widths), rel=0.01)
        assert bars == sorted(bars)
        assert bars[-1] > 1.5 * widths[-1] / 2

    def test_outside_the_interval_and_below_the_bar(self) -> None:
        """A change that one look alone would have named, at a look that asks for more."""
        looks = series_of(RMSSD, days(around(3.7, 3.7, 3.95)), 1)["A"].looks
        assert [look.below_the_bar for look in looks] == [False, True]
        assert looks[-1].verdict is Verdict.NO_CHANGE

    @settings(max_examples=25, deadline=None)
    @given(st.lists(st.floats(2.5, 5.0), min_size=1, max_size=22), st.integers(0, 22))
    def test_looks_do_not_change_with_what_comes_later(self, values: list[float], count: int) -> None:
        def looks(some: list[float]) -> list[object]:
            return [look for each in series_of(RMSSD, days(some), 1).values() for look in each.looks]

        before = looks(values[:count])
        assert looks(values)[: len(before)] == before

    @settings(max_examples=25, deadline=None)
    @given(st.lists(st.floats(2.5, 5.0), min_size=10, max_size=15), st.floats(-2, 2))
    def test_a_gain_changes_no_verdict(self, values: list[float], gain: float) -> None:
        assert verdicts([value + gain for value in values]) == verdicts(values)

    def test_upside_down_is_the_other_verdict(self) -> None:
        rng = np.random.default_rng(1)
        other = {Verdict.HIGHER: Verdict.LOWER, Verdict.LOWER: Verdict.HIGHER}
        for _ in range(20):
            values = rng.normal(0, 0.3, 15)
            turned = [other.get(each, each) for each in verdicts((-values).tolist())]
            assert turned == verdicts(values.tolist())


class TestOrigins:
    def test_another_device_has_a_reference_of_its_own(self) -> None:
        found = series_of(RMSSD, days(around(3.7)) + days(around(4.3, 4.3), "B", 6), 1)
        assert [len(each.reference) for each in found.values()] == [REFERENCE_N, REFERENCE_N]
        assert [look.verdict for look in found["B"].looks] == [Verdict.NO_CHANGE]

    def test_looks_are_counted_over_all_of_them(self) -> None:
        found = series_of(RMSSD, days(around(3.7, 3.7)) + days(around(3.7, 3.7), "B", 11), 1)
        assert [look.number for each in found.values() for look in each.looks] == [1, 2]
        assert found["B"].looks[0].alpha == alpha_at(2)


class TestError:
    def test_all_looks_together_have_five_percent(self) -> None:
        assert sum(alpha_at(number) for number in range(1, 10_000)) == pytest.approx(LEVEL, rel=1e-3)
        assert alpha_at(1) == FIRST_LEVEL
        assert 2 * alpha_at(3, 2) == alpha_at(3)

    def test_a_known_answer(self) -> None:
        """With a certain sigma and independent days it is the textbook's z interval of two means."""
        certain = replace(RMSSD, prior=Prior(0.2, 0.2 * (1 - 1e-9), ""))
        error = supposed(certain.prior)
        independent = replace(error, weight=error.weight * (np.arange(7)[:, None] == 0))
        independent = replace(independent, weight=independent.weight / independent.weight.sum())
        made = days(around(3.7, 4.0))
        change = change_of(RMSSD, independent, made[:5], made[5:])
        margin = 1.959964 * 0.2 * math.sqrt(2 / 5)
        expected = [math.exp(0.3), math.exp(0.3 - margin), math.exp(0.3 + margin)]
        assert [change.value, change.low, change.high] == pytest.approx(expected, rel=2e-3)

    def test_the_detectable_change_is_the_one_that_is_named(self) -> None:
        error = supposed(RMSSD.prior)
        limit, made = detectable(error, LEVEL), days([3.7] * 10)
        moved = [replace(day, value=3.7 + 1.002 * limit) for day in made[5:]]
        assert change_of(RMSSD, error, made[:5], moved).excludes_none
        moved = [replace(day, value=3.7 + 0.998 * limit) for day in made[5:]]
        assert not change_of(RMSSD, error, made[:5], moved).excludes_none

    def test_more_baselines_halve_it(self) -> None:
        error = supposed(RMSSD.prior)
        more = more_to_halve(error, 0.05)
        assert more is not None
        n = REFERENCE_N + more // 2
        assert detectable(error, 0.05, n) <= detectable(error, 0.05) / 2 < detectable(error, 0.05, n - 1)
        assert more >= 30  # error falls with the root of their number at best
