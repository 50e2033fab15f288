"""Times from stamps: even ones stay, coarse ones are spread, gaps remain."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.exports.evenly import evenly


def test_even_stamps_stay_as_they_are() -> None:
    stamps_s = np.arange(1000) / 130.0 + np.random.default_rng(1).uniform(-1, 1, 1000) * 1e-3
    found = evenly(stamps_s)
    assert found is not None
    np.testing.assert_array_equal(found.time_s, stamps_s)
    assert (found.rate_hz, found.gaps, found.moved_s) == (pytest.approx(130, rel=0.02), (), 0.0)


@pytest.mark.parametrize("grain_s", [0.005, 0.0156, 0.1], ids=["5 ms", "a tick of Windows", "a tenth"])
def test_coarse_stamps_are_spread(grain_s: float) -> None:
    true_s = np.arange(6000) / 100 * 1.0003
    found = evenly(np.floor(true_s / grain_s) * grain_s)
    assert found is not None
    assert found.rate_hz == pytest.approx(100, rel=1e-3)
    error_s = found.time_s - true_s
    assert np.ptp(error_s) <= grain_s * 1.01
    assert np.max(np.abs(np.diff(error_s))) < grain_s / 15  # so that intervals between beats are right
    assert np.all(np.diff(found.time_s) > 0)


def test_a_clock_that_drifts_is_followed() -> None:
    true_s = np.cumsum(1 / (100 + np.sin(np.arange(20_000) / 3000)))
    found = evenly(np.round(true_s, 2))
    assert found is not None
    assert np.max(np.abs(found.time_s - true_s)) < 0.01


def test_a_gap_remains_and_is_counted() -> None:
    whole_s = np.arange(1000) / 50
    found = evenly(np.delete(whole_s, slice(400, 600)))
    assert found is not None
    assert [(gap.start_s, gap.end_s, gap.missing) for gap in found.gaps] == [(8.0, 12.0, 200)]
    assert found.rate_hz == 50


@pytest.mark.parametrize(
    "stamps_s",
    [[0, 0], [0, 1e-6], [0, 11, 22, 33], [0.0] * 50],
    ids=["one moment", "1 MHz", "11 s", "all one"],
)
def test_what_makes_no_signal(stamps_s: list[float]) -> None:
    assert evenly(np.array(stamps_s, dtype=float)) is None


@given(st.lists(st.floats(0, 2).map(lambda step: round(step, 2)), min_size=2, max_size=300))
def test_times_rise_and_do_not_leave_the_stamps(steps: list[float]) -> None:
    stamps_s = np.cumsum(steps)
    found = evenly(stamps_s)
    if found is not None:
        assert len(found.time_s) == len(stamps_s)
        assert np.all(np.diff(found.time_s) > 0)
        assert found.rate_hz > 0
