import math
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import interpolate, signal

from devices.virtual.client import SimulatedClient, Truth
from devices.virtual.heart import BeatFault
from devices.virtual.skin import DECAY_S, PEAK, REFRACTORY_S, RISE_S
from devices.virtual.traits import Traits
from pipeline.model import Floats, Pacer, Phase, PhaseKind

CLEAN = Traits(ectopic_per_min=0.0)
FAULTY = Traits(ectopic_per_min=2.0, missed_per_min=3.0, extra_per_min=3.0)
PHASES = (
    Phase("settle", PhaseKind.SETTLE, 0, 60),
    Phase("baseline", PhaseKind.BASELINE, 60, 240),
    Phase("stressor", PhaseKind.STRESSOR, 240, 420),
    Phase("recovery", PhaseKind.RECOVERY, 420, 720),
    Phase("paced", PhaseKind.PACED, 720, 900, pacer=Pacer(6.0)),
)


def client_in_session(seed: int, traits: Traits = CLEAN) -> SimulatedClient:
    client = SimulatedClient(seed, traits)
    for phase in PHASES:
        client.hear(phase.start_s, phase.kind, phase.pacer)
    return client


def truths(seed: int) -> dict[str, Truth]:
    client = client_in_session(seed)
    return {phase.name: client.truth(phase.start_s, phase.end_s) for phase in PHASES}


@pytest.fixture(scope="module", name="people")
def _people() -> list[dict[str, Truth]]:
    return [truths(seed) for seed in range(20)]


def welch(truth: Truth) -> tuple[Floats, Floats]:
    """An estimate that knows nothing of the model: Welch on the beats, interpolated at 4 Hz."""
    at_s = np.arange(truth.beat_time_s[0], truth.beat_time_s[-1], 0.25)
    tachogram_ms = interpolate.CubicSpline(truth.beat_time_s, truth.rr_ms)(at_s)
    spectrum: tuple[Floats, Floats] = signal.welch(tachogram_ms, 4.0, nperseg=256, detrend=signal.detrend)
    return spectrum


def band_ms2(truth: Truth, low_hz: float, high_hz: float) -> float:
    frequency_hz, power = welch(truth)
    inside = (frequency_hz >= low_hz) & (frequency_hz < high_hz)
    return float(power[inside].sum() * frequency_hz[1])


class TestDeterminism:
    cuts = st.lists(st.floats(0, 120), max_size=12).map(lambda cuts: [0.0, *sorted(cuts), 120.0])

    @given(
        seed=st.integers(0, 5),
        beat_cuts=cuts,
        eda_cuts=cuts,
        rate_hz=st.sampled_from([4.0, 15.0, 31.25, 128.0]),
    )
    @settings(max_examples=25, deadline=None)
    def test_splitting_and_order_change_nothing(
        self, seed: int, beat_cuts: list[float], eda_cuts: list[float], rate_hz: float
    ) -> None:
        whole, split = (client_in_session(seed, FAULTY) for _ in range(2))
        eda = np.concatenate([split.eda_us(a, b, rate_hz) for a, b in pairwise(eda_cuts)])
        beats = [beat for a, b in pairwise(beat_cuts) for beat in split.beats(a, b)]
        breath = np.concatenate([split.breath(a, b, rate_hz) for a, b in pairwise(beat_cuts)])

        assert list(whole.beats(0, 120)) == beats
        assert np.array_equal(whole.eda_us(0, 120, rate_hz), eda)
        assert np.array_equal(whole.breath(0, 120, rate_hz), breath)

    @given(at_s=st.floats(20, 40), ahead_s=st.floats(0, 5))
    @settings(max_examples=25, deadline=None)
    def test_hearing_in_time_equals_hearing_in_advance(self, at_s: float, ahead_s: float) -> None:
        advance, live = SimulatedClient(1, CLEAN), SimulatedClient(1, CLEAN)
        advance.hear(at_s, PhaseKind.STRESSOR)
        live.beats(0, at_s - ahead_s)
        live.eda_us(0, at_s, 8)
        live.hear(at_s, PhaseKind.STRESSOR)

        assert list(advance.beats(0, 60)) == list(live.beats(0, 60))
        assert np.array_equal(advance.eda_us(0, 60, 8), live.eda_us(0, 60, 8))

    def test_a_seed_is_a_person(self) -> None:
        assert SimulatedClient(1).beats(0, 60) == SimulatedClient(1).beats(0, 60)
        assert SimulatedClient(1).beats(0, 60) != SimulatedClient(2).beats(0, 60)

    def test_the_past_may_be_asked_again(self) -> None:
        client = client_in_session(1)
        before = client.beats(10, 20), client.eda_us(10, 20, 4).tolist()
        client.beats(0, 300)
        assert (client.beats(10, 20), client.eda_us(10, 20, 4).tolist()) == before

    def test_a_phase_heard_too_late_is_followed_from_there(self) -> None:
        late, in_time = SimulatedClient(1), SimulatedClient(1)
        late.beats(0, 60)
        late.hear(30, PhaseKind.STRESSOR)
        in_time.hear(60, PhaseKind.STRESSOR)
        assert late.beats(0, 120) == in_time.beats(0, 120)

    def test_life_may_begin_at_any_moment_of_the_clock(self) -> None:
        early, late = SimulatedClient(1), SimulatedClient(1, start_s=500_000.7)
        assert late.beats(0, 500_000) == []
        assert late.eda_us(499_999, 500_000, 4).size == 0
        assert np.allclose(late.eda_us(500_000, 500_060, 4), early.eda_us(0, 60, 4), atol=0.03)  # other noise
        shifted = np.array(late.beats(500_000, 500_060)) - [500_000, 0]
        assert np.allclose(shifted, np.array(early.beats(0, 60)), atol=1e-6)

    def test_sensor_noise_belongs_to_the_sample(self) -> None:
        quiet = SimulatedClient(1, replace(CLEAN, eda_noise_us=0.0)).eda_us(0, 600, 8)
        noise = SimulatedClient(1, CLEAN).eda_us(0, 600, 8) - quiet
        assert noise.std() == pytest.approx(0.003, rel=0.05)
        assert abs(np.corrcoef(noise[:-1], noise[1:])[0, 1]) < 0.05


class TestTruth:
    def test_without_faults_the_strap_sees_the_sinus(self) -> None:
        client = SimulatedClient(3, CLEAN)
        truth = client.truth(0, 300)
        assert list(client.beats(0, 300)) == list(zip(truth.beat_time_s, truth.rr_ms, strict=True))
        assert set(truth.beat_fault) == {BeatFault.NORMAL}

    def test_rr_is_the_time_between_beats(self) -> None:
        truth = SimulatedClient(3).truth(100, 300)
        assert np.allclose(np.diff(truth.beat_time_s) * 1000, truth.rr_ms[1:])
        assert truth.rmssd_ms == pytest.approx(np.sqrt(np.mean(np.diff(truth.rr_ms) ** 2)))
        assert truth.mean_hr_bpm == pytest.approx(60_000 / truth.rr_ms.mean())

    def test_detection_faults_leave_the_sinus_alone(self) -> None:
        clean, faulty = (SimulatedClient(3, traits).truth(0, 600) for traits in (CLEAN, FAULTY))
        assert np.array_equal(clean.rr_ms, faulty.rr_ms)
        assert (clean.rmssd_ms, clean.hf_ms2) == (faulty.rmssd_ms, faulty.hf_ms2)

    def test_eda_is_its_level_and_its_responses(self) -> None:
        client = SimulatedClient(4, replace(CLEAN, eda_noise_us=0.0, scr_per_min=6.0))
        eda_us, truth = client.eda_us(0, 600, 16), client.truth(0, 600)
        open_us = eda_us[-1] - client.truth(599.9, 600).scl_us  # what of the last ones is still to come
        area_us_s = truth.scr_amplitude_us.sum() / PEAK * (DECAY_S - RISE_S)
        assert len(truth.scr_onset_s) > 40
        assert eda_us.mean() * 600 == pytest.approx(
            truth.scl_us * 600 + area_us_s - open_us * DECAY_S, rel=1e-3
        )

    def test_a_lone_response_has_its_amplitude_and_shape(self) -> None:
        flat = replace(CLEAN, eda_noise_us=0.0, scl_wander_us=0.0, scl_decline_us=0.0, scl_settling_us=0.0)
        client = SimulatedClient(1, replace(flat, scr_per_min=0.5))
        truth = client.truth(0, 1800)
        alone = np.flatnonzero(np.diff(truth.scr_onset_s, prepend=-60, append=1860) > 60)
        row = next(i for i in alone if i + 1 in alone)
        onset_s, amplitude_us = truth.scr_onset_s[row], truth.scr_amplitude_us[row]
        response_us = client.eda_us(onset_s, onset_s + 20, 16) - 4.0
        half_s = np.flatnonzero(response_us > response_us.max() / 2)[-1] / 16
        assert response_us.max() == pytest.approx(amplitude_us, rel=0.01)
        assert np.argmax(response_us) / 16 == pytest.approx(1.28, abs=0.07)
        assert half_s - np.argmax(response_us) / 16 == pytest.approx(4.0, abs=0.1)

    def test_no_response_within_the_refractory_time(self, people: list[dict[str, Truth]]) -> None:
        assert min(np.diff(person["stressor"].scr_onset_s).min() for person in people) >= REFRACTORY_S

    def test_small_responses_are_few_and_can_be_left_out(self, people: list[dict[str, Truth]]) -> None:
        amplitude_us = np.concatenate([person[name].scr_amplitude_us for person in people for name in person])
        assert np.median(amplitude_us) == pytest.approx(0.3, rel=0.1)
        assert 0.0 < np.mean(amplitude_us < 0.1) < 0.1
        truth = people[0]["stressor"]
        assert truth.scr_per_min(0.3) == np.sum(truth.scr_amplitude_us >= 0.3) / 3 < truth.scr_per_min()

    def test_what_a_window_is_too_short_for_is_nan(self) -> None:
        truth = SimulatedClient(1).truth(10.0, 10.4)
        assert math.isnan(truth.hf_ms2)
        assert math.isnan(truth.rmssd_ms)

    def test_the_first_half_minute_has_a_spectrum(self) -> None:
        assert 100 < SimulatedClient(1).truth(0, 30).hf_ms2 < 2000


class TestSpectrum:
    @pytest.mark.parametrize(
        ("phase", "band", "low_hz", "high_hz", "single"),
        [
            ("baseline", "hf_ms2", 0.15, 0.40, 0.35),
            ("stressor", "hf_ms2", 0.15, 0.40, 0.40),
            ("paced", "lf_ms2", 0.04, 0.15, 0.35),
        ],
    )
    def test_an_independent_estimate_agrees(
        self,
        people: list[dict[str, Truth]],
        phase: str,
        band: str,
        low_hz: float,
        high_hz: float,
        single: float,
    ) -> None:
        ratio = [band_ms2(p[phase], low_hz, high_hz) / getattr(p[phase], band) for p in people]
        assert np.mean(ratio) == pytest.approx(1, abs=0.10)
        assert np.max(np.abs(np.array(ratio) - 1)) < single

    def test_resting_breath_is_in_hf(self, people: list[dict[str, Truth]]) -> None:
        client = SimulatedClient(1)
        onset_s = np.flatnonzero(np.diff(np.sign(np.diff(client.breath(0, 1800, 16)))) > 0) / 16
        assert 0.15 < 1 / np.diff(onset_s).max() < 1 / np.diff(onset_s).min() < 0.40
        assert all(p["baseline"].breath_rate_bpm == pytest.approx(14.5, abs=0.7) for p in people)

    @pytest.mark.parametrize("pace_bpm", [4.5, 5.0, 6.0, 6.5])
    def test_paced_breath_moves_the_power_to_the_pace(self, pace_bpm: float) -> None:
        client = SimulatedClient(2, CLEAN)
        client.hear(60, PhaseKind.PACED, Pacer(pace_bpm))
        rest, paced = client.truth(0, 60), client.truth(90, 330)
        frequency_hz, power = welch(paced)
        assert frequency_hz[np.argmax(power)] == pytest.approx(pace_bpm / 60, abs=frequency_hz[1])
        assert paced.lf_ms2 > 10 * paced.hf_ms2
        assert paced.lf_ms2 > 5 * rest.lf_ms2
        assert paced.breath_rate_bpm == pytest.approx(pace_bpm, rel=0.02)

    def test_arrhythmia_is_largest_at_resonance(self) -> None:
        power = []
        for pace_bpm in (4.5, 5.8, 9.0):
            client = SimulatedClient(2, replace(CLEAN, rsa_wander=0.0, drift_ms=0.0, baroreflex_ms=0.0))
            client.hear(0, PhaseKind.PACED, Pacer(pace_bpm))
            truth = client.truth(30, 330)
            power.append(truth.lf_ms2 + truth.hf_ms2)
        assert power[1] == max(power)

    def test_breath_keeps_to_the_pacer_and_its_inhale_share(self) -> None:
        client = SimulatedClient(2)
        client.hear(60, PhaseKind.PACED, Pacer(6.0, inhale_share=0.3))
        volume = client.breath(90, 390, 10).reshape(30, 100).mean(axis=0)
        assert 25 <= np.argmax(volume) <= 35
        assert np.argmin(volume) <= 5 or np.argmin(volume) >= 95


class TestStress:
    def test_heart_and_skin_answer(self, people: list[dict[str, Truth]]) -> None:
        def change(measure: str) -> Floats:
            return np.array(
                [getattr(p["stressor"], measure) - getattr(p["baseline"], measure) for p in people]
            )

        rate_change = [p["stressor"].scr_per_min() - p["baseline"].scr_per_min() for p in people]
        assert change("mean_hr_bpm").min() > 5
        assert np.mean(change("mean_hr_bpm")) == pytest.approx(14 * 0.93, abs=2)
        assert change("rmssd_ms").max() < -5
        assert change("scl_us").min() > 0.8
        assert np.mean(rate_change) == pytest.approx(6 * 0.93, abs=1)

    def test_both_recover_and_the_skin_more_slowly(self) -> None:
        for seed in range(5):
            client = client_in_session(seed)
            base, stress = client.truth(120, 240), client.truth(300, 420)
            early, late = client.truth(450, 480), client.truth(620, 720)
            assert late.mean_hr_bpm == pytest.approx(base.mean_hr_bpm, abs=6)
            assert late.rmssd_ms > 1.4 * stress.rmssd_ms
            assert late.scl_us == pytest.approx(base.scl_us, abs=0.3)
            assert early.scl_us - base.scl_us > 0.4 * (stress.scl_us - base.scl_us)

    def test_stress_level_is_told(self) -> None:
        told = truths(1)
        assert told["baseline"].stress == 0.0
        assert told["stressor"].stress == pytest.approx(0.933, abs=0.005)
        assert told["recovery"].stress == pytest.approx(45 / 300, abs=0.01)


class TestRanges:
    @pytest.mark.parametrize(
        ("phase", "measure", "low", "high"),
        [
            ("baseline", "mean_hr_bpm", 60, 72),
            ("baseline", "rmssd_ms", 20, 65),
            ("baseline", "hf_ms2", 200, 2000),
            ("baseline", "lf_ms2", 60, 2000),
            ("baseline", "scl_us", 3.0, 5.0),
            ("stressor", "mean_hr_bpm", 70, 90),
            ("stressor", "rmssd_ms", 10, 32),
            ("stressor", "scl_us", 4.0, 6.5),
            ("paced", "rmssd_ms", 25, 75),
            ("paced", "lf_ms2", 1500, 12_000),
        ],
    )
    def test_a_person_is_believable(
        self, people: list[dict[str, Truth]], phase: str, measure: str, low: float, high: float
    ) -> None:
        values = [getattr(person[phase], measure) for person in people]
        assert low < min(values) <= max(values) < high

    def test_intervals_and_conductance(self) -> None:
        for seed in range(20):
            client = client_in_session(seed)
            rr_ms, eda_us = np.array(client.beats(0, 900))[:, 1], client.eda_us(0, 900, 4)
            assert 500 < rr_ms.min() < rr_ms.max() < 1400
            assert 2 < eda_us.min() < eda_us.max() < 15

    def test_resting_responses_come_at_the_usual_rate(self, people: list[dict[str, Truth]]) -> None:
        assert 1.2 < np.mean([person["baseline"].scr_per_min() for person in people]) < 2.8


class TestFaults:
    def test_they_come_at_about_the_asked_rate(self) -> None:
        seen: Counter[BeatFault] = Counter()
        for seed in range(10):
            seen.update(SimulatedClient(seed, FAULTY).truth(0, 600).beat_fault)
        assert seen[BeatFault.ECTOPIC] / 100 == pytest.approx(2, rel=0.2)
        assert seen[BeatFault.MISSED] / 100 == pytest.approx(3, rel=0.2)
        assert seen[BeatFault.EXTRA] / 100 == pytest.approx(3, rel=0.2)

    @pytest.mark.parametrize(
        ("traits", "fault", "interval", "following"),
        [
            (replace(CLEAN, ectopic_per_min=4), BeatFault.ECTOPIC, (0.55, 0.85), (1.15, 1.45)),
            (replace(CLEAN, missed_per_min=4), BeatFault.MISSED, (1.85, 2.15), (0.85, 1.15)),
            (replace(CLEAN, extra_per_min=4), BeatFault.EXTRA, (0.20, 0.80), (0.20, 0.80)),
        ],
        ids=["ectopic", "missed", "extra"],
    )
    def test_each_label_names_what_happened(
        self, traits: Traits, fault: BeatFault, interval: tuple[float, float], following: tuple[float, float]
    ) -> None:
        steady = replace(traits, rsa_ms=5.0)
        client = SimulatedClient(7, steady)
        time_s, rr_ms = np.array(client.beats(0, 600)).T
        truth = client.truth(0, 600)
        usual_ms = np.median(rr_ms)
        assert np.array_equal(truth.detected_time_s, time_s)
        assert np.allclose(np.diff(time_s) * 1000, rr_ms[1:])
        rows = [i for i, label in enumerate(truth.beat_fault) if label is fault and i + 1 < len(rr_ms)]
        assert len(rows) > 20
        for row in rows:
            assert interval[0] < rr_ms[row] / usual_ms < interval[1]
            assert following[0] < rr_ms[row + 1] / usual_ms < following[1]

    def test_a_fault_costs_no_time(self) -> None:
        """Faults only hide or add beats: all other beats stay where the sinus put them."""
        client = SimulatedClient(5, FAULTY)
        truth = client.truth(0, 600)
        false = (BeatFault.ECTOPIC, BeatFault.EXTRA)
        real_s = [
            t for t, fault in zip(truth.detected_time_s, truth.beat_fault, strict=True) if fault not in false
        ]
        assert set(real_s) < set(truth.beat_time_s.tolist())
