"""Long signals in pieces: the same numbers as in one go."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import butter, sosfiltfilt

from pipeline.heart import waves
from pipeline.heart.waves import band_passed, stretches, unbroken
from pipeline.model import Stream


@pytest.mark.parametrize("samples", [100, 1000, 1001, 1999, 2000, 2017, 5003])
@pytest.mark.parametrize("band_hz", [(0.5, 8.0), (8.0, 20.0), (2.0, 30.0)])
def test_a_filter_in_pieces_is_the_filter(
    band_hz: tuple[float, float], samples: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waves, "_AT_ONCE", 1000)
    signal = np.cumsum(np.random.default_rng(samples).normal(size=samples))
    whole = sosfiltfilt(butter(2, band_hz, "bandpass", fs=130.0, output="sos"), signal)
    np.testing.assert_array_equal(band_passed(signal, 130.0, band_hz), whole)
    assert signal[0] == np.random.default_rng(samples).normal()  # the caller's own is left alone


@given(present=st.lists(st.booleans(), max_size=30), parted=st.integers(0, 2**30))
def test_stretches_are_those_that_a_walk_finds(present: list[bool], parted: int) -> None:
    broken = [bool(parted >> sample & 1) for sample in range(len(present) - 1)]
    walked: list[list[int]] = []
    for sample, there in enumerate(present):
        if there and sample and present[sample - 1] and not broken[sample - 1]:
            walked[-1].append(sample)
        elif there:
            walked.append([sample])
    found = stretches(np.array(present, dtype=bool), np.array(broken, dtype=bool))
    assert [list(range(each.start, each.stop)) for each in found] == walked


@pytest.mark.parametrize("at_once", [7, 50, 1000])
def test_late_samples_part_a_stream_wherever_it_is_cut(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waves, "_AT_ONCE", at_once)
    time_s = np.arange(200) / 100.0
    time_s[50:] += 0.02
    time_s[149:] += 1.0
    values = np.ones(200)
    values[20] = np.nan
    found = unbroken(Stream("ecg", time_s, {"ecg_uv": values}, 100.0))
    assert [(each.start, each.stop) for each in found] == [(0, 20), (21, 50), (50, 149), (149, 200)]
