"""`vagal up` killed in mid-import, at any moment, and started again: exactly one session, whole."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest

from devices.exports.reader import open_source
from flows.up.ledger import Ledger, State
from flows.up.place import Place
from flows.up.taking import start_taking, take
from pipeline.store import Home, is_session
from pipeline.verification import problems_of
from tests.flows.up.recordings import intervals, put

pytestmark = pytest.mark.timeout(300)

_AT_S = 0.1


@pytest.mark.attempts(30)
def test_an_import_that_is_killed_is_made_once(tmp_path: Path, attempt: int) -> None:
    home, folder = Home(tmp_path / "home"), tmp_path / "inbox"
    (home.path / "up").mkdir(parents=True)
    file = put(folder, "anna-1/rest.txt", intervals(count=3000))
    ledger = Ledger(Place(home.path).ledger)
    arrival = ledger.land("anna-1", "anna-1/rest.txt", "stamp", open_source(file).sha256)
    with start_taking(home, folder, arrival) as process:
        _wait(ledger, arrival, process)
        time.sleep(attempt * _AT_S / 3)
        process.send_signal(signal.SIGKILL)
    found = take(home, folder, arrival)
    assert found is not None
    assert found.state is State.IMPORTED
    [session] = home.sessions()
    assert (session.name, is_session(session), problems_of(session)) == (found.session, True, [])
    assert (session / "derived" / "report.html").is_file()
    assert [path.name for path in session.parent.iterdir()] == [session.name]
    assert take(home, folder, arrival) == found


def _wait(ledger: Ledger, arrival: str, process: subprocess.Popen[bytes]) -> None:
    """Until its session is named, which is the moment before it is written; or it is through."""
    while process.poll() is None:
        found = ledger.read(arrival)
        if found is not None and found.session is not None:
            return
        time.sleep(0.002)
