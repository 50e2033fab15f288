import math
from pathlib import Path

import numpy as np
import pytest

from pipeline.heart import complexity
from pipeline.heart.beats import Beats
from pipeline.heart.complexity import dfa_alpha1, sample_entropy
from pipeline.heart.series import Series
from pipeline.model import Floats
from tests.pipeline.heart.tachograms import beats_of, irregular

WHOLE = (np.array([0]), np.array([10**6]))


def entropy_of(beats: Beats) -> float:
    series = Series.of(beats)
    sdnn_ms = np.array([np.std(series.interval_ms, ddof=1) if len(series) > 1 else np.nan])
    return float(sample_entropy(series, np.array([0]), np.array([len(series)]), sdnn_ms)[0])


def alpha1_of(beats: Beats) -> float:
    series = Series.of(beats)
    return float(dfa_alpha1(series, np.array([0]), np.array([len(series)]))[0])


def unbroken(length_s: float = 300.0, seed: int = 1) -> Beats:
    beats = irregular(length_s, seed)
    return beats_of(beats.interval_ms)


@pytest.mark.parametrize("length_s", [60.0, 300.0, 900.0])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_parity_with_neurokit(length_s: float, seed: int) -> None:
    """NeuroKit2's boxes overlap by half unless told otherwise; ours, as Peng's, lie end to end."""
    neurokit2 = pytest.importorskip("neurokit2")
    beats = unbroken(length_s, seed)
    rr_ms, tolerance = beats.interval_ms, 0.2 * np.std(beats.interval_ms, ddof=1)
    entropy, _ = neurokit2.entropy_sample(rr_ms, delay=1, dimension=2, tolerance=tolerance)
    alpha1, _ = neurokit2.fractal_dfa(rr_ms, scale=list(range(4, 12)), overlap=False)
    assert entropy_of(beats) == pytest.approx(entropy, rel=1e-9)
    assert alpha1_of(beats) == pytest.approx(alpha1, rel=1e-9)


def test_the_kubios_report(recordings: Path) -> None:
    """It prints sample entropy 0.7436 and alpha 1 1.3137, of the same intervals.

    Its entropy takes one more template of two intervals than of three and divides by their numbers, ours (as
    Richman & Moorman, and NeuroKit2) the same for both; its boxes reach to 12 intervals, ours to 11.
    """
    beats = beats_of(np.loadtxt(recordings / "kubios_report" / "SampleExport.txt"))
    two, three = brute_matches(beats.interval_ms, 2, more=1), brute_matches(beats.interval_ms, 3)
    n = len(beats) - 2
    assert -math.log(three / (n * (n - 1)) * (n * (n + 1)) / two) == pytest.approx(0.7436, abs=5e-5)
    assert entropy_of(beats) == pytest.approx(0.7370, abs=5e-5)
    neurokit2 = pytest.importorskip("neurokit2")
    theirs, _ = neurokit2.fractal_dfa(beats.interval_ms, scale=list(range(4, 13)), overlap=False)
    assert theirs == pytest.approx(1.3137, abs=5e-5)
    assert alpha1_of(beats) == pytest.approx(1.2746, abs=5e-5)


def brute_matches(rr_ms: Floats, m: int, more: int = 0) -> int:
    r_ms = 0.2 * np.std(rr_ms, ddof=1)
    templates = np.array([rr_ms[i : i + m] for i in range(len(rr_ms) - 2 + more)])
    apart = np.max(np.abs(templates[:, None] - templates[None]), axis=2)
    return int(np.count_nonzero(apart <= r_ms)) - len(templates)


def test_no_template_spans_an_excluded_beat_or_a_gap() -> None:
    beats = irregular(300.0, gap_at_s=100.0)
    nn, pairs = beats.nn, beats.pairs
    starts = [i for i in range(len(beats) - 2) if nn[i] and pairs[i + 1] and pairs[i + 2]]
    templates = np.array([beats.interval_ms[i : i + 3] for i in starts])
    r_ms = 0.2 * np.std(beats.interval_ms[nn], ddof=1)
    apart = np.abs(templates[:, None] - templates[None])
    two, three = (np.count_nonzero(np.max(apart[:, :, :m], axis=2) <= r_ms) - len(starts) for m in (2, 3))
    assert entropy_of(beats) == pytest.approx(-math.log(three / two), rel=1e-12)


def test_boxes_of_each_run_are_pooled() -> None:
    beats = irregular(300.0, gap_at_s=100.0)
    runs = np.split(np.arange(len(beats)), np.flatnonzero(~beats.pairs[1:]) + 1)
    squares = []
    for size in range(4, 12):
        boxes = [
            beats.interval_ms[run[k : k + size]]
            for run in runs
            if np.all(beats.nn[run])
            for k in range(0, len(run) - size + 1, size)
        ]
        place = np.arange(size)
        left = [np.cumsum(box) - np.polyval(np.polyfit(place, np.cumsum(box), 1), place) for box in boxes]
        squares.append(np.mean([np.mean(rest**2) for rest in left]))
    slope = np.polyfit(np.log(np.arange(4, 12)), np.log(squares) / 2, 1)[0]
    assert alpha1_of(beats) == pytest.approx(slope, rel=1e-9)


@pytest.mark.parametrize("rr_ms", [[], [800.0], [800.0] * 300, [800.1] * 300, [800.0, 900.0, 1000.0]])
def test_what_cannot_exist_is_nan(rr_ms: list[float]) -> None:
    beats = beats_of(np.array(rr_ms))
    assert math.isnan(entropy_of(beats))
    assert math.isnan(alpha1_of(beats))


def test_known_exponents() -> None:
    """Independent intervals have 0.5 (a little more with short boxes), their running sum 1.5."""
    noise = np.random.default_rng(5).standard_normal(20_000)
    assert alpha1_of(beats_of(1000 + 5 * noise)) == pytest.approx(0.6, abs=0.03)
    assert alpha1_of(beats_of(1000 + 0.1 * np.cumsum(noise))) == pytest.approx(1.5, abs=0.1)


def test_a_long_window_is_counted_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    beats = irregular(2000.0)
    whole = entropy_of(beats)
    monkeypatch.setattr(complexity, "_LONG", 100)
    assert entropy_of(beats) == whole
