import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.virtual.client import SimulatedClient
from pipeline.model import Floats, PhaseKind
from pipeline.skin.causal import DELAY_S, LiveResponse, LiveSkin
from pipeline.skin.responses import responses
from pipeline.skin.signal import prepare
from tests.conftest import REPO
from tests.pipeline.skin.signals import RATES, signal, still, times, train


def _fed(time_s: Floats, eda_us: Floats) -> LiveSkin:
    skin = LiveSkin()
    for each in zip(time_s.tolist(), eda_us.tolist(), strict=True):
        skin.feed(*each)
    return skin


@pytest.mark.parametrize("rate_hz", RATES)
def test_finds_each_response_at_any_rate(rate_hz: float) -> None:
    onsets_s, amplitudes_us = train()
    time_s = times(600, rate_hz)
    found = _fed(time_s, signal(time_s, onsets_s, amplitudes_us, 0.002)).responses(0, 600)
    assert len(found) == 28
    late_s = [each.onset_s - onset_s for each, onset_s in zip(found, onsets_s, strict=True)]
    assert np.max(np.abs(late_s)) <= (0.15 if rate_hz >= 4 else 0.7)
    shares = [each.amplitude_us / true for each, true in zip(found, amplitudes_us, strict=True)]
    assert np.mean(shares) == pytest.approx(1, abs=0.06)


@pytest.mark.parametrize(("rate_hz", "delay_s"), [(1.0, 3.5), (4.0, DELAY_S), (32.0, DELAY_S)])
def test_a_response_is_known_soon_after_its_peak(rate_hz: float, delay_s: float) -> None:
    onsets_s, amplitudes_us = train()
    time_s = times(600, rate_hz)
    skin, known = LiveSkin(), 0
    for at_s, eda_us in zip(time_s.tolist(), signal(time_s, onsets_s, amplitudes_us).tolist(), strict=True):
        skin.feed(at_s, eda_us)
        if len(found := skin.responses(0, 600)) > known:
            known = len(found)
            assert at_s - found[-1].peak_s <= delay_s
    assert known == 28


def test_the_simulated_client_s_responses_nearly_as_in_the_batch_form() -> None:
    client = SimulatedClient(1, start_s=0.0)
    client.hear(120, PhaseKind.STRESSOR)
    client.hear(360, PhaseKind.RECOVERY)
    eda_us, time_s = client.eda_us(0, 580, 8), times(580, 8)
    found, final = _fed(time_s, eda_us).responses(0, 580), responses(prepare(time_s, eda_us, 8))
    true_n = int(np.sum(client.truth(0, 570).scr_amplitude_us >= 0.05))
    near = [np.min(np.abs(final.onset_s - each.onset_s)) < 0.5 for each in found]
    assert np.mean(near) > 0.9
    assert len(found) == pytest.approx(true_n, abs=0.1 * true_n)
    assert len(found) == pytest.approx(len(final), abs=3)


def _state(skin: LiveSkin) -> tuple[list[LiveResponse], float, float, float | None]:
    return skin.responses(0, 9e9), skin.level_us, skin.phasic_us, skin.responses_per_min(300.0)


def test_when_it_is_asked_makes_no_difference() -> None:
    time_s = times(300, 15)
    eda_us = signal(time_s, *train(), noise_us=0.002)
    asked = LiveSkin()
    for at_s, value in zip(time_s.tolist(), eda_us.tolist(), strict=True):
        asked.feed(at_s, value)
        asked.responses_per_min(at_s)
    assert _state(asked) == _state(_fed(time_s, eda_us))


def test_level_and_phasic_part() -> None:
    skin = LiveSkin()
    assert math.isnan(skin.level_us)
    assert math.isnan(skin.phasic_us)
    assert skin.responses_per_min(100) is None
    for at_s in times(100, 8).tolist():
        skin.feed(at_s, 5.0)
    assert (skin.level_us, skin.phasic_us) == pytest.approx((5, 0))
    for at_s in (100 + times(1, 8)).tolist():
        skin.feed(at_s, 5.5)
    assert 0.3 < skin.phasic_us < 0.5
    assert skin.level_us == pytest.approx(5.1, abs=0.05)


def test_the_rate_counts_over_usable_time() -> None:
    """Six a minute; off the skin, nothing is a response and no time usable."""
    time_s = times(400, 8)
    eda_us = signal(time_s, np.arange(100, 400, 10.0), np.full(30, 0.4))
    whole = _fed(time_s, eda_us)
    assert whole.valid_s(200, 300) == pytest.approx(100, abs=0.2)
    assert whole.responses_per_min(400) == pytest.approx(6, abs=0.3)
    eda_us[(time_s > 300) & (time_s < 330)] = 0.0
    off = _fed(time_s, eda_us)
    assert off.valid_s(295, 340) == pytest.approx(45 - 35, abs=0.5)
    assert off.responses(300, 335) == []
    assert off.responses_per_min(400) == pytest.approx(6, abs=0.9)


@pytest.mark.parametrize("gap_s", [3.0, 60.0])
def test_a_gap_is_no_response(gap_s: float) -> None:
    time_s = times(120, 8)
    eda_us = still(time_s) + 1.0 * (time_s >= 60)
    skin = _fed(np.where(time_s >= 60, time_s + gap_s, time_s), eda_us)
    assert skin.responses(0, 900) == []


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.floats(width=32) | st.floats(0, 70), st.floats(-0.5, 3.0)), max_size=200),
)
def test_never_raises(samples: list[tuple[float, float]]) -> None:
    skin, at_s = LiveSkin(), 0.0
    for value, step_s in samples:
        at_s += step_s
        skin.feed(at_s, value)
    rate = skin.responses_per_min(at_s)
    assert rate is None or math.isfinite(rate)
    assert all(each.amplitude_us >= 0.05 for each in skin.responses(-9, 9e9))


def test_needs_no_scipy() -> None:
    script = "import sys, pipeline.skin.causal; print({'scipy', 'numba', 'pandas'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=REPO, check=True)
    assert run.stdout == "set()\n"
