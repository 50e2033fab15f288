"""One session from the command line: find the sensors, record, seal, report, and say what it cost."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from devices.connection import Found, Radio, scan
from flows import companion
from flows.detached import DetachedView
from flows.recording import Plan, Recorder, View, record
from flows.terminal import TerminalView
from pipeline.clock import Clock, run
from pipeline.errors import DeviceError, VagalError
from pipeline.knowledge import Protocol, Step
from pipeline.model import Recording
from pipeline.store import Home

_SCAN_S = 8.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The radio a session uses, and who is told of each step (a simulated client hears it)."""

    radio: Radio
    hear: Callable[[Clock, Step], None] = lambda _clock, _step: None
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a session left: its folder, report, a warning if there was one, and CPU seconds.

    `recorder_cpu_s` is from the first record to the seal, `tree_cpu_s` all of this process and its children.
    """

    folder: Path
    recording: Recording
    report: Path
    warning: str | None
    recorder_cpu_s: float
    tree_cpu_s: float


def run_session(
    home: Home,
    client: str,
    protocol: Protocol,
    *,
    wanted: Sequence[str] = (),
    simulate: bool = False,
    speed: float | None = None,
    view: View | None = None,
    say: Callable[[str], None] = print,
) -> Outcome:
    """Record and report one session. Raises DeviceError if no sensor can be found."""
    started: list[companion.Companion] = []
    spent_before_s: list[float] = []

    def began(recorder: Recorder) -> None:
        spent_before_s.append(companion.processor_seconds()[0])
        with contextlib.suppress(OSError):  # without a companion the report is made at the end
            started.append(companion.start(recorder.folder))

    async def main(clock: Clock) -> tuple[Path, Recording]:
        with stop_on_signals() as stop:
            async with _surroundings(clock, simulate=simulate) as around:
                say("Looking for sensors ...")
                found = await _unless(stop, scan(around.radio, _SCAN_S, until=_enough(wanted, simulate)))
                sensors = choose(found, wanted, say)
                return await record(
                    Plan(client, protocol, sensors, simulated=around.simulated),
                    home,
                    clock,
                    around.radio,
                    DetachedView(view or TerminalView()),
                    stop=stop,
                    began=began,
                    hear=lambda step: around.hear(clock, step),
                )

    folder, recording = run(main, speed)
    recorder_cpu_s = companion.processor_seconds()[0] - spent_before_s[0]
    say("Sealed. Preparing the report ...")
    report, warning = started[0].report() if started else (companion.report_plainly(folder), None)
    return Outcome(folder, recording, report, warning, recorder_cpu_s, companion.processor_seconds()[1])


class StoppedError(VagalError):
    """Stopped by the person before there was anything to keep."""

    exit_code = 130


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, T]) -> T:
    """The result of some work, unless `stop` comes first: then StoppedError."""
    working, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise StoppedError("stopped before anything was recorded")
        return working.result()
    finally:
        for task in (working, stopping):
            task.cancel()
        await asyncio.gather(working, stopping, return_exceptions=True)


@asynccontextmanager
async def _surroundings(clock: Clock, *, simulate: bool) -> AsyncIterator[Surroundings]:
    if not simulate:
        yield Surroundings(Radio())
        return
    from devices.virtual.room import simulated_room  # brings the virtual radio

    async with simulated_room(clock) as room:
        yield Surroundings(
            room.radio, lambda c, s: room.client.hear(c.now(), s.kind, s.pacer), simulated=True
        )


@contextmanager
def stop_on_signals() -> Iterator[asyncio.Event]:
    """An event that Ctrl-C, a closed terminal or a polite kill sets; what was recorded is then sealed."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    before: dict[int, Any] = {}
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None:
            before[number] = signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _enough(wanted: Sequence[str], simulate: bool) -> Callable[[Sequence[Found]], bool]:
    """When to stop looking: all named sensors are there, or in a simulation one of each kind."""

    def enough(found: Sequence[Found]) -> bool:
        if wanted:
            return all(any(_is(sensor, name) for sensor in found) for name in wanted)
        return simulate and len({sensor.driver.name for sensor in found if sensor.driver}) >= 2

    return enough


def _is(sensor: Found, name: str) -> bool:
    advert = sensor.advert
    return name.lower() in (advert.address.lower(), advert.name.lower())


def choose(found: Sequence[Found], wanted: Sequence[str], say: Callable[[str], None]) -> list[Found]:
    """The sensors to use: the named ones, else the nearest of each kind."""
    usable = [sensor for sensor in found if sensor.driver]
    if wanted:
        return list(
            {sensor.advert.address: sensor for sensor in (_named(usable, n) for n in wanted)}.values()
        )
    nearest: dict[str, Found] = {}
    for sensor in usable:  # already ranked by signal strength
        assert sensor.driver is not None
        nearest.setdefault(sensor.driver.name, sensor)
    if not nearest:
        raise DeviceError(
            "no supported sensor found: wear it and wet the strap's electrodes, close other apps that "
            "use it, then try again (`vagal devices` shows what is in reach)"
        )
    for sensor in nearest.values():
        assert sensor.driver is not None
        others = sum(1 for other in usable if other.driver is sensor.driver or other is sensor) - 1
        more = f" (the nearest of {others + 1}; --device chooses)" if others else ""
        say(f"Found {sensor.advert.name or sensor.advert.address}: {sensor.driver.label}{more}")
    return list(nearest.values())


def _named(usable: Sequence[Found], name: str) -> Found:
    with contextlib.suppress(StopIteration):
        return next(sensor for sensor in usable if _is(sensor, name))
    names = ", ".join(repr(sensor.advert.name) for sensor in usable) or "none"
    raise DeviceError(f"no supported sensor named {name!r} in reach (found: {names})")
