"""Watching without Prefect: what lands becomes sessions, each once, whatever is restarted."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.up import readiness
from flows.up.inbox import Inbox
from flows.up.ledger import Ledger
from flows.up.place import Place
from flows.up.told import told
from flows.up.watching import Watcher
from pipeline.store import Home
from tests.flows.up.recordings import intervals, put, stepped


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "home" / "up").mkdir(parents=True)
    return Home(tmp_path / "home")


def watcher(home: Home, folder: Path, patience_s: float = 40.0) -> Watcher:
    return Watcher(home, Inbox(folder), folder, patience_s=patience_s)


def test_what_lands_is_imported_reported_and_told_and_the_rest_has_its_reason(
    home: Home, tmp_path: Path
) -> None:
    folder = tmp_path / "inbox"
    put(folder, "anna-1/rest.txt")
    put(folder, "anna-1/copy of rest.txt")
    put(folder, "bob-2/walk.txt", intervals(1))
    put(folder, "bob-2/broken.txt", "800\n810\n" * 30 + "x\n" * 50)
    put(folder, "lost.txt")
    ledger = Ledger(Place(home.path).ledger)
    first = watcher(home, folder)
    lines = stepped(
        first.step, lambda: len(ledger.latest(9)) == 2 and not ledger.waiting() and not first.is_taking
    )
    sessions = {folder.parent.name: folder.name for folder in home.sessions()}
    assert sorted(sessions) == ["anna-1", "bob-2"]
    assert sorted(lines) == sorted(
        [
            f"Report   {sessions['anna-1']} of anna-1, from anna-1/copy of rest.txt",
            f"Report   {sessions['bob-2']} of bob-2, from bob-2/walk.txt",
            "Left     bob-2/broken.txt: broken.txt line 61: 'x' is not a number",
            "Left     lost.txt: put it into a folder named after the client, such as client-1",
        ]
    )
    facts = told(home.path)
    assert facts is not None
    assert (facts["folder"], facts["trouble"], facts["waiting"]) == (str(folder), None, [])
    assert [each["path"] for each in facts["left"]] == ["bob-2/broken.txt", "lost.txt"]
    assert {each["session"] for each in facts["taken"]} == set(sessions.values())
    again = watcher(home, folder)
    assert [again.step(second) for second in (0.0, 10.0, 20.0)][1:] == [[], []]
    assert len(home.sessions()) == 2


def test_prefect_has_its_time_and_no_more(home: Home, tmp_path: Path) -> None:
    put(tmp_path / "inbox", "anna-1/rest.txt")
    readiness.touch(home.path)
    patient = watcher(home, tmp_path / "inbox", patience_s=1e6)
    for second in (0.0, 6.0, 7.0):
        patient.step(second)
    ledger = Ledger(Place(home.path).ledger)
    assert [each.attempts for each in ledger.waiting()] == [0]
    hasty = watcher(home, tmp_path / "inbox", patience_s=0.0)
    stepped(hasty.step, lambda: not ledger.waiting() and not hasty.is_taking)
    assert len(home.sessions()) == 1


def test_what_was_told_is_not_told_once_nobody_watches(home: Home, tmp_path: Path) -> None:
    import os

    assert told(home.path) is None
    (tmp_path / "inbox").mkdir()
    watcher(home, tmp_path / "inbox").step(0.0)
    assert told(home.path) is not None
    os.utime(Place(home.path).inbox, (0, 0))
    assert told(home.path) is None
