"""The ledger: what landed is known by its content, and stays as far as it has come."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.up.ledger import MOST_ATTEMPTS, Ledger, State, arrival_id
from pipeline.errors import InputError


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.db", wall=iter(range(1000, 9000)).__next__)


def test_the_same_content_of_a_client_is_one_arrival(ledger: Ledger) -> None:
    first = ledger.land("anna-1", "anna-1/a.txt", "s1", "f" * 64)
    assert ledger.land("anna-1", "anna-1/copy.txt", "s2", "f" * 64) == first
    other = ledger.land("bob-2", "bob-2/a.txt", "s3", "f" * 64)
    assert other != first
    assert [each.id for each in ledger.waiting()] == [first, other]
    assert (ledger.seen("anna-1/a.txt", "s1"), ledger.seen("anna-1/a.txt", "s9")) == (first, None)


def test_an_id_says_nothing_of_client_and_file(ledger: Ledger) -> None:
    arrival = ledger.land("anna-1", "anna-1/Anna Mueller.txt", "s", "f" * 64)
    assert arrival == arrival_id("anna-1", "f" * 64)
    assert set(arrival) <= set("0123456789abcdef")


def test_what_is_imported_stays_so(ledger: Ledger) -> None:
    arrival = ledger.land("anna-1", "anna-1/a.txt", "s1", "f" * 64)
    ledger.begin(arrival)
    ledger.name_session(arrival, "2026-01-01")
    ledger.imported(arrival)
    ledger.land("anna-1", "anna-1/moved.txt", "s2", "f" * 64)
    ledger.forget(arrival)
    ledger.try_again()
    found = ledger.read(arrival)
    assert found is not None
    assert (found.state, found.session, found.path) == (State.IMPORTED, "2026-01-01", "anna-1/a.txt")
    assert ledger.waiting() == []
    assert ledger.latest(5) == [found]


def test_what_is_refused_is_tried_again_by_another_version_only(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrival = ledger.land("anna-1", "anna-1/a.txt", "s1", "f" * 64)
    ledger.refuse(arrival, "is cut off")
    ledger.try_again()
    assert ledger.waiting() == []
    monkeypatch.setattr("flows.up.ledger.software", lambda: {"version": "99"})
    ledger.try_again()
    assert [each.id for each in ledger.waiting()] == [arrival]


def test_what_was_interrupted_too_often_is_tried_again_at_the_next_start(ledger: Ledger) -> None:
    arrival = ledger.land("anna-1", "anna-1/a.txt", "s1", "f" * 64)
    for _ in range(MOST_ATTEMPTS):
        ledger.begin(arrival)
    ledger.refuse(arrival, "the process that read it ended")
    ledger.try_again()
    assert [each.attempts for each in ledger.waiting()] == [0]


def test_a_file_that_is_no_ledger_is_an_error_of_one_line(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_text("mine " * 400)
    with pytest.raises(InputError, match=r"ledger\.db: what landed cannot be noted"):
        Ledger(tmp_path / "ledger.db")
