"""A link for whoever has lost the way in, by a key in the terminal that vagal runs in."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from flows.web.hosting import _offer_links
from flows.web.page import Page
from pipeline.store import Home

pytestmark = pytest.mark.skipif(os.name != "posix", reason="there are no pseudo-terminals")


def test_enter_says_a_link_that_lets_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keyboard, terminal = os.openpty()
    before, said, news = signal.getsignal(signal.SIGTTIN), [], threading.Semaphore(0)

    def say(line: str) -> None:
        said.append(line)
        news.release()

    with open(terminal) as stdin, closing(Page(Home(tmp_path), port=0)) as page:  # noqa: PTH123 - a number
        monkeypatch.setattr(sys, "stdin", stdin)
        try:
            _offer_links(page, say)
            os.write(keyboard, b"\n\n")
            assert all(news.acquire(timeout=60) for _ in range(3))
        finally:
            signal.signal(signal.SIGTTIN, before)
            os.write(keyboard, b"\x04")  # the end of the input ends the thread
        assert said[0] == "Press Enter here for a new link."
        links = [re.fullmatch(r"Live page  (\S+)", line) for line in said[1:]]
        with httpx.Client() as browser:
            assert [link and browser.get(link[1]).status_code for link in links] == [200, 200]
    os.close(keyboard)


def test_without_a_terminal_nothing_is_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    with closing(Page(Home(tmp_path), port=0)) as page, (tmp_path / "empty").open("w+") as stdin:
        for without in (stdin, None):
            monkeypatch.setattr(sys, "stdin", without)
            _offer_links(page, said.append)
    assert said == []
