import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.heart.artefacts import classify
from pipeline.heart.beats import BeatKind, Beats
from pipeline.heart.corrected import corrected_times, interpolated
from tests.pipeline.heart.artefact_figures import ONE_EACH, of_intervals
from tests.pipeline.heart.rhythms import lived, rhythm

NORMAL, ECTOPIC, MISSED, EXTRA, LONG_SHORT, IMPLAUSIBLE, EXCLUDED = BeatKind
NAN = float("nan")
AROUND = [800.0] * 40


def with_middle(*middle_ms: float) -> Beats:
    return of_intervals(np.array([*AROUND, *middle_ms, *AROUND]))


@pytest.mark.parametrize(
    ("middle_ms", "later_ms", "made_ms"),
    [
        pytest.param((800,), (0,), (800,), id="nothing"),
        pytest.param((540, 1060), (260, 0), (800, 800), id="early beat: moved"),
        pytest.param((500, 820), (NAN, 0), (), id="early beat and no pause: no whole number fits"),
        pytest.param((1600,), (0,), (800, 800), id="missed: one put in"),
        pytest.param((2400,), (0,), (800, 800, 800), id="two missed: two put in"),
        pytest.param((4000,), (0,), (4000,), id="four missed: too many to make up"),
        pytest.param((300, 500), (NAN, 0), (800,), id="extra: gone"),
        pytest.param((700, 100), (NAN, 0), (800,), id="extra, late: gone"),
        pytest.param((540, 1060, 1600), (260, 0, 0), (800, 800, 800, 800), id="early, then missed"),
        pytest.param((1200,), (0,), (1200,), id="long: stays"),
    ],
)
def test_corrections(
    middle_ms: tuple[float, ...], later_ms: tuple[float, ...], made_ms: tuple[float, ...]
) -> None:
    beats = with_middle(*middle_ms)
    rows = slice(40, 40 + len(middle_ms))
    if not made_ms:
        later_ms, made_ms = (0.0,) * len(middle_ms), middle_ms
    change_ms = (corrected_times(beats) - beats.time_s) * 1000
    np.testing.assert_allclose(change_ms[rows], later_ms, atol=1e-6)
    assert not np.any(np.delete(change_ms, range(40, 40 + len(middle_ms))))
    corrected = interpolated(beats)
    np.testing.assert_allclose(corrected.interval_ms, [*AROUND, *made_ms, *AROUND], atol=1e-6)


def test_the_measured_series_stays() -> None:
    beats = with_middle(540, 1060)
    before = beats.time_s.copy(), beats.interval_ms.copy(), beats.kind.copy()
    corrected_times(beats)
    interpolated(beats).interval_ms[:] = 0
    for column, kept in zip((beats.time_s, beats.interval_ms, beats.kind), before, strict=True):
        np.testing.assert_array_equal(kept, column)


def test_what_was_put_right_is_unbroken_and_takes_the_same_time() -> None:
    life = lived(0, ONE_EACH, stress=False)
    beats = classify(life.time_s, life.interval_ms)
    corrected = interpolated(beats)
    assert corrected.corrected_pct < 0.3
    assert corrected.adjacent[1:].all()
    assert corrected.time_s[-1] == beats.time_s[-1]
    assert np.all(np.diff(corrected.time_s) > 0)


def test_corrected_times_are_those_of_the_beats_that_were() -> None:
    """A sound rhythm, spoilt: corrected beats are where they had been, within the rhythm's noise."""
    sound_ms = rhythm(400)
    beat_s = np.cumsum(sound_ms) / 1000
    kept_s = np.sort(np.append(np.delete(beat_s, [100, 300]), beat_s[200] + 0.3))
    kept_s[50] -= 0.25
    beats = classify(kept_s[1:], np.diff(kept_s) * 1000)
    corrected = interpolated(beats)
    assert corrected.nn.all()
    np.testing.assert_allclose(corrected.time_s, beat_s[1:], atol=0.05)
    assert np.count_nonzero(np.isnan(corrected_times(beats))) == 1


@pytest.mark.parametrize("at", [0, 80], ids=["first", "last"])
def test_at_an_end_nothing_is_known_on_the_other_side(at: int) -> None:
    interval_ms = np.insert(np.array(AROUND * 2), at, 1600.0)
    beats = of_intervals(interval_ms)
    assert not beats.nn[at]
    np.testing.assert_array_equal(corrected_times(beats), beats.time_s)
    assert len(interpolated(beats)) == len(beats)


def test_a_gap_is_not_filled() -> None:
    interval_ms = np.array([*AROUND, 1600.0, *AROUND])
    time_s = np.cumsum(interval_ms) / 1000
    time_s[40:] += 5.0
    beats = classify(time_s, interval_ms)
    assert len(interpolated(beats)) == len(beats)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(100, 4000) | st.floats(),
            st.floats(-1, 5) | st.just(NAN) | st.none(),
            st.sampled_from(BeatKind),
        ),
        max_size=60,
    )
)
def test_never_raises(rows: list[tuple[float, float | None, BeatKind]]) -> None:
    interval_ms = np.array([row[0] for row in rows], dtype=np.float64)
    own_s = np.clip(np.nan_to_num(interval_ms, nan=800), 1, 1e5) / 1000
    steps_s = [own if row[1] is None else row[1] for own, row in zip(own_s, rows, strict=True)]
    time_s = np.cumsum(np.array(steps_s, dtype=np.float64))
    with np.errstate(invalid="ignore"):
        beats = Beats(time_s, interval_ms, np.array([row[2] for row in rows], dtype=np.int8))
        assert len(corrected_times(beats)) == len(beats)
        assert len(interpolated(beats)) <= 3 * len(beats)
        labelled = classify(time_s, interval_ms)
        assert interpolated(labelled).corrected_pct <= labelled.corrected_pct
