"""Small analyses, of which tests replace the parts that they are about."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

import numpy as np

from devices.virtual.client import SimulatedClient
from pipeline.analysis import Analysis, analyse
from pipeline.model import Pacer, Phase, PhaseKind, Rating, Recording, Stream
from tests.pipeline.report.recordings import recording

PHASES = (
    Phase("Settle", PhaseKind.SETTLE, 0.0, 60.0),
    Phase("Baseline", PhaseKind.BASELINE, 60.0, 360.0),
    Phase("Challenge", PhaseKind.STRESSOR, 360.0, 540.0, strategy="serial subtraction"),
    Phase("Recovery", PhaseKind.RECOVERY, 540.0, 900.0),
    Phase("Practice", PhaseKind.OTHER, 900.0, 1080.0, strategy="five-senses"),
    Phase("Paced breathing", PhaseKind.PACED, 1080.0, 1260.0, pacer=Pacer(6.0)),
)
EDA_HZ = 4.0


@cache
def guided() -> Analysis:
    """A baseline, a challenge, recovery and paced breathing, with heart, skin and two ratings."""
    return analyse(recording())


@cache
def simulated(seed: int = 4) -> Analysis:
    """A session that the simulated client lived, with a practice and ratings in it."""
    body = SimulatedClient(seed)
    for phase in PHASES:
        body.hear(phase.start_s, phase.kind, phase.pacer)
    end_s = PHASES[-1].end_s
    time_s, interval_ms = np.array(body.beats(0.0, end_s)).T
    eda_us = body.eda_us(0.0, end_s, EDA_HZ)
    return analyse(
        Recording(
            recording_id="simulated",
            source="session",
            sha256="",
            duration_s=end_s,
            streams={
                "rr": Stream("rr", time_s, {"rr_ms": interval_ms}),
                "eda": Stream("eda", np.arange(len(eda_us)) / EDA_HZ, {"eda_us": eda_us}, rate_hz=EDA_HZ),
            },
            started_at=datetime(2026, 3, 1, 9, 5, tzinfo=UTC),
            client="a-014",
            protocol="guided-session",
            phases=PHASES,
            ratings=(
                Rating(350.0, "distress", 2.0),
                Rating(530.0, "distress", 4.0),
                Rating(890.0, "distress", 2.0),
            ),
            simulated=True,
        )
    )
