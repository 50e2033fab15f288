"""Rates at which a heart moves alike, found to differ: how many of how many sessions."""

import numpy as np
import pytest

from tests.pipeline.guidance.alike import COUNTS, means

SESSIONS = 400


@pytest.mark.parametrize(("r", "most"), [(0.0, 0.06), (0.3, 0.15)])
def test_rates_alike_are_seldom_told_apart(r: float, most: float, share: float) -> None:
    rng, told = np.random.default_rng(2), []
    for _ in range(max(20, round(SESSIONS * share))):
        found = means(rng, r)
        largest = max(COUNTS, key=lambda rate: found.mean_bpm[rate])
        told.append(bool(found.lower_than(largest)))
    assert np.mean(told) <= most
