"""Rules judge each signal; a recording goes if no signal is left; the flow of units adds up."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.exclusions import (
    ALL,
    WITHHELD,
    Exclusion,
    Rules,
    Signal,
    Status,
    Step,
    exclusion_reason,
    exclusions,
    flow,
    wholly_excluded,
    withheld,
)

RULES = Rules(max_artefact_pct=10.0, min_coverage=0.5)


def row(name: str, status: str = Status.ANALYSED, group: str | None = None, **values: Any) -> dict[str, Any]:
    return {"recording_id": name, "status": status, "group": group, **values}


def heart(artefact_pct: float | None = 0.0, nn_coverage: float | None = 1.0) -> dict[str, Any]:
    return {"beat_source": "rr", "artefact_pct": artefact_pct, "nn_coverage": nn_coverage}


@pytest.mark.parametrize(
    ("values", "broken", "gone"),
    [
        (heart(), [], False),
        (heart(10.0, 0.5), [], False),
        (heart(10.1), [("heart", "max_artefact_pct", 10.0, 10.1)], True),
        (heart(5.0, 0.4), [("heart", "min_coverage", 0.5, 0.4)], True),
        (heart(None, None), [], False),
        (heart(float("nan"), float("nan")), [], False),
        (heart(11.0) | {"eda_coverage": 0.9}, [("heart", "max_artefact_pct", 10.0, 11.0)], False),
        (heart() | {"eda_coverage": 0.1}, [("skin", "min_coverage", 0.5, 0.1)], False),
        ({"eda_coverage": 0.1}, [("skin", "min_coverage", 0.5, 0.1)], True),
    ],
)
def test_rules(values: dict[str, Any], broken: list[tuple[Any, ...]], gone: bool) -> None:
    rows = [row("a", **values)]
    found = exclusions(rows, RULES)
    assert [(each.signal, each.rule, each.threshold, each.value) for each in found] == broken
    assert wholly_excluded(rows, found) == ({"a"} if gone else set())


def test_by_default_nothing_is_excluded_and_what_was_not_analysed_breaks_no_rule() -> None:
    assert exclusions([row("a", **heart(99.9, 0.0))], Rules()) == []
    assert exclusions([row("a", Status.FAILED, **heart(99.9, 0.0))], RULES) == []


def test_reasons_are_words() -> None:
    broken = exclusions([row("a", **heart(12.345, 0.4)), row("b", **heart(11))], RULES)
    assert (
        exclusion_reason("a", broken)
        == "heart: max_artefact_pct 10, has 12.3; heart: min_coverage 0.5, has 0.4"
    )


def test_the_flow_of_units() -> None:
    rows = [
        row("a", group="x"),
        row("b", Status.EXCLUDED, group="x", **heart(20.0)),
        row("c", Status.REFUSED),
        row("d", Status.FAILED, group="y"),
    ]
    broken = [Exclusion("b", Signal.HEART, "max_artefact_pct", 10.0, 20.0)]
    steps = flow(rows, broken)
    assert steps[:6] == [
        Step("found", "", ALL, 4),
        Step("refused", "", ALL, 1),
        Step("failed", "", ALL, 1),
        Step("readable", "", ALL, 2),
        Step("excluded", "heart: max_artefact_pct", ALL, 1),
        Step("analysed", "", ALL, 1),
    ]
    assert [step for step in steps if step.group == "y"] == [
        Step("found", "", "y", 1),
        Step("failed", "", "y", 1),
        Step("readable", "", "y", 0),
        Step("analysed", "", "y", 0),
    ]


def test_the_flow_tells_of_recordings_that_keep_one_signal() -> None:
    rows = [row("a", **heart(20.0, 0.1), eda_coverage=0.9), row("b", **heart(), eda_coverage=0.9)]
    assert flow(rows, exclusions(rows, RULES))[-2:] == [
        Step("analysed", "", ALL, 2),
        Step(WITHHELD, "heart: max_artefact_pct", ALL, 1),
    ]


def test_what_an_excluded_signal_takes_with_it() -> None:
    names = withheld([Exclusion("a", Signal.SKIN, "min_coverage", 0.5, 0.1)])
    assert {"scl_us", "scr_per_min", "arousal"} <= names
    assert not {"rmssd_ms", "nn_coverage", "eda_coverage", "recording_id"} & names
    assert withheld([]) == set()


@given(st.lists(st.sampled_from(Status), max_size=12))
def test_it_adds_up(statuses: list[Status]) -> None:
    steps = flow([row(str(place), status) for place, status in enumerate(statuses)], [])
    units = {
        stage: sum(step.units for step in steps if step.stage == stage)
        for stage in (*Status, "found", "readable")
    }
    assert units["found"] == len(statuses) == sum(units[status] for status in Status)
    assert units["readable"] == units["analysed"] + units["excluded"] + units["duplicate"]
