"""Half-times of recovery against curves that are known, and when there is none to tell."""

import math
from dataclasses import replace

import numpy as np
import pytest

from pipeline.model import Phase
from pipeline.regulation.blocks import Measure
from pipeline.regulation.curves import BIN_S, Curve, curve
from pipeline.regulation.reactivity import reactivity
from tests.pipeline.regulation.made import BASELINE, CHALLENGE, RECOVERY

NAMES = tuple(BIN_S)


def _course(
    half_s: float,
    *,
    rise: float = 10.0,
    level: float = 0.0,
    noise: float = 0.1,
    memory_s: float = 20.0,
    seed: int = 3,
    name: str = "mean_hr_bpm",
) -> Measure:
    """`rise` in the challenge, halving from its end on towards `level`; noise with a memory, every second."""
    time_s = np.arange(901.0)
    dice = np.random.default_rng(seed)
    keep = math.exp(-1 / memory_s)
    wander = [float(dice.normal())]
    for kick in dice.normal(0, math.sqrt(1 - keep**2), 900):
        wander.append(keep * wander[-1] + float(kick))
    decline = level + (rise - level) * 2.0 ** (-(time_s - 600) / half_s)
    value = 70 + np.select([time_s < 300, time_s < 600], [0.0, rise], decline) + noise * np.array(wander)

    def over(start_s: np.ndarray, end_s: np.ndarray) -> np.ndarray:
        rows = zip(np.searchsorted(time_s, start_s), np.searchsorted(time_s, end_s), strict=True)
        return np.array([value[first:last].mean() for first, last in rows])

    return Measure(name, over)


def _fitted(measure: Measure, after: Phase | None = RECOVERY) -> Curve:
    return curve(measure, reactivity(measure, BASELINE, CHALLENGE), BASELINE, CHALLENGE, after)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("half_s", [15.0, 30.0, 60.0, 90.0])
def test_a_half_time_is_found_with_an_interval_that_holds_it(half_s: float, name: str) -> None:
    found = _fitted(_course(half_s, name=name))
    assert found.reason is None
    assert found.half_time_s == pytest.approx(half_s, rel=0.25)
    assert found.low is not None
    assert found.high is not None
    assert found.low <= half_s <= found.high
    assert found.level == pytest.approx(70, abs=1)
    assert found.share_left == pytest.approx(2.0 ** (-300 / half_s), abs=0.1)


@pytest.mark.parametrize("memory_s", [1.0, 20.0, 60.0])
def test_intervals_hold_the_half_time_however_long_the_noise_remembers(memory_s: float) -> None:
    held = []
    for seed in range(120):
        found = _fitted(_course(40.0, noise=1.0, memory_s=memory_s, seed=seed))
        if found.low is not None and found.high is not None:
            held.append(found.low <= 40.0 <= found.high)
    assert len(held) > 60
    assert np.mean(held) >= 0.88


def test_the_curve_is_drawn_from_the_end_of_the_task() -> None:
    found = _fitted(_course(40.0))
    assert found.level is not None
    assert found.half_time_s is not None
    time_s, value = np.array(found.fitted).T
    assert (time_s[0], time_s[-1]) == (600, 900)
    at_half = float(np.interp(600 + found.half_time_s, time_s, value))
    assert at_half - found.level == pytest.approx((value[0] - found.level) / 2, rel=0.02)


def test_it_may_settle_elsewhere_than_at_the_baseline() -> None:
    found = _fitted(_course(30.0, level=4.0))
    assert found.level == pytest.approx(74, abs=0.7)
    assert found.share_left == pytest.approx(0.4, abs=0.07)


def test_a_fall_is_fitted_as_a_rise_is() -> None:
    assert _fitted(_course(40.0, rise=-10.0)).half_time_s == pytest.approx(40, rel=0.2)


@pytest.mark.parametrize("gain", [-1e3, 1e-3])
def test_a_gain_and_an_offset_change_no_half_time(gain: float) -> None:
    plain = _course(40.0)
    scaled = replace(plain, over=lambda a, b: gain * plain.over(a, b) - 7.0)
    one, other = _fitted(plain), _fitted(scaled)
    expected = one.half_time_s, one.low, one.high, one.share_left
    assert (other.half_time_s, other.low, other.high, other.share_left) == pytest.approx(expected)


def test_a_shift_of_time_changes_no_half_time() -> None:
    plain, by_s = _course(40.0), 512.0
    phases = [
        replace(phase, start_s=phase.start_s + by_s, end_s=phase.end_s + by_s)
        for phase in (BASELINE, CHALLENGE, RECOVERY)
    ]
    later = replace(plain, over=lambda a, b: plain.over(a - by_s, b - by_s))
    found = curve(later, reactivity(later, *phases[:2]), *phases)
    one = _fitted(plain)
    assert (found.half_time_s, found.low, found.high) == pytest.approx((one.half_time_s, one.low, one.high))


def test_where_one_begins_to_look_makes_no_difference() -> None:
    """What an exponential is chosen for: a reaction that speech hides for longer has the same half-time."""
    plain = _course(40.0, noise=0.05)
    hidden = replace(plain, over=lambda a, b: np.where((a >= 600) & (a < 660), np.nan, plain.over(a, b)))
    assert _fitted(hidden).half_time_s == pytest.approx(_fitted(plain).half_time_s, rel=0.1)


@pytest.mark.parametrize(
    ("measure", "after", "reason"),
    [
        pytest.param(
            _course(40.0, rise=0.0), RECOVERY, "the reaction is not larger than twice its error", id="none"
        ),
        pytest.param(
            _course(40.0), None, "no unpaced recovery phase follows the challenge", id="no recovery"
        ),
        pytest.param(
            _course(40.0),
            replace(RECOVERY, end_s=890.0),
            "recovery lasts less than 5 min",
            id="short recovery",
        ),
        pytest.param(
            _course(40.0, level=30.0),
            RECOVERY,
            "from 15 s after the task's end no return from the reaction is seen",
            id="goes on",
        ),
        pytest.param(
            _course(1e6, noise=0.5),
            RECOVERY,
            "the course of recovery does not tell how long half of it took",
            id="stays",
        ),
    ],
)
def test_it_is_not_estimable_where_it_is_not(measure: Measure, after: Phase | None, reason: str) -> None:
    assert _fitted(measure, after) == Curve("mean_hr_bpm", "Challenge", 300, None, reason=reason)


def test_too_little_signal_is_said() -> None:
    plain = _course(40.0)
    holed = replace(plain, over=lambda a, b: np.where((a > 700) & (a < 850), np.nan, plain.over(a, b)))
    assert _fitted(holed).reason == "too little usable signal for a course of recovery"
    nowhere = replace(plain, over=lambda a, b: np.where(a < 300, np.nan, plain.over(a, b)))
    assert _fitted(nowhere).reason == "too little usable signal in Baseline"
