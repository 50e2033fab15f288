"""`vagal live` with its pages, run in this process: what goes wrong is told, and the next session starts."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from devices.drivers.registry import drivers
from devices.virtual.room import Room, simulated_room
from flows.capturing import capture_sensor
from flows.surroundings import Source, Surroundings, replayed, simulated
from flows.web.lobby import Defaults
from pipeline.clock import Clock
from pipeline.journal import Kind
from pipeline.profile import Profile, profile_path, read_profile, update_profile, write_profile
from pipeline.sealing import read_table, records_of
from pipeline.store import Home, read_session
from pipeline.verification import problems_of
from tests.flows.rooms import FAST
from tests.flows.web.desk import (
    Desk,
    Hosted,
    hosted,
    processes_about,
    second_screen,
)
from tests.flows.web.live import without_prefect

pytestmark = [pytest.mark.prove, pytest.mark.timeout(600)]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home; reports are made where Prefect cannot be imported."""
    monkeypatch.setenv("PYTHONPATH", str(without_prefect(tmp_path / "without")))
    return tmp_path / "home"


def calm(home: Path) -> Source:
    return simulated(Home(home), "calm")


def folder_of(home: Path, session: Any) -> Path:
    return Path(home, "sessions", session["client"], session["session_id"])


def test_without_prefect_a_session_has_its_report(home: Path) -> None:
    """The companion ran, and says what it did without."""

    def happening(desk: Desk, _: Hosted) -> None:
        session = desk.whole()
        assert session["state"] == "ended"
        assert session["message"] == "Prefect was not available (missing): the report was made without it"
        report = desk.browser.get(session["report"])
        assert (report.status_code, "<title>" in report.text) == (200, True)
        [phase] = read_session(folder_of(home, session)).phases
        assert phase.duration_s == pytest.approx(90, abs=1)
        desk.ready()

    said = hosted(home, calm(home), happening)
    [folder] = Home(home).sessions()
    assert said[-2:] == ["Sealed. Preparing the report ...", f"Session  {folder}"]
    assert problems_of(folder) == []
    assert processes_about(folder) == []


def test_a_capture_is_a_whole_session(home: Path, tmp_path: Path) -> None:
    """It begins and ends by itself, whoever waits, and can be started again."""
    path = tmp_path / "strap.jsonl"
    strap = "Virtual HR strap"
    capture_sensor(calm(home), strap, path, 90, speed=FAST, say=lambda _: None)
    source = replayed(Home(home), str(path))
    beats: list[int] = []

    def happening(desk: Desk, _: Hosted) -> None:
        for _again in range(2):
            lobby = desk.ready()
            assert [sensor["name"] for sensor in lobby["sensors"]] == ["Heart-rate strap"]
            assert desk.start(protocol="free") == (200, {"ok": True, "url": "/live"})
            session = desk.stage("ended", "failed")
            assert (session["state"], session["simulated"]) == ("ended", True)
            assert desk.browser.get(session["report"]).status_code == 200
            beats.append(len(read_session(folder_of(home, session)).streams["rr"]))

    hosted(home, source, happening, defaults=Defaults(protocol="free", own=source.protocol))
    assert beats[0] == beats[1] > 80


OVER = "the session is over: this is not written down any more"
ANOTHER = "this page shows another session: reload it and write it there"
REFUSED_AFTERWARDS: list[tuple[str, dict[str, Any]]] = [
    ("begin", {}),
    ("pause", {}),
    ("stop", {}),
    ("extend", {"seconds": 60}),
    ("mark", {"kind": "note"}),
    ("note", {"text": "late"}),
    ("rate", {"scale": "distress", "value": 3}),
    ("check_in", {"when": "after", "feeling": "calm"}),
    ("pacer", {"breaths_per_min": 6}),
    ("no_such_thing", {}),
]


def test_once_it_is_over_only_what_is_the_client_s_is_kept(home: Path) -> None:
    def refused(desk: Desk) -> dict[str, str | None]:
        return {do: desk.act(do, **facts) for do, facts in REFUSED_AFTERWARDS}

    all_refused = {do: OVER for do, _ in REFUSED_AFTERWARDS}

    def happening(desk: Desk, _: Hosted) -> None:
        desk.ready()
        assert desk.act("mark", kind="note") == "no session is running"
        assert desk.start()[0] == 200
        desk.stage("opening")
        assert desk.act("begin") is None
        with second_screen(desk) as screen:
            desk.stage("sealing", "ended")
            assert refused(desk) == all_refused
            assert desk.act("goal", text="Sleep") is None
            assert desk.act("goal", text="Not mine", session="of-another-client") == ANOTHER
            session = desk.stage("ended")
            assert refused(desk) == all_refused
            assert desk.act("next_step", text="A walk") is None
            desk.until("session", lambda told: told["next_step"] == "A walk" and told["report"])
            assert desk.act("threshold", measure="heart_rate_bpm", value=70) is None
            assert desk.act("threshold", measure="shoe_size", value=44) == "there is no measure 'shoe_size'"
            assert screen.act("rate", scale="distress", value=3) == OVER
            assert screen.act("goal", text="mine") == (
                "this can only be done from the screen that leads the session"
            )
        assert problems_of(folder_of(home, session)) == []
        assert read_session(folder_of(home, session)).notes == ()

    hosted(home, calm(home), happening)
    assert read_profile(home, "me") == Profile(
        goal="Sleep", next_step="A walk", thresholds={"heart_rate_bpm": 70.0}
    )


def test_a_goal_that_a_slow_disk_takes_its_time_for_is_there_in_the_next_session(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = threading.Event()

    def slowly(*what: Any) -> None:
        began.wait(2)
        update_profile(*what)

    monkeypatch.setattr("flows.web.feed.update_profile", slowly)

    def happening(desk: Desk, _: Hosted) -> None:
        desk.whole()
        desk.ready()
        assert desk.act("goal", text="Sleep") is None
        assert desk.start()[0] == 200
        assert desk.stage("opening")["goal"] == "Sleep"
        assert desk.act("threshold", measure="heart_rate_bpm", value=70) is None

    hosted(home, calm(home), happening)
    assert read_profile(home, "me") == Profile(goal="Sleep", thresholds={"heart_rate_bpm": 70.0})


def test_a_goal_that_cannot_be_kept_is_told(home: Path) -> None:
    """There is a file where the folder of profiles should be; nobody's session is over for that."""

    def happening(desk: Desk, _: Hosted) -> None:
        desk.ready()
        assert desk.start()[0] == 200
        desk.stage("opening")
        (home / "clients").write_text("mine")
        told = "goal, next step and thresholds could not be kept: "
        assert desk.act("goal", text="Sleep") is None
        assert desk.until("session", lambda session: session["message"])["message"].startswith(told)
        assert desk.act("begin") is None
        assert desk.stage("ended")["report"]
        assert desk.act("goal", text="More sleep") is None
        desk.until("session", lambda session: session["message"].startswith(told))
        (home / "clients").unlink()
        assert desk.act("goal", text="Better sleep") is None
        desk.until("session", lambda session: session["message"] is None)

    hosted(home, calm(home), happening)
    assert read_profile(home, "me") == Profile(goal="Better sleep")


MEASURES = ("rhythm_concentration", "heart_rate_bpm", "resp_rate_bpm", "scl_us", "scr_per_min")


def test_many_changes_at_once_are_one_whole_profile(home: Path) -> None:
    def happening(desk: Desk, _: Hosted) -> None:
        desk.ready()
        assert desk.start()[0] == 200
        desk.stage("opening")
        refused: list[str | None] = []

        def change(number: int, measure: str) -> None:
            for turn in range(10):
                refused.append(desk.act("threshold", measure=measure, value=10 * turn + number))
                refused.append(desk.act("goal", text=f"Turn {turn}"))

        threads = [
            threading.Thread(target=change, args=(number, measure)) for number, measure in enumerate(MEASURES)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert refused == [None] * (len(MEASURES) * 20)

    write_profile(home, "me", Profile(next_step="A walk"))
    hosted(home, calm(home), happening)
    assert read_profile(home, "me") == Profile(
        goal="Turn 9",
        next_step="A walk",
        thresholds={measure: 90.0 + number for number, measure in enumerate(MEASURES)},
    )
    assert [path.name for path in profile_path(home, "me").parent.iterdir()] == ["me.json"]


def test_a_damaged_profile_is_told_and_left_alone(home: Path) -> None:
    path, content = profile_path(home, "me"), b'{"goal": "Sle'
    write_profile(home, "me", Profile())
    path.write_bytes(content)

    def happening(desk: Desk, _: Hosted) -> None:
        assert desk.ready()["first_session"] is True
        assert desk.start()[0] == 200
        message = desk.stage("opening")["message"]
        assert message.startswith(f"{path}: is not a client's profile")
        assert len(message.splitlines()) == 1
        assert desk.act("goal", text="Sleep") is None
        assert desk.act("begin") is None
        assert desk.stage("running")["message"] == message
        assert desk.stage("ended")["report"]

    hosted(home, calm(home), happening)
    assert path.read_bytes() == content
    assert [each.name for each in path.parent.iterdir()] == ["me.json"]


def test_more_taps_than_a_person_has_are_refused_and_cost_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = [1000.0]
    monkeypatch.setattr("flows.web.page.time", SimpleNamespace(monotonic=lambda: now_s[0]))
    sessions: list[Any] = []

    def happening(desk: Desk, _: Hosted) -> None:
        desk.ready()
        assert desk.start(protocol="free")[0] == 200
        desk.stage("opening")
        assert desk.act("begin") is None
        with second_screen(desk) as screen:
            answers = [screen.act("rate", scale="distress", value=1) for _ in range(50)]
            assert answers == [None] * 20 + ["too many taps at once: wait a moment"] * 30
            assert [desk.act("mark", kind="note", text=str(number)) for number in range(30)] == [None] * 30
            now_s[0] += 4.9
            assert screen.act("pause") is not None
            now_s[0] += 0.2
            assert screen.act("pause") is None
            assert screen.act("resume") is None
        assert desk.act("stop") is None
        sessions.append(desk.stage("ended"))

    hosted(home, calm(home), happening)
    folder = folder_of(home, sessions[0])
    recording = read_session(folder)
    assert len(recording.ratings) == 20
    assert sum(marker.kind == "note" for marker in recording.markers) == 30
    records = records_of(read_table(folder / "raw.parquet"))
    assert [record.sequence for record in records] == list(range(len(records)))
    assert [record.facts for record in records if record.kind is Kind.END] == [{"undecoded": 0}]
    assert all(gap.reason == "nothing came yet" for each in recording.streams.values() for gap in each.gaps)


def test_a_protocol_that_cannot_be_read_is_no_session(home: Path) -> None:
    path = home / "protocols" / "mine.toml"
    path.parent.mkdir(parents=True)
    path.write_text("title = ")

    def happening(desk: Desk, _: Hosted) -> None:
        desk.ready()
        status, answer = desk.start(protocol="mine")
        assert (status, answer["error"].startswith(f"{path}: ")) == (400, True)
        assert len(answer["error"].splitlines()) == 1
        assert desk.whole()["state"] == "ended"

    hosted(home, calm(home), happening)
    assert len(Home(home).sessions()) == 1


def test_a_strategy_that_cannot_be_read_leaves_those_that_come_with_vagal(home: Path) -> None:
    path = home / "strategies" / "mine.toml"
    path.parent.mkdir(parents=True)
    path.write_text("title = ")

    def happening(desk: Desk, _: Hosted) -> None:
        desk.ready()
        assert desk.start()[0] == 200
        desk.stage("opening")
        assert desk.act("strategy", id="slow-breathing") is None
        assert desk.act("strategy", id="mine") == "there is no strategy 'mine'"

    hosted(home, calm(home), happening)


def test_what_fails_before_a_session_began_is_told_and_the_next_one_starts(home: Path) -> None:
    """There is a file where the sessions' folder should be."""
    path = home / "sessions"
    told: list[str] = []

    def happening(desk: Desk, _: Hosted) -> None:
        desk.ready()
        home.mkdir(exist_ok=True)
        path.write_text("mine")
        assert desk.start()[0] == 200
        failed = desk.stage("failed")
        told.append(failed["message"])
        assert failed["session_id"] is failed["report"] is None
        assert desk.act("begin") == "no session is running"
        desk.ready()
        path.unlink()
        assert desk.whole()["state"] == "ended"

    said = hosted(home, calm(home), happening)
    assert told == [f"{path / 'me'}: sessions cannot be stored there (Not a directory)"]
    assert f"vagal: {told[0]}" in said


def test_sensors_that_are_gone_before_they_sent_anything(home: Path) -> None:
    rooms: list[tuple[asyncio.AbstractEventLoop, Room]] = []

    @asynccontextmanager
    async def opened(clock: Clock) -> AsyncIterator[Surroundings]:
        async with simulated_room(clock) as room:
            rooms.append((asyncio.get_running_loop(), room))
            yield Surroundings(
                room.radio, simulated=True, enough=lambda found: len(found) == 2, known=drivers()
            )

    def happening(desk: Desk, _: Hosted) -> None:
        desk.ready()
        loop, room = rooms[-1]
        for sensor in room.sensors:
            loop.call_soon_threadsafe(sensor.out_of_range)
        assert desk.start()[0] == 200
        assert desk.act("begin") is not None
        session = desk.stage("opening")
        assert {device["state"] for device in session["devices"]} <= {"lost", "waiting"}
        assert desk.act("stop") is None
        failed = desk.stage("failed")
        assert "nothing usable" in failed["message"]
        assert len(failed["message"].splitlines()) == 1
        assert processes_about(folder_of(home, failed)) == []
        assert desk.whole()["state"] == "ended"

    hosted(home, Source(opened), happening)
