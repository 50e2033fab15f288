"""The analyst: a process beside the recorder that computes what takes scipy and compiled loops.

`python -m flows.analyst FOLDER` follows the journal of a running session. It reads requests, a line of JSON
each, `{"upto": sequence, "at_s": seconds}`, and answers each with a line: `pipeline.live.shown.Analysed` from
exactly the records up to that one, or `{"why": words}`. Its first line is `{"warm": true}`. It ends when its
input does.

`Analyst` is the recorder's side, and as light as the recorder: a thread starts the process, reads its answers
and starts it again when it dies. Nothing here raises into the recorder or keeps it waiting.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

from pipeline.journal import JournalTail, Record
from pipeline.live.shown import WARMING_UP, Analysed, unanalysed

if TYPE_CHECKING:
    from pipeline.live.course import Follower

MOST_STARTS = 4  # the first, and three more

_NICE = 10
_STUCK_S = 30.0  # real seconds: an answer takes a twentieth of one
_PYTHON = (sys.executable, "-P", "-m")  # -P: not what happens to lie in the current folder


class State(StrEnum):
    """How the analyst is; `Analyst.why` has it in words."""

    WARMING_UP = "warming up"
    READY = "ready"
    STOPPED = "stopped"


class Analyst:
    """The recorder's side of the analyst of one session.

        async with Analyst(folder, told) as analyst:
            analyst.ask(upto, at_s)

    `told` is called on the event loop with each news: an answer, or an `Analysed` without values whose
    reasons say why there are none (after the process died). Until the first news `unanalysed(WARMING_UP)`
    holds. `Analysed.record` is what to journal of each.
    """

    def __init__(self, folder: Path, told: Callable[[Analysed], None]) -> None:
        self.state, self.why = State.WARMING_UP, WARMING_UP
        self._folder, self._told = folder, told
        self._process: subprocess.Popen[str] | None = None
        self._asked_s: float | None = None  # real time, while an answer is outstanding
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="analyst", daemon=True)

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._thread.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing.set()
        self._kill()
        await asyncio.to_thread(self._thread.join)

    @property
    def pid(self) -> int | None:
        """Of the process that runs now."""
        process = self._process
        return None if process is None else process.pid

    def ask(self, upto: int, at_s: float) -> None:
        """Ask for the values at `at_s` from the records up to number `upto`; returns at once.

        Nothing is asked while an answer is outstanding or the process is not ready.
        """
        with self._lock:
            process = self._process
            if self.state is not State.READY or process is None or process.stdin is None:
                return
            if self._asked_s is not None:
                if time.monotonic() - self._asked_s > _STUCK_S:
                    process.kill()  # its thread sees that, and starts another
                return
            with contextlib.suppress(OSError, ValueError):  # it died; its thread sees that too
                process.stdin.write(json.dumps({"upto": upto, "at_s": at_s}) + "\n")
                process.stdin.flush()
                self._asked_s = time.monotonic()

    def _run(self) -> None:
        """Start the process, and again when it dies; on the analyst's own thread."""
        for start in range(MOST_STARTS):
            if self._closing.is_set():
                return
            if start:
                self._turn(State.WARMING_UP, f"the analysis stopped and starts again ({start})")
            with contextlib.suppress(OSError, ValueError):
                self._live(_started(self._folder))
        if not self._closing.is_set():
            self._turn(State.STOPPED, f"the analysis stopped {MOST_STARTS} times and stays off")

    def _live(self, process: subprocess.Popen[str]) -> None:
        """Read a process's lines until it ends."""
        with process:
            with self._lock:
                self._process, self._asked_s = process, None
            if self._closing.is_set():
                process.kill()
            try:
                assert process.stdout is not None
                for line in process.stdout:
                    self._heard(json.loads(line))
            finally:
                process.kill()
                with self._lock:
                    self._process = None
                    self.state = State.WARMING_UP
                    with contextlib.suppress(OSError):
                        assert process.stdin is not None
                        process.stdin.close()

    def _heard(self, answer: dict[str, Any]) -> None:
        if "warm" in answer:
            with self._lock:
                self.state, self.why = State.READY, ""
            return
        with self._lock:
            self._asked_s = None
        self._tell(unanalysed(answer["why"]) if "why" in answer else Analysed.from_facts(answer))

    def _turn(self, state: State, why: str) -> None:
        with self._lock:
            self.state, self.why = state, why
        self._tell(unanalysed(why))

    def _tell(self, news: Analysed) -> None:
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody wants to know
            self._loop.call_soon_threadsafe(self._pass_on, news)

    def _pass_on(self, news: Analysed) -> None:
        if not self._closing.is_set():
            self._told(news)

    def _kill(self) -> None:
        with self._lock:
            if self._process is not None:
                self._process.kill()


def _started(folder: Path) -> subprocess.Popen[str]:
    """The process, in a session of its own: Ctrl-C is the recorder's to answer."""
    return subprocess.Popen(
        [*_PYTHON, "flows.analyst", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
        start_new_session=True,
        creationflags=getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0)
        | getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )


def follow(folder: Path, requests: IO[str], answers: IO[str]) -> None:
    """Answer requests from a session's journal until they end."""
    from devices.decoding import LiveDecoder
    from pipeline.live.course import Follower, warm_up

    def say(facts: dict[str, Any]) -> None:
        answers.write(json.dumps(facts) + "\n")
        answers.flush()

    warm_up()
    tail, waiting = JournalTail(folder / "journal.bin"), deque[Record]()
    follower = Follower(LiveDecoder().feed)
    say({"warm": True})
    for line in requests:
        request = json.loads(line)
        waiting.extend(tail.read())
        while waiting and waiting[0].sequence <= request["upto"]:
            follower.feed(waiting.popleft())
        say(_answer(follower, request["upto"], request["at_s"]))


def _answer(follower: Follower, upto: int, at_s: float) -> dict[str, Any]:
    if follower.fed != upto:
        return {"why": "the journal could not be followed"}
    try:
        return asdict(follower.at(at_s))
    except Exception as error:
        return {"why": f"the analysis failed ({type(error).__name__})"}


def main() -> None:
    """Follow the folder given, at low priority."""
    if hasattr(os, "nice"):
        os.nice(_NICE)
    follow(Path(sys.argv[1]), sys.stdin, sys.stdout)


if __name__ == "__main__":
    main()
