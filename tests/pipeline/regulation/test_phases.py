"""Which phases are held against each other."""

from dataclasses import replace

from pipeline.model import Pacer, Phase, PhaseKind
from pipeline.regulation.phases import baseline_of, following
from tests.pipeline.regulation.made import BASELINE, CHALLENGE, RECOVERY


def test_the_first_baseline_is_the_one_and_a_reference_stands_in() -> None:
    reference = Phase("Reference", PhaseKind.REFERENCE, 0, 10)
    assert baseline_of([reference, BASELINE]) == BASELINE
    assert baseline_of([reference]) == reference
    assert baseline_of([CHALLENGE]) is None


def test_a_paced_baseline_is_none() -> None:
    paced = replace(BASELINE, pacer=Pacer(6.0))
    assert baseline_of([paced]) is None
    assert baseline_of([paced, replace(BASELINE, name="Later")]) == replace(BASELINE, name="Later")


def test_only_a_recovery_right_after_counts() -> None:
    paced = Phase("Paced", PhaseKind.PACED, 600, 700)
    assert following([BASELINE, CHALLENGE, RECOVERY], CHALLENGE) == RECOVERY
    assert following([CHALLENGE, paced, Phase("R", PhaseKind.RECOVERY, 700, 900)], CHALLENGE) is None
    assert following([CHALLENGE, replace(RECOVERY, pacer=Pacer(6.0))], CHALLENGE) is None
