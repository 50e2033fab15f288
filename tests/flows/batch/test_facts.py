"""What is known of a study, in words, by name."""

from __future__ import annotations

from typing import Any

import pytest

from flows.batch.facts import Facts, facts_of, people_columns
from pipeline.exclusions import Rules, Status
from pipeline.heart.spectrum import Detrend, PsdMethod
from pipeline.parameters import Correction, Parameters
from pipeline.parameters_file import Analysing, Level
from tests.flows.batch.study import phases, recordings


def facts(rows: Any = None, **choices: Any) -> Facts:
    return facts_of(recordings() if rows is None else rows, phases(), Analysing(**choices))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("found", "5 recordings of 4 participants"),
        ("groups", "control (2), patient (2)"),
        ("sources", "rr-text (4)"),
        ("flow", "Recordings: 5 found, 1 refused, 4 readable, 4 analysed."),
        ("lengths", "a median of 11.5 min (10 to 13)"),
        ("beat_sources", "a chest strap's or an export's RR intervals (4)"),
        ("pulse_note", ""),
        ("eda_coverage", ""),
        ("skin", ""),
        ("phases", "Rest (4), Task (4)"),
        ("paced", ""),
        ("people_columns", "age"),
        ("edges", ""),
        ("rules", "No recording was excluded by a rule."),
        ("sensitivity", ""),
    ],
)
def test_of_a_small_study(name: str, said: str) -> None:
    assert facts()[name] == said


@pytest.mark.parametrize(
    ("choices", "name", "said"),
    [
        ({"parameters": Parameters(correction=Correction.NONE)}, "correction", "were not corrected"),
        ({"parameters": Parameters(psd=PsdMethod.LOMB)}, "spectrum", "Spectra are Lomb periodograms"),
        ({"parameters": Parameters(detrend=Detrend.NONE)}, "spectrum", "Nothing but the mean was taken out"),
        ({"phase_edges_s": (30.0, 0.0)}, "edges", "the first 30 s and the last 0 s were left off"),
        ({"rules": Rules(10.0, 0.5)}, "rules", "over 10 % of it was not usable"),
        ({"rules": Rules(10.0, 0.5)}, "flow", "one signal was left out of 1 (heart: max_artefact_pct)"),
        ({"sensitivity": (Level("min_coverage", 0.5),)}, "sensitivity", "min_coverage (sensitivity.csv)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_choices_are_told(choices: dict[str, Any], name: str, said: str) -> None:
    assert said in facts(**choices)[name]


def test_of_no_recording_nothing_is_said() -> None:
    nothing = facts_of([], [], Analysing())
    assert nothing["found"] == "0 recordings"
    assert {nothing[name] for name in ("groups", "sources", "lengths", "correction", "spectrum")} == {""}


def test_only_what_was_analysed_is_described() -> None:
    rows = recordings()
    rows[0] |= {"status": Status.EXCLUDED, "beat_source": "ecg"}
    assert facts(rows)["beat_sources"] == "a chest strap's or an export's RR intervals (3)"


def test_the_rarest_of_many_are_counted_together() -> None:
    rows = [row | {"source": f"format-{place % 20:02d}"} for place, row in enumerate(recordings()[:1] * 21)]
    told = facts(rows)["sources"]
    assert told.startswith("format-00 (2), format-01 (1), ")
    assert told.endswith("format-11 (1), 8 others")


def test_columns_of_our_own_are_not_the_people_s() -> None:
    assert people_columns(
        [{"recording_id": "a", "duplicate_of": None, "rmssd_ms": 1.0, "height_cm": "170"}]
    ) == ["height_cm"]
