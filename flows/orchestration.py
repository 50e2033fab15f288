"""Prefect's settings, put in place once and before Prefect is imported.

Prefect keeps a record of what ran; it is never needed for a recording or a report. Everything it
stores lies in the home folder, and nothing is sent anywhere. Where `vagal up` runs, its server is used.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from flows.up.place import Place

SETTINGS = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",  # 20 s is not enough on a busy machine
    # The plain functions are always at hand: better to do without Prefect soon than to ask it for minutes.
    "PREFECT_CLIENT_MAX_RETRIES": "1",
    "PREFECT_API_REQUEST_TIMEOUT": "10",
    "PREFECT_RESULTS_DEFAULT_SERIALIZER": "json",  # the default unpickles what it finds
    "PREFECT_LOGGING_LEVEL": "WARNING",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    "PREFECT_CLI_COLORS": "false",
}


def configure(home: Path) -> None:
    """Set Prefect's environment, leaving alone what the user has set (a server of their own, say).

    The folder is made, as Prefect makes no folder above its own and then waits for its database in vain.
    """
    folder = Path(os.environ.setdefault("PREFECT_HOME", str(home / "prefect")))
    with suppress(OSError):  # Prefect then says what is wrong with it
        folder.mkdir(parents=True, exist_ok=True)
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    server = Place(home).prefect_server()
    if server is not None and "PREFECT_API_URL" not in os.environ:
        os.environ["PREFECT_API_URL"], os.environ["PREFECT_API_AUTH_STRING"] = server
