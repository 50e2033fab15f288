"""What a page is told of beats and skin conductance adds up to what there is, however often it asks."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.heart.beats import BeatKind
from pipeline.heart.causal_artefacts import DELAY_BEATS, CausalBeats
from pipeline.live.indices import LiveIndices
from pipeline.live.logs import BeatLog, BeatNews, Point

RR_MS = 800 + 40 * np.sin(np.arange(60))
RR_MS[30:32] = 500.0, 1100.0  # an ectopic beat and its pause


def _logged(rr_ms: np.ndarray, log: BeatLog | None = None, start_s: float = 0.0) -> BeatLog:
    log = log or BeatLog()
    log.begin()
    labelled = CausalBeats()
    for time_s, interval_ms in zip(start_s + np.cumsum(rr_ms) / 1000, rr_ms, strict=True):
        labelled.feed(float(time_s), float(interval_ms))
        log.add(float(time_s), float(interval_ms), labelled.newest_kinds)
    return log


class TestBeats:
    def test_the_log_holds_the_labels_of_the_rule(self) -> None:
        log, labelled = _logged(RR_MS), CausalBeats()
        for time_s, interval_ms in zip(np.cumsum(RR_MS) / 1000, RR_MS, strict=True):
            labelled.feed(float(time_s), float(interval_ms))
        for name in ("time_s", "interval_ms", "kind"):
            np.testing.assert_array_equal(getattr(log.beats(), name), getattr(labelled.final, name))
        assert log.beats(10.0).time_s[-1] < 10.0
        assert set(log.beats().kind[30:32].tolist()) == {BeatKind.ECTOPIC.value}

    @settings(max_examples=25, deadline=None)
    @given(st.sets(st.integers(0, len(RR_MS) - 1)))
    def test_the_news_add_up_to_the_log(self, asked_after: set[int]) -> None:
        log, labelled, news = BeatLog(), CausalBeats(), BeatNews()
        told: dict[float, str] = {}
        news.of(log)
        for row, (time_s, interval_ms) in enumerate(zip(np.cumsum(RR_MS) / 1000, RR_MS, strict=True)):
            labelled.feed(float(time_s), float(interval_ms))
            log.add(float(time_s), float(interval_ms), labelled.newest_kinds)
            if row in asked_after or row == len(RR_MS) - 1:
                found = news.of(log)
                assert not {at_s for at_s, *_ in found["add"]} & told.keys()
                told |= {at_s: kind for at_s, _, kind in found["add"]}
                assert {at_s for at_s, _ in found["revise"]} <= told.keys()
                told |= dict(found["revise"])
        assert list(told) == list(log.time_s)
        assert [name.endswith("?") for name in told.values()] == [False] * 55 + [True] * DELAY_BEATS
        assert list(told.values())[30:32] == ["ectopic", "ectopic"]
        assert news.of(log)["add"] == []

    def test_another_device_s_beats_follow_and_none_from_the_past(self) -> None:
        log = _logged(RR_MS)
        until_s = log.time_s[-1]
        _logged(np.full(10, 700.0), log, until_s - 1.0)
        assert np.all(np.diff(log.time_s) > 0)
        assert len(log) == 69
        assert log.provisional == DELAY_BEATS

    def test_an_interval_that_is_no_number_is_none_to_the_page(self) -> None:
        log, news = BeatLog(), BeatNews()
        news.of(log)
        log.add(1.0, math.nan, [int(BeatKind.IMPLAUSIBLE)])
        assert news.of(log) == {"add": [[1.0, None, "implausible?"]], "revise": []}

    def test_of_another_stream_only_what_is_new_is_news(self) -> None:
        news, strap, watch = BeatNews(), _logged(RR_MS), _logged(RR_MS)
        assert len(news.of(strap)["add"]) == DELAY_BEATS
        found = news.of(watch)
        assert (len(found["add"]), found["revise"]) == (DELAY_BEATS, [])
        assert news.of(None) == {"add": [], "revise": []}


def _skin(
    seconds: float, rate_hz: float = 8.0, gap: tuple[float, float] = (math.inf, math.inf)
) -> LiveIndices:
    live = LiveIndices()
    _feed(live, 0.0, seconds, rate_hz, gap)
    return live


def _feed(
    live: LiveIndices,
    start_s: float,
    end_s: float,
    rate_hz: float,
    gap: tuple[float, float] = (math.inf,) * 2,
) -> None:
    for at_s in np.arange(start_s, end_s, 1 / rate_hz).tolist():
        if not gap[0] <= at_s < gap[1]:
            live.feed("a", "eda", {"eda_us": np.array([3 + 0.2 * math.sin(at_s / 3)])}, at_s, rate_hz)


class TestSkin:
    @pytest.mark.parametrize(("rate_hz", "each_s"), [(64.0, 0.25), (8.0, 0.25), (4.0, 0.25), (1.0, 1.0)])
    def test_four_points_a_second_at_most(self, rate_hz: float, each_s: float) -> None:
        points = _skin(30, rate_hz).skin_points(-1.0)
        times_s = [at_s for at_s, *_ in points]
        np.testing.assert_allclose(np.diff(times_s), each_s)
        assert times_s[-1] <= 30
        known = [(tonic, phasic) for _, tonic, phasic in points if tonic is not None and phasic is not None]
        assert len(known) >= len(points) - 1  # the first value only begins the split
        assert all(2.7 < tonic + phasic < 3.3 for tonic, phasic in known)

    def test_no_point_looks_ahead_or_changes(self) -> None:
        live, before = LiveIndices(), list[Point]()
        for second in range(20):
            _feed(live, second, second + 1, 8.0)
            points = live.skin_points(-1.0)
            assert points[: len(before)] == before
            assert points[-1][0] <= second + 1
            before = points

    @pytest.mark.parametrize("step_s", [0.25, 1.0, 3.7])
    def test_asked_in_steps_they_are_those_asked_at_once(self, step_s: float) -> None:
        live, told, since_s, at_s = LiveIndices(), list[Point](), -1.0, 0.0
        while at_s < 40:
            _feed(live, at_s, at_s + step_s, 8.0, gap=(10.0, 14.0))
            at_s += step_s
            told += live.skin_points(since_s)
            since_s = told[-1][0] if told else since_s
        assert told == live.skin_points(-1.0)

    def test_where_time_is_missing_there_is_one_point_without_values(self) -> None:
        points = _skin(30, gap=(10.0, 20.0)).skin_points(9.0)
        empty = [at_s for at_s, tonic, _ in points if tonic is None]
        assert empty == [10.25]
        assert [at_s for at_s, *_ in points if 10 < at_s < 20.25] == [10.25]
