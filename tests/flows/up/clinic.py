"""`vagal up` as a person runs it, with a home of its own, and a look at all its processes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from tests.flows.web.live import without_prefect

T = TypeVar("T")

PATIENCE_S = 180.0


@dataclass
class Clinic:
    """A running `vagal up`: what it has said, and where things are."""

    process: subprocess.Popen[str]
    home: Path
    said: list[str] = field(default_factory=list)

    @property
    def inbox(self) -> Path:
        return self.home / "inbox"

    @property
    def page(self) -> str:
        return re.split(r"/open/|\s+", self.until("its page", lambda: self.line("Live page")))[2]

    def line(self, beginning: str) -> str | None:
        return next((line for line in list(self.said) if line.startswith(beginning)), None)

    def until(self, what: str, condition: Callable[[], T | None]) -> T:
        """Wait for something; what it returned."""
        until_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < until_s:
            if found := condition():
                return found
            time.sleep(0.05)
        raise AssertionError(f"waited in vain for {what}: {self.said}")

    def sessions(self) -> list[Path]:
        return sorted(self.home.glob("sessions/*/[!.]*/session.json"))

    def end(self, by: signal.Signals) -> float:
        """End it; the seconds that took."""
        began_s = time.monotonic()
        self.process.send_signal(by)
        self.process.wait(PATIENCE_S)
        return time.monotonic() - began_s

    def processes(self, of: str = "flows.up") -> dict[int, str]:
        """The processes of this home that are not being ended, with their commands."""
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                here = (
                    str(self.home).encode() in (entry / "environ").read_bytes() or str(self.home) in command
                )
                zombie = (entry / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
            except OSError:
                continue
            if here and not zombie and of in command:
                found[int(entry.name)] = command
        return found


@contextmanager
def clinic(home: Path, *options: str, prefect: bool = False) -> Iterator[Clinic]:
    """`vagal up` until the end of the test; without Prefect unless that is asked for."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "TMPDIR")}
    user = home.parent / "user"
    user.mkdir(exist_ok=True)
    hidden = {} if prefect else {"PYTHONPATH": str(without_prefect(home.parent / "without"))}
    process = subprocess.Popen(
        [str(Path(sys.executable).with_name("vagal")), "up", "--home", str(home), "--no-browser", *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**kept, "HOME": str(user), **hidden},
    )
    running = Clinic(process, home)
    hearing = threading.Thread(target=lambda: running.said.extend(process.stdout or ()), daemon=True)
    hearing.start()
    try:
        yield running
    finally:
        if process.poll() is None:
            running.end(signal.SIGINT)
        hearing.join(PATIENCE_S)
        assert process.stdout is not None
        process.stdout.close()
