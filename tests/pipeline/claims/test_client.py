"""What a client reads: one sentence, one practice, and what none of it can tell."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from pipeline.breathing.pacing import Adherence, Basis, Outcome
from pipeline.claims.claim import Audience
from pipeline.claims.client import (
    FEWEST_USABLE,
    HALF,
    READABLE,
    SETTLED,
    Next,
    Today,
    beside,
    client_claims,
    distressed,
    next_practice,
    sentence,
)
from pipeline.claims.practised import Named, Practised
from pipeline.claims.reactions import Reacted
from pipeline.language import reason
from pipeline.model import Marker, Pacer, Phase, PhaseKind, Rating
from pipeline.profile import PracticePlan, Profile, Screening
from pipeline.regulation.reactivity import Reactivity
from pipeline.regulation.recovery import Recovery
from pipeline.regulation.self_report import Beside
from tests.pipeline.claims.analyses import guided
from tests.pipeline.claims.wording import NUMBER

BASELINE = Phase(reason("phase_names.baseline"), PhaseKind.BASELINE, 0.0, 180.0)
CHALLENGE = Phase(reason("phase_names.challenge"), PhaseKind.STRESSOR, 180.0, 360.0)
RECOVERY = reason("phase_names.recovery")
RISE, FALL, STEADY = (13.0, 11.0, 15.0), (-5.0, -7.0, -3.0), (1.0, -1.0, 3.0)
SKIN_RISE = (0.3, 0.2, 0.4)
FOLLOWED = Adherence(Basis.BREATHING, Outcome.FOLLOWED, 6.0, near_share=0.9)


def _reacted(
    change: tuple[float, float, float],
    left: tuple[float, float, float] | None = None,
    measure: str = "mean_hr_bpm",
    quality: float = 0.9,
) -> Reacted:
    return Reacted(
        place=1,
        measure=measure,
        subject=measure,
        challenge=CHALLENGE,
        baseline=BASELINE,
        reaction=Reactivity(measure, BASELINE.name, CHALLENGE.name, 180.0, *change, 12),
        after=Recovery(measure, CHALLENGE.name, 180.0, RECOVERY, *left, blocks=4) if left else None,
        quality=quality,
    )


def _of_ones_own(each: Reacted) -> Reacted:
    """The same in a protocol of one's own, whose phases are called Sofa, Speech and Tea."""
    assert each.reaction is not None
    return replace(
        each,
        challenge=replace(each.challenge, name="Speech"),
        reaction=replace(each.reaction, baseline="Sofa", challenge="Speech"),
        after=replace(each.after, challenge="Speech", recovery="Tea") if each.after is not None else None,
    )


def _today(*first: Reacted, pacing: tuple[Adherence, ...] = (), usable: float = 0.9) -> Today:
    return Today(first, pacing, usable)


@pytest.mark.parametrize(
    ("today", "said"),
    [
        pytest.param(
            _today(_reacted(RISE, (0.1, -0.1, 0.3))),
            "Your heart beat faster during the mental arithmetic, and by the end of the rest after it most "
            "of that had gone again.",
            id="rose and settled",
        ),
        pytest.param(
            _today(_reacted(RISE, (0.6, 0.4, 0.8))),
            "Your heart beat faster during the mental arithmetic than while you sat quietly before it, as "
            "hearts do when something asks for effort.",
            id="rose",
        ),
        pytest.param(
            _today(_reacted(FALL, (0.1, -0.1, 0.3))),
            "Your heart beat more slowly during the mental arithmetic, and by the end of the rest after it "
            "most of that had gone again.",
            id="fell and came back",
        ),
        pytest.param(
            _today(_reacted(FALL)),
            "Your heart beat more slowly during the mental arithmetic than while you sat quietly before it. "
            "That happens, too, and is neither good nor bad.",
            id="fell",
        ),
        pytest.param(
            _today(_reacted(STEADY)),
            "Your heartbeat showed no change during the mental arithmetic that stood out from its usual ups "
            "and downs. That is neither good nor bad.",
            id="no change",
        ),
        pytest.param(
            _today(_reacted(RISE, quality=0.2), _reacted((0.3, 0.2, 0.4), (0.1, 0.0, 0.2), "ln_scl")),
            "Your skin's conductance rose during the mental arithmetic, and by the end of the rest after it "
            "most of that had gone again.",
            id="the skin where the heart was not clear",
        ),
        pytest.param(
            _today(_reacted(STEADY, measure="ln_scl")),
            "Your skin's conductance showed no change during the mental arithmetic that stood out from its "
            "usual ups and downs. That is neither good nor bad.",
            id="skin without a change",
        ),
        pytest.param(
            _today(_of_ones_own(_reacted(RISE, (0.1, -0.1, 0.3)))),
            "Your heart beat faster during “Speech”, and by the end of “Tea” most of that had gone again.",
            id="phases of one's own",
        ),
        pytest.param(
            _today(_of_ones_own(_reacted(FALL))),
            "Your heart beat more slowly during “Speech” than during “Sofa”. That happens, too, and is "
            "neither good nor bad.",
            id="a baseline of one's own",
        ),
        pytest.param(
            _today(pacing=(FOLLOWED,)),
            "Your breathing or your heart's rhythm went with the pacer today.",
            id="paced",
        ),
        pytest.param(
            _today(pacing=(replace(FOLLOWED, outcome=Outcome.PARTLY),)),
            "You took time for this today, and your signals could be read.",
            id="partly paced",
        ),
        pytest.param(
            _today(usable=0.3),
            "What your body did cannot be told from today's signals alone. This is not something you did.",
            id="too little signal",
        ),
        pytest.param(
            _today(_reacted(RISE, quality=0.2), usable=0.2),
            "What your body did cannot be told from today's signals alone. This is not something you did.",
            id="a challenge without clear signal",
        ),
    ],
)
def test_the_one_sentence(today: Today, said: str) -> None:
    told = sentence(today)
    assert told.text == said
    assert (told.id, told.audience) == ("client.sentence", Audience.CLIENT)


@pytest.mark.parametrize(
    ("first", "leads"),
    [
        pytest.param((STEADY, SKIN_RISE), "ln_scl", id="a steady heart before a skin that stands out"),
        pytest.param((RISE, SKIN_RISE), "mean_hr_bpm", id="both stand out: the heart"),
        pytest.param((STEADY, STEADY), "mean_hr_bpm", id="neither does: the heart"),
    ],
)
def test_it_is_about_the_first_that_stands_out_as_the_picture_is(
    first: tuple[tuple[float, float, float], ...], leads: str
) -> None:
    heart, skin = first
    leading = _today(_reacted(heart), _reacted(skin, measure="ln_scl")).leading
    assert leading is not None
    assert leading.measure == leads


@pytest.mark.parametrize(
    ("each", "rule", "rests_on"),
    [
        pytest.param(
            _reacted(RISE, (0.1, -0.1, 0.3)),
            "most_has_gone",
            (10.0, -10.0, 30.0, "%", 16),
            id="what was left",
        ),
        pytest.param(_reacted(RISE), "stands_out", (13.0, 11.0, 15.0, "bpm", 12), id="the change"),
        pytest.param(_reacted(STEADY), "estimable", (1.0, -1.0, 3.0, "bpm", 12), id="no change"),
    ],
)
def test_it_carries_what_its_rule_rests_on(each: Reacted, rule: str, rests_on: tuple[object, ...]) -> None:
    told = sentence(_today(each))
    assert (told.estimate, told.low, told.high, told.unit, told.n) == rests_on
    assert (told.rule, told.n_unit) == (rule, "blocks")


class TestRules:
    @pytest.mark.parametrize(
        ("high", "holds"),
        [pytest.param(HALF - 0.001, True, id="under a half"), pytest.param(HALF, False, id="a half")],
    )
    def test_most_has_gone(self, high: float, holds: bool) -> None:
        assert SETTLED.holds(_today(_reacted(RISE, (0.1, -0.1, high)))) is holds

    @pytest.mark.parametrize(
        ("usable", "holds"),
        [
            pytest.param(FEWEST_USABLE, True, id="half of it"),
            pytest.param(FEWEST_USABLE - 0.001, False, id="just less"),
        ],
    )
    def test_half_usable(self, usable: float, holds: bool) -> None:
        assert READABLE.holds(_today(usable=usable)) is holds

    @pytest.mark.parametrize(
        ("quality", "leads"),
        [
            pytest.param(FEWEST_USABLE, "mean_hr_bpm", id="half of the heart"),
            pytest.param(FEWEST_USABLE - 0.001, "ln_scl", id="just less"),
        ],
    )
    def test_the_heart_leads_where_half_of_it_is_usable(self, quality: float, leads: str) -> None:
        leading = _today(_reacted(RISE, quality=quality), _reacted(RISE, measure="ln_scl")).leading
        assert leading is not None
        assert leading.measure == leads


@pytest.mark.parametrize(
    ("values", "holds"),
    [
        pytest.param((), False, id="not rated"),
        pytest.param((2.0, 4.9), False, id="rose by less than three"),
        pytest.param((2.0, 5.0), True, id="rose by three"),
        pytest.param((7.9,), False, id="just under eight"),
        pytest.param((8.0,), True, id="eight at once"),
        pytest.param((8.0, 3.0), True, id="came down again"),
    ],
)
def test_distress(values: tuple[float, ...], holds: bool) -> None:
    ratings = [Rating(float(place), "distress", value) for place, value in enumerate(values)]
    assert distressed([*ratings, Rating(99.0, "calm", 10.0)]) is holds


PLAN = PracticePlan(3, 5, "slow-breathing", "2026-03-01")
DONE = Practised(4, Phase("Practice", PhaseKind.OTHER, 0.0, 240.0, "five-senses"), Named("Five senses"))
PACED = Practised(
    4, Phase("Paced", PhaseKind.PACED, 0.0, 240.0, pacer=Pacer(6.0)), Named("Slow, soft breathing")
)


def _next(**changes: Any) -> Next:
    facts: dict[str, Any] = {
        "profile": Profile(),
        "comfortable": True,
        "gently": False,
        "practised": None,
        "card": None,
    }
    return Next(**(facts | changes))


@pytest.mark.parametrize(
    ("found", "said", "rule"),
    [
        pytest.param(
            _next(
                profile=Profile(next_step="three minutes before work.", practice_plan=PLAN), practised=DONE
            ),
            "As agreed on: three minutes before work.",
            "step_agreed",
            id="what was agreed on",
        ),
        pytest.param(
            _next(profile=Profile(practice_plan=PLAN), practised=DONE),
            "As agreed on: Slow, soft breathing, 5 minutes each time. Smaller and softer, not deeper.",
            "planned",
            id="the plan",
        ),
        pytest.param(
            _next(profile=Profile(practice_plan=replace(PLAN, strategy=None)), practised=DONE),
            "Five senses again, for a few minutes, at a moment that suits you.",
            "practised_today",
            id="what was practised today",
        ),
        pytest.param(
            _next(practised=PACED),
            "Slow, soft breathing again, for a few minutes, at a moment that suits you. Smaller and softer, "
            "not "
            "deeper.",
            "practised_today",
            id="paced breathing is asked for softly",
        ),
        pytest.param(
            _next(gently=True, practised=DONE),
            "Five senses again, for a few minutes, at a moment that suits you.",
            "practised_today",
            id="gently, and no breathing",
        ),
        pytest.param(
            _next(gently=True, practised=PACED),
            "Sit quietly for a few minutes, eyes open, at a moment that suits you.",
            "always",
            id="gently: breathing alone only after a word",
        ),
        pytest.param(
            _next(),
            "Sit quietly for a few minutes, eyes open, at a moment that suits you.",
            "always",
            id="nothing known",
        ),
        pytest.param(
            _next(comfortable=False, profile=Profile(next_step="more of it"), practised=PACED),
            "Before you practise again, talk with your practitioner about how today felt.",
            "was_hard",
            id="after a hard session",
        ),
    ],
)
def test_the_one_practice(found: Next, said: str, rule: str) -> None:
    told = next_practice(found)
    assert (told.text, told.rule, told.id) == (said, rule, "client.practice")


@dataclass(frozen=True)
class _Known:
    profile: Profile = field(default_factory=Profile)
    card: None = None


@pytest.mark.parametrize(
    ("changes", "comfortable"),
    [
        pytest.param({}, True, id="as it went"),
        pytest.param({"markers": (Marker(300.0, "safety", "unwell"),)}, False, id="stopped"),
        pytest.param({"ratings": (Rating(170.0, "distress", 9.0),)}, False, id="high distress"),
    ],
)
def test_a_hard_session_is_known_by_its_markers_and_ratings(
    changes: dict[str, Any], comfortable: bool
) -> None:
    calm = replace(guided().recording, ratings=())
    analysis = replace(guided(), recording=replace(calm, **changes))
    assert Next.of(analysis, _Known()).comfortable is comfortable


@pytest.mark.parametrize(
    ("conditions", "answers", "gently"),
    [
        pytest.param({}, None, False, id="not asked"),
        pytest.param({"asthma-or-copd": "no"}, {"pacemaker": True}, False, id="nothing that asks for it"),
        pytest.param({"asthma-or-copd": "yes"}, None, True, id="said today"),
        pytest.param({}, {"pregnancy": True}, True, id="said before"),
    ],
)
def test_gently_where_an_answer_asks_for_it(
    conditions: dict[str, str], answers: dict[str, bool] | None, gently: bool
) -> None:
    analysis = replace(guided(), recording=replace(guided().recording, conditions=conditions))
    profile = Profile(screening=Screening(answers, "2026-03-01") if answers else None)
    assert Next.of(analysis, _Known(profile)).gently is gently


@pytest.mark.parametrize(
    ("agree", "said"),
    [
        pytest.param(
            (True, True), ["Your own rating and the signals went the same way today."], id="together"
        ),
        pytest.param(
            (True, False, None),
            ["Your own rating and the signals differed today: both are information."],
            id="differed once",
        ),
        pytest.param((None,), [], id="nobody can tell"),
        pytest.param((), [], id="not rated"),
    ],
)
def test_the_rating_beside_the_signals(agree: tuple[bool | None, ...], said: list[str]) -> None:
    found = [Beside("Challenge", 180.0, 3.0, 5.0, 60.0, each) for each in agree]
    assert [each.text for each in beside(found)] == said


def test_a_client_reads_no_number_of_theirs_and_all_that_cannot_be_told() -> None:
    told = list(client_claims(guided(), None))
    assert [each.id for each in told if each.id != "client.beside"] == [
        "client.sentence",
        "client.practice",
        "client.cannot_tell.one_session",
        "client.cannot_tell.feelings",
        "client.cannot_tell.health",
    ]
    assert all(each.audience is Audience.CLIENT for each in told)
    assert not any(NUMBER.search(each.text) for each in told)
