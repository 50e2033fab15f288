"""A real server on loopback for tests, pages that are signed in to it, and what was asked of the recorder."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from flows.web.hub import Role
from flows.web.library import Library
from flows.web.server import Server
from pipeline.errors import InUseError, UsageError
from pipeline.store import Home

WAIT_S = 120.0  # only a hang takes so long
PAGE = "<!doctype html><title>A page</title>"


@dataclass
class FakeControl:
    """Keeps what was asked; refuses what is named so."""

    asked: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    async def start(self, facts: Mapping[str, Any]) -> Mapping[str, Any]:
        self.asked.append(("start", facts))
        if facts.get("client") == "busy":
            raise InUseError("a session is running")
        return {"session_id": "s-1"}

    async def act(self, role: Role, facts: Mapping[str, Any]) -> Mapping[str, Any]:
        self.asked.append((role, facts))
        if facts["do"] == "fail":
            raise RuntimeError("a fault with a secret in it")
        if facts["do"] != "mark":
            raise UsageError(f"there is no action {facts['do']!r}")
        return {"id": 7}


@dataclass
class House:
    """A running server and its recorder."""

    server: Server
    control: FakeControl
    home: Path

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def host(self) -> str:
        return self.url.partition("//")[2]

    @contextmanager
    def browser(self, role: Role | None) -> Iterator[httpx.Client]:
        """A client with the cookie of a role, or without any."""
        with httpx.Client(base_url=self.url, timeout=WAIT_S) as browser:
            if role is not None:
                assert browser.get(self.server.ticket(role, "/")).status_code == 200
            yield browser

    def socket(self, browser: httpx.Client, query: str, **how: Any) -> ClientConnection:
        """A page's socket, with its cookies."""
        url = self.url.replace("http", "ws", 1) + "/socket?" + query
        how.setdefault("origin", self.url)
        how.setdefault("ping_interval", None)  # a busy machine is no lost link
        headers = {"Cookie": cookies(browser), **how.pop("headers", {})}
        return connect(url, additional_headers=headers, proxy=None, open_timeout=WAIT_S, **how)


def cookies(browser: httpx.Client) -> str:
    return "; ".join(f"{name}={value}" for name, value in browser.cookies.items())


def csrf(browser: httpx.Client, role: Role) -> str:
    token: str = browser.get(f"/api/me?role={role}").json()["csrf"]
    return token


def writing(house: House, browser: httpx.Client, role: Role) -> dict[str, str]:
    """The headers of a write from our own page."""
    return {"Origin": house.url, "X-Vagal-CSRF": csrf(browser, role)}


def heard(socket: ClientConnection) -> Any:
    """The next message."""
    return json.loads(socket.recv(timeout=WAIT_S))


def news(socket: ClientConnection) -> Any:
    """The next message that says something."""
    while (message := heard(socket))["topic"] == "tick":
        pass
    return message


def until_closed(socket: ClientConnection) -> bool:
    """Listen to the end; that there was one."""
    try:
        while True:
            heard(socket)
    except ConnectionClosed:
        return True


def write_pages(folder: Path) -> Path:
    """A folder of pages, one of each kind."""
    folder.mkdir()
    for name in ("home", "clinician", "client", "join", "progress"):
        (folder / f"{name}.html").write_text(PAGE)
    (folder / "base.css").write_text("body { margin: 0 }")
    (folder / "net.js").write_text("export const x = 1;")
    return folder


@contextmanager
def served(home: Path, **how: Any) -> Iterator[House]:
    """A server that listens, on a free port unless one is given."""
    control = FakeControl()
    pages = home.parent / "pages"
    if not pages.exists():
        write_pages(pages)
    server = Server(Library(Home(home)), control, **{"port": 0, "pages": pages, **how})
    server.start()
    try:
        yield House(server, control, home)
    finally:
        server.stop()
