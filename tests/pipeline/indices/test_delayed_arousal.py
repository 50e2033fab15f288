"""Arousal with cortisol-like timing: when it peaks, how it clears, how much comes later."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.indices.delayed_arousal import HALF_LIFE_MIN, PEAK_MIN, TEXT, DelayedArousal, delayed_arousal
from pipeline.model import Floats

MINUTE_S = np.arange(0.0, 10 * 3600.0, 60.0)
BAND = 5.0


def _burst(points: float = 30.0, at: int = 10, minutes: int = 2) -> Floats:
    """Arousal above 50 for some minutes, of which the first does not count yet."""
    arousal = np.full(len(MINUTE_S), 50.0)
    arousal[at : at + minutes] += points
    return arousal


def _delayed(arousal: Floats, time_s: Floats = MINUTE_S, band: float = BAND) -> DelayedArousal:
    return delayed_arousal(time_s, arousal, arousal - band)


def test_a_burst_peaks_within_the_published_range() -> None:
    found = _delayed(_burst())
    peak_min = MINUTE_S[np.argmax(found.mid)] / 60 - 11
    assert peak_min == pytest.approx(PEAK_MIN[1], abs=1.5)
    assert PEAK_MIN[0] - 1.5 <= MINUTE_S[np.argmax(found.high)] / 60 - 10 <= PEAK_MIN[2] + 1.5


def test_it_clears_with_the_half_life() -> None:
    found = _delayed(_burst())
    assert found.mid[400] / found.mid[400 + int(HALF_LIFE_MIN[1])] == pytest.approx(2, rel=0.02)


def test_its_area_is_the_arousal_and_lasting_arousal_ends_at_its_own_height() -> None:
    found = _delayed(_burst(minutes=21))
    assert np.sum(found.mid) == pytest.approx(30 * 20, rel=0.01)
    lasting = _delayed(np.full(len(MINUTE_S), 60.0))
    assert lasting.mid[-1] == pytest.approx(10, rel=0.01)
    assert lasting.low[-1] == pytest.approx(10 - BAND, rel=0.03)


def test_most_of_a_late_burst_comes_after_the_end() -> None:
    session = slice(0, 41)
    found = _delayed(_burst(at=20, minutes=10)[session], MINUTE_S[session])
    assert found.mostly_beyond
    assert found.stands_out
    assert found.beyond_share is not None
    assert 0.7 < found.beyond_share < 1
    whole = _delayed(_burst(at=20, minutes=10))
    assert not whole.mostly_beyond
    assert found.mid == pytest.approx(whole.mid[session])


def test_arousal_at_or_below_the_baseline_gives_nothing() -> None:
    found = _delayed(np.full(len(MINUTE_S), 40.0))
    assert not found.high.any()
    assert found.beyond_share is None
    assert not found.stands_out
    assert not found.mostly_beyond


@pytest.mark.parametrize("seed", range(5))
def test_noise_of_rest_gives_nothing(seed: int) -> None:
    """Half of it lies above the baseline, one minute in forty even with its whole band."""
    arousal = np.random.default_rng(seed).normal(50, 10, 60)
    found = _delayed(arousal, MINUTE_S[:60], band=20)
    assert not found.mid.any()
    assert not found.low.any()
    assert not found.stands_out
    assert found.high[-1] > 1


def test_what_lies_within_its_own_band_is_for_the_high_line_alone() -> None:
    found = _delayed(_burst(points=10.0, minutes=20), band=15)
    assert not found.stands_out
    assert not found.mid.any()
    assert found.high.max() > 1


def test_what_is_missing_opens_the_fan() -> None:
    """Lost signal is nothing to the middle; only the upper line takes it for what it last was."""
    arousal = _burst(minutes=30)
    holes = np.where((MINUTE_S >= 900) & (MINUTE_S < 1800), np.nan, arousal)
    whole, found = _delayed(arousal), _delayed(holes)
    assert found.high == pytest.approx(whole.high)
    for line, without in ((whole.mid, found.mid), (whole.low, found.low)):
        assert (without <= line + 1e-12).all()
        assert without.max() < 0.8 * line.max()
    before_hole = MINUTE_S <= 900
    assert found.mid[before_hole] == pytest.approx(whole.mid[before_hole])


def test_a_signal_lost_for_good_lets_the_middle_line_fall() -> None:
    lost = np.where(MINUTE_S < 1500, _burst(minutes=30), np.nan)
    ended = np.where(MINUTE_S < 1500, _burst(minutes=30), 50.0)
    assert _delayed(lost).mid == pytest.approx(_delayed(ended).mid)
    assert _delayed(lost).high[-1] == pytest.approx(30, rel=0.01)


def test_time_shift_and_the_future_change_nothing() -> None:
    arousal = _burst(minutes=15)
    found = _delayed(arousal)
    assert _delayed(arousal, MINUTE_S + 512.0).mid == pytest.approx(found.mid)
    later = _delayed(np.where(MINUTE_S < 1200, arousal, 100.0))
    for line, again in ((found.low, later.low), (found.mid, later.mid), (found.high, later.high)):
        assert again[:21] == pytest.approx(line[:21])


def test_finer_steps_say_the_same() -> None:
    fine_s = np.arange(0.0, 7200.0, 10.0)
    fine = _delayed(np.repeat(_burst(minutes=15)[:120], 6), fine_s)
    assert fine.mid[::6] == pytest.approx(_delayed(_burst(minutes=15)[:120], MINUTE_S[:120]).mid)


ANY = st.floats(0, 100) | st.just(np.nan)


@given(st.lists(st.tuples(ANY, ANY), max_size=30))
def test_the_fan_holds_and_nothing_raises(pairs: list[tuple[float, float]]) -> None:
    arousal, low = np.array(pairs, dtype=np.float64).reshape(-1, 2).T
    found = delayed_arousal(60.0 * np.arange(len(arousal)), arousal, low)
    if np.isfinite(arousal).any():
        assert (found.low <= found.mid + 1e-9).all()
        assert (found.mid <= found.high + 1e-9).all()
        assert (found.low >= -1e-9).all()
        assert found.stands_out == bool((found.mid > 0).any())
    else:
        assert np.isnan(found.mid).all()
        assert not found.stands_out


def test_it_says_what_it_is_not() -> None:
    assert TEXT == "A calculation from heart and skin signals. It does not estimate your cortisol."
