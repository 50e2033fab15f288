"""Reactivity and recovery against known answers, and when they must not be told."""

import math
from dataclasses import replace

import numpy as np
import pytest

from pipeline.model import Pacer, Phase, PhaseKind
from pipeline.regulation import Measure, Recovery, baseline_of, following, reactivity, recovery

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


def _wandering(r: float, blocks: int, seed: int, missing: frozenset[int] = frozenset()) -> Measure:
    """An AR(1) process, a value per block of 30 s; some blocks without one."""
    dice = np.random.default_rng(seed)
    values = [float(dice.normal())]
    for innovation in dice.normal(0, math.sqrt(1 - r * r), blocks - 1):
        values.append(r * values[-1] + float(innovation))
    known = [None if place in missing else value for place, value in enumerate(values)]
    return lambda start_s, _: known[int(start_s // 30)]


def _left(measure: Measure, after: Phase = RECOVERY) -> Recovery:
    reaction = reactivity("x", measure, BASELINE, CHALLENGE)
    return recovery(measure, reaction, BASELINE, CHALLENGE, after)


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


@pytest.mark.parametrize("each", [6, 10])
@pytest.mark.parametrize(("r", "at_most"), [(0.0, 0.04), (0.3, 0.06), (0.5, 0.08), (0.7, 0.13)])
def test_no_change_seldom_stands_out_where_blocks_are_alike(each: int, r: float, at_most: float) -> None:
    """The bounds are those of the docstring; apart by a pause, as nothing the phases share cancels out."""
    before = Phase("Baseline", PhaseKind.BASELINE, 0, 30 * each)
    during = Phase("Challenge", PhaseKind.STRESSOR, 30 * each + 300, 60 * each + 300)
    told = [
        reactivity("x", _wandering(r, 2 * each + 10, seed), before, during).stands_out for seed in range(400)
    ]
    assert np.mean(told) <= at_most


def test_across_a_missing_block_none_are_neighbours() -> None:
    before, during = (Phase("P", PhaseKind.OTHER, start_s, start_s + 270) for start_s in (0, 270))
    gaps = frozenset({2, 5, 11, 14})
    told = [
        reactivity("x", _wandering(0.5, 18, seed, gaps), before, during).stands_out for seed in range(400)
    ]
    assert np.mean(told) <= 0.08


def test_alternating_and_drifting_blocks_have_the_same_spread_and_another_interval() -> None:
    values = {"alternating": [0, 1] * 5, "drifting": [0] * 5 + [1] * 5}
    widths = {}
    for name, each in values.items():
        measure: Measure = lambda start_s, _, each=each: float(each[int(start_s // 30) % 10])  # type: ignore[misc]  # noqa: E731
        found = reactivity("x", measure, BASELINE, CHALLENGE)
        assert found.high is not None
        widths[name] = found.high
    assert widths["drifting"] > 2 * widths["alternating"]


def test_a_gain_and_an_offset_change_no_reading() -> None:
    plain = reactivity("x", _level(), BASELINE, CHALLENGE)
    measure = _level()
    scaled = reactivity("x", lambda a, b: -1e3 * (measure(a, b) or 0) + 7, BASELINE, CHALLENGE)
    assert (plain.low, plain.high) == pytest.approx((-(scaled.high or 0) / 1e3, -(scaled.low or 0) / 1e3))


def test_a_measure_that_never_moves_has_no_error() -> None:
    found = reactivity("x", lambda start_s, _: 2.0 if start_s < 300 else 3.0, BASELINE, CHALLENGE)
    assert (found.change, found.low, found.high) == (1, 1, 1)


def test_a_challenge_is_known_by_its_start() -> None:
    assert reactivity("x", _level(), BASELINE, CHALLENGE).challenge_start_s == 300
    assert _left(_level()).challenge_start_s == 300


def test_too_little_signal_is_said_and_where() -> None:
    found = reactivity("x", lambda start, _: None if start >= 300 else 70.0, BASELINE, CHALLENGE)
    assert found.change is None
    assert found.reason == "too little usable signal in Challenge"


def test_the_share_left_is_that_of_the_last_two_minutes() -> None:
    found = _left(_level(noise=0.2))
    assert found.share_left == pytest.approx(0.25, abs=0.05)
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0.25 < found.high


@pytest.mark.parametrize("left", [0.0, 0.3, 1.0])
def test_the_interval_of_the_share_holds_the_true_one(left: float) -> None:
    """By itself 9 times in 10 at the least, as the docstring says of r = 0.5."""
    held = []
    for seed in range(300):
        noise = _wandering(0.5, 30, seed)

        def measure(start_s: float, end_s: float, noise: Measure = noise) -> float:
            step = 0.0 if start_s < 300 else 6.0 if start_s < 600 else 6.0 * left
            return step + (noise(start_s, end_s) or 0.0)

        found = _left(measure)
        if found.low is not None and found.high is not None:
            held.append(found.low <= left <= found.high)
    assert len(held) > 200
    assert np.mean(held) > 0.87


def test_one_block_may_be_missing_at_the_end_of_recovery() -> None:
    levels = _level(noise=0.2)
    missing: list[float] = [810.0]
    measure: Measure = lambda start_s, end_s: None if start_s in missing else levels(start_s, end_s)  # noqa: E731
    assert _left(measure).share_left == pytest.approx(0.25, abs=0.06)
    missing.append(840.0)
    assert _left(measure).reason == "too little usable signal at the end of recovery"


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
            lambda start, _: None if start > 800 else 70.0 + start % 7 + 60 * (start >= 300),
            RECOVERY,
            "too little usable signal at the end of recovery",
        ),
        (
            lambda start, _: [0.0, 6.0][start >= 300] if start < 600 else 25.0 * (start // 30 % 2) - 9,
            RECOVERY,
            "its interval includes both none and all of the reaction",
        ),
    ],
    ids=["no-reaction", "short", "no-signal", "too-wide"],
)
def test_recovery_is_not_estimable_where_it_is_not(measure: Measure, after: Phase, reason: str) -> None:
    found = _left(measure, after)
    assert (found.share_left, found.low, found.high) == (None, None, None)
    assert found.reason == reason


def test_values_that_are_not_finite_do_not_count() -> None:
    found = reactivity("x", lambda start, _: math.nan if start < 300 else 1.0, BASELINE, CHALLENGE)
    assert found.reason == "too little usable signal in Baseline"


def test_the_first_baseline_is_the_one_and_a_reference_stands_in() -> None:
    reference = Phase("Reference", PhaseKind.REFERENCE, 0, 10)
    assert baseline_of([reference, BASELINE]) == BASELINE
    assert baseline_of([reference]) == reference
    assert baseline_of([CHALLENGE]) is None


def test_a_paced_baseline_is_none() -> None:
    paced = replace(BASELINE, pacer=Pacer(6.0))
    assert baseline_of([paced]) is None
    assert baseline_of([paced, replace(BASELINE, name="Later")]) == replace(BASELINE, name="Later")


def test_only_a_recovery_right_after_counts() -> None:
    paced = Phase("Paced", PhaseKind.PACED, 600, 700)
    assert following([BASELINE, CHALLENGE, RECOVERY], CHALLENGE) == RECOVERY
    assert following([CHALLENGE, paced, Phase("R", PhaseKind.RECOVERY, 700, 900)], CHALLENGE) is None
    assert following([CHALLENGE, replace(RECOVERY, pacer=Pacer(6.0))], CHALLENGE) is None
