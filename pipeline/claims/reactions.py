"""What challenges did to each measure, what was left of it, and how soon half was gone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.claims.claim import Claim, Rule, Told, Withheld
from pipeline.claims.measures import EFFECTS, HEART_MEASURES, name
from pipeline.figures import clock, number, percent
from pipeline.language import reason
from pipeline.model import Phase, PhaseKind
from pipeline.regulation.phases import baseline_of
from pipeline.regulation.reactivity import Reactivity
from pipeline.regulation.recovery import Recovery, Share

if TYPE_CHECKING:
    from pipeline.analysis import Analysis
    from pipeline.regulation.curves import Curve

BACK_AT_BASELINE = 0.005  # a share that rounds to 0 %

_CURVES = {"mean_hr_bpm": "mean_hr_bpm", "ln_scl": "scl_us"}  # by which unit each is fitted
_FIELLER = "Fieller 1954"
_SATTERTHWAITE = "Satterthwaite 1946"
_CHRISTENFELD = "Christenfeld, Glynn & Gerin 2000"


@dataclass(frozen=True, slots=True)
class Reacted:
    """One measure in one challenge, and what was found of it; `place` counts challenges from 1."""

    place: int
    measure: str
    subject: str
    challenge: Phase
    baseline: Phase | None
    reaction: Reactivity | None
    after: Recovery | None
    quality: float | None

    @property
    def topic(self) -> str:
        return f"{self.place}.{self.measure}"

    @property
    def direction(self) -> str:
        change = self.reaction.change if self.reaction is not None else None
        return "rose" if (change or 0.0) > 0 else "fell"

    @property
    def words(self) -> dict[str, object]:
        return {"subject": self.subject, "challenge": self.challenge.name}


@dataclass(frozen=True, slots=True)
class Left:
    """What was left of a reaction in a part of the recovery: `share` is None where no recovery followed."""

    of: Reacted
    share: Share | None
    late: bool

    @property
    def known(self) -> tuple[float, float, float]:
        """The share and its interval. Only where it is estimable."""
        assert self.share is not None
        assert self.share.left is not None
        assert self.share.low is not None
        assert self.share.high is not None
        return self.share.left, self.share.low, self.share.high


@dataclass(frozen=True, slots=True)
class Returned:
    """A reaction, and the curve by which it went."""

    of: Reacted
    curve: Curve


def late(each: Reacted) -> Left:
    """What was left in the last two minutes."""
    after = each.after
    return Left(each, after.late if after else None, late=True)


def early(each: Reacted) -> Left:
    """What was left in the first two minutes."""
    return Left(each, each.after.early if each.after else None, late=False)


def _not_estimable(each: Reacted) -> str | None:
    if each.baseline is None:
        return reason("claims.why.no_baseline")
    if each.challenge.paced:
        return reason("claims.why.paced")
    if each.reaction is None:
        return reason("claims.why.not_computed")
    known = None not in (each.reaction.change, each.reaction.low, each.reaction.high)
    return None if known else each.reaction.reason or reason("claims.why.not_computed")


def _includes_none(each: Reacted) -> str | None:
    stands_out = each.reaction is not None and each.reaction.stands_out
    return None if stands_out else reason("claims.why.includes_none")


def _share_not_estimable(left: Left) -> str | None:
    if (why := _not_estimable(left.of)) is not None:
        return why
    if (why := _includes_none(left.of)) is not None:
        return why
    if left.share is None:
        return reason("claims.why.no_recovery")
    if None in (left.share.left, left.share.low, left.share.high):
        return left.share.reason or reason("claims.why.not_computed")
    return left.share.too_wide


def _half_time_not_estimable(returned: Returned) -> str | None:
    if (why := _not_estimable(returned.of)) is not None:
        return why
    curve = returned.curve
    if None in (curve.half_time_s, curve.low, curve.high):
        return curve.reason or reason("claims.why.not_computed")
    return _includes_none(returned.of)


ESTIMABLE: Rule[Reacted] = Rule("estimable", _not_estimable)
STANDS_OUT: Rule[Reacted] = Rule("stands_out", _includes_none)
SHARE_ESTIMABLE: Rule[Left] = Rule("share_estimable", _share_not_estimable)
CURVE_FITTED: Rule[Returned] = Rule("curve_fitted", _half_time_not_estimable)


def challenges(analysis: Analysis) -> list[Phase]:
    """The phases that were challenges."""
    return [each.phase for each in analysis.phases if each.phase.kind is PhaseKind.STRESSOR]


def reacted(analysis: Analysis) -> list[Reacted]:
    """Every recorded measure in every challenge, challenge by challenge."""
    baseline = baseline_of([each.phase for each in analysis.phases])
    found = {(each.challenge_start_s, each.measure): each for each in analysis.reactivity}
    left = {(each.challenge_start_s, each.measure): each for each in analysis.recovery}
    pulse = analysis.recording.beat_source == "pp"
    return [
        Reacted(
            place,
            measure,
            name(measure, pulse=pulse),
            challenge,
            baseline,
            found.get((challenge.start_s, measure)),
            left.get((challenge.start_s, measure)),
            quality_of(analysis, measure),
        )
        for place, challenge in enumerate(challenges(analysis), 1)
        for measure in measures(analysis)
    ]


def measures(analysis: Analysis) -> list[str]:
    """The measures that the recorded signals can carry."""
    recorded = {True: analysis.beats is not None, False: analysis.eda is not None}
    return [measure for measure in EFFECTS if recorded[measure in HEART_MEASURES]]


def quality_of(analysis: Analysis, measure: str) -> float | None:
    """The share of the session with usable signal for a measure."""
    part = analysis.quality.get("beats" if measure in HEART_MEASURES else "eda")
    return float(part["coverage"]) if part else None


def reaction_claims(analysis: Analysis) -> Iterator[Told]:
    """All of `reaction`, `share_early`, `share_left`, `half_time`; or that there was no challenge."""
    found = reacted(analysis)
    if not challenges(analysis):
        yield Withheld(
            id="reaction",
            rule="challenge",
            reason=reason("claims.why.no_challenge"),
            text_key="claims.session.no_challenge",
        )
    for each in found:
        yield reaction_claim(each)
        yield share_claim(early(each))
        yield share_claim(late(each))
        yield from (
            half_time_claim(Returned(each, curve)) for curve in analysis.curves if _is_of(curve, each)
        )


def _is_of(curve: Curve, each: Reacted) -> bool:
    return (curve.measure, curve.start_s) == (_CURVES.get(each.measure), each.challenge.start_s)


def reaction_claim(each: Reacted) -> Told:
    """How far a measure moved, that no change was detectable, or why neither can be said."""
    own_id = f"reaction.{each.topic}"
    if (why := ESTIMABLE.fails(each)) is not None:
        key = "claims.session.change_not_estimable"
        return Withheld(id=own_id, rule=ESTIMABLE.name, reason=why, text_key=key, values=each.words)
    held = each.reaction
    assert held is not None
    assert held.change is not None
    assert held.low is not None
    assert held.high is not None
    effect = EFFECTS[each.measure]
    stands_out = STANDS_OUT.holds(each)
    said = (effect.sizes if stands_out else effect.texts)(held.change, held.low, held.high)
    key = f"{each.direction}.changed" if stands_out else "no_change"
    amounts = dict(zip(("amount", "low", "high"), said, strict=True))
    return Claim(
        id=own_id,
        text_key=f"claims.session.{key}",
        values={**each.words, "baseline": held.baseline, **amounts},
        rule=(STANDS_OUT if stands_out else ESTIMABLE).name,
        estimate=effect.convert(held.change),
        low=effect.convert(held.low),
        high=effect.convert(held.high),
        unit=effect.unit,
        n=held.blocks,
        n_unit="blocks",
        quality=each.quality,
        source=_SATTERTHWAITE,
    )


def share_claim(left: Left) -> Told:
    """What was left of a reaction early or late in recovery, or why that cannot be said."""
    each = left.of
    own_id, when = (
        (f"share_left.{each.topic}", "late") if left.late else (f"share_early.{each.topic}", "early")
    )
    if (why := SHARE_ESTIMABLE.fails(left)) is not None:
        key = f"claims.session.{when}_not_estimable"
        return Withheld(id=own_id, rule=SHARE_ESTIMABLE.name, reason=why, text_key=key, values=each.words)
    share, low, high = left.known
    after, reaction = each.after, each.reaction
    assert left.share is not None
    assert after is not None
    assert reaction is not None
    return Claim(
        id=own_id,
        text_key=f"claims.session.{each.direction}.{when}.{_left_key(share, low, high)}",
        values={
            **each.words,
            "share": percent(100 * share),
            "low": number(100 * low),
            "high": percent(100 * high),
            "recovery": after.recovery,
            "baseline": reaction.baseline,
        },
        rule=SHARE_ESTIMABLE.name,
        estimate=100 * share,
        low=100 * low,
        high=100 * high,
        unit="%",
        n=reaction.blocks + left.share.blocks,
        n_unit="blocks",
        quality=each.quality,
        source=_FIELLER,
    )


def _left_key(share: float, low: float, high: float) -> str:
    """The words for a share; beyond baseline or beyond the challenge only where all of its interval is."""
    if high < -BACK_AT_BASELINE:
        return "beyond_baseline"
    if low > 1 + BACK_AT_BASELINE:
        return "further_still"
    return "nothing_left" if share < -BACK_AT_BASELINE else "left"


def half_time_claim(returned: Returned) -> Told:
    """How soon half of a reaction was gone, by a fitted curve; or why that cannot be said."""
    each, curve = returned.of, returned.curve
    own_id = f"half_time.{each.topic}"
    if (why := CURVE_FITTED.fails(returned)) is not None:
        key = "claims.session.half_time_not_estimable"
        return Withheld(id=own_id, rule=CURVE_FITTED.name, reason=why, text_key=key, values=each.words)
    assert curve.half_time_s is not None
    assert curve.low is not None
    assert curve.high is not None
    times = {"time": curve.half_time_s, "low": curve.low, "high": curve.high}
    return Claim(
        id=own_id,
        text_key=f"claims.session.{each.direction}.half_time",
        values={**each.words, **{name: clock(seconds) for name, seconds in times.items()}},
        rule=CURVE_FITTED.name,
        estimate=curve.half_time_s,
        low=curve.low,
        high=curve.high,
        unit="s",
        quality=each.quality,
        source=_CHRISTENFELD,
    )
