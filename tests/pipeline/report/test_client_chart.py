"""The words around the line of the client's picture: times and phases, with room for each on a phone."""

from itertools import pairwise

import pytest

from pipeline.model import Phase, PhaseKind
from pipeline.report.axis import Axis
from pipeline.report.client_chart import label_span, phase_labels, time_labels

_PAGE_PX = 320 + 16  # the picture, and the margin of the page


@pytest.mark.parametrize(
    ("duration_s", "told"),
    [
        pytest.param(40, ["0:00", "0:10", "0:20", "0:30", "0:40"], id="40 s"),
        pytest.param(3 * 60, ["0", "1", "2", "3\u202fmin"], id="3 min"),
        pytest.param(5 * 60, ["0", "1", "2", "3", "4", "5\u202fmin"], id="5 min"),
        pytest.param(14 * 60, ["0", "4", "8", "12\u202fmin"], id="14 min"),
        pytest.param(20 * 60, ["0", "5", "10", "15", "20\u202fmin"], id="20 min"),
        pytest.param(45 * 60, ["0", "10", "20", "30", "40\u202fmin"], id="45 min"),
        pytest.param(59 * 60, ["0", "10", "20", "30", "40", "50\u202fmin"], id="59 min"),
        pytest.param(60 * 60, ["0", "15", "30", "45", "60\u202fmin"], id="60 min"),
        pytest.param(95 * 60, ["0", "30", "60", "90\u202fmin"], id="95 min"),
    ],
)
def test_the_times_told(duration_s: float, told: list[str]) -> None:
    assert [each for _, each in time_labels(duration_s)] == told


@pytest.mark.parametrize("duration_s", [*range(1, 60), *range(60, 4 * 3600, 37), 86_400])
def test_no_two_overlap_and_all_stay_on_the_page(duration_s: int) -> None:
    spans = [label_span(share, told) for share, told in time_labels(duration_s)]
    assert [(a, b) for a, b in pairwise(spans) if a[1] >= b[0]] == []
    assert spans[-1][1] <= _PAGE_PX


def test_nothing_recorded_has_one_time() -> None:
    assert [share for share, _ in time_labels(0.0)] == [0.0]


def _axis(*phases: tuple[str, float, float]) -> Axis:
    named = tuple(Phase(name, PhaseKind.OTHER, start_s, end_s) for name, start_s, end_s in phases)
    return Axis(named[-1].end_s, named)


class TestNamesOfPhases:
    def test_a_phone_has_room_for_a_guided_session(self) -> None:
        guided = _axis(
            ("Settle", 0, 60),
            ("Baseline", 60, 240),
            ("Challenge", 240, 420),
            ("Recovery", 420, 720),
            ("Paced breathing", 720, 900),
        )
        told = [(name, row, anchor) for _, row, anchor, name in phase_labels(guided, 320)]
        assert told == [
            ("Settle", 0, "start"),
            ("Baseline", 1, "start"),
            ("Challenge", 0, "start"),
            ("Recovery", 1, "start"),
            ("Paced breathing", 0, "end"),
        ]

    def test_one_row_is_enough_where_all_fit(self) -> None:
        halves = _axis(("Before", 0, 300), ("After", 300, 600))
        assert [row for _, row, _, _ in phase_labels(halves, 620)] == [0, 0]

    def test_what_has_no_room_is_left_out(self) -> None:
        many = _axis(*((f"Part {k} of many", 10.0 * k, 10.0 * k + 10) for k in range(40)))
        labels = phase_labels(many, 320)
        assert 2 <= len(labels) < 10
        assert labels[0] == (0.0, 0, "start", "Part 0 of many")
