"""Phases for a recording in which none were named: from its tags and a protocol, or made up.

Made up means a reference to hold the rest against, and the rest.

The reference is the first five valid minutes after settling, sought for ten minutes at most and never past
a tag. A statistic of the whole recording would compare a stress with itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pipeline.errors import InputError
from pipeline.guidance.protocol import Protocol, Step
from pipeline.language import reason
from pipeline.model import Floats, Marker, Phase, PhaseKind, Recording

SETTLE_S = 120.0  # electrodes and person; a quarter of a recording that is shorter than eight minutes
REFERENCE_VALID_S = 300.0
LONGEST_S = 600.0  # with sparse signal a reference would else reach into what it is held against
LEAST_VALID_S = 60.0  # with less a reference carries no index


def with_reference(recording: Recording, valid_s: Floats) -> Recording:
    """The recording with phases made up where it has none, and a notice that says so.

    `valid_s` holds, for each second of the recording, how much of it has usable signal (0 to 1).
    """
    if recording.phases:
        return recording
    phases = made_up_phases(recording.duration_s, _tags(recording.markers), valid_s)
    if phases[0].kind is not PhaseKind.SETTLE:
        told = reason("reasons.reference.none", least_s=LEAST_VALID_S, minutes=LONGEST_S / 60)
    else:
        reference = phases[1]
        told = reason("reasons.reference.found", start=_clock(reference.start_s), end=_clock(reference.end_s))
    return replace(recording, phases=phases, notices=(*recording.notices, told))


def made_up_phases(duration_s: float, tags: Sequence[Marker], valid_s: Floats) -> tuple[Phase, ...]:
    """Settling, reference, and the rest split at the tags; one phase if too little lies in a reference.

    The reference ends at the first of: `REFERENCE_VALID_S` of usable signal, `LONGEST_S`, a tag after
    settling, the end. With less than `LEAST_VALID_S` of usable signal in it there is none.
    """
    settled_s = min(SETTLE_S, duration_s / 4)
    end_s = _reference_end_s(settled_s, duration_s, tags, valid_s)
    if float(np.sum(valid_s[math.ceil(settled_s) : int(end_s)])) < LEAST_VALID_S:
        return (Phase(reason("phase_names.whole_recording"), PhaseKind.OTHER, 0.0, duration_s),)
    head = (
        Phase(reason("phase_names.settling"), PhaseKind.SETTLE, 0.0, settled_s),
        Phase(reason("phase_names.reference"), PhaseKind.REFERENCE, settled_s, end_s),
    )
    return head + _rest(end_s, duration_s, [tag for tag in tags if tag.time_s >= end_s])


def _reference_end_s(settled_s: float, duration_s: float, tags: Sequence[Marker], valid_s: Floats) -> float:
    usable_s = np.cumsum(valid_s[int(settled_s) :])
    enough_s = settled_s + float(np.searchsorted(usable_s, REFERENCE_VALID_S)) + 1
    if not len(usable_s) or usable_s[-1] < REFERENCE_VALID_S:
        enough_s = duration_s
    tag_s = next((tag.time_s for tag in tags if tag.time_s > settled_s), duration_s)
    return min(enough_s, settled_s + LONGEST_S, tag_s, duration_s)


def phases_of(protocol: Protocol, recording: Recording) -> tuple[Phase, ...]:
    """The protocol's steps laid along a recording: each ends after its duration or at its tag.

    Raises InputError if the recording has too few tags, or they do not come in the protocol's order.
    """
    tags = _tags(recording.markers)
    needed = max((step.until_tag or 0 for step in protocol.steps), default=0)
    if len(tags) < needed:
        raise InputError(
            f"{recording.recording_id}: protocol {protocol.name!r} needs {needed} tags, there are "
            f"{len(tags)}: name the phases with --phases FILE"
        )
    phases, at_s = [], 0.0
    for step in protocol.steps:
        end_s = _end_s(step, at_s, tags, recording.duration_s)
        if end_s <= at_s:
            raise InputError(
                f"{recording.recording_id}: step {step.name!r} of {protocol.name!r} would end before it "
                "begins: name the phases with --phases FILE"
            )
        phases.append(Phase(step.name, step.kind, at_s, end_s, step.strategy, step.instruction, step.pacer))
        at_s = end_s
    return tuple(phases)


def _end_s(step: Step, start_s: float, tags: Sequence[Marker], duration_s: float) -> float:
    if step.until_tag is not None:
        return tags[step.until_tag - 1].time_s
    return min(duration_s, start_s + step.duration_s) if step.duration_s is not None else duration_s


def _rest(start_s: float, end_s: float, tags: Sequence[Marker]) -> tuple[Phase, ...]:
    edges = [start_s, *(tag.time_s for tag in tags), end_s]
    names = [tag.text or tag.kind for tag in tags]
    starts = [reason("phase_names.the_reference"), *(name.capitalize() for name in names)]
    ends = [*(name.lower() for name in names), reason("phase_names.the_end")]
    return tuple(
        Phase(
            reason("phase_names.stretch", start=starts[row], end=ends[row]),
            PhaseKind.OTHER,
            edges[row],
            edges[row + 1],
        )
        for row in range(len(edges) - 1)
        if edges[row + 1] - edges[row] >= 1
    )


def _tags(markers: Sequence[Marker]) -> list[Marker]:
    return [marker for marker in markers if marker.kind == "tag"]


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
