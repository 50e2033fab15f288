"""The watched folder: what counts as landed, what is left and why, and what is still on its way."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from flows.up.inbox import SETTLE_S, Inbox, Left, Look, checked_folder
from pipeline.errors import InputError, UsageError
from tests.flows.up.recordings import intervals, put, settled


def paths(look: Look) -> list[str]:
    return [each.path for each in look.landed]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        pytest.param("rest.txt", "put it into a folder named after the client", id="at the top"),
        pytest.param("Anna M/rest.txt", "rename the folder: client 'Anna M'", id="no pseudonym"),
        pytest.param("anna-1/letter.xyz", "not a format vagal can read", id="no recording"),
        pytest.param("anna-1/empty.txt", "is empty", id="empty"),
    ],
)
def test_what_is_left_has_its_reason(tmp_path: Path, path: str, reason: str) -> None:
    put(tmp_path, path, {"letter.xyz": "Dear Anna", "empty.txt": ""}.get(Path(path).name))
    look = settled(Inbox(tmp_path))
    assert look.landed == ()
    [left] = look.left
    assert left.path == (path if path.count("/") == 0 or "anna-1" in path else "Anna M")
    assert left.reason is not None
    assert reason in left.reason


@pytest.mark.parametrize(
    "path",
    [
        "rest.txt.part",
        "anna-1/rest.txt.crdownload",
        "anna-1/~$rest.txt",
        "anna-1/.rest.txt",
        "anna-1/Thumbs.db",
        "anna-1/README.md",
    ],
)
def test_what_nobody_means_is_passed_over(tmp_path: Path, path: str) -> None:
    put(tmp_path, path)
    assert settled(Inbox(tmp_path)) == Look()


def test_a_recording_lands_when_its_folder_is_still(tmp_path: Path) -> None:
    inbox, file = Inbox(tmp_path), put(tmp_path, "anna-1/rest.txt", intervals()[:400])
    on_its_way = Look(left=(Left("anna-1"),))
    assert inbox.look(0.0) == on_its_way
    file.write_text(intervals()[:900])
    assert inbox.look(SETTLE_S) == on_its_way
    assert inbox.look(2 * SETTLE_S - 0.1) == on_its_way
    assert paths(inbox.look(2 * SETTLE_S)) == ["anna-1/rest.txt"]


def test_a_file_that_goes_on_growing_holds_up_its_own_folder_alone(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path)
    put(tmp_path, "anna-1/rest.txt")
    growing = put(tmp_path, "anna-1/later/log.txt")
    put(tmp_path, "bob-2/rest.txt")
    for second in range(12):
        growing.write_text(intervals(count=400 + second))
        look = inbox.look(float(second))
    assert paths(look) == ["anna-1/rest.txt", "bob-2/rest.txt"]
    assert look.left == (Left("anna-1/later"),)


def test_what_changes_has_another_stamp_and_what_is_touched_elsewhere_has_not(tmp_path: Path) -> None:
    inbox, file = Inbox(tmp_path), put(tmp_path, "anna-1/rest.txt")
    [first] = settled(inbox).landed
    put(tmp_path, "anna-1/again.txt", intervals(1))
    second = settled(inbox, 100.0).landed
    assert first in second
    file.write_text(intervals(2, 500))
    third = settled(inbox, 200.0).landed
    assert first not in third
    assert [each.path for each in third] == ["anna-1/again.txt", "anna-1/rest.txt"]


def test_a_folder_that_is_one_recording_waits_for_all_of_it(tmp_path: Path, recordings: Path) -> None:
    source = next(recordings.glob("stress_predict_e4/**/IBI.csv")).parent
    inbox, files = Inbox(tmp_path), sorted(path for path in source.iterdir() if path.suffix == ".csv")
    for number, file in enumerate(files):
        put(tmp_path, f"anna-1/e4/{file.name}", file.read_text()[:20_000])
        assert inbox.look(number * (SETTLE_S - 0.5)).landed == ()
    assert paths(settled(inbox, 1000.0)) == ["anna-1/e4"]


def test_a_folder_that_is_gone_is_told_and_looked_for_again(tmp_path: Path) -> None:
    folder = tmp_path / "drive"
    inbox = Inbox(folder)
    assert inbox.look(0.0).trouble == (
        f"{folder}: cannot be looked at now (No such file or directory); vagal goes on trying"
    )
    put(folder, "anna-1/rest.txt")
    assert paths(settled(inbox, 1.0)) == ["anna-1/rest.txt"]


@pytest.mark.skipif(os.name != "posix", reason="links need rights elsewhere")
def test_links_to_folders_are_not_followed(tmp_path: Path) -> None:
    put(tmp_path / "elsewhere", "rest.txt")
    (tmp_path / "inbox" / "anna-1").mkdir(parents=True)
    (tmp_path / "inbox" / "anna-1" / "round").symlink_to(tmp_path / "inbox")
    (tmp_path / "inbox" / "anna-1" / "away").symlink_to(tmp_path / "elsewhere")
    assert settled(Inbox(tmp_path / "inbox")) == Look()


@pytest.mark.skipif(os.name != "posix", reason="no such names elsewhere")
@pytest.mark.parametrize("name", [b"a\nb.txt", b"caf\xe9.txt", b"\x1b[31m.txt"])
@pytest.mark.parametrize("where", ["", "anna-1"], ids=["at the top", "of a client"])
def test_a_name_that_cannot_be_shown_is_told_as_such(tmp_path: Path, name: bytes, where: str) -> None:
    put(tmp_path, str(Path(where, os.fsdecode(name))))
    [left] = settled(Inbox(tmp_path)).left
    assert left.path.isprintable()
    assert left.reason == "rename it: its name holds characters that cannot be shown"


def test_one_client_s_folder_that_cannot_be_read_keeps_no_other_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from devices.exports.discovery import discover

    def of_all_but_one(folder: Path) -> object:
        if folder.name == "anna-1":
            raise ValueError("no")
        return discover(folder)

    monkeypatch.setattr("flows.up.inbox.discover", of_all_but_one)
    put(tmp_path, "anna-1/rest.txt")
    put(tmp_path, "bob-2/rest.txt")
    look = settled(Inbox(tmp_path))
    assert paths(look) == ["bob-2/rest.txt"]
    assert look.left == (Left("anna-1", "cannot be looked through just now (ValueError('no'))"),)


def test_without_a_folder_it_is_one_in_the_home(tmp_path: Path) -> None:
    assert checked_folder(tmp_path / "home", None) == tmp_path / "home" / "inbox"
    assert (tmp_path / "home" / "inbox").is_dir()
    assert checked_folder(tmp_path / "home", tmp_path / "home" / "inbox") == tmp_path / "home" / "inbox"


@pytest.mark.parametrize(
    ("folder", "error"),
    [
        pytest.param("nowhere", InputError, id="none"),
        pytest.param("home", UsageError, id="the home"),
        pytest.param(".", UsageError, id="around the home"),
        pytest.param("home/sessions", UsageError, id="in the home"),
    ],
)
def test_a_folder_that_cannot_be_watched(tmp_path: Path, folder: str, error: type[Exception]) -> None:
    (tmp_path / "home" / "sessions").mkdir(parents=True)
    with pytest.raises(error):
        checked_folder(tmp_path / "home", tmp_path / folder)
