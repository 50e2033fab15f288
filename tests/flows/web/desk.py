"""The leading screen of `vagal live` without a browser: what it asks for, and what it is told."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from flows.surroundings import Source, Surroundings
from flows.web.hosting import host
from flows.web.lobby import Defaults
from flows.web.page import Page
from pipeline.clock import Clock
from pipeline.store import Home
from tests.flows.web.house import cookies

PATIENCE_S = 180.0  # for one condition, on a machine that is busy with other things
SPEED = 40.0

SHORT = """
title = "Short"
summary = "One step."
opening = "You can stop or skip any task."

[[step]]
name = "Baseline"
kind = "baseline"
duration_s = 90
instruction = "Sit quietly."
"""


@dataclass
class Desk:
    """A screen that is signed in, as `role`. `state` is the latest of each topic."""

    browser: httpx.Client
    socket: Connection
    role: str
    state: dict[str, Any] = field(default_factory=dict)

    def post(self, path: str, facts: Mapping[str, Any]) -> tuple[int, Any]:
        """Status and answer of a write."""
        answer = self.browser.post(path, json=dict(facts))
        return answer.status_code, answer.json()

    def start(self, client: str = "me", protocol: str = "short", **more: Any) -> tuple[int, Any]:
        return self.post("/api/start", {"client": client, "protocol": protocol, **more})

    def act(self, do: str, **facts: Any) -> str | None:
        """Do something in the session; the line with which it was refused."""
        status, answer = self.post(f"/api/act?role={self.role}", {"do": do, **facts})
        assert status in (200, 400), answer
        return None if status == 200 else str(answer["error"])

    def until(self, topic: str, condition: Callable[[Any], object]) -> Any:
        """Wait until the latest of a topic is so."""
        ends_s = time.monotonic() + PATIENCE_S
        while not (self.state.get(topic) and condition(self.state[topic])):
            assert time.monotonic() < ends_s, f"waited in vain; {topic} is {self.state.get(topic)}"
            message = json.loads(self.socket.recv(timeout=PATIENCE_S))
            if message["topic"] == "snapshot":
                self.state = dict(message["data"])
            else:
                self.state[message["topic"]] = message["data"]
        return self.state[topic]

    def ready(self) -> Any:
        """Wait until a session can be started; the lobby."""
        return self.until("lobby", lambda lobby: lobby["state"] == "ready" and not lobby["running"])

    def stage(self, *states: str) -> Any:
        """Wait until the session is in one of these states; the session."""
        return self.until("session", lambda session: session["state"] in states)

    def whole(self, client: str = "me") -> Any:
        """Start the short session, go through it and see its report; the session."""
        self.ready()
        assert self.start(client) == (200, {"ok": True, "url": "/live"})
        self.stage("opening")
        assert self.act("begin") is None
        return self.stage("ended", "failed")


@contextmanager
def at_desk(link: str) -> Iterator[Desk]:
    """The leading screen, let in by a link that works once."""
    parts = urlsplit(link)
    with httpx.Client(base_url=f"{parts.scheme}://{parts.netloc}", timeout=PATIENCE_S) as browser:
        assert browser.get(parts.path).status_code == 200
        with _signed_in(browser, "operator") as desk:
            yield desk


@contextmanager
def second_screen(desk: Desk) -> Iterator[Desk]:
    """The client's own screen, let in by the code on the leading one."""
    code = desk.browser.get("/api/invite").json()["code"]
    with httpx.Client(base_url=desk.browser.base_url, timeout=PATIENCE_S) as browser:
        headers = {"Origin": _origin(browser)}
        assert browser.post("/join", json={"code": code}, headers=headers).status_code == 200
        with _signed_in(browser, "client") as screen:
            yield screen


@contextmanager
def _signed_in(browser: httpx.Client, role: str) -> Iterator[Desk]:
    origin = _origin(browser)
    token = browser.get(f"/api/me?role={role}").json()["csrf"]
    browser.headers.update({"Origin": origin, "X-Vagal-CSRF": token})
    url = origin.replace("http", "ws", 1) + f"/socket?role={role}"
    how: dict[str, Any] = {
        "origin": origin,
        "additional_headers": {"Cookie": cookies(browser)},
        "proxy": None,
        "open_timeout": PATIENCE_S,
        "ping_interval": None,  # a busy machine is no lost link
        "max_size": None,
    }
    with connect(url, **how) as socket:
        yield Desk(browser, socket, role)


def _origin(browser: httpx.Client) -> str:
    return str(browser.base_url).rstrip("/")


@dataclass
class Hosted:
    """`vagal live` in this process, as what happens at its desk sees it."""

    page: Page
    said: list[str]
    failed: list[BaseException] = field(default_factory=list)


def hosted(
    home: Path,
    source: Source,
    happening: Callable[[Desk, Hosted], None],
    *,
    defaults: Defaults | None = None,
    speed: float = SPEED,
) -> list[str]:
    """Host sessions on this thread, while `happening` goes on at the desk; then Ctrl-C. What it said."""
    write_protocol(home, "short", SHORT)
    opened, here = threading.Event(), threading.get_ident()

    @asynccontextmanager
    async def opening(clock: Clock) -> AsyncIterator[Surroundings]:
        async with source.open(clock) as around:
            opened.set()
            yield around

    def beside() -> None:
        try:
            assert opened.wait(PATIENCE_S)
            with at_desk(running.page.url()) as desk:
                happening(desk, running)
        except BaseException as error:
            running.failed.append(error)
        finally:
            signal.pthread_kill(here, signal.SIGINT)

    with closing(Page(Home(home), port=0)) as page:
        running = Hosted(page, [])
        thread = threading.Thread(target=beside, daemon=True)
        thread.start()
        host(
            page,
            Home(home),
            replace(source, open=opening),
            defaults or Defaults(protocol="short"),
            speed=speed,
            say=running.said.append,
        )
        thread.join(PATIENCE_S)
    for error in running.failed:
        raise error
    return running.said


def write_protocol(home: Path, name: str, text: str) -> Path:
    """A protocol of one's own in a home."""
    path = home / "protocols" / f"{name}.toml"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def processes_about(path: Path) -> list[str]:
    """The command lines of other processes that name a path, and have not ended."""
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = process.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it ended
            continue
        if str(path) in command:
            found.append(command)
    return found
