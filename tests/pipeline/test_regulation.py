"""Reactivity and recovery against known answers, and when they must not be told."""

import math

import numpy as np
import pytest

from pipeline.model import Phase, PhaseKind
from pipeline.regulation import Measure, baseline_of, following, reactivity, recovery

BASELINE = Phase("Baseline", PhaseKind.BASELINE, 0, 300)
CHALLENGE = Phase("Challenge", PhaseKind.STRESSOR, 300, 600)
RECOVERY = Phase("Recovery", PhaseKind.RECOVERY, 600, 900)


def _level(noise: float = 0.5, rise: float = 10.0, left: float = 0.25, seed: int = 1) -> Measure:
    """70 at baseline, `rise` more in the challenge, `left` of that at the end of recovery."""
    dice = np.random.default_rng(seed)

    def measure(start_s: float, _: float) -> float:
        step = 0.0 if start_s < 300 else rise if start_s < 600 else rise * left
        return 70 + step + float(dice.normal(0, noise))

    return measure


def test_a_rise_is_found_with_an_interval_that_holds_it() -> None:
    found = reactivity("mean_hr_bpm", _level(), BASELINE, CHALLENGE)
    assert found.change == pytest.approx(10, abs=1)
    assert found.low is not None
    assert found.high is not None
    assert found.low < 10 < found.high
    assert found.stands_out
    assert found.blocks == 20


def test_no_change_seldom_stands_out() -> None:
    told = [
        reactivity("x", _level(noise=2, rise=0, seed=seed), BASELINE, CHALLENGE).stands_out
        for seed in range(400)
    ]
    assert np.mean(told) < 0.08


def test_too_little_signal_is_said_and_where() -> None:
    found = reactivity("x", lambda start, _: None if start >= 300 else 70.0, BASELINE, CHALLENGE)
    assert found.change is None
    assert found.reason == "too little usable signal in Challenge"


def test_the_share_left_is_that_of_the_last_two_minutes() -> None:
    measure = _level(noise=0.2)
    found = recovery("x", measure, reactivity("x", measure, BASELINE, CHALLENGE), BASELINE, RECOVERY)
    assert found.share_left == pytest.approx(0.25, abs=0.05)


@pytest.mark.parametrize(
    ("measure", "after", "reason"),
    [
        (_level(noise=5, rise=0.1), RECOVERY, "the reaction does not stand out from ordinary change"),
        (
            _level(),
            Phase("Short", PhaseKind.RECOVERY, 600, 700),
            "the recovery phase is shorter than 2 min 15 s",
        ),
        (
            lambda start, _: None if start > 800 else 70.0 + start / 100,
            RECOVERY,
            "too little usable signal at the end of recovery",
        ),
    ],
    ids=["no-reaction", "short", "no-signal"],
)
def test_recovery_is_not_estimable_where_it_is_not(measure: Measure, after: Phase, reason: str) -> None:
    reaction = reactivity("x", measure, BASELINE, CHALLENGE)
    assert recovery("x", measure, reaction, BASELINE, after).reason == reason


def test_values_that_are_not_finite_do_not_count() -> None:
    found = reactivity("x", lambda start, _: math.nan if start < 300 else 1.0, BASELINE, CHALLENGE)
    assert found.reason == "too little usable signal in Baseline"


def test_the_first_baseline_is_the_one_and_a_reference_stands_in() -> None:
    reference = Phase("Reference", PhaseKind.REFERENCE, 0, 10)
    assert baseline_of([reference, BASELINE]) == BASELINE
    assert baseline_of([reference]) == reference
    assert baseline_of([CHALLENGE]) is None


def test_only_a_recovery_right_after_counts() -> None:
    paced = Phase("Paced", PhaseKind.PACED, 600, 700)
    assert following([BASELINE, CHALLENGE, RECOVERY], CHALLENGE) == RECOVERY
    assert following([CHALLENGE, paced, Phase("R", PhaseKind.RECOVERY, 700, 900)], CHALLENGE) is None
