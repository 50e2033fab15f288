"""Series of beats that tests of the heart's measures share."""

import math

import numpy as np

from pipeline.heart.beats import BeatKind, Beats
from pipeline.model import Floats

EXCLUDED = BeatKind.LONG_SHORT


def beats_of(rr_ms: Floats, time_s: Floats | None = None, excluded: tuple[int, ...] = ()) -> Beats:
    rr_ms = np.asarray(rr_ms, dtype=np.float64)
    kind = np.zeros(len(rr_ms), dtype=np.int8)
    kind[list(excluded)] = EXCLUDED
    return Beats(np.cumsum(rr_ms) / 1000 if time_s is None else time_s, rr_ms, kind)


def sine(hz: float, mean_ms: float = 800.0, length_s: float = 320.0, drift_ms_s: float = 0.0) -> Beats:
    """A tachogram that swings 30 ms around its mean: its variance is 450 ms²."""
    rr_ms, now_s = [], 0.0
    while now_s < length_s:
        rr_ms.append(mean_ms + drift_ms_s * now_s + 30 * math.sin(2 * math.pi * hz * now_s))
        now_s += rr_ms[-1] / 1000
    return beats_of(np.array(rr_ms))


def irregular(length_s: float = 900.0, seed: int = 1, gap_at_s: float | None = None) -> Beats:
    """Waves and noise, one beat in forty excluded, half a minute missing at `gap_at_s`."""
    rng = np.random.default_rng(seed)
    at_s = 0.85 * np.arange(int(length_s / 0.7))
    rr_ms = (
        850 + 40 * np.sin(0.6 * at_s) + 30 * np.sin(1.6 * at_s + seed) + 15 * rng.standard_normal(len(at_s))
    )
    time_s = np.cumsum(rr_ms) / 1000
    kind = np.where(rng.random(len(rr_ms)) < 1 / 40, EXCLUDED, BeatKind.NORMAL).astype(np.int8)
    kept = time_s < length_s
    if gap_at_s is not None:
        kept &= (time_s < gap_at_s) | (time_s > gap_at_s + 30)
    return Beats(time_s[kept], rr_ms[kept], kind[kept])
