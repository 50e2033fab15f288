"""Clients as raw signals: each session is lived, recorded, analysed, and kept as its values."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import cache

import numpy as np

from devices.virtual.client import SimulatedClient
from devices.virtual.traits import Traits
from pipeline.analysis import analyse
from pipeline.model import DeviceInfo, Phase, PhaseKind, Recording, Stream
from pipeline.progress.session_records import SessionValues
from pipeline.progress.sessions import session_values
from tests.pipeline.progress.clients import BEGAN, Person, scatter

PHASES = (Phase("Settle", PhaseKind.SETTLE, 0.0, 60.0), Phase("Baseline", PhaseKind.BASELINE, 60.0, 330.0))
END_S = 330.0
EDA_HZ = 4.0
STRAP = DeviceInfo("Strap", "heart_rate", model="S")
SKIN = DeviceInfo("Fingers", "edamove", model="F")


def traits_of_day(away: float, rng: np.random.Generator) -> Traits:
    """A person on a day on which everything that makes RMSSD is by `away` larger, in logarithms."""
    usual = Traits()
    return replace(
        usual,
        rsa_ms=usual.rsa_ms * np.exp(away),
        baroreflex_ms=usual.baroreflex_ms * np.exp(away),
        beat_jitter_ms=usual.beat_jitter_ms * np.exp(away),
        heart_rate_bpm=usual.heart_rate_bpm * np.exp(0.05 * rng.standard_normal() - 0.1 * away),
        scl_us=usual.scl_us * np.exp(0.25 * rng.standard_normal()),
        scr_per_min=usual.scr_per_min * np.exp(0.25 * rng.standard_normal()),
    )


def recording(seed: int, traits: Traits, number: int) -> Recording:
    """A minute to settle and four and a half of baseline, with a strap and skin conductance."""
    body = SimulatedClient(seed, traits)
    time_s, interval_ms = np.array(body.beats(0.0, END_S)).T
    eda_us = body.eda_us(0.0, END_S, EDA_HZ)
    return Recording(
        recording_id=f"raw-{seed}",
        source="session",
        sha256="",
        duration_s=END_S,
        streams={
            "rr": Stream("rr", time_s, {"rr_ms": interval_ms}),
            "eda": Stream("eda", np.arange(len(eda_us)) / EDA_HZ, {"eda_us": eda_us}, rate_hz=EDA_HZ),
        },
        started_at=BEGAN + timedelta(days=2 * number),
        client="raw",
        protocol="resting-baseline",
        phases=PHASES,
        devices=(STRAP, SKIN),
        conditions={"eda_site": "fingers", "posture": "sitting"},
    )


@cache
def lived(seed: int) -> tuple[SessionValues, ...]:
    """A client's twenty sessions, from raw signals; nothing changes but from day to day."""
    rng = np.random.default_rng(50_000 + seed)
    away = scatter(Person(sigma=0.17), rng)  # what five minutes of a heart add makes it the literature's
    return tuple(
        session_values(analyse(recording(1000 * seed + number, traits_of_day(by, rng), number)))
        for number, by in enumerate(away.tolist())
    )
