"""The real `vagal live` when its disk is full, and when it is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import pytest

from devices.decoding import decode
from pipeline.errors import InputError
from pipeline.store import Home, is_session, read_session, recover
from tests.flows.web.desk import PATIENCE_S, SHORT, Desk, at_desk, processes_about
from tests.flows.web.live import Live, live, without_prefect

resource = pytest.importorskip("resource")

pytestmark = [
    pytest.mark.prove,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="looks at other processes in /proc"),
]

SIMULATED = ("--simulate", "calm", "--speed", "20")
OPEN_END = """
title = "Open end"
summary = "One step, until somebody ends it."
opening = "You can stop or skip any task."

[[step]]
name = "Rest"
kind = "other"
instruction = "Sit quietly."
"""
DISK_BYTES = 32 << 20


@contextmanager
def small_disk(place: Path) -> Iterator[None]:
    """A file system of its own, for those who may mount one."""
    place.mkdir()
    size = f"size={DISK_BYTES}"
    if subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", place], capture_output=True).returncode:
        pytest.skip("mounting takes root")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", place], check=True)


@contextmanager
def usual_disk(place: Path) -> Iterator[None]:
    """The disk that all tests are on."""
    place.mkdir()
    yield


@contextmanager
def full_disk(running: Live) -> Iterator[None]:
    """Not a byte is left on the disk that the sessions lie on."""
    filler = running.home.parent / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(1 << 12)):
            pass
    try:
        yield
    finally:
        filler.unlink()


@contextmanager
def no_file_grows(running: Live) -> Iterator[None]:
    """The process may write to no file, as little as on a full disk."""
    before = resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, before)


def until(what: str, condition: Callable[[], object]) -> None:
    """Wait until a condition holds."""
    ends_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < ends_s, f"waited in vain for: {what}"
        time.sleep(0.1)


def assert_told(desk: Desk, at: str, why: str) -> Path:
    """The page was told that recording stopped, in one line; the session's folder."""
    message = desk.stage("failed")["message"]
    said, _, rest = message.partition("what was recorded is safe in ")
    assert said.startswith(f"recording stopped at {at}")
    assert f"the disk cannot be written ({why})" in said
    folder, _, rest = rest.partition("; ")
    assert rest == "make room, then run `vagal recover`"
    assert len(message.splitlines()) == 1
    return Path(folder)


@pytest.mark.parametrize(
    ("disk", "filling", "why"),
    [
        pytest.param(small_disk, full_disk, "No space left on device", id="a full disk"),
        pytest.param(usual_disk, no_file_grows, "File too large", id="no file may grow"),
    ],
)
def test_no_room_at_the_start_or_in_between(
    tmp_path: Path,
    disk: Callable[[Path], AbstractContextManager[None]],
    filling: Callable[[Live], AbstractContextManager[None]],
    why: str,
) -> None:
    """Each time the page is told, nothing is left running, and the next session is a whole one."""
    place = tmp_path / "disk"
    with (
        disk(place),
        live(place / "home", *SIMULATED, protocols={"short": SHORT, "open": OPEN_END}) as running,
        at_desk(running.link) as desk,
    ):
        desk.ready()
        with filling(running):
            assert desk.start()[0] == 200
            assert_told(desk, "0:00", why)
            desk.ready()
        assert desk.start(protocol="open")[0] == 200
        desk.stage("opening")
        assert desk.act("begin") is None
        desk.until("session", lambda session: session["phases"])
        with filling(running):
            folder = assert_told(desk, "", why)
            assert processes_about(folder) == []
            desk.ready()
        session = desk.whole()
        assert session["state"] == "ended"
        assert desk.browser.get(session["report"]).status_code == 200
        recover(Home(running.home), decode)
        assert [phase.name for phase in read_session(folder).phases] == ["Rest"]


def in_mid_session(desk: Desk) -> None:
    """Start a session without an end, and wait until a minute of it is recorded."""
    desk.ready()
    assert desk.start(protocol="open")[0] == 200
    desk.stage("opening")
    assert desk.act("begin") is None
    desk.until("values", lambda values: values["time_s"] > 60)


def test_killed_in_mid_session_it_leaves_a_sealed_session_and_no_process(tmp_path: Path) -> None:
    """Its companion seals and reports what there is; then it and the analyst are gone, too."""
    home = tmp_path / "home"
    with live(home, *SIMULATED, protocols={"open": OPEN_END}) as running:
        with at_desk(running.link) as desk:
            in_mid_session(desk)
            [folder] = running.folders("me")
            beside = processes_about(folder)
            assert {"flows.session", "flows.analyst"} == {
                name for name in ("flows.session", "flows.analyst") for each in beside if name in each
            }
        running.kill()
    until("the end of all processes", lambda: processes_about(home) == [])
    assert is_session(folder)
    assert read_session(folder).recovered
    assert (folder / "derived" / "report.html").exists()


def test_a_hangup_in_mid_session_ends_like_ctrl_c(tmp_path: Path) -> None:
    """A closed terminal: the session is sealed and reported, and nothing is left running."""
    home = tmp_path / "home"
    with live(home, *SIMULATED, protocols={"open": OPEN_END}) as running:
        with at_desk(running.link) as desk:
            in_mid_session(desk)
            os.kill(running.process.pid, signal.SIGHUP)
            desk.stage("ended")
        running.process.wait(PATIENCE_S)
        running.ended_by = signal.SIGINT  # as good as that
    assert processes_about(home) == []
    assert read_session(running.folders("me")[-1]).recovered is False


def test_without_pages_a_full_disk_leaves_no_process_either(tmp_path: Path) -> None:
    """One line; the companion sees by itself that there is nothing more to follow."""
    home = tmp_path / "home"
    vagal = Path(sys.executable).with_name("vagal")
    with subprocess.Popen(
        [vagal, "record", "--home", home, *SIMULATED],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(without_prefect(tmp_path / "without"))},
    ) as run:
        until("a companion", lambda: any("flows.session" in each for each in processes_about(home)))
        resource.prlimit(run.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        _, said = run.communicate(timeout=PATIENCE_S)
    assert run.returncode == InputError.exit_code
    assert len(said.splitlines()) == 1
    assert "the disk cannot be written (File too large)" in said
    until("the end of all processes", lambda: processes_about(home) == [])
