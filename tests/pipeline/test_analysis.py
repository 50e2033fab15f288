"""What an analysis compares, and the rows of its feature table."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.analysis import analyse
from pipeline.model import Pacer, Phase, PhaseKind, Stream
from tests.pipeline.report.recordings import GUIDED, beats, conductance, recording

PACER = Pacer(6.0)


def _paced(phase: Phase) -> Phase:
    return replace(phase, pacer=PACER)


class TestCompared:
    @pytest.mark.parametrize(
        ("phases", "reactions", "recoveries"),
        [
            pytest.param(GUIDED, 4, 4, id="unpaced"),
            pytest.param((GUIDED[0], _paced(GUIDED[1]), GUIDED[2]), 0, 0, id="paced challenge"),
            pytest.param((_paced(GUIDED[0]), *GUIDED[1:]), 0, 0, id="paced baseline"),
            pytest.param((*GUIDED[:2], _paced(GUIDED[2])), 4, 0, id="paced recovery"),
        ],
    )
    def test_paced_is_never_held_against_unpaced(
        self, phases: tuple[Phase, ...], reactions: int, recoveries: int
    ) -> None:
        analysis = analyse(recording(phases=phases))
        assert (len(analysis.reactivity), len(analysis.recovery)) == (reactions, recoveries)

    def test_each_says_which_challenge_it_is_of(self) -> None:
        analysis = analyse(recording())
        assert {each.challenge_start_s for each in (*analysis.reactivity, *analysis.recovery)} == {180.0}


class TestRows:
    def test_a_row_for_each_phase_comes_before_those_of_windows(self) -> None:
        analysis = analyse(recording())
        table = analysis.windows_table().to_pylist()
        assert [row["phase"] for row in table[:4]] == [phase.name for phase in GUIDED]
        assert [row["window_index"] for row in table] == [None] * 4 + list(range(len(analysis.windows)))
        assert analysis.to_frame().shape == (len(table), len(table[0]))

    def test_a_phase_row_is_a_window_that_is_exactly_the_phase(self) -> None:
        analysis = analyse(recording())
        for row, each in zip(analysis.phase_rows(), analysis.phases, strict=True):
            assert (row["start_s"], row["end_s"]) == (each.phase.start_s, each.phase.end_s)
            assert row["mean_hr_bpm"] == each.values.features["mean_hr_bpm"]
        assert set(analysis.phase_rows()[0]) == set(analysis.rows()[0])

    def test_the_windows_of_the_json_are_the_sliding_ones(self) -> None:
        analysis = analyse(recording())
        assert analysis.as_json()["windows"] == analysis.rows()
        assert [row["window_index"] for row in analysis.rows()] == list(range(len(analysis.windows)))

    def test_a_recording_too_short_for_a_window_still_has_its_phases(self) -> None:
        analysis = analyse(recording(200.0, phases=GUIDED[:1], markers=(), ratings=()))
        assert analysis.rows() == []
        assert analysis.windows_table().num_rows == 1

    def test_paced_is_said_with_and_without_a_rate(self) -> None:
        phases = (GUIDED[0], Phase("Slow", PhaseKind.PACED, 180.0, 360.0), _paced(GUIDED[2]))
        rows = analyse(recording(phases=phases)).phase_rows()
        assert [(row["paced"], row["pacer_bpm"]) for row in rows] == [
            (False, None),
            (True, None),
            (True, 6.0),
        ]

    def test_where_breathing_is_not_heard_it_is_taken_from_the_pacer(self) -> None:
        """At 1 breath a minute a window of 300 s, not quite filled, holds 4: too few for what needs 10."""
        rr_ms = np.random.default_rng(1).normal(900, 20, 480)
        streams = {"rr": Stream("rr", np.cumsum(rr_ms) / 1000, {"rr_ms": rr_ms})}
        slow, free = Phase("Slow", PhaseKind.PACED, 0.0, 420.0, pacer=Pacer(1.0)), GUIDED[:1]
        paced, unpaced = (
            analyse(recording(420.0, streams=streams, phases=phases, markers=())).windows[0]
            for phases in ((slow,), free)
        )
        assert paced.null_reasons["hf_ms2"] == "needs 10 breaths, there are 4"
        assert unpaced.features["hf_ms2"] is not None
        assert paced.features["rmssd_ms"] == unpaced.features["rmssd_ms"]


class TestReference:
    def test_sparse_beats_leave_the_reference_to_the_skin(self) -> None:
        streams = {"rr": beats(840.0).between(0.0, 60.0), "eda": conductance(840.0)}
        analysis = analyse(recording(streams=streams, phases=()))
        assert [each.phase.kind for each in analysis.phases][:2] == ["settle", "reference"]
        assert analysis.phases[1].phase.end_s == pytest.approx(420, abs=15)

    def test_the_heart_counts_where_skin_is_absent(self) -> None:
        analysis = analyse(recording(streams={"rr": beats(840.0)}, phases=()))
        assert analysis.phases[1].phase.kind == "reference"
        assert np.sum(analysis.signals.valid_seconds) == pytest.approx(840, abs=40)


def test_without_a_skin_response_that_is_why_there_is_no_amplitude() -> None:
    time_s = np.arange(840 * 4) / 4
    still = Stream("eda", time_s, {"eda_us": 5.0 + 0.001 * time_s}, rate_hz=4.0)
    whole = analyse(recording(streams={"eda": still}, phases=(), ratings=())).whole
    assert whole.features["scr_n"] == 0
    assert {name: whole.null_reasons[name] for name in ("scr_amplitude_us", "scr_rise_s")} == {
        "scr_amplitude_us": "there were no responses",
        "scr_rise_s": "there were no responses",
    }
