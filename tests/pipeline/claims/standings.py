"""Measures over sessions as progress would have them, with known numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pipeline.language import reason
from pipeline.progress.measures import Scale
from pipeline.progress.reliability import Reliability
from pipeline.progress.standing import Level, MeasureProgress
from pipeline.progress.trend import Trend
from pipeline.progress.verdicts import Change, Verdict

REFERENCE = Level(40.0, 5, "2026-01-05", "2026-01-19")
LATEST = Level(56.0, 5, "2026-02-02", "2026-02-16")
HIGHER = Change(Scale.LN, 1.4, 1.12, 1.75)
STEADY = Change(Scale.LN, 1.05, 0.84, 1.31)
WHY = reason("claims.why.not_computed")


def standing(
    verdict: Verdict = Verdict.HIGHER, change: Change | None = HIGHER, **changes: Any
) -> MeasureProgress:
    """RMSSD at rest, five later baselines against five, unless something else is asked for."""
    held = MeasureProgress(
        measure="ln_rmssd",
        unit="ms",
        scale=Scale.LN,
        primary=True,
        baselines=(),
        reference=REFERENCE,
        latest=LATEST,
        change=change,
        bar=1.5,
        verdict=verdict,
        reason=WHY,
        rule="",
        looks=(),
        next_due=5,
        reliability=Reliability(0.19, 0.13, 0.27, 0.174, 0.1, 10, 0.6, "Example 2000"),
        detectable=1.36,
        detectable_down=0.74,
        more_to_halve=24,
        worthwhile=1.09,
        trend=Trend(Scale.LN, 1.1, 1.02, 1.2, 11, 6.0),
    )
    return replace(held, **changes)
