"""How a phase is cut into blocks."""

import numpy as np
import pytest

from pipeline.model import Phase, PhaseKind
from pipeline.regulation.blocks import Blocks, edges_s, shortest_s, t95
from tests.pipeline.regulation.made import BASELINE, measure, wandering


def _phase(duration_s: float, start_s: float = 100.0) -> Phase:
    return Phase("P", PhaseKind.OTHER, start_s, start_s + duration_s)


@pytest.mark.parametrize(
    ("duration_s", "shortest", "blocks", "length_s"),
    [
        pytest.param(300.0, 30.0, 10, 30.0, id="five minutes"),
        pytest.param(310.0, 30.0, 10, 31.0, id="a rest is shared out"),
        pytest.param(299.9999999, 30.0, 10, 30.0, id="rounding takes no block"),
        pytest.param(300.0, 40.0, 7, 300 / 7, id="slow breath"),
        pytest.param(29.0, 30.0, 0, None, id="shorter than a block"),
        pytest.param(7200.0, 30.0, 40, 180.0, id="a long phase has longer ones"),
    ],
)
def test_blocks_fill_a_phase(duration_s: float, shortest: float, blocks: int, length_s: float | None) -> None:
    edges = edges_s(_phase(duration_s), shortest)
    assert max(len(edges) - 1, 0) == blocks
    if length_s is not None:
        assert np.diff(edges) == pytest.approx(length_s)
        assert (edges[0], edges[-1]) == (100.0, pytest.approx(100.0 + duration_s))


@pytest.mark.parametrize(
    ("breaths_per_min", "seconds"), [(None, 30.0), (15.0, 30.0), (6.0, 30.0), (4.5, 40.0)]
)
def test_a_block_holds_three_breaths(breaths_per_min: float | None, seconds: float) -> None:
    assert shortest_s(breaths_per_min) == seconds


def test_blocks_without_a_value_leave_their_place_empty() -> None:
    blocks = Blocks.of(measure(wandering(0.5, 10, 1, frozenset({0, 4}))), BASELINE)
    assert blocks.place.tolist() == [1, 2, 3, 5, 6, 7, 8, 9]
    assert blocks.length_s == 30


def test_a_phase_without_a_block_has_none() -> None:
    assert len(Blocks.of(measure(lambda *_: 1.0), _phase(10.0))) == 0


def test_the_point_of_students_t() -> None:
    assert (t95(0.2), t95(1), t95(4), t95(1e9)) == pytest.approx((12.706, 12.706, 2.776, 1.960), abs=1e-3)
