"""Stretches of time and the table of their values."""

from dataclasses import fields

import numpy as np
import pytest

from pipeline.floors import Basis
from pipeline.model import Marker, Pacer, Phase, PhaseKind
from pipeline.values import NOT_DEFINED, Values, spans, withheld

PHASES = (
    Phase("Rest", PhaseKind.BASELINE, 0.0, 100.0),
    Phase("Slow", PhaseKind.PACED, 100.0, 200.0, pacer=Pacer(6.0)),
    Phase("Own pace", PhaseKind.PACED, 200.0, 300.0),
)
TALKING = Marker(120.0, "talking", end_s=150.0)


@pytest.mark.parametrize(
    ("start_s", "end_s", "paced", "pacer_bpm"),
    [
        (0.0, 100.0, False, np.nan),
        (100.0, 200.0, True, 6.0),
        (110.0, 170.0, True, 6.0),
        (50.0, 110.0, True, np.nan),
        (150.0, 250.0, True, np.nan),
        (200.0, 300.0, True, np.nan),
        (300.0, 400.0, False, np.nan),
    ],
)
def test_paced_if_any_part_was(start_s: float, end_s: float, paced: bool, pacer_bpm: float) -> None:
    found = spans(np.array([start_s]), np.array([end_s]), PHASES)
    assert found.paced.tolist() == [paced]
    assert found.pacer_bpm == pytest.approx([pacer_bpm], nan_ok=True)


def test_speaking_where_somebody_marked_it() -> None:
    start_s = np.array([0.0, 60.0, 130.0, 151.0, 200.0])
    found = spans(
        start_s,
        start_s + 60.0,
        PHASES,
        (TALKING, Marker(10.0, "note", "talking"), Marker(240.0, "span", "Speaking", end_s=250.0)),
    )
    assert found.speaking.tolist() == [False, False, True, False, True]


def test_a_value_is_given_only_where_it_can_be() -> None:
    where = spans(np.zeros(3), np.array([300.0, 300.0, 30.0]))
    held = {field.name: np.full(3, 290.0) for field in fields(Basis)}
    basis = Basis(**held | {"duration_s": where.duration_s, "corrected_pct": np.zeros(3)})
    found = {"rmssd_ms": np.array([40.0, np.inf, 41.0]), "beats": np.array([290.0, 280.0, np.nan])}
    table = withheld(where, found, basis, {"beats": {2: "no beat came"}})
    assert list(table) == [
        Values(0.0, 300.0, {"beats": 290, "rmssd_ms": 40.0}, {}),
        Values(0.0, 300.0, {"beats": 280, "rmssd_ms": None}, {"rmssd_ms": NOT_DEFINED}),
        Values(
            0.0,
            30.0,
            {"beats": None, "rmssd_ms": None},
            {"beats": "no beat came", "rmssd_ms": "needs 60 s, the window has 30 s"},
        ),
    ]
    assert np.isinf(found["rmssd_ms"][1]), "what was found is left as it was"


def test_opt_in_columns_are_left_out_unless_asked_for() -> None:
    where, basis = spans(np.zeros(1), np.array([300.0])), Basis.of_one(duration_s=300, covered_s=299)
    found = {"lf_hf": np.array([1.5])}
    assert withheld(where, found, basis)[0].features == {}
    assert withheld(where, found, basis, opt_in=True)[0].features == {"lf_hf": 1.5}
