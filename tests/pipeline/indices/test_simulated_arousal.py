"""The simulated client: the index rises in a challenge and comes back; missed beats do not lift it."""

from dataclasses import replace

import numpy as np
import pytest

from devices.virtual.client import SimulatedClient
from devices.virtual.traits import Traits
from pipeline.heart.artefacts import classify
from pipeline.heart.windows import hrv_columns
from pipeline.indices.arousal import Arousal, arousal, reference
from pipeline.indices.sudomotor import drive_columns
from pipeline.model import Floats, PhaseKind
from pipeline.skin.levels import skin_columns
from pipeline.skin.responses import responses
from pipeline.skin.signal import prepare

RATE_HZ = 4.0
BASELINE_S, CHALLENGE_S, RECOVERY_S, END_S = 60.0, 360.0, 540.0, 900.0
STARTS_S = np.arange(BASELINE_S, END_S, 60.0)


def _columns(client: SimulatedClient, start_s: Floats) -> dict[str, Floats]:
    beats_s, interval_ms = np.array(client.beats(0.0, END_S)).T
    eda = prepare(np.arange(0.0, END_S, 1 / RATE_HZ), client.eda_us(0.0, END_S, RATE_HZ), RATE_HZ)
    return (
        hrv_columns(classify(beats_s, interval_ms), start_s, start_s + 60, None)
        | skin_columns(eda, responses(eda), start_s, start_s + 60)
        | drive_columns(eda.time_s, np.where(eda.valid, eda.tonic_us, np.nan), start_s, start_s + 60)
    )


def _session(seed: int, traits: Traits = Traits()) -> Arousal:  # noqa: B008 - frozen
    client = SimulatedClient(seed, traits)
    client.hear(CHALLENGE_S, PhaseKind.STRESSOR)
    client.hear(RECOVERY_S, PhaseKind.RECOVERY)
    columns = _columns(client, STARTS_S)
    baseline = {name: column[STARTS_S < CHALLENGE_S] for name, column in columns.items()}
    return arousal(columns, reference(baseline))


def _means(found: Arousal) -> tuple[float, float, float]:
    """Baseline, challenge, the last three minutes of recovery."""
    during = (STARTS_S >= CHALLENGE_S) & (STARTS_S < RECOVERY_S)
    return (
        float(np.mean(found.value[STARTS_S < CHALLENGE_S])),
        float(np.mean(found.value[during])),
        float(np.mean(found.value[STARTS_S >= END_S - 180])),
    )


@pytest.mark.parametrize("seed", range(4))
def test_it_rises_in_a_challenge_and_returns(seed: int) -> None:
    found = _session(seed)
    before, during, after = _means(found)
    print(f"seed {seed}: baseline {before:.0f}, challenge {during:.0f}, end of recovery {after:.0f}")
    assert before == pytest.approx(50, abs=3)
    assert during > 70
    assert after < before + 0.4 * (during - before)
    assert (found.low[STARTS_S == CHALLENGE_S + 60] > 50).all()


def test_calm_stays_within_its_own_band() -> None:
    traits = replace(Traits(), stress_heart_bpm=0, stress_rsa_share=1, stress_scl_us=0, stress_scr_per_min=2)
    inside = [
        (found.low <= 50) & (found.high >= 50)
        for found in (
            _session(seed, replace(traits, stress_baroreflex_share=1, stress_breath_bpm=0))
            for seed in range(4)
        )
    ]
    assert np.mean(inside) > 0.9


def test_missed_beats_widen_the_band_and_do_not_lift_the_index() -> None:
    clean, faulty = _session(1), _session(1, replace(Traits(), missed_per_min=3.0))
    assert np.mean(faulty.high - faulty.low) > np.mean(clean.high - clean.low)
    assert np.mean(faulty.value) < np.mean(clean.value) + 2
