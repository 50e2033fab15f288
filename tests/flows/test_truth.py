"""The demo's session against the simulated client's truth: the stated errors of what its report shows.

heart rate 0.5 bpm, RMSSD 5 %, HF 25 %, SCL 8 %, NS-SCR rate 1 per minute;
reactivity 2 bpm, 0.15 in ln RMSSD, 0.10 in ln SCL, 2 responses per minute; recovery 0.2 of the reaction
"""

import math

import pytest

from devices.virtual.client import Truth
from pipeline.analysis import Analysis, analyse
from pipeline.guidance.protocol import protocol
from pipeline.model import Phase
from tests.flows.rooms import Played, play

SEEDS = (1, 2, 3)
# the paced phase's breathing lies below HF, which is left with little but what the radio rounds
HF_PHASES = {"Baseline", "Challenge", "Recovery"}
LAST_S = 120.0


@pytest.fixture(scope="module", params=SEEDS, ids="seed-{}".format)
def session(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Played, Analysis]:
    played = play(tmp_path_factory.mktemp("home"), protocol("guided-session"), seed=request.param)
    return played, analyse(played.recording)


def _truth(played: Played, start_s: float, end_s: float) -> Truth:
    return played.client.truth(played.began_s + start_s, played.began_s + end_s)


def _of(played: Played, phase: Phase) -> Truth:
    return _truth(played, phase.start_s, phase.end_s)


def test_the_demo_is_long_enough_to_say_something(session: tuple[Played, Analysis]) -> None:
    played, _ = session
    lengths_s = {phase.name: phase.duration_s for phase in played.recording.phases}
    assert played.recording.duration_s >= 12 * 60
    assert lengths_s["Baseline"] >= 179
    assert lengths_s["Recovery"] >= 179


def test_every_phase_shows_what_the_client_s_body_did(session: tuple[Played, Analysis]) -> None:
    played, analysis = session
    for each in analysis.phases:
        if each.phase.name == "Settle":
            continue
        shown, truth = each.values.features, _of(played, each.phase)
        assert shown["mean_hr_bpm"] == pytest.approx(truth.mean_hr_bpm, abs=0.5), each.phase.name
        assert shown["rmssd_ms"] == pytest.approx(truth.rmssd_ms, rel=0.05), each.phase.name
        assert shown["scl_us"] == pytest.approx(truth.scl_us, rel=0.08), each.phase.name
        assert shown["scr_per_min"] == pytest.approx(truth.scr_per_min(0.05), abs=1), each.phase.name
        if each.phase.name in HF_PHASES:
            assert shown["hf_ms2"] == pytest.approx(truth.hf_ms2, rel=0.25), each.phase.name


def _measures(truth: Truth) -> dict[str, float]:
    return {
        "mean_hr_bpm": truth.mean_hr_bpm,
        "ln_rmssd": math.log(truth.rmssd_ms),
        "ln_scl": math.log(truth.scl_us),
        "scr_per_min": truth.scr_per_min(0.05),
    }


def test_reactivity_is_the_client_s(session: tuple[Played, Analysis]) -> None:
    played, analysis = session
    phases = {phase.name: phase for phase in analysis.recording.phases}
    before, during = (_measures(_of(played, phases[name])) for name in ("Baseline", "Challenge"))
    allowed = {"mean_hr_bpm": 2.0, "ln_rmssd": 0.15, "ln_scl": 0.10, "scr_per_min": 2.0}
    assert {found.measure for found in analysis.reactivity} == set(allowed)
    for found in analysis.reactivity:
        true = during[found.measure] - before[found.measure]
        assert found.change == pytest.approx(true, abs=allowed[found.measure]), found.measure
        # a dozen blocks with a handful of responses each: a change of 5 per minute need not stand out
        if found.measure != "scr_per_min":
            assert found.stands_out, found.measure


def test_recovery_is_the_client_s(session: tuple[Played, Analysis]) -> None:
    played, analysis = session
    phases = {phase.name: phase for phase in analysis.recording.phases}
    before, during = (_measures(_of(played, phases[name])) for name in ("Baseline", "Challenge"))
    end_s = phases["Recovery"].end_s
    after = _measures(_truth(played, end_s - LAST_S, end_s))
    for found in analysis.recovery:
        if found.measure == "scr_per_min":  # a handful of responses; its rate is tested above
            continue
        true = (after[found.measure] - before[found.measure]) / (
            during[found.measure] - before[found.measure]
        )
        assert found.share_left == pytest.approx(true, abs=0.2), found.measure
        assert found.low is not None
        assert found.high is not None
        assert found.low < true < found.high, found.measure
