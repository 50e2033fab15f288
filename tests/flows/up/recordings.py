"""Small recordings to put into a folder, and looking at it until it is still."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from flows.up.inbox import SETTLE_S, Inbox, Look

T = TypeVar("T")


def intervals(seed: int = 0, count: int = 400) -> str:
    """RR intervals in ms, one to a line: a recording of five minutes."""
    return "".join(f"{800 + 40 * math.sin(beat / 3 + seed):.0f}\n" for beat in range(count))


def put(folder: Path, path: str, text: str | None = None) -> Path:
    """Write a recording, or another text, into the folder."""
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(intervals() if text is None else text)
    return file


def settled(inbox: Inbox, now_s: float = 0.0) -> Look:
    """What is there once nothing has changed for long enough."""
    inbox.look(now_s)
    return inbox.look(now_s + SETTLE_S)


def stepped(step: Callable[[float], list[str]], until: Callable[[], bool], limit: int = 6000) -> list[str]:
    """The lines of as many steps as it takes, each a while later by a clock of one's own."""
    import time

    lines: list[str] = []
    for count in range(limit):
        lines += step(count * 1.0)
        if until():
            return lines + step(count + 1.0)
        time.sleep(0.02)
    raise AssertionError(f"never came to an end: {lines}")
