from dataclasses import replace

import numpy as np
import pytest

from pipeline.breathing.track import Track, sampled
from pipeline.guidance import resonance_criteria as criteria
from pipeline.guidance.resonance_criteria import UNITS, Breaths, Criterion, Measured
from pipeline.heart.beats import BeatKind, Beats
from pipeline.heart.spectrum import PsdMethod
from pipeline.model import Pacer, Phase
from pipeline.report.names import choice
from tests.pipeline.guidance.paced import belt, heart, steps, without

PACER = Pacer(6.0)


def _phase() -> Phase:
    return steps((6.0,))[0]


def _beats(swing_bpm: float = 12.0, lag: float = 0.0) -> Beats:
    return heart([_phase()], lambda _: swing_bpm, lag=lag)


def _breaths(beats: Beats) -> Breaths:
    return Breaths.of(_phase(), PACER, beats)


def _belt(gain: float = 1.0) -> Track:
    stream = belt([_phase()], gain=gain)
    return sampled(stream.time_s, stream.value[:, None], stream.rate_hz)


def test_every_criterion_has_a_unit_a_name_and_an_explanation() -> None:
    assert set(Criterion) == set(UNITS)
    for table in ("resonance.names", "resonance.details"):
        assert all(choice(table, criterion) for criterion in Criterion)


class TestBreaths:
    @pytest.mark.parametrize(
        ("rate", "length_s", "first_s", "count"),
        [(6.0, 120.0, 30.0, 9), (5.0, 120.0, 36.0, 7), (4.5, 120.0, 40.0, 6), (6.0, 29.0, 30.0, 0)],
    )
    def test_they_are_the_pacers_own_after_half_a_minute(
        self, rate: float, length_s: float, first_s: float, count: int
    ) -> None:
        phase = steps((rate,), start_s=100.0, step_s=length_s)[0]
        breaths = Breaths.of(phase, Pacer(rate), _beats())
        assert len(breaths.start_s) == count
        assert breaths.start_s.tolist()[:1] == pytest.approx([100.0 + first_s][: min(count, 1)])

    def test_a_breath_with_an_artefact_is_not_clean(self) -> None:
        beats = _beats()
        kind = beats.kind.copy()
        rows = slice(*np.searchsorted(beats.time_s, (54.0, 56.0)))
        kind[rows] = BeatKind.ECTOPIC
        breaths = _breaths(replace(beats, kind=kind))
        assert breaths.start_s[~breaths.clean].tolist() == [50.0]

    def test_too_few_are_said(self) -> None:
        measured = criteria.amplitude(_breaths(without(_beats(), 40.0, 100.0)))
        assert measured == Measured(
            Criterion.AMPLITUDE, None, "too few clean beats: 3 of 9 breaths have them, 5 are needed"
        )


class TestSynchrony:
    @pytest.mark.parametrize(
        ("lag", "expected"),
        [(0.0, 1.0), (1 / 6, 0.5), (0.25, 0.0), (0.5, -1.0)],
        ids=["together", "a sixth of a breath late", "a quarter", "opposite"],
    )
    def test_it_is_the_cosine_of_the_lag(self, lag: float, expected: float) -> None:
        measured = criteria.synchrony(_breaths(_beats(lag=lag)), _belt())
        assert measured.value == pytest.approx(expected, abs=0.06)

    def test_a_belt_may_be_upside_down(self) -> None:
        breaths = _breaths(_beats())
        upright, turned = (criteria.synchrony(breaths, _belt(gain)) for gain in (1.0, -1.0))
        assert turned.value == pytest.approx(upright.value)

    def test_no_signal_is_not_the_pacer(self) -> None:
        measured = criteria.synchrony(_breaths(_beats()), None)
        assert measured == Measured(Criterion.SYNCHRONY, None, "no breathing signal")


class TestSmoothness:
    def test_a_wave_is_smooth_and_noise_is_not(self) -> None:
        beats = _beats()
        noise_ms = np.random.default_rng(1).normal(0, 60, len(beats))
        smooth = criteria.smoothness(_breaths(beats)).value
        rough = criteria.smoothness(_breaths(replace(beats, interval_ms=beats.interval_ms + noise_ms))).value
        assert smooth is not None
        assert rough is not None
        assert smooth > 0.95
        assert rough < 0.7

    def test_noise_alone_has_none_of_it(self) -> None:
        beats = _beats(0.0)
        noise_ms = np.random.default_rng(1).normal(0, 20, len(beats))
        found = criteria.smoothness(_breaths(replace(beats, interval_ms=beats.interval_ms + noise_ms)))
        assert found.value == pytest.approx(0.0, abs=0.15)


class TestSpectrum:
    def test_power_goes_with_the_square_of_the_swing(self) -> None:
        small, large = (
            criteria.lf_criteria(_beats(swing), 30.0, 120.0, PsdMethod.WELCH) for swing in (4.0, 8.0)
        )
        assert [each.criterion for each in small] == list(criteria.SPECTRAL)
        for less, more in zip(small[:2], large[:2], strict=True):
            assert less.value is not None
            assert more.value == pytest.approx(4 * less.value, rel=0.1)
        assert small[2] == large[2] == Measured(Criterion.LF_PEAKS, 1.0)

    @pytest.mark.parametrize(
        ("beats", "reason"),
        [
            (without(_beats(), 40.0, 100.0), "needs 48 s of normal beats, there are 29 s"),
            (without(_beats(), 60.0, 75.0), "there is a gap in the beats"),
        ],
        ids=["too few", "a gap"],
    )
    def test_what_cannot_be_had_says_why(self, beats: Beats, reason: str) -> None:
        found = criteria.lf_criteria(beats, 30.0, 120.0, PsdMethod.WELCH)
        assert {each.value for each in found} == {None}
        assert [each.reason for each in found] == [reason] * 3
