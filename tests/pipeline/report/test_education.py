from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pipeline.analysis import analyse
from pipeline.entries import Week
from pipeline.guidance.psychoeducation import Facts
from pipeline.model import Marker, Rating, Recording
from pipeline.profile import Profile, Screening
from pipeline.report.context import Context
from pipeline.report.education import card_for, facts
from tests.pipeline.report.known import DIARY, before, known
from tests.pipeline.report.recordings import GUIDED, beats, recording


def _facts(made: Recording, context: Context | None = None) -> Facts:
    return facts(analyse(made), context or Context())


def test_a_first_session_with_a_reaction_and_a_pacer() -> None:
    found = _facts(recording())
    assert (found.first_session, found.usable, found.reacted, found.paced) == (True, True, True, True)
    assert (found.unwell, found.resonance, found.weeks) == (False, False, 0)


def test_weeks_are_those_with_practice() -> None:
    idle = replace(before(3), practice=())
    assert _facts(recording(), known(earlier=(idle, before(10), before(11), before(24)))).weeks == 2


@pytest.mark.parametrize(
    ("values", "high"),
    [((2.0, 4.5), False), ((2.0, 5.0), True), ((8.0,), True), ((7.9, 7.9), False), ((), False)],
)
def test_distress_of_8_or_a_rise_of_3(values: tuple[float, ...], high: bool) -> None:
    ratings = tuple(Rating(10.0 * place, "distress", value) for place, value in enumerate(values))
    assert _facts(recording(ratings=ratings)).high_distress is high


def test_a_stop_for_the_persons_sake() -> None:
    found = _facts(recording(markers=(Marker(5.0, "safety", "unwell"), Marker(6.0, "safety", "distress"))))
    assert (found.unwell, found.high_distress) == (True, True)


def test_without_a_challenge_nobody_can_tell() -> None:
    found = _facts(recording(streams={"rr": beats(840.0)}, phases=GUIDED[:1]))
    assert (found.reacted, found.recovered, found.skin_responded) == (None, None, None)


def test_a_thin_week_counts_while_it_is_lately() -> None:
    thin = Week(day="2026-02-23", by="client", activity=0, people=1, novelty=0, nature=0, sleep=6)
    context = known(diary=replace(DIARY, weeks=(thin,)))
    assert _facts(recording(), context).thin_week
    assert not _facts(recording(started_at=datetime(2026, 4, 1, tzinfo=UTC)), context).thin_week


def test_who_is_to_go_gently_gets_no_card_with_breathing() -> None:
    profile = Profile(screening=Screening({"pregnancy": True}, "2026-02-01"))
    analysis = analyse(recording())
    assert facts(analysis, known(profile=profile)).gently
    assert card_for(analysis, known(profile=profile), (), None).practice.kind != "breathing"
