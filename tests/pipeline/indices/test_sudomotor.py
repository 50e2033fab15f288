"""Ln SCL cleared of its own lag."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline.indices.sudomotor import CLEARANCE_S, STEEPEST_PER_S, drive_columns, ln_drive

TIME_S = np.arange(0.0, 600.0, 0.25)


def test_a_steady_level_is_its_own_drive() -> None:
    found = ln_drive(TIME_S, np.full(len(TIME_S), 4.0))
    assert np.isnan(found[TIME_S < 60]).all()
    assert found[TIME_S >= 60] == pytest.approx(np.log(4.0))


def test_a_level_that_clears_with_the_time_constant_has_lost_its_drive_at_once() -> None:
    # a store that empties from 1.2 towards 1 µS
    tonic_us = np.where(TIME_S < 200, 1.2, 1 + 0.2 * np.exp(-(TIME_S - 200) / CLEARANCE_S))
    found, level = ln_drive(TIME_S, tonic_us), np.log(tonic_us)
    after = TIME_S >= 261
    assert np.max(np.abs(found[after])) < 0.03
    assert level[after][0] > 0.12


def test_gain_moves_it_by_a_constant_and_time_shift_not_at_all() -> None:
    tonic_us = 2 + np.sin(TIME_S / 90)
    found = ln_drive(TIME_S, tonic_us)
    assert ln_drive(TIME_S, 3 * tonic_us) == pytest.approx(found + np.log(3), nan_ok=True)
    assert ln_drive(TIME_S + 1024.0, tonic_us) == pytest.approx(found, nan_ok=True)


def test_nothing_is_differenced_across_a_gap_or_a_mask() -> None:
    tonic_us = np.full(len(TIME_S), 2.0)
    tonic_us[(TIME_S >= 200) & (TIME_S < 205)] = np.nan
    found = ln_drive(TIME_S, tonic_us)
    assert np.isnan(found[(TIME_S >= 200) & (TIME_S < 264)]).all()
    assert np.isfinite(found[(TIME_S >= 60) & (TIME_S < 200)]).all()
    assert np.isfinite(found[TIME_S >= 265.5]).all()
    kept = (TIME_S < 200) | (TIME_S >= 205)
    assert np.isnan(ln_drive(TIME_S[kept], np.where(TIME_S < 200, 2.0, 9.0)[kept])[800:1035]).all()


def test_a_jump_of_contact_counts_as_the_steepest_rise_of_skin() -> None:
    tonic_us = np.where(TIME_S < 300, 1.0, 50.0)
    found = ln_drive(TIME_S, tonic_us)
    assert np.nanmax(found) <= np.log(50.0) + CLEARANCE_S * STEEPEST_PER_S + 1e-9


def test_the_future_changes_nothing() -> None:
    rng = np.random.default_rng(1)
    tonic_us = 3 + np.cumsum(rng.normal(0, 0.01, len(TIME_S)))
    other = np.where(TIME_S < 400, tonic_us, 9.0)
    now = TIME_S < 400
    assert ln_drive(TIME_S, tonic_us)[now] == pytest.approx(ln_drive(TIME_S, other)[now], nan_ok=True)
    assert ln_drive(TIME_S[now], tonic_us[now]) == pytest.approx(ln_drive(TIME_S, other)[now], nan_ok=True)


def test_columns_average_what_there_is() -> None:
    tonic_us = np.where(TIME_S < 300, 2.0, np.nan)
    start_s = np.array([0.0, 120.0, 270.0, 400.0])
    found = drive_columns(TIME_S, tonic_us, start_s, start_s + 60)
    assert found["ln_drive"] == pytest.approx([np.nan, np.log(2), np.log(2), np.nan], nan_ok=True)
    assert found["drive_share"] == pytest.approx([0, 1, 0.5, 0])


@given(
    arrays(np.float64, st.integers(0, 40), elements=st.floats(allow_nan=True, allow_infinity=True)),
    st.sampled_from([1 / 1000, 1.0, 20.0]),
)
def test_never_raises(tonic_us: np.ndarray, step_s: float) -> None:
    time_s = step_s * np.arange(len(tonic_us))
    assert ln_drive(time_s, tonic_us).shape == time_s.shape
    assert set(drive_columns(time_s, tonic_us, np.array([0.0]), np.array([60.0]))) == {
        "ln_drive",
        "drive_share",
    }
