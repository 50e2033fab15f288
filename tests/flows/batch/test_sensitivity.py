"""Means under each choice, beside those of the main analysis: known answers."""

from typing import Any

import pytest

from flows.batch.sensitivity import MAIN, WHOLE, Mean, sensitivity
from pipeline.exclusions import ALL, Rules
from pipeline.parameters import Correction
from pipeline.parameters_file import Analysing, Level
from tests.flows.batch.study import phases, recordings, varied

STUDY = Analysing(sensitivity=(Level("correction", Correction.NONE), Level("max_artefact_pct", 5.0)))
OTHERS = varied("correction", "none", 5.0)


def _found(analysing: Analysing = STUDY, rows: Any = None) -> dict[tuple[str, ...], Mean]:
    means = sensitivity(analysing, recordings() if rows is None else rows, phases(), OTHERS)
    return {
        (each.choice, each.level, each.group, each.phase): each
        for each in means
        if each.feature == "rmssd_ms"
    }


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ((MAIN, "", ALL, "Rest"), (4, 43.0, 0.0)),
        ((MAIN, "", "control", "Task"), (2, 31.0, 0.0)),
        ((MAIN, "", "patient", WHOLE), (2, 45.0, 0.0)),
        (("correction", "none", "patient", "Rest"), (2, 50.0, 5.0)),
        (("correction", "none", ALL, WHOLE), (4, 48.0, 5.0)),
        (("max_artefact_pct", "5.0", ALL, "Rest"), (2, 41.0, -2.0)),  # c and d have 8 and 12 %
    ],
    ids=str,
)
def test_known_answers(key: tuple[str, ...], expected: tuple[float, ...]) -> None:
    found = _found()[key]
    assert (found.n_values, found.mean, found.difference) == pytest.approx(expected)


def test_the_spread_has_one_degree_less() -> None:
    assert _found()[MAIN, "", "control", "Rest"].sd == pytest.approx(2**0.5)
    one = [row | {"group": row["recording_id"]} for row in recordings()]
    assert _found(rows=one)[MAIN, "", "a", WHOLE].sd is None


def test_a_person_with_two_recordings_counts_once() -> None:
    rows = [row | {"participant_id": "p"} for row in recordings()]
    found = _found(rows=rows)[MAIN, "", ALL, WHOLE]
    assert (found.n_values, found.n_participants) == (4, 1)


def test_people_are_not_counted_where_one_is_not_known() -> None:
    rows = recordings()
    rows[0]["participant_id"] = None
    found = _found(rows=rows)
    assert found[MAIN, "", ALL, WHOLE].n_participants is None
    assert found[MAIN, "", "patient", WHOLE].n_participants == 2


def test_a_group_that_a_rule_empties_has_no_row() -> None:
    assert ("max_artefact_pct", "5.0", "patient", "Rest") not in _found()


def test_who_is_excluded_stays_so_when_a_setting_varies() -> None:
    strict = Analysing(rules=Rules(max_artefact_pct=5.0), sensitivity=STUDY.sensitivity)
    found = _found(strict)["correction", "none", ALL, "Rest"]
    assert (found.n_values, found.mean, found.difference) == pytest.approx((2, 46.0, 5.0))


def test_what_the_main_analysis_excludes_has_no_difference() -> None:
    strict = Analysing(rules=Rules(max_artefact_pct=5.0), sensitivity=(Level("max_artefact_pct", 50.0),))
    found = _found(strict)["max_artefact_pct", "50.0", "patient", "Rest"]
    assert (found.n_values, found.difference) == (2, None)


def test_no_level_without_its_values() -> None:
    assert {each.choice for each in sensitivity(STUDY, recordings(), phases())} == {MAIN, "max_artefact_pct"}


def test_the_order_of_rows_changes_no_bit() -> None:
    other = varied("correction", "none", 0.1)
    forth = list(sensitivity(STUDY, recordings(), phases(), other))
    assert forth == list(sensitivity(STUDY, recordings()[::-1], phases()[::-1], other[::-1]))


def test_pulses_and_hearts_stay_apart() -> None:
    rows = recordings()
    rows[0]["beat_source"] = "pp"
    whole = [
        each
        for each in sensitivity(Analysing(), rows)
        if each.group == ALL and each.feature == "rmssd_ms" and each.phase == WHOLE
    ]
    assert {each.beats: each.n_values for each in whole} == {"heart": 3, "pulse": 1}


def test_nothing_analysed_is_an_empty_table() -> None:
    assert list(sensitivity(STUDY, recordings()[-1:])) == []


def test_of_a_recording_that_loses_one_signal_the_other_counts() -> None:
    rows = [row | {"eda_coverage": 1.0, "scl_us": 3.0} for row in recordings()]
    strict = Analysing(rules=Rules(max_artefact_pct=5.0))
    found = {
        each.feature: each.n_values
        for each in sensitivity(strict, rows)
        if (each.group, each.phase) == (ALL, WHOLE)
    }
    assert (found["scl_us"], found["rmssd_ms"]) == (4, 2)
