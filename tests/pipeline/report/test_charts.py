import itertools
import re

import numpy as np
import pytest

from pipeline.analysis import analyse
from pipeline.figures import RMSSD
from pipeline.language import text
from pipeline.model import Phase, PhaseKind
from pipeline.report import charts, svg
from pipeline.report.axis import Axis, Event
from pipeline.report.names import FROM_STRAP
from tests.pipeline.report.recordings import recording


def _lines(data: str) -> list[list[tuple[float, float]]]:
    """The polylines of path data: each a place, and then steps from place to place."""
    lines = []
    for part in data.split("M")[1:]:
        numbers = [float(n) for n in re.findall(r"-?\d*\.?\d+", part.removesuffix("h0"))]
        across, down = itertools.accumulate(numbers[::2]), itertools.accumulate(numbers[1::2])
        lines.append([(round(x, 1), round(y, 1)) for x, y in zip(across, down, strict=True)])
    return lines


def _linked(*values: int) -> np.ndarray:
    return np.array(values, dtype=bool)


class TestPath:
    def test_a_break_begins_a_new_line(self) -> None:
        data = svg.path(np.arange(4.0), np.arange(4.0), _linked(0, 1, 0, 1))
        assert _lines(data) == [[(0, 0), (1, 1)], [(2, 2), (3, 3)]]

    def test_a_point_alone_is_a_dot(self) -> None:
        assert svg.path(np.array([1.0]), np.array([2.0]), _linked(0)) == "M1 2h0"

    def test_nothing_is_nothing(self) -> None:
        assert svg.path(np.empty(0), np.empty(0), np.empty(0, dtype=bool)) == ""

    def test_steps_are_as_short_as_they_can_be_and_add_up(self) -> None:
        x, y = np.array([10.04, 10.54, 11.04]), np.array([20.0, 19.5, 19.5])
        assert svg.path(x, y, _linked(0, 1, 1)) == "M10 20l.5-.5 .5 0"

    @pytest.mark.parametrize("smooth", [False, True])
    def test_many_points_are_bounded(self, smooth: bool) -> None:
        n = 200_000
        x, y = np.linspace(0, svg.COLUMNS, n), np.random.default_rng(1).normal(90, 30, n)
        data = svg.path(x, y, np.arange(n) > 0, smooth=smooth)
        assert sum(map(len, _lines(data))) <= 2 * svg.COLUMNS + 2

    def test_no_peak_is_lost(self) -> None:
        n = 50_000
        y = np.full(n, 100.0)
        y[[12_345, 40_000]] = 5.0, 180.0
        data = svg.path(np.linspace(0, svg.COLUMNS, n), y, np.arange(n) > 0)
        heights = [point[1] for line in _lines(data) for point in line]
        assert (min(heights), max(heights)) == (5.0, 180.0)

    @pytest.mark.parametrize("smooth", [False, True])
    def test_no_gap_is_bridged(self, smooth: bool) -> None:
        n = 50_000
        x = np.linspace(0, svg.COLUMNS, n)
        kept = (x < 300) | (x > 400)
        linked = np.append(False, np.ones(n - 1, dtype=bool))
        linked[np.argmax(x > 400)] = False
        lines = _lines(svg.path(x[kept], np.full(kept.sum(), 50.0), linked[kept], smooth=smooth))
        assert len(lines) == 2
        assert all(not (line[0][0] < 350 < line[-1][0]) for line in lines)


class TestTachogram:
    def test_line_leaves_out_the_gap_and_excluded_beats(self) -> None:
        session = recording()
        analysis = analyse(session)
        assert analysis.beats is not None
        axis = Axis(session.duration_s, session.phases)
        chart = charts.tachogram(axis, analysis.beats, FROM_STRAP, [(500.0, 520.0)])
        line, marks, _ = re.findall(r'<path d="([^"]*)"', str(chart.drawing))  # and those marked by hand
        begin, end = 500 / 840 * svg.COLUMNS, 520 / 840 * svg.COLUMNS
        for points in _lines(line):
            across = [a for a, b in itertools.pairwise(points) if a[0] <= begin + 1 < end - 1 <= b[0]]
            assert across == []
        assert marks.count("M") > 10
        assert ("tick", text("course.excluded_interval")) in chart.legend
        assert chart.table is not None


class TestAxis:
    def test_names_that_do_not_fit_are_numbers(self) -> None:
        phases = (
            Phase("A long name for a short phase", PhaseKind.OTHER, 0.0, 60.0),
            Phase("Rest", PhaseKind.OTHER, 60.0, 900.0),
        )
        drawn = "".join(Axis(900.0, phases).ground(200, "k"))
        assert ">1</text>" in drawn
        assert "A long name" not in drawn
        assert ">2 Rest</text>" in drawn

    def test_numbers_of_markers_never_overlap(self) -> None:
        events = tuple(Event(k, 10.0 + k) for k in range(1, 40))
        drawn = "".join(Axis(900.0, (), events).ground(200, "k"))
        group = drawn.partition('class="event"')[2].partition("</g>")[0]
        numbers = re.findall(r'<text x="([\d.]+)%"([^>]*)>', group)
        places = [float(x) for x, others in numbers if "narrow" not in others]
        assert len(places) < 39
        assert all((b - a) * 6.1 >= 12 for a, b in itertools.pairwise(places))

    @pytest.mark.parametrize("duration_s", [1.0, 40.0, 600.0, 900.0, 3600.0, 86_400.0, 900_000.0])
    def test_labels_of_time_have_room_on_a_phone(self, duration_s: float) -> None:
        steps = svg.time_steps(duration_s)
        assert steps[0] == 0
        assert len(steps) <= (8 if duration_s < 3600 else 5)


class TestComparison:
    def test_paced_phases_stand_apart_and_hollow(self) -> None:
        dots = [charts.Dot("Paced", 60.0, paced=True), charts.Dot("Baseline", 40.0, baseline=True)]
        chart = charts.comparison("c", "RMSSD", RMSSD, dots)
        assert chart is not None
        drawn = str(chart.drawing)
        assert drawn.index("Baseline</text>") < drawn.index("Paced</text>")
        assert drawn.count('fill="#fff"') == 1

    def test_without_values_there_is_no_chart(self) -> None:
        assert charts.comparison("c", "RMSSD", RMSSD, [charts.Dot("Baseline", None)]) is None


class TestComparisonIntervals:
    def test_an_interval_is_drawn_and_lies_within_the_scale(self) -> None:
        dots = [charts.Dot("Baseline", 40.0, interval=(10.0, 90.0)), charts.Dot("Rest", 41.0)]
        chart = charts.comparison("c", "RMSSD", RMSSD, dots)
        assert chart is not None
        [(start, end)] = re.findall(r'<path d="M(\d+) 12H(\d+)"', str(chart.drawing))
        assert 0 <= int(start) < int(end) <= svg.COLUMNS


class TestPhasic:
    def test_a_rare_spike_does_not_flatten_the_rest(self) -> None:
        usual = np.tile([0.0, 0.1, 0.2], 1000)
        low, high = charts.phasic_range(np.append(usual, 9.0))
        assert low <= 0
        assert 0.2 <= high < 0.5

    def test_without_one_all_of_it_is_shown(self) -> None:
        assert charts.phasic_range(np.tile([0.0, 0.3, 0.9], 100))[1] >= 0.9


def _luminance(color: str) -> float:
    parts = [int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("ground", ["#ffffff", svg.WARM, svg.COOL, "#f4f7fa", "#eef4fa", "#f1f4f7"])
@pytest.mark.parametrize("ink", [svg.INK, svg.SOFT, svg.BLUE, svg.ORANGE])
def test_contrast_is_4_5_to_1_wcag_1_4_3(ink: str, ground: str) -> None:
    lighter, darker = sorted((_luminance(ink), _luminance(ground)), reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5
