"""Recovery: how much of a reaction was left in the first two minutes after it, and in the last two."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from pipeline.language import reason
from pipeline.model import Phase
from pipeline.regulation.blocks import Blocks, Measure
from pipeline.regulation.reactivity import Held, Reactivity

SPEECH_S = 15.0  # after a task's end: a last spoken answer still moves the breath
LAST_S = 120.0  # the beginning and the end of recovery, over which what is left of a reaction is judged
WIDEST_SHARE = 1.0  # of a reaction: an interval wider than that says little of what was left
_MIN_BLOCKS = 3  # of the four in these


@dataclass(frozen=True, slots=True)
class Share:
    """The share of a reaction still there: 0 none, 1 all; with its 95 % interval, or why there is none.

    `blocks` are those of the recovery that it was taken from.
    """

    left: float | None
    low: float | None = None
    high: float | None = None
    reason: str | None = None
    blocks: int = 0

    @property
    def too_wide(self) -> str | None:
        """Why a share with an interval is not told; None where it may be."""
        wide = self.low is not None and self.high is not None and self.high - self.low > WIDEST_SHARE
        return reason("regulation.too_wide") if wide else None


@dataclass(frozen=True, slots=True)
class Recovery:
    """The share of a reaction still there in the last two minutes of recovery: 0 none, 1 all; or why not.

    `low` and `high` are its 95 % interval. `measure`, `challenge` and `challenge_start_s` are the reaction's.
    `early` is the share in the first two minutes, from 15 s after the task's end on. `blocks` are those of
    the last two minutes.
    """

    measure: str
    challenge: str
    challenge_start_s: float
    recovery: str
    share_left: float | None
    low: float | None = None
    high: float | None = None
    reason: str | None = None
    early: Share | None = None
    blocks: int = 0

    @property
    def late(self) -> Share:
        """The share in the last two minutes by itself."""
        return Share(self.share_left, self.low, self.high, self.reason, self.blocks)


def recovery(
    measure: Measure, reaction: Reactivity, baseline: Phase, challenge: Phase, after: Phase
) -> Recovery:
    """How much of a reaction is left at the beginning and at the end of the recovery phase that follows it.

    The interval is that of a ratio of two differences that share the baseline (Fieller 1954). Where it
    includes both none and all of the reaction, the share is not estimable.
    """
    early = replace(after, start_s=challenge.end_s + SPEECH_S, end_s=challenge.end_s + SPEECH_S + LAST_S)
    last = replace(after, start_s=after.end_s - LAST_S)
    shares = _shares(measure, reaction, baseline, challenge, after, (early, last))
    left = shares[1]
    named = reaction.measure, challenge.name, challenge.start_s, after.name
    return Recovery(*named, left.left, left.low, left.high, left.reason, shares[0], left.blocks)


def _shares(
    measure: Measure,
    reaction: Reactivity,
    baseline: Phase,
    challenge: Phase,
    after: Phase,
    parts: tuple[Phase, Phase],
) -> tuple[Share, Share]:
    if reaction.change is None:
        unknown = Share(None, reason=reaction.reason)
    elif not reaction.stands_out:
        unknown = Share(None, reason=reason("regulation.no_reaction"))
    elif after.duration_s < LAST_S + SPEECH_S:
        unknown = Share(None, reason=reason("regulation.short_recovery"))
    elif (held := Held.of(measure, Blocks.of(measure, baseline), Blocks.of(measure, challenge))) is not None:
        first, last = (Blocks.of(measure, part) for part in parts)
        return (
            _share(held, first, "regulation.too_little_early"),
            _share(held, last, "regulation.too_little_late"),
        )
    else:
        unknown = Share(None, reason=reason("regulation.too_little_late"))
    return unknown, unknown


def _share(held: Held, left: Blocks, too_little: str) -> Share:
    if len(left) < _MIN_BLOCKS:
        return Share(None, reason=reason(too_little))
    share, low, high = _ratio(held.beside(left), left)
    if not math.isfinite(low) or (low <= 0 and high >= 1):
        return Share(None, reason=reason("regulation.none_and_all"))
    return Share(share, low, high, blocks=len(left))


def _ratio(held: Held, left: Blocks) -> tuple[float, float, float]:
    """The share (left - before) / (during - before) and its interval after Fieller (1954).

    The interval holds each share s with (left - before - s (during - before))² at most t² times the
    variance of that. It is bounded where the reaction stands out of what all of them vary by.
    """
    rest, reaction, t2 = left.mean - held.before.mean, held.change, held.t**2
    apart = held.apart(left)
    square = reaction**2 - t2 * apart[0, 0]
    if square <= 0:
        return rest / reaction, -math.inf, math.inf
    middle = rest * reaction - t2 * apart[0, 1]
    constant = rest**2 - t2 * apart[1, 1]
    width = math.sqrt(max(middle**2 - square * constant, 0.0))
    return rest / reaction, float((middle - width) / square), float((middle + width) / square)
