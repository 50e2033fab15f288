"""What the web server takes of a core, and whether one page that never reads keeps others waiting.

A session's messages are taken once from a real recorder and its feed; servers in a process of their own tell
them again, each at its own second, to pages that listen from this process.
"""

from __future__ import annotations

import asyncio
import heapq
import json
import multiprocessing
import socket
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
from websockets.asyncio.client import ClientConnection, connect

from devices.virtual.scenario import Scenario
from flows.recording import Recorder
from flows.web.feed import Feed
from flows.web.hub import Role
from flows.web.library import Library
from flows.web.server import Server
from pipeline.model import Floats
from pipeline.store import Home
from tests.flows.rooms import play, resting
from tests.flows.web.house import FakeControl

SCENE = Scenario("load", "load", "load", ("polar_h10", "healthypi_move"))  # RR, ECG at 130 Hz, skin
SESSIONS = 20
READERS = 100
IDLE_S, SHARE_S = 3.0, 10.0
ROUNDS, ROUND_S = 7, 1.0  # together less than a server waits for a page that takes nothing

_SETTLED_S, _TAPE_S = 20.0, 60.0
_FLOOD_BYTES, _FLOODS, _FLOOD_EVERY_S = 200_000, 40, 0.02
_RECEIVED_BYTES = 4096
_ARRIVED_S = 0.1
_ANSWER_S = 60.0


@dataclass(frozen=True, slots=True)
class Message:
    """What a session published, and at which of its seconds."""

    time_s: float
    topic: str
    data: Any


def messages() -> list[Message]:
    """A minute of what a settled session with RR, ECG and skin conductance publishes."""
    published: list[Message] = []

    def publish(topic: str, data: Any, time_s: float | None, _: float) -> None:
        assert time_s is not None
        published.append(Message(time_s, topic, json.loads(json.dumps(data))))

    async def attend(recorder: Recorder) -> None:
        await Feed(publish).attend(recorder)

    with tempfile.TemporaryDirectory() as home:
        play(Path(home), resting(_SETTLED_S + _TAPE_S), scene=SCENE, attend=attend)
    return [each for each in published if _SETTLED_S <= each.time_s < _SETTLED_S + _TAPE_S]


# ---- Servers, in a process of their own ----


@dataclass(frozen=True, slots=True)
class Order:
    """What the servers' process is to do: publish for some seconds, or only wait, or first flood its pages.

    With `only`, it is that one of the servers.
    """

    seconds: float
    publish: bool = True
    flood: bool = False
    only: int | None = None


def serve(sessions: int, tape: Sequence[Message], pipe: Connection) -> None:
    """Run a server for each session and follow orders; each is answered with the share of a core it took."""
    with tempfile.TemporaryDirectory() as home:
        servers = [Server(Library(Home(Path(home) / str(n))), FakeControl(), 0) for n in range(sessions)]
        for server in servers:
            server.start()
        try:
            pipe.send([server.ticket(Role.OPERATOR, "/live") for server in servers])
            while (order := pipe.recv()) is not None:
                asked = servers if order.only is None else [servers[order.only]]
                for server in asked if order.flood else ():
                    _flood(server)
                pipe.send(_share(asked, tape if order.publish else (), order.seconds))
        finally:
            for server in servers:
                server.stop()


def _share(servers: Sequence[Server], tape: Sequence[Message], seconds: float) -> float:
    """The share of a core that the web threads take, and publishing does: not what makes the messages."""
    threads = [each for each in threading.enumerate() if each.name == "vagal-web"]
    clocks = [time.pthread_getcpuclockid(each.ident) for each in threads if each.ident is not None]
    before_s = sum(map(time.clock_gettime, clocks))
    began_s = time.perf_counter()
    published_s = _publish(servers, tape, began_s + seconds)
    time.sleep(max(began_s + seconds - time.perf_counter(), 0.0))
    spent_s = sum(map(time.clock_gettime, clocks)) - before_s + published_s
    return spent_s / (time.perf_counter() - began_s)


def _publish(servers: Sequence[Server], tape: Sequence[Message], until_s: float) -> float:
    """Tell each session's messages when they are due, no two sessions in step; CPU seconds that took."""
    if not tape:
        return 0.0
    began_s, spent_s = time.perf_counter(), 0.0
    first = [len(tape) * number // len(servers) for number in range(len(servers))]
    due = [(began_s, number, start) for number, start in enumerate(first)]
    heapq.heapify(due)
    while due and due[0][0] < until_s:
        due_s, number, at = heapq.heappop(due)
        time.sleep(max(due_s - time.perf_counter(), 0.0))
        each, following = tape[at], tape[(at + 1) % len(tape)]
        spent_s -= time.thread_time()
        servers[number].publish(each.topic, each.data, each.time_s)
        spent_s += time.thread_time()
        wait_s = (following.time_s - each.time_s) % _TAPE_S
        heapq.heappush(due, (due_s + wait_s, number, (at + 1) % len(tape)))
    return spent_s


def _flood(server: Server) -> None:
    """More than the buffers between a server and a page that does not read can hold."""
    for _ in range(_FLOODS):
        server.publish("lobby", {"filling": "x" * _FLOOD_BYTES})
        time.sleep(_FLOOD_EVERY_S)
    server.publish("lobby", None)
    time.sleep(_FLOOD_EVERY_S)


@dataclass(frozen=True, slots=True)
class Served:
    """The servers of the other process: the address and cookie of each, and a line for orders."""

    doors: Sequence[tuple[str, str]]
    pipe: Connection

    async def does(self, order: Order) -> float:
        """Have an order followed; the share of a core that took."""
        self.pipe.send(order)
        share: float = await asyncio.to_thread(self.pipe.recv)
        return share


@asynccontextmanager
async def served(sessions: int, tape: Sequence[Message]) -> AsyncIterator[Served]:
    """So many servers in another process, ended with it."""
    ours, theirs = multiprocessing.Pipe()
    spawning = multiprocessing.get_context("spawn")
    process = spawning.Process(target=serve, args=(sessions, tape, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        yield Served([_let_in(ticket) for ticket in await asyncio.to_thread(ours.recv)], ours)
    finally:
        with suppress(OSError):
            ours.send(None)
        await asyncio.to_thread(process.join, _ANSWER_S)
        process.kill()
        ours.close()


def _let_in(ticket: str) -> tuple[str, str]:
    """Host and cookie header of a page that came in by a ticket."""
    with httpx.Client() as browser:
        assert browser.get(ticket).status_code == 200
        cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    return urlsplit(ticket).netloc, cookie


# ---- Pages that listen ----


def page(door: tuple[str, str], **how: Any) -> connect:
    """The socket of a leading screen."""
    host, cookie = door
    return connect(
        f"ws://{host}/socket?role=operator",
        origin=f"http://{host}",  # type: ignore[arg-type]
        additional_headers={"Cookie": cookie},
        compression=None,
        ping_interval=None,
        proxy=None,
        **how,
    )


async def listen(to: ClientConnection, late_ms: list[float]) -> None:
    """Note how late each message of a session is, until cancelled."""
    async for text in to:
        now_ms = time.time() * 1000
        head = str(text)[:200]
        if '"topic":"tick"' not in head and '"topic":"snapshot"' not in head:
            late_ms.append(now_ms - float(head.partition('"at":')[2].partition(",")[0]))


@asynccontextmanager
async def listening(doors: Sequence[tuple[str, str]]) -> AsyncIterator[list[float]]:
    """Pages that listen; how late their messages are, in ms."""
    late_ms: list[float] = []
    async with AsyncExitStack() as open_pages:
        pages = [await open_pages.enter_async_context(page(door)) for door in doors]
        ears = [asyncio.create_task(listen(each, late_ms)) for each in pages]
        try:
            yield late_ms
        finally:
            for ear in ears:
                ear.cancel()
            await asyncio.gather(*ears, return_exceptions=True)


@asynccontextmanager
async def never_reading(to: Served, number: int) -> AsyncIterator[ClientConnection]:
    """A page of that server which came in and takes nothing, with all buffers on the way to it full."""
    host, _, port = to.doors[number][0].partition(":")
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVED_BYTES)
    line.connect((host, int(port)))
    line.setblocking(False)
    async with page(to.doors[number], sock=line, max_queue=1, close_timeout=1) as stuck:
        await to.does(Order(0.0, publish=False, flood=True, only=number))
        yield stuck


async def was_stuck(reader: ClientConnection) -> bool:
    """Whether a page that reads at last finds that it fell behind: it gets a second snapshot."""
    snapshots = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(5.0):
            async for text in reader:
                snapshots += '"topic":"snapshot"' in str(text)[:200]
                if snapshots == 2:
                    return True
    return False


# ---- Figures ----


async def server_share(sessions: int, tape: Sequence[Message]) -> tuple[float, float]:
    """The share of a core for so many sessions with a page each, beyond idle servers; and that of those."""
    async with served(sessions, tape) as servers, listening(servers.doors) as late_ms:
        idle = await servers.does(Order(IDLE_S, publish=False))
        busy = await servers.does(Order(SHARE_S))
        assert len(late_ms) > sessions * SHARE_S, "the pages were told too little"
    return busy - idle, idle


async def delays_ms(tape: Sequence[Message]) -> tuple[list[Floats], list[Floats]]:
    """How late messages come to a hundred pages, and to 99 of which one more never reads; round by round."""
    async with (
        served(2, tape) as servers,
        never_reading(servers, 1) as stuck,
        listening([servers.doors[0]] * READERS) as all_ms,
        listening([servers.doors[1]] * (READERS - 1)) as others_ms,
    ):
        rounds: tuple[list[Floats], list[Floats]] = ([], [])
        for _ in range(ROUNDS):
            for number, late_ms in enumerate((all_ms, others_ms)):
                late_ms.clear()
                await servers.does(Order(ROUND_S, only=number))
                await asyncio.sleep(_ARRIVED_S)
                rounds[number].append(np.array(late_ms))
        assert await was_stuck(stuck), "the page that does not read was not held up"
    assert all(len(each) > READERS for each in (*rounds[0], *rounds[1])), "the pages were told too little"
    return rounds


@dataclass(frozen=True, slots=True)
class Load:
    """Shares of a core; and delays in ms, an array for each round."""

    one: float
    one_idle: float
    twenty: float
    twenty_idle: float
    all_ms: Sequence[Floats]
    others_ms: Sequence[Floats]


def load() -> Load:
    """Measure all of this; about a minute."""
    tape = messages()
    one, one_idle = asyncio.run(server_share(1, tape))
    twenty, twenty_idle = asyncio.run(server_share(SESSIONS, tape))
    return Load(one, one_idle, twenty, twenty_idle, *asyncio.run(delays_ms(tape)))
