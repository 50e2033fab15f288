"""Prefect's settings, put in place once and before Prefect is imported.

Prefect keeps a record of what ran; it is never needed for a recording or a report. Everything it
stores lies in the home folder, and nothing is sent anywhere.
"""

from __future__ import annotations

import os
from pathlib import Path

_SETTINGS = {
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
    """Set Prefect's environment, leaving alone what the user has set (a server of their own, say)."""
    os.environ.setdefault("PREFECT_HOME", str(home / "prefect"))
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
