"""The words of the pages are the catalogue's: each is there, none is left over, and no page holds its own."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx
import pytest

from flows.web.app import PAGES, WORDS, read_page
from flows.web.hub import Role
from pipeline.language import catalogue, use
from tests.flows.web.house import served
from tests.pseudo_locale import plain_english, pseudo_locale

MOVED = [
    PAGES / "net.js",
    *(path for folder in ("home", "review") for path in sorted((PAGES / folder).glob("*.js"))),
]
SHOWN = [PAGES / f"{name}.html" for name in ("home", "progress", "join", "review")]
NAMES = ("vagal", "PSS", "GAD-7", "PHQ-9")  # of works and of this one: the same in every language

_COMMENT = re.compile(r"/\*.*?\*/|(?<![:\"'`])//[^\n]*", re.DOTALL)
_NO_WORDS = re.compile(
    r"^import .*$|\bclass: \"[^\"]*\"|querySelector(?:All)?\([^)]*\)|matches\([^)]*\)", re.MULTILINE
)
_FILLED_IN = re.compile(r"\$\{(?:[^{}]|\{[^{}]*\})*\}")
_STRING = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'|`[^`]*`")
_SENTENCE = re.compile(r"[A-Za-z,.:] [A-Za-z]|^.[A-Z][a-z]+[^A-Za-z-]?.$")
_CODE = {'"Files"', '"Blob"', '"Home"', '"End"', '"Escape"'}  # of what is dropped, and keys
_KEY = re.compile(r"[\"`{](web(?:\.\w+)+)(\$|\.\$)?")


def words_used() -> tuple[set[str], set[str]]:
    """The keys that the pages name, and how those begin that they put together."""
    found = [match for path in [*MOVED, *SHOWN] for match in _KEY.finditer(path.read_text(encoding="utf-8"))]
    python = [
        match
        for path in PAGES.parent.glob("*.py")
        for match in _KEY.finditer(path.read_text(encoding="utf-8"))
    ]
    whole = {match[1] for match in [*found, *python] if not match[2]}
    return whole, {match[1] + "." * match[2].startswith(".") for match in found if match[2]}


def test_every_word_is_there_and_none_is_left_over() -> None:
    known = {key for key in catalogue().entries if key.startswith("web.")}
    whole, begun = words_used()
    forms = {key for key in whole if key not in known}
    assert {key for key in forms if not {f"{key}.one", f"{key}.many"} <= known} == set()
    assert {start for start in begun if not any(key.startswith(start) for key in known)} == set()
    used = whole | {f"{key}.{form}" for key in forms for form in ("one", "many")}
    assert {key for key in known - used if not key.startswith(tuple(begun))} == set()


def test_a_script_can_fill_in_every_word() -> None:
    told = {key: said for key, said in catalogue().entries.items() if key.startswith("web.")}
    assert all(isinstance(said, str) for said in told.values())
    odd = {key for key, said in told.items() if re.search(r"[{}]", re.sub(r"\{\w+\}", "", str(said)))}
    assert odd == set()


@pytest.mark.parametrize("path", MOVED, ids=lambda path: path.stem)
def test_no_script_holds_words_of_its_own(path: Path) -> None:
    script = _NO_WORDS.sub("", _COMMENT.sub("", path.read_text(encoding="utf-8")))
    while _FILLED_IN.search(script):
        script = _FILLED_IN.sub("", script)
    held = [string for string in _STRING.findall(script) if _SENTENCE.search(string)]
    assert [string for string in held if string not in _CODE] == []


@pytest.mark.parametrize("path", SHOWN, ids=lambda path: path.stem)
def test_no_page_holds_words_of_its_own(path: Path) -> None:
    with use(pseudo_locale()):
        assert plain_english(read_page(path), NAMES) == []


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def test_the_words_are_a_script_like_the_others(home: Path) -> None:
    home.mkdir()
    (home / "clinic.toml").write_text('[phrases]\nweb.home.start = "Let’s begin & go"\n')
    with served(home, pages=PAGES) as house, house.browser(None) as anyone:
        script, other = anyone.get(WORDS), anyone.get("/pages/net.js")
        assert {**script.headers, **_VARIES} == {**other.headers, **_VARIES}
        assert anyone.get(WORDS, headers={"If-None-Match": script.headers["etag"]}).status_code == 304
        assert held(script)["web.home.start"] == "Let’s begin & go"
        assert {key.partition(".")[0] for key in held(script)} == {"web"}
        with house.browser(Role.OPERATOR) as operator:
            assert "Let’s begin &amp; go" in operator.get("/").text


_VARIES = dict.fromkeys(("etag", "content-length", "date", "last-modified", "accept-ranges"), "")


def held(script: httpx.Response) -> dict[str, str]:
    """The words in the script that is served."""
    words: dict[str, str] = json.JSONDecoder().raw_decode(script.text.partition("const WORDS = ")[2])[0]
    return words


def test_phrases_that_cannot_be_read_leave_the_words_as_they_are(home: Path) -> None:
    home.mkdir()
    (home / "clinic.toml").write_text("[phrases\n")
    with served(home, pages=PAGES) as house, house.browser(None) as anyone:
        assert held(anyone.get(WORDS))["web.home.start"] == "Start"


def test_what_is_refused_is_said_in_the_language_in_use(home: Path) -> None:
    with use(pseudo_locale()), served(home, pages=PAGES) as house, house.browser(None) as anyone:
        said = [anyone.get(path).text for path in ("/", "/open/x")]
    assert [(bool(line), plain_english(line)) for line in said] == [(True, []), (True, [])]
