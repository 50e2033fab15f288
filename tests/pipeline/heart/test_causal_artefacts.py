"""The causal form says the same however it is fed, and nearly what the batch form says."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.virtual.traits import Traits
from pipeline.heart.artefacts import classify
from pipeline.heart.beats import BeatKind, Beats
from pipeline.heart.causal_artefacts import DELAY_BEATS, LOOK_BACK_BEATS, CausalBeats
from pipeline.model import Floats
from tests.pipeline.heart.artefact_figures import (
    CLEAN_RHYTHMS,
    ONE_EACH,
    STEADY,
    causal,
    of_intervals,
    scores,
)
from tests.pipeline.heart.rhythms import lived, real_beats, rhythm, spoilt

NORMAL, ECTOPIC, MISSED, EXTRA, LONG_SHORT, IMPLAUSIBLE, _ = BeatKind


def fed(time_s: Floats, interval_ms: Floats) -> CausalBeats:
    form = CausalBeats()
    for beat in zip(time_s.tolist(), interval_ms.tolist(), strict=True):
        form.feed(*beat)
    return form


def spoilt_beats(kind: BeatKind, count: int) -> tuple[Floats, Floats]:
    beat_s, _ = spoilt(kind, 0)
    return beat_s[1 : count + 1], np.diff(beat_s)[:count] * 1000


def test_a_label_is_final_after_a_few_beats_and_stays() -> None:
    form, known = CausalBeats(), np.empty(0, dtype=np.int8)
    for count, beat in enumerate(zip(*spoilt_beats(ECTOPIC, 300), strict=True), start=1):
        form.feed(*beat)
        final = form.final.kind
        assert len(final) == max(count - DELAY_BEATS, 0)
        np.testing.assert_array_equal(known, final[: len(known)])
        np.testing.assert_array_equal(final, form.beats.kind[: len(final)])
        assert len(form.beats) == count
        known = final
    assert np.count_nonzero(known == ECTOPIC) >= 12


@given(looks=st.sets(st.integers(0, 119)))
@settings(max_examples=8, deadline=None)
def test_looking_changes_nothing(looks: set[int]) -> None:
    time_s, interval_ms = spoilt_beats(EXTRA, 120)
    form = CausalBeats()
    for row in range(120):
        form.feed(time_s[row], interval_ms[row])
        if row in looks:
            form.beats.kind[:] = IMPLAUSIBLE
            form.final.interval_ms[:] = 0.0
    np.testing.assert_array_equal(fed(time_s, interval_ms).beats.kind, form.beats.kind)


def test_nothing_older_than_the_look_back_matters() -> None:
    time_s, interval_ms = spoilt_beats(MISSED, 400)
    late = fed(time_s[200:], interval_ms[200:]).beats.kind
    np.testing.assert_array_equal(
        fed(time_s, interval_ms).beats.kind[200 + LOOK_BACK_BEATS :], late[LOOK_BACK_BEATS:]
    )


def test_it_runs_for_as_long_as_a_session() -> None:
    time_s, interval_ms = spoilt_beats(MISSED, 1060)
    latest = fed(time_s, interval_ms).beats
    assert LOOK_BACK_BEATS < len(latest) < 1000
    np.testing.assert_array_equal(interval_ms[-len(latest) :], latest.interval_ms)
    np.testing.assert_array_equal(time_s[-len(latest) :], latest.time_s)
    np.testing.assert_array_equal(causal(time_s, interval_ms).kind[-len(latest) :], latest.kind)


@pytest.mark.parametrize("stress", [False, True], ids=["rest", "stress"])
@pytest.mark.parametrize("traits", [ONE_EACH, STEADY], ids=["usual", "fast and steady"])
def test_finds_what_befell_a_simulated_client(traits: Traits, stress: bool) -> None:
    lives = [lived(seed, traits, stress) for seed in range(1)]
    of_kind, alarms = scores(lives, causal)
    for kind, score in of_kind.items():
        assert score.sensitivity >= 0.95, kind
    assert alarms <= 0.005
    differ = [
        causal(each.time_s, each.interval_ms).kind != classify(each.time_s, each.interval_ms).kind
        for each in lives
    ]
    assert np.mean(np.concatenate(differ)) <= 0.005


@pytest.mark.parametrize("made", CLEAN_RHYTHMS.values(), ids=CLEAN_RHYTHMS.keys())
def test_leaves_a_clean_rhythm_alone(made: Callable[[int], Floats]) -> None:
    assert np.mean(~of_intervals(made(0)[:500], causal).nn) <= 0.005


def test_the_first_beats_are_no_artefacts_not_even_provisionally() -> None:
    for seed in range(10):
        interval_ms = rhythm(300, seed, share=1.5)[:25]
        form = CausalBeats()
        for beat in zip(np.cumsum(interval_ms) / 1000, interval_ms, strict=True):
            form.feed(*beat)
            assert form.beats.nn.all()


def test_an_early_beat_among_the_first_is_found() -> None:
    interval_ms = rhythm(300)[:20]
    interval_ms[12:14] += -250.0, 250.0
    kind = fed(np.cumsum(interval_ms) / 1000, interval_ms).final.kind
    assert np.flatnonzero(kind == ECTOPIC).tolist() == [12, 13]


def test_a_heart_that_grows_livelier_is_left_alone() -> None:
    """As after exercise: the rhythm slows, and swings ten times as much as a minute before."""
    steady, lively = rhythm(300, 0, 450.0, 0.08), rhythm(300, 1, 750.0, 0.8)
    slowing = np.linspace(450.0, 750.0, 40) + 0.4 * (rhythm(300, 2) - 850)[:40]
    interval_ms = np.concatenate([steady, slowing, lively])
    assert np.mean(~of_intervals(interval_ms, causal).nn) <= 0.01


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats() | st.floats(0, 100), st.floats() | st.floats(300, 2000)), max_size=40))
def test_never_raises(rows: list[tuple[float, float]]) -> None:
    form = CausalBeats()
    with np.errstate(all="ignore"):
        for row in rows:
            form.feed(*row)
            assert set(form.beats.kind.tolist()) <= set(BeatKind)
    assert len(form.beats) == len(rows)


def test_needs_no_more_than_numpy() -> None:
    code = (
        "import sys; from pipeline.heart.causal_artefacts import CausalBeats as C; c = C();"
        "[c.feed(0.8 * i, 800.0) for i in range(1, 99)];"
        "print({'numba', 'scipy', 'pandas'} & {name.split('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_differs_little_from_the_batch_form_on_real_beats(recordings: Path) -> None:
    def differ(one: Beats, other: Beats) -> float:
        return float(np.mean(one.nn != other.nn))

    for name, series in real_beats(recordings).items():
        if name in ("exercise", "driving", "vu-ams", "mitdb 100"):
            interval_ms = series[0][-1000:]
            assert differ(of_intervals(interval_ms, causal), of_intervals(interval_ms)) <= 0.01, name
