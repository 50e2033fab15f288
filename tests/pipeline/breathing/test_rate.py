"""Breathing rate against known waves, the simulated client's truth and belts in laboratories.

The printed tables (`pytest -s`) say how often a rate lies within 1 breath/min of the truth at a confidence.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.virtual.client import SimulatedClient
from devices.virtual.traits import Traits
from pipeline.breathing.rate import MIN_CONFIDENCE, Breathing, RespSource, Sources, breathing_columns
from pipeline.heart.artefacts import classify
from pipeline.heart.beats import Beats
from pipeline.model import Floats, Pacer, PhaseKind, Stream
from tests.pipeline.breathing.bodies import acceleration, belt, chest, laboratory, strap_beats, waves_in_rr


def over(sources: Sources, *windows: tuple[float, float]) -> Breathing:
    start_s, end_s = np.array(windows, dtype=np.float64).reshape(-1, 2).T
    return breathing_columns(sources, start_s, end_s)


def sliding(length_s: float, window_s: float, step_s: float) -> tuple[Floats, Floats]:
    start_s = np.arange(0, length_s - window_s + 1e-6, step_s)
    return start_s, start_s + window_s


def wave(frequency_hz: float, length_s: float, rate_hz: float, offset: float = 0.0) -> Stream:
    time_s = np.arange(round(length_s * rate_hz)) / rate_hz
    values = offset + np.sin(2 * np.pi * frequency_hz * time_s)
    return Stream("respiration", time_s, {"respiration_au": values}, rate_hz)


class TestKnownWaves:
    @pytest.mark.parametrize("rate_bpm", [4.0, 6.0, 9.0, 15.0, 24.0, 29.0])
    @pytest.mark.parametrize("rate_hz", [3.90625, 10.0, 25.0, 50.0, 1000.0])
    def test_belt(self, rate_bpm: float, rate_hz: float) -> None:
        found = over(Sources(belt=wave(rate_bpm / 60, 120, rate_hz)), (0, 120), (20, 80))
        assert found.rate_bpm == pytest.approx([rate_bpm, rate_bpm], abs=0.25)
        assert found.breaths == pytest.approx([2 * rate_bpm, rate_bpm], abs=0.5)
        assert found.source == (RespSource.BELT, RespSource.BELT)
        assert np.all(found.confidence > 0.8)

    @pytest.mark.parametrize("rate_bpm", [1.0, 2.1, 31.0, 33.0, 36.0, 40.0, 42.0, 45.0, 50.0, 80.0])
    @pytest.mark.parametrize("rate_hz", [4.0, 10.0, 25.0])
    @pytest.mark.parametrize("flat", [False, True], ids=["sine", "pause after each breath"])
    def test_a_rate_outside_the_band_is_none_inside_it(
        self, rate_bpm: float, rate_hz: float, flat: bool
    ) -> None:
        """A cell holds 6 or 7 of 25 samples a second: what is faster than the band folds into it."""
        stream = wave(rate_bpm / 60, 300, rate_hz)
        values = np.maximum(stream.value, -0.3) if flat else stream.value
        values = values + np.random.default_rng(1).normal(0, 0.01, len(values))
        found = over(Sources(belt=replace(stream, columns={"respiration_au": values})), (0, 300), (60, 120))
        assert np.isnan(found.rate_bpm).all()

    @pytest.mark.parametrize("rate_bpm", [31.0, 33.0, 36.0])
    def test_a_chest_faster_than_the_band_is_none_inside_it(self, rate_bpm: float) -> None:
        time_s = np.arange(300 * 25) / 25
        lungs_mg = np.column_stack(
            [10 * np.sin(2 * np.pi * rate_bpm / 60 * time_s), 0 * time_s, 1000 + 0 * time_s]
        )
        values_mg = lungs_mg + np.random.default_rng(1).normal(0, 3, lungs_mg.shape)
        found = over(Sources(acc=acceleration(time_s, values_mg, 25), acc_on_chest=True), (0, 300))
        assert np.isnan(found.rate_bpm).all()

    @pytest.mark.parametrize("rate_bpm", [8.4, 10.0, 15.0, 20.0, 25.0])
    @pytest.mark.parametrize("mean_ms", [700.0, 1000.0])
    def test_heart_rhythm(self, rate_bpm: float, mean_ms: float) -> None:
        beats = waves_in_rr(300, (rate_bpm / 60, 30), mean_ms=mean_ms)
        found = over(Sources(beats), (0, 300), (60, 120))
        assert found.rate_bpm == pytest.approx([rate_bpm, rate_bpm], abs=0.4)
        assert found.source == (RespSource.RR, RespSource.RR)
        assert not found.ambiguous.any()

    @pytest.mark.parametrize("rate_bpm", [4.5, 5.5, 6.0, 7.0, 7.5])
    def test_heart_rhythm_alone_proves_no_slow_breathing(self, rate_bpm: float) -> None:
        found = over(Sources(waves_in_rr(300, (rate_bpm / 60, 60))), (0, 300), (60, 180))
        assert found.ambiguous.all()
        assert np.isnan(found.rate_bpm).all()
        assert np.isnan(found.breaths).all()
        assert found.confidence.tolist() == [0, 0]
        assert found.source == (None, None)
        assert "need not be breathing" in str(found.reason(0))

    def test_a_harmonic_of_a_slow_wave_is_no_breathing(self) -> None:
        found = over(Sources(waves_in_rr(300, (0.1, 80), (0.2, 12), (0.3, 6))), (0, 300))
        assert found.ambiguous.all()

    def test_breathing_is_seen_beside_a_larger_wave_of_blood_pressure(self) -> None:
        found = over(Sources(waves_in_rr(300, (0.1, 25), (0.25, 20))), (0, 300))
        assert found.rate_bpm == pytest.approx([15], abs=0.5)

    def test_a_wave_faster_than_half_the_beats_is_not_seen(self) -> None:
        found = over(Sources(waves_in_rr(300, (0.45, 20), mean_ms=1500)), (0, 300))
        assert np.isnan(found.rate_bpm).all() or found.rate_bpm[0] < 60 * 0.48 / 1.5


class TestChoice:
    slow = waves_in_rr(300, (0.1, 60))
    at_15 = waves_in_rr(300, (0.25, 30))

    @pytest.fixture
    def breather(self) -> SimulatedClient:
        return SimulatedClient(3)

    def test_the_best_source_wins(self, breather: SimulatedClient) -> None:
        beats, acc = strap_beats(breather, 300), chest(breather, 300, 50, 12)
        everything = Sources(beats, acc, True, belt(breather, 300))
        names = [
            over(sources, (0, 300)).source[0]
            for sources in (everything, replace(everything, belt=None), Sources(beats))
        ]
        assert names == ["belt", "acc", "rr"]

    def test_acceleration_of_a_wrist_never_counts(self, breather: SimulatedClient) -> None:
        acc = chest(breather, 300, 50, 12)
        assert over(Sources(acc=acc), (0, 300)).source == (None,)
        assert over(Sources(acc=acc, acc_on_chest=True), (0, 300)).source == (RespSource.ACC,)

    def test_a_belt_settles_what_the_heart_leaves_ambiguous(self) -> None:
        found = over(Sources(self.slow, belt=wave(0.1, 300, 25)), (0, 300))
        assert found.rate_bpm == pytest.approx([6], abs=0.2)
        assert not found.ambiguous.any()

    def test_a_belt_that_fell_off_leaves_it_to_the_heart(self) -> None:
        flat = Stream("respiration", np.arange(300 * 25) / 25, {"respiration_au": np.full(300 * 25, 7.3)}, 25)
        found = over(Sources(self.at_15, belt=flat), (0, 300))
        assert found.source == (RespSource.RR,)

    def test_agreement_makes_surer_and_contradiction_less_sure(self, breather: SimulatedClient) -> None:
        acc = chest(breather, 300, 50, 10)
        alone = over(Sources(acc=acc, acc_on_chest=True), (0, 60))
        agreed = over(Sources(strap_beats(breather, 300), acc, True), (0, 60))
        denied = over(Sources(waves_in_rr(300, (0.4, 30)), acc, True), (0, 60))
        assert denied.confidence[0] < 0.6 < alone.confidence[0] < agreed.confidence[0]


@pytest.fixture(scope="module", name="everything")
def _everything() -> Sources:
    client = SimulatedClient(5)
    return Sources(strap_beats(client, 400), chest(client, 400, 50, 12), True)


class TestInvariances:
    def test_time_shift(self, everything: Sources) -> None:
        assert everything.beats is not None
        assert everything.acc is not None
        beats, acc = everything.beats, everything.acc
        later = Sources(
            Beats(beats.time_s + 4096, beats.interval_ms, beats.kind),
            replace(acc, time_s=acc.time_s + 4096),
            acc_on_chest=True,
        )
        start_s, end_s = sliding(400, 60, 7)
        here = breathing_columns(everything, start_s, end_s)
        there = breathing_columns(later, start_s + 4096, end_s + 4096)
        np.testing.assert_allclose(there.rate_bpm, here.rate_bpm, rtol=1e-6)
        np.testing.assert_allclose(there.confidence, here.confidence, atol=1e-6)
        assert there.source == here.source

    @pytest.mark.parametrize("gain", [1e-4, 3.0, 1e4])
    @pytest.mark.parametrize("offset", [0.0, 100.0])
    def test_a_belt_s_unit(self, gain: float, offset: float) -> None:
        plain = belt(SimulatedClient(5), 200)
        changed = replace(plain, columns={"respiration_v": gain * (plain.value + offset)})
        start_s, end_s = sliding(200, 60, 10)
        here, there = (breathing_columns(Sources(belt=each), start_s, end_s) for each in (plain, changed))
        np.testing.assert_allclose(there.rate_bpm, here.rate_bpm, rtol=1e-6)

    def test_a_sensor_s_orientation(self, everything: Sources) -> None:
        assert everything.acc is not None
        acc = everything.acc
        turn, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))
        turned = acceleration(acc.time_s, np.column_stack([*acc.columns.values()]) @ turn, 50)
        start_s, end_s = sliding(400, 60, 10)
        here, there = (
            breathing_columns(Sources(acc=each, acc_on_chest=True), start_s, end_s) for each in (acc, turned)
        )
        np.testing.assert_allclose(there.rate_bpm, here.rate_bpm, rtol=1e-6)

    def test_order_and_company_of_windows_change_nothing(self, everything: Sources) -> None:
        start_s, end_s = sliding(400, 60, 1)
        together = breathing_columns(everything, start_s, end_s)
        shuffled = np.random.default_rng(0).permutation(len(start_s))
        mixed = breathing_columns(everything, start_s[shuffled], end_s[shuffled])
        np.testing.assert_allclose(mixed.rate_bpm, together.rate_bpm[shuffled], rtol=1e-9)
        alone = np.array([over(everything, each).rate_bpm[0] for each in zip(start_s, end_s, strict=True)])
        np.testing.assert_allclose(alone, together.rate_bpm, rtol=1e-9)

    def test_a_gap_changes_only_windows_that_hold_it(self, everything: Sources) -> None:
        assert everything.beats is not None
        assert everything.acc is not None
        beats, acc = everything.beats, everything.acc
        kept, still = abs(beats.time_s - 200) > 5, abs(acc.time_s - 200) > 5
        broken = Sources(
            Beats(beats.time_s[kept], beats.interval_ms[kept], beats.kind[kept]),
            acceleration(acc.time_s[still], np.column_stack([*acc.columns.values()])[still], 50),
            acc_on_chest=True,
        )
        start_s, end_s = sliding(400, 60, 1)
        here, there = (breathing_columns(each, start_s, end_s) for each in (everything, broken))
        outside = (end_s < 192) | (start_s > 208)
        # after a gap the pieces begin with the new stretch, up to a hop from where they would have
        np.testing.assert_allclose(there.rate_bpm[end_s < 192], here.rate_bpm[end_s < 192], rtol=1e-9)
        np.testing.assert_allclose(there.rate_bpm[outside], here.rate_bpm[outside], atol=0.6)
        assert np.isnan(there.rate_bpm[(start_s > 172) & (end_s < 228)]).all()


@dataclass(frozen=True)
class Score:
    """Windows with a truth: whether a rate is given, how sure, and how far off."""

    confidence: Floats
    error_bpm: Floats
    ambiguous: Floats

    def within(self, confidence: float, most_bpm: float = 1.0) -> float:
        sure = np.isfinite(self.error_bpm) & (self.confidence >= confidence)
        return float(np.mean(self.error_bpm[sure] <= most_bpm)) if sure.any() else float("nan")

    def given(self, confidence: float) -> float:
        return float(np.mean(np.isfinite(self.error_bpm) & (self.confidence >= confidence)))

    def show(self, title: str) -> None:
        parts = [f"{title:<34} {len(self.error_bpm):>5} windows, ambiguous {self.ambiguous.mean():.2f}"]
        parts += [f">={c}: {self.given(c):.2f} given, {self.within(c):.3f} right" for c in (0.5, 0.8, 0.9)]
        print("\n" + " | ".join(parts))


def score(found: list[Breathing], truth_bpm: Floats) -> Score:
    rate_bpm, confidence = (
        np.concatenate([getattr(each, name) for each in found]) for name in ("rate_bpm", "confidence")
    )
    known = np.isfinite(truth_bpm)
    ambiguous = np.concatenate([each.ambiguous for each in found])
    return Score(confidence[known], np.abs(rate_bpm - truth_bpm)[known], ambiguous[known])


def person(seed: int) -> tuple[SimulatedClient, float]:
    """A simulated person unlike the next, with a stressor and a paced phase, and their chest's tilt in mg."""
    rng = np.random.default_rng(1000 + seed)
    traits = Traits(
        heart_rate_bpm=rng.uniform(52, 88),
        rsa_ms=rng.uniform(6, 45),
        baroreflex_ms=rng.uniform(8, 28),
        drift_ms=rng.uniform(8, 25),
        breath_rate_bpm=rng.uniform(8, 22),
        breath_jitter=rng.uniform(0.04, 0.15),
    )
    client = SimulatedClient(seed, traits)
    client.hear(200, PhaseKind.STRESSOR)
    client.hear(400, PhaseKind.RECOVERY)
    client.hear(500, PhaseKind.PACED, Pacer(float(rng.choice([4.5, 5.5, 6, 6.5, 10]))))
    return client, float(rng.choice([4, 8, 16, 25]))


LENGTH_S = 740.0


@pytest.fixture(scope="module", name="people")
def _people() -> list[tuple[SimulatedClient, Beats, Stream]]:
    found = []
    for seed in range(9):
        client, tilt_mg = person(seed)
        acc = chest(client, LENGTH_S, 25, tilt_mg, shift_s=(150.0, 450.0))
        found.append((client, strap_beats(client, LENGTH_S), acc))
    return found


class TestTruth:
    @pytest.mark.parametrize(
        ("window_s", "with_rr", "with_acc", "right", "given"),
        [
            pytest.param(60, True, False, 0.95, 0.4, id="rr, 60 s"),
            pytest.param(120, True, False, 0.97, 0.5, id="rr, 120 s"),
            pytest.param(60, False, True, 0.94, 0.65, id="acc, 60 s"),
            pytest.param(120, False, True, 0.97, 0.75, id="acc, 120 s"),
            pytest.param(60, True, True, 0.94, 0.75, id="acc and rr, 60 s"),
            pytest.param(120, True, True, 0.97, 0.9, id="acc and rr, 120 s"),
        ],
    )
    def test_a_given_rate_is_right(
        self,
        people: list[tuple[SimulatedClient, Beats, Stream]],
        window_s: float,
        with_rr: bool,
        with_acc: bool,
        right: float,
        given: float,
    ) -> None:
        found, truth = [], []
        start_s, end_s = sliding(LENGTH_S, window_s, 30)
        one_kind = (end_s <= 500) | (start_s >= 500)
        start_s, end_s = start_s[one_kind], end_s[one_kind]
        for client, beats, acc in people:
            sources = Sources(beats if with_rr else None, acc if with_acc else None, True)
            found.append(breathing_columns(sources, start_s, end_s))
            truth += [client.truth(*each).breath_rate_bpm for each in zip(start_s, end_s, strict=True)]
        result = score(found, np.array(truth))
        result.show(f"simulated, {'acc ' * with_acc}{'rr ' * with_rr}{window_s} s")
        assert result.within(MIN_CONFIDENCE) >= right
        assert result.within(0.9) >= 0.95
        assert result.given(MIN_CONFIDENCE) >= given

    def test_slow_breathing_is_never_read_from_the_heart(
        self, people: list[tuple[SimulatedClient, Beats, Stream]]
    ) -> None:
        shown = total = 0
        for client, beats, _ in people:
            start_s, end_s = sliding(LENGTH_S - 520, 60, 10)
            found = breathing_columns(Sources(beats), start_s + 520, end_s + 520)
            truth = np.array(
                [client.truth(a + 520, b + 520).breath_rate_bpm for a, b in zip(start_s, end_s, strict=True)]
            )
            slow = truth < 7.5
            total += int(slow.sum())
            shown += int(np.isfinite(found.rate_bpm[slow]).sum())
        print(f"simulated slow breathing: {shown} of {total} windows given a rate from rr")
        assert total > 50
        assert shown <= 0.03 * total


class TestLaboratories:
    NAMES = ("bio_resting_8min", "bio_eventrelated", "ds210")

    @pytest.mark.parametrize("source", ["belt", "rr"])
    @pytest.mark.parametrize(("window_s", "right"), [(60, 0.85), (120, 0.9), (300, 1.0)])
    def test_a_given_rate_is_right(
        self, recordings: Path, source: str, window_s: float, right: float
    ) -> None:
        found, truth = [], []
        for name in self.NAMES:
            lab = laboratory(recordings, name)
            start_s, end_s = sliding(lab.length_s, window_s, 30)
            sources = Sources(belt=lab.belt) if source == "belt" else Sources(lab.beats)
            found.append(breathing_columns(sources, start_s, end_s))
            truth += [lab.rate_bpm(*each) for each in zip(start_s, end_s, strict=True)]
        result = score(found, np.array(truth))
        result.show(f"laboratories, {source} {window_s} s")
        assert result.within(MIN_CONFIDENCE) >= right
        assert result.within(MIN_CONFIDENCE, 2.0) == 1.0
        assert result.given(MIN_CONFIDENCE) >= 0.5

    def test_a_minute_of_another_belt(self, recordings: Path) -> None:
        values = np.loadtxt(recordings / "biosppy_examples" / "resp.txt")
        stream = Stream("respiration", np.arange(len(values)) / 1000, {"respiration_au": values}, 1000)
        found = over(Sources(belt=stream), (0, 60))
        # 20 breaths of very different lengths: there is hardly one rate
        assert np.isnan(found.rate_bpm[0]) or found.rate_bpm[0] == pytest.approx(20, abs=2)


NOTHING = Beats(np.empty(0), np.empty(0), np.empty(0, dtype=np.int8))


class TestBadInput:
    @pytest.mark.parametrize(
        "sources",
        [
            pytest.param(Sources(), id="no source"),
            pytest.param(Sources(NOTHING), id="no beats"),
            pytest.param(Sources(waves_in_rr(3)), id="three beats"),
            pytest.param(Sources(belt=wave(0.25, 0, 25)), id="empty belt"),
            pytest.param(Sources(belt=wave(0.25, 20, 25)), id="20 s of belt"),
            pytest.param(Sources(belt=wave(0.25, 300, 1)), id="1 Hz"),
            pytest.param(
                Sources(belt=Stream("respiration", np.empty(0), {}, 25)), id="a belt without columns"
            ),
            pytest.param(
                Sources(acc=acceleration(np.arange(9000) / 25, np.zeros((9000, 3)), 25), acc_on_chest=True),
                id="a dead accelerometer",
            ),
            pytest.param(
                Sources(
                    acc=acceleration(np.arange(9000) / 25, np.full((9000, 3), np.nan), 25), acc_on_chest=True
                ),
                id="NaN",
            ),
            pytest.param(
                Sources(
                    acc=acceleration(np.arange(9000) / 25, np.full((9000, 3), 577.0), 25), acc_on_chest=True
                ),
                id="constant acceleration",
            ),
        ],
    )
    def test_nothing_to_tell(self, sources: Sources) -> None:
        found = over(sources, (0, 300), (0, 60), (100, 100), (200, 100))
        assert np.isnan(found.rate_bpm).all()
        assert np.isnan(found.breaths).all()
        assert found.source == (None,) * 4
        assert "half a minute" in str(found.reason(0))

    def test_no_windows(self) -> None:
        found = breathing_columns(Sources(waves_in_rr(100, (0.25, 30))), np.empty(0), np.empty(0))
        assert found.columns["resp_rate_bpm"].shape == (0,)

    def test_constant_intervals(self) -> None:
        beats = Beats(np.arange(1, 301) * 0.8, np.full(300, 800.0), np.zeros(300, dtype=np.int8))
        assert np.isnan(over(Sources(beats), (0, 240)).confidence).all()

    @pytest.mark.parametrize("seed", range(4))
    def test_noise_is_no_breathing(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        values = np.array([0, 0, 1000]) + rng.normal(0, 8, (300 * 50, 3))
        start_s, end_s = sliding(300, 60, 10)
        noise = Sources(acc=acceleration(np.arange(len(values)) / 50, values, 50), acc_on_chest=True)
        found = breathing_columns(noise, start_s, end_s)
        assert np.mean(np.isfinite(found.rate_bpm)) <= 0.15
        assert np.isnan(over(noise, (0, 300)).rate_bpm).all()
        assert "no clear breathing" in str(over(noise, (0, 300)).reason(0))

    @pytest.mark.parametrize("window_s", [60, 300])
    def test_intervals_without_rhythm_are_no_breathing(self, window_s: float) -> None:
        start_s, end_s = sliding(900, window_s, 10)
        told = []
        for seed in range(6):
            rr_ms = 900 + np.random.default_rng(seed).normal(0, 30, 1050)
            found = breathing_columns(Sources(classify(np.cumsum(rr_ms) / 1000, rr_ms)), start_s, end_s)
            told.append(np.mean(np.isfinite(found.rate_bpm)))
        assert np.mean(told) <= 0.1

    beats = st.lists(
        st.tuples(st.floats(0.01, 400), st.floats(-1e4, 1e4) | st.just(float("nan")), st.integers(0, 5)),
        max_size=60,
    )

    @given(beats=beats, start_s=st.floats(-1e3, 1e3), length_s=st.floats(-10, 1e3))
    @settings(deadline=None, max_examples=60)
    def test_any_beats(self, beats: list[tuple[float, float, int]], start_s: float, length_s: float) -> None:
        step_s, interval_ms, kind = np.array(beats, dtype=np.float64).reshape(-1, 3).T
        labelled = Beats(np.cumsum(step_s), interval_ms, kind.astype(np.int8))
        self._is_defined(Sources(labelled), start_s, length_s)

    @given(
        steps=st.lists(st.sampled_from([1, 1, 1, 1, 2, 40, 4000]), max_size=200),
        rate_hz=st.sampled_from([1.0, 4.0, 25.0, 200.0]),
        told=st.booleans(),
        value=st.sampled_from([0.0, 1.0, -1e9, 1e300, float("nan"), float("inf")]),
    )
    @settings(deadline=None, max_examples=60)
    def test_any_samples(self, steps: list[int], rate_hz: float, told: bool, value: float) -> None:
        time_s = np.cumsum(np.array(steps, dtype=np.float64)) / rate_hz
        values = np.sin(time_s)
        values[::3] = value
        stated_hz = rate_hz if told else None
        stream = Stream("respiration", time_s, {"respiration_au": values}, stated_hz)
        acc = acceleration(time_s, np.column_stack([values, values, np.cos(time_s)]), stated_hz)
        self._is_defined(Sources(belt=stream), 0.0, 500.0)
        self._is_defined(Sources(acc=acc, acc_on_chest=True), 0.0, 500.0)

    @staticmethod
    def _is_defined(sources: Sources, start_s: float, length_s: float) -> None:
        found = over(sources, (start_s, start_s + length_s))
        told = found.source[0] is not None
        assert told == bool(np.isfinite(found.rate_bpm[0])) == (found.reason(0) is None)
        assert not told or 3.6 <= found.rate_bpm[0] <= 30
        assert np.isnan(found.confidence[0]) or 0 <= found.confidence[0] <= 1
