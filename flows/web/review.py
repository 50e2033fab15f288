"""The review app: one page to look at recordings and mark them, and the addresses it asks.

It tells nothing of whose a recording is, what it belongs to or what came of it: recordings are numbers. It
stands behind the same gate as the live page, and is served on this computer alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import Route

from flows.reviewing import Desk
from flows.web.app import Parts, answered, entrance, sent_facts, shown_page
from flows.web.browser import open_page
from flows.web.gate import Gate
from flows.web.hub import Role
from flows.web.library import Library
from flows.web.server import Server
from pipeline.errors import UsageError
from pipeline.store import Home

_POINTS = 1000
_LOOK_EVERY_S = 0.5


def review_app(desk: Desk) -> Callable[[Parts], Gate]:
    """The app of a rater's desk, for a server to make."""

    async def about(_: Request) -> Mapping[str, Any]:
        return await asyncio.to_thread(desk.about)

    async def recording(request: Request) -> Mapping[str, Any]:
        return await asyncio.to_thread(desk.recording, request.path_params["number"])

    async def part(request: Request) -> Mapping[str, Any]:
        asked = request.query_params
        try:
            start_s, end_s = float(asked["start_s"]), float(asked["end_s"])
            points = int(asked.get("points", _POINTS))
        except (KeyError, ValueError):
            raise HTTPException(400, "A part has start_s and end_s, in seconds.") from None
        return await asyncio.to_thread(desk.part, request.path_params["number"], start_s, end_s, points)

    async def mark(request: Request) -> Mapping[str, Any]:
        facts = await sent_facts(request)
        return await asyncio.to_thread(desk.mark, request.path_params["number"], facts)

    def app(parts: Parts) -> Gate:
        routes = [
            Route("/", shown_page(parts.pages / "review.html"), methods=["GET"]),
            Route("/api/review/recordings", answered(about)),
            Route("/api/review/{number:int}", answered(recording)),
            Route("/api/review/{number:int}/part", answered(part)),
            Route("/api/review/{number:int}/marks", answered(mark), methods=["POST"]),
            *entrance(parts),
        ]
        return Gate(Starlette(routes=routes), parts.sites, parts.tickets)

    return app


class _Nothing:
    """What a live page may ask of a recorder; here there is none."""

    async def start(self, _: Mapping[str, Any]) -> Mapping[str, Any]:
        raise UsageError("there is no recorder")

    async def act(self, _: Role, __: Mapping[str, Any]) -> Mapping[str, Any]:
        raise UsageError("there is no recorder")


@contextmanager
def review_server(home: Home, desk: Desk, port: int | None = None) -> Iterator[Server]:
    """A server of the review page that listens; it ends with the block. Raises DeviceError if it cannot."""
    server = Server(Library(home), _Nothing(), port, app=review_app(desk))
    server.start()
    try:
        yield server
    finally:
        server.stop()


def serve_review(server: Server, say: Callable[[str], None], *, open_browser: bool = True) -> None:
    """Say where the review page is, open it, and keep it up until Ctrl-C."""
    url = server.ticket(Role.OPERATOR, "/")
    if open_browser:
        open_page(url)
    say(f"Review page  {url}")
    say("Each mark is saved as it is made. Ctrl-C ends.")
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            time.sleep(_LOOK_EVERY_S)
