"""Feedback: from one measure to how full a picture is, 0 to 1; 0.5 is the person's own threshold.

A picture shows one measure, held against a threshold that is personal: set by hand, else the baseline's
own value. Without a value there is no picture: missing data never look calm, nor the opposite.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Measure(StrEnum):
    """A live value that may be fed back; named as on the live page."""

    RHYTHM_CONCENTRATION = "rhythm_concentration"
    AROUSAL = "arousal"
    HEART_RATE = "heart_rate_bpm"
    BREATHING_RATE = "resp_rate_bpm"
    SKIN_LEVEL = "scl_us"
    SKIN_RESPONSES = "scr_per_min"


class Element(StrEnum):
    """The pictures and sounds that feedback can take the shape of."""

    TIDE = "tide"
    LIGHT = "light"
    LANTERN = "lantern"
    GARDEN = "garden"
    TONE = "tone"
    NOISE = "noise"


@dataclass(frozen=True, slots=True)
class Scale:
    """How a measure fills a picture.

    One `step` above the threshold fills it to 0.73; it is a difference, or where `relative` one of natural
    logarithms, and negative where less of the measure fills the picture. `usual` stands in for a threshold
    where there is no baseline.
    """

    step: float
    relative: bool = True
    usual: float | None = None
    of_heart: bool = True


MEASURES: Mapping[Measure, Scale] = MappingProxyType(
    {
        Measure.RHYTHM_CONCENTRATION: Scale(0.7, usual=1.0),
        Measure.AROUSAL: Scale(-5.0, relative=False, usual=50.0),
        Measure.HEART_RATE: Scale(-0.06),
        Measure.BREATHING_RATE: Scale(-0.2),
        Measure.SKIN_LEVEL: Scale(-0.1, of_heart=False),
        Measure.SKIN_RESPONSES: Scale(-0.7, of_heart=False),
    }
)

NO_THRESHOLD = "there is no baseline yet to hold it against"
_LEAST = 1e-3  # a rate of responses may be 0, which has no logarithm
_STEEPEST = 30.0


def level(measure: Measure, value: float, threshold: float) -> float:
    """How full the picture is, 0..1: a logistic curve that is 0.5 at the threshold, strictly monotonic."""
    scale = MEASURES[measure]
    apart = value - threshold
    if scale.relative:
        apart = math.log(max(value, _LEAST) / max(threshold, _LEAST))
    return 1.0 / (1.0 + math.exp(-max(min(apart / scale.step, _STEEPEST), -_STEEPEST)))


def threshold_of(measure: Measure, own: Mapping[str, float], baseline: Mapping[str, float]) -> float | None:
    """The threshold: the person's own, else the baseline's value, else the usual one; None without any."""
    return own.get(measure, baseline.get(measure, MEASURES[measure].usual))
