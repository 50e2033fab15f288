"""What could be used of the signals, the levels they had at rest, and the person's own rating beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pipeline.claims.claim import Claim, Rule, Told, Withheld
from pipeline.claims.measures import LEVELS, Level, name
from pipeline.claims.reactions import measures, quality_of
from pipeline.figures import NONE, clock, number, percent, share, shortest
from pipeline.language import reason
from pipeline.regulation.estimates import Estimate, rests_on
from pipeline.regulation.near_baseline import BAND, NearBaseline
from pipeline.regulation.phases import baseline_of
from pipeline.regulation.self_report import Beside

if TYPE_CHECKING:
    from pipeline.analysis import Analysis

LOW_COVERAGE = 0.8

_SIGNALS = {"heart": "beats", "skin": "eda"}


def _not_recorded(coverage: float | None) -> str | None:
    return reason("claims.why.not_recorded") if coverage is None else None


def _enough(shares: Sequence[float]) -> str | None:
    return None if any(each < LOW_COVERAGE for each in shares) else reason("claims.why.enough_usable")


def _no_value(found: Estimate) -> str | None:
    return None if found.value is not None else found.reason or reason("claims.why.not_computed")


def _no_share(found: NearBaseline) -> str | None:
    return None if found.share is not None else found.reason or reason("claims.why.not_computed")


def _not_compared(found: Beside) -> str | None:
    return None if found.agree is not None else reason("claims.why.nothing_beside")


RECORDED: Rule[float | None] = Rule("recorded", _not_recorded)
LITTLE_USABLE: Rule[Sequence[float]] = Rule("little_usable", _enough)
LEVEL_KNOWN: Rule[Estimate] = Rule("level_known", _no_value)
SHARE_KNOWN: Rule[NearBaseline] = Rule("near_known", _no_share)
COMPARED: Rule[Beside] = Rule("rating_and_signals", _not_compared)


def usable_claims(analysis: Analysis) -> Iterator[Told]:
    """All of `usable`: how much of the session each signal covers, and a call for care if that is little."""
    known = []
    for signal, key in _SIGNALS.items():
        part = analysis.quality.get(key)
        coverage = float(part["coverage"]) if part else None
        own_id = f"usable.{signal}"
        if coverage is None:
            key, why = f"claims.session.no_{signal}", reason("claims.why.not_recorded")
            yield Withheld(id=own_id, rule=RECORDED.name, reason=why, text_key=key)
            continue
        known.append(coverage)
        yield Claim(
            id=own_id,
            text_key=f"claims.session.usable_{signal}",
            values={"share": share(coverage)},
            rule=RECORDED.name,
            estimate=100 * coverage,
            unit="%",
            quality=coverage,
        )
    if LITTLE_USABLE.holds(known):
        yield Claim(
            id="usable.care", text_key="claims.session.care", rule=LITTLE_USABLE.name, quality=min(known)
        )


def level_claims(analysis: Analysis) -> Iterator[Told]:
    """All of `levels`: each measure of the unpaced baseline, or where there is none, of the whole session."""
    baseline = baseline_of([each.phase for each in analysis.phases])
    found = {
        each.measure: each
        for each in analysis.estimates
        if baseline is not None and (each.phase, each.start_s) == (baseline.name, baseline.start_s)
    }
    for measure in measures(analysis):
        estimate = found.get(measure) if baseline is not None else _over_all(analysis, measure)
        if estimate is not None:
            pulse = analysis.recording.beat_source == "pp"
            yield level_claim(LEVELS[measure], estimate, quality_of(analysis, measure), pulse=pulse)


def _over_all(analysis: Analysis, measure: str) -> Estimate:
    """The whole session as one estimate, without an interval."""
    key = LEVELS[measure].quantity.key
    value = analysis.whole.number(key)
    n, unit = rests_on(measure, analysis.whole)
    return Estimate(key, "", 0.0, value, n=n, n_unit=unit, reason=analysis.whole.null_reasons.get(key))


def level_claim(level: Level, estimate: Estimate, quality: float | None, *, pulse: bool = False) -> Told:
    """A measure's level and its interval, if it has one; without a phase it is the whole session's."""
    own_id, shown = f"levels.{level.measure}", estimate.shown
    words: dict[str, object] = {"subject": name(level.measure, pulse=pulse), "phase": estimate.phase}
    place = "in_phase" if estimate.phase else "over_all"
    if (why := LEVEL_KNOWN.fails(estimate)) is not None:
        key = f"claims.session.level_not_estimable.{place}"
        return Withheld(id=own_id, rule=LEVEL_KNOWN.name, reason=why, text_key=key, values=words)
    assert shown.value is not None
    words["level"] = level.told(shown.value)
    if shown.low is not None and shown.high is not None:
        words |= {"low": level.quantity.text(shown.low), "high": level.told(shown.high)}
        place = "with_interval"
    return Claim(
        id=own_id,
        text_key=f"claims.session.level.{place}",
        values=words,
        rule=LEVEL_KNOWN.name,
        estimate=shown.value,
        low=shown.low,
        high=shown.high,
        unit=level.quantity.unit,
        n=estimate.n or None,
        n_unit=str(estimate.n_unit) if estimate.n else "",
        quality=quality,
    )


def near_claim(place: int, found: NearBaseline) -> Told:
    """How much of a phase's valid time was near the person's own baseline, or why that cannot be said."""
    own_id, words = f"near_baseline.{place}", {"phase": found.phase}
    if (why := SHARE_KNOWN.fails(found)) is not None:
        key = "claims.session.near_not_estimable"
        return Withheld(id=own_id, rule=SHARE_KNOWN.name, reason=why, text_key=key, values=words)
    assert found.share is not None
    return Claim(
        id=own_id,
        text_key="claims.session.near",
        values={
            **words,
            "share": percent(100 * found.share),
            "length": clock(found.valid_s),
            "low": number(BAND[0]),
            "high": number(BAND[1]),
        },
        rule=SHARE_KNOWN.name,
        estimate=100 * found.share,
        unit="%",
        n=round(found.valid_s),
        n_unit="seconds",
    )


def beside_claim(place: int, found: Beside) -> Told:
    """Whether rating and signals went the same way in a phase; that they differ is no error of either."""
    own_id = f"beside.{place}"
    words: dict[str, object] = {"phase": found.phase, "rating": rating(found.distress_last)}
    if (why := COMPARED.fails(found)) is not None:
        key = "claims.session.beside.not_compared"
        return Withheld(id=own_id, rule=COMPARED.name, reason=why, text_key=key, values=words)
    assert found.arousal is not None
    words["arousal"] = number(found.arousal)
    return Claim(
        id=own_id,
        text_key=f"claims.session.beside.{'together' if found.agree else 'differed'}",
        values=words,
        rule=COMPARED.name,
        estimate=found.distress_last,
    )


def rating(value: float | None) -> str:
    """A rating of 0 to 10 as it was given."""
    return shortest(value) if value is not None else NONE


def _places(analysis: Analysis) -> dict[tuple[str, float], int]:
    """The number of each phase, from 1, by name and beginning."""
    return {(each.phase.name, each.phase.start_s): place for place, each in enumerate(analysis.phases, 1)}


def near_claims(analysis: Analysis) -> Iterator[Told]:
    """All of `near_baseline`: of the unpaced phases after the baseline."""
    places, paced = _places(analysis), {each.phase.start_s for each in analysis.phases if each.phase.paced}
    baseline = baseline_of([each.phase for each in analysis.phases])
    for found in analysis.near_baseline:
        after = baseline is None or found.start_s > baseline.start_s
        if after and found.start_s not in paced:
            yield near_claim(places[found.phase, found.start_s], found)


def beside_claims(analysis: Analysis) -> Iterator[Told]:
    """All of `beside`: each phase that distress was rated in, but for the baseline itself."""
    places = _places(analysis)
    baseline = baseline_of([each.phase for each in analysis.phases])
    for found in analysis.beside:
        if baseline is None or found.start_s != baseline.start_s:
            yield beside_claim(places[found.phase, found.start_s], found)
