"""Prefect's server as this computer's alone: where it listens, who may ask, and what it must not do.

    python -m flows.up.server

It listens on loopback, answers nobody without the secret, takes no write without a token of its own, lets no
web page read its answers, serves none, and sends nothing anywhere. All is said in the environment, which
outweighs whatever files a user has for Prefect; the command line, which others can see, holds no secret.
"""

from __future__ import annotations

import os
import runpy
import secrets
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flows import orchestration
from flows.up.tether import tether

HOST = "127.0.0.1"

# Nothing is scheduled, triggered, paused or left to workers here: a computer at rest should be at rest.
_UNUSED = (
    "SCHEDULER",
    "LATE_RUNS",
    "FOREMAN",
    "PAUSE_EXPIRATIONS",
    "TRIGGERS",
    "CANCELLATION_CLEANUP",
)


@dataclass(frozen=True, slots=True)
class Served:
    """Where the server listens, and what lets a client in: made anew at each start."""

    port: int
    secret: str

    @property
    def origin(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def api(self) -> str:
        return f"{self.origin}/api"


def new_server() -> Served:
    """A free port of loopback, and a secret that nobody can guess."""
    with socket.socket() as free:
        free.bind((HOST, 0))
        return Served(int(free.getsockname()[1]), f"vagal:{secrets.token_urlsafe(32)}")


def client_environment(home: Path, served: Served) -> dict[str, str]:
    """The environment of what talks to the server: nothing of Prefect's that the user has set elsewhere."""
    return {
        **_without_prefect(os.environ),
        **orchestration.SETTINGS,
        "PREFECT_HOME": str(home / "prefect"),
        "PREFECT_API_URL": served.api,
        "PREFECT_API_AUTH_STRING": served.secret,
        "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "true",
    }


def server_environment(home: Path, served: Served) -> dict[str, str]:
    """The environment of the server itself."""
    return {
        **client_environment(home, served),
        "PREFECT_SERVER_API_HOST": HOST,
        "PREFECT_SERVER_API_PORT": str(served.port),
        "PREFECT_SERVER_API_AUTH_STRING": served.secret,
        "PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "true",
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": served.origin,
        "PREFECT_SERVER_CORS_ALLOWED_METHODS": "GET",
        "PREFECT_SERVER_CORS_ALLOWED_HEADERS": "Authorization",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_UI_ENABLED": "false",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "PREFECT_SERVER_METRICS_ENABLED": "false",
        **{f"PREFECT_SERVER_SERVICES_{each}_ENABLED": "false" for each in _UNUSED},
    }


def _without_prefect(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if not name.startswith("PREFECT_")}


def main() -> None:
    """Run the server until the process that started this one ends."""
    tether()
    sys.argv = ["prefect", "server", "start"]
    runpy.run_module("prefect", run_name="__main__")


if __name__ == "__main__":
    main()
