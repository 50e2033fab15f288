"""Trust, before any result: what could be used, what was left out and why, where nothing was recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline import figures
from pipeline.figures import NONE, clock, number, percent
from pipeline.floors import HRV_MAX_CORRECTED_PCT
from pipeline.grammar import joined, sentence
from pipeline.heart.beats import BeatKind, Beats
from pipeline.language import Reason, plural, text, texts
from pipeline.report.axis import Axis
from pipeline.report.charts import Chart, span, spans_of, strip
from pipeline.report.names import choice, known, numbered
from pipeline.report.tables import Table, plain
from pipeline.skin.signal import EdaRule
from pipeline.spans import Signal, SpanKind, stretches

if TYPE_CHECKING:
    from pipeline.analysis import Analysis

_MOST_GAPS = 6
_LONGEST_SPAN_S = 3.0  # a longer interval is no beat's, and draws as one that ends where it does
Spans = list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Trust:
    """Key figures (value, label), tables, and what a reader must know.

    `marked` says what people's marks took out; None where they took nothing.
    """

    figures: tuple[tuple[str, str], ...]
    tables: tuple[Table, ...]
    warnings: tuple[str, ...]
    marked: str | None = None


def trust(analysis: Analysis) -> Trust:
    """How far the signals of a session can be trusted."""
    tables = (_by_phase(analysis), _kinds(analysis.beats), _removed(analysis), _gap_table(analysis))
    reasons = list(dict.fromkeys(analysis.warnings))
    unreadable = analysis.beats is not None and analysis.beats.corrected_pct > HRV_MAX_CORRECTED_PCT
    if unreadable:  # which says the same, and more
        reasons = [each for each in reasons if not _is_about_artefacts(each)]
    warnings = [sentence(each) for each in reasons]
    if unreadable:
        warnings.append(text("quality.unreadable_heart"))
    return Trust(
        figures=_key_figures(analysis),
        tables=tuple(table for table in tables if table is not None),
        warnings=tuple(warnings),
        marked=_marked(analysis),
    )


def _is_about_artefacts(warning: str) -> bool:
    return isinstance(warning, Reason) and warning.key == "reasons.quality.artefacts"


def _marked(analysis: Analysis) -> str | None:
    marks = [
        text(
            "quality.marked_for",
            seconds=number(mark["seconds"]),
            kind=choice("marks", SpanKind(mark["kind"])),
            signals=joined([choice("signals", Signal(name)) for name in mark["excludes"]]),
        )
        for mark in analysis.quality.get("marked", ())
    ]
    return text("quality.marked", marks="; ".join(marks)) if marks else None


def marks_of(analysis: Analysis, signal: Signal) -> Spans:
    """The stretches that people's marks take out of a signal."""
    marks = stretches(analysis.recording.markers, signal)
    return list(zip(marks.start_s.tolist(), marks.end_s.tolist(), strict=True))


def gaps_of(analysis: Analysis, *streams: str) -> Spans:
    """The recorded gaps of the first of these streams that there is."""
    stream = next(
        (analysis.recording.streams[name] for name in streams if name in analysis.recording.streams), None
    )
    return [(gap.start_s, gap.end_s) for gap in stream.gaps] if stream is not None else []


def _key_figures(analysis: Analysis) -> tuple[tuple[str, str], ...]:
    heart, skin = analysis.quality.get("beats"), analysis.quality.get("eda")
    beats, gaps = analysis.beats, _gaps(analysis)
    shown = [
        (
            figures.share(heart["coverage"]) if heart else text("page.not_recorded"),
            text("quality.usable_beats"),
        )
    ]
    if beats is not None and len(beats):
        kept = ~beats.excluded
        excluded = number(int(np.count_nonzero(~beats.nn & kept)))
        told = text("quality.excluded", excluded=excluded, all=number(int(np.count_nonzero(kept))))
        shown.append((percent(beats.corrected_pct, 1), told))
    shown.append(
        (figures.share(skin["coverage"]) if skin else text("page.not_recorded"), text("quality.usable_eda"))
    )
    if (artefact := analysis.whole.number("eda_artefact_pct")) is not None:
        shown.append((percent(artefact, 1), text("quality.eda_artefact")))
    length = clock(_union_s(gaps))
    told = plural("quality.gap", len(gaps), length=length) if gaps else text("quality.no_gap")
    return (*shown, (number(len(gaps)), told))


def strip_of(analysis: Analysis, axis: Axis) -> Chart | None:
    """Where the signals can be used; None where there is neither."""
    rows: list[tuple[str, Spans, Spans]] = []
    beats, eda = analysis.beats, analysis.eda
    if beats is not None:
        rows.append(
            (text("quality.heart_row"), _beat_spans(beats, normal=True), _beat_spans(beats, normal=False))
        )
    if eda is not None:
        rows.append((text("quality.skin_row"), spans_of(eda, eda.valid), spans_of(eda, ~eda.valid)))
    told = " ".join(
        text("quality.usable_share", signal=name, share=figures.share(part["coverage"]))
        for name, key in ((text("quality.heart_row"), "beats"), (text("quality.skin_row"), "eda"))
        if (part := analysis.quality.get(key))
    )
    return strip(axis, rows, told) if rows else None


def _beat_spans(beats: Beats, *, normal: bool) -> Spans:
    rows = (beats.nn == normal) & np.isfinite(beats.interval_ms) & (beats.interval_ms > 0)
    ends = beats.time_s[rows]
    starts = ends - np.minimum(beats.interval_ms[rows] / 1000, _LONGEST_SPAN_S)
    return list(zip(starts.tolist(), ends.tolist(), strict=True))


def _by_phase(analysis: Analysis) -> Table | None:
    """How much of each phase can be used, of each signal that was recorded."""
    signals = [
        (key, row)
        for key, row, there in (
            ("nn_coverage", "quality.heart_row", analysis.beats is not None),
            ("eda_coverage", "quality.skin_row", analysis.eda is not None),
        )
        if there
    ]
    rows = [
        [
            numbered(place, each.phase),
            *(
                figures.share(min(value, 1.0)) if (value := each.values.number(key)) is not None else NONE
                for key, _ in signals
            ),
        ]
        for place, each in enumerate(analysis.phases, 1)
    ]
    head = [text("course.phase"), *(text(row) for _, row in signals)]
    return plain(text("quality.by_phase"), head, rows) if rows and signals else None


def _kinds(beats: Beats | None) -> Table | None:
    """Intervals by kind, if any is excluded."""
    if beats is None or not len(beats) or np.all(beats.nn):
        return None
    counts = beats.counts
    rows = [
        [choice("quality.kinds", kind), number(counts[kind]), percent(100 * counts[kind] / len(beats), 1)]
        for kind in BeatKind
        if counts[kind] or kind is BeatKind.NORMAL
    ]
    return plain(text("quality.kinds_caption"), texts("quality.kind_head"), rows)


def _removed(analysis: Analysis) -> Table | None:
    """Skin conductance by rule, if any rule took something."""
    if analysis.eda is None:
        return None
    rows = [
        [choice("quality.rules", EdaRule(rule)), percent(100 * taken, 1)]
        for rule, taken in analysis.eda.removed.items()
        if taken > 0
    ]
    return plain(text("quality.rules_caption"), texts("quality.rule_head"), rows) if rows else None


def _gaps(analysis: Analysis) -> Sequence[Mapping[str, Any]]:
    """The gaps of what the report rests on: one loss of a sensor is not told for each of its streams."""
    beats = analysis.recording.beats
    told = {"eda", *((beats.name,) if beats is not None else ())}
    return [gap for gap in analysis.quality.get("gaps", ()) if gap["stream"] in told]


def _union_s(gaps: Sequence[Mapping[str, Any]]) -> float:
    """The time in which something is missing, be it one signal or two."""
    total_s, reached_s = 0.0, 0.0
    for gap in sorted(gaps, key=lambda gap: float(gap["start_s"])):
        total_s += max(0.0, gap["end_s"] - max(gap["start_s"], reached_s))
        reached_s = max(reached_s, gap["end_s"])
    return total_s


def _gap_table(analysis: Analysis) -> Table | None:
    """The longest gaps and, beyond six, how many more there are."""
    gaps = sorted(_gaps(analysis), key=lambda gap: gap["start_s"] - gap["end_s"])
    rows = [
        [
            span(gap["start_s"], gap["end_s"]),
            clock(gap["end_s"] - gap["start_s"]),
            known("streams", gap["stream"]),
            known("gap_reasons", str(gap["reason"]).replace("_", " ")),
        ]
        for gap in gaps[:_MOST_GAPS]
    ]
    if len(gaps) > _MOST_GAPS:
        left_s = sum(gap["end_s"] - gap["start_s"] for gap in gaps[_MOST_GAPS:])
        rows.append([text("quality.more_gaps", count=number(len(gaps) - _MOST_GAPS)), clock(left_s), "", ""])
    return plain(text("quality.gaps_caption"), texts("quality.gap_head"), rows, words=True) if rows else None
