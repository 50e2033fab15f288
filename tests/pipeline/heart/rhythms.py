"""Made-up rhythms and real ones, for tests of beats and their artefacts."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from devices.virtual.client import SimulatedClient
from devices.virtual.heart import BeatFault
from devices.virtual.traits import Traits
from pipeline.heart.beats import BeatKind
from pipeline.model import Bools, Floats, Pacer, PhaseKind

FAULTS = (BeatKind.ECTOPIC, BeatKind.MISSED, BeatKind.EXTRA)
_FAULT_KINDS = dict(zip((BeatFault.ECTOPIC, BeatFault.MISSED, BeatFault.EXTRA), FAULTS, strict=True))
_ROWS = {BeatKind.ECTOPIC: 2, BeatKind.MISSED: 1, BeatKind.EXTRA: 2}  # intervals that one of them makes


def rhythm(n: int = 2000, seed: int = 0, mean_ms: float = 850.0, share: float = 1.0) -> Floats:
    """Intervals with slow drift, breathing at 15/min and noise, as at rest; `share` of that variability."""
    rng = np.random.default_rng(seed)
    slow = np.cumsum(rng.normal(size=n))
    slow -= np.convolve(slow, np.ones(201) / 201, "same")
    breath = np.sin(2 * np.pi * 0.25 * mean_ms / 1000 * np.arange(n) + np.cumsum(rng.normal(0, 0.05, n)))
    return np.asarray(mean_ms + share * (30 * slow / slow.std() + 30 * breath + rng.normal(0, 8, n)))


def breathing(n: int, seed: int, mean_ms: float, rsa_ms: float, per_min: float, noise_ms: float) -> Floats:
    """Intervals that swing by `rsa_ms` to either side with each breath, beat by beat."""
    rng = np.random.default_rng(seed)
    interval_ms, phase = np.empty(n), 0.0
    for beat in range(n):
        interval_ms[beat] = mean_ms + rsa_ms * np.sin(phase) + rng.normal(0, noise_ms)
        phase += 2 * np.pi * per_min / 60_000 * interval_ms[beat] * (1 + rng.normal(0, 0.03))
    return interval_ms


def spoilt(kind: BeatKind, seed: int) -> tuple[Floats, Bools]:
    """Beat times of a rhythm with an artefact about every 40 beats, and the intervals that suffered."""
    rng = np.random.default_rng(seed)
    beats_ms = np.concatenate([[0.0], np.cumsum(rhythm(seed=seed))])
    spots = np.arange(30, 1970, 40)
    spots += rng.integers(-10, 10, len(spots))
    share = rng.uniform(0.2, 0.4, len(spots))
    if kind is BeatKind.MISSED:
        kept = np.delete(beats_ms, spots)
        wrong = np.searchsorted(kept, beats_ms[spots]) - 1
    elif kind is BeatKind.EXTRA:
        added = beats_ms[spots] + 2 * share * np.diff(beats_ms)[spots]
        kept = np.sort(np.concatenate([beats_ms, added]))
        wrong = np.searchsorted(kept, added)
        wrong = np.concatenate([wrong - 1, wrong])
    else:
        kept = beats_ms.copy()
        kept[spots] -= share * np.diff(beats_ms)[spots - 1]
        wrong = np.concatenate([spots - 1, spots])
    suffered = np.zeros(len(kept) - 1, dtype=bool)
    suffered[wrong] = True
    return kept / 1000, suffered


@dataclass(frozen=True, slots=True, eq=False)
class Lived:
    """What a simulated client's strap reported, and the rows of intervals that each fault made."""

    time_s: Floats
    interval_ms: Floats
    faults: tuple[tuple[BeatKind, tuple[int, ...]], ...]
    faulty: Bools


def lived(seed: int, traits: Traits, stress: bool, pace_bpm: float | None = None) -> Lived:
    """Ten minutes of a client; from the first on in stress, or breathing at a pace all along.

    A fault whose second interval comes after the end is in none of `faults`, but its row is `faulty`.
    """
    client = SimulatedClient(seed, traits)
    if stress:
        client.hear(60, PhaseKind.STRESSOR)
    if pace_bpm:
        client.hear(0, PhaseKind.PACED, Pacer(pace_bpm))
    time_s, interval_ms = np.array(client.beats(0, 600)).T
    labels = client.truth(0, 600).beat_fault
    made = [
        (kind, tuple(range(row, row + _ROWS[kind])))
        for row, label in enumerate(labels)
        if (kind := _FAULT_KINDS.get(label)) is not None
    ]
    faulty = np.zeros(len(labels) + 1, dtype=bool)
    for _, rows in made:
        faulty[list(rows)] = True
    whole = tuple((kind, rows) for kind, rows in made if rows[-1] < len(labels))
    return Lived(time_s, interval_ms, whole, faulty[:-1])


def real_beats(folder: Path) -> dict[str, list[Floats]]:
    """Beat intervals in ms of every real recording that holds some: one source may have several."""
    wearable = folder / "wearablehrv_individual"
    return {
        "kubios sample": [np.loadtxt(folder / "kubios_report/SampleExport.txt")],
        "driving": [np.loadtxt(folder / "elitehrv_txt/2017-06-29 13-11-53.txt")],
        "rest": [np.loadtxt(folder / "rri_txt_polar_hrm/rest_rri.txt")],
        "exercise": [_hrm(folder / "rri_txt_polar_hrm/exercise_rri.hrm")],
        "vu-ams": [np.loadtxt(wearable / "test_vu.txt", skiprows=3, usecols=2, delimiter="\t")],
        **{
            name: [np.loadtxt(wearable / f"test_{name}.csv", skiprows=2, usecols=1, delimiter=",")]
            for name in ("heartmath", "kyto", "rhythm")
        },
        "welltory": [np.loadtxt(file) for file in sorted(folder.glob("welltory_ppg_polar_h10/*/RR.txt"))],
        "mitdb 100": [annotated(folder / "wfdb_mitdb100/100.atr", 360.0)[0]],
        "every third early": [_logged(folder / "polar_h10_ecglogger/polar_h10.csv")],
    }


def _hrm(file: Path) -> Floats:
    return np.array(file.read_text().split("[HRData]")[1].split(), dtype=np.float64)


def _logged(file: Path) -> Floats:
    with file.open(newline="") as rows:
        return np.array([float(row["rr"]) for row in csv.DictReader(rows) if row["rr"]])


def annotated(file: Path, rate_hz: float) -> tuple[Floats, Bools]:
    """Intervals between a WFDB file's beats, and which end in a beat that is not called normal there.

    The file is words of a 6-bit code and the 10 bits of samples since the one before.
    """
    words = iter(np.frombuffer(file.read_bytes(), "<u2").tolist())
    sample, at, codes = 0, [], []
    for word in words:
        code, since = word >> 10, word & 1023
        if code == 63:  # a text of so many bytes
            for _ in range((since + 1) // 2):
                next(words)
        elif code == 59:  # a long skip
            sample += (next(words) << 16) + next(words)
        elif code < 59:
            sample += since
            if 1 <= code <= 13:
                at.append(sample)
                codes.append(code)
    return np.diff(at) * 1000 / rate_hz, np.array(codes[1:]) != 1
