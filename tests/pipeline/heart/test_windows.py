import math
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.heart.beats import BeatKind, Beats
from pipeline.heart.series import Series
from pipeline.heart.spectrum import HF, LF, TOTAL, VLF, Detrend, PsdMethod, has_gap, spectrum
from pipeline.heart.time_domain import time_domain
from pipeline.heart.windows import hrv_columns
from pipeline.model import Floats
from tests.pipeline.heart.tachograms import beats_of, irregular, sine

Columns = dict[str, Floats]

START_S = np.arange(0.0, 600.0, 45.0)
END_S = START_S + 250.0
COUNTS = {"ectopic_n", "missed_n", "extra_n", "longshort_n", "beats", "nn_pairs", "has_gap", "contiguous_nn"}


def columns(beats: Beats, start_s: Floats = START_S, end_s: Floats = END_S, **choices: object) -> Columns:
    return hrv_columns(beats, start_s, end_s, **{"psd_method": PsdMethod.LOMB, **choices})  # type: ignore[arg-type]


def assert_same(found: Columns, expected: Columns, rows: slice | Floats = np.s_[:]) -> None:
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name][rows], values[rows], err_msg=name)


def assert_close(found: Columns, expected: Columns, rtol: float) -> None:
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("method", PsdMethod)
@pytest.mark.parametrize("detrend", Detrend)
@pytest.mark.parametrize("gap_at_s", [None, 400.0])
def test_agreement_with_single_windows(method: PsdMethod, detrend: Detrend, gap_at_s: float | None) -> None:
    beats = irregular(gap_at_s=gap_at_s)
    found = columns(beats, psd_method=method, detrend=detrend)
    for row, (start_s, end_s) in enumerate(zip(START_S, END_S, strict=True)):
        inside = beats.between(start_s, end_s)
        expected = dict(asdict(time_domain(inside)))
        density = spectrum(beats, start_s, end_s, method, detrend)
        expected |= {
            "covered_s": beats.covered_s(start_s, end_s),
            "longshort_n": inside.counts[BeatKind.LONG_SHORT],
            "artefact_pct": inside.corrected_pct,
            "has_gap": has_gap(beats, start_s, end_s),
            "vlf_ms2": density.band_power(*VLF) if density else None,
            "lf_ms2": density.band_power(*LF) if density else None,
            "hf_ms2": density.band_power(*HF) if density else None,
            "total_ms2": density.band_power(*TOTAL) if density else None,
            "lf_peak_hz": density.peak_hz(*LF) if density else None,
            "hf_peak_hz": density.peak_hz(*HF) if density else None,
            "peak_hz": density.peak_hz(LF[0], HF[1]) if density else None,
        }
        values = {name: math.nan if value is None else float(value) for name, value in expected.items()}
        here = {name: float(found[name][row]) for name in values}
        assert here == pytest.approx(values, rel=1e-10, nan_ok=True)


@pytest.mark.parametrize("method", PsdMethod)
def test_each_window_alone_gives_the_same_bits(method: PsdMethod) -> None:
    beats = irregular(gap_at_s=500.0)
    together = columns(beats, psd_method=method)
    backwards = columns(beats, START_S[::-1].copy(), END_S[::-1].copy(), psd_method=method)
    assert_same({name: values[::-1] for name, values in backwards.items()}, together)
    for row in range(len(START_S)):
        alone = columns(beats, START_S[row : row + 1], END_S[row : row + 1], psd_method=method)
        assert_same({name: values[row : row + 1] for name, values in together.items()}, alone)


@pytest.mark.parametrize("method", PsdMethod)
def test_a_gap_changes_only_the_windows_that_hold_it(method: PsdMethod) -> None:
    whole = irregular()
    kept = (whole.time_s < 400) | (whole.time_s > 430)
    holed = Beats(whole.time_s[kept], whole.interval_ms[kept], whole.kind[kept])
    apart = (END_S <= 400) | (START_S >= 431)
    before, after = columns(whole, psd_method=method), columns(holed, psd_method=method)
    assert 0 < np.count_nonzero(apart) < len(apart)
    # an interval that the next window covers in part may have gone
    assert_same(
        after, {name: before[name] for name in before if name not in {"covered_s", "nn_coverage"}}, apart
    )
    assert np.all(after["has_gap"][~apart & (END_S > 431) & (START_S < 399)] == 1)


@pytest.mark.parametrize("method", PsdMethod)
@pytest.mark.parametrize("shift_s", [1e3, 1e6])
def test_time_shift(method: PsdMethod, shift_s: float) -> None:
    beats = irregular(gap_at_s=500.0)
    moved = Beats(beats.time_s + shift_s, beats.interval_ms, beats.kind)
    found = columns(moved, START_S + shift_s, END_S + shift_s, psd_method=method)
    assert_close(found, columns(beats, psd_method=method), 1e-5)


@pytest.mark.parametrize("cut_at_s", [300.0, 477.7])
def test_windows_of_a_split_recording(cut_at_s: float) -> None:
    """A window on one side of a cut sees what it saw before."""
    beats = irregular()
    whole, first = columns(beats, psd_method=PsdMethod.WELCH), beats.between(0, cut_at_s)
    inside = cut_at_s - 2 > END_S
    assert_same(columns(first, psd_method=PsdMethod.WELCH), whole, inside)


def test_unit() -> None:
    """Twice the swing: twice the spread, four times the power, the same shape."""
    small, large = (beats_of(np.full(400, 800.0), 0.8 * np.arange(1, 401)) for _ in range(2))
    wave = 5 * np.sin(0.5 * np.arange(400)) + 2 * np.random.default_rng(1).standard_normal(400)
    small = Beats(small.time_s, 800 + wave, small.kind)
    large = Beats(large.time_s, 800 + 2 * wave, large.kind)
    once, twice = (columns(beats, np.array([0.0]), np.array([300.0])) for beats in (small, large))
    times = {"sdnn_ms": 2, "rmssd_ms": 2, "sd1_ms": 2, "sd2_ms": 2, "sampen": 1, "dfa_alpha1": 1}
    for name, factor in times.items():
        assert twice[name][0] == pytest.approx(factor * once[name][0], rel=1e-9), name


def test_end_of_the_recording() -> None:
    """A window that ends with the recording, or never, includes the beat that ends there."""
    beats = sine(0.1)
    end_s = float(beats.time_s[-1])
    start, end = np.array([0.0]), np.array([end_s])
    without = columns(beats, start, end)
    with_last, endless = columns(beats, start, end, duration_s=end_s), columns(beats, start, end + math.inf)
    assert without["beats"][0] + 1 == with_last["beats"][0] == len(beats)
    assert_same(endless, with_last)
    assert with_last["covered_s"][0] == pytest.approx(end_s)


def test_what_windows_hold() -> None:
    rr_ms = np.full(200, 1000.0)
    time_s = np.arange(1.0, 201.0)
    time_s[100:] += 20
    kind = np.zeros(200, dtype=np.int8)
    kind[[10, 11, 50, 60]] = [BeatKind.ECTOPIC, BeatKind.ECTOPIC, BeatKind.MISSED, BeatKind.EXTRA]
    found = columns(Beats(time_s, rr_ms, kind), np.array([0.0, 30.5, 119.0]), np.array([100.5, 130.5, 121.5]))
    expected = {
        "beats": [96, 78, 1],
        "ectopic_n": [2, 0, 0],
        "missed_n": [1, 1, 0],
        "extra_n": [1, 1, 0],
        "longshort_n": [0, 0, 0],
        "artefact_pct": [4.0, 2.5, 0],
        "covered_s": [96.0, 78, 1.5],
        "longest_gap_s": [0.5, 20, 1],
        "has_gap": [0, 1, 0],
        "contiguous_nn": [39, 39, 1],
    }
    assert {name: found[name].tolist() for name in expected} == expected


def test_no_window_and_no_beat() -> None:
    nothing, none = beats_of(np.zeros(0)), np.zeros(0)
    assert all(values.shape == (0,) for values in columns(sine(0.1), none, none).values())
    found = columns(nothing, np.array([0.0, 5.0]), np.array([60.0, math.inf]))
    assert found["longest_gap_s"].tolist() == [60, 0]
    told = {"nn_coverage", "covered_s", "longest_gap_s", "artefact_pct", *COUNTS}
    assert all(np.all(np.isnan(found[name])) for name in found if name not in told)


INTERVALS = st.one_of(
    st.floats(300, 2000),
    st.sampled_from([math.nan, math.inf, 0.0, -500.0, 1e-300, 1e300, 800.0]),
    st.floats(),
)


@settings(deadline=None, max_examples=150)
@given(
    rows=st.lists(st.tuples(INTERVALS, st.sampled_from(BeatKind), st.floats(0, 5)), max_size=40),
    repeats=st.integers(1, 6),
    method=st.sampled_from([*PsdMethod, None]),
    detrend=st.sampled_from(Detrend),
    backwards=st.booleans(),
)
def test_never_raises(
    rows: list[tuple[float, BeatKind, float]],
    repeats: int,
    method: PsdMethod | None,
    detrend: Detrend,
    backwards: bool,
) -> None:
    rr_ms = np.array([interval for interval, _, _ in rows] * repeats)
    kind = np.array([kind for _, kind, _ in rows] * repeats, dtype=np.int8)
    time_s = np.cumsum([step_s for _, _, step_s in rows] * repeats)
    beats = Beats(time_s[::-1] if backwards else time_s, rr_ms, kind)
    start_s, end_s = np.array([0.0, 0, 30, 1e6, -9, 5]), np.array([60.0, math.inf, 300, 2e6, -1, 5])
    with np.errstate(all="ignore"):  # what Beats itself makes of such numbers
        found = columns(beats, start_s, end_s, psd_method=method, detrend=detrend)
    assert all(values.shape == (6,) and not np.any(np.isinf(values)) for values in found.values())
    assert all(np.all(np.isfinite(found[name])) for name in COUNTS)


def test_a_series_never_differs_across_what_is_excluded() -> None:
    beats = irregular(gap_at_s=300.0)
    series = Series.of(beats)
    np.testing.assert_array_equal(series.follows, beats.pairs[beats.nn])
