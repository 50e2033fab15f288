"""Arousal with cortisol-like timing: when it peaks, how it clears, how much comes later."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline.indices.delayed_arousal import HALF_LIFE_MIN, PEAK_MIN, TEXT, delayed_arousal

MINUTE_S = np.arange(0.0, 10 * 3600.0, 60.0)


def _burst(points: float = 30.0, at: int = 10, minutes: int = 1) -> np.ndarray:
    arousal = np.full(len(MINUTE_S), 50.0)
    arousal[at : at + minutes] += points
    return arousal


def test_a_burst_peaks_within_the_published_range() -> None:
    found = delayed_arousal(MINUTE_S, _burst())
    peak_min = MINUTE_S[np.argmax(found.mid)] / 60 - 10
    assert peak_min == pytest.approx(PEAK_MIN[1], abs=1.5)
    assert PEAK_MIN[0] - 1.5 <= MINUTE_S[np.argmax(found.high)] / 60 - 10 <= PEAK_MIN[2] + 1.5


def test_it_clears_with_the_half_life() -> None:
    found = delayed_arousal(MINUTE_S, _burst())
    assert found.mid[400] / found.mid[400 + int(HALF_LIFE_MIN[1])] == pytest.approx(2, rel=0.02)


def test_its_area_is_the_arousal_and_lasting_arousal_ends_at_its_own_height() -> None:
    found = delayed_arousal(MINUTE_S, _burst(minutes=20))
    assert np.sum(found.mid) == pytest.approx(30 * 20, rel=0.01)
    lasting = delayed_arousal(MINUTE_S, np.full(len(MINUTE_S), 60.0))
    assert lasting.mid[-1] == pytest.approx(10, rel=0.01)


def test_most_of_a_late_burst_comes_after_the_end() -> None:
    session = slice(0, 41)
    found = delayed_arousal(MINUTE_S[session], _burst(at=20, minutes=10)[session])
    assert found.mostly_beyond
    assert found.beyond_share is not None
    assert 0.7 < found.beyond_share < 1
    whole = delayed_arousal(MINUTE_S, _burst(at=20, minutes=10))
    assert not whole.mostly_beyond
    assert found.mid == pytest.approx(whole.mid[session])


def test_arousal_at_or_below_the_baseline_gives_nothing() -> None:
    found = delayed_arousal(MINUTE_S, np.full(len(MINUTE_S), 40.0))
    assert not found.high.any()
    assert found.beyond_share is None
    assert not found.mostly_beyond


def test_what_is_missing_opens_the_fan() -> None:
    arousal = _burst(minutes=30)
    holes = np.where((MINUTE_S >= 900) & (MINUTE_S < 1800), np.nan, arousal)
    whole, found = delayed_arousal(MINUTE_S, arousal), delayed_arousal(MINUTE_S, holes)
    assert found.mid == pytest.approx(whole.mid)
    assert (found.low <= whole.low + 1e-12).all()
    assert found.low.max() < whole.low.max()


def test_time_shift_and_the_future_change_nothing() -> None:
    arousal = _burst(minutes=15)
    found = delayed_arousal(MINUTE_S, arousal)
    assert delayed_arousal(MINUTE_S + 512.0, arousal).mid == pytest.approx(found.mid)
    later = np.where(MINUTE_S < 1200, arousal, 100.0)
    assert delayed_arousal(MINUTE_S, later).high[:21] == pytest.approx(found.high[:21])


def test_finer_steps_say_the_same() -> None:
    fine_s = np.arange(0.0, 7200.0, 10.0)
    fine = delayed_arousal(fine_s, np.repeat(_burst(minutes=15)[:120], 6))
    assert fine.mid[::6] == pytest.approx(delayed_arousal(MINUTE_S[:120], _burst(minutes=15)[:120]).mid)


@given(arrays(np.float64, st.integers(0, 30), elements=st.floats(0, 100) | st.just(np.nan)))
def test_the_fan_holds_and_nothing_raises(arousal: np.ndarray) -> None:
    found = delayed_arousal(60.0 * np.arange(len(arousal)), arousal)
    if np.isfinite(arousal).any():
        assert (found.low <= found.mid + 1e-9).all()
        assert (found.mid <= found.high + 1e-9).all()
        assert (found.low >= -1e-9).all()
    else:
        assert np.isnan(found.mid).all()
        assert found.beyond_share is None


def test_it_says_what_it_is_not() -> None:
    assert TEXT == "A calculation from heart and skin signals. It does not estimate your cortisol."
