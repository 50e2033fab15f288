from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from pipeline.analysis import Analysis, analyse
from pipeline.entries import Week
from pipeline.guidance.psychoeducation import SEVERAL_WEEKS, Facts, cards
from pipeline.model import Marker, Phase, PhaseKind, Rating, Recording, Stream
from pipeline.profile import Profile, Screening
from pipeline.report.context import Context
from pipeline.report.education import card_for, facts
from pipeline.skin.responses import NO_RESPONSE_SEEN
from tests.pipeline.guidance.paced import heart, peaking, steps
from tests.pipeline.report.known import DIARY, before, known
from tests.pipeline.report.recordings import GUIDED, beats, conductance, recording

RISEN_A_LITTLE = (Rating(170.0, "distress", 2.0), Rating(355.0, "distress", 4.0))
BACK_FOR_MORE = known(earlier=(before(24),))  # not the first session, and nothing else


def _facts(made: Recording, context: Context | None = None) -> Facts:
    return facts(analyse(made), context or Context())


def _flat(length_s: float, level_us: float = 4.0) -> Stream:
    """A sensor that is worn, and no response."""
    time_s = np.arange(int(length_s * 4)) / 4.0
    wander = 0.02 * np.sin(2 * np.pi * time_s / 400.0) + 1e-4 * np.sin(time_s)
    return Stream("eda", time_s, {"eda_us": level_us + wander}, rate_hz=4.0)


def _steady(length_s: float) -> Stream:
    """A heart that no challenge moves."""
    rng = np.random.default_rng(11)
    rr_ms = 900.0 + 20 * rng.normal(size=int(length_s / 0.9))
    return Stream("rr", np.cumsum(rr_ms) / 1000, {"rr_ms": rr_ms})


def _stays_up(length_s: float) -> Stream:
    """A heart that a challenge quickens, and that stays so."""
    rng = np.random.default_rng(11)
    time_s, rr_ms = [0.0], []
    while time_s[-1] < length_s:
        mean = 900.0 if time_s[-1] < GUIDED[1].start_s else 770.0
        rr_ms.append(mean + 12 * rng.normal())
        time_s.append(time_s[-1] + rr_ms[-1] / 1000)
    return Stream("rr", np.array(time_s[1:]), {"rr_ms": np.array(rr_ms)})


def _torn(share: float) -> Stream:
    """A strap that gave so much of the session."""
    strap = _steady(420.0)
    kept = strap.time_s < 420.0 * share
    return Stream("rr", strap.time_s[kept], {"rr_ms": strap.value[kept]})


def _rough() -> Stream:
    """A strap most of whose beats are doubled or missed."""
    strap = _steady(420.0)
    off = np.random.default_rng(3).choice([0.4, 1.0, 2.4], len(strap), p=[0.4, 0.2, 0.4])
    return Stream("rr", strap.time_s, {"rr_ms": strap.value * off})


def _heart_alone(
    made: Stream | None = None, phases: tuple[Phase, ...] = GUIDED[:3], **changes: Any
) -> Recording:
    streams = {"rr": made or beats(660.0)}
    given: dict[str, Any] = {"streams": streams, "phases": phases, "markers": (), "ratings": ()}
    return recording(660.0, **(given | changes))


def _resonance() -> Recording:
    phases = steps()
    paced = heart(phases, peaking(5.5))
    strap = Stream("rr", paced.time_s, {"rr_ms": paced.interval_ms})
    length_s = phases[-1].end_s + 60.0
    return recording(length_s, streams={"rr": strap}, phases=phases, markers=(), ratings=())


def _resting(length_s: float = 420.0, **streams: Stream) -> Recording:
    rest = (Phase("Baseline", PhaseKind.BASELINE, 0.0, length_s),)
    return recording(
        length_s, streams=streams or {"rr": _steady(length_s)}, phases=rest, markers=(), ratings=()
    )


def _weeks(count: int) -> Context:
    """Sessions with practice, one in each of so many weeks."""
    first = datetime(2025, 12, 1, 9, 0, tzinfo=UTC)
    days = [first.fromordinal(first.toordinal() + 7 * week).replace(tzinfo=UTC) for week in range(count)]
    return known(earlier=tuple(before(1, started_at=day) for day in days))


def _thin() -> Context:
    week = Week(day="2026-02-23", by="client", activity=0, people=1, novelty=0, nature=0, sleep=6)
    return replace(BACK_FOR_MORE, diary=replace(DIARY, weeks=(week,)))


UNWELL = Marker(5.0, "safety", "unwell")

# What a session showed, what is known around it, the cards of the sessions before, and its own.
SESSIONS: dict[str, tuple[Recording, Context, tuple[str, ...], str]] = {
    "dizzy: when to stop": (recording(markers=(UNWELL,), ratings=()), BACK_FOR_MORE, (), "when-to-stop"),
    "distress rose by 5.5: when to stop": (recording(), BACK_FOR_MORE, (), "when-to-stop"),
    "distress rose again: not alone": (recording(), BACK_FOR_MORE, ("when-to-stop",), "not-alone-with-it"),
    "the first session: four sides": (_resting(), Context(), (), "feelings-thoughts-body"),
    "seven minutes without a skin response: the skin": (
        _resting(rr=_steady(420.0), eda=_flat(420.0)),
        BACK_FOR_MORE,
        (),
        "what-the-skin-tells",
    ),
    "four minutes without a skin response: nothing of the skin": (
        _resting(240.0, rr=_steady(240.0), eda=_flat(240.0)),
        BACK_FOR_MORE,
        (),
        "not-alone-with-it",
    ),
    "beats that cannot be used: four sides": (
        _resting(rr=_rough()),
        BACK_FOR_MORE,
        (),
        "feelings-thoughts-body",
    ),
    "distress rose and the heart did not: four sides": (
        _heart_alone(_steady(660.0), ratings=RISEN_A_LITTLE),
        BACK_FOR_MORE,
        (),
        "feelings-thoughts-body",
    ),
    "distress rose and the heart did not, again: the skin": (
        _heart_alone(_steady(660.0), ratings=RISEN_A_LITTLE),
        BACK_FOR_MORE,
        ("feelings-thoughts-body",),
        "what-the-skin-tells",
    ),
    "breathing rates compared: breathing": (_resonance(), BACK_FOR_MORE, (), "breathing-and-the-heart"),
    "a thin week: a fuller one": (_heart_alone(), _thin(), (), "a-fuller-week"),
    "six weeks of practice: repetition": (
        _heart_alone(),
        _weeks(SEVERAL_WEEKS),
        (),
        "practice-and-the-brain",
    ),
    "five weeks of practice: the challenge": (
        _heart_alone(),
        _weeks(SEVERAL_WEEKS - 1),
        (),
        "stress-response",
    ),
    "a challenge that went by: stress": (_heart_alone(), BACK_FOR_MORE, (), "stress-response"),
    "a challenge that went by, again: settling": (
        _heart_alone(),
        BACK_FOR_MORE,
        ("stress-response",),
        "settling-can-be-practised",
    ),
    "a challenge that stayed: settling": (
        _heart_alone(_stays_up(660.0)),
        BACK_FOR_MORE,
        (),
        "settling-can-be-practised",
    ),
    "a challenge that did nothing: four sides": (
        _heart_alone(_steady(660.0)),
        BACK_FOR_MORE,
        (),
        "feelings-thoughts-body",
    ),
    "a pacer alone: breathing": (
        _heart_alone(phases=GUIDED[3:], streams={"rr": beats(840.0)}),
        BACK_FOR_MORE,
        (),
        "breathing-and-the-heart",
    ),
    "a quiet rest: not alone": (_resting(), BACK_FOR_MORE, (), "not-alone-with-it"),
}


@pytest.mark.parametrize("name", SESSIONS)
def test_the_card_that_goes_with_a_session(name: str) -> None:
    made, context, seen, card = SESSIONS[name]
    assert card_for(analyse(made), context, seen, None).name == card


def test_every_card_goes_with_a_session() -> None:
    assert {card for _, _, _, card in SESSIONS.values()} == set(cards())


def test_a_session_like_the_last_has_another_card() -> None:
    analysis, seen = analyse(_heart_alone()), list[str]()
    for _ in range(9):
        seen.append(card_for(analysis, BACK_FOR_MORE, seen, None).name)
    assert all(one != other for one, other in pairwise(seen))
    assert seen[:3] == ["stress-response", "settling-can-be-practised", "not-alone-with-it"]
    assert seen[5:] == seen[:4]


def test_a_first_session_with_a_reaction_and_a_pacer() -> None:
    found = _facts(recording())
    assert (found.first_session, found.usable, found.reacted, found.paced) == (True, True, True, True)
    assert (found.unwell, found.resonance, found.weeks) == (False, False, 0)


def test_weeks_are_those_with_practice() -> None:
    idle = replace(before(3), practice=())
    assert _facts(recording(), known(earlier=(idle, before(10), before(11), before(24)))).weeks == 2


@pytest.mark.parametrize("simulated", [True, False], ids=["simulated", "real"])
def test_a_simulated_session_never_counts_for_a_real_one_nor_the_other_way_round(simulated: bool) -> None:
    context = known(earlier=(before(10, simulated=simulated), before(24, simulated=simulated)))
    same, other = (_facts(recording(simulated=each), context) for each in (simulated, not simulated))
    assert (same.first_session, same.weeks) == (False, 2)
    assert (other.first_session, other.weeks) == (True, 0)


@pytest.mark.parametrize(
    ("values", "high"),
    [((2.0, 4.5), False), ((2.0, 5.0), True), ((8.0,), True), ((7.9, 7.9), False), ((), False)],
)
def test_distress_of_8_or_a_rise_of_3(values: tuple[float, ...], high: bool) -> None:
    ratings = tuple(Rating(10.0 * place, "distress", value) for place, value in enumerate(values))
    assert _facts(recording(ratings=ratings)).high_distress is high


def test_a_stop_for_the_persons_sake() -> None:
    found = _facts(recording(markers=(UNWELL, Marker(6.0, "safety", "distress"))))
    assert (found.unwell, found.high_distress) == (True, True)


def test_without_a_challenge_nobody_can_tell() -> None:
    found = _facts(recording(streams={"rr": beats(840.0)}, phases=GUIDED[:1]))
    assert (found.reacted, found.recovered, found.skin_responded) == (None, None, None)


@pytest.mark.parametrize(
    ("eda", "responded"),
    [
        pytest.param(_flat(420.0), False, id="seven valid minutes without one"),
        pytest.param(_flat(240.0), None, id="four valid minutes without one"),
        pytest.param(_flat(420.0, level_us=0.0), None, id="seven minutes off the skin"),
        pytest.param(conductance(240.0), True, id="four minutes with some"),
    ],
)
def test_no_skin_response_takes_five_valid_minutes(eda: Stream, responded: bool | None) -> None:
    analysis = analyse(_resting(420.0, rr=_steady(420.0), eda=eda))
    assert facts(analysis, Context()).skin_responded is responded
    assert (NO_RESPONSE_SEEN in analysis.warnings) is (responded is False)


@pytest.mark.parametrize(
    ("made", "recovered"),
    [
        pytest.param(_heart_alone(), True, id="all of its interval below a half"),
        pytest.param(_heart_alone(_stays_up(660.0)), False, id="all of it left"),
        pytest.param(_heart_alone(phases=GUIDED[:2]), None, id="no recovery phase"),
    ],
)
def test_a_reaction_went_by_as_the_clients_sentence_has_it(made: Recording, recovered: bool | None) -> None:
    analysis = analyse(made)
    found = facts(analysis, Context())
    assert (found.reacted, found.recovered) == (True, recovered)


def _usable(**changes: Any) -> bool:
    return facts(analyse(_resting(420.0, **changes)), Context()).usable


@pytest.mark.parametrize(
    ("streams", "usable"),
    [
        pytest.param({"rr": _steady(420.0)}, True, id="a strap"),
        pytest.param({"rr": _torn(0.3)}, False, id="a strap for a third"),
        pytest.param({"rr": _rough()}, False, id="a strap that lost most beats"),
        pytest.param({"rr": _rough(), "eda": conductance(420.0)}, True, id="that, and a skin sensor"),
        pytest.param({"eda": conductance(126.0)}, False, id="a skin sensor for a third"),
    ],
)
def test_half_of_a_session_is_enough_to_be_usable(streams: dict[str, Stream], usable: bool) -> None:
    assert _usable(**streams) is usable


def test_a_thin_week_counts_while_it_is_lately() -> None:
    assert _facts(recording(), _thin()).thin_week
    assert not _facts(recording(started_at=datetime(2026, 4, 1, tzinfo=UTC)), _thin()).thin_week


def _answered(**answers: bool) -> Profile:
    return Profile(screening=Screening(answers, "2026-02-01"))


@pytest.mark.parametrize(
    ("conditions", "profile"),
    [
        pytest.param(
            {}, Profile(screening=Screening({"pregnancy": True}, "2026-02-01")), id="answered before"
        ),
        pytest.param({"pregnancy": "yes"}, Profile(), id="answered today"),
        pytest.param(
            {},
            _answered(pregnancy=True, no_longer_asked=True),
            id="with a question that is no longer asked",
        ),
    ],
)
def test_who_is_to_go_gently_gets_no_card_with_breathing(
    conditions: dict[str, str], profile: Profile
) -> None:
    analysis: Analysis = analyse(replace(_resonance(), conditions=conditions))
    context = replace(BACK_FOR_MORE, profile=profile)
    assert facts(analysis, context).gently
    assert card_for(analysis, context, (), None).practice.kind != "breathing"
