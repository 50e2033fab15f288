"""Sessions of the simulated client, whose drifts, rhythms and reactions no two of them share."""

from __future__ import annotations

import dataclasses

import numpy as np

from devices.virtual.client import SimulatedClient
from devices.virtual.traits import Traits
from pipeline.breathing.rate import Sources
from pipeline.heart.artefacts import classify
from pipeline.heart.spectrum import PsdMethod
from pipeline.model import Pacer, Phase, PhaseKind
from pipeline.parameters import Parameters
from pipeline.regulation.session import Regulation
from pipeline.signals import Signals
from pipeline.skin.decomposition import Decomposition
from pipeline.skin.responses import responses
from pipeline.skin.signal import prepare
from pipeline.values import spans

EDA_HZ = 4.0
PHASES = (
    Phase("Settle", PhaseKind.SETTLE, 0.0, 300.0),
    Phase("Baseline", PhaseKind.BASELINE, 300.0, 600.0),
    Phase("Challenge", PhaseKind.STRESSOR, 600.0, 900.0),
    Phase("Recovery", PhaseKind.RECOVERY, 900.0, 1200.0),
    Phase("Paced", PhaseKind.PACED, 1200.0, 1500.0, pacer=Pacer(6.0)),
    Phase("Rest", PhaseKind.RECOVERY, 1500.0, 2100.0),
)
END_S = PHASES[-1].end_s


def lived(seed: int, traits: Traits = Traits(), phases: tuple[Phase, ...] = PHASES) -> SimulatedClient:  # noqa: B008
    """A client who was told of each phase as it began."""
    client = SimulatedClient(seed, traits)
    for phase in phases:
        client.hear(phase.start_s, phase.kind, phase.pacer)
    return client


def signals_of(client: SimulatedClient, end_s: float = END_S) -> Signals:
    """What an analysis would compute from: the strap's beats, and skin conductance at 4 Hz."""
    time_s, interval_ms = np.array(client.beats(0.0, end_s)).T
    beats = classify(time_s, interval_ms)
    eda_us = client.eda_us(0.0, end_s, EDA_HZ)
    eda = prepare(np.arange(len(eda_us)) / EDA_HZ, eda_us, EDA_HZ)
    nothing = np.full(len(eda.time_s), np.nan)  # slow, and no part of regulation
    return Signals(
        parameters=Parameters(),
        duration_s=end_s,
        beats=beats,
        series=beats,
        eda=eda,
        scrs=responses(eda),
        decomposition=Decomposition(nothing, nothing, nothing, None, None, None, 0, 0, 0),
        skin_temperature=None,
        breath=Sources(beats),
        pulse_rate=None,
        psd_method=PsdMethod.WELCH,
    )


def regulation(seed: int, traits: Traits = Traits(), phases: tuple[Phase, ...] = PHASES) -> Regulation:  # noqa: B008
    """All of regulation in one session."""
    signals = signals_of(lived(seed, traits, phases), phases[-1].end_s)
    where = spans(
        np.array([phase.start_s for phase in phases]), np.array([phase.end_s for phase in phases]), phases
    )
    held = list(zip(phases, signals.table(where), strict=True))
    return Regulation.of(held, (), dataclasses.replace(signals, indices=None))
