"""A room to record in without hardware: a virtual radio, and someone who wears virtual sensors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from devices.connection import Radio
from devices.virtual.catalogue import virtual_sensor
from devices.virtual.client import SimulatedClient
from devices.virtual.peripheral import Body, Peripheral
from devices.virtual.radio import VirtualRadio
from devices.virtual.scenario import DEFAULT, Place, Scenario, scenario, unfold
from devices.virtual.traits import Traits
from devices.virtual.wearing import Wearing
from pipeline.clock import Clock


@dataclass(frozen=True, slots=True)
class Furnished:
    """What is worn, and the radio to reach it with."""

    sensors: Sequence[Peripheral]
    air: VirtualRadio

    @property
    def radio(self) -> Radio:
        return self.air.radio


@dataclass(frozen=True, slots=True)
class Room(Furnished):
    """The same with the simulated client who is there."""

    client: SimulatedClient


@asynccontextmanager
async def simulated_room(
    clock: Clock, seed: int = 1, traits: Traits | None = None, scene: Scenario | None = None
) -> AsyncIterator[Room]:
    """A room in which the sensors of a scenario stream for as long as it is open, and its faults happen."""
    client = SimulatedClient(seed, traits or Traits(), start_s=clock.now())
    async with room_of(clock, client, scene or scenario(DEFAULT)) as room:
        yield Room(room.sensors, room.air, client)


@asynccontextmanager
async def room_of(clock: Clock, body: Body, scene: Scenario) -> AsyncIterator[Furnished]:
    """The same for any body."""
    async with AsyncExitStack() as stack:
        air = await stack.enter_async_context(VirtualRadio())
        worn = [Wearing(body) for _ in scene.sensors]
        sensors = [
            virtual_sensor(name, number, air, clock, wearing)
            for number, (name, wearing) in enumerate(zip(scene.sensors, worn, strict=True))
        ]
        for sensor in sensors:
            await stack.enter_async_context(sensor)
        happening = [
            unfold(fault, Place(sensors[fault.sensor], worn[fault.sensor], air, clock, fault.amount))
            for fault in scene.faults
        ]
        tasks = [asyncio.create_task(work) for work in (*happening, *(sensor.run() for sensor in sensors))]
        try:
            yield Furnished(sensors, air)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
