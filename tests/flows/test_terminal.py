"""What a person reads in the terminal while recording."""

import re
from io import StringIO

import pytest
from rich.console import Console

from flows.recording import Moment
from flows.terminal import TerminalView
from pipeline.guidance.protocol import Protocol, Step
from pipeline.live.indices import Shown
from pipeline.model import Pacer, PhaseKind

BASELINE = Step("Baseline", PhaseKind.BASELINE, 180, "Sit quietly.")
PACED = Step("Paced", PhaseKind.PACED, 120, "Follow the pacer.", pacer=Pacer(6, 0.4))
PROTOCOL = Protocol("p", "Title", "Summary", "You can stop.", (BASELINE, PACED))


def _screen(moment: Moment) -> str:
    console = Console(file=StringIO(), width=90, force_terminal=False)
    view = TerminalView(console)
    view.follow(PROTOCOL)
    console.print(view.screen(moment))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_values_phase_and_time_left_are_there() -> None:
    shown = _screen(Moment(90, BASELINE, 30, Shown(66.4, 41.6, 3.217, 3.1), {"heart_rate": "connected"}))
    for text in (
        "● Baseline",
        "○ Paced",
        "2:00 left",
        "66   bpm",
        "42   ms",
        "3.22   µS",
        "heart rate: connected",
    ):
        assert text in shown


def test_a_value_that_cannot_be_shown_is_a_dash_and_why() -> None:
    reasons = {"rmssd_ms": "needs 60 s, the window has 20 s"}
    shown = _screen(Moment(20, BASELINE, 0, Shown(66.0, reasons=reasons), {}))
    assert re.search(r"RMSSD, last minute +- +needs 60 s, the window has 20 s", shown)


@pytest.mark.parametrize(
    ("second", "way", "length"), [(2, "in", 10), (4, "out", 20), (7, "out", 10), (12, "in", 10)]
)
def test_the_pacer_says_which_way_to_breathe(second: float, way: str, length: int) -> None:
    shown = _screen(Moment(100 + second, PACED, 100, Shown(), {}))
    assert re.search(rf"^{way} +█{{{length}}} *$", shown, re.MULTILINE)


def test_waiting_for_sensors_is_said() -> None:
    assert "Waiting for the sensors" in _screen(Moment(1, None, 0, Shown(), {}))


def test_what_is_wrong_with_a_sensor_has_a_line_of_its_own() -> None:
    links = {"heart_rate": "connected, battery low", "healthypi_move": "lost"}
    shown = _screen(Moment(90, BASELINE, 30, Shown(), links)).splitlines()
    assert [line.strip() for line in shown if ": " in line] == [
        "heart rate: connected, battery low",
        "healthypi move: lost; trying again",
    ]


def test_without_a_terminal_each_change_of_a_sensor_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    view = TerminalView(Console(file=StringIO(), force_terminal=False))
    for at_s, state in ((1, "connected"), (40, "lost"), (41, "lost"), (60, "connected")):
        view.show(Moment(at_s, BASELINE, 0, Shown(), {"heart_rate": state}))
    told = [line for line in capsys.readouterr().out.splitlines() if "heart rate" in line]
    assert told == ["  0:40  heart rate: lost; trying again", "  1:00  heart rate: connected"]
