"""Four sensors at once, much faster than life, through the command line: every sample is in the session."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from devices.virtual.client import SimulatedClient
from pipeline.journal import Kind, Record
from pipeline.model import Floats, PhaseKind, Stream
from pipeline.sealing import read_table, records_of
from pipeline.store import Home, read_session
from pipeline.verification import problems_of
from tests.conftest import REPO
from tests.flows.delivered import assert_beats, assert_samples, links
from tests.flows.rooms import Played, Watched

FULL_S, SHORTEST_S = 1200, 60
SPEED = "20"
DEVICES = ("bitalino", "polar_h10", "polar_optical", "shimmer")
SETTLED_S = 3.0  # from the recorder's start to the first sample, connecting included
PULSES_S = 30.0  # the same of the arm band's pulses

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
    """A stream at a steady rate: after how long it is sent, how exact values and stamps are."""

    sent_after_s: float
    within: float
    stamped_within_s: float = 1e-9
    wraps_s: float = np.inf


# By kind and rate in Hz, for which of two streams has the longer name depends on who is first. A stamp of
# the chest strap, which counts from the year 2000, is as exact as a float of so many seconds.
SAMPLED = {
    ("ecg", 130.0): Sampled(0.5, 0.51, 2e-7),
    ("acc", 25.0): Sampled(1.0, 0.51, 2e-7),
    ("ppg", 55.0): Sampled(0.4, 0.51, 2e-9),
    ("acc", 52.0): Sampled(0.5, 0.13, 2e-9),
    ("eda", 51.2): Sampled(
        0.5, 0.02, wraps_s=512.0
    ),  # twice a quarter of a second, unless it fills a notification
    ("eda", 10.0): Sampled(0.1, 0.03),
}
SENT_AFTER_S = {"rr": 1.0, "pp": 5.0, "heart_rate": 1.0, "heart_rate_polar_optical": 1.0}


def recorded(home: Path, seconds: int) -> tuple[Path, str]:
    """The folder of a session of so many seconds from the command line, and what that printed last."""
    protocol = home / "rest.toml"
    protocol.write_text(PROTOCOL.format(seconds=seconds), encoding="utf-8")
    # Reports are made without Prefect where it is missing, and much sooner.
    (home / "prefect.py").write_text("raise ImportError('missing')", encoding="utf-8")
    asked = ["--simulate", "four-sensors", "--speed", SPEED, "--protocol", str(protocol), "--home", str(home)]
    run = subprocess.run(
        [sys.executable, "-m", "flows.cli", "record", *asked],
        cwd=REPO,
        env={**os.environ, "PYTHONPATH": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    [folder] = Home(home).sessions()
    return folder, run.stdout.splitlines()[-1]


def relived(folder: Path, records: list[Record]) -> Played:
    """The session with its client, who lives once more by the phases as they were heard."""
    [began_s] = [record.facts["clock_epoch_s"] for record in records if record.kind is Kind.HEADER]
    client = SimulatedClient()
    for record in records:
        if record.kind is Kind.PHASE and "kind" in record.facts:  # the last one only ends
            client.hear(began_s + record.arrival_s, PhaseKind(record.facts["kind"]))
    return Played(folder, read_session(folder), client, began_s, Watched(), (), [])


def assert_kept_up(records: list[Record], seconds: int) -> None:
    """No record is missing, none was left undecoded, and values were shown each second."""
    assert [record.sequence for record in records] == list(range(len(records)))
    [end] = [record.facts for record in records if record.kind is Kind.END]
    assert end == {"undecoded": 0}
    shown_s = [record.arrival_s for record in records if record.kind is Kind.SHOWN]
    assert len(shown_s) >= seconds
    np.testing.assert_allclose(np.diff(shown_s), 1.0, atol=1e-6)


def assert_whole(stream: Stream, sent_after_s: float, first_s: float, stopped_s: float) -> None:
    """It lasts from `first_s` at the latest to what was due when the sensors were stopped, without a gap."""
    assert [gap.reason for gap in stream.gaps] == (["nothing came yet"] if stream.name == "pp" else [])
    assert stream.time_s[0] < first_s
    assert stopped_s - stream.time_s[-1] < sent_after_s + np.diff(stream.time_s).max()


def assert_steady(played: Played, stream: Stream, kind: str, sampled: Sampled) -> None:
    """Each sample once, by its value, at its time and with its sensor's stamp."""
    assert stream.rate_hz is not None
    assert_samples(played, stream, truth_of(played, kind), within=sampled.within)
    assert stream.device_time_s is not None
    steps_s = np.diff(stream.device_time_s) % sampled.wraps_s
    np.testing.assert_allclose(steps_s, 1 / stream.rate_hz, rtol=0, atol=sampled.stamped_within_s)


def truth_of(played: Played, kind: str) -> Callable[[float, float, float], Floats]:
    """What the client's body had of a signal; of acceleration, its first axis."""
    if kind == "acc":
        return lambda start_s, end_s, rate_hz: played.client.acc_mg(start_s, end_s, rate_hz)[:, 0]
    return {"ecg": played.client.ecg_uv, "ppg": played.client.ppg_au, "eda": played.client.eda_us}[kind]


@pytest.mark.prove
@pytest.mark.timeout(1200)  # the whole test takes a minute where a machine is fast enough, or several
def test_twenty_minutes_of_four_sensors_at_speed_20_are_whole(
    pytestconfig: pytest.Config, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seconds = min(FULL_S, max(SHORTEST_S, round(FULL_S * pytestconfig.getoption("--share"))))
    began_s = time.perf_counter()
    folder, cost = recorded(tmp_path, seconds)
    took_s = time.perf_counter() - began_s
    with capsys.disabled():
        print(f"\n{seconds / 60:g} min of four sensors and the report in {took_s:.0f} s; {cost}")

    assert problems_of(folder) == []
    records = records_of(read_table(folder / "raw.parquet"))
    assert_kept_up(records, seconds)
    played = relived(folder, records)
    up_and_down = [f"{device}: {what}" for device in DEVICES for what in ("connected", "stopped")]
    assert sorted(links(played)) == up_and_down
    [phase] = played.recording.phases
    stopped_s = phase.start_s + seconds
    streams = dict(played.recording.streams)
    for name, sent_after_s in SENT_AFTER_S.items():
        assert_whole(streams.pop(name), sent_after_s, PULSES_S if name == "pp" else SETTLED_S, stopped_s)
    assert_beats(played, played.recording.streams["rr"])
    kinds = {(name.partition("_")[0], stream.rate_hz or 0.0): stream for name, stream in streams.items()}
    assert kinds.keys() == SAMPLED.keys()
    for (kind, rate_hz), stream in kinds.items():
        sampled = SAMPLED[kind, rate_hz]
        assert_whole(stream, sampled.sent_after_s, SETTLED_S, stopped_s)
        assert_steady(played, stream, kind, sampled)
