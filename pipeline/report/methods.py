"""How all was computed: every setting, every formula and its source, what wrote it, the hash of the data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pipeline.features import BY_NAME
from pipeline.figures import NONE, number, shortest
from pipeline.grammar import listed
from pipeline.language import text, text_or, texts
from pipeline.report.names import HeartWords, label
from pipeline.report.phase_tables import HEART, SKIN
from pipeline.report.tables import Table, plain

if TYPE_CHECKING:
    from pipeline.analysis import Analysis

_SOURCES = (
    "billman_2013",
    "boucsein_2012",
    "buchheit_2014",
    "christenfeld_2000",
    "fieller_1954",
    "kleckner_2018",
    "lipponen_2019",
    "satterthwaite_1946",
    "scargle_1982",
    "schaefer_2013",
    "tarvainen_2002",
    "task_force_1996",
    "welch_1967",
)
_OF_RESONANCE = ("capdevila_2021", "shaffer_2020")


def methods(analysis: Analysis, words: HeartWords) -> tuple[tuple[str, str], ...]:
    """Every setting that the values depend on: term and text."""
    chosen = analysis.parameters
    intervals = text("methods.intervals_used", intervals=words.intervals)
    correction = text_or(f"methods.correction.{chosen.correction}", chosen.correction)
    spans = {"window": shortest(chosen.window_s), "step": shortest(chosen.step_s)}
    window = text("methods.windows_used", **spans)
    return (
        (text("methods.values"), text("methods.final")),
        (text("methods.beats"), f"{intervals} {correction}"),
        (text("methods.spectrum"), _spectrum_method(analysis)),
        (text("methods.skin"), text("methods.skin_used", threshold=number(chosen.scr_min_us, 2))),
        *([(text("methods.index"), text("methods.index_used"))] if _has_index(analysis) else []),
        (text("methods.intervals"), text("methods.intervals_of_phases")),
        (text("methods.changes"), text("methods.changes_used")),
        (text("methods.recovery"), text("methods.recovery_used")),
        (text("methods.floors"), text("methods.floors_used")),
        (text("methods.windows"), window),
    )


def origin(analysis: Analysis, written_by: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """What the report was made from, and by what: term and text; hashes last."""
    recording = analysis.recording
    units = [
        text("methods.unit_of", stream=text_or(f"streams.{name}", name), unit=unit)
        for name, unit in recording.units.items()
    ]
    edits = recording.edits.sha256 if recording.edits is not None else ()
    return (
        (text("methods.input"), recording.source),
        *([(text("methods.units"), listed(units, "grammar.and_then"))] if units else []),
        (text("methods.session"), recording.recording_id),
        (text("methods.parameters"), analysis.parameters.hash),
        *((text("methods.edits"), sha256) for sha256 in edits),
        (text("methods.software"), text("methods.written_by", **written_by)),
        (text("methods.sha256"), recording.sha256 or NONE),
    )


def formulas(words: HeartWords) -> Table:
    """How each value of the phase tables is computed, and after whom."""
    rows = [
        [label(each.key, words), each.unit, BY_NAME[each.key].formula, BY_NAME[each.key].source]
        for each in (*HEART, *SKIN)
    ]
    return plain(text("methods.formulas_caption"), texts("methods.formula_head"), rows, words=True)


def sources(analysis: Analysis) -> tuple[str, ...]:
    """The works that the methods rest on, and what the report says of them."""
    works = sorted((*_SOURCES, *(_OF_RESONANCE if analysis.resonance is not None else ())))
    return tuple(text(f"sources.{work}") for work in works)


def _has_index(analysis: Analysis) -> bool:
    indices = analysis.signals.indices
    return indices is not None and indices.reference is not None


def _spectrum_method(analysis: Analysis) -> str:
    if analysis.psd_method is None:
        return text("methods.no_spectrum")
    psd, detrend = str(analysis.psd_method), str(analysis.parameters.detrend)
    return text(
        "methods.spectrum_used",
        psd=text_or(f"methods.psd.{psd}", psd),
        detrend=text_or(f"methods.detrend.{detrend}", detrend),
    )
