"""R peaks: known beat times at every rate, invariances, bad input, and real recordings with a reference."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.heart.ecg import NO_R_PEAK, QUALITY_FLOOR, r_peaks, rr_intervals
from pipeline.model import Floats, Gap, Stream
from tests.conftest import REPO

RATES_HZ = (100.0, 130.0, 250.0, 500.0, 1000.0)
WAVES = (  # after the R peak in s, height, width in s: P, Q, R, S, T
    (-0.17, 0.12, 0.022),
    (-0.026, -0.12, 0.009),
    (0.0, 1.0, 0.0105),
    (0.028, -0.22, 0.010),
    (0.26, 0.28, 0.045),
)


def beats(seconds: float = 120.0, bpm: float = 72.0, seed: int = 1) -> Floats:
    """Beat times with a breathing rhythm of 6 % and a little noise."""
    rng = np.random.default_rng(seed)
    times = [0.61]
    while times[-1] < seconds:
        rhythm = 1 + 0.06 * np.sin(2 * np.pi * times[-1] / 4.3) + rng.normal(0, 0.01)
        times.append(times[-1] + 60 / bpm * rhythm)
    return np.array(times[:-1])


def ecg(times_s: Floats, rate_hz: float, seconds: float = 120.0, t_wave: float = 1.0) -> Floats:
    at = np.arange(round(seconds * rate_hz)) / rate_hz
    wave = np.zeros(len(at))
    for time_s in times_s:
        rows = slice(*np.searchsorted(at, (time_s - 0.5, time_s + 0.7)))
        for number, (after_s, height, width_s) in enumerate(WAVES):
            scale = t_wave if number == 4 else 1.0
            wave[rows] += scale * height * np.exp(-(((at[rows] - time_s - after_s) / width_s) ** 2) / 2)
    return wave


def disturbances(rate_hz: float, seconds: float = 120.0) -> dict[str, Floats]:
    """What lies on an electrocardiogram whose R waves are 1 high."""
    at = np.arange(round(seconds * rate_hz)) / rate_hz
    rng = np.random.default_rng(3)
    return {
        "clean": np.zeros(len(at)),
        "wander": 1.5 * np.sin(2 * np.pi * 0.2 * at) + 0.5 * np.sin(2 * np.pi * 0.43 * at),
        "mains 50": 0.2 * np.sin(2 * np.pi * 50 * at),
        "mains 60": 0.2 * np.sin(2 * np.pi * 60 * at),
        "muscle": rng.normal(0, 0.1 * np.sqrt(rate_hz / 250), len(at)),
    }


def stream(values: Floats, rate_hz: float, start_s: float = 0.0) -> Stream:
    return Stream("ecg", start_s + np.arange(len(values)) / rate_hz, {"ecg_uv": values}, rate_hz)


def found(reference_s: Floats, detected_s: Floats, within_s: float = 0.15) -> tuple[float, float]:
    """Sensitivity, and the share of detections that are beats."""

    def near(a: Floats, b: Floats) -> float:
        after = b[np.clip(np.searchsorted(b, a), 0, len(b) - 1)]
        before = b[np.clip(np.searchsorted(b, a) - 1, 0, len(b) - 1)]
        return float(np.mean(np.minimum(np.abs(after - a), np.abs(before - a)) < within_s))

    return near(reference_s, detected_s), near(detected_s, reference_s)


LIMITS_MS = {"clean": 0.1, "wander": 0.2, "mains 50": 1.0, "mains 60": 1.0, "muscle": 1.5}


@pytest.mark.parametrize("bpm", [45, 72, 160])
@pytest.mark.parametrize("disturbance", LIMITS_MS)
@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_every_beat_is_found_once_and_on_time(rate_hz: float, disturbance: str, bpm: float) -> None:
    true_s = beats(bpm=bpm)
    peaks = r_peaks(ecg(true_s, rate_hz) + disturbances(rate_hz)[disturbance], rate_hz)
    inner_s = true_s[(true_s > 0.3) & (true_s < 119.7)]
    error_ms = 1000 * (peaks.time_s - true_s[np.argmin(np.abs(peaks.time_s[:, None] - true_s), axis=1)])
    bias_ms, sd_ms = np.mean(error_ms), np.std(error_ms)
    print(f"{rate_hz:g} Hz, {disturbance}, {bpm} bpm: bias {bias_ms:.2f}, sd {sd_ms:.2f} ms")
    assert found(inner_s, peaks.time_s, 0.01) == (1.0, 1.0)
    assert abs(bias_ms) < 0.3
    assert sd_ms < LIMITS_MS[disturbance]
    assert np.median(peaks.quality) > 0.7


@pytest.mark.parametrize("gain", [-1e4, -1.0, -1e-4, 1e-4, 1.0, 1e4])
@pytest.mark.parametrize("offset", [-1e3, 0.0, 1e3])
def test_gain_polarity_and_offset_change_nothing(gain: float, offset: float) -> None:
    wave = ecg(beats(), 130.0) + disturbances(130.0)["muscle"]
    plain, scaled = r_peaks(wave, 130.0), r_peaks(gain * (wave + offset), 130.0)
    np.testing.assert_allclose(scaled.time_s, plain.time_s, atol=1e-6)
    np.testing.assert_allclose(scaled.quality, plain.quality, atol=1e-6)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_intervals_are_the_true_ones_and_fill_the_recording(rate_hz: float) -> None:
    true_s = beats()
    rr = rr_intervals(stream(ecg(true_s, rate_hz), rate_hz))
    expected_ms = 1000 * np.diff(true_s)[np.argmin(np.abs(rr.time_s[:, None] - true_s[1:]), axis=1)]
    np.testing.assert_allclose(rr.value, expected_ms, atol=0.5)
    assert (rr.name, tuple(rr.columns), rr.rate_hz, rr.gaps) == ("ecg_rr", ("rr_ms", "quality"), None, ())
    assert len(rr) >= len(true_s) - 2


def test_a_shift_in_time_shifts_the_intervals() -> None:
    wave = ecg(beats(), 130.0) + disturbances(130.0)["muscle"]
    early, late = rr_intervals(stream(wave, 130.0)), rr_intervals(stream(wave, 130.0, start_s=1000.0))
    np.testing.assert_allclose(late.time_s, early.time_s + 1000, atol=1e-9)
    np.testing.assert_allclose(late.value, early.value, atol=1e-6)


def test_the_streams_own_clock_tells_the_time() -> None:
    wave = ecg(beats(), 130.0)
    slow = Stream("ecg", np.arange(len(wave)) / 130.0 * 1.001, {"ecg_uv": wave}, 130.0)
    np.testing.assert_allclose(
        rr_intervals(slow).value, rr_intervals(stream(wave, 130.0)).value * 1.001, rtol=1e-9
    )


@pytest.mark.parametrize("t_wave", [2.0, 4.0])
def test_a_tall_t_wave_is_no_beat(t_wave: float) -> None:
    true_s = beats()
    peaks = r_peaks(ecg(true_s, 130.0, t_wave=t_wave), 130.0)
    assert found(true_s[1:-1], peaks.time_s, 0.02)[0] == 1.0
    assert found(true_s, peaks.time_s, 0.02)[1] == 1.0


def test_a_broad_early_beat_is_a_beat_and_keeps_its_intervals() -> None:
    true_s = np.arange(0.8, 119, 0.8)
    true_s[50] -= 0.25
    wave = ecg(np.delete(true_s, 50), 130.0)
    at = np.arange(len(wave)) / 130.0
    wave += 1.3 * np.exp(-(((at - true_s[50]) / 0.03) ** 2) / 2)
    rr = rr_intervals(stream(wave, 130.0))
    around = rr.value[np.searchsorted(rr.time_s, true_s[50] - 0.1) :][:2]
    np.testing.assert_allclose(around, [550, 1050], atol=8)
    assert rr.gaps == ()


@pytest.mark.parametrize("loss", ["nan samples", "absent rows", "stuck", "at the rail", "electrode off"])
def test_no_interval_spans_what_is_missing(loss: str) -> None:
    wave = ecg(beats(), 130.0) + disturbances(130.0)["muscle"]
    whole = stream(wave, 130.0)
    lost = (whole.time_s >= 60) & (whole.time_s < 64)
    rng = np.random.default_rng(6)
    if loss == "absent rows":
        broken = Stream("ecg", whole.time_s[~lost], {"ecg_uv": wave[~lost]}, 130.0)
    else:
        filling = {
            "nan samples": np.full(len(wave), np.nan),
            "stuck": np.full(len(wave), 0.1),
            "at the rail": np.full(len(wave), 5.0),
            "electrode off": 3 * np.cumsum(rng.normal(0, 0.2, len(wave))),
        }[loss]
        broken = stream(np.where(lost, filling, wave), 130.0)
    rr = rr_intervals(broken)
    begins_s = rr.time_s - rr.value / 1000
    assert not np.any((begins_s < 63.9) & (rr.time_s > 60.1))
    assert {gap.reason for gap in rr.gaps} == {NO_R_PEAK}
    assert min(gap.start_s for gap in rr.gaps) > 57
    assert max(gap.end_s for gap in rr.gaps) < 67
    open_s = sum(gap.end_s - gap.start_s for gap in rr.gaps)
    assert open_s + np.sum(rr.value) / 1000 == pytest.approx(120, abs=2.5)


@pytest.mark.parametrize("rate_hz", [130.0, 500.0])
@pytest.mark.parametrize("kind", ["white", "walk", "mains"])
def test_noise_is_hardly_ever_taken_for_a_heart(kind: str, rate_hz: float) -> None:
    at = np.arange(round(300 * rate_hz)) / rate_hz
    noise = np.random.default_rng(5).normal(0, 1, len(at))
    wave = {"white": noise, "walk": np.cumsum(noise), "mains": 100 * np.sin(2 * np.pi * 50 * at) + noise}[
        kind
    ]
    assert np.sum(rr_intervals(stream(wave, rate_hz)).value) / 1000 < 0.02 * 300


def test_no_interval_rests_on_a_poor_peak() -> None:
    wave = ecg(beats(), 130.0) + 3 * disturbances(130.0)["muscle"]
    assert np.all(rr_intervals(stream(wave, 130.0)).columns["quality"] >= QUALITY_FLOOR)


@pytest.mark.parametrize(
    "values",
    [
        np.empty(0),
        np.zeros(1),
        np.zeros(130),
        np.full(13000, 7.0),
        np.full(13000, np.nan),
        np.tile([5.0, -5.0], 5000),
    ],
    ids=["empty", "one sample", "one second", "flat", "all missing", "rail to rail"],
)
def test_nothing_gives_no_intervals(values: Floats) -> None:
    rr = rr_intervals(stream(values, 130.0))
    assert len(rr) == 0
    assert rr.gaps == ((Gap(0.0, (len(values) - 1) / 130.0, NO_R_PEAK),) if len(values) > 300 else ())


@settings(max_examples=60, deadline=None)
@given(
    rate_hz=st.sampled_from([1.0, 50.0, 130.0, 360.0, 1000.0]),
    seconds=st.floats(0, 20),
    kind=st.sampled_from(["constant", "noise", "steps", "spikes", "ecg", "clipped"]),
    holes=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 0.3)), max_size=4),
    gain=st.sampled_from([1e-6, 1.0, 1e6]),
    seed=st.integers(0, 99),
)
def test_no_input_raises(
    rate_hz: float, seconds: float, kind: str, holes: list[tuple[float, float]], gain: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    count = round(seconds * rate_hz)
    plain = ecg(beats(seconds=21), rate_hz, seconds=21)[:count]
    values = {
        "constant": np.ones(count),
        "noise": rng.normal(size=count),
        "steps": np.repeat(rng.normal(size=count // 40 + 1), 40)[:count],
        "spikes": (rng.random(count) < 0.02) * 1.0,
        "ecg": plain,
        "clipped": np.clip(plain, -0.05, 0.3),
    }[kind].astype(np.float64) * gain
    for start, length in holes:
        values[int(start * count) : int((start + length) * count)] = np.nan
    rr = rr_intervals(stream(values, rate_hz))
    assert np.all(np.isfinite(rr.value))
    assert np.all((rr.value >= 250) & (rr.value <= 3000))
    assert np.all((rr.columns["quality"] >= QUALITY_FLOOR) & (rr.columns["quality"] <= 1))


def format_212(path: Path) -> tuple[Floats, Floats]:
    """Both signals of a file of 12-bit pairs (WFDB format 212)."""
    low, middle, high = np.fromfile(path, np.uint8).reshape(-1, 3).astype(np.int64).T
    signals = (low | (middle & 0x0F) << 8, high | (middle >> 4) << 8)
    first, second = (np.where(values > 2047, values - 4096, values).astype(np.float64) for values in signals)
    return first, second


def annotated_beats(path: Path) -> Floats:
    """Samples of the beats in an MIT annotation file: codes 1-13, and 59 for a jump in time."""
    words = np.frombuffer(path.read_bytes(), "<u2").tolist()
    beats_, at, place = [], 0, 0
    while words[place] != 0:
        code, value = words[place] >> 10, words[place] & 0x3FF
        place += 1
        if code == 59:
            at += (words[place] << 16) + words[place + 1]
            place += 2
        elif code == 63:
            place += (value + 1) // 2
        elif code < 59:
            at += value
            if 1 <= code <= 13:
                beats_.append(at)
    return np.array(beats_, float)


@pytest.mark.parametrize("lead", [0, 1], ids=["MLII", "V5"])
def test_annotated_beats_of_a_holter_are_found(recordings: Path, lead: int) -> None:
    folder = recordings / "wfdb_mitdb100"
    true_s = annotated_beats(folder / "100.atr") / 360
    peaks = r_peaks(format_212(folder / "100.dat")[lead], 360.0)
    sensitivity, predictivity = found(true_s, peaks.time_s)
    print(f"lead {lead}: {len(true_s)} beats, sensitivity {sensitivity:.4f}, predictivity {predictivity:.4f}")
    assert len(true_s) == 2273
    assert sensitivity > 0.998
    assert predictivity > 0.999


def same_beats(ours_ms: Floats, theirs_ms: Floats) -> Floats:
    """Differences of the intervals that follow each other in both, past those that one lacks."""
    differences, i, j = [], 0, 0
    steps = sorted(((a, b) for a in range(9) for b in range(9)), key=sum)
    while i + 3 < len(ours_ms) and j + 3 < len(theirs_ms):
        ahead = (
            [
                (a, b)
                for a, b in steps
                if min(len(ours_ms) - i - a, len(theirs_ms) - j - b) >= 3
                and np.all(np.abs(ours_ms[i + a :][:3] - theirs_ms[j + b :][:3]) < 40)
            ]
            if abs(ours_ms[i] - theirs_ms[j]) >= 40
            else [(0, 0)]
        )
        a, b = ahead[0] if ahead else (1, 1)
        i, j = i + a, j + b
        if ahead:
            differences.append(ours_ms[i] - theirs_ms[j])
            i, j = i + 1, j + 1
    return np.array(differences)


def test_intervals_agree_with_a_chest_straps_own(recordings: Path) -> None:
    """A strap that times beats at 1000 Hz inside and sends 130 Hz; a heart with many early beats."""
    rows = np.genfromtxt(recordings / "polar_h10_ecglogger" / "polar_h10.csv", delimiter=",", names=True)
    time_s = (rows["time"] - rows["time"][0]) / 1e9
    rr = rr_intervals(Stream("ecg", time_s, {"ecg_mv": rows["ecg"]}, 130.0))
    theirs_ms = rows["rr"][np.isfinite(rows["rr"])]
    error_ms = np.abs(same_beats(rr.value, theirs_ms))
    print(f"{len(rr)} intervals, {len(error_ms)} the same; median {np.median(error_ms):.2f} ms")
    assert len(rr) > 790
    assert np.sum(rr.value) / 1000 > 0.98 * (time_s[-1] - time_s[0])
    assert len(error_ms) > 0.97 * len(rr)
    assert np.median(error_ms) < 1.0


def real_ecg(recordings: Path, name: str) -> tuple[Floats, float]:
    if name == "bitalino":
        path = recordings / "bitalino_ecg_opensignals" / "SampleECG.txt"
        return np.loadtxt(path, comments="#")[:, -1], 1000.0
    if name == "biosppy":
        return np.loadtxt(recordings / "biosppy_examples" / "ecg.txt", comments="#"), 1000.0
    path = recordings / "neurokit_bio" / f"{name}.csv"
    return np.loadtxt(path, delimiter=",", skiprows=1, usecols=0), 100.0


@pytest.mark.parametrize("name", ["bitalino", "biosppy", "bio_eventrelated_100hz", "bio_resting_8min_100hz"])
def test_peaks_agree_with_neurokit(recordings: Path, name: str) -> None:
    """neurokit2 marks a sample, so at 100 Hz its intervals are good to 10 ms."""
    values, rate_hz = real_ecg(recordings, name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        nk = pytest.importorskip("neurokit2")

        cleaned = nk.ecg_clean(values, sampling_rate=int(rate_hz))
        theirs_s = nk.ecg_peaks(cleaned, sampling_rate=int(rate_hz))[1]["ECG_R_Peaks"] / rate_hz
    ours_s = r_peaks(values, rate_hz).time_s
    inner = (theirs_s > 0.3) & (theirs_s < len(values) / rate_hz - 0.3)
    sensitivity, _ = found(theirs_s[inner], ours_s, 0.05)
    nearest_s = ours_s[np.argmin(np.abs(ours_s[None, :] - theirs_s[inner][:, None]), axis=1)]
    error_ms = 1000 * np.abs(np.diff(nearest_s) - np.diff(theirs_s[inner]))
    print(
        f"{name}: {len(ours_s)} and {len(theirs_s)} beats, intervals differ by {np.median(error_ms):.2f} ms"
    )
    assert sensitivity == 1.0
    assert abs(len(ours_s) - len(theirs_s)) <= 2
    assert np.median(error_ms) < max(0.5, 0.4 * 1000 / rate_hz)


READ_AND_ANALYSE = """
import sys
from pathlib import Path
from devices.exports.formats import read_recording
from pipeline.analysis import analyse
analysis = analyse(read_recording(Path(sys.argv[1]))[1])
held = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(held.split()[1], len(analysis.beats), len(analysis.windows))
"""


@pytest.mark.prove
@pytest.mark.timeout(600)
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_a_day_fits_into_the_memory_of_a_laptop(tmp_path: Path) -> None:
    """24 h at 250 Hz from file to features, in a process of its own: of that each signal takes 0.17 GB."""
    rate_hz, hour_s = 250.0, 3600.0
    rng = np.random.default_rng(1)
    with (tmp_path / "day.dat").open("wb") as file:
        for _ in range(24):
            hour = ecg(beats(hour_s, seed=int(rng.integers(1000))), rate_hz, hour_s)
            np.rint(1000 * hour + rng.normal(0, 30, len(hour))).astype("<i2").tofile(file)
    samples = round(24 * hour_s * rate_hz)
    (tmp_path / "day.hea").write_text(f"day 1 250 {samples}\nday.dat 16 1000/mV 16 0 0 0 0 ECG\n")
    command = [sys.executable, "-c", READ_AND_ANALYSE, str(tmp_path / "day.hea")]
    told = subprocess.run(command, capture_output=True, text=True, check=True, cwd=REPO).stdout
    peak_kb, beats_found, windows = map(int, told.split())
    print(f"{peak_kb * 1024 / 1e9:.2f} GB for {samples} samples, {beats_found} beats and {windows} windows")
    assert peak_kb * 1024 < 1.5e9
    assert beats_found > 100_000
    assert windows == 2871
