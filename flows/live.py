"""One session from the command line: find the sensors, record, seal, report, and say what it cost."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from devices.connection import Found, scan
from flows import companion
from flows.detached import DetachedView
from flows.recording import Plan, Recorder, Sensor, View, record
from flows.resonance import own_rate_bpm
from flows.surroundings import Source, Surroundings
from flows.terminal import TerminalView
from pipeline.clock import Clock, run
from pipeline.errors import DeviceError, InputError, VagalError
from pipeline.guidance.protocol import Protocol
from pipeline.guidance.safety import screened_before
from pipeline.model import Recording
from pipeline.profile import read_profile
from pipeline.store import Home

if TYPE_CHECKING:
    from flows.lsl import Outlets
    from flows.web.page import Page

_SCAN_S = 8.0

T = TypeVar("T")


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
    source: Source,
    *,
    wanted: Sequence[str] = (),
    conditions: Mapping[str, str] = MappingProxyType({}),
    speed: float | None = None,
    view: View | None = None,
    page: Page | None = None,
    outlets: Outlets | None = None,
    say: Callable[[str], None] = print,
) -> Outcome:
    """Record and report one session; `page` shows it, `outlets` pass on what is decoded.

    Raises DeviceError if no sensor can be found.
    """
    started: list[companion.Companion] = []
    spent_before_s: list[float] = []

    def began(recorder: Recorder) -> None:
        if outlets is not None:
            outlets.simulated, recorder.relayed = recorder.plan.simulated, outlets.hear
        spent_before_s.append(companion.processor_seconds()[0])
        with contextlib.suppress(OSError):  # without a companion the report is made at the end
            started.append(companion.start(recorder.folder))

    if source.told:
        say(source.told)

    async def main(clock: Clock) -> tuple[Path, Recording]:
        with stop_on_signals() as stop:
            if page is not None:
                page.begin(asyncio.get_running_loop(), clock.speed, home, client)
            async with source.open(clock) as around:
                return await record(
                    Plan(
                        client,
                        protocol.resolved(own_rate_bpm(home, client, simulated=around.simulated)),
                        await _sensors(around, wanted, stop, say),
                        simulated=around.simulated,
                        conditions={
                            **conditions_known(home, client, simulated=around.simulated),
                            **conditions,
                        },
                    ),
                    home,
                    clock,
                    around.radio,
                    DetachedView(view or TerminalView()),
                    stop=stop,
                    began=began,
                    hear=around.hear,
                    attend=page.attend if page is not None else None,
                )

    folder, recording = run(main, speed)
    recorder_cpu_s = companion.processor_seconds()[0] - spent_before_s[0]
    say("Sealed. Preparing the report ...")
    report, warning = started[0].report() if started else (companion.report_plainly(folder), None)
    if page is not None:
        page.ended(report, warning)
    return Outcome(folder, recording, report, warning, recorder_cpu_s, companion.processor_seconds()[1])


class StoppedError(VagalError):
    """Stopped by the person before there was anything to keep."""

    exit_code = 130


def conditions_known(home: Home, client: str, *, simulated: bool) -> Mapping[str, str]:
    """What the client's answers before a first session say of later ones; nothing where there are none."""
    try:
        known = read_profile(home.path, client).answered(simulated=simulated)
    except InputError:  # the start page says so
        return {}
    return screened_before(known).conditions if known is not None else {}


async def unless(stop: asyncio.Event, work: Coroutine[Any, Any, T]) -> T:
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


async def _sensors(
    around: Surroundings, wanted: Sequence[str], stop: asyncio.Event, say: Callable[[str], None]
) -> Sequence[Sensor]:
    """What to record from: a capture, or what is chosen of what is in reach."""
    if around.capture is not None:
        return [around.capture]
    say("Looking for sensors ...")

    def enough(found: Sequence[Found]) -> bool:
        heard = {sensor.advert.address.lower() for sensor in found}
        named = all(name.lower() in heard for name in wanted)  # another may have the same name
        return (bool(wanted) and named) or around.enough(found)

    return choose(await unless(stop, scan(around.radio, _SCAN_S, enough, around.known)), wanted, say)


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


def _is_named(sensor: Found, name: str) -> bool:
    """Whether a person who says this name or address means this sensor."""
    advert = sensor.advert
    return name.lower() in (advert.address.lower(), advert.name.lower())


def choose(found: Sequence[Found], wanted: Sequence[str], say: Callable[[str], None]) -> list[Found]:
    """The sensors to use: the named ones, else the nearest of each kind."""
    usable = [sensor for sensor in found if sensor.driver]
    if wanted:
        named = (_named(usable, name) for name in wanted)
        chosen = list({sensor.advert.address: sensor for sensor in named}.values())
    else:
        chosen = _nearest(usable)
    for sensor in chosen:
        assert sensor.driver is not None
        others = 0 if wanted else sum(other.driver is sensor.driver for other in usable) - 1
        more = f" (the nearest of {others + 1}; --device ADDRESS chooses)" if others else ""
        advert = sensor.advert
        say(f"Found {advert.name or 'a sensor'} at {advert.address}: {sensor.driver.label}{more}")
    return chosen


def _nearest(usable: Sequence[Found]) -> list[Found]:
    """The nearest of each kind; they are ranked by signal strength. Raises DeviceError if there is none."""
    nearest: dict[str, Found] = {}
    for sensor in usable:
        assert sensor.driver is not None
        nearest.setdefault(sensor.driver.name, sensor)
    if not nearest:
        raise DeviceError(
            "no supported sensor found: wear it and wet the strap's electrodes, close other apps that "
            "use it, then try again (`vagal devices` shows what is in reach)"
        )
    return list(nearest.values())


def _named(usable: Sequence[Found], name: str) -> Found:
    meant = [sensor for sensor in usable if _is_named(sensor, name)]
    if len(meant) == 1:
        return meant[0]
    if meant:
        addresses = ", ".join(sensor.advert.address for sensor in meant)
        raise DeviceError(f"{len(meant)} sensors are named {name!r}: choose one by its address ({addresses})")
    names = ", ".join(repr(sensor.advert.name) for sensor in usable) or "none"
    raise DeviceError(f"no supported sensor named {name!r} in reach (found: {names})")
