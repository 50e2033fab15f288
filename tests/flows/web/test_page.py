"""What a page asks of the recorder's loop: answered, or said not to be, and then not done."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from flows.web.page import Page
from pipeline.errors import UsageError
from pipeline.store import Home


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with closing(Page(Home(tmp_path), port=0)) as page:
        yield page


def test_before_there_is_a_loop(page: Page) -> None:
    with pytest.raises(UsageError, match="not ready yet"):
        asyncio.run(page.start({}))


def test_once_the_loop_is_closed(page: Page) -> None:
    loop = asyncio.new_event_loop()
    page.use(loop)
    loop.close()
    with pytest.raises(UsageError, match="the session is over"):
        asyncio.run(page.start({}))


def test_a_loop_that_does_not_answer_keeps_nobody_waiting_and_does_nothing_late(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.web.page._ANSWER_S", 0.1)
    done: list[str] = []
    trouble: list[object] = []
    with closing(asyncio.new_event_loop()) as loop:
        loop.set_exception_handler(lambda _, context: trouble.append(context))
        page.use(loop)
        with pytest.raises(UsageError, match="did not answer"):
            asyncio.run(page._on_loop(lambda: done.append("late")))
        loop.run_until_complete(asyncio.sleep(0))
    assert (done, trouble) == ([], [])
