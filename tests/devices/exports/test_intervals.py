"""Beat intervals of loggers: times, gaps, words."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.exports.intervals import arrived, check_lengths, gaps, interval_notices, loss_notices
from pipeline.errors import InputError
from pipeline.heart.beats import adjacent
from pipeline.model import Gap


def test_time_is_what_intervals_add_up_to_not_when_they_came() -> None:
    rr_ms = np.array([800.0, 810.0, 790.0, 805.0])
    late_s = np.array([0.0, 0.4, 0.3, 0.0])
    stream = arrived("rr", {"rr_ms": rr_ms}, np.cumsum(rr_ms) / 1000 + late_s, 4.0)
    np.testing.assert_allclose(stream.time_s, np.cumsum(rr_ms) / 1000)
    assert stream.gaps == ()


@given(seed=st.integers(0, 2**32 - 1), lost=st.integers(5, 40))
def test_lost_beats_are_a_gap_and_no_other(seed: int, lost: int) -> None:
    random = np.random.default_rng(seed)
    rr_ms = 850 + 60 * np.sin(np.arange(400) / 5) + random.normal(0, 15, 400)
    end_s = np.cumsum(rr_ms) / 1000
    kept = np.ones(400, dtype=bool)
    kept[200 : 200 + lost] = False
    arrival_s = (end_s + random.uniform(0, 0.3, 400))[kept]
    stream = arrived("rr", {"rr_ms": rr_ms[kept]}, np.maximum.accumulate(arrival_s), float(end_s[-1]))
    follows = adjacent(stream.time_s, stream.value)
    assert np.flatnonzero(~follows).tolist() == [0, 200]
    assert len(stream.gaps) == 1
    assert stream.gaps[0].start_s == pytest.approx(end_s[199], abs=0.5)
    assert next(loss_notices(stream)).startswith("beats are missing once, ")


def test_several_beats_of_one_packet() -> None:
    rr_ms = np.full(6, 500.0)
    stream = arrived("rr", {"rr_ms": rr_ms}, np.array([1.0, 1.0, 2.0, 2.0, 3.0, 3.0]), 3.0)
    np.testing.assert_allclose(stream.time_s, np.arange(1, 7) / 2)


def test_an_interval_that_is_damage() -> None:
    check_lengths(str, np.array([np.nan, -5.0, 65_536.0]))
    with pytest.raises(InputError, match=r"^2: 65537 ms is no interval between beats$"):
        check_lengths(str, np.array([np.nan, 800.0, 65_537.0, 1e6]))


def test_gaps_between_timed_beats() -> None:
    ends_s, rr_ms = np.array([1.0, 2.0, 5.0, 6.001, 7.0]), np.array([1000.0, 1000.0, 1000.0, 1000.0, np.nan])
    assert gaps(ends_s, rr_ms, 9.0) == (
        Gap(2.0, 4.0, "beats missing"),
        Gap(6.001, 7.0, "beats missing"),
        Gap(7.0, 9.0, "beats missing"),
    )


@pytest.mark.parametrize(
    ("rr_ms", "notices"),
    [
        ([300.0, 2000.0], []),
        (
            [299.0, 800.0],
            ["1 of 2 intervals is zero, negative or outside 300-2000 ms; it is kept and masked"],
        ),
        (
            [0.0, -1.0, np.nan],
            [
                "2 of 3 intervals are zero, negative or outside 300-2000 ms; they are kept and masked",
                "1 of 3 intervals is missing in the file",
            ],
        ),
    ],
    ids=["limits", "one", "all sorts"],
)
def test_words_on_bad_intervals(rr_ms: list[float], notices: list[str]) -> None:
    assert list(interval_notices(np.array(rr_ms))) == notices
