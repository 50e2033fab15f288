"""Phases for a recording in which none were named: from its tags and a protocol, or made up.

Made up means a reference to hold the rest against, and the rest.

The reference is the first five valid minutes after settling, never a statistic of the whole recording:
that would compare a stress with itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pipeline.errors import InputError
from pipeline.knowledge import Protocol, Step
from pipeline.model import Floats, Marker, Phase, PhaseKind, Recording

SETTLE_S = 120.0  # electrodes and person; a quarter of a recording that is shorter than eight minutes
REFERENCE_VALID_S = 300.0
_LEAST_S = 60.0  # a shorter reference carries no index


def with_reference(recording: Recording, valid_s: Floats) -> Recording:
    """The recording with phases made up where it has none, and a notice that says so.

    `valid_s` holds, for each second of the recording, how much of it has usable signal (0 to 1).
    """
    if recording.phases:
        return recording
    phases = made_up_phases(recording.duration_s, _tags(recording.markers), valid_s)
    if phases[0].kind is not PhaseKind.SETTLE:
        told = "no phases were named and the recording is too short for a reference"
    else:
        reference = phases[1]
        told = (
            "no phases were named: the reference is the first usable stretch after settling, "
            f"{_clock(reference.start_s)} to {_clock(reference.end_s)}"
        )
    return replace(recording, phases=phases, notices=(*recording.notices, told))


def made_up_phases(duration_s: float, tags: Sequence[Marker], valid_s: Floats) -> tuple[Phase, ...]:
    """Settling, reference, and the rest split at the tags."""
    settled_s = min(SETTLE_S, duration_s / 4)
    reached = settled_s + np.searchsorted(np.cumsum(valid_s[int(settled_s) :]), REFERENCE_VALID_S) + 1
    end_s = min(float(reached), duration_s)
    first_tag_s = next((tag.time_s for tag in tags if tag.time_s > settled_s + _LEAST_S), duration_s)
    end_s = min(end_s, first_tag_s)
    if end_s - settled_s < _LEAST_S:
        return (Phase("Whole recording", PhaseKind.OTHER, 0.0, duration_s),)
    head = (
        Phase("Settling", PhaseKind.SETTLE, 0.0, settled_s),
        Phase("Reference", PhaseKind.REFERENCE, settled_s, end_s),
    )
    return head + _rest(end_s, duration_s, [tag for tag in tags if tag.time_s >= end_s])


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
    names = ["the reference", *(tag.text or tag.kind for tag in tags), "the end"]
    return tuple(
        Phase(f"{names[row]} to {names[row + 1]}".capitalize(), PhaseKind.OTHER, edges[row], edges[row + 1])
        for row in range(len(edges) - 1)
        if edges[row + 1] - edges[row] >= 1
    )


def _tags(markers: Sequence[Marker]) -> list[Marker]:
    return [marker for marker in markers if marker.kind == "tag"]


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
