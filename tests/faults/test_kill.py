"""kill -9 at random moments of a live recording: what was received is there, as a session."""

import random
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import pytest

from devices.decoding import decode
from pipeline.journal import Kind
from pipeline.sealing import read_table, records_of
from pipeline.store import Home, read_session, recover
from tests.conftest import REPO

SPEED = "60"


def _kill_after(home: Path, log: Path, seconds: float) -> None:
    """Start a recording, wait until it records, let it run, and kill it."""
    command = [sys.executable, "-m", "tests.faults.victim", str(home), str(log), SPEED]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=REPO, text=True) as victim:
        assert victim.stdout is not None
        assert victim.stdout.readline().strip(), "the recording did not start"
        time.sleep(seconds)
        victim.kill()


def _sent(log: Path) -> dict[str, list[str]]:
    """Payloads by channel, as they went on the air; a half-written last line was never sent."""
    sent = defaultdict(list)
    for line in log.read_text().splitlines(keepends=True):
        if line.endswith("\n"):
            channel, _, payload = line.rstrip("\n").partition(" ")
            sent[channel].append(payload)
    return sent


@pytest.mark.attempts(100)
def test_a_killed_recording_is_an_exact_prefix(attempt: int, tmp_path: Path) -> None:
    home, log = tmp_path / "home", tmp_path / "sent.log"
    _kill_after(home, log, random.Random(attempt).uniform(0.0, 2.5))

    [recovery] = recover(Home(home), decode)
    assert recovery.trouble is None
    session = read_session(recovery.folder)
    assert session.recovered
    assert session.client == "victim-1"
    kept = defaultdict(list)
    records = records_of(read_table(recovery.folder / "raw.parquet"))
    for record in records:
        if record.kind is Kind.DATA:
            kept[record.stream.partition("/")[2]].append(record.payload.hex())
    for channel, payloads in _sent(log).items():
        assert payloads[: len(kept[channel])] == kept[channel], f"{channel}: not a prefix"
        assert len(payloads) - len(kept[channel]) <= 1, f"{channel}: more than one notification lost"
    assert len(session.phases) == sum(record.kind is Kind.PHASE for record in records)
    assert sum(m.kind == "note" for m in session.markers) == sum(r.kind is Kind.MARKER for r in records)
