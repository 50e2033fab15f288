"""What each phase says of each measure: a value, a 95 % interval, and what both rest on.

An interval is about the mean that many phases like this one would have: it has to allow for drifts that last
as long as the phase, of which the phase itself shows little. Resampled blocks have no memory beyond a block,
and an AR(1) process forgets within two or three: on the simulated client, whose drifts last up to 4 min, the
95 % intervals of the latter held the mean heart rate in 84 to 92 %. So what is alike in neighbouring blocks
is taken for a drift over octaves (`Drift`), and its share, of which ten blocks say little, is drawn towards
what is known of the measure. Then they hold the truth in 95 to 97 %, as a test prints.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from pipeline.language import reason
from pipeline.model import Phase
from pipeline.regulation.blocks import ENOUGH, Blocks, Measure, t95
from pipeline.regulation.drift import Drift
from pipeline.values import Values

_COUNT_PRIOR_DEGREES = 20.0  # that responses come as by chance
_DEAD_S = 3.0  # but not while the one before still rises (1 to 3 s, Boucsein 2012)
_MOST_DEAD = 0.7
_LEAST_RELATIVE = 1e-12  # a power that never changes has no error, but for rounding
_Z95 = 1.959964
_SHOWN = {"ln_rmssd": "rmssd_ms", "ln_scl": "scl_us"}


class Unit(StrEnum):
    """What `n` counts."""

    BEATS = "beats"
    DIFFERENCES = "differences"
    SECONDS = "seconds"
    RESPONSES = "responses"
    DEGREES = "degrees"  # effective degrees of freedom of a power


_UNITS = {
    "mean_hr_bpm": Unit.BEATS,
    "ln_rmssd": Unit.DIFFERENCES,
    "ln_scl": Unit.SECONDS,
    "scr_per_min": Unit.RESPONSES,
    "lf_ms2": Unit.DEGREES,
    "hf_ms2": Unit.DEGREES,
}
MEASURES = tuple(_UNITS)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measure of a phase with its 95 % interval; without an interval, or a value, `reason` says why.

    `n` counts what it rests on, in `n_unit`; `blocks` those that its error was taken from.
    """

    measure: str
    phase: str
    start_s: float
    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    n_unit: Unit = Unit.BEATS
    blocks: int = 0
    reason: str | None = None

    @property
    def shown(self) -> Estimate:
        """The same as a person reads it: a logarithm's own measure, in its unit."""
        if self.measure not in _SHOWN:
            return self
        value, low, high = (
            None if each is None else math.exp(each) for each in (self.value, self.low, self.high)
        )
        return replace(self, measure=_SHOWN[self.measure], value=value, low=low, high=high)


def phase_estimates(phase: Phase, values: Values, measures: Iterable[Measure]) -> tuple[Estimate, ...]:
    """An estimate of each of these measures (named as in `MEASURES`) over a phase.

    The value is the phase's own, as in the feature table, and absent where that is. The interval of:

    - heart rate, ln RMSSD, ln SCL: Student's t about the mean of correlated blocks;
    - responses per minute: a count whose variance is a multiple of its mean (McCullagh & Nelder 1989, ch. 6),
      gamma as Jeffreys' interval with the count divided by that dispersion. It is that of the blocks, drawn
      towards that of chance with a dead time, (1 - rate · 3 s)² (Cox 1962, Renewal Theory);
    - LF and HF power: of a mean square with as many degrees of freedom as the scatter of the power of blocks
      leaves it: 2 / (relative error)², which a tachogram's changing rhythm makes few.

    All allow for the degrees of freedom that the error itself has. Below 8 blocks there is no interval.
    """
    return tuple(_estimate(phase, values, measure) for measure in measures)


def _estimate(phase: Phase, values: Values, measure: Measure) -> Estimate:
    name = measure.name
    empty = Estimate(name, phase.name, phase.start_s, values.number(name), n_unit=_UNITS[name])
    if empty.value is None:
        return replace(empty, reason=values.null_reasons.get(name, reason("regulation.not_measured")))
    blocks = Blocks.of(measure, phase)
    told = replace(empty, n=rests_on(name, values)[0], blocks=len(blocks))
    if len(blocks) < ENOUGH:
        return replace(told, reason=reason("regulation.few_blocks", blocks=len(blocks), least=ENOUGH))
    drift = Drift.of([blocks], measure.drift_share)
    variance, degrees = float(drift.covariance([blocks])[0, 0]), drift.degrees
    if told.n_unit is Unit.RESPONSES:
        low, high = _rate(told.n, empty.value, _valid_s(values) / 60, variance, degrees)
    elif told.n_unit is Unit.DEGREES:
        relative = max(variance / blocks.mean**2, _LEAST_RELATIVE) if blocks.mean > 0 else _LEAST_RELATIVE
        low, high = _power(empty.value, relative, degrees)
        told = replace(told, n=math.floor(2 / relative))
    else:
        low, high = _level(empty.value, variance, degrees)
    return replace(told, low=low, high=high)


def rests_on(measure: str, values: Values) -> tuple[int, Unit]:
    """How many of what a value of a measure was taken from; 0 for a power, which blocks have to tell."""
    unit = _UNITS[measure]
    if unit is Unit.SECONDS:
        return round(_valid_s(values)), unit
    column = {Unit.BEATS: "beats", Unit.DIFFERENCES: "nn_pairs", Unit.RESPONSES: "scr_n"}.get(unit)
    return int(values.number(column) or 0) if column else 0, unit


def _valid_s(values: Values) -> float:
    return (values.number("eda_coverage") or 0.0) * (values.end_s - values.start_s)


def _level(value: float, variance: float, degrees: float) -> tuple[float, float]:
    margin = t95(degrees) * math.sqrt(variance)
    return value - margin, value + margin


def _rate(count: int, per_min: float, minutes: float, variance: float, degrees: float) -> tuple[float, float]:
    """The 95 % interval of a rate per minute, of which blocks vary by `variance`."""
    from scipy.special import gammaincinv

    by_chance = (1 - min(per_min * _DEAD_S / 60, _MOST_DEAD)) ** 2
    seen = variance * minutes / per_min if per_min > 0 else by_chance
    total = degrees + _COUNT_PRIOR_DEGREES
    dispersion = (degrees * seen + _COUNT_PRIOR_DEGREES * by_chance) / total
    wide = dispersion * (t95(total) / _Z95) ** 2
    shape = count / wide + 0.5
    low, high = (float(gammaincinv(shape, share)) * wide / minutes for share in (0.025, 0.975))
    return low if count else 0.0, high


def _power(power: float, relative: float, degrees: float) -> tuple[float, float]:
    """The 95 % interval of a power, from the variance of its relative error."""
    from scipy.special import gammaincinv

    shape = 1 / (relative * (t95(degrees) / _Z95) ** 2)
    low, high = (power * shape / float(gammaincinv(shape, share)) for share in (0.975, 0.025))
    return low, high
