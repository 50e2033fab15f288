"""What a report needs besides the analysis: who it is for, and what is known from between sessions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.amendments import Amendments
from pipeline.claims.claim import Audience
from pipeline.clinic import Clinic
from pipeline.diary import Diary
from pipeline.profile import Profile

if TYPE_CHECKING:
    from pipeline.guidance.psychoeducation import Card
    from pipeline.progress.progress import Progress
    from pipeline.progress.sessions import SessionValues

__all__ = ["Audience", "Context"]


@dataclass(frozen=True, slots=True)
class Context:
    """What is known around a session. `earlier` are the client's sessions before it, the oldest first.

    `card` is the one that goes with what the session showed; without one the client edition has none.
    `progress` is the client's up to and including this session; None where it was not looked at. `troubles`
    tell what could not be read.
    """

    profile: Profile = field(default_factory=Profile)
    clinic: Clinic = field(default_factory=Clinic)
    diary: Diary = field(default_factory=Diary)
    earlier: tuple[SessionValues, ...] = ()
    progress: Progress | None = None
    card: Card | None = None
    amendments: Amendments = field(default_factory=Amendments)
    troubles: tuple[str, ...] = ()
    audience: Audience = Audience.CLINICIAN

    def before(self, *, simulated: bool) -> tuple[SessionValues, ...]:
        """The earlier sessions that count: a simulated one never does for a real one, nor a real for it."""
        return tuple(each for each in self.earlier if each.simulated == simulated)
