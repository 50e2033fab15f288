"""The arousal index: 50 is this person's baseline in this session, 10 points one standard deviation of it.

Heart and skin count the same. The heart: heart rate, and what ln RMSSD says beyond heart rate. The skin: the
drive behind ln SCL, and the square root of the rate of responses. A window is held against the session's
reference alone: never against other windows, other people or the name of a task. What a window lacks counts
as at the baseline and widens the band, so missing signal never scores high or low by itself. Arousal is not
stress: exercise and joy raise it. docs/arousal.md has the formulas. numpy only: made for the live page too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.indices.components import (
    COMPONENTS,
    MOST_SD,
    RMSSD,
    Circumstances,
    Measured,
    Part,
    measured,
)
from pipeline.language import reason, together
from pipeline.model import Floats

BASELINE_POINTS = 50.0
POINTS_PER_SD = 10.0
BLOCK_S = 60.0  # the sub-windows of a baseline that a reference is made of

NO_REFERENCE = reason("reasons.arousal.no_reference")
NO_SIGNAL = reason("reasons.arousal.no_signal")

_LEAST_BLOCKS = 2
_PRIOR_WEIGHT = 10.0  # blocks' worth: the published spreads against the baseline's own
_MOST_EARLIER_WEIGHT = 20.0  # however many earlier baselines there are, today's still counts
_SPREAD_SHARE = (0.5, 2.0)  # of the published spread: so few blocks can't be trusted with more
_NEIGHBOURS_R = 0.36  # correlation of one minute's value with the next: 0.6 at 30 s, as in reactivity
_MISSING_SD = 2.0  # a component that the reference has and the window lacks: it may be reacting
_ABSENT_SD = 1.0  # a component that the whole session lacks
_Z95 = 1.96
_BITS = 1 << np.arange(len(COMPONENTS))


@dataclass(frozen=True, slots=True)
class Level:
    """One component in the reference: its mean, the spread of a minute around it, the mean's own error.

    `variance` is the baseline's own, over `blocks`: what later sessions shrink theirs towards.
    """

    mean: float
    spread: float
    error: float
    variance: float
    blocks: int


@dataclass(frozen=True, slots=True)
class Reference:
    """What the baseline says: a level for each component, None for one that the session lacks."""

    levels: tuple[Level | None, ...]

    @property
    def weights(self) -> Floats:
        """(4,) SD of index for one SD of a component: equal parts, equal within a part, length one."""
        held = [level is not None for level in self.levels]
        parts = {component.part for component, has in zip(COMPONENTS, held, strict=True) if has}
        alike = [
            sum(has for other, has in zip(COMPONENTS, held, strict=True) if other.part is component.part)
            for component in COMPONENTS
        ]
        return np.array(
            [1 / np.sqrt(len(parts) * n) if has else 0.0 for n, has in zip(alike, held, strict=True)]
        )


@dataclass(frozen=True, slots=True, eq=False)
class Arousal:
    """The index over k windows, 0 to 100, and its 95 % band: (k,) each, NaN where there is none.

    `basis` says what it rests on and what was left out; `reasons` why there is none where there is none.
    """

    value: Floats
    low: Floats
    high: Floats
    basis: tuple[str | None, ...]
    reasons: tuple[str | None, ...]


def blocks(start_s: float, end_s: float) -> tuple[Floats, Floats]:
    """Starts and ends of the whole minutes of a baseline, for the columns of a reference."""
    count = max(int((end_s - start_s + 1e-6) // BLOCK_S), 0)
    starts_s = start_s + BLOCK_S * np.arange(count, dtype=np.float64)
    return starts_s, starts_s + BLOCK_S


def reference(
    columns: Mapping[str, Floats],
    earlier: Sequence[Reference] = (),
    circumstances: Circumstances = Circumstances(),  # noqa: B008 - frozen
) -> Reference | None:
    """The reference from the baseline's minutes: `columns` over windows of 60 s that do not overlap.

    `earlier` are the same person's references of earlier sessions. None where no component has two blocks.
    """
    found = measured(columns, circumstances)
    heart_rate = _level(found.value[0], [], 0)
    value = found.value.copy()
    if heart_rate is not None:
        value[RMSSD] = _unexplained(found, heart_rate.mean)
    levels = tuple(_level(row, earlier, number) for number, row in enumerate(value))
    return Reference(levels) if any(levels) else None


def arousal(
    columns: Mapping[str, Floats],
    held_against: Reference | None,
    circumstances: Circumstances = Circumstances(),  # noqa: B008 - frozen
) -> Arousal:
    """The index of k windows of any length, from their feature columns (floors off: it has its own).

    `columns`: see `pipeline.indices.components.measured`; from causal columns it is causal, from final ones
    final. No value depends on another window.
    """
    found = measured(columns, circumstances)
    k = found.value.shape[1]
    if held_against is None:
        nothing = np.full(k, np.nan)
        return Arousal(nothing, nothing, nothing, (None,) * k, (NO_REFERENCE,) * k)
    scores, variance = _scores(found, held_against)
    usable = np.isfinite(scores)
    weights = held_against.weights
    some = np.any(usable, axis=0)
    points = POINTS_PER_SD * (weights @ np.where(usable, scores, 0.0))
    width = _Z95 * POINTS_PER_SD * np.sqrt(_band_variance(variance, usable, weights))
    within = np.clip(BASELINE_POINTS + points, 0.0, 100.0)  # the band is about what is shown
    value, low, high = (
        np.where(some, np.clip(within + side * width, 0.0, 100.0), np.nan) for side in (0, -1, 1)
    )
    basis = _basis(usable, held_against, found, circumstances)
    return Arousal(
        value,
        low,
        high,
        tuple(words if has else None for words, has in zip(basis, some, strict=True)),
        tuple(None if has else NO_SIGNAL for has in some),
    )


def _level(values: Floats, earlier: Sequence[Reference], number: int) -> Level | None:
    """Mean, shrunk spread and error of one component over the blocks; None if fewer than two have it."""
    known = values[np.isfinite(values)]
    n = len(known)
    if n < _LEAST_BLOCKS:
        return None
    published = COMPONENTS[number].spread
    own, before = float(np.var(known, ddof=1)), [each.levels[number] for each in earlier]
    past = [(level.blocks - 1, level.variance) for level in before if level is not None]
    weight = sum(blocks for blocks, _ in past)
    prior = (_PRIOR_WEIGHT * published**2 + sum(blocks * variance for blocks, variance in past)) / (
        _PRIOR_WEIGHT + weight
    )
    prior_weight = _PRIOR_WEIGHT + min(weight, _MOST_EARLIER_WEIGHT)
    variance = ((n - 1) * own + prior_weight * prior) / (n - 1 + prior_weight)
    least, most = (share * published for share in _SPREAD_SHARE)
    error = float(np.sqrt(max(variance, own) * _inflation(n) / n))
    return Level(float(np.mean(known)), min(max(float(np.sqrt(variance)), least), most), error, own, n)


def _inflation(n: int) -> float:
    """By how much the variance of a mean of n neighbours exceeds that of independent values (AR(1))."""
    lags = np.arange(1, n)
    return float(1 + 2 * np.sum((1 - lags / n) * _NEIGHBOURS_R**lags))


def _unexplained(found: Measured, heart_rate_bpm: float) -> Floats:
    """Ln RMSSD less what the difference in heart rate explains."""
    from_rate = COMPONENTS[RMSSD].per_bpm * (found.value[0] - heart_rate_bpm)
    return np.asarray(found.value[RMSSD] - from_rate)


def _scores(found: Measured, held_against: Reference) -> tuple[Floats, Floats]:
    """(4, k) each: distance from the reference in SD towards arousal, and the variance of that."""
    value = found.value.copy()
    heart_rate = held_against.levels[0]
    value[RMSSD] = _unexplained(found, heart_rate.mean) if heart_rate is not None else np.nan
    scores, variance = np.full(value.shape, np.nan), np.zeros(value.shape)
    for row, (component, level) in enumerate(zip(COMPONENTS, held_against.levels, strict=True)):
        if level is None:
            continue
        away = component.sign * (value[row] - level.mean) / level.spread
        scores[row] = np.minimum(np.maximum(away, -MOST_SD), MOST_SD)
        variance[row] = (level.error**2 + found.noise[row]) / level.spread**2 + found.wear[row]
    return scores, variance


def _band_variance(variance: Floats, usable: NDArray[np.bool_], weights: Floats) -> Floats:
    """(k,) in SD² of the index: errors of what is there, and an allowance for what is not."""
    most = _MISSING_SD**2
    known = np.where(usable, np.minimum(variance, most), most)
    absent_share = np.count_nonzero(weights == 0) / len(COMPONENTS)  # weights² if the session had everything
    total: Floats = weights**2 @ known + absent_share * _ABSENT_SD**2
    return total


def _basis(
    usable: NDArray[np.bool_], held_against: Reference, found: Measured, circumstances: Circumstances
) -> list[str]:
    """For each window what its index rests on, and what was left out for which reason."""
    codes = _BITS @ usable + found.why * (1 << len(COMPONENTS))
    kinds, which = np.unique(codes, return_inverse=True)
    words = [
        _words((kind & _BITS) > 0, int(kind) >> len(COMPONENTS), held_against, circumstances)
        for kind in kinds
    ]
    return [words[number] for number in which]


def _words(used: NDArray[np.bool_], why: int, held_against: Reference, circumstances: Circumstances) -> str:
    """In words, such as "heart rate, skin level, skin responses; without ln RMSSD: paced breathing"."""
    told = [_named(row for row, has in enumerate(used.tolist()) if has)]
    for part in Part:
        rows = [row for row, component in enumerate(COMPONENTS) if component.part is part]
        lacking = [row for row in rows if not used[row]]
        if not lacking:
            continue
        whole = len(lacking) == len(rows)
        what = reason(f"reasons.arousal.parts.{part.name.lower()}") if whole else _named(lacking)
        ever = any(held_against.levels[row] is not None for row in lacking)
        weak = "reasons.arousal.too_weak" if ever else "reasons.arousal.none_in_reference"
        left_out = circumstances.why(lacking, why) or reason(weak)
        told.append(reason("reasons.arousal.without", what=what, reason=left_out))
    return together("grammar.and_then", told)


def _named(rows: Iterable[int]) -> str:
    """Components by name; nothing for none."""
    names = [reason(f"reasons.arousal.components.{COMPONENTS[row].column}") for row in rows]
    return together("grammar.both", names) if names else ""
