"""What a client reads of a session: one sentence, one next practice, and what none of this can tell.

Without numbers, without anybody to compare with, without a verdict: a picture and a sentence are enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from pipeline.breathing.pacing import Adherence, Outcome
from pipeline.claims.claim import ALWAYS, Audience, Claim, Rule
from pipeline.claims.measures import HEART_MEASURES
from pipeline.claims.practised import PRACTISED, Practised, named, practised
from pipeline.claims.reactions import (
    ESTIMABLE,
    SHARE_ESTIMABLE,
    STANDS_OUT,
    Reacted,
    late,
    reacted,
    reaction_claim,
    share_claim,
)
from pipeline.figures import number
from pipeline.guidance.known_names import by_end, during, strategy_name
from pipeline.guidance.safety import HIGH_DISTRESS, QUESTIONS, RISE_OF_DISTRESS, screened_before
from pipeline.guidance.strategies import StrategyKind
from pipeline.language import reason
from pipeline.model import Rating, Recording
from pipeline.profile import Profile

if TYPE_CHECKING:
    from pipeline.analysis import Analysis
    from pipeline.guidance.psychoeducation import Card
    from pipeline.regulation.self_report import Beside

HALF = 0.5  # of a reaction: with no more than that left, most of it has gone
FEWEST_USABLE = 0.5  # of a session, for a sentence about it

_LEADING = ("mean_hr_bpm", "ln_scl")  # what a sentence is about, the first that can be
_SENTENCE, _PRACTICE, _BESIDE = "client.sentence", "client.practice", "client.beside"
_CANNOT_TELL = ("one_session", "feelings", "health")
_DISTRESS = "distress"
_SAFETY = "safety"  # the kind of marker that a stop for the person's sake leaves


class Known(Protocol):
    """What is known around a session that its sentences rest on; a report's context is one."""

    @property
    def profile(self) -> Profile: ...

    @property
    def card(self) -> Card | None: ...


@dataclass(frozen=True, slots=True)
class Today:
    """What a client's sentence is chosen by: the first challenge's reactions, the pacing, what was usable."""

    first: tuple[Reacted, ...]
    pacing: tuple[Adherence, ...]
    usable: float

    @classmethod
    def of(cls, analysis: Analysis) -> Today:
        shares = [float(part["coverage"]) for key in ("beats", "eda") if (part := analysis.quality.get(key))]
        return cls(
            first=tuple(each for each in reacted(analysis) if each.place == 1),
            pacing=tuple(each.pacing for each in analysis.phases if each.pacing is not None),
            usable=max(shares, default=0.0),
        )

    @property
    def leading(self) -> Reacted | None:
        """The reaction that the sentence is about, of those that are estimable from enough of their signal.

        The heart rate's where it stands out, else the skin's where that does: the picture is of both, and its
        line leaves the band for either. Where neither does, the heart rate's, else the skin's.
        """
        found = {each.measure: each for each in self.first if ESTIMABLE.holds(each) and _enough(each.quality)}
        can = [found[measure] for measure in _LEADING if measure in found]
        return next((each for each in can if STANDS_OUT.holds(each)), next(iter(can), None))


@dataclass(frozen=True, slots=True)
class Next:
    """What a client's next practice is chosen by; `gently` as the questions before a session have it."""

    profile: Profile
    comfortable: bool
    gently: bool
    practised: Practised | None
    card: Card | None

    @classmethod
    def of(cls, analysis: Analysis, known: Known | None) -> Next:
        recording = analysis.recording
        stopped = any(marker.kind == _SAFETY for marker in recording.markers)
        done = [each for each in practised(analysis) if PRACTISED.holds(each.phase)]
        return cls(
            profile=known.profile if known is not None else Profile(),
            comfortable=not stopped and not distressed(recording.ratings),
            gently=_asked_to_be_gentle(recording, known),
            practised=done[-1] if done else None,
            card=known.card if known is not None else None,
        )


def _asked_to_be_gentle(recording: Recording, known: Known | None) -> bool:
    """Whether an answer, today's or an earlier one, asks for a word before breathing is practised alone."""
    before = known.profile.answered(simulated=recording.simulated) if known is not None else None
    today = {each.id: recording.conditions.get(each.id) == "yes" for each in QUESTIONS}
    return screened_before(today).gently or screened_before(before or {}).gently


def distressed(ratings: Sequence[Rating]) -> bool:
    """Whether distress was rated high, or rose by as much as stops a session."""
    rated = [each.value for each in ratings if each.scale == _DISTRESS]
    return bool(rated) and max(rated) >= min(HIGH_DISTRESS, rated[0] + RISE_OF_DISTRESS)


def _enough(coverage: float | None) -> bool:
    return coverage is not None and coverage >= FEWEST_USABLE


def _no_reaction(today: Today) -> str | None:
    leading = today.leading
    if leading is None:
        return reason("claims.why.no_reaction")
    return STANDS_OUT.fails(leading)


def _not_settled(today: Today) -> str | None:
    leading = today.leading
    if leading is None:
        return reason("claims.why.no_reaction")
    left = late(leading)
    if (why := SHARE_ESTIMABLE.fails(left)) is not None:
        return why
    _, _, high = left.known
    return None if high < HALF else reason("claims.why.half_left")


def _not_steady(today: Today) -> str | None:
    return reason("claims.why.no_reaction") if today.leading is None else None


def _pacer_not_followed(today: Today) -> str | None:
    followed = any(each.outcome is Outcome.FOLLOWED for each in today.pacing)
    return None if followed else reason("claims.why.pacer_not_followed")


def _not_readable(today: Today) -> str | None:
    readable = not today.first and _enough(today.usable)
    return None if readable else reason("claims.why.too_little_usable")


def _was_comfortable(next_practice: Next) -> str | None:
    return reason("claims.why.comfortable") if next_practice.comfortable else None


def _nothing_agreed(next_practice: Next) -> str | None:
    return None if next_practice.profile.next_step else reason("claims.why.nothing_agreed")


def _no_plan(next_practice: Next) -> str | None:
    plan = next_practice.profile.practice_plan
    return None if plan is not None and plan.strategy else reason("claims.why.nothing_agreed")


def _nothing_practised(next_practice: Next) -> str | None:
    if next_practice.practised is None:
        return reason("claims.why.nothing_practised")
    alone = not (next_practice.gently and next_practice.practised.breathing)
    return None if alone else reason("claims.why.word_first")


def _no_card(next_practice: Next) -> str | None:
    return None if next_practice.card is not None else reason("claims.why.nothing_agreed")


SETTLED: Rule[Today] = Rule("most_has_gone", _not_settled)
REACTED: Rule[Today] = Rule("stands_out", _no_reaction)
STEADY: Rule[Today] = Rule("estimable", _not_steady)
PACER_FOLLOWED: Rule[Today] = Rule("pacer_followed", _pacer_not_followed)
READABLE: Rule[Today] = Rule("half_usable", _not_readable)

WAS_HARD: Rule[Next] = Rule("was_hard", _was_comfortable)
STEP_AGREED: Rule[Next] = Rule("step_agreed", _nothing_agreed)
PLANNED: Rule[Next] = Rule("planned", _no_plan)
PRACTISED_TODAY: Rule[Next] = Rule("practised_today", _nothing_practised)
CARD_CHOSEN: Rule[Next] = Rule("card_chosen", _no_card)


def client_claims(analysis: Analysis, known: Known | None) -> Iterator[Claim]:
    """All of `client`."""
    yield sentence(Today.of(analysis))
    following = Next.of(analysis, known)
    yield next_practice(following)
    if following.comfortable:  # after a hard session it would read cold
        yield from beside(analysis.beside)
    for each in _CANNOT_TELL:
        yield Claim(
            id=f"client.cannot_tell.{each}",
            text_key=f"claims.client.cannot_tell.{each}",
            rule=ALWAYS,
            audience=Audience.CLIENT,
        )


def sentence(today: Today) -> Claim:
    """The one sentence: the first whose rule holds, else that there is not enough: nobody's doing."""
    leading = today.leading
    if leading is not None:
        return _of_challenge(today, leading)
    key, rule = "not_enough", ALWAYS
    if PACER_FOLLOWED.holds(today):
        key, rule = "paced", PACER_FOLLOWED.name
    elif READABLE.holds(today):
        key, rule = "rested", READABLE.name
    return Claim(id=_SENTENCE, text_key=f"claims.client.{key}", rule=rule, audience=Audience.CLIENT)


def _of_challenge(today: Today, leading: Reacted) -> Claim:
    """It carries the numbers that its rule rests on: what was left of the change, or the change itself."""
    reaction, after = leading.reaction, leading.after
    assert reaction is not None
    rule = next(rule for rule in (SETTLED, REACTED, STEADY) if rule.holds(today))
    key = {SETTLED: "settled", REACTED: "reacted"}.get(rule)
    told = f"{leading.direction}.{key}" if key else "steady"
    signal = "heart" if leading.measure in HEART_MEASURES else "skin"
    words: dict[str, object] = {
        "during_challenge": during(leading.challenge.name),
        "during_baseline": during(reaction.baseline),
    }
    if rule is SETTLED and after is not None:
        words["by_end_of_recovery"] = by_end(after.recovery)
    rests_on = share_claim(late(leading)) if rule is SETTLED else reaction_claim(leading)
    assert isinstance(rests_on, Claim)
    return replace(
        rests_on,
        id=_SENTENCE,
        text_key=f"claims.client.{signal}.{told}",
        values=words,
        rule=rule.name,
        audience=Audience.CLIENT,
    )


def next_practice(found: Next) -> Claim:
    """The one next practice: what was agreed, else what was practised today; after a hard session none."""
    profile, plan, done = found.profile, found.profile.practice_plan, found.practised
    if WAS_HARD.holds(found):
        return _practice("talk_first", WAS_HARD)
    if STEP_AGREED.holds(found):
        return _practice("agreed", STEP_AGREED, step=profile.next_step)
    if PLANNED.holds(found):
        assert plan is not None
        assert plan.strategy is not None
        strategy = named(plan.strategy)
        key = _softly("planned", breathing=strategy.breathing)
        return _practice(key, PLANNED, strategy=strategy.title, minutes=number(plan.minutes))
    if PRACTISED_TODAY.holds(found):
        assert done is not None
        key = _softly("again", breathing=done.breathing)
        return _practice(key, PRACTISED_TODAY, strategy=done.strategy.title)
    if CARD_CHOSEN.holds(found):
        assert found.card is not None
        suggested = found.card.practice
        key = _softly("try", breathing=suggested.kind is StrategyKind.BREATHING)
        return _practice(key, CARD_CHOSEN, strategy=strategy_name(suggested.title))
    return _practice("sit_quietly")


def _softly(key: str, *, breathing: bool) -> str:
    """The text for a strategy: with the reminder where breath is practised."""
    return f"{key}_softly" if breathing else key


def _practice(key: str, rule: Rule[Next] | None = None, **words: object) -> Claim:
    return Claim(
        id=_PRACTICE,
        text_key=f"claims.client.practice.{key}",
        values=words,
        rule=rule.name if rule is not None else ALWAYS,
        audience=Audience.CLIENT,
    )


def beside(found: Sequence[Beside]) -> Iterator[Claim]:
    """Whether the person's own rating went with the signals; nothing where nobody can tell."""
    agree = [each.agree for each in found if each.agree is not None]
    if agree:
        key = "together" if all(agree) else "differed"
        yield Claim(
            id=_BESIDE,
            text_key=f"claims.client.beside.{key}",
            rule="rating_and_signals",
            n=len(agree),
            n_unit="phases",
            audience=Audience.CLIENT,
        )
