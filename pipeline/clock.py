"""The one place where time is read.

A `Clock` serves stamps, watchdogs, back-off and protocols. `run` starts a coroutine either in real
time or in simulated time, where every `asyncio.sleep` and timeout lasts `1 / speed` as long.

Simulated time moves from one timer to the next and never past one that has not run: on a busy machine
a simulation gets slower, it does not skip. So the same simulation gives the same session at any speed.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, Protocol, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_MOST_BEHIND_S = 0.5  # real time that later waits make up for; if it is more, the simulation is slower
_LEAST_S = 2e-9  # asyncio takes a timer as due from one nanosecond before its time


class Clock(Protocol):
    """Seconds that only rise, and the calendar beside them."""

    speed: float

    def now(self) -> float:
        """Seconds since an arbitrary moment; counts the time a machine was suspended."""

    def wall(self) -> float:
        """Seconds since 1970 (UTC), as the calendar has it: may jump."""


def _boot_time() -> Callable[[], float]:
    """Pick the operating system's clock that goes on while the machine sleeps."""
    if hasattr(time, "CLOCK_BOOTTIME"):  # Linux
        return lambda: time.clock_gettime(time.CLOCK_BOOTTIME)
    if hasattr(time, "CLOCK_UPTIME_RAW"):  # macOS: CLOCK_MONOTONIC counts sleep, time.monotonic() does not
        return lambda: time.clock_gettime(time.CLOCK_MONOTONIC)
    return time.monotonic


class SystemClock:
    """The machine's own clocks."""

    speed = 1.0

    def __init__(self) -> None:
        self.now = _boot_time()
        self.wall = time.time


class SimulatedClock:
    """Time of a running simulation: it starts at the real date and moves `speed` times as fast."""

    def __init__(self, loop: SimulatedLoop) -> None:
        self.now = loop.time
        self.speed = loop.pace.speed
        self._wall_at_zero_s = time.time() - loop.time()

    def wall(self) -> float:
        """Seconds since 1970 in the simulation."""
        return self._wall_at_zero_s + self.now()


class _Pace(selectors.DefaultSelector):
    """A selector whose waiting is what moves simulated time."""

    def __init__(self, speed: float) -> None:
        super().__init__()
        self.speed, self.now_s = speed, 0.0
        self._due_s = time.perf_counter()  # when, in real time, the simulation's present was due

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= 0:
            ready: list[tuple[selectors.SelectorKey, int]] = super().select(timeout)
            return ready
        # A wait makes up for work before it, or an earlier wait, that took too long.
        began_s = max(self._due_s, time.perf_counter() - _MOST_BEHIND_S)
        due_s = began_s + timeout / self.speed
        ready = super().select(max(due_s - time.perf_counter(), 0.0))
        passed_s = time.perf_counter() - began_s
        if not ready:
            waited_s = timeout
        elif passed_s > 0:
            waited_s = min(passed_s * self.speed, timeout)
        else:
            waited_s = 0.0
        self._due_s = began_s + waited_s / self.speed
        self.now_s += waited_s
        return ready


class SimulatedLoop(asyncio.SelectorEventLoop):
    """An event loop that lives in simulated time."""

    def __init__(self, speed: float) -> None:
        self.pace = _Pace(speed)
        super().__init__(self.pace)

    def time(self) -> float:
        """Simulated seconds since the loop was made."""
        return self.pace.now_s

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """As in asyncio, but no timer is due at once: else sleeping a last rounding error would stop time."""
        return super().call_at(max(when, self.time() + _LEAST_S), callback, *args, context=context)


def run(main: Callable[[Clock], Coroutine[Any, Any, T]], speed: float | None = None) -> T:
    """Run `main(clock)` to its end: in real time, or, with a speed, in simulated time."""
    if speed is None:
        return asyncio.run(main(SystemClock()))
    with asyncio.Runner(loop_factory=lambda: SimulatedLoop(speed)) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, SimulatedLoop)
        return runner.run(main(SimulatedClock(loop)))
