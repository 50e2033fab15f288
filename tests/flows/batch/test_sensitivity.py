"""Means under each choice, beside those of the main analysis: known answers."""

import pytest

from flows.batch.sensitivity import COLUMNS, MAIN, WHOLE, sensitivity, withheld
from pipeline.exclusions import ALL, Rules, exclusions
from pipeline.parameters import Correction
from pipeline.parameters_file import Analysing, Level
from tests.flows.batch.study import phases, recordings, varied

STUDY = Analysing(sensitivity=(Level("correction", Correction.NONE), Level("max_artefact_pct", 5.0)))


def _found(analysing: Analysing = STUDY, **more: object) -> dict[tuple[str, ...], tuple[float, ...]]:
    table = sensitivity(analysing, recordings(), phases(), varied("correction", "none", 5.0))
    assert list(table.columns) == list(COLUMNS)
    rows = table[table["feature"] == "rmssd_ms"].to_dict("records")
    return {
        (row["choice"], row["level"], row["group"], row["phase"]): (row["n"], row["mean"], row["difference"])
        for row in rows
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
    assert _found()[key] == pytest.approx(expected)


def test_the_spread_has_one_degree_less() -> None:
    table = sensitivity(Analysing(), recordings(), phases())
    rest = table[(table["group"] == "control") & (table["phase"] == "Rest")]
    assert rest["sd"].tolist() == pytest.approx([2**0.5])


def test_a_group_that_a_rule_empties_has_no_row() -> None:
    assert ("max_artefact_pct", "5.0", "patient", "Rest") not in _found()


def test_who_is_excluded_stays_so_when_a_setting_varies() -> None:
    strict = Analysing(rules=Rules(max_artefact_pct=5.0), sensitivity=STUDY.sensitivity)
    assert _found(strict)["correction", "none", ALL, "Rest"] == pytest.approx((2, 46.0, 5.0))


def test_no_level_without_its_values() -> None:
    table = sensitivity(STUDY, recordings(), phases())
    assert set(table["choice"]) == {MAIN, "max_artefact_pct"}


def test_the_order_of_rows_changes_no_bit() -> None:
    forth = sensitivity(STUDY, recordings(), phases(), varied("correction", "none", 0.1))
    back = sensitivity(STUDY, recordings()[::-1], phases()[::-1], varied("correction", "none", 0.1)[::-1])
    assert forth.equals(back)


def test_pulses_and_hearts_stay_apart() -> None:
    rows = recordings()
    rows[0]["beat_source"] = "pp"
    table = sensitivity(Analysing(), rows)
    whole = table[(table["group"] == ALL) & (table["feature"] == "rmssd_ms")]
    assert dict(zip(whole["beats"], whole["n"], strict=True)) == {"heart": 3, "pulse": 1}


def test_nothing_analysed_is_an_empty_table() -> None:
    assert list(sensitivity(STUDY, recordings()[-1:]).columns) == list(COLUMNS)
    assert len(sensitivity(STUDY, recordings()[-1:])) == 0


def test_withheld_values_are_those_of_the_signal() -> None:
    table = phases().assign(scl_us=3.0)
    kept = withheld(table, exclusions(recordings(), Rules(max_artefact_pct=5.0)))
    assert kept["rmssd_ms"].notna().tolist() == 4 * [True] + 4 * [False]
    assert kept["scl_us"].notna().all()
    assert table["rmssd_ms"].notna().all()
