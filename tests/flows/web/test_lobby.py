"""Before a session: what can be chosen, and what a start request becomes."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from devices.connection import Radio
from devices.drivers.registry import drivers
from devices.virtual.room import simulated_room
from flows.cli import cli
from flows.surroundings import Surroundings
from flows.web.lobby import Chosen, Defaults, Lobby, keep_conditions
from pipeline.clock import Clock, run
from pipeline.errors import DeviceError, InUseError, UsageError
from pipeline.guidance.safety import QUESTIONS
from pipeline.profile import Profile, Screening, read_profile, write_profile
from pipeline.store import Home


def chosen(
    home: Path, *requests: dict[str, Any], defaults: Defaults | None = None
) -> tuple[Chosen, list[Any]]:
    """What the last of these requests starts, with two sensors in reach, and what the page was told."""
    told: list[Any] = []

    async def main(clock: Clock) -> Chosen:
        async with simulated_room(clock) as room:
            around = Surroundings(
                room.radio, simulated=True, enough=lambda found: len(found) == 2, known=drivers()
            )
            lobby = Lobby(
                Home(home), around, defaults or Defaults(), lambda _, data: told.append(data), lambda _: 5.5
            )
            waiting = asyncio.create_task(lobby.wait(asyncio.Event()))
            await asyncio.sleep(6)  # one look
            for request in requests:
                try:
                    lobby.start(request)
                except BaseException:
                    waiting.cancel()
                    raise
            found = await waiting
            assert found is not None
            return found

    return run(main, float("inf")), told


def test_with_nothing_said_it_is_what_was_chosen_before(tmp_path: Path) -> None:
    found, told = chosen(tmp_path, {}, defaults=Defaults("anna-1", "resting-baseline"))
    assert (found.plan.client, found.plan.protocol.name, found.plan.attended) == (
        "anna-1",
        "resting-baseline",
        True,
    )
    assert len(found.plan.sensors) == 2
    assert told[0]["state"] == "looking"
    assert told[-1]["state"] == "ready"
    assert [sensor["chosen"] for sensor in told[-1]["sensors"]] == [True, True]


def test_a_sensor_that_is_not_wanted_is_left_out(tmp_path: Path) -> None:
    _, told = chosen(tmp_path, {})
    address = told[-1]["sensors"][0]["address"]
    found, _ = chosen(tmp_path, {"devices": [address]})
    assert [sensor.advert and sensor.advert.address for sensor in found.plan.sensors] == [address]


def test_the_pacer_has_the_client_s_own_rate(tmp_path: Path) -> None:
    found, _ = chosen(tmp_path, {"protocol": "daily-practice"})
    assert {step.pacer.breaths_per_min for step in found.plan.protocol.steps if step.pacer} == {5.5}


def test_a_random_order_is_written_down_where_there_is_one(tmp_path: Path) -> None:
    shuffled, _ = chosen(tmp_path, {"protocol": "resonance", "order": "random"})
    assert shuffled.plan.conditions["order_seed"].isdigit()
    plain, _ = chosen(tmp_path, {"protocol": "free", "order": "random"})
    assert plain.plan.conditions == {}


def test_conditions_are_stored_with_the_session(tmp_path: Path) -> None:
    request = {"conditions": {"hand": "left", "caffeine": "none-today", "eyes": ""}, "protocol": "free"}
    found, told = chosen(tmp_path, request)
    assert found.plan.conditions == {"hand": "left", "caffeine": "none-today"}
    assert found.kept is None  # what was said in a simulated session is not a person's own
    assert [each["name"] for each in told[-1]["conditions"]][:2] == ["posture", "eyes"]
    assert told[-1]["conditions_kept"] == {}


def test_what_stays_the_same_is_offered_again(tmp_path: Path) -> None:
    write_profile(tmp_path, "me", Profile(goal="Sleep", conditions={"hand": "right"}))
    keep_conditions(Home(tmp_path), "me", {"hand": "left", "eda_site": "fingers"})
    assert read_profile(tmp_path, "me") == Profile(
        goal="Sleep", conditions={"hand": "left", "eda_site": "fingers"}
    )
    _, told = chosen(tmp_path, {"protocol": "free"})
    assert told[-1]["conditions_kept"] == {"hand": "left", "eda_site": "fingers"}


def test_conditions_that_cannot_be_kept_keep_nobody_from_a_session(tmp_path: Path) -> None:
    (tmp_path / "clients").write_text("a file")
    keep_conditions(Home(tmp_path), "me", {"hand": "left"})


@pytest.mark.parametrize(
    ("request_", "error", "told"),
    [
        ({"conditions": {"hand": "third"}}, UsageError, "hand 'third': choose from left, right"),
        ({"conditions": {"mood": "x"}}, UsageError, "no condition 'mood'"),
        ({"conditions": ["hand"]}, UsageError, "conditions are answers"),
        ({"client": "Anna B."}, UsageError, "for example 'client-1'"),
        ({"client": 5}, UsageError, "client is missing"),
        ({"protocol": "nope"}, UsageError, "there is no protocol 'nope'"),
        ({"protocol": "/etc/passwd"}, UsageError, "there is no protocol '/etc/passwd'"),
        ({"protocol": "../protocols/free.toml"}, UsageError, "there is no protocol"),
        ({"devices": []}, UsageError, "no sensor has been found yet"),
        ({"devices": ["00:00"]}, UsageError, "no sensor has been found yet"),
        ({"screening": {"answers": {"pacemaker": "no"}}}, UsageError, "answers are yes or no"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else None,
)
def test_what_cannot_be_started_is_one_line(
    tmp_path: Path, request_: dict[str, Any], error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        chosen(tmp_path, request_)


def test_a_second_start_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InUseError, match="running already"):
        chosen(tmp_path, {}, {})


def test_answers_are_asked_for_once_and_hold_for_the_next_session(tmp_path: Path) -> None:
    first, told = chosen(tmp_path, {})
    assert (first.first_session, first.screened) == (True, None)
    assert told[-1]["first_session"] is True
    assert told[-1]["screening"] == [
        {"id": question.id, "text": question.text, "advice": question.advice} for question in QUESTIONS
    ]
    write_profile(
        tmp_path, "me", Profile(screening=Screening({"pacemaker": True, "shoe-size": True}, "2026-01-01"))
    )
    second, told = chosen(tmp_path, {})
    assert told[-1]["first_session"] is False
    assert second.first_session is False
    assert second.screened is not None
    assert second.screened.conditions == {"pacemaker": "yes"}


def test_answers_given_with_the_start_are_taken(tmp_path: Path) -> None:
    found, _ = chosen(tmp_path, {"screening": {"answers": {"pregnancy": False}, "noted": True}})
    assert found.screened is not None
    assert (found.screened.conditions, found.first_session) == ({"pregnancy": "no"}, False)


def test_a_protocol_of_one_s_own_that_cannot_be_read_leaves_the_others(tmp_path: Path) -> None:
    (tmp_path / "protocols").mkdir()
    (tmp_path / "protocols" / "mine.toml").write_text("title = 5")
    (tmp_path / "clinic.toml").write_text("name = ")
    (tmp_path / "clients").mkdir()
    (tmp_path / "clients" / "me.json").write_text("{")
    found, told = chosen(tmp_path, {"protocol": "free"})
    assert found.plan.protocol.name == "free"
    names = [each["name"] for each in told[-1]["protocols"]]
    assert "mine" not in names
    assert "tagged-stress-test" not in names  # it goes along a recording's tags
    assert len(names) == len(set(names)) > 5


@pytest.mark.parametrize(
    ("error", "words"),
    [
        pytest.param(
            DeviceError("Bluetooth is switched off: switch it on"),
            "Bluetooth is switched off: switch it on",
            id="known",
        ),
        pytest.param(
            AttributeError("no bus"),
            "looking for sensors failed (AttributeError('no bus')): trying again",
            id="whatever a driver raises",
        ),
    ],
)
def test_trouble_with_the_radio_is_told_and_looking_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    told: list[Any] = []
    looks: list[int] = []

    async def scan(*_: object) -> list[Any]:
        looks.append(1)
        raise error

    monkeypatch.setattr("flows.web.lobby.scan", scan)

    async def main(_: Clock) -> None:
        stop = asyncio.Event()
        lobby = Lobby(Home(tmp_path), Surroundings(Radio()), Defaults(), lambda _, data: told.append(data))
        waiting = asyncio.create_task(lobby.wait(stop))
        await asyncio.sleep(10)
        stop.set()
        assert await waiting is None

    run(main, float("inf"))
    assert (told[-1]["state"], told[-1]["trouble"]) == ("trouble", words)
    assert len(looks) > 2


def test_a_protocol_file_from_anywhere_can_be_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "elsewhere" / "mine.toml"
    path.parent.mkdir()
    path.write_text(
        'title = "Mine"\nsummary = "One."\nopening = "You can stop."\n\n[[step]]\n'
        'name = "Sitting"\nkind = "baseline"\nduration_s = 60\ninstruction = "Sit quietly."\n'
    )
    asked: list[Defaults] = []
    monkeypatch.setattr("webbrowser.open", lambda _: True)
    monkeypatch.setattr("flows.web.hosting.host", lambda _, __, ___, defaults, **____: asked.append(defaults))
    home = tmp_path / "home"
    options = ["live", "--simulate", "calm", "--home", str(home), "--protocol", str(path)]
    assert CliRunner().invoke(cli, options, catch_exceptions=False).exit_code == 0
    found, told = chosen(home, {}, defaults=asked[0])
    assert found.plan.protocol.title == "Mine"
    assert "mine" in [each["name"] for each in told[-1]["protocols"]]
