from collections.abc import Callable
from threading import Barrier, current_thread, main_thread

import numpy as np
import pytest

from pipeline import compiled
from pipeline.compiled import parts, spread
from pipeline.heart import complexity_loops, spectral_loops, time_loops
from pipeline.heart.spectrum import Detrend, PsdMethod
from pipeline.heart.windows import hrv_columns
from tests.pipeline.heart.tachograms import irregular


def test_an_install_that_keeps_no_machine_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the package's folder nor the user's can be written: compiled all the same."""

    def njit(loop: Callable[[int], int], *, cache: bool = False, **_: object) -> Callable[[int], int]:
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return loop

    monkeypatch.setattr(compiled, "njit", njit)
    assert compiled.compiled(lambda n: n + 1)(1) == 2


def test_each_loop_is_compiled_for_one_kind_of_array() -> None:
    """Another memory layout would compile it again, in the midst of somebody's analysis."""
    beats = irregular(2000.0, gap_at_s=1500.0)
    start_s = np.arange(0.0, 1700.0, 0.2)
    for method in PsdMethod:
        for detrend in Detrend:
            hrv_columns(beats, start_s[:1], start_s[:1] + 300, method, detrend)
        hrv_columns(beats, start_s[::-1], start_s[::-1] + 60, method)
    loops = [
        loop
        for module in (time_loops, spectral_loops, complexity_loops)
        for loop in vars(module).values()
        if hasattr(loop, "signatures")
    ]
    kinds = {loop.__name__: {tuple(map(str, signature)) for signature in loop.signatures} for loop in loops}
    assert {name: found for name, found in kinds.items() if len(found) > 1} == {}


@pytest.mark.parametrize(("count", "smallest"), [(0, 5), (1, 5), (9, 5), (10, 5), (101, 7)])
def test_parts_are_all_and_in_order(count: int, smallest: int) -> None:
    found = parts(count, smallest)
    assert [row for first, last in found for row in range(first, last)] == list(range(count))
    assert spread(lambda part: part, found) == found


@pytest.mark.parametrize("threads", [1, 2])
def test_no_more_threads_than_there_may_be(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch has a process to a core: threads in each would only wait for each other."""
    monkeypatch.setattr(compiled.config, "NUMBA_NUM_THREADS", threads)
    meeting = Barrier(threads, timeout=10)

    def meet(chunk: int) -> tuple[int, bool]:
        meeting.wait()
        return chunk, current_thread() is main_thread()

    assert spread(meet, range(4)) == [(chunk, threads == 1) for chunk in range(4)]
