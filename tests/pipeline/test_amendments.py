"""What is decided of a sealed session afterwards: who released the client edition. It stays as sealed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from devices.decoding import decode
from pipeline.amendments import Amendment, Release, What, amend, amendments_path, read_amendments
from pipeline.errors import InputError, UsageError
from pipeline.sealing import seal
from pipeline.verification import problems_of
from tests.pipeline.sessions import records, write_journal

AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "sessions" / "c1" / "2026-11-20T09-00-00-ab12"
    write_journal(folder, records(2))
    seal(folder, decode)
    return folder


def decided(folder: Path, *whats: str) -> None:
    for number, what in enumerate(whats):
        amend(folder, What(what), f"Dr {number}", AT + timedelta(minutes=number))


def released_by(folder: Path) -> str | None:
    release = read_amendments(folder).release
    return release.by if release is not None else None


@pytest.mark.parametrize(
    ("whats", "by"),
    [
        ([], None),
        (["release"], "Dr 0"),
        (["release", "withdraw"], None),
        (["withdraw"], None),
        (["release", "withdraw", "release"], "Dr 2"),
        (["release", "release"], "Dr 1"),
    ],
    ids=lambda value: ", ".join(value) or "nothing" if isinstance(value, list) else None,
)
def test_the_last_word_holds(folder: Path, whats: list[str], by: str | None) -> None:
    decided(folder, *whats)
    assert released_by(folder) == by
    assert read_amendments(folder).trouble is None


def test_a_release_says_who_and_when(folder: Path) -> None:
    line = amend(folder, What.RELEASE, " Dr <b>A</b> ", AT)
    assert line == Amendment(line.at, "Dr <b>A</b>", "release", {})
    assert datetime.fromisoformat(line.at) == AT
    assert read_amendments(folder).release == Release("Dr <b>A</b>", line.at)
    assert json.loads(amendments_path(folder).read_text()) == {
        "at": line.at,
        "by": "Dr <b>A</b>",
        "what": "release",
    }


def test_a_session_stays_as_it_was_sealed(folder: Path) -> None:
    decided(folder, "release", "withdraw")
    amendments_path(folder).write_bytes(amendments_path(folder).read_bytes() + b"{")
    assert problems_of(folder) == []


def test_what_a_later_version_decides_is_kept_and_passed_over(folder: Path) -> None:
    decided(folder, "release")
    line = {"at": "2027-01-01T00:00:00+00:00", "by": "B", "what": "relabel", "beats": [1, 2]}
    with amendments_path(folder).open("a") as file:
        file.write(json.dumps(line) + "\n")
    found = read_amendments(folder)
    assert found.lines[-1] == Amendment(line["at"], "B", "relabel", {"beats": [1, 2]})  # type: ignore[arg-type]
    assert (found.release and found.release.by, found.trouble) == ("Dr 0", None)


@pytest.mark.parametrize("damage", [b'{"at": "2026', b"[]", b'{"at": 5, "by": "x", "what": "withdraw"}'])
def test_a_line_that_cannot_be_read_may_have_been_a_withdrawal(folder: Path, damage: bytes) -> None:
    decided(folder, "release")
    path = amendments_path(folder)
    path.write_bytes(path.read_bytes() + damage)
    found = read_amendments(folder)
    assert found.release is None
    assert found.trouble == "amendments.jsonl: 1 line cannot be read; check what was released"
    decided(folder, "release")
    assert released_by(folder) == "Dr 0"


@pytest.mark.parametrize(
    "by", ["", "  ", "x" * 61, "\ud800"], ids=["empty", "blank", "long", "half a letter"]
)
def test_a_release_has_a_name(folder: Path, by: str) -> None:
    with pytest.raises(UsageError, match=r"^name: "):
        amend(folder, What.RELEASE, by, AT)
    assert not amendments_path(folder).exists()


def test_a_session_that_is_not_finished_is_not_released(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such session"):
        amend(tmp_path / "x", What.RELEASE, "A", AT)
