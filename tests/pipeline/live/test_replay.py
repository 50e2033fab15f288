"""What a recorder showed is made again from its records, bit for bit."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from functools import cache
from typing import Any

import pytest

from pipeline.journal import Kind, Record
from pipeline.live.course import Follower
from pipeline.live.indices import LiveIndices
from pipeline.live.replay import shown_again
from pipeline.live.shown import WARMING_UP, Analysed, phase_name, shown_at, shown_facts, unanalysed
from tests.pipeline.live.made_up import Session, decode, phase, span

EVENTS = [
    phase(5.0, "Baseline"),
    phase(150.0, "Task", "stressor"),
    *span(170.0, 180.0, "talking"),
    *span(190.0, 196.0, "moving"),
    (215.0, Kind.PAUSE, {"paused": True}),
    (220.0, Kind.PAUSE, {"paused": False}),
]
SESSION = Session(260, EVENTS, silent=(230, 245))


class _Recorder:
    """Shows each second, asks each five, and gets the answer, or bad news, some seconds later.

    As the recorder does it, but for radio and time.
    """

    def __init__(self, late_s: float) -> None:
        self.records: list[Record] = []
        self._late_s = late_s
        self._live, self._follower = LiveIndices(), Follower(decode)
        self._analysed, self._phase = unanalysed(WARMING_UP), None
        self._coming: list[tuple[float, Analysed]] = []

    def record(self, session: Iterable[Record]) -> None:
        for record in session:
            for at_s, analysed in self._coming:
                if at_s <= record.arrival_s:
                    self._analysed = self._through_a_pipe(analysed)
                    self._journal(Kind.ANALYSED, record.arrival_s, analysed.record)
            self._coming = [each for each in self._coming if each[0] > record.arrival_s]
            taken = replace(record, sequence=len(self.records))
            self.records.append(taken)
            self._follower.feed(taken)
            self._live.take(taken, decode(taken))
            if taken.kind is Kind.PHASE:
                self._phase = phase_name(taken.facts)
            if taken.kind is Kind.DATA:
                self._tick(taken.arrival_s + 0.123456789)

    def _tick(self, now_s: float) -> None:
        facts = shown_facts(now_s, shown_at(self._live, now_s), self._analysed, self._phase)
        self._journal(Kind.SHOWN, now_s, facts)
        if round(now_s) == 100:
            self._coming.append((now_s + 2, unanalysed("the analysis stopped and starts again (1)")))
        elif round(now_s) % 5 == 0:
            self._coming.append((now_s + self._late_s, self._follower.at(now_s)))

    def _journal(self, kind: Kind, at_s: float, facts: dict[str, Any]) -> None:
        record = Record(kind, "", len(self.records), 0, at_s, at_s, None, json.dumps(facts).encode())
        self.records.append(record)
        self._follower.feed(record)

    @staticmethod
    def _through_a_pipe(analysed: Analysed) -> Analysed:
        return Analysed.from_facts(json.loads(json.dumps(asdict(analysed))))


@cache
def _recorded(late_s: float) -> tuple[Record, ...]:
    recorder = _Recorder(late_s)
    recorder.record(SESSION.records())
    return tuple(recorder.records)


def _shown(records: Iterable[Record]) -> list[dict[str, Any]]:
    return [record.facts for record in records if record.kind is Kind.SHOWN]


def _again(records: Iterable[Record]) -> Iterator[dict[str, Any]]:
    return shown_again(records, lambda: decode)


@pytest.mark.parametrize("late_s", [0.5, 2.0, 17.0])
def test_what_was_shown_is_made_again_bit_for_bit(late_s: float) -> None:
    records = _recorded(late_s)
    shown = _shown(records)
    assert list(_again(records)) == shown
    assert len(shown) == 260
    assert sum(each["arousal"] is not None for each in shown) > 60
    assert {each["phase"] for each in shown} == {None, "Baseline", "Task"}


def test_it_comes_from_the_data() -> None:
    records = _recorded(2.0)
    other = [
        replace(record, payload=record.payload.replace(b"8", b"7")) if record.kind is Kind.DATA else record
        for record in records
    ]
    made = zip(_shown(records), _again(other), strict=True)
    assert sum(one != another for one, another in made) > 200


def test_what_cannot_be_read_was_not_shown() -> None:
    records = _recorded(2.0)
    broken = replace(records[50], kind=Kind.DATA, payload=b"no json")
    assert list(_again([*records[:50], broken, *records[50:]])) == _shown(records)
