"""What the two screens show of a session that is led: plain data, made anew whenever something changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from flows.conduct.conductor import Conductor, RunningPacer, Stage
from pipeline.guidance.feedback import MEASURES, NO_THRESHOLD, Measure, level, threshold_of
from pipeline.guidance.protocol import Protocol, Setting, Step
from pipeline.guidance.safety import GROUNDING, PACER, PACER_OFF, QUESTIONS, UNWELL_BUTTON, ConcernKind
from pipeline.model import Pacer

HIDDEN = "hidden for now"
NOT_YET = "not enough data yet"
_ENDED = "Thank you for practising. What you noticed is worth more than any number."
_BEFORE = (Stage.WAITING, Stage.OPENING)
_SCREENS = {
    Stage.WAITING: "waiting",
    Stage.OPENING: "opening",
    Stage.RUNNING: "phase",
    Stage.PAUSED: "paused",
}


def led(conductor: Conductor, now_s: float, baseline: Mapping[str, float]) -> dict[str, Any]:
    """What the leading screen shows of the course; `baseline` holds the baseline's values by measure."""
    engine, protocol = conductor.engine, conductor.protocol
    measure = conductor.measure
    return {
        "state": conductor.stage,
        "message": conductor.message,
        "protocol": {
            "name": protocol.name,
            "title": protocol.title,
            "summary": protocol.summary,
            "opening": protocol.opening,
            "setting": protocol.setting,
        },
        "steps": [
            _step(index, step, duration_s)
            for index, (step, duration_s) in enumerate(zip(protocol.steps, engine.durations_s, strict=True))
        ],
        "step": engine.index,
        "step_began_s": engine.step_began_s,
        "step_ends_s": engine.due_s,
        "left_s": engine.left_s(now_s) if engine.paused else None,  # else the page counts down to the end
        "phases": conductor.phases,
        **conductor.noted.listed(now_s),
        "strategy": conductor.strategy,
        "offered": list(engine.step.strategies) if engine.step else [],
        "pacer": _pacer(conductor.pacer),
        "asking": conductor.asking,
        "feedback": {
            "element": conductor.screens.element,
            "measure": measure,
            "measures": list(Measure),
            "threshold": threshold_of(measure, conductor.wishes.thresholds, baseline) if measure else None,
            "on": conductor.screens.feedback_on,
        },
        "hide_heart": conductor.screens.hide_heart,
        "blank": conductor.screens.blank,
        "thresholds": dict(conductor.wishes.thresholds),
        "goal": conductor.wishes.goal,
        "next_step": conductor.wishes.next_step,
        "advice": list(conductor.advice),
        "safety": asdict(conductor.concern) if conductor.concern else None,
        "reminder": PACER,
    }


def _step(index: int, step: Step, duration_s: float | None) -> dict[str, Any]:
    return {
        "index": index,
        "name": step.name,
        "kind": step.kind,
        "duration_s": duration_s,
        "instruction": step.instruction,
        "strategy": step.strategy,
        "pacer": asdict(step.pacer) if step.pacer else None,
        "task": step.task,
    }


def _pacer(running: RunningPacer | None) -> dict[str, Any] | None:
    return {**asdict(running.pacer), "began_s": running.began_s} if running else None


def client_screen(
    conductor: Conductor,
    values: Mapping[str, Any],
    baseline: Mapping[str, float],
    crisis_line: str | None = None,
) -> dict[str, Any]:
    """What the client's screen shows: nothing clinical, and no number of the body."""
    protocol, step, stage = conductor.protocol, conductor.step, conductor.stage
    screen = _screen(conductor)
    task = step.task if step and screen == "phase" else None
    home = protocol.setting is Setting.HOME
    coming = _coming_pacer(protocol) if stage in _BEFORE else None
    pacer = _pacer(conductor.pacer) if screen == "phase" else None
    return {
        "screen": screen,
        "title": step.name if step else protocol.title,
        "instruction": _instruction(conductor),
        "opening": protocol.opening,
        "home": home,
        "crisis_line": crisis_line if home else None,
        "step": conductor.engine.index,
        "step_began_s": conductor.engine.step_began_s,
        "step_ends_s": conductor.engine.due_s,
        "pacer": pacer,
        "coming_pacer": coming,
        "reminder": _reminder(conductor) if pacer or coming else None,
        "unwell": UNWELL_BUTTON,
        "task": task,
        "task_seed": conductor.engine.index or 0,
        "feedback": _feedback(conductor, values, baseline) if screen == "phase" else None,
        "asking": conductor.asking,
        "check_in": _check_in(conductor),
        "safety": asdict(conductor.concern) if conductor.concern else None,
        "screening": _screening(conductor) if home else [],
        "advice": list(conductor.advice),
        "ended": {"text": _ENDED} if screen == "ended" else None,
        "strategy": _strategy(conductor),
    }


def _instruction(conductor: Conductor) -> str:
    """What the step asks for; where its pacer was stopped, that it is off."""
    step = conductor.step
    if step is None:
        return ""
    stopped = step.pacer is not None and conductor.pacer is None and step.task is None
    return PACER_OFF if stopped else step.instruction


def _screen(conductor: Conductor) -> str:
    if conductor.screens.blank:
        return "blank"
    if conductor.concern and conductor.stage in (Stage.RUNNING, Stage.PAUSED):
        return "grounding" if conductor.concern.kind is ConcernKind.DISTRESS else "rest"
    return _SCREENS.get(conductor.stage, "ended")


def _coming_pacer(protocol: Protocol) -> dict[str, Any] | None:
    """The first pacer there will be, so that the opening can say what comes."""
    pacer: Pacer | None = next((step.pacer for step in protocol.steps if step.pacer), None)
    return asdict(pacer) if pacer else None


def _reminder(conductor: Conductor) -> str | None:
    """How to breathe with a pacer, unless what stands beside it says so already."""
    if conductor.stage in _BEFORE:
        said = [conductor.protocol.opening]
    else:
        said = [_instruction(conductor), *(_strategy(conductor) or {"steps": []})["steps"]]
    return None if any(PACER.removesuffix(".") in each for each in said) else PACER


def _check_in(conductor: Conductor) -> str | None:
    if not conductor.protocol.check_in:
        return None
    when = {Stage.OPENING: "before", Stage.WAITING: "before", Stage.CLOSING: "after"}.get(conductor.stage)
    return None if when in conductor.noted.checked_in else when


def _screening(conductor: Conductor) -> list[dict[str, str]]:
    """The questions before a first session, until they are answered."""
    if not conductor.first_session or conductor.stage not in _BEFORE:
        return []
    return [question.asked for question in QUESTIONS]


def _strategy(conductor: Conductor) -> dict[str, Any] | None:
    name = GROUNDING if conductor.concern else conductor.strategy
    found = conductor.strategies.get(name or "")
    return {"title": found.title, "steps": list(found.steps)} if found else None


def _feedback(
    conductor: Conductor, values: Mapping[str, Any], baseline: Mapping[str, float]
) -> dict[str, Any] | None:
    """How full the picture or sound is, or why it waits; None where there is no feedback."""
    measure = conductor.measure
    if measure is None:
        return None
    value, paused = None, None
    held = values.get(measure) or {}
    threshold = threshold_of(measure, conductor.wishes.thresholds, baseline)
    if conductor.screens.hide_heart and MEASURES[measure].of_heart:
        paused = HIDDEN
    elif held.get("value") is None:
        paused = _in_short(held.get("why") or "no signal")
    elif threshold is None:
        paused = NO_THRESHOLD
    else:
        value = round(level(measure, held["value"], threshold), 3)
    return {"element": conductor.screens.element, "value": value, "paused": paused}


def _in_short(why: str) -> str:
    """A reason in words for the person: seconds and shares are for who leads."""
    return NOT_YET if why.startswith(("needs ", "too few ")) else why
