"""The conditions asked before a session: all optional, stored with the session, shown where they matter.

A value is one of a few ids, so that a report can say it in any language; `medication` may be several, with
", " between. The catalogue has their words: `entries.conditions.<name>.title` and `...<name>.<value>`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.errors import UsageError
from pipeline.language import text

BETWEEN = ", "


@dataclass(frozen=True, slots=True)
class Condition:
    """One question: its name, what can be answered, whether the answer is `kept` for the next session."""

    name: str
    values: tuple[str, ...]
    kept: bool = False
    several: bool = False


_LATELY = ("none-today", "earlier-today", "within-two-hours")

# Names are those of a session's manifest. Age is in bands: less telling than a year, and good for longer.
CONDITIONS = (
    Condition("posture", ("sitting", "reclining", "lying", "standing")),
    Condition("eyes", ("open", "closed")),
    Condition("eda_site", ("fingers", "palm", "wrist", "foot"), kept=True),
    Condition("hand", ("left", "right"), kept=True),
    Condition("caffeine", _LATELY),
    Condition("nicotine", _LATELY),
    Condition("exercise", _LATELY),
    Condition("sleep", ("under-5-hours", "5-to-7-hours", "over-7-hours")),
    Condition(
        "medication",
        ("none", "beta-blocker", "anticholinergic", "antidepressant", "sedative", "stimulant", "other"),
        kept=True,
        several=True,
    ),
    Condition("room", ("comfortable", "warm", "cold", "noisy")),
    Condition(
        "age",
        ("under-18", "18-to-29", "30-to-39", "40-to-49", "50-to-59", "60-to-69", "70-or-over"),
        kept=True,
    ),
    Condition("sex", ("female", "male", "another"), kept=True),
)
BY_NAME = {condition.name: condition for condition in CONDITIONS}


def checked_conditions(told: Mapping[str, object]) -> dict[str, str]:
    """What was answered, in the order of the questions; empty answers left out. Raises UsageError."""
    if unknown := next((name for name in told if name not in BY_NAME), None):
        raise UsageError(f"no condition {unknown[:40]!r}: there are {', '.join(BY_NAME)}")
    return {name: _checked(BY_NAME[name], told[name]) for name in BY_NAME if told.get(name)}


def kept_conditions(said: Mapping[str, str]) -> dict[str, str]:
    """Those of a session's conditions that are offered again in the next one."""
    return {name: said[name] for name, condition in BY_NAME.items() if condition.kept and name in said}


def asked_conditions() -> list[dict[str, object]]:
    """The questions as a page asks them, in the language in use."""
    return [
        {
            "name": each.name,
            "title": text(f"entries.conditions.{each.name}.title"),
            "several": each.several,
            "values": [
                {"value": value, "title": text(f"entries.conditions.{each.name}.{value}")}
                for value in each.values
            ],
        }
        for each in CONDITIONS
    ]


def _checked(condition: Condition, answer: object) -> str:
    values = answer.split(BETWEEN) if isinstance(answer, str) and condition.several else [answer]
    if wrong := next((value for value in values if value not in condition.values), None):
        raise UsageError(f"{condition.name} {str(wrong)[:40]!r}: choose from {', '.join(condition.values)}")
    if "none" in values and len(values) > 1:
        raise UsageError(f"{condition.name}: none, or some, not both")
    return BETWEEN.join(value for value in condition.values if value in values)
