"""Tonic level, phasic part and driver of skin conductance by convex optimisation: the model of cvxEDA.

y = r + t + e. The phasic part is r = M q, its driver p = A q >= 0, M and A the two sides of a Bateman
response of 0.7 and 2 s made discrete by the bilinear transform. The tonic level is t = B l + C d: cubic
splines with knots every 10 s and a straight line. The optimum minimises

    1/2 |y - M q - B l - C d|² + alpha sum(p) + gamma/2 |l|²    subject to p >= 0

(Greco, Valenza, Lanata, Scilingo & Citi 2016, IEEE Trans Biomed Eng 63:797). It is found by a primal-dual
interior-point method (Mehrotra 1992, SIAM J Optim 2:575) whose linear systems are solved in time order: time
and memory grow in proportion to the length. Matrices, knots, alpha and gamma are those of neurokit2's
`cvxeda`; on the same input the optimum is the same.

The edges are the model's, too: it has no splines beyond the ends, and the first samples may hold the tail of
an earlier response, of either sign. Within `EDGE_S` of either end of a stretch, tonic and phasic are not told
apart reliably: the driver makes up for the spline that is missing. Nothing holds the tonic part above zero:
a steep rise that is no response can push it below.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pipeline.model import Bools, Floats
from pipeline.skin.signal import Eda, after_gaps, stretches_of

SLOW_S, FAST_S = 2.0, 0.7
KNOTS_S = 10.0
ALPHA, GAMMA = 8e-4, 1e-2
HIGHEST_HZ, LOWEST_HZ = 8.0, 1.0
SHORTEST_S = 20.0
EDGE_S = 20.0

_MA = np.array([1.0, 2.0, 1.0])
_MOST_ITERATIONS = 60
_RELATIVE_GAP = 1e-9  # between the objective and its lower bound
_SQUARED_ERROR = 1e-13  # per sample: enough where the objective itself is next to nothing
_STATIONARY = 1e-6  # of the largest penalty gradient
_FEASIBLE = 1e-8
_START_SHARE = 2.0  # of the mean |p|: how far inside the bounds to begin
_CONSTANT = 1e-9  # of the largest value: below it a spread is rounding


@dataclass(frozen=True, slots=True, eq=False)
class Decomposition:
    """The parts of a signal at its own times, (n,) each; NaN where it could not be decomposed.

    `driver_us_s` is the rate of sudomotor activity in µS/s: through the Bateman response it gives the phasic
    part. How it is spread over two or three neighbouring samples is arbitrary, its sum over a second is not.
    `scale_us` is the spread that alpha refers to, `rate_hz` the rate of the model, `objective` that of all
    stretches in standardised units; these are None where nothing was decomposed. `iterations` is the most a
    stretch took; `failed` counts stretches that did not converge, `short` those under 20 s: both stay NaN.
    """

    tonic_us: Floats
    phasic_us: Floats
    driver_us_s: Floats
    scale_us: float | None
    rate_hz: float | None
    objective: float | None
    iterations: int
    failed: int
    short: int


class _Optimum(NamedTuple):
    """Of one stretch, in the units of its input."""

    tonic: Floats
    phasic: Floats
    driver: Floats
    objective: float
    iterations: int


def decompose_eda(eda: Eda) -> Decomposition:
    """The parts of a prepared signal."""
    return decompose(eda.time_s, eda.eda_us, eda.rate_hz, eda.valid)


def decompose(
    time_s: Floats, eda_us: Floats, rate_hz: float, valid: Bools, scale_us: float | None = None
) -> Decomposition:
    """Each contiguous valid stretch of at least 20 s on its own.

    `time_s`, `eda_us` in µS and `valid`, (n,) each; `rate_hz` nominal. Below 1 Hz nothing is decomposed.

    - Scale: one for the recording, the standard deviation of all valid samples, as the authors standardise
      the signal before alpha applies; the results are in µS again. The mean plays no part: the straight line
      takes it. `scale_us` sets another scale; 1 gives what neurokit2 does with a signal in µS.
    - Above 8 Hz: low-passed without phase shift (Butterworth, fourth order, there and back, at a quarter of
      the model's rate) and every k-th sample taken, k the least that brings the rate to 8 Hz or below. Back
      at the input's times: tonic and phasic by monotone cubics, the driver by straight lines.
    - A constant signal is tonic throughout.
    """
    time_s, eda_us = np.asarray(time_s, dtype=np.float64), np.asarray(eda_us, dtype=np.float64)
    assert time_s.shape == eda_us.shape == valid.shape
    tonic_us, phasic_us, driver_us_s = (np.full(len(eda_us), np.nan) for _ in range(3))
    if not LOWEST_HZ <= rate_hz < math.inf:
        return Decomposition(tonic_us, phasic_us, driver_us_s, None, None, None, 0, 0, 0)

    usable, cut = _usable(time_s, eda_us, rate_hz, valid)
    stretches = list(stretches_of(usable, cut))
    long = [stretch for stretch in stretches if stretch.stop - stretch.start >= SHORTEST_S * rate_hz]
    scale_us = _spread(eda_us[usable]) if scale_us is None else scale_us
    every = math.ceil(rate_hz / HIGHEST_HZ - 1e-9)
    found: list[_Optimum] = []
    for stretch in long:
        optimum = _of_stretch(eda_us[stretch], rate_hz, every, scale_us)
        if optimum is not None:
            tonic_us[stretch], phasic_us[stretch], driver_us_s[stretch] = optimum[:3]
            found.append(optimum)
    counts = (
        max((one.iterations for one in found), default=0),
        len(long) - len(found),
        len(stretches) - len(long),
    )
    if not found:
        return Decomposition(tonic_us, phasic_us, driver_us_s, None, None, None, *counts)
    objective = math.fsum(one.objective for one in found)
    return Decomposition(tonic_us, phasic_us, driver_us_s, scale_us, rate_hz / every, objective, *counts)


def _usable(time_s: Floats, eda_us: Floats, rate_hz: float, valid: Bools) -> tuple[Bools, Bools]:
    """Samples that take part, and before which of all samples a stretch ends: a gap, or time going back."""
    usable = valid & np.isfinite(eda_us) & np.isfinite(time_s)
    with np.errstate(invalid="ignore"):
        cut = after_gaps(time_s, rate_hz) | (np.diff(time_s, prepend=-np.inf) <= 0)
    return usable, cut


def _spread(values: Floats) -> float:
    """Standard deviation; 0 where it is only rounding, not finite where the values are out of all range."""
    if not len(values):
        return 0.0
    with np.errstate(all="ignore"):
        spread = float(np.std(values))
    return 0.0 if spread <= _CONSTANT * float(np.max(np.abs(values))) else spread


def _of_stretch(eda_us: Floats, rate_hz: float, every: int, scale_us: float) -> _Optimum | None:
    """The parts of one stretch at its own rate; None where there is no result."""
    if _spread(eda_us) == 0.0:
        nothing = np.zeros(len(eda_us))
        return _Optimum(eda_us.copy(), nothing, nothing, 0.0, 0)
    if not 0.0 < scale_us < math.inf:
        return None
    mean_us = float(np.mean(eda_us))
    slow = _slowed(eda_us - mean_us, rate_hz, every) / scale_us
    optimum = _Model(len(slow), rate_hz / every).optimum(slow)
    if optimum is None:
        return None
    tonic, phasic, driver = (part * scale_us for part in optimum[:3])
    tonic, phasic, driver = _at_all(tonic + mean_us, phasic, driver, len(eda_us), every)
    return optimum._replace(tonic=tonic, phasic=phasic, driver=driver)


def _slowed(values: Floats, rate_hz: float, every: int) -> Floats:
    """Every k-th of the low-passed values; the ends are continued by three periods, point-mirrored."""
    if every == 1:
        return values
    from scipy.signal import butter, sosfiltfilt

    cutoff_hz = 0.25 * rate_hz / every
    sections = butter(4, cutoff_hz, fs=rate_hz, output="sos")
    padding = min(len(values) - 1, math.ceil(3 * rate_hz / cutoff_hz))
    return np.asarray(sosfiltfilt(sections, values, padlen=padding))[::every]


def _at_all(
    tonic: Floats, phasic: Floats, driver: Floats, n: int, every: int
) -> tuple[Floats, Floats, Floats]:
    """The parts at n samples from every k-th; after the last of these they keep its value."""
    if every == 1:
        return tonic, phasic, driver
    from scipy.interpolate import PchipInterpolator

    known = np.arange(len(tonic))
    wanted = np.minimum(np.arange(n) / every, known[-1])
    smooth = PchipInterpolator(known, np.column_stack([tonic, phasic]))(wanted)
    return smooth[:, 0], smooth[:, 1], np.interp(wanted, known, driver)


class _Unknowns(NamedTuple):
    """The phasic series (n,), the spline's coefficients (knots + 3,) and the drift's (2,)."""

    series: Floats
    spline: Floats
    drift: Floats

    def moved(self, step: float, by: _Unknowns) -> _Unknowns:
        return _Unknowns(*(here + step * change for here, change in zip(self, by, strict=True)))

    def largest(self) -> float:
        return max(float(np.max(np.abs(part))) for part in self)


class _Iterate(NamedTuple):
    """A point inside the bounds: the unknowns, the driver (n - 2,) and its multipliers (n - 2,)."""

    unknowns: _Unknowns
    driver: Floats
    multiplier: Floats

    def moved(self, step: float, by: _Iterate) -> _Iterate:
        return _Iterate(
            self.unknowns.moved(step, by.unknowns),
            self.driver + step * by.driver,
            self.multiplier + step * by.multiplier,
        )

    def room(self, by: _Iterate) -> float:
        """The longest step that stays inside the bounds."""
        return min(_room(self.driver, by.driver), _room(self.multiplier, by.multiplier))


class _State(NamedTuple):
    """What is left at an iterate: gradient, driver against A q, complementarity, objective."""

    gradient: _Unknowns
    apart: Floats
    gap: float
    objective: float


class _Model:
    """The problem for n samples at a rate; it holds no n x n matrix."""

    def __init__(self, n: int, rate_hz: float) -> None:
        self.n = n
        self.ar = _recursion(rate_hz)
        self.block = round(KNOTS_S * rate_hz)
        self.intervals = -(-n // self.block)
        self.shape = _spline(self.block)
        self.exists = np.zeros(self.intervals + 3)  # one before the first knot and two after the last do not
        self.exists[1 : self.intervals + 1] = 1.0
        self.ramp = np.arange(1.0, n + 1.0) / n

    def optimum(self, values: Floats) -> _Optimum | None:
        """The parts of standardised values; None if it does not converge."""
        with np.errstate(all="ignore"):
            try:
                return self._optimum(values)
            except np.linalg.LinAlgError:
                return None

    def _optimum(self, values: Floats) -> _Optimum | None:
        at = self._start(values)
        for iteration in range(_MOST_ITERATIONS):
            state = self._state(at, values)
            if not math.isfinite(state.gap + state.objective):
                return None
            enough = max(_RELATIVE_GAP * abs(state.objective), _SQUARED_ERROR * self.n)
            if self._arrived(state, enough):
                phasic, driver = np.zeros(self.n), np.zeros(self.n)
                phasic[2:], driver[2:] = _taps(_MA, at.unknowns.series), at.driver
                return _Optimum(self._tonic(at.unknowns), phasic, driver, state.objective, iteration)
            at = self._next(at, state, enough)
        return None

    def _arrived(self, state: _State, enough: float) -> bool:
        return bool(
            state.gap <= enough
            and state.gradient.largest() <= _STATIONARY * ALPHA * self.ar[0]
            and np.max(np.abs(state.apart)) <= _FEASIBLE
        )

    def _start(self, values: Floats) -> _Iterate:
        """A fit that penalises the driver's square, its negative part cut off."""
        from pipeline.skin import decomposition_kernels as kernels

        factors = kernels.factorise(np.full(self.n, ALPHA), _MA, self.ar, self.shape, self.exists, GAMMA)
        unknowns = self._solved(factors, self._transposed(values))
        driver = _taps(self.ar, unknowns.series)
        inside = _START_SHARE * float(np.mean(np.abs(driver))) + _FEASIBLE
        return _Iterate(unknowns, np.maximum(driver, 0.0) + inside, np.full(self.n - 2, ALPHA))

    def _state(self, at: _Iterate, values: Floats) -> _State:
        series, spline, _ = at.unknowns
        error = self._tonic(at.unknowns) - values
        error[2:] += _taps(_MA, series)
        gradient = self._transposed(error)
        gradient = gradient._replace(
            series=gradient.series + _taps_transposed(self.ar, ALPHA - at.multiplier),
            spline=gradient.spline + GAMMA * spline,
        )
        driver = _taps(self.ar, series)
        objective = (
            0.5 * _dot(error, error) + ALPHA * float(np.sum(driver)) + 0.5 * GAMMA * _dot(spline, spline)
        )
        return _State(gradient, driver - at.driver, _dot(at.driver, at.multiplier), objective)

    def _next(self, at: _Iterate, state: _State, enough: float) -> _Iterate:
        """One predictor-corrector step.

        The aim never falls far below what is enough: beyond, the system only gets worse conditioned.
        """
        from pipeline.skin import decomposition_kernels as kernels

        weight = np.zeros(self.n)
        weight[2:] = at.multiplier / at.driver
        factors = kernels.factorise(weight, _MA, self.ar, self.shape, self.exists, GAMMA)
        product = at.driver * at.multiplier
        predicted = self._direction(factors, at, state, product)
        reached = at.moved(min(1.0, at.room(predicted)), predicted)
        left = max(_dot(reached.driver, reached.multiplier) / state.gap, 0.0)
        aim = max(left**3 * state.gap, 0.1 * enough) / (self.n - 2)
        product = product + predicted.driver * predicted.multiplier - aim
        corrected = self._direction(factors, at, state, product)
        return at.moved(min(1.0, 0.99 * at.room(corrected)), corrected)

    def _direction(
        self, factors: tuple[Floats, Floats, Floats], at: _Iterate, state: _State, product: Floats
    ) -> _Iterate:
        """The Newton step that takes gradient, driver mismatch and `product` to zero."""
        pull = _taps_transposed(self.ar, -(product + at.multiplier * state.apart) / at.driver)
        series, spline, drift = state.gradient
        unknowns = self._solved(factors, _Unknowns(pull - series, -spline, -drift))
        driver = _taps(self.ar, unknowns.series) + state.apart
        return _Iterate(unknowns, driver, -(product + at.multiplier * driver) / at.driver)

    def _solved(self, factors: tuple[Floats, Floats, Floats], right: _Unknowns) -> _Unknowns:
        """The solution of a factorised system; `right` is overwritten."""
        from pipeline.skin import decomposition_kernels as kernels

        by_sample, by_interval, last = factors
        left: Floats = kernels.forward(self.block, by_sample, by_interval, *right)
        front = np.asarray(np.linalg.solve(last, left), dtype=np.float64)
        drift = front[4:6].copy()
        kernels.backward(self.block, by_sample, by_interval, front, right.series, right.spline)
        return right._replace(drift=drift)

    def _tonic(self, unknowns: _Unknowns) -> Floats:
        four = np.lib.stride_tricks.sliding_window_view(unknowns.spline * self.exists, 4)
        curve: Floats = np.einsum("ia,pa->ip", four, self.shape).ravel()[: self.n]
        line: Floats = unknowns.drift[0] + unknowns.drift[1] * self.ramp
        return curve + line

    def _transposed(self, error: Floats) -> _Unknowns:
        """[M B C]' times a series."""
        blocks = np.zeros(self.intervals * self.block)
        blocks[: self.n] = error
        by_interval = np.einsum("ip,pa->ia", blocks.reshape(self.intervals, self.block), self.shape)
        spline = np.zeros(self.intervals + 3)
        for place in range(4):
            spline[place : place + self.intervals] += by_interval[:, place]
        drift = np.array([np.sum(error), _dot(self.ramp, error)])
        return _Unknowns(_taps_transposed(_MA, error[2:]), spline * self.exists, drift)


def _recursion(rate_hz: float) -> Floats:
    """The three taps of A, newest sample first (Greco 2016, eq. 7)."""
    step_s, fast, slow = 1 / rate_hz, 1 / FAST_S, 1 / SLOW_S
    taps = [
        (fast * step_s + 2.0) * (slow * step_s + 2.0),
        2.0 * fast * slow * step_s**2 - 8.0,
        (fast * step_s - 2.0) * (slow * step_s - 2.0),
    ]
    return np.array(taps) / ((fast - slow) * step_s**2)


def _spline(block: int) -> Floats:
    """What the splines of the knots -1, 0, 1 and 2 weigh at each sample from knot 0 on, (block, 4).

    A triangle convolved with itself, its largest value 1; it ends two samples short of two intervals.
    """
    triangle = np.concatenate([np.arange(1.0, block), np.arange(block, 0.0, -1.0)])
    whole = np.convolve(triangle, triangle)
    padded = np.concatenate([[0.0, 0.0], whole / np.max(whole), [0.0]])  # from -2 to +2 intervals, less one
    return np.ascontiguousarray(padded.reshape(4, block)[::-1].T)


def _taps(taps: Floats, series: Floats) -> Floats:
    """Three taps along a series; two fewer values."""
    filtered: Floats = taps[0] * series[2:] + taps[1] * series[1:-1] + taps[2] * series[:-2]
    return filtered


def _taps_transposed(taps: Floats, values: Floats) -> Floats:
    series = np.zeros(len(values) + 2)
    series[2:] = taps[0] * values
    series[1:-1] += taps[1] * values
    series[:-2] += taps[2] * values
    return series


def _dot(a: Floats, b: Floats) -> float:
    """Without BLAS, whose threads cost more than they save here and sum in an order of their own."""
    return float(np.einsum("i,i->", a, b))


def _room(values: Floats, change: Floats) -> float:
    """The longest step that keeps positive values so; inf where none shrinks."""
    steepest = float(np.max(-change / values))
    return 1.0 / steepest if steepest > 0 else math.inf
