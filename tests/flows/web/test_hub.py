"""What readers hear: by role, from where they left off, and whole again when they fell behind."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.web.hub import TOPICS, Hub, Reader, Role


@dataclass
class Hands:
    """A clock that is moved by hand."""

    now_s: float = 100.0
    speed: float = 1.0

    def now(self) -> float:
        return self.now_s

    def wall(self) -> float:
        return 1000.0 + self.now_s


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def hub(clock: Hands) -> Hub:
    return Hub(clock)


def all_of(reader: Reader) -> list[Any]:
    taken = []
    while (text := reader.take()) is not None:
        taken.append(json.loads(text))
    return taken


def topics(messages: list[Any]) -> list[tuple[str, Any]]:
    return [(message["topic"], message["data"]) for message in messages]


def joined(hub: Hub, role: Role = Role.OPERATOR) -> Reader:
    """A reader that has taken its snapshot."""
    reader = hub.join(role)
    reader.take()
    return reader


def test_a_message(hub: Hub) -> None:
    reader = joined(hub)
    hub.publish("values", {"heart": "–"}, 12.5, 2.0)
    assert all_of(reader) == [
        {
            "epoch": hub.epoch,
            "n": 1,
            "at": 1_100_000.0,
            "time_s": 12.5,
            "speed": 2.0,
            "topic": "values",
            "data": {"heart": "–"},
        }
    ]


def test_the_sender_may_say_when(hub: Hub) -> None:
    reader = joined(hub)
    hub.publish("values", 1, at_ms=5.0)
    assert [message["at"] for message in all_of(reader)] == [5.0]


@pytest.mark.parametrize("topic", TOPICS)
def test_a_client_hears_only_what_is_for_clients(hub: Hub, topic: str) -> None:
    data = {"beats": {"add": [], "revise": []}, "skin": [], "course": [], "ecg": {"start_s": 0}}.get(
        topic, {}
    )
    operator, client = joined(hub), joined(hub, Role.CLIENT)
    hub.publish(topic, data)
    late = {role: json.loads(hub.snapshot(role))["data"] for role in Role}
    assert topics(all_of(operator)) == [(topic, data)]
    assert topics(all_of(client)) == ([(topic, data)] if topic == "client" else [])
    assert topic in late[Role.OPERATOR]
    assert (topic in late[Role.CLIENT]) == (topic == "client")


def test_numbers_are_of_all_topics_so_a_client_sees_holes(hub: Hub) -> None:
    client = joined(hub, Role.CLIENT)
    for topic in ("client", "values", "table", "client"):
        hub.publish(topic, {})
    assert [message["n"] for message in all_of(client)] == [1, 4]


def test_each_message_is_put_into_words_once(hub: Hub) -> None:
    first, second = joined(hub), joined(hub, Role.CLIENT)
    hub.publish("client", {"screen": "waiting"})
    assert first.take() is second.take()


def test_a_state_replaces_the_one_before(hub: Hub) -> None:
    hub.publish("session", {"state": "waiting"})
    hub.publish("session", {"state": "running"})
    assert topics(all_of(hub.join(Role.OPERATOR))) == [("snapshot", {"session": {"state": "running"}})]


@pytest.mark.parametrize(
    ("said", "whole"),
    [
        pytest.param(
            [{"add": [[1.0, 800, "normal?"], [1.8, 800, "normal?"]], "revise": []}],
            [[1.0, 800, "normal?"], [1.8, 800, "normal?"]],
            id="added",
        ),
        pytest.param(
            [
                {"add": [[1.0, 800, "normal?"]]},
                {"add": [[1.8, 500, "missed?"]], "revise": [[1.0, "ectopic"]]},
            ],
            [[1.0, 800, "ectopic"], [1.8, 500, "missed?"]],
            id="revised",
        ),
        pytest.param(
            [{"add": [[1.0, 800, "normal"]], "revise": [[0.9, "ectopic"]]}],
            [[1.0, 800, "normal"]],
            id="a beat that is not kept is not revised",
        ),
        pytest.param(
            [{"add": [[2.0, 800, "normal"]]}, {"add": [[1.0, 700, "normal"]], "revise": [[2.0, "extra"]]}],
            [[1.0, 700, "normal"], [2.0, 800, "extra"]],
            id="late",
        ),
        pytest.param(
            [{"add": [[0.0, 800, "normal"], [1.0, 800, "normal"]]}, {"add": [[1201.0, 800, "normal"]]}],
            [[1.0, 800, "normal"], [1201.0, 800, "normal"]],
            id="of the last 20 minutes",
        ),
    ],
)
def test_beats(hub: Hub, said: list[Any], whole: list[Any]) -> None:
    for data in said:
        hub.publish("beats", data)
    assert json.loads(hub.snapshot(Role.OPERATOR))["data"] == {"beats": {"add": whole, "revise": []}}


def test_revising_leaves_what_was_published_alone(hub: Hub) -> None:
    row = [1.0, 800, "normal?"]
    hub.publish("beats", {"add": [row]})
    hub.publish("beats", {"revise": [[1.0, "extra"]]})
    assert row == [1.0, 800, "normal?"]


@pytest.mark.parametrize(
    ("topic", "said", "whole"),
    [
        pytest.param(
            "skin", [[[0.0, 4, 0], [0.25, 4, 0]], [[1200.25, 5, 0]]], [[0.25, 4, 0], [1200.25, 5, 0]]
        ),
        pytest.param("course", [[{"time_s": 0}], [{"time_s": 1201}]], [{"time_s": 1201}]),
        pytest.param(
            "ecg",
            [{"start_s": 0.0}, {"start_s": 0.5}, {"start_s": 10.5}],
            [{"start_s": 0.5}, {"start_s": 10.5}],
        ),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_a_series_is_kept_for_a_while(hub: Hub, topic: str, said: list[Any], whole: list[Any]) -> None:
    for data in said:
        hub.publish(topic, data)
    assert json.loads(hub.snapshot(Role.OPERATOR))["data"] == {topic: whole}


def test_a_page_that_comes_back_hears_what_it_missed(hub: Hub, clock: Hands) -> None:
    for number in range(4):
        hub.publish("client" if number % 2 else "values", number)
    for role, missed in ((Role.OPERATOR, [(2, 1), (3, 2), (4, 3)]), (Role.CLIENT, [(2, 1), (4, 3)])):
        back = all_of(hub.join(role, after=1, epoch=hub.epoch))
        assert (back[0]["topic"], back[0]["n"], back[0]["data"]) == ("resumed", 1, None)
        assert [(message["n"], message["data"]) for message in back[1:]] == missed


@pytest.mark.parametrize(
    ("waited_s", "after", "epoch", "first"),
    [
        pytest.param(0, 3, None, "resumed", id="nothing missed"),
        pytest.param(60, 0, None, "resumed", id="within a minute"),
        pytest.param(61, 0, None, "snapshot", id="longer ago"),
        pytest.param(61, 3, None, "resumed", id="longer ago, but nothing was said since"),
        pytest.param(0, 4, None, "snapshot", id="a number that is still to come"),
        pytest.param(0, 3, "another", "snapshot", id="another process"),
    ],
)
def test_where_a_page_goes_on(
    hub: Hub, clock: Hands, waited_s: float, after: int, epoch: str | None, first: str
) -> None:
    for number in range(3):
        hub.publish("values", number)
    clock.now_s += waited_s
    if waited_s:
        hub.publish("values", 3)
    after += bool(waited_s and after)
    reader = hub.join(Role.OPERATOR, after=after, epoch=epoch or hub.epoch)
    assert all_of(reader)[0]["topic"] == first


def test_one_that_falls_behind_is_told_the_whole_once_it_listens_again(hub: Hub) -> None:
    slow, quick = joined(hub), joined(hub)
    for number in range(100):
        hub.publish("values", number)
        assert len(all_of(quick)) == 1
    assert topics(all_of(slow)) == [("snapshot", {"values": 99})]
    hub.publish("values", 100)
    assert topics(all_of(slow)) == [("values", 100)]


def test_sixteen_messages_wait(hub: Hub) -> None:
    reader = joined(hub)
    for number in range(16):
        hub.publish("values", number)
    assert topics(all_of(reader)) == [("values", number) for number in range(16)]


def test_what_was_missed_is_not_part_of_the_bound(hub: Hub) -> None:
    for number in range(50):
        hub.publish("values", number)
    reader = hub.join(Role.OPERATOR, after=0, epoch=hub.epoch)
    hub.publish("values", 50)
    assert topics(all_of(reader)) == [("resumed", None), *(("values", number) for number in range(51))]


def test_a_tick_goes_to_those_who_heard_nothing(hub: Hub) -> None:
    operator, client = joined(hub), joined(hub, Role.CLIENT)
    hub.tick()
    hub.publish("values", 1)
    hub.tick()
    assert topics(all_of(operator)) == [("values", 1)]
    assert [(m["topic"], m["n"]) for m in all_of(client)] == [("tick", 1)]
    hub.tick()
    assert [(m["topic"], m["n"]) for m in all_of(operator)] == [("tick", 1)]


def test_a_tick_is_not_missed_by_one_that_was_away(hub: Hub) -> None:
    joined(hub)
    hub.publish("values", 1)
    hub.tick()
    hub.tick()
    assert topics(all_of(hub.join(Role.OPERATOR, after=1, epoch=hub.epoch))) == [("resumed", None)]


@pytest.mark.parametrize(
    ("time_s", "speed", "told_s"),
    [
        pytest.param(10.0, 2.0, 16.0, id="goes on at its speed"),
        pytest.param(None, 1.0, None, id="no session"),
        pytest.param(10.0, math.inf, 10.0, id="as fast as it can: JSON has no infinity"),
    ],
)
def test_the_session_clock_in_a_snapshot(
    hub: Hub, clock: Hands, time_s: float | None, speed: float, told_s: float | None
) -> None:
    hub.publish("values", 1, time_s, speed)
    hub.snapshot(Role.OPERATOR)
    clock.now_s += 3
    message = json.loads(hub.snapshot(Role.OPERATOR))
    assert (message["time_s"], message["at"]) == (told_s, 1_103_000.0)


def test_the_next_session_begins_afresh(hub: Hub) -> None:
    hub.publish("lobby", {"running": False})
    hub.publish("session", {"state": "ended"})
    hub.publish("skin", [[1.0, 4, 0]])
    reader, before = joined(hub), hub.epoch
    hub.publish("values", 1)
    hub.restart()
    assert hub.epoch != before
    taken = all_of(reader)
    assert [(m["epoch"], m["n"], m["topic"], m["data"]) for m in taken] == [
        (hub.epoch, 0, "snapshot", {"lobby": {"running": False}})
    ]
    assert topics(all_of(hub.join(Role.OPERATOR, after=3, epoch=before)))[0][0] == "snapshot"


@pytest.mark.parametrize(
    ("topic", "data", "error"),
    [
        pytest.param("nonsense", {}, KeyError, id="no topic"),
        pytest.param("values", {"x": math.nan}, ValueError, id="not a number"),
        pytest.param("values", {"x": object()}, TypeError, id="no JSON"),
        pytest.param("skin", 5, TypeError, id="no rows"),
    ],
)
def test_nobody_hears_what_cannot_be_said(hub: Hub, topic: str, data: Any, error: type[Exception]) -> None:
    reader = joined(hub)
    with pytest.raises(error):
        hub.publish(topic, data)
    assert (hub.n, all_of(reader)) == (0, [])


def test_readers_come_and_go(hub: Hub) -> None:
    first, _, client = joined(hub), joined(hub), joined(hub, Role.CLIENT)
    hub.leave(first)
    hub.leave(first)
    hub.dismiss(Role.CLIENT)
    assert [hub.readers(role) for role in Role] == [1, 1]
    assert (first.dismissed, client.dismissed) == (False, True)


def test_two_hubs_share_nothing() -> None:
    one, other = Hub(), Hub()
    reader = joined(other)
    one.publish("values", 1)
    assert one.epoch != other.epoch
    assert all_of(reader) == []


class Page:
    """What a page does: takes snapshots whole, adds to series, and comes back with what it last heard."""

    def __init__(self, hub: Hub) -> None:
        self.hub, self.known = hub, dict[str, Any]()
        self.epoch: str | None = None
        self.n: int | None = None
        self.reader = hub.join(Role.OPERATOR)

    def reload(self) -> None:
        self.hub.leave(self.reader)
        self.reader = self.hub.join(Role.OPERATOR, after=self.n, epoch=self.epoch)

    def take(self, most: int) -> None:
        for _ in range(most):
            text = self.reader.take()
            if text is None:
                return
            self.hear(json.loads(text))

    def hear(self, message: Any) -> None:
        self.epoch, self.n = message["epoch"], message["n"]
        topic, data = message["topic"], message["data"]
        if topic == "snapshot":
            self.known = data
        elif topic == "skin":
            self.known["skin"] = [*self.known.get("skin", []), *data]
        elif topic == "beats":
            kinds = dict(data["revise"])
            known = [*self.known.get("beats", {"add": []})["add"], *data["add"]]
            self.known["beats"] = {"add": [[t, i, kinds.get(t, k)] for t, i, k in known], "revise": []}
        elif topic not in ("tick", "resumed"):
            self.known[topic] = data


STEPS = st.lists(
    st.one_of(
        st.sampled_from(["state", "beat", "revise", "skin", "tick", "restart", "reload"]),
        st.integers(0, 40),
        st.floats(0, 70),
    ),
    max_size=80,
)


@given(STEPS)
def test_whatever_happens_a_page_ends_up_knowing_what_is_known(steps: list[str | int | float]) -> None:
    clock = Hands()
    hub = Hub(clock)
    page = Page(hub)
    for count, step in enumerate(steps, 1):
        if isinstance(step, int):
            page.take(step)
        elif isinstance(step, float):
            clock.now_s += step
        elif step == "state":
            hub.publish("values", count)
        elif step == "beat":
            hub.publish("beats", {"add": [[float(count), 800, "normal?"]], "revise": []})
        elif step == "revise":
            hub.publish("beats", {"add": [], "revise": [[float(count - 1), "extra"]]})
        elif step == "skin":
            hub.publish("skin", [[float(count), 4.0, 0.0]])
        elif step == "tick":
            hub.tick()
        elif step == "restart":
            hub.restart()
        else:
            page.reload()
    page.take(10_000)
    assert page.known == json.loads(hub.snapshot(Role.OPERATOR))["data"]
    assert (page.epoch, page.n) == (hub.epoch, hub.n)
