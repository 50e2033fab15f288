"""The course of recovery: how soon half of a reaction was gone, from a curve of three parameters.

The curve is an exponential, level + reaction · 2^(-t / half-time), t from the recorded end of the task on.
Christenfeld, Glynn & Gerin (2000, Psychophysiology 37:543) fitted a logistic of three parameters, whose
estimates of recovery were the ones that repeated. A logistic begins flat: where it bends is told by the first
seconds, and those are left out here, as a last spoken answer still moves the breath. What then remains of it
is its tail, which is an exponential; the half-time of that is the same from wherever one begins to look, so
that the 15 s that are left out, and whether the reaction was still rising, make no difference to it.

Residuals of half a minute are alike, and the more so those of a second. So the curve is fitted to bins of 5 s
(heart rate) or 1 s (skin), but which half-times remain possible is judged by means of 15 s, whose variance
and lag-one correlation are those of baseline and residuals together; see `pipeline.correlated`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from pipeline.correlated import Run, lag_one, scatter
from pipeline.language import reason
from pipeline.model import Floats, Phase
from pipeline.regulation.blocks import Blocks, Measure, t95
from pipeline.regulation.reactivity import MIN_BLOCKS, Reactivity
from pipeline.regulation.recovery import SPEECH_S

LONG_ENOUGH_S = 300.0
BIN_S = {"mean_hr_bpm": 5.0, "scl_us": 1.0}
_LENGTH_SHARE = 0.99  # a phase of five minutes seldom ends on the second
_BLOCK_S = 15.0
_PRIOR_R = 0.8  # of means of 15 s: about the root of that of half a minute
_HALF_TIMES_S = np.geomspace(2.0, 600.0, 115)  # 5 % apart
_COVERED = 0.7  # of the bins of a curve
_DRAWN = 60  # points of a fitted curve


@dataclass(frozen=True, slots=True)
class Curve:
    """A measure's course after a challenge: its half-time with a 95 % interval in s, or why there is none.

    `level` is where it goes, in the measure's unit; `share_left` the share of the reaction that is left by
    the curve at the end of recovery. `fitted` are (time in s, value) along the curve; `start_s` is the
    challenge's.
    """

    measure: str
    challenge: str
    start_s: float
    half_time_s: float | None
    low: float | None = None
    high: float | None = None
    level: float | None = None
    share_left: float | None = None
    fitted: tuple[tuple[float, float], ...] = ()
    reason: str | None = None


def curve(
    measure: Measure, reaction: Reactivity, baseline: Phase, challenge: Phase, after: Phase | None
) -> Curve:
    """The course of a measure over the recovery phase that follows a challenge.

    `measure` is one of `BIN_S`; `reaction` that of the challenge in it (or, of skin conductance, in its
    logarithm). It is estimable where the reaction exceeds twice its error, recovery lasts 5 min and seven
    bins in ten have a value, the curve returns from the reaction, and the half-time has bounds within
    recovery. The interval holds each half-time by which what is left over is no more aligned with a change of
    half-time than its error allows: a score test, inverted, which needs no straight line.
    """
    told = Curve(measure.name, challenge.name, challenge.start_s, None)
    if reaction.change is None:
        return replace(told, reason=reaction.reason)
    if not reaction.exceeds_twice_its_error:
        return replace(told, reason=reason("regulation.small_reaction"))
    if after is None:
        return replace(told, reason=reason("regulation.no_recovery"))
    if after.duration_s < _LENGTH_SHARE * LONG_ENOUGH_S:
        return replace(told, reason=reason("regulation.short_curve"))
    course = _Course.of(measure, challenge.end_s, after.end_s)
    fine = replace(measure, block_s=lambda _: _BLOCK_S)
    usual, during = Blocks.of(fine, baseline), Blocks.of(fine, challenge)
    if course.share < _COVERED or min(len(usual), len(during)) < MIN_BLOCKS:
        return replace(told, reason=reason("regulation.too_little_for_curve"))
    return _fitted(told, course, usual, float(during.value.mean() - usual.value.mean()))


@dataclass(frozen=True, slots=True, eq=False)
class _Course:
    """The known bins of a course: middles in s since the task's end, values, blocks of 15 s they are in."""

    since_s: Floats
    value: Floats
    block: Floats
    end_s: float
    share: float
    task_end_s: float

    @classmethod
    def of(cls, measure: Measure, task_end_s: float, end_s: float) -> _Course:
        width_s = BIN_S[measure.name]
        count = math.floor((end_s - task_end_s - SPEECH_S) / width_s + 1e-6)
        edges: Floats = task_end_s + SPEECH_S + width_s * np.arange(count + 1, dtype=np.float64)
        values = measure.over(edges[:-1], edges[1:])
        known = np.flatnonzero(np.isfinite(values))
        since_s = (edges[:-1] + width_s / 2 - task_end_s)[known]
        block = np.floor((since_s - SPEECH_S) / _BLOCK_S)
        return cls(since_s, values[known], block, end_s - task_end_s, len(known) / max(count, 1), task_end_s)

    def summed(self, columns: Floats) -> tuple[Floats, Floats]:
        """Sums of columns (n, k) over each block that has a bin, (m, k), and which blocks these are, (m,)."""
        blocks, first = np.unique(self.block, return_index=True)
        return np.add.reduceat(columns, first, axis=0), blocks


@dataclass(frozen=True, slots=True, eq=False)
class _Fits:
    """For each half-time the best level and reaction, (k,), and the squares that they leave."""

    level: Floats
    reaction: Floats
    squares: Floats

    @classmethod
    def of(cls, value: Floats, decay: Floats) -> _Fits:
        about, falls = value - value.mean(), decay - decay.mean(axis=0)
        reaction = about @ falls / np.sum(falls**2, axis=0)
        squares = np.sum(about**2) - reaction**2 * np.sum(falls**2, axis=0)
        return cls(value.mean() - reaction * decay.mean(axis=0), reaction, squares)


def _fitted(told: Curve, course: _Course, usual: Blocks, reacted: float) -> Curve:
    """The curve that fits best; `reacted` is how far the challenge moved the measure from its usual value."""
    decay, turns = _possible(course.since_s.tobytes())
    fits = _Fits.of(course.value, decay)
    possible = fits.reaction * reacted > 0
    if not np.any(possible):
        return replace(told, reason=reason("regulation.no_return"))
    best = int(np.argmin(np.where(possible, fits.squares, np.inf)))
    score = np.where(possible, _score(course, usual, decay, turns, best), np.inf)
    low, high = _bound(score, best, -1), _bound(score, best, 1)
    if low is None or high is None or high > course.end_s:
        return replace(told, reason=reason("regulation.half_time_unbounded"))
    half_s = min(max(_crossing(score, best), low), high)
    fit = _Fits.of(course.value, _decay(course.since_s, np.array([half_s])))
    level, reaction = float(fit.level[0]), float(fit.reaction[0])
    at_s = np.linspace(0.0, course.end_s, _DRAWN)
    drawn = level + reaction * 2.0 ** (-at_s / half_s)
    return replace(
        told,
        half_time_s=half_s,
        low=low,
        high=high,
        level=level,
        share_left=float(drawn[-1] - usual.value.mean()) / reacted,
        fitted=tuple(zip((course.task_end_s + at_s).tolist(), drawn.tolist(), strict=True)),
    )


@lru_cache(maxsize=16)
def _possible(since_s: bytes) -> tuple[Floats, Floats]:
    """The decay with each half-time, and how it changes with that; the same for every challenge as long."""
    at_s = np.frombuffer(since_s)
    decay = _decay(at_s, _HALF_TIMES_S)
    return decay, _turns(at_s, decay)


def _decay(since_s: Floats, half_s: Floats) -> Floats:
    return np.asarray(2.0 ** (-since_s[:, np.newaxis] / half_s))


def _score(course: _Course, usual: Blocks, decay: Floats, turns: Floats, best: int) -> Floats:
    """How far what each half-time leaves over is aligned with a change of it: (k,), 1 where 95 % are less."""
    sums, blocks = course.summed(turns)
    means = course.summed(np.column_stack([course.value, decay[:, best], turns[:, best]]))[0]
    means /= course.summed(np.ones((len(course.value), 1)))[0]
    left = Run.about(means[:, 0], blocks, means[:, 1:])
    runs = [usual.run, left]
    r = lag_one(runs, _PRIOR_R)
    variance, degrees = scatter(runs, r)
    error = np.sqrt(variance * np.sum(sums * (left.correlations(r) @ sums), axis=0))
    most = t95(degrees) * error
    score: Floats = np.divide(course.value @ turns, most, out=np.full(len(most), np.inf), where=most > 0)
    return score


def _turns(since_s: Floats, decay: Floats) -> Floats:
    """How each curve changes with its half-time, (n, k), less what another level or reaction would do."""
    change = since_s[:, np.newaxis] * decay
    falls = decay - decay.mean(axis=0)
    about = change - change.mean(axis=0)
    return np.asarray(about - falls * (np.sum(about * falls, axis=0) / np.sum(falls**2, axis=0)))


def _bound(score: Floats, best: int, step: int) -> float | None:
    """The half-time on one side of the best where the score's size first reaches 1; None if it never does."""
    size = np.abs(score[best::step])
    beyond = np.flatnonzero(size[1:] > 1)
    if not len(beyond):
        return None
    at = int(beyond[0])
    inside = min(float(size[at]), 1.0)
    share = (1 - inside) / (float(size[at + 1]) - inside) if np.isfinite(size[at + 1]) else 0.0
    return _between(best + step * at, best + step * (at + 1), share)


def _crossing(score: Floats, best: int) -> float:
    """The half-time beside the best of the grid at which the score is 0."""
    for other in (best - 1, best + 1):
        if not 0 <= other < len(score) or not np.isfinite(score[[best, other]]).all():
            continue
        if score[best] * score[other] < 0:
            return _between(best, other, float(score[best] / (score[best] - score[other])))
    return float(_HALF_TIMES_S[best])


def _between(one: int, other: int, share: float) -> float:
    return float(_HALF_TIMES_S[one] ** (1 - share) * _HALF_TIMES_S[other] ** share)
