import math
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.heart.beats import BeatKind, Beats
from pipeline.heart.spectrum import (
    HF,
    LF,
    TOTAL,
    VLF,
    Detrend,
    PsdMethod,
    Spectrum,
    choose_psd_method,
    has_gap,
    lomb_power,
    spectrum,
)
from pipeline.heart.time_domain import baevsky_si, time_domain
from pipeline.model import Floats

EXCLUDED = BeatKind.LONG_SHORT


def beats_of(rr_ms: Floats, time_s: Floats | None = None, excluded: tuple[int, ...] = ()) -> Beats:
    rr_ms = np.asarray(rr_ms, dtype=np.float64)
    kind = np.zeros(len(rr_ms), dtype=np.int8)
    kind[list(excluded)] = EXCLUDED
    return Beats(np.cumsum(rr_ms) / 1000 if time_s is None else time_s, rr_ms, kind)


def sine(hz: float, mean_ms: float = 800.0, length_s: float = 320.0, drift_ms_s: float = 0.0) -> Beats:
    """A tachogram that swings 30 ms around its mean: its variance is 450 ms²."""
    rr_ms, now_s = [], 0.0
    while now_s < length_s:
        rr_ms.append(mean_ms + drift_ms_s * now_s + 30 * math.sin(2 * math.pi * hz * now_s))
        now_s += rr_ms[-1] / 1000
    return beats_of(np.array(rr_ms))


@pytest.fixture
def kubios(recordings: Path) -> Beats:
    return beats_of(np.loadtxt(recordings / "kubios_report" / "SampleExport.txt"))


def test_time_domain_of_the_kubios_report(kubios: Beats) -> None:
    found = time_domain(kubios)
    assert (found.beats, found.nn_pairs) == (423, 422)
    assert found.mean_nn_ms == pytest.approx(707.5437, abs=5e-5)
    assert found.mean_hr_bpm == pytest.approx(84.8004, abs=5e-5)
    assert found.sdnn_ms == pytest.approx(92.7945, abs=5e-5)
    assert found.rmssd_ms == pytest.approx(56.86, abs=5e-3)
    assert found.baevsky_si_sqrt == pytest.approx(5.885, abs=5e-4)


@pytest.mark.parametrize(
    ("band", "kubios_ms2"),
    [((0.0, 0.04), 4076.6279), (LF, 5673.0207), (HF, 1873.5143)],
    ids=["VLF", "LF", "HF"],
)
def test_welch_of_the_kubios_report(band: tuple[float, float], kubios_ms2: float, kubios: Beats) -> None:
    found = spectrum(kubios, 0, 301)
    assert found is not None
    assert found.band_power(*band) == pytest.approx(kubios_ms2, rel=0.02)


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
    ],
)
def test_what_cannot_exist_is_none(rr_ms: list[float], absent: list[str]) -> None:
    found = asdict(time_domain(beats_of(np.array(rr_ms))))
    assert sorted(absent) == sorted(name for name, value in found.items() if value is None)


def test_baevsky_by_hand() -> None:
    """Six of ten in 800..850 ms: AMo 60 %, Mo 0.825 s, range 0.2 s."""
    nn_ms = np.array([800.0, 801, 810, 820, 840, 849, 850, 900, 700, 760])
    assert baevsky_si(nn_ms) == pytest.approx(60 / (2 * 0.825 * 0.2))


@pytest.mark.parametrize("method", PsdMethod)
@pytest.mark.parametrize("mean_ms", [600.0, 800.0, 1000.0])
@pytest.mark.parametrize(("hz", "band"), [(0.1, LF), (0.25, HF)], ids=["LF", "HF"])
def test_power_of_a_sine(method: PsdMethod, mean_ms: float, hz: float, band: tuple[float, float]) -> None:
    found = spectrum(sine(hz, mean_ms), 0, 300, method)
    assert found is not None
    assert found.band_power(*band) == pytest.approx(450, rel=0.02)
    assert found.peak_hz(*band) == pytest.approx(hz, abs=1 / 600)
    assert found.band_power(*TOTAL) == pytest.approx(450, rel=0.02)


@pytest.mark.parametrize("method", PsdMethod)
@pytest.mark.parametrize("detrend", [Detrend.LINEAR, Detrend.SMOOTHNESS_PRIORS])
def test_detrending_takes_a_trend_and_leaves_the_breath(method: PsdMethod, detrend: Detrend) -> None:
    drifting = sine(0.25, drift_ms_s=0.3)
    found, left = spectrum(drifting, 0, 300, method, detrend), spectrum(drifting, 0, 300, method)
    assert found is not None
    assert left is not None
    assert found.band_power(*HF) == pytest.approx(450, rel=0.02)
    assert found.band_power(*VLF) < 0.02 * left.band_power(*VLF)


def test_a_long_window_averages_segments() -> None:
    for method in PsdMethod:
        found = spectrum(sine(0.1, length_s=900), 0, 900, method)
        assert found is not None
        assert found.band_power(*LF) == pytest.approx(450, rel=0.02)


def test_lomb_bears_a_gap_that_welch_refuses() -> None:
    whole = sine(0.1)
    kept = (whole.time_s < 100) | (whole.time_s > 160)
    holed = Beats(whole.time_s[kept], whole.interval_ms[kept], whole.kind[kept])
    assert spectrum(holed, 0, 300, PsdMethod.WELCH) is None
    found = spectrum(holed, 0, 300, PsdMethod.LOMB)
    assert found is not None
    assert found.band_power(*LF) == pytest.approx(450, rel=0.03)
    before, same = spectrum(holed, 0, 99), spectrum(whole, 0, 99)
    assert before is not None
    assert same is not None
    np.testing.assert_array_equal(before.psd_ms2_hz, same.psd_ms2_hz)


@pytest.mark.parametrize("method", PsdMethod)
def test_spectrum_of_shifted_time(method: PsdMethod) -> None:
    beats = sine(0.1)
    moved = Beats(beats.time_s + 1e6, beats.interval_ms, beats.kind)
    here, there = spectrum(beats, 0, 300, method), spectrum(moved, 1e6, 1e6 + 300, method)
    assert here is not None
    assert there is not None
    assert here.band_power(*LF) == pytest.approx(there.band_power(*LF), rel=1e-5)


@pytest.mark.parametrize("method", PsdMethod)
@pytest.mark.parametrize(
    "beats", [beats_of(np.zeros(0)), beats_of(np.full(3, 800.0)), beats_of(np.full(9, 900.0))]
)
def test_too_little_for_a_spectrum(method: PsdMethod, beats: Beats) -> None:
    assert spectrum(beats, 0, 300, method) is None


def test_a_constant_rhythm_has_no_power_and_no_peak() -> None:
    for method in PsdMethod:
        found = spectrum(beats_of(np.full(400, 800.0)), 0, 300, method)
        assert found is not None
        assert found.band_power(*TOTAL) == pytest.approx(0, abs=1e-12)


def test_lomb_against_scipy(kubios: Beats) -> None:
    from scipy.signal import lombscargle

    frequency_hz = np.arange(1, 600) / 1200
    values = kubios.interval_ms - kubios.interval_ms.mean()
    expected = lombscargle(kubios.time_s, values, 2 * np.pi * frequency_hz)
    np.testing.assert_allclose(
        lomb_power(kubios.time_s, values, frequency_hz), expected, rtol=1e-9, atol=1e-6
    )


def test_band_edges_are_interpolated() -> None:
    found = Spectrum(np.array([0.0, 1.0, 2.0]), np.array([0.0, 2.0, 0.0]), PsdMethod.WELCH, Detrend.NONE)
    assert found.band_power(0.5, 1.5) == pytest.approx(1.5)
    assert found.band_power(0, 9) == pytest.approx(2)
    assert found.band_power(3, 4) == 0
    assert (found.peak_hz(0.5, 1.5), found.peak_hz(0.4, 0.6), found.peak_hz(1.5, 2)) == (1.0, None, None)


RR_MS = np.full(500, 800.0)
WINDOWS = [(0.0, 100.0), (100.0, 200.0), (200.0, 300.0)]


@pytest.mark.parametrize(
    ("excluded", "gap_at", "method"),
    [
        pytest.param((), None, PsdMethod.WELCH, id="whole"),
        pytest.param((200,), None, PsdMethod.WELCH, id="an excluded beat"),
        pytest.param((200, 201), None, PsdMethod.WELCH, id="two in a row"),
        pytest.param((200, 201, 202), None, PsdMethod.LOMB, id="three in a row"),
        pytest.param((), 200, PsdMethod.LOMB, id="a gap in time"),
        pytest.param(tuple(range(190, 210)), None, PsdMethod.WELCH, id="in a window that is not usable"),
        pytest.param((), 450, PsdMethod.WELCH, id="outside all windows"),
    ],
)
def test_choice_of_method(excluded: tuple[int, ...], gap_at: int | None, method: PsdMethod) -> None:
    time_s = np.cumsum(RR_MS) / 1000
    if gap_at is not None:
        time_s[gap_at:] += 3
    assert method == choose_psd_method(beats_of(RR_MS, time_s, excluded), WINDOWS)


def test_a_gap_affects_only_the_windows_that_hold_it() -> None:
    time_s = np.cumsum(RR_MS) / 1000
    time_s[200:] += 3
    beats = beats_of(RR_MS, time_s)
    assert [has_gap(beats, *window) for window in WINDOWS] == [False, True, False]


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.floats(300, 2000), st.booleans(), st.booleans()), max_size=60),
    st.sampled_from(PsdMethod),
    st.sampled_from(Detrend),
)
def test_never_raises(rows: list[tuple[float, bool, bool]], method: PsdMethod, detrend: Detrend) -> None:
    rr_ms = np.array([interval for interval, _, _ in rows])
    time_s = np.cumsum([interval / 1000 + 60 * late for interval, late, _ in rows])
    beats = beats_of(rr_ms, time_s, tuple(i for i, row in enumerate(rows) if row[2]))
    found = spectrum(beats, 0, 4000, method, detrend)
    assert found is None or np.all(found.psd_ms2_hz >= 0)
    assert all(value is None or math.isfinite(value) for value in asdict(time_domain(beats)).values())
