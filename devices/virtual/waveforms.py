"""What sensors see of a heartbeat and a breath: an electrocardiogram, a pulse wave, a chest that moves.

Shapes are sums of bells, after McSharry et al. 2003; their numbers are plausible, not from one person.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.model import Floats

_REACH = 4.0  # widths of a bell beyond which it is nothing

# (s after the R peak, µV, width in s) of P, Q, R, S and T.
_ECG = (
    (-0.17, 120.0, 0.025),
    (-0.028, -110.0, 0.010),
    (0.0, 1150.0, 0.011),
    (0.028, -240.0, 0.011),
    (0.24, 290.0, 0.05),
)
# The pulse takes 0.22 s and more from the heart to the wrist; the second bell is its reflection.
_PULSE = ((0.31, 900.0, 0.055), (0.52, 330.0, 0.1))
AHEAD_S, BEHIND_S = 0.27, 1.0  # how far around a moment the beats lie that shape it


def ecg_uv(beat_s: Sequence[float], time_s: Floats) -> Floats:
    """The electrocardiogram of these R peaks at these rising times."""
    return _bells(beat_s, time_s, _ECG)


def pulse_au(beat_s: Sequence[float], time_s: Floats) -> Floats:
    """The pulse wave that these heartbeats make at the wrist, at these rising times."""
    return _bells(beat_s, time_s, _PULSE)


def chest_mg(breath: Floats) -> Floats:
    """The acceleration of a chest sensor (n, 3) in mg that tilts with a breath of this volume (n)."""
    upright, tilt = np.array([40.0, -985.0, 120.0]), np.array([22.0, 3.0, -26.0])
    return np.asarray(upright + breath[:, None] * tilt)


def _bells(beat_s: Sequence[float], time_s: Floats, shape: Sequence[tuple[float, float, float]]) -> Floats:
    values = np.zeros(len(time_s))
    for beat in beat_s:
        for after_s, height, width_s in shape:
            centre_s = beat + after_s
            reach_s = _REACH * width_s
            rows = slice(*np.searchsorted(time_s, (centre_s - reach_s, centre_s + reach_s)))
            values[rows] += height * np.exp(-0.5 * ((time_s[rows] - centre_s) / width_s) ** 2)
    return values
