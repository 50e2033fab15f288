"""Four sensors at once, many times as fast as life, through the command line: every sample is in the session."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from devices.virtual.client import SimulatedClient
from pipeline.journal import Kind, Record
from pipeline.model import PhaseKind, Stream
from pipeline.sealing import read_table, records_of
from pipeline.store import Home, read_session
from pipeline.verification import problems_of
from tests.conftest import REPO
from tests.flows.delivered import assert_beats, assert_samples, links
from tests.flows.rooms import Played, Watched

FULL_S, SHORTEST_S = 1200, 60
SPEED = "20"
DEAD_API = "http://127.0.0.1:9/api"  # the discard port: the report comes without Prefect, and soon
SENSORS = ("bitalino", "polar_h10", "polar_optical", "shimmer")

PROTOCOL = """
title = "Rest"
summary = "Long enough to lose something."
opening = "You can stop at any time."

[[step]]
name = "Baseline"
kind = "baseline"
duration_s = {seconds}
instruction = "Sit quietly."
"""


@dataclass(frozen=True, slots=True)
class Sampled:
    """A stream at a steady rate: whose it is, what its sensor can tell apart, how often it sends."""

    device: str
    within: float
    sent_every_s: float
    stamp_s: float | None = None  # how finely it says when; None: it does not
    wrap_s: float = np.inf


SAMPLED = {
    ("ecg", 130.0): Sampled("polar_h10", 0.51, 0.5, 1e-6),
    ("acc", 25.0): Sampled("polar_h10", 0.51, 1.0, 1e-6),
    ("ppg", 55.0): Sampled("polar_optical", 0.51, 0.4, 1e-6),
    ("acc", 52.0): Sampled("polar_optical", 0.13, 0.5, 1e-6),
    ("eda", 51.2): Sampled("shimmer", 0.02, 0.25, 1e-6, 512.0),
    ("eda", 10.0): Sampled("bitalino", 0.03, 0.1, 1e-6),
}
EVENTS = {"heart_rate": 1.0, "heart_rate_polar_optical": 1.0, "rr": 1.0, "pp": 5.0}  # sent every so many s


def recorded(home: Path, seconds: int) -> tuple[Path, str]:
    """The folder of a session of so many seconds from the command line, and what that printed."""
    protocol = home / "rest.toml"
    protocol.write_text(PROTOCOL.format(seconds=seconds))
    asked = ["--simulate", "four-sensors", "--speed", SPEED, "--protocol", str(protocol), "--home", str(home)]
    run = subprocess.run(
        [sys.executable, "-m", "flows.cli", "record", *asked],
        cwd=REPO,
        env={**os.environ, "PREFECT_API_URL": DEAD_API},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    [folder] = Home(home).sessions()
    return folder, run.stdout


def relived(folder: Path, records: list[Record]) -> Played:
    """The session with its client, who lives once more by the phases as they were heard."""
    [began_s] = [record.facts["clock_epoch_s"] for record in records if record.kind is Kind.HEADER]
    client = SimulatedClient()
    for record in records:
        if record.kind is Kind.PHASE:
            client.hear(began_s + record.arrival_s, PhaseKind(record.facts["kind"]))
    return Played(folder, read_session(folder), client, began_s, Watched(), (), [])


def assert_nothing_fell_behind(records: list[Record], seconds: int) -> None:
    assert [record.sequence for record in records] == list(range(len(records)))
    [end] = [record for record in records if record.kind is Kind.END]
    assert end.facts == {"undecoded": 0}
    shown_s = [record.arrival_s for record in records if record.kind is Kind.SHOWN]
    assert len(shown_s) >= seconds
    np.testing.assert_allclose(np.diff(shown_s), 1.0, atol=1e-6)


def assert_complete(played: Played, stream: Stream, sent_every_s: float, from_s: float = 3.0) -> None:
    """It lasts from soon after the beginning to the end, but for what was not yet due, without a gap."""
    assert stream.gaps == ()
    assert stream.time_s[0] < from_s
    assert played.recording.duration_s - stream.time_s[-1] < sent_every_s + 1.0


def assert_steady(played: Played, stream: Stream, sampled: Sampled) -> None:
    """Each sample once, by its value, its time and its sensor's own stamp."""
    assert stream.rate_hz is not None
    client = played.client
    truth = {
        "ecg": client.ecg_uv,
        "ppg": client.ppg_au,
        "eda": client.eda_us,
        "acc": lambda start_s, end_s, rate_hz: client.acc_mg(start_s, end_s, rate_hz)[:, 0],
    }[stream.name]
    late_s = assert_samples(played, stream, truth, within=sampled.within)
    np.testing.assert_allclose(np.diff(stream.time_s), 1 / stream.rate_hz, rtol=0.01)
    assert np.ptp(late_s) < 0.01
    assert stream.device_time_s is not None
    steps_s = np.diff(stream.device_time_s) % sampled.wrap_s
    np.testing.assert_allclose(steps_s, 1 / stream.rate_hz, atol=sampled.stamp_s)


@pytest.mark.timeout(1200)
def test_twenty_minutes_of_four_sensors_at_twenty_times_the_speed_lose_nothing(
    pytestconfig: pytest.Config, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seconds = min(FULL_S, max(SHORTEST_S, round(FULL_S * pytestconfig.getoption("--share"))))
    began_s = time.perf_counter()
    folder, said = recorded(tmp_path, seconds)
    took_s = time.perf_counter() - began_s

    assert problems_of(folder) == []
    records = records_of(read_table(folder / "raw.parquet"))
    played = relived(folder, records)
    streams = played.recording.streams
    for s in streams.values():
        print(
            s.name,
            s.rate_hz,
            None if s.device_time_s is None else s.device_time_s[:3],
            played.recording.duration_s - s.time_s[-1],
            s.time_s[0],
            len(s),
        )
    assert sorted(links(played)) == sorted(
        f"{name}: {what}" for name in SENSORS for what in ("connected", "stopped")
    )
    assert_nothing_fell_behind(records, seconds)
    for stream in streams.values():
        if stream.rate_hz is not None:
            sampled = SAMPLED[stream.name, stream.rate_hz]
            assert_complete(played, stream, sampled.sent_every_s)
            assert_steady(played, stream, sampled)
    for name, sent_every_s in EVENTS.items():
        assert_complete(played, streams[name], sent_every_s, 30.0 if name == "pp" else 3.0)
    assert_beats(played, streams["rr"])
    with capsys.disabled():
        print(f"\n{seconds / 60:g} min of four sensors in {took_s:.0f} s; {said.splitlines()[-1]}")
