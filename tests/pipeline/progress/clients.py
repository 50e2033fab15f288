"""Made-up clients for tests of progress: sessions of which it is known whether anything changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import numpy as np

from pipeline.model import Floats
from pipeline.progress.session_records import SessionValues, Value

SESSIONS = 20
REFERENCE_ENDS = 6  # sessions: the first, and the five of the reference
BEGAN = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
LEVELS = {"ln_rmssd": 3.7, "mean_hr_bpm": 66.0, "ln_scl": 1.5, "scr_per_min": 2.5}
TYPICAL = 0.19  # ln 1.21


class Condition(StrEnum):
    """What makes a client without change hard to tell from one with."""

    PLAIN = "plain"
    AUTOCORRELATED = "autocorrelated"
    HEAVY_TAILS = "heavy tails"
    HABITUATION = "habituation trend"
    DEVICE = "changed device"
    MISJUDGED_DOWN = "error misjudged down"
    MISJUDGED_UP = "error misjudged up"
    ALL = "all together"


@dataclass(frozen=True, slots=True)
class Person:
    """How a person's baselines scatter, without any change in them.

    `sigma` day-to-day, `r` of neighbouring sessions, `tails`: with Student's t of 4 degrees. `habituation` is
    on top of the first session and fades by half with each; `moved` is what another device adds from
    `device_at` on.
    """

    sigma: float = TYPICAL
    r: float = 0.15
    tails: bool = False
    habituation: float = 0.0
    device_at: int | None = None
    moved: float = 0.0


def person(condition: Condition, rng: np.random.Generator) -> Person:
    """Somebody of this condition. Errors are misjudged as far as the literature's range goes."""
    side = float(rng.choice([-1.0, 1.0]))
    device_at, moved = int(rng.integers(3, SESSIONS - 2)), 0.3 * float(rng.choice([-1.0, 1.0]))
    usual = Person()
    match condition:
        case Condition.PLAIN:
            return replace(usual, r=0.0)
        case Condition.AUTOCORRELATED:
            return replace(usual, r=0.3)
        case Condition.HEAVY_TAILS:
            return replace(usual, tails=True)
        case Condition.HABITUATION:
            return replace(usual, habituation=0.25 * side)
        case Condition.DEVICE:
            return replace(usual, device_at=device_at, moved=moved)
        case Condition.MISJUDGED_DOWN:
            return replace(usual, sigma=float(np.log(1.35)))
        case Condition.MISJUDGED_UP:
            return replace(usual, sigma=float(np.log(1.12)))
        case Condition.ALL:
            sigma = float(np.log(rng.choice([1.12, 1.21, 1.35])))
            return Person(sigma, 0.3, True, 0.25 * side, device_at, moved)


def scatter(who: Person, rng: np.random.Generator, count: int = SESSIONS) -> Floats:
    """How far each session lies from the person's level, in logarithms."""
    kicks = rng.standard_t(4, count) / np.sqrt(2) if who.tails else rng.standard_normal(count)
    steps = np.empty(count)
    steps[0] = kicks[0]
    for number in range(1, count):
        steps[number] = who.r * steps[number - 1] + np.sqrt(1 - who.r**2) * kicks[number]
    away = who.sigma * steps + who.habituation * 0.5 ** np.arange(count)
    if who.device_at is not None:
        away[who.device_at :] += who.moved
    return np.asarray(away)


def course(values: Mapping[str, Sequence[float]], who: Person = Person()) -> list[SessionValues]:
    """Sessions three days apart with these baselines, as stored."""
    count = len(next(iter(values.values())))
    return [
        session(
            number,
            {name: float(each[number]) for name, each in values.items()},
            device="Strap B" if who.device_at is not None and number >= who.device_at else "Strap A",
        )
        for number in range(count)
    ]


def session(
    number: int, rest: Mapping[str, float | None], *, device: str = "Strap A", **more: object
) -> SessionValues:
    """A client's session of this number, from 0, three days after the one before."""
    made = SessionValues(
        session_id=f"s{number:03d}",
        started_at=BEGAN + timedelta(days=3 * number),
        client="a-014",
        protocol="resting-baseline",
        duration_s=360.0,
        beat_source="rr",
        device=device,
        rest={
            name: Value(value, reason=None if value is not None else "noise") for name, value in rest.items()
        },
        rest_phase="Baseline",
        rest_minutes=5.0,
    )
    return replace(made, **more)  # type: ignore[arg-type]


def unchanged(condition: Condition, seed: int) -> list[SessionValues]:
    """Twenty sessions of somebody in whom nothing changed."""
    rng = np.random.default_rng(seed)
    who = person(condition, rng)
    return course({"ln_rmssd": LEVELS["ln_rmssd"] + scatter(who, rng)}, who)


def changed(seed: int, ratio: float, r: float = 0.15, sigma: float = TYPICAL) -> list[SessionValues]:
    """Eleven sessions of somebody whose RMSSD is by a ratio higher after the reference."""
    rng = np.random.default_rng(seed)
    away = scatter(Person(sigma, r), rng, REFERENCE_ENDS + 5)
    away[REFERENCE_ENDS:] += np.log(ratio)
    return course({"ln_rmssd": LEVELS["ln_rmssd"] + away})
