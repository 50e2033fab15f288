"""Clients in whom nothing changed, and some in whom something did: how many see a verdict, in 20 sessions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from scipy.stats import binom

from pipeline.progress.progress import Settings, progress
from pipeline.progress.session_records import SessionValues
from pipeline.progress.verdicts import LEVEL, Verdict
from tests.pipeline.progress.clients import LEVELS, Condition, changed, course, person, scatter, unchanged
from tests.pipeline.progress.raw import lived

CLIENTS = 1000  # of each condition
LEAST_CLIENTS = 125
LOOKED_AT = 3  # of each condition, after each of their sessions
WORST = 0.1  # of a single condition, see docs/progress.md
POWER, POWERED, TYPICAL_R = 0.8, 4000, 0.15
RAW_CLIENTS = 50
ONE, TWO = Settings(), Settings(primary=("ln_rmssd", "mean_hr_bpm"))


def ever(sessions: Sequence[SessionValues], settings: Settings = ONE) -> bool:
    """Whether any report on these sessions names a change; all looks there were are told in the last one."""
    measures = progress(sessions, settings).measures
    return any(look.verdict.reliable for measure in measures for look in measure.looks)


def ever_after_each(sessions: Sequence[SessionValues], settings: Settings = ONE) -> bool:
    """The same by a look at the report after each session."""
    counts = range(1, len(sessions) + 1)
    reports = (progress(sessions[:count], settings) for count in counts)
    return any(measure.verdict.reliable for report in reports for measure in report.measures)


def most(part: float, count: int, *, whole: bool) -> int:
    """The most of so many that may see a verdict; where it is not the whole count, chance has room."""
    return int(part * count if whole else binom.ppf(0.999, count, part))


@pytest.mark.prove
@pytest.mark.timeout(3600)
def test_without_change_few_ever_see_a_verdict(share: float) -> None:
    count, seen = max(LEAST_CLIENTS, round(CLIENTS * share)), {}
    for number, condition in enumerate(Condition):
        made = [unchanged(condition, 10_000 * number + seed) for seed in range(count)]
        found = [ever(each) for each in made]
        assert [ever_after_each(each) for each in made[:LOOKED_AT]] == found[:LOOKED_AT]
        seen[condition] = sum(found)
        print(f"without change, {condition}: {100 * sum(found) / count:.1f} % of {count} ever see a verdict")
    every = count * len(Condition)
    print(f"without change, all: {100 * sum(seen.values()) / every:.1f} % of {every} ever see a verdict")
    assert sum(seen.values()) <= most(LEVEL, every, whole=share >= 1)
    assert max(seen.values()) <= most(WORST, count, whole=share >= 1)


@pytest.mark.timeout(3600)
def test_two_primary_measures_are_no_more_likely_to(share: float) -> None:
    """Rhythm and rate of one heart, which move against each other."""
    count, seen = max(LEAST_CLIENTS, round(CLIENTS * share)), 0
    for number in range(count):
        rng = np.random.default_rng(200_000 + number)
        who = person(Condition.HEAVY_TAILS, rng)
        away, own = scatter(who, rng), scatter(who, rng)
        rate = LEVELS["mean_hr_bpm"] * np.exp(0.5 * (0.8 * own - 0.6 * away))
        seen += ever(course({"ln_rmssd": LEVELS["ln_rmssd"] + away, "mean_hr_bpm": rate.tolist()}, who), TWO)
    print(f"without change, two primary measures: {100 * seen / count:.1f} % of {count} ever see a verdict")
    assert seen <= most(LEVEL, count, whole=share >= 1)


@pytest.mark.parametrize("r", [0.0, 0.15, 0.3])
def test_a_change_by_half_is_found_at_the_first_look(r: float, share: float) -> None:
    """Five sessions against five, with the literature's error; a typical r is 0.15."""
    judged = r <= TYPICAL_R  # what is beyond it is only told
    count = max(4 * LEAST_CLIENTS if judged else 1, round(POWERED * share))
    found = [
        progress(changed(300_000 + number, 1.5, r)).of("ln_rmssd").verdict is Verdict.HIGHER
        for number in range(count)
    ]
    power = float(np.mean(found))
    print(
        f"a ratio of 1.5, days correlated by {r:g}: found at the first look in {100 * power:.1f} % of {count}"
    )
    if judged:
        assert power >= (POWER if share >= 1 else binom.ppf(0.001, count, POWER) / count)


@pytest.mark.prove
@pytest.mark.timeout(3600)
def test_raw_signals_through_the_whole_pipeline(share: float) -> None:
    """Hearts and skins that are lived, recorded and analysed, each day a little different, without change."""
    count, seen = max(1, int(RAW_CLIENTS * share)), 0
    for seed in range(count):
        made = lived(seed)
        measures = progress(made).measures
        assert all(each.reference is not None and each.latest is not None for each in measures)
        seen += ever(made)
    print(f"without change, from raw signals: {seen} of {count} clients ever see a verdict")
    assert seen <= most(LEVEL, count, whole=False)
