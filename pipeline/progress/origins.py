"""Where a session's values come from: only the same sensors, site and posture are comparable."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.language import catalogue, reason, together
from pipeline.progress.session_records import SessionValues

# What every protocol asks for, and so what is taken for a session in which nobody said otherwise.
_POSTURE = "sitting"
_STREAMS = {"ecg": "ecg_rr"}  # a source of beats by the name of its stream, where that is another


@dataclass(frozen=True, slots=True)
class Origin:
    """What has to be the same: kind of signal, device, site, posture."""

    source: str | None
    device: str | None
    site: str | None
    posture: str

    @property
    def label(self) -> str:
        """It in words: what differs anywhere in it has another label."""
        parts = [
            _word(f"streams.{_STREAMS.get(self.source, self.source)}", self.source) if self.source else None,
            self.device,
            _word(f"entries.conditions.eda_site.{self.site}", self.site) if self.site else None,
            _word(f"entries.conditions.posture.{self.posture}", self.posture),
        ]
        return together("grammar.both", [part for part in parts if part])


def origin(session: SessionValues, *, of_skin: bool) -> Origin:
    """Where a session's heart values come from, or those of its skin."""
    posture = session.conditions.get("posture") or _POSTURE
    if of_skin:
        return Origin("eda", session.eda_device, session.eda_site, posture)
    return Origin(session.beat_source, session.device, None, posture)


def _word(key: str, otherwise: str) -> str:
    """What the catalogue has; else the word that was recorded."""
    return reason(key) if key in catalogue().entries else otherwise
