"""A sentence with a finding as a record: what it says, what it rests on, and the rule that let it be written.

A claim is written only where its rule holds. Where it does not, a record of the same id says so and why, so
that a report can tell what is not known as plainly as what is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeVar

from pipeline.language import text, told

Facts = TypeVar("Facts")

ALWAYS = "always"  # the rule of what holds of every session


class Audience(StrEnum):
    """Who a sentence is written for."""

    CLINICIAN = "clinician"
    CLIENT = "client"


@dataclass(frozen=True, slots=True)
class Rule(Generic[Facts]):
    """What has to hold for a sentence. `fails` says why it does not, None where it holds.

    Its requirement in words is the catalogue's `claims.rules.<name>`.
    """

    name: str
    fails: Callable[[Facts], str | None]

    def holds(self, facts: Facts) -> bool:
        return self.fails(facts) is None

    @property
    def requirement(self) -> str:
        """What is asked for, in the language in use."""
        return requirement(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A sentence that may be written. `text_key` and `values` say it in any language.

    `estimate`, `low` and `high` (95 % interval) in `unit` are the numbers behind it, None where it has none.
    `n` is what they rest on, counted in `n_unit`, a key of the catalogue's `claims.counted`. `quality`
    is the share of the signal's time that was usable, 0 to 1. `rule` is the name of what held, `source` whom
    the way of saying it is from.
    """

    id: str
    text_key: str
    rule: str
    values: Mapping[str, object] = field(default_factory=dict)
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    unit: str = ""
    n: int | None = None
    n_unit: str = ""
    quality: float | None = None
    source: str = ""
    audience: Audience = Audience.CLINICIAN

    @property
    def text(self) -> str:
        """The sentence, in the language in use."""
        return _sentence(self.text_key, self.values)

    def as_json(self) -> dict[str, Any]:
        """What was said, and all that it rests on."""
        return {
            "id": self.id,
            "text": self.text,
            "text_key": self.text_key,
            "values": {name: told(value) for name, value in self.values.items()},
            "estimate": self.estimate,
            "low": self.low,
            "high": self.high,
            "unit": self.unit,
            "n": self.n,
            "n_unit": text(f"claims.counted.{self.n_unit}") if self.n_unit else "",
            "quality": self.quality,
            "rule": self.rule,
            "requirement": requirement(self.rule),
            "source": told(self.source),
            "audience": self.audience,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """A sentence that is not written because its rule does not hold, and the reason in words.

    `text` is what a report says in its place: what is not known, and why.
    """

    id: str
    rule: str
    reason: str
    text_key: str
    values: Mapping[str, object] = field(default_factory=dict)
    audience: Audience = Audience.CLINICIAN

    @property
    def text(self) -> str:
        """What is said in its place, in the language in use."""
        return _sentence(self.text_key, {**self.values, "reason": self.reason})

    def as_json(self) -> dict[str, Any]:
        """What was not said, and why."""
        return {
            "id": self.id,
            "text": self.text,
            "rule": self.rule,
            "requirement": requirement(self.rule),
            "reason": told(self.reason),
            "audience": self.audience,
        }


Told = Claim | Withheld


@dataclass(frozen=True, slots=True)
class Claims:
    """All that could be said, in the order it is read: written, or withheld with the reason.

    An id begins with its topic: `reaction.1.mean_hr_bpm` is of the topic `reaction`, and of `reaction.1`.
    """

    told: tuple[Told, ...]

    @property
    def written(self) -> tuple[Claim, ...]:
        return tuple(each for each in self.told if isinstance(each, Claim))

    @property
    def withheld(self) -> tuple[Withheld, ...]:
        return tuple(each for each in self.told if isinstance(each, Withheld))

    def about(self, *topics: str) -> tuple[Told, ...]:
        """What is of these topics, topic by topic, each in the order it is read."""
        return tuple(each for topic in topics for each in self.told if f"{each.id}.".startswith(f"{topic}."))

    def find(self, name: str) -> Told | None:
        """What has this id; None where there was no occasion for it."""
        return next((each for each in self.told if each.id == name), None)

    def of(self, audience: Audience) -> Claims:
        """Those for one audience."""
        return Claims(tuple(each for each in self.told if each.audience == audience))

    def as_json(self) -> dict[str, Any]:
        """As report.json and progress.json hold them."""
        return {
            "written": [each.as_json() for each in self.written],
            "withheld": [each.as_json() for each in self.withheld],
        }


def requirement(rule: str) -> str:
    """What a rule asks for, in the language in use."""
    return text(f"claims.rules.{rule}")


def _sentence(key: str, values: Mapping[str, object]) -> str:
    said = text(key, **values)
    return said[:1].upper() + said[1:]
