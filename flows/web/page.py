"""The live page of this process: the server, and which session its pages may act in.

The server lives on a thread with a loop of its own. What a page asks for is done on the recorder's loop, and
its answer carried back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from flows.conduct.actions import act
from flows.conduct.conductor import Stage
from flows.recording import Recorder
from flows.web.feed import Feed, about
from flows.web.hub import Role
from flows.web.library import Library
from flows.web.lobby import Lobby
from flows.web.server import Server
from pipeline.errors import InputError, InUseError, UsageError
from pipeline.guidance.protocol import Setting
from pipeline.store import Home

T = TypeVar("T")


class Page:
    """The web app beside one recorder's loop, for one session after the other."""

    def __init__(self, home: Home, *, port: int | None = None, lan: str | None = None) -> None:
        """Listen. Raises DeviceError if that is not possible."""
        self.server = Server(Library(home), self, port, lan)
        self.lobby: Lobby | None = None
        self._recorder: Recorder | None = None
        self._feed: Feed | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.server.start()

    def close(self) -> None:
        """Take leave of every page."""
        self.server.stop()

    def use(self, loop: asyncio.AbstractEventLoop) -> None:
        """Do what pages ask for on this loop."""
        self._loop = loop

    def begin(self, loop: asyncio.AbstractEventLoop, speed: float, home: Home, client: str) -> None:
        """Be ready for a session of this client; what the pages show of another is forgotten."""
        self.use(loop)
        self.server.restart()
        self._feed = Feed(self.server.publish, speed, about(home, client))

    def publish(self, topic: str, data: Any) -> None:
        """Tell the pages something that belongs to no moment of a session."""
        self.server.publish(topic, data)

    def url(self, target: str = "/") -> str:
        """An address of the leading screen that works once."""
        return self.server.ticket(Role.OPERATOR, target)

    @property
    def watched(self) -> bool:
        """Whether any page is open."""
        return any(self.server.readers().values())

    async def attend(self, recorder: Recorder) -> None:
        """Let the pages see and lead a recording, until it is over."""
        assert self._feed is not None
        self._recorder = recorder
        try:
            await self._feed.attend(recorder)
        finally:
            recorder.conductor.to(Stage.SEALING)
            self._feed.ended(recorder, None)

    def ended(self, report: Path | None, message: str | None = None) -> None:
        """Tell how the session ended: with a report, or what went wrong."""
        recorder, self._recorder = self._recorder, None
        if recorder is None or self._feed is None:
            return
        recorder.conductor.to(Stage.ENDED if report is not None else Stage.FAILED, message)
        url = f"/report/{recorder.plan.client}/{recorder.folder.name}" if report is not None else None
        self._feed.ended(recorder, url)

    async def start(self, facts: Mapping[str, Any]) -> Mapping[str, Any]:
        """Start a session; where its page is."""
        return await self._on_loop(lambda: self._start(facts))

    def _start(self, facts: Mapping[str, Any]) -> Mapping[str, Any]:
        if self.lobby is None:
            raise InUseError("a session is running already: go to it, or end it first")
        chosen = self.lobby.start(facts)
        return {"url": "/practice" if chosen.plan.protocol.setting is Setting.HOME else "/live"}

    async def act(self, role: Role, facts: Mapping[str, Any]) -> Mapping[str, Any]:
        """Do what a page asks for in the running session."""
        return await self._on_loop(lambda: self._act(role, facts))

    def _act(self, role: Role, facts: Mapping[str, Any]) -> Mapping[str, Any]:
        if self._recorder is None:
            raise UsageError("no session is running")
        try:
            act(self._recorder.conductor, facts, as_client=role is Role.CLIENT)
        except OSError as error:
            raise InputError(f"the disk cannot be written ({error.strerror}): make room") from error
        return {}

    async def _on_loop(self, what: Callable[[], T]) -> T:
        async def do() -> T:
            return what()

        if self._loop is None:
            raise UsageError("vagal is not ready yet: try again in a moment")
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(do(), self._loop))
