"""The processes beside the pages: the watcher, Prefect's server, its deployment.

Each runs in a group of its own and holds the end of a pipe, so that none outlives this process. One that
ends is started again, later each time; nothing waits for it meanwhile.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from flows.up.tether import end_group

_PYTHON = (sys.executable, "-P", "-m")  # -P: not what happens to lie in the current folder
_LOOK_EVERY_S = 0.2
_GOODBYE_S = 3.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 2.0, 300.0
_LASTING_S = 120.0  # one that ran so long is started again at once
_NICE = 5  # the recorder comes first


@dataclass(frozen=True, slots=True)
class Helper:
    """A process to keep running: a module with its arguments, and what to say when it ended.

    It runs in `folder`, so that no settings are found in whatever folder the user is in. What it prints is
    said if it `speaks`.
    """

    module: str
    folder: Path
    arguments: Sequence[str] = ()
    environment: Mapping[str, str] | None = None
    ended: str = ""
    speaks: bool = False


class _Kept:
    """One helper: its process, and when it is to be started again."""

    def __init__(self, helper: Helper, say: Callable[[str], None]) -> None:
        self._helper, self._say = helper, say
        self._process: subprocess.Popen[str] | None = None
        self._began_s = 0.0
        self._start_at_s = 0.0
        self._pause_s = _FIRST_PAUSE_S
        self._told = False

    def keep(self, now_s: float) -> None:
        """Start it if it is not running and its pause is over."""
        if self._process is not None and self._process.poll() is not None:
            self._note_end(now_s)
        if self._process is None and now_s >= self._start_at_s:
            try:
                self._start(now_s)
            except OSError:  # no processes or memory to be had
                self._start_at_s = now_s + self._pause_s

    def _note_end(self, now_s: float) -> None:
        assert self._process is not None
        self._clear()
        lasted = now_s - self._began_s > _LASTING_S
        self._pause_s = _FIRST_PAUSE_S if lasted else min(2 * self._pause_s, _LONGEST_PAUSE_S)
        self._start_at_s = now_s + self._pause_s
        if self._helper.ended and (lasted or not self._told):
            self._told = True
            self._say(self._helper.ended)

    def _start(self, now_s: float) -> None:
        self._began_s = now_s
        self._process = subprocess.Popen(
            [*_PYTHON, self._helper.module, *self._helper.arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE if self._helper.speaks else subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            errors="replace",
            cwd=self._helper.folder,
            env=None if self._helper.environment is None else dict(self._helper.environment),
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # the same on Windows
        )
        if hasattr(os, "setpriority"):
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, self._process.pid, _NICE)
        if self._helper.speaks:
            threading.Thread(target=self._hear, args=(self._process,), daemon=True).start()

    def _hear(self, process: subprocess.Popen[str]) -> None:
        with contextlib.suppress(OSError, ValueError):  # it is being ended
            for line in process.stdout or ():
                self._say(line.rstrip())

    def ask_to_end(self) -> None:
        """Ask it and what it started to end."""
        if self._process is not None and os.name == "posix":
            with contextlib.suppress(OSError):
                os.killpg(self._process.pid, signal.SIGTERM)

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def end(self) -> None:
        """End it and what it started, at once."""
        if self._process is not None:
            end_group(self._process.pid)
            self._process.wait()
            self._clear()

    def _clear(self) -> None:
        assert self._process is not None
        end_group(self._process.pid)  # what it started may still be there
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError, ValueError):
                    pipe.close()
        self._process = None


class Helpers:
    """Keeps helpers running for as long as the `with` lasts; a second or four later none is left."""

    def __init__(self, helpers: Sequence[Helper], say: Callable[[str], None]) -> None:
        self._kept = [_Kept(helper, say) for helper in helpers]
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="vagal-helpers", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._closed.set()
        self._thread.join()
        for each in self._kept:
            each.ask_to_end()
        until_s = time.monotonic() + _GOODBYE_S
        while any(each.runs for each in self._kept) and time.monotonic() < until_s:
            time.sleep(_LOOK_EVERY_S / 4)
        for each in self._kept:
            each.end()

    def _keep(self) -> None:
        while not self._closed.wait(_LOOK_EVERY_S):
            for each in self._kept:
                each.keep(time.monotonic())
