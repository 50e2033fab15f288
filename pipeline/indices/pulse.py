"""Heart rate for the arousal index from the pulse as a whole, where single pulses fail. numpy only."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pipeline.model import Floats, Stream

_LEAST_S = 10.0  # as for heart rate from beats


def pulse_rate_columns(
    rate: Stream, columns: Mapping[str, Floats], start_s: Floats, end_s: Floats
) -> dict[str, Floats]:
    """The heart's columns of the index, `mean_hr_bpm` the mean of `rate` over `start_s <= time_s < end_s`.

    `rate` is a stream as `pipeline.heart.pulse_rate` gives it, NaN where it is not sure. Coverage is the part
    of a window for which it is. Windows with less than 10 s of it stay as `columns` has them, from beats.
    """
    assert rate.rate_hz is not None
    known = np.isfinite(rate.value)
    total = np.concatenate([[0.0], np.cumsum(np.where(known, rate.value, 0.0))])
    count = np.concatenate([[0], np.cumsum(known)])
    first, last = np.searchsorted(rate.time_s, start_s), np.searchsorted(rate.time_s, end_s)
    n = count[last] - count[first]
    known_s = n / rate.rate_hz
    better = known_s >= _LEAST_S
    mean = np.divide(total[last] - total[first], n, out=np.full(len(n), np.nan), where=n > 0)
    share = np.divide(known_s, end_s - start_s, out=np.zeros(len(n)), where=end_s > start_s)
    replaced = {
        "mean_hr_bpm": mean,
        "nn_coverage": np.minimum(share, 1.0),
        "beats": mean * known_s / 60,
        "artefact_pct": np.zeros(len(n)),
    }
    return {name: np.where(better, value, _of(columns, name, value)) for name, value in replaced.items()}


def _of(columns: Mapping[str, Floats], name: str, like: Floats) -> Floats:
    return np.asarray(columns[name]) if name in columns else np.full(len(like), np.nan)
