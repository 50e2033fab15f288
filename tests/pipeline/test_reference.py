"""Phases for recordings without any: the first usable minutes, never the whole."""

import numpy as np
import pytest

from pipeline.model import Floats, Marker, Phase, PhaseKind, Recording
from pipeline.reference import made_up_phases, with_reference


def _tag(time_s: float, text: str = "tag 1") -> Marker:
    return Marker(time_s, "tag", text)


def _spans(phases: tuple[Phase, ...]) -> list[tuple[str, float, float]]:
    return [(phase.name, phase.start_s, phase.end_s) for phase in phases]


def test_the_reference_is_the_first_five_valid_minutes_after_settling() -> None:
    valid_s = np.ones(3600)
    valid_s[200:260] = 0  # a minute without signal is made up for
    assert _spans(made_up_phases(3600, [], valid_s)) == [
        ("Settling", 0, 120),
        ("Reference", 120, 480),
        ("The reference to the end", 480, 3600),
    ]


def test_the_rest_is_split_at_the_tags_and_none_lies_inside_the_reference() -> None:
    phases = made_up_phases(3600, [_tag(300), _tag(900, "tag 2")], np.ones(3600))
    assert _spans(phases)[1:] == [
        ("Reference", 120, 300),
        ("Tag 1 to tag 2", 300, 900),
        ("Tag 2 to the end", 900, 3600),
    ]


@pytest.mark.parametrize("duration_s", [1.0, 40.0, 79.0])
def test_a_short_recording_has_no_reference(duration_s: float) -> None:
    phases = made_up_phases(duration_s, [], np.ones(int(duration_s)))
    assert _spans(phases) == [("Whole recording", 0, duration_s)]


@pytest.mark.parametrize("valid_s", [np.zeros(3600), np.empty(0), np.full(3600, 0.09)])
def test_without_a_minute_of_usable_signal_there_is_no_reference(valid_s: Floats) -> None:
    assert _spans(made_up_phases(3600, [], valid_s)) == [("Whole recording", 0, 3600)]


def test_with_sparse_signal_the_reference_ends_after_ten_minutes() -> None:
    phases = made_up_phases(3600, [], np.full(3600, 0.2))
    assert _spans(phases)[1] == ("Reference", 120, 720)


def test_a_signal_that_ends_early_bounds_nothing() -> None:
    valid_s = np.ones(250)  # 130 s of it after settling
    assert _spans(made_up_phases(3600, [], valid_s))[1] == ("Reference", 120, 720)


@pytest.mark.parametrize(
    ("tag_s", "second"),
    [
        (130, ("Whole recording", 0, 3600)),
        (179, ("Whole recording", 0, 3600)),
        (181, ("Reference", 120, 181)),
    ],
)
def test_any_tag_after_settling_bounds_the_reference(tag_s: float, second: tuple[str, float, float]) -> None:
    assert second in _spans(made_up_phases(3600, [_tag(tag_s)], np.ones(3600)))


def test_a_tag_while_settling_bounds_nothing() -> None:
    assert _spans(made_up_phases(3600, [_tag(30)], np.ones(3600)))[1] == ("Reference", 120, 420)


def test_no_reference_is_said() -> None:
    recording = with_reference(Recording("x", "s", "", 3600, {}), np.zeros(3600))
    assert recording.notices[-1] == (
        "no phases were named, and there is no reference: fewer than 60 usable seconds lie in the 10 minutes "
        "after settling, up to the first tag"
    )


def test_named_phases_are_left_alone() -> None:
    named = Recording("x", "s", "", 600, {}, phases=(Phase("B", PhaseKind.BASELINE, 0, 600),))
    assert with_reference(named, np.ones(600)) is named


def test_a_made_up_reference_is_said() -> None:
    recording = with_reference(Recording("x", "s", "", 3600, {}), np.ones(3600))
    assert recording.notices[-1].startswith("no phases were named: the reference is the first usable stretch")
    assert "2:00 to 7:00" in recording.notices[-1]
