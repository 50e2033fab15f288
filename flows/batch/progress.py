"""How far a batch is: a bar with rate and time left in a terminal, a line now and then elsewhere."""

from __future__ import annotations

import threading
import time
from collections import Counter
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from flows.batch.plan import Unit
from pipeline.exclusions import Status

_LINE_EVERY_S = 10.0


class BatchProgress:
    """Told of each recording as it is done, from any thread.

    with BatchProgress() as progress:
        progress.begin(total, done)
        progress.told(unit, status)
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, highlight=False)
        self._bar = Progress(
            TextColumn("{task.completed:.0f} of {task.total:.0f} recordings"),
            BarColumn(complete_style="blue", finished_style="blue"),
            TextColumn("{task.fields[rate]}"),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._lock = threading.Lock()
        self._task: TaskID | None = None
        self._began_s = self._said_s = time.monotonic()
        self._total = self._before = self._done = 0
        self.counts: Counter[Status] = Counter()

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._bar.stop()

    def begin(self, total: int, before: int) -> None:
        """So many recordings in all, of which so many were done by an earlier run."""
        self._total, self._before, self._done = total, before, 0
        self._began_s = self._said_s = time.monotonic()
        self._task = self._bar.add_task("", total=total, completed=before, rate="")
        if before:
            self.say(f"{before} of {total} recordings were analysed before")

    def told(self, _: Unit, status: Status) -> None:
        """One more is done."""
        with self._lock:
            self._done += 1
            self.counts[status] += 1
            rate = self.rate()
            if self._task is not None:
                self._bar.update(self._task, advance=1, rate=rate)
            now_s = time.monotonic()
            if not self._console.is_terminal and now_s - self._said_s >= _LINE_EVERY_S:
                self._said_s = now_s
                self.say(f"{self._before + self._done} of {self._total} recordings, {rate}")

    def say(self, line: str) -> None:
        """A line above the bar."""
        self._console.print(line, markup=False, soft_wrap=True)

    def rate(self) -> str:
        """How many a minute, and for how long still, in words."""
        spent_s = max(time.monotonic() - self._began_s, 1e-3)
        left_s = spent_s / max(self._done, 1) * (self._total - self._before - self._done)
        return f"{60 * self._done / spent_s:.0f} a minute, {_span(left_s)} left"


def _span(seconds: float) -> str:
    """A length of time as a person says it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
