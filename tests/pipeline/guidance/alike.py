"""Made-up amplitudes of breaths that scatter around the same mean at each rate, each like the one before."""

from __future__ import annotations

import numpy as np

from pipeline.guidance.resonance_intervals import Amplitudes, Means

COUNTS = {6.5: 9, 6.0: 9, 5.5: 8, 5.0: 7, 4.5: 6}
TRUE_BPM = 12.0


def _correlated(rng: np.random.Generator, count: int, r: float) -> np.ndarray:
    steps = rng.normal(0, 2.4, count) * np.sqrt(1 - r**2)
    steps[0] /= np.sqrt(1 - r**2)
    for place in range(1, count):
        steps[place] += r * steps[place - 1]
    return TRUE_BPM + steps


def means(rng: np.random.Generator, r: float, **more_bpm: float) -> Means:
    """Of a session; `more_bpm` is what lies higher at a rate, as `at_5.5`."""
    return Means.of(
        {
            rate: Amplitudes(
                _correlated(rng, count, r) + more_bpm.get(f"at_{rate}", 0.0), np.arange(count) * 1.0
            )
            for rate, count in COUNTS.items()
        }
    )
