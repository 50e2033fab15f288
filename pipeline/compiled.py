"""Loops compiled by numba, and their spread over the cores. Imported by batch code only.

A first call compiles (seconds, once per install): the machine code lies beside the source, or in the user's
cache folder if the install is read-only. Where neither can be written it is compiled anew in each process.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

from numba import config, njit

Loop = TypeVar("Loop", bound=Callable[..., object])
Chunk = TypeVar("Chunk")
Found = TypeVar("Found")

_MOST_THREADS = 4
# Sums may be taken in any order, so that they run in vector registers; the order is the same on every run.
# NaN and infinity keep their meaning.
_FREEDOM = {"reassoc", "contract"}


def compiled(loop: Loop) -> Loop:
    """The loop as machine code that runs without the interpreter's lock; x / 0 is inf or NaN."""
    return _compiled(loop, _FREEDOM)


def exact(loop: Loop) -> Loop:
    """The same, every operation in the order it is written: where rounding errors are kept and counted."""
    return _compiled(loop, False)


def _compiled(loop: Loop, freedom: set[str] | bool) -> Loop:
    """A private loop is only called from others: it goes without what makes it callable from outside."""
    inner = loop.__name__.startswith("_")
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": freedom}
    options |= {"no_cfunc_wrapper": True, "no_cpython_wrapper": inner}
    try:
        return cast(Loop, njit(loop, cache=True, **options))
    except RuntimeError:  # no folder to keep machine code in
        return cast(Loop, njit(loop, **options))


def spread(task: Callable[[Chunk], Found], chunks: Sequence[Chunk]) -> list[Found]:
    """`task` of each chunk, in order, on as many threads as there are cores (four at most).

    NUMBA_NUM_THREADS says otherwise: a batch has a process to a core, and sets it to 1 for each.
    """
    most = int(config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined]  # which numba sets by name
    threads = min(most, _MOST_THREADS, len(chunks))
    if threads <= 1:
        return [task(chunk) for chunk in chunks]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(task, chunks))


def parts(count: int, smallest: int) -> list[tuple[int, int]]:
    """0..count cut into ranges of about `smallest`, or in one piece where there is less than two of them."""
    pieces = max(1, count // max(smallest, 1))
    edges = [count * piece // pieces for piece in range(pieces + 1)]
    return list(itertools.pairwise(edges))
