"""Session time from arrivals: exact without jitter, no loss invented, no loss missed."""

import numpy as np
import pytest

from pipeline.timing import beat_times, regular_times, rising

RATE_HZ = 32.0
BLOCK = 8


def _blocks(n: int) -> np.ndarray:
    return np.full(n, float(BLOCK))


def _due(n: int, rate_hz: float = RATE_HZ) -> np.ndarray:
    return (np.arange(n) + 1) * BLOCK / rate_hz


def _times(arrival_s: np.ndarray, generation: np.ndarray | None = None):
    generation = np.zeros(len(arrival_s)) if generation is None else generation
    return regular_times(_blocks(len(arrival_s)), arrival_s, generation, RATE_HZ)


def test_punctual_samples_keep_their_time() -> None:
    timed = _times(_due(100))
    np.testing.assert_allclose(timed.time_s, (np.arange(800) + 1) / RATE_HZ, atol=1e-9)
    assert np.flatnonzero(timed.run_start).tolist() == [0]


def test_a_stall_and_a_burst_lose_nothing() -> None:
    due_s = _due(200)
    arrival_s = np.where((due_s > 10) & (due_s < 16), 16.0, due_s)
    timed = _times(arrival_s)
    np.testing.assert_allclose(timed.time_s, (np.arange(1600) + 1) / RATE_HZ, atol=1e-6)
    assert timed.run_start.sum() == 1


def test_missing_notifications_are_a_gap_of_their_length() -> None:
    due_s = _due(200)
    timed = _times(due_s[(due_s <= 20) | (due_s > 27)])
    start = np.flatnonzero(timed.run_start)[1]
    assert timed.run_start.sum() == 2
    assert timed.time_s[start] - timed.time_s[start - 1] == pytest.approx(7 + 1 / RATE_HZ, abs=0.01)


@pytest.mark.parametrize("error", [-0.005, 0.0, 0.005], ids=["slow", "exact", "fast"])
def test_the_device_s_own_rate_is_found_under_jitter(error: float) -> None:
    late_s = np.random.default_rng(1).exponential(0.05, 2400)
    true_hz = RATE_HZ * (1 + error)
    timed = _times(np.maximum.accumulate(_due(2400, true_hz) + late_s))
    true_s = (np.arange(2400 * BLOCK) + 1) / true_hz
    assert timed.run_start.sum() == 1
    assert np.abs(timed.time_s - true_s).max() < 0.03


def test_a_new_connection_is_a_new_run() -> None:
    timed = _times(_due(100), np.repeat([1.0, 2.0], 50))
    assert np.flatnonzero(timed.run_start).tolist() == [0, 400]


def test_beats_follow_each_other_whenever_they_arrive() -> None:
    rr_ms = np.random.default_rng(2).uniform(700, 1000, 300)
    true_s = np.cumsum(rr_ms) / 1000
    timed = beat_times(rr_ms, np.ceil(true_s), np.zeros(300))
    np.testing.assert_allclose(np.diff(timed.time_s), rr_ms[1:] / 1000, atol=1e-9)
    assert np.abs(timed.time_s - true_s).max() < 0.1  # the earliest arrival was nearly at once
    assert timed.run_start.sum() == 1


def test_lost_beats_end_the_run() -> None:
    rr_ms = np.full(100, 800.0)
    end_s = np.cumsum(rr_ms) / 1000
    kept = (end_s < 30) | (end_s > 42)
    timed = beat_times(rr_ms[kept], end_s[kept], np.zeros(kept.sum()))
    start = np.flatnonzero(timed.run_start)[1]
    assert timed.time_s[start] == pytest.approx(42.4)
    assert timed.run_start.sum() == 2


@pytest.mark.parametrize("bad", [0.0, -5.0, float("nan")], ids=["zero", "negative", "nan"])
def test_an_impossible_interval_takes_no_time_and_keeps_the_order(bad: float) -> None:
    rr_ms = np.array([800, 800, bad, 800, 800])
    timed = beat_times(rr_ms, np.array([1.0, 2.0, 2.0, 3.0, 4.0]), np.zeros(5))
    assert np.all(np.diff(timed.time_s) > 0)


def test_nothing_is_nothing() -> None:
    none = np.empty(0)
    assert len(beat_times(none, none, none).time_s) == 0
    assert len(regular_times(none, none, none, 4.0).time_s) == 0
    assert len(rising(none)) == 0


def test_rising_moves_by_the_least() -> None:
    np.testing.assert_allclose(rising(np.array([0.0, 2.0, 1.0, 1.0, 5.0])), [0, 2, 2.001, 2.002, 5])
