"""One arrival becomes one session, whatever happened before."""

from __future__ import annotations

from pathlib import Path

import pytest

from devices.exports.reader import open_source
from flows.up.ledger import MOST_ATTEMPTS, Arrival, Ledger, State
from flows.up.place import Place
from flows.up.taking import _held, is_being_taken, take
from pipeline.errors import InputError, InsufficientDataError, InUseError
from pipeline.store import Home
from tests.flows.up.recordings import intervals, put


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "home" / "up").mkdir(parents=True)
    return Home(tmp_path / "home")


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    return tmp_path / "inbox"


def landed(home: Home, inbox: Path, text: str | None = None, sha256: str | None = None) -> str:
    file = put(inbox, "anna-1/rest.txt", text)
    told = sha256 or open_source(file).sha256
    return Ledger(Place(home.path).ledger).land("anna-1", "anna-1/rest.txt", "stamp", told)


def taken(home: Home, inbox: Path, arrival: str) -> Arrival:
    found = take(home, inbox, arrival)
    assert found is not None
    return found


def test_it_becomes_a_session_with_a_report_and_stays_where_it_is(home: Home, inbox: Path) -> None:
    arrival = landed(home, inbox)
    found = taken(home, inbox, arrival)
    [folder] = home.sessions()
    assert (found.state, found.session, found.reason) == (State.IMPORTED, folder.name, None)
    assert (folder / "derived" / "report.html").is_file()
    assert (inbox / "anna-1" / "rest.txt").read_text() == intervals()
    assert taken(home, inbox, arrival) == found
    assert home.sessions() == [folder]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("Dear Anna\n", "not a format vagal can read", id="no recording"),
        pytest.param(
            "800\n810\n" * 30 + "x\n" * 50, "rest.txt line 61: 'x' is not a number", id="broken off"
        ),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(
    home: Home, inbox: Path, text: str, reason: str
) -> None:
    found = taken(home, inbox, landed(home, inbox, text))
    assert (found.state, found.session) == (State.REFUSED, None)
    assert found.reason is not None
    assert reason in found.reason
    assert "\n" not in found.reason
    assert str(inbox) not in found.reason
    assert home.sessions() == []


def test_a_session_without_a_report_is_imported_and_says_why(
    home: Home, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unusable(_: Path) -> None:
        raise InsufficientDataError("nothing usable")

    monkeypatch.setattr("flows.reporting.write_report", unusable)
    found = taken(home, inbox, landed(home, inbox))
    assert (found.state, found.reason) == (State.IMPORTED, "nothing usable")
    assert [folder.name for folder in home.sessions()] == [found.session]


def test_what_is_another_by_now_or_gone_lands_anew(home: Home, inbox: Path) -> None:
    arrival = landed(home, inbox, sha256="0" * 64)
    assert take(home, inbox, arrival) is None
    arrival = landed(home, inbox)
    (inbox / "anna-1" / "rest.txt").unlink()
    assert take(home, inbox, arrival) is None
    assert home.sessions() == []


def test_an_import_that_was_killed_after_the_session_was_whole_is_not_made_twice(
    home: Home, inbox: Path
) -> None:
    arrival = landed(home, inbox)
    session = taken(home, inbox, arrival).session
    ledger = Ledger(Place(home.path).ledger)
    ledger._set(arrival, "state = 'waiting'")
    (inbox / "anna-1" / "rest.txt").unlink()
    found = taken(home, inbox, arrival)
    assert (found.state, found.session, found.attempts) == (State.IMPORTED, session, 1)
    assert [folder.name for folder in home.sessions()] == [session]


def test_what_a_killed_import_left_is_cleared_away(home: Home, inbox: Path) -> None:
    arrival = landed(home, inbox)
    Ledger(Place(home.path).ledger).name_session(arrival, "2026-01-01T00-00-00-abcd")
    rest = home.sessions_path / "anna-1" / ".2026-01-01T00-00-00-abcd"
    rest.mkdir(parents=True)
    (rest / "raw.parquet").write_text("half")
    assert taken(home, inbox, arrival).state is State.IMPORTED
    assert not rest.exists()
    assert len(home.sessions()) == 1


def test_what_ends_its_process_each_time_is_refused_in_the_end(home: Home, inbox: Path) -> None:
    arrival = landed(home, inbox)
    for _ in range(MOST_ATTEMPTS):
        Ledger(Place(home.path).ledger).begin(arrival)
    found = taken(home, inbox, arrival)
    assert (found.state, found.reason) == (State.REFUSED, "the process that read it ended (tried 3 times)")


def test_a_disk_that_takes_nothing_is_not_the_recording_s_fault(home: Home, inbox: Path) -> None:
    arrival = landed(home, inbox)
    home.sessions_path.write_text("in the way")
    reasons = [taken(home, inbox, arrival) for _ in range(MOST_ATTEMPTS + 1)]
    assert [each.state for each in reasons] == [State.WAITING] * MOST_ATTEMPTS + [State.REFUSED]
    assert reasons[-1].reason is not None
    assert "sessions cannot be stored there" in reasons[-1].reason


def test_a_fault_of_ours_is_told_as_such(home: Home, inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("two\nlines")

    arrival = landed(home, inbox)
    monkeypatch.setattr("flows.importing.read_input", broken)
    found = [taken(home, inbox, arrival) for _ in range(MOST_ATTEMPTS + 1)]
    assert [each.state for each in found] == [State.WAITING] * MOST_ATTEMPTS + [State.REFUSED]
    fault = "a fault in vagal itself (RuntimeError: two lines)"
    assert [found[0].reason, found[-1].reason] == [fault, f"{fault} (tried 3 times)"]


def test_a_fault_of_ours_is_tried_again_at_the_next_start(
    home: Home, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise MemoryError

    arrival = landed(home, inbox)
    with monkeypatch.context() as patch:
        patch.setattr("flows.importing.read_input", broken)
        for _ in range(MOST_ATTEMPTS + 1):
            taken(home, inbox, arrival)
    assert taken(home, inbox, arrival).state is State.REFUSED
    Ledger(Place(home.path).ledger).try_again()
    assert taken(home, inbox, arrival).state is State.IMPORTED


def test_two_processes_do_not_take_the_same(home: Home, inbox: Path) -> None:
    arrival = landed(home, inbox)
    with _held(home, arrival):
        assert is_being_taken(home, arrival)
        with pytest.raises(InUseError):
            take(home, inbox, arrival)
    assert not is_being_taken(home, arrival)
    assert taken(home, inbox, arrival).state is State.IMPORTED


def test_without_a_home_to_write_in_it_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        take(Home(tmp_path / "gone"), tmp_path, "0" * 20)
