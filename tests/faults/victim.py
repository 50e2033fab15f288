"""A recorder to be killed: a simulated session that logs each notification before it goes on the air.

python -m tests.faults.victim HOME LOG SPEED
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from devices.connection import scan
from devices.virtual.peripheral import Sent
from devices.virtual.room import simulated_room
from flows.recording import Moment, Plan, Recorder, record
from pipeline.clock import Clock, run
from pipeline.guidance.protocol import protocol
from pipeline.store import Home


class Logged(list[Sent]):
    """A sensor's log that is on disk, as far as the kernel is concerned, before the radio has it."""

    def __init__(self, file: int) -> None:
        self._file = file

    def append(self, sent: Sent) -> None:
        os.write(self._file, f"{sent.channel} {sent.payload.hex()}\n".encode())


class Quiet:
    """A view that marks a moment now and then, and shows nothing."""

    def __init__(self) -> None:
        self.recorder: Recorder | None = None

    def begin(self, _: Plan, folder: Path) -> None:
        print(folder, flush=True)

    def show(self, moment: Moment) -> None:
        assert self.recorder is not None
        if int(moment.time_s) % 20 == 0:
            self.recorder.conductor.noted.mark("note", "every twenty seconds")

    def end(self) -> None:
        pass


def main(home: Path, log: Path, speed: float) -> None:
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    view = Quiet()

    def began(recorder: Recorder) -> None:
        view.recorder = recorder

    async def session(clock: Clock) -> None:
        async with simulated_room(clock) as room:
            for sensor in room.sensors:
                sensor.sent = Logged(file)
            sensors = await scan(room.radio, 5, until=lambda found: len(found) == len(room.sensors))
            plan = Plan("victim-1", protocol("guided-session"), sensors, simulated=True)
            await record(plan, Home(home), clock, room.radio, view, stop=asyncio.Event(), began=began)

    run(session, speed)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]))
