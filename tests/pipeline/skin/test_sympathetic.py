import numpy as np
import pytest

from pipeline.skin.signal import prepare
from pipeline.skin.sympathetic import sympathetic_powers
from tests.pipeline.skin.signals import power, signal, times, train


@pytest.mark.parametrize("rate_hz", [1.0, 4.0, 32.0, 1000.0])
def test_power_of_known_rhythms(rate_hz: float) -> None:
    time_s = times(300, rate_hz)
    inside = 0.1 * np.sin(2 * np.pi * 0.1 * time_s) + 0.05 * np.sin(2 * np.pi * 0.2 * time_s + 1)
    outside = 0.1 * np.sin(2 * np.pi * 0.004 * time_s)
    eda = prepare(time_s, 5 + inside + outside, rate_hz)
    assert power(eda, 0, 300) == pytest.approx(0.00625, rel=0.1)
    assert power(eda, 0, 128) == pytest.approx(0.00625, rel=0.15)
    assert power(eda, 0, 127) is None


def test_near_neurokit() -> None:
    """Its low-pass, a Chebyshev of even order, ripples between 0 and -1 dB: it finds up to a fifth less."""
    neurokit2 = pytest.importorskip("neurokit2")
    time_s = times(300, 4)
    eda_us = signal(time_s, *train())
    theirs = neurokit2.eda_sympathetic(eda_us, sampling_rate=4, method="posada", show=False)
    ours = power(prepare(time_s, eda_us, 4), 0, 300)
    assert ours is not None
    assert 10**-0.1 * ours <= theirs["EDA_Sympathetic"] <= ours


def test_all_windows_at_once_are_each_window_alone() -> None:
    time_s = times(900, 4)
    eda_us = signal(time_s, *train())
    eda_us[(time_s > 500) & (time_s < 501)] = np.nan
    eda = prepare(time_s, eda_us, 4)
    start_s = np.arange(0, 900, 13.0)
    end_s = start_s + np.resize([127.0, 128.0, 200.0, 301.0], len(start_s))
    together = sympathetic_powers(eda, start_s, end_s)
    alone = [power(eda, *each) for each in zip(start_s.tolist(), end_s.tolist(), strict=True)]
    assert [each is None for each in alone] == np.isnan(together).tolist()
    assert 5 < np.sum(~np.isnan(together)) < len(together) - 20
    np.testing.assert_allclose([each for each in alone if each], together[~np.isnan(together)], rtol=1e-9)


def test_none_across_a_gap_or_a_mask() -> None:
    time_s = times(400, 4)
    eda_us = signal(time_s, *train())
    kept = (time_s < 200) | (time_s >= 203)
    assert power(prepare(time_s[kept], eda_us[kept], 4), 100, 400) is None
    eda_us[800] = 0.0
    assert power(prepare(time_s, eda_us, 4), 100, 400) is None
    assert power(prepare(time_s, eda_us, 4), 220, 400) is not None
