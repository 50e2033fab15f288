"""What windows hold of skin conductance: level, and the responses in them; all windows at once."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pipeline.model import Floats
from pipeline.skin.decomposition import EDGE_S, Decomposition
from pipeline.skin.responses import MIN_RATE_HZ, Responses
from pipeline.skin.signal import Eda, stretches_of
from pipeline.skin.sympathetic import sympathetic_powers

MAGNITUDE_SLOT_S = 10.0

_BLOCK_CELLS = 1 << 20  # of the largest table that medians are sorted in

Rows = NDArray[np.intp]


def skin_columns(eda: Eda, scrs: Responses, start_s: Floats, end_s: Floats) -> dict[str, Floats]:
    """Level and responses of `start_s <= time_s < end_s`, k windows at once: columns of shape (k,).

    A response belongs to the window it begins in. NaN where a window cannot have the value; no floors.

    - `valid_s`, `eda_coverage`: valid time, and its share of the window. `eda_artefact_pct`: percent of the
      samples there are that a rule took; gaps and what a person marked are left out.
    - `scl_us`: mean of the tonic signal over valid samples, so equal windows average to the whole.
    - `scr_amplitude_us`: mean over responses. `scr_magnitude_us` keeps the zeros: the amplitude an average
      10 s of valid signal holds (Dawson, Schell & Filion 2007 on amplitude and magnitude; the 10 s are ours).
    - `scr_per_min`: per valid minute. Rise and half recovery are medians, since on a falling level one
      response may take a minute. Below 1 Hz responses cannot be counted: NaN.
    """
    start_s, end_s = np.asarray(start_s, dtype=np.float64), np.asarray(end_s, dtype=np.float64)
    rows, held = _rows(eda.time_s, start_s, end_s), _rows(scrs.onset_s, start_s, end_s)
    samples = _sums((~eda.marked).astype(np.float64), rows)
    valid = _sums(eda.valid.astype(np.float64), rows)
    valid_s, length_s = valid / eda.rate_hz, end_s - start_s
    countable = (valid > 0) & (eda.rate_hz >= MIN_RATE_HZ)
    count = np.where(countable, held[1] - held[0], np.nan)
    amplitudes_us = _sums(scrs.amplitude_us, held)
    scl_us = _ratio(_sums(np.where(eda.valid, eda.tonic_us, 0.0), rows), valid)
    return {
        "valid_s": valid_s,
        "eda_coverage": np.nan_to_num(np.minimum(_ratio(valid_s, length_s), 1.0)),
        "eda_artefact_pct": 100.0 * _ratio(samples - valid, samples),
        "scl_us": scl_us,
        "ln_scl": np.log(scl_us, out=np.full(len(scl_us), np.nan), where=scl_us > 0),
        "scr_n": count,
        "scr_per_min": 60.0 * _ratio(count, valid_s),
        "scr_amplitude_us": _ratio(amplitudes_us, count),
        "scr_magnitude_us": np.where(countable, MAGNITUDE_SLOT_S * _ratio(amplitudes_us, valid_s), np.nan),
        "scr_rise_s": _medians(scrs.rise_s, held),
        "scr_half_recovery_s": _medians(scrs.half_recovery_s, held),
        "eda_symp_us2": sympathetic_powers(eda, start_s, end_s),
    }


def decomposed_columns(eda: Eda, found: Decomposition, start_s: Floats, end_s: Floats) -> dict[str, Floats]:
    """The parts of the convex decomposition over k windows, (k,) each; NaN where a window has none of it.

    Means of `cvx_tonic_us` and `cvx_phasic_us`; `cvx_driver_us`, the driver per minute. The last 20 s at
    either end of a stretch are left out: there the model does not tell its parts apart (see `decompose`).
    `cvx_s` is the time that remains.
    """
    inside = np.zeros(len(eda.time_s), dtype=bool)
    edge = math.ceil(EDGE_S * eda.rate_hz)
    for stretch in stretches_of(np.isfinite(found.tonic_us), eda.after_gap):
        inside[stretch.start + edge : max(stretch.stop - edge, stretch.start)] = True
    rows = _rows(eda.time_s, start_s, end_s)
    count = _sums(inside.astype(np.float64), rows)
    tonic_us, phasic_us, driver_us_s = (
        _ratio(_sums(np.where(inside, part, 0.0), rows), count)
        for part in (found.tonic_us, found.phasic_us, found.driver_us_s)
    )
    return {
        "cvx_s": count / eda.rate_hz,
        "cvx_tonic_us": tonic_us,
        "cvx_phasic_us": phasic_us,
        "cvx_driver_us": 60.0 * driver_us_s,
    }


def _rows(time_s: Floats, start_s: Floats, end_s: Floats) -> tuple[Rows, Rows]:
    """The first row of each window and the one after its last."""
    first = np.searchsorted(time_s, start_s)
    return first, np.maximum(np.searchsorted(time_s, end_s), first)


def _sums(values: Floats, rows: tuple[Rows, Rows]) -> Floats:
    """The sum of `values` over each window's rows."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    return np.asarray(total[rows[1]] - total[rows[0]])


def _ratio(part: Floats, whole: Floats) -> Floats:
    """`part / whole`, NaN where there is no whole."""
    ratio: Floats = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
    return ratio


def _medians(values: Floats, rows: tuple[Rows, Rows]) -> Floats:
    """The median of the known `values` in each window, NaN if there is none.

    Windows that hold the same rows are one; those of like length are sorted side by side.
    """
    pairs, which = np.unique(np.stack(rows, axis=1), axis=0, return_inverse=True)
    found = np.full(len(pairs), np.nan)
    widths = np.ceil(np.log2(np.maximum(pairs[:, 1] - pairs[:, 0], 1))).astype(np.intp)
    for power in np.unique(widths):
        of_width = np.flatnonzero(widths == power)
        for block in np.array_split(of_width, 1 + (len(of_width) << int(power)) // _BLOCK_CELLS):
            found[block] = _row_medians(values, pairs[block], 1 << int(power))
    return found[which.reshape(-1)]


def _row_medians(values: Floats, pairs: Rows, width: int) -> Floats:
    padded = np.append(values, np.nan)
    cells = pairs[:, :1] + np.arange(width)
    table = np.sort(padded[np.where(cells < pairs[:, 1:], cells, len(values))], axis=1)  # NaN goes last
    known = np.count_nonzero(~np.isnan(table), axis=1)
    each = np.arange(len(table))
    middle = np.maximum(known - 1, 0)
    return np.asarray((table[each, middle // 2] + table[each, (middle + 1) // 2]) / 2)
