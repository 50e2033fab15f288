"""What a report may say of a client's sessions side by side: where alone verdicts are put in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeline.claims.claim import ALWAYS, Audience, Claim, Claims, Rule, Told, Withheld
from pipeline.claims.measures import BETWEEN_DAYS, listed, name
from pipeline.claims.practice import dose_claims, strategy_claims, transfer_claims
from pipeline.figures import number, percent
from pipeline.language import reason
from pipeline.progress.verdicts import REFERENCE_N, Verdict

if TYPE_CHECKING:
    from pipeline.progress.progress import Progress
    from pipeline.progress.standing import MeasureProgress

FEWEST_BASELINES = 3  # on either side, before any verdict

_JACOBSON = "Jacobson & Truax 1991"
_BUCHHEIT = "Buchheit 2014"
_THEIL = "Theil 1950; Sen 1968"
_BARNETT = "Barnett, van der Pols & Dobson 2005"
_CLIENT_CANNOT_TELL = ("why", "health")


def _no_verdict(each: MeasureProgress) -> str | None:
    """The words of a verdict stand only where interval, direction and number of baselines bear it out."""
    if (why := _not_judged(each)) is not None:
        return why
    if not each.verdict.reliable or each.change is None or each.reference is None or each.latest is None:
        return each.reason
    if min(each.reference.n, each.latest.n) < FEWEST_BASELINES:
        return reason("claims.why.few_baselines")
    rose = each.change.value > each.change.none
    borne_out = each.change.excludes_none and rose == (each.verdict is Verdict.HIGHER)
    return None if borne_out else reason("claims.why.includes_none")


def _not_judged(each: MeasureProgress) -> str | None:
    if not each.primary:
        return reason("claims.why.not_chosen")
    judged = each.verdict.reliable or each.verdict is Verdict.NO_CHANGE
    return None if judged and each.change is not None else each.reason


def _no_detectable(each: MeasureProgress) -> str | None:
    return None if each.detectable is not None else each.reason


def _no_trend(each: MeasureProgress) -> str | None:
    known = None not in (each.trend.change, each.trend.low, each.trend.high)
    return None if known else each.trend.reason or reason("claims.why.not_computed")


VERDICT: Rule[MeasureProgress] = Rule("verdict", _no_verdict)
LOOKED: Rule[MeasureProgress] = Rule("looked", _not_judged)
DETECTABLE: Rule[MeasureProgress] = Rule("detectable", _no_detectable)
TREND: Rule[MeasureProgress] = Rule("trend", _no_trend)


def progress_claims(progress: Progress) -> Claims:
    """All sentences of a client's sessions side by side, in the order they are read.

    Topics for the clinician: `restarted`, `verdict` (with the next look, and what differed), `regression`,
    `reliability`, `detectable`, `worthwhile` and `trend` (each by the measure), `transfer` (by area and
    number), `dose`, `strategies` and `alternation` (by number). For the client: `client.verdict` (by primary
    measure), `client.dose`, `client.cannot_tell`.
    """
    return Claims(
        (
            *(claim for each in progress.measures for claim in _measure_claims(each)),
            *transfer_claims(progress.transfer),
            *dose_claims(progress.dose),
            *strategy_claims(progress.strategies),
            *(client_verdict(each) for each in progress.primary),
            *_cannot_tell(),
        )
    )


def _measure_claims(each: MeasureProgress) -> Iterator[Told]:
    if each.restarted is not None:
        yield _plain(each, f"restarted.{each.measure}", "restarted", why=each.restarted)
    verdict = verdict_claim(each)
    yield verdict
    if LOOKED.holds(each) and each.next_due is not None:
        yield _plain(each, f"{verdict.id}.next", "next", n=each.next_due, count=number(each.next_due))
    if each.differed:
        conditions = listed([_condition(name) for name in each.differed])
        yield _plain(each, f"{verdict.id}.differed", "differed", conditions=conditions)
    for place, why in enumerate(each.regression, 1):
        own_id = f"regression.{each.measure}.{place}"
        yield _plain(each, own_id, "regression", source=_BARNETT, why=why)
    yield reliability_claim(each)
    yield detectable_claim(each)
    yield _worthwhile(each)
    yield trend_claim(each)


def _condition(condition: str) -> str:
    """What a condition asked before a session is called."""
    return reason(
        f"claims.{condition}" if condition == "time_of_day" else f"entries.conditions.{condition}.title"
    )


def _plain(
    each: MeasureProgress, own_id: str, key: str, *, n: int | None = None, source: str = "", **words: object
) -> Claim:
    """A sentence on a measure that needs no rule, as there is nothing to say where it does not hold."""
    return Claim(
        id=own_id,
        text_key=f"claims.progress.{key}",
        values={"subject": name(each.measure), **words},
        rule=ALWAYS,
        n=n,
        n_unit="baselines" if n is not None else "",
        source=source,
    )


def verdict_claim(each: MeasureProgress) -> Told:
    """Whether a measure is reliably higher or lower, has not detectably changed, or why nothing is said."""
    own_id, words = f"verdict.{each.measure}", {"subject": name(each.measure)}
    if (why := LOOKED.fails(each)) is not None:
        key = "not_enough" if each.primary else "not_judged"
        return Withheld(
            id=own_id, rule=LOOKED.name, reason=why, text_key=f"claims.progress.verdict.{key}", values=words
        )
    change, effect = each.change, BETWEEN_DAYS[each.scale]
    assert change is not None
    stands = VERDICT.holds(each)
    said = (effect.sizes if stands else effect.texts)(change.value, change.low, change.high)
    key = {Verdict.HIGHER: "higher", Verdict.LOWER: "lower"}[each.verdict] if stands else "no_change"
    if not stands and change.excludes_none and each.bar is not None:
        key, words["bar"] = "below_bar", effect.texts(each.bar, each.bar, each.bar)[0]
    return Claim(
        id=own_id,
        text_key=f"claims.progress.verdict.{key}",
        values={
            **words,
            **dict(zip(("amount", "low", "high"), said, strict=True)),
            "later": number(each.latest.n if each.latest else 0),
            "reference": number(each.reference.n if each.reference else 0),
        },
        rule=(VERDICT if stands else LOOKED).name,
        estimate=effect.convert(change.value),
        low=effect.convert(change.low),
        high=effect.convert(change.high),
        unit=effect.unit,
        n=(each.latest.n if each.latest else 0) + (each.reference.n if each.reference else 0),
        n_unit="baselines",
        source=_JACOBSON,
    )


def reliability_claim(each: MeasureProgress) -> Claim:
    """How much a measure moves from day to day in this person, and from how many baselines that is known."""
    own = each.reliability
    return Claim(
        id=f"reliability.{each.measure}",
        text_key=f"claims.progress.reliability.{'own' if own.sessions else 'literature'}",
        values={
            "subject": name(each.measure),
            "cv": percent(100 * own.cv),
            "low": number(100 * own.low),
            "high": percent(100 * own.high),
            "sessions": number(own.sessions),
        },
        rule=ALWAYS,
        estimate=100 * own.cv,
        low=100 * own.low,
        high=100 * own.high,
        unit="%",
        n=own.sessions,
        n_unit="baselines",
        source=own.source,
    )


def detectable_claim(each: MeasureProgress) -> Told:
    """The change that five later baselines would show against five, and what it would take to halve that."""
    own_id, words = f"detectable.{each.measure}", {"subject": name(each.measure)}
    if (why := DETECTABLE.fails(each)) is not None:
        key = "claims.progress.detectable.unknown"
        return Withheld(id=own_id, rule=DETECTABLE.name, reason=why, text_key=key, values=words)
    assert each.detectable is not None
    effect = BETWEEN_DAYS[each.scale]
    values: dict[str, object] = {
        **words,
        "amount": effect.size(each.detectable),
        "count": number(REFERENCE_N),
    }
    if each.more_to_halve is not None:
        values["more"] = number(each.more_to_halve)
    key = "with_more" if each.more_to_halve is not None else "alone"
    return Claim(
        id=own_id,
        text_key=f"claims.progress.detectable.{'next_' if each.primary else ''}{key}",
        values=values,
        rule=DETECTABLE.name,
        estimate=effect.convert(each.detectable),
        unit=effect.unit,
        n=each.more_to_halve,
        n_unit="baselines" if each.more_to_halve is not None else "",
        source=_JACOBSON,
    )


def _worthwhile(each: MeasureProgress) -> Claim:
    effect = BETWEEN_DAYS[each.scale]
    return Claim(
        id=f"worthwhile.{each.measure}",
        text_key="claims.progress.worthwhile",
        values={"subject": name(each.measure), "amount": effect.size(each.worthwhile)},
        rule=ALWAYS,
        estimate=effect.convert(each.worthwhile),
        unit=effect.unit,
        source=_BUCHHEIT,
    )


def trend_claim(each: MeasureProgress) -> Told:
    """The drift over weeks with its interval: a description, no verdict."""
    own_id, words, trend = f"trend.{each.measure}", {"subject": name(each.measure)}, each.trend
    if (why := TREND.fails(each)) is not None:
        key = "claims.progress.trend.unknown"
        return Withheld(id=own_id, rule=TREND.name, reason=why, text_key=key, values=words)
    assert trend.change is not None
    assert trend.low is not None
    assert trend.high is not None
    effect = BETWEEN_DAYS[trend.scale]
    said = effect.texts(trend.change, trend.low, trend.high)
    return Claim(
        id=own_id,
        text_key="claims.progress.trend.told",
        values={
            **words,
            **dict(zip(("amount", "low", "high"), said, strict=True)),
            "n": number(trend.n),
            "weeks": number(trend.weeks),
        },
        rule=TREND.name,
        estimate=effect.convert(trend.change),
        low=effect.convert(trend.low),
        high=effect.convert(trend.high),
        unit=effect.unit,
        n=trend.n,
        n_unit="baselines",
        source=_THEIL,
    )


def client_verdict(each: MeasureProgress) -> Claim:
    """The same to the client, without a number; where there is too little data, that is nobody's doing."""
    rule = VERDICT if VERDICT.holds(each) else LOOKED if LOOKED.holds(each) else None
    key = {Verdict.HIGHER: "higher", Verdict.LOWER: "lower"}[each.verdict] if rule is VERDICT else "no_change"
    return Claim(
        id=f"client.verdict.{each.measure}",
        text_key=f"claims.client.progress.{key if rule is not None else 'not_enough'}",
        values={"subject": reason(f"claims.client.measures.{each.measure}")},
        rule=rule.name if rule is not None else ALWAYS,
        audience=Audience.CLIENT,
    )


def _cannot_tell() -> Iterator[Claim]:
    for each in _CLIENT_CANNOT_TELL:
        yield Claim(
            id=f"client.cannot_tell.{each}",
            text_key=f"claims.client.cannot_tell.{each}",
            rule=ALWAYS,
            audience=Audience.CLIENT,
        )
