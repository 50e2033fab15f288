"""All sentences of one session together: their order, their golden JSON, and any session at all."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.analysis import Analysis, analyse
from pipeline.claims.claim import Audience, Claims, Withheld
from pipeline.claims.session import session_claims
from pipeline.model import Pacer, Phase, PhaseKind
from pipeline.regulation.reactivity import Reactivity
from pipeline.regulation.recovery import Recovery, Share
from tests.pipeline.claims.analyses import guided, simulated
from tests.pipeline.claims.wording import RELIABLY, checked, plain
from tests.pipeline.report.recordings import GUIDED, beats, recording

GOLDEN = Path(__file__).parent / "golden" / "simulated.json"
HEART, SKIN = "mean_hr_bpm", "ln_scl"


def _texts(claims: Claims, *topics: str) -> list[str]:
    return [plain(each.text) for each in claims.about(*topics)]


def test_golden_claims_of_a_fixed_session() -> None:
    """The claims of a simulated session as report.json holds them, numbers to four digits.

    After a change that is meant: python -m tests.pipeline.claims.test_session
    """
    assert golden() == json.loads(GOLDEN.read_text(encoding="utf-8"))


def golden() -> Any:
    """The claims of the simulated session, ready to be compared."""
    return _rounded(json.loads(json.dumps(checked(session_claims(simulated())).as_json())))


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, list) else value


def test_the_order_of_topics() -> None:
    topics = dict.fromkeys(each.id.split(".")[0] for each in session_claims(guided()).told)
    assert list(topics) == [
        "usable",
        "levels",
        "reaction",
        "share_early",
        "share_left",
        "half_time",
        "near_baseline",
        "beside",
        "pacing",
        "practised",
        "client",
    ]


def test_ids_are_unique() -> None:
    ids = [each.id for each in session_claims(guided()).told]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("analysis", "topics", "said"),
    [
        pytest.param(
            lambda: analyse(recording(phases=GUIDED[1:])),
            ("reaction.1.mean_hr_bpm", "reaction.1.ln_scl"),
            [
                "A change of heart rate in Challenge is not estimable: there is no baseline phase to hold it "
                "against.",
                "A change of skin conductance level in Challenge is not estimable: there is no baseline "
                "phase to "
                "hold it against.",
            ],
            id="without a baseline",
        ),
        pytest.param(
            lambda: analyse(recording(phases=(GUIDED[0], replace(GUIDED[1], pacer=Pacer(6.0)), GUIDED[2]))),
            ("reaction.1.mean_hr_bpm",),
            ["A change of heart rate in Challenge is not estimable: breathing was paced in it."],
            id="a paced challenge",
        ),
        pytest.param(
            lambda: analyse(recording(phases=GUIDED[:1], streams={"rr": beats(840.0)})),
            ("reaction", "usable.skin"),
            [
                "There was no challenge phase, so no reactivity is estimated.",
                "Skin conductance was not recorded.",
            ],
            id="without a challenge, without skin",
        ),
    ],
)
def test_what_cannot_be_said_is_told_with_the_reason(
    analysis: Any, topics: tuple[str, ...], said: list[str]
) -> None:
    claims = checked(session_claims(analysis()))
    assert _texts(claims, *topics) == said
    assert all(isinstance(each, Withheld) for each in claims.about(*topics))


def test_levels_stand_where_there_is_no_challenge() -> None:
    claims = session_claims(analyse(recording(phases=GUIDED[:1], streams={"rr": beats(840.0)})))
    assert [each.id for each in claims.about("levels")] == ["levels.mean_hr_bpm", "levels.ln_rmssd"]
    assert _texts(claims, "levels")[0].startswith("Heart rate in Baseline was 6")


def test_levels_of_the_whole_session_where_no_phase_was_marked() -> None:
    analysis = analyse(recording(200.0, phases=(), ratings=()))
    unmarked = replace(analysis, phases=(), estimates=(), reactivity=(), recovery=(), near_baseline=())
    assert _texts(session_claims(unmarked), "levels")[0].startswith(
        "Over the whole session, heart rate was 6"
    )


def test_challenges_of_one_name_keep_their_own_numbers() -> None:
    phases = (
        Phase("Baseline", PhaseKind.BASELINE, 0.0, 180.0),
        Phase("Task", PhaseKind.STRESSOR, 180.0, 360.0),
        Phase("Task", PhaseKind.STRESSOR, 360.0, 500.0),
        Phase("Rest", PhaseKind.RECOVERY, 500.0, 700.0),
    )
    claims = session_claims(analyse(recording(phases=phases)))
    first, second = (claims.find(f"share_left.{place}.mean_hr_bpm") for place in (1, 2))
    assert isinstance(first, Withheld)
    assert second is not None
    assert "reason" not in second.as_json() or second.text != first.text


def test_a_pulse_is_called_one() -> None:
    claims = session_claims(analyse(recording(streams={"pp": beats(840.0, "pp")})))
    assert _texts(claims, "reaction.1.mean_hr_bpm")[0].startswith("Pulse rate rose by")


_PHASE_NAMES = st.text(
    st.characters(exclude_categories=("C", "Z"), exclude_characters="{}"), min_size=1, max_size=9
)


Known = tuple[float | None, float | None, float | None]
Found = tuple[Known, Known, Known]  # a change, what was left of it late, and early


def _intervals() -> st.SearchStrategy[Known]:
    """A value with its interval, without one, or none at all."""
    known = st.lists(st.floats(-5.0, 5.0), min_size=3, max_size=3).map(sorted)
    return known.flatmap(
        lambda three: st.sampled_from(
            [(three[1], three[0], three[2]), (three[1], None, None), (None, None, None)]
        )
    )


@settings(max_examples=60, deadline=None)
@given(
    name=_PHASE_NAMES,
    found=st.lists(st.tuples(_intervals(), _intervals(), _intervals()), min_size=4, max_size=4),
    usable=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_any_session_is_told_whole(name: str, found: list[Found], usable: tuple[float, float]) -> None:
    claims = session_claims(_any_session(name, found, usable))
    for each in claims.told:
        assert "{" not in each.text
        assert "}" not in each.text
        assert not RELIABLY.search(each.text.replace(name, ""))
        json.dumps(each.as_json(), allow_nan=False)
    client = claims.of(Audience.CLIENT)
    assert client.withheld == ()
    assert [each.id for each in client.about("client.sentence", "client.practice")] == [
        "client.sentence",
        "client.practice",
    ]


def _any_session(name: str, found: list[Found], usable: tuple[float, float]) -> Analysis:
    """The guided session with these reactions and shares, and another name for its challenge."""
    measures = ("mean_hr_bpm", "ln_rmssd", "ln_scl", "scr_per_min")
    told = list(zip(measures, found, strict=True))
    phases = tuple(
        replace(each, phase=replace(each.phase, name=name)) if each.phase.name == "Challenge" else each
        for each in guided().phases
    )
    return replace(
        guided(),
        phases=phases,
        reactivity=tuple(
            Reactivity(measure, "Baseline", name, 180.0, change, low, high, 12)
            for measure, ((change, low, high), _, _) in told
        ),
        recovery=tuple(
            Recovery(measure, name, 180.0, "Recovery", share, low, high, None, Share(*early))
            for measure, (_, (share, low, high), early) in told
        ),
        beside=(),
        near_baseline=(),
        quality={"beats": {"coverage": usable[0]}, "eda": {"coverage": usable[1]}},
    )


if __name__ == "__main__":
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text(json.dumps(golden(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
