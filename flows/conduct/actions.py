"""What a page may ask for in a running session: each action by its name, who may, and with which facts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from flows.conduct.conductor import Conductor
from pipeline.errors import UsageError
from pipeline.events import OF_THE_SESSION
from pipeline.guidance.feedback import Element, Measure
from pipeline.guidance.protocol import SCALES, Task
from pipeline.guidance.safety import screened

Facts = Mapping[str, Any]
Action = Callable[[Conductor, Facts], None]
Choice = TypeVar("Choice")

_MOST = 1e6  # of anything that is counted or measured here


def act(conductor: Conductor, facts: Facts, *, as_client: bool) -> None:
    """Do what a page asks for. Raises UsageError with one line for the person; then nothing has happened."""
    name = str(facts.get("do"))
    if name not in OPERATOR:
        raise UsageError(f"there is no action {name!r}")
    if as_client and name not in CLIENT:
        raise UsageError("this can only be done from the screen that leads the session")
    (CLIENT if as_client else OPERATOR)[name](conductor, facts)


def _text(facts: Facts, name: str, default: str | None = None) -> str:
    value = facts.get(name, default)
    if not isinstance(value, str):
        raise UsageError(f"{name} is missing")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise UsageError(f"{name} ends in half a sign: write it again") from None
    return value


def _optional_text(facts: Facts, name: str) -> str | None:
    return _text(facts, name, "").strip() or None if facts.get(name) is not None else None


def _number(facts: Facts, name: str, default: float | None = None) -> float:
    value = facts.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not -_MOST <= value <= _MOST:
        raise UsageError(f"{name} is not a number")
    return float(value)


def _whole(facts: Facts, name: str) -> int:
    value = _number(facts, name)
    if value != int(value):
        raise UsageError(f"{name} is not a whole number")
    return int(value)


def _flag(facts: Facts, name: str = "on") -> bool:
    value = facts.get(name)
    if not isinstance(value, bool):
        raise UsageError(f"{name} is yes or no")
    return value


def _choice(kind: Callable[[str], Choice], facts: Facts, name: str) -> Choice:
    try:
        return kind(_text(facts, name))
    except ValueError:
        raise UsageError(f"there is no {name} {facts[name]!r}") from None


def _kind(facts: Facts) -> str:
    """What a person calls a marker: no word by which the session tells of itself."""
    kind = _text(facts, "kind")
    if kind.strip() in OF_THE_SESSION:
        raise UsageError(f"{kind.strip()!r} is what the session calls its own: choose another word")
    return kind


def _mark(conductor: Conductor, facts: Facts) -> None:
    conductor.noted.mark(_kind(facts), _text(facts, "text", ""), _number(facts, "ago_s", 0.0))
    conductor.changed()


def _relabel(conductor: Conductor, facts: Facts) -> None:
    conductor.noted.relabel(_whole(facts, "id"), _kind(facts), _text(facts, "text", ""))
    conductor.changed()


def _remove(conductor: Conductor, facts: Facts) -> None:
    conductor.noted.remove(_whole(facts, "id"))
    conductor.changed()


def _span_start(conductor: Conductor, facts: Facts) -> None:
    conductor.noted.span_start(_text(facts, "kind"))
    conductor.changed()


def _span_end(conductor: Conductor, facts: Facts) -> None:
    conductor.noted.span_end(_text(facts, "kind"))
    conductor.changed()


def _note(conductor: Conductor, facts: Facts) -> None:
    conductor.noted.note(_text(facts, "text"))
    conductor.changed()


def _pacer(conductor: Conductor, facts: Facts) -> None:
    if facts.get("off"):
        conductor.stop_pacer()
    else:
        conductor.set_pacer(_number(facts, "breaths_per_min"), _number(facts, "inhale_share", 0.4))


def _threshold(conductor: Conductor, facts: Facts) -> None:
    measure = _choice(Measure, facts, "measure")
    if facts.get("value") is None:
        conductor.wishes.thresholds.pop(measure, None)
    else:
        conductor.wishes.thresholds[measure] = _number(facts, "value")
    conductor.changed()


def _feedback(conductor: Conductor, facts: Facts) -> None:
    """Choose the picture, the measure it shows, or whether there is one."""
    screens = conductor.screens
    element = _choice(Element, facts, "element") if facts.get("element") is not None else screens.element
    measure = _choice(Measure, facts, "measure") if facts.get("measure") is not None else screens.measure
    on = _flag(facts) if "on" in facts else screens.feedback_on
    screens.element, screens.measure, screens.feedback_on = element, measure, on
    conductor.changed()


def _picture(conductor: Conductor, facts: Facts) -> None:
    """The client chooses a picture, and nothing else of it."""
    conductor.screens.element = _choice(Element, facts, "element")
    conductor.changed()


def _hide_heart(conductor: Conductor, facts: Facts) -> None:
    conductor.screens.hide_heart = _flag(facts)
    conductor.changed()


def _blank(conductor: Conductor, facts: Facts) -> None:
    conductor.screens.blank = _flag(facts)
    conductor.changed()


def _goal(conductor: Conductor, facts: Facts) -> None:
    conductor.wishes.goal = _optional_text(facts, "text")
    conductor.changed()


def _next_step(conductor: Conductor, facts: Facts) -> None:
    conductor.wishes.next_step = _optional_text(facts, "text")
    conductor.changed()


def _check_in(conductor: Conductor, facts: Facts) -> None:
    answers = {name: _optional_text(facts, name) or "" for name in ("feeling", "thought", "body", "did")}
    conductor.check_in(_text(facts, "when"), answers)


def _screening(conductor: Conductor, facts: Facts) -> None:
    answers = facts.get("answers")
    if not isinstance(answers, dict) or not all(isinstance(said, bool) for said in answers.values()):
        raise UsageError("answers are yes or no, by the question")
    found = screened(answers)
    if not conductor.first_session:
        raise UsageError("these questions come before a first session, and once")
    conductor.screened(found)


def _task(conductor: Conductor, facts: Facts) -> None:
    """How a task on the screen went, as counts: it is stored, not judged."""
    task, shown, right = _choice(Task, facts, "name"), _whole(facts, "shown"), _whole(facts, "right")
    if not 0 <= right <= shown:
        raise UsageError("more right answers than questions")
    conductor.noted.mark("task", f"{task}: {shown} shown, {right} right")
    conductor.changed()


def _ask(conductor: Conductor, facts: Facts) -> None:
    """Ask for a rating on the client's screen, or no longer."""
    scale = _optional_text(facts, "scale")
    if scale is not None and scale not in SCALES:
        raise UsageError(f"there is no scale {scale!r}")
    conductor.ask(scale)


# What both screens may do.
_BOTH: Mapping[str, Action] = {
    "begin": lambda conductor, _: conductor.begin(),
    "pause": lambda conductor, _: conductor.pause(),
    "resume": lambda conductor, _: conductor.resume(),
    "skip": lambda conductor, _: conductor.next_step(),
    "stop": lambda conductor, _: conductor.stop(),
    "rate": lambda conductor, facts: conductor.rate(_text(facts, "scale"), _number(facts, "value")),
    "unwell": lambda conductor, _: conductor.unwell(),
    "carry_on": lambda conductor, _: conductor.carry_on(),
    "check_in": _check_in,
    "screening": _screening,
    "task": _task,
}

CLIENT: Mapping[str, Action] = {**_BOTH, "feedback": _picture}

OPERATOR: Mapping[str, Action] = {
    **_BOTH,
    "next": lambda conductor, _: conductor.next_step(),
    "extend": lambda conductor, facts: conductor.extend(_number(facts, "seconds")),
    "restart_baseline": lambda conductor, _: conductor.restart_baseline(),
    "mark": _mark,
    "relabel": _relabel,
    "remove": _remove,
    "span_start": _span_start,
    "span_end": _span_end,
    "ask": _ask,
    "note": _note,
    "strategy": lambda conductor, facts: conductor.choose_strategy(_optional_text(facts, "id")),
    "pacer": _pacer,
    "threshold": _threshold,
    "feedback": _feedback,
    "hide_heart": _hide_heart,
    "blank": _blank,
    "goal": _goal,
    "next_step": _next_step,
}
