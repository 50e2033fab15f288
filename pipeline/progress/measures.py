"""The measures that progress is told in: their scales, and how far each usually moves from day to day.

On its scale a measure's day-to-day error is about the same at any level: logarithms for what varies by a part
of itself, square roots for counts (Bartlett 1936). A change on a scale of logarithms is a ratio.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from pipeline.language import reason


class Scale(StrEnum):
    """On what scale a measure is compared, and how a change of it is told."""

    LN = "ratio"
    ROOT = "difference"


@dataclass(frozen=True, slots=True)
class Prior:
    """What is supposed of a person's day-to-day error before they have sessions of their own.

    On the measure's scale: half of people lie below `sigma`, nobody below `least`; `source` says where that
    is from. How far ln sigma lies above ln least is distributed as Rayleigh's, which has no more parameters.
    """

    sigma: float
    least: float
    source: str

    @property
    def scale(self) -> float:
        """The parameter of the distribution, whose median is 1.177 times it."""
        return math.log(self.sigma / self.least) / math.sqrt(2 * math.log(2))


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure of the unpaced baseline. `stored_ln`: a session's value is a logarithm already.

    `usual` is a level in its unit, to tell a change by before there is a reference.
    """

    name: str
    unit: str
    scale: Scale
    prior: Prior
    usual: float
    stored_ln: bool = False
    of_skin: bool = False

    def scaled(self, value: float) -> float | None:
        """A session's value on the scale that it is compared on; None where it has no place there."""
        if self.scale is Scale.ROOT:
            return math.sqrt(value) if value >= 0 else None
        if self.stored_ln:
            return value
        return math.log(value) if value > 0 else None

    @property
    def typical(self) -> float:
        """The usual level on the measure's scale."""
        return math.log(self.usual) if self.scale is Scale.LN else math.sqrt(self.usual)

    def shown(self, scaled: float) -> float:
        """A scaled value in the measure's unit, as people read it."""
        return math.exp(scaled) if self.scale is Scale.LN else max(scaled, 0.0) ** 2

    def change(self, difference: float, reference: float) -> float:
        """A difference of scaled values from a scaled reference, as it is told: a ratio, or in the unit."""
        if self.scale is Scale.LN:
            return math.exp(difference)
        return self.shown(reference + difference) - self.shown(reference)


def sigma_of(cv: float) -> float:
    """The error of logarithms that is this coefficient of variation: 21 % is ln 1.21 (Hopkins 2000)."""
    return math.log1p(cv)


def cv_of(sigma: float) -> float:
    """The coefficient of variation of an error of logarithms."""
    return math.expm1(sigma)


def _from(cv: float, least: float, source: str) -> Prior:
    """A prior by coefficients of variation."""
    return Prior(sigma_of(cv), sigma_of(least), source)


MEASURES = (
    Measure(
        "ln_rmssd",
        "ms",
        Scale.LN,
        _from(0.21, 0.12, reason("progress.prior.ln_rmssd")),
        usual=40.0,
        stored_ln=True,
    ),
    Measure(
        "mean_hr_bpm",
        "bpm",
        Scale.LN,
        _from(0.10, 0.05, reason("progress.prior.mean_hr_bpm")),
        usual=65.0,
    ),
    Measure(
        "ln_scl",
        "µS",
        Scale.LN,
        _from(0.35, 0.20, reason("progress.prior.ln_scl")),
        usual=5.0,
        stored_ln=True,
        of_skin=True,
    ),
    Measure(
        "scr_per_min",
        "/min",
        Scale.ROOT,
        Prior(0.40, 0.24, reason("progress.prior.scr_per_min")),
        usual=2.0,
        of_skin=True,
    ),
)
BY_NAME = {measure.name: measure for measure in MEASURES}
DEFAULT_PRIMARY = ("ln_rmssd",)
