"""The protocol engine: which step it is, how long it still lasts, and what became of it.

Plain code without a clock: whoever drives it says what time it is, in seconds of the session, and journals
the turns that come back. A time before the last one given counts as the last.

- Time paused does not count: a step lasts its duration and its pauses.
- `advance` enters at most one step, at the time given: called late, the next begins late and none is missed.
- `extend` holds in a pause too. It shortens with negative seconds, to what has been spent at the least.
- `next_step` and `restart_baseline` in a pause resume first; `stop` in a pause does not.
- `restart_baseline` goes back to the first baseline, from there or any later step, and gives it and all that
  follow their own durations again. What happened stays as it happened; the earlier part counts as abandoned.
- What cannot be done as things are raises UsageError and changes nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from pipeline.errors import UsageError
from pipeline.guidance.protocol import LONGEST_STEP_S, Protocol, Step
from pipeline.model import PhaseKind


@dataclass(frozen=True, slots=True)
class Entered:
    """A step began; `part` counts from 1 how often it has begun, as after a restart it begins again."""

    time_s: float
    step: Step
    index: int
    part: int


@dataclass(frozen=True, slots=True)
class Paused:
    """A step stands still from here on."""

    time_s: float
    step: Step


@dataclass(frozen=True, slots=True)
class Resumed:
    """A step goes on after a pause of `paused_s`."""

    time_s: float
    step: Step
    paused_s: float


@dataclass(frozen=True, slots=True)
class Extended:
    """A step became longer by `by_s`, or shorter if that is negative, and now lasts `duration_s`."""

    time_s: float
    step: Step
    by_s: float
    duration_s: float


@dataclass(frozen=True, slots=True)
class Skipped:
    """A step was left with `left_s` still to go."""

    time_s: float
    step: Step
    left_s: float


@dataclass(frozen=True, slots=True)
class Restarted:
    """The baseline `step` begins again, coming from the step `left`: its part `abandoned` is no baseline."""

    time_s: float
    step: Step
    left: Step
    abandoned: int


@dataclass(frozen=True, slots=True)
class Finished:
    """The protocol is over: after its last step, or `stopped` before that."""

    time_s: float
    stopped: bool


Turn = Entered | Paused | Resumed | Extended | Skipped | Restarted | Finished


class Engine:
    """One passage through a protocol, from `begin` until `finished`."""

    def __init__(self, protocol: Protocol) -> None:
        self.protocol = protocol
        self.index: int | None = None  # of the step it is in; None before and after
        self.step_began_s: float | None = None
        self.begun = False
        self.finished = False
        self._durations_s = [step.duration_s for step in protocol.steps]
        self._parts = [0] * len(protocol.steps)
        self._now_s = -math.inf
        self._paused_at_s: float | None = None
        self._paused_s = 0.0  # in this step, in pauses that are over

    @property
    def step(self) -> Step | None:
        """The step it is in; None before `begin` and once finished."""
        return None if self.index is None else self.protocol.steps[self.index]

    @property
    def durations_s(self) -> tuple[float | None, ...]:
        """How long each step lasts, as extended, without pauses; None for one that is open-ended."""
        return tuple(self._durations_s)

    @property
    def paused(self) -> bool:
        return self._paused_at_s is not None

    @property
    def due_s(self) -> float | None:
        """When `advance` has something to do; None if that is open-ended, paused, not begun or finished."""
        return None if self.paused else self._end_s

    def spent_s(self, now_s: float) -> float | None:
        """How long the step has lasted without its pauses; None if there is no step."""
        if self.step_began_s is None:
            return None
        return max(0.0, self._until_s(now_s) - self.step_began_s - self._paused_s)

    def left_s(self, now_s: float) -> float | None:
        """How long the step still lasts, the same all through a pause; None if open-ended or no step."""
        return None if self._end_s is None else max(0.0, self._end_s - self._until_s(now_s))

    def step_ends_s(self, now_s: float) -> float | None:
        """When the step ends if nothing comes between; in a pause, if it went on now. None if open-ended."""
        left_s = self.left_s(now_s)
        return max(now_s, self._now_s) + left_s if self.paused and left_s is not None else self.due_s

    def begin(self, now_s: float) -> list[Turn]:
        """Enter the first step."""
        if self.begun:
            raise UsageError("the protocol has begun already")
        self.begun = True
        return [self._enter(0, self._at(now_s))]

    def advance(self, now_s: float) -> list[Turn]:
        """What time alone brings: the next step or the end once a step is over, else nothing."""
        now_s = self._at(now_s)
        due_s = self.due_s
        return [self._go_on(now_s)] if due_s is not None and now_s >= due_s else []

    def pause(self, now_s: float) -> list[Turn]:
        """Stand still until `resume`."""
        index = self._running()
        if self.paused:
            raise UsageError("the protocol is paused already")
        self._paused_at_s = self._at(now_s)
        return [Paused(self._paused_at_s, self.protocol.steps[index])]

    def resume(self, now_s: float) -> list[Turn]:
        """Go on after a pause."""
        self._running()
        if not self.paused:
            raise UsageError("the protocol is not paused")
        return self._resumed(self._at(now_s))

    def extend(self, now_s: float, seconds: float) -> list[Turn]:
        """Make the step longer, or with negative seconds shorter; nothing if it already has no time left."""
        index = self._running()
        step, duration_s = self.protocol.steps[index], self._durations_s[index]
        if duration_s is None:
            raise UsageError(f"{step.name!r} has no end to move: it lasts until you go on or stop")
        if not math.isfinite(seconds) or duration_s + seconds > LONGEST_STEP_S:
            raise UsageError("a step can be made to last 24 hours at the most: choose fewer seconds")
        now_s = self._at(now_s)
        shortest_s = min(duration_s, self.spent_s(now_s) or 0.0)
        new_s = max(duration_s + seconds, shortest_s)
        if new_s == duration_s:
            return []
        self._durations_s[index] = new_s
        return [Extended(now_s, step, new_s - duration_s, new_s)]

    def next_step(self, now_s: float) -> list[Turn]:
        """Leave the step for the next, or after the last finish."""
        step = self.protocol.steps[self._running()]
        now_s = self._at(now_s)
        left_s = self.left_s(now_s)
        skipped = [Skipped(now_s, step, left_s)] if left_s else []
        return [*self._resumed(now_s), *skipped, self._go_on(now_s)]

    def restart_baseline(self, now_s: float) -> list[Turn]:
        """Begin the first baseline again, and all that follows it."""
        left = self.protocol.steps[self._running()]
        index = self._baseline()
        now_s = self._at(now_s)
        step, abandoned = self.protocol.steps[index], self._parts[index]
        turns = [*self._resumed(now_s), Restarted(now_s, step, left, abandoned)]
        self._durations_s[index:] = [each.duration_s for each in self.protocol.steps[index:]]
        return [*turns, self._enter(index, now_s)]

    def stop(self, now_s: float) -> list[Turn]:
        """End the protocol here; one that has not begun is over, too."""
        if self.finished:
            raise UsageError("the protocol is over already")
        return [self._finish(self._at(now_s), stopped=True)]

    def _at(self, now_s: float) -> float:
        self._now_s = max(self._now_s, now_s)
        return self._now_s

    def _until_s(self, now_s: float) -> float:
        """Up to when the step has run: now, or where it was paused."""
        return self._paused_at_s if self._paused_at_s is not None else max(now_s, self._now_s)

    @property
    def _end_s(self) -> float | None:
        """Where the step ends but for a pause that still lasts; None if open-ended or no step."""
        if self.index is None or self.step_began_s is None:
            return None
        duration_s = self._durations_s[self.index]
        return None if duration_s is None else self.step_began_s + self._paused_s + duration_s

    def _running(self) -> int:
        if self.index is None:
            raise UsageError("the protocol is over" if self.finished else "the protocol has not begun")
        return self.index

    def _baseline(self) -> int:
        """The index of the first baseline; raises UsageError if it has not been reached."""
        kinds = [step.kind for step in self.protocol.steps]
        if PhaseKind.BASELINE not in kinds:
            raise UsageError("this protocol has no baseline to restart")
        index = kinds.index(PhaseKind.BASELINE)
        if self.index is None or self.index < index:
            raise UsageError("the baseline has not begun: there is nothing to restart yet")
        return index

    def _enter(self, index: int, now_s: float) -> Entered:
        self.index, self.step_began_s, self._paused_s = index, now_s, 0.0
        self._parts[index] += 1
        return Entered(now_s, self.protocol.steps[index], index, self._parts[index])

    def _go_on(self, now_s: float) -> Turn:
        following = 0 if self.index is None else self.index + 1
        if following < len(self.protocol.steps):
            return self._enter(following, now_s)
        return self._finish(now_s, stopped=False)

    def _finish(self, now_s: float, *, stopped: bool) -> Finished:
        self.begun = self.finished = True
        self.index = self.step_began_s = self._paused_at_s = None
        return Finished(now_s, stopped)

    def _resumed(self, now_s: float) -> list[Turn]:
        """Go on, if paused."""
        if self._paused_at_s is None or self.step is None:
            return []
        paused_s = now_s - self._paused_at_s
        self._paused_s += paused_s
        self._paused_at_s = None
        return [Resumed(now_s, self.step, paused_s)]
