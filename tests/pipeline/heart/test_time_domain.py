import math
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from pipeline.heart.beats import BeatKind, Beats
from pipeline.heart.time_domain import baevsky_si, time_domain
from tests.pipeline.heart.tachograms import beats_of


@pytest.fixture
def kubios(recordings: Path) -> Beats:
    return beats_of(np.loadtxt(recordings / "kubios_report" / "SampleExport.txt"))


def test_the_kubios_report(kubios: Beats) -> None:
    found = time_domain(kubios)
    assert (found.beats, found.nn_pairs) == (423, 422)
    assert found.mean_nn_ms == pytest.approx(707.5437, abs=5e-5)
    assert found.mean_hr_bpm == pytest.approx(84.8004, abs=5e-5)
    assert found.sdnn_ms == pytest.approx(92.7945, abs=5e-5)
    assert found.rmssd_ms == pytest.approx(56.86, abs=5e-3)
    assert found.baevsky_si_sqrt == pytest.approx(5.885, abs=5e-4)


def test_parity_with_neurokit(kubios: Beats) -> None:
    neurokit2 = pytest.importorskip("neurokit2")
    peaks = np.concatenate([[0], np.cumsum(kubios.interval_ms)]).astype(int)
    times = neurokit2.hrv_time(peaks, sampling_rate=1000).iloc[0]
    nonlinear = neurokit2.hrv_nonlinear(peaks, sampling_rate=1000).iloc[0]
    found = time_domain(kubios)
    expected = {
        "mean_nn_ms": times["HRV_MeanNN"],
        "sdnn_ms": times["HRV_SDNN"],
        "rmssd_ms": times["HRV_RMSSD"],
        "cvnn_pct": 100 * times["HRV_CVNN"],
        "rmssd_mean_nn_pct": 100 * times["HRV_CVSD"],
        "pnn50_pct": times["HRV_pNN50"]
        * found.beats
        / found.nn_pairs,  # per interval there, here per difference
        "sd1_ms": nonlinear["HRV_SD1"],
        "sd2_ms": nonlinear["HRV_SD2"],
    }
    assert {name: asdict(found)[name] for name in expected} == pytest.approx(expected, rel=1e-9)


def test_differences_cross_neither_an_excluded_beat_nor_a_gap() -> None:
    rr_ms = np.array([800.0, 810, 1600, 830, 850, 900, 910])
    time_s = np.cumsum(rr_ms) / 1000
    time_s[5:] += 60
    found = time_domain(beats_of(rr_ms, time_s, excluded=(2,)))
    assert (found.beats, found.nn_pairs) == (6, 3)
    assert found.rmssd_ms == pytest.approx(math.sqrt((10**2 + 20**2 + 10**2) / 3))
    assert found.mean_nn_ms == pytest.approx(850)


NOTHING = ["sdnn_ms", "rmssd_ms", "ln_rmssd", "pnn50_pct", "sd1_ms", "sd2_ms"]
NOTHING += ["cvnn_pct", "rmssd_mean_nn_pct", "baevsky_si", "baevsky_si_sqrt"]


@pytest.mark.parametrize(
    ("rr_ms", "absent"),
    [
        pytest.param([], ["mean_hr_bpm", "mean_nn_ms", *NOTHING], id="no beat"),
        pytest.param([800], NOTHING, id="one interval"),
        pytest.param([800, 810], ["sd1_ms", "sd2_ms"], id="one difference"),
        pytest.param([800, 800, 800], ["ln_rmssd", "baevsky_si", "baevsky_si_sqrt"], id="constant"),
        pytest.param([800.1] * 9, ["ln_rmssd", "baevsky_si", "baevsky_si_sqrt"], id="constant, no whole ms"),
    ],
)
def test_what_cannot_exist_is_none(rr_ms: list[float], absent: list[str]) -> None:
    found = asdict(time_domain(beats_of(np.array(rr_ms))))
    assert sorted(absent) == sorted(name for name, value in found.items() if value is None)


@pytest.mark.parametrize("impossible", [math.nan, math.inf, 0.0, -800.0])
def test_an_interval_that_is_no_positive_number_is_never_normal(impossible: float) -> None:
    time_s, rr_ms = np.arange(1, 6) * 0.8, np.array([800.0, 810, impossible, 790, 800])
    found = time_domain(Beats(time_s, rr_ms, np.full(5, BeatKind.NORMAL, dtype=np.int8)))
    assert (found.beats, found.nn_pairs, found.mean_nn_ms) == (4, 2, 800.0)


def test_baevsky_by_hand() -> None:
    """Six of ten in 800..850 ms: AMo 60 %, Mo 0.825 s, range 0.2 s."""
    nn_ms = np.array([800.0, 801, 810, 820, 840, 849, 850, 900, 700, 760])
    assert baevsky_si(nn_ms) == pytest.approx(60 / (2 * 0.825 * 0.2))
