"""A random order of strategies over the sessions to come, so that a difference can be called an effect.

Every run of as many sessions as there are strategies holds each once (permuted blocks). The order comes from
hashes of the seed, so it is the same on any machine and with any version of anything.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from pipeline.profile import Alternation

LEAST_SESSIONS = 5  # of each strategy, before anything is said of it


@dataclass(frozen=True, slots=True)
class AlternationPlan:
    """An order from the day `since` (ISO date) on, the first session first."""

    strategies: tuple[str, ...]
    order: tuple[str, ...]
    seed: int
    since: str


def alternation_plan(agreed: Alternation, sessions: int | None = None) -> AlternationPlan:
    """The order that an agreed alternation has, for so many sessions: five of each strategy if not said."""
    count = LEAST_SESSIONS * len(agreed.strategies) if sessions is None else sessions
    order = tuple(strategy_for(agreed.strategies, agreed.seed, number) for number in range(count))
    return AlternationPlan(agreed.strategies, order, agreed.seed, agreed.date)


def strategy_for(strategies: tuple[str, ...], seed: int, number: int) -> str:
    """The strategy of a session, counted from 0. The same names have the same order, however listed."""
    run, place = divmod(number, len(strategies))
    drawn = sorted(strategies, key=lambda name: hashlib.sha256(f"{seed}/{run}/{name}".encode()).hexdigest())
    return drawn[place]
