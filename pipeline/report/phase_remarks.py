"""What stands under the tables of phases: what was not recorded, how to read them, and of pacers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.language import text

if TYPE_CHECKING:
    from pipeline.analysis import Analysis
    from pipeline.claims.claim import Claims


def phase_remarks(analysis: Analysis, claims: Claims) -> tuple[str, ...]:
    """Sentences about the tables, the ones that say what is missing first."""
    heart = analysis.beats is not None
    return (
        *([text("phases.no_phases")] if not analysis.phases else []),
        *([text("short.no_heart")] if not heart else []),
        *([text("short.no_skin")] if analysis.eda is None else []),
        *([text("phases.small_print")] if heart else [text("phases.small_print_skin")]),
        *([text("phases.lengths_differ")] if heart else []),
        *([text("phases.from_pulses")] if analysis.recording.beat_source == "pp" else []),
        *(each.text for each in claims.about("pacing")),
    )
