"""Regulation within a session: phases, reactions, recovery, time near the baseline, self-report."""

from pipeline.regulation.curves import Curve
from pipeline.regulation.estimates import Estimate
from pipeline.regulation.near_baseline import NearBaseline
from pipeline.regulation.phases import baseline_of, following
from pipeline.regulation.reactivity import Reactivity
from pipeline.regulation.recovery import Recovery
from pipeline.regulation.self_report import Beside

__all__ = [
    "Beside",
    "Curve",
    "Estimate",
    "NearBaseline",
    "Reactivity",
    "Recovery",
    "baseline_of",
    "following",
]
