import math
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.model import Floats
from pipeline.skin.levels import levels
from pipeline.skin.responses import responses
from pipeline.skin.signal import Eda, EdaRule, SlowLevel, prepare
from pipeline.skin.sympathetic import sympathetic_power

RISE_S = math.log(3 / 0.75) * 3 * 0.75 / (3 - 0.75)  # of the response below
HALF_RECOVERY_S = 2.85  # of the response below, by its formula
RATES = [1.0, 2.0, 4.0, 8.0, 32.0, 100.0, 1000.0]


def bateman(time_s: Floats, onset_s: float, amplitude_us: float) -> Floats:
    """A response as two exponentials, 0.75 and 3 s, scaled to its amplitude."""

    def shape(since_s: Floats) -> Floats:
        return np.exp(-since_s / 3) - np.exp(-since_s / 0.75)

    since_s = np.clip(time_s - onset_s, 0, None)
    return np.asarray(amplitude_us * shape(since_s) / shape(np.array(RISE_S)))


def times(length_s: float, rate_hz: float) -> Floats:
    return np.asarray(np.arange(round(length_s * rate_hz)) / rate_hz)


def signal(time_s: Floats, onsets_s: Floats, amplitudes_us: Floats, noise_us: float = 0.0) -> Floats:
    level = 3 + 0.5 * np.sin(2 * np.pi * time_s / 900)
    noise = np.random.default_rng(1).normal(0, noise_us, len(time_s))
    return level + noise + sum(bateman(time_s, *each) for each in zip(onsets_s, amplitudes_us, strict=True))


def train() -> tuple[Floats, Floats]:
    rng = np.random.default_rng(0)
    return np.arange(20, 580, 20.0) + rng.uniform(-3, 3, 28), rng.uniform(0.1, 1, 28)


@pytest.mark.parametrize("noise_us", [0.0, 0.002])
@pytest.mark.parametrize("rate_hz", RATES)
def test_finds_each_response(rate_hz: float, noise_us: float) -> None:
    onsets_s, amplitudes_us = train()
    time_s = times(600, rate_hz)
    found = responses(prepare(time_s, signal(time_s, onsets_s, amplitudes_us, noise_us), rate_hz))
    assert len(found) == 28
    late_s = found.onset_s - onsets_s
    assert np.all(np.abs(late_s) <= 1 / rate_hz + 0.35)
    assert np.mean(np.abs(found.amplitude_us / amplitudes_us - 1)) <= 0.035
    assert np.mean(found.rise_s) == pytest.approx(RISE_S, abs=0.55)
    assert np.median(found.half_recovery_s) == pytest.approx(HALF_RECOVERY_S, abs=0.3)


@pytest.mark.parametrize(
    ("apart_s", "amplitudes"),
    [
        pytest.param(1.0, [0.77], id="on the rise: one"),
        pytest.param(3.0, [0.51, 0.17], id="on the fall: its own trough"),
        pytest.param(6.0, [0.51, 0.24], id="nearly recovered"),
        pytest.param(30.0, [0.5, 0.3], id="apart"),
    ],
)
def test_a_response_on_the_shoulder_of_another(apart_s: float, amplitudes: list[float]) -> None:
    time_s = times(90, 32)
    eda_us = 5 + bateman(time_s, 20, 0.5) + bateman(time_s, 20 + apart_s, 0.3)
    found = responses(prepare(time_s, eda_us, 32))
    assert found.amplitude_us.tolist() == pytest.approx(amplitudes, abs=0.02)
    assert np.isnan(found.half_recovery_s[0]) == (apart_s == 3.0)


def test_a_pause_in_the_climb_makes_two() -> None:
    time_s = times(60, 32)
    up = np.interp(time_s, [20, 22, 24, 26, 40], [5, 5.5, 5.5, 6, 5])
    found = responses(prepare(time_s, up, 32))
    assert found.amplitude_us.tolist() == pytest.approx([0.5, 0.5], abs=0.03)


@pytest.mark.parametrize(
    ("shape", "count"),
    [
        pytest.param([(0, 5), (60, 5)], 0, id="constant"),
        pytest.param([(0, 5), (60, 7)], 0, id="slow drift"),
        pytest.param([(20, 5), (32, 6), (40, 5)], 0, id="a rise of 12 s"),
        pytest.param([(20, 5), (22, 5.04), (30, 5)], 0, id="too small"),
        pytest.param([(20, 5), (22, 5.2), (30, 5)], 1, id="one"),
        pytest.param([(0, 4.6), (20, 5), (22, 5.5), (30, 5)], 1, id="after a drift"),
        pytest.param([(20, 5), (58, 5), (60, 5.4)], 0, id="still rising at the end"),
    ],
)
def test_what_is_a_response(shape: list[tuple[float, float]], count: int) -> None:
    time_s = times(60, 8)
    assert len(responses(prepare(time_s, np.interp(time_s, *np.transpose(shape)), 8))) == count


@pytest.mark.parametrize(("gain", "offset_us"), [(0.5, 0.0), (4.0, 0.0), (1.0, 10.0), (2.0, -1.0)])
def test_gain_and_offset(gain: float, offset_us: float) -> None:
    time_s = times(600, 8)
    eda_us = signal(time_s, *train(), noise_us=0.002)
    plain = responses(prepare(time_s, eda_us, 8))
    changed = responses(prepare(time_s, gain * eda_us + offset_us, 8), min_amplitude_us=0.05 * gain)
    np.testing.assert_allclose(changed.onset_s, plain.onset_s)
    np.testing.assert_allclose(changed.amplitude_us, gain * plain.amplitude_us, rtol=1e-6)


def test_time_shift() -> None:
    time_s = times(600, 8)
    eda_us = signal(time_s, *train())
    here, there = (responses(prepare(time_s + shift_s, eda_us, 8)) for shift_s in (0.0, 4096.0))
    np.testing.assert_allclose(there.onset_s - 4096, here.onset_s)


def removed(eda: Eda) -> dict[str, int]:
    """Samples that each rule took, without the rules that took none."""
    return {str(rule): round(share * len(eda.time_s)) for rule, share in eda.removed.items() if share}


@pytest.mark.parametrize(
    ("rows", "value", "expected"),
    [
        pytest.param(slice(0), 0.0, {}, id="clean"),
        pytest.param(slice(100, 140), math.nan, {"missing": 40}, id="NaN"),
        pytest.param(slice(100, 140), math.inf, {"missing": 40}, id="infinite"),
        pytest.param(slice(100, 140), 0.01, {"range": 40, "nearby": 40}, id="off the skin"),
        pytest.param(slice(0, 1), 0.0, {"range": 1, "nearby": 20}, id="a first sample of 0"),
        pytest.param(slice(100, 101), 50.0, {"slope": 3, "nearby": 40}, id="a spike"),
    ],
)
def test_masks(rows: slice, value: float, expected: dict[str, int]) -> None:
    time_s = times(120, 4)
    eda_us = np.full(len(time_s), 0.06 if value == 0.01 else 5.0)
    eda_us[rows] = value
    eda = prepare(time_s, eda_us, 4)
    found = removed(eda)
    assert found.pop("slope", 0) == pytest.approx(expected.pop("slope", 0), abs=2)
    assert found.pop("nearby", 0) == pytest.approx(expected.pop("nearby", 0), abs=2)
    assert found == expected
    assert sum(eda.removed.values()) == pytest.approx(np.mean(~eda.valid))


def test_cold_skin_is_a_remark_not_a_mask() -> None:
    time_s = times(120, 4)
    eda = prepare(time_s, np.full(len(time_s), 5.0), 4, skin_temp_c=np.where(time_s < 60, 25.0, 33.0))
    assert eda.valid.all()
    np.testing.assert_array_equal(eda.cold, time_s < 60)
    assert set(eda.removed) == set(EdaRule)


def test_a_gap_is_never_bridged() -> None:
    """Two minutes at 2 µS, a gap, two at 12 µS: each keeps its own level, and the step is no response."""
    time_s = np.concatenate([times(120, 4), 121 + times(120, 4)])
    eda_us = np.where(time_s < 120, 2.0, 12.0)
    eda = prepare(time_s, eda_us, 4)
    assert eda.valid.all()
    np.testing.assert_allclose(eda.tonic_us, eda_us)
    np.testing.assert_allclose(eda.phasic_us, 0, atol=1e-9)
    assert len(responses(eda)) == 0
    assert levels(eda, responses(eda), 60, 200).eda_symp_us2 is None


def test_a_gap_affects_only_what_is_near() -> None:
    onsets_s, amplitudes_us = train()
    time_s = times(600, 8)
    eda_us = signal(time_s, onsets_s, amplitudes_us)
    kept = (time_s < 300) | (time_s > 330)
    whole = responses(prepare(time_s, eda_us, 8))
    holed = responses(prepare(time_s[kept], eda_us[kept], 8))
    for start_s, end_s in ((0, 290), (340, 600)):
        same, other = whole.between(start_s, end_s), holed.between(start_s, end_s)
        np.testing.assert_allclose(other.onset_s, same.onset_s)
        np.testing.assert_allclose(other.amplitude_us, same.amplitude_us, rtol=1e-3)


def test_tonic_and_phasic_add_up_and_split_at_005_hz() -> None:
    time_s = times(600, 4)
    slow, fast = np.sin(2 * np.pi * 0.01 * time_s), 0.2 * np.sin(2 * np.pi * 0.25 * time_s)
    eda = prepare(time_s, 5 + slow + fast, 4)
    middle = slice(400, 2000)
    np.testing.assert_allclose(eda.tonic_us + eda.phasic_us, eda.eda_us)
    np.testing.assert_allclose(eda.tonic_us[middle], 5 + slow[middle], atol=0.02)
    np.testing.assert_allclose(eda.phasic_us[middle], fast[middle], atol=0.02)


def test_levels_of_a_window() -> None:
    onsets_s, amplitudes_us = train()
    time_s = times(600, 8)
    eda = prepare(time_s, signal(time_s, onsets_s, amplitudes_us), 8)
    found = levels(eda, responses(eda), 0, 300)
    inside = amplitudes_us[onsets_s < 300]
    assert found.valid_s == 300
    assert found.eda_coverage == 1
    assert found.eda_artefact_pct == 0
    assert found.scr_n == len(inside)
    assert found.scr_per_min == pytest.approx(len(inside) / 5)
    assert found.scr_amplitude_us == pytest.approx(inside.mean(), rel=0.03)
    assert found.scr_magnitude_us == pytest.approx(inside.sum() / 30, rel=0.03)
    assert found.scl_us == pytest.approx(eda.eda_us[time_s < 300].mean(), rel=0.01)
    assert found.ln_scl == pytest.approx(math.log(found.scl_us or 0))


def test_no_response_has_magnitude_zero_and_no_amplitude() -> None:
    time_s = times(300, 4)
    eda = prepare(time_s, np.full(len(time_s), 5.0), 4)
    found = levels(eda, responses(eda), 0, 300)
    assert (found.scr_n, found.scr_per_min, found.scr_magnitude_us) == (0, 0, 0)
    assert found.scr_amplitude_us is found.scr_rise_s is found.scr_half_recovery_s is None
    assert found.scl_us == pytest.approx(5)


@pytest.mark.parametrize("value", [80.0, math.nan])
def test_nothing_valid(value: float) -> None:
    time_s = times(300, 4)
    eda = prepare(time_s, np.full(len(time_s), value), 4)
    found = asdict(levels(eda, responses(eda), 0, 300))
    known = {name: each for name, each in found.items() if each is not None}
    assert known == {"valid_s": 0, "eda_coverage": 0, "eda_artefact_pct": 100}


@pytest.mark.parametrize("rate_hz", [1.0, 4.0, 32.0])
def test_sympathetic_power_of_known_rhythms(rate_hz: float) -> None:
    time_s = times(300, rate_hz)
    inside = 0.1 * np.sin(2 * np.pi * 0.1 * time_s) + 0.05 * np.sin(2 * np.pi * 0.2 * time_s + 1)
    outside = 0.1 * np.sin(2 * np.pi * 0.004 * time_s)
    eda = prepare(time_s, 5 + inside + outside, rate_hz)
    assert sympathetic_power(eda, 0, 300) == pytest.approx(0.00625, rel=0.1)
    assert sympathetic_power(eda, 0, 128) == pytest.approx(0.00625, rel=0.15)
    assert sympathetic_power(eda, 0, 127) is None


def test_sympathetic_power_near_neurokit() -> None:
    """Its low-pass, a Chebyshev of even order, ripples between 0 and -1 dB: it finds up to a fifth less."""
    neurokit2 = pytest.importorskip("neurokit2")
    time_s = times(300, 4)
    eda_us = signal(time_s, *train())
    theirs = neurokit2.eda_sympathetic(eda_us, sampling_rate=4, method="posada", show=False)
    ours = sympathetic_power(prepare(time_s, eda_us, 4), 0, 300)
    assert ours is not None
    assert 10**-0.1 * ours <= theirs["EDA_Sympathetic"] <= ours


def test_slow_level_follows_with_its_time_constant() -> None:
    level = SlowLevel()
    assert math.isnan(level.feed(0, math.nan))
    assert level.feed(1, 4) == 4
    for at_s in np.arange(1, 1 + 1 / (0.1 * np.pi), 0.01):
        value = level.feed(float(at_s), 5)
    assert value == pytest.approx(5 - math.exp(-1), abs=0.005)
    assert level.feed(5, math.nan) == value
    assert level.feed(1000, 7) == pytest.approx(7)
    assert level.feed(900, 1) == pytest.approx(7), "a sample from the past has no time to act"


@pytest.mark.parametrize("every", [1, 2, 5])
def test_slow_level_takes_any_spacing(every: int) -> None:
    level = SlowLevel()
    reached = [level.feed(0, 2)] + [level.feed(0.2 * step, 3) for step in range(every, 51, every)]
    assert reached[-1] == pytest.approx(3 - math.exp(-10 * 0.1 * math.pi), rel=1e-9)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(width=32) | st.floats(0, 70), st.sampled_from([1.0, 1.2, 3.0, 50.0])), max_size=80
    ),
    st.sampled_from([0.2, *RATES]),
    st.booleans(),
)
def test_never_raises(rows: list[tuple[float, float]], rate_hz: float, with_skin: bool) -> None:
    time_s = np.cumsum([step / rate_hz for _, step in rows])
    eda_us = np.array([value for value, _ in rows], dtype=np.float64)
    eda = prepare(time_s, eda_us, rate_hz, eda_us if with_skin else None)
    found = responses(eda)
    for start_s, end_s in ((0.0, 1e9), (0.0, 0.0), (1.0, 5.0)):
        values = asdict(levels(eda, found, start_s, end_s)).values()
        assert all(value is None or math.isfinite(value) for value in values)
    assert np.all(np.isfinite(eda.tonic_us) == eda.valid)
    assert np.all(found.amplitude_us >= 0.05)
