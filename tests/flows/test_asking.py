"""The conditions of a session that is begun in a terminal: what may be said, and that Enter is enough."""

import os
import pty
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.asking import ask_conditions, conditions_from, somebody_can_answer
from pipeline.conditions import CONDITIONS
from pipeline.errors import InputError, UsageError, VagalError

KEPT = {"hand": "left", "medication": "beta-blocker, other"}


def test_words_and_files_in_the_order_of_the_questions(tmp_path: Path) -> None:
    path = tmp_path / "today.toml"
    path.write_text('caffeine = "none-today"\nmedication = ["other", "sedative"]\n')
    assert list(conditions_from(["room=warm", str(path), "posture=sitting"]).items()) == [
        ("posture", "sitting"),
        ("caffeine", "none-today"),
        ("medication", "sedative, other"),
        ("room", "warm"),
    ]


def test_the_later_word_counts() -> None:
    assert conditions_from(["room=warm", "room=cold", "medication=other,sedative"]) == {
        "room": "cold",
        "medication": "sedative, other",
    }


@pytest.mark.parametrize(
    ("told", "error", "said"),
    [
        ("weather=fine", UsageError, "no condition 'weather': there are posture"),
        ("room=purple", UsageError, "room 'purple': choose from comfortable"),
        ("nowhere.toml", InputError, "nowhere.toml: cannot be read"),
        ("README.md", InputError, "README.md: is no TOML"),
    ],
)
def test_what_cannot_be_is_one_line(told: str, error: type[VagalError], said: str) -> None:
    with pytest.raises(error, match=said) as found:
        conditions_from([told])
    assert "\n" not in str(found.value)


def _asked(*answers: str, kept: dict[str, str] | None = None) -> tuple[dict[str, str], str]:
    """What came of these answers, and what was said meanwhile."""
    waiting, said = iter(answers), list[str]()
    return ask_conditions(kept or {}, lambda _: next(waiting), said.append), "\n".join(said)


@pytest.mark.parametrize(
    ("answers", "kept", "found"),
    [
        (("",), {}, {}),
        (("",), KEPT, KEPT),
        (("posture=lying  room=cold",), {}, {"posture": "lying", "room": "cold"}),
        (("hand=right",), KEPT, KEPT | {"hand": "right"}),
        (("medication= hand=",), KEPT, {}),
        (("?", ""), {}, {}),
        (("cold", "room=chilly", "room=cold"), {}, {"room": "cold"}),
        (("README.md", ""), {}, {}),
    ],
    ids=["nothing", "as before", "two", "another hand", "taken back", "help", "wrong twice", "no files here"],
)
def test_asked_until_it_can_be(answers: tuple[str, ...], kept: dict[str, str], found: dict[str, str]) -> None:
    assert _asked(*answers, kept=kept)[0] == found


def test_what_was_kept_is_shown_before_enter_takes_it() -> None:
    assert "with hand=left medication=beta-blocker,other, as last time" in _asked("", kept=KEPT)[1]


def test_every_answer_can_be_looked_up() -> None:
    told = _asked("?", "")[1]
    assert not [value for each in CONDITIONS for value in (each.name, *each.values) if value not in told]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A terminal as this program's input, though not the one that it belongs to."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs) as standard:
        monkeypatch.setattr(sys, "stdin", standard)
        yield
    os.close(ours)


def test_a_terminal_is_asked(terminal: None) -> None:
    assert somebody_can_answer()


def test_a_file_or_nothing_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "answers").open("w+") as file:
        monkeypatch.setattr(sys, "stdin", file)
        assert not somebody_can_answer()
    monkeypatch.setattr(sys, "stdin", None)
    assert not somebody_can_answer()
