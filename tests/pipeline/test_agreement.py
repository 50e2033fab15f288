from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.agreement import Agreement, Overlap, until, whole_seconds
from pipeline.spans import Stretches

COUNTS = st.integers(0, 50)


def spans(*edges: tuple[float, float]) -> Stretches:
    return Stretches.of(edges)


class TestAgreement:
    @pytest.mark.parametrize(
        ("counts", "observed", "kappa"),
        [
            pytest.param((20, 5, 10, 15), 0.70, 0.40, id="fifty-applications"),
            pytest.param((45, 15, 25, 15), 0.60, 0.1304, id="the-first-hundred"),
            pytest.param((25, 35, 5, 35), 0.60, 0.2593, id="the-second-hundred"),
            pytest.param((10, 0, 0, 90), 1.0, 1.0, id="the-same"),
            pytest.param((25, 25, 25, 25), 0.5, 0.0, id="chance"),
            pytest.param((0, 50, 50, 0), 0.0, -1.0, id="the-opposite"),
        ],
    )
    def test_known_answers(self, counts: tuple[int, int, int, int], observed: float, kappa: float) -> None:
        found = Agreement(*counts)
        assert found.observed == pytest.approx(observed)
        assert found.kappa == pytest.approx(kappa, abs=5e-5)

    def test_what_is_rare_has_high_agreement_and_low_kappa(self) -> None:
        found = Agreement(1, 4, 4, 991)
        assert found.observed == pytest.approx(0.992)
        assert found.kappa == pytest.approx(0.196, abs=1e-3)
        assert found.shares == pytest.approx((0.005, 0.005))

    @pytest.mark.parametrize("counts", [(0, 0, 0, 0), (0, 0, 0, 9), (9, 0, 0, 0)])
    def test_no_kappa_where_chance_agrees_as_well(self, counts: tuple[int, int, int, int]) -> None:
        assert Agreement(*counts).kappa is None

    def test_counts_of_labels(self) -> None:
        first, second = np.array([1, 1, 0, 0, 0], bool), np.array([1, 0, 1, 0, 0], bool)
        assert Agreement.of(first, second) == Agreement(1, 1, 1, 2)
        assert Agreement.of(first[:0], second[:0]) == Agreement()
        assert Agreement.of(first, second) + Agreement(1, 0, 0, 0) == Agreement(2, 1, 1, 2)

    @given(COUNTS, COUNTS, COUNTS, COUNTS)
    def test_neither_rater_comes_first_and_neither_label(self, a: int, b: int, c: int, d: int) -> None:
        found = Agreement(a, b, c, d).kappa
        assert Agreement(a, c, b, d).kappa == (found if found is None else pytest.approx(found))
        assert Agreement(d, b, c, a).kappa == (found if found is None else pytest.approx(found))
        assert found is None or -1 - 1e-9 <= found <= 1 + 1e-9


class TestOverlap:
    @pytest.mark.parametrize(
        ("first", "second", "jaccard"),
        [
            pytest.param(spans((0, 10)), spans((0, 10)), 1.0, id="the same"),
            pytest.param(spans((0, 10)), spans((5, 15)), 1 / 3, id="half of each"),
            pytest.param(spans((0, 4), (6, 10)), spans((3, 7)), 2 / 10, id="across a hole"),
            pytest.param(spans((0, 1)), spans((2, 3)), 0.0, id="apart"),
            pytest.param(spans(), spans((2, 3)), 0.0, id="only one"),
            pytest.param(spans(), spans(), None, id="nothing"),
        ],
    )
    def test_known_answers(self, first: Stretches, second: Stretches, jaccard: float | None) -> None:
        for pair in ((first, second), (second, first)):
            found = Overlap.of(*pair).jaccard
            assert found is None if jaccard is None else found == pytest.approx(jaccard)

    def test_recordings_add_up(self) -> None:
        assert Overlap(1, 2) + Overlap(3, 4) == Overlap(4, 6)


def test_a_second_counts_where_half_of_it_is_filled() -> None:
    found = whole_seconds(spans((0.5, 2.4), (4.6, 9)), 6.7)
    assert found.tolist() == [True, True, False, False, False, True]


def test_nothing_counts_after_the_end() -> None:
    cut = until(spans((0, 2), (4, 9), (20, 30)), 6)
    assert (cut.start_s.tolist(), cut.end_s.tolist()) == ([0, 4], [2, 6])
