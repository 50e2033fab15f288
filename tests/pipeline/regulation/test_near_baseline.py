"""The share of valid time near the baseline, from courses that are known."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from pipeline.indices.arousal import NO_REFERENCE, Arousal, Level, Reference
from pipeline.indices.delayed_arousal import DelayedArousal
from pipeline.indices.session import STEP_S, SessionIndices, Wearer
from pipeline.model import Pacer
from pipeline.regulation.near_baseline import NearBaseline, near_baseline
from tests.pipeline.regulation.made import BASELINE, CHALLENGE, RECOVERY

REFERENCE = Reference((Level(70.0, 2.0, 1.0, 4.0, 5), None, None, None))


def _indices(
    value: Callable[[np.ndarray], np.ndarray], held_against: Reference | None = REFERENCE
) -> SessionIndices:
    """A course of minutes that end every 15 s, from 60 s to 900 s."""
    time_s = np.arange(60.0, 900.1, STEP_S)
    level = value(time_s).astype(np.float64)
    nothing: tuple[str | None, ...] = (None,) * len(time_s)
    delayed = DelayedArousal(time_s, level, level, level, None)
    return SessionIndices(
        Wearer(), held_against, time_s, Arousal(level, level, level, nothing, nothing), delayed
    )


def test_the_share_of_minutes_within_the_band() -> None:
    """The challenge's minutes end from 360 to 600 s: 17 of them, of which those up to 480 s are beyond."""
    found = near_baseline(
        (BASELINE, CHALLENGE), _indices(lambda at: np.where((at > 340) & (at <= 480), 70.0, 50.0))
    )
    assert found == (
        NearBaseline("Baseline", 0, 1.0, 300.0),
        NearBaseline("Challenge", 300, pytest.approx(8 / 17), 300.0),
    )


@pytest.mark.parametrize(
    ("level", "share"), [(39.9, 0.0), (40.0, 1.0), (50.0, 1.0), (60.0, 1.0), (60.1, 0.0), (100.0, 0.0)]
)
def test_the_band_is_from_40_to_60(level: float, share: float) -> None:
    assert near_baseline((RECOVERY,), _indices(lambda at: np.full(len(at), level)))[0].share == share


def test_what_is_missing_counts_neither_as_near_nor_as_far() -> None:
    """Minutes that end from 675 s to 720 s are known, 70; those from 870 s on, 50."""
    course = _indices(lambda at: np.select([(at >= 675) & (at <= 720), at >= 870], [70.0, 50.0], np.nan))
    assert near_baseline((RECOVERY,), course) == (NearBaseline("Recovery", 600, pytest.approx(3 / 7), 195.0),)


def test_under_two_minutes_nothing_is_told() -> None:
    course = _indices(lambda at: np.where(at >= 870, 50.0, np.nan))
    why = "arousal is known for 90\u202fs of it, and two minutes are needed"
    assert near_baseline((RECOVERY,), course) == (NearBaseline("Recovery", 600, None, 90.0, why),)


def test_a_minute_that_reaches_into_another_phase_does_not_count() -> None:
    course = _indices(lambda at: np.where(at == 345.0, 90.0, 50.0))
    assert [each.share for each in near_baseline((BASELINE, CHALLENGE), course)] == [1.0, 1.0]


def test_a_paced_phase_is_not_held_against_an_unpaced_baseline() -> None:
    paced = replace(RECOVERY, pacer=Pacer(6.0))
    found = near_baseline((paced,), _indices(lambda at: np.full(len(at), 50.0)))[0]
    assert (found.share, found.reason) == (None, "breathing was paced, which moves the heart by itself")


def test_without_a_reference_there_is_none() -> None:
    found = near_baseline((RECOVERY,), _indices(lambda at: np.full(len(at), np.nan), None))
    assert found == (NearBaseline("Recovery", 600, None, 0.0, NO_REFERENCE),)
