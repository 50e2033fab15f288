"""Which phases are held against each other. A paced one is never held against one that was not."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.model import Phase, PhaseKind


def baseline_of(phases: Sequence[Phase]) -> Phase | None:
    """The unpaced phase that others are held against: the first baseline, else the reference for it.

    One that was given up for another is of no kind any more, see `pipeline.events`; a rest that comes later
    is no baseline, whatever it is called.
    """
    for kind in (PhaseKind.BASELINE, PhaseKind.REFERENCE):
        found = next((phase for phase in phases if phase.kind is kind and not phase.paced), None)
        if found:
            return found
    return None


def following(phases: Sequence[Phase], challenge: Phase) -> Phase | None:
    """The unpaced recovery phase right after a challenge, if there is one."""
    later = [phase for phase in phases if phase.start_s >= challenge.end_s - 1]
    return later[0] if later and later[0].kind is PhaseKind.RECOVERY and not later[0].paced else None
