import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.model import Floats
from pipeline.skin.levels import skin_columns
from pipeline.skin.responses import no_response_seen, responses
from pipeline.skin.signal import Eda, EdaRule, SlowLevel, prepare
from tests.pipeline.skin.signals import RATES, bateman, signal, still, times, train


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
        pytest.param(slice(100, 101), 50.0, {"slope": 4, "nearby": 40}, id="a spike"),
        pytest.param(slice(100, 300), 8.0, {"slope": 0, "stuck": 200}, id="stuck at its ceiling"),
    ],
)
def test_masks(rows: slice, value: float, expected: dict[str, int]) -> None:
    time_s = times(120, 4)
    eda_us = still(time_s, 0.06 if value == 0.01 else 5.0)
    eda_us[rows] = value
    eda = prepare(time_s, eda_us, 4)
    found = removed(eda)
    assert found.pop("slope", 0) == pytest.approx(expected.pop("slope", 0), abs=2)
    assert found.pop("nearby", 0) == pytest.approx(expected.pop("nearby", 0), abs=2)
    assert found == expected
    assert sum(eda.removed.values()) == pytest.approx(np.mean(~eda.valid))


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        pytest.param(0.0, EdaRule.RANGE, id="at 0"),
        pytest.param(5.0, EdaRule.STUCK, id="at 5"),
        pytest.param(60.0, EdaRule.STUCK, id="at the end of the plausible range"),
        pytest.param(100.0, EdaRule.RANGE, id="at 100"),
        pytest.param(math.nan, EdaRule.MISSING, id="NaN"),
    ],
)
@pytest.mark.parametrize("rate_hz", [1.0, 4.0, 32.0])
def test_a_sensor_that_always_says_the_same(rate_hz: float, value: float, rule: EdaRule) -> None:
    time_s = times(300, rate_hz)
    eda = prepare(time_s, np.full(len(time_s), value), rate_hz)
    assert not eda.valid.any()
    assert eda.removed[rule] == 1


@pytest.mark.parametrize(
    ("length_s", "temperature_c", "masked"),
    [(100, 33.0, False), (121, 33.0, True), (20, 25.0, True), (9, 25.0, False)],
)
def test_standing_still_counts_as_stuck_sooner_on_cold_skin(
    length_s: float, temperature_c: float, masked: bool
) -> None:
    time_s = times(400, 4)
    eda_us = still(time_s)
    stuck = (time_s >= 100) & (time_s < 100 + length_s)
    eda_us[stuck] = 5.0  # among its neighbours, not above them
    eda = prepare(time_s, eda_us, 4, np.full(len(time_s), temperature_c))
    np.testing.assert_array_equal(~eda.valid, stuck & masked)


def test_cold_skin_is_a_remark_not_a_mask() -> None:
    time_s = times(120, 4)
    eda = prepare(time_s, still(time_s), 4, skin_temp_c=np.where(time_s < 60, 25.0, 33.0))
    assert eda.valid.all()
    np.testing.assert_array_equal(eda.cold, time_s < 60)
    assert set(eda.removed) == set(EdaRule)


@pytest.mark.parametrize("rate_hz", RATES[2:])
def test_the_mask_is_the_same_at_any_rate(rate_hz: float) -> None:
    """Off the skin for 20 s, a jump of 8 µS, 10 s without a value: each edge within a quarter second."""
    time_s = times(300, rate_hz)
    eda_us = signal(time_s, *train()[:1], train()[1])
    eda_us += 8.0 * (time_s > 150.1)
    eda_us[(time_s > 50.1) & (time_s < 70.1)] = 0.0
    eda_us[(time_s > 220.1) & (time_s < 230.1)] = np.nan
    eda = prepare(time_s, eda_us, rate_hz)
    edges_s = eda.time_s[1:][np.diff(eda.valid.astype(int)) != 0]
    assert edges_s.tolist() == pytest.approx([45, 75.2, 145, 155.3, 220.1, 230.1], abs=0.4)


@pytest.mark.parametrize("rate_hz", RATES)
def test_brought_down_to_no_more_than_16_hz(rate_hz: float) -> None:
    time_s = times(60, rate_hz)
    eda = prepare(time_s, 5 + 0.01 * time_s, rate_hz)
    assert eda.rate_hz == min(rate_hz, 15 if rate_hz == 15 else 8)
    assert len(eda.time_s) == 60 * eda.rate_hz
    np.testing.assert_allclose(np.diff(eda.time_s), 1 / eda.rate_hz)
    np.testing.assert_allclose(eda.eda_us, 5 + 0.01 * eda.time_s, atol=1e-3)
    np.testing.assert_allclose(np.mean(eda.time_s), np.mean(time_s))


def test_some_missing_samples_of_many_are_no_gap() -> None:
    time_s = times(60, 256)
    eda_us = still(time_s)
    eda_us[::3] = np.nan
    assert prepare(time_s, eda_us, 256).valid.all()
    kept = np.random.default_rng(1).random(len(time_s)) > 0.3
    thinned = prepare(time_s[kept], eda_us[kept], 256)
    assert thinned.valid.all()
    assert not thinned.after_gap[1:].any()


def test_a_gap_is_never_bridged() -> None:
    """Two minutes at 2 µS, a gap, two at 12 µS: each keeps its own level, and the step is no response."""
    time_s = np.concatenate([times(120, 4), 121 + times(120, 4)])
    eda_us = still(time_s, 0.0) + np.where(time_s < 120, 2.0, 12.0)
    eda = prepare(time_s, eda_us, 4)
    assert eda.valid.all()
    np.testing.assert_allclose(eda.tonic_us, eda_us, atol=1e-3)
    np.testing.assert_allclose(eda.phasic_us, 0, atol=1e-3)
    assert len(responses(eda)) == 0


def test_the_level_stands_below_responses_and_follows_a_drift() -> None:
    time_s = times(600, 8)
    onsets_s, amplitudes_us = train()
    slow_us = 5 + 0.01 * time_s
    bumps_us = sum(bateman(time_s, *each) for each in zip(onsets_s, amplitudes_us, strict=True))
    eda = prepare(time_s, slow_us + bumps_us, 8)
    np.testing.assert_allclose(eda.tonic_us + eda.phasic_us, eda.eda_us)
    assert np.all(eda.phasic_us >= 0)
    np.testing.assert_allclose(eda.tonic_us[120:-120], slow_us[120:-120], atol=0.2)
    assert np.mean(eda.tonic_us - slow_us) == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("gain", [0.5, 3.0])
def test_the_split_scales_and_shifts(gain: float) -> None:
    time_s = times(300, 4)
    eda_us = signal(time_s, *train(), noise_us=0.002)
    plain, other = prepare(time_s, eda_us, 4), prepare(time_s + 4096, gain * eda_us + 1, 4)
    np.testing.assert_allclose(other.tonic_us, gain * plain.tonic_us + 1)


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


@pytest.mark.parametrize("rate_hz", [1.0, 4.0, 64.0])
def test_time_that_jumps_back_or_stands_still_is_a_gap(rate_hz: float) -> None:
    time_s = times(200, rate_hz)
    time_s[time_s >= 150] -= 100
    time_s[10] = time_s[9]
    eda = prepare(time_s, still(time_s), rate_hz)
    assert np.sum(eda.after_gap[1:] & (np.diff(eda.time_s) <= 0)) >= 1
    assert eda.valid.all()
    assert len(responses(eda)) == 0


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(width=32) | st.floats(0, 70), st.sampled_from([1.0, 1.2, 3.0, 50.0])), max_size=80
    ),
    st.integers(1, 40),
    st.sampled_from([0.2, *RATES]),
    st.booleans(),
)
def test_never_raises(rows: list[tuple[float, float]], repeats: int, rate_hz: float, with_skin: bool) -> None:
    time_s = np.cumsum(np.repeat([step for _, step in rows], repeats) / rate_hz)
    eda_us: Floats = np.repeat(np.array([value for value, _ in rows], dtype=np.float64), repeats)
    eda = prepare(time_s, eda_us, rate_hz, eda_us if with_skin else None)
    found = responses(eda)
    columns = skin_columns(eda, found, np.array([0.0, 0.0, 1.0, 9.0]), np.array([1e9, 0.0, 5.0, 3.0]))
    assert all(len(column) == 4 for column in columns.values())
    assert not any(np.isinf(column).any() for column in columns.values())
    assert np.all(np.isfinite(eda.tonic_us) == eda.valid)
    assert np.all(found.amplitude_us >= 0.05)
    assert no_response_seen(eda, found) in (True, False)
    assert sum(eda.removed.values()) == pytest.approx(np.mean(~eda.valid) if len(eda.valid) else 0)
