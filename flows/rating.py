"""`vagal review --agreement`: how far each two raters agree, over the recordings that both have looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from flows.review_items import Item
from pipeline.agreement import Agreement, Overlap, until, whole_seconds
from pipeline.edits import Action, Edits, spans_with
from pipeline.errors import UsageError
from pipeline.model import Bools, Recording
from pipeline.parameters import Parameters
from pipeline.preparation import labelled_beats, with_beats
from pipeline.spans import Stretches


@dataclass(frozen=True, slots=True)
class Compared:
    """How two raters agree: on beat intervals, on seconds of skin conductance, and by spans left out by hand.

    `software` is how many of the intervals the software leaves out by itself.
    """

    beats: Agreement
    seconds: Agreement
    spans: Overlap
    software: int = 0

    def __add__(self, other: Compared) -> Compared:
        return Compared(
            self.beats + other.beats,
            self.seconds + other.seconds,
            self.spans + other.spans,
            self.software + other.software,
        )


def compared(recording: Recording, edits: Edits, first: str, second: str) -> Compared:
    """Two raters of one recording, up to where both had looked; all of it if they did not say."""
    recording = replace(with_beats(recording), edits=None)
    raters = (first, second)
    said = [edits.by[who].reviewed_s for who in raters if edits.by[who].reviewed_s > 0]
    until_s = min([*said, recording.duration_s])
    beats, software = Agreement(), 0
    if (own := labelled_beats(recording, Parameters())) is not None:
        seen = own.time_s <= until_s
        out = [~_nn_by(recording, edits.of(who))[seen] for who in raters]
        beats, software = Agreement.of(*out), int(np.count_nonzero(~own.nn[seen]))
    seconds, overlap = Agreement(), Overlap()
    if "eda" in recording.streams:
        spans = [_left_out(edits.of(who), until_s) for who in raters]
        seconds = Agreement.of(*(whole_seconds(each, until_s) for each in spans))
        overlap = Overlap.of(*spans)
    return Compared(beats, seconds, overlap, software)


def _nn_by(recording: Recording, edits: Edits) -> Bools:
    beats = labelled_beats(replace(recording, edits=edits), Parameters())
    assert beats is not None
    return beats.nn


def _left_out(edits: Edits, until_s: float) -> Stretches:
    return until(Stretches.of(spans_with(edits.marks, Action.EXCLUDE)), until_s)


def agreement_lines(items: Sequence[Item]) -> Iterator[str]:
    """Each pair of raters, over all recordings that both have looked at.

    Raises UsageError where no two raters have looked at one.
    """
    found: dict[tuple[str, str], Compared] = {}
    counts: dict[tuple[str, str], int] = {}
    for item in items:
        edits = item.edits()
        pairs = list(combinations(sorted(edits.by), 2))
        recording = item.read() if pairs else None
        for pair in pairs:
            assert recording is not None
            each = compared(recording, edits, *pair)
            found[pair] = found[pair] + each if pair in found else each
            counts[pair] = counts.get(pair, 0) + 1
    if not found:
        raise UsageError("no recording was reviewed by two raters yet: vagal review ... --rater NAME")
    for pair, total in found.items():
        yield from _pair_lines(pair, counts[pair], total)


def _pair_lines(pair: tuple[str, str], recordings: int, total: Compared) -> Iterator[str]:
    noun = "recording" if recordings == 1 else "recordings"
    yield f"{pair[0]} and {pair[1]}: {recordings} {noun}, up to where both had looked"
    if total.beats.n:
        alone = f"by the software alone {100 * total.software / total.beats.n:.2f} %"
        yield f"  Beat intervals    {_told(total.beats, pair, 'intervals')}, {alone}"
    if total.seconds.n:
        yield f"  Skin conductance  {_told(total.seconds, pair, 's')} by hand"
        overlap, either_s = _figure(total.spans.jaccard), total.spans.either_s
        yield f"    overlap of spans left out by hand (Jaccard) {overlap}, of {either_s:.0f} s in all"


def _told(agreement: Agreement, pair: tuple[str, str], unit: str) -> str:
    assert agreement.observed is not None
    assert agreement.shares is not None
    first, second = (f"{who} {100 * share:.2f} %" for who, share in zip(pair, agreement.shares, strict=True))
    return (
        f"n {agreement.n} {unit}: agreement {100 * agreement.observed:.2f} %, "
        f"Cohen's kappa {_figure(agreement.kappa)}; left out by {first}, by {second}"
    )


def _figure(value: float | None) -> str:
    return "not defined (nobody left anything out, or everything)" if value is None else f"{value:.2f}"
