"""Sentences across sessions: a verdict's words stand only where all bears it out."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.claims.claim import Audience, Claim, Withheld
from pipeline.claims.progress import (
    VERDICT,
    client_verdict,
    detectable_claim,
    progress_claims,
    reliability_claim,
    trend_claim,
    verdict_claim,
)
from pipeline.language import reason
from pipeline.progress.measures import Scale
from pipeline.progress.progress import Progress
from pipeline.progress.standing import MeasureProgress
from pipeline.progress.strategies import Strategies
from pipeline.progress.transfer import Transfer
from pipeline.progress.trend import Trend
from pipeline.progress.verdicts import Change, Verdict
from tests.pipeline.claims.standings import HIGHER, LATEST, REFERENCE, STEADY, WHY, standing
from tests.pipeline.claims.wording import RELIABLY, checked, plain

LOWER = Change(Scale.LN, 0.7, 0.55, 0.9)
NEW = reason("progress.restarted", origin="H10", before="OH1")
GROWS = reason("claims.why.few_baselines")


@pytest.mark.parametrize(
    ("each", "sentence", "rule"),
    [
        pytest.param(
            standing(),
            "RMSSD at rest is reliably higher: by 40 % (95 % interval 12 to 75 %; later baselines: 5, of "
            "the "
            "reference: 5).",
            "verdict",
            id="higher",
        ),
        pytest.param(
            standing(Verdict.LOWER, LOWER),
            "RMSSD at rest is reliably lower: by 30 % (95 % interval 10 to 45 %; later baselines: 5, of the "
            "reference: 5).",
            "verdict",
            id="lower",
        ),
        pytest.param(
            standing(Verdict.NO_CHANGE, STEADY),
            "No detectable change of RMSSD at rest yet: +5 % (95 % interval −16 to +31 %; later "
            "baselines: 5, of "
            "the reference: 5).",
            "looked",
            id="no detectable change",
        ),
        pytest.param(
            standing(Verdict.NO_CHANGE, HIGHER),
            "No detectable change of RMSSD at rest yet: +40 % (95 % interval +12 to +75 %; later baselines: "
            "5, of the reference: 5). Zero lies outside this interval, but sessions are looked at often, so "
            "the bar for a verdict is higher: +50 %.",
            "looked",
            id="outside the interval and below the bar",
        ),
        pytest.param(
            standing(Verdict.INSUFFICIENT, None, reason=GROWS),
            "Not enough data yet to say whether RMSSD at rest has changed: there are fewer than three "
            "baselines on "
            "either side. This is not something the person did.",
            "looked",
            id="not enough data",
        ),
        pytest.param(
            standing(Verdict.NOT_JUDGED, HIGHER, primary=False),
            "RMSSD at rest is shown without a verdict: it was not chosen beforehand for a verdict.",
            "looked",
            id="not chosen",
        ),
        pytest.param(
            standing(
                measure="scr_per_min",
                scale=Scale.ROOT,
                change=Change(Scale.ROOT, 2.1, 0.4, 4.2),
            ),
            "Skin-response rate at rest is reliably higher: by 2.1 per min (95 % interval 0.4 to 4.2 "
            "per min; "
            "later baselines: 5, of the reference: 5).",
            "verdict",
            id="a difference in the unit",
        ),
    ],
)
def test_a_verdict_is_told_by_rule(each: MeasureProgress, sentence: str, rule: str) -> None:
    told = verdict_claim(each)
    assert plain(told.text) == sentence
    assert told.rule == rule


@pytest.mark.parametrize(
    ("each", "holds"),
    [
        pytest.param(standing(), True, id="all bears it out"),
        pytest.param(standing(change=replace(HIGHER, low=1.0)), False, id="the interval touches no change"),
        pytest.param(standing(change=replace(HIGHER, low=1.001)), True, id="the interval just excludes it"),
        pytest.param(standing(change=LOWER), False, id="the change goes the other way"),
        pytest.param(standing(Verdict.NO_CHANGE), False, id="the look found none"),
        pytest.param(standing(primary=False), False, id="not chosen beforehand"),
        pytest.param(standing(change=None), False, id="no change"),
        pytest.param(standing(reference=None), False, id="no reference"),
        pytest.param(
            standing(reference=replace(REFERENCE, n=3), latest=replace(LATEST, n=3)), True, id="three"
        ),
        pytest.param(standing(latest=replace(LATEST, n=2)), False, id="two later ones"),
        pytest.param(standing(reference=replace(REFERENCE, n=2)), False, id="a reference of two"),
    ],
)
def test_the_rule_of_a_verdict(each: MeasureProgress, holds: bool) -> None:
    assert VERDICT.holds(each) is holds
    assert bool(RELIABLY.search(verdict_claim(each).text)) is holds


@pytest.mark.parametrize(
    ("each", "said"),
    [
        pytest.param(
            standing(),
            "Of late, the beat-to-beat variation of your heart at rest has been higher than at first: a "
            "change "
            "larger than your usual ups and downs.",
            id="higher",
        ),
        pytest.param(
            standing(Verdict.LOWER, LOWER, measure="mean_hr_bpm"),
            "Of late, heart rate at rest has been lower than at first: a change larger than your usual ups "
            "and "
            "downs.",
            id="lower",
        ),
        pytest.param(
            standing(Verdict.NO_CHANGE, STEADY),
            "So far, the beat-to-beat variation of your heart at rest shows no change larger than your "
            "usual ups "
            "and downs.",
            id="no change",
        ),
        pytest.param(
            standing(Verdict.INSUFFICIENT, None),
            "There is not enough data yet to say whether the beat-to-beat variation of your heart at rest "
            "has "
            "changed. This is not something you did.",
            id="not enough",
        ),
        pytest.param(
            standing(change=replace(HIGHER, low=1.0)),
            "So far, the beat-to-beat variation of your heart at rest shows no change larger than your "
            "usual ups "
            "and downs.",
            id="a verdict that is not borne out",
        ),
    ],
)
def test_the_client_reads_it_without_a_number(each: MeasureProgress, said: str) -> None:
    told = client_verdict(each)
    assert (told.text, told.audience) == (said, Audience.CLIENT)


class TestReliability:
    def test_own(self) -> None:
        told = reliability_claim(standing())
        assert plain(told.text) == (
            "RMSSD at rest differs from day to day by some 19 % in this person, without anything having "
            "changed "
            "(95 % interval 13 to 27 %; own baselines: 10)."
        )
        assert (told.n, told.source) == (10, "Example 2000")

    def test_from_the_literature(self) -> None:
        own = replace(standing().reliability, cv=0.21, low=0.12, high=0.35, sessions=0, learned=0.0)
        assert plain(reliability_claim(standing(reliability=own)).text) == (
            "RMSSD at rest is taken to differ from day to day by some 21 % (12 to 35 %) until there are own "
            "baselines."
        )

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            pytest.param(
                {},
                "At the next look, with 5 later baselines against 5, a change of RMSSD at rest of 36 % or "
                "more would stand out; "
                "more baselines that would halve this: 24.",
                id="and what would halve it",
            ),
            pytest.param(
                {"more_to_halve": None},
                "At the next look, with 5 later baselines against 5, a change of RMSSD at rest of 36 % or "
                "more would stand out.",
                id="nothing would halve it",
            ),
            pytest.param(
                {"primary": False, "more_to_halve": None},
                "With 5 later baselines against 5, a change of RMSSD at rest of 36 % or more would stand "
                "out.",
                id="of a measure that is not looked at",
            ),
            pytest.param(
                {"detectable": None},
                "What change of RMSSD at rest would stand out is not known: it was not computed for these "
                "data.",
                id="not known",
            ),
        ],
    )
    def test_detectable(self, changes: dict[str, Any], said: str) -> None:
        assert plain(detectable_claim(standing(**changes)).text) == said


class TestTrend:
    def test_it_describes(self) -> None:
        told = trend_claim(standing())
        assert plain(told.text) == (
            "RMSSD at rest drifted by +10 % in four weeks (95 % interval +2 to +20 %; baselines: 11, over 6 "
            "weeks). "
            "This describes and is no verdict."
        )
        assert (told.id, told.rule) == ("trend.ln_rmssd", "trend")

    @pytest.mark.parametrize(
        ("trend", "why"),
        [
            pytest.param(Trend(Scale.LN, None, reason=GROWS), GROWS, id="too few"),
            pytest.param(Trend(Scale.LN, 1.1), WHY, id="no interval"),
        ],
    )
    def test_it_is_withheld(self, trend: Trend, why: str) -> None:
        told = trend_claim(standing(trend=trend))
        assert isinstance(told, Withheld)
        assert told.text == f"A drift of RMSSD at rest is not estimable: {why}."


def _progress(*measures: MeasureProgress) -> Progress:
    return Progress(
        client="a-014",
        simulated=False,
        sessions=11,
        first="2026-01-01",
        last="2026-02-16",
        measures=measures,
        transfer=Transfer(),
        dose=(),
        strategies=Strategies(),
        alternation=None,
    )


class TestProgressClaims:
    def test_topics_in_the_order_they_are_read(self) -> None:
        measure = standing(regression=(GROWS,), differed=("caffeine", "time_of_day"), restarted=NEW)
        claims = checked(progress_claims(_progress(measure)))
        assert [each.id for each in claims.told] == [
            "restarted.ln_rmssd",
            "verdict.ln_rmssd",
            "verdict.ln_rmssd.next",
            "verdict.ln_rmssd.differed",
            "regression.ln_rmssd.1",
            "reliability.ln_rmssd",
            "detectable.ln_rmssd",
            "worthwhile.ln_rmssd",
            "trend.ln_rmssd",
            "dose.total",
            "client.verdict.ln_rmssd",
            "client.cannot_tell.why",
            "client.cannot_tell.health",
        ]

    @pytest.mark.parametrize(
        ("name", "said"),
        [
            pytest.param(
                "regression.ln_rmssd.1",
                "A part of the change of RMSSD at rest may be a return to what is usual for the person: "
                "there are "
                "fewer than three baselines on either side.",
                id="regression to the mean",
            ),
            pytest.param(
                "restarted.ln_rmssd",
                "For RMSSD at rest, the reference began anew: baselines now come from H10, earlier ones from "
                "OH1.",
                id="a new reference",
            ),
            pytest.param(
                "verdict.ln_rmssd.next",
                "Baselines needed before the next look at RMSSD at rest: 5.",
                id="the next look",
            ),
            pytest.param(
                "verdict.ln_rmssd.differed",
                "Not alike when the reference of RMSSD at rest and the latest baselines were taken: "
                "Caffeine and "
                "Time of day.",
                id="what differed",
            ),
            pytest.param(
                "worthwhile.ln_rmssd",
                "The smallest worthwhile change of RMSSD at rest is 9 %: half of the person's own ups and "
                "downs.",
                id="the smallest worthwhile change",
            ),
        ],
    )
    def test_sentences_beside_a_verdict(self, name: str, said: str) -> None:
        measure = standing(regression=(GROWS,), differed=("caffeine", "time_of_day"), restarted=NEW)
        told = progress_claims(_progress(measure)).find(name)
        assert told is not None
        assert plain(told.text) == said

    def test_what_is_not_primary_has_nothing_for_the_client(self) -> None:
        claims = progress_claims(_progress(standing(Verdict.NOT_JUDGED, primary=False)))
        assert claims.about("client.verdict") == ()


@st.composite
def _standings(draw: st.DrawFn) -> MeasureProgress:
    """Any measure over sessions, also what no look would come to."""
    measure, scale = draw(
        st.sampled_from(
            [
                ("ln_rmssd", Scale.LN),
                ("mean_hr_bpm", Scale.LN),
                ("ln_scl", Scale.LN),
                ("scr_per_min", Scale.ROOT),
            ]
        )
    )
    three = sorted(draw(st.lists(st.floats(0.01, 9.0), min_size=3, max_size=3)))
    change = Change(scale, three[1], three[0], three[2])
    return standing(
        draw(st.sampled_from(list(Verdict))),
        draw(st.sampled_from([change, None])),
        measure=measure,
        scale=scale,
        primary=draw(st.booleans()),
        reference=draw(st.sampled_from([None, REFERENCE, replace(REFERENCE, n=2)])),
        latest=draw(st.sampled_from([None, LATEST, replace(LATEST, n=2)])),
        detectable=draw(st.sampled_from([None, 1.36])),
        more_to_halve=draw(st.sampled_from([None, 0, 12])),
        next_due=draw(st.sampled_from([None, 1, 5])),
    )


@given(_standings())
def test_any_progress_keeps_to_the_wording(each: MeasureProgress) -> None:
    claims = checked(progress_claims(_progress(each)))
    for told in claims.told:
        if isinstance(told, Claim) and told.rule == "verdict":
            assert each.change is not None
            assert each.primary
            assert each.verdict.reliable
            assert each.change.excludes_none
