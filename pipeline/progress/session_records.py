"""What progress needs of a session, as records that are stored as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Self

from pipeline.errors import InputError

VERSION = 1
EARLY, LATE = "minutes 1 to 2", "last 2 minutes"  # of recovery


@dataclass(frozen=True, slots=True)
class Value:
    """A measure over a phase, with its 95 % interval within the session; or why there is none.

    `n` is what it rests on. A phase with less than two usable minutes has no value here: the reason says so.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Reaction:
    """The change of a measure from the unpaced baseline to an unpaced challenge."""

    measure: str
    challenge: str
    change: float | None
    low: float | None = None
    high: float | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ShareLeft:
    """The share of a reaction that was left at some time of the recovery after it; `when` names that time."""

    measure: str
    challenge: str
    when: str
    share: float | None
    low: float | None = None
    high: float | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class HalfTime:
    """How long half of a reaction took to go."""

    measure: str
    challenge: str
    half_time_s: float | None
    low: float | None = None
    high: float | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class NearOwnBaseline:
    """The share of a phase's valid time that was spent near the person's own baseline."""

    phase: str
    share: float | None
    valid_s: float = 0.0
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Practice:
    """One practice of a strategy.

    `settling_bpm` is the change of mean heart rate from its first two minutes to its last two; None where it
    is shorter than five minutes or too little of that was usable. `start_bpm` is the heart rate of the first
    two, `order` the place among the session's phases, from 1. `kind` is the strategy's, where it is one of
    the collection.
    """

    strategy: str
    title: str
    kind: str | None
    paced: bool
    minutes: float
    settling_bpm: float | None = None
    start_bpm: float | None = None
    order: int = 1


@dataclass(frozen=True, slots=True)
class PacedSkill:
    """How a pacer was followed, and how far heart rate swung with the breath; `followed` as in the report."""

    rate_bpm: float
    followed: str
    amplitude_bpm: float | None = None


@dataclass(frozen=True, slots=True)
class Distress:
    """The first and last rating of distress, 0 to 10, and how many there were."""

    first: float | None = None
    last: float | None = None
    n: int = 0


@dataclass(frozen=True, slots=True)
class SessionValues:
    """A session as progress sees it.

    `rest` holds ln_rmssd (ln ms), mean_hr_bpm, ln_scl (ln µS) and scr_per_min of the unpaced baseline, which
    is `rest_phase`. `device` is what the beats came from, `eda_device` the skin conductance.
    """

    session_id: str
    started_at: datetime | None
    client: str | None
    protocol: str | None = None
    simulated: bool = False
    duration_s: float = 0.0
    beat_source: str | None = None
    device: str | None = None
    eda_device: str | None = None
    eda_site: str | None = None
    conditions: Mapping[str, str] = field(default_factory=dict)
    rest: Mapping[str, Value] = field(default_factory=dict)
    rest_phase: str | None = None
    rest_minutes: float = 0.0
    reactions: tuple[Reaction, ...] = ()
    recoveries: tuple[ShareLeft, ...] = ()
    half_times: tuple[HalfTime, ...] = ()
    near_baseline: tuple[NearOwnBaseline, ...] = ()
    practice: tuple[Practice, ...] = ()
    paced_skill: tuple[PacedSkill, ...] = ()
    distress: Distress = Distress()

    @property
    def date(self) -> str | None:
        """The day it began on, as ISO 8601 has it."""
        return self.started_at.date().isoformat() if self.started_at else None

    @property
    def rested(self) -> bool:
        """Whether it has a baseline with any measure in it."""
        return any(value.value is not None for value in self.rest.values())

    def as_json(self) -> dict[str, Any]:
        started_at = self.started_at.isoformat() if self.started_at else None
        return {"version": VERSION, **asdict(self), "started_at": started_at}

    @classmethod
    def from_json(cls, facts: Any) -> Self:
        """The values that `as_json` made. Raises InputError for anything else, another version above all."""
        try:
            if facts["version"] != VERSION:
                raise InputError(f"values of version {facts['version']} cannot be read")
            told = {name: facts[name] for name in cls.__dataclass_fields__}
            started_at = told["started_at"]
            told["started_at"] = datetime.fromisoformat(started_at) if started_at is not None else None
            told["rest"] = {str(name): Value(**value) for name, value in told["rest"].items()}
            told["conditions"] = {str(name): str(value) for name, value in told["conditions"].items()}
            told["distress"] = Distress(**told["distress"])
            for name, kind in _RECORDS.items():
                told[name] = tuple(kind(**each) for each in told[name])
            return cls(**told)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"are not the values of a session ({error!r})") from error


_RECORDS: Mapping[str, type[Any]] = {
    "reactions": Reaction,
    "recoveries": ShareLeft,
    "half_times": HalfTime,
    "near_baseline": NearOwnBaseline,
    "practice": Practice,
    "paced_skill": PacedSkill,
}
