"""One session from the command line: find the sensors, record, seal, report, and say what it cost."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from devices.connection import Found, Radio, scan
from flows import companion
from flows.recording import Plan, Recorder, View, record
from flows.terminal import TerminalView
from pipeline.clock import Clock, run
from pipeline.errors import DeviceError, UsageError
from pipeline.knowledge import Protocol, Step
from pipeline.model import Recording
from pipeline.store import Home

_SCAN_S = 8.0


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
    started: list[tuple[companion.Companion, float]] = []

    def began(recorder: Recorder) -> None:
        started.append((companion.start(recorder.folder), companion.processor_seconds()[0]))

    async def main(clock: Clock) -> tuple[Path, Recording]:
        stop = asyncio.Event()
        _stop_on_signal(stop)
        async with _surroundings(clock, simulate=simulate) as around:
            say("Looking for sensors ...")
            sensors = choose(await scan(around.radio, _SCAN_S, until=_enough(wanted, simulate)), wanted, say)
            plan = Plan(client, protocol, sensors, simulated=around.simulated)
            return await record(
                plan,
                home,
                clock,
                around.radio,
                view or TerminalView(),
                stop=stop,
                began=began,
                hear=lambda step: around.hear(clock, step),
            )

    folder, recording = run(main, speed)
    follower, spent_before_s = started[0]
    recorder_cpu_s = companion.processor_seconds()[0] - spent_before_s
    say("Sealed. Preparing the report ...")
    report, warning = follower.report()
    return Outcome(folder, recording, report, warning, recorder_cpu_s, companion.processor_seconds()[1])


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


def _stop_on_signal(stop: asyncio.Event) -> None:
    """Ctrl-C, a closed terminal and a polite kill end the recording; what was recorded is sealed."""
    loop = asyncio.get_running_loop()
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is None:
            continue
        try:
            loop.add_signal_handler(number, stop.set)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))


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
        return [_named(usable, name) for name in wanted]
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
    raise UsageError(f"no supported sensor named {name!r} in reach (found: {names})")
