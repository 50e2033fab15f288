"""Five lines to paste: no more, no fewer, no markup, whatever people wrote."""

from dataclasses import replace

import pytest

from pipeline.analysis import analyse
from pipeline.model import Recording
from pipeline.report.context import Context
from pipeline.report.model import session_report
from tests.pipeline.report.known import known
from tests.pipeline.report.recordings import GUIDED, beats, conductance, recording

LONG = "a\nlong\r\nname\twith <b>breaks</b> " * 300


def _lines(made: Recording, context: Context | None = None) -> tuple[str, ...]:
    return session_report(analyse(made), context or Context()).record


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(recording(), id="guided"),
        pytest.param(recording(phases=()), id="no phases"),
        pytest.param(recording(phases=GUIDED[1:]), id="no baseline"),
        pytest.param(recording(streams={"eda": conductance(840.0)}), id="no heart"),
        pytest.param(recording(40.0, streams={"rr": beats(40.0)}, phases=(), ratings=()), id="40 s"),
        pytest.param(recording(client=LONG, protocol=LONG, recording_id=LONG), id="long names"),
        pytest.param(recording(client=None, started_at=None, protocol=None, sha256=""), id="nothing told"),
    ],
)
def test_five_lines_without_a_break_in_any(made: Recording) -> None:
    lines = _lines(made)
    assert len(lines) == 5
    assert all(
        line and not set(line) & set("\n\r\t\x0b\x0c\x00") and "  " not in line and len(line) <= 700
        for line in lines
    )


def test_who_how_sure_what_was_seen_and_said() -> None:
    who, usable, found, distress, limits = _lines(recording())
    assert who == "a-014, 1 March 2026, 09:05 (UTC+00:00): Guided session, 14\u00a0min."
    assert usable.startswith("Usable heartbeats cover ")
    assert found.startswith("Heart rate rose by ")
    assert distress.startswith("Distress, rated 0 to 10 (2 times): first 2, last 7.5.")
    assert limits.startswith("Signs of arousal, not a diagnosis; hormones are not measured. vagal ")
    assert limits.endswith("data abababababab.")


def test_a_share_left_within_a_very_wide_interval_is_not_for_a_record() -> None:
    analysis = analyse(recording())
    assert "of the rise of skin conductance level" in session_report(analysis, Context()).record[2]
    vague = tuple(replace(each, share_left=1.6, low=0.7, high=5.2) for each in analysis.recovery)
    assert "left" not in session_report(replace(analysis, recovery=vague), Context()).record[2]


def test_a_simulated_session_says_so() -> None:
    assert _lines(recording(simulated=True))[0].endswith("SIMULATED DATA.")


def test_nothing_of_what_is_entered_is_in_it() -> None:
    assert "PHQ" not in " ".join(_lines(recording(), known()))
