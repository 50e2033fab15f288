"""Session time from arrivals: exact without jitter, no loss invented, no loss missed."""

from time import process_time

import numpy as np
import pytest

from pipeline.heart.beats import adjacent
from pipeline.timing import Timed, beat_times, regular_times, rising

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


def _heart(bpm: float, seconds: float, seed: int, share: float = 0.04) -> np.ndarray:
    """Intervals in ms that breathe, wander and jitter by `share` of their mean."""
    rng, mean_ms = np.random.default_rng(seed), 60_000 / bpm
    beats = int(1.1 * seconds * bpm / 60)
    wander = np.convolve(rng.normal(0, 1, beats + 99), np.full(100, 0.1), "valid")
    breath = np.sin(2 * np.pi * 0.25 * np.arange(beats) * mean_ms / 1000)
    rr_ms = mean_ms * (1 + share * (0.7 * wander + 0.7 * breath + 0.3 * rng.normal(0, 1, beats)))
    rr_ms = np.maximum(rr_ms, 0.7 * mean_ms)
    return rr_ms[np.cumsum(rr_ms) < seconds * 1000]


def _notified(true_s: np.ndarray, seed: int, stall_s: float | None = None) -> np.ndarray:
    """Arrivals by a strap that sends once a second; from `stall_s` on all is held for 5 s."""
    rng = np.random.default_rng(seed + 1000)
    phase_s = rng.uniform()
    second, beat = np.unique(np.ceil(true_s - phase_s), return_inverse=True)
    arrival_s = second + phase_s + rng.exponential(0.03, len(second))
    if stall_s is not None:
        arrival_s[(arrival_s > stall_s) & (arrival_s < stall_s + 5)] = stall_s + 5
    return np.maximum.accumulate(arrival_s)[beat]


def _beats(rr_ms: np.ndarray, arrival_s: np.ndarray, kept: np.ndarray | slice = slice(None)) -> Timed:
    return beat_times(rr_ms[kept], arrival_s[kept], np.zeros(len(rr_ms[kept])))


BPM = (40, 50, 60, 75, 90, 120, 150, 180)


@pytest.mark.parametrize("bpm", BPM)
@pytest.mark.parametrize("share", [0.01, 0.04], ids=["steady", "varying"])
def test_no_break_is_invented_in_an_hour_with_a_stall(bpm: float, share: float) -> None:
    for seed in range(4):
        rr_ms = _heart(bpm, 3600, seed, share)
        true_s = np.cumsum(rr_ms) / 1000
        timed = _beats(rr_ms, _notified(true_s, seed, stall_s=1000.0 + 300 * seed))
        assert timed.run_start.sum() == 1, seed
        assert np.abs(timed.time_s - true_s).max() < 0.1, seed


@pytest.mark.parametrize("bpm", BPM)
@pytest.mark.parametrize("lost", [1, 2], ids="{}-notifications".format)
def test_a_lost_notification_is_one_break_where_it_was(bpm: float, lost: int) -> None:
    for seed in range(4):
        rr_ms = _heart(bpm, 900, seed)
        true_s = np.cumsum(rr_ms) / 1000
        arrival_s = _notified(true_s, seed)
        sent_s = np.unique(arrival_s)
        which = np.random.default_rng(seed).integers(100, len(sent_s) - 100)
        kept = ~np.isin(arrival_s, sent_s[which : which + lost])
        timed = _beats(rr_ms, arrival_s, kept)
        [_, start] = np.flatnonzero(timed.run_start)
        assert abs(start - np.flatnonzero(~kept)[0]) <= 8, seed
        assert not adjacent(timed.time_s, rr_ms[kept])[start], seed
        assert np.abs(timed.time_s - true_s[kept])[start:].max() < 0.15, seed


@pytest.mark.parametrize("phase", [0.0, 0.3, 0.7])
@pytest.mark.parametrize("lost", [1, 2])
def test_a_loss_of_a_beat_or_two_from_ten_minutes_is_noticed(phase: float, lost: int) -> None:
    rr_ms = np.full(600, 800.0)
    true_s = np.cumsum(rr_ms) / 1000
    kept = ~np.isin(np.arange(600), 300 + np.arange(lost))
    timed = _beats(rr_ms, np.ceil(true_s - phase) + phase, kept)
    [_, start] = np.flatnonzero(timed.run_start)
    assert 300 <= start <= 305
    follows = adjacent(timed.time_s, rr_ms[kept])
    assert np.flatnonzero(~follows).tolist() == [0, start]


@pytest.mark.parametrize("bpm", [50, 75, 120, 180])
def test_a_strap_that_sends_each_beat_at_once_loses_two(bpm: float) -> None:
    rr_ms = _heart(bpm, 600, seed=5)
    true_s = np.cumsum(rr_ms) / 1000
    lost = len(rr_ms) // 2 + np.arange(2)
    timed = _beats(rr_ms, true_s, ~np.isin(np.arange(len(rr_ms)), lost))
    assert np.flatnonzero(timed.run_start).tolist() == [0, lost[0]]


def test_two_losses_a_minute_apart_are_two_breaks() -> None:
    rr_ms = _heart(70, 900, seed=6)
    true_s = np.cumsum(rr_ms) / 1000
    kept = ~np.isin(np.arange(len(rr_ms)), [400, 401, 470, 471])
    starts = np.flatnonzero(_beats(rr_ms, _notified(true_s, 6), kept).run_start)
    assert np.abs(starts - [0, 400, 468]).max() <= 4


@pytest.mark.parametrize("bpm", [50, 75, 180])
@pytest.mark.parametrize(
    ("clock", "ticks"),
    [(1.0, True), (1.0004, False), (0.9996, False), (0.9996, True)],
    ids=["ticks-cut-off", "slow-heart", "fast-heart", "both"],
)
def test_a_strap_s_clock_neither_breaks_nor_runs_away(bpm: float, clock: float, ticks: bool) -> None:
    rr_ms = _heart(bpm, 5400, seed=7)
    true_s = np.cumsum(rr_ms) / 1000
    sent_ms = np.floor(rr_ms * clock * 1.024) / 1.024 if ticks else rr_ms * clock
    timed = _beats(sent_ms, _notified(true_s, 7))
    assert timed.run_start.sum() == 1
    assert np.abs(timed.time_s - true_s).max() < 0.15
    assert adjacent(timed.time_s, sent_ms)[1:].all()


def test_no_time_is_negative_however_fast_the_strap_counts() -> None:
    true_s = np.arange(1, 301.0)
    timed = beat_times(np.full(300, 1020.0), true_s, np.zeros(300))
    assert timed.time_s.min() >= 0
    assert np.all(np.diff(timed.time_s) > 0)


@pytest.mark.parametrize("rr_ms", [400.0, 800.0, 1500.0])
def test_a_break_that_is_known_of_is_never_bridged(rr_ms: float) -> None:
    intervals_ms = np.full(40, rr_ms)
    arrival_s = np.cumsum(intervals_ms) / 1000
    timed = beat_times(intervals_ms, arrival_s, np.repeat([1.0, 2.0], 20))
    follows = adjacent(timed.time_s, intervals_ms)
    assert np.flatnonzero(~follows).tolist() == [0, 20]
    assert np.abs(timed.time_s - arrival_s).max() < 0.2


def test_an_interval_longer_than_its_time_moves_no_other_beat() -> None:
    rr_ms = np.full(200, 800.0)
    true_s = np.cumsum(rr_ms) / 1000
    sent_ms = np.where(np.arange(200) == 100, 60_000.0, rr_ms)
    timed = beat_times(sent_ms, true_s, np.zeros(200))
    np.testing.assert_allclose(timed.time_s, true_s, atol=1e-9)


def test_beats_of_a_day_take_no_time() -> None:
    rr_ms = np.random.default_rng(8).uniform(700, 1000, 100_000)
    arrival_s = np.ceil(np.cumsum(rr_ms) / 1000)
    began = process_time()
    _beats(rr_ms, arrival_s)
    assert process_time() - began < 0.3


def test_nothing_is_nothing() -> None:
    none = np.empty(0)
    assert len(beat_times(none, none, none).time_s) == 0
    assert len(regular_times(none, none, none, 4.0).time_s) == 0
    assert len(rising(none)) == 0


def test_rising_moves_by_the_least() -> None:
    np.testing.assert_allclose(rising(np.array([0.0, 2.0, 1.0, 1.0, 5.0])), [0, 2, 2.001, 2.002, 5])
