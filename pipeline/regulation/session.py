"""All of regulation in one session: what each phase held, what challenges did and how that passed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from pipeline.model import Phase, PhaseKind, Rating
from pipeline.regulation.blocks import Measure
from pipeline.regulation.curves import BIN_S, Curve, curve
from pipeline.regulation.estimates import MEASURES, Estimate, phase_estimates
from pipeline.regulation.measures import Breathed, measures_of
from pipeline.regulation.near_baseline import NearBaseline, near_baseline
from pipeline.regulation.phases import baseline_of, following
from pipeline.regulation.reactivity import Reactivity, reactivity
from pipeline.regulation.recovery import Recovery, recovery
from pipeline.regulation.self_report import Beside, beside
from pipeline.signals import Signals
from pipeline.values import Values

REACTING = ("mean_hr_bpm", "ln_rmssd", "ln_scl", "scr_per_min")
_CURVE_AFTER = {"mean_hr_bpm": "mean_hr_bpm", "scl_us": "ln_scl"}  # and whose reaction it needs


@dataclass(frozen=True, slots=True)
class Regulation:
    """What there is, in order of phases; nothing is held against a baseline where there is none."""

    estimates: tuple[Estimate, ...]
    reactivity: tuple[Reactivity, ...]
    recovery: tuple[Recovery, ...]
    curves: tuple[Curve, ...]
    near_baseline: tuple[NearBaseline, ...]
    beside: tuple[Beside, ...]

    @classmethod
    def of(cls, phases: Sequence[tuple[Phase, Values]], ratings: Sequence[Rating], signals: Signals) -> Self:
        """From phases with their values, ratings of distress, and the signals with their indices."""
        measures = measures_of(
            signals, [Breathed(phase, _breaths_per_min(phase, values)) for phase, values in phases]
        )
        alone = [phase for phase, _ in phases]
        reactions, recoveries, curves = _challenges(alone, measures)
        of_phases = [measures[name] for name in MEASURES]
        return cls(
            estimates=tuple(each for held in phases for each in phase_estimates(*held, of_phases)),
            reactivity=reactions,
            recovery=recoveries,
            curves=curves,
            near_baseline=near_baseline(alone, signals.indices) if signals.indices is not None else (),
            beside=beside(alone, [values.number("arousal") for _, values in phases], ratings),
        )


def _breaths_per_min(phase: Phase, values: Values) -> float | None:
    if phase.pacer is not None:
        return phase.pacer.breaths_per_min
    return values.number("resp_rate_bpm")


def _challenges(
    phases: Sequence[Phase], measures: Mapping[str, Measure]
) -> tuple[tuple[Reactivity, ...], tuple[Recovery, ...], tuple[Curve, ...]]:
    """Each unpaced challenge against the unpaced baseline, and how what it did passed."""
    baseline = baseline_of(phases)
    reactions: list[Reactivity] = []
    recoveries: list[Recovery] = []
    curves: list[Curve] = []
    for challenge in phases:
        if baseline is None or challenge.kind is not PhaseKind.STRESSOR or challenge.paced:
            continue
        after = following(phases, challenge)
        found = {name: reactivity(measures[name], baseline, challenge) for name in REACTING}
        reactions += found.values()
        if after is not None:
            recoveries += [
                recovery(measures[name], reaction, baseline, challenge, after)
                for name, reaction in found.items()
            ]
        curves += [
            curve(measures[name], found[_CURVE_AFTER[name]], baseline, challenge, after) for name in BIN_S
        ]
    return tuple(reactions), tuple(recoveries), tuple(curves)
