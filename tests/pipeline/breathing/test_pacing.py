from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.virtual.client import SimulatedClient
from devices.virtual.traits import Traits
from pipeline.breathing.pacing import Adherence, Basis, Outcome, adherence, phase_lock
from pipeline.breathing.rate import RespSource, Sources
from pipeline.breathing.track import sampled
from pipeline.heart.artefacts import classify
from pipeline.model import Floats, Pacer, PhaseKind, Stream
from tests.pipeline.breathing.bodies import belt, chest, strap_beats, waves_in_rr

LENGTH_S = 480.0
PACED = (240.0, 480.0)
REST = (0.0, 240.0)


def client(seed: int, pace: float, rest: float = 14.5) -> SimulatedClient:
    """Four minutes of rest and four of a pacer that is followed."""
    person = SimulatedClient(seed, Traits(breath_rate_bpm=rest))
    person.hear(PACED[0], PhaseKind.PACED, Pacer(pace))
    return person


def sources(person: SimulatedClient, basis: str) -> Sources:
    beats = strap_beats(person, LENGTH_S)
    if basis == "belt":
        return Sources(beats, belt=belt(person, LENGTH_S))
    if basis == "acc":
        return Sources(beats, chest(person, LENGTH_S, 25, 12), acc_on_chest=True)
    return Sources(beats)


@pytest.mark.parametrize("basis", ["belt", "acc"])
@pytest.mark.parametrize("pace", [4.5, 5.5, 6.0, 6.5, 10.0, 15.0])
def test_a_followed_pacer(pace: float, basis: str) -> None:
    found = adherence(sources(client(1, pace), basis), Pacer(pace), *PACED)
    assert (found.basis, found.outcome, found.source) == (Basis.BREATHING, Outcome.FOLLOWED, basis)
    assert found.rate_bpm == pytest.approx(pace, abs=0.4)
    assert found.near_share is not None
    assert found.near_share > 0.8
    assert found.lock is not None
    assert found.lock > 0.8
    assert found.rhythm_share is None
    assert found.cycles == pytest.approx(4 * pace, abs=4)
    assert found.sentence.startswith("Breathing followed the pacer: near")


@pytest.mark.parametrize("basis", ["belt", "acc"])
@pytest.mark.parametrize("seed", range(1, 4))
def test_somebody_who_breathes_on_as_before(seed: int, basis: str) -> None:
    found = adherence(sources(client(seed, 6), basis), Pacer(6), *REST)
    assert (found.basis, found.outcome) == (Basis.BREATHING, Outcome.NOT_FOLLOWED)
    assert found.near_share == 0
    assert found.sentence == "Breathing did not follow the pacer: near 6 a minute for 0 % of the time."


def test_the_same_rate_without_the_pacer_s_phase_is_not_following() -> None:
    time_s = np.arange(240 * 25) / 25
    slipping = np.sin(2 * np.pi * (6.5 / 60) * time_s)
    stream = Stream("respiration", time_s, {"respiration_au": slipping}, 25)
    found = adherence(Sources(belt=stream), Pacer(6), 0, 240)
    assert found.near_share == 1
    assert found.outcome is Outcome.NOT_FOLLOWED


def test_somebody_who_gives_up_half_way_follows_in_part() -> None:
    person = client(2, 6)
    found = adherence(sources(person, "belt"), Pacer(6), 120, 360)
    assert found.outcome is Outcome.PARTLY
    assert found.sentence.startswith("Breathing partly followed the pacer")


class TestHeartRhythm:
    @pytest.mark.parametrize("pace", [4.5, 5.5, 6.0, 6.5])
    def test_alone_it_is_no_statement_about_breathing(self, pace: float) -> None:
        found = adherence(sources(client(1, pace), "rr"), Pacer(pace), *PACED)
        assert (found.basis, found.outcome) == (Basis.HEART_RHYTHM, Outcome.FOLLOWED)
        assert found.source is RespSource.RR
        assert found.rate_bpm is None
        assert found.near_share is None
        assert found.rhythm_share is not None
        assert found.rhythm_share > 0.6
        assert found.sentence == (
            f"The heart rhythm follows the pacer at {pace:g} a minute; breathing itself was not measured."
        )

    def test_a_wave_of_blood_pressure_seldom_passes_for_following(self) -> None:
        found = [adherence(sources(client(seed, 6), "rr"), Pacer(6), *REST) for seed in range(8)]
        assert {each.basis for each in found} == {Basis.HEART_RHYTHM}
        assert sum(each.outcome is Outcome.FOLLOWED for each in found) <= 1

    def test_acceleration_of_a_wrist_does_not_count(self) -> None:
        person = client(1, 6)
        wrist = replace(sources(person, "acc"), acc_on_chest=False)
        assert adherence(wrist, Pacer(6), *PACED).basis is Basis.HEART_RHYTHM

    def test_a_belt_without_a_clear_rhythm_leaves_the_heart_s(self) -> None:
        noise = np.random.default_rng(0).normal(size=480 * 25)
        stream = Stream("respiration", np.arange(480 * 25) / 25, {"respiration_au": noise}, 25)
        found = adherence(replace(sources(client(1, 6), "rr"), belt=stream), Pacer(6), *PACED)
        assert found.basis is Basis.HEART_RHYTHM


class TestNotAssessed:
    @pytest.mark.parametrize(
        ("given_sources", "pace", "span", "words"),
        [
            pytest.param(Sources(), 6, PACED, "no signal", id="nothing"),
            pytest.param(Sources(waves_in_rr(40, (0.1, 50))), 6, (0, 40), "a minute and five", id="40 s"),
            pytest.param(
                Sources(waves_in_rr(300, (0.1, 50))), 6, (900, 1200), "a minute and five", id="elsewhere"
            ),
            pytest.param(
                Sources(waves_in_rr(300, (0.1, 50))), 6, (200, 100), "a minute and five", id="backwards"
            ),
            pytest.param(Sources(waves_in_rr(300, (0.1, 50))), 2, (0, 300), "outside", id="2 a minute"),
            pytest.param(Sources(waves_in_rr(300, (0.1, 50))), 40, (0, 300), "outside", id="40 a minute"),
            pytest.param(Sources(waves_in_rr(300, (0.1, 50))), np.nan, (0, 300), "outside", id="no rate"),
        ],
    )
    def test_says_why(
        self, given_sources: Sources, pace: float, span: tuple[float, float], words: str
    ) -> None:
        found = adherence(given_sources, Pacer(pace), *span)
        assert (found.basis, found.outcome) == (Basis.NONE, Outcome.NOT_ASSESSED)
        assert found.lock is None
        assert words in found.sentence

    @given(
        interval_ms=st.lists(st.floats(1, 3000), max_size=200),
        pace=st.floats(3, 30),
        span=st.tuples(st.floats(-100, 300), st.floats(-100, 300)),
    )
    @settings(deadline=None, max_examples=40)
    def test_any_beats(self, interval_ms: list[float], pace: float, span: tuple[float, float]) -> None:
        rr_ms = np.array(interval_ms)
        found = adherence(Sources(classify(np.cumsum(rr_ms) / 1000, rr_ms)), Pacer(pace), *span)
        assert isinstance(found, Adherence)
        assert found.sentence.endswith(".")


def lock_of(values: Floats, pacer_hz: float) -> float:
    return phase_lock(sampled(np.arange(len(values)) / 25, values[:, None], 25), pacer_hz)[0]


def test_lock_of_a_steady_wave_and_of_noise() -> None:
    time_s = np.arange(300 * 25) / 25
    assert lock_of(np.sin(2 * np.pi * 0.1 * time_s + 1), 0.1) == pytest.approx(1, abs=0.01)
    noise = np.random.default_rng(3).normal(size=(20, len(time_s)))
    assert np.mean([lock_of(each, 0.1) for each in noise]) < 0.2


def test_lock_does_not_depend_on_the_sign_of_the_signal() -> None:
    lungs = belt(client(1, 6), LENGTH_S).value
    assert lock_of(lungs, 0.1) == pytest.approx(lock_of(-3 * lungs + 8, 0.1))
