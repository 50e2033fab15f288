from dataclasses import replace
from functools import cache

import pytest

from pipeline.analysis import analyse
from pipeline.model import Gap, Marker, Recording
from pipeline.report.context import Context
from pipeline.report.next_time import next_time
from tests.pipeline.report.known import known
from tests.pipeline.report.recordings import GUIDED, beats, conductance, recording

LONG = Gap(300.0, 700.0, "connection lost", 400)
ASKED = {"conditions": {"posture": "sitting"}}
WHOLE = (
    replace(GUIDED[0], end_s=300.0),
    *(replace(each, start_s=each.start_s + 120, end_s=each.end_s + 120) for each in GUIDED[1:]),
)


@cache
def _points(name: str) -> tuple[str, ...]:
    return next_time(analyse(MADE[name]), Context())


MADE: dict[str, Recording] = {
    "whole": recording(960.0, streams={"rr": beats(960.0), "eda": conductance(960.0)}, phases=WHOLE, **ASKED),
    "no heart": recording(streams={"eda": conductance(840.0)}, **ASKED),
    "no skin": recording(streams={"rr": beats(840.0)}, **ASKED),
    "no baseline": recording(phases=GUIDED[1:], **ASKED),
    "short baseline": recording(**ASKED),
    "no rating": recording(ratings=(), **ASKED),
    "unwell": recording(markers=(Marker(1.0, "safety", "unwell"),), **ASKED),
    "distress": recording(markers=(Marker(1.0, "safety", "distress"),), **ASKED),
    "few beats": recording(streams={"rr": beats(840.0, gap=LONG), "eda": conductance(840.0)}, **ASKED),
    "few pulses": recording(streams={"pp": beats(840.0, "pp", LONG), "eda": conductance(840.0)}, **ASKED),
    "not asked": recording(),
}


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("no heart", "No heartbeat intervals:"),
        ("no skin", "No skin conductance:"),
        ("no baseline", "No baseline:"),
        ("short baseline", "The baseline took 3:00:"),
        ("no rating", "No rating:"),
        ("unwell", "The pacer was stopped"),
        ("distress", "Distress reached 8"),
        ("few beats", "Heartbeats could be used for"),
        ("few pulses", "The pulse could be used for"),
        ("not asked", "No conditions were noted:"),
    ],
)
def test_what_the_session_lacked(name: str, begins: str) -> None:
    assert [point for point in _points(name) if point.startswith(begins)]
    assert not [point for point in _points("whole") if point.startswith(begins)]


def test_what_was_agreed_on_comes_first() -> None:
    points = next_time(analyse(MADE["unwell"]), known())
    assert points[0] == "Agreed on: Five soft minutes a day"
    assert points[1].startswith("The pacer was stopped")


def test_six_at_the_most() -> None:
    everything = recording(
        streams={"eda": conductance(840.0)},
        phases=GUIDED[1:2],
        ratings=(),
        markers=(Marker(1.0, "safety", "unwell"), Marker(2.0, "safety", "distress")),
    )
    assert len(next_time(analyse(everything), known())) == 6
