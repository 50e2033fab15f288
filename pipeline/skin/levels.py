"""What a window holds of skin conductance: level, and the responses in it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pipeline.model import Floats
from pipeline.skin.responses import Responses
from pipeline.skin.signal import Eda
from pipeline.skin.sympathetic import sympathetic_power

MAGNITUDE_SLOT_S = 10.0


@dataclass(frozen=True, slots=True)
class SkinConductance:
    """What a window holds; None where the window cannot have it."""

    valid_s: float
    eda_coverage: float
    eda_artefact_pct: float | None
    scl_us: float | None
    ln_scl: float | None
    scr_n: int | None
    scr_per_min: float | None
    scr_amplitude_us: float | None
    scr_magnitude_us: float | None
    scr_rise_s: float | None
    scr_half_recovery_s: float | None
    eda_symp_us2: float | None


def levels(eda: Eda, found: Responses, start_s: float, end_s: float) -> SkinConductance:
    """Level and responses of `start_s <= time_s < end_s`; a response belongs where it begins.

    SCL is the mean of the tonic signal over valid samples, so equal windows average to the whole. Coverage
    is valid time over the window's; artefacts are counted in percent of samples present, gaps left out.
    Amplitude is the mean over responses. Magnitude keeps the zeros: the amplitude an average 10 s of valid
    signal holds (Dawson, Schell & Filion 2007 on amplitude and magnitude; the 10 s are ours). The rate is per
    valid minute. Rise and half recovery are medians, since on a falling level one response may take a minute.
    """
    rows = eda.rows(start_s, end_s)
    valid = eda.valid[rows]
    valid_s = float(np.count_nonzero(valid)) / eda.rate_hz
    scl_us = float(np.mean(eda.tonic_us[rows][valid])) if valid_s else None
    inside = found.between(start_s, end_s)
    return SkinConductance(
        valid_s=valid_s,
        eda_coverage=min(valid_s / (end_s - start_s), 1.0) if end_s > start_s else 0.0,
        eda_artefact_pct=100.0 * float(np.mean(~valid)) if len(valid) else None,
        scl_us=scl_us,
        ln_scl=math.log(scl_us) if scl_us and scl_us > 0 else None,
        scr_n=len(inside) if valid_s else None,
        scr_per_min=60.0 * len(inside) / valid_s if valid_s else None,
        scr_amplitude_us=float(np.mean(inside.amplitude_us)) if len(inside) else None,
        scr_magnitude_us=float(np.sum(inside.amplitude_us)) * MAGNITUDE_SLOT_S / valid_s if valid_s else None,
        scr_rise_s=_median(inside.rise_s),
        scr_half_recovery_s=_median(inside.half_recovery_s),
        eda_symp_us2=sympathetic_power(eda, start_s, end_s),
    )


def _median(values: Floats) -> float | None:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else None
