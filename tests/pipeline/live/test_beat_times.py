"""Times given once: in order, continuous where the beats are, and apart where beats were lost."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.live.beat_times import LiveBeatTimes

Notification = tuple[float, list[float]]


def timed(*notifications: Notification) -> list[tuple[float, float]]:
    times = LiveBeatTimes()
    return [beat for arrival_s, intervals in notifications for beat in times.feed(arrival_s, intervals)]


def every_second(seconds: Sequence[int], late_s: float = 0.0, ms: float = 500.0) -> list[Notification]:
    return [(second + late_s, [ms, ms]) for second in seconds]


def steps_s(beats: list[tuple[float, float]]) -> list[float]:
    return np.round(np.diff([end_s for end_s, _ in beats]), 3).tolist()


def test_beats_follow_each_other() -> None:
    beats = timed(*every_second(range(1, 6)))
    assert beats[:2] == [(0.5, 500.0), (1.0, 500.0)]
    assert set(steps_s(beats)) == {0.5}


def test_a_stall_and_its_burst_change_nothing() -> None:
    punctual = every_second(range(1, 30))
    stalled = [(max(at_s, 20.0) if 12 < at_s < 20 else at_s, ms) for at_s, ms in punctual]
    assert timed(*stalled) == timed(*punctual)


@pytest.mark.parametrize("lost_s", [3, 10, 600])
def test_after_a_loss_a_new_run_begins_where_it_arrived(lost_s: int) -> None:
    seconds = [*range(1, 20), *range(20 + lost_s, 40 + lost_s)]
    beats = timed(*every_second(seconds))
    assert len(beats) == 2 * len(seconds)
    assert sorted(set(steps_s(beats))) == [0.5, 0.5 + lost_s]
    assert beats[-1][0] == pytest.approx(39 + lost_s)


def test_a_delay_that_stays_is_a_loss_told_after_three_deliveries() -> None:
    times = LiveBeatTimes()
    for at_s, ms in every_second(range(1, 20)):
        assert len(list(times.feed(at_s, ms))) == 2
    assert [len(list(times.feed(at_s, ms))) for at_s, ms in every_second((25, 26, 27, 28))] == [0, 0, 6, 2]


@pytest.mark.parametrize(
    "bad_ms", [0.0, -3.0, float("nan"), 64_000.0], ids=["zero", "negative", "nan", "long"]
)
def test_what_is_no_interval_takes_no_time(bad_ms: float) -> None:
    beats = timed((1.0, [500.0, 500.0]), (2.0, [500.0, bad_ms, 500.0]), (3.0, [500.0, 500.0]))
    assert steps_s(beats) == pytest.approx([0.5, 0.5, 0.001, 0.5, 0.5, 0.5])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(0, 30), st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=0, max_size=4)
        ),
        max_size=30,
    )
)
def test_times_always_rise(steps: list[tuple[float, list[float]]]) -> None:
    arrivals_s = np.cumsum([step for step, _ in steps]).tolist()
    ends_s = [end_s for end_s, _ in timed(*zip(arrivals_s, (ms for _, ms in steps), strict=True))]
    assert all(after > before for before, after in pairwise(ends_s))
