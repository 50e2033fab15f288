"""Heart rate from the whole signal: known rates, motion, noise, bad input, and real wristbands."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.heart.ppg import pulse_intervals
from pipeline.heart.pulse_rate import CONFIDENCE_FLOOR, pulse_rate
from pipeline.model import Floats, Stream
from tests.pipeline.heart.test_ppg import e4_column, pulse_wave, stream

SECONDS = 240.0


def wandering_beats(bpm: float) -> Floats:
    """Beats of a rate that swings slowly around `bpm`."""
    times = [0.4]
    while times[-1] < SECONDS:
        times.append(times[-1] + 60 / float(true_bpm(np.array(times[-1]), bpm)))
    return np.array(times[:-1])


def true_bpm(time_s: Floats, bpm: float) -> Floats:
    swinging: Floats = bpm + 12 * np.sin(2 * np.pi * time_s / 120)
    return swinging


def wrist(bpm: float, rate_hz: float = 64.0, noise: float = 0.0) -> Floats:
    return pulse_wave(wandering_beats(bpm), rate_hz, SECONDS, noise)


def motion(rate_hz: float, cadence_bpm: float, start_s: float = 80.0, end_s: float = 160.0) -> Floats:
    """Steps of an uneven rhythm, with an overtone."""
    at = np.arange(round(SECONDS * rate_hz)) / rate_hz
    phase = 2 * np.pi * (cadence_bpm / 60 * at + 0.5 * np.sin(at / 7))
    return np.where((at > start_s) & (at < end_s), np.sin(phase) + 0.4 * np.sin(2 * phase + 1), 0)


def accelerometer(cadence_bpm: float) -> Stream:
    moved, rng = motion(32.0, cadence_bpm), np.random.default_rng(1)
    columns = {
        "acc_x_mg": 200 * moved + rng.normal(0, 4, len(moved)),
        "acc_y_mg": rng.normal(0, 4, len(moved)),
        "acc_z_mg": 1000 + rng.normal(0, 4, len(moved)),
    }
    return Stream("acc", np.arange(len(moved)) / 32, columns, 32.0)


def error_bpm(rate: Stream, bpm: float) -> Floats:
    return np.abs(rate.value - true_bpm(rate.time_s, bpm))


@pytest.mark.parametrize("bpm", [55, 110, 160])
@pytest.mark.parametrize("rate_hz", [25.0, 64.0, 200.0])
def test_the_rate_is_followed(rate_hz: float, bpm: float) -> None:
    rate = pulse_rate(stream(wrist(bpm, rate_hz, noise=0.1), rate_hz))
    assert (rate.name, tuple(rate.columns), rate.rate_hz) == ("ppg_rate", ("hr_bpm", "confidence"), 0.5)
    assert np.mean(np.isfinite(rate.value)) > 0.98
    assert np.nanmedian(error_bpm(rate, bpm)) < 1.0
    assert np.nanmax(error_bpm(rate, bpm)) < 5.0


@pytest.mark.parametrize("gain", [-1e4, -1.0, 1e-4, 1e4])
@pytest.mark.parametrize("offset", [-1e3, 1e3])
def test_gain_offset_and_polarity_change_nothing(gain: float, offset: float) -> None:
    wave = wrist(75, noise=0.3)
    plain, scaled = pulse_rate(stream(wave, 64.0)), pulse_rate(stream(gain * (wave + offset), 64.0))
    np.testing.assert_allclose(scaled.value, plain.value, atol=1e-6)
    np.testing.assert_allclose(scaled.columns["confidence"], plain.columns["confidence"], atol=1e-6)


def test_a_shift_in_time_shifts_the_track() -> None:
    wave = wrist(75, noise=0.3)
    early, late = pulse_rate(stream(wave, 64.0)), pulse_rate(stream(wave, 64.0, start_s=1000.0))
    np.testing.assert_allclose(late.time_s, early.time_s + 1000, atol=1e-9)
    np.testing.assert_allclose(late.value, early.value, atol=1e-6)


@pytest.mark.parametrize("cadence_bpm", [60, 95, 110, 140])
def test_the_hearts_rate_is_told_from_the_steps(cadence_bpm: float) -> None:
    """Steps three times as strong as the pulse; the accelerometer knows them."""
    moving = stream(wrist(75) + 3 * motion(64.0, cadence_bpm), 64.0)
    rate = pulse_rate(moving, accelerometer(cadence_bpm))
    error = error_bpm(rate, 75)
    print(f"{cadence_bpm}: {np.mean(np.isfinite(error)):.2f} usable, {np.nanmedian(error):.1f} bpm off")
    assert np.mean(np.isfinite(error)) > 0.85
    assert np.mean(error[np.isfinite(error)] < 5) > 0.95


def test_a_still_accelerometer_changes_hardly_anything() -> None:
    wave = stream(wrist(75, noise=0.2), 64.0)
    alone, beside = pulse_rate(wave), pulse_rate(wave, accelerometer(0))
    assert np.nanmax(np.abs(alone.value - beside.value)) < 2


def test_where_single_pulses_are_lost_the_rate_is_not() -> None:
    noisy = stream(wrist(75, noise=0.8), 64.0)
    rate, pp = pulse_rate(noisy), pulse_intervals(noisy)
    known = np.isfinite(rate.value)
    print(f"rate {np.mean(known):.2f}, intervals {np.sum(pp.value) / 1000 / SECONDS:.2f} of the time")
    assert np.mean(known) > 0.9
    assert np.sum(pp.value) / 1000 < 0.6 * SECONDS
    assert np.nanmedian(error_bpm(rate, 75)) < 1.5


@pytest.mark.parametrize("kind", ["white", "walk"])
def test_noise_has_no_rate(kind: str) -> None:
    noise = np.random.default_rng(5).normal(0, 1, 64 * 600)
    rate = pulse_rate(stream(noise if kind == "white" else np.cumsum(noise), 64.0))
    assert np.mean(np.isfinite(rate.value)) < 0.1


@pytest.mark.parametrize("missing", ["nan samples", "absent rows", "stuck"])
def test_nothing_is_said_of_what_is_missing(missing: str) -> None:
    wave = wrist(75, noise=0.05)
    whole = stream(wave, 64.0)
    lost = (whole.time_s >= 100) & (whole.time_s < 130)
    broken = {
        "nan samples": stream(np.where(lost, np.nan, wave), 64.0),
        "absent rows": Stream("ppg", whole.time_s[~lost], {"ppg_au": wave[~lost]}, 64.0),
        "stuck": stream(np.where(lost, 0.0, wave), 64.0),
    }[missing]
    rate, plain = pulse_rate(broken), pulse_rate(whole)
    inside = (rate.time_s > 103) & (rate.time_s < 127)
    away = (rate.time_s < 85) | (rate.time_s > 145)
    assert not np.any(np.isfinite(rate.value[inside]))
    np.testing.assert_allclose(rate.value[away], plain.value[away], atol=1.0)


@settings(max_examples=40, deadline=None)
@given(
    rate_hz=st.sampled_from([1.0, 25.0, 64.0, 300.0]),
    seconds=st.floats(0, 40),
    kind=st.sampled_from(["constant", "noise", "steps", "spikes", "missing"]),
    holes=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 0.4)), max_size=4),
    still=st.booleans(),
    seed=st.integers(0, 99),
)
def test_no_input_raises(
    rate_hz: float, seconds: float, kind: str, holes: list[tuple[float, float]], still: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    count = round(seconds * rate_hz)
    values = {
        "constant": np.ones(count),
        "noise": rng.normal(size=count),
        "steps": np.repeat(rng.normal(size=count // 40 + 1), 40)[:count],
        "spikes": (rng.random(count) < 0.02) * 1e6,
        "missing": np.full(count, np.nan),
    }[kind]
    for start, length in holes:
        values[int(start * count) : int((start + length) * count)] = np.nan
    axis = np.full(count, 1000.0) if still else values
    rate = pulse_rate(
        stream(values, rate_hz), Stream("acc", np.arange(count) / rate_hz, {"x_mg": axis}, rate_hz)
    )
    known = np.isfinite(rate.value)
    confidence = rate.columns["confidence"]
    assert np.all((rate.value[known] >= 36) & (rate.value[known] <= 215))
    assert np.all((confidence >= 0) & (confidence <= 1))
    np.testing.assert_array_equal(known, confidence >= CONFIDENCE_FLOOR)


def rate_of(ends_s: Floats, pp_s: Floats, at_s: Floats) -> Floats:
    """Mean rate of the intervals in the 8 s around, where they fill all but an interval of it."""
    rate = np.full(len(at_s), np.nan)
    for row, middle_s in enumerate(at_s):
        inside = (ends_s - pp_s >= middle_s - 4) & (ends_s <= middle_s + 4)
        if np.sum(pp_s[inside]) > 6:
            rate[row] = 60 / np.mean(pp_s[inside])
    return rate


# The share of the recording in which the heart rate is known, at least.
PEOPLE = {"S02": 0.4, "S03": 0.6, "S04": 0.75, "S05": 0.85, "S06": 0.95, "S07": 0.8, "S08": 0.8, "S09": 0.75}


@pytest.mark.parametrize("person", PEOPLE)
def test_a_wrists_rate_is_that_of_its_beats(recordings: Path, person: str) -> None:
    """Where Empatica times beats one after the other; it covers 9 to 78 % of a session."""
    folder = recordings / "stress_predict_e4" / person
    rate = pulse_rate(stream(e4_column(folder / "BVP.csv"), 64.0))
    theirs = np.loadtxt(folder / "IBI.csv", delimiter=",", skiprows=1)
    error = np.abs(rate.value - rate_of(theirs[:, 0], theirs[:, 1], rate.time_s))
    both = error[np.isfinite(error)]
    known = float(np.mean(np.isfinite(rate.value)))
    print(f"{person}: known {known:.2f}, {len(both)} windows: median {np.median(both):.2f} bpm,", end=" ")
    print(f"90 % {np.percentile(both, 90):.2f}, beyond 10 bpm {np.mean(both > 10):.4f}")
    assert known > PEOPLE[person]
    assert np.median(both) < 1.5
    assert np.mean(both > 10) < 0.01


def test_a_rate_during_exercise(recordings: Path) -> None:
    """On a bicycle; Empatica's own rate falls from 128 to 91 as the work grows, and rises as it ends."""
    folder = recordings / "physionet_e4_exercise" / "AEROBIC" / "S01"
    columns = np.loadtxt(folder / "ACC.csv", delimiter=",", skiprows=2).T * 1000 / 64
    acc = Stream(
        "acc",
        np.arange(columns.shape[1]) / 32,
        dict(zip(("x_mg", "y_mg", "z_mg"), columns, strict=True)),
        32.0,
    )
    rows = (folder / "BVP.csv").read_bytes().split(b"\n")[2:]
    rate = pulse_rate(stream(np.array([float(row) for row in rows if row.strip()]), 64.0), acc)
    minutes = [np.nanmedian(rate.between(start_s, start_s + 240).value) for start_s in (0, 480, 960, 1440)]
    print("median of four minutes from 0, 8, 16 and 24 min:", np.round(minutes))
    assert np.all(np.diff(minutes) > 5)
    assert np.mean(np.isfinite(rate.value)) > 0.8
