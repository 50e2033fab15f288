"""Processes that seal and are killed: the one for the k-th home dies at its k-th step on the disk.

python -m tests.faults.sealer seal|recover HOME...

Stops at the first that comes through, and prints how many were killed before it. Each is forked from one
that has everything imported and has done nothing.
"""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas  # noqa: F401  pyarrow imports it at its first table, which would be in each child anew

from devices.decoding import decode
from pipeline.sealing import seal
from pipeline.store import Home, recording_lock, recover

STEPS = ("fsync", "replace", "rename", "unlink")  # pathlib comes through here too
KILLED = 9


def die_at(step: int) -> None:
    """Let this process end, as by kill -9, right before its step-th change on the disk."""
    steps = itertools.count(1)

    def counted(change: Callable[..., Any]) -> Callable[..., Any]:
        def changed(*arguments: Any, **options: Any) -> Any:
            if next(steps) == step:
                os._exit(KILLED)
            return change(*arguments, **options)

        return changed

    for name in STEPS:
        setattr(os, name, counted(getattr(os, name)))


def run(what: str, home: Home, step: int) -> None:
    """Seal the home's session, or recover it, in this process."""
    die_at(step)
    if what == "recover":
        recover(home, decode)
        return
    [folder] = home.sessions()
    with recording_lock(folder):
        seal(folder, decode)


def killed(what: str, home: Home, step: int) -> bool:
    """Whether a process that dies at this step got that far. Raises RuntimeError if it ended otherwise."""
    child = os.fork()
    if child == 0:
        try:
            run(what, home, step)
        finally:
            os._exit(1 if sys.exc_info()[0] else 0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code not in (0, KILLED):
        raise RuntimeError(f"{what} in {home.path}, to be killed at step {step}, ended with {code}")
    return code == KILLED


def main(what: str, homes: Sequence[Path]) -> int:
    """How many were killed before one came through."""
    for step, home in enumerate(homes, 1):
        if not killed(what, Home(home), step):
            return step - 1
    raise RuntimeError(f"none of {len(homes)} came through")


if __name__ == "__main__":
    print(main(sys.argv[1], [Path(home) for home in sys.argv[2:]]))
