"""Whatever arrives, an analysis is a value, a null with its reason, or one clear error."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from pipeline.analysis import Analysis, analyse
from pipeline.errors import InsufficientDataError
from pipeline.features import BY_NAME, Group
from pipeline.model import Floats, Phase, PhaseKind, Recording, Stream
from pipeline.parameters import Correction, Parameters
from pipeline.signals import NEVER_VARIES
from tests.pipeline.report.recordings import beats, conductance

LENGTH_S = 420.0
PHASES = (Phase("Baseline", PhaseKind.BASELINE, 0.0, 200.0), Phase("Task", PhaseKind.STRESSOR, 200.0, 420.0))
HRV = {"rmssd_ms", "sdnn_ms", "sd1_ms", "pnn50_pct", "lf_ms2", "hf_ms2", "sampen", "dfa_alpha1"}
RESPONSES = {"scr_amplitude_us", "scr_rise_s", "scr_half_recovery_s"}


def of_beats(interval_ms: Floats, time_s: Floats | None = None) -> Stream:
    ends_s = np.cumsum(np.abs(np.nan_to_num(interval_ms, nan=800.0)) + 1e-3) / 1000
    return Stream(
        "rr", ends_s if time_s is None else time_s, {"rr_ms": np.asarray(interval_ms, dtype=np.float64)}
    )


def of_eda(eda_us: Floats, rate_hz: float) -> Stream:
    return Stream("eda", np.arange(len(eda_us)) / rate_hz, {"eda_us": eda_us}, rate_hz=rate_hz)


def analysed(parameters: Parameters | None = None, **streams: Stream) -> Analysis:
    recording = Recording("r", "test", "0" * 64, LENGTH_S, streams, phases=PHASES)
    return analyse(recording, parameters)


def check(features: Mapping[str, Any], reasons: Mapping[str, str]) -> None:
    """Every value is finite or null, and every null says why."""
    for name, value in features.items():
        assert value is None or isinstance(value, str) or math.isfinite(value), name
        if value is None and BY_NAME[name].group in {Group.HEART, Group.SKIN}:
            assert reasons.get(name), name


def check_all(analysis: Analysis) -> None:
    check(analysis.whole.features, analysis.whole.null_reasons)
    for each in analysis.phases:
        check(each.values.features, each.values.null_reasons)
    for window in analysis.windows:
        check(window.features, window.null_reasons)


def nan_blocks() -> Floats:
    values = beats(LENGTH_S).value.copy()
    values[50:90] = values[200:260] = np.nan
    return values


RNG = np.random.default_rng(3)
HEARTS = {
    "constant": np.full(520, 800.0),
    "three beats": np.array([800.0, 810.0, 790.0]),
    "one beat": np.array([800.0]),
    "all artefacts": RNG.uniform(320, 1900, 400),
    "NaN blocks": nan_blocks(),
    "zero and negative": np.where(
        np.arange(500) % 7 == 3, -5.0, np.where(np.arange(500) % 11 == 5, 0.0, 820.0)
    ),
    "absurd": np.concatenate([np.full(200, 800.0), [1e300, 1e-300], np.full(200, 800.0)]),
}
SKINS = {
    "stuck at zero": (np.zeros(1680), 4.0),
    "saturated": (np.full(1680, 100.0), 4.0),
    "stuck at a plausible value": (np.full(1680, 5.0), 4.0),
    "1 Hz": (4 + np.sin(np.arange(420) / 9.0), 1.0),
    "NaN blocks": (np.where(np.arange(1680) // 200 % 2 == 1, np.nan, 4.0 + 0.001 * np.arange(1680)), 4.0),
    "one sample": (np.array([4.0]), 4.0),
    "infinite": (np.where(np.arange(1680) % 100 == 7, np.inf, 4.0), 4.0),
    "1000 Hz": (4 + np.sin(np.arange(420_000) / 9000.0), 1000.0),
}


@pytest.mark.parametrize("correction", Correction)
@pytest.mark.parametrize("name", HEARTS)
def test_hearts(name: str, correction: Correction) -> None:
    parameters = Parameters(correction=correction)
    rr = HEARTS[name]
    time_s = np.arange(len(rr)) * 0.8 + 0.8 if name == "absurd" else None
    check_all(analysed(parameters, rr=of_beats(rr, time_s), eda=conductance(LENGTH_S)))


@pytest.mark.parametrize("name", SKINS)
def test_skins(name: str) -> None:
    check_all(analysed(rr=beats(LENGTH_S), eda=of_eda(*SKINS[name])))


@pytest.mark.parametrize("correction", Correction)
def test_a_constant_rhythm_has_a_rate_and_no_variability(correction: Correction) -> None:
    whole = analysed(Parameters(correction=correction), rr=of_beats(HEARTS["constant"])).whole
    assert whole.features["mean_hr_bpm"] == pytest.approx(75.0, rel=1e-3)
    assert {name for name in HRV if whole.features[name] is not None} == set()
    assert whole.null_reasons["rmssd_ms"] == NEVER_VARIES


def test_three_beats_carry_no_variability() -> None:
    whole = analysed(rr=of_beats(HEARTS["three beats"]), eda=conductance(LENGTH_S)).whole
    assert {name for name in HRV if whole.features[name] is not None} == set()


def test_many_irregular_beats_carry_no_variability_and_no_diagnosis() -> None:
    """Neutral words: how many, and how many there may be; no rhythm is named."""
    whole = analysed(rr=of_beats(HEARTS["all artefacts"]), eda=conductance(LENGTH_S)).whole
    assert {name for name in HRV if whole.features[name] is not None} == set()
    assert "are not normal, at most 20 % may be" in whole.null_reasons["rmssd_ms"]
    assert not {"fibrillation", "arrhythmia"} & set(whole.null_reasons["rmssd_ms"].split())


@pytest.mark.parametrize("name", ["stuck at zero", "saturated"])
def test_a_stuck_sensor_says_nothing_of_the_skin(name: str) -> None:
    whole = analysed(rr=beats(LENGTH_S), eda=of_eda(*SKINS[name])).whole
    assert {key for key in ("scl_us", "scr_per_min", *RESPONSES) if whole.features[key] is not None} == set()


def test_nothing_at_all_is_one_clear_error() -> None:
    with pytest.raises(InsufficientDataError, match="nothing usable"):
        analysed(rr=of_beats(np.full(50, np.nan)), eda=of_eda(np.zeros(1680), 4.0))
