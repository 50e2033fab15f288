"""What is known of a client between sessions.

<home>/clients/<client>.json    goal, next step, thresholds, feedback, screening, measures, plans, conditions
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pipeline.conditions import checked_conditions
from pipeline.entries import is_whole, told_day
from pipeline.errors import InputError, UsageError
from pipeline.lines import held
from pipeline.model import client_pseudonym
from pipeline.sealing import write_file

PRIMARY_MEASURES = ("ln_rmssd", "mean_hr_bpm", "ln_scl", "scr_per_min")  # of the unpaced baseline
MOST_PRIMARY = 2
MOST_SESSIONS_A_WEEK = 21
MOST_MINUTES = 120
FEWEST_ALTERNATED, MOST_ALTERNATED = 2, 4
_LONGEST_ID = 60


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a client is shown of themselves: the element on the screen, and the measure that moves it."""

    element: str
    measure: str


@dataclass(frozen=True, slots=True)
class Screening:
    """The answers to the questions before a first session, and the day (ISO 8601) they were given.

    Those given in a `simulated` session are not known to be the person's own.
    """

    answers: Mapping[str, bool]
    date: str
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class Primary:
    """The one or two measures that progress is judged by, and the day (ISO 8601) they were chosen."""

    measures: tuple[str, ...]
    date: str

    def __post_init__(self) -> None:
        """Raise UsageError for measures that cannot be chosen."""
        told_day(self.date)
        if unknown := next((name for name in self.measures if name not in PRIMARY_MEASURES), None):
            raise UsageError(f"measure {str(unknown)[:40]!r}: choose from {', '.join(PRIMARY_MEASURES)}")
        if not 1 <= len(set(self.measures)) == len(self.measures) <= MOST_PRIMARY:
            raise UsageError(f"primary measures: choose one or {MOST_PRIMARY}, each once")


@dataclass(frozen=True, slots=True)
class PracticePlan:
    """What to practise at home: sessions a week, minutes each, the strategy's id if one was agreed on."""

    sessions_per_week: int
    minutes: int
    strategy: str | None
    date: str

    def __post_init__(self) -> None:
        """Raise UsageError for a plan that cannot be."""
        told_day(self.date)
        if not is_whole(self.sessions_per_week, 1, MOST_SESSIONS_A_WEEK):
            raise UsageError(f"sessions a week: a whole number from 1 to {MOST_SESSIONS_A_WEEK}")
        if not is_whole(self.minutes, 1, MOST_MINUTES):
            raise UsageError(f"minutes of practice: a whole number from 1 to {MOST_MINUTES}")
        if self.strategy is not None:
            _id(self.strategy)


@dataclass(frozen=True, slots=True)
class Alternation:
    """Strategies (their ids) practised in an order that chance decided, from `seed`; agreed on at `date`."""

    strategies: tuple[str, ...]
    seed: int
    date: str

    def __post_init__(self) -> None:
        """Raise UsageError for strategies that cannot be alternated."""
        told_day(self.date)
        ids = {_id(strategy) for strategy in self.strategies}
        if not FEWEST_ALTERNATED <= len(ids) == len(self.strategies) <= MOST_ALTERNATED:
            raise UsageError(f"alternation: {FEWEST_ALTERNATED} to {MOST_ALTERNATED} strategies, each once")
        if not is_whole(self.seed, 0, (1 << 31) - 1):
            raise UsageError("alternation: the seed is a whole number from 0")


@dataclass(frozen=True, slots=True)
class Profile:
    """What the next session begins from. Thresholds are by measure, in the measure's unit.

    `conditions` are those of the last session that are offered again in the next.
    """

    goal: str | None = None
    next_step: str | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)
    feedback: Feedback | None = None
    screening: Screening | None = None
    primary: Primary | None = None
    practice_plan: PracticePlan | None = None
    alternation: Alternation | None = None
    conditions: Mapping[str, str] = field(default_factory=dict)

    def answered(self, *, simulated: bool) -> Mapping[str, bool] | None:
        """The answers that count in a session; None where the questions are still to be asked."""
        known = self.screening
        return known.answers if known is not None and (simulated or not known.simulated) else None


def profile_path(home: Path, client: str) -> Path:
    """Where a client's profile lies. Raises UsageError for a name that is no pseudonym."""
    return home / "clients" / f"{client_pseudonym(client)}.json"


def read_profile(home: Path, client: str) -> Profile:
    """A client's profile; an empty one if nothing is known. Raises InputError that says what to do."""
    path = profile_path(home, client)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return Profile()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    try:
        return _profile(json.loads(content))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, UsageError) as error:
        raise InputError(
            f"{path}: is not a client's profile ({error}); put it back from a backup, or delete it and goal, "
            "thresholds and screening start afresh"
        ) from error


def write_profile(home: Path, client: str, profile: Profile) -> None:
    """Write a client's profile, whole or not at all, for the owner's eyes only. Raises InputError."""
    path = profile_path(home, client)
    content = json.dumps(asdict(profile), ensure_ascii=False, allow_nan=False, indent=1).encode()
    make_clients_folder(home)
    try:
        write_file(path, content)
        path.chmod(0o600)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from error


def update_profile(home: Path, client: str, change: Callable[[Profile], Profile]) -> Profile:
    """Change what is known of a client, while no other process does; what is known then.

    Raises InputError, InUseError, and what `change` raises: then nothing was changed.
    """
    path = profile_path(home, client)
    make_clients_folder(home)
    try:
        with held(path):
            before = read_profile(home, client)
            profile = change(before)
            if profile != before:
                write_profile(home, client, profile)
            return profile
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from error


def make_clients_folder(home: Path) -> None:
    """Create the folder of what is known of clients, for the owner's eyes only. Raises InputError."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        (home / "clients").mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise InputError(f"{home / 'clients'}: cannot be written ({error.strerror})") from error


def _profile(facts: Mapping[str, Any]) -> Profile:
    feedback, screening = facts.get("feedback"), facts.get("screening")
    primary, plan = facts.get("primary"), facts.get("practice_plan")
    alternation = facts.get("alternation")
    return Profile(
        goal=_text(facts.get("goal"), "goal"),
        next_step=_text(facts.get("next_step"), "next_step"),
        thresholds={str(name): _number(value, name) for name, value in facts.get("thresholds", {}).items()},
        feedback=Feedback(str(feedback["element"]), str(feedback["measure"])) if feedback else None,
        screening=_screening(screening) if screening else None,
        primary=_primary(primary) if primary else None,
        practice_plan=_plan(plan) if plan else None,
        alternation=_alternation(alternation) if alternation else None,
        conditions=checked_conditions(facts.get("conditions", {})),
    )


def _primary(facts: Mapping[str, Any]) -> Primary:
    return Primary(tuple(facts["measures"]), str(facts["date"]))


def _plan(facts: Mapping[str, Any]) -> PracticePlan:
    return PracticePlan(
        facts["sessions_per_week"], facts["minutes"], _text(facts["strategy"], "strategy"), str(facts["date"])
    )


def _alternation(facts: Mapping[str, Any]) -> Alternation:
    return Alternation(tuple(facts["strategies"]), facts["seed"], str(facts["date"]))


def _screening(facts: Mapping[str, Any]) -> Screening:
    answers = {str(name): bool(answer) for name, answer in facts["answers"].items()}
    return Screening(answers, str(facts["date"]), bool(facts.get("simulated")))


def _text(value: object, name: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{name} is not a text")
    return value or None


def _number(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError(f"the threshold of {name} is not a number")
    return float(value)


def _id(name: object) -> str:
    if not isinstance(name, str) or not name or len(name) > _LONGEST_ID:
        raise UsageError("a strategy is named by its id, such as slow-breathing")
    return name
