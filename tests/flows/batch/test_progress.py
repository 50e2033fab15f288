"""How progress is told where there is no terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from flows.batch.plan import Unit
from flows.batch.progress import BatchProgress, _span
from pipeline.exclusions import Status

UNIT = Unit("a", "a", None, None, None, "")


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0 s"), (89, "89 s"), (120, "2 min"), (5340, "89 min"), (7380, "2 h 3 min")],
)
def test_spans_in_words(seconds: float, expected: str) -> None:
    assert _span(seconds) == expected


def test_what_was_done_before_does_not_make_it_look_fast() -> None:
    told = io.StringIO()
    with BatchProgress(Console(file=told)) as progress:
        progress.begin(1000, 990)
        for _ in range(10):
            progress.told(UNIT, Status.ANALYSED)
        assert progress.rate().endswith(", 0 s left")
    assert told.getvalue() == "990 of 1000 recordings were analysed before\n"
    assert progress.counts == {Status.ANALYSED: 10}
