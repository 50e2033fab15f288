"""A session that is led without sensors: a clock that is moved by hand, and a journal in memory."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flows.conduct.actions import act
from flows.conduct.conductor import Conductor, Stage
from pipeline.events import markers_of, phases_of
from pipeline.guidance.protocol import Protocol, Setting, Step
from pipeline.guidance.strategies import strategies
from pipeline.journal import Kind, Record
from pipeline.model import Marker, Pacer, Phase, PhaseKind

STEPS = (
    Step("Settle", PhaseKind.SETTLE, 10.0, "Sit back."),
    Step("Baseline", PhaseKind.BASELINE, 60.0, "Sit quietly.", ask="distress"),
    Step("Challenge", PhaseKind.STRESSOR, 60.0, "Count down.", task="serial-subtraction"),
    Step(
        "Practice",
        PhaseKind.PACED,
        60.0,
        "Follow the pacer.",
        pacer=Pacer(6.0, 0.4),
        feedback="rhythm_concentration",
        strategies=("five-senses",),
    ),
)


@dataclass
class Led:
    """A conductor, the records it wrote, and the steps the body heard of."""

    setting: Setting = Setting.CLINIC
    check_in: bool = False
    steps: tuple[Step, ...] = STEPS
    now_s: float = 0.0
    records: list[Record] = field(default_factory=list)
    heard: list[Step] = field(default_factory=list)

    def __post_init__(self) -> None:
        protocol = Protocol(
            "test",
            "Test",
            "A test.",
            "You can stop or skip any task.",
            self.steps,
            setting=self.setting,
            check_in=self.check_in,
        )
        self.conductor = Conductor(
            protocol,
            self._write,
            lambda: self.now_s,
            self.heard.append,
            attended=True,
            strategies=strategies(),
        )
        self.conductor.to(Stage.OPENING)

    def _write(self, kind: Kind, facts: Mapping[str, Any]) -> Record:
        record = Record(kind, "", len(self.records), 0, self.now_s, 0.0, None, json.dumps(facts).encode())
        self.records.append(record)
        return record

    def do(self, action: str, *, as_client: bool = False, **facts: Any) -> None:
        act(self.conductor, {"do": action, **facts}, as_client=as_client)

    def until(self, now_s: float) -> None:
        """Let time pass, and with it what time brings."""
        while (due_s := self.conductor.engine.due_s) is not None and due_s <= now_s:
            self.now_s = due_s
            self.conductor._took(self.conductor.engine.advance(due_s))
        self.now_s = now_s

    @property
    def phases(self) -> list[tuple[str, str, float, float]]:
        """The phases as they will be stored: name, kind, start and end."""
        return [(each.name, str(each.kind), each.start_s, each.end_s) for each in self.stored_phases]

    @property
    def stored_phases(self) -> tuple[Phase, ...]:
        return phases_of(self.records, self.now_s)

    def marked(self, kind: str) -> list[Marker]:
        return [marker for marker in markers_of(self.records, self.now_s) if marker.kind == kind]

    def facts(self, kind: Kind) -> list[dict[str, Any]]:
        return [record.facts for record in self.records if record.kind is kind]
