"""`vagal up`: the pages first, then what runs beside them, until Ctrl-C."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from flows.surroundings import Source
from flows.up.helpers import Helper, Helpers
from flows.up.inbox import checked_folder
from flows.up.place import Place
from flows.up.server import Served, client_environment, new_server, server_environment
from flows.web.hosting import host, show
from flows.web.lobby import Defaults
from flows.web.page import Page
from pipeline.store import Home

Say = Callable[[str], None]

_PREFECT_ENDED = "Prefect's record has stopped: all else goes on without it, and it is started again."
_WATCHER_ENDED = "Watching the folder has stopped; it is started again."


def run_up(
    home: Home,
    source: Source,
    folder: Path | None,
    *,
    port: int | None,
    lan: str | None,
    browser: bool,
    say: Say = print,
) -> None:
    """Host pages, watched folder and Prefect until Ctrl-C or a polite kill; then nothing of it is left.

    Raises InUseError if this home has one running, DeviceError if the page cannot listen, UsageError or
    InputError for the folder.
    """
    watched, place = checked_folder(home.path.absolute(), folder), Place(home.path)
    with place.held(), _leaving(), closing(Page(home, port=port, lan=lan)) as page:
        place.running(page.server.url)
        served = new_server()
        place.serves_prefect(served.api, served.secret)
        show(page, "/", say, open_browser=browser)
        say(f"Folder     {watched}")
        say("Recordings in there, in a folder named after the client, are imported and reported.")
        with Helpers(helpers(home.path.absolute(), watched, served), say):
            say("This runs until Ctrl-C.")
            host(page, home, source, Defaults(), speed=None, say=say)
            say("Stopping ...")


def helpers(home: Path, folder: Path, served: Served) -> list[Helper]:
    """What runs beside the pages; the watcher does not need the others."""
    own, where = home / "prefect", (str(home), str(folder))
    own.mkdir(mode=0o700, parents=True, exist_ok=True)
    environment = client_environment(home, served)
    return [
        Helper("flows.up.watching", own, where, None, _WATCHER_ENDED, speaks=True),
        Helper("flows.up.server", own, (), server_environment(home, served), _PREFECT_ENDED),
        Helper("flows.up.deployment", own, where, environment),
    ]


@contextmanager
def _leaving() -> Iterator[None]:
    """Before and after the pages are hosted, Ctrl-C and a polite kill are an ordinary end, too."""

    def leave(*_: Any) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # one is enough: what runs is being ended
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        sys.exit(0)

    before = {number: signal.signal(number, leave) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
