"""What the home and progress pages are told of a folder, whatever state its sessions are in."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.decoding import decode
from flows.web.library import Library, base_name
from pipeline.errors import DeviceError, InputError, UsageError
from pipeline.journal import Kind
from pipeline.profile import Profile, write_profile
from pipeline.sealing import seal
from pipeline.store import Home
from tests.pipeline.sessions import event, numbered, records, write_journal

FIRST, SECOND = "2027-01-15T08-00-00-ab12", "2027-01-22T08-00-00-ab12"
REPORT = {
    "phases": [
        {
            "name": "Baseline",
            "kind": "baseline",
            "start_s": 0.0,
            "end_s": 180.0,
            "features": {
                "mean_hr_bpm": 71.5,
                "beats": 214,
                "rmssd_ms": None,
                "nn_pairs": 3,
                "scl_us": 4.2,
                "eda_coverage": 0.5,
            },
            "null_reasons": {"rmssd_ms": "needs 20 pairs, there are 3"},
        },
    ]
}


def sealed(home: Path, client: str, session: str, ratings: tuple[int, ...] = ()) -> Path:
    folder = home / "sessions" / client / session
    made = [record for record in records(2, ended=False) if record.kind is not Kind.RATING]
    made += [
        event(Kind.RATING, 119 + n / 9, {"scale": "distress", "value": v}) for n, v in enumerate(ratings)
    ]
    made += [event(Kind.RATING, 120, {"scale": "comfort", "value": 9}), event(Kind.END, 120.5, {})]
    write_journal(folder, numbered(made))
    seal(folder, decode)
    return folder


def told(home: Path, client: str) -> list[dict[str, Any]]:
    sessions: list[dict[str, Any]] = asyncio.run(Library(Home(home)).client(client))["sessions"]
    return sessions


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def test_an_empty_home(home: Path) -> None:
    library = Library(Home(home))
    assert asyncio.run(library.home()) == {
        "clients": [],
        "unfinished": 0,
        "clinic": {"name": None, "crisis_line": None, "trouble": None},
        "inbox": None,
    }
    assert asyncio.run(library.client("me"))["sessions"] == []
    assert not home.exists()


def test_a_session(home: Path) -> None:
    folder = sealed(home, "c1", FIRST, (6, 7, 3))
    (folder / "derived").mkdir()
    (folder / "derived" / "report.json").write_text(json.dumps(REPORT))
    (session,) = told(home, "c1")
    date = session.pop("date")
    assert date.startswith("2027-01-15T")
    assert session == {
        "session_id": FIRST,
        "client": "c1",
        "state": "sealed",
        "why": None,
        "protocol": "guided-session",
        "title": "Guided session",
        "source": "session",
        "minutes": 2.0,
        "simulated": True,
        "recovered": False,
        "report": f"/report/c1/{FIRST}",
        "reported": False,
        "distress": {"first": 6, "last": 3, "n": 3},
        "phases": [
            {"name": "Baseline", "kind": "baseline", "minutes": 1.0},
            {"name": "Paced", "kind": "paced", "minutes": 1.0},
        ],
        "baseline": {
            "phase": "Baseline",
            "minutes": 3.0,
            "mean_hr_bpm": {"value": 71.5, "n": 214, "why": None},
            "rmssd_ms": {"value": None, "n": 3, "why": "needs 20 pairs, there are 3"},
            "scl_us": {"value": 4.2, "n": 90, "why": None},
        },
        "release": None,
        "release_trouble": None,
    }


def test_without_ratings_or_report(home: Path) -> None:
    sealed(home, "c1", FIRST)
    (session,) = told(home, "c1")
    assert (session["distress"], session["baseline"], session["reported"]) == (None, None, False)


@pytest.mark.parametrize(
    ("manifest", "state"),
    [
        pytest.param(None, "unfinished", id="being recorded"),
        pytest.param("", "damaged", id="empty"),
        pytest.param("{", "damaged", id="cut off"),
        pytest.param("[]", "damaged", id="another JSON"),
        pytest.param("{}", "damaged", id="nothing in it"),
        pytest.param('{"protocol": 5, "source": null, "ratings": 7}', "damaged", id="other types"),
        pytest.param("[" * 100_000, "damaged", id="deep"),
        pytest.param("\udcff", "damaged", id="no text"),
    ],
)
def test_what_is_not_whole_breaks_nothing(home: Path, manifest: str | None, state: str) -> None:
    sealed(home, "c1", FIRST)
    other = home / "sessions" / "c1" / SECOND
    other.mkdir()
    if manifest is None:
        write_journal(other, records(1))
    else:
        (other / "session.json").write_bytes(manifest.encode(errors="surrogateescape"))
    later, earlier = told(home, "c1")
    assert (earlier["state"], later["state"], later["report"]) == ("sealed", state, None)
    assert later["why"]
    home_page = asyncio.run(Library(Home(home)).home())
    assert home_page["unfinished"] == (state == "unfinished")
    assert [(each["client"], each["sessions"]) for each in home_page["clients"]] == [("c1", 1)]


def test_a_baseline_that_was_paced_is_none(home: Path) -> None:
    folder = sealed(home, "anna-1", FIRST)
    (folder / "derived").mkdir()
    (held,) = REPORT["phases"]
    phases = [{**held, "name": "Paced", "paced": True}, {**held, "paced": False}]
    (folder / "derived" / "report.json").write_text(json.dumps({"phases": phases}))
    assert told(home, "anna-1")[0]["baseline"]["phase"] == "Baseline"


def test_a_protocol_of_one_s_own_has_its_title(home: Path) -> None:
    sealed(home, "anna-1", FIRST)
    name = told(home, "anna-1")[0]["protocol"]
    (home / "protocols").mkdir()
    (home / "protocols" / f"{name}.toml").write_text('title = "Monday group"')
    assert told(home, "anna-1")[0]["title"] == "Monday group"


@pytest.mark.parametrize("report", ["", "{}", "[]", '{"phases": [{}]}', '{"phases": []}', "\x00"])
def test_a_report_that_cannot_be_read(home: Path, report: str) -> None:
    folder = sealed(home, "c1", FIRST)
    (folder / "derived").mkdir()
    (folder / "derived" / "report.json").write_text(report)
    assert told(home, "c1")[0]["baseline"] is None


def test_clients_with_their_last_session_first(home: Path) -> None:
    sealed(home, "anna", FIRST)
    sealed(home, "anna", SECOND)
    sealed(home, "ben", FIRST)
    (home / "sessions" / "Not A Client" / FIRST).mkdir(parents=True)
    write_profile(home, "ben", Profile(goal="Sleep better", conditions={"hand": "left"}))
    (home / "clinic.toml").write_text('name = "Park"\ncrisis_line = "116 123"\n')
    page = asyncio.run(Library(Home(home)).home())
    assert [
        (each["client"], each["sessions"], each["minutes"], each["goal"], each["last"]["session_id"])
        for each in page["clients"]
    ] == [("anna", 2, 4.0, None, SECOND), ("ben", 1, 2.0, "Sleep better", FIRST)]
    assert [each["conditions"] for each in page["clients"]] == [{}, {"hand": "left"}]
    assert page["clinic"] == {"name": "Park", "crisis_line": "116 123", "trouble": None}


def test_what_cannot_be_read_beside_the_sessions_is_said(home: Path) -> None:
    sealed(home, "c1", FIRST)
    (home / "clinic.toml").write_text("name = ")
    (home / "clients").mkdir()
    (home / "clients" / "c1.json").write_text("{")
    library = Library(Home(home))
    page, client = asyncio.run(library.home()), asyncio.run(library.client("c1"))
    assert "clinic.toml" in page["clinic"]["trouble"]
    assert page["clients"][0]["goal"] is None
    assert "c1.json" in client["profile"]["trouble"]
    assert len(client["sessions"]) == 1


def test_a_manifest_is_read_again_when_it_has_changed(home: Path) -> None:
    folder = sealed(home, "c1", FIRST)
    library = Library(Home(home))
    asyncio.run(library.client("c1"))
    path = folder / "session.json"
    manifest = json.loads(path.read_bytes())
    path.write_text(json.dumps({**manifest, "recovered": True, "notices": ["changed"]}))
    assert asyncio.run(library.client("c1"))["sessions"][0]["recovered"] is True


def test_a_session_that_was_deleted_is_gone(home: Path) -> None:
    folder = sealed(home, "c1", FIRST)
    library = Library(Home(home))
    asyncio.run(library.home())
    shutil.rmtree(folder)
    assert asyncio.run(library.client("c1"))["sessions"] == []


@pytest.mark.parametrize("client", ["", "..", "../c1", "C1", "-c", "a" * 33, "c1/..", "c1\n"])
def test_names_that_are_none(home: Path, client: str) -> None:
    with pytest.raises(UsageError):
        asyncio.run(Library(Home(home)).client(client))


@pytest.mark.parametrize(
    ("client", "session"),
    [("c1", SECOND), ("c1", ".."), ("..", FIRST), ("c1", ""), ("c1", "./" + FIRST), ("c1", FIRST + "\n")],
)
def test_a_report_that_is_not_there(home: Path, client: str, session: str) -> None:
    sealed(home, "c1", FIRST)
    with pytest.raises(InputError, match="no such session"):
        asyncio.run(Library(Home(home)).report(client, session))


def test_a_report_is_made_when_it_is_first_asked_for(home: Path) -> None:
    folder = sealed(home, "c1", FIRST)
    path = asyncio.run(Library(Home(home)).report("c1", FIRST))
    assert path == folder / "derived" / "report.html"
    assert "<title>" in path.read_text(encoding="utf-8")
    assert told(home, "c1")[0]["reported"] is True


def test_a_session_without_anything_to_report_says_why(home: Path) -> None:
    folder = home / "sessions" / "c1" / FIRST
    write_journal(folder, [record for record in records(1) if record.kind is not Kind.DATA])
    seal(folder, decode)
    with pytest.raises(InputError) as error:
        asyncio.run(Library(Home(home)).report("c1", FIRST))
    assert str(error.value).count("\n") == 0


def test_nothing_is_made_any_more_once_it_is_closed(home: Path) -> None:
    sealed(home, "c1", FIRST)
    library = Library(Home(home))
    library.close()
    with pytest.raises(DeviceError, match="stopping"):
        asyncio.run(library.report("c1", FIRST))


async def pieces(*content: bytes) -> AsyncIterator[bytes]:
    for piece in content:
        yield piece


def test_a_file_that_grows_too_large_is_given_up(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.web.library.IMPORT_BYTES", 5)
    with pytest.raises(InputError, match="larger than"):
        asyncio.run(Library(Home(home)).import_file("c1", "x.txt", pieces(b"800\n", b"810\n")))
    assert not home.exists()


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("rr.txt", "rr.txt"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("/", "recording"),
        ("..", "recording"),
        ("", "recording"),
        (".hidden", "hidden"),
        ("-rf.csv", "rf.csv"),
        ("Müller <b>.csv", "M_ller _b_.csv"),
        ("a\x00b.zip", "a_b.zip"),
        ("a\nb.zip", "a_b.zip"),
        ("x" * 300 + ".csv", "x" * 80 + ".csv"),
        ("con.tar.gz", "con.tar.gz"),
    ],
)
def test_a_file_name_is_only_a_name(name: str, plain: str) -> None:
    assert base_name(name) == plain


@given(st.text())
def test_any_file_name_is_only_a_name(name: str) -> None:
    plain = base_name(name)
    assert plain == Path(plain).name == base_name(plain)
    assert 0 < len(plain) <= 100
    assert plain[0] not in ".- "
    assert plain.isascii()
