"""What a value can physically be. Others are kept as they came, but never without a word in the session."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from devices.driver import Samples

_ACC_MG = (-16_500.0, 16_500.0)  # no sensor here measures more than 16 g

# Lowest and highest by column. Wide: they tell what no body does, not what is rare.
RANGES: dict[str, tuple[float, float]] = {
    "rr_ms": (200.0, 3000.0),
    "pp_ms": (200.0, 3000.0),
    "heart_rate_bpm": (20.0, 300.0),
    "eda_us": (-0.5, 100.0),
    "scl_us": (-0.5, 100.0),
    "ecg_uv": (-20_000.0, 20_000.0),
    "acc_x_mg": _ACC_MG,
    "acc_y_mg": _ACC_MG,
    "acc_z_mg": _ACC_MG,
    "skin_temperature_c": (10.0, 45.0),
}


def implausible(samples: Samples) -> Iterator[str]:
    """A few words for each column with a value that no body has; missing samples (NaN) are not values."""
    for column, values in samples.columns.items():
        if column not in RANGES or not len(values):
            continue
        low, high = RANGES[column]
        if np.any((values < low) | (values > high)):
            yield f"{column} outside {low:g} to {high:g}"
