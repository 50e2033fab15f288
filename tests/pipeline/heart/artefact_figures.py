"""How well artefacts are found: the figures that the tests ask for, printed.

    python -m tests.pipeline.heart.artefact_figures [FOLDER OF REAL RECORDINGS]

A fault counts as found if every interval it made is out of NN, as named if each has its kind. An interval
that no fault made and that is not NORMAL is a false alarm, also right beside a fault.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from devices.virtual.traits import Traits
from pipeline.heart.artefacts import classify
from pipeline.heart.beats import BeatKind, Beats
from pipeline.heart.causal_artefacts import DELAY_BEATS, CausalBeats
from pipeline.model import Bools, Floats
from tests.pipeline.heart.rhythms import FAULTS, Lived, breathing, lived, real_beats, rhythm

Rule = Callable[[Floats, Floats], Beats]

CLEAN = Traits(ectopic_per_min=0.0)
ONE_EACH = Traits(ectopic_per_min=1.0, missed_per_min=1.0, extra_per_min=1.0)
STEADY = replace(
    ONE_EACH, heart_rate_bpm=95.0, rsa_ms=8.0, baroreflex_ms=6.0, drift_ms=6.0, beat_jitter_ms=3.0
)
PEOPLE: Mapping[str, Traits] = {
    "one of each a minute": ONE_EACH,
    "four of each a minute": replace(CLEAN, ectopic_per_min=4.0, missed_per_min=4.0, extra_per_min=4.0),
    "few": replace(CLEAN, ectopic_per_min=0.5, missed_per_min=0.5, extra_per_min=0.5),
    "strong arrhythmia of breathing": replace(ONE_EACH, rsa_ms=70.0),
    "fast and steady": STEADY,
    "slow": replace(ONE_EACH, heart_rate_bpm=50.0, rsa_ms=60.0),
}
CLEAN_RHYTHMS: Mapping[str, Callable[[int], Floats]] = {
    "at rest": lambda seed: rhythm(1000, seed),
    "fast, little variability": lambda seed: rhythm(1000, seed, 500.0, 0.2),
    "fast, next to none": lambda seed: rhythm(1000, seed, 450.0, 0.08),
    "mean 1000, RSA 80": lambda seed: breathing(1000, seed, 1000.0, 80.0, 15.0, 8.0),
    "mean 1000, RSA 80, 18/min": lambda seed: breathing(1000, seed, 1000.0, 80.0, 18.0, 8.0),
    "four beats a breath": lambda seed: breathing(1000, seed, 1000.0, 40.0, 15.0, 2.0),
    "paced at 6/min, RSA 120": lambda seed: breathing(1000, seed, 900.0, 120.0, 6.0, 8.0),
    "paced at 6/min, RSA 200": lambda seed: breathing(1000, seed, 1000.0, 200.0, 6.0, 10.0),
    "nothing but noise of 1 %": lambda seed: 800 + 8 * np.random.default_rng(seed).normal(size=1000),
}


@dataclass(slots=True)
class Score:
    """Faults of one kind: how many there were, were found, and were named."""

    there: int = 0
    found: int = 0
    named: int = 0

    @property
    def sensitivity(self) -> float:
        return self.found / self.there


def scores(lives: Iterable[Lived], rule: Rule = classify) -> tuple[dict[BeatKind, Score], float]:
    """Each kind's score, and the share of false alarms among the intervals that no fault made."""
    of_kind = {kind: Score() for kind in FAULTS}
    alarms: list[Bools] = []
    for life in lives:
        beats = rule(life.time_s, life.interval_ms)
        alarms.append(~beats.nn[~life.faulty])
        for kind, rows in life.faults:
            score, labels = of_kind[kind], beats.kind[list(rows)]
            score.there += 1
            score.found += bool(np.all(labels != BeatKind.NORMAL))
            score.named += bool(np.all(labels == kind))
    return of_kind, float(np.mean(np.concatenate(alarms)))


def causal(time_s: Floats, interval_ms: Floats) -> Beats:
    """Final labels of the causal form, and the provisional ones it ends with."""
    form, kinds = CausalBeats(), []
    for beat in zip(time_s.tolist(), interval_ms.tolist(), strict=True):
        form.feed(*beat)
        kinds += form.final.kind[-1:].tolist()
    kinds += form.beats.kind[-DELAY_BEATS:].tolist()
    return Beats(time_s, interval_ms, np.array(kinds, dtype=np.int8))


def irregular(interval_ms: Floats) -> Bools:
    """The beats that NeuroKit2's iterations moved, removed, or put another before; one per interval."""
    import neurokit2

    peaks = np.round(np.concatenate([[0], np.cumsum(interval_ms)])).astype(int)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _, clean = neurokit2.signal_fixpeaks(peaks, sampling_rate=1000, iterative=True, method="Kubios")
    moved = ~np.isin(peaks, clean)
    inside = np.searchsorted(clean, peaks[1:]) - np.searchsorted(clean, peaks[:-1], side="right")
    return np.asarray(moved[1:] | ((inside > 0) & ~moved[1:] & ~moved[:-1]))


def agreement(theirs: Bools, ours: Bools, within: int) -> float:
    """Share of beats on which both agree; an irregular one may be `within` beats of the other's."""

    def near(beats: Bools) -> Bools:
        return np.convolve(beats, np.ones(2 * within + 1), "same") > 0.5

    return float(1 - np.mean((ours & ~near(theirs)) | (theirs & ~near(ours))))


def of_intervals(interval_ms: Floats, rule: Rule = classify) -> Beats:
    """The labels of intervals that follow each other without a gap."""
    return rule(np.cumsum(interval_ms) / 1000, interval_ms)


def _print_people(rule: Rule, seeds: int) -> None:
    for name, traits in PEOPLE.items():
        for stress in (False, True):
            of_kind, alarms = scores([lived(seed, traits, stress) for seed in range(seeds)], rule)
            found = "  ".join(
                f"{kind.name.lower()} {score.found}/{score.there} ({score.named} named)"
                for kind, score in of_kind.items()
            )
            print(f"  {name}, {'stress' if stress else 'rest'}: {found}  false alarms {100 * alarms:.2f} %")
    for name, states in {"rest": (False, None), "stress": (True, None), "paced": (False, 6.0)}.items():
        _, alarms = scores([lived(seed, CLEAN, *states) for seed in range(seeds)], rule)
        print(f"  without faults, {name}: false alarms {100 * alarms:.2f} %")
    for name, made in CLEAN_RHYTHMS.items():
        corrected_pct = [of_intervals(made(seed), rule).corrected_pct for seed in range(seeds)]
        print(f"  {name}: false alarms {np.mean(corrected_pct):.2f} %")


def _print_real(folder: Path) -> None:
    for name, series in real_beats(folder).items():
        batch = np.concatenate([~of_intervals(each).nn for each in series])
        live = np.concatenate([~of_intervals(each, causal).nn for each in series])
        theirs = np.concatenate([irregular(each) for each in series])
        print(
            f"  {name}: {len(batch)} beats, not NN {100 * np.mean(batch):.2f} %,"
            f" NeuroKit2 {100 * np.mean(theirs):.2f} %,"
            f" agreement {100 * agreement(theirs, batch, 0):.2f} %,"
            f" within one beat {100 * agreement(theirs, batch, 1):.2f} %,"
            f" causal differs {100 * np.mean(live != batch):.2f} %"
        )


def main() -> None:
    """Print all of it."""
    for name, rule in (("batch", classify), ("causal", causal)):
        print(name)
        _print_people(rule, 4)
    if len(sys.argv) > 1:
        print("real recordings")
        _print_real(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
