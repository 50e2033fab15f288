import math

import numpy as np
import pytest

from devices.virtual.client import SimulatedClient, Truth
from devices.virtual.traits import Traits
from pipeline.model import Floats, PhaseKind
from pipeline.skin.responses import NO_RESPONSE_SEEN, Responses, no_response_seen, responses
from pipeline.skin.signal import prepare
from tests.pipeline.skin.signals import HALF_RECOVERY_S, RATES, RISE_S, bateman, signal, still, times, train

E4_STEP_US = 0.00128
NEAR_S = 1.5


@pytest.mark.parametrize("noise_us", [0.0, 0.002])
@pytest.mark.parametrize("rate_hz", RATES)
def test_finds_each_response(rate_hz: float, noise_us: float) -> None:
    """At any rate; without a low-pass below 4 Hz, an onset is no surer than half a sample."""
    onsets_s, amplitudes_us = train()
    time_s = times(600, rate_hz)
    found = responses(prepare(time_s, signal(time_s, onsets_s, amplitudes_us, noise_us), rate_hz))
    assert len(found) == 28
    late_s = found.onset_s - onsets_s
    assert np.max(np.abs(late_s)) <= (0.15 if rate_hz >= 4 else 0.55 / rate_hz)
    assert np.mean(late_s) == pytest.approx(-0.08, abs=0.05)
    assert np.mean(np.abs(found.amplitude_us / amplitudes_us - 1)) <= 0.03
    assert np.mean(found.rise_s) == pytest.approx(RISE_S, abs=0.25)
    assert np.median(found.half_recovery_s) == pytest.approx(HALF_RECOVERY_S, abs=0.15)


def test_below_1_hz_none_is_found() -> None:
    time_s = times(600, 0.5)
    assert len(responses(prepare(time_s, signal(time_s, *train()), 0.5))) == 0


@pytest.mark.parametrize("drift_us_s", [-0.03, -0.01, 0.01, 0.03])
def test_a_steep_drift_loses_no_response(drift_us_s: float) -> None:
    """Up to 2 µS a minute either way; the amplitude is the response's, not the drift's."""
    onsets_s, amplitudes_us = train()
    time_s = times(600, 4)
    eda_us = signal(time_s, onsets_s, amplitudes_us, 0.002) + drift_us_s * time_s + (drift_us_s < 0) * 25
    found = responses(prepare(time_s, eda_us, 4))
    assert len(found) == 28
    np.testing.assert_allclose(found.onset_s, onsets_s, atol=0.2)
    assert np.mean(found.amplitude_us / amplitudes_us) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(
    ("apart_s", "amplitudes"),
    [
        pytest.param(1.0, [0.77], id="on the rise: one"),
        pytest.param(3.0, [0.51, 0.17], id="on the fall: its own trough"),
        pytest.param(6.0, [0.51, 0.24], id="nearly recovered"),
        pytest.param(30.0, [0.5, 0.3], id="apart"),
    ],
)
def test_a_response_on_the_shoulder_of_another(apart_s: float, amplitudes: list[float]) -> None:
    time_s = times(90, 32)
    eda_us = 5 + bateman(time_s, 20, 0.5) + bateman(time_s, 20 + apart_s, 0.3)
    found = responses(prepare(time_s, eda_us, 32))
    assert found.amplitude_us.tolist() == pytest.approx(amplitudes, abs=0.02)
    assert np.isnan(found.half_recovery_s[0]) == (apart_s == 3.0)


def test_a_pause_in_the_climb_makes_two() -> None:
    time_s = times(60, 32)
    up = np.interp(time_s, [20, 22, 24, 26, 40], [5, 5.5, 5.5, 6, 5])
    found = responses(prepare(time_s, up, 32))
    assert found.amplitude_us.tolist() == pytest.approx([0.5, 0.5], abs=0.03)


@pytest.mark.parametrize(
    ("shape", "count"),
    [
        pytest.param([(0, 5), (60, 5)], 0, id="constant"),
        pytest.param([(0, 5), (60, 7)], 0, id="slow drift"),
        pytest.param([(20, 5), (32, 6), (40, 5)], 0, id="a rise of 12 s"),
        pytest.param([(20, 5), (22, 5.04), (30, 5)], 0, id="too small"),
        pytest.param([(20, 5), (22, 5.2), (30, 5)], 1, id="one"),
        pytest.param([(0, 4.6), (20, 5), (22, 5.5), (30, 5)], 1, id="after a drift"),
        pytest.param([(20, 5), (58, 5), (60, 5.4)], 0, id="still rising at the end"),
    ],
)
def test_what_is_a_response(shape: list[tuple[float, float]], count: int) -> None:
    time_s = times(60, 8)
    assert len(responses(prepare(time_s, np.interp(time_s, *np.transpose(shape)), 8))) == count


@pytest.mark.parametrize(("gain", "offset_us"), [(0.5, 0.0), (4.0, 0.0), (1.0, 10.0), (2.0, -1.0)])
def test_gain_and_offset(gain: float, offset_us: float) -> None:
    time_s = times(600, 8)
    eda_us = signal(time_s, *train(), noise_us=0.002)
    plain = responses(prepare(time_s, eda_us, 8))
    changed = responses(prepare(time_s, gain * eda_us + offset_us, 8), min_amplitude_us=0.05 * gain)
    np.testing.assert_allclose(changed.onset_s, plain.onset_s)
    np.testing.assert_allclose(changed.amplitude_us, gain * plain.amplitude_us, rtol=1e-6)


@pytest.mark.parametrize("rate_hz", [4.0, 8.0, 128.0])
def test_time_shift(rate_hz: float) -> None:
    time_s = times(600, rate_hz)
    eda_us = signal(time_s, *train())
    here, there = (responses(prepare(time_s + shift_s, eda_us, rate_hz)) for shift_s in (0.0, 4096.0))
    np.testing.assert_allclose(there.onset_s - 4096, here.onset_s)


def test_a_gap_affects_only_what_is_near() -> None:
    onsets_s, amplitudes_us = train()
    time_s = times(600, 8)
    eda_us = signal(time_s, onsets_s, amplitudes_us)
    kept = (time_s < 300) | (time_s > 330)
    whole = responses(prepare(time_s, eda_us, 8))
    holed = responses(prepare(time_s[kept], eda_us[kept], 8))
    for start_s, end_s in ((0, 265), (365, 600)):
        same, other = whole.between(start_s, end_s), holed.between(start_s, end_s)
        np.testing.assert_allclose(other.onset_s, same.onset_s)
        np.testing.assert_allclose(other.amplitude_us, same.amplitude_us, rtol=1e-3)


@pytest.mark.parametrize(
    ("length_s", "rate_hz", "with_responses", "said"),
    [
        pytest.param(600, 4.0, False, True, id="ten silent minutes"),
        pytest.param(290, 4.0, False, False, id="too short to say"),
        pytest.param(600, 4.0, True, False, id="responses"),
        pytest.param(600, 0.5, False, False, id="too slow to see any"),
    ],
)
def test_no_response_seen(length_s: float, rate_hz: float, with_responses: bool, said: bool) -> None:
    time_s = times(length_s, rate_hz)
    eda = prepare(time_s, signal(time_s, *train()) if with_responses else still(time_s), rate_hz)
    assert no_response_seen(eda, responses(eda)) == said
    assert NO_RESPONSE_SEEN == "No skin response seen with this sensor today"


def _lived(seed: int, noise_us: float, rate_hz: float, step_us: float) -> tuple[Responses, Truth, Floats]:
    """Twenty minutes of the simulated client: rest, stress, recovery; SCL of each minute, found over true."""
    client = SimulatedClient(seed, Traits(eda_noise_us=noise_us), 0.0)
    client.hear(300, PhaseKind.STRESSOR)
    client.hear(600, PhaseKind.RECOVERY)
    eda_us = client.eda_us(0, 1200, rate_hz)
    eda_us = np.round(eda_us / step_us) * step_us if step_us else eda_us
    eda = prepare(np.arange(len(eda_us)) / rate_hz, eda_us, rate_hz)
    minutes = [(60.0 * number, 60.0 * number + 60) for number in range(1, 20)]
    shares = [np.mean(eda.tonic_us[eda.rows(*each)]) / client.truth(*each).scl_us for each in minutes]
    return responses(eda), client.truth(0, 1200), np.array(shares)


def _matched(truth: Truth, found: Responses) -> list[tuple[int, int]]:
    """Pairs of a true and a found response that begin within 1.5 s, each used once."""
    pairs, used = [], set[int]()
    for number, onset_s in enumerate(truth.scr_onset_s):
        far_s = np.abs(found.onset_s - onset_s)
        far_s[list(used)] = math.inf
        if len(far_s) and np.min(far_s) <= NEAR_S:
            pairs.append((number, int(np.argmin(far_s))))
            used.add(pairs[-1][1])
    return pairs


@pytest.mark.parametrize(
    ("rate_hz", "noise_us", "step_us"),
    [
        pytest.param(1.0, 0.003, 0.0, id="1 Hz"),
        pytest.param(4.0, 0.003, 0.0, id="4 Hz"),
        pytest.param(4.0, 0.01, E4_STEP_US, id="4 Hz, coarse and noisy"),
        pytest.param(15.0, 0.003, 0.0, id="15 Hz"),
        pytest.param(128.0, 0.003, 0.0, id="128 Hz"),
    ],
)
def test_the_simulated_client_s_responses(rate_hz: float, noise_us: float, step_us: float) -> None:
    """Over an hour with about 230 true responses of 0.05 µS or more, up to 8 a minute, on each other's backs.

    Amplitudes fall short by a response's share of another's recovery: they are trough to peak.
    """
    true_n = seen_n = found_n = matched_n = 0
    late_s, amplitude, level = list[float](), list[float](), list[Floats]()
    for seed in (1, 2, 3):
        found, truth, shares = _lived(seed, noise_us, rate_hz, step_us)
        large = truth.scr_amplitude_us >= 0.05
        pairs = _matched(truth, found)
        true_n, found_n, matched_n = true_n + int(np.sum(large)), found_n + len(found), matched_n + len(pairs)
        seen_n += sum(bool(large[true]) for true, _ in pairs)
        late_s += [found.onset_s[at] - truth.scr_onset_s[true] for true, at in pairs if large[true]]
        amplitude += [
            found.amplitude_us[at] / truth.scr_amplitude_us[true] for true, at in pairs if large[true]
        ]
        level.append(shares)
    coarse = rate_hz < 4
    print(
        f"sensitivity {seen_n / true_n:.3f}, false {(found_n - matched_n) / 60:.3f}/min, "
        f"count {(found_n - true_n) / 60:+.2f}/min, amplitude {np.median(amplitude) - 1:+.3f}, "
        f"onset {np.median(late_s):+.3f} s, SCL {np.mean(level) - 1:+.3f}"
    )
    assert seen_n / true_n >= 0.93
    assert (found_n - matched_n) / 60 <= 0.05
    assert (found_n - true_n) / 60 == pytest.approx(-0.2, abs=0.15)
    assert np.median(amplitude) == pytest.approx(1, abs=0.12 if coarse else 0.08)
    assert np.median(late_s) == pytest.approx(-0.1, abs=0.15 if coarse else 0.05)
    assert np.mean(level) == pytest.approx(1.01, abs=0.01)
    assert np.max(level) < 1.07
