"""What people enter of a client between sessions: outcome lines, a week's log, adverse experiences.

What is entered is kept and shown as it was entered. Nothing here interprets it: there are no cut-offs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar

from pipeline.errors import UsageError
from pipeline.manifest import known

LONGEST_NAME, LONGEST_GOAL, LONGEST_TEXT = 60, 120, 2000
_SURROGATE = re.compile(r"[\ud800-\udfff]")  # half a character: no file can hold it
_EARLIEST = date(2000, 1, 1)
_DAYS_AHEAD = 1  # another time zone's today


class Scale(StrEnum):
    """What an outcome line can be of."""

    PSS = "PSS"  # ten questions: Cohen & Williamson (1988)
    GAD_7 = "GAD-7"  # Spitzer et al. (2006)
    PHQ_9 = "PHQ-9"  # Kroenke, Spitzer & Williams (2001)
    GOAL = "goal"  # the person's own, 0 to 10


MOST = {Scale.PSS: 40, Scale.GAD_7: 21, Scale.PHQ_9: 27, Scale.GOAL: 10}
MOST_ITEM_9 = 3
WEEK_PARTS = ("activity", "people", "novelty", "nature", "sleep")
DAYS_A_WEEK = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of a diary: the day it is about (ISO 8601), who entered it; once stored, when, and its id."""

    kind: ClassVar[str]
    day: str
    by: str
    at: str = ""
    id: str = ""

    def checked(self) -> None:
        """Raise UsageError, in one line, for what cannot be."""
        told_day(self.day)
        told_name(self.by)
        if not (isinstance(self.at, str) and isinstance(self.id, str)):
            raise UsageError("when it was entered, and its id, are texts")

    def as_json(self) -> dict[str, Any]:
        """The line as it is stored; what was not said is left out."""
        facts = {"id": self.id, "at": self.at, "by": self.by, "kind": self.kind, **asdict(self)}
        return {name: value for name, value in facts.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome(Entry):
    """The sum of a questionnaire, or how an own goal is rated, 0 to 10.

    `item_9` (0 to 3) belongs to the PHQ-9, and has to be said with it; `goal` says which goal is rated.
    """

    kind: ClassVar[str] = "outcome"
    scale: Scale
    value: float
    item_9: int | None = None
    goal: str | None = None

    @property
    def asks_to_speak(self) -> bool:
        """Whether the clinician is asked to speak with the person: item 9 was above 0."""
        return self.item_9 is not None and self.item_9 > 0

    def checked(self) -> None:
        Entry.checked(self)
        if self.scale not in MOST:
            raise UsageError(f"scale: choose from {', '.join(Scale)}")
        _whole(self.value, str(self.scale), MOST[self.scale])
        if self.scale is Scale.PHQ_9:
            self._check_item_9()
        elif self.item_9 is not None:
            raise UsageError("item 9 belongs to the PHQ-9")
        if self.scale is Scale.GOAL:
            told_text(self.goal, "goal", LONGEST_GOAL)
        elif self.goal is not None:
            raise UsageError("a goal is named where an own goal is rated")

    def _check_item_9(self) -> None:
        if self.item_9 is None:
            raise UsageError("PHQ-9: say its item 9 too, 0 to 3")
        _whole(self.item_9, "item 9 of the PHQ-9", MOST_ITEM_9)
        if not self.item_9 <= self.value <= self.item_9 + 3 * 8:
            raise UsageError(f"PHQ-9: a sum of {self.value:g} does not go with {self.item_9} at item 9")


@dataclass(frozen=True, slots=True, kw_only=True)
class Week(Entry):
    """On how many days of a week, 0 to 7; None: not said. `day` is the week's Monday.

    Active; with people who do them good; at something new; outdoors in nature; slept well enough.
    """

    kind: ClassVar[str] = "week"
    activity: int | None = None
    people: int | None = None
    novelty: int | None = None
    nature: int | None = None
    sleep: int | None = None

    @property
    def days(self) -> dict[str, int]:
        """The days by part; only what was said."""
        said = {part: getattr(self, part) for part in WEEK_PARTS}
        return {part: days for part, days in said.items() if days is not None}

    def checked(self) -> None:
        Entry.checked(self)
        if not self.days:
            raise UsageError(f"week: say at least one of {', '.join(WEEK_PARTS)}, as days from 0 to 7")
        for part, days in self.days.items():
            _whole(days, f"{part}, days of the week", DAYS_A_WEEK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adverse(Entry):
    """Something unwanted that a person tells of, in words; `session` is the id of the one it was in."""

    kind: ClassVar[str] = "adverse"
    text: str
    session: str | None = None

    def checked(self) -> None:
        Entry.checked(self)
        told_text(self.text, "what happened", LONGEST_TEXT)
        if self.session is not None:
            told_text(self.session, "session", LONGEST_NAME)


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenBack(Entry):
    """Another line that does not count: the one with the id `of`."""

    kind: ClassVar[str] = "taken-back"
    of: str

    def checked(self) -> None:
        Entry.checked(self)
        told_text(self.of, "the entry to take back", LONGEST_NAME)


KINDS: Mapping[str, type[Entry]] = {each.kind: each for each in (Outcome, Week, Adverse, TakenBack)}


def entry_from(facts: Mapping[str, Any]) -> Entry | None:
    """The entry of a JSON object; None if its kind is not known of. Raises UsageError for what cannot be."""
    kind = KINDS.get(str(facts.get("kind")))
    if kind is None:
        return None
    told = {name: value.strip() if isinstance(value, str) else value for name, value in facts.items()}
    told = {name: value for name, value in told.items() if value not in (None, "")}
    needed = {field.name for field in fields(kind) if field.default is MISSING}
    if missing := sorted(needed - set(told)):
        raise UsageError(f"{kind.kind}: say {' and '.join(missing)}")
    if kind is Outcome:
        told["scale"] = _scale(told["scale"])
    if kind is Week:
        told["day"] = monday_of(told["day"])
    entry: Entry = known(kind, told)  # type: ignore[type-var]  # any dataclass
    entry.checked()
    return entry


def told_day(value: object, today: date | None = None) -> str:
    """A day as ISO 8601 has it. Raises UsageError for none, or one that has not come yet by `today`."""
    try:
        day = date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        day = None
    if day is None or day < _EARLIEST:
        raise UsageError(f"day {str(value)[:40]!r}: write it as year-month-day, such as 2026-03-31")
    if today is not None and day > today + timedelta(days=_DAYS_AHEAD):
        raise UsageError(f"day {day.isoformat()}: has not come yet")
    return day.isoformat()


def monday_of(value: object) -> str:
    """The Monday of a day's week, both as ISO 8601."""
    day = date.fromisoformat(told_day(value))
    return (day - timedelta(days=day.weekday())).isoformat()


def told_name(value: object) -> str:
    """Who says something: a name or initials. Raises UsageError for none."""
    return told_text(value, "name", LONGEST_NAME)


def told_text(value: object, what: str, longest: int) -> str:
    """A text that says something. Raises UsageError for none, or one too long."""
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"{what}: is empty")
    if not value.isascii() and _SURROGATE.search(value):
        raise UsageError(f"{what}: holds a character that is none")
    if len(value) > longest:
        raise UsageError(f"{what}: is longer than {longest} characters")
    return value.strip()


def moment(at: datetime) -> str:
    """A moment with its time zone, to the second, as it is stored."""
    return at.astimezone().isoformat(timespec="seconds")


def _scale(value: object) -> Scale:
    found = {scale.lower(): scale for scale in Scale}.get(str(value).lower())
    if found is None:
        raise UsageError(f"scale {str(value)[:40]!r}: choose from {', '.join(Scale)}")
    return found


def is_whole(value: object, least: int, most: int) -> bool:
    """Whether a value is a whole number in a range; true and false are none."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and least <= value <= most and value == int(value)  # type: ignore[operator, call-overload]


def _whole(value: object, what: str, most: int) -> None:
    if not is_whole(value, 0, most):
        raise UsageError(f"{what}: a whole number from 0 to {most}, not {value!r:.40}")
