from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from devices.exports.empatica_e4 import EmpaticaE4
from devices.exports.reader import open_source
from pipeline.model import Floats, Stream
from pipeline.motion import motion_columns, motion_per_second
from tests.pipeline.breathing.bodies import acceleration

WHOLE = (np.array([0.0]), np.array([1e9]))


def stream(values_mg: Floats, rate_hz: float, start_s: float = 0.0) -> Stream:
    return acceleration(start_s + np.arange(len(values_mg)) / rate_hz, values_mg, rate_hz)


def rms_mg(acc: Stream | None, start_s: float = 0.0, end_s: float = 1e9) -> float:
    return float(motion_columns(acc, np.array([start_s]), np.array([end_s]))["motion_rms_mg"][0])


def shaken(rate_hz: float, amplitude_mg: float, frequency_hz: float = 2.0, length_s: float = 60.0) -> Floats:
    """Gravity, and a wave along an axis askew to the sensor's."""
    time_s = np.arange(round(length_s * rate_hz)) / rate_hz
    along = np.array([1.0, -2.0, 2.0]) / 3
    wave = amplitude_mg * np.sin(2 * np.pi * frequency_hz * time_s)
    return np.asarray(np.array([600.0, 0.0, 800.0]) + wave[:, None] * along)


@pytest.mark.parametrize("rate_hz", [10.0, 25.0, 32.0, 50.0, 200.0])
def test_a_shake_has_its_own_size(rate_hz: float) -> None:
    assert rms_mg(stream(shaken(rate_hz, 100.0), rate_hz)) == pytest.approx(100 / np.sqrt(2), rel=0.05)


@pytest.mark.parametrize(
    ("frequency_hz", "passes"),
    [
        pytest.param(0.02, 0.01, id="slow tilt"),
        pytest.param(0.1, 0.10, id="slow breath"),
        (0.6, 1.2),
        (5, 1.05),
    ],
)
def test_what_is_gravity_and_what_motion(frequency_hz: float, passes: float) -> None:
    assert rms_mg(stream(shaken(50, 100.0, frequency_hz), 50)) <= passes * 100 / np.sqrt(2)


def rotation(seed: int) -> Floats:
    matrix, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return np.asarray(matrix)


@pytest.mark.parametrize("seed", range(5))
def test_orientation_makes_no_difference(seed: int) -> None:
    values = shaken(50, 40.0) + np.random.default_rng(9).normal(0, 5, (3000, 3))
    start_s, end_s = np.arange(0, 50, 10.0), np.arange(10, 60, 10.0)
    here = motion_columns(stream(values, 50), start_s, end_s)["motion_rms_mg"]
    turned = motion_columns(stream(values @ rotation(seed), 50), start_s, end_s)["motion_rms_mg"]
    np.testing.assert_allclose(turned, here, rtol=1e-9)


def test_gain_and_time_shift() -> None:
    values = shaken(32, 40.0)
    np.testing.assert_allclose(rms_mg(stream(3 * values, 32)), 3 * rms_mg(stream(values, 32)))
    later = motion_per_second(stream(values, 32, start_s=4096.0))
    here = motion_per_second(stream(values, 32))
    np.testing.assert_allclose(later[0] - 4096, here[0])
    np.testing.assert_allclose(later[1], here[1])


def test_still_is_zero_and_a_dead_sensor_is_not_known() -> None:
    assert rms_mg(stream(np.tile([0.0, 0.0, 1000.0], (500, 1)), 50)) == 0.0
    assert np.isnan(rms_mg(stream(np.zeros((500, 3)), 50)))


def test_a_gap_changes_only_what_is_near_it() -> None:
    values = shaken(50, 40.0) + np.random.default_rng(2).normal(0, 5, (3000, 3))
    whole = stream(values, 50)
    kept = (whole.time_s < 20) | (whole.time_s >= 30)
    broken = acceleration(
        whole.time_s[kept], values[kept] + np.where(whole.time_s[kept] > 25, 500, 0)[:, None], 50
    )
    start_s = np.arange(0, 60, 2.0)
    here, there = (motion_columns(each, start_s, start_s + 2)["motion_rms_mg"] for each in (whole, broken))
    far = (start_s + 2 <= 18) | (start_s >= 32)
    np.testing.assert_allclose(there[far], here[far], rtol=1e-6)
    assert np.isnan(there[(start_s >= 20) & (start_s < 30)]).all()
    assert np.nanmax(there) < 1.5 * np.max(here)  # the step across the gap is not motion


def test_seconds() -> None:
    values = shaken(50, 100.0, length_s=30.0)
    values[500:1000] = [600.0, 0.0, 800.0]
    values[1200:1240] = np.nan
    begins_s, motion_mg = motion_per_second(stream(values, 50))
    assert begins_s.tolist() == list(range(30))
    assert motion_mg[12:18] == pytest.approx(np.zeros(6), abs=1e-6)
    assert motion_mg[2:8] == pytest.approx(np.full(6, 100 / np.sqrt(2)), rel=0.05)
    assert np.isnan(motion_mg[24])


@pytest.mark.parametrize(
    "acc",
    [
        pytest.param(None, id="none"),
        pytest.param(stream(np.empty((0, 3)), 50), id="empty"),
        pytest.param(stream(np.ones((1, 3)), 50), id="one sample"),
        pytest.param(stream(np.full((500, 3), np.nan), 50), id="NaN"),
        pytest.param(Stream("acc", np.arange(9.0), {"other": np.ones(9)}, 1.0), id="no axis in mg"),
        pytest.param(Stream("acc", np.arange(9.0), {}, None), id="no columns"),
    ],
)
def test_nothing_to_tell(acc: Stream | None) -> None:
    assert np.isnan(rms_mg(acc))
    assert not np.isfinite(motion_per_second(acc)[1]).any()


values = hnp.arrays(
    np.float64,
    st.tuples(st.integers(0, 80), st.just(3)),
    elements=st.floats(-16_000, 16_000) | st.just(np.nan) | st.just(np.inf),
)


@given(
    values,
    st.sampled_from([10.0, 32.0, 200.0, None]),
    st.floats(0, 1e6),
    st.floats(-10, 100),
    st.floats(-1, 50),
)
@settings(deadline=None, max_examples=60)
def test_bad_input_is_defined(
    values_mg: Floats, rate_hz: float | None, start_s: float, window_s: float, length_s: float
) -> None:
    acc = acceleration(start_s + np.arange(len(values_mg)) / 25.0, values_mg, rate_hz)
    begin = np.array([start_s + window_s])
    found = motion_columns(acc, begin, begin + length_s)["motion_rms_mg"]
    assert found.shape == (1,)
    assert np.isnan(found[0]) or found[0] >= 0
    second, motion_mg = motion_per_second(acc)
    assert second.shape == motion_mg.shape


def test_a_wristband_s_minutes(recordings: Path) -> None:
    source = open_source(recordings / "stress_predict_e4" / "S02")
    acc = EmpaticaE4().read(source, None).streams["acc"]
    start_s = np.arange(acc.time_s[0], acc.time_s[-1] - 60, 60.0)
    found = motion_columns(acc, start_s, start_s + 60)["motion_rms_mg"]
    assert np.isfinite(found).all()
    assert np.min(found) < 16  # one count of this sensor is 16 mg
    assert 30 < np.max(found) < 1500
