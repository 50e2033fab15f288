"""The median slope: known answers, invariances, and an interval that holds."""

from datetime import date, timedelta

import numpy as np
import pytest
from scipy.stats import theilslopes

from pipeline.progress.measures import BY_NAME, Scale
from pipeline.progress.trend import trend

RMSSD, RESPONSES = BY_NAME["ln_rmssd"], BY_NAME["scr_per_min"]


def days(count: int, every: int = 3) -> list[str]:
    return [(date(2026, 1, 1) + timedelta(days=every * number)).isoformat() for number in range(count)]


def test_a_straight_line_has_its_slope() -> None:
    found = trend(RMSSD, days(10), [3.0 + 0.01 * 3 * number for number in range(10)], 0.0)
    assert (found.scale, found.n) == (Scale.LN, 10)
    assert [found.change, found.low, found.high] == pytest.approx([np.exp(0.28)] * 3)
    assert found.weeks == pytest.approx(27 / 7)


def test_it_is_that_of_scipy_where_days_are_independent() -> None:
    values = np.random.default_rng(2).normal(3.7, 0.2, 15)
    theirs = theilslopes(values, 3.0 * np.arange(15), 0.95)
    found = trend(RMSSD, days(15), values.tolist(), 0.0)
    ours = [np.log(found.change or 0) / 28, np.log(found.low or 0) / 28, np.log(found.high or 0) / 28]
    assert ours[0] == pytest.approx(theirs.slope)
    assert ours[1:] == pytest.approx([theirs.low_slope, theirs.high_slope], rel=0.25, abs=5e-4)


def test_one_wild_session_moves_it_little() -> None:
    values = [3.7 + 0.002 * number for number in range(15)]
    wild = [*values[:7], 6.0, *values[8:]]
    calm, moved = (trend(RMSSD, days(15), each, 0.1).change for each in (values, wild))
    assert moved == pytest.approx(calm, abs=0.01)


def test_alike_days_widen_it() -> None:
    values = np.random.default_rng(3).normal(3.7, 0.2, 20).tolist()
    widths = [
        (found.high or 0) - (found.low or 0)
        for found in (trend(RMSSD, days(20), values, r) for r in (0.0, 0.3, 0.6))
    ]
    assert widths[0] < widths[1] < widths[2]


def test_counts_are_told_in_their_unit() -> None:
    found = trend(RESPONSES, days(10), [1.5 + 0.01 * number for number in range(10)], 0.0)
    assert found.scale is Scale.ROOT
    assert found.change == pytest.approx((1.545 + 28 * 0.01 / 3) ** 2 - 1.545**2)


@pytest.mark.parametrize(("count", "every"), [(0, 3), (7, 3), (8, 1)])
def test_a_short_course_has_none(count: int, every: int) -> None:
    found = trend(RMSSD, days(count, every), [3.7] * count, 0.1)
    assert (found.change, found.n) == (None, count)
    assert found.reason is not None
    assert f"there are {count} baselines" in found.reason


def test_its_interval_holds_the_truth() -> None:
    rng, inside = np.random.default_rng(9), []
    for _ in range(200):
        found = trend(RMSSD, days(20), rng.normal(3.7, 0.2, 20).tolist(), 0.0)
        inside.append((found.low or 9) <= 1 <= (found.high or 0))
    print(f"the trend's interval holds no drift in {100 * np.mean(inside):.0f} % of clients without any")
    assert np.mean(inside) > 0.91
