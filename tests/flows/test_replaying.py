"""Replaying a stored session's raw records through the live path reproduces what was shown, bit for bit."""

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from devices.virtual.room import Room
from devices.virtual.scenario import scenario
from flows.analyst import Analyst, State
from flows.recording import Recorder
from flows.replaying import shown_again, shown_then
from pipeline.journal import Kind
from pipeline.sealing import read_table
from tests.flows.rooms import play, resting


async def _marking(room: Room, recorder: Recorder, stop: asyncio.Event) -> None:
    await asyncio.sleep(60)
    recorder.event(Kind.MARKER, {"kind": "talking", "span": "start"})
    await asyncio.sleep(8)
    recorder.event(Kind.MARKER, {"kind": "talking", "span": "end"})
    await asyncio.sleep(20)
    recorder.event(Kind.MARKER, {"kind": "moving", "span": "start"})
    await asyncio.sleep(4)
    recorder.event(Kind.MARKER, {"kind": "moving", "span": "end"})


async def _analysed(recorder: Recorder) -> None:
    """Ask each five seconds; in mid-session the analyst is killed, where that can be done."""
    async with Analyst(recorder.folder, recorder.answered) as analyst:
        for turn in range(1 << 30):
            while analyst.state is not State.READY:
                time.sleep(0.05)  # simulated time stands still until it is warm
            if recorder.shown:
                analyst.ask(recorder.sequence, recorder.shown["time_s"])
            await asyncio.sleep(5)
            if turn == 24 and os.name == "posix" and analyst.pid is not None:
                os.kill(analyst.pid, signal.SIGKILL)
                await asyncio.sleep(2)


@pytest.mark.parametrize("scene", ["calm", "dropout"])
def test_what_was_shown_is_reproduced(scene: str, tmp_path: Path) -> None:
    played = play(
        tmp_path,
        resting(200),
        scene=scenario(scene),
        speed=60,
        happening=_marking,
        attend=_analysed,
    )
    then = shown_then(played.folder)
    assert shown_again(played.folder) == then
    assert len(then) >= 195
    assert sum(each["rhythm_concentration"] is not None for each in then) > 20
    assert any("marked: talking" in (each["reasons"] or "") for each in then)


def test_without_an_analyst_too(tmp_path: Path) -> None:
    played = play(tmp_path, resting(90), seed=3)
    then = shown_then(played.folder)
    assert shown_again(played.folder) == then
    rows = read_table(played.folder / "shown.parquet").to_pylist()
    assert [{name: row[name] for name in then[0]} for row in rows] == then
