"""Unbroken runs of a sampled stream, its true rate, and places on an even grid."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.exports.writers.runs import Runs
from pipeline.model import Floats, Stream


def runs(time_s: Floats, rate_hz: float = 10.0) -> Runs:
    return Runs.of(Stream("eda", time_s, {"eda_us": np.zeros(len(time_s))}, rate_hz))


def test_an_even_stream_is_one_run_at_its_true_rate() -> None:
    made = runs(np.arange(100) / 10.02)
    assert made.rows == (slice(0, 100),)
    assert made.rate_hz == pytest.approx(10.02)
    np.testing.assert_array_equal(made.grid(), np.arange(100))


def test_a_gap_parts_runs_and_leaves_places_free() -> None:
    made = runs(np.concatenate((np.arange(5), np.arange(9, 12))) / 10)
    assert made.rows == (slice(0, 5), slice(5, 8))
    np.testing.assert_array_equal(made.grid(), [0, 1, 2, 3, 4, 9, 10, 11])


def test_without_two_samples_in_a_row_the_rate_is_the_nominal_one() -> None:
    assert runs(np.array([0.0, 3.0])).rate_hz == 10.0
    assert runs(np.array([2.0])).rate_hz == 10.0


@given(st.lists(st.floats(0.01, 1.0), min_size=1, max_size=60))
def test_every_sample_has_a_place_of_its_own(steps_s: list[float]) -> None:
    places = runs(np.cumsum(steps_s)).grid()
    assert places[0] == 0
    assert np.all(np.diff(places) > 0)
