"""What can be trusted of a recording: coverage, artefacts by kind, gaps with their reasons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from pipeline.edits import told_edits
from pipeline.language import Reason, reason
from pipeline.model import Recording
from pipeline.signals import Signals
from pipeline.skin.responses import NO_RESPONSE_SEEN, no_response_seen
from pipeline.spans import SpanKind, Stretches, stretches

_LOW_COVERAGE = 0.8
_MANY_ARTEFACTS_PCT = 5.0
_MOSTLY_COLD = 0.5


def quality_of(recording: Recording, signals: Signals) -> dict[str, Any]:
    """What can be trusted: coverage, artefacts by kind, gaps with their reasons, what marks exclude."""
    quality: dict[str, Any] = {"gaps": [], "marked": _marked(recording)}
    for name, stream in recording.streams.items():
        quality["gaps"] += [{"stream": name, **asdict(gap)} for gap in stream.gaps]
    if recording.edits is not None:
        quality["edits"] = told_edits(recording)
    beats, eda = signals.beats, signals.eda
    if beats is not None and recording.beats is not None:
        quality["beats"] = {
            "source": recording.beat_source,
            "intervals": len(beats),
            "coverage": min(1.0, beats.covered_s(0.0, recording.duration_s) / recording.duration_s),
            "artefact_pct": beats.corrected_pct,
            "kinds": {kind.name.lower(): count for kind, count in beats.counts.items()},
        }
    if eda is not None:
        expected = max(recording.duration_s * eda.rate_hz, 1.0)
        quality["eda"] = {
            "coverage": min(1.0, float(np.count_nonzero(eda.valid)) / expected),
            "removed": dict(eda.removed),
            "cold_share": float(np.mean(eda.cold)) if len(eda.cold) else 0.0,
            "responses": 0 if signals.scrs is None else len(signals.scrs),
            "no_response_seen": signals.scrs is not None and no_response_seen(eda, signals.scrs),
        }
    return quality


def _marked(recording: Recording) -> list[dict[str, Any]]:
    """For how long each kind of mark takes which signals out."""
    markers, whole = recording.markers, Stretches.of([(0.0, recording.duration_s)])
    found = []
    for kind in SpanKind:
        signals = sorted(kind.excludes)
        marks = stretches(markers, signals[0], kind)
        if (seconds := float(marks.seconds(whole.start_s, whole.end_s).sum())) > 0:
            found.append({"kind": str(kind), "seconds": seconds, "excludes": [str(each) for each in signals]})
    return found


def quality_warnings(quality: Mapping[str, Any]) -> list[Reason]:
    """What a person should know of it, in sentences."""
    warnings: list[Reason] = []
    heart, skin = quality.get("beats"), quality.get("eda")
    if heart is None:
        warnings.append(reason("reasons.quality.no_heart"))
    elif heart["coverage"] < _LOW_COVERAGE:
        warnings.append(reason("reasons.quality.heart_coverage", percent=100 * heart["coverage"]))
    if heart is not None and heart["artefact_pct"] > _MANY_ARTEFACTS_PCT:
        warnings.append(reason("reasons.quality.artefacts", percent=heart["artefact_pct"]))
    if skin is None:
        warnings.append(reason("reasons.quality.no_skin"))
    elif skin["coverage"] < _LOW_COVERAGE:
        warnings.append(reason("reasons.quality.skin_coverage", percent=100 * skin["coverage"]))
    if skin is not None and skin["no_response_seen"]:
        warnings.append(NO_RESPONSE_SEEN)
    if skin is not None and skin["cold_share"] > _MOSTLY_COLD:
        warnings.append(reason("reasons.quality.cold", percent=100 * skin["cold_share"]))
    return [*warnings, *_told_edits(quality.get("edits"))]


def _told_edits(edits: Mapping[str, Any] | None) -> Iterator[Reason]:
    """Who marked how much by hand."""
    for each in edits["by"] if edits else ():
        who, out, kept = each["who"], each["exclude_intervals"], each["keep_intervals"]
        if out:
            yield reason(f"reasons.edits.excluded.{_form(out)}", count=out, who=who)
        if kept:
            yield reason(f"reasons.edits.kept.{_form(kept)}", count=kept, who=who)
        if each["exclude_eda_s"]:
            yield reason("reasons.edits.excluded_eda", seconds=each["exclude_eda_s"], who=who)
        if each["keep_eda_s"]:
            yield reason("reasons.edits.kept_eda", seconds=each["keep_eda_s"], who=who)
    if edits and edits["unmatched"]:
        yield reason("reasons.edits.unmatched", count=edits["unmatched"])


def _form(count: int) -> str:
    return "one" if count == 1 else "many"
