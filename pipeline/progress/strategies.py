"""What tended to go with settling: strategies side by side, adjusted for where they began.

They were chosen, not randomised: an association. Only where a random alternation was followed is a difference
between two strategies called an effect.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from pipeline.language import reason
from pipeline.model import Floats
from pipeline.profile import Alternation
from pipeline.progress.alternation import LEAST_SESSIONS, strategy_for
from pipeline.progress.session_records import Practice, SessionValues

LEAST_FOLLOWED = 0.8  # of the assigned practices; with fewer, who did what was chosen after all


@dataclass(frozen=True, slots=True)
class Tendency:
    """The change of heart rate in practices of one strategy, adjusted for starting level and order.

    In bpm, negative is settling, with a 95 % interval; or why there is none. `sessions` with a value that it
    rests on. Paced and unpaced practices of one strategy are two tendencies.
    """

    strategy: str
    title: str
    paced: bool
    sessions: int
    settling_bpm: float | None
    low: float | None = None
    high: float | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """The difference of settling between two strategies under a followed random alternation, in bpm.

    `first` less `second` (titles), with a 95 % interval that allows for all the pairs there are; or why there
    is none.
    """

    first: str
    second: str
    paced: bool
    sessions: int
    difference_bpm: float | None
    low: float | None = None
    high: float | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Strategies:
    """Tendencies of every strategy that was practised, and effects where alternation was randomised.

    `followed_share`: in how many of the sessions with one of the alternated strategies it was the one whose
    turn it was; None without an alternation, or before the first such session. `turn` is the strategy whose
    turn it is next.
    """

    tendencies: tuple[Tendency, ...] = ()
    effects: tuple[Effect, ...] = ()
    followed_share: float | None = None
    turn: str | None = None


@dataclass(frozen=True, slots=True)
class _Practised:
    """One strategy in one session: what it is counted as, and what is known of it."""

    name: str
    title: str
    paced: bool
    settling_bpm: float
    start_bpm: float
    order: float


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    """Adjusted settling of each strategy (k,), the covariance of that (k, k), and its degrees of freedom."""

    names: tuple[str, ...]
    settling_bpm: Floats
    covariance: Floats
    degrees: int

    def reach(self, contrast: Floats, pairs: int = 1) -> float:
        """Half of the 95 % interval of a sum of these, if `pairs` of them are looked at."""
        from scipy.special import stdtrit

        spread = math.sqrt(max(float(contrast @ self.covariance @ contrast), 0.0))
        return float(stdtrit(self.degrees, 1 - 0.025 / pairs)) * spread


def strategies_seen(sessions: Sequence[SessionValues], agreed: Alternation | None = None) -> Strategies:
    """What tended to go with settling over dated sessions in order, and effects of an agreed alternation."""
    tendencies = tuple(each for paced in (False, True) for each in _tendencies(sessions, paced))
    if agreed is None:
        return Strategies(tendencies)
    assigned = list(_assigned(sessions, agreed))
    turn = strategy_for(agreed.strategies, agreed.seed, len(assigned))
    if not assigned:
        return Strategies(tendencies, turn=turn)
    share = sum(practice.strategy == whose for whose, practice in assigned) / len(assigned)
    return Strategies(tendencies, tuple(_effects(agreed, assigned, share)), share, turn)


def _tendencies(sessions: Sequence[SessionValues], paced: bool) -> Iterator[Tendency]:
    """The strategies that were practised, the most practised first."""
    practised = [found for session in sessions for found in _of_session(session.practice, paced)]
    titles = {
        each.strategy: each.title for session in sessions for each in session.practice if each.paced is paced
    }
    counts = {name: sum(each.name == name for each in practised) for name in titles}
    enough = [name for name in titles if counts[name] >= LEAST_SESSIONS]
    fit = _fit([each for each in practised if each.name in enough])
    for name in sorted(titles, key=lambda name: (-counts[name], name)):
        named = name, titles[name], paced, counts[name]
        if name not in enough:
            why = reason("progress.few_practices", count=counts[name], least=LEAST_SESSIONS)
            yield Tendency(*named, None, reason=why)
        elif fit is None:
            yield Tendency(*named, None, reason=reason("progress.confounded"))
        else:
            place = fit.names.index(name)
            value = float(fit.settling_bpm[place])
            reach = fit.reach(np.eye(len(fit.names))[place])
            yield Tendency(*named, value, value - reach, value + reach)


def _of_session(practices: Iterable[Practice], paced: bool) -> Iterator[_Practised]:
    """Each strategy of a session once, as the mean of its practices: they are not independent."""
    by_name: dict[str, list[_Practised]] = {}
    for each in practices:
        if each.paced is paced and (found := _practised(each, each.strategy)) is not None:
            by_name.setdefault(each.strategy, []).append(found)
    for name, parts in by_name.items():
        means = np.mean([(each.settling_bpm, each.start_bpm, each.order) for each in parts], axis=0)
        yield _Practised(name, parts[0].title, paced, *means.tolist())


def _practised(practice: Practice, name: str) -> _Practised | None:
    if practice.settling_bpm is None or practice.start_bpm is None:
        return None
    return _Practised(
        name, practice.title, practice.paced, practice.settling_bpm, practice.start_bpm, float(practice.order)
    )


def _fit(practised: Sequence[_Practised]) -> _Fit | None:
    """Least squares of settling on strategy, starting level and order, at the means of these two.

    None where they cannot be told apart, or leave no degree of freedom.
    """
    if not practised:
        return None
    names = tuple(sorted({each.name for each in practised}))
    levels = np.array([[each.start_bpm, each.order] for each in practised], dtype=np.float64)
    beside = (levels - levels.mean(axis=0))[:, np.ptp(levels, axis=0) > 0]
    named = np.array([[each.name == name for name in names] for each in practised], dtype=np.float64)
    design = np.column_stack([named, beside])
    degrees = len(practised) - design.shape[1]
    if degrees < 1 or np.linalg.matrix_rank(design) < design.shape[1]:
        return None
    settling = np.array([each.settling_bpm for each in practised])
    inverse = np.linalg.inv(design.T @ design)
    found = inverse @ design.T @ settling
    variance = float(np.sum((settling - design @ found) ** 2)) / degrees
    k = len(names)
    return _Fit(names, np.asarray(found[:k]), np.asarray(variance * inverse[:k, :k]), degrees)


def _assigned(sessions: Sequence[SessionValues], agreed: Alternation) -> Iterator[tuple[str, Practice]]:
    """Whose turn it was, and what was practised first, in sessions with one of the agreed strategies."""
    number = 0
    for session in sessions:
        if session.date is None or session.date < agreed.date:
            continue
        done = next((each for each in session.practice if each.strategy in agreed.strategies), None)
        if done is not None:
            yield strategy_for(agreed.strategies, agreed.seed, number), done
            number += 1


def _effects(agreed: Alternation, assigned: Sequence[tuple[str, Practice]], share: float) -> Iterator[Effect]:
    """Every pair of alternated strategies. Counted as assigned, whatever was practised."""
    paced = {each.strategy: each.paced for _, each in assigned}
    titles = {each.strategy: each.title for _, each in assigned}
    known = [found for turn, each in assigned if (found := _practised(each, turn)) is not None]
    fits = {kind: _fit([each for each in known if paced.get(each.name) is kind]) for kind in (False, True)}
    pairs = list(combinations(sorted(agreed.strategies), 2))
    for first, second in pairs:
        counts = [sum(each.name == name for each in known) for name in (first, second)]
        said = titles.get(first, first), titles.get(second, second)
        named = *said, paced.get(first, False), sum(counts)
        if min(counts) < LEAST_SESSIONS:
            why = reason("progress.few_practices", count=min(counts), least=LEAST_SESSIONS)
            yield Effect(*named, None, reason=why)
        elif share < LEAST_FOLLOWED:
            yield Effect(*named, None, reason=reason("progress.not_followed", percent=round(100 * share)))
        elif paced.get(first) is not paced.get(second):
            yield Effect(*named, None, reason=reason("progress.paced_beside_unpaced"))
        elif (fit := fits[named[2]]) is None:
            yield Effect(*named, None, reason=reason("progress.confounded"))
        else:
            contrast = np.array([float(name == first) - float(name == second) for name in fit.names])
            value, reach = float(contrast @ fit.settling_bpm), fit.reach(contrast, len(pairs))
            yield Effect(*named, value, value - reach, value + reach)
