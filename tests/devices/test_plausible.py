"""What a value can be: the ends of each range, and what is said of values beyond them."""

from __future__ import annotations

import numpy as np
import pytest

from devices.driver import Samples
from devices.plausible import RANGES, implausible


def told(**columns: list[float]) -> list[str]:
    """What is said of samples with these columns."""
    values = {column: np.array(each, dtype=np.float64) for column, each in columns.items()}
    return list(implausible(Samples("any", values)))


LOWEST_HIGHEST = {
    "rr_ms": (200, 3000, "rr_ms outside 200 to 3000"),
    "pp_ms": (200, 3000, "pp_ms outside 200 to 3000"),
    "heart_rate_bpm": (20, 300, "heart_rate_bpm outside 20 to 300"),
    "eda_us": (-0.5, 100, "eda_us outside -0.5 to 100"),
    "scl_us": (-0.5, 100, "scl_us outside -0.5 to 100"),
    "ecg_uv": (-20_000, 20_000, "ecg_uv outside -20000 to 20000"),
    "acc_x_mg": (-16_500, 16_500, "acc_x_mg outside -16500 to 16500"),
    "acc_y_mg": (-16_500, 16_500, "acc_y_mg outside -16500 to 16500"),
    "acc_z_mg": (-16_500, 16_500, "acc_z_mg outside -16500 to 16500"),
    "skin_temperature_c": (10, 45, "skin_temperature_c outside 10 to 45"),
}


def test_each_range_is_in_the_table() -> None:
    assert {column: (low, high) for column, (low, high, _) in LOWEST_HIGHEST.items()} == RANGES


@pytest.mark.parametrize("column", LOWEST_HIGHEST)
def test_both_ends_are_plausible_and_nothing_beyond(column: str) -> None:
    low, high, words = LOWEST_HIGHEST[column]
    assert told(**{column: [low, (low + high) / 2, high]}) == []
    for beyond in (np.nextafter(low, -np.inf), np.nextafter(high, np.inf), -np.inf, np.inf):
        assert told(**{column: [beyond]}) == [words]


@pytest.mark.parametrize("at", [0, 1, 2], ids=["first", "between", "last"])
def test_one_value_among_others_suffices_and_is_told_once(at: int) -> None:
    intervals = [800.0, 810.0, 790.0]
    intervals[at] = 65.0
    assert told(rr_ms=intervals) == ["rr_ms outside 200 to 3000"]
    assert told(rr_ms=[0.0, 65.0, 5000.0]) == ["rr_ms outside 200 to 3000"]


def test_what_is_missing_is_no_value() -> None:
    assert told(eda_us=[np.nan, 2.0, np.nan]) == []
    assert told(eda_us=[np.nan, np.nan]) == []
    assert told(eda_us=[np.nan, 101.0]) == ["eda_us outside -0.5 to 100"]


def test_nothing_is_said_of_no_samples() -> None:
    assert told() == []
    assert told(rr_ms=[]) == []


def test_each_column_is_told_of_in_its_order() -> None:
    assert told(acc_x_mg=[0.0, 1e6], acc_y_mg=[-990.0, 20.0], acc_z_mg=[-1e6, 0.0]) == [
        "acc_x_mg outside -16500 to 16500",
        "acc_z_mg outside -16500 to 16500",
    ]


def test_a_column_of_no_known_range_can_be_anything() -> None:
    assert told(ppg_1_au=[-1e12, 1e12], pp_error_ms=[65535.0], pp_ms=[800.0]) == []
