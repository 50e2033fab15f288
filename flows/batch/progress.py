"""How far a batch is: a bar with rate and time left in a terminal, a line now and then elsewhere."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from flows.batch.plan import Unit
from pipeline.exclusions import Status

_LINE_EVERY_S = 10.0
_LEAST_DONE = 5  # for a rate that means something


class BatchProgress:
    """Told of each recording as it is done, from any thread.

    with BatchProgress() as progress:
        progress.begin(total, done)
        progress.told(unit, status)
    """

    def __init__(self, console: Console | None = None, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
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
        self._first_s = self._said_s = self._now_s()
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
        self._said_s = self._now_s()
        self._task = self._bar.add_task("", total=total, completed=before, rate="")
        if before:
            self.say(f"{before} of {total} recordings were analysed before")

    def told(self, _: Unit, status: Status) -> None:
        """One more is done."""
        with self._lock:
            now_s = self._now_s()
            if not self._done:
                self._first_s = now_s
            self._done += 1
            self.counts[status] += 1
            rate = self.rate(now_s)
            if self._task is not None:
                self._bar.update(self._task, advance=1, rate=rate)
            if not self._console.is_terminal and now_s - self._said_s >= _LINE_EVERY_S:
                self._said_s = now_s
                self.say(f"{self._before + self._done} of {self._total} recordings{rate and f', {rate}'}")

    def say(self, line: str) -> None:
        """A line above the bar."""
        self._console.print(line, markup=False, soft_wrap=True)

    def rate(self, now_s: float) -> str:
        """How many a minute, and for how long still, in words; nothing before some are done.

        Counted from the first one on: what processes and Prefect take to start says nothing of the rest.
        """
        if self._done < _LEAST_DONE:
            return ""
        each_s = max(now_s - self._first_s, 1e-3) / (self._done - 1)
        left_s = each_s * (self._total - self._before - self._done)
        return f"{60 / each_s:.0f} a minute, {_span(left_s)} left"


def _span(seconds: float) -> str:
    """A length of time as a person says it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
