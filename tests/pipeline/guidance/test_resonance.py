import json
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.virtual.client import SimulatedClient
from devices.virtual.traits import Traits
from pipeline.breathing.pacing import Basis, Outcome
from pipeline.breathing.rate import Sources
from pipeline.errors import InputError
from pipeline.guidance.resonance import Assessment, Verdict, assess, assessment_of, paced_steps
from pipeline.guidance.resonance_agreement import Agreement
from pipeline.guidance.resonance_criteria import Criterion, Measured
from pipeline.model import Pacer, Phase, PhaseKind
from pipeline.parameters import Parameters
from pipeline.preparation import signals_of
from tests.pipeline.breathing import bodies
from tests.pipeline.guidance.paced import (
    RATES,
    REST_S,
    STEP_S,
    TODAY,
    assessed,
    belt,
    heart,
    peaking,
    steps,
    without,
)
from tests.pipeline.report.recordings import recording


def _numbers(found: Assessment) -> list[float | None]:
    return [value.value for step in found.steps for value in step.values]


def _values(found: Assessment, rate_bpm: float) -> dict[Criterion, float | None]:
    step = next(step for step in found.steps if step.rate_bpm == rate_bpm)
    return {value.criterion: value.value for value in step.values}


def _excluded(found: Assessment) -> dict[float, str]:
    return {step.rate_bpm: step.excluded for step in found.steps if step.excluded is not None}


@pytest.fixture(scope="module")
def clear() -> Assessment:
    """A heart that moves most at 5.5 a minute, with a belt."""
    phases = steps()
    return assessed(phases, heart(phases, peaking(5.5)), belt(phases))


class TestKnownAnswers:
    @pytest.mark.parametrize("best", RATES)
    def test_the_rate_with_the_largest_swing_is_named(self, best: float) -> None:
        phases = steps()
        found = assessed(phases, heart(phases, peaking(best)))
        assert (found.verdict, found.best_bpm, found.reason) == (Verdict.AGREED, best, None)
        assert all(abs(rate - best) < 0.75 for rate in found.not_distinguishable_bpm)

    def test_equal_swings_stand_out_nowhere(self) -> None:
        phases = steps()
        found = assessed(phases, heart(phases, lambda _: 12.0), belt(phases))
        assert (found.verdict, found.best_bpm) == (Verdict.NONE_STANDS_OUT, None)
        assert found.not_distinguishable_bpm == RATES

    def test_neighbours_alike_are_named_beside_the_best(self) -> None:
        phases = steps()
        found = assessed(phases, heart(phases, lambda rate: 16.0 if rate in (6.0, 5.5) else 6.0))
        assert {found.best_bpm, *found.not_distinguishable_bpm} == {6.0, 5.5}

    def test_two_peaks_with_a_dip_between_are_no_resonance(self) -> None:
        phases = steps()
        found = assessed(phases, heart(phases, lambda rate: 16.0 if rate in (6.0, 5.0) else 6.0))
        assert (found.verdict, found.best_bpm) == (Verdict.NONE_STANDS_OUT, None)
        assert found.not_distinguishable_bpm == (6.0, 5.0)

    def test_the_swing_is_what_went_in(self, clear: Assessment) -> None:
        for step in clear.steps:
            swing = step.value(Criterion.AMPLITUDE).value
            assert swing == pytest.approx(peaking(5.5)(step.rate_bpm), rel=0.1)
            assert step.amplitude_low_bpm is not None
            assert step.amplitude_high_bpm is not None
            assert step.amplitude_low_bpm < swing < step.amplitude_high_bpm

    def test_every_rate_is_told_the_fastest_first(self, clear: Assessment) -> None:
        assert [step.rate_bpm for step in clear.steps] == list(RATES)
        assert clear.dated == TODAY
        assert {step.followed for step in clear.steps} == {Outcome.FOLLOWED}
        assert {step.followed_by for step in clear.steps} == {Basis.BREATHING}

    def test_agreement_is_counted_not_weighted(self, clear: Assessment) -> None:
        assert [each.criterion for each in clear.agreement] == list(Criterion)
        for step in clear.steps:
            assert step.agreeing == sum(step.rate_bpm in e.best_bpm for e in clear.agreement if e.counts)


class TestInvariances:
    def test_the_order_in_which_phases_are_given_makes_no_difference(self, clear: Assessment) -> None:
        phases = steps()
        beats, respiration = heart(phases, peaking(5.5)), belt(phases)
        assert assessed(phases[::-1], beats, respiration) == clear

    @settings(max_examples=5, deadline=None)
    @given(rates=st.permutations(RATES))
    def test_the_order_in_which_rates_are_paced_makes_none(self, rates: list[float]) -> None:
        phases = steps(rates)
        found = assessed(phases, heart(phases, peaking(5.5)))
        assert (found.verdict, found.best_bpm) == (Verdict.AGREED, 5.5)
        assert [step.rate_bpm for step in found.steps] == list(RATES)

    def test_a_later_session_gives_the_same(self, clear: Assessment) -> None:
        phases = steps(start_s=3600.0)
        found = assessed(phases, heart(phases, peaking(5.5)), belt(phases))
        assert _numbers(found) == pytest.approx(_numbers(clear), rel=1e-3)
        assert found.best_bpm == clear.best_bpm
        assert found.not_distinguishable_bpm == clear.not_distinguishable_bpm
        assert found.agreement == clear.agreement

    @pytest.mark.parametrize("gain", [-1.0, 1e-3, 500.0])
    def test_a_belts_gain_and_direction_make_no_difference(self, clear: Assessment, gain: float) -> None:
        phases = steps()
        found = assessed(phases, heart(phases, peaking(5.5)), belt(phases, gain=gain))
        assert _numbers(found) == pytest.approx(_numbers(clear), rel=1e-6)
        assert found.best_bpm == clear.best_bpm

    def test_the_first_half_minute_of_a_step_is_dropped(self) -> None:
        phases = steps()
        calm, moved = (
            assessed(phases, heart(phases, peaking(5.5), first_bpm=first), belt(phases))
            for first in (None, 40.0)
        )
        assert _numbers(moved) == pytest.approx(_numbers(calm), rel=0.05)
        assert moved.best_bpm == calm.best_bpm == 5.5


class TestWhatIsMissing:
    def test_without_breathing_synchrony_is_not_assessed(self) -> None:
        phases = steps()
        found = assessed(phases, heart(phases, peaking(5.5)))
        unknown = Measured(Criterion.SYNCHRONY, None, "no breathing signal")
        assert {step.value(Criterion.SYNCHRONY) for step in found.steps} == {unknown}
        assert found.agreement[0] == Agreement(Criterion.SYNCHRONY, (), "no breathing signal")
        assert {step.followed_by for step in found.steps} == {Basis.HEART_RHYTHM}

    def test_acceleration_at_a_wrist_is_no_breathing_signal(self) -> None:
        phases = steps()
        beats = heart(phases, peaking(5.5))
        acc = bodies.acceleration(np.arange(0, 900, 0.04), np.zeros((22500, 3)), 25.0)
        found = assess(phases, beats, Sources(beats, acc=acc, acc_on_chest=False), TODAY)
        assert found.agreement[0].reason == "no breathing signal"

    def test_a_belt_that_fails_in_a_step_leaves_synchrony_out_of_the_count(self) -> None:
        phases = steps()
        beats, whole = heart(phases, peaking(5.5)), belt(phases)
        respiration = whole.between(0.0, phases[4].start_s)
        found = assessed(phases, beats, respiration)
        assert found.agreement[0] == Agreement(Criterion.SYNCHRONY, (), "not known for every rate")
        assert found.best_bpm == 5.5

    def test_a_short_gap_costs_breaths_and_not_the_step(self) -> None:
        phases = steps()
        whole = heart(phases, peaking(5.5))
        found = assessed(phases, without(whole, phases[2].start_s + 60, phases[2].start_s + 68))
        assert _excluded(found) == {}
        assert found.steps[2].breaths < 8
        assert found.best_bpm == 5.5

    def test_a_long_gap_excludes_the_step_with_its_reason(self) -> None:
        phases = steps()
        whole = heart(phases, peaking(5.5))
        found = assessed(phases, without(whole, phases[2].start_s + 40, phases[2].start_s + 100))
        assert set(_excluded(found)) == {5.5}
        assert _excluded(found)[5.5].startswith("too few clean beats: ")
        assert found.best_bpm is None or found.best_bpm != 5.5
        assert [each.value for each in found.steps[2].values] == [None] * 6

    def test_a_step_that_was_stopped_early_takes_no_part(self) -> None:
        phases = steps()
        short = replace(phases[0], end_s=phases[0].start_s + 50.0)
        found = assessed((short, *phases[1:]), heart(phases, peaking(5.5)))
        assert _excluded(found) == {6.5: "too short: 1 whole breaths after the first 30 s, 5 are needed"}
        assert found.best_bpm == 5.5

    def test_a_step_that_was_not_followed_takes_no_part(self) -> None:
        phases = steps()
        found = assessed(phases, heart(phases, peaking(5.5)), belt(phases, own_bpm={5.0: 15.0}))
        assert _excluded(found) == {5.0: "breathing did not follow the pacer"}
        assert found.best_bpm == 5.5

    def test_a_heart_without_rhythm_did_not_follow(self) -> None:
        phases = steps()
        rng = np.random.default_rng(3)
        still = heart(phases, lambda _: 0.0)
        beats = replace(still, interval_ms=still.interval_ms + rng.normal(0, 8, len(still)))
        found = assessed(phases, beats)
        assert set(_excluded(found).values()) == {"the heart rhythm did not follow the pacer"}
        assert found.verdict is Verdict.NOT_ASSESSED

    def test_fewer_than_three_usable_rates_are_no_assessment(self) -> None:
        phases = steps()
        beats = heart(phases, peaking(5.5))
        for phase in phases[:3]:
            beats = without(beats, phase.start_s, phase.end_s)
        found = assessed(phases, beats)
        assert (found.verdict, found.best_bpm) == (Verdict.NOT_ASSESSED, None)
        assert found.agreement == ()
        assert found.reason == (
            "3 rates with usable signal are needed, there are 2 ("
            "6.5 a minute: too few clean beats: 0 of 9 breaths have them, 5 are needed; "
            "6 a minute: too few clean beats: 0 of 9 breaths have them, 5 are needed; "
            "5.5 a minute: too few clean beats: 0 of 8 breaths have them, 5 are needed)"
        )

    def test_without_beats_there_is_no_assessment(self) -> None:
        phases = steps()
        found = assessed(phases, None, belt(phases))
        assert found.verdict is Verdict.NOT_ASSESSED
        assert set(_excluded(found).values()) == {"no heartbeat intervals"}

    def test_of_two_steps_at_one_rate_the_one_with_more_clean_breaths_counts(self) -> None:
        phases = steps((5.5, *RATES))
        whole = heart(phases, peaking(5.5))
        found = assessed(phases, without(whole, phases[0].start_s + 60, phases[0].start_s + 68))
        chosen = next(step for step in found.steps if step.rate_bpm == 5.5)
        assert chosen.start_s == phases[3].start_s + 30.0
        assert len(found.steps) == 5


def _phase(kind: PhaseKind, rate: float | None) -> Phase:
    return Phase("x", kind, 0.0, 120.0, pacer=None if rate is None else Pacer(rate))


class TestPacedSteps:
    @pytest.mark.parametrize(
        ("kinds_and_rates", "count"),
        [
            ([("paced", 6.0), ("paced", 5.5), ("paced", 5.0)], 3),
            ([("paced", 6.0), ("recovery", None), ("paced", 5.5), ("other", None), ("paced", 5.0)], 3),
            ([("paced", 6.0), ("paced", 6.0), ("paced", 5.0)], 0),
            ([("paced", 6.0), ("paced", None), ("paced", 5.0)], 0),
            ([("paced", 6.0), ("recovery", 5.5), ("paced", 5.0)], 0),
            ([], 0),
        ],
        ids=["three rates", "rests between", "two rates", "one without pacer", "one not paced", "none"],
    )
    def test_three_rates_make_an_assessment(
        self, kinds_and_rates: list[tuple[str, float | None]], count: int
    ) -> None:
        phases = [_phase(PhaseKind(kind), rate) for kind, rate in kinds_and_rates]
        assert len(paced_steps(phases)) == count

    def test_a_recording_without_them_has_no_assessment(self) -> None:
        made = recording()
        signals = signals_of(made, Parameters())
        assert assessment_of("r1", datetime(2026, 3, 1, tzinfo=UTC), made.phases, signals) is None


class TestJson:
    def test_it_comes_back_as_it_was(self, clear: Assessment) -> None:
        text = json.dumps(clear.as_json(), allow_nan=False)
        assert Assessment.from_json(json.loads(text)) == clear

    def test_one_that_was_not_assessed_comes_back_too(self) -> None:
        found = assessed(steps(), None)
        assert Assessment.from_json(json.loads(json.dumps(found.as_json()))) == found

    @pytest.mark.parametrize(
        "change",
        [
            {"version": 2},
            {"verdict": "fine"},
            {"dated": None},
            {"steps": [{}]},
            {"agreement": 3},
            {"best_bpm": "fast"},
        ],
        ids=lambda change: next(iter(change)),
    )
    def test_anything_else_is_refused(self, clear: Assessment, change: dict[str, object]) -> None:
        with pytest.raises(InputError):
            Assessment.from_json(clear.as_json() | change)

    @pytest.mark.parametrize("facts", [None, [], "x", {}, 3])
    def test_what_is_no_object_is_refused(self, facts: object) -> None:
        with pytest.raises(InputError):
            Assessment.from_json(facts)


class TestSimulatedClient:
    """The model of a heart has a resonance of its own: the truth here."""

    @pytest.mark.parametrize("resonance_bpm", [6.5, 5.5, 4.5])
    def test_a_clear_resonance_is_found(self, resonance_bpm: float) -> None:
        traits = Traits(
            resonance_bpm=resonance_bpm, resonance_gain=4.0, resonance_width_bpm=0.5, rsa_wander=0.02
        )
        client, phases = SimulatedClient(1, traits), steps(start_s=60.0)
        for phase in phases:
            client.hear(phase.start_s, phase.kind, phase.pacer)
            client.hear(phase.end_s, PhaseKind.OTHER)
        end_s = 60.0 + len(RATES) * (STEP_S + REST_S)
        beats = bodies.strap_beats(client, end_s)
        found = assess(phases, beats, Sources(beats, belt=bodies.belt(client, end_s)), TODAY)
        assert (found.verdict, found.best_bpm) == (Verdict.AGREED, resonance_bpm)
        together = _values(found, resonance_bpm)[Criterion.SYNCHRONY]
        assert together is not None
        assert together > 0.9
