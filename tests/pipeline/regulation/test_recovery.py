"""What is left of a reaction, early and late, against known answers, and when it must not be told."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.model import Phase, PhaseKind
from pipeline.regulation.reactivity import reactivity
from pipeline.regulation.recovery import Recovery, Share, recovery
from tests.pipeline.regulation.made import BASELINE, CHALLENGE, RECOVERY, Value, level, measure, wandering


def _left(value: Value, after: Phase = RECOVERY) -> Recovery:
    reaction = reactivity(measure(value), BASELINE, CHALLENGE)
    return recovery(measure(value), reaction, BASELINE, CHALLENGE, after)


def test_the_share_left_is_that_of_the_last_two_minutes_and_beside_it_that_of_the_first() -> None:
    found = _left(level(noise=0.2))
    assert found.share_left == pytest.approx(0.25, abs=0.05)
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0.25 < found.high
    assert found.early is not None
    assert found.early.left == pytest.approx(0.75, abs=0.05)
    assert found.early.low is not None
    assert found.early.high is not None
    assert found.early.low < 0.75 < found.early.high
    assert (found.early.blocks, found.blocks) == (4, 4)


def test_what_is_said_in_the_first_seconds_does_not_count() -> None:
    values = level(noise=0.2)
    spoken: Value = lambda start_s, end_s: 1e3 if 600 <= start_s < 615 else values(start_s, end_s)  # noqa: E731
    assert _left(spoken).early == _left(level(noise=0.2)).early


def test_it_begins_where_the_task_ended_whenever_recovery_did() -> None:
    """Phases are named by hand: the next may begin a little later."""
    seen: list[float] = []
    values = level(noise=0.2)

    def value(start_s: float, end_s: float) -> float | None:
        seen.append(start_s)
        return values(start_s, end_s)

    _left(value, replace(RECOVERY, start_s=607.0))
    assert 615.0 in seen


@pytest.mark.parametrize("left", [0.0, 0.3, 1.0])
def test_the_interval_of_the_share_holds_the_true_one(left: float) -> None:
    """By itself 9 times in 10 at the least, as the docstring says of r = 0.5."""
    held = []
    for seed in range(300):
        noise = wandering(0.5, 30, seed)

        def value(start_s: float, end_s: float, noise: Value = noise) -> float:
            step = 0.0 if start_s < 300 else 6.0 if start_s < 600 else 6.0 * left
            return step + (noise(start_s, end_s) or 0.0)

        found = _left(value)
        if found.low is not None and found.high is not None:
            held.append(found.low <= left <= found.high)
    assert len(held) > 200
    assert np.mean(held) > 0.87


def test_one_block_may_be_missing_at_the_end_of_recovery() -> None:
    levels = level(noise=0.2)
    missing: list[float] = [810.0]
    value: Value = lambda start_s, end_s: None if start_s in missing else levels(start_s, end_s)  # noqa: E731
    assert _left(value).share_left == pytest.approx(0.25, abs=0.06)
    missing.append(840.0)
    found = _left(value)
    assert found.reason == "too little usable signal at the end of recovery"
    assert found.early is not None
    assert found.early.left is not None


def test_the_beginning_may_be_missing_by_itself() -> None:
    levels = level(noise=0.2)
    found = _left(lambda start_s, end_s: None if 600 <= start_s < 735 else levels(start_s, end_s))
    assert found.early == Share(None, reason="too little usable signal at the beginning of recovery")
    assert found.share_left is not None


@pytest.mark.parametrize(
    ("value", "after", "reason"),
    [
        pytest.param(
            level(noise=5, rise=0.1),
            RECOVERY,
            "the reaction does not stand out from ordinary change",
            id="no reaction",
        ),
        pytest.param(
            level(),
            Phase("Short", PhaseKind.RECOVERY, 600, 700),
            "the recovery phase is shorter than 2 min 15\u202fs",
            id="short",
        ),
        pytest.param(
            lambda start, _: None if start > 800 else 70.0 + start % 7 + 60 * (start >= 300),
            RECOVERY,
            "too little usable signal at the end of recovery",
            id="no signal",
        ),
        pytest.param(
            lambda start, _: [0.0, 6.0][start >= 300] if start < 600 else 40.0 * (start // 30 % 2) - 17,
            RECOVERY,
            "its interval includes both none and all of the reaction",
            id="too wide",
        ),
        pytest.param(
            lambda start, _: None if start < 300 else 1.0,
            RECOVERY,
            "too little usable signal in Baseline",
            id="no baseline",
        ),
    ],
)
def test_recovery_is_not_estimable_where_it_is_not(value: Value, after: Phase, reason: str) -> None:
    found = _left(value, after)
    assert (found.share_left, found.low, found.high) == (None, None, None)
    assert found.reason == reason


def test_a_challenge_is_known_by_its_start() -> None:
    assert _left(level()).challenge_start_s == 300
