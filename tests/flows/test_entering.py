"""Entering at the command line: one plain line each way, and the notice that is for the clinician alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from devices.decoding import decode
from flows.cli import cli
from flows.entering import enter_facts, plan_facts, release_facts
from pipeline.amendments import Release, read_amendments
from pipeline.diary import read_diary
from pipeline.errors import InputError, UsageError, VagalError
from pipeline.profile import Alternation, PracticePlan, Primary, Profile, read_profile
from pipeline.sealing import seal
from pipeline.store import Home
from tests.pipeline.sessions import records, write_journal

SESSION = "2026-11-20T09-00-00-ab12"
DAY = "2026-11-20"


def enter(home: Path, *words: str, client: str = "c1") -> Result:
    return CliRunner().invoke(cli, ["enter", client, *words, "--home", str(home)])


def failure(result: Result) -> str:
    """The one line that a failed command says."""
    error = result.exception
    return str(error) if isinstance(error, VagalError) else result.output


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def session(home: Path) -> Path:
    folder = home / "sessions" / "c1" / SESSION
    write_journal(folder, records(2))
    seal(folder, decode)
    return folder


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["outcome", "PSS", "17"], f"Entered: {DAY}  PSS 17"),
        (["outcome", "gad-7", "0"], f"Entered: {DAY}  GAD-7 0"),
        (["outcome", "PHQ-9", "9", "--item-9", "0"], f"Entered: {DAY}  PHQ-9 9, item 9: 0"),
        (["outcome", "goal", "6", "--goal", "Sleep\n\x1b[2J"], f"Entered: {DAY}  goal “Sleep  [2J” 6"),
        (
            ["week", "--nature", "2", "--sleep", "5"],
            "Entered: 2026-11-16  week: nature 2, sleep 5 (days of 7)",
        ),
        (["adverse", "Dizzy <b>"], f"Entered: {DAY}  adverse: Dizzy <b>"),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else None,
)
def test_what_is_entered_is_said_in_one_line(home: Path, words: list[str], line: str) -> None:
    result = enter(home, *words, "--day", DAY, "--by", "AB")
    assert (result.exit_code, result.output) == (0, line + "\n")
    (entry,) = read_diary(home, "c1").entries
    assert entry.by == "AB"
    listed = enter(home, "list")
    assert listed.output == f"{entry.id}  {line.removeprefix('Entered: ')}  (AB)\n"


def test_a_mistyped_one_is_taken_back(home: Path) -> None:
    enter(home, "outcome", "PSS", "17", "--day", DAY)
    (entry,) = read_diary(home, "c1").entries
    assert entry.by == "practitioner"
    assert enter(home, "take-back", entry.id).output == f"Taken back: {DAY}  PSS 17\n"
    assert enter(home, "list").output == "Nothing was entered yet.\n"


@pytest.mark.parametrize(
    ("toml", "crisis"),
    [
        ('crisis_line = "116 123"', "Crisis line: 116 123"),
        ("", "The clinic has not set a crisis line."),
        ("crisis_line = ", "The clinic's crisis line could not be read."),
    ],
    ids=["a line", "none", "damaged"],
)
def test_item_9_above_0_asks_to_speak(home: Path, toml: str, crisis: str) -> None:
    home.mkdir()
    (home / "clinic.toml").write_text(toml)
    notice = (
        f"Item 9 of the PHQ-9 of 20 November 2026 was above 0: please speak with the person today. {crisis}"
    )
    result = enter(home, "outcome", "PHQ-9", "9", "--item-9", "1", "--day", DAY)
    assert result.output.splitlines() == [f"Entered: {DAY}  PHQ-9 9, item 9: 1", notice]
    assert enter(home, "list").output.splitlines()[0] == notice
    enter(home, "outcome", "PHQ-9", "4", "--item-9", "0", "--day", "2026-11-21")
    assert "speak" not in enter(home, "list").output


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (["outcome", "PSS", "41"], 2, "41 is not in the range 0<=x<=40"),
        (["outcome", "GAD-7", "22"], 2, "GAD-7: a whole number from 0 to 21, not 22"),
        (["outcome", "PHQ-9", "4"], 2, "PHQ-9: say its item 9 too, 0 to 3"),
        (["outcome", "BDI", "4"], 2, "'BDI' is not one of"),
        (["outcome", "PSS", "4", "--day", "2030-01-01"], 2, "day 2030-01-01: has not come yet"),
        (["week"], 2, "week: say at least one of"),
        (["week", "--sleep", "8"], 2, "8 is not in the range 0<=x<=7"),
        (["adverse", " "], 2, "adverse: say text"),
        (["adverse", "x", "--session", "../c2"], 2, "c1 has no session '../c2'"),
        (["take-back", "nope"], 2, "there is no entry 'nope' to take back"),
        (["primary", "hpa"], 2, "measure 'hpa': choose from"),
        (["primary", "ln_rmssd", "ln_scl", "scr_per_min"], 2, "primary measures: choose one or 2"),
        (["plan", "5", "10", "--strategy", "nope"], 2, "there is no strategy 'nope': there are "),
        (["alternation", "safe-place"], 2, "alternation: 2 to 4 strategies, each once"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_cannot_be_entered_is_one_line(home: Path, words: list[str], code: int, line: str) -> None:
    result = enter(home, *words)
    found = result.exception
    assert (found.exit_code if isinstance(found, VagalError) else result.exit_code) == code
    assert line in failure(result)
    assert not (home / "clients").exists() or list((home / "clients").iterdir()) == []


def test_a_client_is_a_pseudonym(home: Path) -> None:
    assert "use a pseudonym" in failure(enter(home, "outcome", "PSS", "4", client="Anna B."))


def test_nobody_enters_a_phq_9_of_themselves(home: Path) -> None:
    """The notice is for a practitioner, and “me” is the person who would read it."""
    assert "for a practitioner to enter" in failure(
        enter(home, "outcome", "PHQ-9", "4", "--item-9", "0", client="me")
    )
    assert enter(home, "outcome", "goal", "4", "--goal", "Sleep", client="me").exit_code == 0


def test_plans(home: Path) -> None:
    assert enter(home, "primary", "ln_rmssd").output.startswith("Progress is judged by ln_rmssd, chosen ")
    assert enter(home, "plan", "5", "10", "--strategy", "slow-breathing").output == (
        "Planned: 5 a week, 10 min each, slow-breathing.\n"
    )
    drawn = enter(home, "alternation", "slow-breathing", "safe-place").output
    found = re.search(r"drawn from (\d+)\.", drawn)
    assert found
    profile = read_profile(home, "c1")
    today = profile.primary and profile.primary.date
    assert today is not None
    assert profile == Profile(
        primary=Primary(("ln_rmssd",), today),
        practice_plan=PracticePlan(5, 10, "slow-breathing", today),
        alternation=Alternation(("slow-breathing", "safe-place"), int(found[1]), today),
    )
    enter(home, "alternation", "safe-place", "slow-breathing", "--seed", "7")
    changed = read_profile(home, "c1").alternation
    assert changed is not None
    assert (changed.seed, changed.strategies) == (7, ("safe-place", "slow-breathing"))


def test_the_same_choice_again_was_made_when_it_was_made_first(home: Path) -> None:
    from pipeline.profile import write_profile

    chosen = Primary(("ln_rmssd", "ln_scl"), "2026-01-05")
    write_profile(home, "c1", Profile(primary=chosen))
    enter(home, "primary", "ln_rmssd", "ln_scl")
    assert read_profile(home, "c1").primary == chosen
    enter(home, "primary", "ln_scl")
    other = read_profile(home, "c1").primary
    assert other is not None
    assert other.date > chosen.date


def test_something_unwanted_in_a_session(home: Path, session: Path) -> None:
    assert enter(home, "adverse", "Dizzy", "--session", session.name).exit_code == 0
    (adverse,) = read_diary(home, "c1").adverse
    assert adverse.session == SESSION


def test_a_client_edition_is_released_and_withdrawn(home: Path, session: Path) -> None:
    where = (Home(home), "c1", SESSION)
    assert release_facts(*where, {"what": "release", "by": "Dr A"}).line == "Client edition released (Dr A)."
    found = read_amendments(session).release
    assert found == Release("Dr A", found.at if found else "")
    assert release_facts(*where, {"what": "withdraw", "by": "Dr B"}).line == (
        "Client edition withdrawn: it is a draft again (Dr B)."
    )
    assert read_amendments(session).release is None


@pytest.mark.parametrize(
    ("session_id", "facts", "line"),
    [
        (SESSION, {"what": "release"}, "name: is empty"),
        (SESSION, {"what": "erase", "by": "A"}, "what: choose from release, withdraw"),
        (SESSION, {"by": "A"}, "what: choose from release, withdraw"),
        ("..", {"what": "release", "by": "A"}, "there is no such session"),
        ("2026", {"what": "release", "by": "A"}, "there is no such session"),
    ],
)
def test_what_is_no_release(
    home: Path, session: Path, session_id: str, facts: dict[str, Any], line: str
) -> None:
    with pytest.raises((UsageError, InputError), match=line):
        release_facts(Home(home), "c1", session_id, facts)
    assert not (session / "amendments.jsonl").exists()


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"kind": "nope"},
        {"kind": ["outcome"]},
        {"kind": "outcome", "scale": {}, "value": []},
        {"kind": "outcome", "scale": "PSS", "value": {"a": 1}},
        {"kind": "week", "sleep": "many"},
        {"kind": "week", "sleep": 3, "day": []},
        {"kind": "adverse", "text": "x", "session": {}},
        {"kind": "adverse", "text": "x", "by": 5},
        {"kind": "taken-back", "of": {"a": 1}},
        {"kind": "taken-back"},
    ],
    ids=str,
)
def test_facts_of_any_shape_are_one_line(home: Path, facts: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as error:
        enter_facts(Home(home), "c1", facts)
    assert "\n" not in str(error.value)
    assert not home.exists()


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"what": "goal"},
        {"what": "primary"},
        {"what": "primary", "measures": "ln_rmssd"},
        {"what": "primary", "measures": [5]},
        {"what": "plan"},
        {"what": "plan", "sessions_per_week": "5", "minutes": 10},
        {"what": "plan", "sessions_per_week": 5, "minutes": None},
        {"what": "plan", "sessions_per_week": 5, "minutes": 10, "strategy": {"a": 1}},
        {"what": "alternation", "strategies": ["safe-place", "safe-place"]},
        {"what": "alternation", "strategies": ["safe-place", "slow-breathing"], "seed": "x"},
        {"what": "alternation", "strategies": ["safe-place", "slow-breathing"], "seed": 1 << 40},
    ],
    ids=str,
)
def test_plans_of_any_shape_are_one_line(home: Path, facts: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as error:
        plan_facts(Home(home), "c1", facts)
    assert "\n" not in str(error.value)
    assert not home.exists()


def test_what_the_page_says_of_itself_is_not_believed(home: Path) -> None:
    """When an entry was made, and its id, are not for who sends it to say."""
    enter_facts(Home(home), "c1", {"kind": "adverse", "text": "x", "at": "1999", "id": "mine"})
    (entry,) = read_diary(home, "c1").entries
    assert entry.id != "mine"
    assert entry.at > "2000"
