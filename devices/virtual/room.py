"""A room to record in without hardware: a virtual radio, and a simulated client who wears two sensors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from devices.connection import Radio
from devices.virtual.client import SimulatedClient
from devices.virtual.healthypi_move import VirtualHealthyPiMove
from devices.virtual.peripheral import Peripheral
from devices.virtual.radio import VirtualRadio
from devices.virtual.strap import VirtualStrap
from devices.virtual.traits import Traits
from pipeline.clock import Clock


@dataclass(frozen=True, slots=True)
class Room:
    """Who is there, what they wear, and the radio to reach it with."""

    client: SimulatedClient
    sensors: Sequence[Peripheral]
    air: VirtualRadio

    @property
    def radio(self) -> Radio:
        return self.air.radio


@asynccontextmanager
async def simulated_room(clock: Clock, seed: int = 1, traits: Traits | None = None) -> AsyncIterator[Room]:
    """A room in which a strap and a skin sensor stream for as long as it is open."""
    client = SimulatedClient(seed, traits or Traits(), start_s=clock.now())
    async with AsyncExitStack() as stack:
        air = await stack.enter_async_context(VirtualRadio())
        sensors = (VirtualStrap(air, clock, client), VirtualHealthyPiMove(air, clock, client))
        for sensor in sensors:
            await stack.enter_async_context(sensor)
        streaming = [asyncio.create_task(sensor.run()) for sensor in sensors]
        try:
            yield Room(client, sensors, air)
        finally:
            for task in streaming:
                task.cancel()
            await asyncio.gather(*streaming, return_exceptions=True)
