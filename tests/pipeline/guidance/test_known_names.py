"""Names of what the software brings are the catalogue's; what is one's own keeps its name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.guidance.known_names import (
    by_end,
    during,
    phase_name,
    protocol_name,
    strategy_name,
    with_known_names,
)
from pipeline.guidance.protocol import Step, protocol, protocols
from pipeline.guidance.strategies import strategies
from pipeline.language import Reason, catalogue, told, use
from pipeline.model import Phase, PhaseKind
from tests.pipeline.report.recordings import recording
from tests.pseudo_locale import pseudo_locale

BROUGHT = {name: protocol(name) for name in protocols()}
STEPS = [
    pytest.param(name, step, id=f"{name}, {step.name}")
    for name, plan in BROUGHT.items()
    for step in plan.steps
]


def _phase(step: Step) -> Phase:
    return Phase(step.name, step.kind, 0.0, 60.0, step.strategy)


def _named(phase: Phase, plan: str | None = "guided-session") -> Phase:
    (named,) = with_known_names(recording(protocol=plan, phases=(phase,))).phases
    return named


@pytest.mark.parametrize(("plan", "step"), STEPS)
def test_each_phase_that_the_software_brings_is_in_the_catalogue(plan: str, step: Step) -> None:
    phase = _phase(step)
    named = _named(phase, plan)
    assert named == phase
    assert isinstance(named.name, Reason)
    with use(pseudo_locale()):
        assert told(named.name).startswith("⟦")


@pytest.mark.parametrize(
    ("plan", "step"),
    [each for each in STEPS if each.values[1].kind in (PhaseKind.BASELINE, PhaseKind.STRESSOR)],
)
def test_each_challenge_and_baseline_has_words_within_a_sentence(plan: str, step: Step) -> None:
    assert "“" not in during(_named(_phase(step), plan).name)


@pytest.mark.parametrize(
    ("plan", "step"),
    [each for each in STEPS if each.values[1].kind is PhaseKind.RECOVERY],
)
def test_each_recovery_has_words_for_its_end(plan: str, step: Step) -> None:
    assert "“" not in by_end(_named(_phase(step), plan).name)


@pytest.mark.parametrize("title", [each.title for each in BROUGHT.values()])
def test_each_title_of_a_protocol_is_in_the_catalogue(title: str) -> None:
    name = next(name for name, plan in BROUGHT.items() if plan.title == title)
    assert (protocol_name(name), type(protocol_name(name))) == (title, Reason)


@pytest.mark.parametrize(
    "name",
    [
        *(each.title for each in strategies().values()),
        *sorted({step.strategy for plan in BROUGHT.values() for step in plan.steps if step.strategy}),
    ],
)
def test_each_strategy_is_in_the_catalogue(name: str) -> None:
    assert (strategy_name(name), type(strategy_name(name))) == (name, Reason)


CHALLENGE = Phase("Challenge", PhaseKind.STRESSOR, 0.0, 60.0, "serial subtraction")


@pytest.mark.parametrize(
    ("phase", "plan"),
    [
        pytest.param(replace(CHALLENGE, name="Exam"), "guided-session", id="no step of it"),
        pytest.param(replace(CHALLENGE, kind=PhaseKind.OTHER), "guided-session", id="another kind"),
        pytest.param(replace(CHALLENGE, strategy="a speech"), "guided-session", id="another task"),
        pytest.param(CHALLENGE, "our-own", id="a protocol of one's own"),
        pytest.param(CHALLENGE, None, id="no protocol"),
    ],
)
def test_what_is_ones_own_keeps_its_name(phase: Phase, plan: str | None) -> None:
    named = _named(phase, plan)
    assert named == phase
    assert not isinstance(named.name, Reason)
    assert during(named.name) == f"during “{phase.name}”"
    assert by_end(named.name) == f"by the end of “{phase.name}”"


@pytest.mark.parametrize(
    ("said", "name"),
    [
        (phase_name, "Our challenge"),
        (phase_name, "during"),
        (phase_name, "stretch"),
        (strategy_name, "knitting"),
        (protocol_name, "our-own"),
        (protocol_name, "../guided-session"),
    ],
)
def test_what_the_catalogue_does_not_know(said: object, name: str) -> None:
    assert callable(said)
    assert (said(name), type(said(name))) == (name, str)


def test_the_words_within_a_sentence_are_of_any_language() -> None:
    words = during(_named(CHALLENGE).name)
    assert words == "during the mental arithmetic"
    with use(catalogue(phrases={"phase_names.during.challenge": "while you counted down"})):
        assert told(words) == "while you counted down"
