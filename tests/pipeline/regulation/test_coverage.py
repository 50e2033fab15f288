"""How often intervals hold the truth, and how often there is none, on the simulated client and on people.

The truth is the mean over many sessions of the same phase, other seeds than those here: see `truths`. Every
session has drifts as long as its phases, rhythms that wax and wane, and reactions that pass.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from devices.exports.formats import read_recording
from devices.virtual.traits import Traits
from pipeline.analysis import analyse
from pipeline.model import Phase, PhaseKind, Recording
from pipeline.regulation.curves import BIN_S
from pipeline.regulation.estimates import MEASURES
from pipeline.regulation.session import REACTING, Regulation
from tests.pipeline.regulation.lives import PHASES, regulation
from tests.pipeline.regulation.truths import TRUTHS
from tests.studies import stress_predict

SESSIONS = 600
FEWEST = 12
WANTED = (0.92, 0.97)
BASELINE, CHALLENGE, RECOVERY = PHASES[1:4]

Held = dict[str, list[bool]]


@pytest.fixture(scope="module")
def sessions(share: float) -> list[Regulation]:
    return [regulation(seed) for seed in range(max(FEWEST, round(SESSIONS * share)))]


def _room(count: int, sessions: int) -> float:
    """What chance may add to a share of so many intervals: three standard errors, none in a full run."""
    return 0.0 if sessions >= SESSIONS else 3 * math.sqrt(0.95 * 0.05 / count)


def _shares(held: Held) -> str:
    return " ".join(f"{100 * np.mean(each):6.1f}" if each else "     -" for each in held.values())


def test_intervals_of_phases_hold_the_truth(
    sessions: list[Regulation], capsys: pytest.CaptureFixture[str]
) -> None:
    table: dict[str, Held] = {phase.name: {name: [] for name in MEASURES} for phase in PHASES[1:]}
    for each in (each for found in sessions for each in found.estimates if each.phase in table):
        if each.low is not None and each.high is not None:
            truth = TRUTHS[each.phase, each.measure]
            table[each.phase][each.measure].append(each.low <= truth <= each.high)
    pooled: Held = {name: [held for phase in table.values() for held in phase[name]] for name in MEASURES}
    with capsys.disabled():
        print(f"\n95 % intervals that hold the truth, in %, of {len(sessions)} simulated sessions")
        print(f"{'':10}", " ".join(f"{name[:6]:>6}" for name in MEASURES))
        for name, held in {**table, "all": pooled}.items():
            print(f"{name:10}", _shares(held))
    for name, held in pooled.items():
        room = _room(len(held), len(sessions))
        assert WANTED[0] - room <= np.mean(held) <= WANTED[1] + room, name


def test_intervals_of_reactions_and_of_what_is_left_hold_the_truth(
    sessions: list[Regulation], capsys: pytest.CaptureFixture[str]
) -> None:
    change: Held = {name: [] for name in REACTING}
    early: Held = {name: [] for name in REACTING}
    late: Held = {name: [] for name in REACTING}
    for found in sessions:
        for each in found.reactivity:
            if each.low is not None and each.high is not None:
                truth = TRUTHS["change", each.measure]
                change[each.measure].append(each.low <= truth <= each.high)
        for left in found.recovery:
            if left.low is not None and left.high is not None:
                late[left.measure].append(left.low <= TRUTHS["late", left.measure] <= left.high)
            if left.early is not None and left.early.low is not None and left.early.high is not None:
                early[left.measure].append(left.early.low <= TRUTHS["early", left.measure] <= left.early.high)
    with capsys.disabled():
        print(f"\n95 % intervals that hold the truth, in %, of {len(sessions)} simulated sessions")
        print(f"{'':17}", " ".join(f"{name[:6]:>6}" for name in REACTING))
        for name, held in (("reaction", change), ("left, minutes 1-2", early), ("left, last two", late)):
            print(f"{name:17}", _shares(held))
            told = [len(each) / len(sessions) for each in held.values()]
            print(f"{'  not estimable':17}", " ".join(f"{100 * (1 - each):6.1f}" for each in told))
    for held in (change, early, late):
        for name, each in held.items():
            assert np.mean(each) >= 0.90 - _room(len(each), len(sessions)), name


def test_intervals_of_half_times_hold_the_truth(
    sessions: list[Regulation], capsys: pytest.CaptureFixture[str]
) -> None:
    traits = Traits()
    truths = {
        "mean_hr_bpm": traits.heart_recovery_s * math.log(2),
        "scl_us": traits.skin_recovery_s * math.log(2),
    }
    held: Held = {name: [] for name in BIN_S}
    for each in (each for found in sessions for each in found.curves):
        if each.low is not None and each.high is not None:
            held[each.measure].append(each.low <= truths[each.measure] <= each.high)
    with capsys.disabled():
        print(
            f"\nhalf-times of {len(sessions)} simulated sessions: held by the interval, not estimable, in %"
        )
        for name, each_held in held.items():
            told = len(each_held) / len(sessions)
            print(f"{name:12} {100 * np.mean(each_held):6.1f} {100 * (1 - told):6.1f}")
    for name, each_held in held.items():
        assert len(each_held) >= 0.5 * len(sessions), name
        assert np.mean(each_held) >= 0.90 - _room(len(each_held), len(sessions)), name


def _phased(recording: Recording, tasks: list[tuple[float, float]]) -> tuple[Phase, ...]:
    """A minute to settle, the rest before the first task, each task, and the rest after each."""
    phases = [
        Phase("Settle", PhaseKind.SETTLE, 0.0, 60.0),
        Phase("Baseline", PhaseKind.BASELINE, 60.0, tasks[0][0]),
    ]
    ends = [start for start, _ in tasks[1:]] + [recording.duration_s]
    for (start_s, end_s), until_s in zip(tasks, ends, strict=True):
        phases.append(Phase("Task", PhaseKind.STRESSOR, start_s, end_s))
        phases.append(Phase("Rest", PhaseKind.RECOVERY, end_s, until_s))
    return tuple(phases)


def _people(folder: Path, count: int) -> Iterator[Regulation]:
    labels = stress_predict._labels(folder)
    for path in sorted(path for path in folder.iterdir() if path.is_dir())[:count]:
        _, recording = read_recording(path)
        tasks = stress_predict._tasks(labels[stress_predict._number(path.name)], recording)
        phased = Recording(**{**vars(recording), "phases": _phased(recording, list(tasks))})
        analysis = analyse(phased)
        yield Regulation(
            analysis.estimates,
            analysis.reactivity,
            analysis.recovery,
            analysis.curves,
            analysis.near_baseline,
            analysis.beside,
        )


def test_how_often_people_at_a_wristband_cannot_be_estimated(
    recordings: Path, share: float, capsys: pytest.CaptureFixture[str]
) -> None:
    told: Held = defaultdict(list)
    for person in _people(recordings / "stress_predict_e4", max(1, round(8 * share))):
        for each in person.estimates:
            told[f"phase {each.measure}"].append(each.low is None)
        for reaction in person.reactivity:
            told[f"reaction {reaction.measure}"].append(reaction.low is None)
        for left in person.recovery:
            told[f"left late {left.measure}"].append(left.low is None)
            told[f"left early {left.measure}"].append(left.early is None or left.early.low is None)
        for curve in person.curves:
            told[f"half-time {curve.measure}"].append(curve.low is None)
    with capsys.disabled():
        print("\nnot estimable in the labelled wristband recordings, in %")
        for name, missing in told.items():
            print(f"{name:26} {100 * np.mean(missing):5.0f} of {len(missing)}")
    assert not all(told["phase ln_scl"])
    assert not all(told["reaction ln_scl"])
