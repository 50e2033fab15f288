"""All of regulation in one session: what is there, and what is never compared."""

from dataclasses import replace

import pytest

from pipeline.analysis import Analysis, analyse
from pipeline.model import Pacer, Phase, PhaseKind
from pipeline.regulation.curves import BIN_S
from pipeline.regulation.estimates import MEASURES
from pipeline.regulation.session import REACTING
from tests.pipeline.report.recordings import GUIDED, recording

PACER = Pacer(6.0)


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return analyse(recording())


def test_each_phase_has_an_estimate_of_each_measure(analysis: Analysis) -> None:
    expected = [(phase.name, name) for phase in GUIDED for name in MEASURES]
    assert [(each.phase, each.measure) for each in analysis.estimates] == expected


def test_an_estimate_is_the_phases_own_value(analysis: Analysis) -> None:
    held = {each.phase.start_s: each.values for each in analysis.phases}
    assert [each.value for each in analysis.estimates] == [
        held[each.start_s].number(each.measure) for each in analysis.estimates
    ]


def test_what_has_no_interval_says_why(analysis: Analysis) -> None:
    for each in (*analysis.estimates, *analysis.reactivity, *analysis.recovery, *analysis.curves):
        assert (each.low is None) == (each.reason is not None), each


@pytest.mark.parametrize(
    ("phases", "reactions", "recoveries", "curves"),
    [
        pytest.param(GUIDED, 4, 4, 2, id="unpaced"),
        pytest.param((GUIDED[0], replace(GUIDED[1], pacer=PACER), GUIDED[2]), 0, 0, 0, id="paced challenge"),
        pytest.param((replace(GUIDED[0], pacer=PACER), *GUIDED[1:]), 0, 0, 0, id="paced baseline"),
        pytest.param((*GUIDED[:2], replace(GUIDED[2], pacer=PACER)), 4, 0, 2, id="paced recovery"),
    ],
)
def test_paced_is_never_held_against_unpaced(
    phases: tuple[Phase, ...], reactions: int, recoveries: int, curves: int
) -> None:
    found = analyse(recording(phases=phases))
    assert (len(found.reactivity), len(found.recovery), len(found.curves)) == (reactions, recoveries, curves)
    assert [each.measure for each in found.reactivity] == list(REACTING)[: len(found.reactivity)]
    unfollowed = {each.reason for each in found.curves if each.reason}
    no_return = "from 15 s after the task's end no return from the reaction is seen"
    assert not phases[2].paced or no_return not in unfollowed


def test_there_is_a_curve_of_each_measure_that_may_have_one(analysis: Analysis) -> None:
    assert [each.measure for each in analysis.curves] == list(BIN_S)


def test_ratings_stand_beside_arousal(analysis: Analysis) -> None:
    arousal = {each.phase.name: each.values.number("arousal") for each in analysis.phases}
    assert [(each.phase, each.distress_first, each.arousal) for each in analysis.beside] == [
        ("Baseline", 2.0, arousal["Baseline"]),
        ("Challenge", 7.5, arousal["Challenge"]),
    ]


def test_time_near_the_baseline_is_told_of_each_phase(analysis: Analysis) -> None:
    assert [each.phase for each in analysis.near_baseline] == [phase.name for phase in GUIDED]
    assert [each.share is None for each in analysis.near_baseline] == [False, False, False, True]


def test_the_json_holds_all_of_it(analysis: Analysis) -> None:
    told = analysis.as_json()
    for name in ("estimates", "reactivity", "recovery", "curves", "near_baseline", "beside"):
        assert len(told[name]) == len(getattr(analysis, name)) > 0


def test_a_session_without_a_baseline_has_estimates_alone() -> None:
    phases = tuple(phase for phase in GUIDED if phase.kind is not PhaseKind.BASELINE)
    found = analyse(recording(phases=phases))
    assert (found.reactivity, found.recovery, found.curves) == ((), (), ())
    assert len(found.estimates) == len(phases) * len(MEASURES)
