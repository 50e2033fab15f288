"""Live streams for other programs: sent where LSL is there, and never at the recording's cost."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from devices.driver import Samples
from flows.lsl import Outlets, library, times_s
from tests.flows.command_line import vagal

BEATS = Samples("rr", {"rr_ms": np.array([800.0, 900.0, 1000.0])})
ECG = Samples("ecg", {"ecg_uv": np.array([1.0, 2.0, 3.0, 4.0])}, 4.0)
RECEIVER = """
import pylsl
[info] = pylsl.resolve_byprop("source_id", "vagal-strap-ecg", 1, 20)
inlet = pylsl.StreamInlet(info)
full = inlet.info(10)
child = full.desc().child("channels").child("channel")
print(full.nominal_srate(), child.child_value("label"), child.child_value("unit"), flush=True)
samples = []
while len(samples) < 8:
    samples += inlet.pull_chunk(1.0)[0]
print([row[0] for row in samples][-4:], flush=True)
"""


class StandIn:
    """An LSL library that can be stuck or broken, as the real one can't be made to be."""

    IRREGULAR_RATE = 0.0

    def __init__(self, error: Exception | None = None) -> None:
        self.free, self.error = threading.Event(), error
        self.pushed: list[tuple[str, list[float], float]] = []

    def local_clock(self) -> float:
        return 100.0

    def StreamInfo(self, name: str, *_: object) -> Any:
        node = SimpleNamespace(append_child_value=lambda *_: None)
        node.append_child = lambda _: node
        return SimpleNamespace(name=name, desc=lambda: node)

    def StreamOutlet(self, info: Any) -> Any:
        def push(row: list[float], at_s: float) -> None:
            self.free.wait()
            if self.error is not None:
                raise self.error
            self.pushed.append((info.name, row, at_s))

        return SimpleNamespace(push_sample=push)

    @property
    def module(self) -> ModuleType:
        return cast(ModuleType, self)


@pytest.mark.parametrize(
    ("samples", "found"),
    [
        (ECG, [9.25, 9.5, 9.75, 10.0]),
        (BEATS, [8.1, 9.0, 10.0]),
        (Samples("hr", {"heart_rate_bpm": np.array([60.0, 61.0])}), [10.0, 10.0]),
        (Samples("pp", {"pp_ms": np.array([np.nan])}), [10.0]),
    ],
    ids=["by the rate", "by what beats last", "single values", "a missing one"],
)
def test_the_last_sample_is_of_now(samples: Samples, found: list[float]) -> None:
    assert times_s(samples, 10.0) == pytest.approx(found)


def test_each_sensor_s_streams_are_sent_in_order() -> None:
    lsl = StandIn()
    lsl.free.set()
    outlets = Outlets(lsl.module)
    outlets.hear("strap", BEATS)
    outlets.hear("strap", ECG)
    outlets.close()
    assert lsl.pushed[:3] == [
        ("vagal strap rr", [800.0], pytest.approx(98.1)),
        ("vagal strap rr", [900.0], pytest.approx(99.0)),
        ("vagal strap rr", [1000.0], 100.0),
    ]
    assert [row for name, row, _ in lsl.pushed if name == "vagal strap ecg"] == [[1.0], [2.0], [3.0], [4.0]]
    assert (outlets.dropped, outlets.fault) == (0, None)


def test_a_library_that_is_stuck_costs_samples_and_nothing_else() -> None:
    lsl = StandIn()
    outlets = Outlets(lsl.module)
    for _ in range(3000):
        outlets.hear("strap", BEATS)
    assert outlets.dropped >= 1900
    lsl.free.set()
    outlets.close()
    assert len(lsl.pushed) == 3 * (3000 - outlets.dropped)


def test_a_library_that_breaks_ends_the_sending_alone() -> None:
    lsl = StandIn(RuntimeError("no network"))
    lsl.free.set()
    outlets = Outlets(lsl.module)
    for _ in range(5):
        outlets.hear("strap", BEATS)
    outlets.close()
    assert (outlets.fault, outlets.dropped) == ("RuntimeError('no network')", 4)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("raise ImportError('no such module')", "no such module"),
        ("raise RuntimeError('liblsl was not found.\\nDo this.')", "liblsl was not found."),
    ],
    ids=["no package", "no library"],
)
def test_without_the_library_nothing_begins(tmp_path: Path, content: str, reason: str) -> None:
    (tmp_path / "pylsl.py").write_text(content)
    home = tmp_path / "home"
    ended = vagal("record", "--simulate", "--lsl", home=home, PYTHONPATH=str(tmp_path))
    line = f'vagal: --lsl needs the LSL library: pip install "vagal[lsl]" ({reason})\n'
    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", line)
    assert not home.exists()


def test_the_start_page_has_no_such_streams(tmp_path: Path) -> None:
    ended = vagal("live", "--simulate", "--lsl", home=tmp_path)
    assert (ended.returncode, "--lsl goes with record and live --no-browser" in ended.stderr) == (2, True)


def test_another_process_receives_what_is_sent() -> None:
    pytest.importorskip("pylsl", reason="needs the extra lsl")
    outlets = Outlets(library())
    command = [sys.executable, "-c", RECEIVER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ) as receiver:
        until_s = time.monotonic() + 40
        while receiver.poll() is None and time.monotonic() < until_s:
            outlets.hear("strap", ECG)
            time.sleep(0.1)
        receiver.kill()
        assert receiver.stdout is not None
        said = receiver.stdout.read().splitlines()
    outlets.close()
    assert said[0] == "4.0 ecg_uv µV"
    assert said[1] == "[1.0, 2.0, 3.0, 4.0]"
    assert outlets.fault is None
