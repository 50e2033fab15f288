"""A simulated session for tests, as fast as the machine can."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from devices.connection import scan
from devices.drivers.registry import drivers
from devices.virtual.client import SimulatedClient
from devices.virtual.peripheral import Peripheral
from devices.virtual.room import Room, simulated_room
from devices.virtual.scenario import Scenario
from devices.virtual.traits import Traits
from flows.live import choose
from flows.recording import Attend, Moment, Plan, Recorder, View, record
from flows.surroundings import Source
from pipeline.clock import Clock, run
from pipeline.guidance.protocol import Protocol, Step
from pipeline.knowledge import data_path
from pipeline.model import PhaseKind, Recording
from pipeline.store import Home

FAST = float("inf")


@dataclass
class Watched:
    """A view that keeps what it was shown."""

    moments: list[Moment] = field(default_factory=list)
    recorder: Recorder | None = None

    def begin(self, plan: Plan, folder: Path) -> None:
        pass

    def show(self, moment: Moment) -> None:
        self.moments.append(moment)

    def end(self) -> None:
        pass


@dataclass(frozen=True)
class Played:
    """A session that was recorded, who was recorded, and when on the client's clock it began."""

    folder: Path
    recording: Recording
    client: SimulatedClient
    began_s: float
    view: Watched
    sensors: Sequence[Peripheral]
    said: list[str]


Happening = Callable[[Room, Recorder, asyncio.Event], Awaitable[None]]


def resting(seconds: float) -> Protocol:
    step = Step("Baseline", PhaseKind.BASELINE, seconds, "Sit quietly.")
    return Protocol("test", "Test", "A test.", "You can stop at any time.", (step,))


def play(
    home: Path,
    protocol: Protocol,
    *,
    happening: Happening | None = None,
    traits: Traits | None = None,
    seed: int = 1,
    client: str = "test-1",
    shown_by: View | None = None,
    scene: Scenario | None = None,
    wanted: Sequence[str] = (),
    speed: float = FAST,
    attend: Attend | None = None,
) -> Played:
    """Record a simulated session; `happening` runs beside it, with room, recorder and stop event."""
    view = Watched()

    async def main(clock: Clock) -> Played:
        async with simulated_room(clock, seed, traits, scene) as room:
            known = drivers(data_path() / "sensors")
            found = await scan(room.radio, 10, lambda found: len(found) == len(room.sensors), known)
            sensors = choose(found, wanted, said.append)
            stop, beside, began_s = asyncio.Event(), list[asyncio.Task[None]](), list[float]()

            def began(recorder: Recorder) -> None:
                view.recorder = recorder
                began_s.append(clock.now())
                if happening is not None:
                    beside.append(asyncio.ensure_future(happening(room, recorder, stop)))

            def hear(step: Step) -> None:
                room.client.hear(clock.now(), step.kind, step.pacer)

            plan = Plan(client, protocol, sensors, simulated=True)
            folder, recording = await record(
                plan,
                Home(home),
                clock,
                room.radio,
                shown_by or view,
                stop=stop,
                began=began,
                hear=hear,
                attend=attend,
            )
            for task in beside:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            return Played(folder, recording, room.client, began_s[0], view, room.sensors, said)

    said: list[str] = []
    return run(main, speed)


def play_source(home: Path, source: Source) -> Recording:
    """Record a source along its own protocol, without a companion."""
    assert source.protocol is not None
    plan_of = source.protocol

    async def main(clock: Clock) -> Recording:
        async with source.open(clock) as around:
            found = [] if around.capture else await scan(around.radio, 10, until=around.enough)
            plan = Plan("again-1", plan_of, [around.capture] if around.capture else found, simulated=True)
            stop = asyncio.Event()
            _, recording = await record(
                plan, Home(home), clock, around.radio, Watched(), stop=stop, hear=around.hear
            )
            return recording

    return run(main, FAST)
