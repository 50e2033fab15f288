"""Signals whose breathing is known: simulated chests and hearts, and laboratory recordings."""

import csv
import gzip
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from scipy import signal

from devices.virtual.client import SimulatedClient
from pipeline.heart.artefacts import classify
from pipeline.heart.beats import Beats
from pipeline.model import Floats, Stream

TICKS_PER_MS = 1.024  # a strap counts 1/1024 s


def rr_of(beat_s: Floats) -> Beats:
    return classify(beat_s[1:], np.diff(beat_s) * 1000)


def waves_in_rr(length_s: float, *waves: tuple[float, float], mean_ms: float = 900.0, seed: int = 0) -> Beats:
    """Beats whose interval is a mean, waves of (Hz, ms) and 4 ms of jitter."""
    jitter_ms = iter(np.random.default_rng(seed).normal(0, 4, int(length_s * 3)))
    beat_s = [0.0]
    while beat_s[-1] < length_s:
        wave_ms = sum(size_ms * np.sin(2 * np.pi * hz * beat_s[-1]) for hz, size_ms in waves)
        beat_s.append(beat_s[-1] + (mean_ms + wave_ms + next(jitter_ms)) / 1000)
    return rr_of(np.array(beat_s))


def strap_beats(client: SimulatedClient, end_s: float) -> Beats:
    beats = np.array(client.beats(0, end_s))
    return classify(beats[:, 0], np.round(beats[:, 1] * TICKS_PER_MS) / TICKS_PER_MS)


def acceleration(time_s: Floats, values_mg: Floats, rate_hz: float | None) -> Stream:
    columns = {f"acc_{axis}_mg": values_mg[:, index] for index, axis in enumerate("xyz")}
    return Stream("acc", time_s, columns, rate_hz)


def chest(
    client: SimulatedClient, end_s: float, rate_hz: float, tilt_mg: float, shift_s: tuple[float, ...] = ()
) -> Stream:
    """A sensor on a breathing chest, in any orientation.

    It tilts with the lungs, rings with each heartbeat, wanders with posture, has noise of 8 mg a sample, and
    at each `shift_s` the wearer moves for two seconds and sits differently afterwards.
    """
    rng = np.random.default_rng(7)
    lungs = client.breath(0, end_s, rate_hz)
    time_s = np.arange(len(lungs)) / rate_hz
    gravity, towards, ring = (axis / np.linalg.norm(axis) for axis in rng.normal(size=(3, 3)))
    towards -= gravity * (gravity @ towards)
    towards /= np.linalg.norm(towards)
    wander_mg = np.cumsum(rng.normal(0, 1, (int(end_s) + 2, 3)), axis=0)
    values = 1000 * gravity + tilt_mg * lungs[:, None] * towards + rng.normal(0, 8, (len(time_s), 3))
    values += np.column_stack([np.interp(time_s, np.arange(len(wander_mg)), axis) for axis in wander_mg.T])
    since_s = np.arange(round(0.5 * rate_hz)) / rate_hz
    beat_s = np.array([at_s for at_s, _ in client.beats(0, end_s)])
    pulses = np.bincount((beat_s * rate_hz).astype(int), minlength=len(time_s))[: len(time_s)]
    ballistic = np.convolve(pulses, 25 * np.exp(-since_s / 0.1) * np.sin(2 * np.pi * 6 * since_s))
    values += ballistic[: len(time_s), None] * ring
    for at_s in shift_s:
        values += np.where(time_s > at_s, 1.0, 0.0)[:, None] * rng.normal(0, 80, 3)
        values += np.where(np.abs(time_s - at_s) < 1, 1.0, 0.0)[:, None] * rng.normal(0, 150, values.shape)
    return acceleration(time_s, values, rate_hz)


def belt(client: SimulatedClient, end_s: float, rate_hz: float = 25.0, gain: float = 1.0) -> Stream:
    lungs = client.breath(0, end_s, rate_hz)
    return Stream("respiration", np.arange(len(lungs)) / rate_hz, {"respiration_au": gain * lungs}, rate_hz)


@dataclass(frozen=True)
class Laboratory:
    """A recording with a belt; `onset_s` are the breaths seen in it."""

    length_s: float
    beats: Beats
    belt: Stream
    onset_s: Floats

    def rate_bpm(self, start_s: float, end_s: float) -> float:
        """Breaths per minute, parts counted; NaN beyond the first and last breath."""
        number = np.arange(len(self.onset_s))
        begin, end = np.interp((start_s, end_s), self.onset_s, number, left=np.nan, right=np.nan)
        return float(end - begin) * 60 / (end_s - start_s)


@lru_cache(maxsize=4)
def laboratory(recordings: Path, name: str) -> Laboratory:
    if name == "ds210":
        path = recordings / "bids_physio_ds210/sub-01/func/sub-01_task-rest_run-01_physio.tsv.gz"
        with gzip.open(path) as file:
            pulse, breath = np.loadtxt(file).T
        return _laboratory(_pulses(pulse, 50.0), breath, 50.0)
    with (recordings / "neurokit_bio" / f"{name}_100hz.csv").open() as table:
        rows = list(csv.DictReader(table))
    ecg, breath = (np.array([float(row[column]) for row in rows]) for column in ("ECG", "RSP"))
    return _laboratory(_r_peaks(ecg, 100.0), breath, 100.0)


def _laboratory(beat_s: Floats, breath: Floats, rate_hz: float) -> Laboratory:
    smooth = _band(breath, 0.05, 1.0, rate_hz)
    tops, _ = signal.find_peaks(smooth, prominence=0.3 * np.std(smooth), distance=int(1.2 * rate_hz))
    time_s = np.arange(len(breath)) / rate_hz
    stream = Stream("respiration", time_s, {"respiration_au": breath}, rate_hz)
    return Laboratory(len(breath) / rate_hz, rr_of(beat_s), stream, tops / rate_hz)


def _band(values: Floats, low_hz: float, high_hz: float, rate_hz: float) -> Floats:
    sections = signal.butter(2, [low_hz, high_hz], "band", fs=rate_hz, output="sos")
    return np.asarray(signal.sosfiltfilt(sections, values))


def _pulses(pulse: Floats, rate_hz: float) -> Floats:
    smooth = _band(pulse, 0.5, 5.0, rate_hz)
    return _tops_s(smooth, 0.5 * float(np.std(smooth)), rate_hz)


def _r_peaks(ecg: Floats, rate_hz: float) -> Floats:
    smooth = np.abs(_band(ecg, 5.0, 25.0, rate_hz))
    return _tops_s(smooth, 0.4 * float(np.percentile(smooth, 99)), rate_hz)


def _tops_s(values: Floats, prominence: float, rate_hz: float) -> Floats:
    """Peaks to a part of a sample, by a parabola."""
    at, _ = signal.find_peaks(values, prominence=prominence, distance=int(0.45 * rate_hz))
    before, top, after = values[at - 1], values[at], values[at + 1]
    return np.asarray((at + 0.5 * (before - after) / (before - 2 * top + after)) / rate_hz)
