"""The clinician's page: a session report and its charts, in the order they are read, as one HTML file.

Trust comes before results, a value that can't be had says why, and nothing is fetched from anywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.report.context import Context
from pipeline.report.model import SessionReport, session_report
from pipeline.report.names import heart_words, phase_name
from pipeline.report.pages import environment, style
from pipeline.report.pictures import pictures
from pipeline.report.reading import anchors

if TYPE_CHECKING:
    from pipeline.analysis import Analysis

_STYLES = ("style.css", "session.css")


def render(analysis: Analysis, context: Context | None = None, report: SessionReport | None = None) -> str:
    """The clinician's edition as a self-contained page: no script, no request to anywhere.

    `report` is the session's report where it was made already.
    """
    context = context or Context()
    words = heart_words(analysis.recording.beat_source)
    phases = analysis.recording.phases
    return (
        environment()
        .get_template("template.html.j2")
        .render(
            css="\n".join(style(name) for name in _STYLES),
            told=report or session_report(analysis, context),
            pictures=pictures(analysis, words),
            anchors=anchors(words),
            phase_key=[(place, phase_name(phase)) for place, phase in enumerate(phases, 1)],
            session=analysis.recording.recording_id,
            logo=context.clinic.logo,
        )
    )
