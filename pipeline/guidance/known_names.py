"""What phases, strategies and protocols that the software brings are called: the catalogue has their names.

A name found there is a `Reason`: the same text as the one that is stored, which any language can say. What is
somebody's own keeps the name it was given.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache

from pipeline.guidance.protocol import Protocol, protocol, protocols
from pipeline.language import Reason, catalogue, reason
from pipeline.model import Phase, Recording


def with_known_names(recording: Recording) -> Recording:
    """The recording, equal to the one given, whose phases have names that any language can say."""
    if (plan := _brought(recording.protocol)) is None:
        return recording
    return replace(recording, phases=tuple(_with_name(each, plan) for each in recording.phases))


def phase_name(name: str) -> str:
    """The name of a phase whose protocol is not known any more."""
    return _known("phase_names", name)


def strategy_name(name: str) -> str:
    """The name of a strategy: of its title, or of what a challenge in a protocol asks for."""
    return _known("strategy_names", name)


def protocol_name(name: str) -> str:
    """The title of a protocol; of one that the software does not bring, the name it was recorded by."""
    plan = _brought(name)
    return name if plan is None else _known("protocol_names", plan.title)


def during(phase: str) -> str:
    """When something was seen, within a client's sentence: during the colour task."""
    return _within("during", phase)


def by_end(phase: str) -> str:
    """The same of the end of a phase."""
    return _within("by_end", phase)


def _within(form: str, phase: str) -> str:
    """The form for a phase that the software brings; any other is quoted, as it could be called anything."""
    known = isinstance(phase, Reason) and phase.key.startswith("phase_names.")
    key = f"phase_names.{form}.{_key_of(phase)}"
    if known and key in catalogue().entries:
        return reason(key)
    return reason(f"phase_names.{form}_own", name=phase)


def _with_name(phase: Phase, plan: Protocol) -> Phase:
    """A phase that is a step of the plan, which a file of one's own may have taken the place of."""
    step = next((each for each in plan.steps if (each.name, each.kind) == (phase.name, phase.kind)), None)
    if step is None or (step.strategy and phase.strategy and step.strategy != phase.strategy):
        return phase
    return replace(phase, name=_known("phase_names", phase.name))


@lru_cache(maxsize=32)
def _brought(name: str | None) -> Protocol | None:
    """The protocol of this name that the software brings."""
    return protocol(name) if name in protocols() else None


def _known(table: str, name: str) -> str:
    key = f"{table}.{_key_of(name)}"
    return reason(key) if catalogue().entries.get(key) == name else name


def _key_of(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.casefold()).strip("_")
