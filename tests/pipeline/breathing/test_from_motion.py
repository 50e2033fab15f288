import numpy as np
import pytest

from devices.virtual.client import SimulatedClient
from devices.virtual.traits import Traits
from pipeline.breathing.from_motion import MOVING_MG, chest_ridge, chest_track
from pipeline.breathing.track import Track
from pipeline.model import Floats, Stream
from tests.pipeline.breathing.bodies import acceleration, chest

QUIET = Traits(breath_rate_bpm=12, breath_jitter=0.03)
LENGTH_S = 200.0


def breaks_s(track: Track) -> list[float]:
    """Where a track's stretches end and the next begin."""
    return np.round(track.time_s[1:][np.diff(track.stretch) > 0]).tolist()


def breathing_mg(rate_bpm: float, tilt_mg: float, rate_hz: float = 50.0) -> Floats:
    time_s = np.arange(round(LENGTH_S * rate_hz)) / rate_hz
    tilt = tilt_mg * np.sin(2 * np.pi * rate_bpm / 60 * time_s)
    return np.column_stack([tilt, 0.3 * tilt, 1000 - 0.1 * tilt])


def sensed(values_mg: Floats, rate_hz: float = 50.0) -> Stream:
    noise = np.random.default_rng(4).normal(0, 4, values_mg.shape)
    return acceleration(np.arange(len(values_mg)) / rate_hz, values_mg + noise, rate_hz)


@pytest.mark.parametrize("rate_hz", [25.0, 50.0, 100.0, 200.0])
def test_the_rate_of_sampling_makes_little_difference(rate_hz: float) -> None:
    found = chest_ridge(chest_track(chest(SimulatedClient(2, QUIET), LENGTH_S, rate_hz, 15)))
    assert len(found) > 70
    assert 60 * np.mean(found.peak_hz) == pytest.approx(12, abs=0.5)


@pytest.mark.parametrize(("rate_bpm", "tilt_mg"), [(4.5, 30), (6, 40), (12, 60), (25, 60)])
def test_a_deep_breath_is_no_shift(rate_bpm: float, tilt_mg: float) -> None:
    assert breaks_s(chest_track(sensed(breathing_mg(rate_bpm, tilt_mg)))) == []


def test_a_shift_of_posture_cuts_and_leaves_both_sides() -> None:
    values = breathing_mg(12, 10)
    values[5000:] += [60.0, -30.0, 10.0]
    track = chest_track(sensed(values))
    assert breaks_s(track) == pytest.approx([102], abs=1)
    assert not np.any(np.abs(track.time_s - 100) < 1)
    found = chest_ridge(track)
    assert 60 * found.peak_hz == pytest.approx(np.full(len(found), 12), abs=0.6)
    assert np.any(found.start_s < 60)
    assert np.any(found.start_s > 105)


def test_a_slow_drift_is_no_shift() -> None:
    values = breathing_mg(12, 10)
    values[:, 0] += np.linspace(0, 200, len(values))
    assert breaks_s(chest_track(sensed(values))) == []


def test_nothing_is_read_while_moving() -> None:
    values = breathing_mg(12, 10)
    shake = 4 * MOVING_MG * np.sin(2 * np.pi * 3 * np.arange(2000) / 50)
    values[4000:6000, 1] += shake
    track = chest_track(sensed(values))
    assert not np.any((track.time_s > 80) & (track.time_s < 120))
    assert not np.any((chest_ridge(track).start_s > 48.3) & (chest_ridge(track).start_s < 120))
    values[:, 2] += 4 * MOVING_MG * np.sin(2 * np.pi * 2 * np.arange(len(values)) / 50)
    assert len(chest_track(sensed(values))) == 0


def test_missing_samples_cut() -> None:
    values = breathing_mg(12, 10)
    stream = sensed(values)
    stream.columns["acc_y_mg"][5000:5100] = np.nan
    track = chest_track(stream)
    assert np.diff(track.time_s).max() >= 2
    assert np.diff(track.stretch).max() == 1
    assert np.isfinite(track.values).all()
