"""The conditions asked before a session, in words, and what some of them mean for what was measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pipeline.conditions import BETWEEN, BY_NAME
from pipeline.grammar import capitalised, joined, listed
from pipeline.guidance import safety
from pipeline.language import text, text_or

_SCREENING = "screening_"  # the questions before a first session: what was not so is not told
_NOW = "within-two-hours"
_LIFTS = ("caffeine", "nicotine", "exercise")
_MEDICATIONS = ("beta-blocker", "anticholinergic", "antidepressant", "sedative", "stimulant")
_UPRIGHT = ("standing", "lying")
_TEMPERED = ("warm", "cold")


def conditions_told(conditions: Mapping[str, str]) -> str:
    """What was asked and answered, on one line; of the questions before a first session only a yes."""
    told = [
        text("circumstances.answer", name=_name(name), answer=_answer(name, value))
        for name, value in conditions.items()
        if not _is_screening(name) or value == "yes"
    ]
    return listed(told, "grammar.and_then")


def circumstances(conditions: Mapping[str, str]) -> tuple[str, ...]:
    """What the answers mean for the values, a sentence each; nothing for those that change nothing."""
    return tuple(_matters(conditions))


def _matters(conditions: Mapping[str, str]) -> Iterator[str]:
    lately = [_name(name) for name in _LIFTS if conditions.get(name) == _NOW]
    if lately:
        yield capitalised(text("circumstances.lately", what=joined([each.lower() for each in lately])))
    taken = conditions.get("medication", "").split(BETWEEN)
    for each in _MEDICATIONS:
        if each in taken:
            yield text(f"circumstances.medication.{each}")
    if conditions.get("posture") in _UPRIGHT:
        yield text("circumstances.posture", posture=_answer("posture", conditions["posture"]))
    if conditions.get("room") in _TEMPERED:
        yield text("circumstances.room", room=_answer("room", conditions["room"]))
    if conditions.get("eda_site") == "wrist":
        yield text("circumstances.wrist")


def _is_screening(name: str) -> bool:
    return name.startswith(_SCREENING) or any(name == question.id for question in safety.QUESTIONS)


def _name(name: str) -> str:
    plain = name.removeprefix(_SCREENING)
    if _is_screening(name):
        return text_or(f"entries.screening.{plain}", plain.replace("_", " "))
    return text_or(f"entries.conditions.{name}.title", name.replace("_", " "))


def _answer(name: str, value: str) -> str:
    """An answer in the catalogue's words; one that is not of the list as it was given."""
    known = BY_NAME.get(name)
    values = value.split(BETWEEN) if known is not None and known.several else [value]
    table = "entries.screening" if _is_screening(name) else f"entries.conditions.{name}"
    return BETWEEN.join(text_or(f"{table}.{each}", each) for each in values)
