"""A view on a thread of its own: it may be slow, stuck or broken, and the recording never notices."""

from __future__ import annotations

import threading
from pathlib import Path

from flows.recording import Moment, Plan, View

_GOODBYE_S = 2.0


class DetachedView:
    """Hands the latest moment to a view; older ones that it had no time for are dropped."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._news = threading.Condition()
        self._moment: Moment | None = None
        self._ended = False
        self._thread: threading.Thread | None = None

    def begin(self, plan: Plan, folder: Path) -> None:
        """Open the view."""
        self._thread = threading.Thread(target=self._run, args=(plan, folder), daemon=True)
        self._thread.start()

    def show(self, moment: Moment) -> None:
        """Leave a moment to be shown; returns at once."""
        with self._news:
            self._moment = moment
            self._news.notify()

    def end(self) -> None:
        """Close the view, and wait for that a little."""
        with self._news:
            self._ended = True
            self._news.notify()
        if self._thread is not None:
            self._thread.join(_GOODBYE_S)

    def _run(self, plan: Plan, folder: Path) -> None:
        try:
            self._view.begin(plan, folder)
            while (moment := self._next()) is not None:
                self._view.show(moment)
            self._view.end()
        except (OSError, ValueError):  # the terminal was closed, or cannot take what is written
            return

    def _next(self) -> Moment | None:
        """The latest moment, waited for; None at the end."""
        with self._news:
            self._news.wait_for(lambda: self._ended or self._moment is not None)
            moment, self._moment = self._moment, None
            return moment
