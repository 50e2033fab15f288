"""Protocols: guided sessions as data, read from data/protocols or a file of one's own."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import InputError, UsageError
from pipeline.knowledge import data_path
from pipeline.model import Pacer, PhaseKind


@dataclass(frozen=True, slots=True)
class Step:
    """One phase of a protocol, before it has happened. Without `duration_s` it lasts until it is stopped.

    In an imported recording it may last until the tag with the number `until_tag`, counted from 1.
    """

    name: str
    kind: PhaseKind
    duration_s: float | None
    instruction: str
    strategy: str | None = None
    pacer: Pacer | None = None
    until_tag: int | None = None


@dataclass(frozen=True, slots=True)
class Protocol:
    """A guided session: its name, what it is for, what is said first, and its steps."""

    name: str
    title: str
    summary: str
    opening: str
    steps: tuple[Step, ...]

    @property
    def duration_s(self) -> float | None:
        """Total length; None if a step is open-ended."""
        durations = [step.duration_s for step in self.steps]
        return None if None in durations else sum(d for d in durations if d is not None)


def protocols() -> dict[str, Path]:
    """The protocols that can be named, and where they lie."""
    return {path.stem: path for path in sorted((data_path() / "protocols").glob("*.toml"))}


def protocol(name: str) -> Protocol:
    """A protocol by name, or from a TOML file of one's own."""
    path = protocols().get(name) or Path(name)
    if not path.is_file():
        raise UsageError(f"no protocol {name!r}: there are {', '.join(protocols())}, or give a .toml file")
    try:
        return _protocol(path.stem, tomllib.loads(path.read_text(encoding="utf-8")))
    except (KeyError, ValueError, TypeError) as error:
        raise InputError(f"{path}: is not a protocol ({error!r}); data/protocols has examples") from error


def _protocol(name: str, facts: dict[str, Any]) -> Protocol:
    return Protocol(
        name=name,
        title=facts["title"],
        summary=facts["summary"],
        opening=facts["opening"],
        steps=tuple(_step(step) for step in facts["step"]),
    )


def _step(facts: dict[str, Any]) -> Step:
    pacer = facts.get("pacer")
    return Step(
        name=facts["name"],
        kind=PhaseKind(facts["kind"]),
        duration_s=float(facts["duration_s"]) if "duration_s" in facts else None,
        instruction=facts["instruction"],
        strategy=facts.get("strategy"),
        pacer=Pacer(float(pacer["breaths_per_min"]), float(pacer.get("inhale_share", 0.4)))
        if pacer
        else None,
        until_tag=facts.get("until_tag"),
    )
