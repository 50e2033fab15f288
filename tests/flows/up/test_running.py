"""`vagal up` as a real process, where Prefect is missing: everything but its record is there."""

from __future__ import annotations

import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.flows.up.clinic import Clinic, clinic
from tests.flows.up.recordings import intervals, put

pytestmark = [
    pytest.mark.skipif(
        not Path("/proc/self/environ").exists(), reason="looks at processes as Linux shows them"
    ),
    pytest.mark.timeout(300),
]


def up_again(home: Path) -> tuple[int, str]:
    command = [str(Path(sys.executable).with_name("vagal")), "up", "--home", str(home), "--no-browser"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def is_up(running: Clinic) -> bool:
    return running.until("the end of its start", lambda: running.line("This runs until Ctrl-C.")) is not None


def test_pages_and_folder_are_there_without_prefect_a_second_one_is_not_and_ctrl_c_ends_all(
    tmp_path: Path,
) -> None:
    with clinic(tmp_path / "home") as running:
        assert is_up(running)
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(running.page)
        put(running.inbox, "anna-1/rest.txt", intervals())
        put(running.inbox, "Anna.txt", "Dear Anna")
        running.until("the report", lambda: running.line("Report   "))
        [session] = running.sessions()
        assert (
            running.line("Report   ") == f"Report   {session.parent.name} of anna-1, from anna-1/rest.txt\n"
        )
        assert running.line("Left") == (
            "Left     Anna.txt: put it into a folder named after the client, such as client-1\n"
        )
        running.until("Prefect's end", lambda: running.line("Prefect's record has stopped"))
        code, said = up_again(running.home)
        assert (code, said) == (
            2,
            f"vagal: vagal up is running in {running.home} already (process {running.process.pid}, its page "
            f"{running.page}): use that one, or end it with Ctrl-C first\n",
        )
        assert running.end(signal.SIGINT) < 15
        assert running.process.returncode == 0
        assert running.processes("") == {}
        assert sorted(path.name for path in (running.home / "up").iterdir()) == ["ledger.db", "lock"]


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGKILL], ids=lambda by: by.name)
def test_however_it_ends_nothing_of_it_is_left(tmp_path: Path, by: signal.Signals) -> None:
    with clinic(tmp_path / "home") as running:
        assert is_up(running)
        running.until("its watcher", lambda: running.processes("flows.up.watching"))
        running.end(by)
        assert running.process.returncode == (0 if by is signal.SIGTERM else -signal.SIGKILL)
        running.until("the end of all", lambda: not running.processes(""))


def test_a_watcher_that_dies_is_started_again(tmp_path: Path) -> None:
    import os

    with clinic(tmp_path / "home") as running:
        [first] = running.until("its watcher", lambda: running.processes("flows.up.watching"))
        os.kill(first, signal.SIGKILL)
        running.until("another", lambda: running.processes("flows.up.watching").keys() - {first})
        assert running.line("Watching the folder has stopped; it is started again.")
