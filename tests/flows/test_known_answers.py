"""`vagal analyse FILE --no-correction --json`: plain values of RR intervals, by definition."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.interpolate import CubicSpline
from scipy.signal import welch

from pipeline.model import Floats
from tests.flows.command_line import vagal_here

FILES = ["kubios_report/SampleExport.txt", "rri_txt_polar_hrm/rest_rri.txt"]
KUBIOS = {  # as its report prints them
    "mean_nn_ms": (707.54, 0.005),
    "sdnn_ms": (92.79, 0.005),
    "rmssd_ms": (56.86, 0.005),
    "mean_hr_bpm": (84.8004, 0.00005),
    "sd2_ms": (124.983623, 0.00001),
    "sd1_ms": (40.253428, 0.001),  # from RMSSD / √2, where ours takes out the mean difference
    "lf_ms2": (5673.02, 80.0),  # detrended by smoothness priors before, and its own 4-Hz grid
    "hf_ms2": (1873.51, 40.0),
    "sampen": (0.7436, 0.01),
}


def analysed(path: Path, home: Path, *options: str) -> dict[str, Any]:
    run = vagal_here("analyse", path, "--no-correction", "--json", *options, home=home)
    assert run.returncode == 0, run.stderr
    whole: dict[str, Any] = json.loads(run.stdout)["whole"]
    return whole


def plain(rr_ms: Floats) -> dict[str, float]:
    d = np.diff(rr_ms)
    return {
        "beats": len(rr_ms),
        "nn_pairs": len(d),
        "mean_nn_ms": np.mean(rr_ms),
        "mean_hr_bpm": 60_000 / np.mean(rr_ms),
        "sdnn_ms": np.std(rr_ms, ddof=1),
        "rmssd_ms": np.sqrt(np.mean(d**2)),
        "pnn50_pct": 100 * np.mean(np.abs(d) > 50),
        "sd1_ms": np.std(d, ddof=1) / np.sqrt(2),
        "sd2_ms": np.std(rr_ms[1:] + rr_ms[:-1], ddof=1) / np.sqrt(2),
        "cvnn_pct": 100 * np.std(rr_ms, ddof=1) / np.mean(rr_ms),
        "artefact_pct": 0.0,
    }


def plain_spectrum(rr_ms: Floats) -> dict[str, float]:
    """Cubic spline at 4 Hz, Welch over 300 s, Hann, half overlapping."""
    time_s = np.cumsum(rr_ms) / 1000
    even = CubicSpline(time_s, rr_ms)(np.arange(time_s[0], time_s[-1], 0.25))
    segment = min(1200, len(even))
    frequency_hz, density = welch(even, 4.0, "hann", nperseg=segment, noverlap=segment // 2)
    bands = {"lf_ms2": (0.04, 0.15), "hf_ms2": (0.15, 0.40)}
    rows = {name: (frequency_hz >= low) & (frequency_hz < high) for name, (low, high) in bands.items()}
    return {name: float(np.trapezoid(density[row], frequency_hz[row])) for name, row in rows.items()}


@pytest.mark.parametrize("name", FILES)
def test_plain_values(name: str, recordings: Path, tmp_path: Path) -> None:
    rr_ms = np.loadtxt(recordings / name)
    whole = analysed(recordings / name, tmp_path)
    assert {key: whole[key] for key in plain(rr_ms)} == pytest.approx(plain(rr_ms), rel=1e-9)
    spectrum = plain_spectrum(rr_ms)
    # ours undoes the spline's attenuation, a few per cent of HF, and interpolates at the bands' edges
    assert {key: whole[key] for key in spectrum} == pytest.approx(spectrum, rel=0.05)


def test_the_kubios_report(recordings: Path, tmp_path: Path) -> None:
    whole = analysed(recordings / FILES[0], tmp_path)
    for name, (printed, tolerance) in KUBIOS.items():
        assert whole[name] == pytest.approx(printed, abs=tolerance), name


def test_smoothness_priors_as_in_kubios_take_the_slowest_rhythms(recordings: Path, tmp_path: Path) -> None:
    path = recordings / FILES[0]
    free, smooth = (analysed(path, tmp_path, "--detrend", each) for each in ("none", "smoothness_priors"))
    assert smooth["vlf_ms2"] < 0.5 * free["vlf_ms2"]
    assert smooth["hf_ms2"] == pytest.approx(free["hf_ms2"], rel=0.01)
