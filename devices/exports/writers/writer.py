"""What a writer of an export format is, and what it is given: a session without its identity.

A session goes out under the client's pseudonym and a number. Dates and the session's id, which holds one, go
with it only where they were asked for; a sensor's name or serial number, notes and check-ins never do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pipeline.model import Marker, Recording, Stream

_HOUSEKEEPING = "link"  # a sensor came or went: gaps say that, and do not name it


@dataclass(frozen=True)
class Outgoing:
    """A session on its way out: `number` among its client's, from 1; whether `dates` go with it."""

    recording: Recording
    number: int
    dates: bool = False

    @property
    def client(self) -> str:
        return self.recording.client or "client"

    @property
    def name(self) -> str:
        """How files of this session begin, where all lie in one folder."""
        simulated = "_simulated" if self.recording.simulated else ""
        return f"{self.client}_session-{self.number:02d}{simulated}"

    @property
    def started_at(self) -> datetime | None:
        """The start, if dates go out."""
        return self.recording.started_at if self.dates else None

    @property
    def session_id(self) -> str | None:
        """The id, if dates go out: it holds one."""
        return self.recording.recording_id if self.dates else None

    @property
    def markers(self) -> tuple[Marker, ...]:
        """The markers, without those that only say that a sensor came or went."""
        return tuple(marker for marker in self.recording.markers if marker.kind != _HOUSEKEEPING)

    @property
    def streams(self) -> tuple[Stream, ...]:
        """The streams that hold anything."""
        return tuple(stream for stream in self.recording.streams.values() if len(stream))

    @property
    def sampled(self) -> tuple[Stream, ...]:
        """Streams that are sampled at a rate."""
        return tuple(stream for stream in self.streams if stream.rate_hz)

    @property
    def events(self) -> tuple[Stream, ...]:
        """Streams of single values, beats above all."""
        return tuple(stream for stream in self.streams if not stream.rate_hz)


@dataclass(frozen=True, slots=True)
class Exported:
    """One file of an export: its path, relative and with slashes, and its content."""

    path: str
    content: bytes


class Writer(Protocol):
    """One export format: `name` is what `--to` takes."""

    name: str

    def files(self, session: Outgoing) -> Iterator[Exported | str]:
        """The files of one session, and a sentence on each thing of it that the format can't hold.

        Raises InsufficientDataError if it holds nothing for this format.
        """

    def around(self, sessions: Sequence[Outgoing]) -> Iterator[Exported]:
        """The files that all sessions share; theirs are without streams here."""


def is_beats(stream: Stream) -> bool:
    """Whether a stream is of beat intervals, from a heart or a pulse."""
    return next(iter(stream.columns)) in ("rr_ms", "pp_ms")


def one_line(text: str) -> str:
    """A text without line ends, tabs and other signs that end a cell."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
