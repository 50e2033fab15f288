"""What is shown, stored and sent of a moment: one thing in three forms, and never an old number."""

import json
import sys
from dataclasses import asdict
from subprocess import run

import numpy as np
import pytest

from pipeline.live.indices import SHOWN_NAMES, LiveIndices, Shown
from pipeline.live.shown import (
    OUTDATED_S,
    WARMING_UP,
    Analysed,
    Comparison,
    Row,
    course_point,
    shown_at,
    shown_facts,
    unanalysed,
    values,
)

SHOWN = Shown(66.1, None, 4.25, 4.0, 2.5, {"rmssd_ms": "needs 60 s, the window has 20 s"})
ROW = Row("Heart rate", "bpm", 0, 60.1, 70.3, 10.2)
ANALYSED = Analysed(
    at_s=95.0,
    upto=1234,
    arousal=57.123456789012345,
    arousal_low=40.0,
    arousal_high=74.0,
    arousal_basis="heart rate, skin level",
    rhythm_concentration=1.1,
    resp_rate_bpm=None,
    table=Comparison("Baseline", "Challenge", 60.0, (ROW,)),
    reasons={"resp_rate_bpm": "no clear breathing rhythm"},
)
KEYS = [
    *("time_s", "phase", "heart_rate_bpm", "rmssd_ms", "eda_us", "scl_us", "scr_per_min", "arousal"),
    *("arousal_low", "arousal_high", "arousal_basis", "rhythm_concentration", "resp_rate_bpm", "resp_source"),
    *("resp_confidence", "analysed_s", "reasons"),
]


def test_what_is_stored_is_flat_and_says_why() -> None:
    facts = shown_facts(100.0, SHOWN, ANALYSED, "Challenge")
    assert list(facts) == KEYS
    assert (facts["heart_rate_bpm"], facts["arousal"], facts["analysed_s"]) == (66.1, ANALYSED.arousal, 95.0)
    assert facts["reasons"] == (
        "rmssd_ms: needs 60 s, the window has 20 s; resp_rate_bpm: no clear breathing rhythm"
    )
    assert json.loads(json.dumps(facts)) == facts


def test_the_keys_are_always_the_same_and_each_missing_value_has_a_reason() -> None:
    nothing = shown_facts(1.0, LiveIndices().at(1.0), unanalysed(WARMING_UP), None)
    assert list(nothing) == KEYS
    told = [each.partition(": ")[0] for each in nothing["reasons"].split("; ")]
    assert told == [*SHOWN_NAMES, "arousal", "rhythm_concentration", "resp_rate_bpm"]
    assert nothing["reasons"].endswith("resp_rate_bpm: warming up")


def test_the_page_gets_what_is_stored() -> None:
    facts, sent = shown_facts(100.0, SHOWN, ANALYSED, None), values(100.0, SHOWN, ANALYSED)
    for name, held in sent.items():
        assert (held["value"] if isinstance(held, dict) else held) == facts[name], name
    assert sent["rmssd_ms"] == {"value": None, "why": "needs 60 s, the window has 20 s"}
    assert sent["arousal"] == {
        "value": ANALYSED.arousal,
        "why": None,
        "low": 40.0,
        "high": 74.0,
        "basis": "heart rate, skin level",
    }
    point = course_point(facts)
    assert {
        name: value for name, value in point.items() if name not in ("low", "high")
    }.items() <= facts.items()
    assert (point["low"], point["high"]) == (40.0, 74.0)


@pytest.mark.parametrize(
    ("later_s", "is_shown"), [(0.0, True), (OUTDATED_S, True), (OUTDATED_S + 0.5, False)]
)
def test_an_old_answer_is_not_shown(later_s: float, is_shown: bool) -> None:
    facts = shown_facts(95.0 + later_s, SHOWN, ANALYSED, None)
    assert (facts["arousal"] is not None) == (facts["analysed_s"] is not None) == is_shown
    assert ("arousal: the analysis has not answered for a while" in facts["reasons"]) != is_shown


@pytest.mark.parametrize("analysed", [ANALYSED, unanalysed("gone"), Analysed(1.5, 2)], ids=str)
def test_an_answer_comes_through_json_as_it_was(analysed: Analysed) -> None:
    assert Analysed.from_facts(json.loads(json.dumps(asdict(analysed)))) == analysed


def test_a_record_of_it_holds_what_it_was_made_of() -> None:
    assert ANALYSED.record == {"at_s": 95.0, "upto": 1234}
    assert unanalysed(WARMING_UP).record == {"why": "warming up"}


def test_a_fault_is_shown_as_one() -> None:
    live = LiveIndices()
    for second in range(5):
        live.feed("a", "rr", {"rr_ms": np.array([800.0])}, float(second), None)
    shown = shown_at(live, None)  # type: ignore[arg-type]
    assert shown == Shown(reasons=dict.fromkeys(SHOWN_NAMES, "live values failed (TypeError)"))


def test_it_is_light() -> None:
    """The recorder imports it before the page is up."""
    heavy = "scipy", "numba", "pandas", "prefect", "pyarrow"
    code = f"import sys, flows.analyst, pipeline.live.shown; print([m for m in {heavy} if m in sys.modules])"
    assert run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
