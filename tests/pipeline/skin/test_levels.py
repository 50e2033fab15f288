import math

import numpy as np
import pytest

from pipeline.model import Floats
from pipeline.skin.levels import skin_columns
from pipeline.skin.responses import Responses, responses
from pipeline.skin.signal import Eda, prepare
from tests.pipeline.skin.signals import RATES, signal, still, times, train, window


def _one(eda: Eda, scrs: Responses, start_s: float, end_s: float) -> dict[str, float]:
    """A window by the plain words of the definitions."""
    rows = (eda.time_s >= start_s) & (eda.time_s < end_s)
    valid = rows & eda.valid
    inside = (scrs.onset_s >= start_s) & (scrs.onset_s < end_s)
    valid_s, count = np.sum(valid) / eda.rate_hz, float(np.sum(inside))
    amplitudes_us, recovery_s = scrs.amplitude_us[inside], scrs.half_recovery_s[inside]
    recovery_s = recovery_s[~np.isnan(recovery_s)]
    some = bool(valid_s)
    return {
        "valid_s": valid_s,
        "eda_coverage": min(valid_s / (end_s - start_s), 1),
        "eda_artefact_pct": 100 * (1 - np.sum(valid) / np.sum(rows)) if np.any(rows) else math.nan,
        "scl_us": float(np.mean(eda.tonic_us[valid])) if some else math.nan,
        "ln_scl": math.log(np.mean(eda.tonic_us[valid])) if some else math.nan,
        "scr_n": count if some else math.nan,
        "scr_per_min": 60 * count / valid_s if some else math.nan,
        "scr_amplitude_us": float(np.mean(amplitudes_us)) if count else math.nan,
        "scr_magnitude_us": 10 * float(np.sum(amplitudes_us)) / valid_s if some else math.nan,
        "scr_rise_s": float(np.median(scrs.rise_s[inside])) if count else math.nan,
        "scr_half_recovery_s": float(np.median(recovery_s)) if len(recovery_s) else math.nan,
    }


def _holed() -> tuple[Eda, Responses]:
    """Ten minutes with a stretch off the skin, NaN, and a gap."""
    time_s = times(600, 8)
    eda_us = signal(time_s, *train(), noise_us=0.002)
    eda_us[(time_s > 100) & (time_s < 110)] = 0.0
    eda_us[(time_s > 200) & (time_s < 260)] = np.nan
    kept = (time_s < 400) | (time_s > 440)
    eda = prepare(time_s[kept], eda_us[kept], 8)
    return eda, responses(eda)


@pytest.mark.parametrize("length_s", [1.0, 30.0, 130.0, 600.0])
def test_all_windows_at_once_are_each_window_alone(length_s: float) -> None:
    eda, scrs = _holed()
    start_s = np.arange(-20.0, 620.0, 7.3)
    columns = skin_columns(eda, scrs, start_s, start_s + length_s)
    expected = [_one(eda, scrs, at_s, at_s + length_s) for at_s in start_s.tolist()]
    for name in expected[0]:
        np.testing.assert_allclose(
            columns[name], [each[name] for each in expected], rtol=1e-9, atol=1e-12, err_msg=name
        )
    for number in (0, 20, 50):
        alone = skin_columns(eda, scrs, start_s[[number]], start_s[[number]] + length_s)
        for name, column in alone.items():
            np.testing.assert_allclose(column, columns[name][[number]], rtol=1e-12, err_msg=name)


def test_many_windows_of_unlike_length_in_any_order() -> None:
    eda, scrs = _holed()
    rng = np.random.default_rng(1)
    start_s, length_s = rng.uniform(0, 500, 300), rng.uniform(0.1, 500, 300)
    columns = skin_columns(eda, scrs, start_s, start_s + length_s)
    for number in range(0, 300, 17):
        one = _one(eda, scrs, float(start_s[number]), float(start_s[number] + length_s[number]))
        for name, value in one.items():
            assert columns[name][number] == pytest.approx(value, nan_ok=True), name


def test_no_window_and_no_sample() -> None:
    empty = np.empty(0)
    eda, scrs = _holed()
    assert {len(column) for column in skin_columns(eda, scrs, empty, empty).values()} == {0}
    nothing = prepare(empty, empty, 4)
    columns = skin_columns(nothing, responses(nothing), np.array([0.0]), np.array([60.0]))
    assert {name for name, column in columns.items() if not np.isnan(column[0])} == {
        "valid_s", "eda_coverage",
    }  # fmt: skip


def test_levels_of_a_window() -> None:
    onsets_s, amplitudes_us = train()
    time_s = times(600, 8)
    eda = prepare(time_s, signal(time_s, onsets_s, amplitudes_us), 8)
    found = window(eda, responses(eda), 0, 300)
    inside = amplitudes_us[onsets_s < 300]
    assert found.valid_s == 300
    assert found.eda_coverage == 1
    assert found.eda_artefact_pct == 0
    assert found.scr_n == len(inside)
    assert found.scr_per_min == pytest.approx(len(inside) / 5)
    assert found.scr_amplitude_us == pytest.approx(inside.mean(), rel=0.03)
    assert found.scr_magnitude_us == pytest.approx(inside.sum() / 30, rel=0.03)
    assert found.scl_us == pytest.approx(np.mean(3 + 0.5 * np.sin(2 * np.pi * times(300, 8) / 900)), rel=0.01)
    assert found.ln_scl == pytest.approx(math.log(found.scl_us or 0))


@pytest.mark.parametrize("rate_hz", RATES)
def test_the_same_at_any_rate(rate_hz: float) -> None:
    time_s, at_8_hz = times(600, rate_hz), times(600, 8)
    start_s = np.arange(0, 480.0, 60)
    here, there = (
        skin_columns(eda, responses(eda), start_s, start_s + 120)
        for eda in (
            prepare(time_s, signal(time_s, *train()), rate_hz),
            prepare(at_8_hz, signal(at_8_hz, *train()), 8),
        )
    )
    tolerances = {"scr_n": 0, "scr_per_min": 0, "scl_us": 0.01, "scr_amplitude_us": 0.04, "valid_s": 0.01}
    for name, relative in tolerances.items():
        np.testing.assert_allclose(here[name], there[name], rtol=relative, err_msg=name)
    np.testing.assert_allclose(here["eda_symp_us2"], there["eda_symp_us2"], rtol=0.1)


def test_no_response_has_magnitude_zero_and_no_amplitude() -> None:
    time_s = times(300, 4)
    eda = prepare(time_s, still(time_s), 4)
    found = window(eda, responses(eda), 0, 300)
    assert (found.scr_n, found.scr_per_min, found.scr_magnitude_us) == (0, 0, 0)
    assert found.scr_amplitude_us is found.scr_rise_s is found.scr_half_recovery_s is None
    assert found.scl_us == pytest.approx(5, abs=1e-3)


def test_too_slow_for_responses_is_not_the_same_as_none() -> None:
    time_s = times(300, 0.5)
    eda = prepare(time_s, still(time_s), 0.5)
    found = window(eda, responses(eda), 0, 300)
    assert found.scr_n is found.scr_per_min is found.scr_magnitude_us is None
    assert found.scl_us == pytest.approx(5, abs=1e-3)


@pytest.mark.parametrize("value", [80.0, 0.0, 5.0, math.nan])
def test_nothing_valid(value: float) -> None:
    time_s: Floats = times(300, 4)
    eda = prepare(time_s, np.full(len(time_s), value), 4)
    found = vars(window(eda, responses(eda), 0, 300))
    known = {name: each for name, each in found.items() if each is not None}
    assert known == {"valid_s": 0, "eda_coverage": 0, "eda_artefact_pct": 100}
