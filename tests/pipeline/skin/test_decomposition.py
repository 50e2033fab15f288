import csv
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.model import Bools, Floats
from pipeline.skin import decomposition, decomposition_kernels
from pipeline.skin.decomposition import EDGE_S, Decomposition, decompose, decompose_eda
from pipeline.skin.signal import prepare

ONSETS_S = np.array([20.0, 47.0, 58.0, 101.0, 140.0, 171.0, 210.0, 214.0, 255.0])
AREAS_US = np.array([1.0, 0.4, 0.8, 1.5, 0.3, 1.0, 0.9, 0.7, 1.2])


def response(since_s: Floats) -> Floats:
    """The response to an impulse of 1 µS, of the time constants in the paper."""
    since_s = np.clip(since_s, 0, None)
    return np.asarray(np.exp(-since_s / 2.0) - np.exp(-since_s / 0.7))


def times(length_s: float, rate_hz: float) -> Floats:
    return np.asarray(np.arange(round(length_s * rate_hz)) / rate_hz)


def parts(time_s: Floats) -> tuple[Floats, Floats]:
    """A slow level and the responses on it."""
    level = 4 + 0.6 * np.sin(2 * np.pi * time_s / 240) + 0.002 * time_s
    pairs = zip(ONSETS_S, AREAS_US, strict=True)
    return level, np.sum([area * response(time_s - onset_s) for onset_s, area in pairs], axis=0)


def signal(time_s: Floats, noise_us: float = 0.003) -> Floats:
    return np.asarray(sum(parts(time_s)) + np.random.default_rng(3).normal(0, noise_us, len(time_s)))


def whole(time_s: Floats, eda_us: Floats, rate_hz: float, scale_us: float | None = None) -> Decomposition:
    return decompose(time_s, eda_us, rate_hz, np.isfinite(eda_us), scale_us)


def oracle(values: Floats, rate_hz: float, monkeypatch: pytest.MonkeyPatch) -> tuple[Floats, Floats, float]:
    """neurokit2's tonic and phasic part and the objective, its solver told to be exact."""
    cvxopt = pytest.importorskip("cvxopt")
    phasic = pytest.importorskip("neurokit2.eda.eda_phasic")
    solved: list[float] = []
    solve = cvxopt.solvers.qp

    def qp(*arguments: Any, **named: Any) -> Any:
        result = solve(*arguments, **named)
        solved.append(result["primal objective"])
        return result

    monkeypatch.setattr(cvxopt.solvers, "qp", qp)
    cvxopt.solvers.options.update({"abstol": 1e-12, "feastol": 1e-9})
    tonic, phasic_part = phasic._eda_phasic_cvxeda(values, rate_hz, reltol=1e-11)
    return tonic, phasic_part, solved[0] + 0.5 * float(np.sum(values**2))


@pytest.mark.parametrize(
    ("rate_hz", "length_s"),
    [(1.0, 280), (2.0, 280), (4.0, 280), (8.0, 280), (7.5, 280), (4.0, 20), (4.0, 41.25), (8.0, 30)],
)
def test_the_optimum_of_neurokit2(rate_hz: float, length_s: float, monkeypatch: pytest.MonkeyPatch) -> None:
    time_s = times(length_s, rate_hz)
    eda_us = signal(time_s)
    found = whole(time_s, eda_us, rate_hz)
    assert found.scale_us == pytest.approx(np.std(eda_us))
    standard = (eda_us - np.mean(eda_us)) / np.std(eda_us)
    tonic, phasic, objective = oracle(standard, rate_hz, monkeypatch)
    np.testing.assert_allclose((found.tonic_us - np.mean(eda_us)) / np.std(eda_us), tonic, atol=2e-5)
    np.testing.assert_allclose(found.phasic_us / np.std(eda_us), phasic, atol=2e-5)
    assert -1e-7 < found.objective / objective - 1 < 1e-8  # ours is the lower: theirs stops a little earlier


def test_with_a_scale_of_one_it_is_neurokit2_on_microsiemens(monkeypatch: pytest.MonkeyPatch) -> None:
    time_s = times(280, 4.0)
    found = whole(time_s, signal(time_s), 4.0, 1.0)
    tonic, phasic, _ = oracle(signal(time_s), 4.0, monkeypatch)
    np.testing.assert_allclose(found.tonic_us, tonic, atol=1e-4)
    np.testing.assert_allclose(found.phasic_us, phasic, atol=1e-4)


@pytest.mark.parametrize("person", ["S02", "S05"])
def test_the_optimum_of_neurokit2_on_a_wristband(
    person: str, recordings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (recordings / "stress_predict_e4" / person / "EDA.csv").open() as file:
        eda_us = np.array([float(row[0]) for row in csv.reader(file)][2:])
    found = whole(np.arange(len(eda_us)) / 4, eda_us, 4.0)
    spread = np.std(eda_us)
    tonic, phasic, objective = oracle((eda_us - np.mean(eda_us)) / spread, 4.0, monkeypatch)
    np.testing.assert_allclose(found.tonic_us, tonic * spread + np.mean(eda_us), atol=1e-4)
    np.testing.assert_allclose(found.phasic_us, phasic * spread, atol=1e-4)
    assert -1e-7 < found.objective / objective - 1 < 1e-8  # ours is the lower: theirs stops a little earlier
    assert np.nanmin(found.driver_us_s) >= 0


@pytest.mark.parametrize("n", [80, 81, 119, 120, 121, 200], ids=str)
def test_the_system_solved_in_time_order(n: int) -> None:
    """Against the matrices of the paper, written out."""
    model = decomposition._Model(n, 4.0)
    taps = [np.zeros((n, n)), np.zeros((n, n))]
    for matrix, values in zip(taps, (decomposition._MA, model.ar), strict=True):
        for i in range(2, n):
            matrix[i, i - 2 : i + 1] = values[::-1]
    ma, ar = taps
    triangle = np.concatenate([np.arange(1.0, 40), np.arange(40, 0.0, -1)])
    curve = np.convolve(triangle, triangle) / np.max(np.convolve(triangle, triangle))
    splines = np.zeros((n, model.intervals))
    for knot in range(model.intervals):
        at = np.arange(n) - 40 * knot + len(curve) // 2
        inside = (at >= 0) & (at < len(curve))
        splines[inside, knot] = curve[at[inside]]
    whole = np.column_stack([ma, splines, np.ones(n), np.arange(1.0, n + 1) / n])
    rng = np.random.default_rng(n)
    weight = 10 ** rng.uniform(-4, 2, n)
    weight[:2] = 0
    system = whole.T @ whole
    system[:n, :n] += ar.T @ np.diag(weight) @ ar
    system[range(n, n + model.intervals), range(n, n + model.intervals)] += decomposition.GAMMA
    wanted = rng.normal(size=len(system))
    right = system @ wanted

    factors = decomposition_kernels.factorise(
        weight, decomposition._MA, model.ar, model.shape, model.exists, decomposition.GAMMA
    )
    padded = np.concatenate([[0.0], right[n:-2], [0.0, 0.0]])
    solved = model._solved(factors, decomposition._Unknowns(right[:n].copy(), padded, right[-2:]))
    answer = np.concatenate([solved.series, solved.spline[1:-2], solved.drift])
    np.testing.assert_allclose(answer, wanted, atol=1e-6)


@pytest.mark.parametrize("rate_hz", [4.0, 8.0, 32.0, 100.0, 1000.0])
def test_known_parts_are_told_apart(rate_hz: float) -> None:
    """Away from the ends, and from 4 Hz on: at 2 Hz the rise of a response is two samples."""
    time_s = times(280, rate_hz)
    level, responses = parts(time_s)
    found = whole(time_s, signal(time_s), rate_hz)
    inside = (time_s > 15) & (time_s < 265)
    assert np.corrcoef(found.phasic_us[inside], responses[inside])[0, 1] > 0.98
    assert np.sqrt(np.mean((found.tonic_us - level)[inside] ** 2)) < 0.03
    for onset_s, area_us in zip(ONSETS_S, AREAS_US, strict=True):
        near = (time_s > onset_s - 2) & (time_s < onset_s + 2)
        assert np.sum(found.driver_us_s[near]) / rate_hz == pytest.approx(area_us, rel=0.15, abs=0.12)


def test_a_higher_rate_gives_what_the_model_rate_gives() -> None:
    coarse = whole(times(280, 8.0), signal(times(280, 8.0), 0.0), 8.0)
    for rate_hz in (16.0, 32.0, 64.0, 1000.0):
        time_s = times(280, rate_hz)
        fine = whole(time_s, signal(time_s, 0.0), rate_hz, coarse.scale_us)
        assert fine.rate_hz == 8.0
        same = np.s_[8 * 5 : 8 * 275]
        every = round(rate_hz / 8)
        np.testing.assert_allclose(fine.tonic_us[::every][same], coarse.tonic_us[same], atol=0.01)
        np.testing.assert_allclose(fine.phasic_us[::every][same], coarse.phasic_us[same], atol=0.02)


@pytest.mark.parametrize(
    ("rate_hz", "model_hz"), [(1, 1), (4, 4), (8, 8), (10, 5), (15, 7.5), (100, 100 / 13)]
)
def test_the_rate_of_the_model(rate_hz: float, model_hz: float) -> None:
    time_s = times(60, rate_hz)
    assert whole(time_s, signal(time_s), rate_hz).rate_hz == pytest.approx(model_hz)


@pytest.mark.parametrize("gain", [1e-4, 1e-2, 1.0, 1e2, 1e4])
@pytest.mark.parametrize("offset_us", [-50.0, 0.0, 1000.0])
def test_gain_and_offset(gain: float, offset_us: float) -> None:
    time_s = times(280, 4.0)
    plain = whole(time_s, signal(time_s), 4.0)
    changed = whole(time_s, gain * (signal(time_s) + offset_us), 4.0)
    np.testing.assert_allclose(changed.tonic_us / gain - offset_us, plain.tonic_us, atol=1e-5)
    np.testing.assert_allclose(changed.phasic_us / gain, plain.phasic_us, atol=1e-5)


@pytest.mark.parametrize("shift_s", [-1e4, 0.25, 1.7e9])
def test_time_shift(shift_s: float) -> None:
    time_s = times(280, 4.0)
    plain, shifted = (whole(at_s, signal(time_s), 4.0) for at_s in (time_s, time_s + shift_s))
    np.testing.assert_array_equal(plain.tonic_us, shifted.tonic_us)
    np.testing.assert_array_equal(plain.phasic_us, shifted.phasic_us)
    np.testing.assert_array_equal(plain.driver_us_s, shifted.driver_us_s)


@pytest.mark.parametrize("rate_hz", [4.0, 32.0])
@pytest.mark.parametrize("parted_by", ["missing samples", "a mask", "missing time"])
def test_each_stretch_stands_alone(rate_hz: float, parted_by: str) -> None:
    time_s = times(280, rate_hz)
    eda_us, valid = signal(time_s), np.ones(len(time_s), dtype=bool)
    first, gap, second = time_s < 120, (time_s >= 120) & (time_s < 130), time_s >= 130
    kept = ~gap if parted_by == "missing time" else valid
    if parted_by == "missing samples":
        eda_us[gap] = np.nan
    if parted_by == "a mask":
        eda_us[gap], valid = 1e6, ~gap
    both = decompose(time_s[kept], eda_us[kept], rate_hz, valid[kept], 0.5)
    for side in (first, second):
        alone = whole(time_s[side], eda_us[side], rate_hz, 0.5)
        np.testing.assert_array_equal(both.tonic_us[side[kept]], alone.tonic_us)
        np.testing.assert_array_equal(both.phasic_us[side[kept]], alone.phasic_us)
    assert np.all(np.isnan(both.tonic_us[gap[kept]]))


def test_a_split_is_felt_only_near_it() -> None:
    """And near the far end, where the straight line of the other length leaves the model another choice."""
    time_s = times(280, 4.0)
    eda_us, after = signal(time_s), time_s >= 120
    uncut, cut = whole(time_s, eda_us, 4.0, 0.5), whole(time_s[after], eda_us[after], 4.0, 0.5)
    far = (time_s[after] >= 120 + EDGE_S) & (time_s[after] < 280 - EDGE_S)
    np.testing.assert_allclose(cut.phasic_us[far], uncut.phasic_us[after][far], atol=0.015)
    np.testing.assert_allclose(cut.tonic_us[far], uncut.tonic_us[after][far], atol=0.015)


def test_short_stretches_are_counted() -> None:
    time_s = times(100, 4.0)
    eda_us = signal(time_s)
    eda_us[::79] = np.nan  # 19.5 s apart
    found = whole(time_s, eda_us, 4.0)
    assert (found.short, found.failed, found.objective, found.scale_us) == (6, 0, None, None)
    assert np.all(np.isnan(found.tonic_us))


def test_what_does_not_converge_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decomposition, "_MOST_ITERATIONS", 3)
    time_s = times(60, 4.0)
    found = whole(time_s, signal(time_s), 4.0)
    assert (found.failed, found.objective) == (1, None)
    assert np.all(np.isnan(found.phasic_us))


@pytest.mark.parametrize("value_us", [0.0, 3.0, 60.0, 0.1], ids=str)
@pytest.mark.parametrize("rate_hz", [4.0, 32.0])
def test_a_constant_is_tonic(value_us: float, rate_hz: float) -> None:
    found = whole(times(60, rate_hz), np.full(round(60 * rate_hz), value_us), rate_hz)
    np.testing.assert_array_equal(found.tonic_us, value_us)
    np.testing.assert_array_equal(found.phasic_us, 0.0)
    assert found.objective == 0.0


def test_a_constant_stretch_among_others() -> None:
    time_s = times(280, 4.0)
    eda_us = signal(time_s)
    eda_us[400:600] = 2.0
    eda_us[[399, 600]] = np.nan
    found = whole(time_s, eda_us, 4.0)
    np.testing.assert_array_equal(found.tonic_us[400:600], 2.0)
    assert np.all(np.isfinite(found.tonic_us[:399]))
    assert np.all(np.isfinite(found.tonic_us[601:]))


def test_a_ramp_is_tonic() -> None:
    time_s = times(120, 4.0)
    found = whole(time_s, 2 + 0.01 * time_s, 4.0)
    np.testing.assert_allclose(found.tonic_us, 2 + 0.01 * time_s, atol=1e-5)
    np.testing.assert_allclose(found.phasic_us, 0.0, atol=1e-5)


BAD = {
    "nothing": (np.array([]), 4.0),
    "three samples": (np.array([1.0, 2.0, 3.0]), 4.0),
    "all missing": (np.full(400, np.nan), 4.0),
    "infinite": (np.full(400, np.inf), 4.0),
    "too slow": (np.ones(400), 0.5),
    "no rate": (np.ones(400), math.nan),
    "beyond all range": (np.resize([1e300, -1e300], 400), 4.0),
}


@pytest.mark.parametrize(("eda_us", "rate_hz"), BAD.values(), ids=BAD)
def test_bad_input_is_missing(eda_us: Floats, rate_hz: float) -> None:
    found = decompose(np.arange(len(eda_us)) / 4, eda_us, rate_hz, np.ones(len(eda_us), dtype=bool))
    assert np.all(np.isnan(found.tonic_us))
    assert np.all(np.isnan(found.phasic_us))
    assert found.objective is None


def test_time_going_back_ends_a_stretch() -> None:
    time_s = times(60, 4.0)
    twice_s, eda_us = np.concatenate([time_s, time_s]), np.tile(signal(time_s), 2)
    found = whole(twice_s, eda_us, 4.0)
    np.testing.assert_array_equal(found.tonic_us[:240], found.tonic_us[240:])


def test_a_saturated_signal() -> None:
    time_s = times(280, 4.0)
    eda_us = np.minimum(signal(time_s), 4.5)
    found = whole(time_s, eda_us, 4.0)
    assert found.failed == 0
    assert np.nanmax(np.abs(found.tonic_us + found.phasic_us - eda_us)) < 0.2


@pytest.mark.parametrize("spread_us", [1e-12, 1e-6, 1e6])
def test_tiny_and_huge_noise(spread_us: float) -> None:
    eda_us = np.random.default_rng(0).normal(0, spread_us, 2000)
    found = whole(times(500, 4.0), eda_us, 4.0)
    assert found.failed == 0
    assert np.all(np.isfinite(found.tonic_us))


def test_of_a_prepared_signal() -> None:
    time_s = times(280, 4.0)
    eda_us = signal(time_s)
    eda_us[400:440] = 0.0  # off the skin
    eda = prepare(time_s, eda_us, 4.0)
    found = decompose_eda(eda)
    np.testing.assert_array_equal(np.isfinite(found.tonic_us), eda.valid)


@st.composite
def recordings_of_any_kind(draw: st.DrawFn) -> tuple[Floats, Floats, float, Bools]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    rate_hz = draw(st.sampled_from([1.0, 4.0, 8.0, 10.0, 32.0]))
    n = draw(st.integers(0, 400))
    eda_us = rng.normal(0, draw(st.sampled_from([0.0, 1e-9, 1.0, 1e9])), n)
    eda_us = np.cumsum(eda_us) if draw(st.booleans()) else eda_us
    for value in (np.nan, np.inf, -np.inf, 0.0, 1e308):
        eda_us[rng.random(n) < draw(st.sampled_from([0.0, 0.0, 0.01]))] = value
    time_s = np.cumsum(rng.exponential(1 / rate_hz, n)) if draw(st.booleans()) else np.arange(n) / rate_hz
    return time_s, eda_us, rate_hz, rng.random(n) >= draw(st.sampled_from([0.0, 0.01]))


@settings(max_examples=60, deadline=None)
@given(recordings_of_any_kind())
def test_never_raises(case: tuple[Floats, Floats, float, Bools]) -> None:
    time_s, eda_us, rate_hz, valid = case
    found = decompose(time_s, eda_us, rate_hz, valid)
    known = np.isfinite(found.tonic_us)
    assert not np.any(known & ~valid)
    assert np.array_equal(known, np.isfinite(found.phasic_us))
    assert np.all(found.driver_us_s[known] >= 0)
