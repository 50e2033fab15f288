"""The records everything else speaks in: streams, phases, markers, and a recording that holds them.

Time is seconds from the start of the session, on its own rising clock. The unit of a value is in the
name of its column (`rr_ms`, `eda_us`). Absent is None, a missing sample NaN.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.edits import Edits

SCHEMA_VERSION = 1

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

# A stream of beat intervals, and what its source is called; the better first.
BEAT_SOURCES = {"rr": "rr", "ecg_rr": "ecg", "pp": "pp"}

_UNITS = {"ms": "ms", "us": "µS", "bpm": "bpm", "uv": "µV", "c": "°C", "mg": "mg", "au": "a.u.", "pct": "%"}
_CLIENT = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")


def unit_of(column: str) -> str:
    """The unit that a column's name ends in: `eda_us` is in µS."""
    return _UNITS.get(column.rsplit("_", 1)[-1], "")


def client_pseudonym(text: str) -> str:
    """The text itself if it may name a client; else a UsageError that suggests one that may.

    What looks like a person's name is not made into one.
    """
    if _CLIENT.fullmatch(text):
        return text
    near = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:32].rstrip("-")
    suggestion = near if near and re.fullmatch(r"[!-~]+", text) else "client-1"
    raise UsageError(
        f"client {text!r}: use a pseudonym of small letters, digits and hyphens, for example {suggestion!r}"
    )


class PhaseKind(StrEnum):
    """What a stretch of a session is for. Only like kinds are ever compared."""

    SETTLE = "settle"
    BASELINE = "baseline"
    STRESSOR = "stressor"
    RECOVERY = "recovery"
    PACED = "paced"
    REFERENCE = "reference"  # stands in for a baseline where no phase was named
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Pacer:
    """A breathing pacer: breaths per minute and the part of each breath that is inhalation."""

    breaths_per_min: float
    inhale_share: float = 0.4


@dataclass(frozen=True, slots=True)
class Phase:
    """A named stretch of a session; `end_s` is exclusive."""

    name: str
    kind: PhaseKind
    start_s: float
    end_s: float
    strategy: str | None = None
    instruction: str | None = None
    pacer: Pacer | None = None

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s

    @property
    def paced(self) -> bool:
        """Whether breathing was paced, by the kind of phase or by a pacer."""
        return self.kind is PhaseKind.PACED or self.pacer is not None


@dataclass(frozen=True, slots=True)
class Marker:
    """A moment, or with `end_s` a span, that somebody pointed at."""

    time_s: float
    kind: str
    text: str = ""
    end_s: float | None = None


@dataclass(frozen=True, slots=True)
class Rating:
    """A self-report on a named scale, such as distress 0-10."""

    time_s: float
    scale: str
    value: float


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence that somebody wrote down during a session. Kept and shown, never analysed."""

    time_s: float
    text: str


@dataclass(frozen=True, slots=True)
class CheckIn:
    """What a person said of themselves, in their words. Kept and shown, never analysed.

    `when` is "before" or "after" the practice; what was not said is empty.
    """

    time_s: float
    when: str
    feeling: str = ""
    thought: str = ""
    body: str = ""
    did: str = ""


@dataclass(frozen=True, slots=True)
class Gap:
    """Time in which a stream has no samples; `missing` counts them where that is known."""

    start_s: float
    end_s: float
    reason: str
    missing: int | None = None


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """A sensor as it described itself. The serial number is kept only as a keyed hash.

    `description` is what the driver of a self-built sensor can be made of again.
    """

    name: str
    driver: str
    model: str | None = None
    serial_hash: str | None = None
    firmware: str | None = None
    battery_pct: int | None = None
    description: str | None = None


@dataclass(frozen=True)
class Stream:
    """One signal: `time_s` strictly rising, and columns of the same length.

    `rate_hz` is None for an event stream. There a row is one beat, `time_s` the *end* of its interval.
    """

    name: str
    time_s: Floats
    columns: Mapping[str, NDArray[np.float64]]
    rate_hz: float | None = None
    arrival_s: Floats | None = None
    device_time_s: Floats | None = None
    gaps: tuple[Gap, ...] = ()

    def __post_init__(self) -> None:
        assert all(len(column) == len(self.time_s) for column in self.columns.values()), self.name
        assert np.all(np.diff(self.time_s) > 0), f"{self.name}: time does not rise"

    def __len__(self) -> int:
        return len(self.time_s)

    @property
    def value(self) -> Floats:
        """The stream's first column, which is the signal itself."""
        return next(iter(self.columns.values()))

    def between(self, start_s: float, end_s: float) -> Self:
        """The rows with `start_s <= time_s < end_s`."""
        rows = slice(*np.searchsorted(self.time_s, (start_s, end_s)))

        def cut(values: Floats | None) -> Floats | None:
            return None if values is None else values[rows]

        return replace(
            self,
            time_s=self.time_s[rows],
            columns={name: values[rows] for name, values in self.columns.items()},
            arrival_s=cut(self.arrival_s),
            device_time_s=cut(self.device_time_s),
            gaps=tuple(gap for gap in self.gaps if gap.end_s > start_s and gap.start_s < end_s),
        )

    def to_frame(self) -> pd.DataFrame:
        """The stream as a pandas frame, indexed by `time_s`."""
        import pandas as pd

        return pd.DataFrame(dict(self.columns), index=pd.Index(self.time_s, name="time_s"))


@dataclass(frozen=True)
class Recording:
    """A session or an export, ready to be analysed.

    `source` names the format it came from ("session", "empatica-e4", "rr-text"), `sha256` identifies the
    input, `units` tells how a unit was settled, `notices` are sentences a person should read. `edits` are
    marks made by hand afterwards; they mask what they mark.
    """

    recording_id: str
    source: str
    sha256: str
    duration_s: float
    streams: Mapping[str, Stream]
    started_at: datetime | None = None
    client: str | None = None
    protocol: str | None = None
    phases: tuple[Phase, ...] = ()
    markers: tuple[Marker, ...] = ()
    ratings: tuple[Rating, ...] = ()
    check_ins: tuple[CheckIn, ...] = ()
    notes: tuple[Note, ...] = ()
    devices: tuple[DeviceInfo, ...] = ()
    conditions: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    simulated: bool = False
    recovered: bool = False
    edits: Edits | None = None

    @property
    def beats(self) -> Stream | None:
        """The beat intervals, of the best source there is: a strap, ECG, pulses."""
        return next((self.streams[name] for name in BEAT_SOURCES if name in self.streams), None)

    @property
    def beat_source(self) -> str | None:
        """Where the beat intervals come from: "rr" (a strap's own), "ecg" or "pp" (pulses)."""
        return BEAT_SOURCES[self.beats.name] if self.beats is not None else None
