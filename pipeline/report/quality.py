"""Trust, before any result: what could be used, what was left out and why, where nothing was recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.floors import HRV_MAX_CORRECTED_PCT
from pipeline.heart.beats import BeatKind, Beats
from pipeline.report import figures
from pipeline.report import wording as w
from pipeline.report.axis import Axis
from pipeline.report.charts import Chart, span, spans_of, strip
from pipeline.report.figures import clock, number, percent
from pipeline.report.tables import Table, plain
from pipeline.skin.signal import EdaRule
from pipeline.spans import Signal, stretches

if TYPE_CHECKING:
    from pipeline.analysis import Analysis

_MOST_GAPS = 6
_LONGEST_SPAN_S = 3.0  # a longer interval is no beat's, and draws as one that ends where it does
Spans = list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Trust:
    """Key figures (value, label), the strip of usable time, tables, and what a reader must know.

    `marked` says what people's marks took out; None where they took nothing.
    """

    figures: tuple[tuple[str, str], ...]
    strip: Chart | None
    tables: tuple[Table, ...]
    warnings: tuple[str, ...]
    marked: str | None = None


def trust(analysis: Analysis, axis: Axis) -> Trust:
    """How far the signals of a session can be trusted."""
    tables = (_kinds(analysis.beats), _removed(analysis), _gap_table(analysis))
    warnings = [w.sentence(warning) for warning in dict.fromkeys(analysis.warnings)]
    if analysis.beats is not None and analysis.beats.corrected_pct > HRV_MAX_CORRECTED_PCT:
        warnings.append(w.UNREADABLE_HEART)
    return Trust(
        figures=_key_figures(analysis),
        strip=_strip(analysis, axis),
        tables=tuple(table for table in tables if table is not None),
        warnings=tuple(warnings),
        marked=_marked(analysis),
    )


def _marked(analysis: Analysis) -> str | None:
    marks = [
        w.MARKED_FOR.format(
            seconds=number(mark["seconds"]),
            kind=mark["kind"],
            signals=w.joined([w.SIGNALS[Signal(name)] for name in mark["excludes"]]),
        )
        for mark in analysis.quality.get("marked", ())
    ]
    return w.MARKED.format(marks="; ".join(marks)) if marks else None


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
    shown = [(figures.share(heart["coverage"]) if heart else w.NOT_RECORDED, w.USABLE_BEATS)]
    if beats is not None and len(beats):
        kept = ~beats.excluded
        excluded = number(int(np.count_nonzero(~beats.nn & kept)))
        told = w.EXCLUDED.format(excluded=excluded, all=number(int(np.count_nonzero(kept))))
        shown.append((percent(beats.corrected_pct, 1), told))
    shown.append((figures.share(skin["coverage"]) if skin else w.NOT_RECORDED, w.USABLE_EDA))
    if (artefact := analysis.whole.number("eda_artefact_pct")) is not None:
        shown.append((percent(artefact, 1), w.EDA_ARTEFACT))
    length = clock(_union_s(gaps))
    text = w.NO_GAP if not gaps else w.ONE_GAP if len(gaps) == 1 else w.MANY_GAPS
    return (*shown, (number(len(gaps)), text.format(length=length)))


def _strip(analysis: Analysis, axis: Axis) -> Chart | None:
    rows: list[tuple[str, Spans, Spans]] = []
    beats, eda = analysis.beats, analysis.eda
    if beats is not None:
        rows.append((w.HEART_ROW, _beat_spans(beats, normal=True), _beat_spans(beats, normal=False)))
    if eda is not None:
        rows.append((w.SKIN_ROW, spans_of(eda, eda.valid), spans_of(eda, ~eda.valid)))
    told = " ".join(
        w.USABLE_SHARE.format(signal=name, share=figures.share(part["coverage"]))
        for name, key in ((w.HEART_ROW, "beats"), (w.SKIN_ROW, "eda"))
        if (part := analysis.quality.get(key))
    )
    return strip(axis, rows, told) if rows else None


def _beat_spans(beats: Beats, *, normal: bool) -> Spans:
    rows = (beats.nn == normal) & np.isfinite(beats.interval_ms) & (beats.interval_ms > 0)
    ends = beats.time_s[rows]
    starts = ends - np.minimum(beats.interval_ms[rows] / 1000, _LONGEST_SPAN_S)
    return list(zip(starts.tolist(), ends.tolist(), strict=True))


def _kinds(beats: Beats | None) -> Table | None:
    """Intervals by kind, if any is excluded."""
    if beats is None or not len(beats) or np.all(beats.nn):
        return None
    counts = beats.counts
    rows = [
        [w.KINDS[kind], number(counts[kind]), percent(100 * counts[kind] / len(beats), 1)]
        for kind in BeatKind
        if counts[kind] or kind is BeatKind.NORMAL
    ]
    return plain(w.KINDS_CAPTION, w.KIND_HEAD, rows)


def _removed(analysis: Analysis) -> Table | None:
    """Skin conductance by rule, if any rule took something."""
    if analysis.eda is None:
        return None
    rows = [
        [w.RULES[EdaRule(rule)], percent(100 * taken, 1)]
        for rule, taken in analysis.eda.removed.items()
        if taken > 0
    ]
    return plain(w.RULES_CAPTION, w.RULE_HEAD, rows) if rows else None


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
            w.STREAMS.get(gap["stream"], gap["stream"]),
            str(gap["reason"]).replace("_", " "),
        ]
        for gap in gaps[:_MOST_GAPS]
    ]
    if len(gaps) > _MOST_GAPS:
        left_s = sum(gap["end_s"] - gap["start_s"] for gap in gaps[_MOST_GAPS:])
        rows.append([w.MORE_GAPS.format(count=number(len(gaps) - _MOST_GAPS)), clock(left_s), "", ""])
    return plain(w.GAPS_CAPTION, w.GAP_HEAD, rows, words=True) if rows else None
