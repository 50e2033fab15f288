"""Rows whose time rises, and gaps where samples are missing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.exports.timeline import gaps_after, left_out_notice, rising_rows, sample_gaps
from pipeline.model import Gap


@pytest.mark.parametrize(
    ("time_s", "above", "kept"),
    [
        ([0, 1, 2], -np.inf, [0, 1, 2]),
        ([0, 1, 1, 2], -np.inf, [0, 1, 2]),
        ([0, 5, 1, 2, 6], -np.inf, [0, 5, 6]),
        ([0, np.nan, 1], -np.inf, [0, 1]),
        ([0, -1, 1], 0.0, [1]),
        ([np.nan], -np.inf, []),
        ([], -np.inf, []),
    ],
    ids=["rising", "twice", "back", "no time", "not above", "none known", "none"],
)
def test_which_rows_rise(time_s: list[float], above: float, kept: list[float]) -> None:
    given_s = np.array(time_s, dtype=np.float64)
    assert given_s[rising_rows(given_s, above)].tolist() == kept


@given(st.lists(st.floats(-1e6, 1e6), max_size=30))
def test_what_is_kept_rises(times: list[float]) -> None:
    time_s = np.array(times, dtype=np.float64)
    kept = time_s[rising_rows(time_s)]
    assert np.all(np.diff(kept) > 0)
    assert not len(time_s) or np.max(kept) == np.max(time_s)


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, ()),
        (1, ("1 of 9 rows of ecg does not rise in time and is left out",)),
        (2, ("2 of 9 rows of ecg do not rise in time and are left out",)),
    ],
)
def test_words_on_rows_that_are_left_out(count: int, said: tuple[str, ...]) -> None:
    assert left_out_notice(count, 9, "rows of ecg") == said


def test_a_gap_is_as_long_as_what_is_missing() -> None:
    time_s = np.delete(np.arange(100) / 4, slice(40, 60))
    assert sample_gaps(time_s, 4.0) == (Gap(10.0, 15.0, "samples missing", 20),)
    assert gaps_after([39], time_s, 4.0) == sample_gaps(time_s, 4.0)


@pytest.mark.parametrize("late", [0.0, 0.4], ids=["on time", "a little late"])
def test_samples_that_are_all_there_have_no_gap(late: float) -> None:
    assert sample_gaps(np.array([0, 1, 2 + late, 3]) / 130, 130.0) == ()


def test_a_sample_that_is_late_by_half_a_period_is_one_that_is_missing() -> None:
    (gap,) = sample_gaps(np.array([0.0, 1.0, 2.6]), 1.0)
    assert gap.missing == 1
    assert sample_gaps(np.array([0.0]), 1.0) == sample_gaps(np.array([]), 1.0) == ()
