"""Where a session's values come from: only the same sensors, site and posture are comparable."""

from __future__ import annotations

from dataclasses import astuple, dataclass

from pipeline.progress.session_records import SessionValues

# What every protocol asks for, and so what is taken for a session in which nobody said otherwise.
_POSTURE = "sitting"


@dataclass(frozen=True, slots=True)
class Origin:
    """What has to be the same: kind of signal, device, site, posture."""

    source: str | None
    device: str | None
    site: str | None
    posture: str

    @property
    def label(self) -> str:
        """It in words, as data: names of sensors and sites."""
        return ", ".join(part for part in astuple(self) if part)


def origin(session: SessionValues, *, of_skin: bool) -> Origin:
    """Where a session's heart values come from, or those of its skin."""
    posture = session.conditions.get("posture") or _POSTURE
    if of_skin:
        return Origin("eda", session.eda_device, session.eda_site, posture)
    return Origin(session.beat_source, session.device, None, posture)
