"""What is known of a client between sessions, and what a clinic says of itself.

<home>/clients/<client>.json    goal, next step, thresholds, feedback, screening
<home>/clinic.toml              name, crisis_line: written by hand
"""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pipeline.errors import InputError
from pipeline.model import client_pseudonym
from pipeline.sealing import write_file


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
class Profile:
    """What the next session begins from. Thresholds are by measure, in the measure's unit."""

    goal: str | None = None
    next_step: str | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)
    feedback: Feedback | None = None
    screening: Screening | None = None

    def answered(self, *, simulated: bool) -> Mapping[str, bool] | None:
        """The answers that count in a session; None where the questions are still to be asked."""
        known = self.screening
        return known.answers if known is not None and (simulated or not known.simulated) else None


@dataclass(frozen=True, slots=True)
class Clinic:
    """Whose computer this is, and the line to call in a crisis there."""

    name: str | None = None
    crisis_line: str | None = None


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
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(
            f"{path}: is not a client's profile ({error}); put it back from a backup, or delete it and goal, "
            "thresholds and screening start afresh"
        ) from error


def write_profile(home: Path, client: str, profile: Profile) -> None:
    """Write a client's profile, whole or not at all, for the owner's eyes only. Raises InputError."""
    path = profile_path(home, client)
    content = json.dumps(asdict(profile), ensure_ascii=False, allow_nan=False, indent=1).encode()
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        write_file(path, content)
        path.chmod(0o600)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from error


def read_clinic(home: Path) -> Clinic:
    """What <home>/clinic.toml says; nothing if it is not there. Raises InputError that says what to do."""
    path = home / "clinic.toml"
    try:
        facts = tomllib.loads(path.read_text(encoding="utf-8"))
        return Clinic(_text(facts.get("name"), "name"), _text(facts.get("crisis_line"), "crisis_line"))
    except FileNotFoundError:
        return Clinic()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, TypeError) as error:
        raise InputError(
            f'{path}: cannot be read ({error}); it has two lines: name = "..." and crisis_line = "..."'
        ) from error


def _profile(facts: Mapping[str, Any]) -> Profile:
    feedback, screening = facts.get("feedback"), facts.get("screening")
    return Profile(
        goal=_text(facts.get("goal"), "goal"),
        next_step=_text(facts.get("next_step"), "next_step"),
        thresholds={str(name): _number(value, name) for name, value in facts.get("thresholds", {}).items()},
        feedback=Feedback(str(feedback["element"]), str(feedback["measure"])) if feedback else None,
        screening=_screening(screening) if screening else None,
    )


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
