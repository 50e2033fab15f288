"""The session flow and its companion: with Prefect, and with Prefect dead, slow, or killed in mid-session."""

import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from devices.virtual.room import Room
from flows import companion, session
from flows.progressing import write_progress
from flows.recording import Recorder
from pipeline.errors import InputError, InsufficientDataError
from pipeline.store import Home, is_session
from tests.conftest import REPO
from tests.flows.rooms import play, resting

SHORT = """
title = "Short"
summary = "Long enough for a server to start and be killed, on a busy machine too."
opening = "You can stop at any time."

[[step]]
name = "Baseline"
kind = "baseline"
duration_s = 3000
instruction = "Sit quietly."
"""
DEAD_API = "http://127.0.0.1:9/api"  # the discard port: nothing answers


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sealed session of two minutes, without a report."""
    return play(tmp_path_factory.mktemp("home"), resting(120)).folder


@pytest.fixture
def folder(sealed: Path, tmp_path: Path) -> Path:
    """A copy of it in a home of its own."""
    return _copied(sealed, tmp_path)


def _copied(sealed: Path, to: Path) -> Path:
    copy = to / "home" / "sessions" / "test-1" / sealed.name
    shutil.copytree(sealed, copy)
    return copy


@dataclass(frozen=True)
class Followed:
    """What came of a session that the flow followed, with a server that was new."""

    folder: Path
    returned: int | None
    said: str

    @property
    def prefect(self) -> Path:
        return self.folder.parents[2] / "prefect"


@pytest.fixture(scope="module")
def followed(sealed: Path, tmp_path_factory: pytest.TempPathFactory) -> Followed:
    following = companion.start(_copied(sealed, tmp_path_factory.mktemp("followed")))
    said, _ = following.process.communicate(timeout=240)
    return Followed(following.folder, following.process.returncode, said)


@pytest.fixture
def slow_api() -> Iterator[str]:
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held = []
        threading.Thread(target=lambda: held.extend(_accepted(server)), daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/api"
        for connection in held:
            connection.close()


def _accepted(server: socket.socket) -> Iterator[socket.socket]:
    while True:
        try:
            yield server.accept()[0]
        except OSError:
            return


def _report(folder: Path) -> Path:
    return folder / "derived" / "report.html"


@pytest.mark.prove
def test_the_flow_follows_checks_and_reports_with_a_real_server(followed: Followed) -> None:
    assert (followed.returned, followed.said) == (0, "")
    assert _report(followed.folder).exists()
    database = b"".join(path.read_bytes() for path in followed.prefect.glob("prefect.db*"))
    assert followed.folder.name.encode() in database
    assert b"test-1" not in database  # the session's id is all that Prefect hears of: no client, no signal
    assert b"rr_ms" not in database


@dataclass(frozen=True)
class Artifact:
    """A row of Prefect's table of artifacts, and the flow that left it."""

    flow: str
    key: str
    kind: str
    data: str

    @property
    def leads_to(self) -> Path:
        """The page at the end of the link, through the one that leads on."""
        found = re.fullmatch(r"\[(.+)\]\(file://(.+)\)", self.data)
        assert found is not None, self.data
        door = Path(found[2])
        onward = re.search(r'content="0; url=(.+)"', door.read_text())
        assert onward is not None
        return (door.parent / onward[1]).resolve()


def _artifacts(prefect: Path) -> list[Artifact]:
    """What the server holds, as it left it."""
    asked = """select flow.name, artifact.key, artifact.type, artifact.data from artifact
        join flow_run on flow_run.id = artifact.flow_run_id join flow on flow.id = flow_run.flow_id
        order by artifact.created"""
    with contextlib.closing(sqlite3.connect(prefect / "prefect.db")) as database:
        return [Artifact(*row[:3], json.loads(row[3])) for row in database.execute(asked)]


@pytest.mark.prove
def test_the_flows_leave_links_that_lead_to_the_reports(followed: Followed) -> None:
    session_link, progress_link = _artifacts(followed.prefect)
    of = Home(followed.folder.parents[2]).hash_serial("client test-1")
    assert (session_link.flow, session_link.kind, session_link.leads_to) == (
        "session",
        "markdown",
        _report(followed.folder).resolve(),
    )
    assert session_link.key == f"report-{followed.folder.name.lower()}"
    assert (progress_link.flow, progress_link.key) == ("progress", f"progress-{of}")
    assert progress_link.leads_to == (
        followed.folder.parents[2] / "clients" / "test-1" / "derived" / "progress.html"
    )
    assert [each.leads_to.read_text(encoding="utf-8")[:15] for each in (session_link, progress_link)] == [
        "<!doctype html>",
        "<!doctype html>",
    ]


def test_with_the_api_down_the_report_comes_without_it_and_one_line_says_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", DEAD_API)
    report, warning = companion.start(folder).report()
    assert report == _report(folder)
    assert report.exists()
    assert warning is not None
    assert "the report was made without it" in warning
    assert "\n" not in warning


def test_with_a_slow_api_patience_ends(folder: Path, slow_api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", slow_api)
    monkeypatch.setattr(companion, "_START_S", 4.0)
    monkeypatch.setattr(companion, "_FINISH_S", 4.0)
    report, warning = companion.start(folder).report()
    assert report.exists()
    assert warning == "Prefect did not answer in time: the report was made without it"


def test_a_killed_companion_is_replaced(folder: Path) -> None:
    following = companion.start(folder)
    following.process.kill()
    report, warning = following.report()
    assert report.exists()
    assert warning == "the session flow ended early: the report was made without it"


def test_a_session_without_anything_usable_is_exit_1_with_the_reason(tmp_path: Path) -> None:
    async def mute(room: Room, _: Recorder, __: asyncio.Event) -> None:
        for sensor in room.sensors:
            sensor.muted = True

    folder = play(tmp_path, resting(5), happening=mute).folder
    with pytest.raises(
        InsufficientDataError, match=r"is stored in .*, but it has no report: .*nothing usable"
    ):
        companion.report_plainly(folder)


def _no_folder_of_clients(home: Path) -> None:
    (home / "clients").write_text("")


def _no_sessions(home: Path) -> None:
    (home / "sessions" / "test-1").rename(home / "sessions" / "test-2")


def _prefect_is_gone(_: Home, __: str) -> None:
    raise ConnectionError("nobody answers")


@pytest.mark.parametrize("break_it", [_no_folder_of_clients, _no_sessions])
@pytest.mark.parametrize("run", [write_progress, _prefect_is_gone], ids=["Prefect", "no Prefect"])
def test_progress_that_fails_is_told_in_one_line_and_the_report_stays(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    break_it: Callable[[Path], None],
    run: Callable[[Home, str], object],
) -> None:
    home = folder.parents[2]
    session.run_plain(folder)
    written = _report(folder).read_bytes()
    break_it(home)
    monkeypatch.setattr(session, "run_progress_flow", run)
    session.progress_beside(Home(home), "test-1")
    [line] = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"the progress report was not made \(.+\): the session's is there", line)
    assert [each.read_bytes() for each in home.glob("sessions/*/*/derived/report.html")] == [written]


def test_progress_is_made_without_prefect_where_that_fails(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    session.run_plain(folder)
    monkeypatch.setattr(session, "run_progress_flow", _prefect_is_gone)
    session.progress_beside(Home(folder.parents[2]), "test-1")
    assert capsys.readouterr().out == ""
    assert (folder.parents[2] / "clients" / "test-1" / "derived" / "progress.html").is_file()


def test_a_companion_has_nothing_to_follow_in_a_folder_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        session.follow(tmp_path / "gone")


def test_the_companion_seals_a_session_whose_recorder_was_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.faults.victim", str(tmp_path), str(tmp_path / "log"), "60"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=REPO, text=True) as recorder:
        assert recorder.stdout is not None
        folder = Path(recorder.stdout.readline().strip())
        time.sleep(2)
        recorder.send_signal(signal.SIGKILL)
    session.check(session.follow(folder))
    assert is_session(folder)


@pytest.mark.prove
def test_the_demo_survives_its_server_killed_in_mid_session(followed: Followed, tmp_path: Path) -> None:
    """The session goes on after that, and is then ended by Ctrl-C."""
    shutil.copytree(followed.prefect, tmp_path / "prefect")  # to make its tables takes a server long
    protocol = tmp_path / "short.toml"
    protocol.write_text(SHORT)
    environment = {**os.environ, "VAGAL_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "flows.cli", "demo", "--speed", "20", "--protocol", str(protocol)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=REPO, env=environment
    ) as demo:
        killed = _kill_server(tmp_path, demo)
        _await_more(tmp_path, demo)
        demo.send_signal(signal.SIGINT)
        output, errors = demo.communicate(timeout=240)
    assert killed, "the server was never seen"
    assert demo.returncode == 0, errors
    assert list(tmp_path.glob("sessions/demo/*/derived/report.html")), output
    assert "Report   " in output
    assert [line.startswith("Warning: ") for line in errors.splitlines()] in ([], [True])


def _await_more(home: Path, demo: subprocess.Popen[str]) -> None:
    """Wait until the session has recorded a fifth more than it had."""
    [journal] = home.glob("sessions/demo/*/journal.bin")
    recorded = journal.stat().st_size
    while demo.poll() is None and journal.stat().st_size < 1.2 * recorded:
        time.sleep(0.1)


def _kill_server(home: Path, demo: subprocess.Popen[str]) -> bool:
    """Kill the Prefect server that keeps its data in this home, as soon as the flow is running there."""
    while demo.poll() is None:
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                arguments = (process / "cmdline").read_bytes().split(b"\0")
                is_ours = str(home).encode() in (process / "environ").read_bytes()
                if (
                    is_ours
                    and b"--port" in arguments
                    and _runs_flow(int(arguments[arguments.index(b"--port") + 1]))
                ):
                    os.kill(int(process.name), signal.SIGKILL)
                    return True
        time.sleep(0.2)
    return False


def _runs_flow(port: int) -> bool:
    running = b'{"flow_runs": {"state": {"type": {"any_": ["RUNNING"]}}}}'
    count = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/flow_runs/count", running, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(count, timeout=2) as answer:
        return int(answer.read()) > 0
