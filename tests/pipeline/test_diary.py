"""A client's diary: what is entered holds, what is taken back does not, and a damaged line is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.diary import Diary, diary_path, enter, read_diary, take_back
from pipeline.entries import Adverse, Entry, Outcome, Scale, Week
from pipeline.errors import InputError, UsageError
from pipeline.profile import Profile, profile_path, read_profile, write_profile

AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
PSS = Outcome(day="2026-11-20", by="AB", scale=Scale.PSS, value=17)
PHQ = Outcome(day="2026-11-18", by="AB", scale=Scale.PHQ_9, value=9, item_9=1)
WEEK = Week(day="2026-11-16", by="AB", activity=3, sleep=5)
DIZZY = Adverse(day="2026-11-19", by="C", text="Dizzy <b>after</b>\npacing", session="s-1")


def entered(home: Path, *entries: Entry) -> list[Entry]:
    return [enter(home, "c1", entry, AT + timedelta(minutes=n)) for n, entry in enumerate(entries)]


def plain(entry: Entry) -> Entry:
    """As it was before it was stored."""
    return replace(entry, at="", id="")


def test_what_is_entered_is_read(tmp_path: Path) -> None:
    stored = entered(tmp_path, PSS, PHQ, WEEK, DIZZY)
    diary = read_diary(tmp_path, "c1")
    assert diary == Diary((stored[1], stored[0]), (stored[2],), (stored[3],))  # type: ignore[arg-type]
    assert [plain(entry) for entry in diary.entries] == [WEEK, PHQ, DIZZY, PSS]
    assert len({entry.id for entry in stored}) == 4
    assert {datetime.fromisoformat(entry.at) for entry in stored} == {
        AT + timedelta(minutes=n) for n in range(4)
    }


def test_it_is_for_the_owner_only(tmp_path: Path) -> None:
    entered(tmp_path / "home", PSS)
    path = diary_path(tmp_path / "home", "c1")
    assert [each.stat().st_mode & 0o777 for each in (path, path.parent)] == [0o600, 0o700]


def test_nothing_is_known_of_a_new_client(tmp_path: Path) -> None:
    assert read_diary(tmp_path, "c1") == Diary()
    assert list(tmp_path.iterdir()) == []


def test_a_client_called_diary_has_another_file(tmp_path: Path) -> None:
    entered(tmp_path, PSS)
    write_profile(tmp_path, "c1", Profile(goal="x"))
    assert diary_path(tmp_path, "c1") != profile_path(tmp_path, "c1")
    assert read_profile(tmp_path, "c1") == Profile(goal="x")
    assert read_diary(tmp_path, "c1").outcomes


def test_a_mistyped_one_is_taken_back(tmp_path: Path) -> None:
    first, second = entered(tmp_path, PSS, replace(PSS, value=18))
    before = diary_path(tmp_path, "c1").read_bytes()
    assert take_back(tmp_path, "c1", first.id, "AB", AT) == first
    assert read_diary(tmp_path, "c1").entries == (second,)
    assert diary_path(tmp_path, "c1").read_bytes().startswith(before)
    with pytest.raises(UsageError, match="there is no entry"):
        take_back(tmp_path, "c1", first.id, "AB", AT)


@pytest.mark.parametrize("entry_id", ["", "nope", "x" * 1000])
def test_what_is_not_there_cannot_be_taken_back(tmp_path: Path, entry_id: str) -> None:
    with pytest.raises(UsageError, match=r"there is no entry .* to take back"):
        take_back(tmp_path, "c1", entry_id, "AB", AT)
    assert list(tmp_path.iterdir()) == []


def test_of_two_logs_of_a_week_the_later_holds(tmp_path: Path) -> None:
    entered(tmp_path, WEEK, replace(WEEK, activity=4), replace(WEEK, day="2026-11-09"))
    weeks = [plain(week) for week in read_diary(tmp_path, "c1").weeks]
    assert weeks == [replace(WEEK, day="2026-11-09"), replace(WEEK, activity=4)]


def test_item_9_of_the_latest_phq_9_asks_to_speak(tmp_path: Path) -> None:
    (earlier,) = entered(tmp_path, PHQ)
    assert read_diary(tmp_path, "c1").asks_to_speak == earlier
    (later,) = entered(tmp_path, replace(PHQ, day="2026-11-19", item_9=0))
    assert read_diary(tmp_path, "c1").asks_to_speak is None
    entered(tmp_path, replace(PHQ, day="2026-11-17", item_9=3), PSS)
    assert read_diary(tmp_path, "c1").asks_to_speak is None
    take_back(tmp_path, "c1", later.id, "AB", AT)
    assert read_diary(tmp_path, "c1").asks_to_speak == earlier


@pytest.mark.parametrize(
    "damage",
    [
        b'{"id": "ab", "at": "2026',
        b'{"kind": "outcome", "day": "2026-11-20", "by": "x", "scale": "PSS", "value": 400}',
        b'{"kind": "outcome"}',
        b'{"kind": "week", "day": 5, "by": "x", "sleep": 3}',
        b'{"kind": "adverse", "day": "2026-11-20", "by": "x", "text": 5}',
        b'{"kind": "taken-back", "day": "2026-11-20", "by": "x", "of": []}',
        b'{"kind": "taken-back", "day": "2026-11-20", "by": "x", "of": {"a": 1}}',
        b'{"kind": "adverse", "day": "2026-11-20", "by": "x", "text": "y", "id": []}',
        b'{"kind": "adverse", "day": "2026-11-20", "by": "x", "text": "y", "at": 5}',
        b"\x00\x00\x00",
        b"[1, 2]",
    ],
    ids=[
        "cut short",
        "out of range",
        "says nothing",
        "no day",
        "no text",
        "nothing to take back",
        "no id",
        "an odd id",
        "an odd moment",
        "zeros",
        "a list",
    ],
)
def test_a_damaged_line_is_told_and_loses_no_other(tmp_path: Path, damage: bytes) -> None:
    entered(tmp_path, PSS)
    path = diary_path(tmp_path, "c1")
    path.write_bytes(path.read_bytes() + damage)
    entered(tmp_path, PHQ)
    diary = read_diary(tmp_path, "c1")
    assert [plain(entry) for entry in diary.entries] == [PHQ, PSS]
    assert diary.trouble == (
        "c1.diary.jsonl: 1 line cannot be read, all others are there; enter again what is missing"
    )


def test_what_a_later_version_adds_is_passed_over(tmp_path: Path) -> None:
    entered(tmp_path, PSS)
    path = diary_path(tmp_path, "c1")
    path.write_bytes(path.read_bytes() + b'{"kind": "dream", "day": "2026-11-20", "by": "x"}\n')
    diary = read_diary(tmp_path, "c1")
    assert ([plain(entry) for entry in diary.entries], diary.trouble) == ([PSS], None)


def test_what_cannot_be_is_not_stored(tmp_path: Path) -> None:
    for wrong in (replace(PSS, value=99), replace(PSS, day="2026-11-22"), replace(PSS, by=" ")):
        with pytest.raises(UsageError):
            enter(tmp_path, "c1", wrong, AT)
    with pytest.raises(UsageError):
        enter(tmp_path, "../c1", PSS, AT)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_takes_nothing(tmp_path: Path) -> None:
    (tmp_path / "clients").write_text("a file")
    with pytest.raises(InputError, match="cannot be written"):
        enter(tmp_path, "c1", PSS, AT)
