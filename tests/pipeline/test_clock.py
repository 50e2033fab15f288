"""Simulated time: exact, ordered, and never past a timer that has not run."""

import asyncio
import time

import pytest

from pipeline.clock import Clock, SystemClock, run


@pytest.mark.parametrize("speed", [50.0, float("inf")], ids=["50x", "as-fast-as-possible"])
def test_sleeping_takes_simulated_time_exactly(speed: float) -> None:
    async def main(clock: Clock) -> float:
        began_s = clock.now()
        await asyncio.sleep(2.5)
        return clock.now() - began_s

    assert run(main, speed) == 2.5


def test_a_busy_machine_slows_simulated_time_and_skips_no_timer() -> None:
    async def main(clock: Clock) -> list[float]:
        ticks: list[float] = []

        async def tick() -> None:
            for _ in range(5):
                await asyncio.sleep(1)
                ticks.append(clock.now())
                time.sleep(0.01)  # what a stalled process does: at this speed, ten simulated seconds

        await tick()
        return ticks

    assert run(main, 1000) == [1, 2, 3, 4, 5]


def test_timeouts_are_in_simulated_time() -> None:
    async def main(clock: Clock) -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await asyncio.Event().wait()
        return clock.now()

    assert run(main, float("inf")) == 30


def test_sleeping_until_a_moment_gets_there_whatever_the_rounding() -> None:
    async def main(clock: Clock) -> float:
        await asyncio.sleep(1000 / 3)
        target_s = clock.now() + 1e-12
        while clock.now() < target_s:
            await asyncio.sleep(target_s - clock.now())
        return clock.now() - target_s

    assert 0 <= run(main, float("inf")) < 1e-6


def test_the_calendar_moves_with_simulated_time() -> None:
    async def main(clock: Clock) -> tuple[float, float]:
        before_s = clock.wall()
        await asyncio.sleep(3600)
        return clock.wall() - before_s, before_s

    passed_s, began_s = run(main, float("inf"))
    assert passed_s == pytest.approx(3600, abs=1e-3)
    assert abs(began_s - time.time()) < 60


def test_the_system_clock_rises() -> None:
    clock = SystemClock()
    first_s = clock.now()
    assert clock.now() >= first_s
    assert clock.speed == 1
