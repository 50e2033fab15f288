"""Prefect's deployment of the watched folder: each arrival is a run of it, in a process of its own.

    python -m flows.up.deployment HOME FOLDER

Prefect is told an arrival's id, which says nothing of the client or the file, and what kind of end it
had. It keeps the record; the ledger knows what is done. Without a server this ends, and is started anew.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from flows.up.ledger import Ledger
from flows.up.place import Place
from flows.up.readiness import TOUCH_EVERY_S, touch
from flows.up.tether import tether

_POLL_S = 2.0


async def serve(home: Path) -> None:
    """Serve the deployment until the server is gone."""
    from prefect.client.orchestration import get_client
    from prefect.runner import Runner
    from prefect.types.entrypoint import EntrypointType

    from flows.up.arrival_flow import arrival

    await _server_there()
    runner = Runner(name="vagal", query_seconds=_POLL_S, limit=1, pause_on_shutdown=False)
    deployment = await runner.aadd_flow(arrival, name="inbox", entrypoint_type=EntrypointType.MODULE_PATH)
    async with get_client() as client:
        work = (runner.start(), _submit(client, deployment, home))
        serving = [asyncio.ensure_future(each) for each in work]
        done, _ = await asyncio.wait(serving, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()


async def _server_there() -> None:
    """Wait until the server answers; the process that started this one decides for how long."""
    from prefect.client.orchestration import get_client

    async with get_client() as client:
        while await client.api_healthcheck() is not None:
            await asyncio.sleep(1)


async def _submit(client: Any, deployment: Any, home: Path) -> None:
    """Ask for a run for each arrival that waits, once; raises what the client raises if it is gone."""
    ledger = Ledger(Place(home).ledger)
    while True:
        for arrival in await asyncio.to_thread(ledger.waiting):
            await client.create_flow_run_from_deployment(
                deployment,
                parameters={"arrival": arrival.id},
                name=arrival.id,
                idempotency_key=f"{arrival.id} {arrival.landed_s}",
            )
        if (trouble := await client.api_healthcheck()) is not None:
            raise trouble
        touch(home)
        await asyncio.sleep(TOUCH_EVERY_S)


def main(home: Path, folder: Path) -> int:
    """Serve until the process that started this one ends, or the server is gone; the exit code."""
    tether()
    os.environ.update(VAGAL_UP_HOME=str(home), VAGAL_UP_FOLDER=str(folder))  # for its runs
    asyncio.run(serve(home))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
