"""What is kept of a client between sessions, and what a damaged file says."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from pipeline.errors import InputError, UsageError
from pipeline.profile import (
    Clinic,
    Feedback,
    Profile,
    Screening,
    profile_path,
    read_clinic,
    read_profile,
    write_profile,
)

FULL = Profile(
    goal="Notice tension – earlier",
    next_step="Two minutes before lunch",
    thresholds={"rhythm_concentration": 0.6, "rmssd_ms": 30.0},
    feedback=Feedback("tide", "rhythm_concentration"),
    screening=Screening({"pacemaker": False, "asthma": True}, "2027-01-15"),
)


SIMULATED = Profile(screening=Screening({"pacemaker": False}, "2027-01-15", simulated=True))


@pytest.mark.parametrize(
    "profile", [FULL, Profile(), Profile(goal="x"), SIMULATED], ids=["full", "empty", "a goal", "simulated"]
)
def test_what_is_written_is_read(tmp_path: Path, profile: Profile) -> None:
    write_profile(tmp_path / "home", "c1", profile)
    assert read_profile(tmp_path / "home", "c1") == profile


def test_nothing_is_known_of_a_new_client(tmp_path: Path) -> None:
    assert read_profile(tmp_path / "home", "c1") == Profile()
    assert not (tmp_path / "home").exists()


def test_each_client_has_their_own(tmp_path: Path) -> None:
    write_profile(tmp_path, "c1", FULL)
    write_profile(tmp_path, "c1", Profile(goal="another"))
    write_profile(tmp_path, "c2", FULL)
    assert read_profile(tmp_path, "c1") == Profile(goal="another")
    assert sorted(path.name for path in (tmp_path / "clients").iterdir()) == ["c1.json", "c2.json"]


def test_it_is_for_the_owner_only(tmp_path: Path) -> None:
    write_profile(tmp_path / "home", "c1", FULL)
    path = profile_path(tmp_path / "home", "c1")
    modes = [each.stat().st_mode & 0o777 for each in (path, path.parent, path.parent.parent)]
    assert modes == [0o600, 0o700, 0o700]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut off"),
        pytest.param(b"\xff", id="no text"),
        pytest.param(b"[]", id="another JSON"),
        pytest.param(b'{"goal": 5}', id="a goal that is a number"),
        pytest.param(b'{"thresholds": {"rmssd_ms": "high"}}', id="a threshold that is a word"),
        pytest.param(b'{"thresholds": {"rmssd_ms": NaN}}', id="a threshold that is no number"),
        pytest.param(b'{"thresholds": {"rmssd_ms": true}}', id="a threshold that is a yes"),
        pytest.param(b'{"thresholds": []}', id="thresholds without names"),
        pytest.param(b'{"feedback": {"element": "tide"}}', id="feedback without a measure"),
        pytest.param(b'{"screening": {"answers": {}}}', id="screening without a date"),
        pytest.param(b"[" * 100_000, id="deep"),
    ],
)
def test_a_damaged_file_says_what_to_do(tmp_path: Path, content: bytes) -> None:
    path = profile_path(tmp_path, "c1")
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(InputError) as error:
        read_profile(tmp_path, "c1")
    assert str(error.value).startswith(f"{path}: is not a client's profile")
    assert "delete it" in str(error.value)
    assert "\n" not in str(error.value)


def test_what_a_later_version_added_is_passed_over(tmp_path: Path) -> None:
    path = profile_path(tmp_path, "c1")
    path.parent.mkdir()
    path.write_text('{"goal": "x", "mood": "y"}')
    assert read_profile(tmp_path, "c1") == Profile(goal="x")


@pytest.mark.parametrize("client", ["", "Erika Mustermann", "../c1", "c1/x"])
def test_a_client_is_a_pseudonym(tmp_path: Path, client: str) -> None:
    for attempt in (lambda: read_profile(tmp_path, client), lambda: write_profile(tmp_path, client, FULL)):
        with pytest.raises(UsageError):
            attempt()


def test_a_value_that_json_does_not_have_is_not_written(tmp_path: Path) -> None:
    write_profile(tmp_path, "c1", FULL)
    with pytest.raises(ValueError, match="JSON"):
        write_profile(tmp_path, "c1", Profile(thresholds={"x": math.nan}))
    assert read_profile(tmp_path, "c1") == FULL


def test_a_folder_that_takes_nothing(tmp_path: Path) -> None:
    (tmp_path / "clients").write_text("a file")
    with pytest.raises(InputError, match="cannot be written"):
        write_profile(tmp_path, "c1", FULL)
    with pytest.raises(InputError, match="cannot be read"):
        read_profile(tmp_path, "c1")


@pytest.mark.parametrize(
    ("content", "clinic"),
    [
        (None, Clinic()),
        ("", Clinic()),
        ('name = "Park"', Clinic("Park", None)),
        ('name = ""\ncrisis_line = "116 123"\nother = 1', Clinic(None, "116 123")),
    ],
    ids=["no file", "empty", "a name", "a line"],
)
def test_a_clinic(tmp_path: Path, content: str | None, clinic: Clinic) -> None:
    if content is not None:
        (tmp_path / "clinic.toml").write_text(content)
    assert read_clinic(tmp_path) == clinic


@pytest.mark.parametrize("content", [b"name = ", b"crisis_line = 116", b"\xff"])
def test_a_clinic_that_cannot_be_read(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "clinic.toml").write_bytes(content)
    with pytest.raises(InputError, match=r"clinic\.toml: cannot be read .* two lines"):
        read_clinic(tmp_path)
