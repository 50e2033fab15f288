"""The analyst's process: it answers from exactly the records asked for, and its death is no one else's."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from devices.decoding import LiveDecoder
from flows import analyst as module
from flows.analyst import MOST_STARTS, Analyst, State
from pipeline.clock import Clock, run
from pipeline.journal import Journal, Kind, Record
from pipeline.live.course import Follower
from pipeline.live.shown import WARMING_UP, Analysed
from tests.pipeline.sessions import HEADER, STRAP, heart_rate_frame

pytestmark = pytest.mark.skipif(os.name == "nt", reason="kills processes")

SPEEDS = [pytest.param(None, id="real time"), pytest.param(20.0, id="simulated")]


class _Written(Clock):
    """A clock that a test sets."""

    speed = 1.0

    def __init__(self) -> None:
        self.now_s = 0.0

    def now(self) -> float:
        return self.now_s

    def wall(self) -> float:
        return 1.8e9 + self.now_s


class _Session:
    """A journal that grows as a test says."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.folder = _Written(), folder
        self.journal = Journal(folder / "journal.bin", self.clock, HEADER)
        self.latest = self.journal.event(Kind.DEVICE, STRAP, "heart_rate")
        self.records = [self.latest]
        self._keep(self.journal.event(Kind.PHASE, {"name": "Baseline", "kind": "baseline"}))

    def _keep(self, record: Record) -> None:
        self.latest = record
        self.records.append(record)

    def go_on(self, seconds: int) -> None:
        for _ in range(seconds):
            self.clock.now_s += 1
            rr_ms = [1000 + (40 if self.clock.now_s % 4 < 2 else -40)]
            self._keep(
                self.journal.append(Kind.DATA, "heart_rate/heart_rate", heart_rate_frame(rr_ms), generation=1)
            )

    def expected(self, at_s: float) -> Analysed:
        follower = Follower(LiveDecoder().feed)
        for record in self.records:
            follower.feed(record)
        return follower.at(at_s)


class _News:
    """What the analyst told, waited for."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[Analysed] = asyncio.Queue()

    async def next(self) -> Analysed:
        return await self.told.get()


async def _until(holds: Callable[[], bool]) -> None:
    while not holds():
        await asyncio.sleep(0.05)


def _with_analyst(folder: Path, speed: float | None, what: Callable[[Analyst, _Session, _News], Any]) -> None:
    async def main(_: Clock) -> None:
        session, news = _Session(folder), _News()
        with session.journal:
            async with Analyst(folder, news.told.put_nowait) as analyst:
                await what(analyst, session, news)

    run(main, speed)


@pytest.mark.parametrize("speed", SPEEDS)
def test_it_answers_from_exactly_the_records_asked_for(tmp_path: Path, speed: float | None) -> None:
    async def asked(analyst: Analyst, session: _Session, news: _News) -> None:
        assert (analyst.state, analyst.why) == (State.WARMING_UP, WARMING_UP)
        analyst.ask(0, 0.0)  # not ready: nothing happens
        session.go_on(200)
        await _until(lambda: analyst.state is State.READY)
        expected, upto = session.expected(195.5), session.latest.sequence
        session.go_on(30)  # what is there by now, but was not asked for
        analyst.ask(upto, 195.5)
        analyst.ask(upto + 1, 196.5)  # an answer is outstanding: nothing happens
        assert await news.next() == expected
        assert expected.arousal is not None
        analyst.ask(session.latest.sequence, 230.0)
        assert await news.next() == session.expected(230.0)
        assert news.told.empty()

    _with_analyst(tmp_path, speed, asked)


def test_killed_it_is_started_again_three_times_and_says_so(tmp_path: Path) -> None:
    async def killed(analyst: Analyst, session: _Session, news: _News) -> None:
        session.go_on(100)
        await _until(lambda: analyst.state is State.READY)
        for start in range(1, MOST_STARTS):
            assert analyst.pid is not None
            os.kill(analyst.pid, signal.SIGKILL)
            gone = await news.next()
            assert gone.record == {"why": f"the analysis stopped and starts again ({start})"}
            analyst.ask(session.latest.sequence, 100.0)  # nobody is there: nothing happens
            if start == 1:
                await _until(lambda: analyst.state is State.READY)
                analyst.ask(session.latest.sequence, 100.0)
                assert await news.next() == session.expected(100.0)
            else:
                await _until(lambda: analyst.pid is not None)
        assert analyst.pid is not None
        os.kill(analyst.pid, signal.SIGKILL)
        assert (await news.next()).record == {
            "why": f"the analysis stopped {MOST_STARTS} times and stays off"
        }
        assert analyst.state is State.STOPPED
        analyst.ask(session.latest.sequence, 100.0)

    _with_analyst(tmp_path, 20.0, killed)


def test_one_that_cannot_start_is_only_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PYTHON", (str(tmp_path / "no-such-python"),))

    async def missing(analyst: Analyst, _: _Session, news: _News) -> None:
        await _until(lambda: analyst.state is State.STOPPED)
        told = [(await news.next()).record["why"] for _ in range(MOST_STARTS)]
        assert told[-1] == f"the analysis stopped {MOST_STARTS} times and stays off"

    _with_analyst(tmp_path, None, missing)


def test_left_while_it_warms_up_nothing_is_left_behind(tmp_path: Path) -> None:
    pids: list[int] = []

    async def left(analyst: Analyst, _: _Session, news: _News) -> None:
        await _until(lambda: analyst.pid is not None)
        pids.append(analyst.pid or 0)

    _with_analyst(tmp_path, None, left)
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


def test_its_process_ends_with_the_recorder_s(tmp_path: Path) -> None:
    session = _Session(tmp_path)
    with session.journal:
        process = module._started(tmp_path)
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == '{"warm": true}\n'
        process.stdin.close()  # as the system does when the recorder is killed
        assert process.wait(30) == 0
        process.stdout.close()


def test_a_record_that_is_not_there_is_no_answer(tmp_path: Path) -> None:
    async def asked(analyst: Analyst, session: _Session, news: _News) -> None:
        await _until(lambda: analyst.state is State.READY)
        analyst.ask(session.latest.sequence + 5, 1.0)
        assert (await news.next()).record == {"why": "the journal could not be followed"}
        session.go_on(100)
        analyst.ask(session.latest.sequence, 100.0)
        assert await news.next() == session.expected(100.0)

    _with_analyst(tmp_path, None, asked)


def test_a_stuck_one_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_STUCK_S", 0.2)

    async def stuck(analyst: Analyst, session: _Session, news: _News) -> None:
        session.go_on(100)
        await _until(lambda: analyst.state is State.READY)
        assert analyst.pid is not None
        os.kill(analyst.pid, signal.SIGSTOP)
        analyst.ask(session.latest.sequence, 100.0)
        while news.told.empty():
            analyst.ask(session.latest.sequence, 100.0)
            await asyncio.sleep(0.05)
        assert (await news.next()).record == {"why": "the analysis stopped and starts again (1)"}
        with contextlib.suppress(asyncio.QueueEmpty):
            news.told.get_nowait()
        await _until(lambda: analyst.state is State.READY)
        analyst.ask(session.latest.sequence, 100.0)
        assert await news.next() == session.expected(100.0)

    _with_analyst(tmp_path, None, stuck)
