"""EDASymp: the power of the slow rhythms of skin conductance."""

from __future__ import annotations

import numpy as np

from pipeline.skin.signal import Eda

SYMPATHETIC_HZ = (0.045, 0.25)
SYMPATHETIC_MIN_S = 128.0

_SYMPATHETIC_RATE_HZ = 2.0
_SYMPATHETIC_SEGMENT = 128
_ROUNDING = 1e-6


def sympathetic_power(eda: Eda, start_s: float, end_s: float) -> float | None:
    """EDASymp: power in 0.045-0.25 Hz, in µS² (Posada-Quintero 2016, Ann Biomed Eng 44:3124).

    Brought to 2 Hz, high-passed at 0.01 Hz (Butterworth, order 8), Welch with Blackman windows of 128 samples
    that overlap by half. None below 128 s, or if any sample of the window is missing or masked.
    """
    from scipy.signal import butter, sosfiltfilt, welch

    rows = eda.rows(start_s, end_s)
    time_s, values = eda.time_s[rows], eda.eda_us[rows]
    whole = bool(np.all(eda.valid[rows])) and not np.any(eda.after_gap[rows][1:])
    if len(values) < SYMPATHETIC_MIN_S * eda.rate_hz - _ROUNDING or not whole:
        return None
    grid_s = np.arange(time_s[0], time_s[-1] + _ROUNDING, 1.0 / _SYMPATHETIC_RATE_HZ)
    at_2_hz = np.interp(grid_s, time_s, values)
    high_pass = butter(8, 0.01, "highpass", fs=_SYMPATHETIC_RATE_HZ, output="sos")
    moving = sosfiltfilt(high_pass, at_2_hz - np.mean(at_2_hz))
    segment = min(_SYMPATHETIC_SEGMENT, len(moving))
    frequency_hz, density = welch(
        moving, _SYMPATHETIC_RATE_HZ, "blackman", nperseg=segment, nfft=2 * segment, detrend=False
    )
    edges_hz = np.array(SYMPATHETIC_HZ)
    inner = (frequency_hz > edges_hz[0]) & (frequency_hz < edges_hz[1])
    band_hz = np.concatenate([edges_hz[:1], frequency_hz[inner], edges_hz[1:]])
    return float(np.trapezoid(np.interp(band_hz, frequency_hz, density), band_hz))
