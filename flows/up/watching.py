"""The process that watches the folder, and has done what Prefect does not do.

    python -m flows.up.watching HOME FOLDER

It needs no Prefect. A recording that landed is noted in the ledger; where Prefect's deployment is there, it
has a while to take it, and otherwise it is taken from here. Each line it prints is for a person.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Container
from pathlib import Path

from devices.exports.reader import open_source
from flows.up.inbox import Inbox, Landed, Left, Look
from flows.up.ledger import Arrival, Ledger, State
from flows.up.place import Place
from flows.up.readiness import is_ready
from flows.up.taking import LIMIT_S, is_being_taken, start_taking
from flows.up.tether import tether
from flows.up.told import facts_of, lines_of, tell
from pipeline.errors import InputError, VagalError
from pipeline.store import Home

LOOK_EVERY_S = 2.0
PATIENCE_S = 40.0  # with Prefect: a run of its own takes half of that to start
_SHOWN = 20


class Watcher:
    """Looks at the folder, sees that each arrival is taken, and tells what became of it."""

    def __init__(self, home: Home, inbox: Inbox, folder: Path, *, patience_s: float = PATIENCE_S) -> None:
        self._home, self._inbox, self._folder = home, inbox, folder
        self._place = Place(home.path)
        self._ledger = Ledger(self._place.ledger)
        self._ledger.try_again()
        self._patience_s = patience_s
        self._taking: tuple[subprocess.Popen[bytes], str, float] | None = None
        self._noted_ids: dict[Landed, str] = {}
        self._open: set[str] = set()
        self._said: set[str] = set()

    @property
    def is_taking(self) -> bool:
        """Whether a process that takes an arrival was running at the last look."""
        return self._taking is not None

    def step(self, now_s: float) -> list[str]:
        """Look once; the lines to print. `now_s` is a clock that only goes forward."""
        look = self._inbox.look(now_s)
        reasons = self._ledger.reasons()
        here = [(each.path, self._noted(each, reasons)) for each in look.landed]
        waiting = self._ledger.waiting()
        self._go_on(waiting, now_s)
        refused = [
            Left(path, reasons[arrival][1])
            for path, arrival in here
            if arrival in reasons and reasons[arrival][0] is State.REFUSED
        ]
        tell(self._place, facts_of(self._folder, look, waiting, self._ledger.latest(_SHOWN), refused))
        return [*self._finished(waiting), *self._news(look)]

    def _noted(self, landed: Landed, known: Container[str]) -> str | None:
        """The id of what landed, which the ledger has by now; None if it cannot be read just now."""
        noted = self._noted_ids.get(landed) or self._ledger.seen(landed.path, landed.stamp)
        if noted is None or noted not in known:  # new, or forgotten since
            try:
                sha256 = open_source(self._folder / landed.path).sha256
            except InputError:  # still held by whoever copies it, or gone again
                return None
            noted = self._ledger.land(landed.client, landed.path, landed.stamp, sha256)
        self._noted_ids[landed] = noted
        return noted

    def _go_on(self, waiting: list[Arrival], now_s: float) -> None:
        """See that what waits is taken, one at a time."""
        if self._taking is not None:
            process, arrival, began_s = self._taking
            if process.poll() is None and now_s - began_s < LIMIT_S:
                return
            if process.poll() is None:
                process.kill()
                process.wait()
                self._ledger.refuse(arrival, f"took longer than {LIMIT_S / 60:.0f} minutes to read")
            self._taking = None
        for each in waiting:
            if self._is_prefect_s(each) or is_being_taken(self._home, each.id):
                continue
            self._taking = (start_taking(self._home, self._folder, each.id), each.id, now_s)
            return

    def _is_prefect_s(self, arrival: Arrival) -> bool:
        """Whether Prefect is there to take an arrival, and has not had its time."""
        return is_ready(self._home.path) and time.time() - arrival.landed_s < self._patience_s

    def _finished(self, waiting: list[Arrival]) -> list[str]:
        """Lines on what is dealt with since the last look."""
        left = {each.id for each in waiting}
        done = [found for each in sorted(self._open - left) if (found := self._ledger.read(each)) is not None]
        self._open = left
        return list(lines_of(done))

    def _news(self, look: Look) -> list[str]:
        """Lines on what stays where it is, each said once."""
        lines = {f"Left     {each.path}: {each.reason}" for each in look.left if each.reason is not None}
        if look.trouble is not None:
            lines.add(look.trouble)
        news = sorted(lines - self._said)
        self._said |= lines
        return news


def main(home: Path, folder: Path) -> int:
    """Watch until the process that started this one ends; the exit code."""
    tether()
    try:
        watcher = Watcher(Home(home), Inbox(folder), folder)
    except VagalError as error:
        print(f"The folder cannot be watched: {error}", flush=True)
        return error.exit_code
    while True:
        try:
            for line in watcher.step(time.monotonic()):
                print(line, flush=True)
        except Exception as error:  # whatever it was, the next recording may do without
            told = str(error) if isinstance(error, VagalError) else repr(error)
            print(f"The folder could not be dealt with just now ({told}); vagal goes on trying.", flush=True)
            time.sleep(LOOK_EVERY_S * 5)
        time.sleep(LOOK_EVERY_S)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
