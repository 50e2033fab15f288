from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import CubicSpline
from scipy.signal import detrend as linear_detrended
from scipy.signal import welch

from pipeline.heart.beats import Beats
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
    spectrum,
)
from pipeline.model import Floats
from tests.pipeline.heart.tachograms import beats_of, irregular, sine


@pytest.fixture
def kubios(recordings: Path) -> Beats:
    return beats_of(np.loadtxt(recordings / "kubios_report" / "SampleExport.txt"))


@pytest.mark.parametrize("method", PsdMethod)
@pytest.mark.parametrize(
    ("band", "kubios_ms2"),
    [
        pytest.param((0.0, 0.04), 4076.6279, id="VLF from 0, as there"),
        pytest.param(LF, 5673.0207, id="LF"),
        pytest.param(HF, 1873.5143, id="HF"),
    ],
)
def test_powers_of_the_kubios_report(
    method: PsdMethod, band: tuple[float, float], kubios_ms2: float, kubios: Beats
) -> None:
    """Not its digits: it sums bins of 1/300 Hz, here trapezoids reach exactly to the bands' edges."""
    found = spectrum(kubios, 0, 301, method)
    assert found is not None
    assert found.band_power(*band) == pytest.approx(kubios_ms2, rel=0.02)


def test_peaks_of_the_kubios_report(kubios: Beats) -> None:
    found = spectrum(kubios, 0, 301)
    assert found is not None
    assert found.peak_hz(*LF) == pytest.approx(0.086667, abs=1 / 500)
    assert found.peak_hz(*HF) == pytest.approx(0.196667, abs=1e-6)


def resampled(beats: Beats) -> Floats:
    grid_s = np.arange(beats.time_s[0], beats.time_s[-1], 0.25)
    return np.asarray(CubicSpline(beats.time_s, beats.interval_ms)(grid_s))


def given_back(frequency_hz: Floats, mean_s: float) -> Floats:
    """What a cubic spline's attenuation is undone by, up to a quarter of a cycle per beat."""
    x = np.minimum(frequency_hz * mean_s, 0.25)
    return np.asarray((np.sinc(x) ** 4 * 3 / (2 + np.cos(2 * np.pi * x))) ** -2)


@pytest.mark.parametrize("length_s", [60, 130, 299, 300, 1100])
@pytest.mark.parametrize("detrend", [Detrend.NONE, Detrend.LINEAR])
def test_welch_is_scipys(length_s: int, detrend: Detrend) -> None:
    beats = irregular(1200.0)
    beats = Beats(beats.time_s, beats.interval_ms, np.zeros_like(beats.kind))
    inside = beats.between(5, 5 + length_s)
    values = resampled(inside)
    if detrend is Detrend.LINEAR:
        values = linear_detrended(values)
    found = spectrum(beats, 5, 5 + length_s, PsdMethod.WELCH, detrend)
    assert found is not None
    step_hz, segment = found.frequency_hz[1], min(len(values), 1200)
    frequency_hz, density = welch(values, 4, "hann", segment, segment // 2, nfft=round(4 / step_hz))
    expected = density * given_back(frequency_hz, float(np.mean(np.diff(inside.time_s))))
    np.testing.assert_allclose(found.psd_ms2_hz, expected[: len(found.frequency_hz)], rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("mean_ms", [600.0, 800.0, 1000.0, 1200.0])
def test_welch_stays_near_the_plain_definition(mean_ms: float) -> None:
    """No frequency gains more than 3 %, so no band does, however slow the heart."""
    assert np.max(given_back(np.linspace(0, 0.5, 99), mean_ms / 1000)) < 1.03
    rng = np.random.default_rng(3)
    beats = beats_of(mean_ms + 20 * rng.standard_normal(400))
    inside = beats.between(0, 300)
    values = resampled(inside)
    plain = Spectrum(
        *welch(values, 4, "hann", min(len(values), 1200)), method=PsdMethod.WELCH, detrend=Detrend.NONE
    )
    found = spectrum(beats, 0, 300)
    assert found is not None
    for band in (LF, HF):
        assert found.band_power(*band) == pytest.approx(plain.band_power(*band), rel=0.035)


def test_lomb_by_the_formula() -> None:
    """Scargle 1982, eq. 10, with weights: the delay by its definition, one frequency at a time."""
    beats = irregular(300.0)
    beats = Beats(beats.time_s, beats.interval_ms, np.zeros_like(beats.kind))
    found = spectrum(beats, 0, 300, PsdMethod.LOMB)
    assert found is not None
    at_s, own_s = beats.time_s - beats.time_s[0], beats.interval_ms / 1000
    steps_s = np.diff(at_s)
    seen_s = (np.append(steps_s, own_s[-1]) + np.insert(steps_s, 0, own_s[0])) / 2
    taper = np.sin(np.pi * at_s / at_s[-1]) ** 2
    weight = seen_s * taper
    values = beats.interval_ms - np.average(beats.interval_ms, weights=weight)
    expected = [0.0]
    for hz in found.frequency_hz[1:]:
        angle = 2 * np.pi * hz * at_s
        angle -= np.arctan2(weight @ np.sin(2 * angle), weight @ np.cos(2 * angle)) / 2
        power = [
            (weight @ (values * wave)) ** 2 / (weight @ wave**2) for wave in (np.cos(angle), np.sin(angle))
        ]
        expected.append(sum(power) * weight.sum() / (seen_s @ taper**2))
    np.testing.assert_allclose(found.psd_ms2_hz, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("method", PsdMethod)
def test_level_of_white_noise(method: PsdMethod) -> None:
    """Independent intervals of variance s² have density 2 s² mean RR at every frequency."""
    rng = np.random.default_rng(0)
    beats = beats_of(850 + 20 * rng.standard_normal(36_000))
    found = spectrum(beats, 0, 30_000, method)
    assert found is not None
    assert found.band_power(*LF) == pytest.approx(2 * 400 * 0.85 * 0.11, rel=0.05)
    assert found.band_power(0.15, 0.25) == pytest.approx(2 * 400 * 0.85 * 0.10, rel=0.05)


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("kubios_report/SampleExport.txt", id="strong waves"),
        pytest.param("elitehrv_txt/2017-06-29 13-11-53.txt", id="fifty minutes"),
        pytest.param("rri_txt_polar_hrm/rest_rri.txt", id="slow heart"),
    ],
)
def test_lomb_and_welch_of_real_beats(path: str, recordings: Path) -> None:
    rr_ms = np.loadtxt(recordings / path)
    beats = beats_of(rr_ms[(rr_ms > 300) & (rr_ms < 2000)])
    welch_, lomb = (spectrum(beats, 0, np.inf, method) for method in PsdMethod)
    assert welch_ is not None
    assert lomb is not None
    for band, share in ((VLF, 0.05), (LF, 0.03), (HF, 0.08)):
        assert lomb.band_power(*band) == pytest.approx(welch_.band_power(*band), rel=share)


@pytest.mark.parametrize("method", PsdMethod)
@pytest.mark.parametrize("excluded", [(100,), (100, 101)], ids=["one beat", "two"])
def test_a_bridged_hole_adds_no_power(method: PsdMethod, excluded: tuple[int, ...]) -> None:
    whole = sine(0.1)
    holed = Beats(whole.time_s, whole.interval_ms, beats_of(whole.interval_ms, None, excluded).kind)
    found = spectrum(holed, 0, 300, method)
    assert found is not None
    assert found.band_power(*LF) == pytest.approx(450, rel=0.02)
    assert found.band_power(*HF) < 5


@pytest.mark.parametrize("method", PsdMethod)
@pytest.mark.parametrize("mean_ms", [600.0, 700.0, 800.0, 900.0, 1000.0])
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
