"""How progress is told: in a terminal as a bar with rate and time left, elsewhere as a line now and then."""

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


def test_neither_an_earlier_run_nor_a_slow_start_counts_for_the_rate() -> None:
    told, clock = io.StringIO(), [0.0]
    with BatchProgress(Console(file=told), lambda: clock[0]) as progress:
        progress.begin(1000, 900)
        clock[0] = 30.0  # until the first is done
        for _ in range(11):
            progress.told(UNIT, Status.ANALYSED)
            clock[0] += 2.0
        assert progress.rate(clock[0] - 2.0) == "30 a minute, 3 min left"
    assert told.getvalue().splitlines() == [
        "900 of 1000 recordings were analysed before",
        "901 of 1000 recordings",
        "906 of 1000 recordings, 30 a minute, 3 min left",
        "911 of 1000 recordings, 30 a minute, 3 min left",
    ]
    assert progress.counts == {Status.ANALYSED: 11}


def test_a_terminal_has_a_bar_with_rate_and_time_left() -> None:
    told, clock = io.StringIO(), [0.0]
    console = Console(file=told, force_terminal=True, width=100)
    with BatchProgress(console, lambda: clock[0]) as progress:
        progress.begin(40, 0)
        for _ in range(10):
            progress.told(UNIT, Status.ANALYSED)
            clock[0] += 1.0
    assert "10 of 40 recordings" in told.getvalue()
    assert "60 a minute, 30 s left" in told.getvalue()
