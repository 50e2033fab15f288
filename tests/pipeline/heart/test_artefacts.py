from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.heart.artefacts import classify
from pipeline.heart.beats import BeatKind, Beats
from pipeline.model import Bools, Floats

NORMAL, ECTOPIC, MISSED, EXTRA, LONG_SHORT, IMPLAUSIBLE = BeatKind


def rhythm(n: int = 2000, seed: int = 0, mean_ms: float = 850.0) -> Floats:
    """Intervals with slow drift, breathing at 15/min and noise, as at rest."""
    rng = np.random.default_rng(seed)
    slow = np.cumsum(rng.normal(size=n))
    slow -= np.convolve(slow, np.ones(201) / 201, "same")
    breath = np.sin(2 * np.pi * 0.25 * mean_ms / 1000 * np.arange(n) + np.cumsum(rng.normal(0, 0.05, n)))
    return np.asarray(mean_ms + 30 * slow / slow.std() + 30 * breath + rng.normal(0, 8, n))


def spoilt(kind: BeatKind, seed: int) -> tuple[Floats, Bools]:
    """Beat times of a rhythm with an artefact about every 40 beats, and the intervals that suffered."""
    rng = np.random.default_rng(seed)
    beats_ms = np.concatenate([[0.0], np.cumsum(rhythm(seed=seed))])
    spots = np.arange(30, 1970, 40)
    spots += rng.integers(-10, 10, len(spots))
    share = rng.uniform(0.2, 0.4, len(spots))
    if kind is MISSED:
        kept = np.delete(beats_ms, spots)
        wrong = np.searchsorted(kept, beats_ms[spots]) - 1
    elif kind is EXTRA:
        added = beats_ms[spots] + 2 * share * np.diff(beats_ms)[spots]
        kept = np.sort(np.concatenate([beats_ms, added]))
        wrong = np.searchsorted(kept, added)
        wrong = np.concatenate([wrong - 1, wrong])
    else:
        kept = beats_ms.copy()
        kept[spots] -= share * np.diff(beats_ms)[spots - 1]
        wrong = np.concatenate([spots - 1, spots])
    suffered = np.zeros(len(kept) - 1, dtype=bool)
    suffered[wrong] = True
    return kept / 1000, suffered


def labelled(beat_s: Floats) -> Beats:
    return classify(beat_s[1:], np.diff(beat_s) * 1000)


def from_intervals(*interval_ms: float) -> Beats:
    return classify(np.nancumsum(interval_ms) / 1000, np.array(interval_ms))


@pytest.mark.parametrize("kind", [ECTOPIC, MISSED, EXTRA], ids=lambda kind: kind.name.lower())
def test_finds_injected_artefacts(kind: BeatKind) -> None:
    runs = [(labelled(beat_s), suffered) for beat_s, suffered in (spoilt(kind, seed) for seed in range(10))]
    found = np.concatenate([~beats.nn for beats, _ in runs])
    suffered = np.concatenate([truth for _, truth in runs])
    named = np.concatenate([beats.kind == kind for beats, _ in runs])
    assert np.mean(found[suffered]) >= 0.95
    assert np.mean(found[~suffered]) <= 0.005
    assert np.mean(named[suffered]) >= 0.95


def test_leaves_a_clean_rhythm_alone() -> None:
    assert np.mean([labelled(np.cumsum(rhythm(seed=seed)) / 1000).corrected_pct for seed in range(10)]) < 0.5


STEADY = tuple(800 + 20 * np.sin(0.9 * np.arange(40)) + 10 * np.sin(2.3 * np.arange(40)))


@pytest.mark.parametrize(
    ("middle", "kinds"),
    [
        pytest.param((800,), (NORMAL,), id="nothing"),
        pytest.param((540, 1060), (ECTOPIC, ECTOPIC), id="early beat, pause after it"),
        pytest.param((1600,), (MISSED,), id="missed"),
        pytest.param((300, 500), (EXTRA, EXTRA), id="extra"),
        pytest.param((200, 600), (EXTRA, EXTRA), id="extra, one part implausibly short"),
        pytest.param((700, 100), (EXTRA, EXTRA), id="extra, just before a beat"),
        pytest.param((1200,), (LONG_SHORT,), id="long"),
        pytest.param((2500,), (IMPLAUSIBLE,), id="too long for any heart"),
        pytest.param((float("nan"),), (IMPLAUSIBLE,), id="NaN"),
        pytest.param((0,), (IMPLAUSIBLE,), id="zero"),
        pytest.param((-5,), (IMPLAUSIBLE,), id="negative"),
    ],
)
def test_kinds(middle: tuple[float, ...], kinds: tuple[BeatKind, ...]) -> None:
    beats = from_intervals(*STEADY, *middle, *STEADY)
    assert [*[NORMAL] * 40, *kinds, *[NORMAL] * 40] == beats.kind.tolist()


@pytest.mark.parametrize(
    ("intervals", "at"),
    [((1600, *STEADY), 0), ((*STEADY, 1600), 40), ((*STEADY, 1600, 800), 40)],
    ids=["first", "last", "last but one"],
)
def test_judges_the_ends(intervals: tuple[float, ...], at: int) -> None:
    assert [at] == np.flatnonzero(~from_intervals(*intervals).nn).tolist()


def test_finds_an_artefact_in_a_metronomic_rhythm() -> None:
    beats = from_intervals(*[800.0] * 50, 1600.0, *[800.0] * 50)
    assert np.flatnonzero(~beats.nn).tolist() == [50]


def test_sustained_speed_beyond_any_heart_is_implausible() -> None:
    assert {BeatKind.IMPLAUSIBLE} == set(from_intervals(*[250.0] * 20).kind.tolist())


def with_gap(rr_ms: Floats, at: int, gap_s: float) -> Floats:
    time_s = np.cumsum(rr_ms) / 1000
    time_s[at:] += gap_s
    return time_s


def test_nothing_is_compared_across_a_gap() -> None:
    """Heart rate doubles while nobody looks: neither side is an artefact."""
    rr_ms = np.concatenate([rhythm(300, mean_ms=1000), rhythm(300, seed=1, mean_ms=550)])
    time_s = with_gap(rr_ms, 300, 600.0)
    beats = classify(time_s, rr_ms)
    assert beats.nn[[298, 299, 300, 301]].all()
    assert np.flatnonzero(~beats.adjacent).tolist() == [0, 300]
    assert not beats.pairs[300]


def test_a_gap_reaches_no_further_than_the_threshold_window() -> None:
    beat_s, _ = spoilt(ECTOPIC, 0)
    time_s, rr_ms = beat_s[1:], np.diff(beat_s) * 1000
    whole = classify(time_s, rr_ms)
    keep = np.ones(len(time_s), dtype=bool)
    keep[1000:1060] = False
    holed = classify(time_s[keep], rr_ms[keep])
    np.testing.assert_array_equal(whole.kind[:900], holed.kind[:900])
    np.testing.assert_array_equal(whole.kind[1160:], holed.kind[1100:])


@pytest.mark.parametrize("shift_s", [-1e4, 0.125, 1e7])
def test_time_shift(shift_s: float) -> None:
    beat_s, _ = spoilt(MISSED, 0)
    rr_ms = np.diff(beat_s) * 1000
    moved = classify(beat_s[1:] + shift_s, rr_ms)
    np.testing.assert_array_equal(classify(beat_s[1:], rr_ms).kind, moved.kind)


@pytest.mark.parametrize("scale", [0.8, 1.15])
def test_unit_scale(scale: float) -> None:
    beat_s, _ = spoilt(EXTRA, 0)
    normal, scaled = labelled(beat_s), labelled(beat_s * scale)
    np.testing.assert_array_equal(normal.nn, scaled.nn)


def test_the_data_stay_as_they_were() -> None:
    beat_s, _ = spoilt(EXTRA, 0)
    rr_ms = np.diff(beat_s) * 1000
    before = rr_ms.copy()
    beats = classify(beat_s[1:], rr_ms)
    np.testing.assert_array_equal(before, beats.interval_ms)


def test_masks_counts_and_cover() -> None:
    kind = np.array([NORMAL, NORMAL, MISSED, NORMAL, NORMAL], dtype=np.int8)
    beats = Beats(
        np.array([1.0, 2.0, 4.0, 5.0, 9.0]), np.array([1000.0, 1000.0, 2000.0, 1000.0, 1000.0]), kind
    )
    assert beats.nn.tolist() == [True, True, False, True, True]
    assert beats.adjacent.tolist() == [False, True, True, True, False]
    assert beats.pairs.tolist() == [False, True, False, False, False]
    assert beats.counts == {NORMAL: 4, ECTOPIC: 0, MISSED: 1, EXTRA: 0, LONG_SHORT: 0, IMPLAUSIBLE: 0}
    assert beats.corrected_pct == 20
    assert beats.covered_s(0, 9) == 4
    assert beats.covered_s(0.5, 8.25) == pytest.approx(0.5 + 1 + 1 + 0.25)
    assert beats.covered_s(2, 4) == 0
    assert beats.between(2.0, 5.0).time_s.tolist() == [2.0, 4.0]
    assert not beats.between(2.0, 5.0).adjacent[0]


@pytest.mark.parametrize(
    ("late_ms", "follows"),
    [(29, True), (-29, True), (39, True), (41, False), (-41, False), (5000, False)],
)
def test_adjacent_within_30_ms_or_5_percent(late_ms: float, follows: bool) -> None:
    time_s = np.array([0.8, 1.6 + late_ms / 1000])
    assert follows == classify(time_s, np.array([800.0, 800.0])).adjacent[1]


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(width=32, allow_nan=True, allow_infinity=True) | st.floats(200, 2500),
            st.floats(1e-3, 30) | st.none(),
        ),
        max_size=120,
    )
)
def test_never_raises(rows: list[tuple[float, float | None]]) -> None:
    interval_ms = np.array([interval for interval, _ in rows], dtype=np.float64)
    in_step_s = np.clip(np.nan_to_num(interval_ms, nan=800), 1, 1e5) / 1000
    steps_s = [own if step is None else step for own, (_, step) in zip(in_step_s, rows, strict=True)]
    beats = classify(np.cumsum(steps_s), interval_ms)
    assert len(beats) == sum(beats.counts.values()) == len(rows)
    assert np.all((beats.interval_ms[beats.nn] >= 300) & (beats.interval_ms[beats.nn] <= 2000))
    assert 0 <= beats.corrected_pct <= 100
    assert beats.covered_s(0, 10) >= 0


REAL = {
    "rest": "rri_txt_polar_hrm/rest_rri.txt",
    "driving": "elitehrv_txt/2017-06-29 13-11-53.txt",
    "kubios sample": "kubios_report/SampleExport.txt",
}


@pytest.mark.parametrize("path", REAL.values(), ids=REAL.keys())
def test_agrees_with_neurokit_on_real_beats(path: str, recordings: Path) -> None:
    """Interval by interval, against the beats that its iterations moved, removed or put in."""
    neurokit2 = pytest.importorskip("neurokit2")
    rr_ms = np.loadtxt(recordings / path)
    peaks = np.concatenate([[0], np.cumsum(rr_ms)]).astype(int)
    _, clean = neurokit2.signal_fixpeaks(peaks, sampling_rate=1000, iterative=True, method="Kubios")
    moved = ~np.isin(peaks, clean)
    inside = np.searchsorted(clean, peaks[1:]) - np.searchsorted(clean, peaks[:-1], side="right")
    put_in = (inside > 0) & ~moved[1:] & ~moved[:-1]
    ours = ~classify(np.cumsum(rr_ms) / 1000, rr_ms).nn
    assert np.mean(ours == (moved[1:] | put_in)) >= 0.98
