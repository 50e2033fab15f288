"""Phases for a recording in which none were named: a reference to hold the rest against, and the rest.

The reference is the first five valid minutes after settling, never a statistic of the whole recording:
that would compare a stress with itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

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
            f"{_clock(reference.start_s)} to {_clock(reference.end_s)} (name phases with --phases FILE)"
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
