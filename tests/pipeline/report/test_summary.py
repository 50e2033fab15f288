from dataclasses import replace
from functools import cache

import pytest

from pipeline.analysis import Analysis, analyse
from pipeline.model import Pacer, Phase, PhaseKind
from pipeline.regulation import Reactivity, Recovery
from pipeline.report.outcomes import Outcome, outcomes
from pipeline.report.summary import change_sentence, in_short
from tests.pipeline.report.recordings import GUIDED, beats, recording

HEART, SKIN = "mean_hr_bpm", "ln_scl"


def _reacted(measure: str, change: float, low: float, high: float) -> Reactivity:
    return Reactivity(measure, "Baseline", "Challenge", 180.0, change, low, high, 12)


def _left(measure: str, share: float, low: float, high: float) -> Recovery:
    return Recovery(measure, "Challenge", 180.0, "Recovery", share, low, high)


def _not_estimable(measure: str, reason: str) -> Recovery:
    return Recovery(measure, "Challenge", 180.0, "Recovery", None, reason=reason)


def _plain(text: str) -> str:
    return text.replace("\u202f", " ")


@pytest.mark.parametrize(
    ("subject", "reaction", "after", "sentence"),
    [
        pytest.param(
            "heart rate",
            _reacted(HEART, 13.2, 10.9, 15.4),
            _left(HEART, 0.12, -0.08, 0.31),
            "Heart rate rose by 13 bpm in Challenge (95 % interval 11 to 15 bpm, against Baseline); "
            "12 % of that rise was left in the last two minutes of Recovery (95 % interval −8 to 31 %).",
            id="rose and settled",
        ),
        pytest.param(
            "heart rate",
            _reacted(HEART, -4.26, -6.0, -2.0),
            _left(HEART, 0.5, 0.3, 0.72),
            "Heart rate fell by 4.3 bpm in Challenge (95 % interval 2.0 to 6.0 bpm, against Baseline); "
            "50 % of that fall was left in the last two minutes of Recovery (95 % interval 30 to 72 %).",
            id="fell",
        ),
        pytest.param(
            "heart rate",
            _reacted(HEART, 13.2, 10.9, 15.4),
            None,
            "Heart rate rose by 13 bpm in Challenge (95 % interval 11 to 15 bpm, against Baseline).",
            id="no recovery phase",
        ),
        pytest.param(
            "heart rate",
            _reacted(HEART, 13.2, 10.9, 15.4),
            _left(HEART, -0.2, -0.35, -0.04),
            "Heart rate rose by 13 bpm in Challenge (95 % interval 11 to 15 bpm, against "
            "Baseline); nothing of "
            "that rise was left in the last two minutes of Recovery, when it lay below Baseline "
            "(−20 %, 95 % interval −35 to −4 %).",
            id="below baseline",
        ),
        pytest.param(
            "heart rate",
            _reacted(HEART, 13.2, 10.9, 15.4),
            _left(HEART, -0.2, -0.5, 0.1),
            "Heart rate rose by 13 bpm in Challenge (95 % interval 11 to 15 bpm, against Baseline); nothing "
            "of that rise was left in the last two minutes of Recovery (−20 %, 95 % interval −50 to 10 %).",
            id="about at baseline",
        ),
        pytest.param(
            "heart rate",
            _reacted(HEART, 13.2, 10.9, 15.4),
            _left(HEART, 1.1, 0.7, 1.5),
            "Heart rate rose by 13 bpm in Challenge (95 % interval 11 to 15 bpm, against Baseline); 110 % "
            "of that rise was left in the last two minutes of Recovery (95 % interval 70 to 150 %).",
            id="about as in the challenge",
        ),
        pytest.param(
            "heart rate",
            _reacted(HEART, 13.2, 10.9, 15.4),
            _left(HEART, 1.31, 1.1, 1.6),
            "Heart rate rose by 13 bpm in Challenge (95 % interval 11 to 15 bpm, against "
            "Baseline); it was higher "
            "still in the last two minutes of Recovery (131 % of that rise, 95 % interval 110 to 160 %).",
            id="went on rising",
        ),
        pytest.param(
            "heart rate",
            _reacted(HEART, 13.2, 10.9, 15.4),
            _not_estimable(HEART, "too little usable signal at the end of recovery"),
            "Heart rate rose by 13 bpm in Challenge (95 % interval 11 to 15 bpm, against "
            "Baseline); how much was "
            "left afterwards is not estimable, because there is too little usable signal at the "
            "end of recovery.",
            id="recovery not estimable",
        ),
        pytest.param(
            "heart rate",
            _reacted(HEART, 1.24, -1.0, 3.48),
            _not_estimable(HEART, "the reaction does not stand out from ordinary change"),
            "No detectable change of heart rate in Challenge: +1.2 bpm against Baseline "
            "(95 % interval −1.0 to +3.5 bpm).",
            id="no detectable change",
        ),
        pytest.param(
            "heart rate",
            Reactivity(
                HEART, "Baseline", "Challenge", 180.0, None, reason="too little usable signal in Baseline"
            ),
            _not_estimable(HEART, "too little usable signal in Baseline"),
            "A change of heart rate in Challenge is not estimable, because there is too little "
            "usable signal in "
            "Baseline.",
            id="not estimable",
        ),
        pytest.param(
            "skin conductance level",
            _reacted(SKIN, 0.2151, 0.1655, 0.2624),
            _left(SKIN, 0.0, -0.1, 0.1),
            "Skin conductance level rose by 24 % in Challenge (95 % interval 18 to 30 %, against Baseline); "
            "0 % of that rise was left in the last two minutes of Recovery (95 % interval −10 to 10 %).",
            id="a ratio in percent",
        ),
        pytest.param(
            "skin conductance level",
            _reacted(SKIN, -0.2231, -0.3567, -0.1054),
            None,
            "Skin conductance level fell by 20 % in Challenge (95 % interval 10 to 30 %, against Baseline).",
            id="a falling ratio",
        ),
    ],
)
def test_a_change_is_told_by_rule(
    subject: str, reaction: Reactivity, after: Recovery | None, sentence: str
) -> None:
    assert _plain(change_sentence(subject, "Challenge", Outcome(reaction, after))) == sentence


@cache
def _guided() -> Analysis:
    return analyse(recording())


def _coverage(heart: float | None, skin: float | None) -> dict[str, object]:
    parts = {"beats": heart, "eda": skin}
    return {key: {"coverage": share} for key, share in parts.items() if share is not None}


class TestInShort:
    def test_heart_skin_and_what_could_be_used(self) -> None:
        analysis = replace(
            _guided(),
            reactivity=(_reacted(HEART, 12.0, 8.0, 16.0), _reacted(SKIN, 0.1, -0.1, 0.3)),
            recovery=(_left(HEART, 0.25, 0.1, 0.4),),
            quality=_coverage(0.974, 1.0),
        )
        assert [_plain(sentence) for sentence in in_short(analysis)] == [
            "Heart rate rose by 12 bpm in Challenge (95 % interval 8 to 16 bpm, against Baseline); "
            "25 % of that rise was left in the last two minutes of Recovery (95 % interval 10 to 40 %).",
            "No detectable change of skin conductance level in Challenge: +11 % against Baseline "
            "(95 % interval −10 to +35 %).",
            "Usable signal covers 97 % (heartbeats) and 100 % (skin conductance) of the session.",
        ]

    def test_little_signal_asks_for_care(self) -> None:
        analysis = replace(_guided(), quality=_coverage(0.55, None))
        assert _plain(in_short(analysis)[-1]) == (
            "Usable signal covers 55 % (heartbeats) of the session. Read the values with that in mind."
        )

    def test_without_a_baseline(self) -> None:
        sentences = in_short(analyse(recording(phases=GUIDED[1:])))
        assert sentences[:2] == [
            "A change of heart rate in Challenge is not estimable, because there is no baseline "
            "phase to hold it "
            "against.",
            "A change of skin conductance level in Challenge is not estimable, because there is "
            "no baseline phase "
            "to hold it against.",
        ]

    def test_a_paced_challenge_is_not_compared(self) -> None:
        phases = (GUIDED[0], replace(GUIDED[1], pacer=Pacer(6.0)), GUIDED[2])
        sentence = "A change of heart rate in Challenge is not estimable, because breathing was paced in it."
        assert in_short(analyse(recording(phases=phases)))[0] == sentence

    def test_without_a_challenge_the_baseline_is_told(self) -> None:
        analysis = analyse(recording(phases=GUIDED[:1], streams={"rr": beats(840.0)}))
        assert in_short(analysis)[0].startswith("In Baseline: heart rate 6")
        assert in_short(analysis)[1:3] == [
            "Skin conductance was not recorded.",
            "There was no challenge phase, so no reactivity is estimated.",
        ]

    @pytest.mark.parametrize(
        ("more", "told"),
        [
            (1, "One more challenge is in the table of changes."),
            (2, "2 more challenges are in the table of changes."),
        ],
    )
    def test_more_challenges_are_pointed_at(self, more: int, told: str) -> None:
        again = tuple(
            Phase("Challenge", PhaseKind.STRESSOR, 660.0 + 60 * k, 720.0 + 60 * k) for k in range(more)
        )
        assert in_short(analyse(recording(phases=GUIDED[:3] + again)))[2] == told


def test_challenges_of_one_name_keep_their_own_recovery() -> None:
    phases = (
        Phase("Baseline", PhaseKind.BASELINE, 0.0, 180.0),
        Phase("Task", PhaseKind.STRESSOR, 180.0, 360.0),
        Phase("Task", PhaseKind.STRESSOR, 360.0, 500.0),
        Phase("Rest", PhaseKind.RECOVERY, 500.0, 700.0),
    )
    found = outcomes(analyse(recording(phases=phases)))
    assert [len(group) for group in found] == [4, 4]
    assert [all(each.after is None for each in group) for group in found] == [True, False]


def test_a_challenge_that_was_not_compared_keeps_its_place() -> None:
    paced = Phase("Task", PhaseKind.STRESSOR, 180.0, 360.0, pacer=Pacer(6.0))
    phases = (GUIDED[0], paced, Phase("Task", PhaseKind.STRESSOR, 360.0, 500.0))
    assert [len(group) for group in outcomes(analyse(recording(phases=phases)))] == [0, 4]
