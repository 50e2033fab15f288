"""When distress is a concern, how slow a pacer may be, and what the answers before a first session change."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import UsageError
from pipeline.guidance import safety
from pipeline.guidance.safety import (
    QUESTIONS,
    UNWELL,
    ConcernKind,
    DistressWatch,
    Screened,
    checked_pacer,
    many_unusable,
    screened,
)
from pipeline.heart.beats import BeatKind, Beats
from pipeline.indices.components import heart_note
from pipeline.model import Pacer


@pytest.mark.parametrize(
    ("ratings", "concerns"),
    [
        pytest.param([2, 4, 4.9], [False, False, False], id="below both"),
        pytest.param([2, 5], [False, True], id="three above the first"),
        pytest.param([2, 4, 6], [False, False, True], id="above the first, not the last"),
        pytest.param([6, 1, 4], [False, False, False], id="three above the lowest"),
        pytest.param([7.9], [False], id="just below eight"),
        pytest.param([8], [True], id="eight at once"),
        pytest.param([8, 7, 8, 10], [True, False, True, True], id="each time anew"),
        pytest.param([0, 0, 3], [False, False, True], id="from nothing"),
    ],
)
def test_eight_or_a_rise_of_three_is_a_concern(ratings: list[float], concerns: list[bool]) -> None:
    watch = DistressWatch()
    assert [watch.rated(value) is not None for value in ratings] == concerns


@given(st.lists(st.floats(0, 10), min_size=1))
def test_the_rule_is_the_rule(ratings: list[float]) -> None:
    watch = DistressWatch()
    for value in ratings:
        concern = watch.rated(value)
        assert (concern is not None) == (value >= 8 or value - ratings[0] >= 3)
        assert concern is None or concern.kind is ConcernKind.DISTRESS


@pytest.mark.parametrize("value", [-1, 10.5, float("nan"), float("inf")])
def test_what_is_no_rating_is_refused_and_is_not_the_first(value: float) -> None:
    watch = DistressWatch()
    with pytest.raises(UsageError, match="from 0 to 10"):
        watch.rated(value)
    assert watch.rated(5) is None


@pytest.mark.parametrize(("bpm", "share"), [(4.5, 0.4), (20, 0.2), (6, 0.6)])
def test_a_pacer_within_limits_is_taken(bpm: float, share: float) -> None:
    assert checked_pacer(bpm, share) == Pacer(bpm, share)


@pytest.mark.parametrize(
    ("bpm", "share", "told"),
    [
        (4.49, 0.4, "breaths a minute: choose from 4.5 to 20"),
        (0, 0.4, "breaths a minute"),
        (21, 0.4, "breaths a minute"),
        (float("nan"), 0.4, "breaths a minute"),
        (6, 0.1, "inhale share: choose from 0.2 to 0.6"),
        (6, 0.7, "inhale share"),
        (6, float("nan"), "inhale share"),
    ],
)
def test_a_pacer_outside_is_refused(bpm: float, share: float, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        checked_pacer(bpm, share)


def test_every_answer_is_kept_and_no_changes_nothing() -> None:
    answers = {question.id: False for question in QUESTIONS}
    found = screened(answers)
    assert found == Screened(answers, dict.fromkeys(answers, "no"), (), False, False, False)
    assert heart_note(found.conditions) is None
    assert screened({}) == Screened({}, {}, (), False, False, False)


@pytest.mark.parametrize(
    ("id_", "note", "heart", "skin", "gently"),
    [
        ("pacemaker", "pacemaker noted", True, False, False),
        ("arrhythmia", None, True, False, False),
        ("beta-blocker", "beta-blocker noted", True, False, False),
        ("anticholinergic", None, True, True, False),
        ("pregnancy", None, False, False, True),
        ("epilepsy", None, False, False, True),
        ("asthma-or-copd", None, False, False, True),
        ("panic-or-trauma", None, False, False, True),
    ],
)
def test_what_a_yes_changes_and_that_the_index_reads_it(
    id_: str, note: str | None, heart: bool, skin: bool, gently: bool
) -> None:
    found = screened({question.id: question.id == id_ for question in QUESTIONS})
    assert (found.heart_with_care, found.skin_with_care, found.gently) == (heart, skin, gently)
    assert (len(found.advice), heart_note(found.conditions)) == (1, note)
    assert ("talk to your practitioner" in found.advice[0]) == gently


def test_every_question_is_in_that_table() -> None:
    assert len(QUESTIONS) == len({question.id for question in QUESTIONS}) == 8


def test_several_answers_add_up_and_a_question_that_is_not_asked_is_refused() -> None:
    found = screened({"beta-blocker": True, "pregnancy": True})
    assert (found.heart_with_care, found.gently, len(found.advice)) == (True, True, 2)
    assert found.conditions == {"beta-blocker": "yes", "pregnancy": "yes"}
    with pytest.raises(UsageError, match="no question 'diabetes': there are pacemaker"):
        screened({"diabetes": True})


def beats_of(count: int, unusable: int, *, kind: BeatKind = BeatKind.MISSED) -> Beats:
    """One beat a second, the last `unusable` of them not normal."""
    kinds = np.full(count, BeatKind.NORMAL, dtype=np.int8)
    kinds[count - unusable :] = kind
    return Beats(np.arange(1.0, count + 1.0), np.full(count, 1000.0), kinds)


@pytest.mark.parametrize(
    ("beats", "now_s", "many"),
    [
        (beats_of(0, 0), 0.0, False),
        (beats_of(120, 0), 121.0, False),
        (beats_of(120, 24), 121.0, False),
        (beats_of(120, 25), 121.0, True),
        (beats_of(29, 29), 30.0, False),
        (beats_of(30, 7), 31.0, True),
        (beats_of(300, 25), 301.0, True),
        (beats_of(120, 120), 400.0, False),
        (beats_of(120, 90, kind=BeatKind.EXCLUDED), 121.0, False),
    ],
    ids=[
        "none",
        "all good",
        "one in five",
        "more than one in five",
        "too few to tell",
        "just enough to tell",
        "only the last two minutes count",
        "long ago",
        "what a person marked does not count",
    ],
)
def test_when_so_many_beats_are_unusable_that_it_is_said(beats: Beats, now_s: float, many: bool) -> None:
    assert many_unusable(beats, now_s) is many


def test_the_texts_say_what_they_must() -> None:
    assert UNWELL.kind is ConcernKind.UNWELL
    assert "Breathe as you usually do" in UNWELL.text
    assert safety.HOME == "Nobody is watching this session. Not for emergencies."
    assert safety.PACER == "Smaller and softer, not deeper."
    for text in (UNWELL.text, safety.UNUSABLE_BEATS):
        assert "seek urgent help now" in text
    assert "is not a diagnosis" in safety.UNUSABLE_BEATS
