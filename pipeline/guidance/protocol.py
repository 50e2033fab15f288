"""Protocols: guided sessions as data, read from data/protocols, a home's own folder, or any file."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.guidance.feedback import Measure
from pipeline.guidance.files import Table, read_table
from pipeline.guidance.safety import FASTEST_BPM, LONGEST_SHARE, SHORTEST_SHARE, SLOWEST_BPM
from pipeline.guidance.strategies import strategy_paths
from pipeline.knowledge import data_path
from pipeline.model import Pacer, PhaseKind

DEFAULT_BPM = 6.0  # the pacer's rate for a person without a resonance result
LONGEST_STEP_S = 86400.0

KEYS = ("title", "summary", "opening", "setting", "assessment", "check_in", "step")
STEP_KEYS = (
    "name",
    "kind",
    "duration_s",
    "until_tag",
    "instruction",
    "strategy",
    "strategies",
    "pacer",
    "task",
    "feedback",
    "ask",
    "shuffle",
)
PACER_KEYS = ("breaths_per_min", "inhale_share")
SCALES = ("distress",)
ASSESSMENTS = ("resonance",)

# Nobody should watch themselves while the reference is taken, or while they are being challenged.
_WITHOUT_FEEDBACK = (PhaseKind.BASELINE, PhaseKind.STRESSOR)
_STEP_KINDS = [kind.value for kind in PhaseKind if kind is not PhaseKind.REFERENCE]
_RESONANCE = re.compile(r"resonance([+-][0-9]+(?:\.[0-9]+)?)?")


class Setting(StrEnum):
    """Where a protocol is meant for."""

    HOME = "home"
    CLINIC = "clinic"
    ANY = "any"


class Task(StrEnum):
    """A task that is shown on the screen."""

    SERIAL_SUBTRACTION = "serial-subtraction"
    STROOP = "stroop"
    IMAGERY = "imagery"


@dataclass(frozen=True, slots=True)
class Step:
    """One phase of a protocol, before it has happened. Without `duration_s` it lasts until it is ended.

    In an imported recording it may last until the tag with the number `until_tag`, counted from 1.

    `resonance_offset_bpm` is there where the pacer goes by the client's own resonance result, that much
    faster; until `Protocol.resolved` the pacer has the default rate. `feedback` is the measure that may be
    fed back, `ask` the scale prompted at the end, `strategies` the ids to choose from. Steps with `shuffle`
    change places with each other when the order is random.
    """

    name: str
    kind: PhaseKind
    duration_s: float | None
    instruction: str
    strategy: str | None = None
    pacer: Pacer | None = None
    until_tag: int | None = None
    resonance_offset_bpm: float | None = None
    task: Task | None = None
    feedback: Measure | None = None
    ask: str | None = None
    shuffle: bool = False
    strategies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Protocol:
    """A guided session: its name, what it is for, what is said first, and its steps.

    `assessment` names what is assessed from its steps ("resonance"); `check_in` whether feeling, thought
    and body are asked for before and after.
    """

    name: str
    title: str
    summary: str
    opening: str
    steps: tuple[Step, ...]
    setting: Setting = Setting.ANY
    assessment: str | None = None
    check_in: bool = False

    @property
    def duration_s(self) -> float | None:
        """Total length; None if a step is open-ended."""
        durations = [step.duration_s for step in self.steps]
        return None if None in durations else sum(d for d in durations if d is not None)

    @property
    def minutes(self) -> int | None:
        """Total length in whole minutes, for a list; None if a step is open-ended."""
        return None if self.duration_s is None else max(1, round(self.duration_s / 60))

    @property
    def can_shuffle(self) -> bool:
        """Whether there are steps whose order can be random."""
        return sum(step.shuffle for step in self.steps) > 1

    def resolved(self, resonance_bpm: float | None = None, order_seed: int | None = None) -> Protocol:
        """The protocol as one client goes through it: pacers set, and with a seed the order random.

        `resonance_bpm` is the client's last result; None for a client without one, whose rate is 6 a minute.
        Where a step would go below 4.5 a minute, all that go by the result move up together: they stay apart.
        """
        centre_bpm = self._centre_bpm(resonance_bpm)
        steps = [_paced_by(step, centre_bpm) for step in self.steps]
        if order_seed is not None:
            steps = _shuffled(steps, order_seed)
        return replace(self, steps=tuple(steps))

    def _centre_bpm(self, resonance_bpm: float | None) -> float:
        offsets = [s.resonance_offset_bpm for s in self.steps if s.resonance_offset_bpm is not None]
        known = resonance_bpm is not None and math.isfinite(resonance_bpm)
        centre_bpm = resonance_bpm if known and resonance_bpm is not None else DEFAULT_BPM
        return max(centre_bpm, SLOWEST_BPM - min(offsets, default=0.0))


def protocols(own: Path | None = None) -> dict[str, Path]:
    """The protocols that can be named, and where they lie, unread.

    `own` is a home: the files in its folder `protocols` are added, and take the places of others so named.
    """
    folders = [data_path() / "protocols", *([own / "protocols"] if own is not None else [])]
    return {path.stem: path for folder in folders for path in sorted(folder.glob("*.toml"))}


def protocol(name: str, own: Path | None = None) -> Protocol:
    """A protocol by name, see `protocols`, or from a TOML file of one's own.

    Raises UsageError if there is none, InputError if the file says what cannot be done.
    """
    known = protocols(own)
    path = known.get(name) or Path(name)
    if not path.is_file():
        raise UsageError(f"no protocol {name!r}: there are {', '.join(known)}, or give a .toml file")
    return _protocol(path.stem, read_table(path), strategy_paths(own))


def _protocol(name: str, table: Table, strategies: Collection[str]) -> Protocol:
    table.only(KEYS)
    return Protocol(
        name=name,
        title=table.text("title"),
        summary=table.text("summary"),
        opening=table.text("opening"),
        steps=_steps(table, strategies),
        setting=Setting(table.choice("setting", list(Setting), Setting.ANY)),
        assessment=table.choice_or_none("assessment", ASSESSMENTS),
        check_in=table.flag("check_in"),
    )


def _steps(table: Table, strategies: Collection[str]) -> tuple[Step, ...]:
    steps = tuple(_step(each, strategies) for each in table.tables("step"))
    names = [step.name for step in steps]
    if twice := next((each for each in names if names.count(each) > 1), None):
        raise table.wrong(f"two steps are called {twice!r}; give each a name of its own")
    return steps


def _step(table: Table, strategies: Collection[str]) -> Step:
    table.only(STEP_KEYS)
    duration_s = table.number("duration_s", 1, LONGEST_STEP_S) if "duration_s" in table else None
    kind = PhaseKind(table.choice("kind", _STEP_KINDS))
    pacer, offset_bpm = _pacer(table.table_or_none("pacer"))
    task = table.choice_or_none("task", list(Task))
    return Step(
        name=table.text("name"),
        kind=kind,
        duration_s=duration_s,
        instruction=table.text("instruction"),
        strategy=table.text_or_none("strategy"),
        pacer=pacer,
        until_tag=table.whole_number_or_none("until_tag"),
        resonance_offset_bpm=offset_bpm,
        task=Task(task) if task else None,
        feedback=_feedback(table, kind),
        ask=table.choice_or_none("ask", SCALES),
        shuffle=table.flag("shuffle"),
        strategies=_offered(table, strategies),
    )


def _pacer(table: Table | None) -> tuple[Pacer | None, float | None]:
    """A pacer, and if it goes by the client's resonance result, by how much it is faster."""
    if table is None:
        return None, None
    table.only(PACER_KEYS)
    rate, share = table.raw("breaths_per_min"), Pacer(DEFAULT_BPM).inhale_share
    if "inhale_share" in table:
        share = table.number("inhale_share", SHORTEST_SHARE, LONGEST_SHARE)
    if isinstance(rate, str):
        offset_bpm = _offset_bpm(table, rate)
        return Pacer(_within(DEFAULT_BPM + offset_bpm), share), offset_bpm
    return Pacer(table.number("breaths_per_min", SLOWEST_BPM, FASTEST_BPM), share), None


def _within(bpm: float) -> float:
    return min(max(bpm, SLOWEST_BPM), FASTEST_BPM)


def _offset_bpm(table: Table, rate: str) -> float:
    found = _RESONANCE.fullmatch(rate)
    if not found:
        raise table.wrong(
            f'breaths_per_min {rate!r} is not known; write a number, "resonance" or "resonance-0.5"'
        )
    return float(found[1] or 0.0)


def _feedback(table: Table, kind: PhaseKind) -> Measure | None:
    measure = table.choice_or_none("feedback", list(Measure))
    if measure and kind in _WITHOUT_FEEDBACK:
        raise table.wrong(f"a {kind} has no feedback: take out the line with feedback")
    return Measure(measure) if measure else None


def _offered(table: Table, strategies: Collection[str]) -> tuple[str, ...]:
    offered = table.texts("strategies") if "strategies" in table else ()
    if unknown := next((each for each in offered if each not in strategies), None):
        raise table.wrong(f"strategies: {unknown!r} is not known; there are {', '.join(sorted(strategies))}")
    return offered


def _paced_by(step: Step, centre_bpm: float) -> Step:
    if step.resonance_offset_bpm is None or step.pacer is None:
        return step
    bpm = _within(centre_bpm + step.resonance_offset_bpm)
    return replace(step, pacer=replace(step.pacer, breaths_per_min=bpm))


def _shuffled(steps: list[Step], seed: int) -> list[Step]:
    moving = [step for step in steps if step.shuffle]
    random.Random(seed).shuffle(moving)  # noqa: S311  an order, not a secret
    return [moving.pop(0) if step.shuffle else step for step in steps]
