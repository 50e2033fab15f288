"""The loops of the convex decomposition: one linear system, factorised and solved in time order.

The unknowns are the series q (one per sample), the spline's coefficients and the two of the drift. Samples
are taken in time order; what has been met but not yet eliminated is a front of eight unknowns:

    0-3  the splines that reach the present knot interval
    4-5  the drift, which stays to the end
    6-7  the last two samples of q

so a factorisation costs O(n) time and memory. It is an LDL' factorisation (Golub & Van Loan 2013, 4.1)
without pivoting: the matrix is positive definite. A factor is a column below its pivot and, last, one over
the pivot.
"""

from __future__ import annotations

import numpy as np

from pipeline.compiled import exact
from pipeline.model import Floats

FRONT = 8
_SPLINES = 4
_BORDER = 6  # splines and drift
_INVERSE = FRONT


@exact
def factorise(
    weight: Floats, ma: Floats, ar: Floats, spline: Floats, exists: Floats, gamma: float
) -> tuple[Floats, Floats, Floats]:
    """Factors of `K'K + A' diag(weight) A + gamma I_l`, K = [M B C].

    `weight` (n,), its first two unused; `ma`, `ar` (3,) newest sample first; `spline` (block, 4): what the
    four splines of a knot interval weigh at each of its samples; `exists` (intervals + 3,) 0 for a spline
    that is only there to fill the front. Returns the factors by sample (n, 9), by interval (intervals, 9) and
    the last front (8, 8), which is left to the caller.
    """
    n, block = len(weight), len(spline)
    by_sample, by_interval = np.empty((n, FRONT + 1)), np.empty((len(exists) - 3, FRONT + 1))
    front, column, row = np.zeros((FRONT, FRONT)), np.empty(FRONT), np.zeros(FRONT)
    for a in range(_SPLINES):
        front[a, a] = gamma
    row[4] = 1.0
    for i in range(n):
        interval, place = i // block, i % block
        if place == 0 and i > 0:
            _next_interval(front, by_interval[interval - 1], gamma)
        for a in range(_SPLINES):
            row[a] = spline[place, a] * exists[interval + a]
        row[5] = (i + 1) / n
        if i < 2:
            for a in range(_BORDER):
                for b in range(_BORDER):
                    front[a, b] += row[a] * row[b]
            continue
        d = weight[i]
        row[6], row[7] = ma[1], ma[0]
        inverse = 1.0 / (front[6, 6] + ma[2] * ma[2] + d * ar[2] * ar[2])
        for a in range(_BORDER):
            column[a] = front[6, a] + ma[2] * row[a]
        column[6] = front[6, 7] + ma[2] * ma[1] + d * ar[2] * ar[1]
        column[7] = ma[2] * ma[0] + d * ar[2] * ar[0]
        for a in range(_BORDER):
            front[6, a] = front[a, 6] = front[7, a]
            front[7, a] = front[a, 7] = 0.0
        front[6, 6] = front[7, 7] + d * ar[1] * ar[1]
        front[6, 7] = front[7, 6] = d * ar[1] * ar[0]
        front[7, 7] = d * ar[0] * ar[0]
        for a in range(FRONT):
            scaled = column[a] * inverse
            by_sample[i, a] = scaled
            for b in range(FRONT):
                front[a, b] += row[a] * row[b] - scaled * column[b]
        by_sample[i, _INVERSE] = inverse
    return by_sample, by_interval, front


@exact
def _next_interval(front: Floats, factor: Floats, gamma: float) -> None:
    """Eliminate the first spline, which no later sample reaches, and let the next one in."""
    inverse = 1.0 / front[0, 0]
    for a in range(FRONT):
        factor[a] = front[0, a] * inverse
    for a in range(1, FRONT):
        for b in range(1, FRONT):
            front[a, b] -= factor[a] * front[0, b]
    factor[_INVERSE] = inverse
    for a in range(_SPLINES - 1):
        for b in range(FRONT):
            front[a, b] = front[a + 1, b]
    for a in range(FRONT):
        for b in range(_SPLINES - 1):
            front[a, b] = front[a, b + 1]
    for a in range(FRONT):
        front[3, a] = front[a, 3] = 0.0
    front[3, 3] = gamma


@exact
def forward(
    block: int, by_sample: Floats, by_interval: Floats, of_q: Floats, of_spline: Floats, of_drift: Floats
) -> Floats:
    """Forward substitution in place on a right-hand side; returns what is left for the last front, (8,)."""
    front = np.empty(FRONT)
    for a in range(_SPLINES):
        front[a] = of_spline[a]
    for a in range(2):
        front[_SPLINES + a], front[_BORDER + a] = of_drift[a], of_q[a]
    for i in range(len(of_q)):
        if i % block == 0 and i > 0:
            interval = i // block
            value = front[0]
            of_spline[interval - 1] = value
            for a in range(1, FRONT):
                front[a] -= by_interval[interval - 1, a] * value
            front[0], front[1], front[2] = front[1], front[2], front[3]
            front[3] = of_spline[interval + 3]
        if i >= 2:
            value = front[6]
            of_q[i - 2] = value
            front[6], front[7] = front[7], of_q[i]
            for a in range(FRONT):
                front[a] -= by_sample[i, a] * value
    return front


@exact
def backward(
    block: int, by_sample: Floats, by_interval: Floats, front: Floats, of_q: Floats, of_spline: Floats
) -> None:
    """Backward substitution in place from the solution of the last front, which is overwritten."""
    n = len(of_q)
    of_q[n - 2], of_q[n - 1] = front[6], front[7]
    for a in range(_SPLINES):
        of_spline[len(by_interval) - 1 + a] = front[a]
    for i in range(n - 1, -1, -1):
        if i >= 2:
            value = of_q[i - 2] * by_sample[i, _INVERSE]
            for a in range(FRONT):
                value -= by_sample[i, a] * front[a]
            of_q[i - 2] = value
            front[6], front[7] = value, front[6]
        if i % block == 0 and i > 0:
            interval = i // block - 1
            front[3], front[2], front[1] = front[2], front[1], front[0]
            value = of_spline[interval] * by_interval[interval, _INVERSE]
            for a in range(1, FRONT):
                value -= by_interval[interval, a] * front[a]
            of_spline[interval] = front[0] = value
