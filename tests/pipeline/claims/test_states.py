"""Usable signal, levels, time near the baseline, and the rating beside the signals."""

from dataclasses import replace
from typing import Any

import pytest

from pipeline.claims.claim import Claim, Withheld
from pipeline.claims.measures import LEVELS
from pipeline.claims.states import (
    LITTLE_USABLE,
    LOW_COVERAGE,
    beside_claim,
    level_claim,
    level_claims,
    near_claim,
    usable_claims,
)
from pipeline.regulation.estimates import Estimate, Unit
from pipeline.regulation.near_baseline import NearBaseline
from pipeline.regulation.self_report import Beside
from tests.pipeline.claims.analyses import guided
from tests.pipeline.claims.wording import plain

RMSSD = Estimate("ln_rmssd", "Baseline", 0.0, 3.7377, 3.5835, 3.8918, 210, Unit.DIFFERENCES, 10)


def _coverage(heart: float | None, skin: float | None) -> dict[str, Any]:
    parts = {"beats": heart, "eda": skin}
    return {key: {"coverage": share} for key, share in parts.items() if share is not None}


@pytest.mark.parametrize(
    ("heart", "skin", "sentences"),
    [
        pytest.param(
            0.974,
            1.0,
            [
                "Usable heartbeats cover 97 % of the session.",
                "Usable skin conductance covers 100 % of the session.",
            ],
            id="both",
        ),
        pytest.param(
            0.55,
            None,
            [
                "Usable heartbeats cover 55 % of the session.",
                "Skin conductance was not recorded.",
                "Read the values with that in mind.",
            ],
            id="little of the heart, no skin",
        ),
        pytest.param(
            None,
            0.9,
            ["No heartbeat intervals were recorded.", "Usable skin conductance covers 90 % of the session."],
            id="no heart",
        ),
    ],
)
def test_what_could_be_used(heart: float | None, skin: float | None, sentences: list[str]) -> None:
    analysis = replace(guided(), quality=_coverage(heart, skin))
    assert [plain(each.text) for each in usable_claims(analysis)] == sentences


@pytest.mark.parametrize(
    ("share", "holds"),
    [
        pytest.param(LOW_COVERAGE - 0.001, True, id="just under"),
        pytest.param(LOW_COVERAGE, False, id="just enough"),
    ],
)
def test_care_is_asked_for_below_the_limit(share: float, holds: bool) -> None:
    assert LITTLE_USABLE.holds([1.0, share]) is holds


class TestLevels:
    def test_with_an_interval(self) -> None:
        told = level_claim(LEVELS["ln_rmssd"], RMSSD, 0.97)
        assert isinstance(told, Claim)
        assert plain(told.text) == "RMSSD in Baseline was 42 ms (95 % interval 36 to 49 ms)."
        assert (told.id, told.unit, told.n, told.n_unit) == ("levels.ln_rmssd", "ms", 210, "differences")
        assert told.estimate == pytest.approx(42.0, abs=0.01)

    def test_without_an_interval(self) -> None:
        told = level_claim(LEVELS["ln_rmssd"], replace(RMSSD, low=None, high=None, reason="few"), 0.97)
        assert plain(told.text) == "RMSSD in Baseline was 42 ms."

    def test_of_the_whole_session(self) -> None:
        told = level_claim(LEVELS["mean_hr_bpm"], Estimate("mean_hr_bpm", "", 0.0, 66.2), 0.97, pulse=True)
        assert plain(told.text) == "Over the whole session, pulse rate was 66.2 bpm."

    def test_of_the_whole_session_it_says_what_it_rests_on(self) -> None:
        found = list(level_claims(replace(guided(), phases=())))
        whole = guided().whole
        columns = {"beats": "beats", "differences": "nn_pairs", "responses": "scr_n"}
        assert [each.n_unit for each in found if isinstance(each, Claim)] == [
            "beats",
            "differences",
            "seconds",
            "responses",
        ]
        for each in found:
            assert isinstance(each, Claim)
            if each.n_unit in columns:
                assert each.n == whole.number(columns[each.n_unit])

    def test_a_value_that_is_not_there_is_withheld_with_the_reason(self) -> None:
        told = level_claim(
            LEVELS["ln_scl"],
            Estimate("ln_scl", "Baseline", 0.0, None, reason="too little of it is usable"),
            0.2,
        )
        assert isinstance(told, Withheld)
        assert told.text == "Skin conductance level in Baseline is not estimable: too little of it is usable."


class TestNearBaseline:
    def test_the_share_of_what_is_known(self) -> None:
        told = near_claim(3, NearBaseline("Recovery", 360.0, 0.64, 240.0))
        assert isinstance(told, Claim)
        assert plain(told.text) == (
            "64 % of Recovery was near the person's own baseline (arousal of 40 to 60; known for 4:00)."
        )
        assert (told.id, told.estimate, told.n, told.n_unit) == ("near_baseline.3", 64.0, 240, "seconds")

    def test_withheld_with_the_reason(self) -> None:
        told = near_claim(3, NearBaseline("Recovery", 360.0, None, 60.0, "too little of it is known"))
        assert isinstance(told, Withheld)
        assert told.text == (
            "How much of Recovery was near the person's own baseline is not estimable: too little of it is "
            "known."
        )


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        pytest.param(
            Beside("Challenge", 180.0, 5.0, 7.0, 71.6, True),
            "Held against the baseline, distress of 7 at the end of Challenge and arousal of 72 went the "
            "same way.",
            id="the same way",
        ),
        pytest.param(
            Beside("Challenge", 180.0, 5.0, 7.5, 48.0, False),
            "Held against the baseline, distress of 7.5 at the end of Challenge and arousal of 48 went "
            "different ways: both are information.",
            id="differed",
        ),
        pytest.param(
            Beside("Challenge", 180.0, 5.0, 7.0, None, None),
            "Distress of 7 at the end of Challenge is not laid beside the signals: there is no rating, or no "
            "arousal, to lay beside it.",
            id="nothing to lay beside",
        ),
    ],
)
def test_a_rating_stands_beside_the_signals(found: Beside, sentence: str) -> None:
    told = beside_claim(2, found)
    assert told.text == sentence
    assert told.id == "beside.2"
    assert isinstance(told, Withheld) is (found.agree is None)
