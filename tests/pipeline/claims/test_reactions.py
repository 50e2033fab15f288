"""What a challenge did and what was left of it: sentences by rule, from known numbers."""

from dataclasses import replace

import pytest

from pipeline.claims.claim import Claim, Told, Withheld
from pipeline.claims.measures import name
from pipeline.claims.reactions import (
    BACK_AT_BASELINE,
    CURVE_FITTED,
    ESTIMABLE,
    SHARE_ESTIMABLE,
    STANDS_OUT,
    Left,
    Reacted,
    Returned,
    early,
    half_time_claim,
    late,
    reaction_claim,
    share_claim,
)
from pipeline.model import Pacer, Phase, PhaseKind
from pipeline.regulation.curves import Curve
from pipeline.regulation.reactivity import Reactivity
from pipeline.regulation.recovery import WIDEST_SHARE, Recovery, Share
from tests.pipeline.claims.wording import plain

HEART, SKIN, RESPONSES = "mean_hr_bpm", "ln_scl", "scr_per_min"
BASELINE = Phase("Baseline", PhaseKind.BASELINE, 0.0, 180.0)
CHALLENGE = Phase("Challenge", PhaseKind.STRESSOR, 180.0, 360.0)
RISE = (13.2, 10.9, 15.4)


def _reacted(
    change: tuple[float, float, float] | None = RISE,
    left: tuple[float, float, float] | str | None = None,
    first: tuple[float, float, float] | str | None = None,
    measure: str = HEART,
    **changes: object,
) -> Reacted:
    """A reaction of a challenge that followed a baseline; `left` late and `first` early, or why not."""
    reaction = (
        Reactivity(measure, "Baseline", "Challenge", 180.0, *change, 12)
        if change is not None
        else Reactivity(
            measure, "Baseline", "Challenge", 180.0, None, reason="too little usable signal in Baseline"
        )
    )
    after = None
    if left is not None or first is not None:
        late_, early_ = _share(left), _share(first)
        after = Recovery(
            measure,
            "Challenge",
            180.0,
            "Recovery",
            late_.left,
            late_.low,
            late_.high,
            late_.reason,
            early_,
        )
    facts: dict[str, object] = {
        "place": 1,
        "measure": measure,
        "subject": name(measure),
        "challenge": CHALLENGE,
        "baseline": BASELINE,
        "reaction": reaction,
        "after": after,
        "quality": 0.97,
    }
    return Reacted(**(facts | changes))  # type: ignore[arg-type]  # facts of a test


def _share(found: tuple[float, float, float] | str | None) -> Share:
    if isinstance(found, tuple):
        return Share(*found)
    return Share(None, reason=found or "unknown")


def _said(told: Told) -> str:
    return plain(told.text)


@pytest.mark.parametrize(
    ("each", "sentence"),
    [
        pytest.param(
            _reacted(),
            "Heart rate rose by 13.2 bpm in Challenge (95 % interval 10.9 to 15.4 bpm, against Baseline).",
            id="rose",
        ),
        pytest.param(
            _reacted((-4.26, -6.0, -2.0)),
            "Heart rate fell by 4.3 bpm in Challenge (95 % interval 2.0 to 6.0 bpm, against Baseline).",
            id="fell",
        ),
        pytest.param(
            _reacted((1.24, -1.0, 3.48)),
            "No detectable change of heart rate in Challenge: +1.2 bpm against Baseline "
            "(95 % interval −1.0 to +3.5 bpm).",
            id="no detectable change",
        ),
        pytest.param(
            _reacted((0.2151, 0.1655, 0.2624), measure=SKIN),
            "Skin conductance level rose by 24 % in Challenge (95 % interval 18 to 30 %, against Baseline).",
            id="a ratio in percent",
        ),
        pytest.param(
            _reacted((-0.2231, -0.3567, -0.1054), measure=SKIN),
            "Skin conductance level fell by 20 % in Challenge (95 % interval 10 to 30 %, against Baseline).",
            id="a falling ratio",
        ),
        pytest.param(
            _reacted((3.0, 1.0, 5.0), measure=RESPONSES),
            "Skin-response rate rose by 3.0 per min in Challenge (95 % interval 1.0 to 5.0 per min, "
            "against Baseline).",
            id="responses",
        ),
        pytest.param(
            _reacted(None),
            "A change of heart rate in Challenge is not estimable: too little usable signal in Baseline.",
            id="not estimable",
        ),
        pytest.param(
            _reacted(baseline=None, reaction=None),
            "A change of heart rate in Challenge is not estimable: there is no baseline phase to hold it "
            "against.",
            id="no baseline",
        ),
        pytest.param(
            _reacted(challenge=replace(CHALLENGE, pacer=Pacer(6.0)), reaction=None),
            "A change of heart rate in Challenge is not estimable: breathing was paced in it.",
            id="paced",
        ),
        pytest.param(
            _reacted(reaction=None),
            "A change of heart rate in Challenge is not estimable: it was not computed for these data.",
            id="not computed",
        ),
    ],
)
def test_a_change_is_told_by_rule(each: Reacted, sentence: str) -> None:
    assert _said(reaction_claim(each)) == sentence


@pytest.mark.parametrize(
    ("each", "sentence"),
    [
        pytest.param(
            _reacted(left=(0.12, -0.08, 0.31)),
            "12 % of the rise of heart rate in Challenge was left in the last two minutes of Recovery "
            "(95 % interval −8 to 31 %).",
            id="settled",
        ),
        pytest.param(
            _reacted((-4.26, -6.0, -2.0), left=(0.5, 0.3, 0.72)),
            "50 % of the fall of heart rate in Challenge was left in the last two minutes of Recovery "
            "(95 % interval 30 to 72 %).",
            id="half of a fall",
        ),
        pytest.param(
            _reacted(left=(-0.2, -0.35, -0.04)),
            "Nothing of the rise of heart rate in Challenge was left in the last two minutes of Recovery, "
            "when it lay below Baseline (−20 %, 95 % interval −35 to −4 %).",
            id="below baseline",
        ),
        pytest.param(
            _reacted((-4.26, -6.0, -2.0), left=(-0.2, -0.35, -0.04)),
            "Nothing of the fall of heart rate in Challenge was left in the last two minutes of Recovery, "
            "when it lay above Baseline (−20 %, 95 % interval −35 to −4 %).",
            id="above baseline",
        ),
        pytest.param(
            _reacted(left=(-0.2, -0.5, 0.1)),
            "By the estimate, nothing of the rise of heart rate in Challenge was left in the last two "
            "minutes of Recovery (−20 %, 95 % interval −50 to 10 %).",
            id="about at baseline",
        ),
        pytest.param(
            _reacted(left=(1.1, 0.7, 1.5)),
            "110 % of the rise of heart rate in Challenge was left in the last two minutes of Recovery "
            "(95 % interval 70 to 150 %).",
            id="about as in the challenge",
        ),
        pytest.param(
            _reacted(left=(1.31, 1.1, 1.6)),
            "After its rise in Challenge, heart rate was higher still in the last two minutes of Recovery "
            "(131 % of that rise, 95 % interval 110 to 160 %).",
            id="went on rising",
        ),
        pytest.param(
            _reacted(left="too little usable signal at the end of recovery"),
            "How much of a change of heart rate in Challenge was left at the end of recovery is not "
            "estimable: "
            "too little usable signal at the end of recovery.",
            id="too little signal",
        ),
        pytest.param(
            _reacted((1.24, -1.0, 3.48), left=(0.5, 0.4, 0.6)),
            "How much of a change of heart rate in Challenge was left at the end of recovery is not "
            "estimable: "
            "the interval includes no change.",
            id="nothing that could be left",
        ),
        pytest.param(
            _reacted(),
            "How much of a change of heart rate in Challenge was left at the end of recovery is not "
            "estimable: "
            "no recovery phase follows the challenge.",
            id="no recovery",
        ),
    ],
)
def test_what_was_left_is_told_by_rule(each: Reacted, sentence: str) -> None:
    assert _said(share_claim(late(each))) == sentence


def test_the_first_two_minutes_are_told_apart() -> None:
    told = share_claim(early(_reacted(left="unknown", first=(0.6, 0.45, 0.75))))
    assert _said(told) == (
        "60 % of the rise of heart rate in Challenge was left in the first two minutes of Recovery "
        "(95 % interval 45 to 75 %)."
    )
    assert told.id == "share_early.1.mean_hr_bpm"


def test_a_claim_carries_what_it_rests_on() -> None:
    told = reaction_claim(_reacted((0.2151, 0.1655, 0.2624), measure=SKIN))
    assert isinstance(told, Claim)
    assert (told.id, told.rule, told.unit, told.n, told.n_unit, told.quality, told.source) == (
        "reaction.1.ln_scl",
        "stands_out",
        "%",
        12,
        "blocks",
        0.97,
        "Satterthwaite 1946",
    )
    assert (told.estimate, told.low, told.high) == pytest.approx((24.0, 18.0, 30.0), abs=0.1)


@pytest.mark.parametrize("late_", [True, False], ids=["late", "early"])
def test_a_share_rests_on_the_blocks_of_the_recovery_too(late_: bool) -> None:
    left = Left(_reacted(left=(0.5, 0.4, 0.6)), Share(0.5, 0.4, 0.6, blocks=4), late=late_)
    told = share_claim(left)
    assert isinstance(told, Claim)
    assert (told.n, told.n_unit) == (16, "blocks")


def test_a_share_known_too_loosely_is_withheld_with_that_reason() -> None:
    told = share_claim(late(_reacted(left=(0.2, -0.6, 0.9))))
    assert isinstance(told, Withheld)
    assert told.reason == "its interval is wider than the reaction itself"


class TestRules:
    """Each rule just met, and just not."""

    @pytest.mark.parametrize(
        ("interval", "holds"),
        [
            pytest.param((1.0, 0.01, 2.0), True, id="just above none"),
            pytest.param((1.0, 0.0, 2.0), False, id="touches none from above"),
            pytest.param((-1.0, -2.0, -0.01), True, id="just below none"),
            pytest.param((-1.0, -2.0, 0.0), False, id="touches none from below"),
        ],
    )
    def test_stands_out(self, interval: tuple[float, float, float], holds: bool) -> None:
        assert STANDS_OUT.holds(_reacted(interval)) is holds

    @pytest.mark.parametrize(
        ("each", "holds"),
        [
            pytest.param(_reacted(), True, id="met"),
            pytest.param(_reacted(None), False, id="no change estimated"),
            pytest.param(_reacted(baseline=None), False, id="no baseline"),
            pytest.param(
                _reacted(challenge=replace(CHALLENGE, pacer=Pacer(6.0))), False, id="paced challenge"
            ),
            pytest.param(
                _reacted(challenge=replace(CHALLENGE, kind=PhaseKind.PACED)), False, id="paced by kind"
            ),
        ],
    )
    def test_estimable(self, each: Reacted, holds: bool) -> None:
        assert ESTIMABLE.holds(each) is holds

    @pytest.mark.parametrize(
        ("each", "holds"),
        [
            pytest.param(_reacted(left=(0.5, 0.4, 0.6)), True, id="met"),
            pytest.param(_reacted(), False, id="no recovery"),
            pytest.param(_reacted(left="unknown"), False, id="share not estimable"),
            pytest.param(_reacted(left=(0.5, 0.0, WIDEST_SHARE)), True, id="as wide as the reaction"),
            pytest.param(_reacted(left=(0.5, -0.01, WIDEST_SHARE)), False, id="wider than the reaction"),
            pytest.param(
                _reacted((1.0, 0.0, 2.0), left=(0.5, 0.4, 0.6)), False, id="reaction does not stand out"
            ),
        ],
    )
    def test_share_estimable(self, each: Reacted, holds: bool) -> None:
        assert SHARE_ESTIMABLE.holds(late(each)) is holds

    @pytest.mark.parametrize(
        ("high", "key"),
        [
            pytest.param(-BACK_AT_BASELINE - 0.001, "beyond_baseline", id="all of it beyond"),
            pytest.param(-BACK_AT_BASELINE, "nothing_left", id="reaches the baseline"),
        ],
    )
    def test_beyond_baseline_takes_the_whole_interval(self, high: float, key: str) -> None:
        told = share_claim(late(_reacted(left=(-0.2, -0.4, high))))
        assert isinstance(told, Claim)
        assert told.text_key == f"claims.session.rose.late.{key}"

    @pytest.mark.parametrize(
        ("low", "key"),
        [
            pytest.param(1 + BACK_AT_BASELINE + 0.001, "further_still", id="all of it further"),
            pytest.param(1 + BACK_AT_BASELINE, "left", id="reaches the challenge"),
        ],
    )
    def test_further_still_takes_the_whole_interval(self, low: float, key: str) -> None:
        told = share_claim(late(_reacted(left=(1.3, low, 1.6))))
        assert isinstance(told, Claim)
        assert told.text_key == f"claims.session.rose.late.{key}"


class TestHalfTime:
    CURVE = Curve("mean_hr_bpm", "Challenge", 180.0, 42.0, 20.0, 95.0)

    def test_it_is_told_with_its_interval(self) -> None:
        told = half_time_claim(Returned(_reacted(), self.CURVE))
        assert _said(told) == (
            "Half of the rise of heart rate in Challenge had gone 0:42 after its end, by the fitted curve "
            "(95 % interval 0:20 to 1:35)."
        )
        assert told.id == "half_time.1.mean_hr_bpm"

    @pytest.mark.parametrize(
        ("curve", "each", "reason"),
        [
            pytest.param(
                Curve("mean_hr_bpm", "Challenge", 180.0, None, reason="recovery lasts less than 5 min"),
                _reacted(),
                "recovery lasts less than 5 min",
                id="no curve",
            ),
            pytest.param(
                CURVE, _reacted((1.0, 0.0, 2.0)), "the interval includes no change", id="no reaction"
            ),
            pytest.param(
                replace(CURVE, high=None), _reacted(), "it was not computed for these data", id="no interval"
            ),
        ],
    )
    def test_it_is_withheld(self, curve: Curve, each: Reacted, reason: str) -> None:
        assert not CURVE_FITTED.holds(Returned(each, curve))
        told = half_time_claim(Returned(each, curve))
        assert isinstance(told, Withheld)
        assert told.reason == reason
        assert told.text.endswith(f"is not estimable: {reason}.")
