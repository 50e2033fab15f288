"""What the pages are told: the latest of each topic, what was said in the last minute, and who listens.

Plain code without an event loop. It is called from one thread only; a reader's `wake` says that there is
something to take.
"""

from __future__ import annotations

import json
import secrets
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import isfinite
from typing import Any

from pipeline.clock import Clock, SystemClock

_RING_S = 60.0
_HISTORY_S = 20 * 60.0
_ECG_S = 10.0
_QUEUE = 16


class Role(StrEnum):
    """Who looks at a page. The operator may see all that a client may."""

    OPERATOR = "operator"
    CLIENT = "client"


_OPERATOR = frozenset({Role.OPERATOR})
_BOTH = frozenset(Role)


class State:
    """A topic whose data replace the former whole."""

    def __init__(self) -> None:
        self.whole: Any = None

    def add(self, data: Any) -> None:
        """Take in what a message says."""
        self.whole = data


class Rows:
    """A topic that grows by rows, of which the last while is kept.

    `single` if a message is one row, else it is a list of them; `time` finds a row's second.
    """

    def __init__(self, keep_s: float, time: str | int, *, single: bool = False) -> None:
        self._keep_s, self._time, self._single = keep_s, time, single
        self._rows: deque[Any] = deque()

    @property
    def whole(self) -> Any:
        return list(self._rows)

    def add(self, data: Any) -> None:
        """Take in what a message says."""
        self._rows.extend([data] if self._single else data)
        while self._rows and self._rows[0][self._time] < self._rows[-1][self._time] - self._keep_s:
            self._rows.popleft()


def _time_s(row: list[Any]) -> float:
    time_s: float = row[0]
    return time_s


class Beats:
    """Beats by their second: `{"add": [[time_s, interval_ms, kind]], "revise": [[time_s, kind]]}`."""

    def __init__(self, keep_s: float) -> None:
        self._keep_s = keep_s
        self._rows: list[list[Any]] = []

    @property
    def whole(self) -> Any:
        return {"add": [list(row) for row in self._rows], "revise": []}

    def add(self, data: Any) -> None:
        """Take in what a message says; a beat that is no longer kept is not revised."""
        for row in data.get("add", ()):
            insort(self._rows, list(row), key=_time_s)
        for time_s, kind in data.get("revise", ()):
            at = bisect_left(self._rows, time_s, key=_time_s)
            if at < len(self._rows) and self._rows[at][0] == time_s:
                self._rows[at][2] = kind
        if self._rows:
            oldest_s = self._rows[-1][0] - self._keep_s
            del self._rows[: bisect_left(self._rows, oldest_s, key=_time_s)]


Kept = State | Rows | Beats


@dataclass(frozen=True, slots=True)
class Topic:
    """Who gets a topic, how it is kept, and whether it outlives a session."""

    roles: frozenset[Role]
    kept: Callable[[], Kept] = State
    lasts: bool = False


TOPICS: Mapping[str, Topic] = {
    "lobby": Topic(_OPERATOR, lasts=True),
    "session": Topic(_OPERATOR),
    "values": Topic(_OPERATOR),
    "beats": Topic(_OPERATOR, lambda: Beats(_HISTORY_S)),
    "skin": Topic(_OPERATOR, lambda: Rows(_HISTORY_S, 0)),
    "ecg": Topic(_OPERATOR, lambda: Rows(_ECG_S, "start_s", single=True)),
    "course": Topic(_OPERATOR, lambda: Rows(_HISTORY_S, "time_s")),
    "table": Topic(_OPERATOR),
    "client": Topic(_BOTH),
}


@dataclass(frozen=True, slots=True)
class _Said:
    """One message as it was sent: its number, its moment, who may have it."""

    n: int
    now_s: float
    roles: frozenset[Role]
    text: str


class Reader:
    """One page that listens, with a queue that never grows past what a page can be behind."""

    def __init__(self, hub: Hub, role: Role, wake: Callable[[], None]) -> None:
        self.role = role
        self.dismissed = False
        self._hub, self._wake = hub, wake
        self._missed: deque[str] = deque()  # what it asked for when it came; not part of the bound
        self._queue: deque[str] = deque()
        self._behind = True
        self._has_news = True

    def take(self) -> str | None:
        """The next message; None if there is none now. One that fell behind gets a snapshot instead."""
        if self._behind:
            self._behind = False
            return self._hub.snapshot(self.role)
        waiting = self._missed or self._queue
        return waiting.popleft() if waiting else None

    def resume(self, missed: Iterator[str]) -> None:
        """Go on from what it has: it needs no snapshot."""
        self._missed.extend(missed)
        self._behind = False

    def hear(self, text: str) -> None:
        """Queue a message. Too many of them are dropped for a snapshot, once it takes again."""
        self._has_news = True
        if not self._behind:
            self._queue.append(text)
            if len(self._queue) > _QUEUE:
                self.fall_behind()
        self._wake()

    def fall_behind(self) -> None:
        """Drop what is queued: the next thing it takes is a snapshot."""
        self._missed.clear()
        self._queue.clear()
        self._behind = True
        self._wake()

    def quiet(self) -> bool:
        """Whether it has heard nothing since this was last asked."""
        had_news, self._has_news = self._has_news, False
        return not had_news

    def dismiss(self) -> None:
        """Tell it to go."""
        self.dismissed = True
        self._wake()


@dataclass
class _Moment:
    """The session's clock when it was last heard of."""

    now_s: float = 0.0
    time_s: float | None = None
    speed: float = 1.0


@dataclass
class _Numbering:
    """The count of messages within one epoch."""

    epoch: str = field(default_factory=lambda: secrets.token_hex(4))
    n: int = 0


class Hub:
    """Topics in, messages out: each is put into JSON once, whoever reads it.

    Data belong to the hub once published: change them and pages that join later see the change.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._numbering = _Numbering()
        self._moment = _Moment()
        self._kept: dict[str, Kept] = {}
        self._ring: deque[_Said] = deque()
        self._readers: set[Reader] = set()
        self._snapshots: dict[Role, tuple[int, str]] = {}

    @property
    def epoch(self) -> str:
        return self._numbering.epoch

    @property
    def n(self) -> int:
        return self._numbering.n

    def readers(self, role: Role) -> int:
        """How many pages of a role listen."""
        return sum(reader.role is role for reader in tuple(self._readers))

    def publish(
        self,
        topic: str,
        data: Any,
        time_s: float | None = None,
        speed: float = 1.0,
        at_ms: float | None = None,
    ) -> None:
        """Tell everyone who may know, at `time_s` on the session's clock, `at_ms` by the calendar.

        Raises KeyError for a topic that is none, ValueError or TypeError for data that JSON does not have or
        the topic cannot take; then nobody hears of it.
        """
        kind = TOPICS[topic]
        now_s = self._clock.now()
        speed = speed if isfinite(speed) else 0.0
        said = _json(data)
        text = self._message(self.n + 1, at_ms or self._wall_ms(), _Moment(now_s, time_s, speed), topic, said)
        kept = self._kept.get(topic, kind.kept())
        kept.add(data)
        self._kept[topic] = kept
        self._numbering.n += 1
        self._moment = _Moment(now_s, time_s, speed)
        self._remember(_Said(self.n, now_s, kind.roles, text))
        for reader in self._readers:
            if reader.role in kind.roles:
                reader.hear(text)

    def _remember(self, said: _Said) -> None:
        self._ring.append(said)
        while self._ring[0].now_s < said.now_s - _RING_S:
            self._ring.popleft()

    def tick(self) -> None:
        """Tell those who have heard nothing since the last tick that there is nothing to hear."""
        quiet = [reader for reader in self._readers if reader.quiet()]
        if quiet:
            text = self._plain("tick")
            for reader in quiet:
                reader.hear(text)
                reader.quiet()

    def restart(self) -> None:
        """Forget the session for the next one: another epoch, in which every reader starts afresh."""
        self._numbering = _Numbering()
        self._moment = _Moment()
        self._ring.clear()
        self._snapshots.clear()
        self._kept = {name: kept for name, kept in self._kept.items() if TOPICS[name].lasts}
        for reader in self._readers:
            reader.fall_behind()

    def join(
        self,
        role: Role,
        wake: Callable[[], None] = lambda: None,
        *,
        after: int | None = None,
        epoch: str | None = None,
    ) -> Reader:
        """A new reader. What it takes first is what it missed, if that is still known, else a snapshot."""
        reader = Reader(self, role, wake)
        if after is not None and epoch == self.epoch and self._knows_after(after):
            reader.resume(self._missed(role, after))
        self._readers.add(reader)
        return reader

    def leave(self, reader: Reader) -> None:
        """Forget a reader."""
        self._readers.discard(reader)

    def dismiss(self, role: Role) -> None:
        """Tell every reader of a role to go."""
        for reader in self._readers:
            if reader.role is role:
                reader.dismiss()

    def _knows_after(self, after: int) -> bool:
        oldest = self._ring[0].n if self._ring else self.n + 1
        return oldest - 1 <= after <= self.n

    def _missed(self, role: Role, after: int) -> Iterator[str]:
        yield self._plain("resumed", n=after)
        for said in self._ring:
            if said.n > after and role in said.roles:
                yield said.text

    def snapshot(self, role: Role) -> str:
        """The whole of each topic that the role gets."""
        known = self._snapshots.get(role)
        if known is None or known[0] != self.n:
            whole = {name: kept.whole for name, kept in self._kept.items() if role in TOPICS[name].roles}
            known = self._snapshots[role] = (self.n, _json(whole))
        return self._plain("snapshot", known[1])

    def _plain(self, topic: str, said: str = "null", n: int | None = None) -> str:
        """A message that says nothing new, at this moment."""
        moment, now_s = self._moment, self._clock.now()
        if moment.time_s is not None:
            time_s = round(moment.time_s + (now_s - moment.now_s) * moment.speed, 3)
            moment = _Moment(now_s, time_s, moment.speed)
        return self._message(self.n if n is None else n, self._wall_ms(), moment, topic, said)

    def _message(self, n: int, at_ms: float, moment: _Moment, topic: str, said: str) -> str:
        """A message around data that are JSON already."""
        head = {
            "epoch": self.epoch,
            "n": n,
            "at": at_ms,
            "time_s": moment.time_s,
            "speed": moment.speed,
            "topic": topic,
        }
        return f'{_json(head)[:-1]},"data":{said}}}'

    def _wall_ms(self) -> float:
        return round(self._clock.wall() * 1000, 1)


def _json(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    text.encode()  # half a sign is JSON, and cannot be sent
    return text
