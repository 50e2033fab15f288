"""The flow of one arrival. It only calls, and tells Prefect neither names nor reasons.

Home and folder are in the environment, so that a run's parameters hold an id and no more.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from subprocess import TimeoutExpired
from typing import Any

from prefect import flow
from prefect.states import Completed, Failed

from flows.links import leave_link
from flows.reporting import PAGES
from flows.up.ledger import Ledger, State
from flows.up.place import Place
from flows.up.taking import LIMIT_S, start_taking
from pipeline.claims.claim import Audience
from pipeline.store import Home

HOME, FOLDER = "VAGAL_UP_HOME", "VAGAL_UP_FOLDER"

_ENDED = {
    State.IMPORTED: "imported",
    State.REFUSED: "not imported: vagal's page says why",
    State.WAITING: "not dealt with yet: it is tried again",
    None: "gone, or changed: it lands anew",
}


@flow(name="arrival", persist_result=False, retries=0)
def arrival(arrival: str) -> Any:
    """Import and report what landed, unless that was done."""
    home, folder = Path(os.environ[HOME]), Path(os.environ[FOLDER])
    process = start_taking(Home(home), folder, arrival)
    try:
        with suppress(TimeoutExpired):  # whose words hold the command, and that the folders
            process.wait(LIMIT_S)
    finally:
        process.kill()
        process.wait()
    found = Ledger(Place(home).ledger).read(arrival)
    message = _ENDED[found.state if found else None]
    if found is None or found.state is not State.IMPORTED:
        return Failed(message=message)
    assert found.session is not None
    page = Home(home).sessions_path / found.client / found.session / "derived" / PAGES[Audience.CLINICIAN]
    if page.is_file():
        leave_link(
            home,
            page,
            f"report {found.session}",
            text="Session report",
            description=f"`vagal report {found.session}` says where it lies.",
        )
    return Completed(message=message)
