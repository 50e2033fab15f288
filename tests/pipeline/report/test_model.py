"""The report as a record, against golden files; `python -m tests.pipeline.report.test_model` writes them."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.analysis import Analysis, analyse
from pipeline.model import CheckIn, Marker, Note, PhaseKind
from pipeline.report.client_page import client_report
from pipeline.report.context import Context
from pipeline.report.model import session_report
from tests.pipeline.report.known import known, released
from tests.pipeline.report.recordings import GUIDED, beats, conductance, recording

GOLDEN = Path(__file__).parent / "golden"
PARTS = (
    "head",
    "trust",
    "record",
    "since_last",
    "said",
    "by_phase",
    "change",
    "recovery",
    "resonance",
    "beside",
    "entered",
    "next_time",
    "sign_off",
    "reading",
    "methods",
    "formulas",
    "sources",
    "origin",
    "claims",
)
ORDER_ONLY = ("reading", "formulas", "sources", "methods")  # alike in every session, or by version


def _bad() -> Analysis:
    """No baseline, no skin conductance, four beats in five unusable, stopped for the person's sake."""
    rough = beats(400.0)
    off = np.random.default_rng(3).choice([0.4, 1.0, 2.4], len(rough), p=[0.4, 0.2, 0.4])
    rough = replace(rough, columns={"rr_ms": rough.columns["rr_ms"] * off})
    return analyse(
        recording(
            400.0,
            streams={"rr": rough},
            phases=(replace(GUIDED[1], start_s=0.0, end_s=180.0),),
            markers=(Marker(100.0, "safety", "unwell"),),
            ratings=(),
            conditions={"medication": "beta-blocker", "caffeine": "within-two-hours"},
        )
    )


@cache
def _analysis(name: str) -> Analysis:
    if name == "bad":
        return _bad()
    return analyse(
        recording(
            notes=(Note(200.0, "laughed"),),
            check_ins=(CheckIn(1.0, "before", "tense", "", "shoulders"),),
            conditions={"posture": "sitting"},
        )
    )


CONTEXTS = {"guided": lambda: released(known()), "bad": Context}


def told(name: str) -> dict[str, Any]:
    """Both editions as plain JSON, without what every report says."""
    analysis, context = _analysis(name), CONTEXTS[name]()
    report = session_report(analysis, context)
    facts = {part: value for part, value in report.as_json().items() if part not in ORDER_ONLY}
    client = client_report(analysis, context, report.claims).as_json()
    plain: dict[str, Any] = json.loads(json.dumps({**facts, "client": client}))
    return plain


@pytest.mark.parametrize("name", CONTEXTS)
def test_is_as_it_was(name: str) -> None:
    assert told(name) == json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))


def test_parts_come_in_the_order_they_are_read() -> None:
    assert tuple(session_report(_analysis("guided"), Context()).as_json()) == PARTS


def test_nothing_drawn_is_in_it() -> None:
    assert "<svg" not in json.dumps(session_report(_analysis("guided"), known()).as_json())


def test_a_draft_until_somebody_released_it() -> None:
    analysis = _analysis("guided")
    assert not session_report(analysis, known()).sign_off.released
    signed = session_report(analysis, released(known())).sign_off
    assert (signed.released, signed.by, signed.day) == (True, "Dr T", "2 March 2026")


def test_no_paced_phase_is_near_or_beside_an_unpaced_baseline() -> None:
    table = session_report(_analysis("guided"), Context()).beside
    assert table is not None
    paced = [p.name for p in _analysis("guided").recording.phases if p.kind is PhaseKind.PACED]
    near = {row.head.partition(" ")[2]: row.cells[3] for group in table.groups for row in group.rows}
    assert all(near[name].reason for name in paced if name in near)


def test_a_pulse_and_no_skin() -> None:
    report = session_report(analyse(recording(streams={"pp": beats(840.0, "pp")})), Context())
    assert report.by_phase.tables[0].caption == "Heart, by phase"
    assert report.reading[-1].id == "pulse"


def test_skin_alone() -> None:
    report = session_report(analyse(recording(streams={"eda": conductance(840.0)})), Context())
    assert "Skin conductance" in report.by_phase.tables[0].caption


def write_golden() -> None:
    GOLDEN.mkdir(exist_ok=True)
    for name in CONTEXTS:
        content = json.dumps(told(name), ensure_ascii=False, indent=1, sort_keys=False)
        (GOLDEN / f"{name}.json").write_text(content + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_golden()
