"""Measures over blocks against the definitions of one stretch at a time."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from devices.virtual.client import SimulatedClient
from pipeline.heart.beats import BeatKind, Beats
from pipeline.heart.time_domain import time_domain
from pipeline.model import Phase, PhaseKind
from pipeline.regulation.blocks import Blocks, Measure
from pipeline.regulation.estimates import MEASURES
from pipeline.regulation.measures import Breathed, measures_of
from pipeline.signals import Signals
from pipeline.skin.levels import skin_columns
from tests.pipeline.regulation.lives import signals_of

START_S = np.arange(0.0, 300.0, 30.0)
END_S = START_S + 30.0


@pytest.fixture(scope="module")
def signals() -> Signals:
    return signals_of(SimulatedClient(5), 300.0)


@pytest.fixture(scope="module")
def measures(signals: Signals) -> dict[str, Measure]:
    return measures_of(signals, [])


def _each(one: Callable[[float, float], float | None]) -> list[float | None]:
    return [one(start, end) for start, end in zip(START_S.tolist(), END_S.tolist(), strict=True)]


@pytest.mark.parametrize("name", ["mean_hr_bpm", "ln_rmssd"])
def test_the_hearts_are_those_of_the_time_domain(
    name: str, signals: Signals, measures: dict[str, Measure]
) -> None:
    assert signals.beats is not None
    beats = signals.beats
    expected = _each(lambda start, end: getattr(time_domain(beats.between(start, end)), name))
    assert measures[name].over(START_S, END_S) == pytest.approx(expected)


@pytest.mark.parametrize("name", ["scl_us", "ln_scl", "scr_per_min"])
def test_the_skins_are_those_of_the_feature_table(
    name: str, signals: Signals, measures: dict[str, Measure]
) -> None:
    assert signals.eda is not None
    assert signals.scrs is not None
    expected = skin_columns(signals.eda, signals.scrs, START_S, END_S)[name]
    assert measures[name].over(START_S, END_S) == pytest.approx(expected)


def _sine(amplitude_ms: float, frequency_hz: float) -> Beats:
    time_s = np.cumsum(np.full(400, 0.8))
    interval_ms = 800 + amplitude_ms * np.sin(2 * np.pi * frequency_hz * time_s)
    return Beats(time_s, interval_ms, np.zeros(400, dtype=np.int8))


@pytest.mark.parametrize(
    ("frequency_hz", "lf_ms2", "hf_ms2"),
    [
        pytest.param(0.1, 200.0, 0.0, id="lf"),
        pytest.param(0.2, 0.0, 170.0, id="hf, of which straight lines between beats take some"),
    ],
)
def test_the_power_of_a_wave_is_half_the_square_of_its_size(
    frequency_hz: float, lf_ms2: float, hf_ms2: float, signals: Signals
) -> None:
    beats = _sine(20.0, frequency_hz)
    found = measures_of(replace(signals, beats=beats, series=beats), [])
    for name, power_ms2 in (("lf_ms2", lf_ms2), ("hf_ms2", hf_ms2)):
        assert np.mean(found[name].over(START_S, END_S)) == pytest.approx(power_ms2, rel=0.05, abs=2.0)


def test_a_stretch_that_is_half_empty_has_no_value(signals: Signals) -> None:
    assert signals.beats is not None
    assert signals.eda is not None
    kept = (signals.beats.time_s < 64) | (signals.beats.time_s > 84)
    beats = Beats(
        *(column[kept] for column in (signals.beats.time_s, signals.beats.interval_ms, signals.beats.kind))
    )
    valid = signals.eda.valid & ~((signals.eda.time_s >= 64) & (signals.eda.time_s < 84))
    holed = replace(signals, beats=beats, series=beats, eda=replace(signals.eda, valid=valid))
    for name, measure in measures_of(holed, []).items():
        assert np.flatnonzero(np.isnan(measure.over(START_S, END_S))).tolist() == [2], name


def test_a_stretch_with_many_excluded_intervals_has_no_heart_rate_but_a_bin_has(signals: Signals) -> None:
    assert signals.beats is not None
    kind = signals.beats.kind.copy()
    inside = np.flatnonzero((signals.beats.time_s >= 60) & (signals.beats.time_s < 90))
    kind[inside[: len(inside) * 2 // 5]] = BeatKind.EXTRA
    beats = replace(signals.beats, kind=kind)
    rate = measures_of(replace(signals, beats=beats, series=beats), [])["mean_hr_bpm"]
    assert np.flatnonzero(np.isnan(rate.over(START_S, END_S))).tolist() == [2]
    assert np.isfinite(rate.over(np.array([85.0]), np.array([90.0]))).all()


def test_without_a_signal_there_is_no_value(signals: Signals) -> None:
    bare = measures_of(replace(signals, beats=None, series=None, eda=None, scrs=None), [])
    for name in MEASURES:
        assert np.all(np.isnan(bare[name].over(START_S, END_S))), name
        assert np.all(np.isnan(bare[name].over(np.empty(0), np.empty(0)))), name


@pytest.mark.parametrize("gain", [1e-2, 2.0])
def test_a_gain_of_the_rhythm_changes_its_powers_alone(gain: float, signals: Signals) -> None:
    assert signals.beats is not None
    mean_ms = 900.0
    varied = replace(signals.beats, interval_ms=mean_ms + gain * (signals.beats.interval_ms - mean_ms))
    plain, other = (
        measures_of(replace(signals, beats=beats, series=beats), [])["hf_ms2"].over(START_S, END_S)
        for beats in (signals.beats, varied)
    )
    np.testing.assert_allclose(other, gain**2 * plain, rtol=1e-6, atol=1e-9)


def test_blocks_are_as_long_as_three_breaths_of_their_phase(signals: Signals) -> None:
    slow, quick = Phase("Slow", PhaseKind.PACED, 0, 150), Phase("Quick", PhaseKind.OTHER, 150, 300)
    rate = measures_of(signals, [Breathed(slow, 5.0), Breathed(quick, 14.0)])["mean_hr_bpm"]
    part = Phase("Part of slow", PhaseKind.OTHER, 40, 140)
    assert [len(Blocks.of(rate, phase)) for phase in (slow, quick, part)] == [4, 5, 2]
