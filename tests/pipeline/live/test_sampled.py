"""A sampled signal as it comes: evenly spaced, of one device, and its motion that of a report."""

import numpy as np
import pytest

from pipeline.live.sampled import KEPT_S, MotionLog, Sampled
from pipeline.model import Stream
from pipeline.motion import motion_columns
from pipeline.spans import Stretches

RATE_HZ = 25.0


def _values(at_s: np.ndarray) -> dict[str, np.ndarray]:
    shake = np.where((at_s > 20) & (at_s < 40), 60.0, 5.0)
    return {"acc_x_mg": shake * np.sin(40 * at_s), "acc_y_mg": 1000 + 0 * at_s, "acc_z_mg": 3 * np.cos(at_s)}


def _feed(sampled: Sampled, seconds: np.ndarray, device: str = "a", late_s: float = 0.0) -> None:
    for second in seconds.tolist():
        at_s = second + (1 + np.arange(RATE_HZ)) / RATE_HZ
        sampled.feed(device, _values(at_s), second + 1 + late_s, RATE_HZ)


def test_jitter_leaves_samples_evenly_spaced() -> None:
    sampled, jitter_s = Sampled("acc"), np.random.default_rng(1).exponential(0.1, 60)
    for second, late_s in enumerate(jitter_s.tolist()):
        _feed(sampled, np.array([second]), late_s=late_s)
    stream = sampled.stream(0, 100)
    assert stream is not None
    np.testing.assert_allclose(np.diff(stream.time_s), 1 / RATE_HZ, rtol=0.05)
    assert len(stream) == 60 * RATE_HZ


def test_after_a_loss_there_is_a_gap_and_time_fits_again() -> None:
    sampled = Sampled("acc")
    _feed(sampled, np.concatenate([np.arange(10), np.arange(20, 30)]))
    stream = sampled.stream(0, 100)
    assert stream is not None
    steps_s = np.diff(stream.time_s)
    assert (np.count_nonzero(steps_s > 1), steps_s.max()) == (1, pytest.approx(10, abs=0.1))
    assert stream.time_s[-1] == pytest.approx(30, abs=0.1)


def test_a_burst_after_a_stall_keeps_time_rising() -> None:
    sampled = Sampled("acc")
    for second in range(20):
        _feed(sampled, np.array([second]), late_s=max(0.0, 8 - second) if 2 < second < 8 else 0.0)
    stream = sampled.stream(0, 100)
    assert stream is not None
    assert np.all(np.diff(stream.time_s) > 0)


def test_a_second_device_is_left_out_until_the_first_is_silent() -> None:
    sampled = Sampled("acc")
    _feed(sampled, np.arange(5))
    _feed(sampled, np.arange(5, 8), "b")
    assert sampled.newest_s == 5
    _feed(sampled, np.arange(12, 14), "b")
    assert sampled.newest_s == pytest.approx(14)


def test_it_keeps_the_latest_minutes_and_leaves_out_what_is_marked() -> None:
    sampled = Sampled("acc")
    _feed(sampled, np.arange(600))
    stream = sampled.stream(0, 1000, Stretches.of([(550, 560)]))
    assert stream is not None
    assert 600 - 2 * KEPT_S - 1 <= stream.time_s[0] <= 600 - KEPT_S
    assert not np.any((stream.time_s >= 550) & (stream.time_s < 560))
    assert sampled.stream(700, 800) is None


def test_motion_is_that_of_a_report() -> None:
    sampled = Sampled("acc")
    motion = MotionLog(sampled)
    for second in range(200):
        _feed(sampled, np.array([second]))
        motion.follow()
    at_s = np.arange(1, 200 * RATE_HZ + 1) / RATE_HZ
    start_s = np.array([10.0, 20.0, 60.0, 120.0])
    whole = motion_columns(Stream("acc", at_s, _values(at_s), RATE_HZ), start_s, start_s + 20)
    found = motion.columns(start_s, start_s + 20)
    np.testing.assert_allclose(found["motion_rms_mg"], whole["motion_rms_mg"], rtol=0.02)
    assert np.isnan(motion.columns(np.array([300.0]), np.array([360.0]))["motion_rms_mg"]).all()
