"""What is kept of a client between sessions, and what a damaged file says."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from pipeline.errors import InputError, UsageError
from pipeline.profile import (
    Alternation,
    Feedback,
    PracticePlan,
    Primary,
    Profile,
    Screening,
    profile_path,
    read_profile,
    update_profile,
    write_profile,
)

FULL = Profile(
    goal="Notice tension – earlier",
    next_step="Two minutes before lunch",
    thresholds={"rhythm_concentration": 0.6, "rmssd_ms": 30.0},
    feedback=Feedback("tide", "rhythm_concentration"),
    screening=Screening({"pacemaker": False, "asthma": True}, "2027-01-15"),
    primary=Primary(("ln_rmssd", "ln_scl"), "2027-01-15"),
    practice_plan=PracticePlan(5, 10, "slow-breathing", "2027-01-15"),
    alternation=Alternation(("slow-breathing", "safe-place"), 7, "2027-01-15"),
    conditions={"hand": "left", "medication": "beta-blocker, other"},
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
        pytest.param(
            b'{"primary": {"measures": ["mood"], "date": "2027-01-15"}}', id="a measure that is none"
        ),
        pytest.param(b'{"primary": {"measures": ["ln_scl"]}}', id="measures without a date"),
        pytest.param(b'{"practice_plan": {"sessions_per_week": 0}}', id="a plan of nothing"),
        pytest.param(b'{"alternation": [1]}', id="no alternation"),
        pytest.param(b'{"alternation": {"strategies": 5, "seed": 1, "date": "x"}}', id="no strategies"),
        pytest.param(b'{"conditions": {"hand": "third"}}', id="a hand that is none"),
        pytest.param(b'{"conditions": 5}', id="conditions that are a number"),
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


DAY = "2027-01-15"


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: Primary((), DAY), "primary measures: choose one or 2"),
        (lambda: Primary(("ln_rmssd", "ln_rmssd"), DAY), "primary measures: choose one or 2, each once"),
        (lambda: Primary(("ln_rmssd", "ln_scl", "scr_per_min"), DAY), "primary measures: choose one or 2"),
        (
            lambda: Primary(("hpa",), DAY),
            "measure 'hpa': choose from ln_rmssd, mean_hr_bpm, ln_scl, scr_per_min",
        ),
        (lambda: Primary(("ln_rmssd",), "soon"), "day 'soon'"),
        (lambda: PracticePlan(0, 10, None, DAY), "sessions a week: a whole number from 1 to 21"),
        (lambda: PracticePlan(22, 10, None, DAY), "sessions a week: a whole number from 1 to 21"),
        (lambda: PracticePlan(True, 10, None, DAY), "sessions a week: a whole number from 1 to 21"),
        (lambda: PracticePlan("5", 10, None, DAY), "sessions a week: a whole number"),  # type: ignore[arg-type]
        (lambda: PracticePlan(5, 121, None, DAY), "minutes of practice: a whole number from 1 to 120"),
        (lambda: PracticePlan(5, 10, "", DAY), "a strategy is named by its id"),
        (lambda: Alternation(("a",), 1, DAY), "alternation: 2 to 4 strategies, each once"),
        (lambda: Alternation(("a", "a"), 1, DAY), "alternation: 2 to 4 strategies, each once"),
        (lambda: Alternation(tuple("abcde"), 1, DAY), "alternation: 2 to 4 strategies, each once"),
        (lambda: Alternation(("a", "b"), -1, DAY), "alternation: the seed is a whole number from 0"),
        (lambda: Alternation(("a", "b"), 1 << 31, DAY), "alternation: the seed is a whole number from 0"),
    ],
)
def test_a_plan_that_cannot_be_is_one_line(make: Callable[[], object], line: str) -> None:
    with pytest.raises(UsageError) as error:
        make()
    assert str(error.value).startswith(line)


def test_a_change_leaves_the_rest(tmp_path: Path) -> None:
    write_profile(tmp_path, "c1", FULL)
    changed = update_profile(tmp_path, "c1", lambda profile: replace(profile, goal="another"))
    assert changed == read_profile(tmp_path, "c1") == replace(FULL, goal="another")


def test_a_change_that_fails_changes_nothing(tmp_path: Path) -> None:
    write_profile(tmp_path, "c1", FULL)

    def fail(_: Profile) -> Profile:
        raise UsageError("no")

    with pytest.raises(UsageError, match="no"):
        update_profile(tmp_path, "c1", fail)
    assert read_profile(tmp_path, "c1") == FULL
    assert [path.name for path in (tmp_path / "clients").iterdir()] == ["c1.json"]


def with_threshold(measure: str, value: float, profile: Profile) -> Profile:
    return replace(profile, thresholds={**profile.thresholds, measure: value})


def test_changes_at_once_are_all_made(tmp_path: Path) -> None:
    """One changes the goal while another changes a threshold, again and again."""

    def change(measure: str) -> None:
        for value in map(float, range(10)):
            update_profile(tmp_path, "c1", partial(with_threshold, measure, value))

    threads = [threading.Thread(target=change, args=(measure,)) for measure in ("a", "b", "c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read_profile(tmp_path, "c1").thresholds == {"a": 9.0, "b": 9.0, "c": 9.0}
