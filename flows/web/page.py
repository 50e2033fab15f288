"""The live page of this process: the server, and which session its pages may act in.

The server lives on a thread with a loop of its own. What a page asks for is done on the recorder's loop, and
its answer carried back.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from flows.conduct.actions import act
from flows.conduct.conductor import Stage
from flows.recording import Plan, Recorder
from flows.web.feed import Feed, about
from flows.web.hub import Role
from flows.web.library import Library
from flows.web.lobby import Lobby
from flows.web.server import Server
from pipeline.errors import InputError, InUseError, UsageError
from pipeline.guidance.protocol import Setting
from pipeline.language import text
from pipeline.store import Home

T = TypeVar("T")

_OVER = (Stage.SEALING, Stage.ENDED, Stage.FAILED)
_AFTERWARDS = ("goal", "next_step", "threshold")  # of the client, not of the session
_CLIENT_ACTS, _CLIENT_WINDOW_S = 20, 5.0
_ANSWER_S = 15.0  # the recorder answers at once, but for the seconds in which it seals


class Page:
    """The web app beside one recorder's loop, for one session after the other."""

    def __init__(self, home: Home, *, port: int | None = None, lan: str | None = None) -> None:
        """Listen. Raises DeviceError if that is not possible."""
        self.server = Server(Library(home), self, port, lan)
        self.lobby: Lobby | None = None
        self._recorder: Recorder | None = None
        self._feed: Feed | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._client_acts: deque[float] = deque()
        self.server.start()

    def close(self) -> None:
        """Take leave of every page, once all of the session is kept."""
        self._close_feed()
        self.server.stop()

    def _close_feed(self) -> None:
        if self._feed is not None:
            self._feed.close()

    def use(self, loop: asyncio.AbstractEventLoop) -> None:
        """Do what pages ask for on this loop."""
        self._loop = loop

    def begin(self, loop: asyncio.AbstractEventLoop, speed: float, home: Home, client: str) -> None:
        """Be ready for a session of this client; what the pages show of another is forgotten."""
        self.use(loop)
        self._recorder = None
        self._close_feed()
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
        except asyncio.CancelledError:  # the recording is over
            recorder.conductor.to(Stage.SEALING, recorder.conductor.message)
            self._feed.ended(recorder, None)
            raise
        except Exception:
            self.server.restart()  # rather nothing than old values
            raise

    def ended(self, report: Path | None, message: str | None = None) -> None:
        """Tell how the session ended: with a report, or what went wrong."""
        recorder = self._recorder
        if recorder is None or self._feed is None:
            return
        recorder.conductor.to(
            Stage.ENDED if report is not None else Stage.FAILED, message or recorder.conductor.message
        )
        url = f"/report/{recorder.plan.client}/{recorder.folder.name}" if report is not None else None
        self._feed.ended(recorder, url)

    def refused(self, plan: Plan, message: str) -> None:
        """Tell that a session failed, whether it had begun or not."""
        if self._recorder is not None:
            self.ended(None, message)
        elif self._feed is not None:
            self._feed.refused(plan, message)

    async def start(self, facts: Mapping[str, Any]) -> Mapping[str, Any]:
        """Start a session; where its page is."""
        return await self._on_loop(lambda: self._start(facts))

    def _start(self, facts: Mapping[str, Any]) -> Mapping[str, Any]:
        if self.lobby is None:
            raise InUseError(text("web.refused.running"))
        chosen = self.lobby.start(facts)
        return {"url": "/practice" if chosen.plan.protocol.setting is Setting.HOME else "/live"}

    async def act(self, role: Role, facts: Mapping[str, Any]) -> Mapping[str, Any]:
        """Do what a page asks for in the running session."""
        return await self._on_loop(lambda: self._act(role, facts))

    def _act(self, role: Role, facts: Mapping[str, Any]) -> Mapping[str, Any]:
        if self._recorder is None:
            raise UsageError(text("web.refused.no_session"))
        conductor = self._recorder.conductor
        if conductor.stage in _OVER and facts.get("do") not in _AFTERWARDS:
            raise UsageError(text("web.refused.over_now"))
        if facts.get("session") not in (None, self._recorder.folder.name):
            raise UsageError(text("web.refused.other_session"))
        if role is Role.CLIENT:
            self._pace_client()
        try:
            act(conductor, facts, as_client=role is Role.CLIENT)
            if conductor.stage in _OVER and self._feed is not None:
                self._feed.tell_now(self._recorder)
        except OSError as error:
            raise InputError(text("web.refused.disk", why=error.strerror)) from error
        return {}

    def _pace_client(self) -> None:
        """Refuse what no person can tap: each action costs the recorder a little."""
        now_s = time.monotonic()
        while self._client_acts and self._client_acts[0] < now_s - _CLIENT_WINDOW_S:
            self._client_acts.popleft()
        if len(self._client_acts) >= _CLIENT_ACTS:
            raise UsageError(text("web.refused.taps"))
        self._client_acts.append(now_s)

    async def _on_loop(self, what: Callable[[], T]) -> T:
        """Do something on the recorder's loop. Raises UsageError where there is none, or no longer.

        What nobody waits for any more is not done.
        """
        done: Future[T] = Future()

        def do() -> None:
            if not done.set_running_or_notify_cancel():
                return
            try:
                done.set_result(what())
            except BaseException as error:
                done.set_exception(error)

        if self._loop is None:
            raise UsageError(text("web.refused.not_ready"))
        try:
            self._loop.call_soon_threadsafe(do)
        except RuntimeError:
            raise UsageError(text("web.refused.over")) from None
        try:
            return await asyncio.wait_for(asyncio.wrap_future(done), _ANSWER_S)
        except TimeoutError:
            raise UsageError(text("web.refused.no_answer")) from None
