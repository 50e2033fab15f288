"""Time-domain and Poincaré measures of labelled beats (Task Force 1996).

Only NN intervals count, and only differences between two that follow each other. A value that cannot exist
is None; whether one that exists can also carry a claim is for `pipeline.features` to say.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pipeline.heart.beats import Beats
from pipeline.heart.series import Series
from pipeline.model import Floats

SI_BIN_MS = 50.0
LARGE_MS = 50.0  # of pNN50


@dataclass(frozen=True, slots=True)
class TimeDomain:
    """Time-domain measures of a stretch of beats, with the numbers they rest on.

    `beats` counts NN intervals, `nn_pairs` the differences between adjacent ones.
    """

    beats: int
    nn_pairs: int
    mean_hr_bpm: float | None
    mean_nn_ms: float | None
    sdnn_ms: float | None
    rmssd_ms: float | None
    ln_rmssd: float | None
    pnn50_pct: float | None
    sd1_ms: float | None
    sd2_ms: float | None
    cvnn_pct: float | None
    rmssd_mean_nn_pct: float | None
    baevsky_si: float | None
    baevsky_si_sqrt: float | None


def time_domain(beats: Beats) -> TimeDomain:
    """Time-domain and Poincaré measures of all of `beats`; None where one cannot exist.

    Task Force 1996 (Circulation 93:1043), except that pNN50 counts per difference (N-1, as Kubios does)
    and not per interval. SDNN has ddof 1, RMSSD = sqrt(mean d²), mean HR = 60000 / mean NN. SD1 = sd(d) / √2
    and SD2 = sd((x_i + x_i+1) / √2), ddof 1 (Brennan 2001, IEEE Trans Biomed Eng 48:1342).
    """
    series = Series.of(beats)
    nn_ms, later = series.interval_ms, np.flatnonzero(series.follows)
    d_ms, sum_ms = nn_ms[later] - nn_ms[later - 1], nn_ms[later] + nn_ms[later - 1]
    mean_ms = float(np.mean(nn_ms)) if len(nn_ms) else None
    sdnn_ms = _sd(nn_ms)
    rmssd_ms = math.sqrt(float(np.mean(d_ms**2))) if len(d_ms) else None
    si = baevsky_si(nn_ms)
    return TimeDomain(
        beats=len(nn_ms),
        nn_pairs=len(d_ms),
        mean_hr_bpm=60_000.0 / mean_ms if mean_ms else None,
        mean_nn_ms=mean_ms,
        sdnn_ms=sdnn_ms,
        rmssd_ms=rmssd_ms,
        ln_rmssd=math.log(rmssd_ms) if rmssd_ms else None,
        pnn50_pct=100.0 * float(np.mean(np.abs(d_ms) > LARGE_MS)) if len(d_ms) else None,
        sd1_ms=_sd(d_ms / math.sqrt(2)),
        sd2_ms=_sd(sum_ms / math.sqrt(2)),
        cvnn_pct=_percent(sdnn_ms, mean_ms),
        rmssd_mean_nn_pct=_percent(rmssd_ms, mean_ms),
        baevsky_si=si,
        baevsky_si_sqrt=math.sqrt(si) if si is not None else None,
    )


def baevsky_si(nn_ms: Floats) -> float | None:
    """Baevsky's stress index AMo / (2 Mo MxDMn), in %/s² (Baevsky & Chernikova 2017, Cardiometry 10:66).

    The histogram has 50-ms bins that begin at 0 ms. Mo is the middle of the fullest bin (the lowest of
    equals), AMo the percentage of intervals in it, MxDMn the range; no detrending. Kubios prints the square
    root, after detrending. It falls as windows grow: compare equal windows. None below two intervals, or
    where all are equal.
    """
    if len(nn_ms) < 2 or np.ptp(nn_ms) == 0:
        return None
    bins, counts = np.unique(np.floor(nn_ms / SI_BIN_MS), return_counts=True)
    fullest = int(np.argmax(counts))
    amo_pct = 100.0 * float(counts[fullest]) / len(nn_ms)
    mo_s, range_s = (float(bins[fullest]) + 0.5) * SI_BIN_MS / 1000.0, float(np.ptp(nn_ms)) / 1000.0
    return amo_pct / (2.0 * mo_s * range_s)


def _sd(values: Floats) -> float | None:
    if len(values) < 2:
        return None
    return float(np.std(values, ddof=1)) if np.ptp(values) else 0.0


def _percent(part: float | None, whole: float | None) -> float | None:
    return 100.0 * part / whole if part is not None and whole else None
