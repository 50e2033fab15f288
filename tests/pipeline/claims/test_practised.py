"""How pacers were followed, what a resonance assessment came to, and what counts as practised."""

from dataclasses import replace

import pytest

from pipeline.breathing.pacing import Adherence, Basis, Outcome
from pipeline.breathing.rate import RespSource
from pipeline.claims.claim import Claim, Withheld
from pipeline.claims.practised import (
    FEWEST_SECONDS,
    PRACTISED,
    RATES_ALIKE,
    named,
    pacing_claim,
    practice_claims,
    practised,
    resonance_claims,
)
from pipeline.guidance.resonance import Assessment, Dated, RateStep, Verdict
from pipeline.guidance.resonance_agreement import Agreement
from pipeline.guidance.resonance_criteria import Criterion
from pipeline.model import Pacer, Phase, PhaseKind
from tests.pipeline.claims.analyses import guided
from tests.pipeline.claims.wording import plain

BREATHING = Adherence(
    Basis.BREATHING, Outcome.FOLLOWED, 6.0, RespSource.BELT, 6.0, near_share=0.84, lock=0.9, cycles=15
)
RHYTHM = Adherence(Basis.HEART_RHYTHM, Outcome.PARTLY, 5.25, rhythm_share=0.4, lock=0.4, cycles=15)


@pytest.mark.parametrize(
    ("pacing", "sentence"),
    [
        pytest.param(
            BREATHING,
            "Breathing followed the pacer in Paced: near 6.0 a minute for 84 % of the time.",
            id="breathing",
        ),
        pytest.param(
            replace(BREATHING, outcome=Outcome.NOT_FOLLOWED, near_share=0.1),
            "Breathing did not follow the pacer in Paced: near 6.0 a minute for 10 % of the time.",
            id="breathing did not",
        ),
        pytest.param(
            RHYTHM,
            "The heart rhythm partly followed the pacer in Paced, at 5.25 a minute; breathing itself was not "
            "measured.",
            id="the heart's rhythm is no breathing",
        ),
        pytest.param(
            Adherence(
                Basis.NONE, Outcome.NOT_ASSESSED, 6.0, reason="there is no signal of breathing or heart"
            ),
            "Whether the pacer was followed in Paced, at 6.0 breaths a minute, is not assessed: there is no "
            "signal "
            "of breathing or heart.",
            id="not assessed",
        ),
    ],
)
def test_how_a_pacer_was_followed(pacing: Adherence, sentence: str) -> None:
    told = pacing_claim("pacing.4", "Paced", pacing)
    assert plain(told.text) == sentence
    assert isinstance(told, Withheld) is (pacing.outcome is Outcome.NOT_ASSESSED)


def _step(rate_bpm: float, agreeing: int = 0) -> RateStep:
    return RateStep(
        rate_bpm, 30.0, 120.0, 9, (), 8.0, 12.0, agreeing, Outcome.FOLLOWED, Basis.BREATHING, "", None
    )


def _assessment(
    verdict: Verdict, best: float | None, alike: tuple[float, ...], reason: str | None = None
) -> Assessment:
    agreement = (
        Agreement(Criterion.SYNCHRONY, (), "no breathing signal"),
        *(Agreement(criterion, (6.0,)) for criterion in list(Criterion)[1:5]),
        Agreement(Criterion.LF_PEAKS, (6.5, 6.0, 5.5), "all rates alike"),
    )
    steps = tuple(_step(rate, 4 if rate == best else 0) for rate in (6.5, 6.0, 5.5))
    return Assessment(Dated("2026-03-01", "r1"), verdict, reason, best, alike, steps, agreement)


class TestResonance:
    def test_a_rate_that_criteria_agree_on(self) -> None:
        told = list(resonance_claims(_assessment(Verdict.AGREED, 6.0, (6.5, 5.5))))
        assert [(each.id, plain(each.text)) for each in told] == [
            (
                "resonance.rate",
                "4 of 4 criteria that tell the rates apart agree on 6.0 breaths a minute today.",
            ),
            ("resonance.alike", "6.5 and 5.5 a minute cannot be told apart from it today."),
            (
                "resonance.synchrony",
                "Heart rate in step with breathing is not assessed: no breathing signal.",
            ),
            (
                "resonance.retest",
                "This is the result of one day. Two of three people had another rate at retest (Capdevila "
                "2021): "
                "re-check before relying on it.",
            ),
        ]
        assert isinstance(told[0], Claim)
        assert (told[0].estimate, told[0].rule, told[0].source) == (
            6.0,
            "criteria_agree",
            "Shaffer & Meehan 2020",
        )

    def test_none_stands_out(self) -> None:
        found = _assessment(
            Verdict.NONE_STANDS_OUT, None, (6.5, 6.0, 5.5), "at most 2 of 4 criteria agree on a rate"
        )
        rate, alike, *_ = resonance_claims(found)
        assert isinstance(rate, Withheld)
        assert rate.text == "No rate stands out today: at most 2 of 4 criteria agree on a rate."
        assert alike.text == "Heart rate moved most at 6.5, 6.0 and 5.5 a minute, which cannot be told apart."

    def test_not_assessed(self) -> None:
        found = _assessment(
            Verdict.NOT_ASSESSED, None, (), "3 rates with usable signal are needed, there are 2 ()"
        )
        rate, *others = resonance_claims(found)
        assert isinstance(rate, Withheld)
        assert rate.text == (
            "Resonance could not be assessed: 3 rates with usable signal are needed, there are 2 (). "
            "This is not something the person did."
        )
        assert "resonance.alike" not in [each.id for each in others]

    def test_another_session_says_nothing_of_it(self) -> None:
        assert list(resonance_claims(None)) == []

    @pytest.mark.parametrize(
        ("best", "alike", "holds"),
        [
            pytest.param(6.0, (5.5,), True, id="one beside the best"),
            pytest.param(6.0, (), False, id="none beside the best"),
            pytest.param(None, (6.0, 5.5), True, id="two, without a best"),
            pytest.param(None, (6.0,), False, id="one, without a best"),
        ],
    )
    def test_rates_alike(self, best: float | None, alike: tuple[float, ...], holds: bool) -> None:
        verdict = Verdict.AGREED if best else Verdict.NONE_STANDS_OUT
        assert RATES_ALIKE.holds(_assessment(verdict, best, alike)) is holds


class TestPractised:
    @pytest.mark.parametrize(
        ("length_s", "holds"),
        [
            pytest.param(FEWEST_SECONDS, True, id="a minute"),
            pytest.param(FEWEST_SECONDS - 0.1, False, id="just under"),
        ],
    )
    def test_a_minute_counts(self, length_s: float, holds: bool) -> None:
        assert (
            PRACTISED.holds(Phase("Practice", PhaseKind.OTHER, 10.0, 10.0 + length_s, "five-senses")) is holds
        )

    @pytest.mark.parametrize(
        ("strategy", "told"),
        [
            pytest.param("five-senses", "Five senses", id="one of the collection"),
            pytest.param("humming", "humming", id="anything else"),
            pytest.param(None, "paced breathing", id="a pacer alone"),
        ],
    )
    def test_what_it_is_called(self, strategy: str | None, told: str) -> None:
        assert named(strategy).title == told

    @pytest.mark.parametrize(
        ("strategy", "breathing"),
        [
            pytest.param("longer-breath-out", True, id="of the breath"),
            pytest.param("five-senses", False, id="of the senses"),
            pytest.param(None, True, id="a pacer alone"),
        ],
    )
    def test_what_works_with_the_breath(self, strategy: str | None, breathing: bool) -> None:
        assert named(strategy).breathing is breathing

    def test_rest_and_challenges_are_no_practice(self) -> None:
        kinds = (PhaseKind.SETTLE, PhaseKind.BASELINE, PhaseKind.STRESSOR, PhaseKind.REFERENCE)
        phases = [Phase(str(kind), kind, 0.0, 120.0, "five-senses") for kind in kinds]
        phases += [
            Phase("Practice", PhaseKind.OTHER, 120.0, 360.0, "five-senses"),
            Phase("Short", PhaseKind.OTHER, 360.0, 390.0, "five-senses"),
            Phase("Paced", PhaseKind.PACED, 390.0, 510.0, pacer=Pacer(6.0)),
        ]
        held = guided().phases[0]
        analysis = replace(guided(), phases=tuple(replace(held, phase=phase) for phase in phases))
        assert [(each.place, each.strategy.title) for each in practised(analysis)] == [
            (5, "Five senses"),
            (6, "Five senses"),
            (7, "paced breathing"),
        ]
        assert [each.text for each in practice_claims(analysis)] == [
            "Five senses was practised in Practice, for 4:00.",
            "Five senses is not counted as practised in Short: it was practised for less than a minute.",
            "Paced breathing was practised in Paced, for 2:00.",
        ]
