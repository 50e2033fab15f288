"""A session as it is led: the protocol engine, whoever intervenes, and what both screens are to show.

Everything that happens is journalled at the moment it happens. What has to be told to a page lies in
`flows.conduct.scenes`; who may do what in `flows.conduct.actions`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum

from flows.conduct.noted import Noted, Write
from pipeline.errors import UsageError
from pipeline.events import phases_of
from pipeline.guidance.engine import (
    Engine,
    Entered,
    Extended,
    Finished,
    Paused,
    Restarted,
    Resumed,
    Skipped,
    Turn,
)
from pipeline.guidance.feedback import Element, Measure
from pipeline.guidance.protocol import Protocol, Step
from pipeline.guidance.safety import SLOWEST_BPM, UNWELL, Concern, DistressWatch, Screened, checked_pacer
from pipeline.guidance.strategies import Strategy
from pipeline.journal import Kind, Record
from pipeline.model import Pacer, PhaseKind

_LONGEST_CLOSING_S = 180.0
_UNFED = (PhaseKind.BASELINE, PhaseKind.STRESSOR)  # nobody watches themselves then
_PROTOCOL = "protocol"  # the kind of marker that tells of an intervention


class Stage(StrEnum):
    """How far a session is."""

    WAITING = "waiting"  # for the sensors' first data
    OPENING = "opening"  # until somebody begins
    RUNNING = "running"
    PAUSED = "paused"
    CLOSING = "closing"  # the protocol is over, a last word is welcome
    SEALING = "sealing"
    ENDED = "ended"
    FAILED = "failed"


@dataclass(slots=True)
class RunningPacer:
    """A pacer, and the second of the session at which its first breath began."""

    pacer: Pacer
    began_s: float


@dataclass(slots=True)
class Screens:
    """What the two screens are set to, beside what the protocol says."""

    element: Element = Element.TIDE
    measure: Measure | None = None  # chosen by hand for this step; else the step's own
    feedback_on: bool = True
    hide_heart: bool = False
    blank: bool = False


@dataclass(slots=True)
class Wishes:
    """What is kept of a client from one session to the next."""

    goal: str | None = None
    next_step: str | None = None
    thresholds: dict[str, float] = field(default_factory=dict)


class Conductor:
    """Leads one session through its protocol.

    `attended`: somebody looks at a page, so it waits for `begin`, and at its end for a last word. `hear` is
    told of each step as it begins, with the pacer that then runs.
    """

    def __init__(
        self,
        protocol: Protocol,
        write: Write,
        now_s: Callable[[], float],
        hear: Callable[[Step], None] = lambda _: None,
        *,
        attended: bool = False,
        strategies: Mapping[str, Strategy] | None = None,
    ) -> None:
        self.protocol, self.engine = protocol, Engine(protocol)
        self.noted = Noted(write)
        self.now_s = now_s
        self.stage = Stage.WAITING
        self.message: str | None = None
        self.screens = Screens()
        self.wishes = Wishes()
        self.strategies = dict(strategies or {})
        self.strategy: str | None = None
        self.pacer: RunningPacer | None = None
        self.asking: str | None = None
        self.first_session = False  # the questions before it have not been answered yet
        self.advice: tuple[str, ...] = ()  # what the answers before a first session call for
        self.concern: Concern | None = None
        self.screened_as: Screened | None = None
        self.version = 0  # rises whenever something is to be told anew
        self._write, self._hear, self._attended = write, hear, attended
        self._phase_records: list[Record] = []
        self._halted = False  # a concern has paused the protocol
        self._over = asyncio.Event()
        self._watch = DistressWatch()
        self._ask_next: str | None = None  # the scale that this step asks for at its end
        self._changed = asyncio.Event()
        self._done = asyncio.Event()

    async def run(self, first_data: Callable[[], Awaitable[None]]) -> None:
        """Go through the protocol; returns when it is over, and what follows is said."""
        await self._until_data(first_data)
        if self.stage is Stage.WAITING:
            self.to(Stage.OPENING, self.message)
        if not self._attended and not self.engine.begun and not self.engine.finished:
            self.begin()
        while not self.engine.finished:
            await self._until_due()
            self._took(self.engine.advance(self.now_s()))
        if self._attended and self.protocol.check_in and self.phases:
            self.to(Stage.CLOSING)
            await self._closing()

    async def _until_data(self, first_data: Callable[[], Awaitable[None]]) -> None:
        """Wait for the sensors, unless somebody has had enough of that."""
        waiting = [asyncio.ensure_future(first_data()), asyncio.ensure_future(self._over.wait())]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    async def _until_due(self) -> None:
        """Wait until the engine has something to do, or somebody does something."""
        due_s = self.engine.due_s
        self._changed.clear()
        try:
            async with asyncio.timeout(None if due_s is None else max(due_s - self.now_s(), 0.0)):
                await self._changed.wait()
        except TimeoutError:
            return

    async def _closing(self) -> None:
        try:
            async with asyncio.timeout(_LONGEST_CLOSING_S):
                await self._done.wait()
        except TimeoutError:
            return

    # What a person does.

    def begin(self) -> None:
        """Begin the protocol."""
        if self.stage is Stage.WAITING:
            raise UsageError("the sensors have not sent anything yet: wait a moment")
        self._took(self.engine.begin(self.now_s()))

    def pause(self) -> None:
        self._took(self.engine.pause(self.now_s()))

    def resume(self) -> None:
        """Go on after a pause, also one that a concern has made."""
        self._took(self.engine.resume(self.now_s()))

    def next_step(self) -> None:
        """Leave this step for the next."""
        self._took(self.engine.next_step(self.now_s()))

    def extend(self, seconds: float) -> None:
        """Make this step longer."""
        self._took(self.engine.extend(self.now_s(), seconds))

    def restart_baseline(self) -> None:
        """Begin the baseline again; what was recorded of it so far is no baseline."""
        self._took(self.engine.restart_baseline(self.now_s()))

    def stop(self) -> None:
        """End the session; what was recorded is kept."""
        if not self.engine.finished:
            self._took(self.engine.stop(self.now_s()))
        else:
            self._done.set()

    def rate(self, scale: str, value: float) -> None:
        """Take a self-report. Distress that is a concern stops feedback and pacer, and asks."""
        self.noted.rate(scale, value)
        self.asking = None
        if scale == "distress" and (concern := self._watch.rated(value)) is not None:
            self._halt(concern)
        self._tell()

    def ask(self, scale: str | None) -> None:
        """Ask for a self-report on the client's screen."""
        self.asking = scale
        self._tell()

    def unwell(self) -> None:
        """Somebody is dizzy, tingling or short of breath: no pacer, no feedback, and it is written down."""
        self._halt(UNWELL)
        self._tell()

    def carry_on(self) -> None:
        """Go on after a halt: feedback is back; the pacer comes back with the next step that has one."""
        if self._halted and self.engine.paused:
            self.resume()
        self.concern, self._halted = None, False
        self._tell()

    def choose_strategy(self, name: str | None) -> None:
        """Choose what is practised in this phase."""
        if name is not None and name not in self.strategies:
            raise UsageError(f"there is no strategy {name!r}")
        self.noted.mark("strategy", name or "")
        self.strategy = name
        self._tell()

    def set_pacer(self, breaths_per_min: float, inhale_share: float) -> None:
        """Set the pacer by hand, from this moment on."""
        if self.concern is not None:
            raise UsageError("the pacer was stopped for the person's sake: carry on first")
        self._pace(checked_pacer(breaths_per_min, inhale_share))

    def stop_pacer(self) -> None:
        if self.pacer is not None:
            self._pace(None)

    def check_in(self, when: str, answers: Mapping[str, str]) -> None:
        """Take a check-in; one after the session is its last word."""
        self.noted.check_in(when, answers)
        if when == "after" and self.stage is Stage.CLOSING:
            self._done.set()
        self._tell()

    def screened(self, found: Screened) -> None:
        """Take the answers to the questions before a first session."""
        self.noted.conditions(found.conditions)
        self.screened_as, self.advice, self.first_session = found, found.advice, False
        self._tell()

    def changed(self) -> None:
        """Something was noted or set: tell it."""
        self._tell()

    def to(self, stage: Stage, message: str | None = None) -> None:
        """Say how far the session is."""
        self.stage, self.message = stage, message
        self._tell()

    # What follows from it.

    @property
    def phases(self) -> list[dict[str, object]]:
        """The phases as they will be stored; the one that runs has no end yet."""
        found = phases_of(self._phase_records, self.now_s())
        return [
            {
                "name": phase.name,
                "kind": phase.kind,
                "start_s": phase.start_s,
                "end_s": None if self.step is not None and phase is found[-1] else phase.end_s,
            }
            for phase in found
        ]

    @property
    def step(self) -> Step | None:
        return self.engine.step

    @property
    def measure(self) -> Measure | None:
        """What is fed back now: nothing in a baseline, a stressor, a pause or a halt."""
        step = self.step
        if step is None or step.kind in _UNFED or self.concern or not self.screens.feedback_on:
            return None
        return self.screens.measure or step.feedback

    def _took(self, turns: list[Turn]) -> None:
        """Journal what happened, and let it take effect."""
        again = any(isinstance(turn, Restarted) for turn in turns)
        for turn in turns:
            self._take(turn, again)
        if turns:
            self._tell()

    def _take(self, turn: Turn, again: bool) -> None:
        match turn:
            case Entered(step=step):
                self._enter(step, restarts=again)
            case Paused():
                self._write(Kind.PAUSE, {"paused": True})
                self.stage = Stage.PAUSED
            case Resumed(time_s=time_s, paused_s=paused_s):
                self._write(Kind.PAUSE, {"paused": False})
                self.stage, self.concern, self._halted = Stage.RUNNING, None, False
                if self.pacer is not None:  # it may have been set in the pause
                    self.pacer.began_s += time_s - max(time_s - paused_s, self.pacer.began_s)
            case Extended(step=step, by_s=by_s):
                self.noted.mark(
                    _PROTOCOL, f"{step.name}: {'extended' if by_s > 0 else 'shortened'} by {abs(by_s):.0f} s"
                )
            case Skipped(step=step, left_s=left_s):
                self.noted.mark(_PROTOCOL, f"{step.name}: left with {left_s:.0f} s to go")
            case Restarted(step=step):
                self.noted.mark(_PROTOCOL, f"{step.name}: begun again")
            case Finished():
                self._finish()

    def _enter(self, step: Step, *, restarts: bool) -> None:
        self.concern, self._halted = None, False  # a person chose to go on
        self.asking, self._ask_next = self._ask_next or self.asking, step.ask
        self.screens.measure = None
        self.strategy = step.strategy if step.strategy in self.strategies else None
        self._begin_phase(step, step.pacer, restarts=restarts)
        self.stage = Stage.RUNNING

    def _begin_phase(self, step: Step, pacer: Pacer | None, *, restarts: bool = False) -> None:
        """A phase of its own for each pacer, so that no window mixes two; none below what is safe."""
        if pacer is not None:
            pacer = replace(pacer, breaths_per_min=max(pacer.breaths_per_min, SLOWEST_BPM))
        facts: dict[str, object] = {
            "name": step.name,
            "kind": step.kind,
            "strategy": step.strategy,
            "instruction": step.instruction,
            "pacer": asdict(pacer) if pacer else None,
        }
        record = self._write(Kind.PHASE, facts | ({"restarts": True} if restarts else {}))
        self._phase_records.append(record)
        self.pacer = RunningPacer(pacer, record.arrival_s) if pacer else None
        self._hear(replace(step, pacer=pacer))

    def _pace(self, pacer: Pacer | None) -> None:
        """Another pacer, or none, from now on."""
        if self.step is None:
            raise UsageError("there is no step to pace: begin first")
        kind = self.step.kind
        if pacer is None and kind is PhaseKind.PACED:
            kind = PhaseKind.OTHER  # it is no paced breathing any more
        self._begin_phase(replace(self.step, kind=kind), pacer)
        self._tell()

    def _halt(self, concern: Concern) -> None:
        """Stop pacer, feedback and the protocol's time, until somebody chooses to go on."""
        self.noted.mark("safety", concern.kind)
        if self.pacer is not None and self.step is not None:
            self._pace(None)
        if self.step is not None and not self.engine.paused:
            self._took(self.engine.pause(self.now_s()))
            self._halted = True
        self.concern = concern

    def _finish(self) -> None:
        if self._phase_records:
            self._phase_records.append(self._write(Kind.PHASE, {}))
        self._over.set()
        self.asking = self._ask_next or self.asking
        self.pacer = self.strategy = None
        self.to(Stage.CLOSING, self.message)

    def _tell(self) -> None:
        self.version += 1
        self._changed.set()
