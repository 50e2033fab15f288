"""EDASymp: the power of the slow rhythms of skin conductance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.model import Bools, Floats
from pipeline.skin.signal import Eda

SYMPATHETIC_HZ = (0.045, 0.25)
SYMPATHETIC_MIN_S = 128.0

_SYMPATHETIC_RATE_HZ = 2.0
_SYMPATHETIC_SEGMENT = 128
_ROUNDING = 1e-6
_BLOCK_SAMPLES = 1 << 20  # filtered side by side: more would only take memory


def sympathetic_powers(eda: Eda, start_s: Floats, end_s: Floats) -> Floats:
    """EDASymp: power in 0.045-0.25 Hz, in µS², of k windows (Posada-Quintero 2016, Ann Biomed Eng 44:3124).

    Brought to 2 Hz, high-passed at 0.01 Hz (Butterworth, order 8), Welch with Blackman windows of 128 samples
    that overlap by half. NaN below 128 s, or if any sample of the window is missing or masked.
    """
    first, after = np.searchsorted(eda.time_s, start_s), np.searchsorted(eda.time_s, end_s)
    power = np.full(len(first), np.nan)
    usable = np.flatnonzero(_whole(eda, first, after))
    if not len(usable):
        return power
    begin_s = eda.time_s[first[usable]]
    length_s = eda.time_s[after[usable] - 1] - begin_s
    counts = np.floor((length_s + _ROUNDING) * _SYMPATHETIC_RATE_HZ).astype(np.intp) + 1
    for count in np.unique(counts):
        alike = np.flatnonzero(counts == count)
        for block in np.array_split(alike, 1 + len(alike) * int(count) // _BLOCK_SAMPLES):
            grid_s = begin_s[block][:, None] + np.arange(count) / _SYMPATHETIC_RATE_HZ
            at_s = np.minimum(grid_s, eda.time_s[after[usable[block]] - 1][:, None])  # rounding aside
            power[usable[block]] = _band_power(np.interp(at_s, eda.time_s, eda.eda_us))
    return power


def _whole(eda: Eda, first: NDArray[np.intp], after: NDArray[np.intp]) -> Bools:
    """Which windows are long enough, and without a masked sample or a gap."""
    bad = np.concatenate([[0], np.cumsum(~eda.valid)])
    gaps = np.concatenate([[0], np.cumsum(eda.after_gap)])
    after = np.maximum(after, first)
    inside = np.minimum(first + 1, after)
    long = after - first >= SYMPATHETIC_MIN_S * eda.rate_hz - _ROUNDING
    whole: Bools = long & (bad[after] == bad[first]) & (gaps[after] == gaps[inside])
    return whole


def _band_power(at_2_hz: Floats) -> Floats:
    """Power in the band of each row of (k, n) values."""
    from scipy.signal import butter, sosfiltfilt, welch

    high_pass = butter(8, 0.01, "highpass", fs=_SYMPATHETIC_RATE_HZ, output="sos")
    moving = sosfiltfilt(high_pass, at_2_hz - np.mean(at_2_hz, axis=1, keepdims=True), axis=1)
    segment = min(_SYMPATHETIC_SEGMENT, moving.shape[1])
    frequency_hz, density = welch(
        moving, _SYMPATHETIC_RATE_HZ, "blackman", nperseg=segment, nfft=2 * segment, detrend=False, axis=1
    )
    edges_hz = np.array(SYMPATHETIC_HZ)
    inner = (frequency_hz > edges_hz[0]) & (frequency_hz < edges_hz[1])
    band_hz = np.concatenate([edges_hz[:1], frequency_hz[inner], edges_hz[1:]])
    ends = np.stack([_between_bins(edge_hz, frequency_hz, density) for edge_hz in SYMPATHETIC_HZ], axis=1)
    in_band = np.concatenate([ends[:, :1], density[:, inner], ends[:, 1:]], axis=1)
    return np.asarray(np.trapezoid(in_band, band_hz, axis=1))


def _between_bins(at_hz: float, frequency_hz: Floats, density: Floats) -> Floats:
    """The density at a frequency between two bins, for each row."""
    above = int(np.searchsorted(frequency_hz, at_hz))
    share = (at_hz - frequency_hz[above - 1]) / (frequency_hz[above] - frequency_hz[above - 1])
    return np.asarray((1 - share) * density[:, above - 1] + share * density[:, above])
