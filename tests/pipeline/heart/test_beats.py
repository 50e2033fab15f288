import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.heart.beats import BeatKind, Beats, adjacent

NORMAL, ECTOPIC, MISSED, EXTRA, LONG_SHORT, IMPLAUSIBLE, EXCLUDED = BeatKind


def test_masks_counts_and_cover() -> None:
    kind = np.array([NORMAL, NORMAL, MISSED, NORMAL, NORMAL], dtype=np.int8)
    beats = Beats(
        np.array([1.0, 2.0, 4.0, 5.0, 9.0]), np.array([1000.0, 1000.0, 2000.0, 1000.0, 1000.0]), kind
    )
    assert beats.nn.tolist() == [True, True, False, True, True]
    assert beats.adjacent.tolist() == [False, True, True, True, False]
    assert beats.pairs.tolist() == [False, True, False, False, False]
    assert beats.counts == {**dict.fromkeys(BeatKind, 0), NORMAL: 4, MISSED: 1}
    assert beats.corrected_pct == 20
    assert beats.covered_s(0, 9) == 4
    assert beats.covered_s(0.5, 8.25) == pytest.approx(0.5 + 1 + 1 + 0.25)
    assert beats.covered_s(2, 4) == 0
    assert beats.between(2.0, 5.0).time_s.tolist() == [2.0, 4.0]
    assert not beats.between(2.0, 5.0).adjacent[0]


@pytest.mark.parametrize(
    ("late_ms", "follows"),
    [(29, True), (-29, True), (39, True), (41, False), (-41, False), (5000, False)],
)
def test_adjacent_within_30_ms_or_5_percent(late_ms: float, follows: bool) -> None:
    assert follows == adjacent(np.array([0.8, 1.6 + late_ms / 1000]), np.array([800.0, 800.0]))[1]


def test_no_beats() -> None:
    beats = Beats(np.empty(0), np.empty(0), np.empty(0, dtype=np.int8))
    assert not len(beats)
    assert beats.corrected_pct == 0
    assert not beats.pairs.any()
    assert beats.covered_s(0, 60) == 0


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.floats(), st.floats(), st.sampled_from(BeatKind)), max_size=30),
    st.floats(-100, 100),
    st.floats(-100, 100),
)
def test_never_raises(rows: list[tuple[float, float, BeatKind]], start_s: float, end_s: float) -> None:
    time_s, interval_ms = (np.array([row[column] for row in rows], dtype=np.float64) for column in (0, 1))
    beats = Beats(time_s, interval_ms, np.array([kind for _, _, kind in rows], dtype=np.int8))
    with np.errstate(all="ignore"):
        assert len(beats.pairs) == len(beats)
        assert len(beats.between(start_s, end_s)) <= len(beats)
        beats.covered_s(start_s, end_s)
