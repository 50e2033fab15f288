import math

import numpy as np
import pytest
from scipy.interpolate import CubicSpline
from scipy.signal import welch

from pipeline.heart.beats import Beats
from pipeline.heart.rhythm import rhythm_concentration
from pipeline.heart.series import Series
from tests.pipeline.heart.tachograms import beats_of, irregular, sine


def concentration(beats: Beats, start_s: float = 0.0, end_s: float = math.inf) -> float:
    inside = Series.of(beats.between(start_s, end_s))
    return float(rhythm_concentration(inside, np.array([0]), np.array([len(inside)]))[0])


@pytest.mark.parametrize("length_s", [64.6, 100.0, 300.0])
def test_by_the_formula(length_s: float) -> None:
    inside = beats_of(irregular(400.0).interval_ms).between(0, length_s)
    grid_s = np.arange(inside.time_s[0], inside.time_s[-1], 0.25)
    values = CubicSpline(inside.time_s, inside.interval_ms)(grid_s)
    _, density = welch(values, 4, "hann", min(256, len(values)), 128, 256, detrend="linear")
    power = density / 64
    peak = 3 + int(np.argmax(power[3:17]))
    around, total = power[peak - 1 : peak + 2].sum(), power[1:26].sum()
    assert concentration(inside) == pytest.approx(around / (total - around), rel=1e-9)


def test_one_slow_wave_is_concentrated_and_noise_is_not() -> None:
    noise = beats_of(850 + 30 * np.random.default_rng(2).standard_normal(400))
    assert concentration(sine(0.1)) > 20
    assert concentration(noise) < 0.5


def test_unit_of_the_wave_does_not_matter() -> None:
    small, large = (beats_of(800 + size * np.sin(0.5 * np.arange(300))) for size in (10, 10.1))
    assert concentration(small) == pytest.approx(concentration(large), rel=0.02)


def test_a_gap_parts_stretches() -> None:
    whole = sine(0.1)
    kept = (whole.time_s < 100) | (whole.time_s > 160)
    holed = Beats(whole.time_s[kept], whole.interval_ms[kept], whole.kind[kept])
    assert concentration(holed) == pytest.approx(concentration(whole), rel=0.5)


@pytest.mark.parametrize(
    "beats",
    [
        pytest.param(beats_of(np.zeros(0)), id="no beat"),
        pytest.param(beats_of(np.full(8, 800.0) + np.arange(8)), id="six seconds"),
        pytest.param(beats_of(np.full(300, 800.0)), id="constant"),
        pytest.param(beats_of(800 + 0.25 * np.sin(np.arange(300))), id="less than rounding makes"),
    ],
)
def test_what_cannot_exist_is_nan(beats: Beats) -> None:
    assert math.isnan(concentration(beats))
