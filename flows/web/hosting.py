"""`vagal live` with its pages: a start page, a session, its report, and the start page again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from flows import companion
from flows.live import stop_on_signals
from flows.recording import Moment, Plan, Recorder, record
from flows.resonance import own_rate_bpm
from flows.surroundings import Source, Surroundings
from flows.web.browser import open_page
from flows.web.lobby import Chosen, Defaults, Lobby, keep_conditions
from flows.web.page import Page
from pipeline.clock import Clock, run
from pipeline.errors import VagalError
from pipeline.language import use
from pipeline.store import Home

Say = Callable[[str], None]

_LOOK_EVERY_S = 0.5


class _Quiet:
    """No view in the terminal: the pages are the view."""

    def begin(self, plan: Plan, folder: Path) -> None:
        pass

    def show(self, moment: Moment) -> None:
        pass

    def end(self) -> None:
        pass


def host(
    page: Page, home: Home, source: Source, defaults: Defaults, *, speed: float | None, say: Say = print
) -> None:
    """Serve start page and sessions until Ctrl-C; a session that runs then is ended and reported first."""

    async def main(clock: Clock) -> None:
        page.use(asyncio.get_running_loop())
        with stop_on_signals() as stop:
            while not stop.is_set():
                async with source.open(clock) as around:
                    await _one_round(page, home, around, defaults, clock, stop, say)

    _offer_links(page, say)
    with use(page.server.catalogue):
        run(main, speed)


def _offer_links(page: Page, say: Say) -> None:
    """Say a new link whenever somebody presses Enter: one works once, and a browser may lose its cookie."""
    if sys.stdin is None or not sys.stdin.isatty():
        return
    terminal = sys.stdin.fileno()
    if hasattr(signal, "SIGTTIN"):  # in the background, reading must fail, not stop a recording
        signal.signal(signal.SIGTTIN, signal.SIG_IGN)

    def offer() -> None:
        with contextlib.suppress(OSError):
            while os.read(terminal, 1024):
                say(f"Live page  {page.url()}")

    threading.Thread(target=offer, name="vagal-terminal", daemon=True).start()
    say("Press Enter here for a new link.")


async def _one_round(
    page: Page,
    home: Home,
    around: Surroundings,
    defaults: Defaults,
    clock: Clock,
    stop: asyncio.Event,
    say: Say,
) -> None:
    """Wait for somebody to start a session, and go through it."""
    own_rate = partial(own_rate_bpm, home, simulated=around.simulated)
    lobby = page.lobby = Lobby(home, around, defaults, page.publish, own_rate)
    chosen = await lobby.wait(stop)
    page.lobby = None
    if chosen is None:
        return
    lobby.tell(running=True)
    if chosen.kept is not None:
        await asyncio.to_thread(keep_conditions, home, chosen.plan.client, chosen.kept)
    try:
        folder = await _session(page, home, around, chosen, clock, stop, say)
        say(f"Session  {folder}")
    except Exception as error:  # whatever it was, the next session can be started
        told = str(error) if isinstance(error, VagalError) else f"a fault in vagal itself ({error!r})"
        page.refused(chosen.plan, told)
        say(f"vagal: {told}")


async def _session(
    page: Page,
    home: Home,
    around: Surroundings,
    chosen: Chosen,
    clock: Clock,
    stop: asyncio.Event,
    say: Say,
) -> Path:
    started: list[companion.Companion] = []

    def began(recorder: Recorder) -> None:
        recorder.conductor.first_session = chosen.first_session
        if chosen.screened is not None:
            recorder.conductor.screened(chosen.screened)
        started.extend(_companion(recorder.folder))

    page.begin(asyncio.get_running_loop(), clock.speed, home, chosen.plan.client)
    try:
        folder, _ = await record(
            chosen.plan,
            home,
            clock,
            around.radio,
            _Quiet(),
            stop=stop,
            began=began,
            hear=around.hear,
            attend=page.attend,
        )
    except BaseException:
        for each in started:
            each.end()
        raise
    say("Sealed. Preparing the report ...")
    report, warning = await asyncio.to_thread(
        started[0].report if started else lambda: (companion.report_plainly(folder), None)
    )
    page.ended(report, warning)
    return folder


def _companion(folder: Path) -> list[companion.Companion]:
    try:
        return [companion.start(folder)]
    except OSError:  # the report is made at the end without one
        return []


def show(page: Page, target: str, say: Say, *, open_browser: bool = True) -> None:
    """Open the page in this computer's browser; where there is none to see, say where it is."""
    url = page.url(target)
    if open_browser:
        open_page(url)
    say(f"Live page  {url}")
    if page.server.lan_url:
        say(f"Second screen  {page.server.lan_url}/join   certificate {page.server.fingerprint}")


def linger(page: Page, say: Say) -> None:
    """Keep the pages up for as long as one of them is open, or until Ctrl-C."""
    if page.watched:
        say("The live page stays until you close it; Ctrl-C ends it now.")
    with contextlib.suppress(KeyboardInterrupt):
        while page.watched:
            time.sleep(_LOOK_EVERY_S)
